-- Mixtures of probabilistic PCA on curved manifolds: many small planes follow what one plane can't.
--
--   lua5.4 scripts/mppca_spiral.lua [--help]
--
-- A noisy spiral in the plane (Tipping, Bishop, Neural Computation 11, 1999, figure 3): the picture has each
-- component's line, two standard deviations to either side; the numbers say how well points that weren't learnt from
-- are predicted, and how near to the noiseless curve their local projections put them. Then a closed curve in twelve
-- dimensions, where full covariances would take more points than there are.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

-- ---- the spiral ---------------------------------------------------------------------------

local NOISE = 0.15

-- N points of a spiral, evenly along it, without and with noise.
local function spiral(N, seed)
  local rng = latent.random(seed)
  local curve = matrix.zeros(N, 2)
  for i = 1, N do
    local t = math.pi * math.sqrt(0.25 + 12 * rng:uniform())
    curve[i][1], curve[i][2] = t * math.cos(t) / 2, t * math.sin(t) / 2
  end
  return curve, curve + matrix.normal(N, 2, rng) * NOISE
end

local _, X = spiral(800, options.seed)
local truth, test = spiral(2000, options.seed + 1)

local function off(model)
  local d = model:reconstruct(test) - truth
  return math.sqrt((d % d):sum(2):mean())
end

printf("A spiral of %d points with noise of deviation %.2f, and %d others to predict", X.rows, NOISE, test.rows)
print "\n     K   nats a row: learnt from    predicted   spherical   off the curve"
local models, predicted, spherical = {}, {}, {}
local sizes = { 1, 2, 4, 6, 8, 12, 16, 24, 32 }
for n, K in ipairs(sizes) do
  local model = latent.mppca { components = K, latent_dim = 1, restarts = 5, seed = options.seed }:fit(X)
  local round = latent.mppca { components = K, latent_dim = 0, restarts = 5, seed = options.seed }:fit(X)
  models[K] = model
  predicted[n], spherical[n] = model:score(test), round:score(test)
  printf("%6d   %23.3f   %10.3f   %9.3f   %13.3f", K, model:score(X), predicted[n], spherical[n], off(model))
end

local model = models[16]
local labels, z = model:predict(X), model:transform(X)
local figure = plot.figure { title = "A mixture of 16 one-dimensional PPCAs", equal = true, key = false, width = 560,
  height = 560, xlabel = "x_1", ylabel = "x_2" }
figure:points(X:col(1), X:col(2), { classes = labels, size = 0.4 })
for k = 1, 16 do
  local ends = model:inverse_transform({ { -2 }, { 2 } }, k)
  figure:line(ends:col(1), ends:col(2), { color = "#000000", width = 2 })
  figure:ellipse(model.means[k], model:covariance(k), { color = "#000000", width = 1 })
end
print ""
save("spiral", figure)

local curves = plot.figure { title = "Points of the spiral not learnt from", xlabel = "components",
  ylabel = "log-likelihood (nats a row)", width = 560, height = 380 }
curves:line(sizes, predicted, { label = "PPCA, M = 1", width = 2 })
curves:line(sizes, spherical, { label = "spherical Gaussians", width = 2 })
save("spiral_predicted", curves)

-- Along a component its latent variable is standard normal, as far as the piece of curve is one.
local at = {}
for i = 1, X.rows do if labels[i] == 8 then at[#at + 1] = i end end
printf("  %d points in component 8; their latent variables have mean %.2f and deviation %.2f", #at,
  z:rows_at(at):mean(), z:rows_at(at):std())

-- ---- a closed curve in twelve dimensions ----------------------------------------------------------

local D = 12
local function curve(N, seed)
  local rng, bends = latent.random(seed), latent.random(options.seed + 98)
  local frame = matrix.normal(D, D, bends):qr()
  local Y = matrix.zeros(N, D)
  for i = 1, N do
    local t = 2 * math.pi * rng:uniform()
    for j = 1, D, 2 do Y[i][j], Y[i][j + 1] = math.cos((j + 1) / 2 * t) / j, math.sin((j + 1) / 2 * t) / j end
  end
  return Y * frame * 4 + matrix.normal(N, D, rng) * 0.1
end

local learnt, unseen = curve(400, options.seed + 2), curve(4000, options.seed + 3)
printf("\nA closed curve in %d dimensions: %d points to learn from, %d to predict (nats a row)", D, learnt.rows,
  unseen.rows)
print "\n     K   PPCA, M = 1 (parameters)   full (parameters)   diagonal (parameters)"
local best = { -math.huge, -math.huge, -math.huge }
for _, K in ipairs { 1, 4, 8, 12, 16, 24, 32 } do
  local row = { K }
  for n, m in ipairs { latent.mppca { components = K, latent_dim = 1, restarts = 5, seed = options.seed },
    latent.gmm { components = K, restarts = 5, regularization = 1e-5, seed = options.seed },
    latent.gmm { components = K, restarts = 5, covariance = "diag", seed = options.seed } } do
    m:fit(learnt)
    local score = m:score(unseen)
    best[n] = math.max(best[n], score)
    row[#row + 1], row[#row + 2] = score, m:free_parameters()
  end
  printf("%6d   %11.3f (%4d)         %9.3f (%4d)   %12.3f (%4d)", table.unpack(row))
end
assert(best[1] > best[2] and best[1] > best[3])
