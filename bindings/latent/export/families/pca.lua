-- latent.pca as a program (export/program.lua). Not exported.
--
-- z = U' inv(diag(deviation)) (x - m), with whiten each divided by the square root of its eigenvalue.

local latent = require "latent"
local program = require "latent.export.program"
local projections = require "latent.export.families.projections"

local DISTORTION = [[
  real x[D]
  reconstruct(row, x)
  real sum = 0.0
  for i < D
    real u = row[i] - x[i]
    sum = sum + u * u
  end
  return sum
]]

return function(model, options)
  local U, deviation, eigenvalues = model.components, model.deviation, model.eigenvalues
  local whiten = options.made_with.whiten
  local function scale(j) return whiten and math.sqrt(math.max(eigenvalues[j], 0)) or 1 end
  local encoder = latent.matrix(U.cols, #U, function(j, i)
    local s = scale(j)
    return s > 0 and U(i, j) / s / deviation[i] or 0
  end)
  local decoder = latent.matrix(#U, U.cols, function(i, j) return U(i, j) * scale(j) * deviation[i] end)
  local p = projections.new(model.mean, encoder, decoder, "principal components")
  program.add(p, { name = "distortion", args = "row[D]", returns = "real", public = true, body = DISTORTION,
    about = "The squared distance of the row from the one that is rebuilt." })
  return p, { what = ("a principal component analysis, M = %d of D = %d columns%s"):format(U.cols, #U,
      whiten and ", whitened" or "") }
end
