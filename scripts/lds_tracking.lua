-- Following a body by its noisy positions, also where there are none.
--
--   lua5.4 scripts/lds_tracking.lua [--help]
--
-- A body flies a path that nobody knows; its position is measured ten times a second, badly, and twice not at all. A
-- tracker knows that velocities don't jump (blocks.constant_velocity) and tells, with each
-- measurement as it comes, where the body is and how sure that is. The smoother tells it afterwards, when it also
-- knows what came later.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 3 }

local latent = require "latent"
local matrix, plot, blocks = latent.matrix, latent.plot, latent.blocks

-- ---- the path, and what is seen of it ----------------------------------------------------------------

local T, DT, NOISE = 240, 0.1, 0.5
local truth = matrix(T, 2, function(t, j)
  local s = 2 * math.pi * t / T
  return j == 1 and 10 * math.cos(s) or 6 * math.sin(2 * s)
end)
local Y = truth + matrix.normal(T, 2, latent.random(options.seed)) * NOISE
local function missing(t) return t > 60 and t <= 85 or t > 150 and t <= 165 end
for t = 1, T do
  if missing(t) then Y[t]:fill(0 / 0) end
end

-- ---- live ----------------------------------------------------------------------------------------------

-- The noise is the sensor's, and known; how restless the body is isn't.
local function body(p)
  return blocks.constant_velocity { dt = DT, noise_variance = NOISE ^ 2, acceleration_variance = p.acceleration }
end
local model, found = blocks.fit(body, { acceleration = 1 }, Y)
printf("acceleration's variance, by maximum likelihood: %.2f", found.acceleration)

local tracker = model:tracker()
local seen, spread = matrix.zeros(T, 2), {}
for t = 1, T do
  seen[t] = tracker:update(Y[t]):block(1, 2)
  spread[t] = tracker.covariance:block(1, 2, 1, 2)
end
printf("last: velocity (%.2f, %.2f), the truth %.2f, %.2f", tracker.state[3], tracker.state[4],
  (truth(T, 1) - truth(T - 1, 1)) / DT, (truth(T, 2) - truth(T - 1, 2)) / DT)

-- An observation that can't be the body's: how many standard deviations away, before it does harm.
local stray = { truth(T, 1) + 6, truth(T, 2) }
printf("a stray observation is %.1f standard deviations away, the next real one %.1f\n", tracker:distance_to(stray),
  tracker:distance_to { 10, 0.3 })

-- ---- and afterwards ------------------------------------------------------------------------------------

local smoothed = model:smooth(Y)

local function error_of(positions, wanted)
  local sum, n = 0, 0
  for t = 1, T do
    if wanted(t) then
      sum = sum + (positions(t, 1) - truth(t, 1)) ^ 2 + (positions(t, 2) - truth(t, 2)) ^ 2
      n = n + 1
    end
  end
  return math.sqrt(sum / n)
end

local function present(t) return not missing(t) end
print "root of the mean squared error     measured    in gaps"
printf("measurements                       %8.3f", error_of(Y, present))
printf("tracker                            %8.3f   %8.3f", error_of(seen, present), error_of(seen, missing))
printf("smoother                           %8.3f   %8.3f", error_of(smoothed.means, present),
  error_of(smoothed.means, missing))

local inside = 0
for t = 1, T do
  local d = truth[t] - smoothed.means[t]:block(1, 2)
  if d:dot(smoothed.covariances[t]:block(1, 2, 1, 2):solve(d)) < 5.991 then inside = inside + 1 end
end
printf("the truth is inside of the smoother's 95 %% ellipse in %.0f %% of the steps\n", 100 * inside / T)

-- ---- pictures --------------------------------------------------------------------------------------------

local function picture(name, title, positions, covariances)
  local figure = plot.figure { title = title, equal = true, width = 720, height = 460, xrange = { -13, 13 },
    yrange = { -9, 9 }, xlabel = "x (metres)", ylabel = "y (metres)" }
  figure:points(Y:col(1), Y:col(2), { color = 4, size = 0.4, label = "measured" })
  for t = 1, T do
    if missing(t) and t % 5 == 0 then
      figure:ellipse(positions[t]:block(1, 2), covariances[t]:block(1, 2, 1, 2), { color = "#f0c27a", width = 1,
        deviations = 1 })
    end
  end
  figure:line(truth:col(1), truth:col(2), { color = 9, width = 1, dash = true, label = "truth" })
  figure:line(positions:col(1), positions:col(2), { color = 1, label = name })
  save(name, figure)
end

picture("tracker", "What is known at the time; in gaps, with one deviation", seen, spread)
picture("smoother", "What is known afterwards", smoothed.means, smoothed.covariances)
