-- Layers of nets as functions of a program (export/program.lua). Not exported.
--
-- A layer is y = f(x W + b); W is kept with a row for each output. A label adds a column that is 1, the others 0.

local program = require "latent.export.program"

local layers = {}

-- y := f(s)
local ACTIVATIONS = {
  linear = "y[i] = s",
  relu = "y[i] = s\nif s < 0.0\ny[i] = 0.0\nend",
  leaky_relu = "y[i] = s\nif s < 0.0\ny[i] = 0.01 * s\nend",
  elu = "y[i] = s\nif s < 0.0\ny[i] = exp(s) - 1.0\nend",
  tanh = "y[i] = tanh(s)",
  sigmoid = "y[i] = 1.0 / (1.0 + exp(-s))",
  softplus = "real most = 0.0\nif s > 0.0\nmost = s\nend\ny[i] = most + log(1.0 + exp(-abs(s)))",
  silu = "y[i] = s / (1.0 + exp(-s))",
  gelu = "y[i] = 0.5 * s * (1.0 + erf(0.7071067811865476 * s))",
}

local LAYER = [[
  for i < %d
    real s = %s_bias[i]
    for j < %d
      s = s + %s_weight[i * %d + j] * x[j]
    end
    LABEL
    %s
  end
]]

-- A label that is no class adds nothing.
local LABEL = [[
    for l < %d
      if l == c
        s = s + %s_weight[i * %d + %d + l]
      end
    end
]]

local function size(n) return tostring(math.tointeger(n)) end

-- Adds the layers of a net and a function of all; its inputs (without labels) and outputs. `parameters` by name.
function layers.add(p, parameters, name, activation, classes)
  local count, lines, inputs, outputs = 0, {}, nil, nil
  while parameters[("%s.%d.weight"):format(name, count + 1)] do count = count + 1 end
  local from = "x"
  for k = 1, count do
    local layer = ("%s_%d"):format(name, k)
    local W, b = parameters[("%s.%d.weight"):format(name, k)], parameters[("%s.%d.bias"):format(name, k)]
    local wide, extra = #W, k == 1 and classes or 0
    local I, O = wide - extra, W.cols
    inputs, outputs = inputs or I, O
    program.array(p, layer .. "_weight", W:t():to("float64"):copy())
    program.array(p, layer .. "_bias", b:to "float64")
    local label = extra > 0 and LABEL:format(extra, layer, wide, I) or ""
    local body = LAYER:format(O, layer, I, layer, wide, ACTIVATIONS[k < count and activation or "linear"])
    program.add(p, { name = layer, args = ("x[%s]%s, out y[%s]"):format(size(I), extra > 0 and ", int c" or "",
      size(O)), body = body:gsub("LABEL", label) })
    local to = k < count and "h" .. k or "y"
    if k < count then lines[#lines + 1] = ("real %s[%d]"):format(to, O) end
    lines[#lines + 1] = ("%s(%s%s, %s)"):format(layer, from, extra > 0 and ", c" or "", to)
    from = to
  end
  program.add(p, { name = name .. "_net", args = ("x[%s]%s, out y[%s]"):format(size(inputs),
    classes > 0 and ", int c" or "", size(outputs)), body = table.concat(lines, "\n") })
  return inputs, outputs
end

-- Adds means and deviations of the columns, 0 and 1 where they aren't known; the sum of log deviation.
function layers.add_units(p, parameters)
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
  return log_scale
end

return layers
