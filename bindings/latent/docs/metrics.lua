-- latent.metrics.

local X, Y = { "X", "latent.Matrix", "N x D rows, or a vector of N numbers" },
  { "Y", "latent.Matrix", "M x D rows, or a vector of M numbers" }

return {
  {
    name = "metrics",
    summary = "How far apart two samples are: a model's draws and data.",
    text = [[
No density is needed, so draws of any model can be compared with data. Two samples of one distribution are apart, too,
by sampling alone: compare a model's number with that of a second sample of the data.]],
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
}
