-- latent.gmm and latent.gmm_select.

local slices = require "latent.docs.slices"
local data = { "X", "latent.Matrix|table|function",
  "N x D data, or latent.open's file; or a function that returns the next chunk of rows, and nil at the end" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local options = { "options", "table?", "see options" }
local missing = { { "missing", "NaN marks a missing entry: answers are given the others" } }
local fitted = "latent.gmm{ components = 2 }:fit(X)"

local entries = {
  {
    name = "latent.gmm",
    summary = "Makes a mixture of Gaussians; fit gives it data.",
    args = { options },
    options = {
      { "components", "K" },
      { "covariance", '"full", "diag", "spherical"; or one for all components: "tied" (full), '
        .. '"tied_diag", "tied_spherical"' },
      { "init", '"k-means", "random" (rows as means), or { means=, weights=, '
        .. "covariances= } in the shapes of the parameters (weights add up to 1); the last two may be left out" },
      { "regularization", "added to all variances, relative to the data's variance" },
      { "restarts", "how many starts; the best is kept, see below" },
      { "max_iterations", "the most EM iterations of a start" },
      { "tolerance", "stop when the mean log-likelihood changes relatively by less; 0: never" },
      { "accelerate", "SQUAREM: longer steps for slow convergence" },
      { "seed", "of the starts" },
    },
    returns = { { "latent.GMM", "the model" } },
    text = [[
p(x) = sum_k w_k N(x; m_k, S_k), by maximum likelihood with the EM algorithm. Parameters: weights (K), means
(K x D), covariances (full: a list of K matrices D x D; diag: K x D variances; spherical: K; tied: D x D; tied_diag:
D variances; tied_spherical: a number).

A component that shrinks onto too few rows makes the likelihood grow without bound. Without regularization
this is handled when it happens: a variance below 1e-12 of the data's gets a ridge of 1e-6 of it, and a
component that is a point, has fewer rows than dimensions, or none, begins anew, spread over all of the data,
twice at most. model.events says what was done.

The first start is the clusters of K-means. With restarts the next ones go four ways in turn: random rows as means,
clusters about the K-means centres of a small sample, about random rows, and K-means again with another seed; or all
by random rows, with init = "random". The likeliest fit is kept of those that aren't model.singular, if there are any.

After a fit components are in order of the first coordinate of their means (then the second, ...), unless
init or labels gave them numbers.]],
    example = "latent.gmm{ components = 2, seed = 1 }:fit(X)",
  },
  {
    name = "GMM",
    summary = "A mixture of Gaussians; latent.gmm makes one.",
    text = [[
history (the mean log-likelihood at each iteration's begin), iterations, converged, drops (iterations that made it
less likely; only handling a singularity does), events and singular tell of the fit.]],
  },
  {
    name = "GMM:fit",
    summary = "Finds the maximum likelihood parameters by EM.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0: a weight of 2 is the row twice" },
      { "missing", "NaN marks a missing entry" },
      { "labels", "N integers: the component of each row, or 0 where it isn't known" },
      { "on_iteration", "called with {iteration=, objective=, restart=, model=}; false stops" },
      { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
      { "max_seconds", "stop after the iteration in which they are over; 0: never" },
    },
    returns = { { "latent.GMM", "the model itself" } },
    text = [[
Missing entries are exact: each row counts with the density of what it has (the sum over nothing is 0), and the
M-step takes conditional means and covariances for the rest (Ghahramani, Jordan 1994). When all labels are known,
the fit is the closed form: the Gaussian of each class.]],
    example = fitted,
  },
  slices.entry("GMM", 'latent.gmm{ components = 2 }', "X", data, { "weights", "missing", "labels", "on_iteration" }),
  {
    name = "GMM:steps",
    summary = "An iterator that does one iteration a turn: i, objective.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0" },
      { "missing", "NaN marks a missing entry" },
      { "labels", "N integers: components of rows, or 0" },
      slices.budget,
    },
    returns = { { "function", "for i, objective in model:steps(X) do ... end" } },
    example = "for i, L in latent.gmm{ components = 2 }:steps(X) do if i == 3 then break end end",
  },
  {
    name = "GMM:partial_fit",
    summary = "Takes more rows into the fit: one step of online EM a chunk.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0" },
      { "missing", "NaN marks a missing entry" },
      { "rate", "the share of the new statistics; 0: it falls as chunks come" },
    },
    returns = { { "latent.GMM", "the model itself" } },
    text = [[
Statistics become (1 - rate) old + rate new, then comes the M-step (Cappe, Moulines 2009). The first chunk makes the
start, and the scale of the data.]],
    example = "latent.gmm{ components = 2 }:partial_fit(X)",
  },
  {
    name = "GMM:responsibilities",
    summary = "The posterior probabilities p(k | x) of the components.",
    args = { rows, options },
    options = missing,
    returns = { { "latent.Matrix", "N x K, rows add up to 1; of one row a vector of K" } },
    example = fitted .. ":responsibilities(X)",
  },
  {
    name = "GMM:predict",
    summary = "The most probable component of each row, from 1.",
    args = { rows, options },
    options = missing,
    returns = { { "latent.Matrix|integer", "vector of N labels; a number for one row" } },
    example = fitted .. ":predict(X)",
  },
  {
    name = "GMM:log_likelihood",
    summary = "log p(x) of each row, in nats.",
    args = { rows, options },
    options = missing,
    returns = { { "latent.Matrix|number", "vector of N; a number for one row" } },
    example = fitted .. ":log_likelihood(X)",
  },
  {
    name = "GMM:elbo",
    summary = "The lower bound of log p(x) by any responsibilities, and its distance.",
    args = { rows, { "q", "latent.Matrix?", "N x K, rows add up to 1; the model's own when left out" }, options },
    options = missing,
    returns = { { "latent.Matrix|number", "bound (N; a number for one row): sum_k q_k (log p(x, k) - log q_k)" },
      { "latent.Matrix|number", "KL(q || p(k | x)), >= 0; their sum is the log-likelihood" } },
    text = "EM raises the bound: the E-step by q = p(k | x), which makes KL 0, the M-step by the parameters.",
    example = fitted .. ":elbo(X)",
  },
  {
    name = "GMM:sample",
    summary = "Rows drawn from the mixture.",
    args = { { "n", "integer", "how many" }, options },
    options = { { "seed", "a seed or a generator" } },
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "their components, a vector of n" } },
    example = fitted .. ":sample(5, { seed = 1 })",
  },
  {
    name = "GMM:impute",
    summary = "Rows with their missing entries (NaN) at their conditional means.",
    args = { rows },
    returns = { { "latent.Matrix", "N x D" } },
    text = "E[x_m | x_o] = sum_k p(k | x_o) E[x_m | x_o, k]; what is there stays.",
    example = fitted .. ":impute{ {1, 0/0, 3} }",
  },
  {
    name = "GMM:conditional",
    summary = "The density of the other columns given some: regression by a mixture.",
    args = { { "X", "latent.Matrix|table", "N x C values of the given columns" },
      { "columns", "table", "their numbers, ascending" } },
    returns = { { "table", "{ responsibilities=, means=, covariances=, mean=, variance= }" } },
    text = [[
p(y | x) = sum_k p(k | x) N(y; m_k(x), C_k), again a mixture: responsibilities p(k | x) (N x K), means (a list of K
matrices N x M for the M other columns), covariances (a list of K, M x M); and as a whole mean (N x M) and variance
(N x M, of each column).]],
    example = fitted .. ":conditional({ {1}, {2} }, { 1 }).mean",
  },
  { name = "GMM:covariance", summary = "The covariance of a component as a matrix, whatever the kind.",
    args = { { "k", "integer", "the component, from 1" } }, returns = { { "latent.Matrix", "D x D" } },
    example = fitted .. ":covariance(1)" },
  {
    name = "GMM:align",
    summary = "Puts the components into the order of those of another fit.",
    args = { { "other", "latent.GMM", "with as many components, dimensions, and the same kind of covariance" } },
    returns = { { "latent.Matrix", "component i is what was number permutation[i]" },
      { "latent.Matrix", "the Bhattacharyya distance of each pair" } },
    text = "The optimal assignment: the permutation with the least sum of distances.",
    example = "latent.gmm{ components = 2, seed = 2 }:fit(X):align(latent.gmm{ components = 2 }:fit(X))",
  },
  { name = "GMM.weights", summary = "The weights of the components (K).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "GMM.means", summary = "The means (K x D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "GMM.covariances", summary = "The covariances, in the shape of their kind: see latent.gmm.",
    returns = { { "latent.Matrix|table|number", "nil before a fit" } } },
  { name = "GMM.events", summary = "What was done about singularities: a list of { iteration=, component=, what= }.",
    text = [[
"regularized": the component was collapsing in some direction and has a small ridge on its covariance from then on.
"reseeded": it had collapsed onto a point or lost its rows, and began anew, spread over all of the data about a random
mean. So it takes over all rows that the others explain badly; put on the single worst row instead, which often is an
outlier, it would collapse there again.]],
    returns = { { "table", 'what is "regularized" or "reseeded"; up to 64 events' } } },
  { name = "GMM.singular", summary = "Whether the fit has ended at a singularity, or was kept from one.",
    text = [[
True when there are events; when a component holds fewer rows than its covariance needs (D + 1; 2 where it is
diagonal); or when its covariance, without the regularization, is in some direction at most 1e-6 of the covariance
within all components (Hathaway, Annals of Statistics 13, 1985). A regularization above 1e-4 is taken for part of the
model, which bounds the likelihood: only events count then. The likelihood of such a fit tells of those few rows,
and is no measure of how well the mixture describes the data: with restarts, and in gmm_select, any other fit is
better.]],
    returns = { { "boolean", "nil before a fit" } } },
  {
    name = "latent.gmm_select",
    summary = "Fits mixtures of Gaussians of a range of sizes and kinds, and finds the best.",
    args = { { "X", "latent.Matrix", "N x D data" }, options },
    options = {
      { "components", "table|integer", "{1, 2, 3, 4, 5, 6}", "numbers of components" },
      { "covariance", "table|string", "all six", "kinds of covariance" },
      { "criterion", "string", '"bic"', '"bic" or "aic": what makes the best' },
      { "weights", "latent.Matrix?", "nil", "N numbers >= 0: a weight of 2 is the row twice, also in the criteria" },
      { "missing", "boolean", "false", "NaN marks a missing entry" },
      { "init", "string|table", '"k-means"', '"k-means", "random" or a table, as for latent.gmm; so are these:' },
      { "regularization", "number", "0", "added to all variances, relative to the data's variance" },
      { "restarts", "integer", "1", "how many starts; the likeliest result is kept" },
      { "max_iterations", "integer", "1000", "the most EM iterations of a start" },
      { "tolerance", "number", "1e-8", "stop when the mean log-likelihood changes relatively by less; 0: never" },
      { "accelerate", "boolean", "false", "SQUAREM: longer steps for slow convergence" },
      { "seed", "integer", "0", "of the starts" },
      { "progress", "boolean|function", "as of all", "true: a bar of the fits; or a function that is told" },
    },
    returns = { { "table", "a list of { model=, components=, covariance=, log_likelihood=, parameters=, aic=, bic=, "
      .. "converged=, singular= } with a field `best`; print shows it as a table" } },
    text = "A fit that is singular (see GMM.singular) is marked, and is the best only when all are.",
    example = 'latent.gmm_select(X, { components = { 1, 2 }, covariance = "diag" }).best.components',
  },
}

return require "latent.docs.density_methods"(entries, "GMM", { model = fitted, X = "X", options = missing,
  free = "K - 1 weights, K D means, and the free numbers of the covariances" })
