-- latent.metrics.

local truth, predicted = { "truth", "latent.Matrix|table", "N labels" },
  { "predicted", "latent.Matrix|table", "N labels of the same rows" }
local X, Y = { "X", "latent.Matrix", "N x D rows, or a vector of N numbers" },
  { "Y", "latent.Matrix", "M x D rows, or a vector of M numbers" }

return {
  {
    name = "metrics",
    summary = "How far apart samples, labels or matrices are.",
    text = [[
Of samples (energy_distance, wasserstein, precision_recall, density_coverage, modes) no density is needed, so draws of
any model can be compared with data. Two samples of one distribution are apart, too, by sampling alone: compare a
model's number with that of a second sample of the data.

Labels (accuracy, confusion, auc, adjusted_rand, normalized_mutual_information, silhouette) are vectors or lists of any
values: numbers, strings, true and false. A clustering's names of its clusters don't matter to the last three.]],
  },
  {
    name = "metrics.energy_distance",
    summary = "2 E|x - y| - E|x - x'| - E|y - y'|, of all pairs; 0 only for the same distribution.",
    args = { X, Y },
    returns = { { "number", ">= 0, in units of the data" } },
    text = [[
The means are over all N M, N^2 and M^2 pairs with Euclidean distances (Szekely and Rizzo 2013). Some call the root of
this number the energy distance. Sizes may differ; memory is that of the rows. The same bits for every number of
threads.]],
    example = "return metrics.energy_distance(matrix{0, 1}, matrix{3})   -- 4.5",
  },
  {
    name = "metrics.wasserstein",
    summary = "W_p, the cost of moving one sample onto the other: (min E|x - y|^p)^(1/p), exact.",
    args = { X, Y, { "options", "table?", "see options" } },
    options = { { "p", "number", "2", "the power, 1 to 64" } },
    returns = { { "number", ">= 0, in units of the data" } },
    text = [[
Rows have equal weights, and distances are Euclidean. In several columns X and Y must have the same number of rows: the
optimal coupling is then an assignment, which takes N^2 numbers of memory and at most N^3 steps (2,000 points in the
plane: half a second). In one column sizes may differ: it is the integral over the sorted numbers, for millions of
them.]],
    example = "return metrics.wasserstein(matrix{1, 2, 3}, matrix{2, 4})   -- the root of 4/3",
  },
  {
    name = "metrics.precision_recall",
    summary = "Shares of draws that are like data, and of data that are like draws, by nearest neighbours.",
    args = { X, Y, { "options", "table?", "see options" } },
    options = { { "neighbours", "integer", "3", "k: a row's ball reaches its k-th nearest of the same sample" } },
    returns = { { "number", "precision: the share of rows of Y within a ball of X" },
      { "number", "recall: the share of rows of X within a ball of Y" } },
    text = [[
X are data and Y a model's draws: precision is lost by rows that are none of the data's, recall by data that the model
doesn't make (Kynkäänniemi et al. 2019). Balls are open. Each sample has more than k rows.]],
    example = "return metrics.precision_recall(X, X + 0.01)",
  },
  {
    name = "metrics.density_coverage",
    summary = "How dense draws are where data are, and the share of the data that they cover.",
    args = { X, Y, { "options", "table?", "see options" } },
    options = { { "neighbours", "integer", "5", "k: a row's ball reaches its k-th nearest of the same sample" } },
    returns = { { "number", "density: balls of X that a row of Y is in, on the average, over k; about 1, or more" },
      { "number", "coverage: the share of the balls of X in which a row of Y is" } },
    text = [[
Naeem et al. 2020: as precision and recall, but one far row of X with its large ball spoils neither. Of two large
samples of one distribution and of one size coverage is about 1 - 2^-k, 0.97 for 5 neighbours: a GAN that has collapsed
to a part of the data covers that part only.]],
    example = "return metrics.density_coverage(X, X + 0.01, { neighbours = 3 })",
  },
  {
    name = "metrics.modes",
    summary = "How many of some known modes draws cover, and the share of draws that are in one.",
    args = { { "X", "latent.Matrix", "N x D rows, a model's draws" }, { "Y", "latent.Matrix", "K x D: the centres" },
      { "options", "table", "see options" } },
    options = { { "radius", "number", "required", "within what of its nearest centre a row is in a mode: 3 sigma" } },
    returns = { { "integer", "centres with at least one row" }, { "number", "the share of rows in a mode" } },
    text = "For data of which the modes are known: the ring of eight Gaussians, for example.",
    example = "return metrics.modes(matrix{ {0, 1}, {5, 5} }, matrix{ {0, 0}, {9, 9} }, { radius = 1 })   -- 1, 0.5",
  },
  {
    name = "metrics.accuracy",
    summary = "The share of predictions that are right.",
    args = { truth, predicted },
    returns = { { "number", "0 to 1" } },
    example = 'return metrics.accuracy({ "a", "b", "b" }, { "a", "b", "a" })   -- 2/3',
  },
  {
    name = "metrics.confusion",
    summary = "How many rows of each class are taken for each class.",
    args = { truth, predicted, { "options", "table?", "see options" } },
    options = { { "classes", "latent.Matrix|table", "all labels, sorted", "the classes, in the order of the rows" } },
    returns = { { "latent.Matrix", "K x K counts: row i is the truth, column j the prediction" },
      { "table", "the classes: a list" } },
    text = "Of a clustering rows and columns are labels of two kinds: give them the same names first, or read "
      .. "adjusted_rand.",
    example = "print(metrics.confusion({ 1, 1, 2 }, { 1, 2, 2 }))   -- 1 1; 0 1",
  },
  {
    name = "metrics.auc",
    summary = "The area under the ROC curve: the probability that a positive row scores above another.",
    args = { { "truth", "latent.Matrix|table", "N labels of two classes" },
      { "scores", "latent.Matrix|table", "N numbers, higher for rows that are likely to be positive" },
      { "options", "table?", "see options" } },
    options = { { "positive", "any", "the larger of two numbers, or true",
      "the positive class; with more than two, it is one against all others" } },
    returns = { { "number", "0 to 1; 1/2 is chance" } },
    text = "Rows of the same score count half. By ranks: N log N steps.",
    example = "return metrics.auc({ 0, 0, 1, 1 }, { 0.1, 0.4, 0.35, 0.8 })   -- 0.75",
  },
  {
    name = "metrics.adjusted_rand",
    summary = "How well two clusterings agree about which rows belong together: 1 is all, 0 what chance would give.",
    args = { truth, predicted },
    returns = { { "number", "at most 1; below 0 it is less than chance" } },
    text = "The Rand index less its mean under random labels of the same sizes, scaled (Hubert and Arabie 1985).",
    example = "return metrics.adjusted_rand({ 1, 1, 2, 2 }, { 5, 5, 7, 7 })   -- 1",
  },
  {
    name = "metrics.normalized_mutual_information",
    summary = "What one clustering says of another, as a share of their entropies.",
    args = { truth, predicted, { "options", "table?", "see options" } },
    options = { { "average", "string", '"arithmetic"',
      'of the two entropies that it is divided by: "arithmetic", "geometric", "min" or "max"' } },
    returns = { { "number", "0 to 1" } },
    text = "It isn't corrected for chance: of many small clusters it is large; see adjusted_rand.",
    example = "return metrics.normalized_mutual_information({ 1, 1, 2, 2 }, { 1, 2, 1, 2 })   -- 0",
  },
  {
    name = "metrics.silhouette",
    summary = "How well rows lie in their clusters: (b - a)/max(a, b), the mean over the rows.",
    args = { { "X", "latent.Matrix", "N x D rows" }, { "labels", "latent.Matrix|table", "the cluster of each row" } },
    returns = { { "number", "-1 to 1: the mean" }, { "latent.Matrix", "N: that of each row" } },
    text = [[
a is the mean distance of a row to the other rows of its cluster, b the least mean distance to another cluster's; 0 in
a cluster of one row (Rousseeuw 1987). Distances are Euclidean. Exact, of all N^2 pairs: 20,000 rows in ten columns
take about a second. The same bits for every number of threads.]],
    example = "return metrics.silhouette(matrix{ 0, 1, 10, 11 }, { 1, 1, 2, 2 })   -- 0.8997",
  },
  {
    name = "metrics.amari_distance",
    summary = "How far an unmixing matrix is from undoing a mixing, whatever the sources' order and scales.",
    args = { { "unmixing", "latent.Matrix", "M x D: ica.unmixing, say" }, { "mixing", "latent.Matrix", "D x M" } },
    returns = { { "number", "0 (their product is a scaled permutation) to 1" } },
    text = [[
With P = unmixing mixing, M x M: the sum over rows and columns of (sum |p| / max |p| - 1), divided by 2 M (M - 1)
(Amari, Cichocki and Yang 1996).]],
    example = "return metrics.amari_distance({ { 0, 2 }, { -3, 0 } }, matrix.eye(2))   -- 0",
  },
  {
    name = "metrics.procrustes",
    summary = "How far Y is from X when it is moved, turned and scaled onto it as well as can be.",
    args = { { "X", "latent.Matrix", "N x D points" }, { "Y", "latent.Matrix", "N x D: the same points, elsewhere" },
      { "options", "table?", "see options" } },
    options = { { "scaling", "boolean", "true", "whether Y may be scaled" },
      { "reflection", "boolean", "true", "whether Y may be reflected, too" } },
    returns = {
      { "number", "the sum of squared distances that is left, as a share of that of X from its mean: 0 to 1" },
      { "latent.Matrix", "Y on X" },
      { "table", "rotation (D x D), scale and offset (D): Y on X is Y rotation scale + offset" },
    },
    text = "To compare latent variables of two fits, which have no axes and no units of their own.",
    example = "print(metrics.procrustes(X, X * 3 + 1))   -- 0",
  },
}
