-- latent.gmm as a program (export/program.lua). Not exported.
--
-- log w_k N(x; m_k, S_k) = c_k - |z|^2/2 with z = inv(L_k) (x - m_k), L_k the Cholesky factor of S_k. `roots` has the
-- rows of L_k one after the other, with the inverse of the diagonal in its place. Of a row with missing entries it is
-- the density of the others: their covariance is part of L_k L_k', and factored for that row. Diagonal covariances have
-- `precisions`, 1/S.

local program = require "latent.export.program"
local mixtures = require "latent.export.families.mixtures"

local LOG_2PI = math.log(2 * math.pi)

-- ---- dense covariances ----------------------------------------------------------------------------------

-- Rows of L with inverse diagonal, appended to `list`; log |L|.
local function add_root(list, S)
  local L, log_det = S:cholesky(), 0
  for i = 1, #L do
    for j = 1, i - 1 do list[#list + 1] = L(i, j) end
    list[#list + 1] = 1 / L(i, i)
    log_det = log_det + math.log(L(i, i))
  end
  return log_det
end

local JOINT = [[
  when tied
    int p = 0
  otherwise
    int p = k * T
  done
  real z[D]
  real value = constants[k]
  for i < D
    real s = x[i] - means[k * D + i]
    for j < i
      s = s - roots[p] * z[j]
      p = p + 1
    end
    s = s * roots[p]
    p = p + 1
    z[i] = s
    value = value - 0.5 * s * s
  end
  return value
]]

-- S_ij = sum_m L_im L_jm, j <= i
local COVARIANCE = [[
  when tied
    int p = tri(i)
    int q = tri(j)
  otherwise
    int p = k * T + tri(i)
    int q = k * T + tri(j)
  done
  real s = 0.0
  for m < j
    s = s + roots[p + m] * roots[q + m]
  end
  if i == j
    return s + 1.0 / (roots[q + j] * roots[q + j])
  end
  return s + roots[p + j] / roots[q + j]
]]

-- The same of the observed entries: their factor, rows one after the other, goes into `root`, and z into z.
local OBSERVED = [[
  int r = 0
  int a = 0
  real value = log_weights[k]
  for i < D
    if x[i] == x[i]
      real t = x[i] - means[k * D + i]
      int c = 0
      int b = 0
      for j < i + 1
        if x[j] == x[j]
          real s = covariance(k, i, j)
          for m < b
            s = s - root[r + m] * root[c + m]
          end
          if j == i
            root[r + b] = 1.0 / sqrt(s)
          else
            root[r + b] = s * root[c + b]
            t = t - root[r + b] * z[b]
          end
          b = b + 1
          c = c + b
        end
      end
      z[a] = t * root[r + a]
      value = value - 0.5 * (z[a] * z[a] + LOG_2PI) + log(root[r + a])
      a = a + 1
      r = r + a
    end
  end
  return value
]]

-- E[x_m | x_o, k] = m_k + S_mo inv(S_oo) (x_o - m_o)
local EXPECT = [[
  real root[T]
  real z[D]
  observed(row, k, z, root)
  int count = 0
  for i < D
    if row[i] == row[i]
      count = count + 1
    end
  end
  down a < count
    real s = z[a]
    for b from a + 1 to count
      s = s - root[tri(b) + a] * z[b]
    end
    z[a] = s * root[tri(a) + a]
  end
  for i < D
    if row[i] ~= row[i]
      real s = means[k * D + i]
      int a = 0
      for j < D
        if row[j] == row[j]
          int u = i
          int v = j
          if j > i
            u = j
            v = i
          end
          s = s + covariance(k, u, v) * z[a]
          a = a + 1
        end
      end
      x[i] = x[i] + weight * s
    end
  end
]]

-- A missing entry makes the first NaN.
local DENSE_JOINTS = [[
  when missing
    real root[T]
    real z[D]
  done
  for k < K
    joints[k] = log_joint(row, k)
    when missing
      if joints[k] ~= joints[k]
        joints[k] = observed(row, k, z, root)
      end
    done
  end
]]

local function dense(model, sizes, flags)
  local K, D = sizes.K, sizes.D
  sizes.T = D * (D + 1) // 2
  local p, roots, constants, logs = program.new(sizes, flags), {}, {}, {}
  local log_det = flags.tied and add_root(roots, model.covariances)
  for k = 1, K do
    logs[k] = math.log(model.weights[k])
    constants[k] = logs[k] - D / 2 * LOG_2PI - (log_det or add_root(roots, model.covariances[k]))
  end
  program.array(p, "roots", roots)
  program.array(p, "means", model.means)
  program.array(p, "constants", constants)
  program.array(p, "log_weights", logs)
  program.add(p, { name = "log_joint", args = "x[D], int k", returns = "real", body = JOINT })
  if flags.missing then
    program.add(p, { name = "covariance", args = "int k, int i, int j", returns = "real", body = COVARIANCE })
    program.add(p, { name = "observed", args = "x[D], int k, out z[D], out root[T]", returns = "real",
      body = OBSERVED })
  end
  program.add(p, { name = "log_joints", args = "row[D], out joints[K]", body = DENSE_JOINTS })
  return p, EXPECT
end

-- ---- diagonal covariances -------------------------------------------------------------------------------

local DIAGONAL_JOINTS = [[
  for k < K
    real value = constants[k]
    for i < D
      when column
        int p = i
      done
      when each
        int p = k * D + i
      done
      when spherical
        int p = k
      done
      when tied_spherical
        int p = 0
      done
      real u = row[i] - means[k * D + i]
      when missing
        if u == u
          value = value - 0.5 * precisions[p] * u * u
        else
          value = value + 0.5 * (LOG_2PI - log(precisions[p]))
        end
      otherwise
        value = value - 0.5 * precisions[p] * u * u
      done
    end
    joints[k] = value
  end
]]

local LAYOUT = { diag = "each", tied_diag = "column", spherical = "spherical", tied_spherical = "tied_spherical" }

local function diagonal(model, kind, sizes, flags)
  local K, D = sizes.K, sizes.D
  flags[LAYOUT[kind]] = true
  local variances = model.covariances
  local list = type(variances) == "number" and { variances } or variances:flatten():table()
  local p, precisions, constants = program.new(sizes, flags), {}, {}
  for i, v in ipairs(list) do precisions[i] = 1 / v end
  for k = 1, K do
    local log_det = 0
    for i = 1, D do
      local place = flags.each and (k - 1) * D + i or flags.column and i or flags.spherical and k or 1
      log_det = log_det + math.log(list[place])
    end
    constants[k] = math.log(model.weights[k]) - 0.5 * (D * LOG_2PI + log_det)
  end
  program.array(p, "precisions", precisions)
  program.array(p, "means", model.means)
  program.array(p, "constants", constants)
  program.add(p, { name = "log_joints", args = "row[D], out joints[K]", body = DIAGONAL_JOINTS })
  return p, mixtures.expect_means "means"
end

-- ---- the family -----------------------------------------------------------------------------------------

local KINDS = { full = dense, tied = dense }

return function(model, options)
  local kind = options.made_with.covariance or "full"
  if not KINDS[kind] and not LAYOUT[kind] then
    return nil, ("a gmm of covariance = '%s' can't be exported"):format(kind)
  end
  local sizes = { K = #model.weights, D = model.means.cols }
  local flags = { missing = options.missing, tied = kind == "tied" }
  local p, expect
  if KINDS[kind] then p, expect = dense(model, sizes, flags) else p, expect = diagonal(model, kind, sizes, flags) end
  mixtures.add_methods(p, options.missing and "; of a row with missing entries (NaN) that of the others" or "")
  if options.missing then mixtures.add_impute(p, expect) end
  return p, { what = ("a Gaussian mixture, K = %d components of D = %d columns, %s covariances"):format(sizes.K,
    sizes.D, (kind:gsub("_", " "))) }
end
