-- PPCA with missing entries. Expected numbers are those of an implementation of our own in NumPy 2.4.6, row by row
-- and with dense D x D densities (SciPy 1.17.1, multivariate_normal), run until W no longer moved; for M = 1 SciPy's
-- BFGS on the likelihood itself found the same optimum, -434.7418936985.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local nan = 0 / 0

local function masked(X, missing)
  return matrix(#X, X.cols, function(i, j) return missing(i, j) and nan or X(i, j) end)
end

-- Numbers that a plane of two dimensions mostly explains.
local function data(n, d)
  return matrix(n, d, function(i, j)
    return math.sin(i * 0.7) * math.cos(j) + math.cos(i * 1.3) * math.sin(2 * j) + 0.3 * math.sin(i * i * j)
  end)
end

local function em(M, options)
  options = options or {}
  options.latent_dim, options.method = M, "em"
  options.tolerance, options.max_iterations = options.tolerance or 0, options.max_iterations or 3000
  return latent.ppca(options)
end

local gaps = { missing = true }

describe("ppca with missing entries", function()
  local iris = masked(assert(latent.datasets.iris()),
    function(i, j) return i == 10 or (7 * i + 3 * j * j + i * j) % 5 == 0 end)

  it("finds the maximum of the observed-data likelihood", function()
    local p = em(1):fit(iris, gaps)
    assert.near(-434.741893698452, p:log_likelihood(iris, gaps):sum(), 1e-9)
    assert.near(0.11516943910528, p.noise_variance, 1e-10)
    assert.near_matrix({ 5.875577504240873, 3.0521048309455248, 3.773154362416177, 1.1925148301388881 }, p.mean, 1e-8)
    p = em(2):fit(iris, gaps)
    assert.near(-390.378733791081, p:log_likelihood(iris, gaps):sum(), 1e-9)
    assert.near(-390.378733791081 / 150, p.history[#p.history], 1e-11)
    assert.near(0.05011041688257, p.noise_variance, 1e-10)
    assert.near_matrix({ 5.8592591072875475, 3.049322769413237, 3.773154362426238, 1.1931534004945576 }, p.mean, 1e-8)
    assert.near_matrix({ 0.6772232994815446, -0.03899503183297346, 1.256138277068891, 0.5316586534253003 },
      p:covariance()[1], 1e-8)
    assert.near_matrix({ -1.7770483219313418, -2.4157888386164728, -1.788329131289359, -1.9698444919288072 },
      p:log_likelihood(iris, gaps):block(1, 4), 1e-7)
    assert.equal(0, p.drops)
  end)

  it("imputes conditional means, and says how sure it is", function()
    local p = em(2):fit(iris, gaps)
    local Y, V = p:impute(iris, { variance = true })
    -- of the Gaussian with this covariance, by the formula with the inverse of its observed block
    assert.near_matrix({ iris(2, 1), 3.3218693094365728, iris(2, 3), 0.21837373068888377 }, Y[2], 1e-7)
    assert.near_matrix({ 0, 0.09022248219446129, 0, 0.05772862890042718 }, V[2], 1e-8)
    assert.near(4.784881702193859, Y(4, 1), 1e-7)
    assert.near(0.09442458846828217, V(4, 1), 1e-8)
    assert.near_matrix(p.mean, Y[10], 1e-14) -- nothing is known of row 10
    for j = 1, 4 do assert.near(p:covariance()(j, j), V(10, j), 1e-14) end
    assert.near_matrix(Y, p:impute(iris), 0)
    assert.near_matrix(Y[2], p:impute(iris[2]), 1e-14)
  end)

  it("has a zero gradient at the fit", function()
    -- the objective at other parameters: finite differences through densities of the observed blocks
    local p = em(1):fit(iris, gaps)
    local function objective(mean, W, s2)
      local C, sum = W * W:t() + matrix.eye(4) * s2, 0
      for i = 1, 150 do
        local there = {}
        for j = 1, 4 do
          if iris(i, j) == iris(i, j) then there[#there + 1] = j end
        end
        if #there > 0 then
          local n = #there
          local B = matrix(n, n, function(a, b) return C(there[a], there[b]) end)
          local d = matrix(n, 1, function(a) return iris(i, there[a]) - mean[there[a]] end)
          sum = sum - 0.5 * (n * math.log(2 * math.pi) + B:logdet() + (d:t() * B:solve(d))(1, 1))
        end
      end
      return sum
    end
    assert.near(p:log_likelihood(iris, gaps):sum(), objective(p.mean, p.W, p.noise_variance), 1e-9)
    local h = 1e-4
    local function slope(f) return (f(h) - f(-h)) / (2 * h) end
    for j = 1, 4 do
      local unit, column = matrix.eye(4)[j], matrix.eye(4):block(1, 4, j, j)
      assert.near(0, slope(function(t) return objective(p.mean + unit * t, p.W, p.noise_variance) end), 1e-4)
      assert.near(0, slope(function(t) return objective(p.mean, p.W + column * t, p.noise_variance) end), 1e-4)
    end
    assert.near(0, slope(function(t) return objective(p.mean, p.W, p.noise_variance + t * 0.1) end), 1e-2)
    assert.is_true(math.abs(slope(function(t) return objective(p.mean, p.W, 0.12 + t * 0.1) end)) > 1)
  end)

  it("equals the complete fit when nothing is missing", function()
    local X = data(60, 5)
    local complete = latent.ppca{ latent_dim = 2 }:fit(X)
    local closed = latent.ppca{ latent_dim = 2 }:fit(X, gaps)
    assert.equal("closed_form", closed.method)
    assert.is_true(complete.W == closed.W)
    local p = em(2):fit(X, gaps)
    assert.near_matrix(complete.W, p.W, 1e-9)
    assert.near_matrix(complete.mean, p.mean, 1e-9)
    assert.near(complete.noise_variance, p.noise_variance, 1e-12)
    assert.near_matrix(complete:log_likelihood(X), complete:log_likelihood(X, gaps), 1e-12)
    assert.near_matrix(complete:transform(X), complete:transform(X, gaps), 1e-13)
    assert.near_matrix(complete:reconstruct(X), complete:reconstruct(X, gaps), 1e-13)
    assert.is_true(X == complete:impute(X))
    local _, V = complete:posterior(X)
    local _, list = complete:posterior(X, gaps)
    assert.equal(60, #list)
    assert.near_matrix(V, list[7], 1e-14)
  end)

  it("takes EM where there are gaps, never goes down, and agrees for data in chunks", function()
    local X = masked(data(500, 8), function(i, j) return (i * 7 + j * 3 + i * j) % 4 == 0 end)
    local p = latent.ppca{ latent_dim = 2, max_iterations = 60, tolerance = 0 }:fit(X, gaps)
    assert.equal("em", p.method)
    for i = 2, 60 do assert.is_true(p.history[i] >= p.history[i - 1] - 1e-13) end
    local first = 1
    local q = latent.ppca{ latent_dim = 2, max_iterations = 60, tolerance = 0 }:fit(function()
      local last = math.min(first + 199, 500)
      local chunk = first <= 500 and X:block(first, last, 1, 8) or nil
      first = chunk and last + 1 or 1
      return chunk
    end, gaps)
    assert.near_matrix(p.W, q.W, 1e-9)
  end)

  it("counts a row without entries as nothing but the prior", function()
    local X = masked(data(40, 5), function(i, j) return (i + j) % 6 == 0 end)
    local more = matrix.vstack{ X, matrix(3, 5, nan) }
    local p, q = em(2, { max_iterations = 50 }):fit(X, gaps), em(2, { max_iterations = 50 }):fit(more, gaps)
    assert.near_matrix(p.W, q.W, 1e-11)
    assert.near_matrix({ 0, 0, 0 }, q:log_likelihood(more, gaps):block(41, 43), 0)
    local means, covariances = q:posterior(more, gaps)
    assert.near_matrix({ 0, 0 }, means[42], 0)
    assert.near_matrix(matrix.eye(2), covariances[42], 1e-14)
  end)

  it("computes posteriors of the rows' own entries", function()
    local X = masked(data(30, 6), function(i, j) return (i * j) % 3 == 1 end)
    local p = em(2, { max_iterations = 100 }):fit(X, gaps)
    local means, covariances = p:posterior(X, gaps)
    for _, i in ipairs{ 1, 2, 8, 30 } do
      local there = {}
      for j = 1, 6 do
        if X(i, j) == X(i, j) then there[#there + 1] = j end
      end
      local W = p.W:rows_at(there)
      local K = W:t() * W + matrix.eye(2) * p.noise_variance
      local d = matrix(#there, 1, function(a) return X(i, there[a]) - p.mean[there[a]] end)
      assert.near_matrix((K:inverse() * (W:t() * d)):t()[1], means[i], 1e-12)
      assert.near_matrix(K:inverse() * p.noise_variance, covariances[i], 1e-13)
    end
    local bound, kl = p:elbo(X, { means = means, covariance = covariances }, gaps)
    assert.near(0, kl:max(), 1e-12)
    assert.near_matrix(p:log_likelihood(X, gaps), bound, 1e-11)
  end)

  it("tells patterns apart beyond 64 columns, in any order of the rows", function()
    local X = masked(data(300, 130), function(i, j) return (i * i + 5 * j) % 11 < 3 or (i % 50 == 0 and j > 70) end)
    local order = {}
    for i = 1, 300 do order[i] = 301 - i end
    local p = em(2, { max_iterations = 20 }):fit(X, gaps)
    local q = em(2, { max_iterations = 20 }):fit(X:rows_at(order), gaps)
    assert.near_matrix(p.W, q.W, 1e-9)
    local one, other = p:log_likelihood(X, gaps), p:log_likelihood(X:rows_at(order), gaps)
    for i = 1, 300 do assert.near(one[order[i]], other[i], 1e-9) end
    assert.near(one[50], p:log_likelihood(X[50], gaps), 1e-9)
  end)

  it("gives the same bits for every number of threads", function()
    local X = masked(data(6000, 10), function(i, j) return (i * 31 + j * 17 + i * j) % 5 == 0 end)
    local threads = latent.threads()
    local function run(n)
      latent.threads(n)
      local p = em(3, { max_iterations = 4 }):fit(X, gaps)
      return p.W, p:impute(X)
    end
    local W, Y = run(1)
    local W2, Y2 = run(2)
    latent.threads(threads)
    assert.is_true(W == W2)
    assert.is_true(Y == Y2)
  end)

  -- Many latent dimensions: few gaps, many, patterns that repeat, a column and a row whose numbers are far larger than
  -- the others', and parameters.
  local function large(column, row)
    local N, D, M, rng = 90, 24, 14, latent.random(4)
    local X = matrix.normal(N, M, rng) * matrix.normal(M, D, rng) + matrix.normal(N, D, rng) * 0.5
    X[5] = X[5] * row
    local scales = matrix(D, 1, function(j) return j == 3 and column or 1 end):col(1)
    X = masked(X * matrix.diag(scales), function(i, j)
      local pattern = i > 60 and 7 or i
      local many = i % 5 == 0 and (i * 3 + j * 5) % 7 < 5
      return many or (pattern * 3 + j * j) % 11 == 0 or (i < 20 and j == 3) or (i == 5 and j > 4)
    end)
    local start = { mean = matrix.normal(1, D, rng)[1], noise_variance = 0.7 }
    start.W = matrix.diag(scales) * matrix.normal(D, M, rng)
    return X, start, scales
  end

  local function there_of(x)
    local there = {}
    for j = 1, #x do if x[j] == x[j] then there[#there + 1] = j end end
    return there
  end

  it("takes an iteration of many latent dimensions as its formulas do", function()
    local X, start, scales = large(1e3, 1e2)
    local N, D, M = #X, X.cols, start.W.cols
    local p = latent.ppca{ latent_dim = M, init = start, max_iterations = 1, tolerance = 0 }:fit(X, gaps)
    local A, B, all, q, entries = {}, matrix.zeros(D, M + 1), matrix.zeros(M + 1, M + 1), 0, 0
    for j = 1, D do A[j] = matrix.zeros(M + 1, M + 1) end
    for i = 1, N do
      local there = there_of(X[i])
      local W = start.W:rows_at(there)
      local inverse = (W:t() * W + matrix.eye(M) * start.noise_variance):inverse()
      local d = matrix(#there, 1, function(a) return X(i, there[a]) - start.mean[there[a]] end)
      local z = matrix.vstack{ inverse * (W:t() * d), matrix(1, 1, 1) }
      local E = z * z:t()
      for a = 1, M do for b = 1, M do E:set(a, b, E(a, b) + start.noise_variance * inverse(a, b)) end end
      all = all + E
      for _, j in ipairs(there) do
        A[j] = A[j] + E
        B[j] = B[j] + z:col(1) * X(i, j)
        q, entries = q + X(i, j) ^ 2, entries + 1
      end
    end
    local W, mean = matrix.zeros(D, M), matrix.zeros(1, D)[1]
    for j = 1, D do
      local w = A[j]:solve(B[j])
      for m = 1, M do W:set(j, m, w[m]) end
      mean[j] = w[M + 1]
      q = q - w:dot(B[j])
    end
    -- z becomes standard in the mean of all rows: its own mean and covariance go into those of x
    local zbar = all:block(1, M, M + 1, M + 1):col(1) / N
    local S = all:block(1, M, 1, M) / N - zbar:outer(zbar)
    assert.near(1, p.noise_variance / (q / entries), 1e-6)
    local unscale = matrix.diag(1 / scales)
    assert.near_matrix(unscale * (W * S * W:t()) * unscale, unscale * (p.W * p.W:t()) * unscale, 1e-6)
    assert.near_matrix(unscale * (mean + W * zbar), unscale * p.mean, 1e-7)
  end)

  it("keeps the digits of rows that miss what is largest", function()
    local X, start = large(1e5, 1e4)
    local p = latent.ppca{ latent_dim = start.W.cols, init = start, max_iterations = 0 }:fit(X, gaps)
    local all, density = p:covariance(), p:log_likelihood(X, gaps)
    for i = 1, #X do
      local there = there_of(X[i])
      local C = all:rows_at(there):t():rows_at(there)
      local d = matrix(#there, 1, function(a) return X(i, there[a]) - p.mean[there[a]] end):col(1)
      local expected = -0.5 * (#there * math.log(2 * math.pi) + C:logdet() + d:dot(C:solve(d)))
      assert.near(1, density[i] / expected, i < 20 and 1e-9 or 1e-5)
    end
  end)

  it("takes weights as repeated rows", function()
    local X = masked(data(50, 5), function(i, j) return (i + 2 * j) % 5 == 0 end)
    local weights, list = {}, {}
    for i = 1, 50 do
      weights[i] = i % 3
      for _ = 1, i % 3 do list[#list + 1] = i end
    end
    local p = em(2, { max_iterations = 30 }):fit(X, { missing = true, weights = weights })
    local q = em(2, { max_iterations = 30 }):fit(X:rows_at(list), gaps)
    assert.near(q.history[30], p.history[30], 1e-10)
    assert.near_matrix(q.W, p.W, 1e-9)
  end)

  it("fills gaps without noise too", function()
    -- rank 1 and no noise: the entries come back
    local X = matrix(40, 5, function(i, j) return math.sin(i) * j + 2 end)
    local Y = masked(X, function(i, j) return (i + 3 * j) % 7 == 0 end)
    local p = latent.ppca{ latent_dim = 1, noise_variance = 0, tolerance = 0, max_iterations = 300 }:fit(Y, gaps)
    assert.near(0, p.history[300], 1e-20)
    assert.near_matrix(X, p:impute(Y), 1e-9)
    for i = 2, 300 do assert.is_true(p.history[i] <= p.history[i - 1] + 1e-18) end
  end)

  it("says what is wrong", function()
    local X = masked(data(20, 4), function(_, j) return j == 3 end)
    fails("ppca:fit: column 3 of X is wholly missing", function() em(1):fit(X, gaps) end)
    fails("column 1 of X is wholly missing", function() em(1):fit(matrix(4, 3, nan), gaps) end)
    fails("row 1, column 3", function() em(1):fit(X) end)
    fails("row 2, column 1", function() em(1):fit({ { 1, nan, 3 }, { math.huge, 1, 2 }, { 0, 1, 5 } }, gaps) end)
  end)
end)
