-- The well-known VAE on MNIST: 784-400-20-400-784, relu, Adam.
--
--   lua5.4 scripts/vae_mnist.lua [--help]
--
-- Grey levels as a Bernoulli's means (--binarize none) are the loss that is usually shown: about 105.5 on the test
-- images after 10 epochs. With images binarized anew whenever they are seen (--binarize dynamic) the bound is one on
-- log p(x): about -102.4 after 10 epochs, and with 20 epochs and K = 1000 log p(x) is about -95.
--
-- Data: the four files of MNIST (60,000 and 10,000 images of 28 x 28 with their labels; LeCun, Cortes, Burges),
-- train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, compressed
-- (.gz) or not, in the folder mnist of the folder that LATENT_DATA names, or wherever --data says. They are at
-- yann.lecun.com/exdb/mnist and in many mirrors. Other data in this format will do as well: Fashion-MNIST, KMNIST.

local options, save, printf, need = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "data", (os.getenv "LATENT_DATA" or "data") .. "/mnist", "holds the data", value = "FOLDER" },
  { "epochs", 10, "passes over the data in training", short = 1 },
  { "binarize", "none", "what is done to grey levels", words = { "none", "dynamic" } },
  positional = { "data", "epochs", "binarize", "output" },
}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local binarize = options.binarize ~= "none" and options.binarize or nil
local function read(part) return need(latent.datasets.mnist(options.data, { part = part })) end
local train = read "train"
local grey, labels, info = read "test"

-- Held-out images are binarized once, so that every epoch is measured by the same ones.
local test = grey
if binarize then
  test = latent.batches(grey, #grey, { seed = 7, shuffle = false, binarize = "static" })()
end

-- What costs much time is measured on some of the images.
local function first(count) return test:block(1, math.min(count, #test)) end

-- ---- training ----------------------------------------------------------------------------------

local vae = latent.vae { input_dim = train.cols, latent_dim = 20, hidden = 400, learning_rate = 1e-3,
  seed = options.seed }
printf("%d images, %d parameters, %s", #train, vae:free_parameters(), binarize or "grey levels as a Bernoulli's means")
print "epoch   loss, training   loss, test   KL   units in use   seconds"
local start = latent.clock()
vae:fit(train, { epochs = options.epochs, batch = 128, binarize = binarize, validation = test, progress = true,
  checkpoint = options.output .. "/vae.safetensors",
  on_epoch = function(model, epoch, loss, held)
    printf("%5d %16.2f %12.2f %6.2f %10d %11.1f", epoch, loss, held, model.kl_history[epoch],
      (model:active_units(first(2000))), latent.clock() - start)
  end })
if vae.note then printf("note: %s", vae.note) end

local some, t = first(binarize and #test or 1000), latent.clock()
printf("%s by importance sampling, K = 1000, %d test images: %.2f (%.0f s)",
  binarize and "log p(x)" or "the same of the cross-entropy", #some, vae:score(some, { samples = 1000 }),
  latent.clock() - t)

-- ---- pictures ------------------------------------------------------------------------------------

local function images(Y, columns, title, rows)
  return plot.images(Y, { columns = columns, title = title, rows = rows, range = { 0, 1 }, shape = info.shape,
    zoom = math.max(1, 56 // info.shape[1]) })
end

-- The first test image of each class, where there are classes.
local places = matrix.range(1, 10)
if labels then
  local seen = {}
  for i = 1, #labels do seen[labels[i] // 1] = seen[labels[i] // 1] or i end
  for class = 0, 9 do places[class + 1] = seen[class] or 1 end
end
local shown = test:rows_at(places)
save("reconstructions", images(matrix.vstack { shown, vae:reconstruct(shown) }, 10,
  "Test images and their reconstructions", { "original", "VAE" }))
save("samples", images((vae:sample(80, { seed = options.seed, mean = true })), 16, "Drawn from the model"))

-- Along the units that say most.
local shares, order = vae:kl_per_unit(first(2000)), {}
for j = 1, #shares do order[j] = j end
table.sort(order, function(a, b) return shares[a] > shares[b] end)
local units, names = { table.unpack(order, 1, 6) }, {}
for k, j in ipairs(units) do names[k] = ("z%d"):format(j) end
save("traversal", images((vae:traverse { units = units, count = 11, z = vae:transform(shown:block(1, 1)) }), 11,
  "Along the six units with the largest KL", names))
