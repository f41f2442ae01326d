-- latent.nn: tapes and their values.

local options = { "options", "table?", "see options" }
local value = { { "latent.Value", "the value" } }
local rows = { { "latent.Value", "B x 1, in nats" } }
local mean = { "mean", "latent.Value|latent.Matrix", "B x M" }
local log_variance = { "log_variance", "latent.Value|latent.Matrix", "B x M" }
local logits = { "logits", "latent.Value|latent.Matrix", "B x D" }
local begin = "local tape = nn.tape()\nlocal x = tape:input(X / 10, { gradient = true })\n"
local out = { { "out", "latent.Matrix", "nil", "a matrix to fill instead of a fresh one" } }

local function size(what) return { what, "integer", "number of " .. what } end

local entries = {
  {
    name = "nn.tape",
    summary = "A tape, which records a step and differentiates it.",
    args = { { "store", "latent.Store?", "whose type it takes; nets of other stores work as well" }, options },
    options = {
      { "seed", "integer", "0", "of its noise, which depends on seed, step, place on the tape and element" },
      { "dtype", "string", "the store's", '"float32" or "float64"; without a store "float32"' },
    },
    returns = { { "latent.Tape", "the tape" } },
    example = "local tape = nn.tape(nn.parameters(), { seed = 1 })",
  },
  {
    name = "Tape",
    summary = "A record of what a step computes; nn.tape makes one.",
    text = [[
Where a value is expected a matrix or a table of numbers will do; it is copied onto the tape.
Memory is taken in the first step only, and reused by the next ones.]],
    example = begin .. "print(tape, tape.bytes)",
  },
  { name = "Tape.dtype", summary = "The type of its values." },
  { name = "Tape.step", summary = "How often it was reset; noise depends on it." },
  { name = "Tape.seed", summary = "The seed of its noise." },
  { name = "Tape.values", summary = "How many values this step has." },
  { name = "Tape.bytes", summary = "The memory that steps have needed so far." },
  {
    name = "Tape:reset",
    summary = "Begins the next step: values of the step before can't be used any more.",
    args = {},
    returns = { { "latent.Tape", "the tape itself" } },
    example = "nn.tape():reset()",
  },
  {
    name = "Tape:check",
    summary = "Searches every result and gradient for NaN and infinities from now on, or stops to.",
    args = { { "on", "boolean", "true or false" } },
    returns = { { "latent.Tape", "the tape itself" } },
    text = "What isn't finite raises, naming the operation and the line. It costs a pass over each value.",
    example = "local tape = nn.tape():check(true)\nprint(pcall(function() return tape:input{ {-1} }:log() end))",
  },
  {
    name = "Tape:state",
    summary = "Seed and step as a table, or sets them.",
    args = { { "state", "table?", "fields seed and step" } },
    returns = { { "table|latent.Tape", "seed and step; the tape when they were set" } },
    example = "nn.tape():state{ seed = 1, step = 100 }",
  },
  {
    name = "Tape:input",
    summary = "A matrix as a value.",
    args = { { "X", "latent.Matrix|table", "any matrix; it is copied; a vector is one column" }, options },
    options = { { "gradient", "boolean", "false", "whether value:gradient() will be asked for" } },
    returns = value,
    example = "local x = nn.tape():input(X)",
  },
  {
    name = "Tape:parameter",
    summary = "A parameter of a store as a value.",
    args = { { "store", "latent.Store", "where it is" }, { "name", "string", "its name" } },
    returns = value,
    example = "local s = nn.parameters():add('v', 1, 3)\nlocal v = nn.tape(s):parameter(s, 'v')",
  },
  {
    name = "Tape:normal",
    summary = "Normal numbers, N(0, 1).",
    args = { size "rows", size "cols" },
    returns = value,
    example = "local noise = nn.tape():normal(3, 2)",
  },
  {
    name = "Tape:uniform",
    summary = "Uniform numbers in [0, 1).",
    args = { size "rows", size "cols" },
    returns = value,
    example = "local u = nn.tape():uniform(3, 2)",
  },
  {
    name = "Tape:fill",
    summary = "A value whose elements are all one number.",
    args = { size "rows", size "cols", { "number", "number", "the number" } },
    returns = value,
    example = "local ones = nn.tape():fill(3, 2, 1)",
  },
  {
    name = "Tape:reparameterize",
    summary = "A draw from N(mean, exp(log_variance)) through which gradients flow.",
    args = { mean, log_variance },
    returns = { { "latent.Value", "B x M: mean + exp(log_variance/2) noise" } },
    text = "Kingma and Welling 2014, section 2.4.",
    example = begin .. "local z = tape:reparameterize(x, x)",
  },
  {
    name = "Tape:kl_standard_normal",
    summary = "KL divergence of N(mean, exp(log_variance)) from N(0, I).",
    args = { mean, log_variance },
    returns = rows,
    text = "sum over the columns of (exp(v) + m^2 - 1 - v)/2.",
    example = begin .. "local kl = tape:kl_standard_normal(x, x)",
  },
  {
    name = "Tape:kl_units",
    summary = "The same divergence, a column for each latent unit.",
    args = { mean, log_variance },
    returns = { { "latent.Value", "B x M, in nats" } },
    example = begin .. "local free_bits = tape:kl_units(x, x):mean(1):clamp(0.25, 1e9):sum()",
  },
  {
    name = "Tape:kl_normal",
    summary = "KL divergence between two Gaussians with diagonal covariances.",
    args = { mean, log_variance,
      { "mean2", "latent.Value|latent.Matrix", "of the second one: B x M, 1 x M, B x 1 or a number" },
      { "log_variance2", "latent.Value|latent.Matrix", "likewise" } },
    returns = rows,
    example = begin .. "local kl = tape:kl_normal(x, x, 0, 1)",
  },
  {
    name = "Tape:bernoulli_nll",
    summary = "-log p(x) of independent Bernoulli variables, by their logits.",
    args = { logits, { "x", "latent.Value|latent.Matrix", "B x D in [0, 1]; between 0 and 1 it is a probability" } },
    returns = rows,
    text = "sum over the columns of log(1 + exp(l)) - x l. Give logits, not probabilities: nothing overflows then.",
    example = begin .. "local loss = tape:bernoulli_nll(x, X / 10)",
  },
  {
    name = "Tape:continuous_bernoulli_nll",
    summary = "-log p(x) of continuous Bernoulli variables, for grey levels in [0, 1].",
    args = { logits, { "x", "latent.Value|latent.Matrix", "B x D in [0, 1]" } },
    returns = rows,
    text = "The Bernoulli form normalized over [0, 1] (Loaiza-Ganem and Cunningham, NeurIPS 2019).\n" ..
      "It is a density: the result may be negative.",
    example = begin .. "local loss = tape:continuous_bernoulli_nll(x, X / 10)",
  },
  {
    name = "Tape:categorical_nll",
    summary = "-log p(labels) of categorical variables, by their logits.",
    args = { { "logits", "latent.Value|latent.Matrix", "B x K, or B x (G K) for G variables: K columns each" },
      { "labels", "latent.Matrix|table", "B or B x G whole numbers in 1..K" }, options },
    options = { { "categories", "integer", "the logits' columns", "K" } },
    returns = rows,
    example = begin .. "local loss = tape:categorical_nll(x, { 1, 3, 2, 1, 1 })",
  },
  {
    name = "Tape:gaussian_nll",
    summary = "-log N(x; mean, exp(log_variance)), with independent columns.",
    args = { { "mean", "latent.Value|latent.Matrix", "B x D" },
      { "log_variance", "latent.Value|latent.Matrix|number", "B x D, 1 x D, B x 1 or 1 x 1; a number is fixed" },
      { "x", "latent.Value|latent.Matrix", "B x D" } },
    returns = rows,
    text = "Gradients flow to all three. A learned log-variance should be bounded, with value:clamp, say.",
    example = begin .. "local loss = tape:gaussian_nll(x, math.log(0.1), X)",
  },
  {
    name = "Tape:gaussian_mixture_nll",
    summary = "-log density of a mixture of K Gaussians with diagonal covariances.",
    args = { { "logits", "latent.Value|latent.Matrix", "1 x K, of the weights" },
      { "means", "latent.Value|latent.Matrix", "K x D" }, { "log_variances", "latent.Value|latent.Matrix", "K x D" },
      { "x", "latent.Value|latent.Matrix", "B x D" } },
    returns = rows,
    example = begin .. "local loss = tape:gaussian_mixture_nll({ {0, 0} }, X:block(1, 2), X:block(1, 2) * 0, x)",
  },

  -- ---- values ----------------------------------------------------------------------------------
  {
    name = "Value",
    summary = "A matrix on a tape, with a row for each observation.",
    text = [[
Operators are those of matrices: * is the matrix product, % / + - go element by element, and a number scales or
shifts. B x D goes with B x D, 1 x D, B x 1 and 1 x 1. The right operand may be a matrix.]],
    example = begin .. "print((x * x:t() + 1):sum():value())",
  },
  { name = "Value.rows", summary = "Number of rows." },
  { name = "Value.cols", summary = "Number of columns." },
  {
    name = "Value:value",
    summary = "The number, where the value is one; else a matrix.",
    args = {},
    returns = { { "number|latent.Matrix", "a copy" } },
    example = begin .. "print(x:mean():value())",
  },
  {
    name = "Value:matrix",
    summary = "The value as a matrix.",
    args = { options },
    options = out,
    returns = { { "latent.Matrix", "a copy" } },
    example = begin .. "print(x:exp():matrix())",
  },
  {
    name = "Value:backward",
    summary = "Computes the gradient of this number with respect to everything it depends on.",
    args = { options },
    options = { { "accumulate", "boolean", "false", "add to the gradients in the stores instead of replacing them" } },
    returns = { { "latent.Value", "the value itself" } },
    text = [[
Parameters that it doesn't depend on get the gradient 0. A loss that is NaN or infinite raises, naming the first
operation of the step whose result isn't finite, and leaves the parameters as they are.]],
    example = begin .. "x:square():mean():backward()",
  },
  {
    name = "Value:gradient",
    summary = "The gradient of the loss of the last backward pass with respect to this value.",
    args = { options },
    options = out,
    returns = { { "latent.Matrix", "a copy, of the value's shape" } },
    example = begin .. "x:square():sum():backward()\nprint(x:gradient())",
  },
  {
    name = "Value:detach",
    summary = "The same numbers as a constant: no gradient flows through it.",
    args = {},
    returns = value,
    example = begin .. "local y = x:detach()",
  },
  {
    name = "Value:product",
    summary = "The matrix product, where either may be taken transposed.",
    args = { { "other", "latent.Value|latent.Matrix", "the right operand" }, options },
    options = { { "left_transposed", "boolean", "false", "this one" },
      { "right_transposed", "boolean", "false", "other" } },
    returns = value,
    example = begin .. "local gram = x:product(x, { left_transposed = true })",
  },
  {
    name = "Value:leaky_relu",
    summary = "x, and slope x where x is negative.",
    args = { { "slope", "number?", "0.01 when left out" } },
    returns = value,
    example = begin .. "local y = x:leaky_relu(0.2)",
  },
  {
    name = "Value:clamp",
    summary = "Limits to a range; outside of it the derivative is 0.",
    args = { { "least", "number", "the lower limit" }, { "most", "number", "the upper limit" } },
    returns = value,
    example = begin .. "local v = x:clamp(-10, 10)",
  },
  {
    name = "Value:activate",
    summary = "An activation by its name.",
    args = { { "name", "string", "as for nn.mlp" } },
    returns = value,
    example = begin .. "local y = x:activate 'silu'",
  },
  {
    name = "Value:slope",
    summary = "The derivative of an activation at each element, as a value that can be differentiated.",
    args = { { "name", "string", "as for nn.mlp" } },
    returns = value,
    example = begin .. "local d = x:slope 'tanh'",
  },
  {
    name = "Value:spectral",
    summary = "The value over |W u|: weights W over their largest singular value, for its right singular vector u.",
    args = { { "u", "latent.Value|latent.Matrix", "1 x cols, a unit vector; a constant" } },
    returns = value,
    text = "nn.linear and nn.mlp do it with spectral = true, and keep u.",
    example = begin .. "local W = x:spectral{ { 0, 0.6, 0.8 } }",
  },
  {
    name = "Value:columns",
    summary = "Columns first to last.",
    args = { { "first", "integer", "from 1, or negative from the end" },
      { "last", "integer?", "first when left out" } },
    returns = value,
    example = begin .. "local y = x:columns(2, -1)",
  },
  {
    name = "Value:split",
    summary = "Pieces of the same number of columns.",
    args = { { "size", "integer", "columns of a piece" } },
    returns = { { "latent.Value...", "as many as there are" } },
    example = begin .. "local a, b, c = x:split(1)",
  },
  {
    name = "Value:concat",
    summary = "Two values side by side.",
    args = { { "other", "latent.Value|latent.Matrix", "what comes to the right" } },
    returns = value,
    example = begin .. "local y = x:concat(x)",
  },
  {
    name = "Value:gather",
    summary = "Rows by their numbers.",
    args = { { "rows", "latent.Matrix|table", "numbers from 1; a row may come more than once" } },
    returns = value,
    example = begin .. "local y = x:gather{ 2, 2, 1 }",
  },
  {
    name = "Value:gather_columns",
    summary = "Columns by their numbers.",
    args = { { "columns", "latent.Matrix|table", "numbers from 1; a column may come more than once" } },
    returns = value,
    example = begin .. "local y = x:gather_columns{ 2, 1 }",
  },
  {
    name = "Value:repeat_rows",
    summary = "Every row so many times, one after the other.",
    args = { { "times", "integer", "how often" } },
    returns = value,
    example = begin .. "local y = x:repeat_rows(3)",
  },
  {
    name = "Value:sum",
    summary = "The sum.",
    args = { { "dim", "integer?", "1 over the rows, 2 over the columns; of everything when left out" } },
    returns = value,
    example = begin .. "local y = x:sum(2)",
  },
  {
    name = "Value:mean",
    summary = "The mean.",
    args = { { "dim", "integer?", "1 over the rows, 2 over the columns; of everything when left out" } },
    returns = value,
    example = begin .. "local y = x:mean()",
  },
  {
    name = "Value:log_mean_exp",
    summary = "The logarithm of the mean of exp, in groups of rows.",
    args = { { "size", "integer", "rows of a group; there is one column" } },
    returns = { { "latent.Value", "one row for each group" } },
    text = "The bound of importance weighted autoencoders (Burda and others 2016): K rows with log-weights\n" ..
      "for each observation.",
    example = begin .. "local y = x:repeat_rows(4):sum(2):log_mean_exp(4)",
  },
}

-- invertible maps
local state = { "state", "latent.Value|latent.Matrix", "B x (D + 1)" }
local mapped = { { "latent.Value", "B x (D + 1), the next state" } }
local columns = { "columns", "table", "all", "numbers of the columns that it transforms, m of them" }
local inverse = { "inverse", "boolean", "false", "the inverse map; no gradient flows through its result" }

local function map(name, summary, raw, map_options, text, example)
  entries[#entries + 1] = { name = "Tape:flow_" .. name, summary = summary,
    args = { state, { "raw", "latent.Value|latent.Matrix", raw }, options }, options = map_options, returns = mapped,
    text = text, example = begin .. "local h = tape:flow_state(x)\n" .. example }
end

entries[#entries + 1] = {
  name = "Tape:flow_state",
  summary = "What invertible maps work on: columns, and beside them the sum of log |det J| so far.",
  args = { { "x", "latent.Value|latent.Matrix", "B x D" } },
  returns = { { "latent.Value", "B x (D + 1); the last column is 0" } },
  text = "The change of variables: log p(x) = log p(z) + log |det J| for z = f(x), a chain of maps that\n" ..
    "tape:flow_nll ends.",
  example = begin .. "local h = tape:flow_state(x)\nlocal nll = tape:flow_nll(h)",
}
map("affine", "y = x exp(s) + t.", "(t, o) for each column, 2 m numbers in a row: B rows, or one for all",
  { columns, { "bound", "number", "0", "s = bound tanh(o / bound); 0: s = o" }, inverse },
  "Dinh, Sohl-Dickstein and Bengio, ICLR 2017. A net of the other columns makes raw.",
  "h = tape:flow_affine(h, { { 1, 0.5 } }, { columns = { 2 }, bound = 2 })")
map("spline", "Monotonic rational quadratic splines in a box, the identity outside.",
  "for each column `bins` widths, `bins` heights and bins - 1 slopes: m (3 bins - 1) numbers in a row",
  { columns, { "bins", "integer", "8", "2 to 64" }, { "box", "number", "5", "the splines are within -box..box" },
    inverse },
  "Durkan, Bekasov, Murray and Papamakarios, NeurIPS 2019. Zeros are the identity.",
  "h = tape:flow_spline(h, tape:fill(1, 11, 0), { columns = { 1 }, bins = 4 })")
map("linear", "y = x L U.", "D x D: L below the diagonal, U from it on, with exp of the diagonal", { inverse },
  "Kingma and Dhariwal, NeurIPS 2018. Zeros are the identity.",
  "h = tape:flow_linear(h, tape:fill(x.cols, x.cols, 0))")
map("planar", "y = x + u tanh(w x + b), with u moved along w so that it is invertible.", "(u, w, b): 1 x (2 D + 1)",
  { inverse }, "Rezende and Mohamed, ICML 2015.", "h = tape:flow_planar(h, tape:fill(1, 2 * x.cols + 1, 0.1))")
map("radial", "y = x + c (x - x0) / (a + |x - x0|).", "(x0, p, q): 1 x (D + 2), a = softplus(p), c = softplus(q) - a",
  { inverse }, "Rezende and Mohamed, ICML 2015.", "h = tape:flow_radial(h, tape:fill(1, x.cols + 2, 0.1))")
entries[#entries + 1] = {
  name = "Tape:flow_nll",
  summary = "-log p(x) by a state after all maps: -log base(z) - log |det J|.",
  args = { state, options },
  options = { { "base", "string", '"normal"', '"normal": N(0, I); "uniform": of sigmoid(z), on the unit cube' } },
  returns = rows,
  example = begin .. "local nll = tape:flow_nll(tape:flow_state(x)):mean()",
}

local one = {
  exp = "e^x", log = "The natural logarithm", tanh = "The hyperbolic tangent", sigmoid = "1/(1 + exp(-x))",
  relu = "max(x, 0)", elu = "x, and exp(x) - 1 where x is negative", softplus = "log(1 + exp(x))",
  gelu = "x Phi(x), with the normal distribution function Phi", silu = "x sigmoid(x)", square = "x^2",
  sqrt = "The square root (its derivative at 0 is taken as 0)", abs = "The absolute value",
  t = "The transpose", log_sum_exp = "log sum exp over the columns: B x 1",
}
local names = {}
for name in pairs(one) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  entries[#entries + 1] = { name = "Value:" .. name, summary = one[name] .. ".", args = {}, returns = value,
    example = begin .. ("local y = x:%s()"):format(name) }
end

for _, operator in ipairs {
  { "__add", "+", "Element by element, broadcasting" }, { "__sub", "-", "Element by element, broadcasting" },
  { "__mul", "*", "The matrix product; a number scales" }, { "__mod", "%", "Element by element, broadcasting" },
  { "__div", "/", "Element by element, broadcasting" },
} do
  entries[#entries + 1] = { name = "Value:" .. operator[1], summary = operator[3] .. ".",
    args = { { "other", "latent.Value|latent.Matrix|number", "the other operand" } }, returns = value,
    example = begin .. ("local y = x %s %s"):format(operator[2], operator[1] == "__mul" and "3" or "x") }
end
entries[#entries + 1] = { name = "Value:__unm", summary = "The negative.", args = {}, returns = value,
  example = begin .. "local y = -x" }

return entries
