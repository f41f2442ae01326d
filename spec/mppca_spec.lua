-- Mixtures of probabilistic PCA and of factor analysers. LARGE is a number of columns beyond which no scatter is
-- formed (core/em/mppca/mppca.h): what holds below must hold there.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

local NOISES, LARGE = { "isotropic", "diagonal" }, 101
local nan = 0 / 0

-- N rows of K planes of M dimensions in D, and the planes' numbers.
local function planes(N, D, K, M, seed)
  local rng = latent.random(seed or 1)
  local X, labels = matrix.normal(N, D, rng) * 0.4, matrix(N, 1, function(i) return (i - 1) % K + 1 end):col(1)
  for k = 1, K do
    local W, mean = matrix.normal(M, D, rng), matrix.normal(1, D, rng) * 2
    for i = k, N, K do
      local x = matrix.normal(1, M, rng) * W + mean
      for j = 1, D do X[i][j] = X(i, j) + x(1, j) end
    end
  end
  return X, labels
end

local function thinned(X, share, seed)
  local rng, Y = latent.random(seed), X:copy()
  for i = 1, Y.rows do
    for j = 1, Y.cols do if rng:uniform() < share then Y[i][j] = nan end end
  end
  return Y
end

local function noise_of(m, k, j)
  local s = m.noise_variances
  if s.cols == 1 then return s[k] end
  return s(k, j)
end

-- The covariance of a component, by its definition.
local function covariance(p, k)
  local D = p.means.cols
  local C = p.W and p.W[k] * p.W[k]:t() or matrix.zeros(D, D)
  for j = 1, D do C[j][j] = C(j, j) + noise_of(p, k, j) end
  return C
end

