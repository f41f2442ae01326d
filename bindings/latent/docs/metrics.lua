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
}
