-- latent.mppca.

local slices = require "latent.docs.slices"
local data = { "X", "latent.Matrix|table|function",
  "N x D data, or latent.open's file; or a function that returns the next chunk of rows, and nil at the end" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local options = { "options", "table?", "see options" }
local missing = { "missing", "NaN marks a missing entry: answers are given the others" }
local component = { "component", "1..K: under this component; nil: each row's most probable" }
local weights = { "weights", "N numbers >= 0: a weight of 2 is the row twice" }
local labels = { "labels", "N integers: the component of each row, or 0 where it isn't known" }
local fitted = "latent.mppca{ components = 1, latent_dim = 1 }:fit(X)"
local made = "local m = " .. fitted .. "\n"

local entries = {
  {
    name = "latent.mppca",
    summary = "Makes a mixture of probabilistic PCA, or of factor analysers; fit gives it data.",
    args = { options },
    options = {
      { "components", "K" },
      { "latent_dim", "M, from 0 to D - 1, the same for all components" },
      { "noise", '"isotropic": s_k I, PPCA; "diagonal": one a column, factor analysis' },
      { "init", '"k-means", "random" (rows as means), or { means=, weights=, W=, '
        .. "noise_variances= } in the shapes of the parameters (weights add up to 1); all but means may be left out" },
      { "regularization", "added to all variances, relative to the data's variance" },
      { "restarts", "how many starts, which differ as latent.gmm's do; the best is kept" },
      { "max_iterations", "the most EM iterations of a start" },
      { "tolerance", "stop when the mean log-likelihood changes relatively by less; 0: never" },
      { "accelerate", "SQUAREM: longer steps for slow convergence" },
      { "seed", "of the starts" },
    },
    returns = { { "latent.MPPCA", "the model" } },
    text = [[
p(x) = sum_k w_k N(x; m_k, W_k W_k' + Psi_k): clusters, each with its own plane of M dimensions and noise about it
(Tipping, Bishop 1999; Ghahramani, Hinton 1996). Parameters: weights (K), means (K x D), W (a list of K matrices
D x M) and noise_variances (K; with diagonal noise K x D). M = 0 is latent.gmm's "spherical" ("diag" with diagonal
noise), M = D - 1 its "full", and K = 1 is latent.ppca or factor analysis.

W is given up to a rotation of its columns; here W' inv(Psi) W is diagonal and descends, and the largest entry of each
column is positive.

Up to 100 columns EM adds up each component's D x D scatter, and its M-step is PPCA's closed form. Beyond, no D x D
matrix is ever formed, and W is improved by a step in which z is unknown too. Both are exact with missing entries.

Components that shrink onto too few rows (a noise variance below 1e-12 of the data's) are handled as latent.gmm does:
a ridge of 1e-6, or a new beginning, spread over all of the data, twice at most. model.events says what was done.]],
    example = "latent.mppca{ components = 2, latent_dim = 1, seed = 1, regularization = 0.1 }:fit(X)",
  },
  {
    name = "MPPCA",
    summary = "A mixture of probabilistic PCA or of factor analysers; latent.mppca makes one.",
    text = [[
history (the mean log-likelihood at each iteration's begin), iterations, converged, drops (iterations that made it
less likely; only handling a singularity does), events and singular tell of the fit.]],
  },
  {
    name = "MPPCA:fit",
    summary = "Finds the maximum likelihood parameters by EM.",
    args = { data, options },
    options = {
      weights,
      { "missing", "NaN marks a missing entry" },
      labels,
      { "on_iteration", "called with {iteration=, objective=, restart=, model=}; false stops" },
      { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
      { "max_seconds", "stop after the iteration in which they are over; 0: never" },
    },
    returns = { { "latent.MPPCA", "the model itself" } },
    text = [[
Components are then in order of the first coordinate of their means (then the second, ...), unless init or labels gave
them numbers. Each row counts with the density of the entries it has.]],
    example = fitted,
  },
  slices.entry("MPPCA", 'latent.mppca{ latent_dim = 1 }', "X", data,
    { "weights", "missing", "labels", "on_iteration" }),
  {
    name = "MPPCA:steps",
    summary = "An iterator that does one iteration a turn: i, objective.",
    args = { data, options },
    options = { weights, { "missing", "NaN marks a missing entry" }, labels, slices.budget },
    returns = { { "function", "for i, objective in model:steps(X) do ... end" } },
    example = "for i, L in latent.mppca{ latent_dim = 1 }:steps(X) do if i == 3 then break end end",
  },
  {
    name = "MPPCA:partial_fit",
    summary = "Takes more rows into the fit: one step of online EM a chunk.",
    args = { data, options },
    options = { weights, { "missing", "NaN marks a missing entry" },
      { "rate", "the share of the new statistics; 0: it falls as chunks come" } },
    returns = { { "latent.MPPCA", "the model itself" } },
    text = "The first chunk makes the start, and the scale of the data.",
    example = "latent.mppca{ latent_dim = 1 }:partial_fit(X)",
  },
  { name = "MPPCA:responsibilities", summary = "The posterior probabilities p(k | x) of the components.",
    args = { rows, options }, options = { missing },
    returns = { { "latent.Matrix", "N x K, rows add up to 1; of one row a vector of K" } },
    example = fitted .. ":responsibilities(X)" },
  { name = "MPPCA:predict", summary = "The most probable component of each row, from 1.", args = { rows, options },
    options = { missing }, returns = { { "latent.Matrix|integer", "vector of N labels; a number for one row" } },
    example = fitted .. ":predict(X)" },
  { name = "MPPCA:log_likelihood", summary = "log p(x) of each row, in nats.", args = { rows, options },
    options = { missing }, returns = { { "latent.Matrix|number", "vector of N; a number for one row" } },
    text = "By M x M matrices, whatever D is.", example = fitted .. ":log_likelihood(X)" },
  {
    name = "MPPCA:elbo",
    summary = "The lower bound of log p(x) by any responsibilities, and its distance.",
    args = { rows, { "q", "latent.Matrix?", "N x K, rows add up to 1; the model's own when left out" }, options },
    options = { missing },
    returns = { { "latent.Matrix|number", "bound (N; a number for one row): sum_k q_k (log p(x, k) - log q_k)" },
      { "latent.Matrix|number", "KL(q || p(k | x)), >= 0; their sum is the log-likelihood" } },
    example = fitted .. ":elbo(X)",
  },
  {
    name = "MPPCA:transform",
    summary = "Local projections: posterior means of the latent variables under the most probable component.",
    args = { rows, options }, options = { missing, component },
    returns = { { "latent.Matrix", "N x M; of one row a vector of M" },
      { "latent.Matrix", "whose coordinates they are: the components, a vector of N; a number for one row" } },
    text = "Coordinates of different components have nothing to do with each other.",
    example = fitted .. ":transform(X)",
  },
  {
    name = "MPPCA:inverse_transform",
    summary = "The data of latent variables: x = W_k z + m_k.",
    args = { { "Z", "latent.Matrix|table", "N x M, or a vector of M numbers as one row" },
      { "labels", "latent.Matrix|table|integer", "their components, N numbers from 1, or one for all" } },
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = made .. "m:inverse_transform({ {0}, {1} }, 1)",
  },
  {
    name = "MPPCA:reconstruct",
    summary = "Rows rebuilt from their local projections: inverse_transform(transform(X)).",
    args = { rows, options }, options = { missing, component },
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = fitted .. ":reconstruct(X)",
  },
  {
    name = "MPPCA:posterior",
    summary = "All of p(k, z | x): responsibilities, and mean and covariance of z under each component.",
    args = { rows, options }, options = { missing },
    returns = { { "table", "{ responsibilities = N x K, means = a list of K, N x M each, covariances = a list of K, "
      .. "M x M each; with missing each a list of N }; of one row vectors, and its own covariances" } },
    example = fitted .. ":posterior(X).means[1]",
  },
  {
    name = "MPPCA:impute",
    summary = "Rows with their missing entries (NaN) at their conditional means.",
    args = { rows, options },
    options = { { "variance", "also give the conditional variances" } },
    returns = { { "latent.Matrix", "N x D" },
      { "latent.Matrix?", "with variance: of each missing entry, within and between components; else 0" } },
    text = "E[x_m | x_o] = sum_k p(k | x_o) E[x_m | x_o, k]; what is there stays.",
    example = fitted .. ":impute({ {1, 0/0, 3} }, { variance = true })",
  },
  {
    name = "MPPCA:sample",
    summary = "Rows drawn from the mixture.",
    args = { { "n", "integer", "how many" }, options },
    options = { { "seed", "a seed or a generator" } },
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "their components, a vector of n" },
      { "latent.Matrix?", "their latent variables, n x M; nil for M = 0" } },
    example = fitted .. ":sample(5, { seed = 1 })",
  },
  { name = "MPPCA:covariance", summary = "W_k W_k' + Psi_k, a component's covariance of the data.",
    args = { { "k", "integer", "the component, from 1" } }, returns = { { "latent.Matrix", "D x D" } },
    example = fitted .. ":covariance(1)" },
  {
    name = "MPPCA:align",
    summary = "Puts the components into the order of those of another fit.",
    args = { { "other", "latent.MPPCA", "with as many components and dimensions" } },
    returns = { { "latent.Matrix", "component i is what was number permutation[i]" },
      { "latent.Matrix", "the Bhattacharyya distance of each pair" } },
    text = "The optimal assignment: the permutation with the least sum of distances.",
    example = fitted .. ":align(" .. fitted .. ")",
  },
  { name = "MPPCA.weights", summary = "The weights of the components (K).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "MPPCA.means", summary = "The means (K x D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "MPPCA.W", summary = "The loadings: a list of K matrices D x M.",
    returns = { { "table?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "MPPCA.noise_variances", summary = "The noise: K variances, or K x D with diagonal noise.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "MPPCA.events", summary = "What was done about singularities: a list of { iteration=, component=, what= }.",
    returns = { { "table", 'what is "regularized" or "reseeded"; up to 64 events' } } },
  { name = "MPPCA.singular", summary = "Whether the fit has ended at a singularity, or was kept from one.",
    text = [[
As GMM.singular: there are events, a component holds fewer than M + 2 rows, or its noise variance, without the
regularization, is at most 1e-6 of that within all components. With restarts any other fit is better.]],
    returns = { { "boolean", "nil before a fit" } } },
}

return require "latent.docs.density_methods"(entries, "MPPCA", { model = fitted, X = "X", options = { missing },
  free = "K - 1 weights, and of each component D, D M - M(M-1)/2, and 1 (diagonal noise: D) for the noise" })
