-- Normalizing flows on eight Gaussians: how well an invertible map splits a density into modes.
--
--   lua5.4 scripts/flow_modes.lua [FOLDER]
--
-- Eight Gaussians on the unit circle, with deviations of 0.1, have an entropy of 0.312 nats. A flow is continuous, so
-- it leaves bridges between the modes, as narrow as its maps are steep. An affine coupling shifts and scales one
-- column by the other, and splits off a mode or two: many are needed. A spline bends a column by itself as well.

local latent = require "latent"
local matrix, plot, datasets = latent.matrix, latent.plot, latent.datasets

local folder = arg[1] or "build/flow_modes"
local save, printf = dofile((arg[0]:match "^.*/" or "") .. "output.lua")(folder)

local STEPS, BATCH, RATE, NOISE = 5000, 256, 3e-3, 0.1
local ENTROPY = math.log(8) + math.log(2 * math.pi * NOISE ^ 2) + 1

local FLOWS = {
  { "realnvp_8", "8 affine couplings", { kind = "realnvp" } },
  { "realnvp_24", "24 affine couplings", { kind = "realnvp", layers = 24 } },
  { "maf_16", "16 masked affine layers", { kind = "maf", layers = 16 } },
  { "nsf_3", "3 masked splines", { kind = "nsf" } },
  { "splines_4", "4 spline couplings", { layers = { "spline", "spline", "spline", "spline" } } },
}

local test = datasets.eight_gaussians(20000, { seed = 99 })

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
local function train(options)
  options.input_dim, options.learning_rate, options.clip, options.seed = 2, RATE, 5, 1
  options.schedule, options.schedule_steps = "cosine", STEPS
  local flow, rows, t = latent.flow(options), latent.random(1), latent.clock()
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
    100 * astray((flow:sample(20000, { seed = 1 }))), seconds)
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
