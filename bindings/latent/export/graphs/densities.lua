-- Graphs of mixtures: what follows from log p(k, x), and Gaussian components (export/onnx.lua). Not exported.
--
-- Values of rows and components are K x N, those of columns, too, K x N x D.

local latent = require "latent"
local matrix = latent.matrix

local densities = {}

-- f(g, x) once for each x: methods of a graph share it.
function densities.once(f)
  local made = {}
  return function(g, x)
    made[g] = made[g] or {}
    made[g][x] = made[g][x] or f(g, x)
    return made[g][x]
  end
end

-- log_likelihood, responsibilities and predict of joints(g, row), which is K x N.
function densities.methods(K, joints)
  local total = densities.once(function(g, row)
    return g:node("ReduceLogSumExp", { joints(g, row) }, { axes = { 0 }, keepdims = 0 })
  end)
  return {
    { name = "log_likelihood", input = "row", value = total },
    { name = "responsibilities", input = "row", columns = K, value = function(g, row)
      local posterior = g:node("Exp", { g:subtract(joints(g, row), total(g, row)) })
      return g:node("Transpose", { posterior }, { perm = { 1, 0 } })
    end },
    { name = "predict", input = "row", whole = true, value = function(g, row)
      return g:node("Add", { g:node("ArgMax", { joints(g, row) }, { axis = 0, keepdims = 0 }), g:places { 1 } })
    end },
  }
end

-- ---- Gaussian mixtures --------------------------------------------------------------------------------------

-- inv(L)', from rows of L with the inverse of the diagonal in its place, from number `at` + 1 of the list on.
local function whitening(list, at, D)
  local L = matrix.zeros(D, D)
  for i = 1, D do
    for j = 1, i do
      at = at + 1
      L:set(i, j, i == j and 1 / list[at] or list[at])
    end
  end
  return L:inverse():t():copy()
end

-- The rows about each mean: K x N x D.
local function differences(g, p, row)
  local K, D = p.sizes.K, p.sizes.D
  return g:subtract(g:unsqueeze(row, 0), g:constant(p.arrays.means.values, { K, 1, D }))
end

local function joint_of(g, p, squares)
  return g:add(g:multiply(squares, -0.5), g:constant(p.arrays.constants.values, { p.sizes.K, 1 }))
end

local function dense(p)
  local K, D, T, roots = p.sizes.K, p.sizes.D, p.sizes.T, p.arrays.roots.values
  local count, list = p.flags.tied and 1 or K, {}
  for k = 1, count do
    table.move(whitening(roots, (k - 1) * T, D):flatten():table(), 1, D * D, (k - 1) * D * D + 1, list)
  end
  return densities.once(function(g, row)
    local z = g:product(differences(g, p, row), g:constant(list, { count, D, D }))
    return joint_of(g, p, g:sum(g:square(z), 2))
  end)
end

local function diagonal(p)
  local K, D, f = p.sizes.K, p.sizes.D, p.flags
  local dims = { (f.each or f.spherical) and K or 1, 1, (f.each or f.column) and D or 1 }
  return densities.once(function(g, row)
    local squares = g:multiply(g:square(differences(g, p, row)), g:constant(p.arrays.precisions.values, dims))
    return joint_of(g, p, g:sum(squares, 2))
  end)
end

-- ---- factors ------------------------------------------------------------------------------------------------

-- inv(G) W' inv(Psi) of component k, transposed: D x M; W' (M x D); and the precisions of its columns.
local function encoder(p, k)
  local a, D, M = p.arrays, p.sizes.D, p.sizes.M
  local W = matrix(D, M, function(i, j) return a.loadings.values[((k - 1) * D + i - 1) * M + j] end)
  local each, list = #a.precisions.values, a.precisions.values
  local precisions = matrix(D, 1, function(i)
    return list[each == p.sizes.K * D and (k - 1) * D + i or each == D and i or each == 1 and 1 or k]
  end)
  local scaled = matrix(D, M, function(i, j) return W(i, j) * precisions(i, 1) end)
  local G = matrix.eye(M) + W:t() * scaled
  return G:solve(scaled:t()):t():copy(), W:t():copy(), precisions
end

-- Of all components, as constants of a graph: K x D x M, K x M x D, K x 1 x D.
function densities.encoders(g, p)
  local K, D, M = p.sizes.K, p.sizes.D, p.sizes.M
  local lists, dims = { {}, {}, {} }, { { K, D, M }, { K, M, D }, { K, 1, D } }
  for k = 1, K do
    for i, A in ipairs { encoder(p, k) } do
      for _, x in ipairs(A:flatten():table()) do table.insert(lists[i], x) end
    end
  end
  local constants = {}
  for i = 1, 3 do constants[i] = g:constant(lists[i], dims[i]) end
  return table.unpack(constants)
end

-- z (K x N x M) and the joint densities, of means, loadings, precisions and constants of a program.
function densities.factors(p)
  local infer = densities.once(function(g, row)
    local u = differences(g, p, row)
    if p.sizes.M == 0 then
      local list, dims = p.arrays.precisions.values, { p.sizes.K, 1, p.sizes.D }
      if #list == 1 then dims = { 1, 1, 1 } elseif #list == p.sizes.K then dims = { #list, 1, 1 } end
      return { joint = joint_of(g, p, g:sum(g:multiply(g:square(u), g:constant(list, dims)), 2)) }
    end
    local B, W, precisions = densities.encoders(g, p)
    local z = g:product(u, B)
    local rest = g:subtract(u, g:product(z, W))
    local squares = g:add(g:sum(g:multiply(g:square(rest), precisions), 2), g:sum(g:square(z), 2))
    return { z = z, W = W, joint = joint_of(g, p, squares) }
  end)
  return infer
end

local function of_model(p, _, kind)
  local joints
  if kind == "mppca" then
    local infer = densities.factors(p)
    joints = function(g, row) return infer(g, row).joint end
  else
    joints = p.arrays.roots and dense(p) or diagonal(p)
  end
  return densities.methods(p.sizes.K, joints)
end

return setmetatable(densities, { __call = function(_, ...) return of_model(...) end })
