-- latent.diffusion.

local net_options = require "latent.docs.net_options"
local options = { "options", "table?", "see options" }
local labels = { "labels", "of conditional models: one a row, or one for all; without them rows are of any class" }
local guidance = { "guidance", "w: outputs are (1 + w) o(class) - w o(any); 0 is the class's own density" }
local raw = { "raw", "the weights as they are, not their averages" }
local made = "local diffusion = latent.diffusion{ input_dim = 3, timesteps = 20, hidden = 8 }\n"
local reverse = {
  { "method", '"ancestral": x_s ~ p(x_s | x_t); "ddim": Song, Meng and Ermon\'s, for few steps' },
  { "steps", "how many of the times are visited, evenly spaced" },
  { "eta", 'of "ddim": 0 adds no noise, 1 as much as "ancestral"' },
  labels, guidance, raw,
  { "to", "the time at which to stop" },
}
local function with(first, ...)
  local all = { ... }
  for i, option in ipairs(first) do all[i + select("#", ...)] = option end
  return all
end

local entries = {
  {
    name = "latent.diffusion",
    summary = "Makes a denoising diffusion model of vectors; step or fit train it.",
    args = { { "options", "table", "see options" } },
    options = net_options({
      { "input_dim", "D, columns of the data; 1 is fine" },
      { "timesteps", "T, steps from data to noise" },
      { "noise_schedule", '"cosine", or beta_t "linear" or "quadratic" from beta_start to beta_end' },
      { "beta_start", "the share of the variance that the first step replaces by noise, within (0, 1)" },
      { "beta_end", "that of the last step; at most 0.999 by default. The product of all 1 - beta_t is 1e-30 or more" },
      { "prediction", 'what the net says of x_t: "v", "epsilon" (the noise) or "x0"' },
      { "variance", 'of reverse steps: "optimal", as training measures it, "posterior" or "beta"' },
      { "standardize", "shift and scale x by the means and deviations of the data first" },
      { "clamp", "keep what the net says of x_0 within the range of the data" },
      { "ema", "the decay of the weights' averages, which evaluation uses; 0: no averages" },
      { "drop_labels", "the share of labels that training hides, for rows of any class and for guidance" },
      { "hidden", "widths of the net's hidden layers" },
      { "time_features", "sines and cosines of t/T that the net sees" },
      { "classes", "of a conditional model" },
      { "lowest", "the label of the first class" },
    }, '"float32" or "float64"', "of the first weights, the noise and the order of rows"),
    returns = { { "latent.Diffusion", "the model" } },
    text = [[
Noise replaces a row of data in T steps, and a net learns the way back. With A_t the product of 1 - beta_s, s <= t,
and x_0 in units of the data's deviations,

  q(x_t | x_0) = N(sqrt(A_t) x_0, (1 - A_t) I)

and the net sees x_t and t/T, and says the noise e in it ("epsilon"), x_0 ("x0"), or
v = sqrt(A_t) e - sqrt(1 - A_t) x_0 ("v"). The loss is the mean of |target - output|^2 over rows, times and noise,
summed over columns. A step back from t to s is Gaussian, with the mean of q(x_s | x_t, x_0) at the x_0 that the net
says; sampling goes from N(0, I) at T to 0.

elbo is a lower bound of log p(x), in nats, of the process with all T steps.

A conditional model (classes) learns the classes' densities and, from rows whose label is hidden (drop_labels), that of
all together. guidance makes samples more typical of their class than it is.

Averages of the weights, average := d average + (1 - d) weights with d = min(ema, (1 + n)/(10 + n)) after step n, are
what elbo, reverse, denoise and sample use.

Results are the same bits for every number of threads.]],
    example = [[
local diffusion = latent.diffusion{ input_dim = 3, hidden = 8 }
for x in latent.batches(X, 2, { seed = 1 }) do print(diffusion:step(x)) end
print(diffusion:fit(X, { epochs = 3 }):sample(5, { method = "ddim", steps = 10, seed = 1 }))]],
  },
  {
    name = "Diffusion",
    summary = "A diffusion model; latent.diffusion makes one.",
    text = [[
Fields: input_dim, latent_dim (the same), timesteps, dtype, seed; iterations (steps so far), epochs, and one number an
epoch in history (the mean loss) and validation_history (minus the bound, estimated from held_terms terms a row);
converged, whether patience ended the last fit; note, a sentence when samples were asked of an untrained model.

The first fit sets the means and deviations of the data. Where steps come first, the first one does, and they are those
of the steps' rows until these are 4,096. Parameters have, besides the net's, what is kept of the data: data.mean,
data.rest, data.deviation, data.rows, data.range, and data.residuals, for each t the mean of |x_0 - X|^2/D, with X the
x_0 that the net said, and of how many rows it is.]],
  },
  { name = "Diffusion.history", summary = "The mean loss in each epoch.",
    returns = { { "number[]", "nil before fit" } } },
  {
    name = "Diffusion:step",
    summary = "One step of the optimizer down the loss of a batch, at times and with noise of this step.",
    args = { { "X", "latent.Matrix|table", "B x D, of either dtype" }, options },
    options = { { "labels", "of conditional models: one a row" },
      { "learning_rate", "for this step, before schedule and warm_up" } },
    returns = { { "number", "the mean of |target - output|^2, summed over columns" } },
    text = [[
A column that is constant in the data that the model begins with raises, and is named. A loss or gradient that isn't
finite raises, naming the operation; the parameters are then those of the last good step.]],
    example = made .. "return diffusion:step(X)",
  },
  {
    name = "Diffusion:loss",
    summary = "The loss of the next step, without taking it; leaves its gradients.",
    args = { { "X", "latent.Matrix|table", "B x D" }, options },
    options = { { "labels", "of conditional models: one a row" } },
    returns = { { "number", "the mean of |target - output|^2, summed over columns" } },
    example = made .. "diffusion:loss(X); return diffusion:gradients()['net.1.weight']",
  },
  {
    name = "Diffusion:elbo",
    summary = "A lower bound of log p(x) of each row, estimated with noise of the seed.",
    args = { { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }, options },
    options = {
      { "samples", "draws of noise for each term" },
      { "terms", "so many of the T terms, drawn for each row, instead of all" },
      { "seed", "of the draws" },
      labels, guidance, raw,
    },
    returns = {
      { "latent.Matrix|number", "the bound, in nats: minus the other two" },
      { "latent.Matrix|number", "-log p(x_0 | x_1)" },
      { "latent.Matrix|number", "the sum of the divergences of the other steps, and of x_T from N(0, I)" },
    },
    text = "Each is an unbiased estimate of the bound, which a mean over many rows or samples is near.",
    example = made .. "return diffusion:elbo(X)",
  },
  {
    name = "Diffusion:diffuse",
    summary = "Draws x_t for rows of data: the forward process.",
    args = { { "X", "latent.Matrix|table", "N x D" }, options },
    options = { { "t", "the time, 0 to T; 0 gives X itself" }, { "seed", "of the noise" } },
    returns = { { "latent.Matrix", "N x D, in the units of X" } },
    example = made .. "return diffusion:diffuse(X, { t = 10, seed = 1 })",
  },
  {
    name = "Diffusion:reverse",
    summary = "Draws the rows at an earlier time for rows at a later one: the reverse process.",
    args = { { "X", "latent.Matrix|table", "N x D: x_t, in the data's units" }, options },
    options = with(reverse, { "from", "the time t of X" }, { "seed", "of the noise" }),
    returns = { { "latent.Matrix", "N x D: the rows at the time `to`" } },
    text = [[
The noise of a step belongs to its time: a process that is stopped and taken up again, with the same seed, comes to what
it would have come to.]],
    example = made .. "return diffusion:reverse(diffusion:diffuse(X, { t = 10 }), { from = 10 })",
  },
  {
    name = "Diffusion:denoise",
    summary = "The chain of denoising steps, for pictures: rows at several times of the reverse process.",
    args = { { "X", "integer|latent.Matrix|table", "how many rows of noise, or rows x_t to begin with" }, options },
    options = with(reverse, { "at", "the times to be shown; from T down to 0, without this" },
      { "from", "the time of rows X" }, { "seed", "an integer: of the noise" }),
    returns = { { "latent.Matrix[]", "N x D rows each, in the data's units, from the latest time on" },
      { "integer[]", "their times" } },
    text = "From noise, the state at 0 is what sample gives with the same seed and options.",
    example = made .. "local states, times = diffusion:denoise(5, { at = { 20, 10, 5, 0 }, seed = 1 })",
  },
  {
    name = "Diffusion:sample",
    summary = "Draws rows from the model, from noise by the reverse process.",
    args = { { "n", "integer", "how many" }, options },
    options = with(reverse, { "seed", "a seed or a generator" }),
    returns = { { "latent.Matrix", "n x D rows" },
      { "latent.Matrix", "n x D: the x_T that they came from, in units of deviations" } },
    text = [[
"ddim" with all steps and eta = 1 is "ancestral", draw by draw; with eta = 0 a row is a function of its x_T.

An untrained model's samples are allowed; diffusion.note then says so.]],
    example = made .. "return diffusion:fit(X, { epochs = 1 }):sample(5, { method = 'ddim', steps = 5, seed = 1 })",
  },
}

for _, entry in ipairs(require "latent.docs.train"("Diffusion", made, {
  labels = true,
  gives = "its loss",
  held = "minus elbo, of some terms a row",
  parameter = "net.1.weight",
})) do
  entries[#entries + 1] = entry
end

return entries
