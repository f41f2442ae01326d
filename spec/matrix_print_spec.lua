-- What print(A) shows.
local latent = require "latent"
local matrix = latent.matrix
local nan, inf = 0 / 0, 1 / 0

-- tostring(A) must be exactly these lines.
local function shows(A, ...) assert.are.equal(table.concat({ ... }, "\n"), tostring(A)) end

local function lines_of(A)
  local lines = {}
  for line in tostring(A):gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

describe("printing", function()
  it("shows integers without decimals", function()
    shows(matrix { { 1, 2 }, { 3, 4 } }, " 1  2", " 3  4", "[2x2 float64 matrix]")
    shows(matrix { { 1, -200 }, { 30, 4 } }, "    1  -200", "   30     4", "[2x2 float64 matrix]")
    shows(matrix { { 123456789012 } }, " 123456789012", "[1x1 float64 matrix]")
    shows(matrix { -0.0 }, " -0", "[1 float64 vector]")
  end)

  it("takes as many decimals as needed, up to four", function()
    shows(matrix { { 0.5, 1.25 }, { -3, 10 } }, "  0.50   1.25", " -3.00  10.00", "[2x2 float64 matrix]")
    shows(matrix { 1 / 3, 2 / 3 }, " 0.3333  0.6667", "[2 float64 vector]")
    shows(matrix { 0.1 + 0.2, 1 }, " 0.3  1.0", "[2 float64 vector]")
    shows(matrix({ { 5.1, 3.5 }, { 4.9, 3 } }, { dtype = "float32" }), " 5.1  3.5", " 4.9  3.0", "[2x2 float32 matrix]")
  end)

  it("tells an exact zero from a number that is small beside the others", function()
    shows(matrix { { 1.5, 1e-17 }, { 0, 1 } }, " 1.5  0.0", "   0  1.0", "[2x2 float64 matrix]")
  end)

  it("puts a common power of ten in front when all are large or small", function()
    shows(matrix { { 1234567.5, 2345678.25 }, { 300000, 1e6 } },
      "1e+06 *", " 1.2346  2.3457", " 0.3000  1.0000", "[2x2 float64 matrix]")
    shows(matrix { 0.001, 0.002, -0.0035 }, "1e-03 *", "  1.0000   2.0000  -3.5000", "[3 float64 vector]")
    shows(matrix { { 1e15 } }, "1e+15 *", " 1.0000", "[1x1 float64 matrix]")
  end)

  it("is scientific when the numbers differ too much for that", function()
    shows(matrix { { 1, 1e-5 } }, " 1.0000e+00  1.0000e-05", "[1x2 float64 matrix]")
    shows(matrix { 123456, 1.5, 0 }, " 1.2346e+05  1.5000e+00           0", "[3 float64 vector]")
    shows(matrix { 1e-310, 2e-310 }, " 1.0000e-310  2.0000e-310", "[2 float64 vector]")
  end)

  it("shows NaN and infinities, alone and among numbers", function()
    shows(matrix { nan }, " nan", "[1 float64 vector]")
    shows(matrix { { nan, inf }, { -inf, 1 } }, "  nan   inf", " -inf     1", "[2x2 float64 matrix]")
    shows(matrix { nan, 2.5, -inf }, "  nan   2.5  -inf", "[3 float64 vector]")
  end)

  it("says what it is, in the last line", function()
    assert.is_truthy(tostring(matrix.zeros(1797, 64)):find("\n[1797x64 float64 matrix]", 1, true))
    assert.is_truthy(tostring(matrix.zeros(5, { dtype = "float32" })):find("\n[5 float32 vector]", 1, true))
    shows(matrix { { 1 }, { 2 } }:t(), " 1  2", "[1x2 float64 matrix]")
  end)

  it("cuts more than 20 rows to their edges", function()
    assert.are.equal(21, #lines_of(matrix.zeros(20, 2)))
    shows(matrix(21, 2, function(i, j) return 10 * i + j end),
      "  11   12", "  21   22", "  31   32", "  41   42", "  51   52", " ...  ...",
      " 171  172", " 181  182", " 191  192", " 201  202", " 211  212", "[21x2 float64 matrix]")
    shows(matrix(30, 1, 1), "   1", "   1", "   1", "   1", "   1", " ...", "   1", "   1", "   1", "   1", "   1",
      "[30x1 float64 matrix]")
  end)

  it("cuts columns to those that fit into 80 characters", function()
    shows(matrix(2, 100, function(_, j) return j end),
      "   1    2    3    4    5    6    7    8  ...   94   95   96   97   98   99  100",
      "   1    2    3    4    5    6    7    8  ...   94   95   96   97   98   99  100", "[2x100 float64 matrix]")
    shows(matrix(1, 9, 0.125),
      " 0.125  0.125  0.125  0.125  0.125  0.125  0.125  0.125  0.125", "[1x9 float64 matrix]")
    for _, value in ipairs { 1, -1, 0.5, 1 / 3, -1e-200, 1e6 + 1 / 3, nan } do
      for cols = 1, 60 do
        for _, line in ipairs(lines_of(matrix(30, cols, value))) do
          assert.is_true(#line <= 80, line)
        end
      end
    end
  end)

  it("wraps a vector and cuts a long one", function()
    shows(matrix.range(1, 45),
      "  1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18  19  20",
      " 21  22  23  24  25  26  27  28  29  30  31  32  33  34  35  36  37  38  39  40",
      " 41  42  43  44  45", "[45 float64 vector]")
    shows(matrix.range(1, 1000),
      "    1     2     3     4     5     6  ...   995   996   997   998   999  1000", "[1000 float64 vector]")
  end)

  it("chooses the format by what is shown only", function()
    local A = matrix(1000, 1000, 1)
    A:set(500, 500, 1e-300)
    A:set(400, 300, nan)
    assert.are.equal("   1    1    1    1    1    1    1    1  ...    1    1    1    1    1    1    1", lines_of(A)[1])
  end)

  it("shows views as they are", function()
    local A = matrix { { 1, 2, 3 }, { 4, 5, 6 } }
    shows(A:t(), " 1  4", " 2  5", " 3  6", "[3x2 float64 matrix]")
    shows(A:col(2), " 2  5", "[2 float64 vector]")
  end)
end)
