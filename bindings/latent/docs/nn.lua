-- latent.nn: stores, nets, optimizers, schedules.

local options = { "options", "table?", "see options" }
local store = { "store", "latent.Store", "where the parameters live" }
local name = { "name", "string", "the parameters are called NAME.weight and so on; no ':'" }
local init = { "init", "string", '"torch"', '"torch" (as torch.nn.Linear: uniform within 1/sqrt(inputs), biases too), '
  .. '"he", "glorot", "lecun", "orthogonal", "zero", or "auto": he for a layer with an activation of the relu family, '
  .. 'else glorot' }
local gain = { "gain", "number", "1", "what the initial weights are multiplied by" }
local bias = { "bias", "boolean", "true", "whether there are biases; they begin at 0, but for torch" }
local spectral = { "spectral", "boolean", "false", "weights are divided by their largest singular value, see below" }
local moved = { "parameters", "string|table", "all", "the beginning of the names of what it moves, or a list of such" }
local schedule = { "schedule", "function", "nil", "gives the learning rate's factor at a step, from 0" }
local rate = function(default) return { "learning_rate", "number", default, "positive and finite" } end
local decay = function(default, text) return { "weight_decay", "number", default, text } end
local epsilon = { "epsilon", "number", "1e-8", "added to the root of the second moment" }
local made = { { "latent.Optimizer", "the optimizer" } }
local beta1 = { "beta1", "number", "0.9", "decay of the first moment, in [0, 1)" }
local beta2 = { "beta2", "number", "0.999", "decay of the second moment, in [0, 1)" }
local net = { { "latent.Net", "the net" } }
local itself = { { "latent.Store", "the store itself" } }
local out = { { "out", "latent.Matrix", "nil", "a matrix to fill instead of a fresh one" } }
local begin = "local s = nn.parameters()\nlocal f = nn.linear(s, \"f\", 3, 1)\n"
local trained = begin .. "local tape = nn.tape(s)\nf(tape:input(X)):square():mean():backward()\n"

