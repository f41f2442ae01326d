-- Every operation of latent.nn against central differences in float64. The table below has a case for
-- each name in nn.operations(); one that is missing fails.
local latent = require "latent"
local nn, matrix = latent.nn, latent.matrix
require "spec.helper"

-- A case: the shapes of its inputs, and a function(tape, inputs...) that gives a value of any shape.
-- `at` says where the inputs lie: "normal", "positive", "unit" (in (0, 1)) or "apart" (away from 0,
-- where kinks are); one word, or one an input.
local SHAPES = { { 1, 1 }, { 1, 7 }, { 5, 1 }, { 3, 5 }, { 17, 33 } }

local function each_shape(count, build, at)
  local cases = {}
  for i, s in ipairs(SHAPES) do
    local shapes = {}
    for k = 1, count do shapes[k] = s end
    cases[i] = { shapes = shapes, build = build, at = at }
  end
  return cases
end

local function unary(name, at, ...)
  local arguments = { ... }
  return each_shape(1, function(_, x) return x[name](x, table.unpack(arguments)) end, at)
end

local function broadcasts(build, at)
  local cases = {}
  for _, pair in ipairs {
    { { 3, 5 }, { 3, 5 } }, { { 3, 5 }, { 1, 5 } }, { { 1, 5 }, { 3, 5 } }, { { 3, 5 }, { 3, 1 } },
    { { 3, 1 }, { 3, 5 } }, { { 3, 5 }, { 1, 1 } }, { { 1, 1 }, { 3, 5 } }, { { 3, 1 }, { 1, 5 } },
    { { 1, 5 }, { 3, 1 } }, { { 1, 1 }, { 1, 1 } }, { { 7, 1 }, { 1, 1 } }, { { 70, 33 }, { 70, 33 } },
  } do
    cases[#cases + 1] = { shapes = pair, build = function(_, a, b) return build(a, b) end, at = at }
  end
  return cases
end

local function fixed(rows, cols, seed) return matrix.random(rows, cols, seed or 3) end

local slopes = {}
for _, f in ipairs { "elu", "tanh", "sigmoid", "softplus", "silu", "gelu" } do
  for _, case in ipairs(unary("slope", "apart", f)) do slopes[#slopes + 1] = case end
end

local linear = {}
for _, f in ipairs { "linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "silu", "gelu" } do
  for _, s in ipairs { { 1, 1, 1 }, { 1, 7, 3 }, { 5, 1, 2 }, { 13, 19, 35 } } do
    linear[#linear + 1] = { net = function(store) return nn.linear(store, "l", s[2], s[3], { activation = f }) end,
      shapes = { { s[1], s[2] } }, build = function(_, x, net) return net(x) end }
  end
end
linear[#linear + 1] = { net = function(store) return nn.linear(store, "l", 4, 3, { bias = false }) end,
  shapes = { { 5, 4 } }, build = function(_, x, net) return net(x) end }

local TABLE = {
  input = each_shape(1, function(_, x) return x end),
  detach = { { shapes = { { 3, 5 } }, -- which gradient flows is below; this one may not depend on it
    build = function(_, x) return x:detach() % x - x:detach() % x + x end } },
  parameter = { { net = function(store) return nn.linear(store, "l", 3, 2) end, shapes = { { 4, 3 } },
    build = function(_, x, net) return net(x) + net(x * 2) end } },
  linear = linear,
  product = {
    { shapes = { { 3, 5 }, { 5, 4 } }, build = function(_, a, b) return a * b end },
    { shapes = { { 1, 1 }, { 1, 1 } }, build = function(_, a, b) return a * b end },
    { shapes = { { 1, 7 }, { 7, 1 } }, build = function(_, a, b) return a * b end },
    { shapes = { { 7, 1 }, { 1, 3 } }, build = function(_, a, b) return a * b end },
    { shapes = { { 5, 3 }, { 5, 4 } }, build = function(_, a, b) return a:product(b, { left_transposed = true }) end },
    { shapes = { { 3, 5 }, { 4, 5 } }, build = function(_, a, b) return a:product(b, { right_transposed = true }) end },
    { shapes = { { 5, 3 }, { 4, 5 } },
      build = function(_, a, b) return a:product(b, { left_transposed = true, right_transposed = true }) end },
    { shapes = { { 5, 5 } }, build = function(_, a) return a * a end },
  },
  spectral = { -- u is no singular vector: it is a constant whatever it is
    { shapes = { { 5, 3 } }, build = function(_, W) return W:spectral { { 0, 0.6, 0.8 } } end },
    { shapes = { { 1, 7 } }, build = function(_, W) return W:spectral(fixed(1, 7, 5)) end },
    { shapes = { { 7, 1 } }, build = function(_, W) return W:spectral { { 1 } } % W end },
    { shapes = { { 33, 35 } },
      build = function(_, W) return W:spectral(fixed(1, 35, 4)) + W:spectral(fixed(1, 35)) end },
  },
  add = broadcasts(function(a, b) return a + b end),
  subtract = broadcasts(function(a, b) return a - b end),
  multiply = broadcasts(function(a, b) return a % b end),
  divide = broadcasts(function(a, b) return a / b end, { "normal", "positive" }),
  affine = each_shape(1, function(_, x) return 2 - (3 * x + 1) / 4 - -x end),
  exp = unary "exp",
  log = unary("log", "positive"),
  tanh = unary "tanh",
  sigmoid = unary "sigmoid",
  relu = unary("relu", "apart"),
  leaky_relu = unary("leaky_relu", "apart", 0.2),
  elu = unary("elu", "apart"),
  softplus = unary "softplus",
  gelu = unary "gelu",
  silu = unary "silu",
  square = unary "square",
  sqrt = unary("sqrt", "positive"),
  abs = unary("abs", "apart"),
  clamp = unary("clamp", "apart", -0.01, 0.03),
  slope = slopes,
  columns = {
    { shapes = { { 4, 7 } }, build = function(_, x) return x:columns(3, 5) % x:columns(4, 6) end },
    { shapes = { { 1, 1 } }, build = function(_, x) return x:columns(1) end },
    { shapes = { { 4, 6 } }, build = function(_, x) local a, b = x:split(3) return a % b:exp() end },
  },
  concat = {
    { shapes = { { 4, 2 }, { 4, 3 } }, build = function(_, a, b) return a:concat(b) end },
    { shapes = { { 1, 1 } }, build = function(_, a) return a:concat(a % a):concat(a) end },
  },
  gather = { { shapes = { { 5, 3 } }, build = function(_, x) return x:gather { 1, 5, 1, 2, 1 } % x end } },
  repeat_rows = { { shapes = { { 3, 4 } }, build = function(_, x) return x:repeat_rows(3) end },
    { shapes = { { 1, 1 } }, build = function(_, x) return x:repeat_rows(1) + x:repeat_rows(1) end } },
  transpose = { { shapes = { { 3, 4 } }, build = function(_, x) return x:t() + x:t() end },
    { shapes = { { 1, 6 } }, build = function(_, x) return x:t() end } },
  sum = {},
  log_sum_exp = unary "log_sum_exp",
  log_mean_exp_groups = { { shapes = { { 12, 1 } }, build = function(_, x) return x:log_mean_exp(4) end },
    { shapes = { { 3, 1 } }, build = function(_, x) return x:log_mean_exp(1) end } },
  reparameterize = each_shape(2, function(tape, m, v) return tape:reparameterize(m, v) end),
  kl_standard_normal = each_shape(2, function(tape, m, v) return tape:kl_standard_normal(m, v) end),
  kl_normal = each_shape(4, function(tape, ...) return tape:kl_normal(...) end),
  bernoulli_nll = each_shape(2, function(tape, l, x) return tape:bernoulli_nll(l, x) end, { "normal", "unit" }),
  continuous_bernoulli_nll = each_shape(2, function(tape, l, x)
    return tape:continuous_bernoulli_nll(l, x) + tape:continuous_bernoulli_nll(3 * l, x)
  end, { "normal", "unit" }),
  categorical_nll = {
    { shapes = { { 4, 5 } }, build = function(tape, l) return tape:categorical_nll(l, { 1, 5, 3, 2 }) end },
    { shapes = { { 1, 1 } }, build = function(tape, l) return tape:categorical_nll(l, { 1 }) end },
    { shapes = { { 2, 12 } }, build = function(tape, l)
      return tape:categorical_nll(l, { { 1, 2, 3 }, { 4, 1, 1 } }, { categories = 4 })
    end },
  },
  gaussian_nll = each_shape(3, function(tape, m, v, x) return tape:gaussian_nll(m, v, x) end),
  gaussian_mixture_nll = {
    { shapes = { { 1, 3 }, { 3, 4 }, { 3, 4 }, { 5, 4 } },
      build = function(tape, ...) return tape:gaussian_mixture_nll(...) end },
    { shapes = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 1 } },
      build = function(tape, ...) return tape:gaussian_mixture_nll(...) end },
    { shapes = { { 1, 2 }, { 2, 33 }, { 2, 33 }, { 7, 33 } },
      build = function(tape, ...) return tape:gaussian_mixture_nll(...) end },
  },
}
TABLE.gather_columns = { { shapes = { { 4, 5 } }, build = function(_, x)
  return x:gather_columns { 5, 1, 1, 3, 1 } % x
end } }
-- Maps of flows: the state is B x (D + 1); raw has B rows, or one.
local function map_cases(name, shapes, options)
  local cases = {}
  for i, s in ipairs(shapes) do
    cases[i] = { shapes = { { s[1], s[2] + 1 }, { s[3], s[4] } }, build = function(tape, state, raw)
      -- the state has a gradient from elsewhere, too
      return tape["flow_" .. name](tape, state, raw, options and options[i]) + state % state
    end }
  end
  return cases
end
local halves = { { bound = 2, columns = { 2, 5 } }, { columns = { 1 } }, { bound = 1.5 }, { bound = 2 }, {} }
TABLE.flow_affine = map_cases("affine",
  { { 19, 5, 19, 4 }, { 3, 2, 3, 2 }, { 5, 3, 1, 6 }, { 1, 1, 1, 2 }, { 33, 2, 1, 4 } }, halves)
TABLE.flow_spline = map_cases("spline", { { 19, 5, 19, 22 }, { 3, 2, 3, 23 }, { 40, 3, 1, 15 }, { 1, 1, 1, 5 } },
  { { bins = 4, columns = { 2, 5 }, box = 2 }, { columns = { 1 } }, { bins = 2, box = 1 }, { bins = 2 } })
TABLE.flow_linear = map_cases("linear", { { 7, 5, 5, 5 }, { 1, 1, 1, 1 }, { 40, 2, 2, 2 } })
TABLE.flow_planar = map_cases("planar", { { 7, 5, 1, 11 }, { 1, 1, 1, 3 }, { 40, 2, 1, 5 } })
TABLE.flow_radial = map_cases("radial", { { 7, 5, 1, 7 }, { 1, 1, 1, 3 }, { 40, 2, 1, 4 } })
TABLE.flow_nll = {}
for _, base in ipairs { "normal", "uniform" } do
  for _, s in ipairs { { 1, 2 }, { 5, 4 } } do
    table.insert(TABLE.flow_nll, { shapes = { s },
      build = function(tape, state) return tape:flow_nll(state, { base = base }) end })
  end
end
for _, how in ipairs { "sum", "mean" } do
  for dim = 0, 2 do
    for _, case in ipairs(unary(how, "normal", dim > 0 and dim or nil)) do TABLE.sum[#TABLE.sum + 1] = case end
  end
end
for _, shape in ipairs { { 1, 5 }, { 3, 1 }, { 1, 1 } } do -- log-variances that are shared
  table.insert(TABLE.gaussian_nll, { shapes = { { 3, 5 }, shape, { 3, 5 } },
    build = function(tape, ...) return tape:gaussian_nll(...) end })
  table.insert(TABLE.kl_normal, { shapes = { { 3, 5 }, { 3, 5 }, shape, shape },
    build = function(tape, ...) return tape:kl_normal(...) end })
end
table.insert(TABLE.kl_standard_normal, { shapes = { { 3, 5 }, { 3, 5 } },
  build = function(tape, m, v) return tape:kl_units(m, v) end })

local function place(X, where)
  if where == "positive" then return X:map(function(x) return 0.3 + math.abs(x) end) end
  if where == "unit" then return X:map(function(x) return 1 / (1 + math.exp(-x)) end) end
  if where == "apart" then return X:map(function(x) return x + (x < 0 and -0.05 or 0.05) end) end
  return X
end

-- The weighted sum of what a case builds: every element of the result counts differently.
local function loss_of(case, tape, net, inputs)
  tape:reset()
  tape:state { step = 7 } -- the same noise each time
  local values = {}
  for k, X in ipairs(inputs) do values[k] = tape:input(X, { gradient = true }) end
  local all = { table.unpack(values) }
  all[#all + 1] = net
  local y = case.build(tape, table.unpack(all))
  return (y % fixed(y.rows, y.cols)):sum(), values
end

-- |difference| relative to the largest of all gradients of the case, at least 1e-2
local function compare(worst, analytic, numeric, scale) return math.max(worst, math.abs(analytic - numeric) / scale) end

local H = 1e-5

local function check_case(case, seed)
  local store = nn.parameters { seed = seed, dtype = "float64" }
  local net = case.net and case.net(store)
  local tape = nn.tape(store, { seed = 3 })
  local inputs = {}
  for k, s in ipairs(case.shapes) do
    local at = type(case.at) == "table" and case.at[k] or case.at
    inputs[k] = place(matrix.normal(s[1], s[2], seed + k), at)
  end
  for _, name in ipairs(store:names()) do
    local W = store:get(name)
    store:set(name, matrix.normal(W.rows, W.cols, seed + 20))
  end
  local loss, values = loss_of(case, tape, net, inputs)
  loss:backward()
  local gradients, scale, worst = {}, 1e-2, 0
  for k, v in ipairs(values) do gradients[k] = v:gradient() end
  for _, name in ipairs(store:names()) do gradients[name] = store:gradient(name) end
  for _, G in pairs(gradients) do scale = math.max(scale, G:abs():max()) end
  -- a few elements of each, or all when they are few
  local function walk(X, G, write)
    local step = math.max(1, #X * X.cols // 12)
    for e = 0, X.rows * X.cols - 1, step do
      local i, j = e // X.cols + 1, e % X.cols + 1
      local x = X(i, j)
      write(i, j, x + H)
      local up = loss_of(case, tape, net, inputs):value()
      write(i, j, x - H)
      local down = loss_of(case, tape, net, inputs):value()
      write(i, j, x)
      worst = compare(worst, G(i, j), (up - down) / (2 * H), scale)
    end
  end
  for k, X in ipairs(inputs) do walk(X, gradients[k], function(i, j, v) X:set(i, j, v) end) end
  for _, name in ipairs(store:names()) do
    local W = store:get(name)
    walk(W, gradients[name], function(i, j, v) store:set(name, W:set(i, j, v)) end)
  end
  return worst
end

describe("gradients", function()
  it("are checked for every operation there is", function()
    for _, name in ipairs(nn.operations()) do assert.is_truthy(TABLE[name] and #TABLE[name] > 0, name) end
    local known = {}
    for _, name in ipairs(nn.operations()) do known[name] = true end
    for name in pairs(TABLE) do assert.is_true(known[name], name .. " is no operation") end
  end)

  for name, cases in pairs(TABLE) do
    it("of " .. name .. " agree with central differences", function()
      for i, case in ipairs(cases) do
        local worst = check_case(case, 100 * i)
        assert.is_true(worst < 1e-6, ("case %d: relative difference %g"):format(i, worst))
      end
    end)
  end

  it("don't flow through detach", function()
    local tape = nn.tape { dtype = "float64" }
    local x = tape:input({ { 2, -3 } }, { gradient = true })
    ;(x:detach() % x):sum():backward()
    assert.near_matrix({ { 2, -3 } }, x:gradient(), 0)
  end)
end)
