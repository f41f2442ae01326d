local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local state = 3
local function draw()
  state = (state * 1664525 + 1013904223) % 2 ^ 32
  return state / 2 ^ 32 - 0.5
end
local function random(n, m) return matrix(n, m, draw) end
local function eye(n) return matrix.eye(n) end

-- The largest magnitude in A - B.
local function distance(A, B)
  local worst, a, b = 0, A:table(), B:table()
  for i = 1, #a do
    local row, other = a[i], b[i]
    if type(row) == "number" then row, other = { row }, { other } end
    for j = 1, #row do worst = math.max(worst, math.abs(row[j] - other[j])) end
  end
  return worst
end

-- U diag(s) V'
local function compose(U, s, V) return U * matrix.diag(s) * V:t() end

-- Layouts of the same matrix: as it is, a transpose, a block of a larger one.
local function views(A)
  local n, m = A.rows, A.cols
  local T, large = matrix.zeros(m, n), matrix.zeros(n + 2, m + 3)
  T:t():assign(A)
  local block = large:block(2, n + 1, 3, m + 2)
  block:assign(A)
  return { A, T:t(), block }
end

local nan, huge = 0 / 0, math.huge
local shapes = { { 1, 1 }, { 1, 4 }, { 4, 1 }, { 5, 5 }, { 9, 4 }, { 4, 9 }, { 70, 40 }, { 40, 70 } }

-- The Hilbert matrix, its determinant and its inverse in closed form (Choi, American Mathematical
-- Monthly 90, 1983): condition numbers from 1 to 1.6e13 at n = 10.
local function hilbert(n)
  return matrix(n, n, function(i, j) return 1 / (i + j - 1) end)
end
local function hilbert_logdet(n) -- log(c(n)^4 / c(2n)) with c(m) = 1! 2! ... (m-1)!
  local function log_c(m)
    local c = 0
    for i = 2, m - 1 do c = c + (m - i) * math.log(i) end
    return c
  end
  return 4 * log_c(n) - log_c(2 * n)
end
local function choose(n, k)
  local c = 1
  for i = 1, k do c = c * (n - k + i) // i end
  return c
end
local function hilbert_inverse(n)
  return matrix(n, n, function(i, j)
    local product = choose(n + i - 1, n - j) * choose(n + j - 1, n - i) * choose(i + j - 2, i - 1) ^ 2
    return (-1) ^ (i + j) * (i + j - 1) * product
  end)
end

describe("Hilbert matrices", function()
  it("have their known determinants", function()
    -- 1/det is 1, 12, 2160, 6048000, 266716800000 (OEIS A005249)
    for n, reciprocal in ipairs { 1, 12, 2160, 6048000, 266716800000 } do
      assert.near_matrix(1, hilbert(n):det() * reciprocal, 1e-11)
    end
    for n = 1, 8 do
      local log, sign = hilbert(n):logdet()
      assert.equal(1, sign)
      assert.near_matrix(hilbert_logdet(n), log, 1e-6)
    end
  end)

  it("have their known integer inverses", function()
    for n = 1, 6 do
      local known = hilbert_inverse(n)
      local inverse, rcond = hilbert(n):inverse()
      assert.is_true(distance(known, inverse) <= 1e-15 / rcond * known:norm("max"))
      assert.is_true(rcond <= 1 and rcond > 1e-8)
    end
  end)

  it("give solutions with small residuals, and say how ill-conditioned they are", function()
    for n = 2, 12 do
      local H, ones = hilbert(n), matrix.ones(n)
      for _, kind in ipairs { "general", "symmetric", "positive" } do
        local x, rcond = H:solve(H * ones, { kind = kind })
        assert.near_matrix(H * ones, H * x, 1e-14)
        local known = 1 / (H:norm(1) * hilbert_inverse(n):norm(1))
        if n < 10 then assert.is_true(rcond > 0.9 * known and rcond < 3 * known) end
      end
    end
    local _, rcond = hilbert(14):solve(matrix.ones(14))
    assert.is_true(rcond < 1e-15)
  end)
end)

