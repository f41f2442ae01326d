-- A conditional VAE on Fashion-MNIST: clothes of a kind that is asked for.
--
--   lua5.4 scripts/vae_fashion.lua [--help]
--
-- Encoder and decoder are told what an image shows, so the latent variables are left with how: the same z drawn as a
-- shirt, a bag or a boot keeps its brightness, width and cut. Images are binarized anew each time they are seen, so
-- that a Bernoulli likelihood is one.
--
-- Data: the four files of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), train-images-idx3-ubyte, train-labels-idx1-ubyte,
-- t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, compressed (.gz) or not, in the folder fashion-mnist of the folder
-- that LATENT_DATA names, or wherever --data says. They are in the folder data/fashion of
-- github.com/zalandoresearch/fashion-mnist. Other data of ten classes in this format will do as well.

local options, save, printf, need = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "data", (os.getenv "LATENT_DATA" or "data") .. "/fashion-mnist", "holds the data", value = "FOLDER" },
  { "epochs", 10, "passes over the data in training", short = 1 },
  { "kinds", "T-shirt,trousers,pullover,dress,coat,sandal,shirt,sneaker,bag,boot", "what the classes are",
    value = "WORDS" },
  positional = { "data", "epochs", "output" },
}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local function read(part)
  local X, labels, info = need(latent.datasets.mnist(options.data, { part = part }))
  return X, need(labels, options.data .. " has no labels"), info
end
local train, train_labels = read "train"
local test, test_labels, info = read "test"

-- ---- training ----------------------------------------------------------------------------------

local black = latent.batches(test, #test, { seed = 7, shuffle = false, binarize = "static" })()
local vae = latent.vae { input_dim = train.cols, latent_dim = 10, hidden = { 400, 200 }, classes = 10,
  seed = options.seed, learning_rate = 1e-3, kl_warm_up = 500 }
printf("%d images, %d parameters", #train, vae:free_parameters())
print "epoch   - bound, training   - bound, test      KL   seconds"
local start = latent.clock()
vae:fit(train, { epochs = options.epochs, batch = 128, labels = train_labels, validation = { black, test_labels },
  binarize = "dynamic", progress = true,
  on_epoch = function(model, epoch, loss, held)
    printf("%5d %19.2f %15.2f %7.2f %9.1f", epoch, loss, held, model.kl_history[epoch], latent.clock() - start)
  end })
local wrong = matrix(#test, 1, function(i) return (test_labels[i] + 1) % 10 end):col(1)
printf("bound on log p(x | label), test: %.2f nats an image; with wrong labels %.2f",
  vae:elbo(black, { labels = test_labels }):mean(), vae:elbo(black, { labels = wrong }):mean())

-- ---- pictures ------------------------------------------------------------------------------------

local function images(Y, columns, title, rows)
  return plot.images(Y, { columns = columns, title = title, rows = rows, range = { 0, 1 }, shape = info.shape,
    zoom = math.max(1, 56 // info.shape[1]) })
end

local kinds = {}
for kind in options.kinds:gmatch "[^,]+" do kinds[#kinds + 1] = kind end
local rows, Z = {}, matrix.normal(12, 10, latent.random(options.seed + 2))
for class = 0, 9 do rows[class + 1] = vae:decode(Z, { labels = class }) end
save("classes", images(matrix.vstack(rows), 12, "The same twelve z, as each kind", kinds))

local first = {}
for i = #test, 1, -1 do first[test_labels[i] // 1 + 1] = i end
local shown, shown_labels = test:rows_at(first), matrix.range(0, 9)
save("reconstructions", images(matrix.vstack { shown, vae:reconstruct(shown, { labels = shown_labels }) }, 10,
  "Test images and their reconstructions", { "original", "VAE" }))
