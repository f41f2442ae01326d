-- Linear dynamical systems whose covariances are singular: outputs without noise, outputs that say the same twice,
-- states that never change. Figures are exact conditioning of the joint normal distribution in 160 digits (mpmath
-- 1.3), or conditioning entry by entry here, in which an entry without a variance counts nothing.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local shared = require "lds_helper"
local joint, near_lists = shared.joint, shared.near_lists
local nan = 0 / 0
local forms = { "covariance", "square_root" }

-- As lds_helper's `condition`, an entry at a time.
local function condition(j)
  local n, T, M = j.y.rows, j.T, j.M
  local S, cross, rest = j.yy:copy(), j.zy:copy(), j.y - j.mean
  local size = S:diag()
  local means = matrix(T * M, 1, function(k) return j.z[(k - 1) // M + 1][(k - 1) % M + 1] end):col(1)
  local all = matrix(T * M, T * M, function(k, l)
    return j.zz[(k - 1) // M + 1][(l - 1) // M + 1]((k - 1) % M + 1, (l - 1) % M + 1)
  end)
  local log_likelihood = 0
  for k = 1, n do
    local F = S(k, k)
    if F > 1e-11 * size[k] then
      local g, c, v = S:col(k):copy(), cross:col(k):copy(), rest[k]
      log_likelihood = log_likelihood - 0.5 * (math.log(2 * math.pi * F) + v * v / F)
      means, rest = means + c * (v / F), rest - g * (v / F)
      all, cross, S = all - c:outer(c) / F, cross - c:outer(g) / F, S - g:outer(g) / F
    end
  end
  local covariances, lags = {}, { matrix.zeros(M, M) }
  for t = 1, T do
    local r = (t - 1) * M
    covariances[t] = all:block(r + 1, r + M, r + 1, r + M)
    if t > 1 then lags[t] = all:block(r + 1, r + M, r - M + 1, r) end
  end
  return { log_likelihood = log_likelihood, means = means:reshape(T, M), covariances = covariances,
    lag_covariances = lags }
end

local function check(model, Y, tolerance)
  local expected = condition(joint(model, Y))
  local options = {}
  for name, value in pairs(model) do options[name] = value end
  for _, form in ipairs(forms) do
    options.form = form
    local lds = latent.lds(options)
    local smoothed, tracker = lds:smooth(Y), lds:tracker()
    for t = 1, Y.rows do tracker:update(Y[t]) end
    assert.near(expected.log_likelihood, smoothed.log_likelihood, tolerance)
    assert.near(expected.log_likelihood, lds:filter(Y).log_likelihood, tolerance)
    assert.near(expected.log_likelihood, tracker.log_likelihood, tolerance)
    assert.near_matrix(expected.means, smoothed.means, tolerance)
    near_lists(expected.covariances, smoothed.covariances, tolerance)
    near_lists(expected.lag_covariances, smoothed.lag_covariances, tolerance)
    for _, P in ipairs(smoothed.covariances) do
      assert.is_true(P == P:t())
      for i = 1, P.rows do assert.is_true(P(i, i) >= 0) end
    end
  end
end

describe("lds with singular covariances", function()
  -- A seasonal ARMA as a state space: R = 0 and Q of rank 1, so predicted covariances tend to rank 1.
  local function seasonal(start)
    local A = matrix(6, 6, function(i, j) return j == i + 1 and 1 or 0 end)
    for i, a in ipairs{ 0.5, 0, 0, 0.25, -0.125 } do A:set(i, 1, a) end
    local b = matrix{ 1, 0.5, 0, 0, -0.25, -0.125 }
    local Y = matrix(24, 1, function(t) return t == 10 and nan or ((7 * t * t + 3 * t) % 11 - 5) / 4 end)
    return { A = A, C = matrix{ { 1, 0, 0, 0, 0, 0 } }, Q = b:outer(b), R = 0, initial_mean = matrix.zeros(6, 1):col(1),
      initial_covariance = matrix.eye(6) * start }, Y
  end

  it("smooths an ARMA process exactly, whatever it started from", function()
    for start, figures in pairs{
      [1] = { -63.177209488875, 0.461872819917517, 0.479080966219046, 0.452266965243091, 0.407568096072447,
        0.648010186846272 },
      [128] = { -73.0603155503515, 0.975390504277574, 1.03619430916744, 0.467162601649613, 0.760635684449152,
        1.20318965726074 },
      [2 ^ 20] = { -100.034186527499, 0.984872228496518, 1.04663995176222, 0.467391277658769, 0.766568835028325,
        1.21201564072991 },
      [2 ^ 40] = { -141.623010132827, 0.984873399031604, 1.04664124159005, 0.467391305813645, 0.766569566419083,
        1.21201672751415 },
    } do
      local options, Y = seasonal(start)
      for _, form in ipairs(forms) do
        options.form = form
        local s = latent.lds(options):smooth(Y)
        assert.near(figures[1], s.log_likelihood, 1e-11)
        assert.near_matrix({ figures[2], figures[3], figures[4], figures[5], figures[6] },
          { s.covariances[1](2, 2), s.covariances[1](6, 6), s.covariances[10](1, 1), s.lag_covariances[5](2, 3),
            s.means(3, 4) }, start > 1e6 and form == "covariance" and 1e-8 or 1e-10)
        for t = 1, 24 do
          for i = 1, 6 do assert.is_true(s.covariances[t](i, i) >= 0) end
        end
      end
    end
  end)

  it("smooths ARMA(1, 1) as the joint distribution says", function()
    for _, form in ipairs(forms) do
      local options = latent.blocks.arma{ ar = { 0.9 }, ma = { 0.5 } }
      options.form = form
      local s = latent.lds(options):smooth(latent.random(1):normal(30))
      assert.near(0.174791914387634, s.covariances[1](2, 2), 1e-12)
    end
  end)

  it("agrees with conditioning entry by entry, also with gaps and entries that say nothing", function()
    local random = latent.random(11)
    local function whole(most) return math.floor(random:uniform() * (2 * most + 1)) - most end
    local function covariance(n)
      local rank = math.floor(random:uniform() * (n + 1))
      if rank == 0 then return matrix.zeros(n, n) end
      local root = matrix(n, rank, function() return whole(2) / 2 end)
      return root * root:t()
    end
    for round = 1, 60 do
      local M, D, T = 1 + round % 4, 1 + round % 3, 3 + round % 5
      local model = { A = matrix(M, M, function() return whole(4) / 8 end),
        C = matrix(D, M, function() return whole(2) end), Q = covariance(M),
        R = round % 2 == 0 and matrix.zeros(D, D) or covariance(D), initial_covariance = covariance(M),
        initial_mean = matrix(M, 1, function() return whole(2) end):col(1) }
      if round % 5 == 0 then model.A = matrix.eye(M) end
      if D > 1 and round % 3 == 0 then model.C:row(D):assign(model.C:row(1)) end
      local lds = latent.lds(model)
      local Y = lds:sample(T, { seed = round })
      for t = 1, T do
        for i = 1, D do if random:uniform() < 0.2 then Y:set(t, i, nan) end end
      end
      check(model, Y, 1e-7)
    end
  end)

  it("skips an output that says nothing new", function()
    local one = { A = { { 0.9, 0.2 }, { 0, 0.7 } }, C = { { 1, 1 } }, Q = { 0.5, 0.2 }, R = 0, initial = "stationary" }
    local Y = latent.lds(one):sample(40, { seed = 1 })
    local two = { A = one.A, C = { { 1, 1 }, { 1, 1 } }, Q = one.Q, R = 0, initial = "stationary" }
    local a = latent.lds(one)
    for _, form in ipairs(forms) do
      two.form = form
      local b = latent.lds(two)
      local twice = matrix.hstack{ Y, Y }
      local sa, sb = a:smooth(Y), b:smooth(twice)
      assert.near(sa.log_likelihood, sb.log_likelihood, 1e-10)
      assert.near_matrix(sa.means, sb.means, 1e-10)
      near_lists(sa.covariances, sb.covariances, 1e-10)
      local ahead = a:forecast(Y, 3).means
      assert.near_matrix(matrix.hstack{ ahead, ahead }, b:forecast(twice, 3).means, 1e-10)
      local drawn = b:sample(10, { seed = 3 })
      assert.near_matrix(drawn:col(1), drawn:col(2), 1e-14)
      -- draws given Y are of states that make Y
      local Z = b:simulate(twice, { seed = 2 })
      assert.near_matrix(Y:col(1), Z:col(1) + Z:col(2), 1e-10)
    end
    -- with noise that both share, and one of them missing sometimes
    local shared_noise = { A = 0.8, C = { { 1 }, { 1 } }, Q = 1, R = { { 2, 2 }, { 2, 2 } }, initial = "stationary" }
    local single = latent.lds{ A = 0.8, C = 1, Q = 1, R = 2, initial = "stationary" }
    local y = single:sample(30, { seed = 4 })
    local pair = matrix(30, 2, function(t, i) return (t + i) % 7 == 0 and nan or y(t, 1) end)
    for _, form in ipairs(forms) do
      shared_noise.form = form
      assert.near(single:score(y), latent.lds(shared_noise):score(pair), 1e-12)
    end
  end)

  it("counts both of two outputs that see the same with little noise", function()
    -- c'z + e and c'z + f are their sum and difference by sqrt(2), which are independent: of variance 2 c'c + r and r
    for _, c in ipairs{ { 1 }, { 1, 0.6 }, { 1, 0.6, 0.2 } } do
      local M, prior, zero = #c, 0, {}
      for m = 1, M do prior, zero[m] = prior + c[m] * c[m], 0 end
      for _, r in ipairs{ 1e-10, 1e-12, 1e-13, 2e-14 } do
        local y, z = 0.7, 0.7 + 1.3 * math.sqrt(r)
        local sum, difference, variance = (y + z) / math.sqrt(2), (y - z) / math.sqrt(2), 2 * prior + r
        local expected = -math.log(2 * math.pi) - 0.5 * (math.log(variance) + sum * sum / variance
          + math.log(r) + difference * difference / r)
        for _, form in ipairs(forms) do
          local lds = latent.lds{ A = matrix.eye(M), C = matrix{ c, c }, Q = 0, R = r, initial_mean = zero,
            initial_covariance = matrix.eye(M), form = form }
          local f = lds:filter{ { y, z } }
          assert.near(expected, f.log_likelihood, 1e-2)
          local left = (matrix{ c } * f.covariances[1] * matrix{ c }:t())(1, 1)
          assert.near(1, left / (r * prior / variance), 0.05)
        end
      end
    end
  end)

  it("says how many entries it skipped, and blocks.fit doesn't gain by them", function()
    local lds = latent.lds{ A = 1, C = { { 1 }, { 1 } }, Q = 1, R = 0, initial_mean = 0, initial_covariance = 1 }
    assert.equal(3, lds:filter{ { 1, 1 }, { 2, 2 }, { nan, 1 }, { 0, 0 } }.skipped)
    assert.equal(0, latent.lds{ A = 1, C = 1, Q = 1, R = 0, initial = "diffuse" }:filter{ 1, 2 }.skipped)
    -- with variances of 0 all entries are skipped, and the log-likelihood would be 0 instead of about -36
    local random = latent.random(4)
    local Y = matrix(20, 1, function() return random:normal() end)
    local function build(p)
      local small = p.a < 1e-3
      return { A = 1, C = 1, Q = small and 0 or p.a, R = small and 0 or p.b, initial_mean = 0,
        initial_covariance = small and 0 or 1 }
    end
    local _, parameters, record = latent.blocks.fit(build, { a = 1, b = 1 }, Y)
    assert.is_true(record.log_likelihood < -20 and parameters.a >= 1e-3)
  end)

  it("knows a state that is seen without noise from then on", function()
    for _, form in ipairs(forms) do
      local lds = latent.lds{ A = { { 1, 1 }, { 0, 1 } }, C = { { 1, 0 } }, Q = 0, R = 0, initial_mean = { 0, 0 },
        initial_covariance = matrix.eye(2), form = form }
      local Y = matrix(6, 1, function(t) return 1 + 0.5 * (t - 1) end)
      local s = lds:smooth(Y)
      assert.near(-0.5 * (2 * math.log(2 * math.pi) + 1 + 0.25), s.log_likelihood, 1e-12)
      assert.near_matrix(matrix(6, 2, function(t, i) return i == 1 and Y(t, 1) or 0.5 end), s.means, 1e-12)
      for t = 1, 6 do assert.near_matrix(matrix.zeros(2, 2), s.covariances[t], 1e-14) end
      local diffuse = latent.lds{ A = { { 1, 1 }, { 0, 1 } }, C = { { 1, 0 }, { 1, 0 } }, Q = 0, R = 0,
        initial = "diffuse", form = form }:smooth(matrix.hstack{ Y, Y })
      assert.near(-math.log(2 * math.pi), diffuse.log_likelihood, 1e-12)
      assert.near_matrix(s.means, diffuse.means, 1e-12)
    end
  end)

  it("tells what is known from what will never be", function()
    -- turned by 45 degrees, so that neither is a state of its own: the sum is seen without noise, the difference never
    local half = math.sqrt(0.5)
    for _, form in ipairs(forms) do
      local lds = latent.lds{ A = { { 1, 0, 0 }, { 0, 1, 0 }, { 0.5, 0.5, 0 } }, C = { { half, half, 0 } },
        Q = 0, R = 0, initial = { "diffuse", "diffuse", "known" }, initial_mean = { 0, 0, 1 },
        initial_covariance = matrix.diag{ 0, 0, 1 }, form = form }
      local Y = matrix.ones(4, 1)
      local f, s = lds:filter(Y), lds:smooth(Y)
      for t = 1, 4 do
        assert.equal(math.huge, s.covariances[t](1, 1))
        assert.equal(math.huge, f.covariances[t](2, 2))
        assert.near(t == 1 and 1 or 0, s.covariances[t](3, 3), 1e-14)
        assert.near(t == 1 and 1 or 0, f.covariances[t](3, 3), 1e-14)
        assert.near(t == 1 and 1 or half, s.means(t, 3), 1e-14)
      end
    end
  end)

  it("smooths exactly what began vague and what is seen almost without noise", function()
    for _, start in ipairs{ 1e2, 1e7, 1e12 } do
      for _, noise in ipairs{ 1, 1e-8, 1e-12 } do
        local model = { A = matrix{ { 1, 1 }, { 0, 1 } }, C = matrix{ { 1, 0 } }, Q = matrix.diag{ 0.25, 0.0625 },
          R = matrix{ { noise } }, initial_mean = matrix{ 0, 0 }, initial_covariance = matrix.eye(2) * start }
        local Y = matrix(12, 1, function(t) return math.sin(t) end)
        model.form = "square_root"
        local root = latent.lds(model):smooth(Y)
        model.form = "covariance"
        local usual = latent.lds(model):smooth(Y)
        for t = 1, 12 do
          local P = usual.covariances[t]
          P:cholesky() -- raises unless it is positive definite
          assert.near_matrix(root.covariances[t], P, 1e-7)
        end
      end
    end
  end)

  it("never loses likelihood in a fit that holds R at 0", function()
    local y = latent.random(1):normal(30)
    for _, form in ipairs(forms) do
      local options = latent.blocks.arma{ ar = { 0.9 }, ma = { 0.5 } }
      options.initial, options.initial_mean, options.initial_covariance = nil, { 0, 0 }, matrix.eye(2)
      options.estimate, options.max_iterations, options.tolerance, options.form = { "Q", "A" }, 60, 0, form
      local lds = latent.lds(options):fit(y)
      assert.equal(0, lds.drops)
      assert.equal(0, lds.R(1, 1))
      for i = 2, 60 do assert.is_true(lds.history[i] >= lds.history[i - 1] - 1e-12) end
      assert.is_true(lds.history[60] > lds.history[1] + 0.5)
    end
    -- and with an output twice, which is skipped throughout
    local twice = latent.lds{ A = 0.5, C = { { 1 }, { 1 } }, Q = 1, R = 0, initial_mean = 0, initial_covariance = 1,
      estimate = { "Q", "A" } }:fit(matrix.hstack{ y:column(), y:column() })
    local once = latent.lds{ A = 0.5, C = 1, Q = 1, R = 0, initial_mean = 0, initial_covariance = 1,
      estimate = { "Q", "A" } }:fit(y)
    assert.near(once.A(1, 1), twice.A(1, 1), 1e-9)
    assert.near(once.Q(1, 1), twice.Q(1, 1), 1e-9)
    assert.equal(0, twice.drops)
    fails("has become singular", function() -- the likelihood has no bound
      latent.lds{ A = 1, C = 1, R = 0, initial_mean = 1, initial_covariance = 0.1, estimate = { "Q" } }
        :fit(matrix.ones(9, 1))
    end)
  end)

  it("goes on in nonlinear trackers, too", function()
    local C = { { 1 }, { 1 } }
    local model = latent.lds{ A = 1, C = C, Q = 0.1, R = 0, initial_mean = 0, initial_covariance = 1 }
    local function h(z) return { z[1], z[1] } end
    local linear, unscented = model:tracker(), model:tracker{ h = h, method = "unscented" }
    local extended = model:tracker{ h = h, h_jacobian = function() return C end }
    for t = 1, 20 do
      local y = { math.sin(t), math.sin(t) }
      linear:update(y)
      extended:update(y)
      unscented:update(y)
      for _, tracker in ipairs{ extended, unscented } do
        assert.near(linear.state[1], tracker.state[1], 1e-12)
        assert.near(linear.log_likelihood, tracker.log_likelihood, 1e-9)
        assert.near(0, tracker.covariance(1, 1), 1e-14)
      end
    end
  end)
end)

describe("lds, fitted to degenerate series,", function()
  local function is_finite(x) return x == x and math.abs(x) < math.huge end
  local series = {
    constant = function() return 3 end,
    zero = function() return 0 end,
    one_value_unlike_the_others = function(t) return t == 3 and 1 or 0 end,
    line = function(t, i) return 2 + 0.5 * t * i end,
    sine = function(t, i) return math.sin(0.5 * t + i) end,
    decay = function(t, i) return 0.9 ^ t * i end,
    duplicates = function(t) return math.sin(t * t) end,
    multiples = function(t, i) return i * math.sin(t * t) end,
    one_entry = function(t, i) return (t == 1 and i == 1) and 1 or nan end,
    constant_beside_noise = function(t, i) return i == 1 and 5 or math.sin(t * t) end,
  }

  it("can be used by all methods, or said what is wrong", function()
    local path = os.tmpname()
    local used, refused = 0, 0
    local function use(lds, Y)
      local s = lds:smooth(Y)
      for t = 1, Y.rows do
        for i = 1, s.means.cols do assert.is_true(is_finite(s.means(t, i)) and s.covariances[t](i, i) >= 0) end
      end
      local score, tracker = lds:score(Y), lds:tracker()
      assert.is_true(is_finite(score))
      for t = 1, Y.rows do tracker:update(Y[t]) end
      assert.is_true(is_finite(tracker.log_likelihood))
      assert.is_true(is_finite(lds:filter(Y).log_likelihood) and is_finite(lds:forecast(Y, 3).means:sum()))
      assert.is_true(is_finite(lds:sample(4, { seed = 1 }):sum()) and is_finite(lds:simulate(Y, { seed = 1 }):sum()))
      assert.is_true(is_finite(lds:impute(Y):sum()))
      lds:innovations(Y)
      assert(lds:save(path))
      assert.equal(score, assert(latent.load(path)):score(Y))
    end
    for name, entry in pairs(series) do
      for _, scale in ipairs{ 1, 1e-150, 1e150 } do
        for _, T in ipairs{ 1, 2, 12 } do
          for D = 1, 2 do
            local Y = matrix(T, D, entry) * scale
            for k, options in ipairs{ {}, { structure = { R = "diagonal" }, form = "square_root" } } do
              options.latent_dim, options.max_iterations = 1 + (T + D + k) % 3, 25
              local lds = latent.lds(options)
              local ok, message = pcall(lds.fit, lds, Y)
              if ok then
                use(lds, Y)
                used = used + 1
              else
                refused = refused + 1
                assert.is_truthy(message:find "has become singular" or message:find "overflow", name .. ": " .. message)
              end
            end
          end
        end
      end
    end
    os.remove(path)
    assert.is_true(used > 200)
    assert.equal(360, used + refused)
  end)

  it("takes what is but rounding of a variance for nothing", function()
    -- EM leaves R(1, 1) of about 1e-17, and C's first row sees no more of the states
    for seed = 1, 20 do
      local random = latent.random(seed)
      local Y = matrix(5, 2, function(_, i) return i == 1 and 5 or random:normal() end)
      local lds = latent.lds{ latent_dim = 3, max_iterations = 40 }
      local ok, message = pcall(lds.fit, lds, Y)
      if ok then
        local f, s = lds:filter(Y), lds:smooth(Y)
        assert.is_true(is_finite(f.log_likelihood))
        for t = 1, 5 do
          for i = 1, 3 do assert.is_true(f.covariances[t](i, i) >= 0 and s.covariances[t](i, i) >= 0) end
        end
      else
        assert.is_truthy(message:find "has become singular")
      end
    end
  end)
end)
