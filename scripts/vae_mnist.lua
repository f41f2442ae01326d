-- The well-known VAE on MNIST: 784-400-20-400-784, relu, Adam.
--
--   lua5.4 scripts/vae_mnist.lua [FOLDER OF IDX FILES [EPOCHS [BINARIZE [OUT]]]]
--
-- Without a folder it is LATENT_DATA/mnist. BINARIZE is none (grey levels as a Bernoulli's means, the loss that is
-- usually shown: about 105.5 on the test images after 10 epochs) or dynamic (then the bound is one on log p(x): about
-- -102.4 after 10 epochs, and with 20 epochs and K = 1000 log p(x) is about -95). Any other folder in MNIST's format
-- will do as well.

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local data = arg[1] or (os.getenv "LATENT_DATA" or "data") .. "/mnist"
local epochs, binarize, folder = tonumber(arg[2]) or 10, arg[3] or "none", arg[4] or "build/vae_mnist"
local function printf(format, ...) print(format:format(...)) end
assert(os.execute("mkdir -p '" .. folder:gsub("'", "'\\''") .. "'"))
if binarize == "none" then binarize = nil end

local function read(part)
  local X, labels, info = latent.datasets.mnist(data, { part = part })
  if not X then
    io.stderr:write(labels, "\n")
    os.exit(1)
  end
  return X, labels, info
end
local train = read "train"
local grey, labels, info = read "test"

-- Held-out images are binarized once, so that every epoch is measured by the same ones.
local test = grey
if binarize then
  test = latent.batches(grey, #grey, { seed = 7, shuffle = false, binarize = "static" })()
end

-- ---- training ----------------------------------------------------------------------------------

local vae = latent.vae { input_dim = train.cols, latent_dim = 20, hidden = 400, learning_rate = 1e-3, seed = 1 }
printf("%d images, %d parameters, %s", #train, vae:free_parameters(), binarize or "grey levels as a Bernoulli's means")
print "epoch   loss, training   loss, test   KL   units in use   seconds"
local start = latent.clock()
vae:fit(train, { epochs = epochs, batch = 128, binarize = binarize, validation = test, progress = true,
  checkpoint = folder .. "/vae.safetensors",
  on_epoch = function(model, epoch, loss, held)
    printf("%5d %16.2f %12.2f %6.2f %10d %11.1f", epoch, loss, held, model.kl_history[epoch],
      (model:active_units(test:block(1, 2000))), latent.clock() - start)
  end })
if vae.note then printf("note: %s", vae.note) end

local some = binarize and #test or 1000
local t = latent.clock()
printf("%s by importance sampling, K = 1000, %d test images: %.2f (%.0f s)",
  binarize and "log p(x)" or "the same of the cross-entropy", some, vae:score(test:block(1, some), { samples = 1000 }),
  latent.clock() - t)

-- ---- pictures ------------------------------------------------------------------------------------

local function save(name, Y, columns, title, rows)
  local figure = plot.images(Y, { columns = columns, title = title, rows = rows, range = { 0, 1 }, shape = info.shape,
    zoom = 2 })
  for _, ending in ipairs { ".svg", ".png" } do
    local path, message = figure:save(folder .. "/" .. name .. ending)
    if not path then
      io.stderr:write(message, "\n")
      os.exit(1)
    end
    print("  " .. path)
  end
end

-- The first test image of each class, where there are classes.
local first = matrix.range(1, 10)
if labels then
  local seen = {}
  for i = 1, #labels do seen[labels[i] // 1] = seen[labels[i] // 1] or i end
  for class = 0, 9 do first[class + 1] = seen[class] or 1 end
end
local shown = test:rows_at(first)
save("reconstructions", matrix.vstack { shown, vae:reconstruct(shown) }, 10, "Test images and their reconstructions",
  { "original", "VAE" })
save("samples", (vae:sample(80, { seed = 1, mean = true })), 16, "Drawn from the model")

-- Along the units that say most.
local shares, order = vae:kl_per_unit(test:block(1, 2000)), {}
for j = 1, #shares do order[j] = j end
table.sort(order, function(a, b) return shares[a] > shares[b] end)
local units, names = { table.unpack(order, 1, 6) }, {}
for k, j in ipairs(units) do names[k] = ("z%d"):format(j) end
save("traversal", (vae:traverse { units = units, count = 11, z = vae:transform(shown:block(1, 1)) }), 11,
  "Along the six units with the largest KL", names)
