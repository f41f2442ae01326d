-- latent.kmeans as a program (export/program.lua). Not exported.

local program = require "latent.export.program"

local SQUARED = [[
  real sum = 0.0
  for i < D
    real u = x[i] - centers[k * D + i]
    sum = sum + u * u
  end
  return sum
]]

local PREDICT = [[
  int best = 0
  real least = squared(row, best)
  for k < K
    real d = squared(row, k)
    if d < least
      least = d
      best = k
    end
  end
  return best
]]

return function(model)
  local sizes = { K = #model.centers, D = model.centers.cols }
  local p = program.new(sizes)
  program.array(p, "centers", model.centers)
  program.add(p, { name = "squared", args = "x[D], int k", returns = "real", body = SQUARED })
  program.add(p, { name = "predict", args = "row[D]", returns = "int", public = true, body = PREDICT,
    about = ("The number of the nearest centre, 1 to %d."):format(sizes.K) })
  program.add(p, { name = "transform", args = "row[D], out z[K]", public = true,
    about = "z := the distances of the row to all centres.", body = [[
    for k < K
      z[k] = sqrt(squared(row, k))
    end
  ]] })
  return p, { what = ("K-means, K = %d centres of D = %d columns"):format(sizes.K, sizes.D) }
end
