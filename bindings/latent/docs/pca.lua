-- latent.pca and latent.scaler.

local slices = require "latent.docs.slices"
local data = { "X", "latent.Matrix|table|function",
  "N x D data; or a function that returns the next chunk of rows, and nil at the end" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local out = { { "out", "a matrix to write the result into" } }
local options = { "options", "table?", "see options" }
local progress = { "progress", "true: a bar while it takes long; or a function that is told (latent.progress)" }

return {
  {
    name = "latent.pca",
    summary = "Makes a principal component analysis; fit gives it data.",
    args = { options },
    options = {
      { "latent_dim",
        'M, how many components to keep; a number between 0 and 1 keeps that share of the variance; "mle" as many as '
        .. "make the data most probable; all when nil" },
      { "solver",
        '"covariance" (exact), "gram" (exact, for N < D), "randomized" (a Krylov space, until the residuals '
        .. 'are below the tolerance), or "auto" by the shape' },
      { "standardize", "divide each column by its deviation: the correlation matrix" },
      { "whiten", "give transformed data variance 1 in every direction" },
      { "tolerance", "of the randomized solver: residuals relative to the largest eigenvalue" },
      { "seed", "of the randomized solver's start" },
      { "init", "{ mean=, components= (D x M), eigenvalues=, deviation= (else 1), total_variance= "
        .. "(else the sum) }: the model can be used without a fit" },
    },
    returns = { { "latent.PCA", "the model" } },
    text = [[
The components are the M eigenvectors of the covariance S = 1/N sum (x - m)(x - m)' with the largest
eigenvalues: the directions of most variance, and those from which rows are rebuilt with the least squared
error J = 1/N sum |x - x~|^2, which is the sum of the discarded eigenvalues. The covariance is accumulated
about the mean, block by block, so data with a large offset keep their digits.

With latent_dim = "mle" M, from 1 to D - 1, has the largest evidence, which log_evidence then has for each: the
probability of the data under a probabilistic PCA whose parameters are integrated out (Minka, Automatic choice of
dimensionality for PCA, 2000; by Laplace's method, with the eigenvalues of divisor N: another divisor changes all by the
same factor). It takes more rows than columns. Directions without variance are left out before, and if only one has any,
M is 1.]],
    example = "latent.pca{ latent_dim = 2 }:fit(matrix{ {1, 2}, {2, 4.1}, {3, 5.9} })",
  },
  {
    name = "PCA",
    summary = "Principal component analysis; latent.pca makes one.",
    text = [[
history, iterations, converged and solver say how the fit went; history[1] is the distortion J. With latent_dim = "mle"
components has as many columns as were chosen, and log_evidence is a table: log_evidence[M] is the logarithm of the
evidence of M components, in nats but for a constant, for M = 1 to D - 1.]],
  },
  {
    name = "PCA:fit",
    summary = "Finds the components of the data.",
    args = { data, options },
    options = { { "weights", "N numbers >= 0: a weight of 2 is the row twice" }, progress },
    returns = { { "latent.PCA", "the model itself" } },
    text = "A function as data is run to its end once; see partial_fit for the limits of chunks.",
    example = "latent.pca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 4.1}, {3, 5.9} })",
  },
  slices.entry("PCA", "latent.pca{ latent_dim = 1 }", "matrix{ {1, 2}, {2, 4.1}, {3, 5.9} }", data, { "weights" }),
  {
    name = "PCA:partial_fit",
    summary = "Takes more rows into the fit.",
    args = { data, options },
    options = { { "weights", "N numbers >= 0: a weight of 2 is the row twice" }, progress },
    returns = { { "latent.PCA", "the model itself" } },
    text = [[
Up to 4096 columns the covariance of all rows seen is kept, and the result is exact. Beyond that the leading
latent_dim singular triplets are (incremental SVD), and what a chunk has outside of them is forgotten.
Eigenvectors are computed when they are first looked at.]],
    example = "latent.pca():partial_fit(matrix{ {1, 2}, {2, 4} }):partial_fit(matrix{ {3, 5} })",
  },
  {
    name = "PCA:transform",
    summary = "The latent variables of rows: z = U'(x - m).",
    args = { rows, options },
    options = out,
    returns = { { "latent.Matrix", "N x M, or a vector of M for one row" } },
    text = [[
With whiten each z is divided by the square root of its eigenvalue; directions without variance give 0.]],
    example = "latent.pca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 4}, {3, 7} }):transform{ {1, 1} }",
  },
  {
    name = "PCA:inverse_transform",
    summary = "The data of latent variables: x = m + U z.",
    args = { { "Z", "latent.Matrix|table", "N x M, or a vector of M numbers as one row" }, options },
    options = out,
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = "latent.pca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 4}, {3, 7} }):inverse_transform{ {0} }",
  },
  {
    name = "PCA:reconstruct",
    summary = "Rows rebuilt from their components: m + UU'(x - m).",
    args = { rows, options },
    options = out,
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = "latent.pca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 4}, {3, 7} }):reconstruct{ {1, 1} }",
  },
  {
    name = "PCA:distortion",
    summary = "J = 1/N sum |x - x~|^2, the mean squared error of the reconstruction.",
    args = { { "X", "latent.Matrix|table", "N x D rows" } },
    returns = { { "number", "on the data of the fit, the sum of the discarded eigenvalues" } },
    example = "latent.pca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 4}, {3, 7} }):distortion{ {1, 1} }",
  },
  { name = "PCA.mean", summary = "m: the mean of the data (D).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PCA.deviation", summary = "The columns' deviations (D) with standardize, else ones.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PCA.components", summary = "U: column i is the direction of component i (D x M).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PCA.eigenvalues", summary = "The variances along the components, descending (M); divisor N.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PCA.explained_ratio", summary = "Eigenvalues as shares of the total variance (M).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PCA.total_variance", summary = "The trace of the covariance.",
    returns = { { "number", "nil before a fit" } } },
  {
    name = "latent.scaler",
    summary = "Makes a scaler, which gives columns mean 0 and deviation 1.",
    args = { options },
    options = {
      { "with_mean", "subtract the mean" },
      { "with_deviation", "divide by the deviation (divisor N)" },
    },
    returns = { { "latent.Scaler", "the scaler" } },
    text = "A constant column has deviation 1, and becomes 0. Numbers may have any size that a double can hold.",
    example = "latent.scaler():fit(matrix{ {1, 2}, {3, 8} })",
  },
  { name = "Scaler", summary = "Columns to mean 0 and deviation 1; latent.scaler makes one.",
    text = "It is found at once: it has no history, iterations and converged. After a fit with missing = true, missing "
      .. "is true." },
  {
    name = "Scaler:fit",
    summary = "Finds the columns' means and deviations.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0: a weight of 2 is the row twice" },
      { "missing", "NaN marks a missing entry, which is left out of its column" },
      progress,
    },
    returns = { { "latent.Scaler", "the scaler itself" } },
    example = "latent.scaler():fit(matrix{ {1, 2}, {3, 8} })",
  },
  slices.entry("Scaler", "latent.scaler()", "matrix{ {1, 2}, {3, 8} }", data, { "weights", "missing" }),
  {
    name = "Scaler:partial_fit",
    summary = "Takes more rows into the means and deviations.",
    args = { data, options },
    options = {
      { "weights", "N numbers >= 0" },
      { "missing", "NaN marks a missing entry" },
      progress,
    },
    returns = { { "latent.Scaler", "the scaler itself" } },
    example = "latent.scaler():partial_fit(matrix{ {1, 2} }):partial_fit(matrix{ {3, 8} })",
  },
  {
    name = "Scaler:transform",
    summary = "(x - mean)/deviation, column by column; missing entries stay missing.",
    args = { { "X", "latent.Matrix|table", "N x D rows" }, options },
    options = out,
    returns = { { "latent.Matrix", "N x D" } },
    example = "latent.scaler():fit(matrix{ {1, 2}, {3, 8} }):transform{ {1, 2} }",
  },
  {
    name = "Scaler:inverse_transform",
    summary = "mean + deviation * z, column by column.",
    args = { { "Z", "latent.Matrix|table", "N x D rows" }, options },
    options = out,
    returns = { { "latent.Matrix", "N x D" } },
    example = "latent.scaler():fit(matrix{ {1, 2}, {3, 8} }):inverse_transform{ {0, 0} }",
  },
  { name = "Scaler.mean", summary = "The columns' means (D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "Scaler.deviation", summary = "The columns' deviations (D).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
}
