-- Layers of flows as functions of a program (export/program.lua): each changes the state h in place and returns log
-- |det|. Not exported.
--
-- Couplings and masked maps change columns of it by what a net says of the context and of the columns that it sees;
-- masks are zeros of the weights. Formulas are those of core/nn/ops_flow_template.h and ops_spline_template.h.

local latent = require "latent"
local program = require "latent.export.program"
local layers = require "latent.export.families.layers"

local maps = {}

local function softplus(x) return math.max(x, 0) + math.log(1 + math.exp(-math.abs(x))) end
local LEAST_SLOPE = 1e-4 -- core/nn/limits.h

-- ---- maps of columns by numbers: affine, splines -----------------------------------------------------------

-- Of each column the numbers in raw, EACH of them, are from a net or a parameter.
local MAP = [[
  real raw[RAW]
  when net
    real input[INPUTS]
    when context
      for c < C
        input[c] = context[c]
      end
    done
    for j < SEEN
      int place = NAME_inputs[j]
      real x = h[place]
      when spline
        if x < -BOX[0]
          x = -BOX[0]
        end
        if x > BOX[0]
          x = BOX[0]
        end
      done
      input[j + C] = x
    end
    NAME_net(input, raw)
  otherwise
    for j < RAW
      raw[j] = NAME_raw[j]
    end
  done
  real sum = 0.0
  for j < COUNT
    int column = NAME_columns[j]
    int first = j * EACH
    sum = sum + CHANGE(h, column, raw, first)
  end
  return sum
]]

local AFFINE = [[
  real o = raw[first + 1]
  when bounded
    o = BOUND[0] * tanh(o / BOUND[0])
  done
  h[c] = h[c] * exp(o) + raw[first]
  return o
]]

