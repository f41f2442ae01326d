-- latent.mixture: Bernoulli, categorical and Poisson columns.
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

-- Rows of a table of response patterns, "10110", and how often each was given.
local function patterns(list)
  local rows, counts = {}, {}
  for pattern, count in list:gmatch "(%d+)%*(%d+)" do
    local row = {}
    for digit in pattern:gmatch "%d" do row[#row + 1] = tonumber(digit) end
    rows[#rows + 1], counts[#counts + 1] = row, tonumber(count)
  end
  return matrix(rows), counts
end

-- Stouffer and Toby (1951), in Goodman, Biometrika 61 (1974): 216 people, four dilemmas.
local VALUES = [[1111*42 1110*23 1101*6 1100*25 1011*6 1010*24 1001*7 1000*38
  0111*1 0110*4 0101*1 0100*6 0011*2 0010*9 0001*2 0000*20]]
-- Agresti, Categorical Data Analysis (2002), table 13.1: seven pathologists, 118 slides.
local CARCINOMA = [[0000000*34 0000100*2 0100000*6 0100001*1 0100100*4 0100101*5 1000000*2 1010101*1 1100000*2
  1100001*1 1100100*2 1100101*7 1100111*1 1101001*1 1101101*2 1101111*3 1110101*13 1110111*5 1111101*10 1111111*16]]

-- Every row as often as its count says.
local function repeated(X, counts)
  local places = {}
  for i, count in ipairs(counts) do for _ = 1, count do places[#places + 1] = i end end
  return X:rows_at(places)
end

-- Data of two clear classes, with some entries missing where `share` says.
local function binary(N, D, share, seed)
  local random = latent.random(seed or 1)
  return matrix(N, D, function(i, j)
    local p = (i % 3 == 0) == (j % 2 == 0) and 0.8 or 0.3
    local x = random:uniform() < p and 1 or 0
    return random:uniform() < (share or 0) and nan or x
  end)
end

-- EM as in the textbook, row by row, leaving out what is missing: the objectives, weights, means.
local function brute_bernoulli(X, weights, means, iterations)
  local N, D, K, history = X.rows, X.cols, #weights, {}
  for t = 1, iterations do
    local L, n, sums, counts = 0, {}, {}, {}
    for k = 1, K do
      n[k], sums[k], counts[k] = 0, {}, {}
      for d = 1, D do sums[k][d], counts[k][d] = 0, 0 end
    end
    for i = 1, N do
      local p, total = {}, 0
      for k = 1, K do
        p[k] = weights[k]
        for d = 1, D do
          local x = X(i, d)
          if x == x then p[k] = p[k] * (x == 1 and means[k][d] or 1 - means[k][d]) end
        end
        total = total + p[k]
      end
      L = L + math.log(total)
      for k = 1, K do
        local r = p[k] / total
        n[k] = n[k] + r
        for d = 1, D do
          local x = X(i, d)
          if x == x then sums[k][d], counts[k][d] = sums[k][d] + r * x, counts[k][d] + r end
        end
      end
    end
    history[t], weights, means = L / N, {}, {}
    for k = 1, K do
      weights[k], means[k] = n[k] / N, {}
      for d = 1, D do means[k][d] = sums[k][d] / counts[k][d] end
    end
  end
  return history, weights, means
end

describe("latent class analysis", function()
  -- Log-likelihoods from the documentation of R's poLCA 1.6: help(values), help(carcinoma).
  for _, case in ipairs {
    { VALUES, 1, -543.6498, 4 }, { VALUES, 2, -504.4677, 9 }, { VALUES, 3, -503.3011, 14 },
    { CARCINOMA, 2, -317.2568, 15 }, { CARCINOMA, 3, -293.705, 23 }, { CARCINOMA, 4, -289.2858, 31 },
  } do
    local list, K, published, free = table.unpack(case)
    local name = list == VALUES and "Goodman's table" or "the carcinoma table"
    it(("finds the published likelihood of %s with %d classes"):format(name, K), function()
      local X, counts = patterns(list)
      local N = matrix(counts):sum()
      for _, family in ipairs { "bernoulli", "categorical" } do
        local model = mixture(K, family, { restarts = 10, tolerance = 1e-11, accelerate = true, max_iterations = 5000 })
        model:fit(X, { weights = counts })
        assert.is_near(published, last(model) * N, 6e-5)
        assert.are.equal(free, model:free_parameters())
        assert.are.equal(0, model.drops)
      end
    end)
  end

  it("is the same for rows given one by one, codes from 1, and one-hot columns", function()
    local X, counts = patterns(CARCINOMA)
    local rows = repeated(X, counts)
    local function fit(data, options, given)
      options.seed, options.tolerance, options.max_iterations, options.restarts = 2, 0, 60, 1
      return mixture(3, "categorical", options):fit(data, given)
    end
    local a = fit(X, {}, { weights = counts })
    local b = fit(rows, {})
    local c = fit(X + 1, {}, { weights = counts })
    local d = fit(matrix(X.rows, 14, function(i, j)
      return X(i, (j + 1) // 2) == (j + 1) % 2 and 1 or 0
    end), { groups = { 2, 2, 2, 2, 2, 2, 2 } }, { weights = counts })
    for _, other in ipairs { b, c, d } do
      assert.near_matrix(a.probabilities, other.probabilities, 1e-9)
      assert.near_matrix(a.weights, other.weights, 1e-9)
      assert.is_near(last(a), last(other), 1e-12)
    end
    assert.near_matrix({ 0, 0, 0, 0, 0, 0, 0 }, a.lowest)
    assert.near_matrix({ 1, 1, 1, 1, 1, 1, 1 }, c.lowest)
    assert.near_matrix(c:column(3), d:column(3), 1e-9)
    assert.near_matrix({ 1, 1, 1 }, d:column(3):sum(2), 1e-12)
  end)

  it("has columns of different levels, which sum to 1", function()
    local X = matrix { { 1, 0, 3 }, { 2, 1, 1 }, { 1, 0, 2 }, { 3, 1, 2 }, { 2, 1, 4 }, { 1, 1, 4 } }
    local model = mixture(2, "categorical"):fit(X)
    assert.near_matrix({ 3, 2, 4 }, model.levels)
    assert.near_matrix({ 1, 0, 1 }, model.lowest)
    for d = 1, 3 do assert.near_matrix({ 1, 1 }, model:column(d):sum(2), 1e-12) end
    assert.are.equal(1 + 2 * (2 + 1 + 3), model:free_parameters())
    local wide = mixture(2, "categorical", { levels = { 3, 2, 5 }, smoothing = 0.5 }):fit(X)
    assert.are.equal(5, wide:column(3).cols)
    assert.is_true(wide:column(3):min() > 0)
  end)
end)

describe("a Bernoulli mixture", function()
  local weights = { 0.5, 0.5 }
  local means = { { 0.3, 0.6, 0.4, 0.7, 0.5 }, { 0.6, 0.3, 0.7, 0.4, 0.4 } }
  local function given(iterations)
    return mixture(2, "bernoulli", { init = { weights = weights, means = means }, tolerance = 0,
      max_iterations = iterations })
  end

  for _, share in ipairs { 0, 0.3 } do
    it(("is EM as in the textbook, with %g%% missing"):format(100 * share), function()
      local X = binary(40, 5, share)
      local history, w, m = brute_bernoulli(X, weights, means, 12)
      local model = given(12):fit(X, { missing = true })
      assert.near_matrix(history, model.history, 1e-12)
      assert.near_matrix(w, model.weights, 1e-12)
      assert.near_matrix(m, model.means, 1e-12)
    end)
  end

  it("with one component has the columns' means", function()
    local X = binary(50, 4)
    assert.near_matrix(X:mean(1), mixture(1, "bernoulli"):fit(X).means[1], 1e-14)
    local holes = binary(50, 4, 0.2)
    local function mean(j)
      local sum, n = 0, 0
      for i = 1, 50 do if holes(i, j) == holes(i, j) then sum, n = sum + holes(i, j), n + 1 end end
      return sum / n
    end
    assert.near_matrix({ mean(1), mean(2), mean(3), mean(4) },
      mixture(1, "bernoulli"):fit(holes, { missing = true }).means[1], 1e-14)
  end)

  it("never gets worse", function()
    local X = binary(300, 8, 0.1)
    for _, options in ipairs { { smoothing = 0 }, { smoothing = 0.7 }, { accelerate = true } } do
      options.seed, options.tolerance, options.max_iterations = 5, 0, 80
      local model = mixture(4, "bernoulli", options):fit(X, { missing = true })
      assert.are.equal(0, model.drops)
      for i = 2, #model.history do assert.is_true(model.history[i] >= model.history[i - 1] - 1e-12) end
    end
  end)

  it("takes a weight of 2 as the row twice, and 0 as none", function()
    local X = binary(30, 5)
    local counts = {}
    for i = 1, 30 do counts[i] = i % 3 end
    local a, b = given(20):fit(X, { weights = counts }), given(20):fit(repeated(X, counts))
    assert.near_matrix(a.means, b.means, 1e-12)
    assert.is_near(last(a), last(b), 1e-13)
  end)

  it("doesn't mind the order of the rows, nor repetitions", function()
    local X = binary(400, 5) -- of 32 patterns: compressed
    local places = {}
    for i = 1, 400 do places[i] = 401 - i end
    local a, b = mixture(2, "bernoulli", { seed = 3 }), mixture(2, "bernoulli", { seed = 3 })
    a:fit(X)
    b:fit(X:rows_at(places))
    assert.near_matrix(a.means, b.means, 1e-9)
    -- a function's chunks are never compressed
    local sent = false
    local c = given(30):fit(function()
      sent = not sent
      return sent and X or nil
    end)
    assert.near_matrix(given(30):fit(X).means, c.means, 1e-12)
  end)

  it("is the same for 1 and 2 threads, bit by bit", function()
    local X = binary(5000, 20, 0.05)
    local before = latent.threads()
    finally(function() latent.threads(before) end)
    local results = {}
    for threads = 1, 2 do
      latent.threads(threads)
      results[threads] = mixture(3, "bernoulli", { tolerance = 0, max_iterations = 10, restarts = 1 })
        :fit(X, { missing = true })
    end
    assert.is_true(results[1].means == results[2].means)
    assert.are.same(results[1].history, results[2].history)
  end)

  it("reaches probabilities of 0 and 1 without NaN", function()
    local X = matrix { { 1, 1, 0 }, { 1, 1, 0 }, { 0, 1, 1 }, { 0, 1, 1 } }
    local model = mixture(2, "bernoulli", { restarts = 3 }):fit(X)
    assert.near_matrix({ { 0, 1, 1 }, { 1, 1, 0 } }, model.means, 1e-9)
    assert.is_near(-math.log(2), last(model), 1e-9)
    local exact = mixture(2, "bernoulli", { init = { means = { { 0, 1, 1 }, { 1, 1, 0 } } } }):fit(X)
    assert.near_matrix({ { 1, 0 }, { 0, 1 } }, exact:responsibilities(X:rows_at { 3, 1 }))
    assert.near_matrix({ -math.huge, -math.log(2), 0 },
      exact:log_likelihood({ { 1, 0, 1 }, { 1, 1, 0 }, { nan, 1, nan } }, { missing = true }), 1e-15)
    assert.near_matrix({ { 0.5, 0.5 } }, exact:responsibilities { { 1, 0, 1 } })
    assert.near_matrix({ { 1, 1, 0 } }, exact:impute { { 1, nan, nan } })
    helper.fails("a row has no probability", function()
      mixture(2, "bernoulli", { init = { means = { { 0, 0, 1 }, { 0, 1, 0 } } } }):fit(X)
    end)
  end)

  it("smooths by pseudo-counts: one component is (sum + s)/(N + 2s)", function()
    local X = matrix { { 1, 0 }, { 1, 0 }, { 0, 0 } }
    local model = mixture(1, "bernoulli", { smoothing = 0.5 }):fit(X)
    assert.near_matrix({ { 2.5 / 4, 0.5 / 4 } }, model.means, 1e-14)
    -- the objective is the likelihood and the prior's logarithm
    local log, p, q = math.log, 2.5 / 4, 0.5 / 4
    local prior = 0.5 * (log(p) + log(1 - p) + log(q) + log(1 - q))
    assert.is_near((model:log_likelihood(X):sum() + prior) / 3, last(model), 1e-12)
  end)

  it("takes labels: all of them give the closed form, some guide the fit", function()
    local X = binary(60, 6)
    local labels = {}
    for i = 1, 60 do labels[i] = i % 3 == 0 and 2 or 1 end
    local model = mixture(2, "bernoulli"):fit(X, { labels = labels })
    local second = {}
    for i = 3, 60, 3 do second[#second + 1] = i end
    assert.near_matrix(X:rows_at(second):mean(1), model.means[2], 1e-14)
    assert.near_matrix({ 2 / 3, 1 / 3 }, model.weights, 1e-14)
    for i = 10, 60 do labels[i] = 0 end
    local guided = mixture(2, "bernoulli"):fit(X, { labels = labels })
    assert.is_true(guided.means(2, 2) > guided.means(1, 2)) -- even rows of class 2 have more ones in even columns
  end)

  it("has a bound and a distance that add up to the log-likelihood", function()
    local X = binary(50, 6, 0.2)
    local model = mixture(3, "bernoulli", { smoothing = 0.1 }):fit(X, { missing = true })
    local q = latent.matrix.random(50, 3, latent.random(4))
    q = matrix(50, 3, function(i, k) return q(i, k) / q[i]:sum() end)
    local bound, kl = model:elbo(X, q, { missing = true })
    assert.near_matrix(model:log_likelihood(X, { missing = true }), bound + kl, 1e-10)
    assert.is_true(kl:min() > 0)
    assert.near_matrix(matrix.zeros(50, 1):col(1), select(2, model:elbo(X, nil, { missing = true })), 1e-10)
    -- q's share of a component that doesn't have the row puts the bound at -infinity
    local exact = mixture(2, "bernoulli", { init = { means = { { 0, 1 }, { 1, 1 } } } }):fit { { 0, 1 }, { 1, 1 } }
    bound, kl = exact:elbo({ { 0, 1 }, { 0, 1 } }, { { 0.5, 0.5 }, { 1, 0 } })
    assert.near_matrix({ -math.huge, -math.log(2) }, bound, 1e-12)
    assert.near_matrix({ math.huge, 0 }, kl, 1e-12)
    local p = model:free_parameters()
    local L = model:log_likelihood(X, { missing = true }):sum()
    assert.are.equal(2 + 18, p)
    assert.is_near(L / 50, model:score(X, { missing = true }), 1e-12)
    assert.is_near(-2 * L + 2 * p, model:aic(X, { missing = true }), 1e-9)
    assert.is_near(-2 * L + p * math.log(50), model:bic(X, { missing = true }), 1e-9)
  end)

  it("draws samples that it finds again", function()
    local truth = mixture(2, "bernoulli", { init = { weights = { 0.3, 0.7 },
      means = { { 0.1, 0.9, 0.2, 0.8, 0.1 }, { 0.9, 0.2, 0.7, 0.1, 0.6 } } }, tolerance = 0, max_iterations = 1 })
    truth:fit(binary(20, 5), { weights = matrix.ones(20, 1):col(1) })
    local X, labels = truth:sample(20000, { seed = 9 })
    assert.near_matrix(truth.weights, { labels:eq(1):mean(), labels:eq(2):mean() }, 0.015)
    local model = mixture(2, "bernoulli"):fit(X)
    model:align(truth)
    assert.near_matrix(truth.weights, model.weights, 0.05)
    assert.near_matrix(truth.means, model.means, 0.05)
  end)

  it("is aligned with another fit by the least distances", function()
    local X = binary(200, 6)
    local a = mixture(2, "bernoulli"):fit(X)
    local b = mixture(2, "bernoulli", { init = { means = matrix { a.means[2]:table(), a.means[1]:table() },
      weights = { a.weights[2], a.weights[1] } }, tolerance = 0, max_iterations = 1 }):fit(X)
    local permutation, distances = b:align(a)
    assert.near_matrix({ 2, 1 }, permutation)
    assert.near_matrix({ 0, 0 }, distances, 1e-5)
    assert.near_matrix(a.means, b.means, 1e-3)
    assert.is_true(a.means(1, 1) <= a.means(2, 1)) -- the canonical order
  end)

  it("is fitted online, and by steps", function()
    local X = binary(4000, 6, 0, 7)
    local online = mixture(2, "bernoulli", { smoothing = 0.5, seed = 2 })
    for i = 1, 4000, 200 do online:partial_fit(X:block(i, i + 199, 1, 6)) end
    local whole = mixture(2, "bernoulli"):fit(X)
    online:align(whole)
    assert.near_matrix(whole.means, online.means, 0.15)
    local model, seen = mixture(2, "bernoulli"), {}
    for i, objective in model:steps(X) do
      seen[i] = objective
      if i == 5 then break end
    end
    assert.are.equal(5, model.iterations)
    assert.are.same(seen, model.history)
  end)
end)

describe("a Poisson mixture", function()
  local X = matrix { { 3, 0 }, { 4, 1 }, { 2, 0 }, { 10, 7 }, { 12, 5 }, { 9, 6 }, { 0, 2 }, { 30, 11 } }
  local init = { rates = { { 2, 1 }, { 11, 6 } } }

  -- An independent implementation with NumPy 2.4.6 and SciPy 1.17.1's gammaln, six iterations.
  it("follows an independent implementation", function()
    local model = mixture(2, "poisson", { init = init, tolerance = 0, max_iterations = 6 }):fit(X)
    assert.near_matrix({ -5.921434110518454, -5.470429193839397, -5.47042334865253, -5.470423348651803,
      -5.470423348651803, -5.470423348651801 }, model.history, 1e-12)
    assert.near_matrix({ 0.49999270389378, 0.50000729610622 }, model.weights, 1e-12)
    assert.near_matrix({ { 2.249991073082886, 0.750012154711004 }, { 15.249819230662954, 7.249892997646901 } },
      model.rates, 1e-12)
  end)

  it("and with smoothing", function()
    local model = mixture(2, "poisson", { init = init, tolerance = 0, max_iterations = 6, smoothing = 0.5 }):fit(X)
    assert.near_matrix({ -6.866258990356806, -6.667321487854643, -6.667317527474159, -6.667317527464247,
      -6.667317527464245, -6.667317527464249 }, model.history, 1e-12)
    assert.near_matrix({ { 2.110933665021467, 0.777762815770274 }, { 13.665698670272214, 6.55499781094366 } },
      model.rates, 1e-12)
  end)

  -- log x! from SciPy 1.17.1: gammaln(x + 1)
  it("knows factorials", function()
    for x, expected in pairs { [0] = 0, [1] = 0, [15] = 27.89927138384089, [16] = 30.67186010608068,
      [255] = 1161.712101118401, [256] = 1167.257278562880, [1000] = 5912.128178488164,
      [999999] = 12815504.56914761 } do
      local model = mixture(1, "poisson", { init = { rates = { { 1 } } }, tolerance = 0, max_iterations = 1 })
      model:fit { { 1 } }
      assert.is_near(-1 - expected, model:score { { x } }, 1e-12 * (1 + expected))
    end
  end)

  it("with one component has the means, leaves out what is missing, and imputes rates", function()
    local model = mixture(1, "poisson"):fit({ { 3, 0 }, { nan, 4 }, { 5, nan }, { nan, nan } }, { missing = true })
    assert.near_matrix({ { 4, 2 } }, model.rates, 1e-14)
    assert.near_matrix({ { 7, 2 }, { 4, 2 } }, model:impute { { 7, nan }, { nan, nan } }, 1e-14)
    assert.near_matrix({ 0 }, model:log_likelihood({ { nan, nan } }, { missing = true }))
  end)

  it("has a rate of 0 for a column without counts", function()
    local model = mixture(1, "poisson"):fit { { 3, 0 }, { 5, 0 } }
    assert.near_matrix({ { 4, 0 } }, model.rates)
    assert.near_matrix({ -math.huge }, model:log_likelihood { { 3, 1 } })
  end)

  it("draws counts with their mean and variance", function()
    for _, rate in ipairs { 0.4, 7, 10, 250 } do
      local model = mixture(1, "poisson", { init = { rates = { { rate } } } }):fit({ { 1 } }, { weights = { 1 } })
      model.rates:fill(rate)
      local S = model:sample(40000, { seed = 3 }):col(1)
      assert.is_near(rate, S:mean(), 5 * math.sqrt(rate / 40000))
      assert.is_near(rate, S:var(), 0.05 * rate)
      assert.are.equal(0, (S % S - S):lt(0):sum())
    end
  end)
end)

describe("a categorical mixture", function()
  it("imputes the most probable level, or probabilities of one-hot columns", function()
    local X = matrix { { 1, 1 }, { 1, 1 }, { 1, 2 }, { 2, 3 }, { 2, 3 }, { 2, 2 } }
    local model = mixture(2, "categorical", { restarts = 10 }):fit(X)
    assert.near_matrix({ { 1, 1 }, { 2, 3 } }, model:impute { { 1, nan }, { 2, nan } })
    local hot = mixture(1, "categorical", { groups = { 2, 3 } })
    hot:fit { { 1, 0, 1, 0, 0 }, { 0, 1, 0, 1, 0 }, { 0, 1, 0, 0, 1 }, { 0, 1, 1, 0, 0 } }
    assert.near_matrix({ { 1, 0, 0.5, 0.25, 0.25 } }, hot:impute { { 1, 0, nan, nan, nan } }, 1e-12)
    local S = hot:sample(100, { seed = 1 })
    assert.near_matrix(matrix.ones(100, 1):col(1), S:block(1, 100, 3, 5):sum(2))
  end)

  it("leaves out what is missing, as a Bernoulli mixture does", function()
    local X = binary(80, 5, 0.3)
    local means = matrix { { 0.3, 0.6, 0.4, 0.7, 0.5 }, { 0.6, 0.3, 0.7, 0.4, 0.4 } }
    local both = matrix(2, 10, function(k, j)
      local p = means(k, (j + 1) // 2)
      return j % 2 == 0 and p or 1 - p
    end)
    local options = { tolerance = 0, max_iterations = 15, init = { means = means } }
    local a = mixture(2, "bernoulli", options):fit(X, { missing = true })
    options.init = { probabilities = both }
    local b = mixture(2, "categorical", options):fit(X, { missing = true })
    options.groups = { 2, 2, 2, 2, 2 }
    local c = mixture(2, "categorical", options):fit(matrix(80, 10, function(i, j)
      local x = X(i, (j + 1) // 2)
      return j % 2 == 0 and x or 1 - x
    end), { missing = true })
    assert.near_matrix(a.history, b.history, 1e-12)
    assert.near_matrix(a.history, c.history, 1e-12)
    assert.near_matrix(a.means:col(2), b:column(2):col(2), 1e-12)
    assert.near_matrix(b.probabilities, c.probabilities, 1e-12)
  end)

  it("keeps its levels in partial_fit", function()
    local model = mixture(1, "categorical", { levels = 3, lowest = 1, smoothing = 1 })
    model:partial_fit { { 1 }, { 1 }, { 2 } }
    assert.near_matrix({ { 3 / 6, 2 / 6, 1 / 6 } }, model.probabilities, 1e-14)
    model:partial_fit({ { 3 }, { 3 }, { 3 } }, { rate = 0.5 }) -- half of each, of 6 rows
    assert.near_matrix({ { 3 / 9, 2 / 9, 4 / 9 } }, model.probabilities, 1e-14)
  end)
end)

describe("bad input to a mixture", function()
  local function fails(part, options, X, given)
    helper.fails(part, function() latent.mixture(options):fit(X, given) end)
  end

  it("is named", function()
    local B = { { 1, 0 }, { 0, 1 }, { 1, 1 } }
    fails("X[2,1] is 2; a Bernoulli mixture takes 0 and 1", {}, { { 1, 0 }, { 2, 1 } })
    fails("X[1,2] is 0.5;", {}, { { 1, 0.5 }, { 1, 1 } })
    fails("X[2,2] is -1; a Poisson mixture takes counts", { family = "poisson" }, { { 1, 0 }, { 2, -1 } })
    fails("X[1,1] is 1.5; a Poisson", { family = "poisson" }, { { 1.5, 0 }, { 2, 1 } })
    fails("X[2,1] is -1; codes are", { family = "categorical" }, { { 1 }, { -1 } })
    fails("X[3,1] is 3; codes of this column are 1 to 2", { family = "categorical", levels = 2 },
      { { 1 }, { 2 }, { 3 } })
    fails("row 2 has 2 ones in columns 2 to 3", { family = "categorical", groups = { 1, 2 } },
      { { 1, 0, 1 }, { 1, 1, 1 } })
    fails("groups add up to 4 columns, X has 3", { family = "categorical", groups = { 2, 2 } }, { { 1, 0, 1 } })
    fails("levels has 3 numbers for 2 columns", { family = "categorical", levels = { 2, 2, 2 } }, { { 1, 1 } })
    fails("components is 4, but X has 3 rows", { components = 4 }, B)
    fails("components must be", { components = 0 }, B)
    fails("row 1, column 2", {}, { { 1, nan }, { 0, 1 } })
    fails("row 2, column 1", {}, { { 1, 0 }, { math.huge, 1 } }, { missing = true })
    fails("all weights are 0", {}, B, { weights = { 0, 0, 0 } })
    fails("weights", {}, B, { weights = { 1, -1, 1 } })
    fails("label 2 is 3", { components = 2 }, B, { labels = { 1, 3, 0 } })
    fails("X has 2 columns, init has 3", { init = { means = { { 0.5, 0.5, 0.5 } } } }, B)
    fails("means[1,2] is 1.5; probabilities are between 0 and 1", { init = { means = { { 0.5, 1.5 } } } }, B)
    fails("init.weights must be >= 0", { init = { means = { { 0.5, 0.5 } }, weights = { -1 } } }, B)
    fails('levels is for the family "categorical"', { levels = 2 }, B)
    fails("init is without rates", { family = "poisson", init = { weights = { 1 } } }, B)
    fails("did you mean", { familly = "poisson" }, B)
    fails("a row has no probability", { family = "poisson", init = { rates = { { 0, 1 } } } }, B)
    helper.fails("the model is not fitted yet", function() latent.mixture {}:predict(B) end)
    helper.fails("X has 3 columns", function() latent.mixture {}:fit(B):predict { { 1, 0, 1 } } end)
    helper.fails('the family is not "categorical"', function() latent.mixture {}:fit(B):column(1) end)
    helper.fails("row 1 of q", function() latent.mixture {}:fit(B):elbo(B, { { 0.5 }, { 1 }, { 1 } }) end)
    helper.fails("use fit", function()
      latent.mixture { family = { log_density = print, fit = print } }:partial_fit(B)
    end)
  end)

  it("in a function's chunk is named with the chunk", function()
    local chunks, at = { { { 1, 0 }, { 0, 1 } }, { { 1, 3 } } }, 0
    helper.fails("chunk 2: X[1,2] is 3", function()
      latent.mixture {}:fit(function()
        at = at % 3 + 1
        return chunks[at]
      end)
    end)
  end)

  it("during steps over other data leaves a whole model", function()
    local small, large = matrix { { 1 }, { 2 }, { 1 } }, matrix { { 1, 9, 3 }, { 2, 1, 1 }, { 3, 4, 2 } }
    for _, pair in ipairs { { small, large }, { large, small } } do
      local model = mixture(2, "categorical")
      for i in model:steps(pair[1]) do
        model:fit(pair[2])
        if i == 2 then break end
      end
      assert.near_matrix({ 1, 1, 1 }, model:responsibilities(pair[2]):sum(2), 1e-12)
      model:partial_fit(pair[2])
      assert.near_matrix({ 1, 1, 1 }, model:responsibilities(pair[2]):sum(2), 1e-12)
    end
  end)

  it("that is degenerate is fitted all the same", function()
    local model = mixture(3, "bernoulli"):fit(matrix.ones(10, 4))
    assert.near_matrix(matrix.ones(3, 4), model.means, 1e-6)
    local absent = mixture(2, "poisson"):fit({ { nan, 1 }, { nan, 2 } }, { missing = true })
    assert.is_true(absent.rates:max() < math.huge)
    local alike = mixture(3, "bernoulli", { init = "k-means" }):fit(matrix.ones(5, 2))
    assert.near_matrix(matrix.ones(3, 2), alike.means, 1e-6)
    local constant = mixture(2, "categorical"):fit { { 1 }, { 1 }, { 1 } }
    assert.near_matrix({ { 1 }, { 1 } }, constant.probabilities)
  end)

  it("takes the codes of given probabilities from the options, from init, or from the data", function()
    local C = matrix { { 1, 0 }, { 2, 1 }, { 1, 1 }, { 2, 0 }, { 2, 1 } }
    local p = { { 0.5, 0.5, 0.25, 0.75 }, { 0.1, 0.9, 0.5, 0.5 } }
    local function log_likelihood(x, y)
      local sum = 0
      for k = 1, 2 do sum = sum + 0.5 * p[k][x] * p[k][3 + y] end
      return math.log(sum)
    end
    local expected = {}
    for i = 1, 5 do expected[i] = log_likelihood(C(i, 1), C(i, 2)) end
    local family = "categorical"
    local told = latent.mixture { family = family, levels = 2, lowest = { 1, 0 }, init = { probabilities = p } }
    local whole = latent.mixture { family = family, init = { probabilities = p, levels = { 2, 2 }, lowest = { 1, 0 } } }
    local found = latent.mixture { family = family, init = { probabilities = p }, max_iterations = 0 }
    helper.fails("the model is not fitted yet", function() found:predict(C) end)
    for _, model in ipairs { told, whole, found:fit(C) } do
      assert.near_matrix(expected, model:log_likelihood(C), 1e-15)
    end
    helper.fails("init.probabilities is a 1x3 matrix, it should be 1x4", function()
      latent.mixture { family = family, init = { probabilities = { { 0.5, 0.5, 1 } } } }:fit(C)
    end)
    helper.fails("init.levels don't add up to M", function()
      latent.mixture { family = family, groups = { 2, 3 }, init = { probabilities = { { 0.5, 0.5, 1 } } } }
    end)
  end)
end)
