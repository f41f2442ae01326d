-- latent.ica as a program (export/program.lua). Not exported.
--
-- The densities of sources are those of core/projection/ica_density.c: log p(s) = factor - c u^2/2 - b G(u) with
-- u = scale s.

local program = require "latent.export.program"
local projections = require "latent.export.families.projections"

-- Peaked and flat sources: the contrast of G, scale, factor, c, b.
local DENSITIES = {
  logcosh = { { "logcosh", 1.5707963267948966, -0.69314718055994530942, 0, 1 },
    { "logcosh", 1.4142135623730951, -1.0723649429247001, 1, -1 } },
  exp = { { "exp", 0.8377288772009266, -1.838772270221533, 1, 1 },
    { "exp", 1.1877824429068062, -0.08118054406268495, 1, -1 } },
  cube = { { "logcosh", 1.5707963267948966, -0.69314718055994530942, 0, 1 },
    { "cube", 0.8221789586624586, -1.1372461307715234, 0, 1 } },
}

local LOG_DENSITY = [[
  real g = 0.0
  when logcosh
    int logcosh = 0
    if shapes[j] == logcosh
      real a = abs(u)
      g = a + log(1.0 + exp(-2.0 * a)) - 0.6931471805599453
    end
  done
  when exp
    int exponential = 1
    if shapes[j] == exponential
      g = -exp(-0.5 * u * u)
    end
  done
  when cube
    int cube = 2
    if shapes[j] == cube
      g = 0.25 * (u * u) * (u * u)
    end
  done
  return factors[j] - 0.5 * quadratic[j] * u * u - tilts[j] * g
]]
local LOG_LIKELIHOOD = [[
  real z[M]
  transform(row, z)
  real sum = log_det[0]
  for j < M
    sum = sum + log_density(scales[j] * z[j], j)
  end
  return sum
]]
local SHAPES = { logcosh = 0, exp = 1, cube = 2 }

local function add_density(p, model, contrast)
  local columns = { shapes = {}, scales = {}, factors = {}, quadratic = {}, tilts = {} }
  for j = 1, #model.flat do
    local d = DENSITIES[contrast][model.flat[j] ~= 0 and 2 or 1]
    p.flags[d[1]] = true
    columns.shapes[j], columns.scales[j], columns.factors[j] = SHAPES[d[1]], d[2], d[3]
    columns.quadratic[j], columns.tilts[j] = d[4], d[5]
  end
  for name, list in pairs(columns) do program.array(p, name, list, name == "shapes") end
  program.array(p, "log_det", { (model.unmixing:logdet()) })
  program.add(p, { name = "log_density", args = "real u, int j", returns = "real", body = LOG_DENSITY })
  program.add(p, { name = "log_likelihood", args = "row[D]", returns = "real", public = true, body = LOG_LIKELIHOOD,
    about = "log p(row), in nats." })
end

return function(model, options)
  local p = projections.new(model.mean, model.unmixing, model.mixing, "sources")
  if p.sizes.M == p.sizes.D then add_density(p, model, options.made_with.contrast or "logcosh") end
  return p, { what = ("an independent component analysis, M = %d sources in D = %d columns"):format(p.sizes.M,
    p.sizes.D) }
end