-- With xi = (x - x_k)/w, s = h/w, v = xi (1 - xi): y = y_k + h N/E, N = s xi^2 + d0 v, E = s + (d0 + d1 - 2 s) v, and
-- dy/dx = s^2 M/E^2, M = d1 xi^2 + 2 s v + d0 (1 - xi)^2.
local SPLINE = [[
  real x = h[c]
  real rise = 0.0
  if x > -BOX[0] and x < BOX[0]
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
    real left = -BOX[0]
    real low = -BOX[0]
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
      real w = 0.16 * BOX[0] / B.0 + 1.84 * BOX[0] * (exp(raw[first + k] - most_w) / sum_w)
      real g = 0.16 * BOX[0] / B.0 + 1.84 * BOX[0] * (exp(raw[first + B + k] - most_h) / sum_h)
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

-- The function that changes a column by its numbers, which maps with the same bins, box and bound share: its name, and
-- that of its constant.
local function changing(p, map)
  local spline, bounded = map.bins ~= nil, map.bound and map.bound < math.huge
  p.changes = p.changes or {}
  for _, known in ipairs(p.changes) do
    if known.bins == map.bins and known.box == map.box and known.bound == map.bound then
      return known.name, known.edge
    end
  end
  local kind = spline and "spline" or "affine"
  local known = { bins = map.bins, box = map.box, bound = map.bound, name = kind .. #p.changes + 1,
    edge = (spline and "box" or "bound") .. #p.changes + 1 }
  table.insert(p.changes, known)
  p.sizes.B, p.sizes.EACH, p.flags.bounded = map.bins, spline and 3 * map.bins - 1 or 2, bounded
  if spline or bounded then program.array(p, known.edge, { map.box or map.bound }) end
  if spline and not program.find(p, "slope") then
    program.add(p, { name = "slope", args = "real x", returns = "real", body = SLOPE })
  end
  program.add(p, { name = known.name, args = "out h[D], int c, raw[EACH], int first", returns = "real",
    body = spline and SPLINE:gsub("BOX", known.edge) or AFFINE:gsub("BOUND", known.edge) })
  return known.name, known.edge
end

local function of_columns(p, map, name, parameters, activation)
  local change, box = changing(p, map)
  local C, seen, each = p.sizes.C, #map.inputs, map.bins and 3 * map.bins - 1 or 2
  p.flags.net, p.flags.spline = parameters[name] == nil, map.bins ~= nil
  if p.flags.net then
    layers.add(p, parameters, name, activation, 0)
    program.array(p, name .. "_inputs", map.inputs, true)
  else
    program.array(p, name .. "_raw", parameters[name]:to "float64")
  end
  program.array(p, name .. "_columns", map.columns, true)
  local words = { NAME = name, BOX = box, CHANGE = change }
  p.sizes.RAW, p.sizes.INPUTS, p.sizes.SEEN = #map.columns * each, math.max(seen + C, 1), seen
  p.sizes.COUNT, p.sizes.EACH = #map.columns, each
  return (MAP:gsub("%f[%w_]%u+", words))
end

-- ---- maps of all columns -----------------------------------------------------------------------------------

local LINEAR = [[
  real y[D]
  for j < D
    real s = 0.0
    for i < D
      s = s + NAME_product[i * D + j] * h[i]
    end
    y[j] = s
  end
  for j < D
    h[j] = y[j]
  end
  return NAME_rise[0]
]]

-- y = x L U: below A's diagonal L, whose own is 1; on and above it U, whose diagonal is exp of A's.
local function linear(p, _, name, parameters)
  local A, rise = parameters[name]:to "float64", 0
  local D = #A
  local L, U = latent.matrix.eye(D), latent.matrix.zeros(D, D)
  for i = 1, D do
    rise = rise + A(i, i)
    for j = 1, D do
      if j < i then L:set(i, j, A(i, j)) else U:set(i, j, j == i and math.exp(A(i, i)) or A(i, j)) end
    end
  end
  program.array(p, name .. "_product", L * U)
  program.array(p, name .. "_rise", { rise })
  return LINEAR:gsub("NAME", name)
end

-- t = tanh(w x + b), y = x + t u', |det| = t^2 + q (1 - t^2)
local PLANAR = [[
  real a = NAME_numbers[1]
  for j < D
    a = a + NAME_w[j] * h[j]
  end
  real t = tanh(a)
  for j < D
    h[j] = h[j] + t * NAME_u[j]
  end
  return log(t * t + NAME_numbers[0] * (1.0 - t * t))
]]

-- u' = u + (m - w u) w/|w|^2 with m = q - 1, q = softplus(w u) + LEAST_SLOPE, so that the map has an inverse.
local function planar(p, _, name, parameters)
  local raw, D = parameters[name]:to("float64"):flatten(), p.sizes.D
  local u, w = raw:block(1, D), raw:block(D + 1, 2 * D)
  local along, norm2, q, shift = u:dot(w), w:dot(w), 1, 0
  if norm2 >= 1e-60 then
    q = softplus(along) + LEAST_SLOPE
    shift = (q - 1 - along) / norm2
  end
  program.array(p, name .. "_w", w:copy())
  program.array(p, name .. "_u", u + w * shift)
  program.array(p, name .. "_numbers", { q, raw[2 * D + 1] })
  return PLANAR:gsub("NAME", name)
end

-- R = |x - x0|: y = x0 + f (x - x0), f = (R + q)/(a + R), and along x - x0 the slope is e.
local RADIAL = [[
  real r = 0.0
  for j < D
    real far = h[j] - NAME_center[j]
    r = r + far * far
  end
  r = sqrt(r)
  real below = NAME_numbers[0] + r
  real f = (r + NAME_numbers[1]) / below
  real e = (r * (r + 2.0 * NAME_numbers[0]) + NAME_numbers[0] * NAME_numbers[1]) / (below * below)
  for j < D
    h[j] = NAME_center[j] + f * (h[j] - NAME_center[j])
  end
  return (D.0 - 1.0) * log(f) + log(e)
]]

local function radial(p, _, name, parameters)
  local raw, D = parameters[name]:to("float64"):flatten(), p.sizes.D
  program.array(p, name .. "_center", raw:block(1, D):copy())
  program.array(p, name .. "_numbers", { softplus(raw[D + 1]) + LEAST_SLOPE, softplus(raw[D + 2]) + LEAST_SLOPE })
  return RADIAL:gsub("NAME", name)
end

-- ---- all ---------------------------------------------------------------------------------------------------

local KINDS = { linear = linear, planar = planar, radial = radial }

-- Adds the function of a map, { kind, number, columns, inputs, bins, box, bound }, which are the model's own
-- (Flow:__maps), and returns its name; `parameters` by name.
function maps.add(p, map, parameters, activation)
  local name = "layer" .. map.number
  local body = (KINDS[map.kind] or of_columns)(p, map, name, parameters, activation)
  program.add(p, { name = name .. "_map", returns = "real", body = body,
    args = "out h[D]" .. (p.sizes.C > 0 and ", context[C]" or "") })
  return name .. "_map"
end

return maps
