-- Reductions, sorting, choosing rows and stacking of latent.Matrix.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix
local nan, inf = 0 / 0, 1 / 0

-- The same numbers in other memory.
local layouts = {
  packed = function(A) return A end,
  transposed = function(A) return A:t():copy():t() end,
  block = function(A)
    local block = matrix(A.rows + 3, A.cols + 5, 77, { dtype = A.dtype }):block(2, A.rows + 1, 3, A.cols + 2)
    block:assign(A)
    return block
  end,
  ["block of a transpose"] = function(A)
    local block = matrix(A.cols + 3, A.rows + 5, 77, { dtype = A.dtype }):t():block(4, A.rows + 3, 2, A.cols + 1)
    block:assign(A)
    return block
  end,
}

local function draw(rows, cols, seed, values)
  local state = seed
  return matrix(rows, cols, function()
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % (values or 2001) - (values or 2001) // 2
  end)
end

-- Plain loops over a list of numbers: what every reduction should give, and where.
local function reference(list)
  local r = { sum = 0, any = 0, all = 1, min = inf, max = -inf, argmin = 1, argmax = 1 }
  for k, x in ipairs(list) do
    r.sum = r.sum + x
    if x ~= 0 then r.any = 1 else r.all = 0 end
    if x < r.min then r.min, r.argmin = x, k end
    if x > r.max then r.max, r.argmax = x, k end
  end
  r.mean = r.sum / #list
  local squares = 0
  for _, x in ipairs(list) do squares = squares + (x - r.mean) ^ 2 end
  r.var = squares / #list
  r.std = r.var ^ 0.5
  return r
end

local function rows_of(A)
  local lists = {}
  for i = 1, A.rows do lists[i] = A[i]:table() end
  return lists
end

