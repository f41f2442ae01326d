-- Importance weighted autoencoders on dynamically binarized MNIST, after Burda, Grosse and Salakhutdinov (ICLR 2016).
--
--   lua5.4 scripts/vae_iwae.lua [--help]
--
-- Their one-layer model: 200-200 tanh, 50 latent variables, batches of 20 there and 100 here. K = 1 is the VAE, and
-- their table has 86.8 nats for it, 85.5 for K = 5 and 84.8 for K = 50, after 3280 epochs. The learning rate falls to a
-- tenth in the time that training is given, and a checkpoint is kept, from which the script goes on when it is run
-- again. Ends in the estimate of -log p(x) on the test images, which takes some minutes more, and in the progress of
-- both losses.
--
-- Data: the files of MNIST, where vae_mnist.lua looks for them.

local options, save, printf, need = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "data", (os.getenv "LATENT_DATA" or "data") .. "/mnist", "holds the data", value = "FOLDER" },
  { "minutes", 60.0, "how long it is trained", short = 0.1 },
  { "samples", 1, "K, the draws that the bound averages over" },
  { "draws", 5000, "draws for the estimate of -log p(x)", short = 50 },
  positional = { "minutes", "samples", "data", "output" },
}

local latent = require "latent"
local plot = latent.plot

local K = options.samples
local function read(part) return (need(latent.datasets.mnist(options.data, { part = part }))) end
local train, grey = read "train", read "test"
local test = latent.batches(grey, #grey, { seed = 7, shuffle = false, binarize = "static" })()

-- ---- the model, new or as the last run left it -------------------------------------------------

local path = ("%s/k%d.safetensors"):format(options.output, K)
local vae = latent.load(path)
if not vae then
  vae = latent.vae { input_dim = train.cols, latent_dim = 50, hidden = { 200, 200 }, activation = "tanh",
    init = "glorot", samples = K, bound = K > 1 and "iwae" or "elbo", learning_rate = 1e-3, epsilon = 1e-4,
    seed = options.seed }
  -- the decoder begins with the mean image
  local mean, bias = train:mean(1), vae:parameters()["decoder.3.bias"]
  for j = 1, #mean do
    local p = math.min(math.max(mean[j], 0.001), 0.999)
    bias:set(1, j, math.log(p / (1 - p)))
  end
end
printf("K = %d, %d parameters; epoch %d", K, vae:free_parameters(), vae.epochs or 0)

-- ---- training ------------------------------------------------------------------------------------

local start, seconds = latent.clock(), 60 * options.minutes
local function passed() return latent.clock() - start end
local curves = { minutes = {}, training = {}, test = {} }

local function look(model, epoch, loss)
  local bound, n = model:elbo(test), #curves.minutes + 1
  curves.minutes[n], curves.training[n], curves.test[n] = passed() / 60, loss, -bound:mean()
  printf("%5d %16.2f %20.2f %6.2f %14d %9.1f", epoch, loss, curves.test[n], model.kl_history[epoch],
    (model:active_units(test)), curves.minutes[n])
  need(model:save(path))
end

print "epoch   loss, training   loss, test (K = 1)     KL   units in use   minutes"
local last = 0
vae:fit(train, { epochs = 1000000, batch = 100, binarize = "dynamic", max_seconds = seconds, progress = true,
  learning_rate = function() return 1e-3 * 10 ^ -math.min(passed() / seconds, 1) end,
  on_epoch = function(model, epoch, loss)
    if passed() - last < math.min(math.max(20, seconds / 40), seconds / 4) then return end
    last = passed()
    look(model, epoch, loss)
  end })
look(vae, vae.epochs, vae.history[#vae.history])

-- ---- the result ------------------------------------------------------------------------------------

local t = latent.clock()
for _, draws in ipairs { options.draws // 100, options.draws } do
  if draws > 0 then
    printf("-log p(x) by %d draws, %d test images: %.2f nats (%.0f s)", draws, #test,
      -vae:score(test, { samples = draws }), latent.clock() - t)
  end
end

print "\npictures:"
save("losses", plot.figure { title = ("Minus the bound, K = %d"):format(K), xlabel = "minutes",
  ylabel = "nats an image" }
  :line(curves.minutes, curves.training, { label = "training", width = 2 })
  :line(curves.minutes, curves.test, { label = "test, K = 1", width = 2 }))
