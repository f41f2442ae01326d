-- latent.eigen: symmetric and generalized problems.
local latent = require "latent"
local helper = require "helper"
local matrix, eigen = latent.matrix, latent.eigen
local pi, cos, sqrt = math.pi, math.cos, math.sqrt

local function hilbert(n)
  return matrix(n, n, function(i, j) return 1 / (i + j - 1) end)
end

-- Close pairs of eigenvalues: |i - 11| on the diagonal, ones beside it.
local function wilkinson()
  return matrix(21, 21, function(i, j)
    return i == j and math.abs(i - 11) or math.abs(i - j) == 1 and 1 or 0
  end)
end

local function laplacian(n)
  return matrix(n, n, function(i, j) return i == j and 2 or math.abs(i - j) == 1 and -1 or 0 end)
end

-- The symmetric matrix with the given eigenvalues, and random vectors.
local function with_values(values, seed)
  local n = #values
  local Q = matrix.normal(n, n, seed):qr()
  local A = Q * matrix.diag(values) * Q:t()
  return matrix(n, n, function(i, j) return (A(i, j) + A(j, i)) / 2 end)
end

-- A V = B V diag(values) to tolerance * scale, V' B V = I, values descend, the largest entries are positive.
local function check_pairs(A, values, V, scale, B)
  local n, k = #A, #values
  local BV = B and B * V or V
  assert.are.equal(n, V.rows)
  assert.are.equal(k, V.cols)
  assert.near_matrix(BV * matrix.diag(values) * (1 / scale), A * V * (1 / scale), 1e-12)
  assert.near_matrix(matrix.eye(k), V:t() * BV, 1e-12)
  for j = 1, k do
    if j > 1 then assert.is_true(values[j] <= values[j - 1]) end
    local largest = 0
    for i = 1, n do
      if math.abs(V(i, j)) > math.abs(largest) * (1 + 1e-10) then largest = V(i, j) end
    end
    assert.is_true(largest > 0)
  end
end

local SOLVERS = { "auto", "full", "partial", "krylov" }

-- All solvers, all useful k; `expected` descends.
local function check_symmetric(A, expected, tolerance)
  local n, scale = #expected, math.max(math.abs(expected[1]), math.abs(expected[#expected]), 1e-300)
  for _, solver in ipairs(SOLVERS) do
    for _, k in ipairs { 1, math.min(3, n), n } do
      local values, V = eigen.symmetric(A, { k = k, solver = solver })
      assert.near_matrix({ table.unpack(expected, 1, k) }, values, tolerance)
      check_pairs(A, values, V, scale)
      local only, none = eigen.symmetric(A, { k = k, solver = solver, vectors = false })
      assert.near_matrix(values, only, 1e-13 * scale)
      assert.is_nil(none)
    end
  end
end

