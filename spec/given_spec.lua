-- Models whose parameters are given, not fitted; and fits without iterations.
local latent = require "latent"
local helper = require "helper"

local matrix = latent.matrix
local X = latent.datasets.iris()
local B = X:gt(3)

-- A fitted model of each kind, and the options that give another one its parameters.
local cases = {
  { "kmeans", { clusters = 3 }, function(m) return { init = m.centers } end },
  { "ppca", { latent_dim = 2 }, function(m)
    return { init = { mean = m.mean, W = m.W, noise_variance = m.noise_variance } }
  end },
  { "ppca", { latent_dim = 0 }, function(m)
    return { latent_dim = 0, init = { mean = m.mean, noise_variance = m.noise_variance } }
  end },
  { "fa", { latent_dim = 1 }, function(m)
    return { init = { mean = m.mean, W = m.W, noise_variances = m.noise_variances } }
  end },
  { "fa", { latent_dim = 2, rotation = "promax" }, function(m)
    return { init = { mean = m.mean, W = m.W, noise_variances = m.noise_variances,
      factor_correlations = m.factor_correlations } }
  end },
  { "mppca", { components = 2, latent_dim = 1 }, function(m)
    return { init = { weights = m.weights, means = m.means, W = m.W, noise_variances = m.noise_variances } }
  end },
  { "mppca", { components = 2, latent_dim = 0, noise = "diagonal" }, function(m)
    return { latent_dim = 0, noise = "diagonal",
      init = { weights = m.weights, means = m.means, noise_variances = m.noise_variances } }
  end },
  { "mixture", { components = 2 }, function(m) return { init = { weights = m.weights, means = m.means } } end, B },
  { "mixture", { components = 2, family = "poisson" }, function(m)
    return { family = "poisson", init = { weights = m.weights, rates = m.rates } }
  end, B },
  { "mixture", { components = 2, family = "categorical" }, function(m)
    return { family = "categorical", levels = m.levels, lowest = m.lowest,
      init = { weights = m.weights, probabilities = m.probabilities } }
  end, B },
}
for _, covariance in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
  cases[#cases + 1] = { "gmm", { components = 3, covariance = covariance }, function(m)
    return { covariance = covariance, init = { weights = m.weights, means = m.means, covariances = m.covariances } }
  end }
end

local function values(name, model, data)
  if name == "kmeans" then return model:transform(data) end
  return model:log_likelihood(data)
end

