-- Operators, element-wise functions, masks and choices of latent.Matrix.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix
local nan, inf = 0 / 0, 1 / 0

-- The same numbers in other memory: { name, function that lays A out anew }.
local layouts = {
  { "packed", function(A) return A end },
  { "transposed", function(A) return A:t():copy():t() end },
  { "a block", function(A)
    local frame = matrix(A.rows + 3, A.cols + 5, 77, { dtype = A.dtype })
    local block = frame:block(2, A.rows + 1, 3, A.cols + 2)
    block:assign(A)
    return block
  end },
  { "a block of a transpose", function(A)
    local frame = matrix(A.cols + 3, A.rows + 5, 77, { dtype = A.dtype })
    local block = frame:t():block(4, A.rows + 3, 2, A.cols + 1)
    block:assign(A)
    return block
  end },
}

local function draw(rows, cols, dtype, seed)
  local state = seed
  local A = matrix(rows, cols, function()
    state = (state * 1103515245 + 12345) % 2147483648
    return (state // 65536 % 2001 - 1000) / 128 -- exact in float32, and so are sums and products
  end)
  return A:to(dtype)
end

local binary = {
  add = function(a, b) return a + b end,
  sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end,
  minimum = math.min,
  maximum = math.max,
  lt = function(a, b) return a < b and 1 or 0 end,
  le = function(a, b) return a <= b and 1 or 0 end,
  gt = function(a, b) return a > b and 1 or 0 end,
  ge = function(a, b) return a >= b and 1 or 0 end,
  eq = function(a, b) return a == b and 1 or 0 end,
  ne = function(a, b) return a ~= b and 1 or 0 end,
}

-- Compares every element with f of the operands' elements; B's sides of 1 are repeated.
local function check_elements(result, f, A, B)
  for i = 1, A.rows do
    for j = 1, A.cols do
      local expected = f(A(i, j), B(B.rows == 1 and 1 or i, B.cols == 1 and 1 or j))
      if result(i, j) ~= expected then
        error(("element %d,%d is %s, not %s"):format(i, j, result(i, j), expected), 2)
      end
    end
  end
end

describe("element-wise operations of two matrices", function()
  for _, shape in ipairs { { 1, 1 }, { 3, 5 }, { 40, 33 }, { 2, 1200 }, { 1200, 2 } } do
    for _, dtype in ipairs { "float64", "float32" } do
      it(("of %dx%d %s agree with plain loops in every layout"):format(shape[1], shape[2], dtype), function()
        local rows, cols = shape[1], shape[2]
        local A = draw(rows, cols, dtype, 1)
        for _, b in ipairs { { rows, cols }, { 1, cols }, { rows, 1 }, { 1, 1 } } do
          local B = draw(b[1], b[2], dtype, 2)
          for k, left in ipairs(layouts) do
            local right = layouts[(k + b[1]) % #layouts + 1]
            for name, f in pairs(binary) do
              local X, Y = left[2](A), right[2](B)
              local result = X[name](X, Y)
              assert.are.equal(dtype, result.dtype)
              check_elements(result, f, A, B)
            end
          end
        end
      end)
    end
  end

  it("write into every layout of out, and into an operand", function()
    local A, B = draw(37, 29, "float64", 3), draw(37, 29, "float64", 4)
    for _, layout in ipairs(layouts) do
      local out = layout[2](matrix.zeros(37, 29))
      assert.are.equal(out, A:sub(B, { out = out }))
      check_elements(out, binary.sub, A, B)
      local own = layout[2](A:copy())
      own:sub(B, { out = own })
      check_elements(own, binary.sub, A, B)
    end
  end)

  it("are right when out overlaps an operand elsewhere", function()
    local frame = draw(30, 30, "float64", 5)
    local before = frame:copy()
    local source, target = frame:block(1, 29, 1, 29), frame:block(2, 30, 2, 30)
    source:add(1, { out = target })
    check_elements(frame:block(2, 30, 2, 30), binary.add, before:block(1, 29, 1, 29), matrix { { 1 } })
    local S = before:copy()
    S:add(S:t(), { out = S })
    check_elements(S, binary.add, before, before:t())
    local C = before:copy()
    C:sub(C[1], { out = C }) -- the row that is subtracted is overwritten
    check_elements(C, binary.sub, before, before:block(1, 1))
  end)

  it("broadcast a row against a column", function()
    local sums = matrix { 10, 20 }:column() + matrix { { 1, 2, 3 } }
    assert.near_matrix({ { 11, 12, 13 }, { 21, 22, 23 } }, sums, 0)
  end)

  it("take a vector as a row of the matrix, on either side", function()
    local X, v = matrix { { 1, 2, 3 }, { 4, 5, 6 } }, matrix { 10, 20, 30 }
    assert.near_matrix({ { 11, 22, 33 }, { 14, 25, 36 } }, X + v, 0)
    assert.near_matrix({ { 9, 18, 27 }, { 6, 15, 24 } }, v - X, 0)
    assert.near_matrix({ { 11, 22, 33 }, { 14, 25, 36 } }, X + { 10, 20, 30 }, 0)
    assert.near_matrix({ { -1.5, -1.5, -1.5 }, { 1.5, 1.5, 1.5 } }, X - X:mean(1), 0)
  end)

  it("give a vector for vectors", function()
    local v = matrix { 1, 2, 3 } + { 1, 1, 1 }
    assert.are.equal(matrix { 2, 3, 4 }, v)
    assert.are.equal(matrix { 2, 4, 6 }, matrix { 1, 2, 3 } % 2)
  end)

  it("are the same bits for every number of threads", function()
    local A, B = draw(700, 300, "float64", 6), draw(700, 300, "float64", 7)
    local before = latent.threads()
    latent.threads(1)
    local one, exp_one = A / B, A:t():exp()
    latent.threads(2)
    local two, exp_two = A / B, A:t():exp()
    latent.threads(before)
    assert.is_true(one:where(one:isnan():eq(0), 0) == two:where(two:isnan():eq(0), 0))
    assert.is_true(exp_one == exp_two)
  end)
end)

describe("operators", function()
  local A, B = matrix { { 1, 2 }, { 3, 4 } }, matrix { { 5, 6 }, { 7, 8 } }

  it("work element by element, with numbers on either side", function()
    assert.near_matrix({ { 6, 8 }, { 10, 12 } }, A + B, 0)
    assert.near_matrix({ { -4, -4 }, { -4, -4 } }, A - B, 0)
    assert.near_matrix({ { 5, 12 }, { 21, 32 } }, A % B, 0)
    assert.near_matrix({ { 5, 3 }, { 7 / 3, 2 } }, B / A, 0)
    assert.near_matrix({ { 1, 4 }, { 9, 16 } }, A ^ 2, 0)
    assert.near_matrix({ { 2, 4 }, { 8, 16 } }, 2 ^ A, 0)
    assert.near_matrix({ { 1, 64 }, { 2187, 65536 } }, A ^ B, 0)
    assert.near_matrix({ { -1, -2 }, { -3, -4 } }, -A, 0)
    assert.near_matrix({ { 9, 8 }, { 7, 6 } }, 10 - A, 0)
    assert.near_matrix({ { 12, 6 }, { 4, 3 } }, 12 / A, 0)
    assert.near_matrix({ { 2, 4 }, { 6, 8 } }, 2 * A, 0)
    assert.near_matrix({ { 2, 4 }, { 6, 8 } }, A * 2, 0)
  end)

  it("follow C's pow at its corners", function()
    assert.near_matrix({ 1, 1, nan, 0.125, inf, 0 }, matrix { nan, 1, -8, 2, 0, inf } ^
      { 0, nan, 1 / 3, -3, -1, -2 }, 0)
    assert.are.equal(4, (matrix { -2 } ^ 2)[1])
    assert.are.equal("inf", tostring((matrix { -0.0 } ^ 2):reciprocal()[1])) -- (-0)^2 is +0
  end)

  it("keep signed zeros, infinities and NaN", function()
    local v = matrix { 0.0, -0.0, inf, -inf, nan }
    assert.are.equal(-inf, (1 / -v)[1])
    assert.are.equal(inf, (1 / -v)[2])
    assert.near_matrix({ nan, nan, nan, nan, nan }, v * 0 / 0, 0)
    assert.near_matrix({ 1, 1, inf, -inf, nan }, v + 1, 0)
  end)

  it("compare all of two matrices", function()
    assert.is_true(A == matrix { { 1, 2 }, { 3, 4 } })
    assert.is_true(A == A:to "float32")
    assert.is_true(A == A:t():copy():t())
    assert.is_false(A == A:t())
    assert.is_false(A == matrix { { 1, 2, 3 }, { 3, 4, 5 } })
    assert.is_false(matrix { 1, 2 } == matrix { { 1 }, { 2 } })
    assert.is_true(matrix { 0.0 } == matrix { -0.0 })
    assert.is_false(matrix { nan } == matrix { nan })
    assert.is_false(matrix { 0.1 } == matrix { 0.1 }:to "float32")
    local long = matrix(3, 2000, 1)
    local other = long:copy()
    assert.is_true(long == other)
    other:set(3, 2000, 2)
    assert.is_false(long == other)
    assert.is_false(A == 1)
  end)

  it("mix dtypes: float64 when one matrix is; numbers follow", function()
    local single = matrix({ 0.1, 0.2 }, { dtype = "float32" })
    assert.are.equal("float32", (single + 0.5).dtype)
    assert.are.equal("float32", (single + single).dtype)
    assert.are.equal("float64", (single + matrix { 1, 2 }).dtype)
    assert.are.equal("float64", (matrix { 1, 2 } + single).dtype)
    assert.near_matrix({ 1 + single[1], 2 + single[2] }, matrix { 1, 2 } + single, 0)
    -- 0.1 as float32 is not 0.1, but the number becomes float32, too
    assert.near_matrix({ 1, 0 }, single:eq(0.1), 0)
  end)
end)

describe("functions of one element", function()
  -- NumPy 2.4.6 on [-2.5, -0.5, 0.25, 1.5, 3] (log1p, log and sqrt of the magnitudes)
  local x = matrix { -2.5, -0.5, 0.25, 1.5, 3 }
  local expected = {
    exp = { 0.0820849986238988, 0.6065306597126334, 1.2840254166877414, 4.4816890703380645, 20.085536923187668 },
    expm1 = { -0.9179150013761012, -0.3934693402873666, 0.2840254166877415, 3.481689070338065, 19.085536923187668 },
    sin = { -0.5984721441039565, -0.479425538604203, 0.24740395925452294, 0.9974949866040544, 0.1411200080598672 },
    cos = { -0.8011436155469337, 0.8775825618903728, 0.9689124217106447, 0.0707372016677029, -0.9899924966004454 },
    tanh = { -0.9866142981514303, -0.46211715726000974, 0.24491866240370913, 0.9051482536448665, 0.9950547536867305 },
    sigmoid = { 0.07585818002124355, 0.3775406687981454, 0.5621765008857981, 0.8175744761936437, 0.9525741268224334 },
    softplus = { 0.07888973429254963, 0.4740769841801067, 0.8259394198788436, 1.7014132779827524, 3.048587351573742 },
    square = { 6.25, 0.25, 0.0625, 2.25, 9 },
    reciprocal = { -0.4, -2, 4, 0.6666666666666666, 0.3333333333333333 },
    floor = { -3, -1, 0, 1, 3 },
    ceil = { -2, 0, 1, 2, 3 },
    round = { -2, 0, 0, 2, 3 },
    abs = { 2.5, 0.5, 0.25, 1.5, 3 },
    sign = { -1, -1, 1, 1, 1 },
    neg = { 2.5, 0.5, -0.25, -1.5, -3 },
    relu = { 0, 0, 0.25, 1.5, 3 },
    isnan = { 0, 0, 0, 0, 0 },
    isfinite = { 1, 1, 1, 1, 1 },
  }
  local of_magnitudes = {
    log1p = { 1.252762968495368, 0.4054651081081644, 0.22314355131420976, 0.9162907318741551, 1.3862943611198906 },
    log = { 0.9162907318741551, -0.6931471805599453, -1.3862943611198906, 0.4054651081081644, 1.0986122886681098 },
    sqrt = { 1.5811388300841898, 0.7071067811865476, 0.5, 1.224744871391589, 1.7320508075688772 },
  }

  it("agree with NumPy in both dtypes", function()
    for name, values in pairs(expected) do
      assert.near_matrix(values, x[name](x), 1e-14)
      assert.near_matrix(values, x[name](x:to "float32"), 4e-6)
      assert.are.equal("float32", x[name](x:to "float32").dtype)
    end
    local size = x:abs()
    for name, values in pairs(of_magnitudes) do
      assert.near_matrix(values, x[name](size), 1e-15)
      assert.near_matrix(values, x[name](size:to "float32"), 4e-7)
    end
  end)

  it("give the same bits in every layout, long or short", function()
    local A = draw(123, 61, "float64", 8)
    for name in pairs(expected) do
      local reference = A[name](A)
      for _, layout in ipairs(layouts) do
        assert.is_true(reference == A[name](layout[2](A)), name .. " of " .. layout[1])
      end
      for i = 1, A.rows, 17 do
        assert.is_true(reference[i] == A[name](A[i]), name)
        assert.are.equal(reference(i, 2), A[name](matrix { A(i, 2) })[1])
      end
    end
  end)

  it("are right at the ends of the range", function()
    local ends = matrix { -inf, -1000, -0.0, 1000, inf, nan }
    assert.near_matrix({ 0, 0, 1, inf, inf, nan }, ends:exp(), 0)
    assert.near_matrix({ -1, -1, 0, inf, inf, nan }, ends:expm1(), 0)
    assert.near_matrix({ nan, nan, -inf, math.log(1000), inf, nan }, ends:log(), 1e-15)
    assert.near_matrix({ -1, -1, 0, 1, 1, nan }, ends:tanh(), 0)
    assert.near_matrix({ 0, 0, 0.5, 1, 1, nan }, ends:sigmoid(), 0)
    assert.near_matrix({ 0, 0, math.log(2), 1000, inf, nan }, ends:softplus(), 1e-16)
    assert.near_matrix({ nan, nan, 0, 1000 ^ 0.5, inf, nan }, ends:sqrt(), 0)
    assert.near_matrix({ 0, 0, 0, 1000, inf, nan }, ends:relu(), 0)
    assert.near_matrix({ -1, -1, 0, 1, 1, nan }, ends:sign(), 0)
    assert.near_matrix({ inf, 1000, 0, 1000, inf, nan }, ends:abs(), 0)
    assert.near_matrix({ 0, 0, 0, 0, 0, 1 }, ends:isnan(), 0)
    assert.near_matrix({ 0, 1, 1, 1, 0, 0 }, ends:isfinite(), 0)
    assert.near_matrix({ nan, nan, 0, nan }, matrix { -inf, inf, 0, nan }:sin(), 0)
    assert.are.equal(1e-20, matrix { 1e-20 }:expm1()[1])
    assert.are.equal(1e-20, matrix { 1e-20 }:log1p()[1])
  end)

  it("round halves to even", function()
    assert.near_matrix({ -2, -2, 0, 0, 2, 2, 4 }, matrix { -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5 }:round(), 0)
  end)

  it("work in place", function()
    local A = draw(50, 40, "float64", 9)
    local squares = A:square()
    local column = A:block(1, -1, 2, 2)
    column:square({ out = column })
    assert.is_true(A:col(2) == squares:col(2))
    A:block(1, -1, 2, 2):assign(draw(50, 40, "float64", 9):block(1, -1, 2, 2))
    A:square({ out = A })
    assert.is_true(A == squares)
  end)
end)

describe("clamp", function()
  it("keeps numbers between the bounds, and NaN", function()
    assert.near_matrix({ 0, 0.5, 1, nan, 1, 0 }, matrix { -3, 0.5, 7, nan, inf, -inf }:clamp(0, 1), 0)
  end)
  it("takes matrices as bounds", function()
    local X = matrix { { 1, 5 }, { 9, -5 } }
    assert.near_matrix({ { 2, 4 }, { 3, 0 } }, X:clamp({ 2, 0 }, { 3, 4 }), 0)
  end)
end)

describe("minimum and maximum", function()
  it("give NaN where either side is", function()
    assert.near_matrix({ nan, nan, 1 }, matrix { nan, 1, 2 }:minimum { 1, nan, 1 }, 0)
    assert.near_matrix({ nan, nan, 2 }, matrix { nan, 1, 2 }:maximum { 1, nan, 1 }, 0)
  end)
end)

describe("map", function()
  it("gives f the element, the row and the column", function()
    local A = matrix { { 1, 2 }, { 3, 4 } }
    assert.near_matrix({ { 111, 212 }, { 321, 422 } }, A:map(function(x, i, j) return 100 * x + 10 * i + j end), 0)
    assert.near_matrix({ 11, 22 }, matrix { 1, 2 }:map(function(x, i, j) return j == nil and 10 * x + i end), 0)
    A:map(function(x) return -x end, { out = A })
    assert.near_matrix({ { -1, -2 }, { -3, -4 } }, A, 0)
  end)
  it("passes errors on and checks results", function()
    local A = matrix { 1, 2 }
    helper.fails("my own error", A.map, A, function() error "my own error" end)
    helper.fails("A:map: f must return a number, got string at row 2, column 1", A.map, A,
      function(x) return x == 2 and "2" or x end)
    helper.fails("A:map: f must be a function, got nothing", A.map, A)
    helper.fails("A:map: f must be a function, got number", A.map, A, 3)
  end)
  it("takes callable objects", function()
    local f = setmetatable({}, { __call = function(_, x) return x + 1 end })
    assert.near_matrix({ 2, 3 }, matrix { 1, 2 }:map(f), 0)
  end)
end)

describe("where", function()
  local X = matrix { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  it("chooses elements in row-major order", function()
    assert.are.equal(matrix { 3, 4, 5, 6 }, X:where(X:gt(2)))
    assert.are.equal(matrix { 3, 2, 4 }, X:t():where { { 0, 1, 0 }, { 1, 1, 0 } })
    assert.are.equal(matrix { 1, 3 }, matrix { 1, 2, 3 }:where { 1, 0, nan }) -- NaN isn't 0
  end)
  it("chooses rows by a vector", function()
    assert.are.equal(matrix { { 3, 4 }, { 5, 6 } }, X:where(X:col(1):gt(2)))
    assert.are.equal("float32", X:to("float32"):where({ 1, 0, 0 }).dtype)
  end)
  it("gives nil when nothing is chosen", function()
    assert.is_nil(X:where(X:gt(100)))
    assert.is_nil(X:where { 0, 0, 0 })
  end)
  it("chooses between two, broadcast", function()
    assert.near_matrix({ { 0, 0 }, { 3, 4 }, { 5, 6 } }, X:where(X:gt(2), 0), 0)
    assert.near_matrix({ { 1, 20 }, { 3, 20 }, { 5, 20 } }, X:where({ { 1, 0 } }, { 10, 20 }), 0)
    assert.near_matrix({ 1, 0, 3 }, matrix { 1, nan, 3 }:where({ 1, 0, 1 }, 0), 0)
    local Y = X:copy()
    Y:where(Y:gt(2), 0, { out = Y })
    assert.near_matrix({ { 0, 0 }, { 3, 4 }, { 5, 6 } }, Y, 0)
  end)
  it("names both shapes of a mask that doesn't fit", function()
    helper.fails("A:where: A is a 3x2 matrix, the mask a 2x2 matrix", X.where, X, { { 1, 1 }, { 1, 1 } })
    helper.fails("A:where: A is a 3x2 matrix, the mask a vector of 2", X.where, X, { 1, 0 })
    helper.fails("A:where: mask must be a matrix, got nothing", X.where, X)
  end)
end)

describe("misuse", function()
  local A, v = matrix.zeros(3, 4), matrix.zeros(5)
  it("names shapes that don't fit", function()
    helper.fails("matrix +: shapes 3x4 and vector of 5 don't fit", function() return A + v end)
    helper.fails("matrix -: shapes vector of 3 and 3x4 don't fit", function() return matrix { 1, 2, 3 } - A end)
    helper.fails("matrix %: shapes 3x4 and 4x3 don't fit", function() return A % A:t() end)
    helper.fails("matrix /: shapes vector of 5 and vector of 2 don't fit", function() return v / { 1, 2 } end)
    helper.fails("A:clamp: shapes 3x4 and vector of 5 and vector of 4 don't fit", A.clamp, A, v, { 1, 2, 3, 4 })
    -- a vector never becomes a column by itself
    local column = matrix.zeros(3, 1)
    helper.fails("matrix +: shapes 3x1 and vector of 3 don't fit", function() return column + { 1, 2, 3 } end)
  end)
  it("names what is no matrix", function()
    helper.fails("matrix +: a matrix or a number was expected, got string", function() return A + "1" end)
    helper.fails("matrix -: a matrix or a number was expected, got boolean", function() return true - A end)
    helper.fails("A:mul: a matrix or a number was expected, got nothing", A.mul, A)
    helper.fails("A:exp: A must be a matrix, got number", A.exp, 3)
    helper.fails("A:exp: A must be a matrix, got nothing", A.exp)
  end)
  it("names options and outs that are wrong", function()
    helper.fails("A:exp: unknown option 'ot', did you mean 'out'?", A.exp, A, { ot = A })
    helper.fails("A:exp: options must be a table, got 3", A.exp, A, 3)
    helper.fails("A:exp: out is a vector of 5 float64, the result is 3x4 float64", A.exp, A, { out = v })
    helper.fails("A:exp: out is a 3x4 matrix float32", A.exp, A, { out = A:to "float32" })
    helper.fails("A:exp: out must be a matrix, got string", A.exp, A, { out = "A" })
  end)
end)
