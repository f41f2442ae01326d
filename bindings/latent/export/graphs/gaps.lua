-- What graphs of Gaussian models say of rows with missing entries (export/onnx.lua). Not exported.
--
-- A matrix of a row's observed entries has the rows and columns of the others replaced by those of the identity, so
-- that all have one size; it is factored a column at a time, whose nodes are repeated. Values are K x N and more.

local latent = require "latent"

local gaps = {}

local LOG_2PI = math.log(2 * math.pi)

-- ---- positive definite matrices ---------------------------------------------------------------------------

-- Of A (K x N x n x n) and e (K x N x n x 1), with A = L L' and z = inv(L) e: |z|^2 and log |L|, K x N; and a function
-- that gives inv(A) e.
local function factor(g, A, e, n)
  local steps, squares, log_det = {}, nil, nil
  for j = 1, n do
    local root = g:node("Sqrt", { g:slice(A, { 0, 0 }, { 1, 1 }, { 2, 3 }) })
    local z = g:divide(g:slice(e, { 0 }, { 1 }, { 2 }), root)
    local square, log = g:square(z), g:node("Log", { root })
    squares, log_det = squares and g:add(squares, square) or square, log_det and g:add(log_det, log) or log
    local column
    if j < n then
      column = g:divide(g:slice(A, { 1, 0 }, { n, 1 }, { 2, 3 }), root)
      local across = g:node("Transpose", { column }, { perm = { 0, 1, 3, 2 } })
      A = g:subtract(g:slice(A, { 1, 1 }, { n, n }, { 2, 3 }), g:multiply(column, across))
      e = g:subtract(g:slice(e, { 1 }, { n }, { 2 }), g:multiply(column, z))
    end
    steps[j] = { root = root, z = z, column = column }
  end
  local function solve()
    local solution
    for j = n, 1, -1 do
      local s = steps[j]
      local rest = s.z
      if solution then
        rest = g:subtract(rest, g:node("ReduceSum", { g:multiply(s.column, solution), g:places { 2 } }))
      end
      local own = g:divide(rest, s.root)
      solution = solution and g:node("Concat", { own, solution }, { axis = 2 }) or own
    end
    return solution
  end
  local function flat(value) return g:node("Squeeze", { value, g:places { 2, 3 } }) end
  return flat(squares), flat(log_det), solve
end

-- ---- densities ----------------------------------------------------------------------------------------------

-- sum of (log precision - log 2 pi)/2 over a row's observed entries: K x N, or 1 x N. `dims`: of the precisions.
function gaps.observed(g, row, precisions, dims)
  local halves = {}
  for i, x in ipairs(precisions) do halves[i] = (math.log(x) - LOG_2PI) / 2 end
  local _, present = g:missing_of(row)
  return g:sum(g:multiply(g:unsqueeze(present, 0), g:constant(halves, dims)), 2)
end

-- What a density of all columns has too little where entries are missing: minus the same sum over these.
function gaps.left_out(g, row, precisions, dims)
  local halves = {}
  for i, x in ipairs(precisions) do halves[i] = (LOG_2PI - math.log(x)) / 2 end
  local _, present = g:missing_of(row)
  return g:sum(g:multiply(g:unsqueeze(g:subtract(1, present), 0), g:constant(halves, dims)), 2)
end

-- Of Gaussian components with covariances of any form: the joint density, and, where it is wanted, what they expect,
-- m + S a with a = inv(S_oo) (x_o - m_o), 0 for missing entries. u: x - m, 0 there.
function gaps.dense(g, p, model, row, u, means)
  local K, D, list = p.sizes.K, p.sizes.D, {}
  local covariances = p.flags.tied and { model.covariances } or model.covariances
  for k = 1, p.flags.tied and 1 or K do
    for _, x in ipairs(covariances[k]:flatten():table()) do table.insert(list, x) end
  end
  local S = g:constant(list, { #list // (D * D), 1, D, D })
  local _, present = g:missing_of(row)
  local both = g:multiply(g:unsqueeze(present, 2), g:unsqueeze(present, 1))
  local alone = g:multiply(g:constant(latent.matrix.eye(D), { D, D }), g:unsqueeze(g:subtract(1, present), 2))
  local A, e = g:add(g:multiply(both, S), alone), g:unsqueeze(u, 3)
  local squares, log_det, solve = factor(g, A, e, D)
  local value = g:add(g:multiply(squares, 0.5), log_det)
  value = g:add(value, g:multiply(g:sum(present, 1), LOG_2PI / 2))
  value = g:subtract(g:constant(p.arrays.log_weights.values, { K, 1 }), value)
  if not g.wanted.impute then return value end
  return value, g:add(means, g:node("Squeeze", { g:product(S, solve()), g:places { 3 } }))
end

-- Of factor models: z = inv(G) b (K x N x M), G = I + W_o' inv(Psi_o) W_o, and log |L| of G = L L'. `pairs_of` has what
-- each column adds to G, K x D x M^2; b is K x N x M.
function gaps.factors(g, row, b, pairs_of, M)
  local _, present = g:missing_of(row)
  local G = g:node("Reshape", { g:product(g:unsqueeze(present, 0), pairs_of), g:places { 0, 0, M, M } })
  local _, log_det, solve = factor(g, g:add(G, g:constant(latent.matrix.eye(M), { M, M })), g:unsqueeze(b, 3), M)
  return g:node("Squeeze", { solve(), g:places { 3 } }), log_det
end

return gaps
