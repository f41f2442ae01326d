local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

-- Elements that tell their place: row 2, column 3 is 23.
local function places(n, m, options)
  return matrix(n, m, function(i, j) return 10 * i + j end, options)
end

describe("matrix", function()
  describe("construction", function()
    it("from tables", function()
      local A = matrix{ {1, 2, 3}, {4, 5, 6} }
      assert.same({2, 3, 2, "float64"}, { A.rows, A.cols, #A, A.dtype })
      assert.same({ {1, 2, 3}, {4, 5, 6} }, A:table())
      local v = matrix{1, 2, 3}
      assert.same({3, 1, 3}, { v.rows, v.cols, #v })
      assert.same({1, 2, 3}, v:table())
      assert.same({ {1, 2, 3}, {4, 5, 6} }, matrix{ matrix{1, 2, 3}, {4, 5, 6} }:table())
      assert.equal("float32", matrix({1, 2}, { dtype = "float32" }).dtype)
      assert.same({ {7} }, matrix{ {7} }:table())
    end)

    it("from sizes, a value or a function", function()
      assert.same({ {0, 0}, {0, 0} }, matrix(2, 2):table())
      assert.same({ {3, 3} }, matrix(1, 2, 3):table())
      assert.same({ {11, 12}, {21, 22} }, places(2, 2):table())
      assert.equal("float32", matrix(2, 2, 0, { dtype = "float32" }).dtype)
      assert.equal("float32", matrix(2, 2, { dtype = "float32" }).dtype)
    end)

    it("of special matrices", function()
      assert.same({ {0, 0, 0}, {0, 0, 0} }, matrix.zeros(2, 3):table())
      assert.same({0, 0}, matrix.zeros(2):table())
      assert.same({ {1}, {1} }, matrix.ones(2, 1):table())
      assert.same({ {1, 0}, {0, 1} }, matrix.eye(2):table())
      assert.same({ {1, 0, 0}, {0, 1, 0} }, matrix.eye(2, 3):table())
      assert.equal("float32", matrix.eye(2, { dtype = "float32" }).dtype)
      assert.equal("float32", matrix.eye(2, nil, { dtype = "float32" }).dtype)
      assert.equal("float32", matrix.ones(2, { dtype = "float32" }).dtype)
      assert.same({ {1, 0}, {0, 5} }, matrix.diag{1, 5}:table())
      assert.same({0, 0.25, 0.5, 0.75, 1}, matrix.linspace(0, 1, 5):table())
      assert.same({4}, matrix.linspace(4, 9, 1):table())
      assert.same({2, 3, 4}, matrix.range(2, 4):table())
      assert.same({5, 3, 1}, matrix.range(5, 0, -2):table())
      assert.equal(11, #matrix.range(0, 1, 0.1))
      assert.near(1, matrix.range(0, 1, 0.1)[-1], 1e-15)
    end)

    it("a copy of a matrix is another matrix", function()
      local A = places(2, 2)
      local B = matrix(A)
      B:set(1, 1, 0)
      assert.equal(11, A(1, 1))
      assert.is_true(matrix.is(A))
      assert.is_false(matrix.is{1, 2})
      assert.is_false(matrix.is())
    end)

    it("names what is wrong", function()
      fails("matrix.zeros: rows must be an integer >= 1, got 0", matrix.zeros, 0)
      fails("matrix.zeros: rows must be an integer >= 1, got -3", matrix.zeros, -3, 2)
      fails("matrix.zeros: rows must be an integer >= 1, got 1.5", matrix.zeros, 1.5)
      fails("matrix.zeros: rows must be an integer >= 1, got 'three'", matrix.zeros, "three")
      fails("matrix.zeros: rows must be an integer >= 1, got nothing", matrix.zeros)
      fails("matrix.zeros: cols must be an integer >= 1, got 0", matrix.zeros, 2, 0)
      fails("matrix.zeros: unknown option 'type'", matrix.zeros, 2, 2, { type = "float32" })
      fails("matrix.zeros: unknown option 'dtyp', did you mean 'dtype'?", matrix.zeros, 2, { dtyp = "float32" })
      fails("unknown dtype 'flaot32', did you mean 'float32'?", matrix.zeros, 2, { dtype = "flaot32" })
      fails("more than memory can address", matrix.zeros, 1 << 40, 1 << 40)
      fails("more than memory can address", matrix.zeros, math.maxinteger, 2)
      fails("matrix: the argument is an empty table", matrix, {})
      fails("matrix: row 2 of the argument has 1 numbers, row 1 has 2", matrix, { {1, 2}, {3} })
      fails("matrix: row 2, column 1 of the argument is a string, not a number", matrix, { {1, 2}, {"3", 4} })
      fails("matrix: element 2 of the argument is a boolean, not a number", matrix, {1, true})
      fails("matrix: row 2 of the argument is a number, not a table of numbers", matrix, { {1}, 2 })
      fails("matrix: row 1 of the argument is empty", matrix, { {}, {} })
      fails("must be a table of numbers or of rows", matrix, { "a" })
      fails("matrix: the argument must be a matrix, got nothing", matrix)
      fails("matrix: the function's result must be a number, got nothing", matrix, 2, 2, function() end)
      fails("oops", matrix, 2, 2, function() error "oops" end)
      fails("must be a number or a function(i, j), got string", matrix, 2, 2, "x")
      fails("matrix.range: 1.0 to 0.0 by 1.0 has no elements", matrix.range, 1, 0)
      fails("has no elements", matrix.range, 0, 1, 0)
      fails("has no elements", matrix.range, 0, 0 / 0)
      fails("has no elements", matrix.range, 0, math.huge)
      fails("matrix.linspace: n must be an integer >= 1", matrix.linspace, 0, 1, 0)
      fails("matrix.diag: v must be a vector, got a 2x2 matrix", matrix.diag, matrix.eye(2))
    end)

    it("an impossible amount of memory is an error, after which all is well", function()
      local ok, message = pcall(matrix.zeros, 1 << 30, 1 << 20)
      assert.is_false(ok)
      assert.truthy(message:find "not enough memory")
      assert.same({0}, matrix.zeros(1):table())
    end)
  end)

  describe("elements", function()
    it("are read and written, negative indices count from the end", function()
      local A = places(3, 4)
      assert.equal(23, A(2, 3))
      assert.equal(23, A:get(2, 3))
      assert.equal(34, A(-1, -1))
      assert.equal(A, A:set(2, -1, 7))
      assert.equal(7, A(2, 4))
      local v = matrix{5, 6, 7}
      assert.same({5, 7, 6, 7}, { v[1], v[-1], v(2), v:get(3) })
      v[2] = 60
      v:set(-1, 70)
      assert.same({5, 60, 70}, v:table())
    end)

    it("float32 rounds what is written", function()
      local v = matrix.zeros(1, { dtype = "float32" })
      v[1] = 0.1
      assert.equal(string.unpack("<f", string.pack("<f", 0.1)), v[1])
    end)

    it("keep NaN, infinities and -0", function()
      local v = matrix{ 0 / 0, 1 / 0, -1 / 0, -0.0 }
      assert.is_true(v[1] ~= v[1])
      assert.same({ math.huge, -math.huge, -math.huge }, { v[2], v[3], 1 / v[4] })
    end)

    it("rows are views that write through", function()
      local A = places(3, 3)
      A[2][3] = 5
      assert.equal(5, A(2, 3))
      A[1] = {1, 2, 3}
      A[-1] = matrix{7, 8, 9}
      assert.same({ {1, 2, 3}, {21, 22, 5}, {7, 8, 9} }, A:table())
      A[2] = 0
      assert.same({0, 0, 0}, A[2]:table())
    end)

    it("pairs does what ipairs does", function()
      local seen = {}
      for i, row in pairs(places(3, 2)) do seen[i] = row end
      assert.equal(3, #seen)
      assert.is_true(seen[3] == places(3, 2)[3])
      for i, x in pairs(matrix { 4, 5 }) do seen[i] = x end
      assert.same({ 4, 5 }, { seen[1], seen[2] })
      fails("pairs: self must be a matrix, got table", debug.getmetatable(matrix { 1 }).__pairs, {})
      local following = pairs(matrix { 4, 5 })
      assert.has_error(following, "pairs: this is for the loop to call")
      assert.has_error(function() following(3, 1) end, "pairs: this is for the loop to call")
    end)

    it("ipairs runs over rows and elements", function()
      local sum = 0
      for i, row in ipairs(places(3, 2)) do sum = sum + i * row[1] end
      assert.equal(11 + 2 * 21 + 3 * 31, sum)
      local seen = {}
      for i, x in ipairs(matrix{4, 5}) do seen[i] = x end
      assert.same({4, 5}, seen)
    end)

    it("reading them allocates nothing", function()
      local A, v = places(3, 3), matrix{1, 2, 3}
      collectgarbage() collectgarbage "stop"
      local before, sum = collectgarbage "count", 0
      for _ = 1, 10000 do
        sum = sum + A(2, 2) + A:get(1, 1) + v[2]
        A:set(3, 3, 1)
        v[1] = 2
      end
      local used = collectgarbage "count" - before
      collectgarbage "restart"
      assert.is_true(used < 1, used .. " KB")
      assert.equal(10000 * (22 + 11 + 2), sum)
    end)

    it("outside of the matrix is an error that says so", function()
      local A, v = places(2, 3), matrix{1, 2}
      fails("A(): row 3 is outside 1..2", function() return A(3, 1) end)
      fails("A(): column 0 is outside 1..3", function() return A(1, 0) end)
      fails("A:get: column -4 is outside 1..3", A.get, A, 1, -4)
      fails("A:get: column must be an integer, got nothing", A.get, A, 1)
      fails("A:set: row must be an integer, got 1.5", A.set, A, 1.5, 1, 0)
      fails("A:set: value must be a number, got 'x'", A.set, A, 1, 1, "x")
      fails("A[i]: index 0 is outside 1..2", function() return A[0] end)
      fails("A[i]: index 4 is outside 1..2", function() return A[4] end)
      fails("A[i]: index must be an integer, got 1.5", function() return v[1.5] end)
      fails("index 3 is outside 1..2", function() v[3] = 1 end)
      fails("value must be a number, got table", function() v[1] = {} end)
      fails("a vector of 2 doesn't fit into 1x3 elements", function() A[1] = {1, 2} end)
      fails("a matrix has no field 'size' to set", function() A.size = 1 end)
      fails("self must be a matrix, got table", A.get, {}, 1, 1)
      fails("self must be a matrix, got FILE*; use a colon: A:get(...)", A.get, io.stdout, 1, 1)
      assert.is_nil(A[3])
      fails("A.size: there is no such field or method: it is A.rows", function() return A.size end)
      fails("A[i]: index must be an integer or a name, got table", function() return A[{}] end)
    end)
  end)

  describe("views", function()
    it("share memory: rows, columns, blocks, transposes, diagonals", function()
      local A = places(4, 5)
      assert.same({31, 32, 33, 34, 35}, A:row(3):table())
      assert.same({12, 22, 32, 42}, A:col(2):table())
      assert.same({ {22, 23}, {32, 33} }, A:block(2, 3, 2, 3):table())
      assert.same({ {44, 45} }, A:block(-1, -1, -2, -1):table())
      assert.same({ {41, 42, 43, 44, 45} }, A:block(4):table())
      assert.same({11, 22, 33, 44}, A:diag():table())
      local T = A:t()
      assert.same({5, 4, 34}, { T.rows, T.cols, T(4, 3) })
      A:col(2):fill(0)
      A:t():block(1, 1, 1, 4):fill(1)
      A:diag():assign{9, 9, 9, 9}
      assert.same({ {9, 0, 13, 14, 15}, {1, 9, 23, 24, 25}, {1, 0, 9, 34, 35}, {1, 0, 43, 9, 45} }, A:table())
      assert.equal(25, A:t():t():block(2, 3, 4, 5):t()(2, 1))
    end)

    it("keep the memory alive", function()
      local v
      do
        local A = places(300, 300)
        v = A:block(2, 3):t():row(4):block(2, 2)
      end
      collectgarbage() collectgarbage()
      for _ = 1, 50 do matrix.zeros(300, 300) end -- would take its place
      assert.equal(34, v[1])
    end)

    it("a vector's block and transpose", function()
      local v = matrix{1, 2, 3, 4}
      assert.same({2, 3}, v:block(2, 3):table())
      assert.same({ {1, 2, 3, 4} }, v:t():table())
      assert.same({ {1}, {2}, {3}, {4} }, v:column():table())
    end)

    it("reshape keeps the order of rows", function()
      local A = places(2, 3)
      assert.same({ {11, 12}, {13, 21}, {22, 23} }, A:reshape(3, 2):table())
      assert.same({11, 12, 13, 21, 22, 23}, A:flatten():table())
      assert.same({11, 21, 12, 22, 13, 23}, A:t():flatten():table())
      A:reshape(6)[1] = 0
      assert.equal(0, A(1, 1))
      fails("a 2x3 matrix has 6 elements, not 4x2", A.reshape, A, 4, 2)
      fails("has 6 elements, not", A.reshape, A, 1 << 62, 4)
    end)

    it("bad ranges are errors", function()
      local A = places(3, 3)
      fails("the row range 3..2 is empty", A.block, A, 3, 2)
      fails("A:block: column 4 is outside 1..3", A.block, A, 1, 1, 1, 4)
      fails("A:row: row 0 is outside", A.row, A, 0)
      fails("A:col: column 'a': the columns of this matrix have no names", A.col, A, "a")
      fails("v must be a vector, got a 3x3 matrix", A.column, A)
    end)
  end)

  describe("copies", function()
    it("assign repeats numbers, rows and columns", function()
      local A = matrix.zeros(2, 3)
      assert.same({ {1, 2, 3}, {1, 2, 3} }, A:assign{1, 2, 3}:table())
      assert.same({ {7, 7, 7}, {8, 8, 8} }, A:assign(matrix{7, 8}:column()):table())
      assert.same({ {5, 5, 5}, {5, 5, 5} }, A:assign(5):table())
      assert.same({1, 2}, matrix.zeros(2):assign{1, 2}:table())
      fails("A:assign: a 3x2 matrix doesn't fit into 2x3 elements", A.assign, A, places(3, 2))
    end)

    it("assign to an overlapping view takes the old values", function()
      local v = matrix{1, 2, 3, 4, 5}
      v:block(2, 5):assign(v:block(1, 4))
      assert.same({1, 1, 2, 3, 4}, v:table())
      local A = places(3, 3)
      A:assign(A:t())
      assert.same({ {11, 21, 31}, {12, 22, 32}, {13, 23, 33} }, A:table())
    end)

    it("a map into an overlapping view takes the old values", function()
      local v = matrix{1, 2, 3, 4, 5}
      v:block(1, 4):map(function(x) return 10 * x end, { out = v:block(2, 5) })
      assert.same({1, 10, 20, 30, 40}, v:table())
    end)

    it("copy and to are of their own", function()
      local A = places(40, 37)
      local B, F = A:t():copy(), A:to "float32"
      A:fill(0)
      assert.same({11, 437, "float32"}, { B(1, 1), B(37, 40), F.dtype })
      assert.equal(437, F(40, 37))
      assert.equal("float64", F:to("float64").dtype)
      fails('unknown dtype \'int\'', A.to, A, "int")
      fails('dtype must be "float64" or "float32", got number', A.to, A, 3)
    end)

    it("fill wants a number", function()
      fails("A:fill: value must be a number, got nothing", function() places(2, 2):fill() end)
    end)
  end)
end)
