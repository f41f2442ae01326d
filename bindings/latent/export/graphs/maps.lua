-- Graphs of projections, scalers and K-means (export/onnx.lua). Not exported.

local densities = require "latent.export.graphs.densities"

local maps = {}

-- ---- projections --------------------------------------------------------------------------------------------

-- A rows x cols list transposed.
local function transposed(list, rows, cols)
  local values = {}
  for i = 1, rows do
    for j = 1, cols do values[(j - 1) * rows + i] = list[(i - 1) * cols + j] end
  end
  return values
end

local function projection(p)
  local a, D, M = p.arrays, p.sizes.D, p.sizes.M
  local encode = densities.once(function(g, row)
    return g:product(g:subtract(row, g:constant(a.mean.values)),
      g:constant(transposed(a.encoder.values, M, D), { D, M }))
  end)
  local function decode(g, z)
    return g:add(g:product(z, g:constant(transposed(a.decoder.values, D, M), { M, D })), g:constant(a.mean.values))
  end
  return {
    { name = "transform", input = "row", columns = M, value = encode },
    { name = "reconstruct", input = "row", columns = D, data = true,
      value = function(g, row) return decode(g, encode(g, row)) end },
    { name = "inverse_transform", input = "z", columns = D, data = true, value = decode },
  }, encode
end

maps.pca = projection

-- The densities of sources, column by column: those of other shapes have weight 0.
local function log_density(g, p, z)
  local a = p.arrays
  local u = g:multiply(z, g:constant(a.scales.values))
  local value = g:subtract(g:constant(a.factors.values),
    g:multiply(g:square(u), g:constant((function()
      local half = {}
      for j, c in ipairs(a.quadratic.values) do half[j] = c / 2 end
      return half
    end)())))
  local square = g:square(u)
  local size = g:node("Abs", { u })
  local contrasts = {
    [0] = g:add(g:add(size, g:node("Log", { g:add(g:node("Exp", { g:multiply(size, -2) }), 1) })), -math.log(2)),
    g:multiply(g:node("Exp", { g:multiply(square, -0.5) }), -1), g:multiply(g:square(square), 0.25),
  }
  for shape = 0, 2 do
    local weights = {}
    for j, tilt in ipairs(a.tilts.values) do weights[j] = a.shapes.values[j] == shape and tilt or 0 end
    value = g:subtract(value, g:multiply(contrasts[shape], g:constant(weights)))
  end
  return value
end

function maps.ica(p)
  local methods, encode = projection(p)
  if p.arrays.log_det then
    table.insert(methods, 3, { name = "log_likelihood", input = "row", value = function(g, row)
      return g:add(g:sum(log_density(g, p, encode(g, row)), 1), p.arrays.log_det.values[1])
    end })
  end
  return methods
end

-- ---- scalers and K-means ------------------------------------------------------------------------------------

function maps.scaler(p)
  local mean, deviation, D = p.arrays.scaler_mean.values, p.arrays.scaler_deviation.values, p.sizes.D
  p.sizes.M = D
  return {
    { name = "transform", input = "row", columns = D, value = function(g, row)
      return g:divide(g:subtract(row, g:constant(mean)), g:constant(deviation))
    end },
    { name = "inverse_transform", input = "z", columns = D, data = true, value = function(g, z)
      return g:add(g:multiply(z, g:constant(deviation)), g:constant(mean))
    end },
  }
end

function maps.kmeans(p)
  local K, D = p.sizes.K, p.sizes.D
  local squares = densities.once(function(g, row)
    local u = g:subtract(g:unsqueeze(row, 1), g:constant(p.arrays.centers.values, { 1, K, D }))
    return g:sum(g:square(u), 2)
  end)
  return {
    { name = "predict", input = "row", whole = true, value = function(g, row)
      return g:node("Add", { g:node("ArgMin", { squares(g, row) }, { axis = 1, keepdims = 0 }), g:places { 1 } })
    end },
    { name = "transform", input = "row", columns = K, value = function(g, row)
      return g:node("Sqrt", { squares(g, row) })
    end },
  }
end

return function(p, _, kind) return maps[kind](p) end
