-- Graphs of classifiers: those of their models, and Bayes' theorem (export/onnx.lua). Not exported.

local check = require "latent.check"
local densities = require "latent.export.graphs.densities"

-- log_likelihood of each class, as functions of a graph and rows.
local function likelihoods(model, options)
  local list = {}
  for k, one in ipairs(model.models) do
    local kind = check.maker(check.class(one))
    local part = require("latent.export").program(one, kind, options) -- which was there for the classifier's
    for _, m in ipairs(require("latent.export.onnx").methods(part, one, kind, options)) do
      if m.name == "log_likelihood" then list[k] = m.value end
    end
  end
  return list
end

return function(p, model, _, options)
  local K, of_class = p.sizes.K, likelihoods(model, options)
  local joints = densities.once(function(g, row)
    local lines = {}
    for k = 1, K do lines[k] = g:unsqueeze(g:add(of_class[k](g, row), p.arrays.log_priors.values[k]), 0) end
    return g:node("Concat", lines, { axis = 0 })
  end)
  local methods = densities.methods(K, joints)
  methods[3].value = function(g, row)
    local places = g:node("ArgMax", { joints(g, row) }, { axis = 0, keepdims = 0 })
    return g:node("Gather", { g:places(p.arrays.labels.values), places }, { axis = 0 })
  end
  methods[4] = { name = "posteriors", input = "row", columns = K, value = methods[2].value }
  methods[5] = { name = "log_posteriors", input = "row", columns = K, value = function(g, row)
    local value = g:subtract(joints(g, row), methods[1].value(g, row))
    return g:node("Transpose", { value }, { perm = { 1, 0 } })
  end }
  return methods
end
