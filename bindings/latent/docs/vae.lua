-- latent.vae.

local options = { "options", "table?", "see options" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local places = { "Z", "latent.Matrix|table", "N x M places in the latent space, or a vector of M numbers" }
local labels = { "labels",
  "of conditional models: each row's class, or one for all" }
local seed = { "seed", "of the draws: the same seed gives the same result" }
local samples = { "samples", "K, draws of z a row" }
local method = { "method",
  '"importance": draws from q(z|x); "prior": draws from p(z), the same ones for all rows' }
local net_options = require "latent.docs.net_options"
local made = "local vae = latent.vae{ input_dim = 3, latent_dim = 2, hidden = 8, likelihood = 'gaussian' }\n"

local entries = {
  {
    name = "latent.vae",
    summary = "Makes a variational autoencoder; step or fit train it.",
    args = { { "options", "table", "see options" } },
    options = net_options({
      { "input_dim", "D, columns of the data" },
      { "latent_dim", "M, latent variables" },
      { "hidden", "widths of the encoder's hidden layers; the decoder has them in reverse; "
        .. "{} makes both linear" },
      { "decoder_hidden", "the decoder's own" },
      { "likelihood", '"bernoulli", "continuous_bernoulli", "categorical" or "gaussian"' },
      { "levels", "categorical: columns hold whole numbers from 0 to levels - 1" },
      { "variance", 'gaussian: "fixed" (sigma^2), "global" (one, '
        .. 'learned), "column" (one for each column, learned) or "pixel" (given by the decoder)' },
      { "sigma", "gaussian: the fixed standard deviation, or what a learned one begins with" },
      { "variance_range", "bounds of learned variances" },
      { "beta", "weighs the KL in the loss" },
      { "kl_warm_up", "steps in which beta rises from 0 to its value" },
      { "free_bits", "nats that each unit's KL, averaged over a batch, counts as at least" },
      { "samples", "draws of z a row in training" },
      { "bound", '"iwae": the importance-weighted bound of these draws; '
        .. '"elbo": the mean of their bounds' },
      { "classes", "a conditional VAE: encoder and decoder are told each row's label" },
      { "lowest", "the lowest label: labels go from lowest to lowest + classes - 1" },
    }, '"float64" to check gradients', "of the first weights, the noise and the order of rows"),
    returns = { { "latent.VAE", "the model" } },
    text = [[
z ~ N(0, I) has M dimensions; a decoder net gives p(x|z), an encoder net q(z|x) = N(mean, diag(variance)), and

  log p(x) >= E_q[log p(x|z)] - KL(q(z|x) || p(z))

is the bound (ELBO), in nats a row, summed over the columns, never averaged. The loss is minus it, with the KL weighed
by beta (Kingma and Welling 2014).

What x may be depends on the likelihood, and is checked: Bernoullis take 0 to 1, categorical ones whole numbers,
Gaussians any finite numbers. Grey levels given to "bernoulli" work as the well-known cross-entropy, which is no
likelihood of them: it can't be compared with one, and vae.note says so. "continuous_bernoulli" is normalized;
fit with binarize = "dynamic" makes black and white images. Learned variances are bounded, as a density has no upper
limit where a variance goes to 0. On clustered data a "gaussian" decoder with variance = "global" and sigma = 1 may stay
at one Gaussian (its KL stays 0): a sigma near the noise of the data mends it, or a kl_warm_up of thousands of steps.

samples = K alone gives the importance-weighted bound (Burda, Grosse and Salakhutdinov 2016), which grows with K to
log p(x). When units collapse (their KL is 0), kl_per_unit and active_units show it, and kl_warm_up, free_bits or a
smaller beta help.

Results are the same bits for every number of threads.]],
    example = [[
local vae = latent.vae{ input_dim = 3, latent_dim = 1, hidden = 8, likelihood = "gaussian" }
for x in latent.batches(X, 2, { seed = 1 }) do print(vae:step(x)) end
vae:fit(X, { epochs = 3 })]],
  },
  {
    name = "VAE",
    summary = "A variational autoencoder; latent.vae makes one.",
    text = [[
Fields: input_dim, latent_dim, dtype, seed; iterations (steps so far), epochs, and one number an epoch in history
(the mean loss), reconstruction_history, kl_history and validation_history; converged, whether patience ended the last
fit; note, a sentence about the data when
there is something to say of them.]],
  },
  { name = "VAE.history", summary = "The mean loss of each epoch, in nats a row.",
    returns = { { "number[]", "nil before fit" } } },
  {
    name = "VAE:step",
    summary = "One step of the optimizer down the loss of a batch.",
    args = { { "X", "latent.Matrix|table", "B x D, of either dtype" }, options },
    options = {
      labels,
      { "learning_rate", "for this step, before schedule and warm_up" },
      { "beta", "for this step, before kl_warm_up" },
    },
    returns = {
      { "number", "the loss, in nats a row" },
      { "number", "the reconstruction, -E_q[log p(x|z)]" },
      { "number", "KL(q(z|x) || p(z))" },
    },
    text = [[
For the bound "elbo" the loss is reconstruction + beta KL. A loss or gradient that isn't finite raises, naming the
operation; the parameters are then those of the last good step.]],
    example = made .. "return vae:step(X)",
  },
  {
    name = "VAE:loss",
    summary = "The loss of the next step, without taking it; leaves its gradients.",
    args = { { "X", "latent.Matrix|table", "B x D" }, options },
    options = { labels, { "beta", "as in step" } },
    returns = { { "number", "the loss" }, { "number", "the reconstruction" }, { "number", "the KL" } },
    example = made .. "vae:loss(X); return vae:gradients()['decoder.1.weight']",
  },
  {
    name = "VAE:encode",
    summary = "Means and variances of q(z|x).",
    args = { rows, options },
    options = { labels },
    returns = { { "latent.Matrix", "N x M means; of one row vectors" }, { "latent.Matrix", "N x M variances" } },
    example = made .. "return vae:encode(X)",
  },
  {
    name = "VAE:transform",
    summary = "The means of q(z|x).",
    args = { rows, options },
    options = { labels },
    returns = { { "latent.Matrix", "N x M, or a vector of M for one row" } },
    example = made .. "return vae:transform(X)",
  },
}

for _, name in ipairs { "decode", "inverse_transform" } do
  entries[#entries + 1] = {
    name = "VAE:" .. name,
    summary = "The means of p(x|z): probabilities, expected levels or Gaussian means.",
    args = { places, options },
    options = { labels, { "variance", "give the variances of x too" } },
    returns = { { "latent.Matrix", "N x D means" }, { "latent.Matrix?", "N x D variances" } },
    example = made .. ("return vae:%s{ {0, 0}, {1, 0} }"):format(name),
  }
end

for _, entry in ipairs {
  {
    name = "VAE:reconstruct",
    summary = "The decoded means of the rows' means.",
    args = { rows, options },
    options = { labels },
    returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
    example = made .. "return vae:reconstruct(X)",
  },
  {
    name = "VAE:sample",
    summary = "Draws rows from the model: z from the prior, x from p(x|z).",
    args = { { "n", "integer", "how many" }, options },
    options = {
      { "seed", "a seed or a generator" },
      labels,
      { "mean", "the means of p(x|z) in place of draws, as pictures show them" },
    },
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "n x M: their latent variables" } },
    example = made .. "return vae:sample(5, { seed = 1 })",
  },
  {
    name = "VAE:elbo",
    summary = "The bound of each row, and its parts.",
    args = { rows, options },
    options = { { "samples", "draws of z a row, whose bounds are averaged" }, seed, labels,
      { "means", "of another q(z|x), with variances: N x M" },
      { "variances", "of the same, > 0" } },
    returns = {
      { "latent.Matrix|number", "the bound, -reconstruction - KL; a vector of N, or a number for one row" },
      { "latent.Matrix", "the reconstruction, -E_q[log p(x|z)]" },
      { "latent.Matrix", "KL(q(z|x) || p(z))" },
    },
    text = [[
The KL is to the prior. The other one, KL(q(z|x) || p(z|x)), which models with a known posterior give as the second
result of elbo, has no closed form here: it is what the bound is below log p(x), so estimate it by
log_likelihood(X) - elbo(X, { samples = 100 }).]],
    example = made .. "return vae:elbo(X):mean()",
  },
  {
    name = "VAE:log_likelihood",
    summary = "Estimates log p(x) for each row, by importance sampling or from the prior.",
    args = { rows, options },
    options = { samples, method, seed, labels },
    returns = {
      { "latent.Matrix|number", "a vector of N, in nats; a number for one row" },
      { "latent.Matrix", "the effective number of draws, (sum w)^2 / sum w^2 of their weights" },
    },
    text = [[
log 1/K sum_k w_k with w_k = p(x|z_k) p(z_k)/q(z_k|x), the importance-weighted bound of K samples: from below in
the mean, and the tighter the more draws there are. Where the effective number is near 1 a single draw decides, and
the estimate is poor: from the prior that is so for all but the smallest models. Draws come in blocks, so memory
doesn't grow with K.]],
    example = made .. "return vae:log_likelihood(X, { samples = 100 })",
  },
  {
    name = "VAE:score",
    summary = "The mean of log_likelihood.",
    args = { rows, options },
    options = { samples, method, seed, labels },
    returns = { { "number", "in nats a row" } },
    example = made .. "return vae:score(X, { samples = 100 })",
  },
  {
    name = "VAE:kl_per_unit",
    summary = "Each latent unit's share of the KL, averaged over rows; a collapsed unit's is 0.",
    args = { rows, options },
    options = { labels },
    returns = { { "latent.Matrix", "a vector of M, in nats" } },
    example = made .. "return vae:kl_per_unit(X)",
  },
  {
    name = "VAE:active_units",
    summary = "How many latent units move with x: the variance of E_q[z_j] over the rows is above a threshold.",
    args = { rows, options },
    options = { { "threshold", "of the variance" }, labels },
    returns = { { "integer", "how many" }, { "latent.Matrix", "the variances, a vector of M" } },
    example = made .. "return vae:active_units(X)",
  },
  {
    name = "VAE:traverse",
    summary = "Walks along latent units, one at a time: the decoded means, a row of images for each unit.",
    args = { options },
    options = {
      { "units", "the units" },
      { "count", "places along each, at most 1000" },
      { "width", "places go from -width to width" },
      { "z", "where the other units stay" },
      labels,
    },
    returns = { { "latent.Matrix", "the images, units after each other" }, { "latent.Matrix", "their places" } },
    example = made .. "return vae:traverse{ count = 5 }",
  },
  {
    name = "VAE:manifold",
    summary = "The decoded means over a grid of a latent plane, at quantiles of the prior; for latent_dim = 2.",
    args = { options },
    options = { { "size", "images on each side, at most 1000" }, labels },
    returns = { { "latent.Matrix", "size^2 images, from the top left" }, { "latent.Matrix", "their places" } },
    example = made .. "return vae:manifold{ size = 4 }",
  },
} do
  entries[#entries + 1] = entry
end

for _, entry in ipairs(require "latent.docs.train"("VAE", made, {
  labels = true,
  gives = "the loss, the reconstruction and the KL",
  held = "minus the mean bound",
})) do
  entries[#entries + 1] = entry
end

return entries
