-- latent.flow as a program (export/program.lua): transform and log_likelihood of the ready-made kinds. Not exported.
--
-- The state h begins as (row - mean)/deviation, and each map changes columns of it by what its net says of the context
-- and of other columns, the ones before in the order of places, which masked maps reverse from map to map. Masks are
-- zeros of the weights. Formulas are those of core/nn/ops_flow_template.h and ops_spline_template.h.

local program = require "latent.export.program"
local layers = require "latent.export.families.layers"

-- Of COUNT columns; COLUMN and SEEN are places in the state.
local MAP = [[
  real raw[%d]
  when net
    real input[%d]
    when context
      for c < C
        input[c] = context[c]
      end
    done
    for j < %d
      real x = h[SEEN]
      when spline
        if x < -%.17g
          x = -%.17g
        end
        if x > %.17g
          x = %.17g
        end
      done
      input[j + C] = x
    end
    NAME_net(input, raw)
  otherwise
    for j < %d
      raw[j] = NAME_raw[j]
    end
  done
  real sum = 0.0
  for j < %d
    int column = COLUMN
    int first = j * EACH
    sum = sum + change(h, column, raw, first)
  end
  return sum
]]

local AFFINE = [[
  real o = raw[first + 1]
  when bounded
    o = bound[0] * tanh(o / bound[0])
  done
  h[c] = h[c] * exp(o) + raw[first]
  return o
]]

-- With xi = (x - x_k)/w, s = h/w, v = xi (1 - xi): y = y_k + h N/E, N = s xi^2 + d0 v, E = s + (d0 + d1 - 2 s) v, and
-- dy/dx = s^2 M/E^2, M = d1 xi^2 + 2 s v + d0 (1 - xi)^2.
local SPLINE = [[
  real x = h[c]
  real rise = 0.0
  if x > -box[0] and x < box[0]
    real most_w = raw[first]
    real most_h = raw[first + B]
    for k < B
      if raw[first + k] > most_w
        most_w = raw[first + k]
      end
      if raw[first + B + k] > most_h
        most_h = raw[first + B + k]
      end
    end
    real sum_w = 0.0
    real sum_h = 0.0
    for k < B
      sum_w = sum_w + exp(raw[first + k] - most_w)
      sum_h = sum_h + exp(raw[first + B + k] - most_h)
    end
    real left = -box[0]
    real low = -box[0]
    real before = 0.0
    real from_x = left
    real width = 1.0
    real from_y = low
    real height = 1.0
    real slope0 = 0.0
    real slope1 = 0.0
    int last = B - 1
    for k < B
      real after = 0.0
      if k ~= last
        after = raw[first + 2 * B + k]
      end
      real w = 0.16 * box[0] / B.0 + 1.84 * box[0] * (exp(raw[first + k] - most_w) / sum_w)
      real g = 0.16 * box[0] / B.0 + 1.84 * box[0] * (exp(raw[first + B + k] - most_h) / sum_h)
      if x >= left
        from_x = left
        width = w
        from_y = low
        height = g
        slope0 = before
        slope1 = after
      end
      left = left + w
      low = low + g
      before = after
    end
    real s = height / width
    real d0 = slope(slope0)
    real d1 = slope(slope1)
    real xi = (x - from_x) / width
    if xi > 1.0
      xi = 1.0
    end
    real v = xi * (1.0 - xi)
    real e = s + (d0 + d1 - 2.0 * s) * v
    real n = s * xi * xi + d0 * v
    real m = d1 * xi * xi + 2.0 * s * v + d0 * (1.0 - xi) * (1.0 - xi)
    real r = s / e
    rise = log(r * r * m)
    h[c] = from_y + height * n / e
  end
  return rise
]]
-- 0 gives the slope 1, and none is below 0.01
local SLOPE = [[
  real t = x + 0.5254587192925019
  real most = 0.0
  if t > 0.0
    most = t
  end
  return 0.01 + (most + log(1.0 + exp(-abs(t))))
]]

local BASES = {
  normal = "sum = sum - 0.5 * (z[i] * z[i] + LOG_2PI)",
  uniform = "real most = 0.0\nif z[i] < 0.0\nmost = -z[i]\nend\n"
    .. "sum = sum - (z[i] + 2.0 * (most + log(1.0 + exp(-abs(z[i])))))",
}

-- The ready-made kinds: transforms, and whether they are masked.
local KINDS = { nsf = { 3, masked = true, spline = true }, maf = { 5, masked = true }, realnvp = { 8 } }

