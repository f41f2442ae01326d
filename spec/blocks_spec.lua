-- Parts of linear dynamical systems. Log-likelihoods are statsmodels 0.15's (UnobservedComponents with
-- use_exact_diffuse, SARIMAX) with the same variances, or those of one Gaussian over the whole series, its diffuse
-- limit in closed form, by mpmath 1.3 with 40 digits.
local latent = require "latent"
local helper = require "helper"
local matrix, blocks = latent.matrix, latent.blocks

local nile = latent.datasets.nile()
local air = latent.datasets.air_passengers():log()
local mean = nile:mean()
local centred = nile - mean

local function log_likelihood(options, Y) return latent.lds(options):log_likelihood(Y):sum() end

describe("parts of a linear dynamical system", function()
  it("are trends", function()
    local options = blocks.local_level { level_variance = 1469.1, noise_variance = 15099 }
    assert.is_near(-633.4645636489, log_likelihood(options, nile), 1e-9)
    local filtered, smoothed = latent.lds(options):filter(nile), latent.lds(options):smooth(nile)
    assert.is_near(1140.9278399348, filtered.means(2, 1), 1e-9)
    assert.is_near(7899.7363793969, filtered.covariances[2](1, 1), 1e-8)
    assert.is_near(1111.6683191268, smoothed.means(1, 1), 1e-9)
    assert.is_near(-633.1674106173, log_likelihood(
      blocks.local_linear_trend { level_variance = 1400, slope_variance = 10, noise_variance = 15000 }, nile), 1e-9)
    assert.is_near(-635.6571357609,
      log_likelihood(blocks.local_linear_trend { slope_variance = 10, noise_variance = 15000 }, nile), 1e-9)
  end)

  it("are seasons", function()
    local trend = blocks.local_linear_trend { level_variance = 7e-4, slope_variance = 1e-6, noise_variance = 1e-4 }
    assert.is_near(198.3635748515,
      log_likelihood(blocks.sum(trend, blocks.seasonal { period = 12, variance = 6e-4 }), air), 1e-8)
    local trigonometric = blocks.seasonal { period = 12, variance = 6e-5, form = "trigonometric" }
    assert.equal(11, trigonometric.A.rows)
    assert.is_near(156.4846246856, log_likelihood(blocks.sum(trend, trigonometric), air), 1e-8)
    local level = blocks.local_level { level_variance = 7e-3, noise_variance = 1e-3 }
    for _, case in ipairs { { 5, 2, 81.4360878635 }, { 12, 3, 135.0971321331 } } do -- the first by mpmath
      local season = blocks.seasonal { period = case[1], harmonics = case[2], variance = 6e-5, form = "trigonometric" }
      assert.is_near(case[3], log_likelihood(blocks.sum(level, season), air), 1e-8)
    end
  end)

  it("are the same season in both forms without noise", function()
    -- both then say that the pattern repeats and sums to 0
    local dummy, trigonometric = blocks.seasonal { period = 6, variance = 0, noise_variance = 2 },
      blocks.seasonal { period = 6, variance = 0, noise_variance = 2, form = "trigonometric" }
    local Y = matrix(20, 1, function(i) return (i % 6) ^ 2 - 9 + math.sin(i) end)
    local a, b = latent.lds(dummy):smooth(Y), latent.lds(trigonometric):smooth(Y)
    for t = 1, 20 do
      assert.is_near((dummy.C * a.means[t])[1], (trigonometric.C * b.means[t])[1], 1e-9)
    end
    local power = matrix.eye(5)
    for _ = 1, 6 do power = power * trigonometric.A end
    assert.near_matrix(matrix.eye(5), power, 1e-12)
  end)

  it("are cycles", function()
    local options = blocks.sum(blocks.local_level { level_variance = 1000, noise_variance = 10000 },
      blocks.cycle { period = 2 * math.pi / 0.6, damping = 0.9, variance = 2000 })
    assert.is_near(-633.5874775045, log_likelihood(options, nile), 1e-9) -- mpmath
    for i = 2, 3 do options.initial[i] = "diffuse" end -- as statsmodels begins
    assert.is_near(-623.5389138722, log_likelihood(options, nile), 1e-8)
  end)

  it("are ARMA processes", function()
    for _, case in ipairs {
      { { ar = { 0.8 }, ma = { -0.5 } }, -637.5162531674 },
      { { ar = { 0.3, 0.2 } }, -638.8270479721 },
      { { ma = { 0.4, 0.1 } }, -643.0517540344 },
    } do
      case[1].variance = 20000
      assert.is_near(case[2], log_likelihood(blocks.arma(case[1]), centred), 1e-8)
    end
    local noisy = blocks.arma { ar = { 0.5, 0.2 }, ma = { -0.3 }, variance = 5000, noise_variance = 15000 }
    assert.is_near(-645.4669378136, log_likelihood(noisy, centred), 1e-8)
    local level = blocks.local_level { level_variance = 800, noise_variance = 12000 }
    local sum = blocks.sum(level, blocks.arma { ar = { 0.4 }, variance = 3000 })
    assert.is_near(-632.4796968089, log_likelihood(sum, nile), 1e-8)
    assert.near_matrix(blocks.arma { ar = { 0.5 } }.A, { { 0.5 } }, 0)
  end)

  it("are regressions", function()
    local X = matrix(100, 2, function(i, j) return (j == 1 or i >= 29) and 1 or 0 end) -- a dam was built in 1899
    local regression = blocks.regression(X, { noise_variance = 16000 })
    local model = latent.lds(regression)
    assert.is_near(-619.9556820213, model:log_likelihood(nile):sum(), 1e-8)
    local beta = X:least_squares(nile)
    assert.near_matrix({ beta(1, 1), beta(2, 1) }, model:smooth(nile).means[1], 1e-8)
    local step = blocks.regression(X:block(1, -1, 2, 2))
    assert.is_near(-620.7436197567,
      log_likelihood(blocks.sum(blocks.local_level { level_variance = 100, noise_variance = 15000 }, step), nile), 1e-8)
  end)

  it("are moving bodies", function()
    local v = blocks.constant_velocity { dims = 2, dt = 0.5, acceleration_variance = 3, noise_variance = 0.1 }
    assert.near_matrix({ { 1, 0, 0.5, 0 }, { 0, 1, 0, 0.5 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } }, v.A, 0)
    assert.near_matrix({ { 1, 0, 0, 0 }, { 0, 1, 0, 0 } }, v.C, 0)
    assert.near_matrix({ { 0.125, 0, 0.375, 0 }, { 0, 0.125, 0, 0.375 }, { 0.375, 0, 1.5, 0 }, { 0, 0.375, 0, 1.5 } },
      v.Q, 1e-15)
    local impulse = blocks.constant_velocity { dims = 1, dt = 0.5, acceleration_variance = 3, form = "discrete" }
    local g = matrix { { 0.125 }, { 0.5 } }
    assert.near_matrix(g * g:t() * 3, impulse.Q, 1e-15)
    local a = blocks.constant_acceleration { dims = 1, dt = 2, jerk_variance = 3 }
    assert.near_matrix({ { 1, 2, 2 }, { 0, 1, 2 }, { 0, 0, 1 } }, a.A, 0)
    local q = 3 -- q [dt^5/20 dt^4/8 dt^3/6; ... dt^3/3 dt^2/2; ... dt]
    assert.near_matrix({ { 32 / 20 * q, 2 * q, 8 / 6 * q }, { 2 * q, 8 / 3 * q, 2 * q }, { 8 / 6 * q, 2 * q, 2 * q } },
      a.Q, 1e-12)
    -- continuous noise doesn't care how time is cut: one step of 2 is two of 1
    local half = blocks.constant_acceleration { dims = 1, dt = 1, jerk_variance = 3 }
    assert.near_matrix(a.Q, half.A * half.Q * half.A:t() + half.Q, 1e-12)
    assert.near_matrix(a.A, half.A * half.A, 0)
  end)

  it("begin where they are told to", function()
    local known = { initial_mean = { 3 }, initial_covariance = { { 4 } } }
    local level = blocks.local_level { noise_variance = 1, initial_mean = known.initial_mean,
      initial_covariance = known.initial_covariance }
    -- y_1 ~ N(3, 4 + 1)
    assert.is_near(-0.5 * (math.log(2 * math.pi * 5) + 4 / 5), log_likelihood(level, matrix { { 5 } }), 1e-12)
    -- a stationary part beside a known one: variance 2/(1 - 0.25)
    local sum = blocks.sum(level, blocks.arma { ar = { 0.5 }, variance = 2 })
    local variance = 5 + 2 / 0.75
    local density = -0.5 * (math.log(2 * math.pi * variance) + 4 / variance)
    assert.is_near(density, log_likelihood(sum, matrix { { 5 } }), 1e-12)
  end)

  it("are put together", function()
    local level, season = blocks.local_level { noise_variance = 2 }, blocks.seasonal { period = 4, noise_variance = 3 }
    local sum, stack = blocks.sum(level, season), blocks.stack(level, season)
    assert.near_matrix({ { 1, 1, 0, 0 } }, sum.C, 0)
    assert.near_matrix({ { 5 } }, sum.R, 0)
    assert.near_matrix({ { 1, 0, 0, 0 }, { 0, 1, 0, 0 } }, stack.C, 0)
    assert.near_matrix({ { 2, 0 }, { 0, 3 } }, stack.R, 0)
    assert.near_matrix({ { 1, 0, 0, 0 }, { 0, -1, -1, -1 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 } }, sum.A, 0)
    -- independent parts: log-likelihoods of a stack add up
    local Y = matrix(12, 2, function(i, j) return math.sin(i * j) end)
    local both = latent.lds(stack):log_likelihood(Y):sum()
    local apart = log_likelihood(level, Y:block(1, -1, 1, 1)) + log_likelihood(season, Y:block(1, -1, 2, 2))
    assert.is_near(apart, both, 1e-9)
  end)
end)

