-- Approaches to generative modelling side by side: VAE, GAN, flow, diffusion and flow matching, on the same data.
--
--   lua5.4 scripts/four_approaches.lua [--help]
--
-- All of them make a row x from noise z, and differ in what they can say of x:
--
--   VAE             x = decoder(z) + noise; a bound of log p(x)
--   GAN             x = G(z), by a critic's judgement; no density at all
--   flow            x = f^-1(z), f invertible; log p(x) itself
--   diffusion       z is x after many small steps of noise, each of which is undone; a bound of log p(x)
--   flow matching   dx/dt = v(x, t) from z to x; log p(x) by an integral along the path
--
-- The table has, for rows that no model has seen: -log p(x), or its upper bound, in nats a row; the energy distance of
-- as many draws (0: the same distribution; "data" is that of two samples of the data); modes, the classes of the data
-- (moons, clusters, arms, digits) that draws reach: those that are the nearest row's class for at least a quarter of
-- the share of draws that the class has of the data; and seconds of training, and of 10,000 draws. All takes about ten
-- minutes on two cores.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "scale", 1.0, "multiplies the number of training steps", short = 0.02 },
  positional = { "output", "scale" },
}

local latent = require "latent"
local matrix, datasets, metrics = latent.matrix, latent.datasets, latent.metrics

local scale, seed = options.scale, options.seed
local TRAIN, TEST, DRAWS, BATCH = 20000, 2000, 10000, 256

-- ---- data --------------------------------------------------------------------------------------

