-- Graphs of nets: encoders and decoders (export/onnx.lua). Not exported.
--
-- Operators that runtimes have for floats only are made of others, but for Erf.

local densities = require "latent.export.graphs.densities"

local function sigmoid(g, s) return g:node("Sigmoid", { s }) end
local function above(g, s, least) return g:node("Max", { s, g:constant(least) }) end
local function below(g, s) return g:node("Min", { s, g:constant(0) }) end

local ACTIVATIONS = {
  linear = function(_, s) return s end,
  relu = function(g, s) return g:node("Relu", { s }) end,
  leaky_relu = function(g, s) return g:node("Max", { s, g:multiply(s, 0.01) }) end,
  elu = function(g, s) return g:add(above(g, s, 0), g:subtract(g:node("Exp", { below(g, s) }), 1)) end,
  tanh = function(g, s) return g:node("Tanh", { s }) end,
  sigmoid = sigmoid,
  softplus = function(g, s)
    local small = g:node("Exp", { g:multiply(g:node("Abs", { s }), -1) })
    return g:add(above(g, s, 0), g:node("Log", { g:add(small, 1) }))
  end,
  silu = function(g, s) return g:multiply(s, sigmoid(g, s)) end,
  gelu = function(g, s)
    return g:multiply(g:multiply(s, 0.5), g:add(g:node("Erf", { g:multiply(s, 2 ^ -0.5) }), 1))
  end,
}

-- What each class adds to the outputs of a net's first layer, the last rows of its weights; none for other labels.
local function of_labels(g, p, weights, inputs, O)
  local list, classes = {}, p.sizes.LABELS
  for c = 1, classes do
    for i = 1, O do list[#list + 1] = weights[(i - 1) * (inputs + classes) + inputs + c] end
  end
  for _ = 1, O do list[#list + 1] = 0 end
  local label = g:node("Sub", { g.label, g:places { p.sizes.LOWEST } })
  local known = g:node("And", { g:node("GreaterOrEqual", { label, g:places { 0 } }),
    g:node("Less", { label, g:places { classes } }) })
  local row = g:node("Where", { known, label, g:places { classes } })
  return g:node("Gather", { g:constant(list, { classes + 1, O }), row }, { axis = 0 })
end

-- The outputs of a net for x.
local function run(g, p, name, x, activation)
  local k = 1
  while p.arrays[("%s_%d_weight"):format(name, k)] do
    local b = p.arrays[("%s_%d_bias"):format(name, k)].values
    local W, O = p.arrays[("%s_%d_weight"):format(name, k)].values, #b
    local inputs = #W // O - (k == 1 and p.sizes.LABELS or 0)
    local weights = g:node("Transpose", { g:constant(W, { O, #W // O }) }, { perm = { 1, 0 } })
    local y = g:add(g:product(x, g:slice(weights, { 0 }, { inputs }, { 0 })), g:constant(b))
    x = inputs < #W // O and g:add(y, of_labels(g, p, W, inputs, O)) or y
    k = k + 1
    local last = not p.arrays[("%s_%d_weight"):format(name, k)]
    if not last then x = ACTIVATIONS[activation](g, x) end
  end
  return x
end

-- ---- the means of likelihoods -------------------------------------------------------------------------------

local MEANS = {
  gaussian = function(g, y, p) return g:columns_of(y, 0, p.sizes.D) end,
  units = function(g, y, p)
    return g:add(g:multiply(y, g:constant(p.arrays.deviation.values)), g:constant(p.arrays.mean.values))
  end,
  bernoulli = sigmoid,
  continuous_bernoulli = function(g, y)
    local size = g:node("Abs", { y })
    local near = g:node("Less", { size, g:constant(0.01) })
    local series = g:add(g:multiply(y, g:subtract(1 / 12, g:divide(g:square(y), 720))), 0.5)
    local l = g:node("Where", { near, g:constant(1), y }) -- without 0
    local exact = g:subtract(g:divide(1, g:subtract(1, g:node("Exp", { g:multiply(l, -1) }))), g:divide(1, l))
    return g:node("Where", { near, series, exact })
  end,
  categorical = function(g, y, p)
    local levels = {}
    for l = 1, p.sizes.L do levels[l] = l - 1 end
    local logits = g:node("Reshape", { y, g:places { 0, p.sizes.D, p.sizes.L } })
    return g:sum(g:multiply(g:node("Softmax", { logits }, { axis = 2 }), g:constant(levels)), 2)
  end,
}

return function(p, _, _, options)
  local activation = p.activation
  if activation == "gelu" and options.precision ~= "float" then
    return nil, "gelu is made of Erf, which ONNX runtimes have for floats only: say precision = 'float'"
  end
  local M, D = p.sizes.M, p.sizes.D
  local function decode(g, z) return MEANS[p.likelihood](g, run(g, p, p.decoder, z, activation), p) end
  local methods = {
    { name = "decode", input = "z", columns = D, data = true, value = decode },
    { name = "inverse_transform", input = "z", columns = D, data = true, value = decode },
  }
  if not p.sizes.H then return methods end
  local encode = densities.once(function(g, row) return run(g, p, "encoder", row, activation) end)
  local function mean(g, row) return g:columns_of(encode(g, row), 0, M) end
  methods[3] = { name = "transform", input = "row", columns = M, value = mean }
  methods[4] = { name = "variance", input = "row", columns = M, value = function(g, row)
    local v = g:node("Clip", { g:columns_of(encode(g, row), M, 2 * M), g:constant(-30), g:constant(20) })
    return g:node("Exp", { v })
  end }
  methods[5] = { name = "reconstruct", input = "row", columns = D, data = true,
    value = function(g, row) return decode(g, mean(g, row)) end }
  return methods
end
