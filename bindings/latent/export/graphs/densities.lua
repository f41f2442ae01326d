-- Graphs of mixtures: what follows from log p(k, x), and Gaussian components (export/onnx.lua). Not exported.
--
-- Values of rows and components are K x N, those of columns, too, K x N x D.

local latent = require "latent"
local gaps = require "latent.export.graphs.gaps"
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

-- log_likelihood, responsibilities and predict of joints(g, row), which is K x N; with expect(g, row), which is K x N x
-- D or K x 1 x D, impute: what components expect of missing entries, weighted.
function densities.methods(K, joints, D, expect)
  local total = densities.once(function(g, row)
    return g:node("ReduceLogSumExp", { joints(g, row) }, { axes = { 0 }, keepdims = 0 })
  end)
  local posterior = densities.once(function(g, row)
    return g:node("Exp", { g:subtract(joints(g, row), total(g, row)) })
  end)
  local methods = {
    { name = "log_likelihood", input = "row", value = total },
    { name = "responsibilities", input = "row", columns = K, value = function(g, row)
      return g:node("Transpose", { posterior(g, row) }, { perm = { 1, 0 } })
    end },
    { name = "predict", input = "row", whole = true, value = function(g, row)
      return g:node("Add", { g:node("ArgMax", { joints(g, row) }, { axis = 0, keepdims = 0 }), g:places { 1 } })
    end },
  }
  methods[4] = expect and { name = "impute", input = "row", columns = D, data = true, value = function(g, row)
    local expected = g:multiply(g:unsqueeze(posterior(g, row), 2), expect(g, row))
    return g:filled(row, row, g:sum(expected, 0))
  end }
  return methods
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

-- The rows about each mean: K x N x D; 0 where entries are missing.
local function differences(g, p, row)
  local K, D = p.sizes.K, p.sizes.D
  local u = g:subtract(g:unsqueeze(row, 0), g:constant(p.arrays.means.values, { K, 1, D }))
  return g.missing and g:filled(u, row, 0) or u
end

local function joint_of(g, p, squares)
  return g:add(g:multiply(squares, -0.5), g:constant(p.arrays.constants.values, { p.sizes.K, 1 }))
end

local function means_of(g, p) return g:constant(p.arrays.means.values, { p.sizes.K, 1, p.sizes.D }) end

-- Joint densities, and what components expect.
local function dense(p, model)
  local K, D, T, roots = p.sizes.K, p.sizes.D, p.sizes.T, p.arrays.roots.values
  local count, list = p.flags.tied and 1 or K, {}
  for k = 1, count do
    table.move(whitening(roots, (k - 1) * T, D):flatten():table(), 1, D * D, (k - 1) * D * D + 1, list)
  end
  local function complete(g, row)
    local z = g:product(differences(g, p, row), g:constant(list, { count, D, D }))
    return joint_of(g, p, g:sum(g:square(z), 2))
  end
  local both = densities.once(function(g, row)
    if not g.missing then return { complete(g, row) } end
    return { g:choose(g:any_missing(row), function()
      return gaps.dense(g, p, model, row, differences(g, p, row), means_of(g, p))
    end, function()
      return complete(g, row), g.wanted.impute and g:unsqueeze(row, 0) or nil
    end) }
  end)
  return function(g, row) return both(g, row)[1] end, function(g, row) return both(g, row)[2] end
end

local function diagonal(p)
  local K, D, f, list = p.sizes.K, p.sizes.D, p.flags, p.arrays.precisions.values
  local dims = { (f.each or f.spherical) and K or 1, 1, (f.each or f.column) and D or 1 }
  return densities.once(function(g, row)
    local squares = g:multiply(g:square(differences(g, p, row)), g:constant(list, dims))
    local joint = joint_of(g, p, g:sum(squares, 2))
    return g.missing and g:add(joint, gaps.left_out(g, row, list, dims)) or joint
  end), means_of
end

-- ---- factors ------------------------------------------------------------------------------------------------

