-- Generative adversarial networks on a ring of eight Gaussians: a generator that learns from a critic alone.
--
--   lua5.4 scripts/gan_ring.lua [--help]
--
-- Eight Gaussians of deviation 0.1 on the unit circle: 98.9 percent of their rows are within three deviations of a
-- centre. A generator can please its critic by making few of the modes well (it has collapsed), so two things are
-- measured of its draws: how many modes they cover, and the share that is in one. Training with the non-saturating
-- loss and R1, by WGAN-GP, and with a spectrally normalized critic finds all eight; without any of these the
-- parameters go round, and so do the draws. The average generator, from which draws are, goes round least.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "steps", 2000, "training steps of each kind", short = 200, least = 100 },
}

local latent = require "latent"
local matrix, plot, metrics, datasets = latent.matrix, latent.plot, latent.metrics, latent.datasets

local STEPS, BATCH, EVERY = options.steps, 256, 100

local centers = matrix(8, 2, function(k, j) return (j == 1 and math.cos or math.sin)(math.pi * (k - 1) / 4) end)
local function ring(n, seed) return (datasets.eight_gaussians(n, { seed = seed })) end

local KINDS = {
  { "R1", {} },
  { "WGAN-GP", { loss = "wasserstein" } },
  { "spectral", { spectral = true } },
  { "plain", { gamma = 0 } },
}

-- Fresh rows at every step; of each hundredth the mean losses, the modes and the share of draws within them.
local function train(kind)
  kind.input_dim, kind.seed = 2, options.seed
  local gan, rows, t = latent.gan(kind), latent.random(options.seed), latent.clock()
  local record, sums = { critic = {}, generator = {}, within = {} }, { 0, 0 }
  for i = 1, STEPS do
    local critic, generator = gan:step(ring(BATCH, rows))
    sums = { sums[1] + critic, sums[2] + generator }
    if i % EVERY == 0 then
      local n = i // EVERY
      record.critic[n], record.generator[n], sums = sums[1] / EVERY, sums[2] / EVERY, { 0, 0 }
      local draws = gan:sample(2500, { seed = options.seed })
      record.modes, record.within[n] = metrics.modes(draws, centers, { radius = 0.3 })
    end
  end
  return gan, record, latent.clock() - t
end

-- ---- numbers -----------------------------------------------------------------------------------

local data, again = ring(2000, options.seed + 97), ring(2000, options.seed + 98)
printf("two samples of the data: energy distance %.4f, density %.2f, coverage %.3f\n",
  metrics.energy_distance(data, again), metrics.density_coverage(data, again))
print "critic      modes   within 3 sigma   energy distance   density   coverage   seconds"
local gans, records = {}, {}
for _, kind in ipairs(KINDS) do
  local name = kind[1]
  local gan, record, seconds = train(kind[2])
  gans[name], records[name] = gan, record
  local draws = gan:sample(2000, { seed = options.seed + 1 })
  local density, coverage = metrics.density_coverage(data, draws)
  printf("%-10s %6d %15.1f%% %17.4f %9.2f %10.3f %9.1f%s", name, record.modes,
    100 * record.within[STEPS // EVERY], metrics.energy_distance(data, draws), density, coverage, seconds,
    gan.note and "  (a note)" or "")
end
print ""

-- ---- pictures ----------------------------------------------------------------------------------

for _, kind in ipairs(KINDS) do
  local draws = gans[kind[1]]:sample(2000, { seed = options.seed + 1 })
  save("samples_" .. kind[1]:lower():gsub("%W", "_"),
    plot.figure { title = ("Data, and draws: %s"):format(kind[1]), xlabel = "x1", ylabel = "x2", equal = true }
      :points(data:col(1), data:col(2), { label = "data", size = 0.4 })
      :points(draws:col(1), draws:col(2), { label = "draws", size = 0.4 }))
end

local steps = EVERY * matrix.range(1, STEPS // EVERY)
local figure = plot.figure { title = "Both losses, R1: to 2 log 2 and log 2", xlabel = "step", ylabel = "nats" }
save("losses", figure:line(steps, records.R1.critic, { label = "critic", width = 2 })
  :line(steps, records.R1.generator, { label = "generator", width = 2 })
  :hline { math.log(2), 2 * math.log(2) })

figure = plot.figure { title = "The share of draws within three deviations of a mode", xlabel = "step",
  ylabel = "share", yrange = { 0, 1 } }
for _, kind in ipairs(KINDS) do
  figure:line(steps, records[kind[1]].within, { label = kind[1], width = 2 })
end
save("within", figure:hline(0.989, { label = "data" }))
