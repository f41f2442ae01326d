-- Densities compared on images that they have not seen: probabilistic PCA beside mixtures of Gaussians.
--
--   lua5.4 scripts/ppca_held_out.lua [--help]
--
-- 1797 digits of 64 pixels, 5-fold cross-validation. Each model is a density, so held-out log-likelihoods compare them
-- whatever their kind: PPCA of M dimensions, which lies between the spherical Gaussian (M = 0) and the one with full
-- covariance, and mixtures of K spherical or diagonal Gaussians. A little noise is added to the pixels, of which some
-- are always 0 and would make densities infinite. Ends in a picture: nats an image against free parameters.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local plot = latent.plot

local digits, labels = latent.datasets.digits()
local X = digits + latent.random(options.seed):normal(digits.rows, digits.cols) * 0.5

local folds = {}
for train, test in latent.folds(#X, 5, { seed = options.seed, labels = labels }) do
  folds[#folds + 1] = { X:rows_at(train), X:rows_at(test) }
end

local function validate(make)
  local learnt, held_out, parameters = 0, 0, nil
  for _, fold in ipairs(folds) do
    local model = make():fit(fold[1])
    learnt, held_out = learnt + model:score(fold[1]) / #folds, held_out + model:log_likelihood(fold[2]):sum() / #X
    parameters = model:free_parameters()
  end
  return parameters, learnt, held_out
end

-- ---- numbers --------------------------------------------------------------------------------------

local families = {
  { "PPCA", "M", { 0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 63 }, function(M)
    return latent.ppca { latent_dim = M }
  end },
  { "spherical Gaussians", "K", { 1, 2, 4, 8, 16, 32, 64 }, function(K)
    return latent.gmm { components = K, covariance = "spherical", seed = options.seed }
  end },
  { "diagonal Gaussians", "K", { 1, 2, 4, 8, 16, 32 }, function(K)
    return latent.gmm { components = K, covariance = "diag", seed = options.seed }
  end },
}

print "                              parameters   learnt from   held out   (nats an image)"
local figure = plot.figure { title = "Digits that were not seen", xlabel = "free parameters",
  ylabel = "log-likelihood (nats an image)", logx = true, width = 820 }
local best
for color, family in ipairs(families) do
  local x, y = {}, {}
  for i, size in ipairs(family[3]) do
    local parameters, learnt, held_out = validate(function() return family[4](size) end)
    printf("%-20s %s = %2d   %10d   %11.3f   %8.3f", family[1], family[2], size, parameters, learnt, held_out)
    x[i], y[i] = parameters, held_out
    if not best or held_out > best.held_out then
      best = { name = ("%s, %s = %d"):format(family[1], family[2], size), held_out = held_out }
    end
  end
  figure:line(x, y, { label = family[1], color = color }):points(x, y, { color = color, size = 0.7 })
end
local parameters, learnt, held_out = validate(function() return latent.gmm { components = 1, covariance = "full" } end)
printf("%-20s          %10d   %11.3f   %8.3f", "the full Gaussian", parameters, learnt, held_out)
printf("\nBest on images that were not seen: %s, %.3f nats", best.name, best.held_out)

-- ---- the picture ------------------------------------------------------------------------------------

save("held_out", figure)
