-- How much memory fits take, seen from outside: each in a process of its own, on 154 MB of data.
local latent = require "latent"
local helper = require "helper"

local FITS = {
  "kmeans{ clusters = 8, max_iterations = 3 }",
  "gmm{ components = 8, max_iterations = 2 }",
  "gmm{ components = 8, covariance = 'tied', max_iterations = 2 }",
  "ppca{ latent_dim = 3 }",
}

describe("the memory of a fit", function()
  local path
  local start = [[
    local latent = require "latent"
    local function peak() return tonumber(io.open "/proc/self/status":read "a":match "VmHWM:%s*(%d+)") / 1024 end
  ]]

  lazy_setup(function()
    path = os.tmpname()
    local X = latent.matrix.normal(300000, 64, latent.random(1))
    for i = 1, X.rows, 3 do X:set(i, 1, X(i, 1) + 9) end
    assert(latent.write(path .. ".npy", X))
  end)
  lazy_teardown(function()
    os.remove(path)
    os.remove(path .. ".npy")
  end)

  for _, model in ipairs(FITS) do
    it("is at most 50 MB beyond the data in memory: " .. model, function()
      local output = helper.lua(start .. ([[
        local X = assert(latent.read "%s.npy"):copy()
        local before = peak()
        latent.%s:fit(X)
        print(peak() - before)]]):format(path, model), "LATENT_NUM_THREADS=2")
      assert.is_true(tonumber(output) < 50, output)
    end)

    it("is less than the data of a file: " .. model, function()
      local output = helper.lua(start .. ([[
        latent.%s:fit(assert(latent.open "%s.npy"))
        print(peak())]]):format(model, path), "LATENT_NUM_THREADS=2")
      assert.is_true(tonumber(output) < 150, output)
    end)
  end
end)
