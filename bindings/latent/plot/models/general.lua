-- The picture of a model that has no panels of its own: what its methods give. Not exported.

local context = require "latent.plot.context"

local function has(name)
  return function(c) return context.field(c.model, name) ~= nil end
end

local function classes(c)
  local labels = c:ask("predict", c.X)
  if c.X.cols > 1 then return c:data_points(c:plane_figure "Rows as predicted", labels) end
  return c.figure { title = "Rows as predicted", xlabel = c.names[1] }:histogram(c.X:col(1), { classes = labels })
end

local function scatter(c)
  local Z = c:ask("transform", c.X)
  return c:latent_scatter(Z, { title = "Latent variables", names = { "z1", "z2" } })
end

local function samples(c)
  local Y = c:ask("sample", c:draws_wanted(), { seed = 1 })
  return c:draws_among(Y:to "float64")
end

return {
  { name = "classes", draw = classes, needs = "X", only = has "predict" },
  { name = "scatter", draw = scatter, needs = "X", only = has "transform" },
  { name = "samples", draw = samples, needs = "X", only = has "sample" },
  { name = "history", draw = function(c) return c:history() end, only = function(c) return c:has_history() end },
}
