local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local shared = require "lds_helper"
local nile = shared.nile
local nan = 0 / 0
local numbers, random_matrix, random_model = shared.numbers, shared.random_matrix, shared.random_model
local random_data, simulated = shared.random_data, shared.simulated
local simulated_model = shared.simulated_model

describe("lds, fitted,", function()
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

end)
