-- Bayesian PCA finds the number of latent dimensions: Hinton diagrams of W.
--
--   lua5.4 scripts/bpca_hinton.lua [--help]
--
-- 300 points in 10 dimensions, with a standard deviation of 1 in three directions and of 0.5 in the other seven
-- (Bishop, Bayesian PCA, NIPS 11, 1999; Pattern Recognition and Machine Learning, figure 12.14). Maximum likelihood
-- uses all nine columns of W that it is given; the evidence switches six of them off. Then, how that goes step by step,
-- what becomes of it with fewer points and with missing entries, and how many dimensions handwritten digits have.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 3 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

-- Rows of that distribution, three columns of it wide.
local function draw(n, seed)
  return latent.random(seed):normal(n, 10) % matrix(1, 10, function(_, j) return j <= 3 and 1 or 0.5 end)
end

-- ---- the classical figure ---------------------------------------------------------------------------

local X = draw(300, options.seed)
local likelihood = latent.ppca { latent_dim = 9 }:fit(X)
local bayes = latent.bpca():fit(X)
local best = latent.bpca { method = "closed_form" }:fit(X)
local eigenvalues = latent.pca():fit(X).eigenvalues

print "300 points in 10 dimensions, three of them with a deviation of 1, seven with 0.5\n"
print "column   eigenvalue   |w|, likelihood   |w|, Bayes        alpha"
for i = 1, 9 do
  printf("%6d   %10.4f   %15.4f   %10.4f   %10.4g", i, eigenvalues[i], likelihood.W:col(i):norm(),
    bayes.W:col(i):norm(), bayes.alpha[i])
end
printf("\nEffective dimension %d after %d iterations; noise variance %.4f (truth 0.25), by likelihood %.4f",
  bayes.effective_dimension, bayes.iterations, bayes.noise_variance, likelihood.noise_variance)
printf("Bound on the log evidence: %.6f nats a point; the greatest there is (closed form): %.6f",
  bayes.history[#bayes.history], best.history[1])

-- ---- step by step -------------------------------------------------------------------------------------

print "\niteration        bound   columns on"
local steps = latent.bpca()
for i, bound in steps:steps(X) do
  if i <= 10 or i % 5 == 0 then printf("%9d   %10.6f   %10d", i, bound, steps.effective_dimension) end
end

-- ---- fewer points, and missing entries --------------------------------------------------------------------

print "\nHow often 1, 2, 3, ... columns are on in 20 samples of N points (closed form):"
print "     N   0 1 2 3 4 5"
for _, n in ipairs { 10, 20, 30, 50, 100, 200, 300, 1000, 10000 } do
  local counts = { [0] = 0, 0, 0, 0, 0, 0 }
  for sample = 1, 20 do
    local m = latent.bpca { method = "closed_form" }:fit(draw(n, options.seed + sample)).effective_dimension
    counts[m] = counts[m] + 1
  end
  printf("%6d   %s", n, table.concat({ counts[0], table.unpack(counts) }, " "))
end

print "\nmissing   columns on   noise variance"
local uniform = matrix.random(300, 10, latent.random(options.seed))
for _, share in ipairs { 0, 0.1, 0.3, 0.5 } do
  local gaps = matrix(300, 10, function(i, j) return uniform(i, j) < share and 0 / 0 or X(i, j) end)
  local b = latent.bpca():fit(gaps, { missing = true })
  printf("%6.0f%%   %10d   %14.4f", 100 * share, b.effective_dimension, b.noise_variance)
end

-- ---- digits -------------------------------------------------------------------------------------------------

print "\nHandwritten digits, 64 pixels: columns on, and nats an image for images that were not seen"
print "     N   columns on   Bayes       likelihood, M = 5, 20, 40"
local digits = latent.datasets.digits()
local unseen = digits:block(1201, 1797)
for _, n in ipairs { 50, 100, 200, 400, 1200 } do
  local some = digits:block(1, n)
  local b = latent.bpca { latent_dim = 45, method = "closed_form" }:fit(some)
  local line = ""
  for _, M in ipairs { 5, 20, 40 } do
    line = line .. ("   %8.2f"):format(latent.ppca { latent_dim = M }:fit(some):score(unseen))
  end
  printf("%6d   %10d   %9.2f  %s", n, b.effective_dimension, b:score(unseen), line)
end

-- ---- pictures -------------------------------------------------------------------------------------------------

print "\npictures:"
local largest = likelihood.W:abs():max()
local function hinton(model, title)
  return plot.figure { title = title, xlabel = "direction", ylabel = "column", width = 400, height = 430 }
    :hinton(model.W, { largest = largest })
end
local figure = plot.figure():panels { hinton(likelihood, "W of greatest likelihood"),
  hinton(bayes, "W of Bayesian PCA") }
save("hinton", figure)

local iterations, bounds = {}, {}
for i, bound in ipairs(bayes.history) do iterations[i], bounds[i] = i, bound end
save("bound", plot.figure { title = "The bound never decreases", xlabel = "iteration",
  ylabel = "bound on the log evidence (nats a point)", key = false }:line(iterations, bounds, { color = 1 })
  :points(iterations, bounds, { size = 0.6, color = 1 }))
