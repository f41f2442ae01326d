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
end)
