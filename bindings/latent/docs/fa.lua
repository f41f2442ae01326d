-- latent.fa.

local options = { "options", "table?", "see options" }
local made = "local Y = matrix.normal(60, 1) * matrix{ {1, 2, 1, 2} } + matrix.normal(60, 4)\n"
local fitted = made .. "local p = latent.fa{ latent_dim = 1 }:fit(Y)\n"

local entries = {
  {
    name = "latent.fa",
    summary = "Makes a factor analysis: x = W z + mean + noise, each column with a noise variance of its own.",
    args = { options },
    options = {
      { "latent_dim", "M, the number of factors, from 0 (independent columns) to D - 1" },
      { "method", '"ml" (maximum likelihood at once; also called "profile") or "em"; EM is also used when entries are '
        .. "missing" },
      { "rotation", '"none", "varimax" (orthogonal) or "promax" (oblique: factors correlate)' },
      { "least_uniqueness", "the bound below noise_variances, as a share of a column's variance" },
      { "init", "{ mean=, W=, noise_variances=, factor_correlations= (else none) }: the model can be "
        .. "used without a fit, and EM begins with them" },
      { "max_iterations", "at most; 0 leaves the start" },
      { "tolerance", "of EM: stop when the objective changes by less, relatively" },
      { "restarts", "starts, of which the best is kept; the first is no random one" },
      { "seed", "of the other starts" },
      { "accelerate", "longer steps for EM (SQUAREM), never a worse objective" },
    },
    returns = { { "latent.FA", "the model" } },
    text = [[
z ~ N(0, I) has M dimensions, and the noise variances Psi are one for each of the D columns, so x ~ N(mean, W W' +
Psi): the factors explain all covariances. Other units of a column change its row of W and its noise, and nothing else.

"ml" takes the W that is best for a Psi, by eigenvalues of Psi^(-1/2) S Psi^(-1/2), and finds the best Psi by
Newton steps on the D x D correlations: after one pass over the data it takes no more. It stops where the gradient is
below 1e-9 and no curvature is negative: data that are symmetric under an exchange of columns have saddles, which it
leaves. "em" is for data with missing entries, more columns than a D x D matrix is wanted for, and online fits; up to
1000 columns it, too, looks for a saddle where it has converged, which takes a pass over the data (or a few, if
entries are missing).

The likelihood is often greatest, or unbounded, where a noise variance is 0 (a Heywood case). Those that end at the
bound are listed in heywood.

Without rotation W'inv(Psi)W is diagonal and descending. Varimax and promax (with power 4) are those of R, with
Kaiser's normalization, to convergence; the columns are put in descending order of what they explain. Of each column of
W the largest entry, by the columns' deviations, is positive. After promax z has the correlations factor_correlations,
and x the covariance W factor_correlations W' + Psi.]],
    example = made .. 'latent.fa{ latent_dim = 1, rotation = "varimax" }:fit(Y)',
  },
  {
    name = "FA",
    summary = "Factor analysis; latent.fa makes one.",
    text = [[
history is the mean log-likelihood of a row in nats (of its observed entries), an iteration each; iterations,
converged, method, drops and largest_drop say how the fit went. degrees_of_freedom, ((D - M)^2 - D - M)/2, is how many
more numbers a covariance has than the model. Where it is negative, identifiable is false and note says so, also when
the model is printed: the likelihood has a whole family of maxima, of which one was found, and its factors mean nothing
by themselves. rows and discrepancy, twice the log-likelihood a row that a Gaussian without structure has more, are kept
by fits without gaps by "ml".]],
  },
  {
    name = "FA:fit_covariance",
    summary = "The fit of data that is known by its covariance only.",
    args = {
      { "S", "latent.Matrix|table", "D x D: covariances, or correlations; with divisor N it is what fit uses" },
      { "N", "number", "of how many rows; the test depends on it" },
      options },
    options = { { "mean", "D numbers; zeros without" } },
    returns = { { "latent.FA", "the model itself" } },
    example = "latent.fa{ latent_dim = 1 }:fit_covariance(matrix{ {1, 0.5, 0.4}, {0.5, 1, 0.3}, {0.4, 0.3, 1} }, 100)",
  },
  {
    name = "FA:test",
    summary = "The likelihood ratio test that M factors are enough.",
    returns = { { "table", "statistic, degrees_of_freedom and p_value" } },
    text = [[
With Bartlett's correction: (N - 1 - (2D + 5)/6 - 2M/3) discrepancy is about chi-square with ((D - M)^2 - D - M)/2
degrees of freedom if the model is true; p_value is the probability of more. It raises where nothing can be tested:
without degrees of freedom, with a singular covariance, after EM.]],
    example = fitted .. "print(p:test().p_value)",
  },
  { name = "FA.mean", summary = "The mean (D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "FA.W", summary = "The loadings (D x M), in the units of the data; rotated.",
    returns = { { "latent.Matrix?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "FA.noise_variances", summary = "Psi's diagonal (D): the variance of each column's own noise.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "FA.factor_correlations", summary = "Phi (M x M): the identity but after promax.",
    returns = { { "latent.Matrix?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "FA.uniquenesses", summary = "noise_variances as shares of the columns' variances (D).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "FA.heywood", summary = "The columns whose noise variance is at its bound.",
    returns = { { "table", "numbers of columns, often none; nil before a fit" } } },
}

return require "latent.docs.factor_methods"(entries, "FA", {
  fitted = fitted,
  X = "Y",
  gap = "{0.5, 0/0, 1, 2}",
  K = "W'inv(Psi)W + I",
  free = "2 D + D M - M(M-1)/2",
  scores = "inv(W'inv(Psi)W + I) W'inv(Psi)(x - mean)",
  bartlett = "inv(W'inv(Psi)W) W'inv(Psi)(x - mean)",
  transform = "They are drawn towards 0 by the prior; the mean of Bartlett's for a given z is z.",
  covariance = "inv(W'inv(Psi)W + I)",
  variance = "psi_j + w_j' inv(K) w_j",
  model = "W Phi W' + Psi (Phi: factor_correlations)",
  online = true,
  finds = "Finds the parameters of maximum likelihood.",
  fit = [[
A row may miss all of its entries: it has the prior for a posterior and adds 0 to the log-likelihood. A column that
is constant or wholly missing raises. Collinear columns are fine: their noise ends at its bound. With too many factors
for the columns ((D - M)^2 < D + M) identifiable is false.]],
  fit_example = made .. "latent.fa{ latent_dim = 1 }:fit(Y)",
})
