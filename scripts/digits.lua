-- The main job: principal components of handwritten digits.
--
--   make demo      or      lua5.4 scripts/digits.lua [--help]
--
-- 1797 images of 8 x 8 pixels are points in 64 dimensions. PCA finds the directions in which they
-- vary most, and equally those from which they can be rebuilt best: with M of them the mean squared
-- error J is the sum of the eigenvalues that were left out. Prints that, and draws three pictures.

local _, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

-- ---- numbers -----------------------------------------------------------------------

local X, labels = latent.datasets.digits() -- N x D, and N numbers 0..9
local scaler = latent.scaler {}:fit(X)
local Z = scaler:transform(X) -- every pixel with mean 0 and deviation 1; constant ones are 0

printf("%d handwritten digits of %d pixels, standardized", X.rows, X.cols)
print "\n   M   eigenvalue   variance   cumulative   error J   discarded eigenvalues"

local all = latent.pca { latent_dim = X.cols }:fit(Z)
local worst, kept = 0, {}
for _, M in ipairs { 1, 2, 5, 10, 20, 30, 40, 50, 64 } do
  local pca = latent.pca { latent_dim = M }:fit(Z)
  local difference = Z - pca:reconstruct(Z)
  local J = (difference % difference):sum() / Z.rows
  local discarded = 0
  for i = M + 1, X.cols do discarded = discarded + all.eigenvalues[i] end
  worst = math.max(worst, math.abs(J - discarded))
  printf("%4d   %10.4f   %7.2f%%   %9.2f%%   %7.4f   %21.4f", M, all.eigenvalues[M], 100 * all.explained_ratio[M],
    100 * all.explained_ratio:block(1, M):sum(), J, discarded)
  kept[M] = pca
end
printf("\nThe error and the discarded eigenvalues differ by %.1g at most: PCA keeps the most variance and,", worst)
print "by the same components, makes the least error."

-- ---- pictures ------------------------------------------------------------------------

-- One image of each digit, as it is and rebuilt from M components.
local first = {}
for i = X.rows, 1, -1 do first[labels[i] // 1 + 1] = i end

local bands, names = { X:rows_at(first) }, { "original" }
for _, M in ipairs { 2, 5, 10, 20, 40 } do
  local rebuilt = kept[M]:reconstruct(Z:rows_at(first))
  bands[#bands + 1] = scaler:inverse_transform(rebuilt)
  names[#names + 1] = "M = " .. M
end

local T = all:transform(Z)

print "\npictures:"
save("components", plot.figure { title = "Digits in the plane of their first two principal components",
  xlabel = "first component", ylabel = "second component", width = 640, height = 560, equal = true }
  :points(T:col(1), T:col(2), { classes = labels }))
save("reconstructions", plot.images(matrix.vstack(bands), { rows = names, range = { 0, 16 }, palette = "ink",
  title = "Digits rebuilt from M components" }))
save("eigendigits", plot.images(all.components:t():block(1, 20), { scale = "symmetric", palette = "diverging",
  title = "The first twenty eigen-digits" }))
