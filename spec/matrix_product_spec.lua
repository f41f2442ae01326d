local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local state = 1
local function draw()
  state = (state * 1664525 + 1013904223) % 2 ^ 32
  return state / 2 ^ 32 - 0.5
end
local function random(n, m) return matrix(n, m, draw) end

-- The product by its definition, from tables.
local function by_loops(A, B)
  local a, b, c = A:table(), B:table(), {}
  for i = 1, #a do
    c[i] = {}
    for j = 1, #b[1] do
      local sum = 0
      for k = 1, #b do sum = sum + a[i][k] * b[k][j] end
      c[i][j] = sum
    end
  end
  return c
end

-- n x m views of every layout that Lua can make.
local layouts = {
  plain = function(n, m) return random(n, m) end,
  transposed = function(n, m) return random(m, n):t() end,
  block = function(n, m) return random(n + 3, m + 5):block(2, n + 1, 3, m + 2) end,
  ["transposed block"] = function(n, m) return random(m + 3, n + 5):block(2, m + 1, 3, n + 2):t() end,
}

describe("matrix product", function()
  local dtypes = { float64 = 1e-14, float32 = 5e-6 }
  local shapes = { { 1, 1, 1 }, { 1, 7, 5 }, { 7, 1, 5 }, { 5, 7, 1 }, { 1, 7, 1 }, { 17, 13, 9 } }
  for dtype, tolerance in pairs(dtypes) do
    for left, make_left in pairs(layouts) do
      for right, make_right in pairs(layouts) do
        it(("of a %s and a %s %s matrix"):format(left, right, dtype), function()
          for _, shape in ipairs(shapes) do
            local n, k, m = table.unpack(shape)
            local A, B = make_left(n, k), make_right(k, m)
            if dtype == "float32" then
              -- the same layouts, of float32 memory
              local a, b = matrix(n, k, { dtype = dtype }), matrix(m, k, { dtype = dtype }):t()
              if left:find("transposed") then a = matrix(k, n, { dtype = dtype }):t() end
              if right == "plain" then b = matrix(k, m, { dtype = dtype }) end
              A, B = a:assign(A), b:assign(B)
            end
            local C = A * B
            assert.equal(dtype, C.dtype)
            assert.near_matrix(by_loops(A, B), C, tolerance)
            for place, make_place in pairs(layouts) do
              local out = make_place(n, m)
              if dtype == "float32" then out = out:to("float32") end
              local old = out:table()
              assert.equal(out, A:matmul(B, { out = out, alpha = 2, beta = -3 }), place)
              for i = 1, n do
                for j = 1, m do old[i][j] = 2 * C(i, j) - 3 * old[i][j] end
              end
              assert.near_matrix(old, out, 4 * tolerance)
            end
          end
        end)
      end
    end
  end

  it("of every pair of strides that C can make agrees with sums by definition", function()
    local build, cc = os.getenv("LATENT_BUILD") or "build", os.getenv("CC") or "cc"
    local sanitize = build:match("sanitize%-([%w-]+)")
    local program = build .. "/spec_product"
    local command = ("%s -O1 -std=c11 -D_GNU_SOURCE -Icore -pthread %s -o '%s' spec/embed/product.c '%s/liblatent.a' "
      .. "%s && %s"):format(cc, sanitize and "-fsanitize=" .. sanitize:gsub("-", ",") or "", program, build,
        helper.libraries, helper.started("'" .. program .. "'"))
    local pipe = assert(io.popen(command))
    local cases, worst = pipe:read("n", "n")
    assert.is_true(pipe:close())
    assert.equal(19440, cases)
    assert.is_true(worst < 1, "the largest error is " .. worst .. " times its bound")
  end)

  it("of a matrix and a vector is a vector", function()
    local A, big = random(5, 7), random(9, 9)
    local row, col, diagonal = big:row(3), big:col(2), big:diag()
    for _, v in ipairs { random(7, 1):col(1), row:block(1, 7), col:block(2, 8), diagonal:block(1, 7) } do
      local y = A * v
      assert.equal(5, #y)
      assert.is_number(y[1])
      local sums = {}
      for i = 1, 5 do
        sums[i] = 0
        for j = 1, 7 do sums[i] = sums[i] + A(i, j) * v[j] end
      end
      assert.near_matrix(sums, y, 1e-14)
      assert.near_matrix(sums, v * A:t(), 1e-14)
    end
  end)

  it("of two vectors is their dot product", function()
    assert.equal(32, matrix { 1, 2, 3 } * matrix { 4, 5, 6 })
    assert.equal(32, matrix { 1, 2, 3 } * { 4, 5, 6 })
    assert.equal(64, (matrix { 1, 2, 3 }:matmul({ 4, 5, 6 }, { alpha = 2 })))
  end)

  it("with a number scales", function()
    assert.near_matrix({ { 2, 4 }, { 6, 8 } }, 2 * matrix { { 1, 2 }, { 3, 4 } }, 0)
    assert.near_matrix({ 3, 6 }, matrix { 1, 2 } * 3, 0)
    assert.equal("float32", (matrix(2, 2, { dtype = "float32" }) * 0.1).dtype)
  end)

  it("is float64 when either side is", function()
    local A = matrix { { 1, 2 } }
    local C = A:to("float32") * matrix { { 0.1 }, { 0.2 } }
    assert.equal("float64", C.dtype)
    assert.near_matrix({ { 0.5 } }, C, 1e-16)
  end)

  it("may be written over its own factors", function()
    local A, B = random(4, 4), random(4, 4)
    local expected = by_loops(A, B)
    local a = A:copy()
    a:matmul(B, { out = a })
    assert.near_matrix(expected, a, 1e-14)
    local b = B:copy()
    A:matmul(b, { out = b:t() })
    assert.near_matrix(expected, b:t(), 1e-14)
  end)

  it("does not read what is in out when beta is 0", function()
    local out = matrix(1, 2, 0 / 0)
    matrix { { 1, 2 } }:matmul({ { 1, 0 }, { 0, 1 } }, { out = out })
    assert.near_matrix({ { 1, 2 } }, out, 0)
    local v = matrix { 0 / 0, 0 / 0 }
    matrix { { 1, 2 }, { 3, 4 } }:matmul(matrix { 1, 1 }, { out = v })
    assert.near_matrix({ 3, 7 }, v, 0)
  end)

  it("of a matrix and its transpose is exactly symmetric, and right", function()
    for _, shape in ipairs { { 1, 5 }, { 5, 1 }, { 30, 20 }, { 300, 40 }, { 40, 5000 } } do
      for _, X in ipairs { random(shape[1], shape[2]), random(shape[2], shape[1]):t() } do
        local C = X * X:t()
        assert.near_matrix(C, C:t(), 0)
        assert.near_matrix(X * X:t():copy(), C, 1e-11)
      end
    end
  end)

  it("has the same bits for every number of threads", function()
    local threads = latent.threads()
    finally(function() latent.threads(threads) end)
    local A, B, X, W = random(300, 90), random(90, 120), random(9000, 20), random(1000, 1010)
    local tall = W:block(1, 1000, 1, 300)
    local function all(n)
      latent.threads(n)
      return { A * B, B:t() * A:t(), X:t() * X, X:t() * X:copy(), tall:t() * tall, W * W:row(1), W:col(9) * W,
        A:matmul(B, { out = matrix(300, 120, 1), beta = 0.5 }), A:to("float32") * B:to("float32") }
    end
    local one, two, three = all(1), all(2), all(3)
    for i = 1, #one do
      assert.near_matrix(one[i], two[i], 0)
      assert.near_matrix(one[i], three[i], 0)
    end
  end)

  it("cut into tiles, panels and slices agrees with what it is cut from", function()
    -- every column of the product is a product with a column, which isn't cut
    for _, shape in ipairs { { 300, 30, 640 }, { 20, 9000, 30 }, { 513, 20, 513 } } do
      local A, B = random(shape[1], shape[2]), random(shape[2], shape[3])
      local C = A * B
      for _, j in ipairs { 1, shape[3] // 2, shape[3] } do
        assert.near_matrix(A * B:col(j), C:col(j), 1e-12)
      end
    end
  end)
end)

describe("A:dot", function()
  it("sums the products of elements", function()
    assert.equal(70, (matrix { { 1, 2 }, { 3, 4 } }:dot { { 5, 6 }, { 7, 8 } }))
    local A, B = random(23, 31), random(31, 23):t()
    local sum, a, b = 0, A:table(), B:table()
    for i = 1, 23 do
      for j = 1, 31 do sum = sum + a[i][j] * b[i][j] end
    end
    assert.near_matrix(sum, A:dot(B), 1e-13)
    assert.near_matrix(sum, A:t():dot(B:t()), 1e-13)
    assert.near_matrix(sum, A:to("float32"):dot(B:to("float32")), 1e-6)
  end)

  it("does not lose digits over a million terms", function()
    local n = 1000000
    local v = matrix(n, 1, 0.1):col(1)
    -- n times the exact square of the double 0.1 (Python's fractions); summed one by one they are 1.7e-7 off
    assert.near_matrix(10000.000000000002, v * v, 1e-11)
    local w = matrix(n, 1, 1):col(1)
    w[1], w[n] = 1e16, -1e16
    -- only the blocks of 256 that hold the large ones may lose anything; summed one by one all is lost
    assert.near_matrix(n - 2, w * matrix(n, 1, 1):col(1), 512)
  end)

  it("keeps infinities and NaN", function()
    local huge = math.huge
    assert.equal(huge, matrix { huge, 1, 2 } * matrix { 1, 1, 1 })
    local nan = matrix { huge, -huge } * matrix { 1, 1 }
    assert.is_true(nan ~= nan)
  end)
end)

describe("A:outer", function()
  it("has the products of all pairs", function()
    assert.near_matrix({ { 3, 4, 5 }, { 6, 8, 10 } }, matrix { 1, 2 }:outer { 3, 4, 5 }, 0)
    assert.near_matrix({ { 3, 4 } }, matrix { { 1 } }:outer { { 3, 4 } }, 0)
    assert.equal("float32", matrix { 1, 2 }:to("float32"):outer(matrix { 1 }:to("float32")).dtype)
    local out = matrix.zeros(2, 2)
    assert.equal(out, matrix { 1, 2 }:outer({ 1, 1 }, { out = out }))
    assert.near_matrix({ { 1, 1 }, { 2, 2 } }, out, 0)
  end)
end)

describe("a product that doesn't fit", function()
  local A, B, v = matrix.ones(3, 4), matrix.ones(5, 6), matrix { 1, 2, 3 }
  it("names both shapes", function()
    helper.fails("matrix *: 3x4 and 5x6 don't fit: 4 columns against 5 rows", function() return A * B end)
    helper.fails("matrix *: 3x4 and a vector of 3 don't fit: 4 columns against 3 elements", function() return A * v end)
    helper.fails("matrix *: a vector of 3 and 5x6 don't fit: 3 elements against 5 rows", function() return v * B end)
    helper.fails("a vector of 3 and a vector of 2 don't fit", function() return v * matrix { 1, 2 } end)
    helper.fails("A:dot: the shapes must agree, got a 3x4 matrix and a 5x6 matrix", A.dot, A, B)
    helper.fails("A:outer: B must be a vector, got a 5x6 matrix", v.outer, v, B)
  end)
  it("names what isn't a matrix, and options that don't exist or fit", function()
    helper.fails("matrix *: B must be a matrix, got string", function() return A * "x" end)
    helper.fails("A:matmul: B must be a matrix, got nothing", A.matmul, A)
    helper.fails("'alpha'", A.matmul, A, B, { alfa = 1 })
    helper.fails("out is a 2x2 matrix float64, the result is 3x3", A.matmul, A, A:t(), { out = matrix.zeros(2, 2) })
    helper.fails("there is no out", A.matmul, A, A:t(), { beta = 1 })
    helper.fails("is a number", v.matmul, v, v, { out = matrix.zeros(1) })
  end)
end)
