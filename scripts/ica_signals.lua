-- Unmixing signals: independent component analysis.
--
--   lua5.4 scripts/ica_signals.lua [--help]
--
-- Three signals sound at once, three microphones each hear another mixture of them, and nobody knows the
-- mixing. PCA only decorrelates what they hear; ICA asks for independence, and finds the signals, but for
-- their order, signs and sizes. Prints how well, for every contrast, and draws sources, mixtures and estimates.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 2 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

-- ---- three signals of variance 1 with a little noise, and their mixtures -------------

local N = 2000
local rng = latent.random(options.seed)
local S = matrix(N, 3, function(i, j)
  local t = 8 * i / N
  local wave = j == 1 and math.sin(2 * t) or j == 2 and (math.sin(3 * t) > 0 and 1 or -1) or 2 * (t % 1) - 1
  return wave + 0.1 * rng:normal()
end)
S = (S - S:mean(1)) / S:std(1)
local A = matrix{ { 1, 1, 1 }, { 0.5, 2, 1 }, { 1.5, 1, 2 } }
local X = S * A:t()

-- ---- how far U A is from a scaled permutation: Amari's distance ---------------------------

local pca = latent.pca{ whiten = true }:fit(X)
local whitening = matrix.diag(pca.eigenvalues ^ -0.5) * pca.components:t()
printf("%d samples of three signals in three mixtures\n", N)
print "method               iterations   gradient   Amari distance   log-likelihood"
printf("%-18s %12s %10s %16.4f", "PCA, whitened", "", "", latent.metrics.amari_distance(whitening, A))
local best
for _, contrast in ipairs{ "logcosh", "exp", "cube" } do
  local ica = latent.ica{ contrast = contrast }:fit(X)
  best = best or ica
  printf("%-18s %12d %10.1e %16.4f %16.4f", "ICA, " .. contrast, ica.iterations, ica.gradient,
    latent.metrics.amari_distance(ica.unmixing, A), ica:score(X))
end
printf("\nexcess kurtosis of the sources found: %.2f, %.2f, %.2f (a Gaussian has 0): %s", best.kurtosis[1],
  best.kurtosis[2], best.kurtosis[3], best.identifiable and "they are identifiable" or "not identifiable")

-- ---- the picture -----------------------------------------------------------------------

-- Estimates are put beside the sources that they resemble, for the eye: correlations find which and the sign.
local estimates = best:transform(X)
local correlation = estimates:t() * S / N
local paired = matrix.zeros(N, 3)
for j = 1, 3 do
  local i = correlation:col(j):abs():argmax()
  for n = 1, N do paired[n][j] = (correlation(i, j) > 0 and 1 or -1) * estimates(n, i) end
  printf("source %d is estimate %d, with correlation %.4f", j, i, correlation(i, j))
end

local SHOWN, STEP = 1000, 4.5
local figure = plot.figure{ title = "Three signals, what three microphones hear, and what ICA makes of it",
  xlabel = "sample", width = 900, height = 720, axes = false, yrange = { -9.4 * STEP, 1.2 * STEP }, key = true }
local bands = { { "source", S, 1 }, { "mixture", (X - X:mean(1)) / X:std(1), 8 }, { "estimate", paired, 3 } }
local time, place = matrix.range(1, SHOWN), 0
for _, band in ipairs(bands) do
  local name, Y, color = table.unpack(band)
  for j = 1, 3 do
    figure:line(time, Y:block(1, SHOWN, j, j) - place * STEP,
      { color = color, width = 1.2, label = j == 1 and name .. "s" or nil })
    place = place + 1
  end
  place = place + 0.25
end

print "\npictures:"
save("signals", figure)
