-- Normalizing flows on two moons: an exact density of a shape that no Gaussian has.
--
--   lua5.4 scripts/flow_moons.lua [--help]
--
-- Two half circles with noise 0.06, each axis in units of its deviation, have an entropy of 1.320 nats: no density
-- has a smaller mean of -log p on them. Three kinds of flows come near it in seconds: each is an invertible map
-- z = f(x) to a standard Gaussian, so log p(x) = log N(z; 0, I) + log |det df/dx|, and a draw is f^-1(z).

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "steps", 5000, "training steps of each flow", short = 200, least = 100 },
}

local latent = require "latent"
local matrix, plot, datasets = latent.matrix, latent.plot, latent.datasets

local STEPS, BATCH, ENTROPY = options.steps, 256, 1.320

local function moons(n, seed) return datasets.moons(n, { noise = 0.06, standardize = true, seed = seed }) end

local test, classes = moons(20000, options.seed + 98)

-- Fresh rows at every step, so that nothing is learned by heart; the learning rate falls to 0.
local function train(kind)
  local flow = latent.flow { input_dim = 2, kind = kind, learning_rate = 2e-3, clip = 5, schedule = "cosine",
    schedule_steps = STEPS, seed = options.seed }
  local rows, t, curve, sum = latent.random(options.seed), latent.clock(), {}, 0
  for i = 1, STEPS do
    sum = sum + flow:step((moons(BATCH, rows)))
    if i % 100 == 0 then curve[#curve + 1], sum = sum / 100, 0 end
  end
  return flow, latent.clock() - t, curve
end

-- ---- numbers -----------------------------------------------------------------------------------

-- The sum of the density over a grid, and the grid's densities, a row of pixels after the other from the top.
local N, HALF = 300, 3
local function density(flow)
  local cell = 2 * HALF / N
  local grid = matrix(N * N, 2, function(i, j)
    return j == 1 and -HALF + cell * ((i - 1) % N + 0.5) or HALF - cell * ((i - 1) // N + 0.5)
  end)
  local p = flow:log_likelihood(grid):exp()
  return p, p:sum() * cell * cell
end

print "kind      parameters   -log p of new rows   above the entropy   integral   back within   seconds"
local flows, curves = {}, {}
for _, kind in ipairs { "realnvp", "maf", "nsf" } do
  local flow, seconds, curve = train(kind)
  flows[kind], curves[kind] = flow, curve
  local nll, _, total = -flow:score(test), density(flow)
  local back = (flow:inverse_transform(flow:transform(10 * test)) - 10 * test):abs():max()
  printf("%-8s %11d %20.4f %19.4f %10.4f %13.0e %9.1f", kind, flow:free_parameters(), nll, nll - ENTROPY, total, back,
    seconds)
end
print ""

-- ---- pictures ----------------------------------------------------------------------------------

local EDGE = HALF - HALF / N -- where the middle of the last pixel is
for _, kind in ipairs { "realnvp", "maf", "nsf" } do
  local p = density(flows[kind])
  save("density_" .. kind, plot.figure { title = ("The density of %s"):format(kind), xlabel = "x1", ylabel = "x2",
    equal = true, width = 620, height = 560, yrange = { -HALF, HALF } }
    :image(p:reshape(N, N), { x = { -EDGE, EDGE }, y = { EDGE, -EDGE }, palette = "ink", bar = true }))
end

local some = test:block(1, 2000)
save("latent", plot.figure { title = "The moons as z = f(x): a Gaussian", xlabel = "z1", ylabel = "z2", equal = true }
  :points(flows.nsf:transform(some):col(1), flows.nsf:transform(some):col(2),
    { classes = classes:block(1, 2000), size = 0.5 }))

local draws = flows.nsf:sample(2000, { seed = options.seed })
save("samples", plot.figure { title = "Rows of data, and draws", xlabel = "x1", ylabel = "x2", equal = true }
  :points(some:col(1), some:col(2), { label = "data", size = 0.5 })
  :points(draws:col(1), draws:col(2), { label = "draws", size = 0.5 }))

local figure = plot.figure { title = "-log p in training, the mean of 100 steps", xlabel = "step", ylabel = "nats",
  yrange = { 1.2, 2.2 } }
for _, kind in ipairs { "realnvp", "maf", "nsf" } do
  figure:line(100 * matrix.range(1, #curves[kind]), curves[kind], { label = kind, width = 2 })
end
save("curves", figure:hline(ENTROPY, { label = "entropy" }))
