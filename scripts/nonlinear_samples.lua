-- Why a latent variable model needs an encoder: how many draws from the prior it takes as dimensions grow.
--
--   lua5.4 scripts/nonlinear_samples.lua [--help]
--
-- p(x) = E[p(x | z)] over the prior, and for a linear model it is known exactly. So the error of
-- log 1/K sum_k p(x | z_k) can be seen: it needs K draws for some to come near x, and that K grows exponentially with
-- the number of latent variables. Draws from a posterior, which is what an encoder gives: a handful is enough.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 0 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local D, sigma = 16, 0.3
local dims, draws = { 1, 2, 3, 4, 6, 8 }, { 10, 100, 1000, 10000, 100000 }

-- A linear VAE with PPCA's parameters; its encoder is the exact posterior's best diagonal one. W's columns are
-- orthogonal, so that is the posterior itself.
local function model_of(ppca, M)
  local vae = latent.vae { input_dim = D, latent_dim = M, hidden = {}, likelihood = "gaussian", dtype = "float64",
    sigma = math.sqrt(ppca.noise_variance) }
  local P, W = vae:parameters(), ppca.W
  local S = (matrix.eye(M) + W:t() * W / ppca.noise_variance):inverse()
  local G = W * S / ppca.noise_variance -- D x M: the posterior's mean is (x - mean) G
  local offset = ppca.mean * G
  for j = 1, M do
    for i = 1, D do
      P["decoder.1.weight"]:set(j, i, W(i, j))
      P["encoder.1.weight"]:set(i, j, G(i, j))
      P["encoder.1.weight"]:set(i, M + j, 0)
    end
    P["encoder.1.bias"]:set(1, j, -offset[j])
    P["encoder.1.bias"]:set(1, M + j, math.log(S(j, j)))
  end
  for i = 1, D do P["decoder.1.bias"]:set(1, i, ppca.mean[i]) end
  return vae
end

-- ---- numbers -----------------------------------------------------------------------------------

printf("How far below the exact log p(x) the estimate is, in nats a row, of %d columns with noise %.1f:\n", D, sigma)
printf("latent variables   K = %s   from q(z|x), K = 10", table.concat(draws, "   "))
local gaps = {}
for k, M in ipairs(dims) do
  local X = latent.datasets.low_rank(200, D, M, { noise = sigma, seed = options.seed + M })
  local ppca = latent.ppca { latent_dim = M }:fit(X)
  local exact, vae = ppca:log_likelihood(X), model_of(ppca, M)
  local cells = {}
  gaps[k] = {}
  for c, K in ipairs(draws) do
    local estimate = vae:log_likelihood(X, { samples = K, method = "prior" })
    gaps[k][c] = (exact - estimate):mean()
    cells[c] = ("%8.2f"):format(gaps[k][c])
  end
  local informed = (exact - vae:log_likelihood(X, { samples = 10 })):mean()
  printf("%8d          %s   %12.4f", M, table.concat(cells, " "), informed)
end
print "\nEach latent variable multiplies the K that is needed; draws from the posterior need ten, whatever M is."

-- ---- the picture ---------------------------------------------------------------------------------

local figure = plot.figure { title = "Estimating log p(x) by draws from the prior", logx = true, logy = true,
  xlabel = "draws K", ylabel = "nats below the exact value", width = 720, yrange = { 0.01, 1000 } }
for k, M in ipairs(dims) do
  figure:line(draws, gaps[k], { label = M .. (M == 1 and " latent variable" or " latent variables"), color = k })
end
save("samples", figure)
