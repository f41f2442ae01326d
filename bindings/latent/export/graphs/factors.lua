-- Graphs of ppca, bpca and fa (export/onnx.lua). Not exported.

local latent = require "latent"
local densities = require "latent.export.graphs.densities"

-- The lower triangle of correlated factors, which z0 is multiplied by; or nil.
local function rotation_of(p)
  if not p.arrays.rotation then return nil end
  local list, M = p.arrays.rotation.values, p.sizes.M
  return latent.matrix(M, M, function(i, j) return j <= i and list[i * (i - 1) // 2 + j] or 0 end)
end

return function(p, model, _, options)
  local infer, M, D = densities.factors(p), p.sizes.M, p.sizes.D
  local methods = { { name = "log_likelihood", input = "row", value = function(g, row)
    return g:node("Squeeze", { infer(g, row).joint, g:places { 0 } })
  end } }
  if M == 0 then return methods end
  local rotation = rotation_of(p)
  local function first(g, value) return g:node("Squeeze", { value, g:places { 0 } }) end
  methods[2] = { name = "transform", input = "row", columns = M, value = function(g, row)
    local z = first(g, infer(g, row).z)
    return rotation and g:product(z, g:constant(rotation:t():copy(), { M, M })) or z
  end }
  methods[3] = { name = "reconstruct", input = "row", columns = D, data = true, value = function(g, row)
    local found = infer(g, row)
    return g:add(first(g, g:product(found.z, found.W)), g:constant(model.mean))
  end }
  methods[4] = { name = "inverse_transform", input = "z", columns = D, data = true, value = function(g, z)
    return g:add(g:product(z, g:constant(model.W:t():copy(), { M, D })), g:constant(model.mean))
  end }
  methods[5] = options.missing and { name = "impute", input = "row", columns = D, data = true,
    value = function(g, row) return g:filled(row, row, methods[3].value(g, row)) end } or nil
  return methods
end
