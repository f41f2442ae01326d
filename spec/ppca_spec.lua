local latent = require "latent"
local helper = require "helper"
local matrix, fails, chunks, log_normal = latent.matrix, helper.fails, helper.chunks, helper.log_normal

-- N x D numbers without structure, but with columns of different scale.
local function data(n, d)
  return matrix(n, d, function(i, j) return math.sin(12.9898 * i + 78.233 * j + 0.7 * i * j) / j end)
end

local function em(options)
  options.method = "em"
  options.max_iterations = options.max_iterations or 3000
  options.tolerance = options.tolerance or 0
  return latent.ppca(options)
end

describe("ppca", function()
  local iris = assert(latent.datasets.iris())

  -- the maximum of the likelihood by scikit-learn's PCA on the covariance with divisor N
  local published = {
    { -470.6694583210, 0.1141390795573 }, { -404.9627801561, 0.0506821478648 }, { -379.9146301223, 0.0236761923536 },
  }

  it("finds the published likelihoods and noise variances of iris", function()
    for M, expected in ipairs(published) do
      local p = latent.ppca{ latent_dim = M }:fit(iris)
      assert.near(expected[1], p:log_likelihood(iris):sum(), 1e-9)
      assert.near(expected[2], p.noise_variance, 1e-12)
      assert.near(expected[1] / 150, p.history[1], 1e-11)
      assert.near(expected[1] / 150, p:score(iris), 1e-11)
      assert.equal("closed_form", p.method)
      assert.is_true(p.converged)
    end
  end)

  it("by EM arrives at the same parameters, rotation included", function()
    for M = 0, 3 do
      local p, e = latent.ppca{ latent_dim = M }:fit(iris), em{ latent_dim = M }:fit(iris)
      assert.near_matrix(p.mean, e.mean, 1e-12)
      assert.near(p.noise_variance, e.noise_variance, 1e-11)
      if M > 0 then assert.near_matrix(p.W, e.W, 1e-9) end
      assert.near_matrix(p:covariance(), e:covariance(), 1e-11)
      assert.equal(0, e.drops)
      assert.equal("em", e.method)
      assert.near(p.history[1], e.history[#e.history], 1e-12)
    end
  end)

  it("by EM never decreases the likelihood", function()
    local history = em{ latent_dim = 2, max_iterations = 200, seed = 3 }:fit(data(80, 6)).history
    for i = 2, #history do assert.is_true(history[i] >= history[i - 1] - 1e-13, i) end
    assert.is_true(history[200] > history[1] + 0.1)
  end)

  it("is the isotropic Gaussian for M = 0 and the full one for M = D - 1", function()
    local X = data(70, 5)
    local pca = latent.pca():fit(X)
    local p = latent.ppca{ latent_dim = 0 }:fit(X)
    assert.near(pca.total_variance / 5, p.noise_variance, 1e-15)
    assert.near_matrix(matrix.eye(5) * p.noise_variance, p:covariance(), 0)
    assert.is_nil(p.W)
    local full = latent.ppca{ latent_dim = 4 }:fit(X)
    local Y = X - X:mean(1)
    assert.near_matrix(Y:t() * Y / 70, full:covariance(), 1e-14)
    assert.near(pca.eigenvalues[5], full.noise_variance, 1e-15)
    assert.near_matrix(log_normal(X, X:mean(1), Y:t() * Y / 70), full:log_likelihood(X), 1e-11)
  end)

  it("has orthogonal columns of W, descending, with the largest entry positive", function()
    local X = data(60, 7)
    local p, pca = latent.ppca{ latent_dim = 3 }:fit(X), latent.pca{ latent_dim = 3 }:fit(X)
    local lengths = pca.eigenvalues - p.noise_variance
    assert.near_matrix(matrix.diag(lengths), p.W:t() * p.W, 1e-14)
    assert.near_matrix(pca.components, p.W / lengths:sqrt(), 1e-13)
  end)

  it("computes the density and the posterior as the D x D formulas do", function()
    local X = data(40, 6)
    local p = latent.ppca{ latent_dim = 2 }:fit(X)
    local new = data(9, 6) * 3 + 0.5
    local C = p:covariance()
    assert.near_matrix(p.W * p.W:t() + matrix.eye(6) * p.noise_variance, C, 1e-15)
    assert.near_matrix(log_normal(new, p.mean, C), p:log_likelihood(new), 1e-9)
    local G = C:inverse() * p.W -- z and x are jointly Gaussian with covariance W
    local means, V = p:posterior(new)
    assert.near_matrix((new - p.mean) * G, means, 1e-12)
    assert.near_matrix(means, p:transform(new), 0)
    assert.near_matrix(matrix.eye(2) - p.W:t() * G, V, 1e-13)
    assert.near_matrix(means * p.W:t() + p.mean, p:reconstruct(new), 1e-13)
    assert.near_matrix(p:reconstruct(new), p:inverse_transform(means), 1e-14)
    assert.near_matrix(p:transform(new[2]), means[2], 0) -- a vector is a row
    assert.near_matrix(p:inverse_transform(means[2]), p:reconstruct(new)[2], 1e-14)
  end)

  it("turns with the data", function()
    local X = data(50, 5)
    local Q = data(5, 5):qr()
    local p, q = latent.ppca{ latent_dim = 2 }:fit(X), latent.ppca{ latent_dim = 2 }:fit(X * Q)
    assert.near(p.noise_variance, q.noise_variance, 1e-15)
    assert.near_matrix(p.mean * Q, q.mean, 1e-14)
    assert.near_matrix(Q:t() * p:covariance() * Q, q:covariance(), 1e-14)
    assert.near_matrix(p:log_likelihood(X), q:log_likelihood(X * Q), 1e-11)
  end)

  it("with W in any other rotation would be the same model", function()
    local p = latent.ppca{ latent_dim = 2 }:fit(iris)
    local R = matrix{ { 0.6, -0.8 }, { 0.8, 0.6 } }
    local W = p.W * R
    assert.near_matrix(p:covariance(), W * W:t() + matrix.eye(4) * p.noise_variance, 1e-14)
    local q = em{ latent_dim = 2, seed = 7 }:fit(iris) -- from another start, elsewhere in the circle of solutions
    assert.near_matrix(p.W, q.W, 1e-9)
  end)

  it("works with fewer rows than columns", function()
    local X = data(12, 40)
    local p = latent.ppca{ latent_dim = 3 }:fit(X)
    local c = latent.ppca{ latent_dim = 3 }:fit(chunks(X, 5)) -- by the 40 x 40 covariance
    assert.near(c.noise_variance, p.noise_variance, 1e-15)
    assert.near_matrix(c.W, p.W, 1e-12)
    assert.near_matrix(log_normal(X, p.mean, p:covariance()), p:log_likelihood(X), 1e-8)
    local e = em{ latent_dim = 3 }:fit(X)
    assert.near_matrix(p.W, e.W, 1e-8)
  end)

  it("counts free parameters, the mean's D among them", function()
    for M, count in pairs{ [0] = 5, [1] = 9, [2] = 12, [3] = 14 } do
      assert.equal(count, latent.ppca{ latent_dim = M }:fit(iris):free_parameters())
    end
    assert.equal(4 + 4 * 5 // 2, latent.ppca{ latent_dim = 3 }:fit(iris):free_parameters()) -- a full Gaussian's
    local p = latent.ppca{ latent_dim = 2 }:fit(iris)
    assert.near(2 * 404.9627801561 + 24, p:aic(iris), 1e-8)
    assert.near(2 * 404.9627801561 + 12 * math.log(150), p:bic(iris), 1e-8)
  end)

  it("bounds the likelihood from below by any q, exactly by the posterior", function()
    local X = data(30, 5)
    local p = latent.ppca{ latent_dim = 2 }:fit(X)
    local bound, kl = p:elbo(X)
    assert.near_matrix(p:log_likelihood(X), bound, 0)
    assert.equal(0, kl:max())
    local means, V = p:posterior(X)
    bound, kl = p:elbo(X, { means = means, covariance = V })
    assert.near(0, kl:max(), 1e-13)
    assert.near_matrix(p:log_likelihood(X), bound, 1e-12)
    -- E_q log p(x|z) + E_q log p(z) + H(q), term by term
    local m, C, s2 = means * 0.5 + 0.3, matrix{ { 0.5, 0.1 }, { 0.1, 0.2 } }, p.noise_variance
    bound, kl = p:elbo(X, { means = m, covariance = C })
    local R = X - p.mean - m * p.W:t()
    local log2pi = math.log(2 * math.pi)
    local direct = ((R % R):sum(2) + (p.W:t() * p.W * C):trace()) * (-0.5 / s2) - 5 / 2 * (log2pi + math.log(s2))
      + ((m % m):sum(2) + C:trace()) * -0.5 - log2pi + (C:logdet() / 2 + log2pi + 1)
    assert.near_matrix(direct, bound, 1e-10)
    assert.is_true(kl:min() > 0)
    local list = {}
    for i = 1, 30 do list[i] = C end
    assert.near_matrix(bound, p:elbo(X, { means = m, covariance = list }), 0)
    fails("isn't positive definite", p.elbo, p, X, { means = m, covariance = { { 1, 2 }, { 2, 1 } } })
    fails("q.means is a 30x1 matrix, it should be 30x2", p.elbo, p, X, { means = m:block(1, 30, 1, 1), covariance = C })
    fails("ppca:elbo: q must be a table {means=, covariance=}, got latent.Matrix", p.elbo, p, X, m)
    fails("it should be 2x2", p.elbo, p, X, { means = m, covariance = matrix.eye(3) })
  end)

  it("also fits latent variables without their prior", function()
    local X = data(30, 5)
    local p = latent.ppca{ latent_dim = 2 }:fit(X)
    local z = p:transform(X, { scores = "bartlett" })
    assert.near_matrix((X - p.mean) * p.W * (p.W:t() * p.W):inverse(), z, 1e-12)
    assert.near_matrix(latent.pca{ latent_dim = 2 }:fit(X):reconstruct(X), p:inverse_transform(z), 1e-12)
    fails("unknown scores 'x' (known: regression, bartlett)", p.transform, p, X, { scores = "x" })
  end)

  it("draws samples that have its mean and covariance", function()
    local p = latent.ppca{ latent_dim = 2 }:fit(iris)
    local X, Z = p:sample(40000, { seed = 5 })
    assert.near_matrix(p.mean, X:mean(1), 0.03)
    local Y = X - X:mean(1)
    assert.near_matrix(p:covariance(), Y:t() * Y / 40000, 0.08)
    assert.near_matrix(matrix.eye(2), Z:t() * Z / 40000, 0.03)
    local noise = X - p:inverse_transform(Z)
    assert.near(p.noise_variance, (noise % noise):mean(), 0.001)
    assert.is_true(X == p:sample(40000, { seed = 5 }))
    local isotropic, none = latent.ppca{ latent_dim = 0 }:fit(iris):sample(3, { seed = 1 })
    assert.equal(4, isotropic.cols)
    assert.is_nil(none)
  end)

  it("takes chunks and weights", function()
    local X = data(90, 5)
    local p = latent.ppca{ latent_dim = 2 }:fit(X)
    local c = latent.ppca{ latent_dim = 2 }:fit(chunks(X, 40))
    assert.near_matrix(p.W, c.W, 1e-13)
    assert.near(p.history[1], c.history[1], 1e-13)
    local weights, list = {}, {}
    for i = 1, 90 do
      weights[i] = i % 3
      for _ = 1, i % 3 do list[#list + 1] = i end
    end
    local repeated = X:rows_at(list)
    for _, method in ipairs{ "closed_form", "em" } do
      local options = { latent_dim = 2, method = method, max_iterations = 40, tolerance = 0 }
      local a, b = latent.ppca(options):fit(X, { weights = weights }), latent.ppca(options):fit(repeated)
      assert.near_matrix(b.W, a.W, 1e-9)
      assert.near(b.noise_variance, a.noise_variance, 1e-12)
      assert.near(b.history[#b.history], a.history[#a.history], 1e-11)
    end
    local whole, parts = em{ latent_dim = 2, max_iterations = 30 }:fit(X),
      em{ latent_dim = 2, max_iterations = 30 }:fit(chunks(X, 40))
    assert.near_matrix(whole.W, parts.W, 1e-10)
  end)

  it("keeps its digits far from the origin", function()
    local p = latent.ppca{ latent_dim = 2 }:fit(iris + 1e6)
    assert.near(published[2][2], p.noise_variance, 1e-9)
    local e = em{ latent_dim = 2 }:fit(iris + 1e6)
    assert.near(published[2][2], e.noise_variance, 1e-9)
  end)

  it("gives the same bits for every number of threads", function()
    local X, threads = data(3000, 40), latent.threads()
    local function run(n)
      latent.threads(n)
      local p = em{ latent_dim = 3, max_iterations = 5 }:fit(X)
      return p.W, p.noise_variance, p:log_likelihood(X)
    end
    local W, s2, ll = run(1)
    local W2, s22, ll2 = run(2)
    latent.threads(threads)
    assert.is_true(W == W2)
    assert.equal(s2, s22)
    assert.is_true(ll == ll2)
  end)

  it("goes on with partial_fit from where a fit has left it", function()
    local X = data(200, 5)
    for _, method in ipairs{ "closed_form", "em" } do
      local p = latent.ppca{ latent_dim = 2, method = method, tolerance = 0, max_iterations = 2000 }:fit(X)
      local W, s2 = p.W:copy(), p.noise_variance
      for _ = 1, 3 do p:partial_fit(X) end -- the same data: a fixed point
      assert.near_matrix(W, p.W, 1e-10)
      assert.near(s2, p.noise_variance, 1e-12)
    end
    local online, truth = latent.ppca{ latent_dim = 2, seed = 1 }, latent.ppca{ latent_dim = 2 }:fit(X)
    for _ = 1, 150 do online:partial_fit(chunks(X, 50)) end
    assert.near(truth:score(X), online:score(X), 0.01)
  end)

  it("needs few steps where there is little noise", function()
    -- wine's columns: the first eigenvalue is 6000 times the noise, and W's length a slow direction of plain EM
    local path, why = helper.data("small/wine.csv")
    if not path then return pending(why) end
    local X = latent.read(path):block(1, -1, 1, 13)
    for M = 1, 5 do
      local truth = latent.ppca{ latent_dim = M }:fit(X)
      local p = latent.ppca{ latent_dim = M, method = "em" }:fit(X)
      assert.is_true(p.converged and p.iterations < 100)
      assert.equal(0, p.drops)
      assert.near(truth:score(X), p:score(X), 1e-9)
      assert.near(1, p.noise_variance / truth.noise_variance, 1e-6)
      assert.near(0, (p:covariance() - truth:covariance()):norm() / truth:covariance():norm(), 1e-6)
    end
  end)

  it("steps through EM, and can be left", function()
    local p, last = em{ latent_dim = 1 }, -math.huge
    for i, objective in p:steps(iris) do
      if i <= 10 then assert.is_true(objective > last) end -- then it is there, within rounding
      last = objective
      if i == 20 then break end
    end
    assert.equal(20, p.iterations)
    assert.near(published[1][1] / 150, last, 1e-9)
    assert.near(last, p:score(iris), 1e-9)
  end)

  describe("without noise", function()
    local function limit(M, options)
      options = options or {}
      options.latent_dim, options.noise_variance = M, 0
      return em(options)
    end

    it("finds PCA's subspace, error, directions and variances", function()
      local X = data(300, 6)
      local pca, p = latent.pca{ latent_dim = 2 }:fit(X), limit(2):fit(X)
      assert.equal(0, p.noise_variance)
      assert.near(pca:distortion(X), p.history[#p.history], 1e-13)
      assert.near_matrix(pca.components * matrix.diag(pca.eigenvalues:sqrt()), p.W, 1e-10)
      assert.near_matrix(pca:reconstruct(X), p:reconstruct(X), 1e-10)
      local whitened = latent.pca{ latent_dim = 2, whiten = true }:fit(X)
      assert.near_matrix(whitened:transform(X), p:transform(X), 1e-9)
      local _, V = p:posterior(X)
      assert.near_matrix(matrix.zeros(2, 2), V, 0)
    end)

    it("never increases the error", function()
      local p = limit(2, { max_iterations = 60 }):fit(data(100, 8))
      for i = 2, 60 do assert.is_true(p.history[i] <= p.history[i - 1] + 1e-15) end
    end)

    it("is where PPCA goes as the noise falls", function()
      local signal, noise = data(100, 2) * matrix{ { 3, 1, 2, 0, 1 }, { 0, 1, -1, 2, 1 } }, data(100, 5)
      local last = math.huge
      for _, scale in ipairs{ 1e-1, 1e-2, 1e-3, 1e-4 } do
        local X = signal + noise * scale
        local z = latent.ppca{ latent_dim = 2 }:fit(X):transform(X)
        local difference = (z - latent.pca{ latent_dim = 2, whiten = true }:fit(X):transform(X)):norm()
        assert.is_true(difference < last / 50) -- as the variance of the noise
        last = difference
      end
      assert.is_true(last < 1e-5)
    end)

    it("takes data larger than memory, and has no density", function()
      local X = data(200, 6)
      assert.near_matrix(limit(2):fit(X).W, limit(2):fit(chunks(X, 60)).W, 1e-9)
      local p = limit(2):fit(X)
      fails("ppca:log_likelihood: noise_variance is 0: this limit has no density", p.log_likelihood, p, X)
    end)
  end)

  it("is fitted at once to data that may miss entries, unless they do", function()
    local X = latent.datasets.iris()
    local gap = X:copy()
    gap[140][2] = 0 / 0
    for _, name in ipairs{ "ppca", "bpca", "fa" } do
      local options = { latent_dim = 1, method = name == "fa" and "ml" or "closed_form" }
      local whole = latent[name](options):fit(X)
      for _, rows in ipairs{ X, chunks(X, 40) } do
        local model = latent[name](options):fit(rows, { missing = true, max_seconds = 1e-9 }) -- which is EM's
        assert.equal(options.method, model.method)
        assert.near_matrix(whole.W, model.W, 1e-9)
      end
      for _, rows in ipairs{ gap, chunks(gap, 40) } do -- the fourth chunk has the first of them
        local seen, model = 0, latent[name](options)
        model:fit(rows, { missing = true, on_iteration = function() seen = seen + 1 end })
        assert.equal("em", model.method)
        assert.equal(seen, model.iterations)
        options.method = "em"
        assert.near_matrix(latent[name](options):fit(gap, { missing = true }).W, model.W, 1e-9)
        options.method = whole.method
      end
      fails("chunk 4: X has NaN at row 20, column 2", function() latent[name](options):fit(chunks(gap, 40)) end)
      local steps = latent[name](options):steps(X) -- of EM, whatever the method
      assert.equal(1, (steps()))
      local huge = { latent_dim = 2 ^ 20, method = options.method }
      fails("latent_dim is 1048576 and X has 4 columns", function() latent[name](huge):fit(X) end)
    end
  end)

  it("chooses its dimension by evidence, and goes on with that", function()
    local X = latent.datasets.iris()
    local model = latent.ppca{ latent_dim = "mle" }
    fails("latent_dim = \"mle\" is chosen by fit, which comes first", function() for _ in model:steps(X) do end end)
    fails("latent_dim = \"mle\" is chosen by fit", model.partial_fit, model, X)
    local M = model:fit(chunks(X, 40)).W.cols
    assert.equal(M, latent.pca{ latent_dim = "mle" }:fit(X).components.cols)
    assert.equal(3, #model.log_evidence)
    for i in model:steps(X) do
      if i == 3 then break end
    end
    assert.equal(M, model.W.cols)
    assert.equal("em", model.method)
    assert.equal(M, model:partial_fit(X).W.cols)
    fails("latent_dim must be an integer, got 'most'", latent.ppca, { latent_dim = "most" })
    fails("noise_variance must be 0", latent.ppca, { noise_variance = 0.5 })
    fails("needs method = \"closed_form\"", latent.ppca, { latent_dim = "mle", noise_variance = 0 })
    fails("noise_variance must be at least 0", latent.ppca, { noise_variance = 0 / 0 })
    local all = latent.bpca{ latent_dim = "all" }:fit(X)
    assert.is_true(all.W == latent.bpca():fit(X).W)
  end)

  it("says what is wrong", function()
    local X = data(20, 4)
    local function fit(options, Y, more)
      return function() return latent.ppca(options):fit(Y or X, more) end
    end
    for _, method in ipairs{ "closed_form", "em" } do
      fails("ppca:fit: latent_dim is 4 and X has 4 columns", fit{ latent_dim = 4, method = method })
      fails("ppca:fit: the data has no variance outside of 1 dimensions",
        fit({ latent_dim = 1, method = method }, matrix(20, 3, function(i, j) return i * j + 0.1 end)))
      fails("ppca:fit: the data has no variance", fit({ latent_dim = 1, method = method }, matrix(20, 3, 0.1)))
      fails("row 3, column 2", fit({ latent_dim = 1, method = method },
        matrix(5, 3, function(i, j) return i == 3 and j == 2 and 0 / 0 or i * i + j end)))
      fails("row 1, column 1", fit({ latent_dim = 1, method = method }, matrix{ { math.huge, 1 }, { 1, 2 }, { 2, 5 } }))
    end
    fails("X has 1 row", fit({ latent_dim = 1 }, matrix{ { 1, 2, 3 } }))
    fails("the data has no variance", fit({ latent_dim = 1, method = "em" }, matrix{ { 1, 2, 3 } }))
    fails("the data has no variance outside of 3 dimensions", fit({ latent_dim = 3 }, data(4, 9)))
    fails("at most 4 components", fit({ latent_dim = 5 }, data(4, 9)))
    fails("latent_dim must be an integer from 0", latent.ppca, { latent_dim = -1 })
    fails("noise_variance must be 0", latent.ppca, { noise_variance = 0.5 })
    fails("noise_variance = 0 needs method", latent.ppca, { noise_variance = 0, method = "closed_form" })
    fails("unknown method 'newton' (known: closed_form, em)", latent.ppca, { method = "newton" })
    fails("did you mean 'latent_dim'", latent.ppca, { latent_dims = 1 })
    fails("not fitted", function() latent.ppca():transform(X) end)
    local p = latent.ppca{ latent_dim = 2 }:fit(X)
    fails("ppca:transform: X has 5 columns, the model was fitted on 4", p.transform, p, data(3, 5))
    fails("Z has 3 columns, the model has 2 latent dimensions", p.inverse_transform, p, data(3, 3))
    fails("row 1, column 2", p.log_likelihood, p, { { 1, 0 / 0, 1, 1 } })
    local isotropic = latent.ppca{ latent_dim = 0 }:fit(X)
    fails("latent_dim is 0", isotropic.transform, isotropic, X)
    assert.near_matrix(matrix.ones(20, 4) % X:mean(1), isotropic:reconstruct(X), 1e-15)
  end)

  it("is saved and loaded", function()
    local path = os.tmpname()
    for _, options in ipairs{ { latent_dim = 2 }, { latent_dim = 1, noise_variance = 0 } } do
      local p = latent.ppca(options):fit(iris)
      assert(p:save(path))
      local q = assert(latent.load(path))
      assert.is_true(p.W == q.W)
      assert.equal(p.noise_variance, q.noise_variance)
      assert.is_true(p:transform(iris) == q:transform(iris))
      q:partial_fit(iris)
      assert.near_matrix(p:covariance(), q:covariance(), 0.1)
    end
    os.remove(path)
  end)

  it("takes a constant column where there is variance elsewhere", function()
    local X = matrix(30, 4, function(i, j) return j == 2 and 5 or math.sin(i * i + 7 * j) end)
    local p = latent.ppca{ latent_dim = 1 }:fit(X)
    assert.equal(5, p.mean[2])
    assert.near(0, p.W(2, 1), 1e-14)
    assert.near_matrix(p.W, em{ latent_dim = 1 }:fit(X).W, 1e-8)
  end)
end)
