-- Handwritten digits with 30 % of the pixels missing: probabilistic PCA fits what is there, and fills in the rest.
--
--   lua5.4 scripts/ppca_missing.lua [--help]
--
-- 1797 images of 8 x 8 pixels lose each pixel with probability 0.3. EM uses each row's own observed pixels; on images
-- it has not seen, what was hidden can be compared with what the model thinks of it: conditional means, with errors
-- that it also predicts. Ends in a picture: original, masked, and filled in.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local X, labels = latent.datasets.digits()
local uniform = matrix.random(X.rows, X.cols, latent.random(options.seed))
local gone = uniform:lt(0.3)
local masked = matrix(X.rows, X.cols, function(i, j) return gone(i, j) == 1 and 0 / 0 or X(i, j) end)
local fitted, held = masked:block(1, 1200, 1, X.cols), masked:block(1201, X.rows, 1, X.cols)
local truth, hidden = X:block(1201, X.rows, 1, X.cols), gone:block(1201, X.rows, 1, X.cols)
local count = hidden:sum()
printf("%d digits of %d pixels, %.1f%% of which are missing", X.rows, X.cols, 100 * gone:mean())
printf("fitted to %d of them; what follows is about the other %d", fitted.rows, held.rows)

-- The root of the mean squared error over the pixels that were hidden.
local function error_of(Y)
  local difference = (Y - truth) % hidden
  return math.sqrt((difference % difference):sum() / count), difference
end

-- ---- numbers ------------------------------------------------------------------------------------

local gaps = { missing = true }
print "\n   M   iterations   log-likelihood   error of what was hidden   predicted   within one deviation"
local best, means
for _, M in ipairs { 0, 2, 5, 10, 15, 20, 30 } do
  local p = latent.ppca { latent_dim = M, accelerate = true, tolerance = 1e-7 }:fit(fitted, gaps)
  local Y, V = p:impute(held, { variance = true })
  local score, deviation, difference = p:score(held, gaps), error_of(Y)
  local within = ((difference % difference):le(V) % hidden):sum() / count
  printf("%4d   %10d   %14.3f   %24.3f   %9.3f   %19.0f%%", M, p.iterations, score, deviation,
    math.sqrt(V:sum() / count), 100 * within)
  means = means or p
  if not best or deviation < best.deviation then best = { M = M, model = p, deviation = deviation } end
end
print "(log-likelihood in nats an image; errors in shades of 0 to 16; a Gaussian has 68% within)"
printf("\nWith M = %d the error is %.3f, that of the pixels' means is %.3f.", best.M, best.deviation,
  (error_of(means:impute(held))))
print "The likelihood goes on growing: the same noise for all pixels is too much for those that are always 0."

-- ---- the picture ----------------------------------------------------------------------------------

local first = {}
for i = X.rows, 1201, -1 do first[labels[i] // 1 + 1] = i end

local gapped = masked:rows_at(first)
local bands = matrix.vstack { X:rows_at(first), gapped, best.model:impute(gapped), means:impute(gapped) }
local figure = plot.images(bands, { rows = { "original", "masked", "PPCA", "means" }, range = { 0, 16 },
  palette = "viridis", title = "Digits with 30 % of the pixels missing, filled in by PPCA with M = " .. best.M })
save("missing", figure)
