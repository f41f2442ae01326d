-- The nets of latent.vae, latent.nonlinear and latent.gan as programs (export/program.lua): encoder and decoder, which
-- of a GAN is its generator. Not exported.

local latent = require "latent"
local program = require "latent.export.program"
local layers = require "latent.export.families.layers"

-- ---- what the outputs of a decoder say ------------------------------------------------------------------

local MEANS = {
  gaussian = "x[i] = y[i]",
  units = "x[i] = mean[i] + deviation[i] * y[i]",
  bernoulli = "x[i] = 1.0 / (1.0 + exp(-y[i]))",
  continuous_bernoulli = [[
    real l = y[i]
    real mean = 0.5 + l / 12.0 - l * l * l / 720.0
    if abs(l) >= 0.01
      if l > 0.0
        mean = 1.0 / (1.0 - exp(-l)) - 1.0 / l
      else
        mean = exp(l) / (exp(l) - 1.0) - 1.0 / l
      end
    end
    x[i] = mean
  ]],
  categorical = [[
    real largest = y[i * L]
    for c from 1 to L
      if y[i * L + c] > largest
        largest = y[i * L + c]
      end
    end
    real sum = 0.0
    real first = 0.0
    real level = 0.0
    for c < L
      real e = exp(y[i * L + c] - largest)
      sum = sum + e
      first = first + level * e
      level = level + 1.0
    end
    x[i] = first / sum
  ]],
}

local ENCODE = [[
  CLASS
  real y[H]
  encoder_net(rowC, y)
  for j < M
    mean[j] = y[j]
    real v = y[M + j]
    if v < -30.0
      v = -30.0
    end
    if v > 20.0
      v = 20.0
    end
    variance[j] = exp(v)
  end
]]
local TRANSFORM = [[
  CLASS
  real y[H]
  encoder_net(rowC, y)
  for j < M
    z[j] = y[j]
  end
]]
local DECODE = [[
  CLASS
  real y[O]
  NET_net(zC, y)
  for i < D
]]

local function add_methods(p, model, o)
  local labels = p.sizes.LABELS
  local arg = labels and ", int label" or ""
  local function body(text)
    return (text:gsub("CLASS", labels and ("int c = label label from %d"):format(p.sizes.LOWEST) or "")
      :gsub("(%l)C, y", labels and "%1, c, y" or "%1, y"):gsub("NET", p.decoder))
  end
  if p.sizes.H then
    program.add(p, { name = "encode", args = ("row[D]%s, out mean[M], out variance[M]"):format(arg), public = true,
      about = "mean, variance := those of q(z | row).", body = body(ENCODE) })
    program.add(p, { name = "transform", args = ("row[D]%s, out z[M]"):format(arg), public = true,
      about = "z := the mean of q(z | row).", body = body(TRANSFORM) })
  end
  local decoded = o.likelihood == "units" and "x := G(z)." or "x := the mean of p(x | z)."
  for _, name in ipairs { "decode", "inverse_transform" } do
    program.add(p, { name = name, args = ("z[M]%s, out x[D]"):format(arg), public = true,
      about = name == "decode" and decoded or "The same as decode.",
      body = name == "decode" and body(DECODE) .. MEANS[o.likelihood] .. "\nend"
        or ("decode(z%s, x)"):format(labels and ", label" or "") })
  end
  if p.sizes.H then
    program.add(p, { name = "reconstruct", args = ("row[D]%s, out x[D]"):format(arg), public = true,
      about = "x := the decoded mean of q(z | row).", body = ("real z[M]\ntransform(row%s, z)\ndecode(z%s, x)")
        :format(labels and ", label" or "", labels and ", label" or "") })
  end
  return model
end

local NAMES = { vae = "a variational autoencoder", nonlinear = "a nonlinear latent variable model", gan = "a GAN" }

-- A word or a number as it was given, or its default, which is described as Lua has it.
local function option(kind, made, name)
  if made[name] ~= nil then return made[name] end
  for _, row in ipairs(latent.describe(kind).options) do
    if row.name == name then return tonumber(row.default) or row.default:match '^"(.*)"$' end
  end
end

return function(model, options)
  local kind, made, parameters = options.kind, options.made_with, model:parameters()
  local classes = made.classes or 0
  local p = program.new { M = model.latent_dim, D = model.input_dim, L = made.levels }
  if classes > 0 then p.sizes.LABELS, p.sizes.LOWEST = classes, made.lowest or 0 end
  p.decoder, p.activation = "decoder", option(kind, made, "activation")
  p.likelihood = option(kind, made, "likelihood")
  if kind == "gan" then -- rows are from the generator's average
    if option(kind, made, "ema") > 0 and next(model:__averages()) then parameters = model:__averages() end
    p.decoder, p.likelihood = "generator", "units"
    layers.add_units(p, model:parameters())
  end
  if parameters["encoder.1.weight"] then
    local _, H = layers.add(p, parameters, "encoder", p.activation, classes)
    p.sizes.H = H
  end
  local _, O = layers.add(p, parameters, p.decoder, p.activation, classes)
  p.sizes.O = O
  add_methods(p, model, { likelihood = p.likelihood })
  return p, { what = ("the nets of %s, M = %d latent variables of D = %d columns"):format(NAMES[kind], model.latent_dim,
    model.input_dim) }
end
