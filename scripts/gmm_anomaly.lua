-- Anomalies: rows that a mixture of Gaussians finds improbable.
--
--   lua5.4 scripts/gmm_anomaly.lua [--help]
--
-- A mixture is fitted to what is normal; -log p(x) is then a score of how strange a row is. Normal
-- are handwritten digits from 0 to 8, in 15 principal components; strange is the 9, which the
-- mixture has never seen. The score is judged by the area under its ROC curve: the probability that
-- a 9 is stranger than another digit which the fit hasn't seen either.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local plot = latent.plot

local X, labels = latent.datasets.digits()
local train, normal, strange = {}, {}, {}
for i = 1, X.rows do
  if labels[i] == 9 then
    strange[#strange + 1] = i
  elseif i % 3 == 0 then
    normal[#normal + 1] = i
  else
    train[#train + 1] = i
  end
end

local pca = latent.pca { latent_dim = 15 }:fit(X:rows_at(train))
local function latent_of(list) return pca:transform(X:rows_at(list)) end
local known, others, nines = latent_of(train), latent_of(normal), latent_of(strange)

-- The probability that a score of `high` is above one of `low`, by ranks (Mann, Whitney 1947).
local function area(high, low)
  local all = {}
  for i = 1, #high do all[#all + 1] = { high[i], true } end
  for i = 1, #low do all[#all + 1] = { low[i], false } end
  table.sort(all, function(a, b) return a[1] < b[1] end)
  local ranks = 0
  for rank, entry in ipairs(all) do if entry[2] then ranks = ranks + rank end end
  return (ranks - #high * (#high + 1) / 2) / (#high * #low)
end

print "components   covariance   nats a row (train)   nats a row (others)   area under ROC"
local best
for _, covariance in ipairs { "full", "tied", "diag", "spherical" } do
  for _, components in ipairs { 1, 9, 18 } do
    local model = latent.gmm { components = components, covariance = covariance, regularization = 0.01,
      restarts = 3, seed = options.seed }:fit(known)
    local a = area(-model:log_likelihood(nines), -model:log_likelihood(others))
    printf("%10d   %-10s   %18.3f   %19.3f   %14.4f", components, covariance, model:score(known),
      model:score(others), a)
    if not best or a > best.area then best = { area = a, model = model, name = components .. " " .. covariance } end
  end
end
printf("\nBest: %s, %.4f (0.5 would be guessing, 1 perfect)", best.name, best.area)

-- ---- pictures --------------------------------------------------------------------------------

-- The share of each set that is stranger than a threshold, for all thresholds.
local function curve(model)
  local high, low = (-model:log_likelihood(nines)):sort(), (-model:log_likelihood(others)):sort()
  local x, y, j = {}, {}, 1
  for i = 1, #low do
    while j <= #high and high[j] <= low[i] do j = j + 1 end
    x[i], y[i] = 1 - i / #low, 1 - (j - 1) / #high
  end
  return x, y
end

local figure = plot.figure { title = "A nine among other digits", xlabel = "others taken for strange",
  ylabel = "nines found", xrange = { 0, 1 }, yrange = { 0, 1 } }
local x, y = curve(best.model)
figure:line(x, y, { label = best.name }):line({ 0, 1 }, { 0, 1 }, { label = "guessing", color = "#888888" })
save("roc", figure)
