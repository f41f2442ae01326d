-- Graphs of mixtures of Bernoulli, Poisson and categorical columns (export/onnx.lua). Not exported.
--
-- Missing entries are replaced by what adds nothing. Logarithms of 0 would give NaN where they are multiplied by 0:
-- they are a large number of this sign, and results beyond it -infinity.

local densities = require "latent.export.graphs.densities"
local matrix = require "latent".matrix

local function least(g) return g.format == "<f" and -1e30 or -1e300 end

-- A list without infinities, K x D transposed to D x K.
local function logs(g, list, K, D)
  local values = {}
  for k = 1, K do
    for i = 1, D do values[(i - 1) * K + k] = math.max(list[(k - 1) * D + i], least(g)) end
  end
  return g:constant(values, { D, K })
end

-- `a`, of a row's columns, with 0 where entries are missing.
local function filled(g, a, row) return g.missing and g:filled(a, row, 0) or a end

-- K x N of N x K, with -infinity where there is one.
local function finish(g, p, value)
  value = g:add(value, g:constant(p.arrays.log_weights.values, { 1, p.sizes.K }))
  value = g:node("Where", { g:node("Less", { value, g:constant(least(g) / 10) }), g:constant(-math.huge), value })
  return g:node("Transpose", { value }, { perm = { 1, 0 } })
end

local function bernoulli(g, p, row)
  local K, D, a = p.sizes.K, p.sizes.D, p.arrays
  return g:add(g:product(filled(g, row, row), logs(g, a.log_ones.values, K, D)),
    g:product(filled(g, g:subtract(1, row), row), logs(g, a.log_zeros.values, K, D)))
end

-- By a table up to 15, then by Stirling's series.
local function log_factorials(g, row)
  local list, sum = {}, 0
  for n = 0, 15 do
    sum = sum + (n > 1 and math.log(n) or 0)
    list[n + 1] = sum
  end
  local small = g:node("Gather", { g:constant(list),
    g:node("Cast", { g:node("Min", { row, g:constant(15) }) }, { to = 7 }) })
  local x = g:node("Max", { row, g:constant(16) })
  local s, series = g:divide(1, g:square(x)), g:constant(1 / 1188)
  for _, c in ipairs { -1 / 1680, 1 / 1260, -1 / 360, 1 / 12 } do series = g:add(g:multiply(series, s), c) end
  local log_x = g:node("Log", { x })
  local large = g:add(g:subtract(g:multiply(g:add(x, 0.5), log_x), x),
    g:add(g:divide(series, x), math.log(2 * math.pi) / 2))
  return g:node("Where", { g:node("Less", { row, g:constant(16) }), small, large })
end

local function poisson(g, p, row)
  local K, D, a, rates, totals = p.sizes.K, p.sizes.D, p.arrays, {}
  for i = 1, D do
    for k = 1, K do rates[#rates + 1] = a.rates.values[(k - 1) * D + i] end
  end
  if g.missing then
    local _, present = g:missing_of(row)
    totals = g:product(present, g:constant(rates, { D, K }))
  else
    totals = g:constant(matrix(D, K, function(i, k) return rates[(i - 1) * K + k] end):sum(1), { 1, K })
  end
  local counts = filled(g, row, row)
  local value = g:subtract(g:product(counts, logs(g, a.log_rates.values, K, D)), totals)
  return g:subtract(value, g:unsqueeze(g:sum(log_factorials(g, counts), 1), 1))
end

local function codes(g, p, row)
  local K, M, a, value, first = p.sizes.K, p.sizes.M, p.arrays, nil, 0
  for i = 1, p.sizes.D do
    local levels, list = a.levels.values[i], {}
    for l = 1, levels do
      for k = 1, K do
        list[#list + 1] = math.max(a.log_probabilities.values[(k - 1) * M + first + l // 1], least(g))
      end
    end
    local column, none = g:node("Gather", { row, g:place(i - 1) }, { axis = 1 }), levels // 1 | 0
    if g.missing then -- a row of zeros after the levels'
      for _ = 1, K do list[#list + 1] = 0 end
      column = g:filled(column, column, none + a.lowest.values[i])
    end
    local place = g:node("Cast", { g:subtract(column, a.lowest.values[i]) }, { to = 7 })
    local term = g:node("Gather", { g:constant(list, { #list // K, K }), place }, { axis = 0 })
    value = value and g:add(value, term) or term
    first = first + levels // 1 | 0
  end
  return value
end

local function one_hot(g, p, row)
  return g:product(filled(g, row, row), logs(g, p.arrays.log_probabilities.values, p.sizes.K, p.sizes.D))
end

-- Rows with the most probable level in the place of missing codes.
local function impute_codes(p, responsibilities)
  local K, M, a = p.sizes.K, p.sizes.M, p.arrays
  return { name = "impute", input = "row", columns = p.sizes.D, data = true, value = function(g, row)
    local columns, first = {}, 0
    for i = 1, p.sizes.D do
      local levels = a.levels.values[i] // 1 | 0
      local at = first
      local probabilities = matrix(K, levels, function(k, l)
        return math.exp(a.log_probabilities.values[(k - 1) * M + at + l])
      end)
      local expected = g:product(responsibilities.value(g, row), g:constant(probabilities, { K, levels }))
      local most = g:node("ArgMax", { expected }, { axis = 1, keepdims = 1 })
      columns[i] = g:add(g:node("Cast", { most }, { to = g.kind }), a.lowest.values[i])
      first = first + levels
    end
    return g:filled(row, row, g:node("Concat", columns, { axis = 1 }))
  end }
end

return function(p, _, _, options)
  local a, K, D = p.arrays, p.sizes.K, p.sizes.D
  local value = a.log_ones and bernoulli or a.rates and poisson or a.lowest and codes or one_hot
  local means = a.means or a.rates or a.probabilities
  local methods = densities.methods(K, densities.once(function(g, row) return finish(g, p, value(g, p, row)) end), D,
    options.missing and means and function(g) return g:constant(means.values, { K, 1, D }) end or nil)
  if options.missing and not means then methods[4] = impute_codes(p, methods[2]) end
  return methods
end
