-- Mixtures of probabilistic PCA on handwritten digits: kinds of images, each with its own ways to vary.
--
--   lua5.4 scripts/mppca_digits.lua [--help]
--
-- 1797 images of 8 x 8 pixels. A component has a mean image and a few directions in which its images differ: slant,
-- width, loops. How well images that weren't learnt from are predicted, which digit a component is, and what images
-- are where 30 % of their pixels are missing (Ghahramani, Hinton 1996; Tipping, Bishop 1999).

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "iterations", 1000, "of EM, at most", short = 12 },
}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local X, labels = latent.datasets.digits()
local training, test = {}, {}
for i = 1, X.rows do table.insert(i % 4 == 0 and test or training, i) end
local known, unseen = X:rows_at(training), X:rows_at(test)

-- What all fits have in common.
local function em(kind)
  kind.seed, kind.tolerance, kind.max_iterations = kind.seed or options.seed, 1e-6, options.iterations
  return kind
end

-- ---- which model predicts best? -----------------------------------------------------------

printf("%d images to learn from, %d to be predicted (nats an image)", known.rows, unseen.rows)
print "\nmodel                           parameters   learnt from   predicted"
local function show(name, m)
  m:fit(known)
  printf("%-30s %11d %13.2f %11.2f", name, m:free_parameters(), m:score(known), m:score(unseen))
  return m:score(unseen)
end
local scores = {}
for _, M in ipairs { 10, 20, 30 } do
  scores[#scores + 1] = show(("PPCA, M = %d"):format(M), latent.ppca { latent_dim = M })
end
show("10 spherical Gaussians", latent.mppca { components = 10, latent_dim = 0, seed = options.seed })
local best
for _, size in ipairs { { 10, 4 }, { 10, 8 }, { 20, 8 }, { 30, 8 } } do
  local model = latent.mppca(em { components = size[1], latent_dim = size[2] })
  local score = show(("%d PPCAs, M = %d"):format(size[1], size[2]), model)
  if not best or score > best then best = score end
end
assert(best > math.max(table.unpack(scores)))
print "\nPixels at the borders hardly vary; a noise variance for each makes use of that:"
for _, size in ipairs { { 1, 10 }, { 10, 8 }, { 20, 8 } } do
  show(("%d factor analyser%s, M = %d"):format(size[1], size[1] > 1 and "s" or "", size[2]), latent.mppca(em {
    components = size[1], latent_dim = size[2], noise = "diagonal", regularization = 0.05 }))
end
show("10 full Gaussians", latent.gmm(em { components = 10, regularization = 0.05 }))

-- ---- components, and how their images vary -------------------------------------------------

local model = latent.mppca(em { components = 10, latent_dim = 4, restarts = 3, seed = options.seed + 1 }):fit(known)
local counts, components = matrix.zeros(10, 10), model:predict(X)
for i = 1, X.rows do
  local k, digit = components[i] // 1, labels[i] // 1 + 1
  counts[k][digit] = counts(k, digit) + 1
end
local right, rows, titles = 0, {}, {}
for _, i in ipairs(test) do
  if counts[components[i] // 1]:argmax() - 1 == labels[i] then right = right + 1 end
end
printf("\nNamed after its most frequent digit, the component of an unseen image is right in %.1f%% of cases.",
  100 * right / #test)
for k = 1, 10 do
  local ways = matrix(6, 4, function(i, j) return (i + 1) // 2 == j and 4 * ((i + 1) % 2) - 2 or 0 end)
  rows[2 * k - 1] = matrix { model.means[k]:table() }
  rows[2 * k] = model:inverse_transform(ways, k)
  titles[k] = ("mostly %d"):format(counts[k]:argmax() - 1)
end
save("digits", plot.images(matrix.vstack(rows), { columns = 7, palette = "ink", rows = titles, range = { 0, 16 },
  zoom = 8, titles = { "mean", "-2 z_1", "+2 z_1", "-2 z_2", "+2 z_2", "-2 z_3", "+2 z_3" },
  title = "Ten PPCAs: means, and two deviations along local axes" }))

-- ---- missing pixels ------------------------------------------------------------------------------

local rng, gaps = latent.random(options.seed + 2), unseen:copy()
for i = 1, gaps.rows do
  for j = 1, 64 do if rng:uniform() < 0.3 then gaps[i][j] = 0 / 0 end end
end
local missing = gaps:isnan()
local count = missing:sum()
local function error_of(filled)
  local d = (filled - unseen) % missing
  return math.sqrt((d % d):sum() / count)
end
print "\n30 % of the pixels of unseen images missing: root mean squared error of what is put there (pixels are 0 to 16)"
local ppca = latent.ppca { latent_dim = 20 }:fit(known)
local mixture = latent.mppca(em { components = 20, latent_dim = 8 }):fit(known)
local means = gaps:copy()
for i = 1, gaps.rows do
  for j = 1, 64 do if missing(i, j) == 1 then means[i][j] = known:col(j):mean() end end
end
local filled, variance = mixture:impute(gaps, { variance = true })
printf("  the pixel's mean %.3f, one PPCA (M = 20) %.3f, 20 PPCAs (M = 8) %.3f (which expects %.3f)", error_of(means),
  error_of(ppca:impute(gaps)), error_of(filled), math.sqrt(variance:sum() / count))
assert(error_of(filled) < error_of(ppca:impute(gaps)))

-- the same from images that all have gaps: EM with missing entries
local thin = known:copy()
for i = 1, thin.rows do
  for j = 1, 64 do if rng:uniform() < 0.3 then thin[i][j] = 0 / 0 end end
end
local learnt = latent.mppca(em { components = 20, latent_dim = 8 })
learnt:fit(thin, { missing = true })
printf("  learnt from images with as many gaps, in %d iterations: %.3f", learnt.iterations,
  error_of(learnt:impute(gaps)))

local shown = {}
for n = 1, 10 do shown[n] = 40 * n end
local masked = gaps:rows_at(shown)
for i = 1, 10 do
  for j = 1, 64 do if masked(i, j) ~= masked(i, j) then masked[i][j] = 8 end end
end
save("digits_missing", plot.images(matrix.vstack { unseen:rows_at(shown), masked, filled:rows_at(shown) },
  { columns = 10, palette = "ink", range = { 0, 16 }, rows = { "image", "masked", "imputed" } }))