describe("blocks.fit", function()
  it("finds the variances of the Nile", function()
    -- Durbin and Koopman, Time Series Analysis by State Space Methods, 2nd ed., 2.10: 15099 and 1469.1; statsmodels
    -- 0.15 with more digits: 15098.53, 1469.18
    local model, p, record = blocks.fit(function(p)
      return blocks.local_level { level_variance = p.level, noise_variance = p.noise }
    end, { level = 1000, noise = 1000 }, nile)
    assert.is_near(15098.5, p.noise, 0.1)
    assert.is_near(1469.2, p.level, 0.1)
    assert.is_true(record.converged)
    assert.is_near(record.log_likelihood, model:log_likelihood(nile):sum(), 1e-9)
    for i = 2, #record.history do assert.is_true(record.history[i] >= record.history[i - 1]) end
  end)

  it("finds coefficients, and steps around what isn't stationary", function()
    local _, p, record = blocks.fit(function(p) return blocks.arma { ar = { p.phi }, variance = p.variance } end,
      { phi = 0.9, variance = 1000 }, centred, { signed = { "phi" } })
    assert.is_true(record.converged)
    -- at the maximum both derivatives are 0
    for _, name in ipairs { "phi", "variance" } do
      local function at(factor)
        local q = { phi = p.phi, variance = p.variance }
        q[name] = q[name] * factor
        return log_likelihood(blocks.arma { ar = { q.phi }, variance = q.variance }, centred)
      end
      assert.is_true(at(1) >= at(1.001) and at(1) >= at(0.999))
    end
  end)

  it("passes on what goes wrong", function()
    local build = function() return blocks.local_level { level_variance = -1 } end
    helper.fails("blocks.local_level: level_variance must be a finite number >= 0, got -1", blocks.fit, build,
      { a = 1 }, nile)
    helper.fails("blocks.fit: build must be a function, got nil", blocks.fit)
    helper.fails("blocks.fit: start must be a table of names and numbers", blocks.fit, build, {}, nile)
    helper.fails("blocks.fit: start.a must be above 0", blocks.fit, build, { a = -1 }, nile)
    helper.fails("blocks.fit: signed: start has no number 'b'", blocks.fit, build, { a = 1 }, nile,
      { signed = { "b" } })
    helper.fails("blocks.fit: unknown option 'sined'; did you mean 'signed'?", blocks.fit, build, { a = 1 }, nile,
      { sined = { "b" } })
    local calls = 0
    helper.fails("my mistake", blocks.fit, function(p)
      calls = calls + 1
      if calls > 2 then error "my mistake" end
      return blocks.local_level { level_variance = p.a }
    end, { a = 1 }, nile)
  end)
end)

