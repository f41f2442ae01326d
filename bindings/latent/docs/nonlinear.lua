-- latent.nonlinear.

local options = { "options", "table?", "see options" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local seed = { "seed", "of the draws: the same seed gives the same result" }
local samples = { "samples", "K, draws of z" }
local net_options = require "latent.docs.net_options"
local made = "local model = latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = 8, samples = 20 }\n"

local entries = {
  {
    name = "latent.nonlinear",
    summary = "Makes a nonlinear latent variable model: a net from z to x, without an encoder.",
    args = { { "options", "table", "see options" } },
    options = net_options({
      { "input_dim", "D, columns of the data" },
      { "latent_dim", "M, latent variables" },
      { "hidden", "widths of the hidden layers" },
      { "likelihood", '"gaussian", "bernoulli", "continuous_bernoulli" or "categorical"' },
      { "levels", "categorical: how many values a column has, 0 to levels - 1" },
      { "variance", 'gaussian: "fixed" (sigma^2), "global" (one, '
        .. 'learned), "column" (one for each column) or "pixel" (given by the net)' },
      { "sigma", "gaussian: the fixed standard deviation, or what a learned one begins with" },
      { "variance_range", "bounds of learned variances" },
      { "samples", "K, draws of z for a step, shared by the batch's rows" },
    }, '"float64" to check gradients', "of first weights and draws: the same seed gives the same result"),
    returns = { { "latent.Nonlinear", "the model" } },
    text = [[
z ~ N(0, I), x|z ~ N(g(z), sigma^2 I) with a net g (or another likelihood), and

  p(x) ~ 1/K sum_k p(x | g(z_k)),   z_k drawn from the prior

is trained as it stands: the loss is minus the mean of its logarithm. That works while some of K draws come near
every x, which takes the more draws the more dimensions z and x have and the less noise there is: exponentially
many. log_likelihood's second result tells, and a VAE's encoder is the way out.]],
    example = "latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = { 16, 16 } }:fit(X, { epochs = 2 })",
  },
  {
    name = "Nonlinear",
    summary = "A nonlinear latent variable model; latent.nonlinear makes one.",
    text = "Fields as a VAE's:\n" ..
      "input_dim, latent_dim, iterations, epochs, history, validation_history, note, converged.",
  },
  { name = "Nonlinear.history", summary = "The mean loss of each epoch, in nats a row.",
    returns = { { "number[]", "nil before fit" } } },
  {
    name = "Nonlinear:step",
    summary = "One step of the optimizer down the loss of a batch.",
    args = { { "X", "latent.Matrix|table", "B x D" }, options },
    options = { { "samples", "K of this step" },
      { "learning_rate", "of this step" } },
    returns = { { "number", "the loss: minus the mean of log p(x) by K draws, in nats a row" } },
    text = "A loss or gradient that isn't finite raises; the parameters are then those of the last good step.",
    example = made .. "return model:step(X)",
  },
  {
    name = "Nonlinear:loss",
    summary = "The loss of the next step, without taking it; leaves its gradients.",
    args = { { "X", "latent.Matrix|table", "B x D" }, options },
    options = { { "samples", "K" } },
    returns = { { "number", "the loss" } },
    example = made .. "return model:loss(X)",
  },
  {
    name = "Nonlinear:log_likelihood",
    summary = "Estimates log p(x) for each row by draws from the prior.",
    args = { rows, options },
    options = { samples, seed },
    returns = {
      { "latent.Matrix|number", "a vector of N, in nats; a number for one row" },
      { "latent.Matrix|number", "the effective number of draws, (sum w)^2 / sum w^2 with w_k = p(x|z_k)" },
    },
    text = [[
All rows share the draws, which are decoded once, in blocks: memory doesn't grow with K. The estimate of p(x) is
right in the mean, so that of its logarithm is too low; where the effective number of draws is near 1, much.]],
    example = made .. "return model:log_likelihood(X)",
  },
  {
    name = "Nonlinear:score",
    summary = "The mean of log_likelihood.",
    args = { rows, options },
    options = { samples, seed },
    returns = { { "number", "in nats a row" } },
    example = made .. "return model:score(X)",
  },
  {
    name = "Nonlinear:sample",
    summary = "Draws rows from the model.",
    args = { { "n", "integer", "how many" }, options },
    options = { { "seed", "a seed or a generator" },
      { "mean", "the means of p(x|z) in place of draws" } },
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "n x M: their latent variables" } },
    example = made .. "return model:sample(5, { seed = 1 })",
  },
}

for _, name in ipairs { "decode", "inverse_transform" } do
  entries[#entries + 1] = {
    name = "Nonlinear:" .. name,
    summary = "The means of p(x|z), g(z) of a Gaussian.",
    args = { { "Z", "latent.Matrix|table", "N x M places in the latent space" }, options },
    options = { { "variance", "give the variances of x too" } },
    returns = { { "latent.Matrix", "N x D means" }, { "latent.Matrix?", "N x D variances" } },
    example = made .. ("return model:%s{ {0}, {1} }"):format(name),
  }
end

for _, entry in ipairs(require "latent.docs.train"("Nonlinear", made, {
  gives = "the loss",
  held = "minus the mean log-likelihood",
})) do
  entries[#entries + 1] = entry
end

return entries
