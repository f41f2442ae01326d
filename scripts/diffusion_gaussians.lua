-- Denoising diffusion of eight Gaussians: noise becomes data, step by step.
--
--   lua5.4 scripts/diffusion_gaussians.lua [--help]
--
-- Eight Gaussians with deviation 0.1 on the unit circle have an entropy of 0.312 nats, and three deviations hold 98.9 %
-- of each. A diffusion model adds noise to a row in 100 steps, x_t = sqrt(A_t) x_0 + sqrt(1 - A_t) e, and a net learns
-- to say what is noise in x_t; from pure noise its steps lead back. The variational bound is above the entropy, by what
-- the steps back aren't Gaussian and by what the net hasn't learned.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "steps", 4000, "training steps; half of them for the conditional model", short = 400, least = 200 },
}

local latent = require "latent"
local matrix, plot, datasets = latent.matrix, latent.plot, latent.datasets

local STEPS, BATCH, ENTROPY = options.steps, 256, 0.312

local function ring(n, seed) return datasets.eight_gaussians(n, { seed = seed }) end

-- The share of rows within three deviations of a centre, and how many centres have some.
local function quality(X)
  local near, modes, found = 0, {}, 0
  for i = 1, #X do
    local k = math.floor(math.atan(X(i, 2), X(i, 1)) / (math.pi / 4) + 0.5) % 8
    local dx, dy = X(i, 1) - math.cos(k * math.pi / 4), X(i, 2) - math.sin(k * math.pi / 4)
    if dx * dx + dy * dy < 0.09 then near, modes[k] = near + 1, true end
  end
  for _ in pairs(modes) do found = found + 1 end
  return 100 * near / #X, found
end

-- Fresh rows at every step; the learning rate falls to 0.
local function train(steps, classes)
  local model = latent.diffusion { input_dim = 2, classes = classes, lowest = 1, learning_rate = 2e-3,
    schedule = "cosine", schedule_steps = steps, seed = options.seed }
  local rows, t, curve, sum = latent.random(options.seed), latent.clock(), {}, 0
  for i = 1, steps do
    local X, labels = ring(BATCH, rows)
    sum = sum + model:step(X, { labels = classes and labels })
    if i % 100 == 0 then curve[#curve + 1], sum = sum / 100, 0 end
  end
  return model, latent.clock() - t, curve
end

local test, classes = ring(4000, options.seed + 98)
local model, seconds, curve = train(STEPS)
printf("%d steps of %d rows in %.1f s, %d parameters", STEPS, BATCH, seconds, model:free_parameters())
local bound, reconstruction, rest = model:elbo(test)
printf("-log p <= %.3f nats (%.3f for the last step, %.3f for the others); the entropy is %.3f", -bound:mean(),
  reconstruction:mean(), rest:mean(), ENTROPY)
local conditional = train(STEPS // 2, 8)
printf("given its class, -log p <= %.3f nats; the entropy of one is %.3f",
  -conditional:elbo(test, { labels = classes }):mean(), ENTROPY - math.log(8))
print ""

print "sampler                 near a centre   centres   energy distance   seconds"
local function show(name, X, time)
  local near, found = quality(X)
  printf("%-22s %12.1f %% %9d %17.4f %9s", name, near, found, latent.metrics.energy_distance(X, test), time)
end
show("(other rows of data)", ring(4000, options.seed + 97), "")
for _, steps in ipairs { 100, 50, 20, 10 } do
  local ancestral, t = steps == 100, latent.clock()
  local X = model:sample(4000, { method = ancestral and "ancestral" or "ddim", steps = steps,
    seed = options.seed })
  show(ancestral and "ancestral" or ("DDIM, %d steps"):format(steps), X, ("%.2f"):format(latent.clock() - t))
end
print ""

-- ---- pictures ----------------------------------------------------------------------------------

-- The chain, states side by side: rows of one colour end at one centre.
local COUNT = 1500
local states, times = model:denoise(COUNT, { at = { 100, 60, 40, 25, 15, 8, 4, 0 }, seed = options.seed + 1 })
local last, ends = states[#states], {}
for i = 1, COUNT do ends[i] = 1 + math.floor(math.atan(last(i, 2), last(i, 1)) / (math.pi / 4) + 0.5) % 8 end
local figures = {}
for k, X in ipairs(states) do
  figures[k] = plot.figure { title = ("time %d"):format(times[k]), equal = true, key = false, width = 240, height = 240,
    xrange = { -3, 3 }, yrange = { -3, 3 }, xticks = false, yticks = false }
    :points(X:col(1), X:col(2), { classes = ends, size = 0.3 })
end
save("denoising", plot.figure { title = "Denoising" }:panels(figures, { columns = 4 }))

-- Guidance: one class, more and more typical.
local figure = plot.figure { title = "Draws of class 1, with guidance", xlabel = "x1", ylabel = "x2", equal = true }
for _, w in ipairs { 0, 1, 4 } do
  local X = conditional:sample(300, { labels = 1, guidance = w, seed = options.seed + 2 })
  figure:points(X:col(1), X:col(2), { label = ("guidance %d"):format(w), size = 0.4 })
end
save("guidance", figure)

save("curve", plot.figure { title = "The loss in training, the mean of 100 steps", xlabel = "step", ylabel = "loss" }
  :line(100 * matrix.range(1, #curve), curve, { width = 2 }))
