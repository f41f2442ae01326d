-- latent.bpca.

local options = { "options", "table?", "see options" }
local fitted = "local p = latent.bpca{ latent_dim = 1 }:fit(X)\n"

local entries = {
  {
    name = "latent.bpca",
    summary = "Makes a Bayesian PCA, which finds how many latent dimensions the data needs.",
    args = { options },
    options = {
      { "latent_dim", 'the most there can be, 0 to D - 1; "all": one less than columns that vary, at most N - 2' },
      { "method",
        '"em", which is also used where entries are missing; or "closed_form": the greatest bound at once' },
      { "max_iterations", "of EM" },
      { "tolerance", "of EM: stop when the bound changes by less, relatively" },
      { "accelerate", "longer steps for EM (SQUAREM), never a worse bound" },
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

return require "latent.docs.factor_methods"(entries, "BPCA", {
  fitted = fitted,
  free = "D + D M + 1 - M(M-1)/2, M being the effective dimension",
  transform = "They are 0 in dimensions that are switched off.",
  finds = "Finds the posterior of W, and the parameters of greatest evidence.",
  fit = [[
A row may miss all of its entries, a column may not. Data in a plane (collinear columns, or a latent_dim of N - 1 and
more with as few rows) raises: it has no noise, and unbounded evidence.]],
  fit_example = "latent.bpca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 0/0}, {3, 5.9}, {4, 8} }, { missing = true })",
})
