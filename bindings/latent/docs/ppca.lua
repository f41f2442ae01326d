-- latent.ppca.

local data = { "X", "latent.Matrix|table|function",
  "N x D data; or a function that returns the next chunk of rows (and their weights), and nil at the end of a pass" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local options = { "options", "table?", "see options" }
local missing = { "missing", "boolean", "false",
  "NaN marks a missing entry: what is said is said given the others of its row" }
local weights = { "weights", "latent.Matrix?", "nil", "N numbers >= 0: a weight of 2 is the row twice" }
local fitted = "local p = latent.ppca{ latent_dim = 1 }:fit(X)\n"

return {
  {
    name = "latent.ppca",
    summary = "Makes a probabilistic PCA: x = W z + mean + noise; fit gives it data.",
    args = { options },
    options = {
      { "latent_dim", "integer", "1",
        "M, from 0 (the isotropic Gaussian) to D - 1 (the Gaussian with full covariance)" },
      { "method", "string", '"closed_form"', '"closed_form" or "em"; EM is also used when entries are missing' },
      { "noise_variance", "number?", "nil",
        "0: the limit without noise, in which EM finds the principal subspace; else it is estimated" },
      { "max_iterations", "integer", "1000", "of EM" },
      { "tolerance", "number", "1e-8", "of EM: stop when the objective changes by less, relatively" },
      { "restarts", "integer", "1", "starts of EM, of which the best is kept" },
      { "seed", "integer", "0", "of EM's start" },
      { "accelerate", "boolean", "false", "longer steps for EM (SQUAREM), never a worse objective" },
    },
    returns = { { "latent.PPCA", "the model" } },
    text = [[
z ~ N(0, I) has M dimensions and the noise the variance s2 in each of D, so x ~ N(mean, W W' + s2 I). With the
eigenvalues of the covariance (divisor N) the likelihood is greatest for

  s2 = mean of the D - M smallest,   W = U (Lambda - s2 I)^(1/2)

Only W W' matters to the model: of all rotations of W's columns this one is given, also by EM: orthogonal
columns, descending lengths, and the largest entry of each positive.

EM knows missing entries (fit with missing = true): each row has a posterior given its own observed entries, and
the log-likelihood of what is observed never decreases.

With noise_variance = 0 the two steps of EM are least-squares fits of z to W and of W to z. A step costs O(NDM)
and never forms a covariance. The objective is then the mean squared error of the reconstruction.]],
    example = "latent.ppca{ latent_dim = 2 }:fit(X)",
  },
  {
    name = "PPCA",
    summary = "Probabilistic principal component analysis; latent.ppca makes one.",
    text = [[
history is the mean log-likelihood of a row in nats (of its observed entries), an iteration each; iterations,
converged, method, drops and largest_drop say how the fit went.]],
  },
  {
    name = "PPCA:fit",
    summary = "Finds the parameters of maximum likelihood.",
    args = { data, options },
    options = {
      weights,
      { "missing", "boolean", "false", "NaN marks a missing entry; where there is one the method is EM" },
      { "on_iteration", "function?", "nil", "of EM: given {iteration, objective, restart, model}; false stops" },
      { "progress", "boolean", "false", "a bar for EM" },
      { "max_seconds", "number", "0", "stop EM after so long; 0 is never" },
    },
    returns = { { "latent.PPCA", "the model itself" } },
    text = [[
A row may miss all of its entries: it has the prior for a posterior and adds 0 to the log-likelihood. A column that
is wholly missing raises. So does data without variance outside of M dimensions (M >= N - 1, or constant or
collinear columns): its s2 is 0 and its likelihood unbounded.]],
    example = "latent.ppca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 0/0}, {3, 5.9}, {4, 8} }, { missing = true })",
  },
  {
    name = "PPCA:steps",
    summary = "Iterations of EM, one a turn.",
    args = { data, options },
    options = { weights, missing },
    returns = { { "function", "an iterator of i, objective" } },
    text = "EM whatever the method. Leaving the loop keeps the model as it stands.",
    example = "for i, f in latent.ppca{ latent_dim = 1, max_iterations = 3 }:steps(X) do print(i, f) end",
  },
  {
    name = "PPCA:partial_fit",
    summary = "Takes more rows into the fit, by online EM.",
    args = { data, options },
    options = { weights, missing,
      { "rate", "number", "0", "of the update, 0 to 1; 0 lets it fall with the number of rows seen" } },
    returns = { { "latent.PPCA", "the model itself" } },
    example = fitted .. "p:partial_fit(X)",
  },
  {
    name = "PPCA:log_likelihood",
    summary = "log p(x) of each row, in nats.",
    args = { rows, options }, options = { missing },
    returns = { { "latent.Matrix", "a vector of N" } },
    text = "By the M x M matrix W'W + s2 I. Of a row with missing entries it is the density of the others.",
    example = fitted .. "p:log_likelihood(X)",
  },
  { name = "PPCA:score", summary = "The mean of log_likelihood.", args = { rows, options }, options = { missing },
    returns = { { "number", "nats a row" } }, example = fitted .. "p:score(X)" },
  {
    name = "PPCA:free_parameters",
    summary = "How many numbers the model is free to choose: D + D M + 1 - M(M-1)/2.",
    returns = { { "integer", "D of them are the mean; rotations of W's columns make no other model" } },
    example = fitted .. "p:free_parameters()",
  },
  { name = "PPCA:aic", summary = "Akaike's criterion, -2 log L + 2 p; lower is better.", args = { rows, options },
    options = { missing }, returns = { { "number", "over all rows of X" } },
    example = fitted .. "p:aic(X)" },
  { name = "PPCA:bic", summary = "Schwarz's criterion, -2 log L + p log N; lower is better.",
    args = { rows, options }, options = { missing }, returns = { { "number", "over all rows of X" } },
    example = fitted .. "p:bic(X)" },
  {
    name = "PPCA:elbo",
    summary = "The bound of each row for a Gaussian q(z), and KL(q || p(z|x)): together the log-likelihood.",
    args = { rows,
      { "q", "table?", "{means = N x M, covariance = M x M or a list of N}; without it the posterior itself" },
      options },
    options = { missing },
    returns = { { "latent.Matrix", "the bound, N" }, { "latent.Matrix", "the divergence, N" } },
    example = fitted .. "p:elbo(X, { means = p:transform(X), covariance = {{0.5}} })",
  },
  {
    name = "PPCA:transform",
    summary = "The posterior means of the latent variables: inv(W'W + s2 I) W'(x - mean).",
    args = { rows, options },
    options = { missing,
      { "scores", "string", '"regression"', '"bartlett": fitted by least squares, without the prior' } },
    returns = { { "latent.Matrix", "N x M, or a vector of M for one row" } },
    text = "They are drawn towards 0 by the prior. For s2 = 0 they are PCA's, whitened.",
    example = fitted .. "p:transform(X)",
  },
  {
    name = "PPCA:posterior",
    summary = "Mean and covariance of p(z|x).",
    args = { rows, options }, options = { missing },
    returns = {
      { "latent.Matrix", "means, N x M" },
      { "latent.Matrix|table", "s2 inv(W'W + s2 I), M x M, for all rows; with missing a list of N, one for each" },
    },
    example = fitted .. "p:posterior(X)",
  },
  {
    name = "PPCA:inverse_transform",
    summary = "The data of latent variables: x = W z + mean.",
    args = { { "Z", "latent.Matrix|table", "N x M, or a vector of M numbers as one row" } },
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = fitted .. "p:inverse_transform{ {0}, {1} }",
  },
  {
    name = "PPCA:reconstruct",
    summary = "Rows rebuilt from their posterior means: inverse_transform(transform(X)).",
    args = { rows, options }, options = { missing },
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = fitted .. "p:reconstruct(X)",
  },
  {
    name = "PPCA:impute",
    summary = "X with its missing entries (NaN) at their conditional means.",
    args = { rows, options },
    options = { { "variance", "boolean", "false", "also give the conditional variances" } },
    returns = {
      { "latent.Matrix", "N x D" },
      { "latent.Matrix?", "with variance: s2 (1 + w_j' inv(K) w_j) where an entry is missing, else 0" },
    },
    example = fitted .. "p:impute(matrix{ {0.5, 0/0, 1} }, { variance = true })",
  },
  {
    name = "PPCA:sample",
    summary = "Rows drawn from the model.",
    args = { { "n", "integer", "how many" }, options },
    options = { { "seed", "integer|latent.Random", "nil", "a seed or a generator; else the default generator" } },
    returns = { { "latent.Matrix", "n x D" }, { "latent.Matrix?", "the latent variables, n x M; nil for M = 0" } },
    example = fitted .. "p:sample(3, { seed = 1 })",
  },
  { name = "PPCA:covariance", summary = "W W' + s2 I, the model's covariance of the data.",
    returns = { { "latent.Matrix", "D x D" } }, example = fitted .. "p:covariance()" },
  { name = "PPCA.mean", summary = "The mean (D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PPCA.W", summary = "The loadings (D x M): orthogonal columns, longest first.",
    returns = { { "latent.Matrix?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "PPCA.noise_variance", summary = "s2: the variance of the noise in each direction.",
    returns = { { "number", "nil before a fit" } } },
}
