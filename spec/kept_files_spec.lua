-- A file of each kind of model of every release must load for ever, and say of rows what it said
-- then: spec/files/VERSION holds them, as spec/files/make.lua has written them.
local helper = require "helper"
local latent = require "latent"

local releases = {}
for name in helper.run "ls -d spec/files/*/":gmatch "spec/files/([^/\n]+)/" do releases[#releases + 1] = name end

-- Kinds that a release must have a file of: those of its constructors, and of the parts in Lua that are saved.
local function kinds_now()
  local kinds = { classifier = true, em = true }
  for name in pairs(latent) do
    if type(name) == "string" and name:find "^%l" and latent.describe(name) then kinds[name] = true end
  end
  return kinds
end

-- The functions of the model "em", which aren't in a file.
local functions = {
  e_step = function(t, y)
    local hidden = y[1] * t.theta / (2 + t.theta)
    return { a = hidden + y[4], b = y[2] + y[3] }, math.log(2 + t.theta)
  end,
  m_step = function(s) return { theta = s.a / (s.a + s.b) } end,
}

describe("models of a release", function()
  it("are kept of this one, or the one before", function()
    assert.is_true(#releases >= 1)
    local kept = {}
    for name in helper.run(("ls spec/files/%s"):format(releases[#releases])):gmatch "([%w_]+)%.safetensors" do
      kept[name:match "^gmm" or name] = true
    end
    for name in pairs(kinds_now()) do assert.is_true(kept[name], name .. " has no file") end
  end)

  -- C loads and saves them, and what Lua then loads says the same bits. Of Lua's alone are users' functions and groups.
  it("load in C", function()
    local program, copy = helper.program "save", helper.path ".safetensors"
    for _, release in ipairs(releases) do
      local folder = ("spec/files/%s/"):format(release)
      for name, said in pairs(dofile(folder .. "said.lua")) do
        local kind = name:match "^gmm" or name
        if kind ~= "em" and kind ~= "classifier" then
          local path = folder .. name .. ".safetensors"
          local output, ok = helper.run(("%s again %s %s %s"):format(program, kind, path, copy))
          assert.is_truthy(ok, name .. ": " .. output)
          local first, second = assert(latent.load(path)), assert(latent.load(copy))
          if said.method == "sample" then
            assert.is_true((first:sample(3, { seed = 1 })) == (second:sample(3, { seed = 1 })), name)
          else
            local rows = latent.matrix(said.rows)
            assert.is_true((first[said.method](first, rows)) == (second[said.method](second, rows)), name)
          end
        end
      end
    end
    helper.clean()
  end)

  for _, release in ipairs(releases) do
    local folder = ("spec/files/%s/"):format(release)
    for name, said in pairs(dofile(folder .. "said.lua")) do
      it(("load and say what they did: %s %s"):format(release, name), function()
        local model = assert(latent.load(folder .. name .. ".safetensors", name == "em" and functions or nil))
        if name == "em" then -- Rao's maximum, (15 + sqrt 53809)/394
          assert.near((15 + math.sqrt(53809)) / 394, model.parameters.theta, 1e-5)
        elseif said.method == "sample" then
          assert.near_matrix(said.values, (model:sample(3, { seed = 1 })), 1e-5)
        else
          local nets = helper.has(model, "hidden") or name == "vae" or name == "flow"
          assert.near_matrix(said.values, (model[said.method](model, latent.matrix(said.rows))), nets and 1e-5 or 1e-9)
        end
      end)
    end
  end
end)
