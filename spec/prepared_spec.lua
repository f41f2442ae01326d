-- What calls about few rows derive from parameters is kept with the model: the same bits as of many rows, and as of a
-- model that has nothing kept yet, whatever happens to the parameters.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local X = matrix.normal(400, 5, latent.random(1))
for i = 1, #X do X[i]:assign(X[i] + (i % 3) * 2) end
local counts = X:gt(1)
local gaps = X:block(1, 20):copy()
for i = 1, 20 do gaps:set(i, i % 5 + 1, 0 / 0) end

local MODELS = {
  { "gmm full", function() return latent.gmm { components = 3 } end, X },
  { "gmm diag", function() return latent.gmm { components = 3, covariance = "diag" } end, X },
  { "gmm tied", function() return latent.gmm { components = 3, covariance = "tied" } end, X },
  { "mppca", function() return latent.mppca { components = 3, latent_dim = 2 } end, X },
  { "ppca", function() return latent.ppca { latent_dim = 2 } end, X },
  { "bpca", function() return latent.bpca {} end, X },
  { "fa", function() return latent.fa { latent_dim = 2 } end, X },
  { "bernoulli", function() return latent.mixture { components = 3 } end, counts },
  { "poisson", function() return latent.mixture { components = 3, family = "poisson" } end, counts },
}

describe("prepared numbers", function()
  for _, case in ipairs(MODELS) do
    local name, make, data = table.unpack(case)

    it(("of %s give the bits of a call about all rows"):format(name), function()
      local model = make():fit(data)
      local all = model:log_likelihood(data)
      for _, i in ipairs { 1, 17, 400 } do assert.equal(all[i], model:log_likelihood(data[i])) end
      assert.is_true(model:log_likelihood(data:block(5, 9)) == all:block(5, 9))
    end)

    it(("of %s follow the parameters"):format(name), function()
      local model = make():fit(data)
      local row = data[3]
      local before = model:log_likelihood(row)
      local path = os.tmpname()
      local parameter
      for _, part in ipairs { "means", "rates", "mean" } do
        if not parameter and helper.has(model, part) then parameter = model[part] end
      end
      local kept = parameter:copy()
      parameter:assign(parameter * 0.5)
      local changed = model:log_likelihood(row)
      assert.is_true(changed ~= before)
      assert(model:save(path))
      local other = assert(latent.load(path)) -- has nothing kept
      os.remove(path)
      assert.equal(other:log_likelihood(row), changed)
      parameter:assign(kept)
      assert.equal(before, model:log_likelihood(row))
      model:fit(data:block(1, 200))
      assert.equal(make():fit(data:block(1, 200)):log_likelihood(row), model:log_likelihood(row))
    end)
  end

  it("are of a kind of request", function()
    for _, make in ipairs { function() return latent.gmm { components = 2 } end,
      function() return latent.ppca { latent_dim = 2 } end, function() return latent.mppca { latent_dim = 2 } end } do
      local model = make():fit(X)
      for _ = 1, 2 do
        for i = 1, 5 do
          local missing = model:log_likelihood(gaps[i], { missing = true })
          assert.equal(make():fit(X):log_likelihood(gaps[i], { missing = true }), missing)
          assert.near(missing, model:log_likelihood(gaps, { missing = true })[i], 1e-12)
          assert.equal(model:log_likelihood(X)[i], model:log_likelihood(X[i]))
        end
      end
    end
    local fa = latent.fa { latent_dim = 2 }:fit(X)
    local regression, bartlett = fa:transform(X), fa:transform(X, { scores = "bartlett" })
    for i = 1, 3 do
      assert.is_true(fa:transform(X[i]) == regression[i])
      assert.is_true(fa:transform(X[i], { scores = "bartlett" }) == bartlett[i])
    end
  end)

  it("are none of parameters that make no density", function()
    local model = latent.gmm { components = 2 }:fit(X)
    model:log_likelihood(X[1])
    model.covariances[2]:fill(-1)
    for _ = 1, 2 do helper.fails("component 2 is not positive definite", model.log_likelihood, model, X[1]) end
    helper.fails("component 2 is not positive definite", model.predict, model, X)
  end)

  it("are kept once", function()
    local model = latent.gmm { components = 3 }:fit(X)
    local row = X[1]:copy()
    local function calls(n) for _ = 1, n do model:predict(row) end end
    calls(10)
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    calls(100)
    local bytes = (collectgarbage "count" - before) * 1024 / 100
    collectgarbage "restart"
    assert.is_true(bytes < 400, ("%g bytes a call"):format(bytes))
  end)
end)