local ACTIVATIONS = { "linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "silu", "gelu" }

local function activations(default)
  return { "activation", "string", default, '"' .. table.concat(ACTIVATIONS, '", "') .. '"' }
end

return {
  {
    name = "nn",
    summary = "Nets, and gradients of what you compute with them: the engine under the deep models.",
    text = [[
A step: a tape records what is computed from its inputs and from the parameters in a store, loss:backward() goes
back over it and leaves gradients in the store, and an optimizer moves the parameters along them.

  local store  = nn.parameters{ seed = 1 }
  local encode = nn.mlp(store, "encoder", { 784, 400, 2 * 20 })
  local decode = nn.mlp(store, "decoder", { 20, 400, 784 })
  local adam   = nn.adam(store, { learning_rate = 1e-3 })
  local tape   = nn.tape(store, { seed = 1 })
  for x in latent.batches(X, 128, { seed = 1 }) do
    tape:reset()
    local mean, log_variance = encode(tape:input(x)):split(20)
    local z    = tape:reparameterize(mean, log_variance)
    local loss = (tape:bernoulli_nll(decode(z), x) + tape:kl_standard_normal(mean, log_variance)):mean()
    loss:backward()
    store:clip(5)
    adam:step()
  end

Values are matrices with a row for each observation, float32 (float64 to check). Losses are a number a row, in
nats, summed over the columns and never averaged over them. Memory is reused by every step; a value of an earlier
step raises. Results are the same bits for every number of threads.]],
    example = "print(nn.mlp(nn.parameters(), 'f', { 2, 8, 1 }))",
  },
  {
    name = "nn.parameters",
    summary = "A store for the parameters of some nets.",
    args = { options },
    options = {
      { "seed", "integer", "0", "of the initial values, which depend on it and the order of the parameters" },
      { "dtype", "string", '"float32"', '"float32" to train, "float64" to check gradients' },
    },
    returns = { { "latent.Store", "the store, empty" } },
    text = "The first tape or optimizer that uses a store seals it: make all nets before.",
    example = "local store = nn.parameters{ seed = 1 }",
  },
  {
    name = "nn.linear",
    summary = "A linear layer f(x W + b).",
    args = { store, name, { "inputs", "integer", "columns of x" }, { "outputs", "integer", "columns of the result" },
      options },
    options = { activations '"linear"', init, gain, bias, spectral },
    returns = net,
    text = [[
W is inputs x outputs, called NAME.weight; b is 1 x outputs, NAME.bias.

With spectral normalization (Miyato, Kataoka, Koyama and Yoshida, ICLR 2018) the layer is f(x W/|W u| + b), where
NAME.u, 1 x outputs, is an estimate of the singular vector: net:power_iteration(), once a step, brings it closer. It is
saved with the parameters, has no gradient, and optimizers leave it alone.]],
    example = "local f = nn.linear(nn.parameters(), 'f', 3, 2, { activation = 'tanh' })",
  },
  {
    name = "nn.mlp",
    summary = "A multilayer perceptron: linear layers with activations between them.",
    args = { store, name, { "sizes", "table", "columns: { inputs, hidden..., outputs }" }, options },
    options = { activations '"relu"',
      { "last", "string", '"linear"', "the activation after the last layer", choices = ACTIVATIONS }, init, gain, bias,
      { "zero_last", "boolean", "false", "the last layer begins at 0" }, spectral },
    returns = net,
    text = "Its parameters are NAME.1.weight, NAME.1.bias, NAME.2.weight, ...; with spectral, as in nn.linear.",
    example = "local f = nn.mlp(nn.parameters(), 'f', { 2, 16, 16, 1 }, { activation = 'silu' })",
  },
  {
    name = "nn.sequential",
    summary = "A net of nets and activations, one after the other.",
    args = { { "parts", "table", "a list of nets (of one store) and names of activations" } },
    returns = net,
    example = "local s = nn.parameters()\n" ..
      "local f = nn.sequential{ nn.linear(s, 'a', 3, 8), 'tanh', nn.linear(s, 'b', 8, 1) }",
  },
  {
    name = "nn.sgd",
    summary = "Gradient descent, with momentum.",
    args = { store, options },
    options = { rate "0.01", { "momentum", "number", "0", "in [0, 1): v = momentum v + g, w = w - rate v" },
      { "nesterov", "boolean", "false", "w = w - rate (g + momentum v)" }, decay("0", "is added to g times w"), moved,
      schedule },
    returns = made,
    example = begin .. "local o = nn.sgd(s, { momentum = 0.9, nesterov = true })",
  },
  {
    name = "nn.adam",
    summary = "Adam (Kingma and Ba 2015).",
    args = { store, options },
    options = { rate "1e-3", beta1, beta2, epsilon, decay("0", "is added to g times w"), moved, schedule },
    returns = made,
    example = begin .. "local o = nn.adam(s, { learning_rate = 1e-3, schedule = nn.cosine(1000) })",
  },
  {
    name = "nn.adamw",
    summary = "Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
    args = { store, options },
    options = { rate "1e-3", beta1, beta2, epsilon, decay("0.01", "w shrinks by rate times this, apart from Adam"),
      moved, schedule },
    returns = made,
    example = begin .. "local o = nn.adamw(s, { weight_decay = 0.1 })",
  },
  {
    name = "nn.adamax",
    summary = "Adam by the infinity norm (Kingma and Ba 2015, algorithm 2).",
    args = { store, options },
    options = { rate "2e-3", beta1, beta2, epsilon, decay("0", "is added to g times w"), moved, schedule },
    returns = made,
    example = begin .. "local o = nn.adamax(s)",
  },
  {
    name = "nn.rmsprop",
    summary = "RMSprop (Tieleman and Hinton 2012).",
    args = { store, options },
    options = { rate "0.01", { "decay", "number", "0.99", "of the second moment, in [0, 1)" }, epsilon,
      decay("0", "is added to g times w"), moved, schedule },
    returns = made,
    example = begin .. "local o = nn.rmsprop(s)",
  },
  {
    name = "nn.constant",
    summary = "A schedule: the same factor at every step.",
    args = { { "factor", "number?", "1 when left out" } },
    returns = { { "function", "of the step, from 0" } },
    example = "assert(nn.constant()(7) == 1)",
  },
  {
    name = "nn.cosine",
    summary = "A schedule: from 1 down along half a cosine.",
    args = { { "steps", "integer", "where it ends" }, options },
    options = { { "final", "number", "0", "the factor at the end and after it" } },
    returns = { { "function", "of the step, from 0" } },
    example = "assert(nn.cosine(100, { final = 0.1 })(100) == 0.1)",
  },
  {
    name = "nn.warm_up",
    summary = "A schedule: up to 1 in equal steps, then another schedule.",
    args = { { "steps", "integer", "how many" },
      { "schedule", "function?", "what comes after; its first step is 0. Without it the factor stays 1" } },
    returns = { { "function", "of the step, from 0" } },
    example = "local s = nn.warm_up(10, nn.cosine(90))\nassert(s(0) == 0.1 and s(10) == 1 and s(100) < 1e-9)",
  },
  {
    name = "nn.operations",
    summary = "The names of all operations, as messages and tape:check name them.",
    args = {},
    returns = { { "table", "a list of strings" } },
    example = "print(table.concat(nn.operations(), ' '))",
  },

  -- ---- stores ----------------------------------------------------------------------------------
  {
    name = "Store",
    summary = "Parameters by name, with their gradients and averages; nn.parameters makes one.",
    example = begin .. "print(s, s.count)",
  },
  { name = "Store.count", summary = "How many numbers the parameters have, an integer." },
  { name = "Store.dtype", summary = 'The type of all parameters: "float32" or "float64".' },
  { name = "Store.seed", summary = "The seed of the initial values." },
  {
    name = "Store:add",
    summary = "Adds a parameter of your own.",
    args = { { "name", "string", "without ':'" }, { "rows", "integer", "number of rows" },
      { "cols", "integer", "number of columns" }, options },
    options = { { "init", "string", '"zero"', init[4] }, gain },
    returns = itself,
    example = "local s = nn.parameters():add('log_variance', 1, 4)\nlocal v = nn.tape(s):parameter(s, 'log_variance')",
  },
  {
    name = "Store:names",
    summary = "The names of all parameters, in order.",
    args = {},
    returns = { { "table", "a list of strings" } },
    example = begin .. "assert(s:names()[1] == 'f.weight')",
  },
  {
    name = "Store:get",
    summary = "A copy of a parameter.",
    args = { { "name", "string", "its name" }, options },
    options = out,
    returns = { { "latent.Matrix", "the values" } },
    example = begin .. "print(s:get 'f.weight')",
  },
  {
    name = "Store:set",
    summary = "Sets a parameter.",
    args = { { "name", "string", "its name" },
      { "value", "latent.Matrix|number", "a matrix of its shape, or a number" } },
    returns = itself,
    example = begin .. "s:set('f.bias', 0.5)",
  },
  {
    name = "Store:gradient",
    summary = "A copy of a parameter's gradient, as the last backward pass left it.",
    args = { { "name", "string", "its name" }, options },
    options = out,
    returns = { { "latent.Matrix", "the gradient" } },
    example = trained .. "print(s:gradient 'f.weight')",
  },
  {
    name = "Store:clip",
    summary = "Scales all gradients down so that their common Euclidean norm is at most a bound.",
    args = { { "norm", "number", "the bound" } },
    returns = { { "number", "the norm before" } },
    example = trained .. "local before = s:clip(5)",
  },
  {
    name = "Store:average",
    summary = "Brings the moving averages of all parameters up to date.",
    args = { { "decay", "number", "in [0, 1)" } },
    returns = itself,
    text = [[
To be called after each optimizer step: average = d average + (1 - d) value, where d is the decay, but at
most (1 + n)/(10 + n) at call n = 0, 1, ..., so that the beginnings are forgotten soon; the first call copies.]],
    example = trained .. "s:average(0.995)",
  },
  {
    name = "Store:averaged",
    summary = "A copy of a parameter's moving average.",
    args = { { "name", "string", "its name" }, options },
    options = out,
    returns = { { "latent.Matrix", "the average" } },
    example = trained .. "print(s:average(0.9):averaged 'f.weight')",
  },
  {
    name = "Store:swap",
    summary = "Exchanges the parameters and their averages: before a test, and again after it.",
    args = {},
    returns = itself,
    example = trained .. "s:average(0.9):swap()\ns:swap()",
  },
  {
    name = "Store:assign",
    summary = "Takes over the values of another store with the same shapes.",
    args = { { "other", "latent.Store", "where from" } },
    returns = itself,
    example = begin .. "local copy = nn.parameters()\nnn.linear(copy, 'f', 3, 1)\ncopy:assign(s)",
  },
  {
    name = "Store:save",
    summary = "Writes the parameters, and what training needs to go on, to a safetensors file.",
    args = { { "path", "string", "the file; it is replaced only when the new one is complete" }, options },
    options = {
      { "optimizer", "latent.Optimizer|table", "nil", "one or a list: their moments and steps" },
      { "tape", "latent.Tape", "nil", "its seed and step, which its noise depends on" },
      { "random", "latent.Random", "nil", "the state of a generator, of the batches, say" },
      { "fields", "table", "nil", "numbers, strings, booleans and tables of them, by name: the epoch, say" },
    },
    returns = { { "boolean|nil", "true, or nil and a message when it can't be written" } },
    example = begin .. "local adam, path = nn.adam(s), os.tmpname()\n" ..
      "assert(s:save(path, { optimizer = adam, fields = { epoch = 3 } }))\n" ..
      "assert(s:load(path, { optimizer = adam }).epoch == 3)\nos.remove(path)",
  },
  {
    name = "Store:load",
    summary = "Reads what Store:save has written.",
    args = { { "path", "string", "the file" }, options },
    options = {
      { "optimizer", "latent.Optimizer|table", "nil", "what takes the moments and steps, in the order of the save" },
      { "tape", "latent.Tape", "nil", "what takes the seed and step" },
      { "random", "latent.Random", "nil", "what takes the generator's state" },
    },
    returns = { { "table|nil", "the fields; or nil and a message" } },
    text = [[
Training then goes on bit for bit as if it had not stopped. The store and the optimizers must be those that were
saved, by names, shapes and kinds; a file of other parameters, truncated or hostile, gives nil and a message that
lists what is missing or different, and changes nothing.]],
    example = "local s = nn.parameters()\nnn.linear(s, 'f', 3, 1)\nprint(s:load 'no such file')",
  },

  -- ---- nets ------------------------------------------------------------------------------------
  {
    name = "Net",
    summary = "Linear layers and activations; nn.linear, nn.mlp and nn.sequential make one.",
    example = begin .. "print(f)",
  },
  { name = "Net.inputs", summary = "Columns of what it takes." },
  { name = "Net.outputs", summary = "Columns of what it gives." },
  { name = "Net.store", summary = "The store of its parameters." },
  {
    name = "Net:__call",
    summary = "The net of a value.",
    args = { { "x", "latent.Value", "B x inputs" } },
    returns = { { "latent.Value", "B x outputs" } },
    example = begin .. "local y = f(nn.tape(s):input(X))",
  },
  {
    name = "Net:frozen",
    summary = "The net of a value, with the net's parameters as constants.",
    args = { { "x", "latent.Value", "B x inputs" } },
    returns = { { "latent.Value", "B x outputs" } },
    text = "A loss of it has gradients of x, and of what x is made of, but none of the net's parameters are computed.",
    example = begin .. "local tape = nn.tape(s)\nlocal x = tape:input(X, { gradient = true })\n" ..
      "f:frozen(x):mean():backward()\nlocal g = x:gradient()",
  },
  {
    name = "Net:power_iteration",
    summary = "One step of the power iteration for the layers with spectral normalization.",
    args = {},
    returns = { { "table", "a number for each of them: |W u|, about its largest singular value" } },
    text = "With v = W u/|W u|, the next u is W'v/|W'v|. Once in a step of training is enough: weights change slowly.",
    example = "local s = nn.parameters()\nlocal f = nn.mlp(s, 'f', { 3, 8, 1 }, { spectral = true })\n" ..
      "for _ = 1, 20 do f:power_iteration() end\nassert(#f:power_iteration() == 2)",
  },
  {
    name = "Net:input_gradient",
    summary = "The gradient of what the net gives with respect to what it takes, as a value.",
    args = { { "x", "latent.Value", "B x inputs" },
      { "v", "latent.Value|latent.Matrix?",
        "1 x outputs or B x outputs: the gradient of sum_j v_j y_j; else all ones" } },
    returns = { { "latent.Value", "B x inputs" } },
    text = [[
It is an ordinary expression of x and the parameters, so a penalty on it can be differentiated: exactly, with the
second derivatives of the activations (0 almost everywhere for relu and leaky_relu).]],
    example = begin .. "local tape = nn.tape(s)\nlocal g = f:input_gradient(tape:input(X))\n" ..
      "local penalty = ((g:square():sum(2) + 1e-12):sqrt() - 1):square():mean()\npenalty:backward()",
  },
  {
    name = "Net:parameters",
    summary = "The names of its parameters.",
    args = {},
    returns = { { "table", "a list of strings" } },
    example = begin .. "assert(#f:parameters() == 2)",
  },

  -- ---- optimizers ------------------------------------------------------------------------------
  {
    name = "Optimizer",
    summary = "Moves the parameters of a store along their gradients; nn.adam and others make one.",
    text = "learning_rate can be set between steps.",
    example = begin .. "local o = nn.adam(s)\no.learning_rate = 1e-4",
  },
  { name = "Optimizer.learning_rate", summary = "The learning rate, before the schedule's factor." },
  { name = "Optimizer.steps", summary = "How many steps it has made." },
  { name = "Optimizer.name", summary = 'What it is: "adam".' },
  {
    name = "Optimizer:step",
    summary = "One step. Raises, before anything has changed, when a gradient isn't finite.",
    args = {},
    returns = { { "latent.Optimizer", "the optimizer itself" } },
    example = trained .. "nn.adam(s):step()",
  },
}
