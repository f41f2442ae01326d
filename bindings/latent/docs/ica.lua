-- latent.ica.

local data = { "X", "latent.Matrix|table|function",
  "N x D data, or latent.open's file; or a function that returns the next chunk of rows, and nil at the end" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local options = { "options", "table?", "see options" }
local out = { { "out", "a matrix to write the result into" } }
local slices = require "latent.docs.slices"
local fit = "latent.ica():fit(random(1):uniform(200, 2) * matrix{ {2, 1}, {1, 1} })"

local entries = {
  {
    name = "latent.ica",
    summary = "Makes an independent component analysis; fit gives it data.",
    args = { options },
    options = {
      { "latent_dim", "M, the number of sources; nil: as many as directions with variance" },
      { "contrast", '"logcosh" (good all round), "exp" (very peaked sources, outliers) or '
        .. '"cube" (kurtosis; flat sources)' },
      { "algorithm", '"fixed_point" (all sources at once), "deflation" (one after the other), '
        .. '"quasi_newton", "auto": the fixed point, and the quasi-Newton method once that gets nowhere; or '
        .. '"maximum_likelihood", without the constraint that sources be uncorrelated' },
      { "init", "the unmixing matrix to begin with (M x D); else a random rotation" },
      { "max_iterations", "for deflation: of each source; 0 leaves the start" },
      { "tolerance", "of the gradient's largest entry; 0 makes all iterations" },
      { "seed", "of the random rotation" },
    },
    returns = { { "latent.ICA", "the model" } },
    text = [[
Rows are mixtures x = m + A s of sources that are independent, of variance 1 and not Gaussian. Whitening leaves a
rotation to find, with outputs y as far from Gaussians v as they can be: it maximizes the objective

  J = sum_i |E[G(y_i)] - E[G(v)]|     G(y) = log cosh y, -exp(-y^2/2) or y^4/4

"maximum_likelihood" maximizes the mean log-likelihood of a row (see log_likelihood) over all U, from what "auto" gives
on, unless init is given; the objective is then that. Sources needn't be uncorrelated in the sample, as independent ones
hardly ever are; their variances are near 1, where the densities' are 1, and each has the better of its contrast's two
densities. (Picard: Ablin, Cardoso, Gramfort, IEEE Transactions on Signal Processing 66, 2018.)

Sources are in the order of the variance that they explain, and the largest entry of each column of A is positive.
With fewer sources than dimensions the data are reduced to their first M principal components before. With all
of them, columns are standardized for the whitening, so that their units don't matter.]],
    example = fit,
  },
  {
    name = "ICA",
    summary = "Independent component analysis; latent.ica makes one.",
    text = [[
After a fit: history (the objective of each iteration), iterations, converged, algorithm (the last one at work),
and how well it went: objective, gradient (the largest entry of the relative gradient, 0 at a solution) and change
(of the rotation: the most of 1 - |cos| between its old and new rows), all of the last iteration. A fit of
"maximum_likelihood" that max_seconds has ended in its start is that of the algorithm it names. identifiable is
false when more than one source is no less Gaussian than random data would look: then the directions of those
mean nothing.]],
  },
  {
    name = "ICA:fit",
    summary = "Finds the sources of the data.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0: a weight of 2 is the row twice" },
      { "on_iteration", "called with {iteration=, objective=, gradient=, model=}; false stops" },
      { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
      { "max_seconds", "end the fit then" },
    },
    returns = { { "latent.ICA", "the model itself" } },
    text = [[
Gaussian data don't fail: see identifiable. Columns that others determine are no sources of their own. Data in pieces
(a large file, a function) are read once for the whitening, once an iteration, and once at the end. With on_iteration
the model is brought up to date for each call, which takes a pass more. Of many rows in memory the fixed point's first
iterations, with logcosh, are in single precision, so their objectives have 7 digits; the last ones are in double.]],
    example = fit,
  },
  slices.entry("ICA", "latent.ica()", "random(1):uniform(200, 2) * matrix{ {2, 1}, {1, 1} }", data,
    { "weights", "on_iteration" }),
  {
    name = "ICA:steps",
    summary = "An iterator that does one iteration a turn: i, objective.",
    args = { data, options },
    options = { { "weights", "N numbers >= 0" }, slices.budget },
    returns = { { "function", "for i, objective in model:steps(X) do ... end" } },
    text = "The model is up to date in every turn, and stays as it is when the loop is left.",
    example = "for i, J in latent.ica():steps(X) do if i == 3 then break end end",
  },
  {
    name = "ICA:transform",
    summary = "The sources of rows: s = U(x - m), of variance 1 (but for maximum likelihood) on the data of the fit.",
    args = { rows, options },
    options = out,
    returns = { { "latent.Matrix", "N x M, or a vector of M for one row" } },
    example = fit .. ":transform{ {1, 1} }",
  },
  {
    name = "ICA:inverse_transform",
    summary = "The data of sources: x = m + A s.",
    args = { { "S", "latent.Matrix|table", "N x M, or a vector of M numbers as one row" }, options },
    options = out,
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = fit .. ":inverse_transform{ {0, 0} }",
  },
  {
    name = "ICA:reconstruct",
    summary = "Rows rebuilt from their sources: m + AU(x - m).",
    args = { rows, options },
    options = out,
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = fit .. ":reconstruct{ {1, 1} }",
  },
  {
    name = "ICA:log_likelihood",
    summary = "log p(x) = log|det U| + sum_i log p(s_i) of each row, in nats.",
    args = { rows },
    returns = { { "latent.Matrix|number", "a vector of N numbers; a number for one row" } },
    text = [[
For as many sources as dimensions; fewer fill a subspace, where no density exists. The density of a source belongs
to the contrast, has variance 1, and is a peaked or a flat one: by the sign of the source's kurtosis, or, with
"maximum_likelihood", whichever is likelier (see flat):

             peaked: kurtosis >= 0              flat: kurtosis < 0
  logcosh    1/2 sech(pi s/2)                   two normals at -1 and 1, scaled
  exp        phi(u) exp(exp(-u^2/2)), scaled    phi(u) exp(-exp(-u^2/2)), scaled
  cube       1/2 sech(pi s/2)                   exp(-u^4/4), scaled]],
    example = fit .. ":log_likelihood{ {1, 1} }",
  },
  {
    name = "ICA:sample",
    summary = "Draws rows from the model, and the sources that they are mixed from.",
    args = { { "n", "integer", "number of rows" }, options },
    options = { { "seed", "same seed, same rows" } },
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "n x M sources" } },
    text = "Sources have the densities of log_likelihood.",
    example = fit .. ":sample(5, { seed = 1 })",
  },
  { name = "ICA.mean", summary = "m: the mean of the data (D).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "ICA.mixing", summary = "A: column i is what a unit of source i does to the data (D x M).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "ICA.unmixing", summary = "U: row i gives source i (M x D); UA = I.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "ICA.kurtosis", summary = "The excess kurtosis E[s^4]/E[s^2]^2 - 3 of each source (M): 0 for a Gaussian.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "ICA.flat", summary = "1 for each source whose density is the flat one, else 0 (M).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
}

return require "latent.docs.density_methods"(entries, "ICA", { model = fit, X = "{ {1, 1} }",
  free = "D for the mean and D M for the mixing: the variance of a source is 1" })
