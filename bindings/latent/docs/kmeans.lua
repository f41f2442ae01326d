-- latent.kmeans.

local slices = require "latent.docs.slices"
local options = { "options", "table?", "see options" }
local data = { "X", "latent.Matrix|table|function", "N x D data, a mapped file, or a function that returns the next "
  .. "chunk of rows (and their weights), and nil at the end of a pass" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local weights = { "weights", "N numbers >= 0: a weight of 2 is the row twice, 0 as if it weren't there" }

return {
  {
    name = "latent.kmeans",
    summary = "Makes a K-means clustering; fit gives it data.",
    args = { { "options", "table", "see options" } },
    options = {
      { "clusters", "K, how many clusters" },
      { "init", 'the start: "k-means++" (rows far from each other), "random" (any rows), or a K x D matrix of centres, '
        .. 'which can be used without a fit' },
      { "algorithm", '"lloyd", "hamerly" (bounds spare distances), "auto" (bounds while they spare any), all with the '
        .. 'same result to the bit; or "minibatch"' },
      { "restarts", "how many starts; the fit with the least J is kept" },
      { "max_iterations", "an iteration is a pass over the data, or a mini-batch" },
      { "tolerance", "stop when J changes by less than this part of it; 0 runs exactly max_iterations" },
      { "accelerate", "SQUAREM: larger steps, taken back when they make J larger" },
      { "batch", "the rows of a mini-batch" },
      { "seed", "of the starts and the mini-batches: the same seed gives the same result" },
    },
    returns = { { "latent.KMeans", "the model" } },
    text = [[
K-means makes the distortion J = sum over rows of w |x - m_k|^2 small, k the cluster whose centre m_k is nearest
(Bishop, Pattern Recognition and Machine Learning, 9.1). Each iteration gives every row to its nearest centre (equal
distances: to the first) and moves each centre to the mean of its rows; J never becomes larger. The result depends on
the start: take several restarts, and scale the columns (latent.scaler) where their units differ.

A cluster that is left without rows moves to the row farthest from its centre. With fewer different rows than clusters,
surplus centres coincide with others, or stand aside, and have no rows.

k-means++ (Arthur, Vassilvitskii 2007) draws row after row with probability proportional to the squared distance to the
centres so far, and takes the best of several draws; of more than 2^18 rows it looks at every few.
"minibatch" draws random rows and takes stepwise updates; it is for data so large that some iterations over all of it
are too many, and is done when the smoothed objective has not become less for 10 batches. Each start draws its own
batches, and has one pass over all rows for J and the labels.]],
    example = "latent.kmeans{ clusters = 3, restarts = 10 }:fit((datasets.iris()))",
  },
  {
    name = "KMeans",
    summary = "K-means clustering; latent.kmeans makes one.",
    text = [[
history has the objective of each iteration, J divided by the sum of weights, for the centres that the iteration began
with; iterations and converged say how the fit ended.]],
  },
  {
    name = "KMeans:fit",
    summary = "Finds the centres.",
    args = { data, options },
    options = {
      weights,
      { "on_iteration", "called with { iteration =, objective =, restart =, model = }; false stops" },
      { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
      { "max_seconds", "stop after this time, with what there is" },
    },
    returns = { { "latent.KMeans", "the model itself" } },
    text = "Data of a function, and of files beyond 32 MB, are started from a sample. Mini-batches are drawn from a "
      .. "matrix or a mapped file.",
    example = "latent.kmeans{ clusters = 2 }:fit(matrix{ {1, 2}, {1, 3}, {8, 9} })",
  },
  slices.entry("KMeans", 'latent.kmeans{ clusters = 2 }', "X", data, { "weights", "on_iteration" }),
  {
    name = "KMeans:steps",
    summary = "An iterator: each turn does one iteration and gives its number and objective.",
    args = { data, options },
    options = { weights, slices.budget },
    returns = { { "function", "for the generic for" } },
    text = "With mini-batches an iteration is one of them. "
      .. "Leaving the loop keeps the model as it stands; labels and inertia come when the loop is left.",
    example = "for i, J in latent.kmeans{ clusters = 2 }:steps(matrix{ {1, 2}, {1, 3}, {8, 9} }) do print(i, J) end",
  },
  {
    name = "KMeans:partial_fit",
    summary = "Takes more rows into the fit: one stepwise update.",
    args = { data, options },
    options = {
      weights,
      { "rate", "of the update, 0 to 1; by default (n + 2)^-0.6 after n updates" },
    },
    returns = { { "latent.KMeans", "the model itself" } },
    text = "The first rows are what a new model starts from. No labels are kept.",
    example = "latent.kmeans{ clusters = 2 }:partial_fit(matrix{ {1, 2}, {1, 3}, {8, 9} })",
  },
  {
    name = "KMeans:predict",
    summary = "The label of each row: the number of the nearest centre.",
    args = { rows },
    returns = { { "latent.Matrix|integer", "N labels, 1 to K; a number for one row" } },
    example = "latent.kmeans{ clusters = 2 }:fit(matrix{ {1, 2}, {1, 3}, {8, 9} }):predict{ 7, 7 }",
  },
  {
    name = "KMeans:transform",
    summary = "The distances of rows to all centres.",
    args = { rows, options },
    options = { { "out", "a matrix to write the result into" } },
    returns = { { "latent.Matrix", "N x K, or a vector of K for one row" } },
    example = "latent.kmeans{ clusters = 2 }:fit(matrix{ {1, 2}, {1, 3}, {8, 9} }):transform{ {7, 7} }",
  },
  {
    name = "KMeans:score",
    summary = "Minus the mean squared distance of rows to their nearest centres: higher is better.",
    args = { rows },
    returns = { { "number", "on the data of an unweighted fit, -inertia/N" } },
    example = "latent.kmeans{ clusters = 2 }:fit(matrix{ {1, 2}, {1, 3}, {8, 9} }):score{ {7, 7} }",
  },
  { name = "KMeans.centers", summary = "The centres (K x D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "KMeans.origin", summary = "The point that sums are taken about (D): the median of the first centres.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  {
    name = "KMeans.labels",
    summary = "The labels of the fit's rows under its final centres (N), 1 to K.",
    returns = { { "latent.Matrix", "nil before a whole fit, and where the data came from a function" } },
  },
  {
    name = "KMeans.inertia",
    summary = "J, the weighted sum of squared distances to the final centres.",
    returns = { { "number", "nil before a whole fit" } },
  },
}
