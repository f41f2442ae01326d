-- latent.bpca.

local data = { "X", "latent.Matrix|table|function",
  "N x D data; or a function that returns the next chunk of rows (and their weights), and nil at the end of a pass" }
local options = { "options", "table?", "see options" }
local missing = { "missing", "boolean", "false", "NaN marks a missing entry" }
local weights = { "weights", "latent.Matrix?", "nil", "N numbers >= 0: a weight of 2 is the row twice" }
local fitted = "local p = latent.bpca{ latent_dim = 1 }:fit(X)\n"

local entries = {
  {
    name = "latent.bpca",
    summary = "Makes a Bayesian PCA, which finds how many latent dimensions the data needs.",
    args = { options },
    options = {
      { "latent_dim", "integer?", "nil",
        "the most there can be, 0 to D - 1; by default one less than columns that vary, at most N - 2" },
      { "method", "string", '"em"',
        '"em", which is also used where entries are missing; or "closed_form": the greatest bound at once' },
      { "max_iterations", "integer", "10000", "of EM" },
      { "tolerance", "number", "1e-10", "of EM: stop when the bound changes by less, relatively" },
      { "accelerate", "boolean", "true", "longer steps for EM (SQUAREM), never a worse bound" },
    },
    returns = { { "latent.BPCA", "the model" } },
    text = [[
Probabilistic PCA, x = W z + mean + noise, in which each column of W has a prior

  w_i ~ N(0, I / alpha_i)

whose alpha_i maximizes the evidence. Columns that the data doesn't need are switched off: their alpha goes to
infinity (here, 1e12 N / s2), and they are 0. Those that are left come first; effective_dimension counts them.

The posterior of W and z is approximated by one in which they are independent, with the same covariance for all rows
of W: a bound on the evidence, which never decreases (history has it, per row in nats). Without missing entries the
greatest bound there is has a formula in the eigenvalues of the covariance, method = "closed_form"; EM starts
elsewhere and comes to the same.]],
    example = "latent.bpca():fit(X).effective_dimension",
  },
  {
    name = "BPCA",
    summary = "Bayesian principal component analysis; latent.bpca makes one.",
    text = [[
history is the bound on the log evidence, divided by N, an iteration each; iterations, converged, method, drops and
largest_drop say how the fit went. What the model says of rows it says as a PPCA whose W is the posterior's mean.
Evidence can't be added up by rows as likelihood can, so there is no partial_fit.]],
  },
  {
    name = "BPCA:fit",
    summary = "Finds the posterior of W, and the parameters of greatest evidence.",
    args = { data, options },
    options = {
      weights,
      { "missing", "boolean", "false", "NaN marks a missing entry; where there is one the method is EM" },
      { "on_iteration", "function?", "nil", "of EM: given {iteration, objective, restart, model}; false stops" },
      { "progress", "boolean", "false", "a bar for EM" },
      { "max_seconds", "number", "0", "stop EM after so long; 0 is never" },
    },
    returns = { { "latent.BPCA", "the model itself" } },
    text = [[
A row may miss all of its entries, a column may not. Data in a plane (collinear columns, or a latent_dim of N - 1 and
more with as few rows) raises: it has no noise, and unbounded evidence.]],
    example = "latent.bpca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 0/0}, {3, 5.9}, {4, 8} }, { missing = true })",
  },
  {
    name = "BPCA:steps",
    summary = "Iterations of EM, one a turn.",
    args = { data, options },
    options = { weights, missing },
    returns = { { "function", "an iterator of i, bound" } },
    text = "EM whatever the method. Leaving the loop keeps the model as it stands.",
    example = "for i, f in latent.bpca{ max_iterations = 3 }:steps(X) do print(i, f) end",
  },
  { name = "BPCA.mean", summary = "The mean (D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "BPCA.W", summary = "The posterior mean of the loadings (D x M): those that are on, longest first, then 0.",
    returns = { { "latent.Matrix?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "BPCA.alpha", summary = "The precisions of the prior of each column of W (M), ascending.",
    returns = { { "latent.Matrix?", "D / E|w_i|^2; nil before a fit, and for latent_dim = 0" } } },
  { name = "BPCA.W_covariance", summary = "The posterior covariance of each row of W (M x M).",
    returns = { { "latent.Matrix?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "BPCA.noise_variance", summary = "s2: the variance of the noise in each direction.",
    returns = { { "number", "nil before a fit" } } },
  { name = "BPCA.effective_dimension", summary = "How many columns of W are not switched off.",
    returns = { { "integer", "nil before a fit" } } },
}

for _, entry in ipairs(require "latent.docs.factor_verbs"("BPCA", {
  fitted = fitted,
  X = "X",
  gap = "{0.5, 0/0, 1}",
  K = "W'W + s2 I",
  free = "D + D M + 1 - M(M-1)/2, M being the effective dimension",
  scores = "inv(W'W + s2 I) W'(x - mean)",
  bartlett = "inv(W'W) W'(x - mean)",
  transform = "They are 0 in dimensions that are switched off.",
  covariance = "s2 inv(W'W + s2 I)",
  variance = "s2 (1 + w_j' inv(K) w_j)",
  model = "W W' + s2 I",
})) do
  entries[#entries + 1] = entry
end

return entries