describe("given parameters", function()
  for i, case in ipairs(cases) do
    local name, options, give, data = case[1], case[2], case[3], case[4] or X
    local label = ("%s (case %d)"):format(name, i)

    it(label .. " say the same without a fit, and after a file", function()
      local fitted = latent[name](options):fit(data)
      local given = latent[name](give(fitted))
      assert.near_matrix(values(name, fitted, data), values(name, given, data), 1e-11)
      assert.equal(0, given.iterations)
      assert.is_false(given.converged)
      assert.equal(0, #given.history)
      local path = os.tmpname()
      assert(given:save(path))
      local loaded = assert(latent.load(path))
      os.remove(path)
      assert.near_matrix(values(name, given, data), values(name, loaded, data), 0)
    end)

    it(label .. " are what a fit of no iterations leaves", function()
      local fitted = latent[name](options):fit(data)
      local how = give(fitted)
      how.max_iterations = 0
      if name == "ppca" then how.method = "em" end
      local left = latent[name](how):fit(data)
      assert.equal(0, left.iterations)
      assert.equal(0, #left.history)
      -- a fa whose factors correlate is written with independent ones
      assert.near_matrix(values(name, fitted, data), values(name, left, data), 1e-10)
      for _ in latent[name](how):steps(data) do error "no iteration was wanted" end
    end)
  end

  it("serve pca, which has no start", function()
    local fitted = latent.pca { latent_dim = 2, standardize = true, whiten = true }:fit(X)
    local given = latent.pca { whiten = true, init = { mean = fitted.mean, components = fitted.components,
      eigenvalues = fitted.eigenvalues, deviation = fitted.deviation, total_variance = fitted.total_variance } }
    assert.near_matrix(fitted:transform(X), given:transform(X), 0)
    assert.near_matrix(fitted.explained_ratio, given.explained_ratio, 1e-15)
    local plain = latent.pca { init = { mean = { 1, 2 }, components = { { 1 }, { 0 } }, eigenvalues = { 3 } } }
    assert.near_matrix({ { 4 } }, plain:transform { { 5, 7 } }, 0)
    assert.near_matrix({ 1 }, plain.explained_ratio, 0)
  end)

  it("have closed forms: a Gaussian that nobody has fitted", function()
    local g = latent.gmm { init = { means = { { 1, -1 } }, covariances = { { { 4, 0 }, { 0, 9 } } } } }
    local expected = -math.log(2 * math.pi) - math.log(6) - 0.5 * (1 / 4 + 4 / 9)
    assert.near(expected, g:log_likelihood { 2, 1 }, 1e-15)
    assert.near_matrix({ 1 }, g.weights, 0)
    local p = latent.ppca { init = { mean = { 0, 0 }, W = { { 1 }, { 1 } }, noise_variance = 0.5 } }
    assert.near_matrix({ 2 / 2.5 }, p:transform { 1, 1 }, 1e-15) -- W'x / (W'W + s2)
  end)

  it("are what partial_fit and EM go on from", function()
    local fitted = latent.gmm { components = 3 }:fit(X)
    local given = latent.gmm { init = { weights = fitted.weights, means = fitted.means,
      covariances = fitted.covariances } }
    given:partial_fit(X)
    assert.near_matrix(fitted.means, given.means, 1e-3)
    local again = latent.ppca { method = "em", init = { mean = { 5, 3, 3, 1 }, W = { { 1 }, { 0 }, { 1 }, { 1 } },
      noise_variance = 1 } }:fit(X)
    assert.near_matrix(latent.ppca { latent_dim = 1 }:fit(X).W, again.W, 1e-5)
  end)

  it("are only a start when some are missing", function()
    local g = latent.gmm { init = { means = { { 1, 2 } } } }
    helper.fails("gmm:log_likelihood: the model is not fitted yet", g.log_likelihood, g, { { 1, 2 } })
  end)

  it("go with each other and with the options, or raise", function()
    for _, case in ipairs {
      { "ppca: init is without mean", "ppca", { init = { W = { { 1 }, { 2 } } } } },
      { "ppca: init must be a table of parameters, got number", "ppca", { init = 3 } },
      { "ppca: unknown option 'w', did you mean 'W'?", "ppca", { init = { w = 1 } } },
      { "ppca: init.W is a 3x2 matrix, it should be 3x1", "ppca",
        { latent_dim = 1, init = { mean = { 0, 0, 0 }, W = { { 1, 0 }, { 0, 1 }, { 1, 1 } }, noise_variance = 1 } } },
      { "ppca: init.W is 2x2; there are fewer latent dimensions than columns", "ppca",
        { init = { mean = { 0, 0 }, W = { { 1, 0 }, { 0, 1 } }, noise_variance = 1 } } },
      { "ppca: init.noise_variance is -1", "ppca", { init = { mean = { 0, 0 }, W = { { 1 }, { 0 } },
        noise_variance = -1 } } },
      { "ppca: latent_dim is 0, so there is no init.W", "ppca", { latent_dim = 0, init = { mean = { 0, 0 },
        W = { { 1 }, { 0 } }, noise_variance = 1 } } },
      { "fa: init.noise_variances[3] is -1", "fa", { init = { mean = { 0, 0, 0 }, W = { 1, 2, 3 },
        noise_variances = { 1, 1, -1 } } } },
      { "fa: init.factor_correlations are none", "fa", { init = { mean = { 0, 0 }, W = { 1, 2 },
        noise_variances = { 1, 1 }, factor_correlations = { { 2 } } } } },
      { "gmm: init.weights must add up to 1", "gmm", { init = { weights = { .5, .6 }, means = { { 0 }, { 1 } },
        covariances = { { { 1 } }, { { 1 } } } } } },
      { "gmm: init.covariances[1] is a 1x1 matrix, it should be 2x2", "gmm", { init = { means = { { 0, 1 } },
        covariances = { { { 1 } } } } } },
      { "gmm: init.covariances[1] must be symmetric", "gmm", { init = { means = { { 0, 1 } },
        covariances = { { { 1, 0.5 }, { 0, 1 } } } } } },
      { "gmm: init.covariances must be a list of matrices, got number", "gmm", { init = { means = { { 0, 1 } },
        covariances = 1 } } },
      { "mppca: init.W must be a list of 2 matrices, got 1", "mppca", { init = { means = { { 0, 1 }, { 1, 1 } },
        W = { { { 1 }, { 2 } } }, noise_variances = { 1, 1 } } } },
      { "mixture: init.means[1,2] is 2; probabilities are between 0 and 1", "mixture",
        { init = { means = { { 0.5, 2 } } } } },
      { "pca: init is without eigenvalues", "pca", { init = { mean = { 0, 0 }, components = { { 1 }, { 0 } } } } },
      { "pca: init.eigenvalues has an infinity", "pca", { init = { mean = { 0, 0 }, components = { { 1 }, { 0 } },
        eigenvalues = { 1 / 0 } } } },
      { "kmeans: init has 2 rows for 3 clusters", "kmeans", { clusters = 3, init = matrix { { 1, 2 }, { 3, 4 } } } },
    } do
      helper.fails(case[1], latent[case[2]], case[3])
    end
  end)

  it("needn't be given for a fit without iterations", function()
    for _, case in ipairs {
      { "kmeans", { clusters = 3 } }, { "kmeans", { clusters = 3, algorithm = "minibatch" } },
      { "gmm", { components = 2 } }, { "mixture", { components = 2 }, B }, { "mppca", { components = 2 } },
      { "ppca", { method = "em" } }, { "bpca", {} }, { "fa", {} }, { "ica", {} },
    } do
      case[2].max_iterations = 0
      local data = case[3] or X
      local model = latent[case[1]](case[2]):fit(data)
      assert.equal(0, model.iterations, case[1])
      assert.is_false(model.converged, case[1])
      if case[1] ~= "ica" then
        local all = case[1] == "kmeans" and model:predict(data) or model:log_likelihood(data)
        assert.equal(#data, #all)
      end
    end
  end)
end)
