-- latent.mixture with a family given as Lua functions.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix
local nan = 0 / 0

local function mixture(components, family, options)
  local all = { components = components, family = family }
  for name, value in pairs(options or {}) do all[name] = value end
  return latent.mixture(all)
end

local function last(model) return model.history[#model.history] end

-- Ones and zeros of two clear classes.
local function binary(N, D)
  local random = latent.random(1)
  return matrix(N, D, function(i, j)
    local p = (i % 3 == 0) == (j % 2 == 0) and 0.8 or 0.3
    return random:uniform() < p and 1 or 0
  end)
end

describe("a family of functions", function()
  -- exponential waiting times
  local exponential = {
    log_density = function(rate, X) return X:col(1) * -rate + math.log(rate) end,
    fit = function(X, r) return r:sum() / (X:col(1) % r):sum() end,
    sample = function(rate, n, seed)
      return (matrix.random(n, 1, latent.random(seed)) * -1 + 1):log() * (-1 / rate)
    end,
    free_parameters = 1,
  }

  it("is fitted as the built-in one is", function()
    local own = {
      log_density = function(p, X)
        local sum = matrix.zeros(X.rows, 1):col(1)
        for d = 1, X.cols do
          sum = sum + X:col(d) * math.log(p[d]) + (X:col(d) * -1 + 1) * math.log(1 - p[d])
        end
        return sum
      end,
      fit = function(X, r)
        local p = {}
        for d = 1, X.cols do p[d] = (X:col(d) % r):sum() / r:sum() end
        return p
      end,
    }
    local X = binary(300, 6)
    local a = mixture(2, own, { tolerance = 1e-12 }):fit(X)
    local b = mixture(2, "bernoulli", { tolerance = 1e-12 }):fit(X)
    local i = a.parameters[1][1] < a.parameters[2][1] and 1 or 2
    assert.is_near(last(b), last(a), 1e-9)
    assert.near_matrix(b.means, { a.parameters[i], a.parameters[3 - i] }, 1e-4)
    assert.are.equal(0, a.drops)
  end)

  it("has the methods", function()
    local model = mixture(2, exponential, { restarts = 3 })
    local random = latent.random(2)
    local X = matrix(400, 1, function(i)
      return -math.log(1 - random:uniform()) * (i % 2 == 0 and 10 or 0.5)
    end)
    local labels = {}
    for i = 1, 400 do labels[i] = i % 2 + 1 end
    model:fit(X, { labels = labels })
    local odd = {}
    for i = 1, 400, 2 do odd[#odd + 1] = i end
    assert.is_near(1 / X:rows_at(odd):mean(), model.parameters[2], 1e-12)
    model:fit(X)
    assert.are.equal(3, model:free_parameters())
    local bound, kl = model:elbo(X)
    assert.near_matrix(model:log_likelihood(X), bound + kl, 1e-10)
    assert.near_matrix(matrix.ones(400, 1):col(1), model:responsibilities(X):sum(2), 1e-12)
    assert.is_near(last(model), model:score(X), 1e-6)
    assert.are.equal(400, #model:predict(X))
    local S, from = model:sample(5000, { seed = 1 })
    assert.are.equal(5000, #from)
    assert.is_near(X:mean(), S:mean(), 1)
  end)

  it("keeps the best start's parameters", function()
    local random = latent.random(8)
    local X = matrix(60, 1, function(i) return -math.log(1 - random:uniform()) * (i % 2 == 0 and 9 or 1) end)
    local model = mixture(3, exponential, { restarts = 6, init = "random", max_iterations = 4, tolerance = 0 }):fit(X)
    local L = model:score(X) -- one M-step later than the last objective
    assert.is_true(L >= last(model) and L < last(model) + 0.05)
  end)

  it("raises what its functions raise, and keeps the last whole iteration", function()
    local X, calls = matrix { { 1 }, { 2 }, { 5 } }, 0
    local model = mixture(1, { log_density = function(rate, Y)
      calls = calls + 1
      if calls == 3 then error "enough" end
      return Y:col(1) * -rate + math.log(rate)
    end, fit = exponential.fit })
    helper.fails("enough", model.fit, model, X)
    assert.is_near(3 / 8, model.parameters[1], 1e-15)
    assert.are.equal(2, model.iterations)
    local function broken(functions, part)
      helper.fails(part, function()
        mixture(2, { log_density = functions.log_density or exponential.log_density,
          fit = functions.fit or exponential.fit }):fit(X)
      end)
    end
    broken({ log_density = function() return matrix { 1, 2 } end },
      "mixture:fit: log_density's result for component 1 has 2 numbers, X has 3 rows")
    broken({ log_density = function() return "no" end }, "log_density's result for component 1 must be")
    broken({ log_density = function() return matrix { 0, nan, 0 } end }, "component 1 is")
    broken({ fit = function() end }, "fit returned nothing for component 1")
    helper.fails("family.fit must be a function, got nil", latent.mixture, { family = { log_density = print } })
  end)

  it("says what it isn't for", function()
    local X = matrix { { 1 }, { 2 }, { 5 }, { 9 } }
    local model = mixture(2, { log_density = exponential.log_density, fit = exponential.fit }):fit(X)
    for part, f in pairs {
      ["use fit"] = function() model:partial_fit(X) end,
      ["X must be a matrix or a mapped file"] = function() model:fit(function() return X end) end,
      ["doesn't say how"] = function() model:impute(X) end,
      ["has no distances"] = function() model:align(model) end,
      ['the family is not "categorical"'] = function() model:column(1) end,
      ["must say its free_parameters"] = function() model:bic(X) end,
      ["has no function sample"] = function() model:sample(3) end,
      ["X has 2 columns, the model was fitted on 1"] = function() model:predict { { 1, 2 } } end,
      ["X has NaN"] = function() model:predict { { nan } } end,
      ["label 3 is 3; labels are integers from 0 (not known) to 2"] = function()
        model:fit(X, { labels = { 1, 2, 3, 0 } })
      end,
      ["a family of functions needs log_density and fit"] = function() mixture(1, "functions") end,
      ["smoothing is not for a family of functions"] = function() mixture(1, exponential, { smoothing = 1 }) end,
    } do
      helper.fails(part, f)
    end
    assert.are.equal(4, #model:log_likelihood(X)) -- it is as it was
  end)
end)
