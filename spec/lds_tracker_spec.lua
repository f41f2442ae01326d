-- lds:tracker: a filter that sees one observation at a time.
local latent = require "latent"
local helper = require "helper"
local matrix, blocks = latent.matrix, latent.blocks
local nan, inf = 0 / 0, 1 / 0

local function known(options)
  local base = { A = { { 1, 0, 0.1, 0 }, { 0, 1, 0, 0.1 }, { 0, 0, 0.98, 0 }, { 0, 0, 0, 0.98 } },
    C = { { 1, 0, 0, 0 }, { 0.2, 1, 0, 0 } }, Q = { 0.001, 0.002, 0.1, 0.1 }, R = { { 0.3, 0.1 }, { 0.1, 0.2 } },
    initial_mean = { 1, 2, 0, 0.5 }, initial_covariance = matrix.eye(4) * 2 }
  for name, value in pairs(options or {}) do base[name] = value end
  return latent.lds(base)
end

-- A path with an entry, a row and a stretch missing.
local function path(T)
  local Y = matrix(T, 2, function(t, j) return j == 1 and 0.05 * t or math.cos(0.1 * t) end)
    + matrix.normal(T, 2, latent.random(4)) * 0.5
  for _, place in ipairs { { 2, 1 }, { 8, 1 }, { 8, 2 }, { 30, 2 } } do Y:set(place[1], place[2], nan) end
  for t = 20, 24 do Y[t]:fill(nan) end
  return Y
end

local function check_rows(model, Y, filtered, tracker, inputs)
  for t = 1, Y.rows do
    local state = tracker:update(Y[t], inputs and inputs[t])
    assert.near_matrix(filtered.means[t], state, 1e-9)
    assert.near_matrix(filtered.means[t], tracker.state, 1e-9)
    assert.near_matrix(filtered.covariances[t], tracker.covariance, 1e-9)
    assert.equal(t, tracker.time)
  end
  local densities = model:log_likelihood(Y, { inputs = inputs })
  assert.is_near(densities[Y.rows], tracker.log_density, 1e-9)
  assert.is_near(filtered.log_likelihood, tracker.log_likelihood, 1e-9)
end