describe("eigen.symmetric", function()
  -- mpmath 1.4.1 with 40 digits
  it("gives the values of Hilbert matrices", function()
    check_symmetric(hilbert(5), { 1.5670506910982308, 0.20853421861101334, 0.011407491623419807,
      0.00030589804015119173, 3.287928772171863e-6 }, 1e-15)
    check_symmetric(hilbert(8), { 1.6959389969219495, 0.29812521131693071, 0.026212843578119048,
      0.0014676881177418673, 5.4369433697499424e-5, 1.2943320918728115e-6, 1.7988737458175767e-8,
      1.1115389663724424e-10 }, 2e-15)
  end)

  it("gives the close pairs of Wilkinson's matrix, with orthogonal vectors", function()
    check_symmetric(wilkinson(), { 10.746194182903393, 10.746194182903322, 9.2106786473613321, 9.2106786473049186,
      8.0389411228290232, 8.0389411158142733, 7.0039522095286757, 7.003951798616375, 6.000234031584167,
      6.0002175222570981, 5.000244425001913, 4.9997824777429019, 4.0043540234408567, 3.996048201383625,
      3.0430992925788237, 2.9610588841857267, 2.130209219362506, 1.7893213526950814, 0.94753436752929328,
      0.25380581709667817, -1.1254415221199842 }, 2e-14)
  end)

  it("gives 2 - 2 cos(pi j / (n + 1)) for the second difference", function()
    local n, expected = 60, {}
    for j = 1, n do expected[j] = 2 - 2 * cos(pi * (n + 1 - j) / (n + 1)) end
    check_symmetric(laplacian(n), expected, 1e-14)
    local _, V = eigen.symmetric(laplacian(n))
    for i = 1, n do   -- the smallest value's vector is half a sine
      assert.near_matrix(sqrt(2 / (n + 1)) * math.sin(pi * i / (n + 1)), V(i, n), 1e-12)
    end
  end)

  it("gives 1 / (4 sin^2((2j - 1) pi / (4n + 2))) for min(i, j)", function()
    local n, expected = 30, {}
    for j = 1, n do expected[j] = 1 / (4 * math.sin((2 * j - 1) * pi / (4 * n + 2)) ^ 2) end
    check_symmetric(matrix(n, n, math.min), expected, 1e-14 * expected[1])
  end)

  it("gives Rosser's values: a double one, three close ones, a zero, and opposite ones", function()
    local R = matrix {
      { 611, 196, -192, 407, -8, -52, -49, 29 }, { 196, 899, 113, -192, -71, -43, -8, -44 },
      { -192, 113, 899, 196, 61, 49, 8, 52 }, { 407, -192, 196, 611, 8, 44, 59, -23 },
      { -8, -71, 61, 8, 411, -599, 208, 208 }, { -52, -43, 49, 44, -599, 411, 208, 208 },
      { -49, -8, 8, 59, 208, 208, 99, -911 }, { 29, -44, 52, -23, 208, 208, -911, 99 } }
    check_symmetric(R, { 10 * sqrt(10405), 1020, 510 + 100 * sqrt(26), 1000, 1000, 510 - 100 * sqrt(26), 0,
      -10 * sqrt(10405) }, 2e-12)
  end)

  it("takes repeated values: the identity, rank one, zero", function()
    local ones, zeros = {}, {}
    for i = 1, 40 do ones[i], zeros[i] = 1, 0 end
    check_symmetric(matrix.eye(40), ones, 1e-14)
    check_symmetric(matrix.zeros(40, 40), zeros, 0)
    local u = matrix.range(1, 40)
    zeros[1] = 40 * 41 * 81 / 6
    check_symmetric(u:outer(u), zeros, 1e-10)
  end)

  it("gives orthogonal vectors in clusters, of any tightness", function()
    local values = {}
    for i = 1, 120 do
      values[i] = i <= 10 and 1 or i <= 20 and 1 - 1e-13 * i or i <= 40 and 1 - 1e-8 * i or 0.9 / i
    end
    check_symmetric(with_values(values, 7), values, 1e-13)
  end)

  it("takes large matrices through every solver", function()
    local values = {}
    for i = 1, 420 do values[i] = 3 * 0.8 ^ i + (i <= 420 / 2 and 1e-3 or -1e-3) end
    local A = with_values(values, 3)
    for _, solver in ipairs(SOLVERS) do
      local found, V = eigen.symmetric(A, { k = 12, solver = solver })
      assert.near_matrix({ table.unpack(values, 1, 12) }, found, 1e-13)
      check_pairs(A, found, V, 3)
    end
    -- slow to converge: the Krylov solver gives way
    local found, V = eigen.symmetric(laplacian(420), { k = 2 })
    assert.near_matrix({ 2 + 2 * cos(pi / 421), 2 + 2 * cos(2 * pi / 421) }, found, 1e-13)
    check_pairs(laplacian(420), found, V, 4)
  end)

  it("takes one by one, and diagonal matrices in any order", function()
    local values, V = eigen.symmetric { { -3 } }
    assert.near_matrix({ -3 }, values, 0)
    assert.near_matrix({ { 1 } }, V, 0)
    check_symmetric(matrix.diag { 2, -5, 7, 0, 2 }, { 7, 2, 2, 0, -5 }, 1e-14)
  end)

  it("loses nothing at tiny and huge scales", function()
    for _, scale in ipairs { 1e-300, 1e-160, 1e160, 1e300 } do
      local values, V = eigen.symmetric(wilkinson() * scale)
      assert.near_matrix(eigen.symmetric(wilkinson()), values * (1 / scale), 1e-13)
      check_pairs(wilkinson(), values * (1 / scale), V, 10)
    end
    assert.near_matrix({ 5e-324 }, eigen.symmetric { { 5e-324 } }, 0)
  end)

  it("takes views and float32", function()
    local A = matrix.zeros(8, 8)
    A:block(2, 6, 3, 7):assign(hilbert(5))
    assert.near_matrix(eigen.symmetric(hilbert(5)), eigen.symmetric(A:block(2, 6, 3, 7):t()), 1e-15)
    assert.near_matrix({ 3, 1 }, eigen.symmetric(matrix({ { 2, 1 }, { 1, 2 } }):to("float32")), 1e-15)
  end)

  it("fixes the sign of vectors with ties by the first of the largest entries", function()
    local _, V = eigen.symmetric { { 0, 1 }, { 1, 0 } }
    assert.near_matrix({ { sqrt(0.5), sqrt(0.5) }, { sqrt(0.5), -sqrt(0.5) } }, V, 1e-15)
  end)

  it("says what is wrong with its arguments", function()
    local fails, symmetric = helper.fails, eigen.symmetric
    fails("eigen.symmetric: A must be symmetric, but entry (1, 2) is 2 and (2, 1) is 3", symmetric,
      { { 1, 2 }, { 3, 4 } })
    fails("eigen.symmetric: A must be square, got a 2x3 matrix", symmetric, matrix.zeros(2, 3))
    fails("eigen.symmetric: A must be square, got a vector of 3", symmetric, matrix { 1, 2, 3 })
    fails("eigen.symmetric: A has NaN at row 1, column 2", symmetric, { { 1, 0 / 0 }, { 0 / 0, 1 } })
    fails("eigen.symmetric: A has an infinity at row 2, column 2", symmetric, { { 1, 0 }, { 0, 1 / 0 } })
    fails("eigen.symmetric: k must be an integer from 1 to 2, got 0", symmetric, matrix.eye(2), { k = 0 })
    fails("eigen.symmetric: k must be an integer from 1 to 2, got 3", symmetric, matrix.eye(2), { k = 3 })
    fails("unknown option 'vector', did you mean 'vectors'?", symmetric, matrix.eye(2), { vector = false })
    fails("unknown solver 'fast'", symmetric, matrix.eye(2), { solver = "fast" })
    fails("eigen.symmetric: A must be a matrix, got string", symmetric, "A")
  end)

  it("takes a difference of the halves that is rounding, and no more", function()
    local A = hilbert(4)
    A[1][3] = A(1, 3) * (1 + 1e-12)
    assert.near_matrix(eigen.symmetric(hilbert(4)), eigen.symmetric(A), 1e-11)
    A[1][3] = A(1, 3) * (1 + 1e-8)
    helper.fails("A must be symmetric", eigen.symmetric, A)
  end)
end)

