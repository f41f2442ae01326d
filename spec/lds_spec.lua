local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local nan = 0 / 0

-- The Nile's volume at Aswan, 1871 to 1970 (Cobb 1978; Durbin, Koopman 2012).
local nile = matrix{ 1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799,
  958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050,
  969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865,
  845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918,
  986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740 }:column()

-- ---- models and data without structure --------------------------------------------------------

local function numbers(seed)
  local k = 0
  return function()
    k = k + 1
    return math.sin(12.9898 * k + 78.233 * seed + 0.07 * k * k)
  end
end

local function random_matrix(rows, cols, scale, draw)
  return matrix(rows, cols, function() return scale * draw() end)
end

local function random_covariance(n, scale, draw)
  local root = random_matrix(n, n, 1, draw)
  return root * root:t() * scale + matrix.eye(n) * (0.1 * scale)
end

-- The options of a stable model of M states, D outputs and U inputs.
local function random_model(M, D, U, seed)
  local draw = numbers(seed)
  local model = { A = random_matrix(M, M, 0.9 / math.sqrt(M), draw) + matrix.eye(M) * 0.3,
    C = random_matrix(D, M, 1, draw), Q = random_covariance(M, 0.5, draw), R = random_covariance(D, 0.3, draw),
    initial_mean = matrix(M, 1, draw):col(1), initial_covariance = random_covariance(M, 1, draw) }
  if U > 0 then model.B, model.D = random_matrix(M, U, 1, draw), random_matrix(D, U, 1, draw) end
  return model
end

-- T x D numbers of which about one in three is missing, and in the fourth row all.
local function random_data(T, D, seed)
  local draw = numbers(seed)
  return matrix(T, D, function(i) return (draw() > 0.4 or i == 4) and nan or 3 * draw() end)
end

-- ---- everything as one multivariate normal -----------------------------------------------------

local function at(value, t) return type(value) == "table" and value[t] or value end

-- Means and covariances of z_1..z_T and y_1..y_T by the model's definition: z[t], zz[t][s], where a table for A, C,
-- Q or R has one matrix for each step.
local function moments(model, T, U)
  local z, zz = {}, {}
  for t = 1, T do
    zz[t] = {}
    local A = at(model.A, t)
    if t == 1 then
      z[1], zz[1][1] = model.initial_mean:copy(), model.initial_covariance
    else
      z[t] = A * z[t - 1]
      if U then z[t] = z[t] + model.B * U[t] end
      for s = 1, t - 1 do
        zz[t][s] = A * zz[t - 1][s]
        zz[s][t] = zz[t][s]:t()
      end
      zz[t][t] = A * zz[t - 1][t - 1] * A:t() + at(model.Q, t)
    end
  end
  return z, zz
end