describe("reductions", function()
  local shapes = { { 1, 1 }, { 4, 3 }, { 3, 700 }, { 700, 3 }, { 70, 65 }, { 600, 130 }, { 1, 9000 }, { 9000, 1 } }
  for _, shape in ipairs(shapes) do
    it(("of %dx%d agree with plain loops in every layout and dtype"):format(shape[1], shape[2]), function()
      local A = draw(shape[1], shape[2], 1)
      local expected = { {}, {} }
      for j, list in ipairs(rows_of(A:t())) do expected[1][j] = reference(list) end
      for i, list in ipairs(rows_of(A)) do expected[2][i] = reference(list) end
      local whole = reference(A:flatten():table())
      for name, lay in pairs(layouts) do
        for _, dtype in ipairs { "float64", "float32" } do
          local B = lay(A:to(dtype))
          local tolerance = dtype == "float64" and 1e-12 or 1e-7
          for key in pairs(whole) do
            local truth = key == "any" or key == "all"
            for dim = 1, 2 do
              local values = {}
              for k, r in ipairs(expected[dim]) do values[k] = r[key] end
              local result = B[key](B, dim)
              assert.are.equal(key:find "arg" and "float64" or dtype, result.dtype)
              assert.near_matrix(values, result, tolerance * math.max(1, math.abs(whole.sum), whole.var))
            end
            if key:find "arg" then
              local i, j = B[key](B)
              assert.are.equal(whole[key], (i - 1) * A.cols + j, key .. " of " .. name)
            elseif truth then
              assert.are.equal(whole[key] == 1, B[key](B))
            else
              assert.near_matrix(whole[key], B[key](B), 1e-12 * math.max(1, math.abs(whole[key])))
            end
          end
        end
      end
    end)
  end

  -- NumPy 2.4.6
  local A = matrix { { 7.5, -2.25, 3.125 }, { 0.5, 11, -4.75 }, { 2, 2.5, 9 }, { -6, 0.25, 1 } }

  it("agree with NumPy: variance and deviation with both divisors, product", function()
    assert.near_matrix({ 23.125, 24.828125, 24.1982421875 }, A:var(1), 1e-14)
    assert.near_matrix({ 15.899305555555557, 42.875, 10.166666666666666, 9.847222222222223 }, A:var(2), 1e-14)
    assert.near_matrix(24.641818576388882, A:var(), 1e-14)
    assert.near_matrix({ 30.833333333333332, 33.104166666666664, 32.264322916666664 },
      A:var(1, { correction = 1 }), 1e-14)
    assert.near_matrix(5.184783881852274, A:std { correction = 1 }, 1e-14)
    assert.near_matrix({ 3.9873933284234147, 6.547900426854397, 3.1885210782848317, 3.1380283972937884 },
      A:std(2), 1e-14)
    assert.near_matrix(-92993.7744140625, A:product(), 0)
    assert.near_matrix({ -45, -15.46875, -133.59375 }, A:product(1), 0)
  end)

  it("agree with NumPy: quantiles and medians", function()
    local expected = { [0.1] = -4.5, [0.25] = -0.375, [0.5] = 1.5, [0.9] = 8.85, [0] = -6, [1] = 11 }
    for p, value in pairs(expected) do assert.near_matrix(value, A:quantile(p), 1e-14) end
    assert.near_matrix({ -0.15, 0, 0.425 }, A:quantile(0.3, 1), 1e-14)
    assert.near_matrix({ 0.975, -1.6, 2.3, -2.25 }, A:quantile(0.3, 2), 1e-14)
    assert.near_matrix({ 1.25, 1.375, 2.0625 }, A:median(1), 0)
    assert.near_matrix(2, matrix { 3, 1, 2 }:median(), 0)
    assert.near_matrix(nan, matrix { 3, nan, 2 }:quantile(0), 0)
    assert.near_matrix({ inf, 1 }, matrix { { inf, 1 }, { inf, 1 } }:median(1), 0)
  end)

  it("give numbers for vectors, with or without dim 1", function()
    local v = matrix { 3, 1, 2 }
    assert.are.equal(6, v:sum())
    assert.are.equal(6, v:sum(1))
    assert.are.equal(2, v:argmin())
    assert.are.equal(2, v:argmin(1))
    assert.are.equal(1, select("#", v:argmin()))
    assert.is_true(v:all())
    assert.is_false(v:gt(5):any())
    assert.are.equal("integer", math.type(v:argmax()))
  end)

  it("let NaN win minima, at its place", function()
    local X = matrix { { 1, nan, 3 }, { 0, 2, nan } }
    assert.near_matrix({ 0, nan, nan }, X:min(1), 0)
    assert.near_matrix({ 1, nan, nan }, X:max(1), 0)
    assert.near_matrix({ 2, 1, 2 }, X:argmin(1), 0)
    assert.near_matrix({ 2, 3 }, X:argmax(2), 0)
    assert.are.same({ 1, 2 }, { X:argmin() })
    assert.near_matrix(nan, X:max(), 0)
    local long = draw(1, 5000, 3):flatten()
    long[4321], long[4999] = nan, nan
    assert.are.equal(4321, long:argmax())
    assert.is_true(X:any())
    assert.is_false(X:all())
  end)

  it("give the first of equal places, in every layout", function()
    local X = draw(60, 70, 5, 3)
    for name, lay in pairs(layouts) do
      local i, j = lay(X):argmax()
      local first
      for k, x in ipairs(X:flatten():table()) do first = first or x == 1 and k end
      assert.are.equal(first, (i - 1) * 70 + j, name)
    end
    assert.are.same({ 1, 1 }, { matrix(90, 90, inf):argmin() })
    assert.are.same({ 1, 1 }, { matrix(90, 90, -inf):argmax() })
    assert.near_matrix(matrix(90, 90, 1)[1], matrix(90, 90, inf):argmin(1), 0)
  end)

  it("handle infinities", function()
    assert.are.equal(inf, matrix { 1, inf, 2 }:sum())
    assert.near_matrix(nan, matrix { inf, -inf }:sum(), 0)
    assert.near_matrix(nan, matrix { 1, inf }:var(), 0)
    assert.are.equal(-inf, matrix { 1, -inf }:min())
  end)

  it("keep the digits of data far from 0", function()
    -- shifting by 2^30 is exact here, so the variances are equal to the last digits
    local X = draw(5000, 4, 7)
    local far = X + 2.0 ^ 30
    assert.near_matrix(X:var(1), far:var(1), 1e-7)
    assert.near_matrix(X:var(), far:var(), 1e-7)
    assert.near_matrix(X:std(2), far:std(2), 1e-9)
  end)

  it("add precisely", function()
    -- a million times 0.1: one running sum is off by 1.3e-6
    local tenth = matrix(1000, 1000, 0.1)
    assert.near_matrix(1e5, tenth:sum(), 1e-9)
    assert.near_matrix({ 1e5 }, tenth:reshape(1000000, 1):sum(1), 1e-9)
    -- float32 data is added in float64: 2^24 + 1 + ... would stand still
    local ones = matrix(20000, 1000, 1, { dtype = "float32" })
    assert.are.equal(2e7, ones:sum())
    assert.near_matrix(0.1, tenth:to("float32"):mean(), 2e-9)
  end)

  it("are the same bits for every number of threads", function()
    local X = draw(3000, 70, 11):sin()
    local before = latent.threads()
    local results = {}
    for threads = 1, 2 do
      latent.threads(threads)
      local list = {}
      for _, name in ipairs { "sum", "mean", "var", "std", "product", "min" } do
        for dim = 1, 2 do list[#list + 1] = X[name](X, dim):table() end
        list[#list + 1] = X[name](X)
      end
      list[#list + 1] = X:t():sum(1):table()
      results[threads] = list
    end
    latent.threads(before)
    assert.are.same(results[1], results[2])
  end)

  it("give NaN for a variance without degrees of freedom", function()
    assert.near_matrix(nan, matrix { 3 }:var { correction = 1 }, 0)
    assert.are.equal(0, matrix { 3 }:var())
  end)

  it("write into out, a row of the matrix itself included", function()
    local X = matrix { { 1, 2 }, { 3, 4 } }
    X:sum(1, { out = X[1] })
    assert.near_matrix({ { 4, 6 }, { 3, 4 } }, X, 0)
    local out = matrix.zeros(2)
    assert.are.equal(out, X:argmax(2, { out = out }))
    assert.near_matrix({ 2, 2 }, out, 0)
  end)

  it("refuse what makes no sense", function()
    helper.fails("A:sum: dim must be 1 (over the rows) or 2 (over the columns), got 3", A.sum, A, 3)
    helper.fails("A:sum: dim must be 1 for a vector, got 2", A.sum, matrix { 1 }, 2)
    helper.fails("A:sum: dim must be an integer, got 'x'", A.sum, A, "x")
    helper.fails("A:sum: dim must be an integer, got 1.5", A.sum, A, 1.5)
    helper.fails("A:sum: unknown option 'correction'", A.sum, A, 1, { correction = 1 })
    helper.fails("A:var: unknown option 'corection', did you mean 'correction'?", A.var, A, { corection = 1 })
    helper.fails("A:var: correction must be", A.var, A, { correction = -1 })
    helper.fails("A:sum: the result is a number, which has no out", A.sum, A, { out = matrix.zeros(1) })
    helper.fails("A:sum: out is a vector of 2 float64, the result is 3x1 float64", A.sum, A, 1,
      { out = matrix.zeros(2) })
    helper.fails("A:quantile: p must be from 0 to 1, got 1.5", A.quantile, A, 1.5)
    helper.fails("A:quantile: p must be from 0 to 1", A.quantile, A, nan)
    helper.fails("A:quantile: p must be a number, got nothing", A.quantile, A)
    helper.fails("A:sum: A must be a matrix, got nothing", A.sum)
  end)
end)

describe("cumsum", function()
  it("runs down the columns or along the rows, in every layout and in place", function()
    local X = draw(700, 12, 13)
    for _, lay in pairs(layouts) do
      for dim = 1, 2 do
        local Y = lay(X:copy())
        local sums = Y:cumsum(dim)
        local total = X:sum(dim)
        assert.near_matrix(total, dim == 1 and sums[-1] or sums:col(-1), 0)
        assert.near_matrix(dim == 1 and X:block(1, 300):sum(1) or X:block(1, -1, 1, 5):sum(2),
          dim == 1 and sums[300] or sums:col(5), 0)
        Y:cumsum(dim, { out = Y })
        assert.is_true(Y == sums)
      end
    end
    assert.near_matrix({ 1, 3, 6 }, matrix { 1, 2, 3 }:cumsum(), 0)
  end)
  it("is right when out overlaps", function()
    local v = matrix { 1, 2, 3, 4 }
    v:block(1, 3):cumsum({ out = v:block(2, 4) })
    assert.near_matrix({ 1, 1, 3, 6 }, v, 0)
  end)
end)

describe("sort", function()
  it("sorts vectors of every length as table.sort does, and says from where", function()
    for _, n in ipairs { 1, 2, 47, 48, 49, 300, 5000 } do
      local v = draw(n, 1, n, 997):flatten() / 7
      local plain = v:table()
      table.sort(plain)
      local sorted, order = v:sort()
      assert.near_matrix(plain, sorted, 0)
      assert.is_true(v:rows_at(order) == sorted)
      local down = v:sort { descending = true }
      for i = 1, n do assert.are.equal(plain[n + 1 - i], down[i]) end
    end
  end)

  it("keeps the order of equals in both directions", function()
    for _, n in ipairs { 30, 1000 } do
      local v = draw(n, 1, 3, 4):flatten()
      for _, descending in ipairs { false, true } do
        local sorted, order = v:sort { descending = descending }
        for i = 2, n do
          if sorted[i] == sorted[i - 1] then assert.is_true(order[i] > order[i - 1]) end
        end
      end
    end
    local _, order = matrix { 0.0, -0.0, 0.0 }:sort()
    assert.near_matrix({ 1, 2, 3 }, order, 0)
  end)

  it("puts NaN last and infinities at the ends", function()
    local v = matrix { nan, 1, -inf, inf, nan, -2 }
    local up, order = v:sort()
    assert.near_matrix({ -inf, -2, 1, inf, nan, nan }, up, 0)
    assert.near_matrix({ 3, 6, 2, 4, 1, 5 }, order, 0)
    local down, back = v:sort { descending = true }
    assert.near_matrix({ inf, 1, -2, -inf, nan, nan }, down, 0)
    assert.near_matrix({ 4, 2, 6, 3, 1, 5 }, back, 0)
    assert.near_matrix({ -inf, 5e-324, 1 }, matrix { 1, 5e-324, -inf }:sort(), 0)
    assert.near_matrix({ -5e-324, 0, 5e-324 }, matrix { 5e-324, -5e-324, 0 }:sort(), 0)
  end)

  it("sorts every column or row, in every layout and dtype", function()
    local X = draw(90, 70, 17, 500)
    for _, lay in pairs(layouts) do
      for _, dtype in ipairs { "float64", "float32" } do
        local Y = lay(X:to(dtype))
        local by_columns, column_order = Y:sort()
        local by_rows, row_order = Y:sort(2)
        assert.are.equal(dtype, by_rows.dtype)
        for k = 1, 70, 23 do
          local sorted, order = X:col(k):sort()
          assert.is_true(sorted == by_columns:col(k) and order == column_order:col(k))
          sorted, order = X[k]:sort()
          assert.is_true(sorted == by_rows[k] and order == row_order[k])
        end
      end
    end
  end)

  it("refuses what makes no sense", function()
    local v = matrix { 1, 2 }
    helper.fails("A:sort: descending must be true or false, got 1", v.sort, v, { descending = 1 })
    helper.fails("A:sort: dim must be 1 for a vector, got 2", v.sort, v, 2)
    helper.fails("A:sort: unknown option 'descend', did you mean 'descending'?", v.sort, v, { descend = true })
  end)
end)

describe("shuffle", function()
  it("gives all rows in an order that the seed fixes", function()
    local X = draw(200, 3, 19)
    X:col(1):assign(matrix.range(1, 200))
    local Y, order = X:shuffle(42)
    assert.is_true(X:rows_at(order) == Y)
    assert.is_false(X == Y)
    assert.is_true(Y:col(1):sort() == matrix.range(1, 200))
    assert.is_true(Y == X:shuffle(42))
    assert.is_false(Y == X:shuffle(43))
    local v = matrix { 1, 2, 3 }:shuffle(1)
    assert.are.equal(6, v:sum())
  end)
end)

describe("rows_at", function()
  local X = matrix { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  it("copies rows in the order of the list", function()
    assert.near_matrix({ { 5, 6 }, { 1, 2 }, { 5, 6 } }, X:rows_at { -1, 1, 3 }, 0)
    assert.near_matrix({ { 2, 4, 6 } }, X:t():rows_at { 2 }, 0)
    assert.are.equal(matrix { 30, 10 }, matrix { 10, 20, 30 }:rows_at { 3, -3 })
    local copy = X:rows_at { 1 }
    copy:set(1, 1, 99)
    assert.are.equal(1, X(1, 1))
  end)
  it("checks every number of the list", function()
    helper.fails("A:rows_at: row 4 (element 2 of the list) is outside 1..3", X.rows_at, X, { 1, 4 })
    helper.fails("A:rows_at: row 0 (element 1 of the list) is outside 1..3", X.rows_at, X, { 0 })
    helper.fails("A:rows_at: row -4 (element 1 of the list) is outside 1..3", X.rows_at, X, { -4 })
    helper.fails("A:rows_at: row 1.5 (element 1 of the list) is outside 1..3", X.rows_at, X, { 1.5 })
    helper.fails("is outside 1..3", X.rows_at, X, { nan })
    helper.fails("is outside 1..3", X.rows_at, X, { inf })
    helper.fails("A:rows_at: list is an empty table", X.rows_at, X, {})
    helper.fails("A:rows_at: list must be a matrix, got nothing", X.rows_at, X)
  end)
end)

describe("cols_at", function()
  local X = matrix { { 1, 2, 3 }, { 4, 5, 6 } }
  it("copies columns by number, from either end, in any order and more than once", function()
    assert.near_matrix({ { 3, 1, 3 }, { 6, 4, 6 } }, X:cols_at { -1, 1, 3 }, 0)
    assert.near_matrix({ { 4 }, { 5 }, { 6 } }, X:t():cols_at(matrix { 2 }), 0)
    assert.are.equal("float32", X:to "float32":cols_at { 1 }.dtype)
    local copy = X:cols_at { 1 }
    copy:fill(9)
    assert.are.equal(1, X(1, 1))
    assert.near_matrix({ { 7 }, { 8 } }, matrix { 7, 8 }:cols_at { 1 }, 0)
  end)
  it("checks every number of the list", function()
    helper.fails("A:cols_at: column 4 (element 2 of the list) is outside 1..3", X.cols_at, X, { 1, 4 })
    helper.fails("A:cols_at: column 0 (element 1 of the list) is outside 1..3", X.cols_at, X, { 0 })
    helper.fails("A:cols_at: list is an empty table", X.cols_at, X, {})
    helper.fails("A:cols_at: list must be a matrix, got nothing", X.cols_at, X)
  end)
end)

describe("columns by name", function()
  local iris, y = latent.datasets.iris()
  it("are copied by cols_at, and viewed by col", function()
    local petals = iris:cols_at { "petal_length", -1, "sepal_length" }
    assert.is_true(petals == iris:cols_at { 3, 4, 1 })
    assert.same({ "petal_length", "petal_width", "sepal_length" }, petals.names)
    assert.is_true(iris:cols_at "sepal_width" == iris:cols_at { 2 })
    assert.is_true(iris:col "petal_width" == iris:col(4))
    local X = iris:cols_at { 1 }
    X:col "sepal_length":fill(7)
    assert.are.equal(7, X(150, 1))
    local path = os.tmpname() .. ".csv"
    latent.write(path, matrix { { 1, 2 }, { 3, 4 } }, { columns = { "a", "b" } })
    assert.near_matrix({ { 2 }, { 4 } }, (latent.read(path)):cols_at { "b" }, 0)
    os.remove(path)
  end)
  it("stay with what is chosen, as labels, classes and sources do", function()
    local petals, rows = iris:cols_at { "petal_length" }, iris:rows_at { 150, 1, 51 }
    assert.is_true(petals.labels == y)
    assert.same(iris.classes, petals.classes)
    assert.are.equal(iris.source, rows.source)
    assert.same(iris.names, rows.names)
    assert.near_matrix({ 3, 1, 2 }, rows.labels, 0)
    local train, test, y1, y2 = latent.split(iris, y, { seed = 1 })
    assert.is_true(train.labels == y1 and test.labels == y2)
    assert.is_nil(matrix.eye(3):cols_at { 1 }.names)
  end)
  it("that aren't there are told, with the nearest", function()
    helper.fails("A:cols_at: unknown column 'petal_lenght', did you mean 'petal_length'?", iris.cols_at, iris,
      { 1, "petal_lenght" })
    helper.fails("A:col: unknown column 'petals' (known: sepal_length, sepal_width, petal_length, petal_width)",
      iris.col, iris, "petals")
    local A = matrix.eye(2)
    helper.fails("A:col: column 'a': the columns of this matrix have no names", A.col, A, "a")
    helper.fails("A:cols_at: column 'a': the columns of this matrix have no names", A.cols_at, A, { 1, "a" })
    helper.fails("A:cols_at: element 2 of list is a table, not a number", iris.cols_at, iris, { "petal_length", {} })
    helper.fails("A:cols_at: column 9 (element 2 of the list) is outside 1..4", iris.cols_at, iris,
      { "petal_length", 9 })
    local broken = iris:cols_at { 1, 2 }
    broken.names[1] = {}
    helper.fails("unknown column 'sepal_length'", broken.col, broken, "sepal_length")
    assert.is_true(broken:col "sepal_width" == iris:col(2))
  end)
end)

describe("unique", function()
  it("gives the distinct numbers, their counts, and codes in the matrix's shape", function()
    for name, layout in pairs(layouts) do
      local values, counts, codes = layout(matrix { { 7, 3, 7 }, { -1, 7, 3 } }):unique()
      assert.near_matrix({ -1, 3, 7 }, values, 0, name)
      assert.near_matrix({ 1, 2, 3 }, counts, 0, name)
      assert.near_matrix({ { 3, 2, 3 }, { 1, 3, 2 } }, codes, 0, name)
    end
  end)
  it("takes all NaN as one, and 0 and -0", function()
    local values, counts, codes = matrix { nan, 2, -nan, 0, -0.0, inf }:unique()
    assert.near_matrix({ 0, 2, inf, nan }, values, 0)
    assert.near_matrix({ 2, 1, 1, 2 }, counts, 0)
    assert.near_matrix({ 4, 2, 4, 1, 1, 3 }, codes, 0)
  end)
  it("puts a matrix together again, of many numbers too", function()
    local X = latent.random(3):integer(-300, 300, 500, 100)
    local values, counts, codes = X:unique()
    assert.are.equal(601, #values)
    assert.are.equal(50000, counts:sum())
    assert.is_true(values:rows_at(codes:flatten()):reshape(500, 100) == X)
    for k = 1, 600 do assert.is_true(values[k] < values[k + 1]) end
    for _, k in ipairs { 1, 300, 601 } do assert.are.equal(X:eq(values[k]):sum(), counts[k]) end
    assert.are.equal(1, #(matrix.ones(100):unique()))
  end)
end)

describe("covariance and correlation", function()
  -- R 4's cov(iris[, 1:4]) and cor(iris[, 1:4]), as its documentation and textbooks print them; its divisor is N - 1.
  local COVARIANCE = { { 0.6856935, -0.0424340, 1.2743154, 0.5162707 },
    { -0.0424340, 0.1899794, -0.3296564, -0.1216394 }, { 1.2743154, -0.3296564, 3.1162779, 1.2956094 },
    { 0.5162707, -0.1216394, 1.2956094, 0.5810063 } }
  local CORRELATION = { { 1, -0.1175698, 0.8717538, 0.8179411 }, { -0.1175698, 1, -0.4284401, -0.3661259 },
    { 0.8717538, -0.4284401, 1, 0.9628654 }, { 0.8179411, -0.3661259, 0.9628654, 1 } }
  local X = latent.datasets.iris()
  it("are R's", function()
    for name, layout in pairs(layouts) do
      assert.near_matrix(COVARIANCE, layout(X):covariance { correction = 1 }, 5e-8, name)
      assert.near_matrix(matrix(COVARIANCE) * (149 / 150), layout(X):covariance(), 5e-8, name)
      assert.near_matrix(CORRELATION, layout(X):correlation(), 5e-8, name)
    end
    assert.are.equal("float64", X:to "float32":covariance().dtype)
    assert.near_matrix({ { 0.25 } }, matrix { 1, 2 }:covariance(), 0)
    for j = 1, 4 do assert.near(X:col(j):var(), X:covariance()(j, j), 1e-14) end
  end)
  it("keep their digits far from 0, and over the whole range of numbers", function()
    assert.near_matrix(X:covariance(), (X + 1e6):covariance(), 1e-9)
    assert.near_matrix(CORRELATION, (X * 1e200):correlation(), 5e-8)
    assert.near_matrix(CORRELATION, (X * 1e-200):correlation(), 5e-8)
    local line = matrix.linspace(0, 1, 50)
    assert.near_matrix({ { 1, -1 }, { -1, 1 } }, matrix.hstack { line, line * -3 + 7 }:correlation(), 1e-15)
  end)
  it("have no correlation with a constant column, and no spread of one row", function()
    local R = matrix.hstack { X, matrix.ones(150) * 0.1 }:correlation()
    assert.near_matrix(CORRELATION, R:block(1, 4, 1, 4), 5e-8)
    for j = 1, 5 do assert.is_true(R(5, j) ~= R(5, j) and R(j, 5) ~= R(j, 5)) end
    assert.near_matrix({ { 0, 0 }, { 0, 0 } }, matrix { { 1, 2 } }:covariance(), 0)
  end)
  it("check rows and divisors", function()
    helper.fails("A:covariance: A has NaN at row 2, column 1", X.covariance, matrix { 1, nan })
    helper.fails("A:correlation: A has an infinity at row 2, column 2", X.correlation, matrix { { 1, 2 }, { 3, inf } })
    helper.fails("A:covariance: correction must be below the number of rows, 150, from which it is taken, got 150",
      X.covariance, X, { correction = 150 })
    helper.fails("A:covariance: correction must be", X.covariance, X, { correction = -1 })
    helper.fails("did you mean 'correction'?", X.covariance, X, { corection = 1 })
  end)
end)

describe("vstack and hstack", function()
  local A, v = matrix { { 1, 2 }, { 3, 4 } }, matrix { 5, 6 }
  it("put matrices below and beside each other", function()
    assert.near_matrix({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, matrix.vstack { A, v }, 0)
    assert.near_matrix({ { 1, 2, 5 }, { 3, 4, 6 } }, matrix.hstack { A, v }, 0)
    assert.near_matrix({ { 5, 6 }, { 1, 3 }, { 2, 4 } }, matrix.vstack { { 5, 6 }, A:t() }, 0)
    assert.near_matrix({ { 5, 5 }, { 6, 6 } }, matrix.hstack { v, v }, 0)
    assert.are.equal("float32", matrix.vstack { v:to "float32", v:to "float32" }.dtype)
    assert.are.equal("float64", matrix.vstack { v:to "float32", v }.dtype)
  end)
  it("name the matrix that doesn't fit", function()
    helper.fails("matrix.vstack: matrix 2 of the list has 3 columns, the first 2", matrix.vstack, { A, { 1, 2, 3 } })
    helper.fails("matrix.hstack: matrix 3 of the list has 3 rows, the first 2", matrix.hstack, { A, v, { 1, 2, 3 } })
    helper.fails("matrix.vstack: the list has no matrices", matrix.vstack, {})
    helper.fails("matrix.vstack: list must be a table of matrices, got latent.Matrix", matrix.vstack, A)
    helper.fails("matrix.vstack: an element of the list must be a matrix, got number", matrix.vstack, { 1, 2 })
  end)
end)