describe("eigen.generalized", function()
  it("gives c when A = c B", function()
    local B = hilbert(4)
    local values, V = eigen.generalized(B * 2.5, B)
    assert.near_matrix({ 2.5, 2.5, 2.5, 2.5 }, values, 1e-10)
    assert.near_matrix(matrix.eye(4), V:t() * B * V, 1e-10)
  end)

  it("gives quotients for diagonal matrices", function()
    local values, V = eigen.generalized(matrix.diag { 1, 6, -4 }, matrix.diag { 4, 2, 1 })
    assert.near_matrix({ 3, 0.25, -4 }, values, 1e-15)
    assert.near_matrix({ { 0, 0.5, 0 }, { sqrt(0.5), 0, 0 }, { 0, 0, 1 } }, V, 1e-15)
  end)

  -- stiffness and mass of n linear elements of a string: lambda_j = 6 (1 - c) / (2 + c), c = cos(pi j / (n + 1))
  it("gives the frequencies of a string of finite elements", function()
    local n, expected = 50, {}
    for j = 1, n do
      local c = cos(pi * (n + 1 - j) / (n + 1))
      expected[j] = 6 * (1 - c) / (2 + c)
    end
    local A = laplacian(n)
    local B = matrix(n, n, function(i, j) return i == j and 4 / 6 or math.abs(i - j) == 1 and 1 / 6 or 0 end)
    for _, k in ipairs { 1, 7, n } do
      local values, V = eigen.generalized(A, B, { k = k })
      assert.near_matrix({ table.unpack(expected, 1, k) }, values, 1e-12)
      check_pairs(A, values, V, 4, B)
      assert.near_matrix(values, eigen.generalized(A, B, { k = k, vectors = false }), 1e-12)
    end
  end)

  it("loses nothing at tiny and huge scales of either matrix", function()
    local A, B = laplacian(6), hilbert(3)
    A = A:block(1, 3, 1, 3)
    local values, V = eigen.generalized(A, B)
    for _, scale in ipairs { 2.0 ^ -900, 2.0 ^ -901, 2.0 ^ 901 } do
      assert.near_matrix(values, (eigen.generalized(A * scale, B)) * (1 / scale), 1e-12)
      local scaled, W = eigen.generalized(A * scale, B * scale)
      assert.near_matrix(values, scaled, 1e-10)
      assert.near_matrix(V, W * sqrt(scale), 1e-12)
    end
  end)

  it("says what is wrong with its arguments", function()
    local fails, generalized, I = helper.fails, eigen.generalized, matrix.eye(2)
    fails("eigen.generalized: B must be positive definite, but its leading minor of order 2 is not", generalized, I,
      { { 1, 2 }, { 2, 1 } })
    fails("eigen.generalized: A is 2x2 and B is 3x3", generalized, I, matrix.eye(3))
    fails("eigen.generalized: B must be symmetric", generalized, I, { { 1, 2 }, { 0, 1 } })
    fails("eigen.generalized: B has NaN at row 1, column 1", generalized, I, { { 0 / 0, 0 }, { 0, 1 } })
    fails("eigen.generalized: A must be square", generalized, matrix.zeros(2, 3), I)
  end)
end)
