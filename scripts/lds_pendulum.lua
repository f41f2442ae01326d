-- A pendulum that is only seen from the side: the extended and the unscented Kalman filter.
--
--   lua5.4 scripts/lds_pendulum.lua [--help]
--
-- Its angle swings far, a'' = -g sin a plus white noise, and what is measured is sin a, the horizontal place of
-- its bob, with noise: neither is linear (Sarkka, Bayesian Filtering and Smoothing, 2013, example 5.1). A tracker
-- takes both as Lua functions.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot, blocks = latent.matrix, latent.plot, latent.blocks

-- ---- the pendulum ----------------------------------------------------------------------------------------

local DT, G, T = 0.0125, 9.81, 400
local noise = blocks.constant_velocity { dims = 1, dt = DT, acceleration_variance = 0.1 }.Q
local R = 0.1

local function swing(z) return { z[1] + z[2] * DT, z[2] - G * math.sin(z[1]) * DT } end
local function swing_jacobian(z) return { { 1, DT }, { -G * math.cos(z[1]) * DT, 1 } } end
local function side(z) return { math.sin(z[1]) } end
local function side_jacobian(z) return { { math.cos(z[1]), 0 } } end

local function path(seed)
  local random, L = latent.random(seed), noise:cholesky()
  local z, Z, Y = matrix { 1.5, 0 }, matrix.zeros(T, 2), matrix.zeros(T, 1)
  for t = 1, T do
    if t > 1 then z = matrix(swing(z)) + L * matrix.normal(2, random) end
    Z[t] = z
    Y:set(t, 1, math.sin(z[1]) + math.sqrt(R) * random:normal())
  end
  return Z, Y
end

-- ---- two trackers -------------------------------------------------------------------------------------------

-- A and C only tell shapes here: f and h stand in their place.
local model = latent.lds { A = matrix.eye(2), C = matrix { { 1, 0 } }, Q = noise, R = R, initial_mean = { 1.5, 0 },
  initial_covariance = matrix.diag { 0.1, 0.1 } }
local function trackers()
  return {
    { "extended", model:tracker { f = swing, h = side, f_jacobian = swing_jacobian, h_jacobian = side_jacobian } },
    { "extended, by differences", model:tracker { f = swing, h = side } },
    { "unscented", model:tracker { f = swing, h = side, method = "unscented", kappa = 1 } },
  }
end

local function follow(tracker, Y)
  local means, low, high = matrix.zeros(T, 2), {}, {}
  for t = 1, T do
    means[t] = tracker:update(Y(t, 1))
    local half = 1.96 * math.sqrt(tracker.covariance(1, 1))
    low[t], high[t] = means(t, 1) - half, means(t, 1) + half
  end
  return means, low, high
end

print "over 20 pendulums          error of the angle    log-likelihood    truth inside of 95 %"
for which, entry in ipairs(trackers()) do
  local sum, inside, likelihood = 0, 0, 0
  for seed = options.seed, options.seed + 19 do
    local Z, Y = path(seed)
    local tracker = trackers()[which][2]
    local means, low, high = follow(tracker, Y)
    for t = 1, T do
      sum = sum + (means(t, 1) - Z(t, 1)) ^ 2
      if Z(t, 1) >= low[t] and Z(t, 1) <= high[t] then inside = inside + 1 end
    end
    likelihood = likelihood + tracker.log_likelihood / 20
  end
  printf("%-25s  %18.4f  %16.3f  %20.1f %%", entry[1], math.sqrt(sum / (20 * T)), likelihood, 100 * inside / (20 * T))
end

-- ---- a picture -------------------------------------------------------------------------------------------------

local Z, Y = path(options.seed + 6)
local times = matrix.linspace(0, (T - 1) * DT, T)
local means, low, high = follow(trackers()[3][2], Y)
local figure = plot.figure { title = "A pendulum seen from the side", xlabel = "seconds", ylabel = "angle (radians)",
  width = 760, height = 420, yrange = { -3, 3 } }
figure:ribbon(times, means:col(1), low, high, { color = 1, label = "unscented, 95 %" })
figure:points(times, Y, { color = 4, size = 0.35, label = "measured sin" })
figure:line(times, Z:col(1), { color = 9, width = 1.5, dash = true, label = "truth" })
save("angle", figure)
