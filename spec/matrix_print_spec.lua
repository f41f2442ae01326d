-- Matrices as text: what a REPL shows.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local nan, inf = 0 / 0, math.huge

-- The text of A, or A itself when it is a string, has these lines.
local function shows(A, lines)
  assert.are.equal(table.concat(lines, "\n"), tostring(A))
end

local function places(n, m) return matrix(n, m, function(i, j) return 10 * i + j end) end

describe("a matrix as text", function()
  it("has no decimals when all are integers", function()
    shows(matrix{ {1, 2}, {-3, 40} }, { " 1   2", "-3  40", "[2x2 float64 matrix]" })
    shows(matrix{ {5} }, { "5", "[1x1 float64 matrix]" })
    shows(matrix{ {2 ^ 53, -1} }, { "9007199254740992                -1", "[1x2 float64 matrix]" })
    shows(matrix({ {2 ^ 24, 3} }, { dtype = "float32" }), { "16777216         3", "[1x2 float32 matrix]" })
  end)

  it("has four decimals otherwise", function()
    shows(latent.datasets.iris():block(1, 3), {
      "5.1000  3.5000  1.4000  0.2000",
      "4.9000  3.0000  1.4000  0.2000",
      "4.7000  3.2000  1.3000  0.2000",
      "[3x4 float64 matrix]",
    })
    shows(matrix{ {1, -0.117569784}, {-0.117569784, 1} }, {
      " 1.0000  -0.1176",
      "-0.1176   1.0000",
      "[2x2 float64 matrix]",
    })
    shows(matrix({ {0.1, 1 / 3} }, { dtype = "float32" }), { "0.1000  0.3333", "[1x2 float32 matrix]" })
    shows(matrix{ {99999.5}, {0.5} }, { "99999.5000", "    0.5000", "[2x1 float64 matrix]" })
  end)

  it("tells exact zeros from rounded ones, and both without a sign", function()
    shows(matrix{ {2, 0}, {-0.0, 1.5} }, { "2.0000       0", "     0  1.5000", "[2x2 float64 matrix]" })
    shows(matrix{ {1, -1e-17}, {3e-9, 0.5} }, { "1.0000  0.0000", "0.0000  0.5000", "[2x2 float64 matrix]" })
    shows(matrix{-0.0, 1}, { "0  1", "[2 float64 vector]" })
  end)

  it("aligns NaN and infinities, and doesn't let them decide", function()
    shows(matrix{ {nan, inf}, {-inf, 1.5} }, { "   nan     inf", "  -inf  1.5000", "[2x2 float64 matrix]" })
    shows(matrix{ {nan, inf}, {-inf, 15} }, { " nan   inf", "-inf    15", "[2x2 float64 matrix]" })
    shows(matrix(2, 2, nan), { "nan  nan", "nan  nan", "[2x2 float64 matrix]" })
    shows(matrix{ {nan, 2.5e-9} }, { "1e-09 *", "   nan  2.5000", "[1x2 float64 matrix]" })
  end)

  it("takes out a common scale when numbers are large or small", function()
    shows(matrix{ {1250000.5, -31000}, {0, 750000} }, {
      "1e+06 *",
      " 1.2500  -0.0310",
      "      0   0.7500",
      "[2x2 float64 matrix]",
    })
    shows(matrix{6.02e23, 1.5e23}, { "1e+23 *", "6.0200  1.5000", "[2 float64 vector]" })
    shows(matrix{0.0099, 0.002}, { "1e-03 *", "9.9000  2.0000", "[2 float64 vector]" })
    shows(matrix{0.01, 0.002}, { "0.0100  0.0020", "[2 float64 vector]" })
    shows(matrix({2 ^ 25, 2 ^ 24}, { dtype = "float32" }), { "1e+07 *", "3.3554  1.6777", "[2 float32 vector]" })
  end)

  it("decides by the number as it is rounded", function()
    shows(matrix{99999.99999, 5e4}, { "1e+05 *", "1.0000  0.5000", "[2 float64 vector]" })
    shows(matrix{0.00999999999}, { "0.0100", "[1 float64 vector]" })
  end)

  it("is scientific when a row, a column or an element would be lost", function()
    shows(matrix{ {1.5, 3e-7}, {2.25, 4e-7} }, {
      "1.5000e+00  3.0000e-07",
      "2.2500e+00  4.0000e-07",
      "[2x2 float64 matrix]",
    })
    shows(matrix{ {1e-12, 1}, {1e12, -3.5} }, {
      " 1.0000e-12   1.0000e+00",
      " 1.0000e+12  -3.5000e+00",
      "[2x2 float64 matrix]",
    })
    shows(matrix{0.5, 1e-8, 0}, { "5.0000e-01  1.0000e-08           0", "[3 float64 vector]" })
    shows(matrix{6e-310, 1.5e-308}, { "6.0000e-310  1.5000e-308", "[2 float64 vector]" })
  end)

  it("stays plain when only rounding errors or some elements of each row are lost", function()
    shows(matrix{4.2282, 0.25, 2.4e-17}, { "4.2282  0.2500  0.0000", "[3 float64 vector]" })
    shows(matrix{ {0.99999, 1e-9}, {1e-30, 1} }, { "1.0000  0.0000", "0.0000  1.0000", "[2x2 float64 matrix]" })
    shows(matrix{ {123456.5, 3}, {23456.75, 1} }, {
      "123456.5000       3.0000",
      " 23456.7500       1.0000",
      "[2x2 float64 matrix]",
    })
  end)

  it("shows the edges of many rows", function()
    local lines = {}
    for i = 1, 20 do lines[i] = ("%2d"):format(i) end
    lines[21] = "[20x1 float64 matrix]"
    shows(matrix(20, 1, function(i) return i end), lines)
    lines = { " 1", " 2", " 3", " 4", " 5", " 6", " 7", " 8", " 9", "10", "...", "13", "14", "15", "16", "17", "18",
      "19", "20", "21", "[21x1 float64 matrix]" }
    shows(matrix(21, 1, function(i) return i end), lines)
  end)

  it("shows the edges of many columns", function()
    shows(matrix(1, 1000, function(_, j) return j end), {
      "   1     2     3     4     5     6  ...   995   996   997   998   999  1000",
      "[1x1000 float64 matrix]",
    })
    shows(matrix(1, 10, function(_, j) return j + 0.5 end), {
      " 1.5000   2.5000   3.5000   4.5000  ...   7.5000   8.5000   9.5000  10.5000",
      "[1x10 float64 matrix]",
    })
    shows(matrix(1, 10, function(_, j) return j / 10 end), { -- exactly 78 characters
      "0.1000  0.2000  0.3000  0.4000  0.5000  0.6000  0.7000  0.8000  0.9000  1.0000",
      "[1x10 float64 matrix]",
    })
  end)

  it("looks at what it shows only", function()
    local A = matrix.zeros(1000, 1000)
    local before = tostring(A)
    for _, x in ipairs{ 0.5, 1e300, -1e-300, nan } do
      A:block(21, 980, 31, 970):fill(x)
      assert.are.equal(before, tostring(A))
    end
    A:set(1, 1, 0.5)
    assert.are_not.equal(before, tostring(A))
  end)

  it("has a point in every locale", function()
    local folder = os.tmpname() -- a German locale, for a process of its own
    os.remove(folder)
    os.execute(("mkdir %s && localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null"):format(folder, folder))
    local output = helper.lua([[
      if not os.setlocale "de_DE.UTF-8" or ("%.1f"):format(0.5) ~= "0,5" then return end
      print(require "latent".matrix{ {1.5, 1e-9}, {-1e20, 3} })]], "LOCPATH=" .. folder)
    os.execute("rm -r " .. folder)
    if output == "" then return pending "needs localedef and its sources" end
    assert.are.equal(" 1.5000e+00   1.0000e-09\n-1.0000e+20   3.0000e+00\n[2x2 float64 matrix]\n", output)
  end)

  it("is the same for every layout", function()
    local A = places(3, 2)
    shows(A:t(), { "11  21  31", "12  22  32", "[2x3 float64 matrix]" })
    shows(A:block(2, 3, 2, 2), { "22", "32", "[2x1 float64 matrix]" })
    shows(A[2], { "21  22", "[2 float64 vector]" })
    shows(A:col(-1), { "12  22  32", "[3 float64 vector]" })
  end)
end)

