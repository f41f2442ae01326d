-- Mixtures of Gaussians: fits, densities, singularities. Numbers of iris and Old Faithful: totals at
-- full convergence, scikit-learn 1.9.1 (reg_covar = 0, tol = 1e-15) and R mclust 6.0.0; those of tied diagonals and
-- spheres, which are mclust's EEI and EII, by EM written out in NumPy 2.4.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local KINDS = { "full", "tied", "diag", "spherical", "tied_diag", "tied_spherical" }

local function converged(X, options)
  options.tolerance, options.max_iterations = 1e-15, 100000
  return latent.gmm(options):fit(X)
end

local function total(model, X) return model:log_likelihood(X):sum() end

-- Two clusters in the plane, and a third beside them.
local function clusters(n)
  local rng = latent.random(7)
  local X = matrix.normal(3 * n, 2, rng)
  for i = 1, 3 * n do
    local k = (i - 1) // n
    X[i][1] = X[i][1] * (0.5 + 0.3 * k) + 4 * k
    X[i][2] = X[i][2] + 0.6 * X[i][1] - 3 * (k % 2)
  end
  return X
end

describe("gmm on published data", function()
  local iris, faithful = latent.datasets.iris(), latent.datasets.faithful()
  local known = { full = -180.1854771313, tied = -256.3540431256, diag = -307.1775715980, spherical = -384.3140950608,
    tied_diag = -361.4255220428, tied_spherical = -401.8021757890 }

  for _, covariance in ipairs(KINDS) do
    it("finds iris' three components: " .. covariance, function()
      local model = converged(iris, { components = 3, covariance = covariance, restarts = 3 })
      assert.is_true(model.converged)
      assert.near(known[covariance], total(model, iris), 1e-6)
      assert.equal(0, #model.events)
      assert.equal(0, model.drops)
    end)
  end

  it("is at least as likely as mclust's on Old Faithful", function()
    local full = converged(faithful, { components = 2 })
    assert.near(-1130.2641, total(full, faithful), 2e-4)
    local diagonal = converged(faithful, { components = 3, covariance = "tied_diag" })
    assert.near(-1133.4553999280, total(diagonal, faithful), 1e-6)
    assert.near_matrix({ 0.07737023, 31.39069603 }, diagonal.covariances, 1e-6)
    local sphere = converged(faithful, { components = 2, covariance = "tied_spherical" })
    assert.near(-1709.6813729497, total(sphere, faithful), 1e-6)
    assert.near(16.50465403, sphere.covariances, 1e-6)
    local tied = converged(faithful, { components = 3, covariance = "tied", restarts = 5 })
    assert.is_true(total(tied, faithful) >= -1126.3262)
    assert.near(-1126.3262, total(tied, faithful), 0.02)
  end)
end)

describe("gmm on published data", function()
  -- BIC of iris, in mclust's sign, for 1, 2 and 3 components, as mclustBIC(iris[, -5]) prints them in mclust's
  -- documentation; it stops earlier, so that its last digits are less
  local published = { tied_spherical = { -1804.0854, -1123.4117, -878.7650 },
    tied_diag = { -1522.1202, -1042.9679, -813.0504 } }
  for covariance, values in pairs(published) do
    it("is at least as good as mclust's on iris: " .. covariance, function()
      local iris = latent.datasets.iris()
      for K, bic in ipairs(values) do
        local found = -converged(iris, { components = K, covariance = covariance }):bic(iris)
        assert.is_true(found >= bic - 1e-4)
        assert.near(bic, found, 0.01)
      end
    end)
  end
end)

describe("gmm", function()
  local X = clusters(60)

  for _, covariance in ipairs(KINDS) do
    it("never gets less likely: " .. covariance, function()
      local model = latent.gmm { components = 3, covariance = covariance, init = "random", tolerance = 0,
        max_iterations = 60 }:fit(X)
      assert.equal(60, #model.history)
      for i = 2, 60 do assert.is_true(model.history[i] >= model.history[i - 1] - 1e-12) end
    end)

    it("is bit for bit the same for one and for two threads: " .. covariance, function()
      local many, before = clusters(3000), latent.threads()
      local function fit(threads)
        latent.threads(threads)
        return latent.gmm { components = 3, covariance = covariance, max_iterations = 5, tolerance = 0 }:fit(many)
      end
      local one, two = fit(1), fit(2)
      latent.threads(before)
      assert.same(one.history, two.history)
      assert.is_true(one.means == two.means)
    end)

    it("counts a row of weight 2 twice and of weight 0 not at all: " .. covariance, function()
      local weights, rows = matrix.ones(180, 1):col(1):copy(), {}
      for i = 1, 180 do
        weights[i] = i % 3
        for _ = 1, i % 3 do rows[#rows + 1] = X[i]:table() end
      end
      local means = { X[5]:table(), X[70]:table(), X[140]:table() }
      local options = { covariance = covariance, init = { means = means }, tolerance = 0, max_iterations = 8 }
      local weighted = latent.gmm(options):fit(X, { weights = weights })
      local repeated = latent.gmm(options):fit(matrix(rows))
      assert.near_matrix(repeated.means, weighted.means, 1e-9)
      assert.near_matrix(repeated.weights, weighted.weights, 1e-9)
      assert.near_matrix(repeated.history, weighted.history, 1e-9)
    end)

    it("with one component is the sample Gaussian: " .. covariance, function()
      local model = latent.gmm { covariance = covariance }:fit(X)
      local mean = X:mean(1)
      local centred = X - mean
      local S = centred:t() * centred / X.rows
      local expected = { full = { S }, tied = S, diag = { { S(1, 1), S(2, 2) } }, spherical = { S:trace() / 2 },
        tied_diag = { S(1, 1), S(2, 2) }, tied_spherical = { S:trace() / 2 } }
      local actual = covariance == "full" and model.covariances[1] or model.covariances
      if covariance == "tied_spherical" then actual = { actual } end
      assert.near_matrix({ mean:table() }, model.means, 1e-12)
      assert.near_matrix(covariance == "full" and S or expected[covariance], actual, 1e-12)
      assert.is_true(model.converged)
    end)
  end

  it("computes log-likelihoods as the formula says", function()
    local model = latent.gmm { components = 3 }:fit(X)
    local x, sum = X[17], 0
    for k = 1, 3 do
      local d = x - model.means[k]
      local S = model.covariances[k]
      sum = sum + model.weights[k] * math.exp(-0.5 * d:dot(S:solve(d))) / (2 * math.pi * math.sqrt(S:det()))
    end
    assert.near(math.log(sum), model:log_likelihood(X)[17], 1e-12)
    assert.near(model:log_likelihood(X):mean(), model:score(X), 1e-14)
    assert.near(model.history[#model.history], model:score(X), 1e-7)
  end)

  it("gives responsibilities that add up to 1, and the most probable label", function()
    local model = latent.gmm { components = 3 }:fit(X)
    local R, labels = model:responsibilities(X), model:predict(X)
    for i = 1, X.rows do
      assert.near(1, R[i]:sum(), 1e-12)
      assert.equal(R[i]:argmax(), labels[i])
    end
    assert.near_matrix(R[3], model:responsibilities(X[3]), 1e-12)
  end)

  it("puts components in order of their means", function()
    for seed = 1, 5 do
      local means = latent.gmm { components = 3, seed = seed }:fit(X).means
      assert.is_true(means(1, 1) < means(2, 1) and means(2, 1) < means(3, 1))
    end
  end)

  it("keeps the order of explicit means", function()
    local model = latent.gmm { init = { means = { { 8, 5 }, { 0, 0 }, { 4, 0 } } } }:fit(X)
    assert.is_true(model.means(1, 1) > model.means(3, 1) and model.means(3, 1) > model.means(2, 1))
  end)

  it("stays the same model in far away and large units", function()
    local near = latent.gmm { components = 3, tolerance = 0, max_iterations = 20 }:fit(X)
    local far = latent.gmm { components = 3, tolerance = 0, max_iterations = 20 }:fit(X * 1000 + 1e6)
    assert.near(near.history[20] - 2 * math.log(1000), far.history[20], 1e-9)
  end)

  it("handles thin covariances among distant means without losing digits", function()
    local rng = latent.random(3)
    local thin = matrix.normal(400, 2, rng)
    for i = 1, 400 do
      thin[i][2] = thin[i][1] + 1e-3 * thin[i][2] + (i <= 200 and 0 or 1000)
      thin[i][1] = thin[i][1] + (i <= 200 and 0 or 1000)
    end
    local labels = matrix(400, 1, function(i) return i <= 200 and 1 or 2 end):col(1)
    local model = latent.gmm { components = 2, tolerance = 0, max_iterations = 5 }:fit(thin, { labels = labels })
    local half = thin:block(1, 200, 1, 2)
    local d = half - half:mean(1)
    local S = d:t() * d / 200
    assert.near(1, S:det() / model.covariances[1]:det(), 1e-6)
    assert.equal(0, #model.events)
    assert.equal(0, model.drops)
  end)

  it("takes the same path through wide data as through narrow ones", function()
    local rng = latent.random(11)
    local wide = matrix.normal(300, 60, rng)
    for i = 1, 150 do wide[i][1] = wide[i][1] + 9 end
    local model = latent.gmm { components = 1, max_iterations = 3 }:fit(wide)
    local d = wide - wide:mean(1)
    assert.near_matrix(d:t() * d / 300, model.covariances[1], 1e-12)
    local two = latent.gmm { components = 2, max_iterations = 3, regularization = 0.1 }:fit(wide)
    local direct = 0
    for k = 1, 2 do
      local e, S = wide[9] - two.means[k], two.covariances[k]
      direct = direct + two.weights[k]
        * math.exp(-0.5 * (e:dot(S:solve(e)) + S:logdet() + 60 * math.log(2 * math.pi)))
    end
    assert.near(math.log(direct), two:log_likelihood(wide)[9], 1e-9)
  end)

  for _, D in ipairs { 10, 45 } do
    for _, thin in ipairs { 1, 1e-3 } do
      it(("takes an EM step of %d columns as it is defined, thinnest %g"):format(D, thin), function()
        local rng = latent.random(D)
        local wide = matrix.normal(400, D, rng) * matrix.normal(D, D, rng)
        for i = 1, 400 do
          wide[i][2] = wide[i][1] + thin * rng:normal()
          wide[i][3] = wide[i][3] + (i <= 200 and 8 or 0)
        end
        local centred = wide - wide:mean(1)
        local S = centred:t() * centred / 400
        local weights, covariances, means = { 0.3, 0.7 }, { S, S * 2 }, wide:rows_at { 1, 300 }
        local model = latent.gmm { init = { weights = weights, means = means, covariances = covariances },
          max_iterations = 1, tolerance = 0 }:fit(wide)
        local joint = {}
        for k = 1, 2 do
          local d, C = wide - means[k], covariances[k]
          local quadratic = (d % C:solve(d:t()):t()):sum(2)
          joint[k] = (quadratic + C:logdet() + D * math.log(2 * math.pi)) / -2 + math.log(weights[k])
        end
        local first = ((joint[2] - joint[1]):exp() + 1):log() + joint[1]
        assert.near(first:mean(), model.history[1], 1e-6 * math.abs(first:mean()))
        for k = 1, 2 do
          local r = (joint[k] - first):exp()
          local n, m = r:sum(), r * wide / r:sum()
          local d = wide - m
          assert.near_matrix(m, model.means[k], 1e-6 * S:max())
          assert.near_matrix((d:t() % r) * d / n, model.covariances[k], 1e-6 * S:max())
        end
      end)
    end
  end

  it("gives an iterator of its steps", function()
    local model, seen = latent.gmm { components = 2 }, {}
    for i, objective in model:steps(X) do
      seen[i] = objective
      if i == 4 then break end
    end
    assert.equal(4, #seen)
    assert.near(seen[4], model.history[4], 0)
    assert.equal(4, model.iterations)
  end)

  it("may be fitted to other columns while its steps go on", function()
    local model = latent.gmm { components = 2 }
    for i in model:steps(X) do
      if i == 2 then model:fit((latent.datasets.iris())) end
      if i == 4 then break end
    end
    assert.equal(2, model.means.cols)
    assert.equal(2, model:responsibilities(X).cols)
  end)

  it("goes on with new rows", function()
    local all = clusters(2000):shuffle(latent.random(1))
    local model = latent.gmm { components = 3, seed = 1 }
    for first = 1, 5001, 1000 do model:partial_fit(all:block(first, first + 999, 1, 2)) end
    local batch = latent.gmm { components = 3, seed = 1 }:fit(all)
    model:align(batch)
    assert.near(batch:score(all), model:score(all), 0.002)
  end)

  it("counts free parameters", function()
    local counts = { full = 17, tied = 11, diag = 14, spherical = 11, tied_diag = 10, tied_spherical = 9 }
    for _, covariance in ipairs(KINDS) do
      local model = latent.gmm { components = 3, covariance = covariance }:fit(X)
      assert.equal(counts[covariance], model:free_parameters())
      local L = total(model, X)
      assert.near(-2 * L + 2 * counts[covariance], model:aic(X), 1e-9)
      assert.near(-2 * L + counts[covariance] * math.log(180), model:bic(X), 1e-9)
    end
  end)
end)

describe("gmm:elbo", function()
  local X = clusters(40)
  for _, covariance in ipairs(KINDS) do
    it("adds up to the log-likelihood for any responsibilities: " .. covariance, function()
      local model = latent.gmm { components = 3, covariance = covariance }:fit(X)
      local L, rng = model:log_likelihood(X), latent.random(2)
      for _ = 1, 5 do
        local q = matrix(120, 3, function() return rng:uniform() ^ 8 end)
        for i = 1, 120 do q[i] = q[i] / q[i]:sum() end
        local bound, kl = model:elbo(X, q)
        assert.near_matrix(L, bound + kl, 1e-10)
        assert.is_true(kl:min() >= 0)
      end
      local bound, kl = model:elbo(X)
      assert.near_matrix(L, bound, 1e-10)
      assert.near(0, kl:abs():max(), 1e-12)
    end)
  end

  it("knows responsibilities of 0 and 1", function()
    local model = latent.gmm { components = 3 }:fit(X)
    local q = matrix.zeros(120, 3)
    q:col(2):fill(1)
    local bound, kl = model:elbo(X, q)
    local R = model:responsibilities(X)
    assert.near(-math.log(R(50, 2)), kl[50], 1e-9)
    assert.near_matrix(model:log_likelihood(X), bound + kl, 1e-10)
  end)

  it("refuses what is no distribution", function()
    local model = latent.gmm { components = 3 }:fit(X)
    helper.fails("row 1 of q adds up to 3", model.elbo, model, X, matrix.ones(120, 3))
    helper.fails("q is a", model.elbo, model, X, matrix.ones(120, 2))
    local q = matrix(120, 3, function(_, j) return ({ -1, 1, 1 })[j] end)
    helper.fails("q[1,1] is -1", model.elbo, model, X, q)
  end)
end)

describe("gmm with one diagonal for all", function()
  local iris, species = latent.datasets.iris()

  it("has the pooled variances within the classes when all labels are known", function()
    local within = matrix.zeros(4, 4)
    for k = 0, 2 do
      local part = iris:block(50 * k + 1, 50 * k + 50, 1, 4)
      local d = part - part:mean(1)
      within = within + d:t() * d / 150
    end
    local diagonal = latent.gmm { components = 3, covariance = "tied_diag" }:fit(iris, { labels = species })
    local sphere = latent.gmm { components = 3, covariance = "tied_spherical" }:fit(iris, { labels = species })
    for d = 1, 4 do assert.near(within(d, d), diagonal.covariances[d], 1e-14) end
    assert.near(within:trace() / 4, sphere.covariances, 1e-14)
    assert.is_true(diagonal.iterations <= 2 and sphere.iterations <= 2)
  end)

  it("is between the tied covariance and one variance, and these between more and fewer numbers", function()
    local L = {}
    for _, covariance in ipairs(KINDS) do
      L[covariance] = total(converged(iris, { components = 3, covariance = covariance }), iris)
    end
    assert.is_true(L.tied > L.tied_diag and L.diag > L.tied_diag)
    assert.is_true(L.tied_diag > L.tied_spherical and L.spherical > L.tied_spherical)
  end)

  it("takes the step of k-means as the variance goes to 0", function()
    local centers = { { 5, 3.5, 1.5, 0.3 }, { 6.5, 3, 5, 1.5 }, { 6, 2.5, 4, 1.2 } }
    local kmeans = latent.kmeans { init = matrix(centers), max_iterations = 1, tolerance = 0 }:fit(iris)
    for covariance, small in pairs { tied_spherical = 1e-6, tied_diag = { 1e-6, 1e-6, 1e-6, 1e-6 } } do
      local model = latent.gmm { covariance = covariance, max_iterations = 1,
        init = { means = centers, covariances = small } }:fit(iris)
      assert.near_matrix(kmeans.centers, model.means, 1e-12)
    end
  end)

  it("goes through pieces, files, samples, conditionals and alignments", function()
    for _, covariance in ipairs { "tied_diag", "tied_spherical" } do
      local batch = latent.gmm { components = 3, covariance = covariance }:fit(iris)
      local path = os.tmpname()
      assert(batch:save(path))
      local loaded = assert(latent.load(path))
      os.remove(path)
      assert.is_true(loaded:log_likelihood(iris) == batch:log_likelihood(iris))
      assert.near(batch:score(iris), loaded:partial_fit(iris):score(iris), 1e-4)
      local rows, labels = batch:sample(20000, { seed = 3 })
      for k = 1, 3 do assert.near(batch.weights[k], labels:eq(k):mean(), 0.02) end
      assert.near(batch:score(iris), batch:score(rows), 0.05)
      local variance = covariance == "tied_diag" and batch.covariances[2] or batch.covariances
      local given = batch:conditional(iris:block(1, 150, 3, 3), { 3 })
      for k = 1, 3 do
        assert.near(variance, given.covariances[k](2, 2), 1e-15)
        assert.near(0, given.covariances[k](1, 2), 0)
      end
      local mixed = latent.gmm { covariance = covariance, max_iterations = 1, init = {
        means = batch.means:rows_at { 3, 1, 2 }, covariances = batch.covariances } }:fit(iris)
      assert.same({ 2, 3, 1 }, (mixed:align(batch)):table())
      local shuffled = iris:shuffle(latent.random(2))
      local online = latent.gmm { components = 3, covariance = covariance }
      for _ = 1, 20 do online:partial_fit(shuffled) end
      assert.near(batch:score(iris), online:score(iris), 0.01)
    end
  end)

  it("refuses variances of other shapes", function()
    local function refuses(part, covariance, covariances)
      helper.fails(part, function()
        local init = { means = { { 1, 2, 3, 4 } }, covariances = covariances }
        latent.gmm { covariance = covariance, init = init }:fit(iris)
      end)
    end
    refuses("it should be one of 4", "tied_diag", { 1, 2, 3 })
    refuses("init.covariances must be a number, got table", "tied_spherical", { 1, 2, 3, 4 })
    refuses("a variance of component 1", "tied_spherical", -1)
    refuses("a variance of component 1", "tied_diag", { 1, 0, 1, 1 })
    refuses("init.covariances must be finite", "tied_spherical", 0 / 0)
  end)
end)

describe("gmm with labels", function()
  local X = clusters(50)
  local labels = matrix(150, 1, function(i) return (i - 1) // 50 + 1 end):col(1)

  it("is the closed form when all are known", function()
    local model = latent.gmm { components = 3 }:fit(X, { labels = labels })
    for k = 1, 3 do
      local part = X:block(50 * k - 49, 50 * k, 1, 2)
      local d = part - part:mean(1)
      assert.near(1 / 3, model.weights[k], 1e-14)
      assert.near_matrix(part:mean(1), model.means[k], 1e-12)
      assert.near_matrix(d:t() * d / 50, model.covariances[k], 1e-12)
    end
    assert.is_true(model.converged)
    assert.is_true(model.iterations <= 2)
  end)

  it("keeps the numbers of the labels, also those of other orders", function()
    local reversed = labels * -1 + 4
    local model = latent.gmm { components = 3 }:fit(X, { labels = reversed })
    assert.is_true(model.means(1, 1) > model.means(3, 1))
  end)

  it("uses unknown rows too", function()
    local some = labels:copy()
    for i = 1, 150 do if i % 10 ~= 0 then some[i] = 0 end end
    local model = latent.gmm { components = 3 }:fit(X, { labels = some })
    for i = 10, 150, 10 do some[i] = labels[i] end
    local right = 0
    local predicted = model:predict(X)
    for i = 1, 150 do if predicted[i] == labels[i] then right = right + 1 end end
    assert.is_true(right > 135)
    for i = 2, #model.history do assert.is_true(model.history[i] >= model.history[i - 1] - 1e-12) end
  end)

  it("refuses wrong ones", function()
    local model = latent.gmm { components = 2 }
    helper.fails("label 101 is 3", model.fit, model, X, { labels = labels })
    helper.fails("3 labels for 150 rows", model.fit, model, X, { labels = { 1, 2, 1 } })
  end)
end)

describe("gmm's singularities", function()
  local function sound(model, X)
    assert.is_false(model.means:isnan():sum() > 0)
    local L = model:log_likelihood(X)
    for i = 1, L.rows do assert.is_true(L[i] == L[i] and math.abs(L[i]) < math.huge) end
  end

  for _, covariance in ipairs(KINDS) do
    it("are survived and recorded when all rows are equal: " .. covariance, function()
      local X = matrix.ones(20, 2) * 3
      local model = latent.gmm { components = 2, covariance = covariance }:fit(X)
      sound(model, X)
      assert.is_true(#model.events > 0)
      assert.is_truthy(model.events[1].what == "regularized" or model.events[1].what == "reseeded")
    end)

    it("of duplicates and constant columns never give NaN: " .. covariance, function()
      local X = matrix(40, 3, function(i, j) return j == 3 and 5 or (i % 3) * j end)
      for _, init in ipairs { "k-means", "random" } do
        local model = latent.gmm { components = 4, covariance = covariance, init = init, seed = 2 }:fit(X)
        sound(model, X)
      end
    end)
  end

  it("of a component on a single row are ended by beginning anew", function()
    local X = clusters(30)
    X[1][1], X[1][2] = 100, 100
    local labels = matrix(90, 1, function(i) return i == 1 and 3 or (i - 1) // 45 + 1 end):col(1)
    local model = latent.gmm { components = 3, init = { means = { { 0, 0 }, { 8, 5 }, { 100, 100 } } } }:fit(X)
    sound(model, X)
    assert.is_true(#model.events > 0)
    assert.equal(3, model.events[1].component)
    assert.equal(90, labels.rows)
  end)

  it("don't arise with a regularization", function()
    local X = matrix(40, 2, function(i, j) return i % 2 + j end)
    local model = latent.gmm { components = 2, regularization = 1e-3 }:fit(X)
    assert.equal(0, #model.events)
    sound(model, X)
  end)
end)

describe("gmm:covariance", function()
  it("is a component's matrix, whatever the form", function()
    local X = matrix.normal(60, 2, latent.random(4)) % matrix { 1, 3 } -- K = D: shapes alone don't tell the form
    for _, form in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
      local gmm = latent.gmm { components = 2, covariance = form, seed = 1 }:fit(X)
      local own, C = gmm.covariances, gmm:covariance(2)
      local expected = form == "full" and own[2] or form == "tied" and own or form == "diag" and matrix.diag(own[2])
        or form == "spherical" and matrix.eye(2) * own[2] or form == "tied_diag" and matrix.diag(own)
        or matrix.eye(2) * own
      assert.is_true(C == expected, form)
    end
    local gmm = latent.gmm { components = 2 }:fit(X)
    helper.fails("gmm:covariance: component 3 is outside 1..2", gmm.covariance, gmm, 3)
    helper.fails("the model is not fitted yet", latent.gmm().covariance, latent.gmm(), 1)
  end)
end)

describe("gmm:sample, conditional and align", function()
  local X = clusters(80)
  local model = latent.gmm { components = 3 }:fit(X)

  it("draw rows of the mixture, the same for the same seed", function()
    local rows, labels = model:sample(20000, { seed = 5 })
    assert.is_true(rows == model:sample(20000, { seed = 5 }))
    assert.near_matrix(X:mean(1), rows:mean(1), 0.1)
    for k = 1, 3 do assert.near(model.weights[k], labels:eq(k):mean(), 0.02) end
    assert.near(model:score(X), model:score(rows), 0.05)
  end)

  it("give the density of a column given the other", function()
    local x = matrix { { 1 }, { 5 } }
    local given = model:conditional(x, { 1 })
    for n = 1, 2 do
      assert.near(1, given.responsibilities[n]:sum(), 1e-12)
      -- p(x, y) = p(y | x) p(x), with p(x) by integrating y numerically
      local function joint(y) return math.exp(model:log_likelihood(matrix { { x(n, 1), y } })[1]) end
      local sum, mean, h = 0, 0, 0.02
      for y = -20, 20, h do
        local p = joint(y)
        sum, mean = sum + h * p, mean + h * y * p
      end
      assert.near(mean / sum, given.mean(n, 1), 1e-9)
      local y, density = 0.7, 0
      for k = 1, 3 do
        local v = given.covariances[k](1, 1)
        density = density + given.responsibilities(n, k)
          * math.exp(-0.5 * (y - given.means[k](n, 1)) ^ 2 / v) / math.sqrt(2 * math.pi * v)
      end
      assert.near(joint(y) / sum, density, 1e-9)
    end
    helper.fails("columns are all 2", model.conditional, model, X, { 1, 2 })
    helper.fails("X has 2 columns, but 1 are given", model.conditional, model, X, { 1 })
  end)

  it("find the permutation between two fits", function()
    local means = model.means
    local other = latent.gmm { init = { weights = { model.weights[3], model.weights[1], model.weights[2] },
      means = { means[3]:table(), means[1]:table(), means[2]:table() },
      covariances = { model.covariances[3], model.covariances[1], model.covariances[2] } },
      max_iterations = 1 }:fit(X)
    local permutation, distances = other:align(model)
    assert.same({ 2, 3, 1 }, permutation:table())
    assert.near_matrix(model.means, other.means, 1e-2)
    assert.is_true(distances:max() < 1e-3)
    helper.fails("kind of covariance", model.align, model, latent.gmm { covariance = "tied" }:fit(X))
  end)
end)

describe("gmm refuses", function()
  local X = clusters(5)
  local function refuses(part, options, data, more)
    helper.fails(part, function() latent.gmm(options):fit(data or X, more) end)
  end

  it("impossible numbers of components", function()
    refuses("components is 16, but X has 15 rows", { components = 16 })
    refuses("components must be an integer", { components = 0 })
  end)

  it("bad data", function()
    local bad = X:copy()
    bad[3][2] = 0 / 0
    refuses("row 3", { components = 2 }, bad)
    bad[3][2] = math.huge
    refuses("row 3", { components = 2 }, bad)
    refuses("row 3", { components = 2 }, bad, { missing = true })
    refuses("weight", { components = 2 }, X, { weights = matrix.ones(15, 1):col(1) * -1 })
    refuses("all weights are 0", { components = 2 }, X, { weights = matrix.zeros(15, 1):col(1) })
  end)

  it("bad starts", function()
    refuses("init.weights is a vector of 1, it should be one of 2",
      { init = { weights = { 1 }, means = { { 1, 2 }, { 3, 4 } } } })
    refuses("X has 2 columns, init has 3", { init = { means = { { 1, 2, 3 }, { 3, 4, 5 } } } })
    refuses("components is 3, but init has 2 means", { components = 3, init = { means = { { 1, 2 }, { 3, 4 } } } })
    refuses("component 2 is not positive definite", { init = { means = { { 1, 2 }, { 3, 4 } },
      covariances = { matrix.eye(2), matrix { { 1, 2 }, { 2, 1 } } } } })
    refuses("init.covariances[2] must be symmetric, but [2,1] is 0 and [1,2] is 0.5", { init = {
      means = { { 1, 2 }, { 3, 4 } }, covariances = { matrix.eye(2), matrix { { 1, 0.5 }, { 0, 1 } } } } })
    refuses("init.covariances must be symmetric", { covariance = "tied", init = { means = { { 1, 2 } },
      covariances = { { 1, 0.5 }, { 0, 1 } } } })
    refuses("a variance of component 1", { covariance = "diag", init = { means = { { 1, 2 } },
      covariances = { { -1, 1 } } } })
    refuses("init.weights must be >= 0", { init = { means = { { 1, 2 }, { 3, 4 } }, weights = { -1, 2 } } })
    refuses("unknown init 'magic'", { init = "magic" })
  end)

  it("to speak before a fit, or of other columns", function()
    local model = latent.gmm { components = 2 }
    helper.fails("not fitted", model.predict, model, X)
    model:fit(X)
    helper.fails("X has 3 columns, the model is of 2", model.predict, model, matrix.ones(2, 3))
  end)

  it("a chunk of another width", function()
    local chunks = { matrix.ones(4, 2), matrix.ones(4, 3) }
    local i = 0
    refuses("columns", { components = 1 }, function()
      i = i + 1
      return chunks[i]
    end)
  end)

  it("nothing when an observer raises: the model stays whole", function()
    local model = latent.gmm { components = 2 }
    helper.fails("enough", model.fit, model, clusters(30), {
      on_iteration = function(record) if record.iteration == 3 then error "enough" end end })
    assert.equal(3, model.iterations)
    assert.equal(2, model:responsibilities(X).cols)
  end)
end)

describe("gmm_select", function()
  it("finds Old Faithful's model as mclust does", function()
    -- mclust 6.0.0's choice among EII, VII, EEI, VVI, EEE, VVV of 1..4 components by BIC: EEE, 3
    local result = latent.gmm_select(latent.datasets.faithful(), { components = { 1, 2, 3, 4 },
      restarts = 3, tolerance = 1e-10 })
    assert.equal("tied", result.best.covariance)
    assert.equal(3, result.best.components)
    assert.equal(24, #result)
    for _, row in ipairs(result) do
      assert.is_true(row.bic >= result.best.bic)
      assert.near(-2 * row.log_likelihood + row.parameters * math.log(272), row.bic, 1e-8)
    end
    assert.is_truthy(tostring(result):find "tied.*%*")
  end)

  it("refuses unknown criteria", function()
    helper.fails("criterion must be", latent.gmm_select, latent.datasets.iris(), { criterion = "icl" })
    helper.fails("empty", latent.gmm_select, latent.datasets.iris(), { components = {} })
  end)
end)

describe("a gmm from a file", function()
  it("takes more rows", function()
    local X, path = clusters(60), os.tmpname()
    local model = latent.gmm { components = 3 }:fit(X)
    assert(model:save(path))
    local loaded = assert(latent.load(path))
    os.remove(path)
    assert.near_matrix(model.means, loaded:partial_fit(X).means, 1e-2) -- the same rows: nearly a fixed point
    assert.near(model:score(X), loaded:score(X), 1e-6)
  end)

  it("of diagonal and spherical covariances take memory by columns, not by pairs of them", function()
    if helper.sanitized() then return pending "sanitizers need all of the address space" end
    -- 20,000 columns: their pairs would be 3.2 GB
    local output = helper.lua([[
      local latent = require "latent"
      local D, N = 20000, 12
      local X = latent.random(1):normal(N, D)
      local Y = X * 1
      Y[2][7] = 0 / 0
      for _, covariance in ipairs { "diag", "spherical", "tied_diag", "tied_spherical" } do
        local function fit(data, options)
          return latent.gmm({ components = 2, covariance = covariance, seed = 1, max_iterations = 2,
            regularization = 1e-3 }):fit(data, options)
        end
        local gmm, tied, one = fit(X), covariance:find "tied", covariance:find "spherical"
        local total, x = 0, X[1]
        for k = 1, 2 do -- log p(x_1) by its definition
          local at = covariance == "diag" and gmm.covariances[k] or gmm.covariances
          local sum = math.log(gmm.weights[k])
          for d = 1, D do
            local s = one and (tied and gmm.covariances or at[k]) or at[d]
            sum = sum - 0.5 * (math.log(2 * math.pi * s) + (x[d] - gmm.means[k][d]) ^ 2 / s)
          end
          total = k == 1 and sum or math.max(sum, total) + math.log(1 + math.exp(-math.abs(sum - total)))
        end
        assert(math.abs(gmm:log_likelihood(X)[1] / total - 1) < 1e-12, covariance)
        assert(gmm:sample(2, { seed = 1 }).cols == D)
        local _, distances = fit(X):align(gmm)
        assert(distances[1] == 0 and distances[2] == 0)
        local gaps = fit(Y, { missing = true })
        local r, expected = gaps:responsibilities(Y, { missing = true })[2], 0
        for k = 1, 2 do expected = expected + r[k] * gaps.means[k][7] end
        assert(math.abs(gaps:impute(Y)[2][7] - expected) < 1e-12)
      end
      print "ok"]], "ulimit -v 3000000;")
    assert.equal("ok\n", output)
  end)

end)