describe("bad parts", function()
  it("are told", function()
    for _, case in ipairs {
      { "blocks.local_level: unknown option 'variance'", blocks.local_level, { variance = 1 } },
      { "blocks.local_level: noise_variance must be a finite number >= 0, got inf", blocks.local_level,
        { noise_variance = 1 / 0 } },
      { "blocks.seasonal: period must be an integer >= 2, got nil", blocks.seasonal, {} },
      { "blocks.seasonal: period must be an integer >= 2, got 1", blocks.seasonal, { period = 1 } },
      { 'blocks.seasonal: form must be "dummy" or "trigonometric", got \'sine\'', blocks.seasonal,
        { period = 4, form = "sine" } },
      { "blocks.seasonal: harmonics must be at most period / 2 = 2, got 3", blocks.seasonal,
        { period = 5, form = "trigonometric", harmonics = 3 } },
      { 'blocks.seasonal: harmonics are for form = "trigonometric"', blocks.seasonal, { period = 5, harmonics = 2 } },
      { "blocks.cycle: period must be above 1, got 0.5", blocks.cycle, { period = 0.5 } },
      { "blocks.cycle: damping must be at most 1, got 1.5", blocks.cycle, { period = 3, damping = 1.5 } },
      { "blocks.arma: the process is not stationary: a root has the modulus 1.1", blocks.arma, { ar = { 1.1 } } },
      { "blocks.arma: ar[2] must be a finite number, got a table", blocks.arma, { ar = { 0.1, {} } } },
      { "blocks.arma: ma must be a list of numbers, got 3", blocks.arma, { ma = 3 } },
      { "blocks.regression: X must be a matrix, got nil", blocks.regression },
      { "blocks.constant_velocity: dims must be an integer >= 1, got 0", blocks.constant_velocity, { dims = 0 } },
      { "blocks.constant_velocity: initial_covariance must be a 4x4 matrix, got one of 2x2", blocks.constant_velocity,
        { initial_covariance = matrix.eye(2) } },
      { "blocks.local_level: initial_mean needs an initial_covariance", blocks.local_level, { initial_mean = { 1 } } },
      { "blocks.sum: there must be at least one part", blocks.sum },
      { "blocks.sum: part 2 must be a table, got 3", blocks.sum, blocks.local_level(), 3 },
      { "blocks.sum: part 1 has no C; parts are made by latent.blocks", blocks.sum, { A = matrix.eye(1) } },
      { "blocks.sum: parts have 1 and 2 observations", blocks.sum, blocks.local_level(), blocks.constant_velocity() },
      { "blocks.sum: C varies over 3 steps in one part and over 4 in another", blocks.sum,
        blocks.regression(matrix.ones(3, 1)), blocks.regression(matrix.ones(4, 1)) },
    } do
      helper.fails(table.unpack(case))
    end
  end)
end)
