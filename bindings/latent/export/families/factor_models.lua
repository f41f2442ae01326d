-- latent.ppca, bpca and fa as programs (export/program.lua). Not exported.
--
-- A rotated solution with correlated factors has z = R z0, R R' the factors' correlations: the loadings of z0 are W R.

local check = require "latent.check"
local program = require "latent.export.program"
local factors = require "latent.export.families.factors"

local NAMES = { ppca = "a probabilistic PCA", bpca = "a Bayesian PCA", fa = "a factor analysis" }
local ROTATE = [[
  down a < M
    real s = 0.0
    for b < a + 1
      s = s + rotation[tri(a) + b] * z[b]
    end
    z[a] = s
  end
]]
local BACK = [[
  for a < M
    real s = z[a]
    for b < a
      s = s - rotation[tri(a) + b] * z0[b]
    end
    z0[a] = s / rotation[tri(a) + a]
  end
]]
local IMPUTE = [[
  reconstruct(row, x)
  for i < D
    if row[i] == row[i]
      x[i] = row[i]
    end
  end
]]

local function add_methods(p, oblique)
  program.add(p, { name = "log_likelihood", args = "row[D]", returns = "real", public = true,
    about = "log p(row), in nats" .. (p.flags.missing and "; missing entries (NaN) are left out." or "."), body = [[
    real z[ROOM]
    int k = 0
    return infer(row, k, z)
  ]] })
  if p.sizes.M == 0 then return end
  program.add(p, { name = "transform", args = "row[D], out z[M]", public = true,
    about = "z := the posterior means of the latent variables.", body = [[
    int k = 0
    infer(row, k, z)
  ]] .. (oblique and "rotate(z)" or "") })
  program.add(p, { name = "inverse_transform", args = "z[M], out x[D]", public = true,
    about = "x := the row that latent variables z stand for.", body = oblique and [[
    int k = 0
    real z0[M]
    unrotate(z, z0)
    decode(z0, k, x)
  ]] or [[
    int k = 0
    decode(z, k, x)
  ]] })
  program.add(p, { name = "reconstruct", args = "row[D], out x[D]", public = true,
    about = "x := the row rebuilt from its latent variables.", body = [[
    int k = 0
    real z[M]
    infer(row, k, z)
    decode(z, k, x)
  ]] })
  if p.flags.missing then
    program.add(p, { name = "impute", args = "row[D], out x[D]", public = true, body = IMPUTE,
      about = "x := row with its missing entries (NaN) at their conditional means." })
  end
end

return function(model, options)
  local W, variances = check.field(model, "W"), check.field(model, "noise_variances")
  local function noise(_, i) return variances and variances[i] or model.noise_variance end
  for i = 1, #model.mean do
    if noise(1, i) <= 0 then return nil, "a noise variance is 0: this limit has no density" end
  end
  local root = options.made_with.rotation == "promax" and model.factor_correlations:cholesky()
  local p = factors.new({ weights = { 1 }, means = { model.mean }, M = W and W.cols or 0,
    W = { root and W * root or W }, noise = noise }, variances and "column" or "shared", { missing = options.missing })
  if root then
    local packed = {}
    for a = 1, #root do for b = 1, a do packed[#packed + 1] = root(a, b) end end
    program.array(p, "rotation", packed)
    program.add(p, { name = "rotate", args = "out z[M]", body = ROTATE })
    program.add(p, { name = "unrotate", args = "z[M], out z0[M]", body = BACK })
  end
  add_methods(p, root)
  return p, { what = ("%s, M = %d latent variables of D = %d columns"):format(NAMES[options.kind], p.sizes.M,
    p.sizes.D) }
end
