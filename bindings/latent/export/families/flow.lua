-- latent.flow as a program (export/program.lua): transform and log_likelihood. Not exported.
--
-- The state h begins as (row - mean)/deviation and goes through the maps (flow_maps.lua), which are the model's own.
-- Permutations are no maps: the state keeps the data's order of columns, and z has that of its places.

local program = require "latent.export.program"
local layers = require "latent.export.families.layers"
local maps = require "latent.export.families.flow_maps"

local BASES = {
  normal = "sum = sum - 0.5 * (z[i] * z[i] + LOG_2PI)",
  uniform = "real most = 0.0\nif z[i] < 0.0\nmost = -z[i]\nend\n"
    .. "sum = sum - (z[i] + 2.0 * (most + log(1.0 + exp(-abs(z[i])))))",
}

-- Whether the columns are in the data's order.
local function in_order(order)
  for i, column in ipairs(order) do if column ~= i - 1 then return false end end
  return true
end

local TRANSFORM = [[
  when ordered
    through(rowGIVEN, z)
  otherwise
    real h[D]
    through(rowGIVEN, h)
    for i < D
      int column = order[i]
      z[i] = h[column]
    end
  done
  when uniform
    for i < D
      z[i] = 1.0 / (1.0 + exp(-z[i]))
    end
  done
]]

local function add_methods(p, names, base, order)
  local more, given = p.sizes.C > 0 and ", context[C]" or "", p.sizes.C > 0 and ", context" or ""
  local lines = {}
  for i, name in ipairs(names) do lines[i] = ("sum = sum + %s(z%s)"):format(name, given) end
  program.add(p, { name = "through", args = "row[D]" .. more .. ", out z[D]", returns = "real", body = [[
    real sum = 0.0
    for i < D
      z[i] = (row[i] - mean[i]) / deviation[i]
    end
  ]] .. table.concat(lines, "\n") .. "\nreturn sum" })
  p.flags.ordered, p.flags.uniform = in_order(order), base == "uniform"
  if not p.flags.ordered then program.array(p, "order", order, true) end
  program.add(p, { name = "transform", args = "row[D]" .. more .. ", out z[D]", public = true,
    about = "z := the latent variables of the row.", body = (TRANSFORM:gsub("GIVEN", given)) })
  program.add(p, { name = "log_likelihood", args = "row[D]" .. more, returns = "real", public = true,
    about = "log p(row), in nats.", body = ([[
    real z[D]
    real sum = through(row%s, z) - log_scale[0]
    for i < D
      %s
    end
    return sum
  ]]):format(given, BASES[base]) })
end

return function(model, options)
  local made, parameters, D = options.made_with, model:parameters(), model.input_dim
  local list, order = model:__maps()
  local p = program.new({ D = D, M = D, C = made.context_dim or 0 }, { context = (made.context_dim or 0) > 0 })
  local names = {}
  for i, map in ipairs(list) do names[i] = maps.add(p, map, parameters, made.activation or "relu") end
  program.array(p, "log_scale", { layers.add_units(p, parameters) })
  add_methods(p, names, made.base or "normal", order)
  local what = type(made.layers) == "table" and ("a flow of %d layers"):format(#list)
    or ('a flow of kind "%s"'):format(made.kind or "nsf")
  return p, { what = ("%s, D = %d columns"):format(what, D) }
end
