-- A variational autoencoder on handwritten digits, in seconds.
--
--   lua5.4 scripts/vae_digits.lua [--help]
--
-- 1797 images of 8 x 8 pixels with 17 levels of grey. One VAE has two latent variables, so its whole latent space is a
-- picture; another has ten, of which it uses what it needs. The likelihood is categorical, a true one of the levels, so
-- bounds are in nats an image and can be compared with any other model of them.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "epochs", 150, "passes over the data in training, at most", short = 5 },
}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local X, labels = latent.datasets.digits()
local order = latent.random(options.seed):permutation(#X)
local train, test = X:rows_at(order:block(1, 1500)), X:rows_at(order:block(1501, #X))

local epochs = options.epochs

local function fit(kind)
  kind.input_dim, kind.likelihood, kind.levels, kind.seed = 64, "categorical", 17, options.seed
  kind.hidden, kind.learning_rate = { 256, 128 }, 2e-3
  kind.schedule, kind.schedule_steps = "cosine", epochs * (#train // 100)
  local t = latent.clock()
  local vae = latent.vae(kind):fit(train, { epochs = epochs, batch = 100, progress = true,
    validation = test, patience = 15 })
  return vae, latent.clock() - t
end

-- ---- numbers -----------------------------------------------------------------------------------

print "nats an image             training   held-out images                                     log p(x)   seconds"
print "                             bound     bound = - reconstruction - KL   active units      K = 1000"
local models = {}
for _, M in ipairs { 2, 10 } do
  local vae, seconds = fit { latent_dim = M }
  models[M] = vae
  local bound, reconstruction, kl = vae:elbo(test, { samples = 20 })
  printf("%2d latent variables    %11.2f %9.2f %18.2f %6.2f %10d %17.2f %9.1f", M, -vae.history[vae.epochs],
    bound:mean(), reconstruction:mean(), kl:mean(), (vae:active_units(test)), vae:score(test, { samples = 1000 }),
    seconds)
end
local shares = models[10]:kl_per_unit(test):table()
for j, share in ipairs(shares) do shares[j] = ("%.2f"):format(share) end
printf("\nKL of each of the ten: %s\n", table.concat(shares, " "))

-- ---- pictures ------------------------------------------------------------------------------------

local shades = { range = { 0, 16 }, palette = "ink" }
local function images(Y, columns, title, rows)
  return plot.images(Y, { columns = columns, title = title, rows = rows, range = shades.range,
    palette = shades.palette, zoom = 6 })
end

save("manifold", images(models[2]:manifold { size = 16 }, 16, "The latent plane, decoded"))

local Z = models[2]:transform(X)
save("latent", plot.figure { title = "All images in the latent plane", xlabel = "z1", ylabel = "z2", equal = true }
  :points(Z:col(1), Z:col(2), { classes = labels, size = 0.6 }))

local some = test:block(1, 10)
save("reconstructions", images(matrix.vstack { some, models[2]:reconstruct(some), models[10]:reconstruct(some) }, 10,
  "Test images, and what is left of them in 2 and in 10 numbers", { "original", "M = 2", "M = 10" }))
local draws = models[10]:sample(80, { seed = options.seed, mean = true })
save("samples", images(draws, 16, "Drawn from the model with ten"))
save("training", plot.figure { title = "Minus the bound, nats an image", xlabel = "epoch" }
  :line(matrix.range(1, models[10].epochs), models[10].history, { label = "training" })
  :line(matrix.range(1, models[10].epochs), models[10].validation_history, { label = "held out" }))
