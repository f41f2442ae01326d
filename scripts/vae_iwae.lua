-- Importance weighted autoencoders on dynamically binarized MNIST, after Burda, Grosse and Salakhutdinov (ICLR 2016).
--
--   lua5.4 scripts/vae_iwae.lua [MINUTES [K [FOLDER OF IDX FILES [OUT]]]]
--
-- Their one-layer model: 200-200 tanh, 50 latent variables, batches of 20 there and 100 here. K = 1 is the VAE, and
-- their table has 86.8 nats for it, 85.5 for K = 5 and 84.8 for K = 50, after 3280 epochs. Trains for so many minutes
-- (60), with a learning rate that falls to a tenth in that time, and keeps a checkpoint, from which it goes on when it
-- is run again. Ends in the estimate of -log p(x) with 5000 draws on the 10,000 test images, which takes some minutes
-- more.

local latent = require "latent"

local minutes, K = tonumber(arg[1]) or 60, math.tointeger(tonumber(arg[2]) or 1)
local data = arg[3] or (os.getenv "LATENT_DATA" or "data") .. "/mnist"
local folder = arg[4] or "build/vae_iwae"
local function printf(format, ...)
  print(format:format(...))
  io.stdout:flush()
end
assert(os.execute("mkdir -p '" .. folder:gsub("'", "'\\''") .. "'"))

local function read(part)
  local X, message = latent.datasets.mnist(data, { part = part })
  if not X then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
  return X
end
local train, grey = read "train", read "test"
local test = latent.batches(grey, #grey, { seed = 7, shuffle = false, binarize = "static" })()

-- ---- the model, new or as the last run left it -------------------------------------------------

local path = ("%s/k%d.safetensors"):format(folder, K)
local vae = latent.load(path)
if not vae then
  vae = latent.vae { input_dim = 784, latent_dim = 50, hidden = { 200, 200 }, activation = "tanh", init = "glorot",
    samples = K, bound = K > 1 and "iwae" or "elbo", learning_rate = 1e-3, epsilon = 1e-4, seed = 1 }
  -- the decoder begins with the mean image
  local mean, bias = train:mean(1), vae:parameters()["decoder.3.bias"]
  for j = 1, #mean do
    local p = math.min(math.max(mean[j], 0.001), 0.999)
    bias:set(1, j, math.log(p / (1 - p)))
  end
end
printf("K = %d, %d parameters; epoch %d", K, vae:free_parameters(), vae.epochs or 0)

-- ---- training ------------------------------------------------------------------------------------

local start, last = latent.clock(), 0
local seconds = 60 * minutes
local function share() return math.min((latent.clock() - start) / seconds, 1) end
print "epoch   loss, training   loss, test (K = 1)     KL   units in use   minutes"
vae:fit(train, { epochs = 1000000, batch = 100, binarize = "dynamic", max_seconds = seconds,
  learning_rate = function() return 1e-3 * 10 ^ -share() end,
  on_epoch = function(model, epoch, loss)
    local now = latent.clock() - start
    if now - last < math.max(20, seconds / 40) then return end
    last = now
    local bound = model:elbo(test)
    printf("%5d %16.2f %20.2f %6.2f %14d %9.1f", epoch, loss, -bound:mean(), model.kl_history[epoch],
      (model:active_units(test)), now / 60)
    assert(model:save(path))
  end })
assert(vae:save(path))

-- ---- the result ------------------------------------------------------------------------------------

local t = latent.clock()
for _, draws in ipairs { 50, 5000 } do
  printf("-log p(x) by %d draws, 10,000 test images: %.2f nats (%.0f s)", draws, -vae:score(test, { samples = draws }),
    latent.clock() - t)
end
