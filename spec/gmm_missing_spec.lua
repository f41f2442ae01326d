-- Mixtures of Gaussians on rows with missing entries.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local KINDS = { "full", "tied", "diag", "spherical", "tied_diag", "tied_spherical" }
local nan = 0 / 0

-- One EM step from given parameters, row by row with explicit inverses: computed with NumPy 2.4.6 and
-- SciPy's multivariate_normal (SciPy 1.17.1).
local X = matrix { { 1, 2, 0.5 }, { 2, nan, 1 }, { nan, 3, 1.5 }, { 4, 4.5, nan }, { 5, nan, nan }, { 6, 6.5, 2 },
  { 7, 6, 3.5 }, { nan, nan, nan }, { 8, 9, 3 }, { 2.5, 1, 0 } }
local S1 = { { 2, 0.5, 0.2 }, { 0.5, 1.5, 0.3 }, { 0.2, 0.3, 1 } }
local S2 = { { 3, 1, 0.4 }, { 1, 2.5, 0.1 }, { 0.4, 0.1, 1.2 } }
local start = {
  full = { S1, S2 },
  tied = S1,
  diag = { { 2, 1.5, 1 }, { 3, 2.5, 1.2 } },
  spherical = { 2, 3 },
  tied_diag = { 2, 1.5, 1 },
  tied_spherical = 2,
}
local steps = {
  full = {
    total = -37.177398392285,
    weights = { 0.445376830428, 0.554623169572 },
    means = { { 2.09535952413, 2.07595990526, 0.786440757988 },
      { 5.99768081973, 6.25392184173, 2.57785732988 } },
    covariances = { { { 1.16104033684, 0.231236622632, 0.134456935891 },
      { 0.231236622632, 1.0999842869, 0.425792205929 },
      { 0.134456935891, 0.425792205929, 0.441410976973 } },
      { { 2.27569111624, 1.87675700756, 0.602961130789 },
      { 1.87675700756, 2.88044806314, 0.382390071263 },
      { 0.602961130789, 0.382390071263, 0.817576377734 } } },
  },
  tied = {
    total = -37.350056606645,
    weights = { 0.455982550027, 0.544017449973 },
    means = { { 2.09808039334, 2.09417230056, 0.798862849976 },
      { 6.05401768403, 6.32192547164, 2.58870566675 } },
    covariances = { { 1.61386123967, 1.03466840481, 0.361297971159 },
      { 1.03466840481, 1.86818153102, 0.42586192785 },
      { 0.361297971159, 0.42586192785, 0.598408189045 } },
  },
  diag = {
    total = -38.824737253792,
    weights = { 0.443648616231, 0.556351383769 },
    means = { { 2.00768043504, 2.03764588054, 0.757231961101 },
      { 6.04134495522, 6.31057523038, 2.64389115612 } },
    covariances = { { 1.14628230613, 1.09025039826, 0.410360916441 },
      { 2.17946869451, 2.86041087443, 0.802055871619 } },
  },
  spherical = {
    total = -40.941644249936,
    weights = { 0.441935312192, 0.558064687808 },
    means = { { 2.03081469126, 2.05538485086, 0.750841798598 },
      { 6.04694644218, 6.2949169654, 2.62950365016 } },
    covariances = { 1.01813347034, 2.28239776993 },
  },
  tied_diag = {
    total = -39.113803072771,
    weights = { 0.455654415821, 0.544345584179 },
    means = { { 2.01036956969, 2.0673474556, 0.773203783931 },
      { 6.0636186932, 6.37175634827, 2.66898996786 } },
    covariances = { 1.603125395778, 1.835996178979, 0.568023052219 },
  },
  tied_spherical = {
    total = -40.521105132085,
    weights = { 0.45202423957, 0.54797576043 },
    means = { { 2.03152190599, 2.07714477398, 0.762872385922 },
      { 6.07567690925, 6.33995654092, 2.65195509067 } },
    covariances = 1.5223638571193,
  },
}

local function thinned(X0, share, seed)
  local rng, Y = latent.random(seed), X0:copy()
  for i = 1, Y.rows do
    for j = 1, Y.cols do if rng:uniform() < share then Y[i][j] = nan end end
  end
  return Y
end