describe("a vector as text", function()
  it("is one line when it fits", function()
    shows(matrix{1, 2.5, 3}, { "1.0000  2.5000  3.0000", "[3 float64 vector]" })
    shows(matrix.range(1, 20), {
      " 1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18  19  20",
      "[20 float64 vector]",
    })
  end)

  it("fills lines of ten or twenty", function()
    shows(matrix.range(1, 22), {
      " 1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18  19  20",
      "21  22",
      "[22 float64 vector]",
    })
    shows(matrix.range(101, 117), {
      "101  102  103  104  105  106  107  108  109  110",
      "111  112  113  114  115  116  117",
      "[17 float64 vector]",
    })
  end)

  it("shows the edges when it is long", function()
    shows(matrix.range(1, 1e5):format{ rows = 3, width = 72 }, {
      "     1       2       3       4       5       6       7       8       9",
      "...",
      "100000",
      "[100000 float64 vector]",
    })
  end)

  it("is scientific when one element in twenty would be lost, not for less", function()
    local v = matrix.ones(41) * 0.5
    v[1], v[2] = 2e-6, 2e-6
    assert.are.equal("0.0000  0.0000  0.5000  0.5000", tostring(v):sub(1, 30))
    v[3] = 2e-6
    assert.are.equal("2.0000e-06  2.0000e-06  2.0000e-06  5.0000e-01", tostring(v):sub(1, 46))
  end)
end)

