-- Linear-Gaussian factor models as programs (export/program.lua): x = m + W z + noise, alone (ppca, bpca, fa) and as
-- components of a mixture (mppca). Not exported.
--
-- With Psi the noise's variances, `precisions` their inverses, and G = I + W' inv(Psi) W = L L',
--
--   z = inv(G) W' inv(Psi) (x - m)
--   log N(x; m, W W' + Psi) = c - (|r|^2 in units of Psi + |z|^2)/2,   r = x - m - W z
--
-- which has no difference of large numbers. `roots` has L for rows without missing entries, and `constants` c. With
-- missing ones sums are over the others, and L is made for the row. L is in rows one after the other, with the inverse
-- of the diagonal in its place.

local latent = require "latent"
local program = require "latent.export.program"

local LOG_2PI = math.log(2 * math.pi)
local factors = {}

-- G of a row's observed entries, factored, goes into `root`; the logarithm of the density's constant.
local FACTOR = [[
  int p = 0
  real value = log_weights[k]
  for i < D
    if row[i] == row[i]
      value = value + 0.5 * (log(precisions[PLACE]) - LOG_2PI)
    end
  end
  for a < M
    int q = 0
    for b < a + 1
      real s = 0.0
      if a == b
        s = 1.0
      end
      for i < D
        if row[i] == row[i]
          s = s + precisions[PLACE] * loadings[k * DM + i * M + a] * loadings[k * DM + i * M + b]
        end
      end
      for c < b
        s = s - root[p + c] * root[q + c]
      end
      if a == b
        root[p + b] = 1.0 / sqrt(s)
        value = value + log(root[p + b])
      else
        root[p + b] = s * root[q + b]
      end
      q = q + b + 1
    end
    p = p + a + 1
  end
  return value
]]

-- z := inv(L') inv(L) z, L from place p of `root` on.
local SOLVE = [[
  for a < M
    real s = z[a]
    for b < a
      s = s - root[p + tri(a) + b] * z[b]
    end
    z[a] = s * root[p + tri(a) + a]
  end
  down a < M
    real s = z[a]
    for b from a + 1 to M
      s = s - root[p + tri(b) + a] * z[b]
    end
    z[a] = s * root[p + tri(a) + a]
  end
]]

-- z := the posterior mean under component k; its log density.
local INFER = [[
  for a < M
    z[a] = 0.0
  end
  when missing
    int gaps = 0
    int none = 0
  done
  for i < D
    when missing
      if row[i] == row[i]
    done
    real u = (row[i] - means[k * D + i]) * precisions[PLACE]
    for a < M
      z[a] = z[a] + loadings[k * DM + i * M + a] * u
    end
    when missing
      else
        gaps = gaps + 1
      end
    done
  end
  real value = constants[k]
  when missing
    if gaps ~= none
      real root[ROOM]
      int zero = 0
      value = factor(row, k, root)
      solve(root, zero, z)
    else
  done
  int p = k * T
  solve(roots, p, z)
  when missing
    end
  done
  for a < M
    value = value - 0.5 * z[a] * z[a]
  end
  for i < D
    when missing
      if row[i] == row[i]
    done
    real r = row[i] - means[k * D + i]
    for a < M
      r = r - loadings[k * DM + i * M + a] * z[a]
    end
    value = value - 0.5 * precisions[PLACE] * r * r
    when missing
      end
    done
  end
  return value
]]

-- The data of latent variables, under component k.
local DECODE = [[
  for i < D
    real s = means[k * D + i]
    for a < M
      s = s + loadings[k * DM + i * M + a] * z[a]
    end
    x[i] = s
  end
]]

-- Adds the constants of all components: lists of numbers in the order of `model` = { weights, means, W (a list of
-- matrices, which may lack), noise (a function of component and column) }, and the functions above.
function factors.new(model, layout, flags)
  local K, D, M = #model.weights, #model.means[1], model.M
  local sizes = { K = K, D = D, M = M, DM = D * M, T = M * (M + 1) // 2, ROOM = math.max(1, M * (M + 1) // 2),
    LABELS = K }
  local place = { shared = "0", component = "k", column = "i", each = "k * D + i" }
  local p = program.new(sizes, flags)
  local arrays = { means = {}, loadings = {}, precisions = {}, roots = {}, constants = {}, log_weights = {} }
  local function push(name, x) table.insert(arrays[name], x) end
  for k = 1, K do
    local value = math.log(model.weights[k]) - D / 2 * LOG_2PI
    local G = latent.matrix.eye(math.max(M, 1))
    for i = 1, D do
      push("means", model.means[k][i])
      local variance = model.noise(k, i)
      value = value - 0.5 * math.log(variance)
      if layout == "each" or layout == "column" or i == 1 then push("precisions", 1 / variance) end
      for a = 1, M do
        push("loadings", model.W[k](i, a))
        for b = 1, M do G:set(a, b, G(a, b) + model.W[k](i, a) * model.W[k](i, b) / variance) end
      end
    end
    local L = G:cholesky()
    for a = 1, M do
      for b = 1, a do push("roots", a == b and 1 / L(a, a) or L(a, b)) end
      value = value - math.log(L(a, a))
    end
    push("constants", value)
    push("log_weights", math.log(model.weights[k]))
  end
  if M == 0 then arrays.loadings, arrays.roots = { 0 }, { 0 } end
  for name, list in pairs(arrays) do program.array(p, name, list) end
  local function body(text) return (text:gsub("PLACE", place[layout])) end
  if flags.missing then
    program.add(p, { name = "factor", args = "row[D], int k, out root[T]", returns = "real", body = body(FACTOR) })
  end
  program.add(p, { name = "solve", args = "root[T], int p, out z[M]", body = SOLVE })
  program.add(p, { name = "infer", args = "row[D], int k, out z[M]", returns = "real", body = body(INFER) })
  program.add(p, { name = "decode", args = "z[M], int k, out x[D]", body = DECODE })
  return p
end

return factors
