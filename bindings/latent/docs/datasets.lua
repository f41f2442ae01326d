-- latent.datasets and latent.batches.

local seed = { "seed", "integer|latent.Random", "1", "another seed is another set" }

return {
  {
    name = "datasets",
    summary = "Data that comes with latent, and generators of data whose truth is known.",
    text = [[
iris, faithful, digits, nile and air_passengers are files in the folder data beside the module, whose README.md
names their sources and licences. The generators give the same data at every call, unless another seed asks for
another set.]],
  },
  {
    name = "datasets.iris",
    summary = "Fisher's iris: four measurements of 150 flowers, 50 of each of three species.",
    args = {},
    returns = {
      { "latent.Matrix", "150x4: sepal length and width, petal length and width in cm" },
      { "latent.Matrix", "the species as 1, 2, 3" },
      { "table", "columns, classes (the species' names) and source" },
    },
    example = "local X, y, info = latent.datasets.iris()",
  },
  {
    name = "datasets.faithful",
    summary = "272 eruptions of the geyser Old Faithful.",
    args = {},
    returns = {
      { "latent.Matrix", "272x2: an eruption's duration and the waiting time to the next, in minutes" },
      { "table", "columns and source" },
    },
    example = "local X = latent.datasets.faithful()",
  },
  {
    name = "datasets.digits",
    summary = "1797 handwritten digits of 8x8 pixels.",
    args = {},
    returns = {
      { "latent.Matrix", "1797x64: pixels row by row, 0 is white, 16 is black" },
      { "latent.Matrix", "which digit each row is, 0 to 9" },
      { "table", "classes, shape ({8, 8}) and source" },
    },
    example = "local X, y = latent.datasets.digits()",
  },
  {
    name = "datasets.nile",
    summary = "The annual flow of the Nile at Aswan, 1871 to 1970.",
    args = {},
    returns = {
      { "latent.Matrix", "100x1: the volume in 10^8 cubic metres, a year each" },
      { "table", "columns, time (the years, a vector) and source" },
    },
    example = "local Y, info = latent.datasets.nile()",
  },
  {
    name = "datasets.air_passengers",
    summary = "Monthly totals of international airline passengers, January 1949 to December 1960.",
    args = {},
    returns = {
      { "latent.Matrix", "144x1: thousands of passengers, a month each" },
      { "table", "columns, time (in years: 1949, 1949 + 1/12, ...; a vector) and source" },
    },
    text = "Trend and season grow with the level: take the logarithm for an additive model.",
    example = "local Y = latent.datasets.air_passengers():log()",
  },
  {
    name = "datasets.blobs",
    summary = "Round clusters: Gaussians about centers that are uniform in a box.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = {
      { "components", "integer", "3", "number of clusters; they get equal shares of the rows" },
      { "dims", "integer", "2", "number of columns" },
      { "spread", "number", "1", "standard deviation within a cluster" },
      { "box", "number", "10", "centers lie in [-box, box] in every dimension" },
      seed,
    },
    returns = {
      { "latent.Matrix", "n x dims" },
      { "latent.Matrix", "each row's cluster, from 1" },
      { "latent.Matrix", "the centers, components x dims" },
    },
    example = "local X, y, centers = latent.datasets.blobs(300, { components = 4, spread = 0.5 })",
  },
  {
    name = "datasets.two_moons",
    summary = "Two interleaved half circles of radius 1.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = { { "noise", "number", "0.1", "standard deviation of the noise in both columns" }, seed },
    returns = { { "latent.Matrix", "n x 2" }, { "latent.Matrix", "each row's moon, 1 or 2" } },
    example = "local X, y = latent.datasets.two_moons(400)",
  },
  {
    name = "datasets.circles",
    summary = "Two circles about the origin, of radius 1 and a smaller one.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = {
      { "factor", "number", "0.5", "radius of the second circle" },
      { "noise", "number", "0.05", "standard deviation of the noise in both columns" },
      seed,
    },
    returns = { { "latent.Matrix", "n x 2" }, { "latent.Matrix", "each row's circle, 1 or 2" } },
    example = "local X, y = latent.datasets.circles(400)",
  },
  {
    name = "datasets.swiss_roll",
    summary = "A sheet rolled up in three dimensions: (t cos t, h, t sin t).",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = {
      { "height", "number", "21", "h is uniform in [0, height]; t in [3 pi/2, 9 pi/2]" },
      { "noise", "number", "0", "standard deviation of the noise in all columns" },
      seed,
    },
    returns = { { "latent.Matrix", "n x 3" }, { "latent.Matrix", "n x 2: t and h" } },
    example = "local X, Z = latent.datasets.swiss_roll(500, { noise = 0.1 })",
  },
  {
    name = "datasets.low_rank",
    summary = "Gaussian data with m latent dimensions: x = W z + noise.",
    args = {
      { "n", "integer", "number of rows" },
      { "d", "integer", "number of columns" },
      { "m", "integer", "number of latent dimensions, at most d" },
      { "options", "table?", "see options" },
    },
    options = { { "noise", "number", "1", "standard deviation of the noise" }, seed },
    returns = {
      { "latent.Matrix", "n x d" },
      { "table", "the truth: latent (z, n x m), W (d x m), noise_variance, covariance (W W' + noise^2 I)" },
    },
    example = "local X, truth = latent.datasets.low_rank(500, 10, 2)",
  },
  {
    name = "latent.batches",
    summary = "An iterator over the rows, a few at a time, in random order.",
    args = {
      { "X", "latent.Matrix", "a matrix, also a mapped one" },
      { "size", "integer", "rows in a batch; the last one may be shorter" },
      { "options", "table?", "see options" },
    },
    options = {
      { "seed", "integer|latent.Random", "", "of the order; without it every pass has another one" },
      { "shuffle", "boolean", "true", "false keeps the order; batches are then views of X, no copies" },
    },
    returns = {
      { "function", "gives a batch and the vector of its row numbers, which picks the labels: y:rows_at(rows)" },
    },
    example = "for x, rows in latent.batches(latent.matrix.eye(5), 2, { seed = 1 }) do print(#x, rows) end",
  },
}