-- Grey levels 0 to 16 with uniform noise added: a density of 64 numbers, each in [0, 1].
local function digits()
  local X, labels = datasets.digits()
  local random = latent.random(seed)
  X = (X + random:uniform(#X, X.cols)) * (1 / 17)
  local order = random:permutation(#X)
  return X:rows_at(order), labels:rows_at(order)
end

local sets = {
  { name = "two moons", classes = 2, half = 2.6, entropy = 1.320, make = function(n, k)
    return datasets.moons(n, { noise = 0.06, standardize = true, seed = k })
  end },
  { name = "eight Gaussians", classes = 8, half = 1.5, entropy = 0.312, make = function(n, k)
    return datasets.eight_gaussians(n, { noise = 0.1, seed = k })
  end },
  { name = "pinwheel", classes = 5, half = 2.4, make = function(n, k)
    return datasets.pinwheel(n, { seed = k })
  end },
  { name = "digits", classes = 10, image = true },
}
for _, set in ipairs(sets) do
  if set.image then
    local X, labels = digits()
    set.train, set.test, set.labels = X:block(1, 1400), X:block(1401, #X), labels:block(1401, #X)
    set.other = set.train:block(1, #set.test)
  else
    set.train = set.make(TRAIN, seed)
    set.test, set.labels = set.make(TEST, seed + 1)
    set.other = set.make(TEST, seed + 2)
  end
end

-- ---- models ------------------------------------------------------------------------------------

-- Steps of batches of 256 rows, of the points and of the digits.
local approaches = {
  { name = "VAE", points = 6000, digits = 4000, rate = 5e-3, make = function(set)
    return latent.vae { input_dim = set.train.cols, latent_dim = set.image and 16 or 2, hidden = { 128, 128 },
      likelihood = "gaussian", variance = "pixel", activation = "silu", kl_warm_up = 2000 * scale, seed = seed }
  end },
  { name = "GAN", points = 6000, digits = 4000, make = function(set)
    return latent.gan { input_dim = set.train.cols, hidden = { 128, 128 }, latent_dim = set.image and 32 or 2,
      seed = seed }
  end },
  { name = "flow", points = 4000, digits = 1200, make = function(set)
    return latent.flow { input_dim = set.train.cols, kind = set.image and "maf" or "nsf", clip = 5, seed = seed }
  end },
  { name = "diffusion", points = 8000, digits = 4000, make = function(set)
    return latent.diffusion { input_dim = set.train.cols, hidden = set.image and { 256, 256, 256 } or nil, seed = seed }
  end },
  { name = "flow matching", points = 8000, digits = 4000, make = function(set)
    return latent.flow_matching { input_dim = set.train.cols, hidden = set.image and { 256, 256, 256 } or nil,
      coupling = "ot", seed = seed }
  end },
}

-- The learning rate falls to 0 along a cosine.
local function train(approach, set)
  local steps = math.max(1, math.floor(scale * (set.image and approach.digits or approach.points)))
  local model = approach.make(set)
  local t = latent.clock()
  local batches = math.ceil(#set.train / BATCH)
  local function rate(step)
    return (approach.rate or 1e-3) * (0.5 + 0.5 * math.cos(math.pi * math.min(1, step / steps))) + 1e-6
  end
  model:fit(set.train, { epochs = math.max(1, steps // batches), batch = BATCH, learning_rate = rate })
  return model, latent.clock() - t
end

-- ---- measures ----------------------------------------------------------------------------------

-- How many classes draws X reach: the class of each draw is that of the nearest row of data.
local function modes(X, set)
  local data, counts, shares = set.test, {}, {}
  local squares = data:square():sum(2)
  for first = 1, #X, 1000 do
    local some = X:block(first, math.min(first + 999, #X))
    local place = (squares - 2 * some:matmul(data:t())):argmin(2)
    for i = 1, #some do
      local class = set.labels[place[i]]
      counts[class] = (counts[class] or 0) + 1 / #X
    end
  end
  for i = 1, #data do shares[set.labels[i]] = (shares[set.labels[i]] or 0) + 1 / #data end
  local covered = 0
  for class, share in pairs(shares) do covered = covered + ((counts[class] or 0) >= share / 4 and 1 or 0) end
  return covered
end

-- -log p of the rows of the test, or its bound, with what it is; a GAN has neither.
local function surprise(model, X)
  local function has(method) return (pcall(function() return model[method] end)) end
  if has "elbo" then return -model:elbo(X):mean(), "at most" end
  if has "log_likelihood" then return -model:score(X), "" end
end

-- ---- pictures ----------------------------------------------------------------------------------

local N = 64

-- How many of the rows fall into each of N x N cells; or 36 digits.
local function picture(X, set)
  local cells = matrix.zeros(N, N)
  if set.image then
    for k = 0, 35 do
      local digit = X:row(k + 1):copy():reshape(8, 8):clamp(0, 1)
      local row, col = k // 6 * 10 + 4, k % 6 * 10 + 4
      cells:block(row, row + 7, col, col + 7):assign(digit)
    end
    return cells:reshape(1, N * N)
  end
  for i = 1, math.min(#X, DRAWS) do
    local row = math.floor((set.half - X(i, 2)) / (2 * set.half) * N) + 1
    local col = math.floor((X(i, 1) + set.half) / (2 * set.half) * N) + 1
    if row >= 1 and row <= N and col >= 1 and col <= N then cells[row][col] = cells(row, col) + 1 end
  end
  return (cells * (1 / cells:max())):sqrt():reshape(1, N * N)
end

-- ---- all of it ---------------------------------------------------------------------------------

local images, rows, titles = {}, {}, {}
local function show(name, k, X, set)
  images[k] = images[k] or {}
  images[k][#images[k] + 1] = picture(X, set)
  rows[k] = name
end

for _, set in ipairs(sets) do
  titles[#titles + 1] = set.name
  printf("%s%s", set.name, set.entropy and (", of entropy %.3f nats"):format(set.entropy) or "")
  print "                 -log p(x)   energy distance   modes   training   draws"
  printf("  %-12s %11s %17.4f %4d/%-2d", "data", "", metrics.energy_distance(set.test, set.other),
    modes(set.other, set), set.classes)
  show("data", 1, set.image and set.train or set.make(DRAWS, seed + 3), set)
  for k, approach in ipairs(approaches) do
    local model, seconds = train(approach, set)
    local t = latent.clock()
    local draws = model:sample(DRAWS, { seed = seed })
    local drawing = latent.clock() - t
    local nats, kind = surprise(model, set.test)
    printf("  %-13s %10s %17.4f %4d/%-2d %8.1f s %5.2f s", approach.name,
      nats and ("%s%.3f"):format(kind == "at most" and "<= " or "", nats) or "none",
      metrics.energy_distance(draws:block(1, #set.test), set.test), modes(draws, set), set.classes, seconds, drawing)
    show(approach.name, k + 1, draws, set)
  end
  print ""
end

local all = {}
for k = 1, #images do
  for _, image in ipairs(images[k]) do all[#all + 1] = image end
end
save("samples", latent.plot.images(matrix.vstack(all), { shape = { N, N }, columns = #sets, rows = rows,
  titles = titles, scale = "each", palette = "ink", zoom = 2, title = "10,000 draws of each approach" }))
