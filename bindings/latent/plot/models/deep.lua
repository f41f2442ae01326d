-- Pictures of the models with nets: nonlinear, vae, gan, flow, diffusion, flow_matching. Not exported.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

local MOST_IMAGES = 50

-- The options of a method: those given for it, and a seed.
local function with_seed(options)
  local all = { seed = 1 }
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

local function draws(c, n)
  local X = c:ask("sample", n, with_seed(c.options.sample))
  return X:to "float64"
end

-- Images: of a VAE the means, which are what is drawn from it before 0 and 1 are.
local function images_drawn(c, n)
  if c.kind ~= "vae" then return draws(c, n) end
  local given = c.options.sample or {}
  local _, Z = c:ask("sample", n, with_seed(given))
  return c:ask("decode", Z, { labels = given.labels }):to "float64"
end

-- ---- samples -----------------------------------------------------------------------------

-- Images that the model makes; or draws among the data.
local function samples(c)
  local D = c.model.input_dim
  local shape = c:image_shape(D)
  if shape then
    return c.figure({ width = false }):images(images_drawn(c, MOST_IMAGES),
      { shape = shape, palette = "ink", columns = 10, title = "Draws from the model" })
  end
  if not c.X then return check.fail(c.who, 'X must be given for the panel "samples": draws are shown among rows') end
  return c:draws_among(draws(c, c:draws_wanted()))
end

-- The images given, to compare with.
local function data(c)
  local shape = c:image_shape(c.X.cols)
  if not shape then return c:data_points(c:plane_figure "Rows", c.classes, c.labels) end
  local n = math.min(#c.X, MOST_IMAGES)
  return c.figure({ width = false }):images(c.X:block(1, n), { shape = shape, palette = "ink", columns = 10,
    title = "Data" })
end

local function can_sample(c) return c.X ~= nil or c:image_shape(c.model.input_dim) ~= nil end

-- ---- densities ------------------------------------------------------------------------------

-- Whether there is one density in the plane, and not one for each context.
local function is_plane(c) return c.X.cols == 2 and c.given == nil end

local function density(c)
  local fig = c:plane_figure "Density of the model"
  c:data_points(fig, nil, nil, { color = 4, label = "rows" })
  return fig:contours(c.model)
end

-- The curve g(z) of one latent variable.
local function curve(c)
  local fig = density(c)
  fig.title = "x = g(z) + noise"
  if c.model.latent_dim ~= 1 then return fig end
  local points = c:ask("decode", matrix.linspace(-2.5, 2.5, 400):reshape(400, 1))
  return fig:line(points:col(1), points:col(2), { color = 3, width = 2.5, label = "g(z), -2.5 to 2.5" })
end

-- ---- latent spaces ------------------------------------------------------------------------------

-- The two units that say most about x: of the largest divergence from the prior.
local function two_units(c, M)
  if M <= 2 then return { 1, M > 1 and 2 or nil } end
  local kl = c:ask("kl_per_unit", c.X, c.given)
  local order = matrix.range(1, M):table()
  table.sort(order, function(a, b) return kl[a] > kl[b] end)
  return { order[1] // 1 | 0, order[2] // 1 | 0 }
end

local function latent_space(c)
  local Z = c:ask("transform", c.X, c.given):to "float64"
  local units, names, columns = two_units(c, Z.cols), {}, {}
  for i, unit in ipairs(units) do
    names[i], columns[i] = ("z%d"):format(unit), Z:col(unit):reshape(#Z, 1)
  end
  return c:latent_scatter(matrix.hstack(columns), { title = "Means of the latent variables", names = names })
end

-- The rows as noise, where a flow brings them.
local function as_noise(c)
  local Z = c:ask("transform", c.X, c.given):to "float64"
  return c:latent_scatter(Z, { title = "Rows brought to the Gaussian", names = { "z1", "z2" } })
end

-- ---- learning ----------------------------------------------------------------------------------------

local function history(names)
  return function(c) return c:history(names) end
end

local function has_history(c) return c:has_history() end
local losses = history { { "history", "training" }, { "validation_history", "validation" } }
local function panels(list, curves)
  list[#list + 1] = { name = "samples", draw = samples, only = can_sample }
  list[#list + 1] = { name = "data", draw = data, needs = "X", also = true }
  list[#list + 1] = { name = "history", draw = curves or losses, only = has_history }
  return list
end

return {
  nonlinear = panels { { name = "density", draw = curve, needs = "X", only = is_plane } },
  vae = panels { { name = "latent", draw = latent_space, needs = "X" } },
  flow = panels { { name = "density", draw = density, needs = "X", only = is_plane },
    { name = "latent", draw = as_noise, needs = "X", also = true } },
  diffusion = panels {},
  flow_matching = panels { { name = "latent", draw = as_noise, needs = "X", also = true } },
  gan = panels({}, history { { "history", "critic" }, { "generator_history", "generator" } }),
}