describe("a tracker", function()
  local Y = path(60)

  it("is the filter, row by row", function()
    local model = known()
    check_rows(model, Y, model:filter(Y), model:tracker())
    model = known { form = "square_root" }
    check_rows(model, Y, model:filter(Y), model:tracker())
  end)

  it("knows diffuse and stationary starts", function()
    local bodies = latent.lds(blocks.constant_velocity { dt = 0.1, noise_variance = 0.25 })
    check_rows(bodies, Y, bodies:filter(Y), bodies:tracker())
    local y = latent.datasets.air_passengers():log()
    local season = latent.lds(blocks.sum(blocks.local_linear_trend { slope_variance = 1e-6, noise_variance = 1e-4 },
      blocks.seasonal { period = 12, variance = 1e-4 }, blocks.arma { ar = { 0.5 }, variance = 1e-4 }))
    check_rows(season, y, season:filter(y), season:tracker())
  end)

  it("knows inputs, and matrices that vary", function()
    local U = matrix(60, 1, function(t) return math.sin(0.3 * t) end)
    local model = known { B = { { 0 }, { 0.05 }, { 0 }, { 0.1 } }, D = { { 0 }, { 0.3 } } }
    local filtered = model:filter(Y, { inputs = U })
    check_rows(model, Y, filtered, model:tracker(), U)
    local tracker = model:tracker() -- in two halves: the input of a prediction is that of its update
    for t = 1, 60 do
      tracker:predict(U[t])
      assert.near_matrix(filtered.predicted_means[t], tracker.state, 1e-9)
      assert.is_true(tracker.predicted)
      tracker:update(Y[t])
      assert.near_matrix(filtered.means[t], tracker.state, 1e-9)
      assert.is_false(tracker.predicted)
    end
    local R = {}
    for t = 1, 60 do R[t] = matrix.eye(2) * (0.1 + t % 4) end
    model = known { R = R }
    check_rows(model, Y, model:filter(Y), model:tracker())
    -- the same by matrices of each step
    tracker = known():tracker()
    for t = 1, 60 do tracker:update(Y[t], nil, { R = R[t] }) end
    assert.near_matrix(model:filter(Y).means[60], tracker.state, 1e-9)
    helper.fails("tracker:update: there is no step 61: the model's matrices vary over 60", function()
      local long = model:tracker()
      for _ = 1, 61 do long:update(Y[1]) end
    end)
  end)

  it("goes through time in steps of any length", function()
    -- two measurements 0.3 apart: one step of 0.3, or one of 0.1 and one of 0.2 without an observation
    local function body(dt) return blocks.constant_velocity { dims = 1, dt = dt, noise_variance = 0.1 } end
    local function start()
      local tracker = latent.lds(body(1)):tracker()
      tracker:update(1)
      tracker:update(1.5)
      return tracker
    end
    local once, twice = start(), start()
    once:update(2, nil, { A = body(0.3).A, Q = body(0.3).Q })
    twice:predict(nil, { A = body(0.1).A, Q = body(0.1).Q })
    twice:predict(nil, { A = body(0.2).A, Q = body(0.2).Q })
    twice:update(2)
    assert.near_matrix(once.state, twice.state, 1e-12)
    assert.near_matrix(once.covariance, twice.covariance, 1e-12)
    assert.same({ 3, 4 }, { once.time, twice.time })
  end)

  it("takes vectors, tables and numbers", function()
    local results = {}
    for i, y in ipairs { matrix { 1, 2 }, { 1, 2 }, matrix { { 1, 2 } }, matrix({ 1, 2 }, { dtype = "float32" }) } do
      results[i] = known():tracker():update(y):table()
      assert.near_matrix(results[1], results[i], 0)
    end
    assert.equal(2, #latent.lds(blocks.constant_velocity { dims = 1 }):tracker():update(3))
  end)

  it("predicts through a gap as forecasts do", function()
    local model, tracker = known(), known():tracker()
    for t = 1, 40 do tracker:update(Y[t]) end
    for _ = 1, 7 do tracker:predict() end
    local filtered = model:filter(matrix.vstack { Y:block(1, 40), matrix(7, 2, nan) })
    assert.near_matrix(filtered.means[47], tracker.state, 1e-9)
    assert.near_matrix(filtered.covariances[47], tracker.covariance, 1e-9)
  end)

  it("forecasts and stays where it is", function()
    local U = matrix(60, 1, function(t) return math.sin(0.3 * t) end)
    local driven = known { B = { { 0 }, { 0.05 }, { 0 }, { 0.1 } }, D = { { 0 }, { 0.3 } } }
    for _, case in ipairs { { known() }, { driven, U } } do
      local model, tracker = case[1], case[1]:tracker()
      for t = 1, 40 do tracker:update(Y[t], case[2] and U[t]) end
      local before = tracker:snapshot()
      local expected = model:forecast(Y:block(1, 40), 7, { inputs = case[2] and U:block(1, 40),
        future_inputs = case[2] and U:block(41, 47), level = 0.9 })
      local got = tracker:forecast(7, { inputs = case[2] and U:block(41, 47), level = 0.9 })
      for _, name in ipairs { "means", "state_means", "lower", "upper" } do
        assert.near_matrix(expected[name], got[name], 1e-9)
      end
      for k = 1, 7 do
        assert.near_matrix(expected.covariances[k], got.covariances[k], 1e-9)
        assert.near_matrix(expected.state_covariances[k], got.state_covariances[k], 1e-9)
      end
      assert.near_matrix(before, tracker:snapshot(), 0)
    end
    helper.fails("tracker:forecast: inputs must be a 2x1 matrix", function() driven:tracker():forecast(2) end)
    helper.fails("tracker:forecast: level must be between 0 and 1, got 1", function()
      driven:tracker():forecast(1, { level = 1, inputs = { { 1 } } })
    end)
    helper.fails("tracker:forecast: h must be an integer >= 1, got 0", function() driven:tracker():forecast(0) end)
    helper.fails("tracker:forecast: the model is nonlinear", function()
      known():tracker({ h = function(z) return z end }):forecast(2)
    end)
  end)

  it("tells innovations", function()
    local tracker = known():tracker()
    tracker:update(Y[1])
    local before = tracker:predict():copy()
    local P = tracker.covariance
    local C, R = matrix { { 1, 0, 0, 0 }, { 0.2, 1, 0, 0 } }, matrix { { 0.3, 0.1 }, { 0.1, 0.2 } }
    local y = matrix { 0.4, 0.9 }
    local distance, log_density = tracker:distance_to(y)
    assert.near_matrix(before, tracker.state, 0) -- nothing has been taken in
    tracker:update(y)
    local e, S = y - C * before, C * P * C:t() + R
    assert.near_matrix(e, tracker.innovation, 1e-12)
    assert.near_matrix(S, tracker.innovation_covariance, 1e-12)
    assert.is_near(math.sqrt(e:dot(S:solve(e))), tracker.distance, 1e-12)
    assert.is_near(-math.log(2 * math.pi) - S:logdet() / 2 - e:dot(S:solve(e)) / 2, tracker.log_density, 1e-12)
    assert.equal(tracker.distance, distance)
    assert.equal(tracker.log_density, log_density)
    tracker:update { nan, 1 }
    assert.is_true(tracker.innovation[1] ~= tracker.innovation[1])
    assert.is_near(tracker.innovation[2] ^ 2, tracker.distance ^ 2 * tracker.innovation_covariance(2, 2), 1e-12)
  end)

  it("looks at an observation without taking it in", function()
    local one, other = known():tracker(), known():tracker()
    for t = 1, 30 do
      one:distance_to(Y[31 - t])
      one:update(Y[t])
      other:update(Y[t])
      assert.near_matrix(other.state, one.state, 0)
      assert.equal(other.log_likelihood, one.log_likelihood)
    end
  end)

  it("can be kept and set again", function()
    for _, model in ipairs { known(), known { form = "square_root" },
      latent.lds(blocks.constant_velocity { dt = 0.1 }) } do
      local one, other = model:tracker(), model:tracker()
      for t = 1, 40 do
        other:restore(one:snapshot():table())
        one:update(Y[t])
        other:update(Y[t])
        assert.near_matrix(one.state, other.state, 0)
        assert.near_matrix(one.covariance, other.covariance, 0)
      end
      local third = model:tracker()
      third.covariance = one.covariance -- first: only a diffuse start has none
      third.state = one.state
      third.time = one.time
      third.log_likelihood = one.log_likelihood
      third:update(Y[41])
      one:update(Y[41])
      assert.near_matrix(one.state, third.state, 1e-12)
      assert.is_near(one.log_likelihood, third.log_likelihood, 1e-9)
      one:reset()
      assert.same({ 0, 0, false }, { one.time, one.log_likelihood, one.predicted })
      one:update(Y[1])
      assert.near_matrix(model:filter(Y:block(1, 1)).means[1], one.state, 1e-12)
    end
  end)

  it("has nothing to do with later fits", function()
    local model = latent.lds { A = 0.5, C = 1, Q = 1, R = 1, initial_mean = { 0 }, initial_covariance = { { 1 } },
      estimate = { "Q", "R" } }
    local tracker, expected = model:tracker(), model:filter({ { 1 }, { 2 } }).means(2, 1)
    model:fit(matrix.normal(100, 1, latent.random(1)) * 10)
    model = nil -- luacheck: ignore
    collectgarbage()
    tracker:update(1)
    assert.is_near(expected, tracker:update(2)[1], 1e-12)
  end)

  it("makes no garbage", function()
    local tracker, y = known():tracker(), { 1, 2 }
    tracker:update(y)
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, 1000 do
      tracker:update(y)
      tracker:predict()
    end
    local after = collectgarbage "count"
    collectgarbage "restart"
    assert.is_true(after - before < 1, ("%g KB"):format(after - before))
  end)

  it("returns a vector that only reads", function()
    local state = known():tracker():update { 1, 2 }
    assert.is_false(pcall(function() state[1] = 5 end))
  end)
end)

describe("a steady state", function()
  it("is where the filter goes", function()
    local Y = path(60):block(31, 60)
    for i = 1, 30 do Y[i]:fill(math.sin(i)) end
    local steady, exact = known():tracker { steady_state = true }, known():tracker()
    assert.is_true(steady.steady)
    for t = 1, 900 do
      local y = t == 600 and { nan, 1 } or Y[t % 30 + 1]
      steady:update(y)
      exact:update(y)
      if t > 500 then
        assert.near_matrix(exact.state, steady.state, 1e-9)
        assert.near_matrix(exact.covariance, steady.covariance, 1e-9)
        assert.is_near(exact.log_density, steady.log_density, 1e-9)
      end
      if t == 601 then assert.is_false(steady.steady) end -- a gap takes it out of it
    end
    assert.is_true(steady.steady)
  end)

  it("solves the Riccati equation", function()
    -- the local level has it in closed form: P = (q + sqrt(q^2 + 4 q r))/2
    local q, r = 1469.1, 15099
    local tracker = latent.lds { A = 1, C = 1, Q = q, R = r, initial_mean = { 0 }, initial_covariance = { { 1 } } }
      :tracker { steady_state = true }
    tracker:predict()
    assert.is_near((q + math.sqrt(q * q + 4 * q * r)) / 2, tracker.covariance(1, 1), 1e-8)
    -- an observation without noise: scipy 1.16, solve_discrete_are, and R = 0 in its limit
    tracker = latent.lds { A = { { 1, 0.1 }, { 0, 1 } }, C = { { 1, 0 } },
      Q = blocks.constant_velocity { dims = 1, dt = 0.1, acceleration_variance = 0.1 }.Q, R = 0,
      initial_mean = { 0, 0 }, initial_covariance = matrix.eye(2) }:tracker { steady_state = true }
    local A, Q = matrix { { 1, 0.1 }, { 0, 1 } }, blocks.constant_velocity { dims = 1, dt = 0.1,
      acceleration_variance = 0.1 }.Q
    tracker:predict()
    local P = tracker.covariance
    tracker:update(0)
    local filtered = tracker.covariance
    assert.near_matrix(0, filtered(1, 1), 1e-15)
    assert.near_matrix(P, A * filtered * A:t() + Q, 1e-15)
  end)

  it("is reached from a diffuse start", function()
    local model = latent.lds(blocks.constant_velocity { dims = 1 })
    local steady, exact = model:tracker { steady_state = true }, model:tracker()
    for t = 1, 200 do
      steady:update(t % 7)
      exact:update(t % 7)
      assert.near_matrix(exact.state, steady.state, 1e-9)
    end
    assert.is_true(steady.steady)
    assert.is_false(exact.steady)
  end)

  it("must be there", function()
    local function system(A, C)
      return latent.lds { A = A, C = C, Q = matrix.eye(2), R = 1, initial_mean = { 0, 0 },
        initial_covariance = matrix.eye(2) }
    end
    helper.fails("lds:tracker: the filter has no steady state", function()
      system({ { 1, 0 }, { 0, 1 } }, { { 1, 0 } }):tracker { steady_state = true }
    end)
    system({ { 1, 0 }, { 0, 0.9 } }, { { 1, 0 } }):tracker { steady_state = true } -- what isn't seen dies out
    helper.fails("lds:tracker: a steady state needs A, C, Q and R that don't vary", function()
      latent.lds(blocks.regression(matrix.ones(3, 1), { noise_variance = 1 })):tracker { steady_state = true }
    end)
  end)
end)

describe("nonlinear tracking", function()
  local Y = path(60)
  local A, C = known().A, known().C
  local function linear(z) return A * z end
  local function seen(z) return C * z end

  it("is Kalman's filter for linear functions", function()
    local model = known()
    local filtered = model:filter(Y)
    for _, options in ipairs {
      { f = linear, h = seen, f_jacobian = function() return A end, h_jacobian = function() return C end },
      { f = linear, h = seen }, { f = linear }, { h = seen },
      { f = linear, h = seen, method = "unscented" }, { h = seen, method = "unscented", alpha = 1, kappa = -1 },
    } do
      check_rows(model, Y, filtered, model:tracker(options))
    end
  end)

  -- A radar in the origin: range and bearing of a body that moves straight.
  local function radar(z) return { math.sqrt(z[1] ^ 2 + z[2] ^ 2), math.atan(z[2], z[1]) } end
  local function radar_jacobian(z)
    local r2 = z[1] ^ 2 + z[2] ^ 2
    local r = math.sqrt(r2)
    return { { z[1] / r, z[2] / r, 0, 0 }, { -z[2] / r2, z[1] / r2, 0, 0 } }
  end
  local body = latent.lds { A = blocks.constant_velocity { dt = 1 }.A,
    Q = blocks.constant_velocity { dt = 1, acceleration_variance = 1e-4 }.Q, C = matrix.zeros(2, 4),
    R = { 0.01, 1e-4 }, initial_mean = { 10, 5, 0, 0 }, initial_covariance = matrix.diag { 4, 4, 1, 1 } }
  local function observed(t)
    local y = radar { 10 - 0.1 * t, 4 + 0.2 * t }
    return { y[1] + 0.1 * math.sin(7 * t), y[2] + 0.01 * math.cos(5 * t) }
  end

  it("follows the equations of the extended filter", function()
    local tracker = body:tracker { h = radar, h_jacobian = radar_jacobian }
    local by_differences = body:tracker { h = radar }
    local z, P, F, Q, R = matrix { 10, 5, 0, 0 }, matrix.diag { 4, 4, 1, 1 }, body.A, body.Q, body.R
    for t = 1, 40 do
      if t > 1 then z, P = F * z, F * P * F:t() + Q end
      local H, y = matrix(radar_jacobian(z)), matrix(observed(t))
      local K = P * H:t() * (H * P * H:t() + R):inverse()
      z, P = z + K * (y - matrix(radar(z))), (matrix.eye(4) - K * H) * P
      tracker:update(y)
      by_differences:update(y)
      assert.near_matrix(z, tracker.state, 1e-9)
      assert.near_matrix(P, tracker.covariance, 1e-9)
      assert.near_matrix(z, by_differences.state, 1e-6)
    end
    -- the body is at (6, 12)
    assert.near_matrix({ 6, 12 }, tracker.state:block(1, 2), 0.2)
  end)

  it("follows the usual equations of the unscented filter", function()
    local alpha, beta, kappa = 0.5, 2, 1
    local tracker = body:tracker { h = radar, method = "unscented", alpha = alpha, beta = beta, kappa = kappa }
    local z, P, F, Q, R = matrix { 10, 5, 0, 0 }, matrix.diag { 4, 4, 1, 1 }, body.A, body.Q, body.R
    local lambda = alpha ^ 2 * (4 + kappa) - 4
    for t = 1, 40 do
      if t > 1 then z, P = F * z, F * P * F:t() + Q end
      local L, points, images = (P * (4 + lambda)):cholesky(), { z }, {}
      for j = 1, 4 do points[j + 1], points[j + 5] = z + L:col(j), z - L:col(j) end
      local mean = matrix.zeros(2)
      for i, point in ipairs(points) do
        images[i] = matrix(radar(point))
        mean = mean + images[i] * (i == 1 and lambda / (4 + lambda) or 0.5 / (4 + lambda))
      end
      local S, cross = R:copy(), matrix.zeros(4, 2)
      for i, image in ipairs(images) do
        local weight = i == 1 and lambda / (4 + lambda) + 1 - alpha ^ 2 + beta or 0.5 / (4 + lambda)
        S = S + (image - mean):outer(image - mean) * weight
        cross = cross + (points[i] - z):outer(image - mean) * weight
      end
      local K, y = cross * S:inverse(), matrix(observed(t))
      z, P = z + K * (y - mean), P - K * S * K:t()
      tracker:update(y)
      assert.near_matrix(z, tracker.state, 1e-9)
      assert.near_matrix(P, tracker.covariance, 1e-9)
    end
  end)

  it("sees what curvature does", function()
    -- y = z^2 of z ~ N(0, 1) has the mean 1 and the variance 2, which the unscented transform gets right with
    -- alpha^2 (1 + kappa) = 3 and beta = 0: its points then have the Gaussian's fourth moment
    local model = latent.lds { A = 1, C = 0, Q = 1, R = 0.5, initial_mean = { 0 }, initial_covariance = { { 1 } } }
    local options = { h = function(z) return z[1] ^ 2 end, method = "unscented", alpha = 1, kappa = 2, beta = 0 }
    local tracker = model:tracker(options)
    tracker:update(1.7)
    assert.is_near(0.7, tracker.innovation[1], 1e-12)
    assert.is_near(2.5, tracker.innovation_covariance(1, 1), 1e-12)
    assert.is_near(1, tracker.covariance(1, 1), 1e-12) -- z and z^2 are uncorrelated
    options.method = "extended"
    tracker = model:tracker(options)
    tracker:update(1.7)
    assert.is_near(1.7, tracker.innovation[1], 1e-12) -- which the extended one doesn't see
  end)

  it("gives functions the state, the inputs and the time", function()
    local calls = {}
    local model = latent.lds { A = 1, C = 1, Q = 1, R = 1, initial_mean = { 5 }, initial_covariance = { { 1 } } }
    local tracker = model:tracker {
      f = function(z, u, t)
        calls[#calls + 1] = ("f %g %s %d"):format(z[1], u, t)
        return z[1] + u
      end,
      f_jacobian = function() return { { 1 } } end,
      h = function(z, u, t)
        calls[#calls + 1] = ("h %g %s %d"):format(z[1], u, t)
        return z
      end,
      h_jacobian = function() return { { 1 } } end,
    }
    tracker:update(5, 10)
    tracker:predict(20)
    tracker:update(25)
    assert.same({ "h 5 10 1", "f 5 20 2", "h 25 20 2" }, calls)
  end)

  it("stays whole when a function raises", function()
    local broken = false
    local tracker = body:tracker { h = function(z)
      if broken then error "out of range" end
      return radar(z)
    end }
    local other = body:tracker { h = radar }
    for t = 1, 10 do
      if t == 5 then
        broken = true
        helper.fails("out of range", tracker.update, tracker, observed(t))
        broken = false
      end
      tracker:update(observed(t))
      other:update(observed(t))
    end
    assert.near_matrix(other.state, tracker.state, 0)
    local again
    again = body:tracker { h = function(z)
      again:update { 1, 2 }
      return z
    end }
    helper.fails("tracker:update: the tracker is in the middle of a step", again.update, again, { 1, 2 })
    again = body:tracker { h = radar }
    again:update { 10, 0.4 }
  end)

  it("checks what functions give", function()
    for _, case in ipairs {
      { "tracker:update: h must be a vector of 2, got nil", { h = function() end } },
      { "tracker:update: h must have 2 numbers, got 3", { h = function() return { 1, 2, 3 } end } },
      { "tracker:update: h[2] must be a number, got string", { h = function() return { 1, "2" } end } },
      { "tracker:update: h has inf for element 2", { h = function() return { 1, inf } end } },
      { "tracker:update: h_jacobian must be a 2x4 matrix, got a 2x2 matrix",
        { h = radar, h_jacobian = function() return matrix.eye(2) end } },
      { "lds:tracker: a Jacobian is given, but not its function", { h_jacobian = radar } },
      { "lds:tracker: h must be a function, got number", { h = 1 } },
      { "lds:tracker: unknown method 'ensemble' (known: extended, unscented)", { method = "ensemble" } },
      { "lds:tracker: kappa must be above -4", { h = radar, method = "unscented", kappa = -4 } },
      { "lds:tracker: a nonlinear model has no steady state", { h = radar, steady_state = true } },
      { "unknown option 'steady_sate', did you mean 'steady_state'?", { steady_sate = true } },
    } do
      helper.fails(case[1], function() body:tracker(case[2]):update { 1, 2 } end)
    end
    helper.fails("lds:tracker: f and h need a known initial state, and state 1 is diffuse", function()
      latent.lds(blocks.constant_velocity()):tracker { h = radar }
    end)
    helper.fails("lds:tracker: there is no unscented update of the square-root form", function()
      known { form = "square_root" }:tracker { h = radar, method = "unscented" }
    end)
  end)
end)

describe("a list of covariances", function()
  it("is a list in every way that matters", function()
    local model, Y = known(), path(60):block(1, 5)
    local list, n = model:filter(Y).covariances, 0
    assert.equal(5, #list)
    assert.is_nil(list[0] or list[6] or list.x or list[1.5])
    for t, P in ipairs(list) do
      n = n + t
      assert.equal(list[t], P)
      assert.is_true(rawequal(list[t], P))
    end
    for t, P in pairs(list) do
      n = n + t
      assert.near_matrix(list[t], P, 0)
    end
    assert.equal(30, n)
    assert.equal(5, select("#", table.unpack(list)))
    local varying = known { Q = list } -- and can be given again
    assert.equal(5, #varying:filter(Y).means)
    local first = list[1]
    model, list = nil, nil -- luacheck: ignore
    collectgarbage()
    assert.equal(4, first.rows)
  end)
end)

describe("bad input", function()
  it("raises, and changes nothing", function()
    local tracker = known():tracker()
    tracker:update { 1, 2 }
    local before, nothing = tracker:snapshot(), matrix(25, 1, nan):col(1)
    for _, case in ipairs {
      { "tracker:update: y must be a vector of 2, got nil", "update" },
      { "tracker:update: y must be a vector of 2, got number", "update", 3 },
      { "tracker:update: y must have 2 numbers, got 3", "update", { 1, 2, 3 } },
      { "tracker:update: y must be a vector of 2, got a", "update", matrix.eye(2) },
      { "tracker:update: element 2 of y is inf", "update", { 1, inf } },
      { "tracker:update: u is given, but the model has no inputs", "update", { 1, 2 }, { 3 } },
      { "tracker:update: unknown option 'S'", "update", { 1, 2 }, nil, { S = 1 } },
      { "tracker:update: R must be a 2x2 matrix", "update", { 1, 2 }, nil, { R = matrix.eye(3) } },
      { "tracker:restore: a snapshot of this model has 25 numbers, not 2", "restore", { 1, 2 } },
      { "tracker:restore: snapshot must be a", "restore", "nothing" },
      { "tracker:restore: these numbers are not what a tracker of this model keeps", "restore", nothing },
    } do
      helper.fails(case[1], tracker[case[2]], tracker, table.unpack(case, 3, 5))
      assert.near_matrix(before, tracker:snapshot(), 0)
    end
    for _, case in ipairs {
      { "tracker.state =: state must have 4 numbers, got 1", "state", { 1 } },
      { "tracker.state =: element 1 of the state is inf", "state", { inf, 0, 0, 0 } },
      { "tracker.covariance =: covariance must be a 4x4 matrix, got a 2x2 matrix", "covariance", matrix.eye(2) },
      { "tracker.covariance =: the covariance is not positive semidefinite", "covariance", matrix.eye(4) * -1 },
      { "tracker.covariance =: the covariance is not symmetric at (2, 1)", "covariance",
        { { 1, 0.5, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } } },
      { "tracker.time =: time must be an integer >= 0, got -1", "time", -1 },
      { "tracker.log_likelihood =: log_likelihood must be finite", "log_likelihood", nan },
      { "tracker.gain =: only state, covariance, time and log_likelihood can be set", "gain", 1 },
    } do
      helper.fails(case[1], function() tracker[case[2]] = case[3] end)
      assert.near_matrix(before, tracker:snapshot(), 0)
    end
    helper.fails("self must be a tracker", tracker.update, {}, { 1, 2 })
    helper.fails("tracker.velocity: there is no such field", function() return tracker.velocity end)
  end)

  it("is an observation that nothing leaves free", function()
    local tracker = latent.lds { A = 1, C = 1, Q = 0, R = 0, initial_mean = { 1 }, initial_covariance = { { 0 } } }
      :tracker()
    -- it has no variance, says nothing, and is skipped, as KFAS and statsmodels do
    tracker:update(1)
    assert.is_false(tracker.predicted)
    assert.equal(0, tracker.log_likelihood)
    assert.equal(0, tracker.distance)
    assert.equal(1, tracker.state[1])
    assert.equal(0, tracker.innovation_covariance(1, 1))
  end)
end)

describe("a tracker of the core", function()
  it("is the filter, from C", function()
    local program = helper.program "tracker"
    local output, ok = helper.run("OPENBLAS_NUM_THREADS=1 " .. program)
    assert.is_truthy(ok, output)
    assert.equal(table.concat({ "known 1 1", "square root 1 1", "inputs 1 1", "varying 1 1", "diffuse 1 1",
      "partly diffuse 1 1", "diffuse square root 1 1", "steady 1 1", "extended 1", "unscented 1",
      "infinite 1 1 indefinite 1 kept 1 past the end 1 3 1", "" }, "\n"), output)
  end)
end)
