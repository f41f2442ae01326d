-- Operators and element-wise functions of Matrix.

local other = { "B", "latent.Matrix|number|table", "a matrix that fits (see broadcasting), or a number" }
local options = { "options", "table?", "see options" }
local out = { { "out", "latent.Matrix?", "nil", "a matrix of the result's shape and dtype to write into; may be X" } }
local matrix = { { "latent.Matrix", "of the shape that both have in common" } }

local function operator(name, sign, summary, text, example)
  return {
    name = "Matrix:" .. name, summary = ("X %s B: "):format(sign) .. summary, args = { other }, returns = matrix,
    text = text, example = example or ("matrix{ {1, 2}, {3, 4} } %s matrix{10, 20}"):format(sign),
  }
end

local function unary(name, summary)
  return {
    name = "Matrix:" .. name, summary = summary, args = { options }, options = out,
    returns = { { "latent.Matrix", "of X's shape and dtype" } },
    example = ("matrix{0.25, 0.5, 1}:%s()"):format(name),
  }
end

local function binary(name, summary, text)
  return {
    name = "Matrix:" .. name, summary = summary, args = { other, options }, options = out, returns = matrix,
    text = text, example = ("matrix{1, 2, 3}:%s(2)"):format(name),
  }
end

local mask = "NaN compares false, but for ne. The result has X's dtype; see Matrix:where for its use."

return {
  {
    name = "broadcasting",
    topic = true,
    summary = "Which shapes fit each other.",
    text = [[
Matrices of the same shape fit. A side of length 1 is repeated to the length of the other's: a 1xD matrix goes
with every row of an NxD matrix, an Nx1 matrix with every column. A vector of length D beside an NxD matrix is
a row, so X - X:mean(1) centres the columns; v:column() makes it a column instead. Two vectors must have equal
lengths. Numbers fit everything, and keep the matrix's dtype; float32 with float64 gives float64.]],
    example = "local centred, halved = matrix.ones(3, 2) - matrix{1, 2}, matrix.ones(3, 2) / matrix{1, 2, 3}:column()",
  },
  operator("__add", "+", "the sum, element by element."),
  operator("__sub", "-", "the difference, element by element."),
  operator("__mod", "%", "the product, element by element.", "The matrix product is X * B."),
  operator("__div", "/", "the quotient, element by element.", "Division by 0 gives an infinity or NaN."),
  operator("__pow", "^", "the power, element by element.", nil, "matrix{1, 2, 3} ^ 2"),
  {
    name = "Matrix:__unm", summary = "-X: the negative, element by element.", args = {}, returns = matrix,
    example = "-matrix{1, 2}",
  },
  {
    name = "Matrix:__eq", summary = "X == B: true when shapes and all elements are equal.",
    args = { { "B", "latent.Matrix", "another matrix" } }, returns = { { "boolean", "false where there is a NaN" } },
    text = "A vector and a matrix of one column are different. Masks come from X:eq(B).",
    example = "matrix{1, 2} == matrix{1, 2}",
  },
  unary("neg", "-x."),
  unary("abs", "|x|."),
  unary("sign", "-1, 0 or 1."),
  unary("square", "x times x."),
  unary("sqrt", "The square root; NaN below 0."),
  unary("reciprocal", "1/x."),
  unary("floor", "The greatest integer that is not above x."),
  unary("ceil", "The least integer that is not below x."),
  unary("round", "The nearest integer; halves go to the even one."),
  unary("exp", "e to the power x."),
  unary("expm1", "exp(x) - 1, precise near 0."),
  unary("log", "The natural logarithm; -inf at 0, NaN below."),
  unary("log1p", "log(1 + x), precise near 0."),
  unary("sin", "The sine, x in radians."),
  unary("cos", "The cosine, x in radians."),
  unary("tanh", "The hyperbolic tangent."),
  unary("sigmoid", "1/(1 + exp(-x))."),
  unary("relu", "max(x, 0)."),
  unary("softplus", "log(1 + exp(x)), without overflow."),
  unary("isnan", "1 where x is NaN, else 0."),
  unary("isfinite", "1 where x is neither NaN nor infinite, else 0."),
  binary("add", "X + B, with options."),
  binary("sub", "X - B, with options."),
  binary("mul", "The product element by element, X % B, with options."),
  binary("div", "X / B, with options."),
  binary("pow", "X ^ B, with options."),
  binary("minimum", "The smaller of two numbers, element by element.", "NaN where either is NaN."),
  binary("maximum", "The greater of two numbers, element by element.", "NaN where either is NaN."),
  binary("lt", "1 where x < b, else 0.", mask),
  binary("le", "1 where x <= b, else 0.", mask),
  binary("gt", "1 where x > b, else 0.", mask),
  binary("ge", "1 where x >= b, else 0.", mask),
  binary("eq", "1 where x equals b, else 0.", mask),
  binary("ne", "1 where x differs from b, else 0.", mask),
  {
    name = "Matrix:clamp", summary = "The nearest number to x between two bounds.",
    args = {
      { "least", "latent.Matrix|number", "the lower bound" },
      { "most", "latent.Matrix|number", "the upper bound" }, options,
    },
    options = out, returns = matrix, example = "matrix{-1, 0.5, 2}:clamp(0, 1)",
  },
  {
    name = "Matrix:where", summary = "The elements, rows or choices that a mask names.",
    args = {
      { "mask", "latent.Matrix", "numbers, of which 0 is no; of X's shape, or a vector with one number a row" },
      { "B", "(latent.Matrix|number)?", "what to take where the mask is 0" }, options,
    },
    options = out,
    returns = { { "latent.Matrix?", "see below; nil when nothing is chosen" } },
    text = [[
X:where(mask) is a vector of the elements where the mask isn't 0, row by row; with a vector as mask of a
matrix, the matrix of the rows where it isn't 0. X:where(mask, B) is X where the mask isn't 0, and B elsewhere.]],
    example = "local X = matrix{ {1, -2}, {-3, 4} };  local positive, clipped = X:where(X:gt(0)), X:where(X:gt(0), 0)",
  },
  {
    name = "Matrix:map", summary = "A Lua function of every element.",
    args = {
      { "f", "fun(x: number, i: integer, j: integer): number", "the function; j is left out for a vector" }, options,
    },
    options = out, returns = { { "latent.Matrix", "of X's shape and dtype" } },
    example = "matrix{1, 2, 3}:map(function(x, i) return x * i end)",
  },
}
