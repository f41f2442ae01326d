-- latent.gan.

local net_options = require "latent.docs.net_options"
local options = { "options", "table?", "see options" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local latents = { "Z", "latent.Matrix|table", "N x M, or a vector of M" }
local labels = { "labels", "of conditional models, one a row or one for all" }
local made = "local gan = latent.gan{ input_dim = 3, hidden = 16 }\n"

local entries = {
  {
    name = "latent.gan",
    summary = "Makes a generative adversarial network: a generator of rows and a critic; step or fit train both.",
    args = { { "options", "table", "see options" } },
    options = net_options({
      { "input_dim", "D, columns of the data" },
      { "latent_dim", "M, columns of the noise z that rows are made from" },
      { "hidden", "widths of the generator's hidden layers" },
      { "critic_hidden", "widths of the critic's" },
      { "loss", '"non_saturating": the critic\'s cross-entropy with R1; "wasserstein": WGAN-GP' },
      { "gamma", "of R1, the penalty of the non-saturating loss on slopes at data; 0 is none" },
      { "penalty", "of the wasserstein loss on slopes that aren't 1; 0 is none" },
      { "critic_steps", "updates of the critic in a step" },
      { "spectral", "spectral normalization: every layer of the critic is divided by its largest singular value" },
      { "ema", "decay a step of the average generator, which draws are from; 0 is none: draws are from the last" },
      { "critic_learning_rate", "the critic's step size" },
      { "standardize", "the nets see x in units of the data: shifted and scaled by their means and deviations" },
      { "classes", "classes of a conditional model, which is told each row's label; 0 is none" },
      { "lowest", "the label of the first class" },
    }, '"float32" or "float64", of the nets', "of the first weights, the noise and the order of rows"),
    returns = { { "latent.GAN", "the model" } },
    text = [[
The generator makes rows x = G(z) of noise z ~ N(0, I); the critic D(x) learns to tell them from data, and the generator
learns from the critic's gradient alone: there is no likelihood. A step makes critic_steps updates of the critic and one
of the generator, on one batch. With softplus(a) = log(1 + e^a):

  "non_saturating"  critic      E softplus(-D(x)) + E softplus(D(G(z))) + gamma/2 E |dD/dx|^2 at data (R1)
                    generator   E softplus(-D(G(z)))
  "wasserstein"     critic      E D(G(z)) - E D(x) + penalty E (|dD/dm| - 1)^2 at points m between both
                    generator   -E D(G(z))

Both penalties have exact gradients, through second derivatives of the critic, for every activation. At their end the
first critic can't tell the two apart (its loss is 2 log 2 = 1.386, the generator's log 2 = 0.693); minus the second
one's loss is about the Wasserstein distance of the two.

The parameters go round rather than converge, so draws are from an average of the generator over its last steps, about
1/(1 - ema) of them. A generator that makes a part of the data only has collapsed: see spread_history and note, and
measure draws with metrics.density_coverage, metrics.precision_recall, or metrics.modes where modes are known. A larger
gamma or penalty, more critic_steps or a smaller learning rate help.

Each net has an optimizer of its own; learning_rate is the generator's.

With classes the model is conditional, G(z, class) and D(x, class), and what asks for rows asks for labels.

Results are the same bits for every number of threads.]],
    example = [[
local gan = latent.gan{ input_dim = 3, hidden = 16 }
for x in latent.batches(X, 2, { seed = 1 }) do print(gan:step(x)) end
print(gan:fit(X, { epochs = 3 }):sample(5, { seed = 1 }))]],
  },
  {
    name = "GAN",
    summary = "A generative adversarial network; latent.gan makes one.",
    text = [[
Fields: input_dim, latent_dim, dtype, seed; iterations (steps so far), epochs; one number an epoch in history (the
critic's loss), generator_history, spread_history and validation_history; converged, whether patience ended the last
fit; note, a sentence when samples were asked of an untrained model, or when the generator may have collapsed.

validation measures the energy distance of the held rows from as many draws: 0 when both have one distribution, but for
sampling. With patience the model keeps the parameters of the epoch with the least.

The first fit, or else the first step, sets the means and deviations of the data. A constant column is fine.]],
  },
  { name = "GAN.history", summary = "The critic's mean loss in each epoch.",
    returns = { { "number[]", "nil before fit" } } },
  { name = "GAN.generator_history", summary = "The generator's mean loss in each epoch.",
    returns = { { "number[]", "nil before fit" } } },
  {
    name = "GAN.spread_history",
    summary = "How far rows of the generator are from each other, over the same of the data, in each epoch.",
    returns = { { "number[]", "nil before fit" } },
    text = "A ratio of mean distances over some fifty steps: about 1 when they are alike, 0 when all rows are one.",
  },
  {
    name = "GAN:step",
    summary = "critic_steps updates of the critic, and one of the generator.",
    args = { { "X", "latent.Matrix|table", "B x D, of either dtype" }, options },
    options = { labels,
      { "learning_rate", "of the generator for this step, before schedule and warm_up; the critic's in proportion" } },
    returns = { { "number", "the critic's loss, the mean of its updates" }, { "number", "the generator's loss" },
      { "number", "the spread, see spread_history" } },
    text = [[
Every update draws noise of its own. A loss or gradient that isn't finite raises, naming the operation; the parameters
are then those of the last good update.]],
    example = made .. "return gan:step(X)",
  },
  {
    name = "GAN:loss",
    summary = "The losses of both nets as they are, without a step; leaves their gradients.",
    args = { { "X", "latent.Matrix|table", "B x D" }, options },
    options = { labels },
    returns = { { "number", "the critic's loss" }, { "number", "the generator's" } },
    text = "The gradient of each loss is in its own net's parameters.",
    example = made .. "gan:loss(X); return gan:gradients()['critic.1.weight']",
  },
  {
    name = "GAN:critic",
    summary = "D(x): how much the critic takes rows for data.",
    args = { rows, options },
    options = { labels },
    returns = { { "latent.Matrix|number", "a vector of N; a number for one row" } },
    text = [[
Of the non-saturating loss the log-odds that a row is one of the data and not one of the generator; of the wasserstein
loss high for data and low for the generator's rows. A critic that has learned all it can is the same for both.]],
    example = made .. "return gan:critic(X)",
  },
  {
    name = "GAN:sample",
    summary = "Draws rows from the average generator: x = G(z), z ~ N(0, I).",
    args = { { "n", "integer", "how many" }, options },
    options = { { "seed", "a seed or a generator" }, labels },
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "n x M: the z that they came from" } },
    text = "An untrained model's samples are allowed; gan.note then says so.",
    example = made .. "return gan:fit(X, { epochs = 1 }):sample(5, { seed = 1 })",
  },
}

for _, name in ipairs { "decode", "inverse_transform" } do
  entries[#entries + 1] = {
    name = "GAN:" .. name,
    summary = "x = G(z), by the average generator.",
    args = { latents, options },
    options = { labels },
    returns = { { "latent.Matrix", "N x D; a vector of D for one row" } },
    example = made .. ("return gan:%s(matrix.normal(4, 8, 1))"):format(name),
  }
end

for _, entry in ipairs(require "latent.docs.train"("GAN", made, {
  labels = true,
  gives = "the critic's loss, the generator's, and the spread",
  held = "the energy distance of the rows from as many draws",
  parameter = "generator.1.weight",
})) do
  entries[#entries + 1] = entry
end

return entries