-- log p(x_o, k) of one row by D x D matrices; and, if wanted, the conditional means and variances of what is missing.
local function joint(p, k, x, conditional)
  local o, m, C = {}, {}, covariance(p, k)
  for j = 1, #x do
    local to = x[j] == x[j] and o or m
    to[#to + 1] = j
  end
  local means, variances = {}, {}
  if #o == 0 then
    for _, j in ipairs(m) do means[j], variances[j] = p.means(k, j), C(j, j) end
    return math.log(p.weights[k]), means, variances
  end
  local S = matrix(#o, #o, function(i, j) return C(o[i], o[j]) end)
  local d = matrix(#o, 1, function(i) return x[o[i]] - p.means(k, o[i]) end)
  local y = S:solve(d)
  local quadratic = (d:t() * y):sum()
  for _, j in ipairs(conditional and m or {}) do
    local c = matrix(#o, 1, function(i) return C(o[i], j) end)
    means[j] = p.means(k, j) + (c:t() * y):sum()
    variances[j] = C(j, j) - (c:t() * S:solve(c)):sum()
  end
  return math.log(p.weights[k]) - 0.5 * (#o * math.log(2 * math.pi) + S:logdet() + quadratic), means, variances
end

local function log_sum(list)
  local top, sum = math.max(table.unpack(list)), 0
  for _, v in ipairs(list) do sum = sum + math.exp(v - top) end
  return top + math.log(sum)
end

-- log p(x, k) of complete rows.
local function joints(p, k, X)
  local Y, C = X - p.means[k], covariance(p, k)
  local constant = math.log(p.weights[k]) - 0.5 * (X.cols * math.log(2 * math.pi) + C:logdet())
  return ((Y * C:inverse()) % Y):sum(2) * -0.5 + constant
end

-- The sum of log p(x_o) over rows, of which only the first ten have gaps.
local function total(p, X)
  local sum, K, rest = 0, p.weights.rows, {}
  for k = 1, K do rest[k] = joints(p, k, X:block(11, X.rows, 1, X.cols)) end
  for i = 1, X.rows do
    local list = {}
    for k = 1, K do list[k] = i > 10 and rest[k][i - 10] or joint(p, k, X[i]:table()) end
    sum = sum + log_sum(list)
  end
  return sum
end

-- A copy of the parameters that can be changed.
local function parameters(m)
  local W = m.W and {}
  for k = 1, m.W and #m.W or 0 do W[k] = m.W[k]:copy() end
  return { weights = m.weights:copy(), means = m.means:copy(), W = W, noise_variances = m.noise_variances:copy() }
end

local function rises(history)
  for i = 2, #history do
    assert.is_true(history[i] >= history[i - 1] - 1e-11 * math.abs(history[i]), "iteration " .. i)
  end
end

describe("mppca", function()
  local iris = latent.datasets.iris()

  it("with one component is PPCA", function()
    local known = { -470.6694583210, -404.9627801561, -379.9146301223 } -- as in ppca_spec
    for M = 0, 3 do
      local m, p = latent.mppca { latent_dim = M }:fit(iris), latent.ppca { latent_dim = M }:fit(iris)
      assert.near(p.noise_variance, m.noise_variances[1], 1e-13)
      assert.near_matrix(p.mean, m.means[1], 1e-13)
      assert.near_matrix(p:log_likelihood(iris), m:log_likelihood(iris), 1e-11)
      assert.is_true(m.converged and m.iterations == 2)
      if M > 0 then
        assert.near(known[M], m:log_likelihood(iris):sum(), 1e-8)
        assert.near_matrix(p.W, m.W[1], 1e-12)
        assert.near_matrix(p:transform(iris), (m:transform(iris)), 1e-12)
        assert.near_matrix(p:reconstruct(iris), m:reconstruct(iris), 1e-12)
      else
        assert.is_nil(m.W)
      end
    end
    local X = planes(80, LARGE, 1, 3)
    local m = latent.mppca { latent_dim = 3, init = "random", tolerance = 1e-14 }:fit(X)
    local p = latent.ppca { latent_dim = 3 }:fit(X)
    assert.near(p:score(X), m:score(X), 1e-9)
    assert.near_matrix(p.W, m.W[1], 1e-5)
  end)

  it("with one component and diagonal noise is factor analysis", function()
    local Y = planes(150, 7, 1, 2)
    local f = latent.fa { latent_dim = 2 }:fit(Y)
    local one = latent.mppca { latent_dim = 2, noise = "diagonal", tolerance = 1e-15, max_iterations = 10000 }:fit(Y)
    assert.near(f:score(Y), one:score(Y), 1e-9)
    assert.near_matrix(f:covariance(), one:covariance(1), 1e-5)
    assert.near_matrix(f.noise_variances, one.noise_variances[1], 1e-5)
    -- the mean log-likelihood of 2 factors by R 4.2.2's factanal and scikit-learn 1.2.1's FactorAnalysis
    local path, why = helper.data "small/wine.csv"
    if not path then return pending(why) end
    local wine = latent.read(path):block(1, 178, 1, 13)
    local m = latent.mppca { latent_dim = 2, noise = "diagonal", accelerate = true, tolerance = 1e-13,
      max_iterations = 20000 }:fit(wine)
    assert.near(-19.533946960, m:score(wine), 1e-7)
  end)

  it("without latent variables is a spherical or a diagonal mixture of Gaussians, with D - 1 a full one", function()
    local known = { full = -180.1854771313, diag = -307.1775715980, spherical = -384.3140950608 } -- as in gmm_spec
    local function fit(M, noise)
      local options = { components = 3, latent_dim = M, noise = noise, tolerance = 1e-14, restarts = 2 }
      local m = latent.mppca(options):fit(iris)
      return m:log_likelihood(iris):sum(), m
    end
    assert.near(known.spherical, (fit(0, "isotropic")), 1e-6)
    assert.near(known.diag, (fit(0, "diagonal")), 1e-6)
    assert.near(known.full, (fit(3, "diagonal")), 1e-6)
    local value, m = fit(3, "isotropic")
    assert.near(known.full, value, 1e-6)
    local g = latent.gmm { components = 3, tolerance = 1e-14, restarts = 2 }:fit(iris)
    for k = 1, 3 do assert.near_matrix(g.covariances[k], m:covariance(k), 1e-5) end
    assert.near_matrix(g:responsibilities(iris), m:responsibilities(iris), 1e-5)
  end)

  -- One EM step with missing entries from given parameters, row by row with explicit inverses: computed with
  -- NumPy 2.4.6 and SciPy 1.17.1's multivariate_normal.
  local X = matrix { { 1, 2, 0.5 }, { 2, nan, 1 }, { nan, 3, 1.5 }, { 4, 4.5, nan }, { 5, nan, nan }, { 6, 6.5, 2 },
    { 7, 6, 3.5 }, { nan, nan, nan }, { 8, 9, 3 }, { 2.5, 1, 0 } }
  local start = { weights = { 0.4, 0.6 }, means = { { 2, 2, 1 }, { 6, 6, 2.5 } },
    W = { { { 1 }, { 0.8 }, { 0.3 } }, { { 1.2 }, { 1.5 }, { -0.4 } } } }
  local steps = {
    isotropic = {
      from = { 0.7, 0.9 },
      total = -36.3645186035,
      weights = { 0.456028205081, 0.543971794919 },
      means = { { 2.14534477572, 2.10061810784, 0.799580168444 }, { 6.05368260572, 6.23889625347, 2.76480019904 } },
      W = { { 0.620809205307, 0.734790939862, 0.380307021264 }, { 1.23261978319, 1.53378008331, 0.0500792691969 } },
      noise = { 0.4593529437, 0.561598449706 },
    },
    diagonal = {
      from = { { 0.5, 0.8, 0.6 }, { 1.1, 0.4, 0.9 } },
      total = -36.1396197506,
      weights = { 0.456920868271, 0.543079131729 },
      means = { { 2.13342790678, 2.10226403393, 0.801676857042 }, { 6.05273908972, 6.26174819718, 2.76622821002 } },
      W = { { 0.375176797266, 0.841062788224, 0.500396572465 }, { 1.25560503475, 1.53843092948, 0.0286194936136 } },
      noise = { { 0.795148515137, 0.334465605837, 0.141098630205 },
        { 0.462008438139, 0.323456306327, 0.671790620731 } },
    },
  }

  for _, noise in ipairs(NOISES) do
    it("takes the EM step of the observed likelihood: " .. noise, function()
      local init, expected = {}, steps[noise]
      for name, value in pairs(start) do init[name] = value end
      init.noise_variances = expected.from
      local m = latent.mppca { noise = noise, latent_dim = 1, init = init, max_iterations = 1 }
      m:fit(X, { missing = true })
      assert.near(expected.total / 10, m.history[1], 1e-11)
      assert.near_matrix(expected.weights, m.weights, 1e-10)
      assert.near_matrix(expected.means, m.means, 1e-9)
      for k = 1, 2 do assert.near_matrix(expected.W[k], m.W[k]:col(1), 1e-9) end
      assert.near_matrix(expected.noise, m.noise_variances, 1e-9)
    end)

    for _, D in ipairs { 6, LARGE } do
      local where = ("%s, %d columns"):format(noise, D)
      local Y, labels = planes(150, D, 3, 2)
      local options = { components = 3, latent_dim = 2, noise = noise }
      local function made(more)
        local all = {}
        for name, value in pairs(options) do all[name] = value end
        for name, value in pairs(more or {}) do all[name] = value end
        return latent.mppca(all)
      end

      it("computes densities, posteriors and the bound as D x D matrices do: " .. where, function()
        local Z = thinned(Y:block(1, 12, 1, D), 0.3, 4)
        local m = made():fit(Y)
        local R, values = m:responsibilities(Z, { missing = true }), m:log_likelihood(Z, { missing = true })
        for i = 1, 12 do
          local list = {}
          for k = 1, 3 do list[k] = joint(m, k, Z[i]:table()) end
          assert.near(log_sum(list), values[i], 1e-8)
          for k = 1, 3 do assert.near(math.exp(list[k] - log_sum(list)), R(i, k), 1e-9) end
          assert.equal(R[i]:argmax(), m:predict(Z, { missing = true })[i])
        end
        assert.near(m.history[#m.history], m:score(Y), 1e-5)
        assert.near_matrix(m:log_likelihood(Y), m:log_likelihood(Y, { missing = true }), 1e-9)
        local q, rng = matrix(150, 3, 0), latent.random(3)
        for i = 1, 150 do
          for k = 1, 3 do q[i][k] = rng:uniform() ^ 4 end
          q[i] = q[i] / q[i]:sum()
        end
        local bound, kl = m:elbo(Y, q)
        assert.near_matrix(m:log_likelihood(Y), bound + kl, 1e-7)
        assert.is_true(kl:min() >= 0)
        bound, kl = m:elbo(Y)
        assert.near_matrix(m:log_likelihood(Y), bound, 1e-8)
        assert.near(0, kl:abs():max(), 1e-10)
      end)

      it("projects onto the planes: " .. where, function()
        local m = made():fit(Y)
        local z, at = m:transform(Y)
        local p = m:posterior(Y)
        assert.near_matrix(m:predict(Y), at, 0)
        for k = 1, 3 do
          local G = covariance(m, k):inverse() * m.W[k] -- z and x are jointly Gaussian with covariance W
          assert.near_matrix((Y - m.means[k]) * G, p.means[k], 1e-8)
          assert.near_matrix(matrix.eye(2) - m.W[k]:t() * G, p.covariances[k], 1e-9)
          assert.near_matrix(covariance(m, k), m:covariance(k), 1e-12)
          local own, labels_of = m:transform(Y, { component = k })
          assert.near_matrix(p.means[k], own, 1e-12)
          assert.equal(k, labels_of[1])
          assert.near_matrix(own * m.W[k]:t() + m.means[k], m:reconstruct(Y, { component = k }), 1e-10)
          assert.near_matrix(m:inverse_transform(own, k), m:reconstruct(Y, { component = k }), 1e-10)
        end
        for i = 1, 150 do assert.near_matrix(p.means[at[i]][i], z[i], 0) end
        assert.near_matrix(m:responsibilities(Y), p.responsibilities, 0)
        assert.near_matrix(m:inverse_transform(z, at), m:reconstruct(Y), 1e-10)
        assert.near_matrix(z[7], (m:transform(Y[7])), 0) -- a vector is a row
        assert.near_matrix(m:reconstruct(Y)[7], m:inverse_transform(z[7], at[7]), 1e-10)
        local gap = Y:block(1, 2, 1, D):copy()
        gap[2][3] = nan
        local V = m:posterior(gap, { missing = true }).covariances
        for k = 1, 3 do
          local precision = matrix.eye(2)
          for j = 1, D do
            local w = m.W[k]:block(j, j, 1, 2)
            if j ~= 3 then precision = precision + w:t() * w / noise_of(m, k, j) end
          end
          assert.near_matrix(p.covariances[k], V[k][1], 1e-12)
          assert.near_matrix(precision:inverse(), V[k][2], 1e-10)
        end
      end)

      it("gives W in its canonical form: " .. where, function()
        local m = made():fit(Y)
        for k = 1, 3 do
          local P = matrix(D, 2, function(j, l) return m.W[k](j, l) / noise_of(m, k, j) end)
          local A = m.W[k]:t() * P
          assert.near(0, A(1, 2), 1e-8 * A(1, 1))
          assert.is_true(A(1, 1) >= A(2, 2))
          for l = 1, 2 do assert.is_true(m.W[k]:col(l):max() == m.W[k]:col(l):abs():max()) end
        end
      end)

      it("imputes conditional means, with their variance: " .. where, function()
        local m = made():fit(Y)
        local Z = thinned(Y:block(1, 9, 1, D), 0.4, 2)
        for j = 1, D do Z[4][j] = nan end
        local filled, variance = m:impute(Z, { variance = true })
        local R = m:responsibilities(Z, { missing = true })
        for i = 1, 9 do
          local views = {}
          for k = 1, 3 do views[k] = { select(2, joint(m, k, Z[i]:table(), true)) } end
          for j = 1, D do
            if Z(i, j) == Z(i, j) then
              assert.equal(Z(i, j), filled(i, j))
              assert.equal(0, variance(i, j))
            else
              local mean, square = 0, 0
              for k = 1, 3 do mean = mean + R(i, k) * views[k][1][j] end
              for k = 1, 3 do square = square + R(i, k) * (views[k][2][j] + (views[k][1][j] - mean) ^ 2) end
              assert.near(mean, filled(i, j), 1e-8)
              assert.near(square, variance(i, j), 1e-8 * (1 + square))
            end
          end
        end
        assert.near_matrix(filled[2], m:impute(Z[2]), 0)
      end)

      it("never gets less likely: " .. where, function()
        for _, missing in ipairs { false, true } do
          local Z = missing and thinned(Y, 0.25, 3) or Y
          local m = made { init = "random", tolerance = 0, max_iterations = 60, seed = 2 }:fit(Z, { missing = missing })
          rises(m.history)
          assert.equal(0, m.drops)
          assert.is_true(m.history[60] > m.history[1])
          local fast = made { init = "random", tolerance = 1e-10, accelerate = true, seed = 2 }
          rises(fast:fit(Z, { missing = missing }).history)
        end
      end)

      it("without a missing entry is the complete fit: " .. where, function()
        local complete = made { tolerance = 0, max_iterations = 15 }:fit(Y)
        local marked = made { tolerance = 0, max_iterations = 15 }:fit(Y, { missing = true })
        assert.near_matrix(complete.history, marked.history, 1e-9)
        for k = 1, 3 do assert.near_matrix(complete.W[k], marked.W[k], 1e-8) end
        local none = matrix(1, D, nan)
        assert.near(0, complete:log_likelihood(none, { missing = true })[1], 1e-12)
        assert.near_matrix(complete.weights, complete:responsibilities(none, { missing = true })[1], 1e-12)
      end)

      it("ends where the gradient is zero: " .. where, function()
        for _, missing in ipairs { false, true } do
          local Z = Y:block(1, 60, 1, D)
          if missing then Z = matrix.vstack { thinned(Z:block(1, 10, 1, D), 0.3, 5), Z:block(11, 60, 1, D) } end
          local m = made { tolerance = 1e-15, max_iterations = 20000, accelerate = true }:fit(Z, { missing = missing })
          local function slope(change)
            local h, sides = 1e-4, {}
            for s = 1, 2 do
              local p = parameters(m)
              change(p, s == 1 and h or -h)
              sides[s] = total(p, Z)
            end
            return (sides[1] - sides[2]) / (2 * h) / 60
          end
          for n = 1, 2 do
            local k, j = n, 2 * n + 1
            assert.near(0, slope(function(p, h) p.means[k][j] = p.means(k, j) + h end), 2e-5)
            assert.near(0, slope(function(p, h) p.W[k][j][n] = p.W[k](j, n) + h end), 2e-5)
            assert.near(0, slope(function(p, h)
              local s = p.noise_variances
              if noise == "diagonal" then s[k][j] = s(k, j) * (1 + h) else s[k] = s[k] * (1 + h) end
            end), 1e-4)
          end
          assert.near(0, slope(function(p, h)
            p.weights[1], p.weights[2] = p.weights[1] + h, p.weights[2] - h
          end), 1e-4)
        end
      end)

      it("takes weights, chunks and files, the same bits by any number of threads: " .. where, function()
        local w, list = matrix(150, 1, function(i) return i % 3 end):col(1), {}
        for i = 1, 150 do for _ = 1, i % 3 do list[#list + 1] = i end end
        local few = { init = { means = Y:rows_at { 1, 2, 3 } }, tolerance = 0, max_iterations = 8 }
        local weighted, repeated = made(few):fit(Y, { weights = w }), made(few):fit(Y:rows_at(list))
        assert.near_matrix(repeated.history, weighted.history, 1e-9)
        assert.near_matrix(repeated.means, weighted.means, 1e-7)
        local function chunks()
          local first = 1
          return function()
            local last = math.min(first + 39, 150)
            local chunk = first <= 150 and Y:block(first, last, 1, D) or nil
            first = chunk and last + 1 or 1
            return chunk
          end
        end
        local whole = made(few):fit(Y)
        assert.near_matrix(whole.history, made(few):fit(chunks()).history, 1e-9)
        local path = os.tmpname() .. ".npy"
        assert(latent.write(path, Y))
        assert.near_matrix(whole.history, made(few):fit(latent.open(path)).history, 1e-9)
        os.remove(path)
        local many, before = planes(3000, D, 3, 2), latent.threads()
        local fits = {}
        for n = 1, 2 do
          latent.threads(n)
          fits[n] = made { tolerance = 0, max_iterations = 3 }:fit(many)
        end
        latent.threads(before)
        assert.same(fits[1].history, fits[2].history)
        assert.is_true(fits[1].W[2] == fits[2].W[2])
      end)

      it("goes on with more rows, from a fit and from a file: " .. where, function()
        local m, path = made { tolerance = 1e-13, accelerate = true }:fit(Y), os.tmpname()
        assert(m:save(path))
        local W, score = m.W[1]:copy(), m:score(Y)
        local loaded = assert(latent.load(path))
        os.remove(path)
        assert.is_true(loaded.W[1] == W)
        assert.is_true(loaded:log_likelihood(Y) == m:log_likelihood(Y))
        for _ = 1, 3 do m:partial_fit(Y) end -- the same data: a fixed point
        assert.near_matrix(W, m.W[1], 1e-3)
        assert.near(score, m:score(Y), 1e-6)
        loaded:partial_fit(Y)
        assert.near(score, loaded:score(Y), 1e-6)
        local online, all = made { seed = 1 }, planes(3000, D, 3, 2)
        for first = 1, 2701, 300 do online:partial_fit(all:block(first, first + 299, 1, D)) end
        assert.near(made():fit(all):score(all), online:score(all), 0.01 * D)
      end)

      it("begins at the PPCA of known components, and keeps their numbers: " .. where, function()
        local reversed = labels * -1 + 4
        local m = made():fit(Y, { labels = reversed })
        for k = 1, 3 do
          local list = {}
          for i = 4 - k, 150, 3 do list[#list + 1] = i end
          local part = Y:rows_at(list)
          assert.near_matrix(part:mean(1), m.means[k], 1e-11)
          if noise == "isotropic" then
            local p = latent.ppca { latent_dim = 2 }:fit(part)
            assert.near(p.noise_variance, m.noise_variances[k], 1e-6)
            assert.near_matrix(p.W, m.W[k], 1e-4)
          end
        end
        assert.near(1 / 3, m.weights[1], 1e-14)
        local some = labels:copy()
        for i = 1, 150 do if i % 5 ~= 0 then some[i] = 0 end end
        m = made():fit(Y, { labels = some })
        rises(m.history)
        assert.is_true(m:predict(Y):eq(labels):mean() > 0.95)
      end)

      it("draws rows, components and latent variables: " .. where, function()
        local m = made():fit(Y)
        local S, at, z = m:sample(4000, { seed = 5 })
        assert.is_true(S == m:sample(4000, { seed = 5 }))
        for k = 1, 3 do
          assert.near(m.weights[k], at:eq(k):mean(), 0.03)
          local list = {}
          for i = 1, 4000 do if at[i] == k then list[#list + 1] = i end end
          local rest = S:rows_at(list) - z:rows_at(list) * m.W[k]:t() - m.means[k]
          assert.near(noise_of(m, k, 2), rest:col(2):var(), 0.1 * noise_of(m, k, 2))
        end
        assert.near_matrix(matrix.eye(2), z:t() * z / 4000, 0.08)
        assert.near(m:score(S), m:score(Y), 0.05 * D)
      end)
    end
  end

  it("counts free parameters", function()
    local function count(options, Y)
      return latent.mppca(options):fit(Y):free_parameters()
    end
    local Y = planes(60, 5, 2, 2)
    assert.equal(1 + 2 * (5 + 10 - 1 + 1), count({ components = 2, latent_dim = 2 }, Y))
    assert.equal(1 + 2 * (5 + 10 - 1 + 5), count({ components = 2, latent_dim = 2, noise = "diagonal" }, Y))
    assert.equal(latent.gmm { components = 2 }:fit(Y):free_parameters(), count({ components = 2, latent_dim = 4 }, Y))
    assert.equal(latent.ppca { latent_dim = 3 }:fit(Y):free_parameters(), count({ latent_dim = 3 }, Y))
    local m = latent.mppca { components = 2, latent_dim = 2 }:fit(Y)
    local L = m:log_likelihood(Y):sum()
    assert.near(-2 * L + 2 * 31, m:aic(Y), 1e-9)
    assert.near(-2 * L + 31 * math.log(60), m:bic(Y), 1e-9)
  end)

  it("finds the planes of simulated data", function()
    local path, why = helper.data "sim/mppca.csv"
    if not path then return pending(why) end
    local data = latent.read(path)
    local Y = data:block(1, 900, 1, 6)
    local m = latent.mppca { components = 3, latent_dim = 2, restarts = 3, seed = 1 }:fit(Y)
    local truth = latent.mppca { components = 3, latent_dim = 2 }:fit(Y, { labels = data:col(7) + 1 })
    local permutation, distances = m:align(truth)
    assert.equal(6, permutation:sum())
    assert.is_true(distances:max() < 0.01)
    assert.near(truth:score(Y), m:score(Y), 0.01)
    assert.is_true(m:predict(Y):eq(data:col(7) + 1):mean() > 0.99)
    local gaps = thinned(Y, 0.2, 7)
    local g = latent.mppca { components = 3, latent_dim = 2, restarts = 3 }:fit(gaps, { missing = true })
    g:align(truth)
    for k = 1, 3 do assert.near(truth.noise_variances[k], g.noise_variances[k], 0.02) end
    -- and fills them better than one Gaussian does
    local function error_of(model)
      local d = model:impute(gaps) - Y
      return (d % d):mean()
    end
    assert.is_true(error_of(g) < 0.5 * error_of(latent.gmm():fit(gaps, { missing = true })))
  end)

  it("gives an iterator of its steps", function()
    local m, seen = latent.mppca { components = 2 }, {}
    for i, objective in m:steps(iris) do
      seen[i] = objective
      if i == 4 then break end
    end
    assert.equal(4, #seen)
    assert.near(seen[4], m.history[4], 0)
  end)

  it("keeps its digits far from the origin and in large units", function()
    for _, D in ipairs { 6, LARGE } do
      local Y = planes(150, D, 3, 2)
      for _, noise in ipairs(NOISES) do
        local options = { components = 3, latent_dim = 2, noise = noise, tolerance = 0, max_iterations = 20,
          init = { means = Y:rows_at { 1, 2, 3 } } }
        local near = latent.mppca(options):fit(Y)
        options.init.means = options.init.means * 1000 + 1e6
        local far = latent.mppca(options):fit(Y * 1000 + 1e6)
        assert.near(near.history[20] - D * math.log(1000), far.history[20], 1e-6)
        assert.near_matrix(near.noise_variances, far.noise_variances * 1e-6, 1e-6)
      end
    end
  end)
end)

describe("mppca's singularities", function()
  local function sound(m, X)
    assert.is_false(m.means:isnan():sum() > 0)
    local L = m:log_likelihood(X)
    for i = 1, L.rows do assert.is_true(L[i] == L[i] and math.abs(L[i]) < math.huge) end
  end

  for _, noise in ipairs(NOISES) do
    for _, D in ipairs { 4, LARGE } do
      local where = (": %s, %d columns"):format(noise, D)
      it("are survived and recorded when all rows are equal" .. where, function()
        local X = matrix.ones(12, D) * 3
        local m = latent.mppca { components = 2, noise = noise }:fit(X)
        sound(m, X)
        assert.is_true(#m.events > 0)
      end)

      it("of duplicates, planes and constant columns never give NaN" .. where, function()
        local cases = {
          matrix(40, D, function(i, j) return (i % 3) * j end),
          matrix(40, D, function(i, j) return j == 3 and 5 or math.sin(i * i + j) end),
          matrix(40, D, function(i, j) return i * j + 0.1 end),
        }
        for _, X in ipairs(cases) do
          for _, init in ipairs { "k-means", "random" } do
            local m = latent.mppca { components = 4, noise = noise, init = init, seed = 2, max_iterations = 50 }:fit(X)
            sound(m, X)
          end
        end
      end)

      it("of a component on a single row are ended by beginning anew" .. where, function()
        local X = planes(60, D, 2, 1)
        for j = 1, D do X[1][j] = 100 end
        local means = matrix.vstack { X:block(2, 3, 1, D), X:block(1, 1, 1, D) }
        local W = {}
        for k = 1, 3 do W[k] = matrix(D, 1, function(j) return j == 1 and 1 or 0 end) end
        local s = noise == "diagonal" and matrix.ones(3, D) or { 1, 1, 1 }
        local m = latent.mppca { init = { means = means, W = W, noise_variances = s }, noise = noise }:fit(X)
        sound(m, X)
        assert.is_true(#m.events > 0)
        assert.equal(3, m.events[1].component)
        assert.equal("reseeded", m.events[1].what)
      end)

      it("don't arise with a regularization" .. where, function()
        local X = matrix(40, D, function(i, j) return i % 2 + j end)
        local m = latent.mppca { components = 2, regularization = 1e-3, noise = noise }:fit(X)
        assert.equal(0, #m.events)
        sound(m, X)
      end)

      it("has as many components as rows, or one row" .. where, function()
        local X = planes(5, D, 1, 1)
        sound(latent.mppca { components = 5, noise = noise, max_iterations = 30 }:fit(X), X)
        sound(latent.mppca { noise = noise }:fit(X:block(1, 1, 1, D)), X)
      end)

      it("takes columns and rows that are wholly missing" .. where, function()
        local X = thinned(planes(40, D, 2, 1), 0.1, 3)
        for i = 1, 40 do X[i][2] = nan end
        for j = 1, D do X[7][j] = nan end
        local m = latent.mppca { components = 2, noise = noise, max_iterations = 40 }:fit(X, { missing = true })
        local L = m:log_likelihood(X, { missing = true })
        assert.near(0, L[7], 1e-12)
        assert.is_true(math.abs(L:sum()) < math.huge)
        local Y = m:impute(X)
        assert.equal(0, Y:isnan():sum())
      end)
    end
  end
end)

describe("mppca refuses", function()
  local X = planes(15, 4, 2, 1)
  local function refuses(part, options, data, more)
    fails(part, function() latent.mppca(options):fit(data or X, more) end)
  end

  it("impossible sizes", function()
    refuses("mppca:fit: components is 16, but X has 15 rows", { components = 16 })
    refuses("components must be an integer from 1", { components = 0 })
    refuses("latent_dim must be an integer from 0", { latent_dim = -1 })
    refuses("mppca:fit: latent_dim is 4 and X has 4 columns", { latent_dim = 4 })
    refuses("unknown noise 'full' (known: isotropic, diagonal)", { noise = "full" })
    refuses("did you mean 'components'", { component = 2 })
  end)

  it("bad data", function()
    for _, Y in ipairs { X:copy(), (planes(15, LARGE, 2, 1)) } do
      Y[3][2] = nan
      refuses("row 3", { components = 2 }, Y)
      Y[3][2] = math.huge
      refuses("row 3", { components = 2 }, Y)
      refuses("row 3", { components = 2 }, Y, { missing = true })
    end
    refuses("weight", { components = 2 }, X, { weights = matrix.ones(15, 1):col(1) * -1 })
    refuses("all weights are 0", { components = 2 }, X, { weights = matrix.zeros(15, 1):col(1) })
    refuses("label 3 is 3", { components = 2 }, X, { labels = matrix(15, 1, function(i) return i end):col(1) })
  end)

  it("bad starts", function()
    local means = { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } }
    refuses("init is without means", { init = { weights = { 1 } } })
    refuses("X has 4 columns, init has 2", { init = { means = { { 1, 2 }, { 3, 4 } } } })
    refuses("init.W must be a list of 2 matrices", { init = { means = means, W = { { { 1 }, { 1 }, { 1 }, { 1 } } } } })
    refuses("init.W[1] is a 3x1", { init = { means = means, W = { { { 1 }, { 1 }, { 1 } } } } })
    refuses("a noise variance of component 2 is -1", { init = { means = means, noise_variances = { 1, -1 } } })
    refuses("init.noise_variances is a", { noise = "diagonal", init = { means = means, noise_variances = { 1, 1 } } })
    refuses("latent_dim is 0, so there is no init.W", { latent_dim = 0, init = { means = means, W = {} } })
    refuses("unknown option 'covariances' (known: weights, means, W, noise_variances)",
      { init = { means = means, covariances = {} } })
  end)

  it("to say what it can't", function()
    local m = latent.mppca { components = 2 }
    fails("not fitted", m.predict, m, X)
    m:fit(X)
    fails("X has 3 columns, the model was fitted on 4", m.predict, m, matrix.ones(2, 3))
    fails("row 1, column 2", m.log_likelihood, m, { { 1, nan, 1, 1 } })
    fails("q is a", m.elbo, m, X, matrix.ones(15, 3))
    fails("row 1 of q adds up to 2", m.elbo, m, X, matrix.ones(15, 2))
    fails("component must be an integer from 1 to 2", m.transform, m, X, { component = 3 })
    fails("labels are integers from 1 to 2", m.inverse_transform, m, { { 1 } }, 3)
    fails("there are 2 labels for 1 rows", m.inverse_transform, m, { { 1 } }, { 1, 2 })
    fails("Z has 2 columns, the model has 1", m.inverse_transform, m, { { 1, 2 } }, 1)
    fails("the other has 1 components", m.align, m, latent.mppca():fit(X))
    fails("other must be a mppca", m.align, m, latent.gmm():fit(X))
    fails("component", m.covariance, m, 3)
    local flat = latent.mppca { latent_dim = 0 }:fit(X)
    fails("mppca:transform: latent_dim is 0", flat.transform, flat, X)
    fails("mppca:posterior: latent_dim is 0", flat.posterior, flat, X)
    local rows, labels, none = flat:sample(3, { seed = 1 })
    assert.equal(4, rows.cols)
    assert.equal(3, labels.rows)
    assert.is_nil(none)
    assert.near_matrix(matrix.ones(15, 4) % flat.means[1], flat:reconstruct(X), 1e-15)
  end)

  it("files whose numbers don't go together", function()
    local path = os.tmpname()
    local function altered(noise, change)
      assert(latent.mppca { components = 2, latent_dim = 1, noise = noise }:fit(X):save(path))
      local file = assert(io.open(path, "rb"))
      local bytes = file:read "a"
      file:close()
      file = assert(io.open(path, "wb"))
      file:write(change(bytes))
      file:close()
      local model, message = latent.load(path)
      assert.is_nil(model)
      return message
    end
    for _, noise in ipairs(NOISES) do
      assert.is_truthy(altered(noise, function(bytes)
        return (bytes:gsub('\\"latent_dim\\":1', '\\"latent_dim\\":2', 1))
      end):find "latent_dim = 2 doesn't fit")
      assert.is_truthy(altered(noise, function(bytes)
        return (bytes:gsub('\\"components\\":2', '\\"components\\":3', 1))
      end):find "2 components, the options say 3")
      -- the sign of the last noise variance, before the two weights
      assert.is_truthy(altered(noise, function(bytes)
        return bytes:sub(1, -18) .. string.char(bytes:byte(-17) | 0x80) .. bytes:sub(-16)
      end):find "a noise variance is %-")
    end
    os.remove(path)
  end)

  it("nothing when an observer raises: the model stays whole", function()
    local m = latent.mppca { components = 2, latent_dim = 1 }
    fails("enough", m.fit, m, X, {
      on_iteration = function(record) if record.iteration == 2 then error "enough" end end })
    assert.equal(2, m.iterations)
    assert.equal(2, m:responsibilities(X).cols)
  end)
end)