describe("A:solve", function()
  it("solves general systems, for vectors and matrices, in every layout", function()
    for _, n in ipairs { 1, 2, 5, 33, 120 } do
      for _, A in ipairs(views(random(n, n))) do
        for _, X in ipairs(views(random(n, 3))) do
          local solution, rcond = A:solve(A * X)
          assert.is_true(distance(X, solution) < 1e-13 / rcond)
        end
        local x = random(n, 1):col(1)
        local solution, rcond = A:solve(A * x)
        assert.equal(n, #solution)
        assert.is_number(solution[1])
        assert.is_true(distance(x, solution) < 1e-13 / rcond)
      end
    end
  end)

  it("knows symmetric, positive definite and triangular matrices", function()
    for _, n in ipairs { 1, 4, 31 } do
      local G, b = random(n, n), random(n, 2)
      local cases = {
        symmetric = matrix(n, n, function(i, j) return G(i, j) + G(j, i) end),
        positive = matrix(n, n, function(i, j) return G[i] * G[j] + (i == j and 1 or 0) end),
        upper = matrix(n, n, function(i, j) return i == j and 2 + i or i < j and G(i, j) or 0 end),
        lower = matrix(n, n, function(i, j) return i == j and -2 - i or i > j and G(i, j) or 0 end),
      }
      for kind, A in pairs(cases) do
        for _, view in ipairs(views(A)) do
          local X, rcond = view:solve(b, { kind = kind })
          local Y, general = view:solve(b)
          assert.is_true(distance(X, Y) < 1e-13 / general, kind)
          assert.near_matrix(general, rcond, 0.7 * general)
        end
      end
    end
  end)

  it("does not read the other triangle of a triangular matrix", function()
    assert.near_matrix({ 1, 2 }, matrix { { 1, 1 }, { nan, 2 } }:solve({ 3, 4 }, { kind = "upper" }), 0)
    assert.near_matrix({ 3, -1 }, matrix { { 1, huge }, { 1, 1 } }:solve({ 3, 2 }, { kind = "lower" }), 0)
  end)

  it("keeps float32, computing in float64", function()
    local A, b = matrix { { 2, 1 }, { 1, 3 } }:to("float32"), matrix { 1, 2 }
    assert.equal("float32", A:solve(b:to("float32")).dtype)
    assert.equal("float64", A:solve(b).dtype)
    assert.near_matrix({ 0.2, 0.6 }, A:solve(b), 1e-15)
  end)

  it("does least squares when A isn't square", function()
    local A = matrix { { 1, 1 }, { 1, 2 }, { 1, 3 } }
    assert.near_matrix({ -2 / 3, 3 / 2 }, A:solve { 1, 2, 4 }, 1e-14)
    assert.near_matrix({ 1, 1, 1 }, matrix { { 1, 1, 1 } }:solve { 3 }, 1e-14)
  end)

  it("raises for singular and unfit input", function()
    local S = matrix { { 1, 2 }, { 2, 4 } }
    helper.fails("A:solve: A is singular: pivot 2 of 2 is 0", S.solve, S, { 1, 2 })
    helper.fails("A is singular: pivot 1 of 2 is 0", S.solve, matrix.zeros(2, 2), { 1, 2 }, { kind = "symmetric" })
    helper.fails("leading minor of order 2 isn't positive", S.solve, S, { 1, 2 }, { kind = "positive" })
    local U = matrix { { 1, 2 }, { 2, 0 } }
    helper.fails("element [2,2] of its diagonal is 0", S.solve, U, { 1, 2 }, { kind = "upper" })
    helper.fails("[2,1] is 3 and [1,2] is 2", S.solve, matrix { { 1, 2 }, { 3, 4 } }, { 1, 2 }, { kind = "symmetric" })
    helper.fails("A is 2x2 and B is 3x1: 2 rows against 3", S.solve, S, { 1, 2, 3 })
    helper.fails("A must be square, got 1x2", S.solve, matrix { { 1, 2 } }, { 1 }, { kind = "positive" })
    helper.fails("row 1, column 2", S.solve, matrix { { 1, nan }, { 0, 1 } }, { 1, 2 })
    helper.fails("B has", S.solve, eye(2), { 1, huge })
    helper.fails("positive", S.solve, S, { 1, 2 }, { kind = "posit" })
    helper.fails("'kind'", S.solve, S, { 1, 2 }, { knid = "general" })
  end)
end)

-- NIST Statistical Reference Datasets (www.itl.nist.gov/div898/strd): the data and the certified
-- coefficients and sums of squares.
local longley = matrix {
  { 60323, 83.0, 234289, 2356, 1590, 107608, 1947 }, { 61122, 88.5, 259426, 2325, 1456, 108632, 1948 },
  { 60171, 88.2, 258054, 3682, 1616, 109773, 1949 }, { 61187, 89.5, 284599, 3351, 1650, 110929, 1950 },
  { 63221, 96.2, 328975, 2099, 3099, 112075, 1951 }, { 63639, 98.1, 346999, 1932, 3594, 113270, 1952 },
  { 64989, 99.0, 365385, 1870, 3547, 115094, 1953 }, { 63761, 100.0, 363112, 3578, 3350, 116219, 1954 },
  { 66019, 101.2, 397469, 2904, 3048, 117388, 1955 }, { 67857, 104.6, 419180, 2822, 2857, 118734, 1956 },
  { 68169, 108.4, 442769, 2936, 2798, 120445, 1957 }, { 66513, 110.8, 444546, 4681, 2637, 121950, 1958 },
  { 68655, 112.6, 482704, 3813, 2552, 123366, 1959 }, { 69564, 114.2, 502601, 3931, 2514, 125368, 1960 },
  { 69331, 115.7, 518173, 4806, 2572, 127852, 1961 }, { 70551, 116.9, 554894, 4007, 2827, 130081, 1962 },
}
local longley_certified = {
  -3482258.63459582, 15.0618722713733, -0.358191792925910E-01, -2.02022980381683, -1.03322686717359,
  -0.511041056535807E-01, 1829.15146461355,
}

describe("A:least_squares", function()
  it("has nine digits of NIST's Longley, with a condition number of 5e9", function()
    local A = matrix(16, 7, function(i, j) return j == 1 and 1 or longley(i, j) end)
    local x, rank, residual = A:least_squares(longley:col(1))
    for j = 1, 7 do assert.near_matrix(1, x[j] / longley_certified[j], 1e-9) end
    assert.equal(7, rank)
    assert.near_matrix(1, residual / 836424.055505915, 1e-9)
  end)

  it("has nine digits of NIST's Wampler 1 and 2, polynomials of degree 5", function()
    local A = matrix(21, 6, function(i, j) return (i - 1.0) ^ (j - 1) end)
    for _, coefficients in ipairs { { 1, 1, 1, 1, 1, 1 }, { 1, 0.1, 0.01, 0.001, 0.0001, 0.00001 } } do
      local y = matrix(21, 1, function(i)
        local sum = 0
        for j = 6, 1, -1 do sum = sum * (i - 1) + coefficients[j] end
        return sum
      end)
      local x, rank = A:least_squares(y:col(1))
      for j = 1, 6 do assert.near_matrix(1, x[j] / coefficients[j], 1e-9) end
      assert.equal(6, rank)
    end
  end)

  it("leaves residuals orthogonal to the columns", function()
    for _, A in ipairs(views(random(30, 7))) do
      local B = random(30, 4)
      local X, rank, residual = A:least_squares(B)
      local R = matrix(30, 4, function(i, j) return B(i, j) - A[i] * X:col(j) end)
      assert.near_matrix(matrix.zeros(7, 4), A:t() * R, 1e-13)
      assert.equal(7, rank)
      assert.near_matrix(R:dot(R), residual, 1e-12)
    end
  end)

  it("finds the smallest solution when there are many", function()
    for _, shape in ipairs { { 4, 9, 4 }, { 9, 6, 3 }, { 6, 9, 3 }, { 1, 5, 1 }, { 5, 1, 1 } } do
      local n, d, rank = table.unpack(shape)
      local A = random(n, rank) * random(rank, d)
      for _, view in ipairs(views(A)) do
        local b = random(n, 1):col(1)
        local x, found = view:least_squares(b)
        assert.equal(rank, found)
        -- the same through the pseudo-inverse, and orthogonal to A's null space
        assert.near_matrix(A:pinv() * b, x, 1e-11)
        assert.near_matrix(A:pinv() * (A * x), x, 1e-11)
      end
    end
  end)

  it("takes a tolerance", function()
    local A = matrix { { 1, 0 }, { 0, 1e-3 }, { 0, 0 } }
    local x, rank = A:least_squares({ 1, 1, 2 }, { tolerance = 0.01 })
    assert.near_matrix({ 1, 0 }, x, 1e-15)
    assert.equal(1, rank)
    local _, full, residual = A:least_squares { 1, 1, 2 }
    assert.equal(2, full)
    assert.near_matrix(4, residual, 1e-14)
    helper.fails("tolerance", A.least_squares, A, { 1, 1, 2 }, { tolerance = -1 })
  end)

  it("of zeros is zero, of rank 0", function()
    local x, rank, residual = matrix.zeros(3, 2):least_squares { 1, 2, 2 }
    assert.near_matrix({ 0, 0 }, x, 0)
    assert.equal(0, rank)
    assert.equal(9, residual)
  end)

  it("raises for NaN and unfit shapes", function()
    helper.fails("row 2, column 1", eye(2).least_squares, matrix { { 1 }, { nan } }, { 1, 2 })
    helper.fails("A is 3x2 and B is 2x1: 3 rows against 2", eye(2).least_squares, matrix.ones(3, 2), { 1, 2 })
  end)
end)

describe("A:cholesky", function()
  it("agrees with NumPy", function()
    -- numpy 2.4.6: numpy.linalg.cholesky
    local L = matrix { { 4, 1, 2 }, { 1, 3, 0 }, { 2, 0, 5 } }:cholesky()
    assert.near_matrix({ { 2, 0, 0 }, { 0.5, 1.6583124, 0 }, { 1, -0.30151134, 1.97714211 } }, L, 1e-8)
  end)

  it("gives L with A = L L', zero above the diagonal", function()
    for _, n in ipairs { 1, 6, 90 } do
      local G = random(n, n + 3)
      for _, A in ipairs(views(G * G:t())) do
        local L = A:cholesky()
        assert.near_matrix(A, L * L:t(), 1e-13)
        for i = 1, math.min(n, 6) do
          assert.is_true(L(i, i) > 0)
          for j = i + 1, n do assert.equal(0, L(i, j)) end
        end
      end
    end
  end)

  it("names the minor that isn't positive", function()
    local A = matrix { { 2, 0, 0 }, { 0, 1, 2 }, { 0, 2, 4 } }
    helper.fails("A:cholesky: A is not positive definite: its leading minor of order 3", A.cholesky, A)
    helper.fails("of order 1", A.cholesky, matrix { { -1 } })
    helper.fails("must be symmetric, but [2,1] is 1 and [1,2] is 2", A.cholesky, matrix { { 4, 2 }, { 1, 4 } })
    helper.fails("must be square, got 2x1", A.cholesky, matrix { { 4 }, { 1 } })
    helper.fails("row 1, column 1", A.cholesky, matrix { { nan } })
  end)

  it("lets rounding pass as symmetric", function()
    assert.near_matrix({ { 2, 0 }, { 0.5, math.sqrt(3.75) } }, matrix { { 4, 1 + 1e-13 }, { 1, 4 } }:cholesky(), 1e-12)
  end)
end)

describe("A:qr", function()
  it("gives orthonormal Q and R >= 0 on its diagonal with A = Q R", function()
    for _, shape in ipairs(shapes) do
      for _, A in ipairs(views(random(shape[1], shape[2]))) do
        local Q, R = A:qr()
        local r = math.min(A.rows, A.cols)
        assert.near_matrix(A, Q * R, 1e-13)
        assert.near_matrix(eye(r), Q:t() * Q, 1e-13)
        for i = 1, r do
          assert.is_true(R(i, i) >= 0)
          for j = 1, i - 1 do assert.equal(0, R(i, j)) end
        end
      end
    end
  end)

  it("has Cholesky's factor of A'A as R", function()
    local A = random(12, 5)
    local _, R = A:qr()
    assert.near_matrix((A:t() * A):cholesky():t(), R, 1e-13)
  end)

  it("raises for NaN", function()
    helper.fails("A:qr: A has", eye(2).qr, matrix { { nan } })
  end)
end)

describe("A:svd", function()
  local A = matrix { { 3, -1, 4, 1 }, { -5, 9, 2, -6 }, { 5, 3, -5, 8 } }

  it("agrees with NumPy", function()
    -- numpy 2.4.6: numpy.linalg.svd, columns multiplied by -1 where their V's largest entry was negative
    local U, s, V = A:svd()
    assert.near_matrix({ 13.90801187663246, 8.986667273985342, 4.669798383884622 }, s, 1e-13)
    assert.near_matrix({ { 0.10291774, -0.23927125, 0.96548289 }, { -0.77858581, 0.58469398, 0.2278971 },
      { 0.61904125, 0.77516593, 0.12611781 } }, U, 1e-8)
    assert.near_matrix({ { 0.5246536, -0.37770073, -0.30491108, 0.69936399 },
      { 0.02609933, 0.87095857, -0.40766244, 0.27305922 }, { 0.51127522, 0.31349201, 0.78957085, 0.12999336 } },
      V:t(), 1e-8)
  end)

  it("gives orthonormal factors, descending values and fixed signs", function()
    for _, shape in ipairs(shapes) do
      for _, view in ipairs(views(random(shape[1], shape[2]))) do
        local U, s, V = view:svd()
        local r = math.min(view.rows, view.cols)
        assert.near_matrix(view, compose(U, s, V), 1e-13)
        assert.near_matrix(eye(r), U:t() * U, 1e-13)
        assert.near_matrix(eye(r), V:t() * V, 1e-13)
        for j = 1, r do
          assert.is_true(s[j] >= 0 and (j == 1 or s[j] <= s[j - 1]))
          local v = V:col(j)
          assert.equal(v:norm("max"), math.max(table.unpack(v:table())))
        end
      end
    end
  end)

  it("fixes the signs of ties by the first entry", function()
    local _, s, V = matrix { { 1, -2 }, { -2, 1 } }:svd()
    local h = math.sqrt(0.5)
    assert.near_matrix({ 3, 1 }, s, 1e-14)
    assert.near_matrix({ { h, h }, { -h, h } }, V, 1e-14)
  end)

  it("takes rank-deficient, zero, huge, tiny and float32 matrices", function()
    local B = random(8, 2) * random(2, 6)
    local U, s, V = B:svd()
    assert.near_matrix(B, compose(U, s, V), 1e-14)
    assert.near_matrix({ 0, 0, 0, 0 }, s:block(3, 6), 1e-14)
    assert.near_matrix(eye(6), U:t() * U, 1e-14)
    U, s, V = matrix.zeros(3, 2):svd()
    assert.near_matrix({ 0, 0 }, s, 0)
    assert.near_matrix(eye(2), V:t() * V, 1e-15)
    assert.near_matrix(eye(2), U:t() * U, 1e-15)
    for _, scale in ipairs { 1e300, 1e-300 } do
      s = select(2, (scale * A):svd())
      assert.near_matrix({ 13.90801187663246, 8.986667273985342, 4.669798383884622 }, (1 / scale) * s, 1e-12)
    end
    U, s, V = A:to("float32"):svd()
    assert.same({ "float32", "float32", "float32" }, { U.dtype, s.dtype, V.dtype })
    assert.near_matrix({ 13.908012, 8.986667, 4.669798 }, s, 1e-6)
  end)

  it("raises for NaN and infinities", function()
    helper.fails("A:svd: A has", A.svd, matrix { { 1, nan } })
    helper.fails("row 2, column 1", A.svd, matrix { { 1 }, { -huge } })
  end)
end)

describe("A:inverse", function()
  it("inverts in every layout", function()
    for _, n in ipairs { 1, 5, 60 } do
      for _, A in ipairs(views(random(n, n))) do
        local B, rcond = A:inverse()
        assert.is_true(distance(eye(n), A * B) < 1e-13 / rcond)
        assert.is_true(distance(eye(n), B * A) < 1e-13 / rcond)
      end
    end
  end)
  it("estimates the condition", function()
    local _, rcond = matrix { { 1, 0 }, { 0, 1e-5 } }:inverse()
    assert.near_matrix(1e-5, rcond, 1e-18)
  end)
  it("raises for singular, non-square and NaN matrices", function()
    helper.fails("A:inverse: A is singular: pivot 1 of 1 is 0", eye(1).inverse, matrix { { 0 } })
    helper.fails("A must be square, got 1x2", eye(1).inverse, matrix { { 0, 1 } })
    helper.fails("A has", eye(1).inverse, matrix { { nan } })
  end)
end)

describe("A:pinv", function()
  it("satisfies Penrose's four conditions", function()
    local cases = { random(7, 3) * random(3, 5), matrix.zeros(2, 3) }
    for _, shape in ipairs(shapes) do cases[#cases + 1] = random(shape[1], shape[2]) end
    for _, A in ipairs(cases) do
      for _, view in ipairs(views(A)) do
        local P = view:pinv()
        local scale = 1e-13 * math.max(1, P:norm("max") ^ 2)
        assert.same({ A.cols, A.rows }, { P.rows, P.cols })
        assert.near_matrix(A, A * P * A, scale)
        assert.near_matrix(P, P * A * P, scale)
        assert.near_matrix(A * P, (A * P):t(), scale)
        assert.near_matrix(P * A, (P * A):t(), scale)
      end
    end
  end)

  it("agrees with NumPy, and takes a tolerance", function()
    -- numpy 2.4.6: numpy.linalg.pinv
    assert.near_matrix({ { 0.10889386, -0.00272117, 0.0394115 }, { 0.03883028, 0.09310989, 0.06678174 },
      { 0.17184188, 0.02907868, -0.02741133 }, { 0.02478116, -0.0150413, 0.05819258 } },
      matrix { { 3, -1, 4, 1 }, { -5, 9, 2, -6 }, { 5, 3, -5, 8 } }:pinv(), 1e-8)
    assert.near_matrix({ { 0.5, 0 }, { 0, 0 } }, matrix { { 2, 0 }, { 0, 0.1 } }:pinv(0.1), 1e-15)
    helper.fails("tolerance must be a number from 0 to 1, got -1", eye(2).pinv, eye(2), -1)
    helper.fails("A has", eye(2).pinv, matrix { { nan } })
  end)
end)

describe("A:rank", function()
  it("counts the singular values that aren't rounding", function()
    for rank = 1, 5 do
      assert.equal(rank, (random(9, rank) * random(rank, 6)):rank())
      assert.equal(rank, (random(6, rank) * random(rank, 9)):to("float32"):rank())
    end
    assert.equal(0, matrix.zeros(3, 3):rank())
    assert.equal(1, matrix { 1, 2, 3 }:rank())
    assert.equal(2, matrix { { 1, 0 }, { 0, 1e-10 } }:rank())
    assert.equal(1, matrix { { 1, 0 }, { 0, 1e-10 } }:rank(1e-9))
  end)
  it("raises for NaN", function()
    helper.fails("A:rank: A has", eye(1).rank, matrix { { nan } })
  end)
end)

describe("A:det and A:logdet", function()
  it("agree with exact integers", function()
    assert.near_matrix(-2, matrix { { 1, 2 }, { 3, 4 } }:det(), 1e-15)
    assert.near_matrix(43, matrix { { 4, 1, 2 }, { 1, 3, 0 }, { 2, 0, 5 } }:det(), 1e-13)
    assert.equal(-1, matrix { { 0, 1 }, { 1, 0 } }:det())
    assert.equal(1, eye(50):det())
    assert.equal(0, matrix { { 1, 2 }, { 2, 4 } }:det())
  end)
  it("give logarithm and sign", function()
    local log, sign = matrix { { 4, 1, 2 }, { 1, 3, 0 }, { 2, 0, 5 } }:logdet()
    assert.near_matrix(math.log(43), log, 1e-14)
    assert.equal(1, sign)
    log, sign = matrix { { 1, 2 }, { 3, 4 } }:logdet()
    assert.near_matrix(math.log(2), log, 1e-15)
    assert.equal(-1, sign)
    assert.same({ -huge, 0 }, { matrix.zeros(2, 2):logdet() })
  end)
  it("multiply, and are those of the transpose", function()
    local A, B = random(8, 8), random(8, 8)
    assert.near_matrix(1, (A * B):det() / (A:det() * B:det()), 1e-12)
    assert.near_matrix(1, A:t():det() / A:det(), 1e-12)
  end)
  it("don't overflow on the way", function()
    local D = matrix.diag { 1e200, 1e200, 1e-200, -1e-200 }
    assert.near_matrix(-1, D:det(), 1e-14)
    local log = matrix.diag { 1e300, 1e300 }:logdet()
    assert.near_matrix(600 * math.log(10), log, 1e-12)
    assert.equal(huge, matrix.diag { 1e300, 1e300 }:det())
  end)
  it("raise for matrices that aren't square, and NaN", function()
    helper.fails("A:det: A must be square, got 3x1", eye(1).det, matrix { 1, 2, 3 })
    helper.fails("A:logdet: A has", eye(1).logdet, matrix { { huge } })
  end)
end)

describe("A:norm", function()
  local A = matrix { { 3, -1, 4, 1 }, { -5, 9, 2, -6 }, { 5, 3, -5, 8 } }
  it("agrees with NumPy in every layout", function()
    -- numpy 2.4.6: numpy.linalg.norm
    for _, view in ipairs(views(A)) do
      assert.near_matrix(17.204650534085253, view:norm(), 1e-14)
      assert.near_matrix(17.204650534085253, view:norm("fro"), 1e-14)
      assert.equal(15, view:norm(1))
      assert.near_matrix(13.908011876632456, view:norm(2), 1e-13)
      assert.equal(22, view:norm("inf"))
      assert.equal(22, view:norm(huge))
      assert.equal(9, view:norm("max"))
      assert.near_matrix(27.564477534502416, view:norm("nuclear"), 1e-13)
    end
  end)
  it("of a vector is its length, the sum or the largest of its magnitudes", function()
    local v = matrix { 3, -4, 0 }
    assert.same({ 5, 7, 5, 4, 4 }, { v:norm(), v:norm(1), v:norm(2), v:norm("inf"), v:norm("max") })
  end)
  it("neither overflows nor underflows on the way", function()
    for _, scale in ipairs { 1e300, 1e-300, 1e-320 } do
      local v = matrix { 3 * scale, -4 * scale }
      assert.near_matrix(1, v:norm() / (5 * scale), 1e-3 * (scale < 1e-310 and 1 or 1e-11))
    end
    assert.near_matrix(1, (1e300 * A):norm(2) / 13.908011876632456e300, 1e-13)
    assert.equal(0, matrix.zeros(2, 2):norm())
    assert.equal(huge, matrix { huge, 1 }:norm())
  end)
  it("of NaN is NaN, or an error for singular values", function()
    for _, kind in ipairs { "fro", 1, "inf", "max" } do
      local x = matrix { { 1, nan }, { 2, huge } }:norm(kind)
      assert.is_true(x ~= x, kind)
    end
    helper.fails("A has", A.norm, matrix { { 1, nan }, { 2, 3 } }, 2)
    helper.fails('kind must be "fro", 1, 2, "inf", "max" or "nuclear", got \'frobenius\'', A.norm, A, "frobenius")
    helper.fails("got 3", A.norm, A, 3)
  end)
end)

describe("A:trace", function()
  it("sums the diagonal", function()
    assert.equal(5, matrix { { 1, 2 }, { 3, 4 } }:trace())
    local A, B = random(6, 4), random(4, 6)
    assert.near_matrix((A * B):trace(), (B * A):trace(), 1e-14)
    helper.fails("A:trace: A must be square, got 1x2", eye(1).trace, matrix { { 1, 2 } })
  end)
end)
