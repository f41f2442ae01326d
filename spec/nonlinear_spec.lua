-- Latent variables behind a net, without an encoder: likelihoods by sampling the prior against closed forms,
-- gradients against differences.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local function with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

describe("latent.nonlinear", function()
  it("has the gradient of differences, for every likelihood", function()
    for k, options in ipairs {
      { sigma = 0.5 }, { variance = "global" }, { variance = "column", activation = "tanh" }, { variance = "pixel" },
      { likelihood = "bernoulli", activation = "silu" }, { likelihood = "continuous_bernoulli" },
      { likelihood = "categorical", levels = 3 },
    } do
      local X = matrix(4, 3, function(i, j) return options.levels and i * j % 3 or (math.sin(i + 2 * j) + 1) / 2 end)
      local model = latent.nonlinear(with({ input_dim = 3, latent_dim = 2, hidden = { 5, 4 }, dtype = "float64",
        samples = 6, seed = k }, options))
      model:loss(X)
      local gradients, h = {}, 1e-5
      for name, G in pairs(model:gradients()) do gradients[name] = G:copy() end
      for name, P in pairs(model:parameters()) do
        for i = 1, P.rows do
          for j = 1, P.cols do
            local value = P(i, j)
            P:set(i, j, value + h)
            local above = model:loss(X)
            P:set(i, j, value - h)
            local below = model:loss(X)
            P:set(i, j, value)
            local slope = (above - below) / (2 * h)
            assert.is_near(slope, gradients[name](i, j), 1e-6 * math.max(1, math.abs(slope)), k .. name)
          end
        end
      end
    end
  end)

  it("estimates log-likelihoods: a Gaussian's, exactly known", function()
    -- x = W z + b + noise, as a net without hidden layers
    local model = latent.nonlinear { input_dim = 2, latent_dim = 1, hidden = {}, sigma = 0.5, dtype = "float64" }
    local P = model:parameters()
    P["decoder.1.weight"]:set(1, 1, 1)
    P["decoder.1.weight"]:set(1, 2, -0.5)
    P["decoder.1.bias"]:set(1, 1, 0.3)
    P["decoder.1.bias"]:set(1, 2, 0)
    local X = model:sample(40, { seed = 2 })
    local C = matrix { { 1.25, -0.5 }, { -0.5, 0.5 } }
    local R = X - matrix { 0.3, 0 }
    local exact = (((R * C:inverse()) % R):sum(2) + (2 * math.log(2 * math.pi) + C:logdet())) * -0.5
    local l, effective = model:log_likelihood(X, { samples = 100000 })
    assert.is_true((l - exact):abs():max() < 0.05, (l - exact):abs():max())
    assert.is_true(effective:min() > 100 and effective:max() < 1e5)
    assert.is_near(l:mean(), model:score(X, { samples = 100000 }), 1e-12)
    -- few draws estimate it from below, in the mean
    local few = 0
    for seed = 1, 200 do few = few + model:log_likelihood(X, { samples = 3, seed = seed }):mean() / 200 end
    assert.is_true(few < exact:mean() - 0.1)
    assert.is_near(-model:loss(X, { samples = 100000 }), exact:mean(), 0.02)
  end)

  it("sums over discrete data to one", function()
    local model = latent.nonlinear { input_dim = 3, latent_dim = 1, hidden = 4, likelihood = "bernoulli", seed = 3,
      dtype = "float64" }
    for _, P in pairs(model:parameters()) do P:set(1, 1, 2) end
    local all = matrix(8, 3, function(i, j) return (i - 1) >> (j - 1) & 1 end)
    assert.is_near(1, model:log_likelihood(all, { samples = 500 }):exp():sum(), 1e-9)
    model = latent.nonlinear { input_dim = 2, latent_dim = 2, hidden = 4, likelihood = "categorical", levels = 3,
      dtype = "float64" }
    all = matrix(9, 2, function(i, j) return j == 1 and (i - 1) % 3 or (i - 1) // 3 end)
    assert.is_near(1, model:log_likelihood(all, { samples = 500 }):exp():sum(), 1e-9)
    local draws = model:sample(100, { seed = 1 })
    assert.is_true(draws:min() >= 0 and draws:max() <= 2)
  end)

  it("has a density that integrates to one", function()
    local small = { input_dim = 1, latent_dim = 1, hidden = 3, seed = 4, dtype = "float64" }
    for _, options in ipairs { { likelihood = "continuous_bernoulli" }, { variance = "pixel" },
      { variance = "column" } } do
      local model = latent.nonlinear(with(small, options))
      local low, high, n = options.likelihood and 0 or -12, options.likelihood and 1 or 12, 4000
      local h = (high - low) / n
      local grid = matrix(n, 1, function(i) return low + (i - 0.5) * h end)
      assert.is_near(1, model:log_likelihood(grid, { samples = 300 }):exp():sum() * h, 1e-5)
    end
  end)

  it("learns a curve in the plane", function()
    local random = latent.random(1)
    local X = matrix.normal(600, 2, random) * 0.05
    for i = 1, 600 do
      local t = random:uniform() * 3
      X:set(i, 1, X(i, 1) + math.cos(t))
      X:set(i, 2, X(i, 2) + math.sin(t))
    end
    local model = latent.nonlinear { input_dim = 2, latent_dim = 1, hidden = { 32, 32 }, activation = "tanh",
      sigma = 0.1, samples = 200, learning_rate = 5e-3, seed = 1 }
    local before = model:score(X)
    model:fit(X, { epochs = 80, batch = 100 })
    local gaussian = latent.ppca { latent_dim = 1 }:fit(X):score(X)
    assert.is_true(model:score(X) > before + 1)
    assert.is_true(model:score(X) > gaussian + 0.5, model:score(X) .. " " .. gaussian)
    assert.is_true(model.history[80] < model.history[1])
    local Y = model:decode { { -1 }, { 0 }, { 1 } }
    for i = 1, 3 do assert.is_near(1, math.sqrt(Y(i, 1) ^ 2 + Y(i, 2) ^ 2), 0.1) end
    assert.is_near(0.01, select(2, model:decode({ { 0 } }, { variance = true }))(1, 1), 1e-6)
  end)

  it("gives the same bits with one and two threads, and goes on from a file", function()
    local X = latent.datasets.digits():block(1, 500) / 16
    local threads = latent.threads()
    finally(function() latent.threads(threads) end)
    local options = { input_dim = 64, latent_dim = 2, hidden = 100, likelihood = "bernoulli", samples = 300, seed = 1 }
    local function run(n)
      latent.threads(n)
      local model = latent.nonlinear(options):fit(X, { epochs = 2 })
      return model, model:log_likelihood(X, { samples = 3000 })
    end
    local one, l1 = run(1)
    local two, l2 = run(2)
    assert.is_true(l1 == l2)
    for name, P in pairs(one:parameters()) do assert.is_true(P == two:parameters()[name]) end
    local path = os.tmpname()
    finally(function() os.remove(path) latent.threads(threads) end)
    assert(latent.nonlinear(options):fit(X, { epochs = 1 }):save(path))
    local again = assert(latent.load(path)):fit(X, { epochs = 1 })
    for name, P in pairs(one:parameters()) do assert.is_true(P == again:parameters()[name]) end
  end)

  it("refuses what it can't use", function()
    helper.fails("nonlinear: the option input_dim is missing", latent.nonlinear, {})
    helper.fails("nonlinear: unknown option 'sample', did you mean 'samples'?", latent.nonlinear,
      { input_dim = 2, latent_dim = 1, sample = 3 })
    local model = latent.nonlinear { input_dim = 2, latent_dim = 1 }
    helper.fails("nonlinear:step: X has 3 columns, the model takes 2", model.step, model, matrix.zeros(2, 3))
    helper.fails("nonlinear:step: X(1,2) is nan", model.step, model, { { 1, 0 / 0 } })
    helper.fails("nonlinear:log_likelihood: X(2,1) is inf", model.log_likelihood, model, { { 1, 0 }, { 1 / 0, 0 } })
    helper.fails("nonlinear:step: samples must be an integer", model.step, model, { { 1, 2 } }, { samples = 0 })
    helper.fails("nonlinear:step: learning_rate must be a finite number > 0", model.step, model, { { 1, 2 } },
      { learning_rate = 0 })
  end)
end)
