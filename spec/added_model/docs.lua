-- latent.zip.

local data = { "X", "latent.Matrix|table|function", "N x D counts" }
local rows = { "X", "latent.Matrix|table", "N x D counts, or a vector of D numbers as one row" }
local fitted = "latent.zip():fit{ {0}, {0}, {3}, {1}, {0} }"

local entries = {
  {
    name = "latent.zip",
    summary = "Counts with more zeros than a Poisson distribution has.",
    args = { { "options", "table?", "see options" } },
    options = {
      { "restarts", "how many starts" },
      { "max_iterations", "the most EM iterations" },
      { "tolerance", "stop when the mean log-likelihood changes relatively by less; 0: never" },
      { "accelerate", "SQUAREM" },
      { "seed", "of the starts" },
    },
    returns = { { "latent.Zip", "the model" } },
    example = fitted,
  },
  { name = "Zip", summary = "Zero-inflated counts; latent.zip makes a model." },
  {
    name = "Zip:fit",
    summary = "Finds the maximum likelihood parameters by EM.",
    args = { data, { "options", "table?", "see options" } },
    options = {
      { "weights", "N numbers >= 0" },
      { "on_iteration", "called with {iteration=, objective=, restart=, model=}; false stops" },
      { "progress", "a bar on the terminal" },
      { "max_seconds", "stop after the iteration in which they are over; 0: never" },
    },
    returns = { { "latent.Zip", "the model itself" } },
    example = fitted,
  },
  {
    name = "Zip:log_likelihood",
    summary = "log p(x) of each row, in nats.",
    args = { rows },
    returns = { { "latent.Matrix|number", "vector of N; a number for one row" } },
    example = fitted .. ":log_likelihood{ {0}, {2} }",
  },
  { name = "Zip.zeros", summary = "The probability of a sure zero (D).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "Zip.rates", summary = "The rates of the counts (D).",
    returns = { { "latent.Matrix", "nil before a fit" } } },
}

return require "latent.docs.density_methods"(entries, "Zip", { model = fitted, X = "{ {0}, {2} }", free = "2 D" })
