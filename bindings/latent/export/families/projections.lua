-- Projections as programs (export/program.lua): what transform, inverse_transform and reconstruct of pca and ica have
-- in common. Not exported.
--
-- z = B (x - m), and x = m + A z, with `encoder` B (M x D) and `decoder` A (D x M).

local program = require "latent.export.program"

local projections = {}

local ENCODE = [[
  for j < M
    real sum = 0.0
    for i < D
      sum = sum + encoder[j * D + i] * (row[i] - mean[i])
    end
    z[j] = sum
  end
]]
local DECODE = [[
  for i < D
    real sum = 0.0
    for j < M
      sum = sum + decoder[i * M + j] * z[j]
    end
    x[i] = mean[i] + sum
  end
]]

-- The program; `words` says what z is.
function projections.new(mean, encoder, decoder, words)
  local p = program.new { D = #mean, M = #encoder }
  program.array(p, "mean", mean)
  program.array(p, "encoder", encoder)
  program.array(p, "decoder", decoder)
  program.add(p, { name = "transform", args = "row[D], out z[M]", public = true, body = ENCODE,
    about = ("z := the %s of the row."):format(words) })
  program.add(p, { name = "inverse_transform", args = "z[M], out x[D]", public = true, body = DECODE,
    about = ("x := the row of %s z."):format(words) })
  program.add(p, { name = "reconstruct", args = "row[D], out x[D]", public = true,
    about = ("x := the row rebuilt from its %s."):format(words), body = [[
    real z[M]
    transform(row, z)
    inverse_transform(z, x)
  ]] })
  return p
end

return projections
