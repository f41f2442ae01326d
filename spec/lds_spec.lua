local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local nan = 0 / 0

-- The Nile's volume at Aswan, 1871 to 1970 (Cobb 1978; Durbin, Koopman 2012).
local nile = matrix{ 1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180,
  799, 958, 1140, 1100, 1210,
  1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050,
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
  local function simulated(name)
    local path, why = helper.data("sim/" .. name .. ".csv")
    if not path then return nil, why end
    return (latent.read(path))
  end

  local function simulated_model(options)
    local model = { A = { { 0.9, 0.1 }, { -0.1, 0.8 } }, C = { { 1, 0 }, { 0, 1 }, { 0.5, 0.5 } }, Q = 0.2, R = 0.3,
      initial_mean = { 0, 0 }, initial_covariance = 1 }
    for name, value in pairs(options or {}) do model[name] = value end
    return latent.lds(model)
  end

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

  it("by EM goes the way of pykalman and of an EM on statsmodels' smoother", function()
    local Y, why = simulated "lds"
    if not Y then return pending(why) end
    local lds = simulated_model{ max_iterations = 11, tolerance = 0 }:fit(Y)
    local trace = { -1034.2786944134216, -643.6924235511566, -612.0124524433581, -598.1966025556826,
      -592.5105733952569, -589.9910403468348, -588.6017878564825, -587.6668823017716, -586.9711863062391,
      -586.4335379252577,      -586.0123732826175 }
    assert.near_matrix(trace, matrix(lds.history) * 200, 1e-8)
    assert.near_matrix({ { 0.910272528733571, -0.208016548046083 }, { 0.237639535431047, 0.946380069828959 } }, lds.A,
      1e-10)
  end)

  it("by EM finds the Nile's published variances", function()
    for _, accelerate in ipairs{ false, true } do
      local lds = latent.lds{ A = 1, C = 1, initial = "diffuse", accelerate = accelerate }:fit(nile)
      assert.near(15098.5, lds.R(1, 1), 0.05)
      assert.near(1469.2, lds.Q(1, 1), 0.05)
      assert.near(-633.46456363, lds:score(nile) * 100, 1e-7)
      assert.is_true(lds.converged)
      assert.equal(0, lds.drops)
      assert.equal(1, lds.A(1, 1))
    end
  end)

  local function check_monotone(history)
    for i = 2, #history do assert.is_true(history[i] >= history[i - 1] - 1e-11, i) end
    assert.is_true(history[#history] > history[1] + 1e-3)
  end

  -- Every structure: from a poor start, on data with gaps, two sequences, one with inputs.
  local function each_fit(visit)
    local Y = { random_data(40, 2, 1), random_data(25, 2, 2) }
    local draw = numbers(8)
    local inputs = { random_matrix(40, 1, 1, draw), random_matrix(25, 1, 1, draw) }
    for name, options in pairs{
      all = {}, stationary = { initial = "stationary" }, diffuse = { initial = "diffuse" },
      diagonal = { structure = { Q = "diagonal", R = "diagonal" } },
      scalar = { structure = { Q = "scalar", R = "scalar" } }, some = { estimate = { "Q", "R" } },
      outputs = { estimate = { "C", "R", "D" } }, states = { estimate = { "A", "Q", "B" } },
      root = { form = "square_root" },
      -- entries held so that rows go together under a full Q and R
      held = { fixed = { A = { { 1, 0 }, { 0, 0 } }, C = { { 1, 1 }, { 0, 1 } }, B = { 1, 0 } } },
      block = { Q = { { 0.7, 0 }, { 0, 0.5 } }, fixed = { Q = { { 1, 1 }, { 1, 0 } } } },
    } do
      for _, driven in ipairs{ false, true } do
        local model = random_model(2, 2, driven and 1 or 0, 30)
        if options.initial then model.initial_mean, model.initial_covariance = nil, nil end
        for key, value in pairs(options) do model[key] = value end
        if options.estimate then
          model.estimate = {}
          for _, word in ipairs(options.estimate) do
            if driven or (word ~= "B" and word ~= "D") then table.insert(model.estimate, word) end
          end
        end
        if options.fixed and not driven then
          model.fixed = { A = options.fixed.A, C = options.fixed.C, Q = options.fixed.Q }
        end
        visit(name, model, Y, { inputs = driven and inputs or nil })
      end
    end
  end

  it("by EM never decreases the likelihood, whatever is estimated", function()
    each_fit(function(name, model, Y, given)
      model.max_iterations, model.tolerance = 40, 0
      local lds = latent.lds(model):fit(Y, given)
      check_monotone(lds.history)
      assert.equal(0, lds.drops, name)
      model.accelerate = true
      check_monotone(latent.lds(model):fit(Y, given).history)
    end)
  end)

  it("by EM holds what isn't estimated, and keeps structures", function()
    each_fit(function(name, model, Y, given)
      model.max_iterations, model.tolerance = 5, 0
      local before = latent.lds(model)
      local B = before.B and before.B:copy()
      local after = latent.lds(model):fit(Y, given)
      local free = {}
      for _, word in ipairs(model.estimate or { "A", "B", "C", "D", "Q", "R" }) do free[word] = true end
      for _, word in ipairs{ "A", "B", "C", "D", "Q", "R" } do
        local mask = (model.fixed or {})[word]
        if before[word] and not free[word] then
          assert.is_true(before[word] == after[word], name)
        elseif before[word] and mask then
          local flags = matrix(mask)
          if word == "B" then flags = flags:column() end
          assert.near_matrix(before[word] % flags, after[word] % flags, 0)
        elseif before[word] then
          assert.is_false(before[word] == after[word], name .. word)
        end
      end
      if name == "diagonal" or name == "scalar" then
        for _, S in ipairs{ after.Q, after.R } do
          assert.equal(0, S(1, 2))
          assert.equal(name == "scalar", S(1, 1) == S(2, 2))
        end
      end
      assert.is_true(B == nil or B.rows == 2)
    end)
  end)

  -- The gradient of the log-likelihood by central differences, over the entries that are free.
  it("by EM ends where the likelihood's gradient is 0", function()
    local Y = { random_data(60, 2, 1), random_data(50, 2, 3) }
    local model = random_model(1, 2, 0, 31)
    model.max_iterations, model.tolerance, model.accelerate = 20000, 0, true
    model.initial_mean, model.initial_covariance, model.initial = nil, nil, "diffuse"
    model.estimate = { "A", "C", "R" }
    local lds = latent.lds(model):fit(Y)
    local parameters = { A = lds.A:copy(), C = lds.C:copy(), Q = lds.Q:copy(), R = lds.R:copy() }
    local function score()
      local now = { initial = "diffuse" }
      for name, value in pairs(parameters) do now[name] = value end
      return latent.lds(now):score(Y)
    end
    local best = score()
    assert.near(lds.history[#lds.history], best, 1e-12)
    for _, name in ipairs{ "A", "C", "R" } do
      local P = parameters[name]
      for i = 1, P.rows do
        for j = 1, P.cols do
          local value, h, values = P(i, j), 1e-5, {}
          for side = 1, 2 do
            P:set(i, j, value + (side == 1 and h or -h))
            if name == "R" then P:set(j, i, P(i, j)) end
            values[side] = score()
          end
          P:set(i, j, value)
          if name == "R" then P:set(j, i, value) end
          assert.near(0, (values[1] - values[2]) / (2 * h), 1e-6, name)
        end
      end
    end
  end)

  it("finds the moments of a random walk that is seen without noise in one iteration", function()
    local y = matrix{ 1, 3, 2, 4, 4 }:column()
    local walk = { A = 1, C = 1, R = 0, Q = 1, initial = "diffuse", estimate = { "Q" }, max_iterations = 1 }
    local lds = latent.lds(walk):fit(y)
    assert.near((4 + 1 + 4 + 0) / 4, lds.Q(1, 1), 1e-12)
  end)

  it("starts from the data, and finds the system that made them", function()
    local truth = latent.lds{ A = { { 0.9, 0.3 }, { -0.3, 0.9 } }, C = { { 1, 0 }, { 0, 1 }, { 1, -1 } }, Q = 0.1,
      R = 0.2, initial = "stationary" }
    local Y = truth:sample(3000, { seed = 2 })
    local lds = latent.lds{ latent_dim = 2, max_iterations = 60 }:fit(Y)
    -- states may be in any basis: what doesn't depend on it are eigenvalues and the outputs' covariances
    local real, imaginary = latent.eigen.general(lds.A)
    assert.near_matrix({ 0.9, 0.9 }, real, 0.02)
    assert.near_matrix({ 0.3, -0.3 }, imaginary, 0.02)
    assert.is_true(lds:score(Y) > truth:score(Y))
    assert.near(truth:score(Y), lds:score(Y), 0.01)
    assert.near(truth:score(Y), lds.history[1], 0.2) -- before the first M-step
    -- one output, two states: by its lags
    local first = latent.lds{ latent_dim = 2, max_iterations = 60 }:fit(Y:col(1))
    real, imaginary = latent.eigen.general(first.A)
    assert.near_matrix({ 0.9, 0.9 }, real, 0.05)
    assert.near_matrix({ 0.3, -0.3 }, imaginary, 0.05)
    -- without half of the entries
    local draw = latent.random(1)
    for t = 1, 3000 do for i = 1, 3 do if draw:uniform() < 0.5 then Y:set(t, i, nan) end end end
    local gaps = latent.lds{ latent_dim = 2, max_iterations = 100 }:fit(Y)
    assert.near(truth:score(Y), gaps:score(Y), 0.01)
    assert.is_true(gaps:score(Y) > truth:score(Y) - 1e-3)
  end)

  it("finds B and D of inputs", function()
    local truth = latent.lds{ A = 0.7, B = { { 1, -0.5 } }, C = { { 1 }, { 2 } }, D = { { 0, 1 }, { 0.3, 0 } }, Q = 0.1,
      R = 0.1, initial_mean = 0, initial_covariance = 1 }
    local U = matrix.normal(2000, 2, latent.random(3))
    local Y = truth:sample(2000, { seed = 4, inputs = U })
    local lds = latent.lds{ latent_dim = 1, max_iterations = 300 }:fit(Y, { inputs = U })
    local scale = lds.C(1, 1) -- the state's own is free
    assert.near_matrix({ { 1, -0.5 } }, lds.B * scale, 0.03)
    assert.near_matrix({ { 0, 1 }, { 0.3, 0 } }, lds.D, 0.03)
    assert.near(0.7, lds.A(1, 1), 0.02)
  end)

  it("has the same bits for every number of threads", function()
    local Y = {}
    for k = 1, 7 do Y[k] = random_data(30 + 5 * k, 2, k) end
    local threads, fits = latent.threads(), {}
    for n = 1, 3 do
      latent.threads(n)
      fits[n] = latent.lds{ latent_dim = 2, max_iterations = 10, tolerance = 0 }:fit(Y)
    end
    latent.threads(threads)
    for n = 2, 3 do
      assert.same(fits[1].history, fits[n].history)
      for _, name in ipairs{ "A", "C", "Q", "R", "initial_mean", "initial_covariance" } do
        assert.is_true(fits[1][name] == fits[n][name])
      end
    end
  end)

  it("goes iteration by iteration", function()
    local lds, seen = latent.lds{ latent_dim = 2, max_iterations = 4, tolerance = 0 }, {}
    local Y = random_data(60, 2, 3)
    for i, objective in lds:steps(Y) do seen[i] = objective end
    assert.equal(4, #seen)
    local calls = 0
    local fit = latent.lds{ latent_dim = 2, max_iterations = 4, tolerance = 0 }:fit(Y, { on_iteration = function(record)
      calls = calls + 1
      assert.equal(seen[record.iteration], record.objective)
    end })
    assert.equal(4, calls)
    assert.is_true(fit.A == lds.A)
    fails("stop it", lds.fit, lds, Y, { on_iteration = function() error "stop it" end })
    local restarted = latent.lds{ latent_dim = 2, max_iterations = 30, restarts = 3 }:fit(Y)
    local once = latent.lds{ latent_dim = 2, max_iterations = 30 }:fit(Y)
    assert.is_true(restarted.history[#restarted.history] >= once.history[#once.history])
  end)

  it("by EM knows matrices that vary, as lists and as functions", function()
    local Y = { random_data(40, 2, 1), random_data(25, 2, 2) }
    local A, C, Q = {}, {}, {}
    for t = 1, 40 do
      local model = random_model(2, 2, 0, 40 + t)
      A[t], C[t], Q[t] = model.A, model.C, model.Q
    end
    local model = random_model(2, 2, 0, 30)
    local function fit(options)
      options.initial_mean, options.initial_covariance = model.initial_mean, model.initial_covariance
      options.max_iterations, options.tolerance = 30, 0
      return latent.lds(options):fit(Y)
    end
    local lists = fit{ A = A, C = C, Q = model.Q, R = model.R, estimate = { "Q", "R", "initial_mean" } }
    check_monotone(lists.history)
    local functions = fit{ A = function(t) return A[t] end, C = function(t) return C[t] end, Q = model.Q, R = model.R,
      estimate = { "Q", "R", "initial_mean" } }
    assert.same(lists.history, functions.history)
    check_monotone(fit{ A = model.A, C = C, Q = Q, estimate = { "R" } }.history)
    fails("C can't be estimated when R varies with t", fit,
      { A = model.A, C = model.C, Q = model.Q, R = Q, estimate = { "C" } })
    -- one list that never changes is the constant matrix
    local same = {}
    for t = 1, 40 do same[t] = model.A end
    local varying = fit{ A = same, C = model.C, Q = model.Q, R = model.R, estimate = { "C", "Q", "R" } }
    local constant = fit{ A = model.A, C = model.C, Q = model.Q, R = model.R, estimate = { "C", "Q", "R" } }
    assert.near_matrix(constant.history, varying.history, 1e-11)
    -- another fit of the same model while one is under way
    local lds = latent.lds{ A = function(t) return A[t] end, C = model.C, max_iterations = 4, initial_mean = { 0, 0 },
      initial_covariance = 1, tolerance = 0 }
    local expected, seen = latent.lds{ A = A, C = model.C, max_iterations = 4, initial_mean = { 0, 0 },
      initial_covariance = 1, tolerance = 0 }:fit(Y).history, {}
    for i, objective in lds:steps(Y) do
      seen[i] = objective
      lds:fit(Y[2])
      collectgarbage()
    end
    assert.same(expected, seen)
  end)

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
    fails("weights are for models of rows", function() latent.lds():fit(nile, { weights = matrix.ones(100, 1) }) end)
    fails("row 3, column 1", function() latent.lds():fit(matrix{ 1, 2, math.huge }) end)
    fails("has become singular", function() latent.lds():fit(matrix.ones(20, 2)) end)
    fails("A is neither given nor estimated", function() latent.lds{ estimate = { "Q" } }:fit(nile) end)
    fails("h must be an integer >= 1", lds.forecast, lds, matrix.zeros(3, 2), 0)
    -- no density: two exact observations of one state
    local exact = latent.lds{ A = 1, C = { { 1 }, { 1 } }, Q = 1, R = 0, initial_mean = 0, initial_covariance = 1 }
    fails("step 1: the covariance C P C' + R of the observation is not positive definite", exact.filter, exact,
      { { 1, 1 } })
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