-- Adds map number i of the kind, whose layer is called `name`.
local function add_map(p, parameters, name, kind, i, activation)
  local D, C, half = p.sizes.D, p.sizes.C, p.sizes.D // 2
  local odd = i % 2 == 0
  local count, seen = D, D - 1
  local column, place = odd and D - 1 .. " - j" or "j", odd and D - 1 .. " - j" or "j"
  if not kind.masked then
    local first = odd and D > 1
    count = first and half or D - half
    seen = D - count
    column = first and "j" or "j + " .. half
    place = first and "j + " .. half or "j"
  end
  local inputs, raw, box = seen + C, count * p.sizes.EACH, p.arrays.box and p.arrays.box.values[1] or 0
  p.flags.net = inputs > 0
  if inputs > 0 then
    layers.add(p, parameters, name, activation, 0)
  else
    program.array(p, name .. "_raw", parameters[name]:to "float64")
  end
  local body = MAP:format(raw, math.max(inputs, 1), seen, box, box, box, box, raw, count)
    :gsub("COLUMN", column):gsub("SEEN", place):gsub("NAME", name)
  program.add(p, { name = name .. "_map", returns = "real", body = body,
    args = "out h[D]" .. (C > 0 and ", context[C]" or "") })
end

-- Means and deviations of the columns, 0 and 1 where they aren't known; sum of log deviation.
local function add_units(p, parameters)
  local means, deviations, log_scale = {}, {}, 0
  for j = 1, p.sizes.D do
    local deviation = parameters["data.deviation"](1, j)
    local known = deviation > 0
    means[j] = known and parameters["data.mean"](1, j) + parameters["data.rest"](1, j) or 0
    deviations[j] = known and deviation or 1
    log_scale = log_scale + math.log(deviations[j])
  end
  program.array(p, "mean", means)
  program.array(p, "deviation", deviations)
  program.array(p, "log_scale", { log_scale })
end

local function add_methods(p, names, base)
  local more, given = p.sizes.C > 0 and ", context[C]" or "", p.sizes.C > 0 and ", context" or ""
  local lines = {}
  for i, name in ipairs(names) do lines[i] = ("sum = sum + %s_map(z%s)"):format(name, given) end
  program.add(p, { name = "through", args = "row[D]" .. more .. ", out z[D]", returns = "real", body = [[
    real sum = 0.0
    for i < D
      z[i] = (row[i] - mean[i]) / deviation[i]
    end
  ]] .. table.concat(lines, "\n") .. "\nreturn sum" })
  program.add(p, { name = "transform", args = "row[D]" .. more .. ", out z[D]", public = true,
    about = "z := the latent variables of the row.", body = ("through(row%s, z)"):format(given)
      .. (base == "uniform" and "\nfor i < D\nz[i] = 1.0 / (1.0 + exp(-z[i]))\nend" or "") })
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
  local made, parameters = options.made_with, model:parameters()
  local name = made.kind or "nsf"
  local kind = KINDS[name]
  if type(made.layers) == "table" then return nil, "a flow of layers of your own can't be exported" end
  local D, count = model.input_dim, made.layers or kind[1]
  if name == "realnvp" and D > 2 and count > 2 then
    return nil, 'a flow of kind "realnvp" with permutations can\'t be exported; "nsf" and "maf" can'
  end
  local bins, bound = made.bins or 8, made.bound or 2
  local p = program.new({ D = D, M = D, C = made.context_dim or 0, B = kind.spline and bins or nil,
    EACH = kind.spline and 3 * bins - 1 or 2 }, { spline = kind.spline, context = (made.context_dim or 0) > 0,
    bounded = bound < math.huge })
  if kind.spline then
    program.array(p, "box", { made.box or 5 })
    program.add(p, { name = "slope", args = "real x", returns = "real", body = SLOPE })
  else
    program.array(p, "bound", { bound })
  end
  program.add(p, { name = "change", args = "out h[D], int c, raw[EACH], int first", returns = "real",
    body = kind.spline and SPLINE or AFFINE })
  local names, number = {}, 1
  for i = 1, count do -- between masked maps there are reversals, which have numbers, too
    names[i] = "layer" .. number
    add_map(p, parameters, names[i], kind, i, made.activation or "relu")
    number = number + (kind.masked and 2 or 1)
  end
  add_units(p, parameters)
  add_methods(p, names, made.base or "normal")
  return p, { what = ('a flow of kind "%s", D = %d columns'):format(name, D) }
end