-- The precision of column i of component k.
local function precision(p, k, i)
  local list, K, D = p.arrays.precisions.values, p.sizes.K, p.sizes.D
  return list[#list == K * D and (k - 1) * D + i or #list == D and i or #list == 1 and 1 or k]
end

-- inv(G) W' inv(Psi) of component k, transposed: D x M; W' (M x D); and the precisions of its columns.
local function encoder(p, k)
  local a, D, M = p.arrays, p.sizes.D, p.sizes.M
  local W = matrix(D, M, function(i, j) return a.loadings.values[((k - 1) * D + i - 1) * M + j] end)
  local precisions = matrix(D, 1, function(i) return precision(p, k, i) end)
  local scaled = matrix(D, M, function(i, j) return W(i, j) * precisions(i, 1) end)
  local G = matrix.eye(M) + W:t() * scaled
  return { G:solve(scaled:t()):t():copy(), W:t():copy(), precisions, scaled,
    matrix(D, M * M, function(i, j) return scaled(i, (j - 1) // M + 1) * W(i, (j - 1) % M + 1) end) }
end

-- Of all components, as constants of a graph: K x D x M, K x M x D, K x 1 x D, inv(Psi) W as the first, and rows of
-- products of two loadings, K x D x M^2.
local function encoders(g, p)
  local K, D, M = p.sizes.K, p.sizes.D, p.sizes.M
  local lists, dims = { {}, {}, {}, {}, {} }, { { K, D, M }, { K, M, D }, { K, 1, D }, { K, D, M }, { K, D, M * M } }
  for k = 1, K do
    for i, A in ipairs(encoder(p, k)) do
      for _, x in ipairs(A:flatten():table()) do table.insert(lists[i], x) end
    end
  end
  local constants = {}
  for i = 1, g.missing and 5 or 3 do constants[i] = g:constant(lists[i], dims[i]) end
  return table.unpack(constants)
end

-- z (K x N x M) and the joint densities, of means, loadings, precisions and constants of a program.
function densities.factors(p)
  local K, D, M, list = p.sizes.K, p.sizes.D, p.sizes.M, {}
  for k = 1, K do
    for i = 1, D do table.insert(list, precision(p, k, i)) end
  end
  return densities.once(function(g, row)
    local u = differences(g, p, row)
    if M == 0 then
      local dims = { K, 1, D }
      local joint = joint_of(g, p, g:sum(g:multiply(g:square(u), g:constant(list, dims)), 2))
      return { joint = g.missing and g:add(joint, gaps.left_out(g, row, list, dims)) or joint }
    end
    local B, W, precisions, scaled, pairs_of = encoders(g, p)
    local function squares(z, rest)
      return g:add(g:sum(g:multiply(g:square(rest), precisions), 2), g:sum(g:square(z), 2))
    end
    local function complete()
      local z = g:product(u, B)
      return z, joint_of(g, p, squares(z, g:subtract(u, g:product(z, W))))
    end
    local function gapped()
      local z, log_det = gaps.factors(g, row, g:product(u, scaled), pairs_of, M)
      local rest = g:filled(g:subtract(u, g:product(z, W)), row, 0)
      local value = g:subtract(g:constant(p.arrays.log_weights.values, { K, 1 }), log_det)
      return z, g:add(g:subtract(value, g:multiply(squares(z, rest), 0.5)), gaps.observed(g, row, list, { K, 1, D }))
    end
    local z, joint
    if g.missing then z, joint = g:choose(g:any_missing(row), gapped, complete) else z, joint = complete() end
    return { z = z, W = W, joint = joint }
  end)
end

local function of_model(p, model, kind, options)
  local joints, expect
  if kind == "mppca" then
    local infer = densities.factors(p)
    joints = function(g, row) return infer(g, row).joint end
    expect = function(g, row)
      local found = infer(g, row)
      return found.z and g:add(g:product(found.z, found.W), means_of(g, p)) or means_of(g, p)
    end
  elseif p.arrays.roots then
    joints, expect = dense(p, model)
  else
    local means
    joints, means = diagonal(p)
    expect = function(g) return means(g, p) end
  end
  return densities.methods(p.sizes.K, joints, p.sizes.D, options.missing and expect or nil)
end

return setmetatable(densities, { __call = function(_, ...) return of_model(...) end })
