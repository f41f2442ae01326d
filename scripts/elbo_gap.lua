-- How tight is a VAE's bound? Against probabilistic PCA, whose likelihood is known exactly.
--
--   lua5.4 scripts/elbo_gap.lua [--help]
--
-- A VAE whose nets are linear is PPCA with a Gaussian q: at the optimum W's columns are orthogonal, the posterior's
-- covariance is diagonal, and the bound is the log-likelihood. While it learns, log p(x) = bound + KL(q(z|x) || p(z|x))
-- is checked with the exact log-likelihood of its present parameters, and the exact KL to their posterior.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "steps", 12000, "training steps, after which the bound is compared with the best" },
}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local N, D, M = 1000, 10, 3
local X = latent.datasets.low_rank(N, D, M, { noise = 0.5, seed = options.seed })
local ppca = latent.ppca { latent_dim = M }:fit(X)
local best = ppca:score(X)

-- The exact log p(x) of the VAE's decoder, and KL(q || p(z|x)), averaged over the rows.
local function exact(vae)
  local W, b = vae:parameters()["decoder.1.weight"]:to("float64"):t(), vae:parameters()["decoder.1.bias"]
  local _, variance = vae:decode(matrix.zeros(1, M), { variance = true })
  local s2, R = variance(1, 1), X - b:to("float64")[1]
  local C = W * W:t() + matrix.eye(D) * s2
  local likelihood = -0.5 * (((R * C:inverse()) % R):sum() / N + D * math.log(2 * math.pi) + C:logdet())
  local precision = matrix.eye(M) + W:t() * W / s2
  local centre = R * W * precision:inverse() / s2
  local mean, spread = vae:encode(X)
  local d, v = mean:to "float64" - centre, spread:to "float64"
  local kl = 0.5 * (((d * precision) % d):sum() + (v * precision:diag()):sum() - v:log():sum()) / N
    - 0.5 * (M + precision:logdet())
  return likelihood, kl
end

-- ---- numbers -----------------------------------------------------------------------------------

printf("PPCA's log-likelihood, the best there is: %.4f nats a row", best)
print "  steps      bound   + KL(q || p(z|x))         = log p(x), exact   sampled, K = 200   below PPCA"
local steps, bounds, likelihoods = {}, {}, {}
local total = options.steps
local vae = latent.vae { input_dim = D, latent_dim = M, hidden = {}, likelihood = "gaussian", seed = options.seed,
  learning_rate = 0.01, schedule = "cosine", schedule_steps = total }
local function look(step)
  local bound = vae:elbo(X, { samples = 100 }):mean()
  local likelihood, kl = exact(vae)
  steps[#steps + 1], bounds[#bounds + 1], likelihoods[#likelihoods + 1] = step, bound, likelihood
  printf("%7d %10.4f %15.4f %14.4f %12.4f %16.4f %14.4f", step, bound, kl, bound + kl, likelihood,
    vae:score(X, { samples = 200 }), best - bound)
  assert(math.abs(bound + kl - likelihood) < 0.1 + 0.002 * math.abs(bound), "bound + KL is not log p(x)")
end
local looks = {}
for _, step in ipairs { 1, 3, 10, 30, 100, 300, 1000, 3000, total } do looks[step] = true end
look(0)
for step in vae:steps(X, { batch = 100 }) do
  if looks[step] then look(step) end
  if step == total then break end
end
print [[
Sampling K points from q is a bound, too: while q is far from the posterior, as before the first step, 200 points are
few, and it lies below log p(x).]]
local gap = best - bounds[#bounds]
printf("\nThe bound is %.4f nats below PPCA's likelihood; at most 0.05 are allowed: %s", gap,
  gap < 0.05 and "ok" or "NO")

-- ---- the picture ---------------------------------------------------------------------------------

-- Logarithmic axes have no place for step 0: the curves begin after the first step.
local below, gaps, at = {}, {}, {}
for k = 2, #steps do
  at[k - 1], below[k - 1], gaps[k - 1] = steps[k], best - bounds[k], math.max(likelihoods[k] - bounds[k], 1e-4)
end
local figure = plot.figure { title = "A linear VAE becomes probabilistic PCA", xlabel = "steps", ylabel = "nats a row",
  logx = true, logy = true, width = 720, xrange = { 1, 20000 }, yrange = { 1e-3, 100 } }
figure:line(at, below, { label = "PPCA's log p(x) - bound" })
figure:line(at, gaps, { label = "log p(x) - bound = KL" })
figure:hline(0.05, { label = "0.05" })
save("gap", figure)