-- The same numbers as vectors and matrices: means and covariance of all states (T M), of all observed entries, and
-- between both; and those entries.
local function joint(model, Y, U)
  local T, D, M = Y.rows, Y.cols, model.initial_mean.rows
  local z, zz = moments(model, T, U)
  local entries, values = {}, {}
  for t = 1, T do
    for i = 1, D do
      if Y(t, i) == Y(t, i) then
        entries[#entries + 1], values[#values + 1] = { t, i }, Y(t, i)
      end
    end
  end
  local C = {} -- rows of the C of each step
  for t = 1, T do C[t] = at(model.C, t) end
  local n = #entries
  local mean = matrix(n, 1, function(k)
    local t, i = entries[k][1], entries[k][2]
    return C[t]:row(i):dot(z[t]) + (U and model.D:row(i):dot(U[t]) or 0)
  end):col(1)
  local yy = matrix(n, n, function(k, l)
    local t, i, s, j = entries[k][1], entries[k][2], entries[l][1], entries[l][2]
    return C[t]:row(i):dot(zz[t][s] * C[s]:row(j)) + (t == s and at(model.R, t)(i, j) or 0)
  end)
  local zy = matrix(T * M, n, function(r, l)
    local t, m, s, j = (r - 1) // M + 1, (r - 1) % M + 1, entries[l][1], entries[l][2]
    return zz[t][s]:row(m):dot(C[s]:row(j))
  end)
  return { z = z, zz = zz, mean = mean, yy = yy, zy = zy, y = matrix(values):copy(), M = M, T = T }
end

-- log-likelihood, means (T x M), covariances and lag-one covariances of z given the observed entries.
local function condition(j)
  local v = j.y - j.mean
  local inverse = j.yy:inverse()
  local log_likelihood = -0.5 * (v:dot(inverse * v) + j.yy:logdet() + #v * math.log(2 * math.pi))
  local gain = j.zy * inverse
  local move = gain * v
  local means = matrix(j.T, j.M, function(t, m) return j.z[t][m] + move[(t - 1) * j.M + m] end)
  local less = gain * j.zy:t()
  local function block(t, s)
    local M = j.M
    return j.zz[t][s] - less:block((t - 1) * M + 1, t * M, (s - 1) * M + 1, s * M)
  end
  local covariances, lags = {}, { matrix.zeros(j.M, j.M) }
  for t = 1, j.T do
    covariances[t] = block(t, t)
    if t > 1 then lags[t] = block(t, t - 1) end
  end
  return { log_likelihood = log_likelihood, means = means, covariances = covariances, lag_covariances = lags }
end

local function near_lists(expected, actual, tolerance)
  assert.equal(#expected, #actual)
  for t = 1, #expected do assert.near_matrix(expected[t], actual[t], tolerance) end
end

local function check_against_joint(model, Y, U, tolerance)
  local expected = condition(joint(model, Y, U))
  local options = {}
  for name, value in pairs(model) do options[name] = value end
  for _, form in ipairs{ "covariance", "square_root" } do
    options.form = form
    local lds = latent.lds(options)
    local inputs = { inputs = U }
    local smoothed, filtered = lds:smooth(Y, inputs), lds:filter(Y, inputs)
    assert.near(expected.log_likelihood, smoothed.log_likelihood, tolerance)
    assert.near(expected.log_likelihood, filtered.log_likelihood, tolerance)
    assert.near_matrix(expected.means, smoothed.means, tolerance)
    near_lists(expected.covariances, smoothed.covariances, tolerance)
    near_lists(expected.lag_covariances, smoothed.lag_covariances, tolerance)
    -- the filter's last step is given all of Y, and its others given less
    local T = Y.rows
    assert.near_matrix(expected.means[T], filtered.means[T], tolerance)
    assert.near_matrix(expected.covariances[T], filtered.covariances[T], tolerance)
    local half = math.max(1, T // 2)
    local part = condition(joint(model, Y:block(1, half, 1, Y.cols), U))
    assert.near_matrix(part.means[half], filtered.means[half], tolerance)
    assert.near_matrix(part.covariances[half], filtered.covariances[half], tolerance)
  end
end

describe("lds", function()
  describe("against everything as one normal distribution", function()
    for _, sizes in ipairs{ { 1, 1 }, { 2, 1 }, { 1, 3 }, { 2, 2 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 6, 4 }, { 7, 2 }, { 8, 3 },
      { 13, 5 } } do
      local M, D = sizes[1], sizes[2]
      it(("agrees for %d states and %d outputs with gaps"):format(M, D), function()
        for seed = 1, 3 do check_against_joint(random_model(M, D, 0, seed), random_data(9, D, seed + 10), nil, 1e-9) end
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
      model = { A = matrix{ { 1, 0 }, { 0.2, 0.7 } }, C = matrix{ { 1, 1 }, { 0, 1 } }, Q = matrix{ { 0, 0 }, { 0, 1 } },
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
      local Z, X, answers = {}, {}, {}
      for t = 1, T do
        if t > 1 then E = model.A * E end
        answers[t] = E
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
      local A = matrix{ { 1, 1, 0, 0, 0 }, { 0, 1, 0, 0, 0 }, { 0, 0, -1, -1, -1 }, { 0, 0, 1, 0, 0 }, { 0, 0, 0, 1, 0 } }
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

  it("has the same bits whether covariances have settled or are computed again", function()
    local m = random_model(4, 2, 0, 3)
    local Y = matrix(400, 2, function(i, j) return (i == 200 and j == 1) and nan or math.sin(i * j) end)
    local constant = latent.lds(m)
    local list = {}
    for t = 1, 400 do list[t] = m.A end
    m.A = list
    local varying = latent.lds(m)
    local a, b = constant:smooth(Y), varying:smooth(Y)
    assert.is_true(a.means == b.means)
    assert.equal(a.log_likelihood, b.log_likelihood)
    for t = 1, 400 do
      assert.is_true(a.covariances[t] == b.covariances[t])
      assert.is_true(a.lag_covariances[t] == b.lag_covariances[t])
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
    assert.near(b.log_likelihood / a.log_likelihood, 1, 1e-9)
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
end)
