-- latent.eigen.largest: the Krylov solver, for matrices and for functions.
local latent = require "latent"
local helper = require "helper"
local matrix, eigen = latent.matrix, latent.eigen
local pi, cos = math.pi, math.cos

local function with_values(values, seed)
  local n = #values
  local Q = matrix.normal(n, n, seed):qr()
  local A = Q * matrix.diag(values) * Q:t()
  return matrix(n, n, function(i, j) return (A(i, j) + A(j, i)) / 2 end)
end

local function norm(values)
  return math.max(math.abs(values[1]), math.abs(values[#values]), 1e-300)
end

-- Residuals are as small as promised and as reported, vectors orthonormal, values those of the list (descending).
local function check(A, expected, k, options, tolerance)
  local values, V, info = eigen.largest(A, k, options)
  local scale = 1 / norm(expected)
  local promised = options and options.tolerance or 1e-10
  assert.is_true(info.converged)
  assert.is_true(info.iterations >= 1 and info.products >= info.iterations)
  assert.are.equal(k, #info.residuals)
  assert.near_matrix({ table.unpack(expected, 1, k) }, values, (tolerance or 1e-13) / scale)
  assert.near_matrix(matrix.eye(k), V:t() * V, 1e-12)
  local AV, VL = A * V * scale, V * matrix.diag(values) * scale
  for j = 1, k do
    local sum = 0
    for i = 1, #A do sum = sum + (AV(i, j) - VL(i, j)) ^ 2 end
    assert.is_true(info.residuals[j] * scale <= promised * (1 + 1e-12))
    -- with a block below k the reported one is a bound
    local reported, exact = info.residuals[j] * scale, math.sqrt(sum)
    assert.is_true(exact <= reported * (1 + 1e-3) + 1e-13)
    if not (options and options.block) and k <= 32 then
      assert.near_matrix(reported, exact, 1e-13 + 1e-3 * reported)
    end
  end
  return info
end

local function geometric(n, base)
  local values = {}
  for i = 1, n do values[i] = base ^ i - 0.01 * i / n end
  return values
end

describe("eigen.largest", function()
  it("agrees with known spectra", function()
    local values = geometric(300, 0.8)
    local A = with_values(values, 1)
    for _, k in ipairs { 1, 2, 10, 25, 40 } do check(A, values, k) end
    check(A, values, 6, { tolerance = 1e-13 })
    check(A, values, 6, { tolerance = 1e-3 }, 1e-4)
    check(A, values, 6, { block = 1 })
    check(A, values, 6, { block = 3, basis = 14, seed = 42 })
  end)

  it("stops at the requested residual, and not later", function()
    local A = with_values(geometric(300, 0.95), 1)
    local _, _, loose = eigen.largest(A, 5, { tolerance = 1e-3 })
    local _, _, tight = eigen.largest(A, 5, { tolerance = 1e-12 })
    assert.is_true(loose.converged and tight.converged and loose.products < tight.products)
  end)

  it("takes algebraically largest values, also when negative ones are larger in magnitude", function()
    local values = { 1, 0.5 }
    for i = 3, 200 do values[i] = -i / 20 end
    check(with_values(values, 4), values, 4)
    for i = 1, 200 do values[i] = -i / 20 end
    check(with_values(values, 4), values, 3)
  end)

  it("multiplies through a function, and never stores the operator", function()
    local n = 400
    local X = matrix.normal(n, 30, 9)
    local widths = {}
    local function multiply(V)
      assert.are.equal(n, V.rows)
      widths[V.cols] = true
      return X * (X:t() * V)
    end
    local values, V, info = eigen.largest(multiply, 7, { size = n })
    assert.is_true(info.converged)
    assert.near_matrix(eigen.symmetric(X:t() * X, { k = 7, vectors = false }), values, 1e-10)
    assert.near_matrix(multiply(V), V * matrix.diag(values), 1e-7)
    assert.is_true(widths[7])
  end)

  it("gives the function matrices that it may keep", function()
    local A, kept, products = with_values(geometric(60, 0.7), 2), {}, {}
    eigen.largest(function(V)
      kept[#kept + 1], products[#products + 1] = V, A * V
      return products[#products]
    end, 2, { size = 60 })
    for i = 1, #kept do assert.near_matrix(A * kept[i], products[i], 0) end
  end)

  it("converges on the clustered end of the second difference", function()
    local n, expected = 300, {}
    for j = 1, n do expected[j] = 2 + 2 * cos(pi * j / (n + 1)) end
    local A = matrix(n, n, function(i, j) return i == j and 2 or math.abs(i - j) == 1 and -1 or 0 end)
    check(A, expected, 4)
    check(A, expected, 4, { block = 2, basis = 60 })
  end)

  describe("with repeated values", function()
    local values = {}
    for i = 1, 300 do values[i] = i <= 9 and 1 or 0.8 - i / 600 end
    local A = with_values(values, 5)

    for _, block in ipairs { 1, 2, 4, 9, 12 } do
      it("finds all nine with a block of " .. block, function()
        check(A, values, 9, { block = block })
        check(A, values, 11, { block = block })
      end)
    end

    it("finds them among larger ones, and part of them", function()
      local mixed = { 3, 2, 1.5, 1.5, 1.5, 1.5, 1, 1, 1 }
      for i = 10, 250 do mixed[i] = 0.5 - i / 500 end
      local B = with_values(mixed, 6)
      for _, k in ipairs { 3, 5, 6, 8, 9 } do check(B, mixed, k, { block = 2 }) end
    end)
  end)

  it("takes the identity, zero and low ranks, whose Krylov spaces end early", function()
    local ones, zeros, rank = {}, {}, {}
    for i = 1, 150 do ones[i], zeros[i], rank[i] = 1, 0, i <= 3 and 4 - i or 0 end
    for _, block in ipairs { 1, 3, 8 } do
      check(matrix.eye(150), ones, 8, { block = block })
      check(matrix.zeros(150, 150), zeros, 8, { block = block })
      check(with_values(rank, 3), rank, 8, { block = block })
      local values, V, info = eigen.largest(with_values(rank, 3) * -1, 8, { block = block })
      assert.is_true(info.converged)
      assert.near_matrix({ table.unpack(zeros, 1, 8) }, values, 1e-13)
      assert.near_matrix(matrix.eye(8), V:t() * V, 1e-12)
    end
  end)

  it("is exact where the basis reaches the size: k = n, k near n, tiny sizes", function()
    for n = 1, 12 do
      local values = geometric(n, 0.6)
      local A = with_values(values, n)
      for k = 1, n do check(A, values, k) end
    end
    local values = geometric(100, 0.97)
    local A = with_values(values, 8)
    for _, k in ipairs { 90, 99, 100 } do check(A, values, k) end
    check(A, values, 90, { block = 3, basis = 96 })
  end)

  it("starts from given directions", function()
    local values = geometric(300, 0.95)
    local A = with_values(values, 1)
    local _, V = eigen.largest(A, 5)
    local cold, warm = check(A, values, 5), check(A, values, 5, { start = V })
    assert.is_true(warm.products < cold.products)
    check(A, values, 5, { start = matrix.zeros(300, 2) })
    check(A, values, 5, { start = matrix.ones(300, 40) * 1e200 })
    check(A, values, 5, { start = V:block(1, 300, 1, 1), block = 2 })
  end)

  it("loses nothing at tiny and huge scales", function()
    local values = geometric(120, 0.8)
    for _, scale in ipairs { 1e-295, 1e290 } do
      local A = with_values(values, 1) * scale
      for _, operator in ipairs { A, function(V) return A * V end } do
        local found, _, info = eigen.largest(operator, 4, { size = 120 })
        assert.is_true(info.converged)
        assert.near_matrix({ table.unpack(values, 1, 4) }, found * (1 / scale), 1e-13)
      end
    end
  end)

  it("reports not converging, with the best pairs so far", function()
    local values = geometric(400, 0.995)
    local A = with_values(values, 2)
    local found, V, info = eigen.largest(A, 5, { max_iterations = 6 })
    assert.is_false(info.converged)
    assert.are.equal(6, info.iterations)
    assert.are.equal(30, info.products)
    assert.is_true(info.residuals[1] > 1e-10 and info.residuals[1] < 0.1)
    assert.near_matrix(values[1], found[1], 0.02)
    assert.near_matrix(matrix.eye(5), V:t() * V, 1e-12)
    local few = eigen.largest(A, 30, { max_iterations = 1, block = 2 })   -- as many products as k vectors need
    assert.are.equal(30, #few)
  end)

  it("depends on the seed only, never on threads", function()
    local A = with_values(geometric(300, 0.9), 1)
    local threads = latent.threads()
    local function run(n, seed)
      latent.threads(n)
      local values, V = eigen.largest(A, 5, { seed = seed })
      return { values:table(), V:table() }
    end
    local one, two, other = run(1, 7), run(2, 7), run(2, 8)
    latent.threads(threads)
    assert.are.same(one, two)
    assert.are_not.same(one, other)
    assert.near_matrix(one[1], other[1], 1e-13)
  end)

  it("lets an error in the function pass, and works on", function()
    local A, calls = with_values(geometric(100, 0.9), 1), 0
    local thrown = {}
    local ok, message = pcall(eigen.largest, function(V)
      calls = calls + 1
      if calls == 3 then error(thrown) end
      return A * V
    end, 3, { size = 100 })
    assert.is_false(ok)
    assert.are.equal(thrown, message)
    check(A, geometric(100, 0.9), 3)
  end)

  it("may be used inside its own function", function()
    local values = geometric(80, 0.8)
    local A = with_values(values, 1)
    local found = eigen.largest(function(V)
      local inner = eigen.largest(function(W) return A * W end, 1, { size = 80 })
      assert.near_matrix(values[1], inner[1], 1e-13)
      return A * V
    end, 2, { size = 80 })
    assert.near_matrix({ values[1], values[2] }, found, 1e-13)
  end)

  it("says what is wrong with the operator", function()
    local function fails(part, f) helper.fails("eigen.largest: " .. part, eigen.largest, f, 2, { size = 50 }) end
    fails("the function must return a 50x4 matrix, got nil", function() end)
    fails("the function must return a 50x4 matrix, got number", function() return 3 end)
    fails("the function must return a 50x4 matrix, got a 4x50 matrix", function(V) return V:t() end)
    fails("the product has NaN at row 1, column 1", function(V) return V * (0 / 0) end)
    fails("the product has an infinity at row", function(V) return V * math.huge end)
    local N = matrix.normal(50, 50, 1)
    fails("the operator must be symmetric", function(V) return N * V end)
    helper.fails("eigen.largest: A must be symmetric, but entry (1, 2)", eigen.largest, N, 2)
    helper.fails("eigen.largest: A must be square", eigen.largest, matrix.zeros(3, 4), 2)
    helper.fails("eigen.largest: A has NaN at row 1, column 1", eigen.largest, { { 0 / 0 } }, 1)
  end)

  it("says what is wrong with its options", function()
    local function fails(part, k, options, operator)
      helper.fails("eigen.largest: " .. part, eigen.largest, operator or matrix.eye(9), k, options)
    end
    fails("k must be from 1 to the size 9, got 10", 10)
    fails("k must be an integer >= 1, got 0", 0)
    fails("a function needs the option size", 1, nil, print)
    fails("size is 8, but A has 9 rows", 1, { size = 8 })
    fails("tolerance must be from", 1, { tolerance = 0 })
    fails("basis must be at least k + 2*block = 8, got 7", 2, { block = 3, basis = 7 })
    fails("block must be an integer from 1", 2, { block = 0 })
    fails("start must have 9 rows, got 8", 2, { start = matrix.eye(8) })
    fails("start has NaN at row 1, column 1", 1, { start = matrix.ones(9, 1) * (0 / 0) })
    fails("unknown option 'tol'", 1, { tol = 1 })
  end)
end)
