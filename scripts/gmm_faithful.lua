-- Old Faithful: how EM finds two Gaussians, iteration by iteration.
--
--   lua5.4 scripts/gmm_faithful.lua [--help]
--
-- 272 eruptions of a geyser: how long one took, and how long the next let wait for it. EM starts
-- with two wide Gaussians beside the data (Bishop, Pattern Recognition and Machine Learning, figure
-- 9.8); the E-step colours each point by its responsibilities, the M-step moves the ellipses.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local faithful = latent.datasets.faithful()
local X = latent.scaler():fit(faithful):transform(faithful)

-- ---- the ellipses of one fit at several iterations --------------------------------------

local function picture(model, iteration)
  local figure = plot.figure { title = ("After %d iteration%s"):format(iteration, iteration == 1 and "" or "s"),
    xlabel = "eruption (standardized)", ylabel = "waiting (standardized)",
    xrange = { -2.6, 2.6 }, yrange = { -2.6, 2.6 }, equal = true, key = false, width = 480 }
  figure:points(X:col(1), X:col(2), { classes = model:predict(X), size = 0.5 })
  figure:ellipses(model.means, model.covariances, { classes = true })
  save(("iteration_%02d"):format(iteration), figure)
end

local start = { means = { { -1.5, 1 }, { 1.5, -1 } },
  covariances = { matrix.eye(2) * 0.3, matrix.eye(2) * 0.3 } }
local model = latent.gmm { init = start, tolerance = 1e-12 }
local shown = { [1] = true, [2] = true, [5] = true }

print "iteration   log-likelihood at its begin"
for i, objective in model:steps(X) do
  if shown[i] then
    printf("%9d   %.6f", i, objective * X.rows)
    picture(model, i)
  end
end
printf("%9d   %.6f, converged", model.iterations, model.history[#model.history] * X.rows)
picture(model, model.iterations)
print ""

-- ---- the bound ------------------------------------------------------------------------------

-- Any responsibilities q give a lower bound of the log-likelihood; the gap is KL(q || p(k | x)).
print "q                          bound          KL         sum"
local L = model:log_likelihood(X):sum()
for _, case in ipairs { { "1/2 for both", matrix(X.rows, 2, 0.5) },
  { "the most probable only", matrix(X.rows, 2, function(i, k) return model:predict(X[i]) == k and 1 or 0 end) },
  { "p(k | x)", model:responsibilities(X) } } do
  local bound, kl = model:elbo(X, case[2])
  printf("%-22s %9.4f   %9.4f   %9.4f", case[1], bound:sum(), kl:sum(), bound:sum() + kl:sum())
  assert(math.abs(bound:sum() + kl:sum() - L) < 1e-8)
end

-- ---- how many, and of which kind -----------------------------------------------------------

print ""
print(latent.gmm_select(faithful, { components = { 1, 2, 3, 4 }, restarts = 5, tolerance = 1e-10,
  seed = options.seed }))
local minutes = latent.gmm { components = 2, seed = options.seed }:fit(faithful):conditional({ { 2 }, { 4.5 } }, { 1 })
printf("\nAfter an eruption of 2 minutes wait %.0f +- %.0f minutes, after one of 4.5 minutes %.0f +- %.0f.",
  minutes.mean(1, 1), math.sqrt(minutes.variance(1, 1)), minutes.mean(2, 1), math.sqrt(minutes.variance(2, 1)))
