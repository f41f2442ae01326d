-- The type Matrix: construction, indexing, views. Arithmetic, reductions and linear algebra
-- have files of their own.

local function constructor(name, summary, example)
  return {
    name = "matrix." .. name,
    summary = summary,
    args = {
      { "rows", "integer", "number of rows" },
      { "cols", "integer?", "number of columns; without it the result is a vector" },
      { "options", "table?", "see options" },
    },
    options = { { "dtype", "string", '"float64"', '"float64" or "float32"' } },
    returns = { { "latent.Matrix", "the matrix" } },
    example = example,
  }
end

return {
  {
    name = "matrix",
    summary = "Makes a matrix: from a table, or from sizes and a value or a function.",
    args = {
      { "rows", "integer|table|latent.Matrix", "number of rows; or a table of numbers (a vector) or of rows" },
      { "cols", "integer?", "number of columns" },
      { "value", "(number|fun(i: integer, j: integer): number)?", "what to fill it with; 0 when left out" },
      { "options", "table?", "see options; after a table it is the second argument" },
    },
    options = { { "dtype", "string", '"float64"', '"float64" or "float32"' } },
    returns = { { "latent.Matrix", "the matrix" } },
    text = [[
Matrices are rows of numbers, stored row by row, as float64 or float32. Rows of data are observations.
A vector is one-dimensional: v[i] is a number, while X[i] is row i, a view that writes through.]],
    example = "matrix{ {1, 2}, {3, 4} };  matrix{1, 2, 3};  matrix(2, 3, function(i, j) return 10 * i + j end)",
  },
  constructor("zeros", "A matrix or vector of zeros.", "matrix.zeros(2, 3)"),
  constructor("ones", "A matrix or vector of ones.", 'matrix.ones(4, { dtype = "float32" })'),
  {
    name = "matrix.eye",
    summary = "Ones on the diagonal, zeros elsewhere.",
    args = {
      { "rows", "integer", "number of rows" },
      { "cols", "integer?", "number of columns; as many as rows when left out" },
      { "options", "table?", "see options" },
    },
    options = { { "dtype", "string", '"float64"', '"float64" or "float32"' } },
    returns = { { "latent.Matrix", "the matrix" } },
    example = "matrix.eye(3)",
  },
  {
    name = "matrix.diag",
    summary = "A square matrix with the given diagonal.",
    args = { { "v", "latent.Matrix|number[]", "the diagonal" } },
    returns = { { "latent.Matrix", "the matrix" } },
    example = "matrix.diag{1, 2, 3}",
  },
  {
    name = "matrix.linspace",
    summary = "n equally spaced numbers from a to b, both included.",
    args = { { "a", "number", "the first" }, { "b", "number", "the last" }, { "n", "integer", "how many" } },
    returns = { { "latent.Matrix", "a vector" } },
    example = "matrix.linspace(0, 1, 5)",
  },
  {
    name = "matrix.range",
    summary = "The numbers a, a + step, ... up to b, as in a for loop.",
    args = {
      { "a", "number", "the first" }, { "b", "number", "the last that may be reached" },
      { "step", "number?", "1 when left out; may be negative" },
    },
    returns = { { "latent.Matrix", "a vector" } },
    example = "matrix.range(0, 1, 0.1)",
  },
  {
    name = "matrix.is",
    summary = "Whether a value is a matrix or vector.",
    args = { { "x", "any", "a value" } },
    returns = { { "boolean", "true for a latent.Matrix" } },
    example = "matrix.is(matrix.zeros(2))",
  },
  {
    name = "Matrix",
    summary = "A matrix or vector of numbers: elements of its own, or a view of another's.",
    text = [[
Indices begin at 1, and negative ones count from the end. X(i, j) and X:get(i, j) read an element,
X:set(i, j, value) writes one; none of them allocates. X[i] is row i, v[i] a number; X[i][j] = 3,
X[i] = row and X:block(...):fill(0) write through to X. #X is the number of rows.]],
  },
  { name = "Matrix.rows", summary = "The number of rows, or the length of a vector.",
    returns = { { "integer", "at least 1" } } },
  { name = "Matrix.cols", summary = "The number of columns; 1 for a vector.",
    returns = { { "integer", "at least 1" } } },
  { name = "Matrix.dtype", summary = '"float64" or "float32".', returns = { { "string", "the type of its numbers" } } },
  {
    name = "Matrix:get",
    summary = "One element; X(i, j) is the same and a little faster.",
    args = { { "i", "integer", "row" }, { "j", "integer?", "column; left out for a vector" } },
    returns = { { "number", "the element" } },
    example = "matrix.eye(2):get(1, -1)",
  },
  {
    name = "Matrix:set",
    summary = "Writes one element.",
    args = {
      { "i", "integer", "row" },
      { "j", "integer", "column; left out for a vector" }, { "value", "number", "the number" },
    },
    returns = { { "latent.Matrix", "the matrix itself" } },
    example = "matrix.zeros(2, 2):set(1, 2, 5)",
  },
  {
    name = "Matrix:__call",
    summary = "X(i, j): one element; v(i) of a vector.",
    args = { { "i", "integer", "row" }, { "j", "integer?", "column" } },
    returns = { { "number", "the element" } },
    example = "matrix.eye(2)(1, 1)",
  },
  {
    name = "Matrix:__len",
    summary = "#X: the number of rows, or the length of a vector.",
    args = {},
    returns = { { "integer", "at least 1" } },
    example = "assert(#matrix.zeros(3, 2) == 3)",
  },
  {
    name = "Matrix:__pairs",
    summary = "pairs(X) goes over the rows, or the numbers of a vector, as ipairs(X) does.",
    args = {},
    returns = { { "function", "the iterator: i, X[i]" }, { "latent.Matrix", "X" } },
    example = "for i, row in pairs(X) do print(i, row:mean()) end",
  },
  {
    name = "Matrix:row",
    summary = "Row i as a vector that shares X's memory.",
    args = { { "i", "integer", "row" } },
    returns = { { "latent.Matrix", "a vector" } },
    example = "matrix.eye(2):row(-1)",
  },
  {
    name = "Matrix:col",
    summary = "Column j as a vector that shares X's memory.",
    args = { { "j", "integer|string", "column, or its name, of matrices that have names" } },
    returns = { { "latent.Matrix", "a vector" } },
    example = "matrix.eye(2):col(1):fill(7)",
  },
  {
    name = "Matrix:block",
    summary = "Rows r1..r2 and columns c1..c2 as a view.",
    args = {
      { "r1", "integer?", "first row; 1 when left out" }, { "r2", "integer?", "last row; the last of X when left out" },
      { "c1", "integer?", "first column" }, { "c2", "integer?", "last column" },
    },
    returns = { { "latent.Matrix", "the view" } },
    example = "matrix.zeros(4, 4):block(2, 3, 2, 3):fill(1)",
  },
  {
    name = "Matrix:t",
    summary = "The transpose, as a view; of a vector, a matrix of one row.",
    args = {},
    returns = { { "latent.Matrix", "the view" } },
    example = "matrix{ {1, 2}, {3, 4} }:t()",
  },
  {
    name = "Matrix:diag",
    summary = "The diagonal as a view.",
    args = {},
    returns = { { "latent.Matrix", "a vector" } },
    example = "matrix.eye(3):diag():fill(2)",
  },
  {
    name = "Matrix:reshape",
    summary = "The same elements, row by row, in another shape.",
    args = {
      { "rows", "integer", "number of rows" },
      { "cols", "integer?", "number of columns; without it a vector" },
    },
    returns = { { "latent.Matrix", "a view where the elements lie side by side, else a copy" } },
    example = "matrix.range(1, 6):reshape(2, 3)",
  },
  {
    name = "Matrix:flatten",
    summary = "All elements, row by row, as a vector.",
    args = {},
    returns = { { "latent.Matrix", "a view where the elements lie side by side, else a copy" } },
    example = "matrix.eye(2):flatten()",
  },
  {
    name = "Matrix:column",
    summary = "A vector as a matrix of one column, which broadcasts over columns.",
    args = {},
    returns = { { "latent.Matrix", "a view" } },
    example = "matrix.ones(3, 2) % matrix{1, 2, 3}:column()",
  },
  {
    name = "Matrix:copy",
    summary = "A copy with elements of its own, side by side.",
    args = {},
    returns = { { "latent.Matrix", "the copy" } },
    example = "matrix.eye(2):t():copy()",
  },
  {
    name = "Matrix:to",
    summary = "A copy of the given type of number.",
    args = { { "dtype", "string", '"float64" or "float32"' } },
    returns = { { "latent.Matrix", "the copy" } },
    example = 'matrix.eye(2):to("float32")',
  },
  {
    name = "Matrix:fill",
    summary = "Sets every element to one number.",
    args = { { "value", "number", "the number" } },
    returns = { { "latent.Matrix", "the matrix itself" } },
    example = "matrix.zeros(2, 2):fill(3)",
  },
  {
    name = "Matrix:assign",
    summary = "Overwrites the elements; a number, a row or a column is repeated.",
    args = { { "value", "number|table|latent.Matrix", "what to write; a vector is a row" } },
    returns = { { "latent.Matrix", "the matrix itself" } },
    example = "matrix.zeros(2, 3):assign{1, 2, 3}",
  },
  {
    name = "Matrix:table",
    summary = "The numbers as a Lua table, of rows for a matrix.",
    args = {},
    returns = { { "table", "numbers, or tables of numbers" } },
    example = "matrix.eye(2):table()",
  },
}
