-- latent.datasets and latent.batches.

local seed = { "seed", "integer|latent.Random", "1", "another seed is another set" }
local standardize = { "standardize", "boolean", "false", "in units of the distribution's means and deviations" }

return {
  {
    name = "datasets",
    summary = "Data that comes with latent, and generators of data whose truth is known.",
    text = [[
iris, faithful, digits, nile and air_passengers are files in the folder data beside the module, whose README.md
names their sources and licences. The generators give the same data at every call, unless another seed asks for
another set.

What is known of a matrix is also in its fields X.names (of its columns), X.labels, X.classes and X.source. What is
handed on behind it is no options: model:fit(latent.datasets.iris()) fits X.]],
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
      { "table", "shape ({8, 8}) and source; no classes, as labels are the digits themselves" },
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
    name = "datasets.mnist",
    summary = "Images and labels from a folder of files in MNIST's format: MNIST, Fashion-MNIST, KMNIST, EMNIST.",
    args = {
      { "folder", "string", "holds train-images-idx3-ubyte, t10k-images-idx3-ubyte and so on, or these with .gz" },
      { "options", "table?", "see options" },
    },
    options = {
      { "part", "string", '"train"', '"train", "test" (files t10k-... or test-...) or "valid"' },
      { "scale", "number", "1/255", "what the bytes are multiplied by: grey levels from 0 to 1; 1 keeps 0 to 255" },
    },
    returns = {
      { "latent.Matrix?", "an image a row, float32; nil when a file can't be read" },
      { "latent.Matrix|string?", "the labels, where there are some; or the message" },
      { "table", "shape (of an image, where it is a square) and source (the file)" },
    },
    text = [[
60,000 images of 28x28 take 188 MB. None come with latent; folders of such files are what the data sets' own
pages offer.]],
    example = 'local X, y = latent.datasets.mnist("mnist", { part = "test" })',
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
    options = { { "noise", "number", "0.1", "standard deviation of the noise in both columns" }, standardize, seed },
    returns = { { "latent.Matrix", "n x 2" }, { "latent.Matrix", "each row's moon, 1 or 2" } },
    example = "local X, y = latent.datasets.two_moons(400)",
  },
  {
    name = "datasets.moons",
    summary = "The same as two_moons.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = { { "noise", "number", "0.1", "standard deviation of the noise in both columns" }, standardize, seed },
    returns = { { "latent.Matrix", "n x 2" }, { "latent.Matrix", "each row's moon, 1 or 2" } },
    text = "Entropies in nats by quadrature: 0.478 with noise 0.06, and 1.320 standardized.",
    example = "local X, y = latent.datasets.moons(400, { noise = 0.06, standardize = true })",
  },
  {
    name = "datasets.eight_gaussians",
    summary = "Eight round clusters at equal distances on a circle.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = {
      { "noise", "number", "0.1", "standard deviation of a cluster in both columns" },
      { "radius", "number", "1", "of the circle" },
      standardize,
      seed,
    },
    returns = { { "latent.Matrix", "n x 2" }, { "latent.Matrix", "each row's cluster, 1 to 8" } },
    text = "Where clusters are far apart their entropy is log 8 + log(2 pi e noise^2): 0.312 nats by default.",
    example = "local X, y = latent.datasets.eight_gaussians(400)",
  },
  {
    name = "datasets.pinwheel",
    summary = "Clusters bent into the arms of a pinwheel.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = {
      { "arms", "integer", "5", "how many; they get equal shares of the rows" },
      { "radial", "number", "0.3", "standard deviation along an arm, whose middle is at radius 1" },
      { "noise", "number", "0.1", "standard deviation across an arm" },
      { "rate", "number", "0.25", "a point at r along its arm is turned by rate exp(r)" },
      standardize,
      seed,
    },
    returns = { { "latent.Matrix", "n x 2" }, { "latent.Matrix", "each row's arm, from 1" } },
    text = "Johnson, Duvenaud, Wiltschko, Datta and Adams, NeurIPS 2016.",
    example = "local X, y = latent.datasets.pinwheel(400)",
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
    name = "datasets.linear_gaussian",
    summary = "Gaussian data with latent dimensions, x = W z + mean + noise: as factor analysis and PPCA have them.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = {
      { "dims", "integer", "5", "number of columns" },
      { "latent_dim", "integer", "2", "number of latent dimensions, at most dims" },
      { "noise", "number", "1", "standard deviation of the noise" },
      { "unequal", "boolean", "false", "each column has a deviation of its own, between half and 3/2 of noise" },
      { "offset", "number", "0", "standard deviation of the columns' means" },
      seed,
    },
    returns = {
      { "latent.Matrix", "n x dims" },
      { "table", "the truth: latent (z, n x latent_dim), W (dims x latent_dim), mean, noise_variances, covariance" },
    },
    example = "local X, truth = latent.datasets.linear_gaussian(500, { dims = 6, latent_dim = 2, unequal = true })",
  },
  {
    name = "datasets.spiral",
    summary = "Spiral arms that start near the middle and end at radius 1.",
    args = { { "n", "integer", "number of rows" }, { "options", "table?", "see options" } },
    options = {
      { "arms", "integer", "2", "how many; they get equal shares of the rows" },
      { "turns", "number", "1.5", "how often an arm would go around from the middle on" },
      { "noise", "number", "0.02", "standard deviation of the noise in both columns" },
      { "inner", "number", "0.1", "the radius at which arms start, less than 1" },
      seed,
    },
    returns = { { "latent.Matrix", "n x 2" }, { "latent.Matrix", "each row's arm, from 1" },
      { "latent.Matrix", "how far along its arm each row is: its radius without noise" } },
    example = "local X, y, t = latent.datasets.spiral(400, { arms = 3 })",
  },
  {
    name = "datasets.lds",
    summary = "A path of a linear dynamical system: a state that turns, is damped and driven by noise.",
    args = { { "n", "integer", "number of steps" }, { "options", "table?", "see options" } },
    options = {
      { "dims", "integer", "2", "number of outputs" },
      { "period", "number", "20", "steps of a turn" },
      { "damping", "number", "0.95", "what a step leaves of the state, less than 1" },
      { "state_noise", "number", "0.3", "standard deviation of what drives both states" },
      { "noise", "number", "0.3", "standard deviation of the outputs' noise" },
      seed,
    },
    returns = {
      { "latent.Matrix", "y, n x dims" },
      { "latent.Matrix", "z, the states, n x 2" },
      { "table", "the truth, as latent.lds takes it: A C Q R initial_mean initial_covariance" },
    },
    example = "local Y, Z, truth = latent.datasets.lds(200)\nlocal smoothed = latent.lds(truth):smooth(Y).means",
  },
  {
    name = "datasets.hmm",
    summary = "A path of a hidden Markov model: Gaussian clusters, of which the next row's is likely to be the same.",
    args = { { "n", "integer", "number of steps" }, { "options", "table?", "see options" } },
    options = {
      { "states", "integer", "3", "how many" },
      { "dims", "integer", "2", "number of columns" },
      { "stay", "number", "0.95", "the probability that a state stays; others are equally likely" },
      { "spread", "number", "1", "standard deviation of a row about its state's mean" },
      { "box", "number", "10", "means lie in [-box, box] in every dimension" },
      seed,
    },
    returns = {
      { "latent.Matrix", "n x dims" },
      { "latent.Matrix", "each row's state, from 1" },
      { "table", "the truth: initial, transition (states x states), means (states x dims), variance" },
    },
    example = "local X, states, truth = latent.datasets.hmm(500, { states = 4 })",
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
      { "seed", "integer|latent.Random", "", "of the order and of draws; without it every pass has another one" },
      { "shuffle", "boolean", "true", "false keeps the order; batches are then views of X, no copies" },
      { "labels", "latent.Matrix|table", "none", "a vector with one element a row: the batch's are the third value" },
      { "scale", "number", "1", "what the elements are multiplied by; 1/255 makes grey levels of bytes" },
      { "binarize", "string", "none", '"dynamic": an element x in 0..1 becomes 1 with probability x, drawn anew '
        .. 'each time; "static": the same draw whenever its row comes (and for the same seed); "threshold": 1 where '
        .. "x >= 1/2" },
      { "dtype", "string", "X's", '"float32" or "float64"' },
      { "out", "latent.Matrix", "a fresh one", "what every batch is written to; a view of it is given" },
    },
    returns = {
      { "function", "gives a batch, the vector of its row numbers (which picks from other data: y:rows_at(rows)), "
        .. "and the batch's labels" },
    },
    text = [[
Binarizing reads grey levels as probabilities; a value outside 0..1 raises. Dynamic draws show a model every image
in many versions, and keep it from learning one by heart: results with the two can't be compared.

A model that trains epoch by epoch gives each one a stream of the same seed: seed = latent.random(1):stream(epoch).
Then the orders and the dynamic draws differ, and the static ones stay.]],
    example = [[
for x, rows in latent.batches(latent.matrix.eye(5), 2, { seed = 1 }) do print(#x, rows) end
for x, rows, y in latent.batches(X / 6, 2, { binarize = "dynamic", labels = { 1, 1, 2, 2, 2 } }) do print(x, y) end]],
  },
}
