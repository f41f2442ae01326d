-- The Nile: a level that walks at random, found in a hundred noisy years.
--
--   lua5.4 scripts/lds_nile.lua [--help]
--
-- The annual flow at Aswan, 1871 to 1970, is a local level: the simplest of linear dynamical systems, and the first
-- example of Durbin and Koopman (Time Series Analysis by State Space Methods, chapter 2), whose numbers it meets. Its
-- two variances are those that make the data most likely; then the level of each year is known with an error, also
-- where years are missing, and after the last one.

local _, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {}

local latent = require "latent"
local matrix, plot, blocks = latent.matrix, latent.plot, latent.blocks

local Y, info = latent.datasets.nile()
local years = info.time

-- ---- the variances of maximum likelihood ------------------------------------------------------------

local function local_level(p) return blocks.local_level { level_variance = p.level, noise_variance = p.noise } end

local model, found, record = blocks.fit(local_level, { level = 1000, noise = 1000 }, Y)
print "                       here    Durbin and Koopman"
printf("noise variance     %8.1f    15098.5", found.noise)
printf("level variance     %8.1f     1469.2", found.level)
printf("log-likelihood    %9.4f  -633.4646 (with the 1/2 log 2 pi of the first year)", record.log_likelihood)
printf("%d iterations of BFGS", record.iterations)

-- EM climbs the same hill on foot.
local start = local_level { level = 1000, noise = 1000 }
start.estimate, start.max_iterations, start.tolerance = { "Q", "R" }, 3000, 1e-14
local em = latent.lds(start):fit(Y)
printf("%d iterations of EM: %.1f and %.1f, log-likelihood %.4f\n", em.iterations, em.R(1, 1), em.Q(1, 1),
  em:log_likelihood(Y):sum())

-- ---- pictures ------------------------------------------------------------------------------------------

-- 90 % of a Gaussian lies within 1.645 standard deviations.
local function around(means, covariances)
  local low, high = {}, {}
  for t, covariance in ipairs(covariances) do
    local half = 1.645 * math.sqrt(covariance(1, 1))
    low[t], high[t] = means(t, 1) - half, means(t, 1) + half
  end
  return low, high
end

local function picture(title)
  return plot.figure { title = title, xlabel = "year", ylabel = "flow (10^8 cubic metres)", yrange = { 400, 1400 },
    width = 760, height = 400 }
end

local smoothed = model:smooth(Y)
local H = 10
local future = matrix.range(1971, 1970 + H)
local ahead = model:forecast(Y, H, { level = 0.9 })
local low, high = around(smoothed.means, smoothed.covariances)
local figure = picture "The level of the Nile, and ten years more"
figure:ribbon(years, smoothed.means:col(1), low, high, { label = "level, 90 %", color = 1 })
figure:ribbon(future, ahead.means:col(1), ahead.lower:col(1), ahead.upper:col(1),
  { label = "forecast, 90 %", color = 2 })
figure:line(years, model:filter(Y).means:col(1), { color = 4, width = 1, label = "filtered" })
figure:points(years, Y, { color = 9, size = 0.5, label = "observed" })
save("level", figure)
printf("1899, when the dam at Aswan was begun: %.0f +- %.0f. 1980: %.0f +- %.0f.\n", smoothed.means(29, 1),
  math.sqrt(smoothed.covariances[29](1, 1)), ahead.means(H, 1), math.sqrt(ahead.covariances[H](1, 1)))

-- Forty years are taken away. Between observations the filter stands still, the smoother goes straight.
local gaps = Y:copy()
for _, first in ipairs { 21, 61 } do gaps:block(first, first + 19):fill(0 / 0) end
local across = model:smooth(gaps)
low, high = around(across.means, across.covariances)
figure = picture "With forty years missing"
figure:ribbon(years, across.means:col(1), low, high, { label = "level, 90 %", color = 1 })
figure:line(years, model:filter(gaps).means:col(1), { color = 4, width = 1, label = "filtered" })
figure:points(years, gaps, { color = 9, size = 0.5, label = "observed" })
save("missing", figure)
