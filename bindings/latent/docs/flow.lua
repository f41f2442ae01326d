-- latent.flow.

local options = { "options", "table?", "see options" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local context = { "context", "of conditional flows: N x C, or one row of C numbers for all" }
local net_options = require "latent.docs.net_options"
local made = "local flow = latent.flow{ input_dim = 3, kind = 'maf', layers = 2, hidden = 8 }\n"

local entries = {
  {
    name = "latent.flow",
    summary = "Makes a normalizing flow: an exact density by an invertible net; step or fit train it.",
    args = { { "options", "table", "see options" } },
    options = net_options({
      { "input_dim", "D, columns of the data; 1 is fine" },
      { "context_dim", "C, columns of the context that a conditional flow is told" },
      { "kind", '"nsf": masked splines, 3 of them; "maf": masked affine maps, 5; "realnvp": affine couplings, 8' },
      { "layers", "how many of the kind's, or a list of layers (see below) instead of a kind" },
      { "hidden", "widths of the nets' hidden layers; where D is larger than 64, D" },
      { "bins", "of a spline, 2 to 64" },
      { "box", "splines are within -box..box, in units of the data's deviations; the identity outside" },
      { "bound", "of the logarithm of an affine map's scale; math.huge is none" },
      { "base", '"normal": z ~ N(0, I); "uniform": z uniform on the unit cube, after a last logistic function' },
      { "standardize", "shift and scale x by the means and deviations of the data first, as part of the map" },
    }, '"float32" or "float64", of training; transforms are computed in double anyway',
      "of the first weights, permutations and the order of rows"),
    returns = { { "latent.Flow", "the model" } },
    text = [[
With z = f(x), f invertible, and a base density p_z, the change of variables gives

  log p(x) = log p_z(f(x)) + log |det df/dx|

exactly, in nats. Training maximizes it; a draw is x = f^-1(z). f is a chain of layers, each with an inverse and a
determinant that is cheap:

  "affine"          the second half of the columns by a net of the first: y = x exp(s) + t (RealNVP)
  "spline"          the same with monotonic rational quadratic splines
  "masked_affine"   every column by those before it (MAF); one pass forwards, a pass by columns back
  "masked_spline"   the same with splines (NSF)
  "planar", "radial"  one bend for all columns
  "actnorm"         a scale and a shift of each column, which begin as the first data need
  "linear"          y = x L U
  "permute", "reverse"  the columns in another order

and `layers` lists them: names, or tables with the name first and options of their own (hidden, bins, box, bound; those
that none of the layers has raise):

  latent.flow{ input_dim = 3, layers = { { "spline", bins = 8, hidden = { 64, 64 } }, "permute", "affine" } }

Couplings ("affine", "spline") take turns: each transforms the half that the last one left; after "permute" or "reverse"
the second half of the new order.
A masked layer's hidden width is at least D - 1, or with a context D: else columns couldn't be told apart.

Which flow for what: by the mean of -log p above the entropy, after 5,000 steps of 256 fresh rows with clip = 5 and a
learning rate of 2e-3 (moons) or 3e-3 that falls to 0 (scripts/flow_moons.lua, scripts/flow_modes.lua):

                          parameters   two moons   eight Gaussians
  kind = "nsf"                21,834       0.003             0.037
  4 "spline" couplings        23,132       0.003             0.026
  kind = "realnvp"            35,344       0.009             0.114
  "realnvp", layers = 24     106,032                         0.056
  "maf", layers = 16          72,768                         0.053

Splines, the default, need the fewest steps. Affine maps suit densities in one piece; one that falls into modes takes
many of them and longer training (24 couplings: 0.042 after 10,000 steps), as each is smooth and splits off few.
Couplings draw as fast as they score; a masked flow draws column by column, but each column sees all before it. With few
rows (178 wines of 13 columns) flows of these sizes overfit within 100 steps: use validation and patience.

The rule doesn't need latent.flow. With a map of your own as two Lua functions, z(x) and log_det(x), rows to rows and to
a number a row,

  local function log_density(X)
    local Z = z(X)
    return (Z ^ 2):sum(2) * -0.5 - Z.cols / 2 * math.log(2 * math.pi) + log_det(X)
  end

is log p(x) under z ~ N(0, I).

Results are the same bits for every number of threads.]],
    example = [[
local flow = latent.flow{ input_dim = 3, hidden = 8 }
for x in latent.batches(X, 2, { seed = 1 }) do print(flow:step(x)) end
print(flow:fit(X, { epochs = 3 }):score(X))]],
  },
  {
    name = "Flow",
    summary = "A normalizing flow; latent.flow makes one.",
    text = [[
Fields: input_dim, latent_dim (the same), dtype, seed; iterations (steps so far), epochs, and one number an epoch in
history (the mean of -log p) and validation_history; converged, whether patience ended the last fit; note, a sentence
when samples were asked of an untrained model.

The first fit sets the means and deviations of the data, and what actnorm layers begin with. Where steps come first, the
first one does, and means and deviations are those of the steps' rows until these are 4,096.]],
  },
  { name = "Flow.history", summary = "The mean of -log p(x) in each epoch, in nats a row.",
    returns = { { "number[]", "nil before fit" } } },
  {
    name = "Flow:step",
    summary = "One step of the optimizer up the log-likelihood of a batch.",
    args = { { "X", "latent.Matrix|table", "B x D, of either dtype" }, options },
    options = { context, { "learning_rate", "for this step, before schedule and warm_up" } },
    returns = { { "number", "the mean of -log p(x), in nats" } },
    text = [[
A column that is constant in the data that the model begins with raises, and is named: its density has no bound. A loss
or gradient that isn't finite raises, naming the operation; the parameters are then those of the last good step.]],
    example = made .. "return flow:step(X)",
  },
  {
    name = "Flow:loss",
    summary = "The loss of the next step, without taking it; leaves its gradients.",
    args = { { "X", "latent.Matrix|table", "B x D" }, options },
    options = { context },
    returns = { { "number", "the mean of -log p(x), in nats" } },
    example = made .. "flow:loss(X); return flow:gradients()['layer1.1.weight']",
  },
  {
    name = "Flow:transform",
    summary = "z = f(x); in double, whatever the model's dtype.",
    args = { rows, options },
    options = { context },
    returns = { { "latent.Matrix", "N x D; a vector of D for one row" } },
    text = "inverse_transform comes back to x within 1e-10 or so, far out in the tails too.",
    example = made .. "local Z = flow:transform(X)",
  },
  {
    name = "Flow:log_det",
    summary = "log |det df/dx| of each row; in double, whatever the model's dtype.",
    args = { rows, options },
    options = { context },
    returns = { { "latent.Matrix|number", "a vector of N; a number for one row" } },
    text = "log_likelihood is the base's at transform(X), and this.",
    example = made .. "return flow:log_det(X)",
  },
  {
    name = "Flow:inverse_transform",
    summary = "x = f^-1(z); in double, whatever the model's dtype.",
    args = { { "Z", "latent.Matrix|table", "N x D, or a vector of D; of a uniform base within (0, 1)" }, options },
    options = { context },
    returns = { { "latent.Matrix", "N x D; a vector of D for one row" } },
    example = made .. "return flow:inverse_transform(flow:transform(X))",
  },
  {
    name = "Flow:sample",
    summary = "Draws rows from the model: z from the base, x = f^-1(z).",
    args = { { "n", "integer", "how many" }, options },
    options = { { "seed", "a seed or a generator" }, context },
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "n x D: the z that they came from" } },
    text = "An untrained model's samples are allowed; flow.note then says so.",
    example = made .. "return flow:fit(X, { epochs = 1 }):sample(5, { seed = 1 })",
  },
}

for _, entry in ipairs {
  { "log_likelihood", "log p(x) of each row: exact.", { "latent.Matrix|number", "in nats; a number for one row" } },
  { "score", "The mean of log_likelihood.", { "number", "in nats a row" } },
  { "aic", "Akaike's criterion, -2 log L + 2 p (lower is better).", { "number", "of the rows" } },
  { "bic", "The Bayesian criterion, -2 log L + p log N (lower is better).", { "number", "of the rows" } },
} do
  entries[#entries + 1] = { name = "Flow:" .. entry[1], summary = entry[2], args = { rows, options },
    options = { context }, returns = { entry[3] }, example = made .. ("return flow:%s(X)"):format(entry[1]) }
end

for _, entry in ipairs(require "latent.docs.train"("Flow", made, {
  context = true,
  gives = "the mean of -log p(x)",
  held = "the mean of -log p",
  parameter = "layer1.1.weight",
})) do
  entries[#entries + 1] = entry
end

return entries
