local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local shared = require "lds_helper"
local nile = shared.nile
local nan = 0 / 0
local numbers, random_matrix, random_model = shared.numbers, shared.random_matrix, shared.random_model
local random_data, moments = shared.random_data, shared.moments
local joint, near_lists, check_against_joint = shared.joint, shared.near_lists, shared.check_against_joint
local simulated, simulated_model = shared.simulated, shared.simulated_model

describe("lds", function()
  describe("against everything as one normal distribution", function()
    for _, sizes in ipairs{ { 1, 1 }, { 2, 1 }, { 1, 3 }, { 2, 2 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 6, 4 }, { 7, 2 },
      { 8, 3 }, { 13, 5 } } do
      local M, D = sizes[1], sizes[2]
      it(("agrees for %d states and %d outputs with gaps"):format(M, D), function()
        for seed = 1, 3 do
          check_against_joint(random_model(M, D, 0, seed), random_data(9, D, seed + 10), nil, 1e-9)
        end
      end)
    end

    it("agrees with inputs", function()
      local draw = numbers(5)
      check_against_joint(random_model(3, 2, 2, 4), random_data(8, 2, 14), random_matrix(8, 2, 1, draw), 1e-9)
    end)

    it("agrees for T = 1, also of nothing but gaps", function()
      check_against_joint(random_model(3, 2, 0, 1), matrix{ { 0.3, nan } }, nil, 1e-12)
      local model = random_model(2, 2, 0, 1)
      local smoothed = latent.lds(model):smooth(matrix{ { nan, nan } })
      assert.equal(0, smoothed.log_likelihood)
      assert.near_matrix(model.initial_mean, smoothed.means[1], 0)
      assert.near_matrix(model.initial_covariance, smoothed.covariances[1], 0)
    end)

    it("agrees when A, C, Q and R vary, as lists and as functions", function()
      local T, M, D = 7, 3, 2
      local model = random_model(M, D, 0, 1)
      for _, name in ipairs{ "A", "C", "Q", "R" } do
        local list = {}
        for t = 1, T do list[t] = random_model(M, D, 0, 20 + t)[name] end
        model[name] = list
      end
      local Y = random_data(T, D, 3)
      check_against_joint(model, Y, nil, 1e-9)
      local lists, functions = latent.lds(model), {}
      for name, value in pairs(model) do
        functions[name] = type(value) == "table" and function(t) return value[t] end or value
      end
      functions = latent.lds(functions)
      assert.is_true(lists:smooth(Y).means == functions:smooth(Y).means)
      assert.equal(lists:filter(Y).log_likelihood, functions:filter(Y).log_likelihood)
    end)

    it("agrees when Q and R are singular", function()
      -- an ARMA(2,1) as a state space: Q has rank 1, and R = 0
      local model = { A = matrix{ { 0.5, 1 }, { 0.3, 0 } }, C = matrix{ { 1, 0 } }, R = matrix{ { 0 } },
        Q = matrix{ { 1, 0.4 }, { 0.4, 0.16 } }, initial_mean = matrix{ 0, 0 } }
      model.initial_covariance = matrix{ { 2, 0.5 }, { 0.5, 0.3 } }
      check_against_joint(model, random_data(12, 1, 2), nil, 1e-9)
      -- one output without noise, one with; a state that never changes
      model = { A = matrix{ { 1, 0 }, { 0.2, 0.7 } }, C = matrix{ { 1, 1 }, { 0, 1 } },
        Q = matrix{ { 0, 0 }, { 0, 1 } },
        R = matrix{ { 0, 0 }, { 0, 0.5 } }, initial_mean = matrix{ 1, -1 }, initial_covariance = matrix.eye(2) }
      check_against_joint(model, random_data(12, 2, 2), nil, 1e-9)
    end)
  end)
  describe("with diffuse states", function()
    -- z = ... + Z delta and y = ... + X delta, delta without a prior: the limit by generalized least squares.
    local function diffuse_condition(model, diffuse, Y)
      local T, M, D = Y.rows, model.A.rows, Y.cols
      local j = joint(model, Y)
      local q, E = 0, matrix.zeros(M, #diffuse)
      for i = 1, M do
        if diffuse[i] then
          q = q + 1
          E:set(i, q, 1)
        end
      end
      E = E:block(1, M, 1, q)
      local Z, X = {}, {}
      for t = 1, T do
        if t > 1 then E = model.A * E end
        for m = 1, M do Z[#Z + 1] = E:row(m):table() end
        for i = 1, D do if Y(t, i) == Y(t, i) then X[#X + 1] = (E:t() * model.C:row(i)):table() end end
      end
      Z, X = matrix(Z), matrix(X)
      local inverse, v = j.yy:inverse(), j.y - j.mean
      local information = X:t() * inverse * X
      local spread = information:inverse()
      local delta = spread * (X:t() * (inverse * v))
      local rest = v - X * delta
      local gain = j.zy * inverse
      local tilt = Z - gain * X
      local log_likelihood = -0.5 * (#v * math.log(2 * math.pi) + j.yy:logdet() + information:logdet()
        + rest:dot(inverse * rest))
      local less = gain * j.zy:t()
      local move = gain * rest + Z * delta
      local wide = tilt * spread * tilt:t()
      local means = matrix(T, M, function(t, m) return j.z[t][m] + move[(t - 1) * M + m] end)
      local covariances, lags = {}, { matrix.zeros(M, M) }
      local function block(t, s)
        local r1, r2, c1, c2 = (t - 1) * M + 1, t * M, (s - 1) * M + 1, s * M
        return j.zz[t][s] - less:block(r1, r2, c1, c2) + wide:block(r1, r2, c1, c2)
      end
      for t = 1, T do
        covariances[t] = block(t, t)
        if t > 1 then lags[t] = block(t, t - 1) end
      end
      return { log_likelihood = log_likelihood, means = means, covariances = covariances, lag_covariances = lags }
    end

    local function check_diffuse(options, diffuse, Y, tolerance)
      local M = options.A.rows
      local model = { A = options.A, C = options.C, Q = options.Q, R = options.R }
      model.initial_mean = matrix(M, 1, function(i) return diffuse[i] and 0 or 0.5 * i end):col(1)
      model.initial_covariance = matrix(M, M, function(i, k) return i == k and not diffuse[i] and 1 or 0 end)
      local expected = diffuse_condition(model, diffuse, Y)
      model.initial = {}
      for i = 1, M do model.initial[i] = diffuse[i] and "diffuse" or "known" end
      for _, form in ipairs{ "covariance", "square_root" } do
        model.form = form
        local lds = latent.lds(model)
        local smoothed, filtered = lds:smooth(Y), lds:filter(Y)
        assert.near(expected.log_likelihood, smoothed.log_likelihood, tolerance)
        assert.near(expected.log_likelihood, filtered.log_likelihood, tolerance)
        assert.near(expected.log_likelihood, lds:log_likelihood(Y):sum(), tolerance)
        assert.near_matrix(expected.means, smoothed.means, tolerance)
        near_lists(expected.covariances, smoothed.covariances, tolerance)
        near_lists(expected.lag_covariances, smoothed.lag_covariances, tolerance)
        assert.near_matrix(expected.means[Y.rows], filtered.means[Y.rows], tolerance)
        assert.near_matrix(expected.covariances[Y.rows], filtered.covariances[Y.rows], tolerance)
      end
    end

    it("finds the Nile's published numbers", function()
      local lds = latent.lds{ A = 1, C = 1, Q = 1469.1, R = 15099, initial = "diffuse" }
      local f, s = lds:filter(nile), lds:smooth(nile)
      assert.near(-633.4645636489, f.log_likelihood, 1e-9)
      assert.near(1140.92783993, f.means(2, 1), 1e-8)
      assert.near(7899.73637940, f.covariances[2](1, 1), 1e-8)
      assert.near(1111.668319127, s.means(1, 1), 1e-9)
      -- at the first step: nothing before it, and after it what y_1 says
      assert.equal(math.huge, f.predicted_covariances[1](1, 1))
      assert.near(1120, f.means(1, 1), 1e-10)
      assert.near(15099, f.covariances[1](1, 1), 1e-9)
      assert.equal(1, f.diffuse)
      -- the density of the first row is the limit's 1/2 log 2 pi alone (Durbin, Koopman 2012, 7.2.2)
      assert.near(-0.5 * math.log(2 * math.pi), lds:log_likelihood(nile)[1], 1e-12)
    end)

    it("agrees with generalized least squares", function()
      for seed = 1, 4 do
        local m = random_model(4, 2, 0, seed)
        check_diffuse(m, { true, true, true, true }, random_data(12, 2, seed), 1e-8)
        check_diffuse(m, { true, false, true, false }, random_data(12, 2, seed), 1e-8)
        check_diffuse(random_model(3, 1, 0, seed), { true, true, false }, random_data(14, 1, seed), 1e-8)
      end
    end)

    it("agrees for a trend with a season, gaps at the beginning included", function()
      local A = matrix{ { 1, 1, 0, 0, 0 }, { 0, 1, 0, 0, 0 }, { 0, 0, -1, -1, -1 }, { 0, 0, 1, 0, 0 },
        { 0, 0, 0, 1, 0 } }
      local model = { A = A, C = matrix{ { 1, 0, 1, 0, 0 } }, R = matrix{ { 2 } },
        Q = matrix.diag{ 0.5, 0.1, 0.3, 0, 0 } }
      local draw = numbers(3)
      local Y = matrix(24, 1, function(t) return (t < 3 or t == 6 or t == 15) and nan or t + 3 * draw() end)
      check_diffuse(model, { true, true, true, true, true }, Y, 1e-8)
    end)

    it("agrees when observations are without noise", function()
      check_diffuse({ A = matrix{ { 1 } }, C = matrix{ { 1 } }, Q = matrix{ { 2 } }, R = matrix{ { 0 } } }, { true },
        -- the least-squares formula needs a variance for y_1 given delta, so a gap comes first
        matrix{ nan, 3, 4, 2, 5 }:column(), 1e-9)
      local walk = latent.lds{ A = 1, C = 1, Q = 2, R = 0, initial = "diffuse" }
      local s = walk:smooth(matrix{ 3, 4, 2, 5 })
      assert.near_matrix({ 3, 4, 2, 5 }, s.means:col(1), 1e-12)
      local expected = -2 * math.log(2 * math.pi) - 1.5 * math.log(2) - (1 + 4 + 9) / 4
      assert.near(expected, s.log_likelihood, 1e-12)
    end)

    it("says infinity where nothing is known", function()
      local trend = latent.lds{ A = { { 1, 1 }, { 0, 1 } }, C = { { 1, 0 } }, Q = 1, R = 1, initial = "diffuse" }
      local f, s = trend:filter{ { 5 } }, trend:smooth{ { 5 } }
      assert.near(5, f.means(1, 1), 1e-12)
      assert.near(1, f.covariances[1](1, 1), 1e-12)
      assert.equal(math.huge, f.covariances[1](2, 2))
      assert.equal(math.huge, s.covariances[1](2, 2))
      assert.near(-0.5 * math.log(2 * math.pi), f.log_likelihood, 1e-12)
      local all = trend:smooth(matrix{ nan, nan, 1, nan })
      assert.near(1, all.means(3, 1), 1e-12)
      assert.equal(math.huge, all.covariances[1](1, 1))
      assert.near(1, all.covariances[3](1, 1), 1e-12)
      assert.equal(math.huge, all.covariances[4](1, 1))
      local forecast = trend:forecast({ { 5 } }, 1)
      assert.equal(math.huge, forecast.covariances[1](1, 1))
    end)
  end)

  describe("when nothing is said of the initial state", function()
    it("is stationary where A is stable and diffuse where it isn't", function()
      local ar = latent.lds{ A = 0.8, C = 1, Q = 0.36, R = 0.5 }
      assert.near(1, ar.initial_covariance(1, 1), 1e-14)
      assert.equal(0, ar.initial_mean[1])
      local walk = latent.lds{ A = 1, C = 1, Q = 1469.1, R = 15099 }
      assert.near(-633.4645636489, walk:filter(nile).log_likelihood, 1e-9)
    end)

    it("solves P = A P A' + Q", function()
      local m = random_model(6, 2, 0, 2)
      local lds = latent.lds{ A = m.A * 0.8, C = m.C, Q = m.Q, R = m.R, initial = "stationary" }
      local P = lds.initial_covariance
      assert.near_matrix(lds.A * P * lds.A:t() + lds.Q, P, 1e-12)
    end)
  end)

  -- ---- the filter's properties ---------------------------------------------------------------

  it("filters a gap as it predicts", function()
    local lds = latent.lds(random_model(3, 2, 0, 3))
    local Y = random_data(10, 2, 4)
    local gap = matrix.vstack{ Y, matrix(5, 2, nan) }
    local forecast, f = lds:forecast(Y, 5), lds:filter(gap)
    assert.near_matrix(f.means:block(11, 15, 1, 3), forecast.state_means, 0)
    local z, P = f.means[10], f.covariances[10]
    for k = 1, 5 do
      z, P = lds.A * z, lds.A * P * lds.A:t() + lds.Q
      assert.near_matrix(z, forecast.state_means[k], 1e-13)
      assert.near_matrix(P, forecast.state_covariances[k], 1e-13)
      assert.near_matrix(lds.C * z, forecast.means[k], 1e-13)
      assert.near_matrix(lds.C * P * lds.C:t() + lds.R, forecast.covariances[k], 1e-13)
      assert.near_matrix(forecast.state_means[k], lds:smooth(gap).means[10 + k], 1e-12)
    end
  end)

  it("gives intervals of forecasts, in which the next row is with that probability", function()
    -- SciPy 1.17.1, norm.isf((1 - level)/2)
    local quantiles = { [0.5] = 0.6744897501960817, [0.8] = 1.2815515655446004, [0.95] = 1.959963984540054,
      [0.99] = 2.5758293035489004, [1 - 1e-12] = 7.130509892879273, [0.01] = 0.012533469508069276 }
    local lds = latent.lds { A = { { 0.9, 0.2 }, { 0, 0.7 } }, C = { { 1, 0 }, { 1, 1 }, { 0, 2 } },
      Q = { 0.3, 0.5 }, R = { 0.1, 0.2, 0.4 } }
    local Y = lds:sample(30, { seed = 3 })
    for level, z in pairs(quantiles) do
      local f = lds:forecast(Y, 4, { level = level })
      for k = 1, 4 do
        local deviations = f.covariances[k]:diag():sqrt()
        assert.near_matrix(f.means[k] - deviations * z, f.lower[k], 1e-12)
        assert.near_matrix(f.means[k] + deviations * z, f.upper[k], 1e-12)
      end
    end
    assert.is_nil(lds:forecast(Y, 4).lower)
    -- of 2000 continuations of sequences, 80 % are within, but for 4 standard errors
    local inside, n = 0, 2000
    for seed = 1, n do
      local all = lds:sample(12, { seed = seed })
      local f = lds:forecast(all:block(1, 10), 2, { level = 0.8 })
      if all(12, 2) >= f.lower(2, 2) and all(12, 2) <= f.upper(2, 2) then inside = inside + 1 end
    end
    assert.near(0.8, inside / n, 4 * math.sqrt(0.8 * 0.2 / n))
    -- nothing is known of a diffuse state without observations
    local vague = latent.lds { A = 1, C = 1, Q = 1, R = 1, initial = "diffuse" }
    local open = vague:forecast({ { 0 / 0 } }, 1, { level = 0.9 })
    assert.same({ -math.huge, math.huge }, { open.lower(1, 1), open.upper(1, 1) })
  end)

  it("says the same whether covariances have settled or are computed again", function()
    local m = random_model(4, 2, 0, 3)
    local Y = matrix(400, 2, function(i, j) return (i == 200 and j == 1) and nan or math.sin(i * j) end)
    local constant = latent.lds(m)
    local list = {}
    for t = 1, 400 do list[t] = m.A end
    m.A = list
    local varying = latent.lds(m)
    local a, b = constant:smooth(Y), varying:smooth(Y)
    assert.near_matrix(b.means, a.means, 1e-12)
    assert.near(1, b.log_likelihood / a.log_likelihood, 1e-14)
    for t = 1, 400 do
      assert.near_matrix(b.covariances[t], a.covariances[t], 1e-13)
      assert.near_matrix(b.lag_covariances[t], a.lag_covariances[t], 1e-13)
    end
    local filtered = constant:filter(Y).covariances
    assert.is_true(filtered[390] == filtered[389]) -- they have
  end)

  it("doesn't take slow covariances for settled ones", function()
    local T = 5000
    local Y = matrix(T, 1, function(i) return math.sin(0.7 * i) end)
    local C, start = { { 1, 0 } }, matrix.eye(2) * 1e6
    for name, m in pairs{
      level = { A = 1, C = 1, Q = 1e-10, R = 1, initial_covariance = 1e7 },
      trend = { A = { { 1, 1 }, { 0, 1 } }, C = C, Q = { 1e-6, 1e-12 }, R = 1, initial_covariance = start },
      unseen = { A = { { 0.9, 0 }, { 0, 1 } }, C = C, Q = { 1, 1e-8 }, R = 1, initial_covariance = start },
      sum = { A = { { 1, 0 }, { 0, 0.99999 } }, C = { { 1, 1 } }, Q = { 1e-6, 1e-7 }, R = 1,
        initial_covariance = start },
    } do
      local constant, list = latent.lds(m), {}
      for t = 1, T do list[t] = constant.A end
      m.A = list
      local a, b = constant:filter(Y), latent.lds(m):filter(Y)
      for t = 500, T, 500 do
        local P, Q = a.covariances[t], b.covariances[t]
        assert.near_matrix(Q / Q:max(), P / Q:max(), 1e-15, name)
      end
      assert.near(1, a.log_likelihood / b.log_likelihood, 1e-14)
    end
  end)

  it("keeps covariances symmetric and positive definite where observations are almost exact", function()
    local m = { A = matrix{ { 1, 1, 0.5 }, { 0, 1, 1 }, { 0, 0, 1 } }, C = matrix{ { 1, 0, 0 }, { 1, -1, 0 } },
      Q = matrix.eye(3) * 1e-7, R = matrix.eye(2) * 1e-7, initial_mean = { 0, 0, 0 },
      initial_covariance = matrix.eye(3) * 1e4 }
    local Y = matrix(200, 2, function(i, j) return math.sin(0.1 * i) + j end)
    local lds = latent.lds(m)
    m.form = "square_root"
    local root = latent.lds(m)
    local a, b = lds:filter(Y), root:filter(Y)
    for t = 1, 200 do
      assert.is_true(a.covariances[t] == a.covariances[t]:t())
      a.covariances[t]:cholesky() -- raises unless it is positive definite
      assert.near_matrix(b.covariances[t] * 1e6, a.covariances[t] * 1e6, 1e-3)
    end
    for _, P in ipairs(lds:smooth(Y).covariances) do P:cholesky() end
    assert.near(b.log_likelihood / a.log_likelihood, 1, 1e-6)
  end)

  it("gives long lists that are lists, too, of matrices that are nobody else's", function()
    local lds = latent.lds(random_model(2, 2, 0, 3))
    local Y = matrix(300, 2, function(i, j) return math.sin(i * j) end)
    local result = lds:filter(Y)
    local list, seen, last = result.covariances, 0, nil
    assert.equal(300, #list)
    for t, P in pairs(list) do
      seen, last = seen + t, P
    end
    assert.equal(300 * 301 / 2, seen)
    assert.is_true(rawequal(last, list[300]))
    assert.is_nil(list[301])
    assert.equal(300, select("#", table.unpack(list)))
    assert.same({ 600, 2 }, { matrix.vstack(list).rows, matrix.vstack(list).cols })
    assert.is_true(list[299] == list[300])
    list[299]:fill(0)
    assert.is_true(list[300] == last and last:trace() > 0)
    -- those of each step, as by a model for which none are shared
    local steps = {}
    for t = 1, 300 do steps[t] = lds.A end
    local single = latent.lds{ A = steps, C = lds.C, Q = lds.Q, R = lds.R, initial_mean = lds.initial_mean,
      initial_covariance = lds.initial_covariance }:filter(Y)
    for t, P in ipairs(single.predicted_covariances) do
      assert.near_matrix(P, result.predicted_covariances[t], 1e-14)
    end
  end)

  it("gives lists of matrices that are lists in every way", function()
    local lds = latent.lds(random_model(2, 2, 0, 3))
    local Y = random_data(5, 2, 4)
    local list = lds:filter(Y).covariances
    assert.equal(5, #list)
    assert.equal(5, rawlen(list))
    assert.equal(1, (next(list)))
    assert.is_nil(list[0])
    assert.is_nil(list[6])
    assert.is_nil(list.x)
    assert.is_true(rawequal(list[2], list[2]))
    local seen = 0
    for i, P in ipairs(list) do seen = seen + i * P.rows end
    for i, P in pairs(list) do seen = seen + i * P.rows end
    assert.equal(60, seen)
    assert.equal(5, select("#", table.unpack(list)))
    local sum = matrix.zeros(2, 2)
    for t = 1, #list do sum = sum + list[t] end
    assert.is_true(sum:trace() > 0)
    -- and one of them may be a model's
    local again = lds:filter(Y).covariances
    local varying = latent.lds{ A = lds.A, C = lds.C, Q = again, R = lds.R, initial_covariance = 1 }
    assert.is_true(varying:score(Y) == varying:score(Y))
  end)

  it("gives innovations that are white, with their variances", function()
    local lds = latent.lds(random_model(2, 2, 0, 6))
    local Y = lds:sample(4000, { seed = 1 })
    local i = lds:innovations(Y)
    local f = lds:filter(Y)
    assert.near_matrix(Y[7] - lds.C * f.predicted_means[7], i.innovations[7], 1e-13)
    local S = lds.C * f.predicted_covariances[7] * lds.C:t() + lds.R
    assert.near_matrix(S, i.covariances[7], 1e-13)
    assert.near(S(2, 2), i.variances(7, 2), 1e-14)
    assert.near(i.innovations(7, 2) / math.sqrt(S(2, 2)), i.standardized(7, 2), 1e-14)
    local e = i.standardized
    local now, before = e:block(2, 4000, 1, 2), e:block(1, 3999, 1, 2)
    assert.near_matrix({ 1, 1 }, (e % e):mean(1), 0.08)
    assert.near_matrix(matrix.zeros(2, 2), now:t() * before / 3999, 0.06)
  end)

  -- ---- what a model says of data ----------------------------------------------------------------

  it("imputes what is missing given all the rest", function()
    local model = random_model(3, 3, 0, 2)
    local Y = random_data(8, 3, 5)
    local full, variances = latent.lds(model):impute(Y, { variance = true })
    -- each missing entry as one more observation, whose mean and variance given the others are wanted
    for t = 1, 8 do
      for i = 1, 3 do
        if Y(t, i) == Y(t, i) then
          assert.equal(Y(t, i), full(t, i))
          assert.equal(0, variances(t, i))
        else
          local X = Y:copy()
          X:set(t, i, 0)
          local j = joint(model, X)
          local own
          local k = 0
          for s = 1, 8 do
            for l = 1, 3 do
              if X(s, l) == X(s, l) then k = k + 1 end
              if s == t and l == i then own = k end
            end
          end
          local precision = j.yy:inverse()
          assert.near(1 / precision(own, own), variances(t, i), 1e-9)
          local sum = 0
          for l = 1, #j.y do if l ~= own then sum = sum + precision(own, l) * (j.y[l] - j.mean[l]) end end
          assert.near(j.mean[own] - sum / precision(own, own), full(t, i), 1e-9)
        end
      end
    end
  end)

  it("draws sequences with the model's moments", function()
    local model = random_model(2, 2, 0, 7)
    local lds = latent.lds(model)
    local n, T = 4000, 3
    local r = latent.random(4)
    local Z, Y = {}, {}
    for k = 1, n do
      local y, z = lds:sample(T, { seed = r })
      Z[k], Y[k] = z:flatten(), y:flatten()
    end
    Z = matrix(n, T * 2, function(k, i) return Z[k][i] end)
    Y = matrix(n, T * 2, function(k, i) return Y[k][i] end)
    local z, zz = moments(model, T)
    assert.near_matrix(z[3], Z:mean(1):table() and matrix{ Z:col(5):mean(), Z:col(6):mean() }, 0.1)
    local last = Z:block(1, n, 5, 6) - Z:block(1, n, 5, 6):mean(1)
    local first = Z:block(1, n, 1, 2) - Z:block(1, n, 1, 2):mean(1)
    assert.near_matrix(zz[3][3], last:t() * last / n, 0.15)
    assert.near_matrix(zz[3][1], last:t() * first / n, 0.15)
    local noise = Y:block(1, n, 5, 6) - Z:block(1, n, 5, 6) * model.C:t()
    assert.near_matrix(model.R, noise:t() * noise / n, 0.1)
    assert.is_true(lds:sample(3, { seed = 1 }) == lds:sample(3, { seed = 1 }))
  end)

  it("draws paths of the states given all of Y", function()
    for _, initial in ipairs{ "known", "diffuse" } do
      local model = random_model(2, 1, 0, 7)
      model.initial = initial
      local lds = latent.lds(model)
      local Y = matrix{ 0.5, nan, -1, 2, nan, 0.3 }:column()
      local n, s = 6000, lds:smooth(Y)
      local draws = lds:simulate(Y, { draws = n, seed = 3 })
      local at3, at4 = {}, {}
      for k = 1, n do at3[k], at4[k] = draws[k][3]:table(), draws[k][4]:table() end
      at3, at4 = matrix(at3), matrix(at4)
      local scale = math.sqrt(s.covariances[3]:trace())
      assert.near_matrix(s.means[3], at3:mean(1), 0.06 * scale)
      local a, b = at3 - s.means[3], at4 - s.means[4]
      assert.near_matrix(s.covariances[3], a:t() * a / n, 0.08 * scale * scale)
      assert.near_matrix(s.lag_covariances[4], b:t() * a / n, 0.08 * scale * scale)
    end
    local lds = latent.lds(random_model(2, 1, 0, 7))
    local Y = random_data(6, 1, 9)
    assert.is_true(lds:simulate(Y, { seed = 5 }) == lds:simulate(Y, { seed = 5 }))
  end)

  it("says the same of a list of sequences as of each", function()
    local lds = latent.lds(random_model(2, 2, 1, 3))
    local a, b, u, v = random_data(5, 2, 1), random_data(8, 2, 2), matrix.ones(5, 1), matrix.ones(8, 1) * 2
    local both = lds:filter({ a, b }, { inputs = { u, v } })
    assert.equal(lds:filter(b, { inputs = v }).log_likelihood, both[2].log_likelihood)
    local all = lds:filter(a, { inputs = u }).log_likelihood + both[2].log_likelihood
    assert.near(all / 13, lds:score({ a, b }, { inputs = { u, v } }), 1e-13)
    assert.near(all, lds:log_likelihood(a, { inputs = u }):sum() + lds:log_likelihood(b, { inputs = v }):sum(), 1e-12)
    assert.near(-2 * all + 2 * lds:free_parameters(), lds:aic({ a, b }, { inputs = { u, v } }), 1e-10)
    assert.near(-2 * all + math.log(13) * lds:free_parameters(), lds:bic({ a, b }, { inputs = { u, v } }), 1e-10)
    assert.is_true(lds:transform(a, { inputs = u }) == lds:smooth(a, { inputs = u }).means)
  end)

  -- ---- other programs' numbers ---------------------------------------------------------------------

  -- statsmodels 0.15.0's KalmanSmoother and pykalman 0.11.2, on data of this project (LATENT_DATA)
  it("agrees with statsmodels on sim/lds and sim/lds_missing", function()
    local Y, why = simulated "lds"
    if not Y then return pending(why) end
    local s = simulated_model():smooth(Y)
    assert.near(-1034.2786944134216, s.log_likelihood, 1e-9)
    assert.near_matrix({ -0.636138191221202, -0.530706995940045 }, s.means[50], 1e-12)
    assert.near_matrix({ { 0.105136803978566, -0.013121292984186 }, { -0.013121292984186, 0.107849952269116 } },
      s.covariances[50], 1e-12)
    assert.near_matrix({ { 0.042055448534413, -0.004031064210007 }, { -0.013481905216471, 0.040352626421116 } },
      s.lag_covariances[50], 1e-12)
    local gaps = simulated_model():smooth(simulated "lds_missing")
    assert.near(-859.3391217356979, gaps.log_likelihood, 1e-9)
    assert.near_matrix({ -0.664562496979474, -0.540609547560539 }, gaps.means[50], 1e-12)
    assert.near_matrix({ { 0.042930600970559, -0.003864921418712 }, { -0.013588492029666, 0.040968120341312 } },
      gaps.lag_covariances[50], 1e-12)
  end)

  it("agrees with statsmodels on a trend with a season, diffuse, of the logarithm of UK gas", function()
    local path, why = helper.data "series/ukgas.csv"
    if not path then return pending(why) end
    local gas = assert(latent.read(path))
    local y = gas:col(gas.cols):log()
    local lds = latent.lds{ C = { { 1, 0, 1, 0, 0 } }, R = 2e-3, Q = { 1e-4, 1e-5, 5e-3, 0, 0 }, initial = "diffuse",
      A = { { 1, 1, 0, 0, 0 }, { 0, 1, 0, 0, 0 }, { 0, 0, -1, -1, -1 }, { 0, 0, 1, 0, 0 }, { 0, 0, 0, 1, 0 } } }
    local s = lds:smooth(y)
    assert.near(76.50194817578435, s.log_likelihood, 1e-9)
    assert.near_matrix({ 4.773079832964288, 0.005882819552861, 0.297128065353161, -0.021104401872482,
      -0.351750454862529 }, s.means[1], 1e-10)
    assert.near_matrix({ 4.986295774730893e-04, 4.235907612537641e-05, 1.414384493349911e-03, 1.574936810451823e-03,
      2.034854874543221e-03 }, s.covariances[3]:diag(), 1e-13)
    local f = lds:filter(y)
    assert.equal(5, f.diffuse)
    assert.near_matrix({ 6.528442089277659, 0.023623280245772, 0.14058497241942, -0.677148411475201,
      -0.078764991222854 }, f.means[108], 1e-10)
    for _, t in ipairs{ 2, 3, 31 } do y[t] = nan end
    local gaps = lds:smooth(y)
    assert.near(72.92663137757103, gaps.log_likelihood, 1e-9)
    assert.near_matrix({ 1.353162695114967e-03, 6.330667473443935e-05, 8.982000100855281e-03, 9.564708615689574e-03,
      3.662151190595909e-03 }, gaps.covariances[3]:diag(), 1e-12)
    assert.equal(7, lds:filter(y).diffuse)
  end)

  -- ---- EM ---------------------------------------------------------------------------------------------

  it("counts its free parameters", function()
    local Y = random_data(30, 2, 3)
    local function count(options)
      options.max_iterations = 1
      return latent.lds(options):fit(Y):free_parameters()
    end
    -- A, C, Q, R, mean and covariance, and a choice of basis that makes no other model
    assert.equal(4 + 4 + 3 + 3 + 2 + 3 - 4, count{ latent_dim = 2 })
    assert.equal(4 + 4 + 3 + 3 - 4, count{ latent_dim = 2, initial = "diffuse" })
    assert.equal(4 + 4 + 2 + 1 + 2 + 3, count{ latent_dim = 2, structure = { Q = "diagonal", R = "scalar" } })
    assert.equal(2, latent.lds{ A = 1, C = 1, initial = "diffuse", max_iterations = 1 }:fit(nile):free_parameters())
  end)

  it("is saved and loaded", function()
    local path = os.tmpname()
    local Y = random_data(30, 2, 3)
    for _, options in ipairs{ { latent_dim = 2 },
      { latent_dim = 3, initial = "diffuse", structure = { R = "diagonal" } },
      { latent_dim = 2, initial = "stationary", form = "square_root" },
      { A = { { 1, 1 }, { 0, 1 } }, C = { { 1, 0 }, { 0, 1 } }, estimate = { "Q", "R" } } } do
      options.max_iterations = 3
      local lds = latent.lds(options):fit(Y)
      assert(lds:save(path))
      local again = assert(latent.load(path))
      assert.is_true(lds:smooth(Y).means == again:smooth(Y).means)
      assert.equal(lds:score(Y), again:score(Y))
      assert.equal(lds:free_parameters(), again:free_parameters())
      assert.same(lds.history, again.history)
    end
    local list = {}
    for t = 1, 30 do list[t] = matrix{ { 0.5 + 0.01 * t } } end
    local varying = latent.lds{ A = list, C = { { 1 }, { 1 } }, Q = 1, R = 1, initial_mean = 0, initial_covariance = 1 }
    assert(varying:save(path))
    assert.equal(varying:score(Y), assert(latent.load(path)):score(Y))
    fails("function", function()
      latent.lds{ A = function() return 1 end, C = 1, Q = 1, R = 1, initial_covariance = 1 }:save(path)
    end)
    os.remove(path)
  end)

  -- ---- what is wrong ------------------------------------------------------------------------------------

  it("says what is wrong with a model", function()
    local function wrong(part, options) fails(part, latent.lds, options) end
    wrong("lds: C is a 2x3 matrix, but the model has 2 states", { A = matrix.eye(2), C = matrix.zeros(2, 3) })
    wrong("R is a 3x3 matrix, but the model has 2 outputs", { C = matrix.zeros(2, 2), R = matrix.eye(3) })
    wrong("R is not positive semidefinite", { A = 1, C = { { 1 }, { 1 } }, Q = 1, R = { { 1, 2 }, { 2, 1 } } })
    wrong("Q is not positive semidefinite", { A = 1, C = 1, Q = -1, R = 1 })
    wrong("initial_covariance is not positive semidefinite",
      { A = 1, C = 1, Q = 1, R = 1, initial_mean = 0, initial_covariance = -1 })
    wrong("R must be symmetric", { A = 1, C = { { 1 }, { 1 } }, Q = 1, R = { { 1, 0.5 }, { 0.2, 1 } } })
    wrong("A has NaN at row 1, column 1", { A = nan, C = 1, Q = 1, R = 1 })
    wrong("A has an eigenvalue of modulus 1.1", { A = 1.1, C = 1, Q = 1, R = 1, initial = "stationary" })
    wrong("unknown initial 'stationery'", { initial = "stationery" })
    wrong("initial is a list of 1", { latent_dim = 2, initial = { "diffuse" } })
    wrong("unknown parameter 'S'", { estimate = { "S" } })
    wrong("estimate must be a list", { estimate = "Q" })
    wrong("A varies with t", { A = { matrix{ { 1 } }, matrix{ { 1 } } }, estimate = { "A" } })
    wrong("unknown option 'latent_dims', did you mean 'latent_dim'?", { latent_dims = 2 })
    wrong("latent_dim must be an integer from 1", { latent_dim = 0 })
    wrong("A is a vector of 4, it should be a number, a matrix or a list of matrices", { A = { 1, 2, 3, 4 }, C = 1 })
    wrong("fixed holds entries of A, which isn't given", { fixed = { A = { { 1 } } } })
    wrong("fixed.A is a vector of 2, it should be 1x1", { A = 1, fixed = { A = { 1, 1 } } })
    wrong("unknown form 'root'", { form = "root" })
    wrong("is of the first step", { latent_dim = 1, initial_covariance = function() return 1 end })
    wrong("needs initial_covariance", { A = 1, C = 1, Q = 1, R = 1, initial = "known" })
    wrong("Q of step 2 is not positive semidefinite",
      { A = 1, C = 1, Q = { matrix{ { 1 } }, matrix{ { -1 } } }, R = 1 })
  end)

  it("says what is wrong with data", function()
    local lds = latent.lds(random_model(2, 2, 0, 1))
    fails("lds:filter: Y is a 3x3 matrix, it should have 2 columns", lds.filter, lds, matrix.zeros(3, 3))
    fails("row 2, column 1", lds.filter, lds, { { 1, 2 }, { math.huge, 1 } })
    fails("Y must be a matrix", lds.filter, lds, "x")
    fails("not fitted", function() latent.lds{ latent_dim = 2 }:filter(nile) end)
    fails("there is no observation", function() latent.lds():fit(matrix(5, 2, nan)) end)
    local five = matrix.ones(5, 2)
    fails("sequence 2: there is no observation", function() latent.lds():fit{ five, matrix(5, 2, nan) } end)
    fails("Y[2] is a 4x3 matrix, it should have 2 columns", function() latent.lds():fit{ five, matrix.ones(4, 3) } end)
    fails("don't determine the diffuse initial state", function()
      latent.lds{ A = { { 1, 1 }, { 0, 1 } }, C = { { 1, 0 } }, initial = "diffuse" }:fit(matrix{ { 1 } })
    end)
    fails("lds:fit: unknown option 'weights'", function() latent.lds():fit(nile, { weights = matrix.ones(100, 1) }) end)
    fails("row 3, column 1", function() latent.lds():fit(matrix{ 1, 2, math.huge }) end)
    fails("has become singular", function() latent.lds():fit(matrix.ones(20, 2)) end)
    fails("A is neither given nor estimated", function() latent.lds{ estimate = { "Q" } }:fit(nile) end)
    fails("h must be an integer >= 1", lds.forecast, lds, matrix.zeros(3, 2), 0)
    local function level(x) return function() lds:forecast(matrix.zeros(3, 2), 1, { level = x }) end end
    fails("lds:forecast: level must be between 0 and 1, got 0", level(0))
    fails("lds:forecast: level must be between 0 and 1, got 1", level(1))
    fails("lds:forecast: level must be from 0.0 to 1.0, got 95", level(95))
    fails("lds:forecast: level must be", level(0 / 0))
    fails("lds:forecast: level must be a number", level "95%")
    -- no density: numbers overflow
    local exact = latent.lds{ A = 1, C = 1, Q = 1, R = 1e-300, initial_mean = 0, initial_covariance = 1e-300 }
    fails("step 1: numbers overflow", exact.filter, exact, { { 1e100 } })
    local driven = latent.lds(random_model(2, 2, 1, 1))
    fails("has 1 inputs", driven.filter, driven, matrix.zeros(3, 2))
    fails("rows of inputs", driven.filter, driven, matrix.zeros(3, 2), { inputs = matrix.zeros(2, 1) })
    fails("row 1, column 1", driven.filter, driven, matrix.zeros(1, 2), { inputs = matrix{ { nan } } })
    fails("future_inputs", driven.forecast, driven, matrix.zeros(3, 2), 2, { inputs = matrix.zeros(3, 1) })
    local short = latent.lds{ A = { matrix{ { 1 } }, matrix{ { 1 } } }, C = 1, Q = 1, R = 1, initial = "diffuse" }
    fails("A is given for 2 steps, and 3 are needed", short.filter, short, matrix{ 1, 2, 3 })
    local broken = latent.lds{ A = function(t) return t == 3 and error "no such step" or 1 end, C = 1, Q = 1, R = 1,
      initial_covariance = 1 }
    fails("no such step", broken.filter, broken, matrix{ 1, 2, 3 })
    fails("free entries of Q must be whole blocks", function()
      latent.lds{ A = matrix.eye(3), C = matrix.eye(3), Q = matrix.eye(3), R = 1, initial = "diffuse",
        fixed = { Q = { { 0, 0, 1 }, { 0, 0, 0 }, { 1, 0, 0 } } }, estimate = { "Q" } }:fit(matrix.random(9, 3))
    end)
  end)

  it("takes what is odd but in order", function()
    -- one row, a constant column, few rows and many outputs (whose full R would be singular)
    for _, Y in ipairs{ matrix{ { 1 } }, matrix.ones(20, 1), matrix.random(4, 2), matrix.random(5, 12) } do
      local structure = { R = Y.cols > Y.rows and "diagonal" or "full" }
      local lds = latent.lds{ latent_dim = 1, max_iterations = 5, structure = structure }:fit(Y)
      assert.equal(5, lds.iterations)
      assert.is_true(lds:score(Y) == lds:score(Y))
    end
    local many = latent.lds{ latent_dim = 9, max_iterations = 3 }:fit(matrix.random(30, 2))
    assert.is_true(many:score(nile:reshape(50, 2)) < 0)
    assert.equal("lds, not fitted", tostring(latent.lds()))
  end)
end)
