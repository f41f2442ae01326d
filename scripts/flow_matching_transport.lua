-- Flow matching from eight Gaussians to two moons: what pairs of optimal transport change.
--
--   lua5.4 scripts/flow_matching_transport.lua [--help]
--
-- The source isn't noise but other data: eight Gaussians on a circle of radius 5, variance 0.1. The data are two moons
-- with noise 0.2, times 3, minus 1: the example of torchcfm (Tong et al. 2024). A net of 3 x 64 learns the velocity in
-- 2,000 steps of 256 fresh rows (Adam, 1e-3). How good it is: 2,000 rows of the source are carried along, and their
-- squared Wasserstein distance to 2,000 new moons is compared with that of two samples of moons, which isn't 0. With
-- independent pairs the paths cross, so they must bend; with pairs of optimal transport they are nearly straight, and
-- one step of Euler's method is near the end.
--
-- scripts/bench/flow_matching_peer.py trains torchcfm's flows by the same protocol, from the starts that this writes.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "seeds", 1, "how many trainings of each kind, from --seed on, whose mean is shown" },
  { "steps", 2000, "training steps", short = 200 },
  positional = { "output", "seeds" },
}

local latent = require "latent"
local matrix, plot, datasets = latent.matrix, latent.plot, latent.datasets

local STEPS, BATCH, ROWS = options.steps, 256, 2000

local function gaussians(n, random)
  return (datasets.eight_gaussians(n, { radius = 5, noise = math.sqrt(0.1), seed = random }))
end
local function moons(n, random) return (datasets.moons(n, { noise = 0.2, seed = random })) * 3 - 1 end

local function train(coupling, seed)
  local model = latent.flow_matching { input_dim = 2, hidden = { 64, 64, 64 }, coupling = coupling, seed = seed }
  local random = latent.random(seed)
  for _ = 1, STEPS do model:step(moons(BATCH, random), { source = gaussians(BATCH, random) }) end
  return model
end

-- ---- numbers -----------------------------------------------------------------------------------

local WAYS = { {}, { solver = "euler", steps = 1 }, { solver = "euler", steps = 4 },
  { solver = "midpoint", steps = 10 } }

-- The excess over two true samples, for each way to solve, the mean over seeds.
local function excess(coupling)
  local sums, last = { 0, 0, 0, 0 }, nil
  for seed = options.seed, options.seed + options.seeds - 1 do
    local random = latent.random(1000 + seed)
    local starts, data, again = gaussians(ROWS, random), moons(ROWS, random), moons(ROWS, random)
    latent.write(("%s/starts_%d.npy"):format(options.output, seed), starts)
    local base = latent.metrics.wasserstein(data, again) ^ 2
    last = train(coupling, seed)
    for i, way in ipairs(WAYS) do
      sums[i] = sums[i] + latent.metrics.wasserstein(last:inverse_transform(starts, way), data) ^ 2 - base
    end
  end
  for i in ipairs(sums) do sums[i] = sums[i] / options.seeds end
  return sums, last
end

printf("squared Wasserstein distance to 2,000 moons beyond that of two true samples (0.05 to 0.08), mean of %d",
  options.seeds)
print "coupling                        adaptive   Euler, 1   Euler, 4   midpoint, 10"
local models = {}
for _, coupling in ipairs { "independent", "ot" } do
  local sums
  sums, models[coupling] = excess(coupling)
  printf("%-30s %9.3f %10.3f %10.3f %14.3f", coupling, table.unpack(sums))
end
-- scripts/bench/flow_matching_peer.py, torchcfm 1.0.7 and torch 2.13.0, the mean of seeds 1 to 5
print "torchcfm, independent              0.167      2.966"
print "torchcfm, ot                       0.164      0.254"
print "torchcfm, ot, its own net          0.152      0.225"
print ""

-- ---- pictures ----------------------------------------------------------------------------------

local PATHS, FINE = 150, 60
for name, model in pairs(models) do
  local random = latent.random(options.seed + 6)
  local x, data = gaussians(PATHS, random), moons(1000, random)
  local path = matrix.zeros(FINE + 1, 2 * PATHS)
  for k = 0, FINE do
    path:row(k + 1):assign(x:reshape(2 * PATHS))
    x = x + model:velocity(x, { time = k / FINE }) / FINE
  end
  local figure = plot.figure { title = ("Paths with the coupling %q"):format(name), xlabel = "x1", ylabel = "x2",
    equal = true }:points(data:col(1), data:col(2), { size = 0.3, color = 3, label = "data" })
  for i = 1, PATHS do
    figure:line(path:col(2 * i - 1), path:col(2 * i), { width = 0.4, color = 1, label = i == 1 and "paths" or nil })
  end
  save("paths_" .. name, figure)
end