describe("gmm with missing entries", function()
  for _, covariance in ipairs(KINDS) do
    it("takes the EM step of the marginal likelihood: " .. covariance, function()
      local model = latent.gmm { covariance = covariance, max_iterations = 1, init = {
        weights = { 0.4, 0.6 }, means = { { 2, 2, 1 }, { 6, 6, 2.5 } }, covariances = start[covariance] } }
      model:fit(X, { missing = true })
      local expected = steps[covariance]
      assert.near(expected.total / 10, model.history[1], 1e-11)
      assert.near_matrix(expected.weights, model.weights, 1e-10)
      assert.near_matrix(expected.means, model.means, 1e-9)
      local S = covariance == "full" and { model.covariances[1]:table(), model.covariances[2]:table() }
        or model.covariances
      if covariance == "tied_spherical" then S, expected = { S }, { covariances = { expected.covariances } } end
      assert.near_matrix(expected.covariances, S, 1e-9)
    end)

    it("gets more likely with every iteration: " .. covariance, function()
      local iris = thinned(latent.datasets.iris(), 0.25, 3)
      local model = latent.gmm { components = 3, covariance = covariance, tolerance = 0, max_iterations = 40 }
      model:fit(iris, { missing = true })
      for i = 2, 40 do assert.is_true(model.history[i] >= model.history[i - 1] - 1e-12) end
      assert.equal(0, model.drops)
    end)

    it("without a missing entry is the complete fit: " .. covariance, function()
      local iris = latent.datasets.iris()
      local options = { components = 3, covariance = covariance, max_iterations = 30, tolerance = 0 }
      local complete, marked = latent.gmm(options):fit(iris), latent.gmm(options):fit(iris, { missing = true })
      assert.near_matrix(complete.history, marked.history, 1e-12)
      assert.near_matrix(complete.means, marked.means, 1e-10)
    end)

    it("adds 0 for a row of which everything is missing: " .. covariance, function()
      local iris = latent.datasets.iris()
      local model = latent.gmm { components = 3, covariance = covariance }:fit(iris)
      local none = matrix { { nan, nan, nan, nan } }
      assert.near(0, model:log_likelihood(none, { missing = true })[1], 1e-14)
      assert.near_matrix(model.weights, model:responsibilities(none, { missing = true })[1], 1e-14)
      assert.near_matrix(model.weights:t() * model.means, model:impute(none), 1e-12)
    end)
  end

  it("gets more likely with every iteration where columns are many", function()
    local rng = latent.random(5)
    local wide = matrix.normal(300, 45, rng)
    for i = 1, 150 do wide[i][7] = wide[i][7] + 6 end
    wide = thinned(wide, 0.02, 6)
    local model = latent.gmm { components = 2, regularization = 1e-3, tolerance = 0, max_iterations = 15 }
    model:fit(wide, { missing = true })
    assert.equal(0, model.drops)
    assert.is_true(model.history[15] > model.history[2])
  end)

  it("imputes by conditional means", function()
    local model = latent.gmm { max_iterations = 1, init = { weights = { 0.4, 0.6 },
      means = { { 2, 2, 1 }, { 6, 6, 2.5 } }, covariances = { S1, S2 } } }
    -- the parameters of the start: with a tiny step's result they would be others
    local Y = model:fit(X, { missing = true }):impute(X)
    for i = 1, 10 do
      for j = 1, 3 do if X(i, j) == X(i, j) then assert.equal(X(i, j), Y(i, j)) end end
    end
    local given = model:conditional(matrix { { 2, 1 } }, { 1, 3 })
    assert.near(given.mean(1, 1), Y(2, 2), 1e-12)
    given = model:conditional(matrix { { 5 } }, { 1 })
    assert.near_matrix(given.mean[1], { Y(5, 2), Y(5, 3) }, 1e-12)
  end)

  it("sees the marginal density in what is observed", function()
    local model = latent.gmm { components = 2, init = { means = { { 2, 2, 1 }, { 6, 6, 2.5 } } } }
    model:fit(X, { missing = true })
    local sum, S = 0, model.covariances
    for k = 1, 2 do
      local v, d = S[k](1, 1), 5 - model.means(k, 1)
      sum = sum + model.weights[k] * math.exp(-0.5 * d * d / v) / math.sqrt(2 * math.pi * v)
    end
    assert.near(math.log(sum), model:log_likelihood(X, { missing = true })[5], 1e-12)
    local bound, kl = model:elbo(X, nil, { missing = true })
    assert.near_matrix(model:log_likelihood(X, { missing = true }), bound + kl, 1e-10)
  end)

  it("is the same for one and for two threads", function()
    local rng, before = latent.random(5), latent.threads()
    local data = thinned(matrix.normal(20000, 3, rng), 0.2, 9)
    local function fit(threads)
      latent.threads(threads)
      return latent.gmm { components = 2, max_iterations = 3, tolerance = 0 }:fit(data, { missing = true })
    end
    local one, two = fit(1), fit(2)
    latent.threads(before)
    assert.same(one.history, two.history)
    assert.is_true(one.means == two.means)
  end)

  it("is only for who asks for it, once", function()
    local model = latent.gmm { components = 2 }
    helper.fails("row 2", model.fit, model, X)
    model:fit(X, { missing = true })
    assert.equal(#X, #model:predict(X))
    helper.fails("row 2", model.predict, model, X, { missing = false })
    helper.fails("row 2", model.fit, model, X, { missing = false })
  end)
end)
