-- Factor analysis with missing entries. Expected numbers are those of BFGS (SciPy 1.17.1) on the observed-data
-- likelihood, with dense covariances of each pattern and their gradients, the best of six starts.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local nan = 0 / 0

local function data(n, d)
  return matrix(n, d, function(i, j)
    return math.sin(i * 0.7) * math.cos(j) + math.cos(i * 1.3) * math.sin(2 * j)
      + 0.2 * (1 + j % 3) * math.sin(i * i * j)
  end)
end

local function masked(X, missing)
  return matrix(#X, X.cols, function(i, j) return missing(i, j) and nan or X(i, j) end)
end

local gaps = { missing = true }

-- log N of the observed entries of a row, by their block of the covariance; and the block's parts.
local function dense(x, mean, C)
  local there = {}
  for j = 1, #x do
    if x[j] == x[j] then there[#there + 1] = j end
  end
  local n = #there
  if n == 0 then return 0, there end
  local B = matrix(n, n, function(a, b) return C(there[a], there[b]) end)
  local d = matrix(n, 1, function(a) return x[there[a]] - mean[there[a]] end)
  return -0.5 * (n * math.log(2 * math.pi) + B:logdet() + (d:t() * B:solve(d))(1, 1)), there, B, d
end

describe("fa with missing entries", function()
  local X = masked(data(120, 6), function(i, j) return i == 10 or (7 * i + 3 * j * j + i * j) % 5 == 0 end)
  local function fit(options)
    options = options or {}
    options.latent_dim = 2
    return latent.fa(options):fit(X, gaps)
  end

  it("finds the maximum of the observed-data likelihood", function()
    local fa = fit{ tolerance = 0, max_iterations = 6000 }
    assert.equal("em", fa.method)
    assert.near(-413.24860961872935, fa:log_likelihood(X, gaps):sum(), 1e-6)
    assert.near(-413.24860961872935 / 120, fa.history[#fa.history], 1e-8)
    assert.near_matrix({ -0.00518436, -0.01260834, -0.02336131, -0.04869862, -0.00329584, -0.00304724 }, fa.mean, 1e-4)
    assert.near_matrix({ 0.10689627, 0.16842648, 0.00320148, 0.08855358, 0.17851452, 0.01651429 },
      fa.noise_variances, 1e-4)
    local W = fa.W
    assert.near_matrix({ 0.51452941, -0.38682965, -0.3890442, 0.22400801, -0.10974547, 0.03921349 },
      (W * W:t())[1], 1e-4)
    assert.near(-413.24860961872935, fit():log_likelihood(X, gaps):sum(), 1e-5) -- by the default tolerance
    for i = 2, #fa.history do assert.is_true(fa.history[i] >= fa.history[i - 1] - 1e-13) end
  end)

  it("has a zero gradient at the fit", function()
    local fa = fit{ tolerance = 0, max_iterations = 6000 }
    local function objective(mean, W, noise)
      local C, sum = W * W:t() + matrix.diag(noise), 0
      for i = 1, 120 do sum = sum + (dense(X[i], mean, C)) end
      return sum
    end
    assert.near(fa:log_likelihood(X, gaps):sum(), objective(fa.mean, fa.W, fa.noise_variances), 1e-9)
    local h = 1e-4
    local function slope(f) return (f(h) - f(-h)) / (2 * h) end
    for j = 1, 6 do
      local e = matrix.eye(6)[j]
      assert.near(0, slope(function(t) return objective(fa.mean + e * t, fa.W, fa.noise_variances) end), 2e-3)
      for m = 1, 2 do
        local unit = matrix(6, 2, function(a, b) return a == j and b == m and 1 or 0 end)
        assert.near(0, slope(function(t) return objective(fa.mean, fa.W + unit * t, fa.noise_variances) end), 2e-2)
      end
      assert.near(0, slope(function(t)
        return objective(fa.mean, fa.W, fa.noise_variances + e * (t * fa.noise_variances[j]))
      end), 2e-3)
    end
    assert.is_true(math.abs(slope(function(t)
      return objective(fa.mean, fa.W * (1.1 + t), fa.noise_variances)
    end)) > 1)
  end)

  it("computes densities, posteriors and imputations by the rows' own entries, also with oblique factors", function()
    for _, rotation in ipairs{ "none", "promax" } do
      local fa = fit{ rotation = rotation, max_iterations = 100 }
      local C, Phi = fa:covariance(), fa.factor_correlations
      local ll = fa:log_likelihood(X, gaps)
      local means, covariances = fa:posterior(X, gaps)
      local bartlett = fa:transform(X, { missing = true, scores = "bartlett" })
      local Y, V = fa:impute(X, { variance = true })
      assert.equal(120, #covariances)
      for _, i in ipairs{ 1, 2, 8, 10, 77 } do
        local value, there, B, d = dense(X[i], fa.mean, C)
        assert.near(value, ll[i], 1e-9)
        if #there == 0 then
          assert.equal(0, ll[i])
          assert.near_matrix({ 0, 0 }, means[i], 0)
          assert.near_matrix(Phi, covariances[i], 1e-12)
          assert.near_matrix(fa.mean, Y[i], 1e-14)
          for j = 1, 6 do assert.near(C(j, j), V(i, j), 1e-12) end
        else
          local W = fa.W:rows_at(there)
          local G = B:inverse() * W * Phi
          assert.near_matrix((d:t() * G)[1], means[i], 1e-9)
          assert.near_matrix(Phi - Phi * W:t() * G, covariances[i], 1e-10)
          local weighted = matrix(#there, 2, function(a, m) return W(a, m) / fa.noise_variances[there[a]] end)
          if #there > 2 then
            assert.near_matrix((d:t() * weighted * (W:t() * weighted):inverse())[1], bartlett[i], 1e-7)
          end
          for j = 1, 6 do
            if X(i, j) == X(i, j) then
              assert.equal(X(i, j), Y(i, j))
              assert.equal(0, V(i, j))
            else
              local c = matrix(#there, 1, function(a) return C(there[a], j) end)
              local g = B:solve(c)
              assert.near(fa.mean[j] + (g:t() * d)(1, 1), Y(i, j), 1e-9)
              assert.near(C(j, j) - (g:t() * c)(1, 1), V(i, j), 1e-10)
            end
          end
        end
      end
      local bound, kl = fa:elbo(X, { means = means, covariance = covariances }, gaps)
      assert.near(0, kl:max(), 1e-9)
      assert.near_matrix(ll, bound, 1e-8)
      assert.is_true(bartlett == bartlett) -- no NaN, also where a row has fewer entries than there are factors
    end
  end)

  it("computes densities whatever patterns there are, of few and of many rows", function()
    local rng = latent.random(3)
    for _, sizes in ipairs{ { 3, 0 }, { 3, 2 }, { 17, 4 }, { 17, 16 }, { 70, 3 } } do
      local D, M = sizes[1], sizes[2]
      local base = matrix.normal(300, D, rng)
      for _, kind in ipairs{ "fa", "ppca" } do
        local model = latent[kind]{ latent_dim = M }:fit(base * matrix.normal(D, D, rng))
        local C = model:covariance()
        for _, patterns in ipairs{ 1, 3, 1000 } do
          for _, N in ipairs{ 1, 9, 300 } do
            local Y = matrix(N, D, function(i, j)
              return math.sin(1e4 * j * ((i * 7) % patterns + 1)) > 0.5 and nan or base(i, j)
            end)
            local ll = model:log_likelihood(Y, gaps)
            for i = 1, N, N > 9 and 37 or 1 do
              local expected = dense(Y[i], model.mean, C)
              assert.near(expected, ll[i], 1e-11 * (1 + math.abs(expected)))
            end
            assert.near_matrix(ll, model:log_likelihood(Y:to("float32"):to("float64"), gaps),
              1e-5 * (1 + ll:abs():max()))
          end
        end
      end
    end
  end)

  it("equals the complete fit when nothing is missing", function()
    local Y = data(80, 6)
    local complete, closed = latent.fa{ latent_dim = 2 }:fit(Y), latent.fa{ latent_dim = 2 }:fit(Y, gaps)
    assert.equal("ml", closed.method)
    assert.is_true(complete.W == closed.W)
    local options = { latent_dim = 2, method = "em", max_iterations = 50, tolerance = 0 }
    local em, with = latent.fa(options):fit(Y), latent.fa(options):fit(Y, gaps)
    assert.near_matrix(em.W, with.W, 1e-9)
    assert.near_matrix(em.noise_variances, with.noise_variances, 1e-10)
    assert.near_matrix(em.mean, with.mean, 1e-12)
    assert.near_matrix(complete:log_likelihood(Y), complete:log_likelihood(Y, gaps), 1e-10)
    assert.near_matrix(complete:transform(Y), complete:transform(Y, gaps), 1e-11)
    assert.is_true(Y == complete:impute(Y))
  end)

  it("is the model of the columns in other units, of chunks, and of repeated rows", function()
    local options = { latent_dim = 2, max_iterations = 30, tolerance = 0, accelerate = false }
    local fa = latent.fa(options):fit(X, gaps)
    local units = matrix{ 100, 1, 1e-3, 2, 5, 0.1 }
    local other = latent.fa(options):fit(X % units, gaps)
    assert.near_matrix(fa.noise_variances, other.noise_variances / units / units, 1e-9)
    local weights, list = {}, {}
    for i = 1, 120 do
      weights[i] = i % 3
      for _ = 1, i % 3 do list[#list + 1] = i end
    end
    local a = latent.fa(options):fit(X, { missing = true, weights = weights })
    local b = latent.fa(options):fit(X:rows_at(list), gaps)
    assert.near_matrix(b.W, a.W, 1e-8)
    local c = latent.fa(options):fit(helper.chunks(X, 50), gaps)
    assert.near_matrix(fa.W, c.W, 1e-8)
  end)

  it("gives the same bits for every number of threads", function()
    local Y = masked(data(6000, 10), function(i, j) return (i * 31 + j * 17 + i * j) % 5 == 0 end)
    local threads = latent.threads()
    local function run(n)
      latent.threads(n)
      local fa = latent.fa{ latent_dim = 3, max_iterations = 4 }:fit(Y, gaps)
      return fa.W, fa:impute(Y)
    end
    local W, Z = run(1)
    local W2, Z2 = run(2)
    latent.threads(threads)
    assert.is_true(W == W2)
    assert.is_true(Z == Z2)
  end)

  it("says what is wrong", function()
    local Y = masked(data(20, 4), function(_, j) return j == 3 end)
    fails("fa:fit: column 3 of X is wholly missing", function() latent.fa():fit(Y, gaps) end)
    fails("column 1 of X is wholly missing", function() latent.fa():fit(matrix(4, 3, nan), gaps) end)
    fails("row 1, column 3", function() latent.fa():fit(Y) end)
    fails("column 2 of X is constant", function()
      latent.fa():fit({ { 1, 7, nan }, { 2, 7, 1 }, { 3, nan, 0 }, { nan, 7, 3 } }, gaps)
    end)
    fails("can be tested", function() fit{ max_iterations = 3 }:test() end)
  end)
end)
