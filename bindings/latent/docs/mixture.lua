-- latent.mixture: mixtures of distributions with independent columns.

local slices = require "latent.docs.slices"
local data = { "X", "latent.Matrix|table|function",
  "N x D data, or latent.open's file; or a function that returns the next chunk of rows, and nil at the end" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local options = { "options", "table?", "see options" }
local missing = { { "missing", "NaN marks a missing entry, which is left out" } }
local labels = { "labels", "N integers: the component of each row, or 0 where it isn't known" }
local binary = "local B = latent.matrix{ {1,0,1}, {1,1,1}, {0,0,1}, {0,0,0}, {1,1,0} }; "
local fitted = binary .. "local model = latent.mixture{ components = 2 }:fit(B); "

local entries = {
  {
    name = "latent.mixture",
    summary = "Makes a mixture of distributions whose columns are independent given the component.",
    args = { options },
    options = {
      { "components", "K" },
      { "family", '"bernoulli" (0 and 1), "categorical" (codes, or one-hot columns), '
        .. '"poisson" (counts), or a table of functions' },
      { "smoothing", "a pseudo-count of each value in each component; 0 is maximum likelihood" },
      { "levels", "categorical: how many levels the columns have" },
      { "lowest", "categorical: the columns' first code, 0 or 1" },
      { "groups", "categorical: X is one-hot, and these are the numbers of columns that belong "
        .. "together" },
      { "init", '"mixed", "random", "k-means", or { means= (rates=, probabilities=), weights= }, '
        .. "of which weights may be left out; probabilities and weights add up to 1" },
      { "restarts", "how many starts; the likeliest result is kept, see below" },
      { "max_iterations", "the most EM iterations of a start" },
      { "tolerance", "stop when the mean log-likelihood changes relatively by less; 0: never" },
      { "accelerate", "SQUAREM: longer steps for slow convergence" },
      { "seed", "of the starts" },
    },
    returns = { { "latent.Mixture", "the model" } },
    text = [[
p(x) = sum_k w_k prod_d p(x_d | k), by EM. With the family "categorical" this is latent class analysis. Parameters are
weights (K) and

  bernoulli     means (K x D), the probabilities of 1
  poisson       rates (K x D)
  categorical   probabilities (K x M): the levels of all columns side by side; model:column(d) are those of one.
                levels and lowest (D each) say how the columns are coded.

Codes are whole numbers. A column that has a 0 begins there, else at 1, and goes up to the largest code seen; say
levels and lowest when the data may lack one. In one-hot columns each group has one 1, or NaN everywhere.

smoothing = s adds s to each count of the M-step (for rates: s rows with a count of 1): the result maximizes the
likelihood times a prior, Beta(1+s, 1+s), Dirichlet(1+s) or Gamma(1+s, s), and the history includes the prior's
logarithm, without its constant. Without it probabilities of 0 and 1 can be reached; a row that no component allows
has a log-likelihood of -infinity.

Starts are random and by K-means in turn, as these find different maxima: "mixed" begins at random, "k-means" by
K-means; with "random" all are random. The likelihood has no singularities.

After a fit components are in order of their first mean, rate or probability (then the second, ...), unless init or
labels gave them numbers, or the family is a table. Rows that are the same are computed once.

The table of a family of your own has log_density(parameters, X), a vector of N; fit(X, responsibilities), which
returns the parameters, of any type, that maximize the weighted log-likelihood; and may have sample(parameters, n,
seed), n rows, and free_parameters, how many a component has. The list model.parameters is what fit returned. Starts
are clusters (further ones differ as latent.gmm's do) or, with init = "random", random. X must be a matrix.]],
    example = binary .. "return latent.mixture{ components = 2, family = 'bernoulli' }:fit(B).means",
  },
  {
    name = "Mixture",
    summary = "A mixture of distributions with independent columns; latent.mixture makes one.",
    text = [[
history (the mean log-likelihood at each iteration's begin), iterations, converged, drops and refused tell of the fit;
see fitting.]],
  },
  { name = "Mixture.weights", summary = "The weights of the components (K).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "Mixture.means", summary = 'The probabilities of ones of the family "bernoulli" (K x D).',
    returns = { { "latent.Matrix?", "nil before a fit, and of other families" } } },
  { name = "Mixture.rates", summary = 'The means of the family "poisson" (K x D).',
    returns = { { "latent.Matrix?", "nil before a fit, and of other families" } } },
  { name = "Mixture.probabilities", summary = 'Those of the levels of all columns of the family "categorical": see '
    .. "Mixture:column.", returns = { { "latent.Matrix?", "nil before a fit, and of other families" } } },
  { name = "Mixture.levels", summary = 'How many levels each column of the family "categorical" has (D).',
    returns = { { "latent.Matrix?", "nil before a fit, and of other families" } } },
  { name = "Mixture.lowest", summary = 'The lowest level of each column of the family "categorical" (D).',
    returns = { { "latent.Matrix?", "nil before a fit, and of other families" } } },
  { name = "Mixture.parameters", summary = "The parameters of the components of a family of functions, a list.",
    returns = { { "table?", "nil before a fit, and of other families" } } },
  {
    name = "Mixture:fit",
    summary = "Finds the maximum likelihood parameters by EM, or with smoothing the most probable ones.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0: a weight of 2 is the row twice" },
      { "missing", "NaN marks a missing entry" },
      labels,
      { "on_iteration", "called with {iteration=, objective=, restart=, model=}; false stops" },
      { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
      { "max_seconds", "stop after the iteration in which they are over; 0: never" },
    },
    returns = { { "latent.Mixture", "the model itself" } },
    text = [[
A missing entry is left out of its row's product, which is exact, as columns are independent given the component; a row
without entries adds 0. When all labels are known the fit is the closed form.]],
    example = fitted .. "return model.converged",
  },
  slices.entry("Mixture", 'latent.mixture{ components = 2 }', "X:gt(0)", data,
    { "weights", "missing", "labels", "on_iteration" }),
  {
    name = "Mixture:steps",
    summary = "An iterator that does one iteration a turn: i, objective.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0" },
      { "missing", "NaN marks a missing entry" },
      labels,
      slices.budget,
    },
    returns = { { "function", "for i, objective in model:steps(X) do ... end" } },
    example = binary .. "for i in latent.mixture{ components = 2 }:steps(B) do if i == 3 then break end end",
  },
  {
    name = "Mixture:partial_fit",
    summary = "Takes more rows into the fit: one step of online EM a chunk.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0" },
      { "missing", "NaN marks a missing entry" },
      { "rate", "the share of the new statistics; 0: it falls as chunks come" },
    },
    returns = { { "latent.Mixture", "the model itself" } },
    text = [[
The first chunk makes the start, and says which levels there are unless the model was told. A little smoothing keeps
what it didn't have from becoming impossible. Not for families of functions, which want all rows at once.]],
    example = binary .. "latent.mixture{ components = 2, smoothing = 0.5 }:partial_fit(B):partial_fit(B)",
  },
  {
    name = "Mixture:responsibilities",
    summary = "The posterior probabilities p(k | x) of the components.",
    args = { rows, options },
    options = missing,
    returns = { { "latent.Matrix", "N x K, rows add up to 1; of one row a vector of K" } },
    example = fitted .. "return model:responsibilities(B)",
  },
  {
    name = "Mixture:predict",
    summary = "The most probable component of each row, from 1.",
    args = { rows, options },
    options = missing,
    returns = { { "latent.Matrix|integer", "vector of N labels; a number for one row" } },
    example = fitted .. "return model:predict(B)",
  },
  {
    name = "Mixture:log_likelihood",
    summary = "log p(x) of each row, in nats.",
    args = { rows, options },
    options = missing,
    returns = { { "latent.Matrix|number",
      "vector of N, a number for one row; -infinity for what no component allows" } },
    example = fitted .. "return model:log_likelihood(B)",
  },
  {
    name = "Mixture:elbo",
    summary = "The lower bound of log p(x) by any responsibilities, and its distance.",
    args = { rows, { "q", "latent.Matrix?", "N x K, rows add up to 1; the model's own when left out" }, options },
    options = missing,
    returns = { { "latent.Matrix|number", "bound (N; a number for one row): sum_k q_k (log p(x, k) - log q_k)" },
      { "latent.Matrix|number", "KL(q || p(k | x)), >= 0; their sum is the log-likelihood" } },
    example = fitted .. "return model:elbo(B)",
  },
  {
    name = "Mixture:sample",
    summary = "Rows drawn from the mixture.",
    args = { { "n", "integer", "how many" }, options },
    options = { { "seed", "a seed or a generator" } },
    returns = { { "latent.Matrix", "n x D" }, { "latent.Matrix", "vector of n: the components they came from" } },
    example = fitted .. "return model:sample(4, { seed = 1 })",
  },
  {
    name = "Mixture:impute",
    summary = "X with its missing entries (NaN) filled from what the rest of the row says.",
    args = { rows },
    returns = { { "latent.Matrix", "N x D: conditional means; for codes the most probable level" } },
    example = fitted .. "return model:impute{ { 1, 0/0, 1 } }",
  },
  {
    name = "Mixture:column",
    summary = "The probabilities of one column's levels, of a categorical mixture.",
    args = { { "column", "integer", "which; a group of one-hot columns counts as one" } },
    returns = { { "latent.Matrix", "K x levels: a view, whose rows add up to 1" } },
    example = "return latent.mixture{ family = 'categorical' }:fit{ { 1, 3 }, { 2, 1 } }:column(2)",
  },
  {
    name = "Mixture:align",
    summary = "Puts the components in the order of another fit's.",
    args = { { "other", "latent.Mixture", "as many components, the same family and columns" } },
    returns = { { "latent.Matrix", "permutation: component i was number permutation[i]" },
      { "latent.Matrix", "squared Hellinger distances to the other's components, summed over the columns" } },
    text = "The assignment whose distances have the least sum. The components of this model change places.",
    example = fitted .. "return model:align(latent.mixture{ components = 2, seed = 2 }:fit(B))",
  },
}

return require "latent.docs.density_methods"(entries, "Mixture", { model = fitted .. "return model", X = "B",
  options = missing, free = "K - 1 weights, and for each component D, or levels - 1 of each column" })
