-- Normalizing flows on eight Gaussians: how well an invertible map splits a density into modes.
--
--   lua5.4 scripts/flow_modes.lua [--help]
--
-- Eight Gaussians on the unit circle, with deviations of 0.1, have an entropy of 0.312 nats. A flow is continuous, so
-- it leaves bridges between the modes, as narrow as its maps are steep. An affine coupling shifts and scales one
-- column by the other, and splits off a mode or two: many are needed. A spline bends a column by itself as well.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "steps", 5000, "training steps of each flow", short = 200 },
}

local latent = require "latent"
local matrix, plot, datasets = latent.matrix, latent.plot, latent.datasets

local STEPS, BATCH, RATE, NOISE = options.steps, 256, 3e-3, 0.1
local ENTROPY = math.log(8) + math.log(2 * math.pi * NOISE ^ 2) + 1

local FLOWS = {
  { "realnvp_8", "8 affine couplings", { kind = "realnvp" } },
  { "realnvp_24", "24 affine couplings", { kind = "realnvp", layers = 24 } },
  { "maf_16", "16 masked affine layers", { kind = "maf", layers = 16 } },
  { "nsf_3", "3 masked splines", { kind = "nsf" } },
  { "splines_4", "4 spline couplings", { layers = { "spline", "spline", "spline", "spline" } } },
}

local test = datasets.eight_gaussians(20000, { seed = options.seed + 98 })

-- The share of rows farther than three deviations from every centre: exp(-9/2) = 0.011 of the data.
local function astray(X)
  local count = 0
  for i = 1, #X do
    local x, y = X(i, 1), X(i, 2)
    local angle = math.floor(math.atan(y, x) / (math.pi / 4) + 0.5) * math.pi / 4
    local far = (x - math.cos(angle)) ^ 2 + (y - math.sin(angle)) ^ 2
    if far > (3 * NOISE) ^ 2 then count = count + 1 end
  end
  return count / #X
end

-- Fresh rows at every step; the learning rate falls to 0.
local function train(kind)
  kind.input_dim, kind.learning_rate, kind.clip, kind.seed = 2, RATE, 5, options.seed
  kind.schedule, kind.schedule_steps = "cosine", STEPS
  local flow, rows, t = latent.flow(kind), latent.random(options.seed), latent.clock()
  for _ = 1, STEPS do flow:step((datasets.eight_gaussians(BATCH, { seed = rows }))) end
  return flow, latent.clock() - t
end

-- ---- numbers -----------------------------------------------------------------------------------

printf("%-24s %10s %19s %18s %13s %9s", "flow", "parameters", "-log p of new rows", "above the entropy", "draws astray",
  "seconds")
local flows = {}
for i, case in ipairs(FLOWS) do
  local flow, seconds = train(case[3])
  local nll = -flow:score(test)
  flows[i] = flow
  printf("%-24s %10d %19.4f %18.4f %12.1f%% %9.1f", case[2], flow:free_parameters(), nll, nll - ENTROPY,
    100 * astray((flow:sample(20000, { seed = options.seed }))), seconds)
end
printf("%-24s %10s %19.4f %18.4f %12.1f%%\n", "the data", "", ENTROPY, 0, 100 * astray(test))

-- ---- pictures ----------------------------------------------------------------------------------

local N, HALF = 300, 1.6
local cell = 2 * HALF / N
local grid = matrix(N * N, 2, function(i, j)
  return j == 1 and -HALF + cell * ((i - 1) % N + 0.5) or HALF - cell * ((i - 1) // N + 0.5)
end)
local EDGE = HALF - cell / 2 -- where the middle of the last pixel is
for i, case in ipairs(FLOWS) do
  local name, title = table.unpack(case)
  save("density_" .. name, plot.figure { title = ("The root of the density of %s"):format(title), xlabel = "x1",
    ylabel = "x2", equal = true, width = 620, height = 560, yrange = { -HALF, HALF } }
    :image((flows[i]:log_likelihood(grid) * 0.5):exp():reshape(N, N), { x = { -EDGE, EDGE }, y = { EDGE, -EDGE },
      palette = "ink", bar = true }))
end
