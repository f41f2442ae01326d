-- Wide mixtures compute in an E-step only the densities that make a difference to responsibilities: the fit must be
-- that of all densities, which the statements of the model (responsibilities, log_likelihood) compute.
local latent = require "latent"
require "helper"
local matrix = latent.matrix

local D, N = 48, 600

-- Three groups, `apart` deviations from each other along each axis.
local function groups(apart)
  local X = matrix.normal(N, D, latent.random(5))
  for i = 1, N do X[i]:assign(X[i] + apart * (i % 3)) end
  return X
end

-- The M-step from responsibilities R, as matrices: N_k / N, the means, the covariances.
local function step(X, R)
  local weights, means, covariances = {}, {}, {}
  for k = 1, R.cols do
    local r = R:col(k)
    local n = r:sum()
    local mean = (r:outer(matrix.ones(D)) % X):sum(1) / n
    local Y = X - mean
    weights[k], means[k], covariances[k] = n / N, mean, (r:outer(matrix.ones(D)) % Y):t() * Y / n
  end
  return weights, means, covariances
end

describe("wide mixtures", function()
  for _, apart in ipairs { 0.05, 0.6, 3 } do -- all pairs matter; some; one a row
    it(("at %g deviations make the step of complete responsibilities"):format(apart), function()
      local X = groups(apart)
      local function fit(iterations)
        return latent.gmm { components = 3, max_iterations = iterations, tolerance = 0, regularization = 0,
          init = { means = X:block(1, 3, 1, D):copy() } }:fit(X)
      end
      local before, after = fit(4), fit(5)
      local R = before:responsibilities(X)
      local weights, means, covariances = step(X, R)
      for k = 1, 3 do
        assert.near(weights[k], after.weights[k], 1e-12)
        assert.near_matrix(means[k], after.means[k], 1e-10)
        assert.near_matrix(covariances[k], after.covariances[k], 1e-9)
      end
      assert.near(before:score(X), after.history[5], 1e-10)
    end)
  end

  it("know labels whatever the densities say", function()
    local X, labels = groups(3), {}
    for i = 1, N do labels[i] = i <= 300 and i % 3 + 1 or 0 end
    labels[7] = 1 -- 7 is of the second group: a density of 0
    local model = latent.gmm { components = 3 }:fit(X, { labels = labels })
    assert.is_true(model.history[#model.history] > -1e4)
    assert.equal(3, #model.weights)
  end)

  it("weighs rows in any unit", function()
    -- 12 columns go by rows or features, 18 by lists, 70 by rows; powers of two scale sums without rounding
    local random = latent.random(3)
    for _, columns in ipairs { 12, 18, 70 } do
      local means = matrix(4, columns, function(k, j) return 20 * math.sin(3.1 * k + j) end)
      local X = matrix(400, columns, function(i, j) return means((i - 1) % 4 + 1, j) + 3 * random:normal() end)
      local gaps = matrix(400, columns, function(i, j) return (i + j) % 9 == 0 and 0 / 0 or X(i, j) end)
      for _, missing in ipairs { false, true } do
        local function fit(make, weight)
          return make():fit(missing and gaps or X, { missing = missing, weights = matrix.ones(400, 1):col(1) * weight })
        end
        local function gmm()
          return latent.gmm { components = 4, max_iterations = 3, tolerance = 0, regularization = 1e-3,
            init = { means = means } }
        end
        local function mppca()
          return latent.mppca { components = 4, latent_dim = 2, max_iterations = 3, tolerance = 0,
            init = { means = means } }
        end
        for _, make in ipairs { gmm, mppca } do
          local one = fit(make, 1)
          for _, unit in ipairs { 2 ^ -66, 2 ^ -110, 2 ^ -300, 2 ^ 300 } do
            local other = fit(make, unit)
            assert.near_matrix(one.means, other.means, 1e-9)
            assert.near_matrix(one.weights, other.weights, 1e-12)
            assert.near(one.history[3], other.history[3], 1e-9)
          end
        end
      end
    end
  end)
end)
