-- latent.mppca as a program (export/program.lua). Not exported.

local check = require "latent.check"
local program = require "latent.export.program"
local factors = require "latent.export.families.factors"
local mixtures = require "latent.export.families.mixtures"

local EXPECT = [[
  real z[ROOM]
  real mean[D]
  infer(row, k, z)
  decode(z, k, mean)
  for i < D
    if row[i] ~= row[i]
      x[i] = x[i] + weight * mean[i]
    end
  end
]]

local function add_latent(p)
  program.add(p, { name = "transform", args = "row[D], out z[M]", returns = "int", public = true,
    about = "z := the posterior means of the latent variables under the most probable component, which is returned.",
    body = [[
    int k = best(row)
    infer(row, k, z)
    return k
  ]] })
  program.add(p, { name = "inverse_transform", args = "z[M], int component, out x[D]", public = true,
    about = ("x := the row that z stands for under a component, 1 to %d; NaN under another."):format(p.sizes.K),
    body = [[
    int k = label component from 1
    for i < D
      x[i] = INFINITY - INFINITY
    end
    for l < K
      if l == k
        decode(z, l, x)
      end
    end
  ]] })
  program.add(p, { name = "reconstruct", args = "row[D], out x[D]", public = true,
    about = "x := the row rebuilt from its local projection.", body = [[
    real z[M]
    int k = best(row)
    infer(row, k, z)
    decode(z, k, x)
  ]] })
end

return function(model, options)
  local W, variances = check.field(model, "W"), model.noise_variances
  local K, M = #model.weights, W and W[1].cols or 0
  local each = variances.cols and variances.cols > 1 and #variances == K and type(variances[1]) ~= "number"
  local function noise(k, i) return each and variances(k, i) or variances[k] end
  local p = factors.new({ weights = model.weights, means = model.means, M = M, W = W, noise = noise },
    each and "each" or "component", { missing = options.missing })
  program.add(p, { name = "log_joints", args = "row[D], out joints[K]", body = [[
    real z[ROOM]
    for k < K
      joints[k] = infer(row, k, z)
    end
  ]] })
  mixtures.add_methods(p, options.missing and "; missing entries (NaN) are left out" or "")
  if M > 0 then add_latent(p) end
  if options.missing then mixtures.add_impute(p, EXPECT) end
  return p, { what = ("a mixture of probabilistic PCA, K = %d components, M = %d latent variables of D = %d columns")
    :format(K, M, p.sizes.D) }
end
