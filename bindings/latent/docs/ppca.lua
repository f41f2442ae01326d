-- latent.ppca.

local options = { "options", "table?", "see options" }
local fitted = "local p = latent.ppca{ latent_dim = 1 }:fit(X)\n"

local entries = {
  {
    name = "latent.ppca",
    summary = "Makes a probabilistic PCA: x = W z + mean + noise; fit gives it data.",
    args = { options },
    options = {
      { "latent_dim",
        'M, from 0 (the isotropic Gaussian) to D - 1 (the Gaussian with full covariance); or "mle": as latent.pca '
        .. "chooses it, for data without missing entries" },
      { "method", '"closed_form" or "em"; EM is also used when entries are missing' },
      { "noise_variance",
        "0: the limit without noise, in which EM finds the principal subspace; else it is estimated" },
      { "init", "{ mean=, W=, noise_variance= }: the model can be used without a fit, and EM begins "
        .. "with them" },
      { "max_iterations", "of EM" },
      { "tolerance", "of EM: stop when the objective changes by less, relatively" },
      { "restarts", "starts of EM, of which the best is kept" },
      { "seed", "of EM's start" },
      { "accelerate", "longer steps for EM (SQUAREM), never a worse objective; where variances "
        .. "differ by thousands they may end in a saddle point, at which some component is missed" },
    },
    returns = { { "latent.PPCA", "the model" } },
    text = [[
z ~ N(0, I) has M dimensions and the noise the variance s2 in each of D, so x ~ N(mean, W W' + s2 I). With the
eigenvalues of the covariance (divisor N) the likelihood is greatest for

  s2 = mean of the D - M smallest,   W = U (Lambda - s2 I)^(1/2)

With latent_dim = "mle" M has the largest evidence (see latent.pca); steps and partial_fit then go on with the M
that fit has chosen.

Only W W' matters to the model: of all rotations of W's columns this one is given, also by EM: orthogonal
columns, descending lengths, and the largest entry of each positive.

EM also lets z have any mean and covariance, which W and the mean then take over (PX-EM), so that its steps are few
however little noise there is. It knows missing entries (fit with missing = true): each row has a posterior given its
own observed entries, and the log-likelihood of what is observed never decreases.

With noise_variance = 0 the two steps of EM are least-squares fits of z to W and of W to z. A step costs O(NDM)
and never forms a covariance. The objective is then the mean squared error of the reconstruction.]],
    example = "latent.ppca{ latent_dim = 2 }:fit(X)",
  },
  {
    name = "PPCA",
    summary = "Probabilistic principal component analysis; latent.ppca makes one.",
    text = [[
history is the mean log-likelihood of a row in nats (of its observed entries), an iteration each; iterations,
converged, method, drops and largest_drop say how the fit went. log_evidence, of latent_dim = "mle", has the logarithm
of the evidence of each M from 1 on, in nats but for a constant.]],
  },
  { name = "PPCA.mean", summary = "The mean (D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PPCA.W", summary = "The loadings (D x M): orthogonal columns, longest first.",
    returns = { { "latent.Matrix?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "PPCA.noise_variance", summary = "s2: the variance of the noise in each direction.",
    returns = { { "number", "nil before a fit" } } },
}

return require "latent.docs.factor_methods"(entries, "PPCA", {
  fitted = fitted,
  free = "D + D M + 1 - M(M-1)/2",
  transform = "They are drawn towards 0 by the prior. For s2 = 0 they are PCA's, whitened.",
  online = true,
  finds = "Finds the parameters of maximum likelihood.",
  fit = [[
A row may miss all of its entries: it has the prior for a posterior and adds 0 to the log-likelihood. A column that
is wholly missing raises. So does data without variance outside of M dimensions (M >= N - 1, or constant or
collinear columns): its s2 is 0 and its likelihood unbounded.]],
  fit_example = "latent.ppca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 0/0}, {3, 5.9}, {4, 8} }, { missing = true })",
})
