-- latent.pca as a program (export/program.lua). Not exported.
--
-- z = U' inv(diag(deviation)) (x - m), with whiten each divided by the square root of its eigenvalue.

local latent = require "latent"
local projections = require "latent.export.families.projections"

return function(model, options)
  local U, deviation, eigenvalues = model.components, model.deviation, model.eigenvalues
  local whiten = options.made_with.whiten
  local function scale(j) return whiten and math.sqrt(math.max(eigenvalues[j], 0)) or 1 end
  local encoder = latent.matrix(U.cols, #U, function(j, i)
    local s = scale(j)
    return s > 0 and U(i, j) / s / deviation[i] or 0
  end)
  local decoder = latent.matrix(#U, U.cols, function(i, j) return U(i, j) * scale(j) * deviation[i] end)
  return projections.new(model.mean, encoder, decoder, "principal components"),
    { what = ("a principal component analysis, M = %d of D = %d columns%s"):format(U.cols, #U,
      whiten and ", whitened" or "") }
end
