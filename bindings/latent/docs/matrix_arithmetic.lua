-- Operators, element-wise functions, masks and choices.

local OUT = { "out", "latent.Matrix", "a fresh one", "where the result goes; it may overlap the operands" }
local OPTIONS = { "options", "table?", "see options" }
local NUMBERS = "latent.Matrix|number|number[]"

local BROADCAST = [[
Both sides have the same shape, or one is repeated to the other's: a number to everything, a vector to all rows
of a matrix (its length is the number of columns), a matrix of one column (v:column()) to all columns, a matrix
of one row to all rows. Vectors among themselves are of one length. Other shapes raise. The result is float64 when one
of the matrices is; numbers take the matrix's dtype.]]

local function operator(name, summary, example)
  return {
    name = "Matrix:__" .. name,
    summary = summary,
    args = { { "B", NUMBERS, "the other side" } },
    returns = { { "latent.Matrix", "the result" } },
    text = BROADCAST,
    example = example,
  }
end

local function binary(name, summary, example, text)
  return {
    name = "Matrix:" .. name,
    summary = summary,
    args = { { "B", NUMBERS, "the other side" }, OPTIONS },
    options = { OUT },
    returns = { { "latent.Matrix", "the result" } },
    text = text or BROADCAST,
    example = example,
  }
end

local function mask(name, symbol, example)
  return binary(name, "Where A " .. symbol .. " B: 1, elsewhere 0.", example,
    "A comparison with NaN is false, so 0" .. (name == "ne" and ", but ne gives 1" or "")
    .. ". The mask has the dtype of the matrices. Broadcasting is that of the operators; see Matrix:where for use.")
end

local function unary(name, summary, example, text)
  return {
    name = "Matrix:" .. name,
    summary = summary,
    args = { OPTIONS },
    options = { OUT },
    returns = { { "latent.Matrix", "of A's shape and dtype" } },
    text = text,
    example = example or ("matrix{0.5, 1, 2}:" .. name .. "()"),
  }
end

local function comparison(name, turned, sign)
  return {
    name = "Matrix:__" .. name,
    summary = ("Raises: matrices aren't ordered, and Lua makes one boolean of it; the mask is A:%s(B)."):format(name),
    args = { { "B", "(latent.Matrix|number)", "the other side" } },
    returns = {},
    text = ("A %s B is B %s A, whose mask is A:%s(B)."):format(turned, sign, name == "lt" and "gt" or "ge"),
  }
end

return {
  operator("add", "The sum, element by element.", "matrix{{1, 2}, {3, 4}} + matrix{10, 20}   -- 11 22; 13 24"),
  operator("sub", "The difference, element by element.",
    "X - X:mean(1)   -- centred columns"),
  operator("mod", "The product element by element; the matrix product is *.",
    "matrix{1, 2, 3} % matrix{4, 5, 6}   -- 4 10 18"),
  operator("div", "The quotient, element by element.", "matrix{1, 2, 3} / 2"),
  operator("pow", "The power, element by element.", "matrix{1, 2, 3} ^ 2   -- 1 4 9"),
  {
    name = "Matrix:__unm",
    summary = "-A.",
    args = {},
    returns = { { "latent.Matrix", "of A's shape and dtype" } },
    example = "-matrix{1, -2}   -- -1 2",
  },
  {
    name = "Matrix:__eq",
    summary = "Whether two matrices have the same shape and equal elements everywhere.",
    args = { { "B", "latent.Matrix", "the other side" } },
    returns = { { "boolean", "true when they are" } },
    text = "Exact: no tolerance. 0 equals -0, NaN equals nothing. A float32 matrix equals a float64 one of the "
      .. "same values; "
      .. "a vector isn't equal to a matrix of one column. For a mask use Matrix:eq.",
    example = "matrix{1, 2} == matrix{1, 2}   -- true",
  },
  comparison("lt", ">", "<"),
  comparison("le", ">=", "<="),
  binary("add", "The sum, element by element, into a matrix of one's choice.",
    "local A = matrix{1, 2}\nA:add(10, { out = A })   -- A is 11 12"),
  binary("sub", "The difference, element by element.", "matrix{1, 2}:sub(1)"),
  binary("mul", "The product, element by element (%), of matrices or numbers.", "matrix{1, 2}:mul{3, 4}   -- 3 8"),
  binary("div", "The quotient, element by element.", "matrix{1, 2}:div{4, 4}"),
  binary("pow", "The power, element by element.", "matrix{1, 2}:pow(3)   -- 1 8"),
  binary("minimum", "The lesser of A and B, element by element; NaN where either is.",
    "matrix{1, 5}:minimum(3)   -- 1 3"),
  binary("maximum", "The greater of A and B, element by element; NaN where either is.",
    "matrix{1, 5}:maximum(3)   -- 3 5"),
  mask("lt", "<", "matrix{1, 2, 3}:lt(2)   -- 1 0 0"),
  mask("le", "<=", "matrix{1, 2, 3}:le(2)   -- 1 1 0"),
  mask("gt", ">", "matrix{1, 2, 3}:gt(2)   -- 0 0 1"),
  mask("ge", ">=", "matrix{1, 2, 3}:ge(2)   -- 0 1 1"),
  mask("eq", "equals", "matrix{1, 2, 3}:eq(2)   -- 0 1 0"),
  mask("ne", "differs from", "matrix{1, 2, 3}:ne(2)   -- 1 0 1"),
  unary("neg", "-a."),
  unary("abs", "The magnitude |a|.", "matrix{-1, 2}:abs()   -- 1 2"),
  unary("sign", "-1, 0 or 1; NaN for NaN.", "matrix{-3, 0, 5}:sign()   -- -1 0 1"),
  unary("square", "a * a."),
  unary("sqrt", "The square root; NaN below 0."),
  unary("reciprocal", "1 / a."),
  unary("floor", "The greatest integer not above a."),
  unary("ceil", "The least integer not below a."),
  unary("round", "The nearest integer.", "matrix{0.5, 1.5, 2.5}:round()   -- 0 2 2",
    "Halves go to the even neighbour."),
  unary("exp", "The exponential function."),
  unary("expm1", "exp(a) - 1, precise near 0."),
  unary("log", "The natural logarithm; -inf at 0, NaN below."),
  unary("log1p", "log(1 + a), precise near 0."),
  unary("sin", "The sine, of radians."),
  unary("cos", "The cosine, of radians."),
  unary("tanh", "The hyperbolic tangent."),
  unary("sigmoid", "The logistic function 1 / (1 + exp(-a))."),
  unary("relu", "max(a, 0); NaN for NaN."),
  unary("softplus", "log(1 + exp(a)), without overflow."),
  unary("isnan", "1 where the element is NaN, elsewhere 0.", "matrix{1, 0/0}:isnan()   -- 0 1"),
  unary("isfinite", "0 where the element is NaN or infinite, elsewhere 1.", "matrix{1, 1/0}:isfinite()   -- 1 0"),
  {
    name = "Matrix:clamp",
    summary = "The nearest numbers in [low, high].",
    args = { { "low", NUMBERS, "lower bound" }, { "high", NUMBERS, "upper bound" }, OPTIONS },
    options = { OUT },
    returns = { { "latent.Matrix", "the result" } },
    text = "NaN stays NaN. Bounds may be matrices and are broadcast.",
    example = "matrix{-1, 0.5, 9}:clamp(0, 1)   -- 0 0.5 1",
  },
  {
    name = "Matrix:map",
    summary = "A function of Lua applied to every element.",
    args = {
      { "f", "fun(x: number, i: integer, j: integer): number", "called row by row; for a vector f(x, i)" },
      OPTIONS,
    },
    options = { { "out", "latent.Matrix", "a fresh one", "where the result goes; A itself will do" } },
    returns = { { "latent.Matrix", "of A's shape and dtype" } },
    example = "matrix{1, 2, 3}:map(function(x, i) return x * i end)   -- 1 4 9",
  },
  {
    name = "Matrix:where",
    summary = "The elements or rows that a mask chooses; or a choice between A and B, element by element.",
    args = {
      { "mask", "latent.Matrix", "chooses where it isn't 0" },
      { "B", "(latent.Matrix|number)?", "gives the elements where the mask is 0" },
      OPTIONS,
    },
    options = { { "out", "latent.Matrix", "a fresh one", "where the choice between A and B goes" } },
    returns = { { "latent.Matrix?", "nil when the mask chooses nothing, as there is no empty matrix" } },
    text = [[
  A:where(mask)     mask of A's shape: a vector of the chosen elements, row by row
  X:where(mask)     mask a vector with one element a row of X: the chosen rows
  A:where(mask, B)  A where the mask isn't 0, else B; all three are broadcast]],
    example = "local X = matrix{{1, 2}, {3, 4}, {5, 6}}\nX:where(X:col(1):gt(2))   -- 3 4; 5 6",
  },
}