describe("A:format", function()
  local A = matrix(5, 6, function(i, j) return i + j / 8 end)

  it("is tostring when nothing is asked", function()
    assert.are.equal(tostring(A), A:format())
    assert.are.equal(tostring(A), A:format{})
  end)

  it("has other digits, widths and rows", function()
    shows(A:block(1, 1):format{ digits = 1, width = 20 }, {
      "1.1  1.2  ...  1.8",
      "[1x6 float64 matrix]",
    })
    shows(A:format{ digits = 0, rows = 3 }, {
      "1  1  1  2  2  2",
      "...",
      "5  5  5  6  6  6",
      "[5x6 float64 matrix]",
    })
    shows(matrix{ {math.pi} }:format{ digits = 17 }, { "3.14159265358979312", "[1x1 float64 matrix]" })
  end)

  it("shows all of a matrix", function()
    local lines = {}
    for i = 1, 30 do lines[i] = ("0"):rep(300, "  ") end
    lines[31] = "[30x300 float64 matrix]"
    shows(matrix.zeros(30, 300):format{ rows = 30, width = math.maxinteger }, lines)
  end)

  it("shows one row and column, however small the limits", function()
    shows(A:format{ rows = 1, width = 1 }, { "1.1250  ...", "...", "[5x6 float64 matrix]" })
    shows(matrix.range(1, 3):format{ rows = 1, width = 1 }, { "1", "...", "[3 float64 vector]" })
  end)

  it("names what is wrong", function()
    fails("A:format: unknown option 'digit', did you mean 'digits'?", A.format, A, { digit = 1 })
    fails("A:format: digits must be an integer from 0 to 17, got 18", A.format, A, { digits = 18 })
    fails("A:format: width must be an integer >= 1, got 0", A.format, A, { width = 0 })
    fails("A:format: rows must be an integer, got 2.5", A.format, A, { rows = 2.5 })
    fails("A:format: options must be a table, got 3", A.format, A, 3)
    fails("A:format: self must be a matrix, got table", A.format, {})
  end)
end)
