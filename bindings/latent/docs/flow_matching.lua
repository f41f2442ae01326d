-- latent.flow_matching.

local net_options = require "latent.docs.net_options"
local options = { "options", "table?", "see options" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local labels = { "labels", "of conditional models: one a row, or a number for all; without, of all classes together" }
local solver = {
  { "solver", '"dormand_prince", "midpoint" or "euler"' },
  { "steps", "of midpoint and euler" },
  { "tolerance", "of dormand_prince, in units of deviations" },
}
local guidance = { "guidance", "w: v(any) + (1 + w) (v(class) - v(any)); 0 is that of the class, -1 of any class" }
local raw = { "raw", "the weights as they are, not their averages" }
local made = "local model = latent.flow_matching{ input_dim = 3, hidden = 8 }\n"
local trained = made .. "model:fit(X, { epochs = 1 })\n"

local function with(...)
  local list = {}
  for _, part in ipairs { ... } do
    if type(part[1]) == "table" then table.move(part, 1, #part, #list + 1, list) else list[#list + 1] = part end
  end
  return list
end

local entries = {
  {
    name = "latent.flow_matching",
    summary = "Makes a model whose velocity field carries a source to the data; step or fit train it.",
    args = { { "options", "table", "see options" } },
    options = net_options({
      { "input_dim", "D, columns of the data; 1 is fine" },
      { "coupling", '"independent": a row\'s start is any of the source; "ot": by optimal transport within a batch' },
      { "sigma", "the deviation of noise on the paths, in units of the data's deviations" },
      { "standardize", "nets see the data shifted and scaled by their means and deviations" },
      { "solver", '"dormand_prince": steps by a tolerance; "midpoint" and "euler": steps of one size' },
      { "steps", "of midpoint and euler" },
      { "tolerance", "of dormand_prince: the error of a step, in units of deviations" },
      { "ema", "the decay of the averages of the weights that evaluation uses; 0 is none" },
      { "drop_labels", "how often training of a conditional model leaves out the class" },
      { "hidden", "widths of the net's hidden layers" },
      { "time_features", "how many sines and cosines of the time the net sees" },
      { "classes", "of a conditional model: how many" },
      { "lowest", "the label of the first class" },
    }, '"float32" or "float64"; with a tolerance below 1e-6 paths are computed in double anyway',
      "of the first weights, the draws of training and the order of rows"),
    returns = { { "latent.FlowMatching", "the model" } },
    text = [[
A net v(x, t) is the velocity of points that are draws of a source at t = 0 and of the data at t = 1. It learns by
regression: with a start x0, a row x1, t uniform in [0, 1] and x_t = (1 - t) x0 + t x1 (+ sigma noise), the loss is

  E |v(x_t, t) - (x1 - x0)|^2

whose least value isn't 0, but the variance of x1 - x0 given x_t (Lipman et al. 2023). To sample is to solve
dx/dt = v(x, t) from a draw of the source; the way back is the same equation from 1 to 0, and the divergence of v along
it gives the log-likelihood.

With coupling = "ot" the starts of a batch are paired with its rows by the assignment of the least sum of |x1 - x0|^2,
of conditional models class by class (Tong et al. 2024). Paths are then nearly straight, so that one step of Euler's
method is near; a step costs some milliseconds more.

The source is N(0, I), in units of the data's deviations, or rows that fit and step are given as `source`, of which
each step draws as many as it needs. Such a model carries these rows to the data (transform and sample take rows like
them), and has no density.

Results are the same bits for every number of threads.]],
    example = [[
local model = latent.flow_matching{ input_dim = 3, hidden = 8, coupling = "ot" }
model:fit(X, { epochs = 3 })
print(model:sample(2, { seed = 1, solver = "euler", steps = 4 }))
print(model:score(X))]],
  },
  {
    name = "FlowMatching",
    summary = "Flow matching: a velocity field; latent.flow_matching makes one.",
    text = [[
Fields: input_dim, latent_dim (the same), dtype, seed; iterations (steps so far), epochs, and one number an epoch in
history (the loss) and validation_history; converged, whether patience ended the last fit; note, a sentence when samples
were asked of an untrained model.

The first fit sets the means and deviations of the data; without one, they follow the rows of the first steps.]],
  },
  { name = "FlowMatching.history", summary = "The mean loss of each epoch.",
    returns = { { "number[]", "nil before fit" } } },
  {
    name = "FlowMatching:step",
    summary = "One step of the optimizer down the loss of a batch.",
    args = { { "X", "latent.Matrix|table", "B x D, of either dtype" }, options },
    options = {
      { "labels", "of conditional models, one a row" },
      { "source", "M x D rows that starts are drawn from, each once where there are enough; N(0, I) without" },
      { "learning_rate", "for this step, before schedule and warm_up" },
    },
    returns = { { "number", "the mean of |v - (x1 - x0)|^2, in squared deviations" } },
    text = [[
A column that is constant in the data that the model begins with raises, and is named. A loss or gradient that isn't
finite raises, naming the operation; the parameters are then those of the last good step.]],
    example = made .. "return model:step(X)",
  },
  {
    name = "FlowMatching:loss",
    summary = "The loss of rows with the draws of a seed; leaves its gradients.",
    args = { { "X", "latent.Matrix|table", "B x D" }, options },
    options = {
      { "labels", "of conditional models, one a row" },
      { "source", "rows that starts are drawn from" },
      { "seed", "of starts, times and noise" },
    },
    returns = { { "number", "the mean of |v - (x1 - x0)|^2" } },
    text = "The weights are those of training, not their averages. validation_history has it with seed 0.",
    example = made .. "model:loss(X); return model:gradients()['net.1.weight']",
  },
  {
    name = "FlowMatching:velocity",
    summary = "v(x, t), in units of the data.",
    args = { rows, options },
    options = with({ { "time", "t, 0 (the source) to 1 (the data)" }, labels, guidance, raw }),
    returns = { { "latent.Matrix", "N x D; a vector of D for one row" } },
    example = trained .. "return model:velocity(X, { time = 0.5 })",
  },
  {
    name = "FlowMatching:transform",
    summary = "Where the flow takes rows from t = 1 back to 0: rows like those of the source.",
    args = { rows, options },
    options = with(labels, solver, { guidance, raw }),
    returns = { { "latent.Matrix", "N x D; a vector of D for one row" } },
    text = [[
Of a source N(0, I) in units of deviations. With the adaptive solver every row has steps of its own, and a result that
doesn't depend on the other rows. inverse_transform comes back to within a few tolerances.]],
    example = trained .. "local Z = model:transform(X)",
  },
  {
    name = "FlowMatching:inverse_transform",
    summary = "Where the flow takes rows of the source, from t = 0 to 1.",
    args = { { "Z", "latent.Matrix|table", "N x D, or a vector of D" }, options },
    options = with(labels, solver, { guidance, raw }),
    returns = { { "latent.Matrix", "N x D; a vector of D for one row" } },
    example = trained .. "return model:inverse_transform(model:transform(X))",
  },
  {
    name = "FlowMatching:sample",
    summary = "Draws rows from the model: a start from the source, and where the flow takes it.",
    args = { { "n", "integer", "how many" }, options },
    options = with({ { "seed", "a seed or a generator" }, labels,
      { "from", "M x D rows that starts are drawn from, of models that were trained with a source" } }, solver,
      { guidance, raw }),
    returns = { { "latent.Matrix", "n x D rows" }, { "latent.Matrix", "n x D: the starts that they came from" } },
    text = "An untrained model's samples are allowed; model.note then says so.",
    example = trained .. 'return model:sample(5, { seed = 1, solver = "midpoint", steps = 10 })',
  },
}

for _, entry in ipairs {
  { "log_likelihood", "log p(x) of each row, by the divergence along its path.",
    { "latent.Matrix|number", "in nats; a number for one row" } },
  { "score", "The mean of log_likelihood.", { "number", "in nats a row" } },
  { "aic", "Akaike's criterion, -2 log L + 2 p (lower is better).", { "number", "of the rows" } },
  { "bic", "The Bayesian criterion, -2 log L + p log N (lower is better).", { "number", "of the rows" } },
} do
  entries[#entries + 1] = {
    name = "FlowMatching:" .. entry[1],
    summary = entry[2],
    args = { rows, options },
    options = with(labels, solver, {
      { "trace", '"exact": D directional derivatives; "hutchinson": an unbiased estimate; "auto": exact for D <= 16' },
      { "probes", "vectors of random signs of the estimate" },
      { "seed", "of these" },
      raw,
    }),
    returns = { entry[3] },
    text = entry[1] == "log_likelihood" and [[
Its error is the solver's: some tolerances. The estimate's own error falls with the root of probes; cost grows with D,
or with probes.]] or nil,
    example = trained .. ("return model:%s(X)"):format(entry[1]),
  }
end

for _, entry in ipairs(require "latent.docs.train"("FlowMatching", made, {
  labels = true,
  source = true,
  gives = "the loss",
  held = "that of the draws of seed 0",
  parameter = "net.1.weight",
})) do
  entries[#entries + 1] = entry
end

return entries
