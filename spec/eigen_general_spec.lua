-- latent.eigen: general matrices and the singular value decomposition.
local latent = require "latent"
local helper = require "helper"
local matrix, eigen = latent.matrix, latent.eigen
local pi, cos, sin, sqrt = math.pi, math.cos, math.sin, math.sqrt

describe("eigen.general", function()
  -- A V = V L for the real form of the pairs: A (x + iy) = (a + ib)(x + iy); lengths 1; phases fixed.
  local function check_pairs(A, re, im, V, tolerance)
    local n = #A
    local L, j = matrix.zeros(n, n), 1
    while j <= n do
      local pair = im[j] ~= 0
      L[j][j] = re[j]
      if pair then
        assert.is_true(im[j] > 0)
        assert.are.equal(re[j], re[j + 1])
        assert.are.equal(im[j], -im[j + 1])
        L[j][j + 1], L[j + 1][j], L[j + 1][j + 1] = im[j], -im[j], re[j]
      end
      local length, largest, turn = 0, 0, 0
      for i = 1, n do
        local x, y = V(i, j), pair and V(i, j + 1) or 0
        local modulus = sqrt(x * x + y * y)
        length = length + modulus ^ 2
        if modulus > largest * (1 + 1e-10) then largest, turn = modulus, math.atan(y, x) end
      end
      assert.near_matrix(1, length, 1e-14)
      assert.near_matrix(0, turn, 1e-14)
      j = j + (pair and 2 or 1)
    end
    assert.near_matrix(V * L, A * V, tolerance)
    for i = 2, n do assert.is_true(re[i] <= re[i - 1] + 1e-13 * #A) end
    local re2, im2, none = eigen.general(A, { vectors = false })
    assert.near_matrix(re, re2, 1e-9)
    assert.near_matrix(im, im2, 1e-9)
    assert.is_nil(none)
  end

  -- coefficients c[1] + c[2] x + ... + x^n
  local function companion(c)
    return matrix(#c, #c, function(i, j) return i == 1 and -c[#c + 1 - j] or i == j + 1 and 1 or 0 end)
  end

  it("gives a rotation's cos + i sin", function()
    local t = 0.3
    local A = matrix { { cos(t), -sin(t) }, { sin(t), cos(t) } }
    local re, im, V = eigen.general(A)
    assert.near_matrix({ cos(t), cos(t) }, re, 1e-15)
    assert.near_matrix({ sin(t), -sin(t) }, im, 1e-15)
    assert.near_matrix({ { sqrt(0.5), 0 }, { 0, -sqrt(0.5) } }, V, 1e-15)
    check_pairs(A, re, im, V, 1e-15)
  end)

  it("gives the roots of polynomials from companion matrices", function()
    local A = companion { 24, -50, 35, -10 }   -- (x - 1)(x - 2)(x - 3)(x - 4)
    local re, im, V = eigen.general(A)
    assert.near_matrix({ 4, 3, 2, 1 }, re, 1e-12)
    assert.near_matrix({ 0, 0, 0, 0 }, im, 0)
    check_pairs(A, re, im, V, 1e-12)
    A = companion { -10, 24, -5, 2 }   -- (x^2 - 2x + 5)(x^2 + 4x - 2): 1 +- 2i, -2 +- sqrt(6)
    re, im, V = eigen.general(A)
    assert.near_matrix({ 1, 1, sqrt(6) - 2, -2 - sqrt(6) }, re, 1e-13)
    assert.near_matrix({ 2, -2, 0, 0 }, im, 1e-13)
    check_pairs(A, re, im, V, 1e-13)
  end)

  it("gives the roots of unity for a cyclic shift", function()
    local n = 8
    local A = matrix(n, n, function(i, j) return j % n + 1 == i and 1 or 0 end)
    local re, im, V = eigen.general(A)
    for j = 1, n do
      local k = j // 2   -- 1, then pairs by falling real part, then -1
      assert.near_matrix(cos(2 * pi * k / n), re[j], 1e-14)
      assert.near_matrix(sin(2 * pi * k / n), math.abs(im[j]), 1e-14)
    end
    check_pairs(A, re, im, V, 1e-14)
  end)

  it("orders equal real parts by modulus", function()
    -- skew-symmetric: +-2i cos(pi j / (n + 1)), and 0
    local n = 9
    local A = matrix(n, n, function(i, j) return i - j == 1 and 1 or j - i == 1 and -1 or 0 end)
    local re, im, V = eigen.general(A)
    for j = 1, n do
      assert.near_matrix(0, re[j], 1e-14)
      assert.near_matrix(-(-1) ^ j * 2 * cos(pi * ((j + 1) // 2) / (n + 1)), im[j], 1e-14)
    end
    check_pairs(A, re, im, V, 1e-14)
    re, im = eigen.general { { 1, 1, 0, 0 }, { -1, 1, 0, 0 }, { 0, 0, 1, 4 }, { 0, 0, -4, 1 } }
    assert.near_matrix({ 1, 1, 1, 1 }, re, 1e-14)
    assert.near_matrix({ 4, -4, 1, -1 }, im, 1e-14)
  end)

  it("agrees with eigen.symmetric, and with trace and determinant on random matrices", function()
    local S = matrix(12, 12, function(i, j) return 1 / (i + j) + (i == j and i or 0) end)
    assert.near_matrix(eigen.symmetric(S), (eigen.general(S)), 1e-13)
    for _, n in ipairs { 1, 2, 7, 30 } do
      local A = matrix.normal(n, n, n)
      local re, im, V = eigen.general(A)
      check_pairs(A, re, im, V, 1e-12)
      local sum, a, b = 0, 1, 0
      for j = 1, n do
        sum = sum + re[j]
        a, b = a * re[j] - b * im[j], a * im[j] + b * re[j]
      end
      assert.near_matrix(A:trace(), sum, 1e-12)
      assert.near_matrix(1, a / A:det(), 1e-9)
      assert.near_matrix(0, b / A:det(), 1e-9)
    end
  end)

  it("loses nothing at tiny and huge scales, and takes defective matrices", function()
    local A = matrix { { 0, -2, 1 }, { 1, 0, 3 }, { 0, 0, 1 } }
    for _, scale in ipairs { 1e-300, 1e300 } do
      local re, im, V = eigen.general(A * scale)
      assert.near_matrix({ 1, 0, 0 }, re * (1 / scale), 1e-14)
      assert.near_matrix({ 0, sqrt(2), -sqrt(2) }, im * (1 / scale), 1e-14)
      check_pairs(A, re * (1 / scale), im * (1 / scale), V, 1e-14)
    end
    local re, im = eigen.general { { 1, 1 }, { 0, 1 } }
    assert.near_matrix({ 1, 1 }, re, 0)
    assert.near_matrix({ 0, 0 }, im, 0)
    re = eigen.general(matrix.zeros(3, 3))
    assert.near_matrix({ 0, 0, 0 }, re, 0)
  end)

  it("says what is wrong with its arguments", function()
    helper.fails("eigen.general: A must be square, got a 2x3 matrix", eigen.general, matrix.zeros(2, 3))
    helper.fails("eigen.general: A has NaN at row 2, column 1", eigen.general, { { 1, 2 }, { 0 / 0, 1 } })
    helper.fails("eigen.general: unknown option 'k'", eigen.general, matrix.eye(2), { k = 1 })
  end)
end)

describe("eigen.svd", function()
  local function check_svd(A, U, s, V, tolerance)
    local scale = s[1] > 0 and 1 / s[1] or 1
    assert.are.same({ A.rows, #s, A.cols, #s }, { U.rows, U.cols, V.rows, V.cols })
    assert.near_matrix(U * matrix.diag(s) * scale, A * scale * V, tolerance or 1e-12)
    assert.near_matrix(V * matrix.diag(s) * scale, (A * scale):t() * U, tolerance or 1e-12)
    assert.near_matrix(matrix.eye(#s), U:t() * U, 1e-12)
    assert.near_matrix(matrix.eye(#s), V:t() * V, 1e-12)
    for j = 2, #s do assert.is_true(s[j] <= s[j - 1] and s[j] >= 0) end
  end

  -- mpmath 1.4.1 with 40 digits
  it("gives the singular values of a part of Hilbert's matrix", function()
    local A = matrix(6, 4, function(i, j) return 1 / (i + j - 1) end)
    local expected = { 1.5552291675960364, 0.20104609177021681, 0.010356688120803379, 0.00023980479206933343 }
    for k = 1, 4 do
      for _, B in ipairs { A, A:t() } do
        local U, s, V = eigen.svd(B, { k = k })
        assert.near_matrix({ table.unpack(expected, 1, k) }, s, 1e-15)
        check_svd(B, U, s, V)
      end
    end
  end)

  it("gives square roots of the eigenvalues of A'A", function()
    local A = matrix.normal(40, 15, 2)
    local _, s = eigen.svd(A)
    local values = eigen.symmetric(A:t() * A)
    for j = 1, 15 do assert.near_matrix(sqrt(values[j]), s[j], 1e-12) end
  end)

  -- orthonormal times s times orthonormal, so that s is known
  local function with_values(N, D, s)
    local P, Q = matrix.normal(N, #s, 5):qr(), matrix.normal(D, #s, 6):qr()
    return P * matrix.diag(s) * Q:t()
  end

  it("finds a few of many, tall and wide, when the values fall fast and when they don't", function()
    for _, base in ipairs { 0.5, 0.98 } do
      local s = {}
      for j = 1, 220 do s[j] = 7 * base ^ j end
      local tall = with_values(300, 220, s)
      for _, A in ipairs { tall, tall:t() } do
        local U, found, V = eigen.svd(A, { k = 8 })
        assert.near_matrix({ table.unpack(s, 1, 8) }, found, 1e-13)
        check_svd(A, U, found, V)
      end
    end
  end)

  it("keeps small singular values that A'A would lose", function()
    local s = {}
    for j = 1, 210 do s[j] = 10.0 ^ -j end
    local U, found, V = eigen.svd(with_values(230, 210, s), { k = 12 })
    assert.near_matrix({ table.unpack(s, 1, 12) }, found, 1e-16)
    assert.near_matrix(1, found[12] * 1e12, 1e-3)
    check_svd(with_values(230, 210, s), U, found, V)
  end)

  it("takes repeated values, rank one, zero and every scale", function()
    for _, s in ipairs { { 2, 2, 2, 1, 1, 1 }, { 3 }, { 0 } } do
      local A = with_values(250, 210, s)
      for _, scale in ipairs { 1e-290, 1, 1e290 } do
        local U, found, V = eigen.svd(A * scale, { k = 5 })
        local expected = { s[1] or 0, s[2] or 0, s[3] or 0, s[4] or 0, s[5] or 0 }
        assert.near_matrix(expected, found * (1 / scale), 1e-12)
        check_svd(A * scale, U, found, V)
      end
    end
  end)

  it("says what is wrong with its arguments", function()
    helper.fails("eigen.svd: k must be an integer from 1 to 2, got 3", eigen.svd, matrix.zeros(2, 3), { k = 3 })
    helper.fails("eigen.svd: A has NaN at row 1, column 1", eigen.svd, { { 0 / 0, 1 } })
    helper.fails("eigen.svd: unknown option 'm'", eigen.svd, matrix.eye(2), { m = 1 })
  end)
end)

describe("eigen.general of large matrices, round by round", function()
  -- The largest ||A v - lambda v|| against ||A||, and how far the sums of powers are from the traces.
  local function errors(A)
    local re, im, V = eigen.general(A)
    local AV, worst, j = A * V, 0, 1
    while j <= #re do
      local x = V:col(j)
      if im[j] == 0 then
        worst = math.max(worst, (AV:col(j) - x * re[j]):norm(), math.abs(x:norm() - 1))
        j = j + 1
      else
        local y = V:col(j + 1)
        assert.equal(-im[j], im[j + 1])
        worst = math.max(worst, (AV:col(j) - x * re[j] + y * im[j]):norm(),
          (AV:col(j + 1) - y * re[j] - x * im[j]):norm())
        j = j + 2
      end
    end
    local norm = A:norm()
    local values, turns = eigen.general(A, { vectors = false })
    return worst / norm, math.abs(re:sum() - A:trace()) / norm,
      math.abs((values % values - turns % turns):sum() - (A * A):trace()) / norm ^ 2
  end

  it("has the residuals and traces of any kind of matrix", function()
    local n, rng = 300, latent.random(5)
    local normal = matrix.normal(n, n, rng)
    local cyclic, jordan, triangle, split = matrix.zeros(n, n), matrix.eye(n), normal:copy(), normal:copy()
    for i = 1, n do
      cyclic:set(i % n + 1, i, 1)
      if i < n then jordan:set(i, i + 1, 1) end
      if i > 1 then triangle:block(i, i, 1, i - 1):fill(0) end
      if i > 200 then split:block(i, i, 1, 200):fill(0) end
    end
    for name, A in pairs { normal = normal, uniform = matrix.random(n, n, rng), cyclic = cyclic, jordan = jordan,
      triangle = triangle, split = split, skew = normal - normal:t(), symmetric = normal + normal:t(),
      ones = matrix.ones(n, n), deficient = normal:block(1, n, 1, 5) * normal:block(1, 5, 1, n) } do
      local residual, first, second = errors(A)
      assert.is_true(residual < 1e-13, name .. ": " .. residual)
      assert.is_true(first < 1e-12 and second < 1e-12, ("%s: %g %g"):format(name, first, second))
    end
  end)

  it("finds the roots of unity", function()
    local n = 400
    local A = matrix.zeros(n, n)
    for i = 1, n do A:set(i % n + 1, i, 1) end
    local re, im = eigen.general(A)
    for j = 1, n do assert.is_true(math.abs(re[j] ^ 2 + im[j] ^ 2 - 1) < 1e-12) end
    assert.is_true(math.abs(re[1] - 1) < 1e-12 and math.abs(re[2] - math.cos(2 * math.pi / n)) < 1e-12)
  end)
end)
