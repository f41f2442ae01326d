-- Airline passengers: trend and season, each with its uncertainty, and two years ahead.
--
--   lua5.4 scripts/lds_seasonal.lua [--help]
--
-- The logarithm of the monthly totals (Box and Jenkins's series G, 1949 to 1960) is a trend plus a season plus noise;
-- all three may change. How fast, four variances say, which maximum likelihood finds from the first ten years. The last
-- two are forecast, and then compared.

local _, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {}

local latent = require "latent"
local matrix, plot, blocks = latent.matrix, latent.plot, latent.blocks

local passengers, info = latent.datasets.air_passengers()
local years, Y = info.time, passengers:log()
local T, H = 120, 24

-- ---- four variances -------------------------------------------------------------------------------------

local function structural(p)
  return blocks.sum(
    blocks.local_linear_trend { level_variance = p.level, slope_variance = p.slope, noise_variance = p.noise },
    blocks.seasonal { period = 12, variance = p.season, form = "trigonometric" })
end

local start = { level = 1e-3, slope = 1e-5, season = 1e-5, noise = 1e-3 }
local model, found, record = blocks.fit(structural, start, Y:block(1, T))
print "variance of the      maximum likelihood"
for _, name in ipairs { "level", "slope", "season", "noise" } do
  printf("%-12s            %10.3g", name, found[name])
end
printf("log-likelihood          %10.4f after %d iterations\n", record.log_likelihood, record.iterations)

-- ---- the forecast -----------------------------------------------------------------------------------------

local ahead = model:forecast(Y:block(1, T), H, { level = 0.95 })
local low, high, middle = ahead.lower:exp():flatten(), ahead.upper:exp():flatten(), ahead.means:exp():flatten()
local inside, error_sum, naive_sum = 0, 0, 0
for h = 1, H do
  local truth = passengers(T + h, 1)
  if truth >= low[h] and truth <= high[h] then inside = inside + 1 end
  error_sum = error_sum + math.abs(middle[h] / truth - 1)
  naive_sum = naive_sum + math.abs(passengers(T + (h - 1) % 12 - 11, 1) / truth - 1)
end
printf("1959 and 1960 were off by %.1f %% in the mean; last year's month would have been off by %.1f %%",
  100 * error_sum / H, 100 * naive_sum / H)
printf("%d of %d months are inside of the 95 %% band\n", inside, H)

local figure = plot.figure { title = "Airline passengers, and a forecast of 1959 and 1960",
  xlabel = "year", ylabel = "thousands a month", width = 760, height = 420 }
figure:ribbon(years:block(T + 1, T + H), middle, low, high, { color = 2, label = "forecast, 95 %" })
figure:line(years, passengers, { color = 9, width = 1.5, label = "passengers" })
save("forecast", figure)

-- ---- the parts ----------------------------------------------------------------------------------------------

-- Each part of the sum is C of its states; the rest of C is 0.
local full, parameters = blocks.fit(structural, found, Y)
local smoothed = full:smooth(Y)
local C_season = full.C:copy()
C_season:block(1, 1, 1, 2):fill(0)
local level, low_level, high_level, season, low_season, high_season = {}, {}, {}, {}, {}, {}
for t = 1, Y.rows do
  local V = smoothed.covariances[t]
  level[t] = math.exp(smoothed.means(t, 1))
  local half = 1.96 * math.sqrt(V(1, 1))
  low_level[t], high_level[t] = level[t] * math.exp(-half), level[t] * math.exp(half)
  local mean = (C_season * smoothed.means[t])[1]
  half = 1.96 * math.sqrt((C_season * V * C_season:t())(1, 1))
  season[t] = 100 * math.exp(mean)
  low_season[t], high_season[t] = season[t] * math.exp(-half), season[t] * math.exp(half)
end
figure = plot.figure { title = "Trend", xlabel = "year", ylabel = "thousands a month", width = 760, height = 300 }
figure:line(years, passengers, { color = 4, width = 1, label = "passengers" })
figure:ribbon(years, level, low_level, high_level, { color = 1, label = "level, 95 %" })
save("trend", figure)
figure = plot.figure { title = "Season", xlabel = "year", ylabel = "percent of the level", width = 760,
  height = 300 }:ribbon(years, season, low_season, high_season, { color = 3, width = 1.5, label = "season, 95 %" })
save("season", figure)
local growth = matrix(Y.rows, 1, function(t) return smoothed.means(t, 2) end)
printf("growth: %.1f %% a year in the mean; July 1960 was %.0f %% of its level, November %.0f %%", 1200 * growth:mean(),
  season[139], season[143])
printf("noise variance of all twelve years: %.3g", parameters.noise)
