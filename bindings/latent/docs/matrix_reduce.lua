-- Reductions, sorting, choosing rows, stacking.

local DIM = { "dim", "integer?", "1: one result a column; 2: one a row; none: one of all" }
local OPTIONS = { "options", "table?", "see options; may take the place of dim" }
local OUT = { "out", "latent.Matrix", "a fresh one", "a vector for the results, when there is a dim" }

local function reduction(name, summary, example, text, options, returns)
  local all = { OUT }
  for _, option in ipairs(options or {}) do all[#all + 1] = option end
  return {
    name = "Matrix:" .. name,
    summary = summary,
    args = { DIM, OPTIONS },
    options = all,
    returns = returns or { { "number|latent.Matrix", "a number without dim or of a vector, else a vector" } },
    text = text,
    example = example,
  }
end

local CORRECTION = { "correction", "number", "0", "the divisor is n - correction: 1 makes it unbiased" }
local DIVISOR = "The divisor is n, as maximum likelihood has it; other tools divide by n - 1, which is correction = 1."
local SPREAD = "The squares are summed about the mean in a second pass, so that data far from 0 lose no digits. "
  .. DIVISOR
local PLACES = { { "integer|latent.Matrix", "the index in a vector; the row in a matrix; with dim, a vector" },
  { "integer?", "the column, of a matrix without dim" } }
local TRUTH = { { "boolean|latent.Matrix", "true or false without dim; else a vector of 1 and 0" } }

return {
  reduction("sum", "The sum of the elements.", "matrix{{1, 2}, {3, 4}}:sum(1)   -- 4 6",
    "Added in float64, in blocks and a tree: the error hardly grows with the number of elements, and the result is the "
    .. "same bit for bit for every number of threads."),
  reduction("product", "The product of the elements.", "matrix{1, 2, 3, 4}:product()   -- 24"),
  reduction("mean", "The arithmetic mean.", "matrix{{1, 2}, {3, 6}}:mean(1)   -- 2 4"),
  reduction("var", "The variance.", "matrix{1, 2, 3, 4}:var()   -- 1.25", SPREAD, { CORRECTION }),
  reduction("std", "The standard deviation.",
    "matrix{1, 2, 3, 4}:std{ correction = 1 }   -- 1.2910", SPREAD, { CORRECTION }),
  reduction("min", "The least element; NaN when there is one.", "matrix{{3, 1}, {2, 5}}:min(2)   -- 1 2"),
  reduction("max", "The greatest element; NaN when there is one.", "matrix{{3, 1}, {2, 5}}:max()   -- 5"),
  reduction("argmin", "Where the least element is: the first of equals, or the first NaN.",
    "matrix{{3, 1}, {2, 5}}:argmin()   -- 1, 2", nil, nil, PLACES),
  reduction("argmax", "Where the greatest element is: the first of equals, or the first NaN.",
    "matrix{{3, 1}, {2, 5}}:argmax(2)   -- 1 2", nil, nil, PLACES),
  reduction("any", "Whether any element isn't 0.", "matrix{0, 0, 1}:any()   -- true", "NaN isn't 0.", nil, TRUTH),
  reduction("all", "Whether no element is 0.", "matrix{1, 2, 0}:all()   -- false", "NaN isn't 0.", nil, TRUTH),
  reduction("median", "The median.", "matrix{1, 9, 2}:median()   -- 2", "The 0.5-quantile, see Matrix:quantile."),
  {
    name = "Matrix:quantile",
    summary = "The p-quantile.",
    args = { { "p", "number", "from 0 (the minimum) to 1 (the maximum)" }, DIM, OPTIONS },
    options = { OUT },
    returns = { { "number|latent.Matrix", "a number without dim or of a vector, else a vector" } },
    text = "Between the sorted elements at h = (n-1)p it is linear (definition 7 of Hyndman and Fan, 1996; "
      .. "NumPy's default). "
      .. "NaN where there is a NaN.",
    example = "matrix{1, 2, 3, 4}:quantile(0.25)   -- 1.75",
  },
  {
    name = "Matrix:cumsum",
    summary = "Running sums.",
    args = { { "dim", "integer?", "1 (down the columns, the default) or 2 (along the rows)" }, OPTIONS },
    options = { { "out", "latent.Matrix", "a fresh one", "where the sums go; A itself will do" } },
    returns = { { "latent.Matrix", "of A's shape" } },
    example = "matrix{1, 2, 3}:cumsum()   -- 1 3 6",
  },
  {
    name = "Matrix:sort",
    summary = "Sorts a vector, or every column or row by itself.",
    args = { { "dim", "integer?", "1 (each column, the default) or 2 (each row)" }, OPTIONS },
    options = { { "descending", "boolean", "false", "largest first" } },
    returns = { { "latent.Matrix", "the sorted copy" }, { "latent.Matrix", "where its elements were, from 1" } },
    text = "Equal elements keep their order. NaN comes last in both directions.",
    example = "local sorted, order = matrix{3, 1, 2}:sort()   -- 1 2 3, and 2 3 1",
  },
  {
    name = "Matrix:shuffle",
    summary = "The rows (or a vector's elements) in random order.",
    args = { { "random", "(latent.Random|integer)?", "a generator or a seed; the module's own when left out" } },
    returns = { { "latent.Matrix", "the shuffled copy" }, { "latent.Matrix", "the order: row i was row order[i]" } },
    example = "local shuffled, order = matrix{1, 2, 3}:shuffle(7)",
  },
  {
    name = "Matrix:rows_at",
    summary = "A copy of the rows (or a vector's elements) with the given numbers.",
    args = {
      { "list", "integer[]|latent.Matrix", "row numbers, negative from the end, in any order, repeated or not" },
    },
    returns = { { "latent.Matrix", "one row an entry of the list" } },
    text = "Names, labels and classes that a matrix has (those of files and data sets do) are the copy's, too.",
    example = "matrix{{1, 2}, {3, 4}, {5, 6}}:rows_at{-1, 1}   -- 5 6; 1 2",
  },
  {
    name = "Matrix:cols_at",
    summary = "A copy of the columns with the given numbers or names.",
    args = {
      { "list", "(integer|string)[]|latent.Matrix|string",
        "column numbers, negative from the end, or names, of matrices that have them; in any order, repeated or not" },
    },
    returns = { { "latent.Matrix", "one column an entry of the list" } },
    text = "Matrices of files and data sets have names, X.names; the copy has those of its columns.",
    example = "matrix{{1, 2, 3}, {4, 5, 6}}:cols_at{3, 1}   -- 3 1; 6 4\n"
      .. 'local petals = latent.datasets.iris():cols_at{ "petal_length", "petal_width" }',
  },
  {
    name = "Matrix:unique",
    summary = "The distinct numbers of a vector or matrix, ascending.",
    args = {},
    returns = {
      { "latent.Matrix", "a vector of K numbers" },
      { "latent.Matrix", "how often each comes" },
      { "latent.Matrix", "codes, of the shape of the matrix: which of the K each element is, 1..K" },
    },
    text = "All NaN are one, the last; 0 and -0 are the same.",
    example = "local values, counts, codes = matrix{7, 3, 7}:unique()   -- 3 7; 1 2; 2 1 2",
  },
  {
    name = "Matrix:covariance",
    summary = "The covariance matrix of the columns; rows are observations.",
    args = { OPTIONS },
    options = { CORRECTION },
    returns = { { "latent.Matrix", "D x D, float64" } },
    text = "Rows are centred before they are multiplied, so that data far from 0 lose no digits. " .. DIVISOR,
    example = "matrix{{1, 2}, {3, 6}}:covariance()   -- 1 2; 2 4",
  },
  {
    name = "Matrix:correlation",
    summary = "Pearson's correlations of the columns; rows are observations.",
    args = {},
    returns = { { "latent.Matrix", "D x D, float64: from -1 to 1, NaN with a column that is constant" } },
    example = "matrix{{1, 2}, {3, 6}, {4, 1}}:correlation()",
  },
  {
    name = "matrix.vstack",
    summary = "Matrices below each other; a vector is a row.",
    args = { { "list", "latent.Matrix[]", "matrices of one number of columns" } },
    returns = { { "latent.Matrix", "a copy of all" } },
    example = "matrix.vstack{ matrix{{1, 2}}, matrix{3, 4} }   -- 1 2; 3 4",
  },
  {
    name = "matrix.hstack",
    summary = "Matrices beside each other; a vector is a column.",
    args = { { "list", "latent.Matrix[]", "matrices of one number of rows" } },
    returns = { { "latent.Matrix", "a copy of all" } },
    example = "matrix.hstack{ matrix{1, 2}, matrix{3, 4} }   -- 1 3; 2 4",
  },
}
