-- Products, systems of equations and factorizations of matrices.

local TOLERANCE = "singular values up to tolerance times the largest count as 0; the default is "
  .. "max(rows, cols) times the rounding unit of the dtype (2.2e-16 or 1.2e-7)"

return {
  {
    name = "Matrix:__mul",
    summary = "The product of matrices and vectors; with a number, scaling.",
    args = { { "B", "latent.Matrix|number[]|number", "matrix, vector or number" } },
    returns = { { "latent.Matrix|number", "the product" } },
    text = [[
  matrix * matrix    N x K times K x M is N x M
  matrix * vector    a vector of N elements
  vector * matrix    a vector: the one on the left is a row
  vector * vector    their dot product, a number
  number * anything  every element times the number

The product element by element is A % B. Views are multiplied where they lie: A:t() * B copies nothing. A:t() * A
takes half of the time and is exactly symmetric. The result is float32 when both sides are. Large products use all
threads (latent.threads), with the same result bit for bit for every number of them.]],
    example = "matrix{{1, 2}, {3, 4}} * matrix{1, 1}   -- 3, 7",
  },
  {
    name = "Matrix:matmul",
    summary = "The matrix product alpha A B + beta out.",
    args = { { "B", "latent.Matrix", "matrix or vector" }, { "options", "table?", "see options" } },
    options = {
      { "out", "latent.Matrix", "a fresh one", "where the product goes; it may overlap A or B" },
      { "alpha", "number", "1", "multiplies the product" },
      { "beta", "number", "0", "multiplies what is in out; at 0 it is not read" },
    },
    returns = { { "latent.Matrix|number", "out; of two vectors a number" } },
    text = "With out, a loop allocates nothing. Shapes are those of the operator *.",
    example = "local A, C = matrix{{1, 2}, {3, 4}}, matrix.eye(2)\nA:matmul(A, { out = C, beta = 1 })   -- C + A * A",
  },
  {
    name = "Matrix:dot",
    summary = "The sum of the products of elements: the dot product of vectors, the Frobenius product of matrices.",
    args = { { "B", "latent.Matrix", "of the same shape" } },
    returns = { { "number", "the sum, compensated so that its error doesn't grow with the length" } },
    example = "matrix{1, 2, 3}:dot{4, 5, 6}   -- 32",
  },
  {
    name = "Matrix:outer",
    summary = "The outer product of two vectors: element (i, j) is A[i] B[j].",
    args = { { "B", "latent.Matrix", "a vector" }, { "options", "table?", "see options" } },
    options = { { "out", "latent.Matrix", "a fresh one", "where the product goes" } },
    returns = { { "latent.Matrix", "#A x #B" } },
    example = "matrix{1, 2}:outer{3, 4, 5}   -- 3 4 5; 6 8 10",
  },
  {
    name = "Matrix:solve",
    summary = "X with A X = B; when A isn't square, the least squares solution.",
    args = { { "B", "latent.Matrix", "a vector, or a matrix with a system in each column" },
      { "options", "table?", "see options" } },
    options = {
      { "kind", "string", '"general"', '"general" (LU), "symmetric" (Bunch-Kaufman), "positive" (symmetric and '
        .. 'positive definite: Cholesky, half the work), "upper" or "lower" (triangular: the rest is not read)' },
    },
    returns = {
      { "latent.Matrix", "X, a vector when B is one" },
      { "number?", "for square A: an estimate of the reciprocal condition number in the 1-norm" },
    },
    text = [[
An exactly singular matrix raises. A nearly singular one gives a solution whose relative error may be as large as
2e-16 divided by the second result: look at it when in doubt. A symmetric kind raises when A isn't symmetric
(beyond 1e-10 of its largest element, 1e-5 in float32).

float32 is solved in float64, and the result is float32 when A and B are. NaN and infinities raise.]],
    example = "matrix{{2, 1}, {1, 3}}:solve{3, 5}   -- 0.8, 1.4",
  },
  {
    name = "Matrix:least_squares",
    summary = "The smallest X among those with the smallest |A X - B|.",
    args = { { "B", "latent.Matrix", "a vector, or a matrix with a problem in each column" },
      { "options", "table?", "see options" } },
    options = { { "tolerance", "number", "max(rows, cols) rounding units",
      "singular values of A up to tolerance times the largest count as 0" } },
    returns = {
      { "latent.Matrix", "X, a vector when B is one" },
      { "integer", "the rank of A" },
      { "number", "the sum of the squares of A X - B" },
    },
    text = "Any shape and rank. Of full column rank by Householder QR, whose accuracy doesn't depend on the columns' "
      .. "scales; else by the singular value decomposition.",
    example = "matrix{{1, 1}, {1, 2}, {1, 3}}:least_squares{1, 2, 4}   -- -0.667, 1.5   2   0.1667",
  },
  {
    name = "Matrix:inverse",
    summary = "The inverse of a square matrix.",
    args = {},
    returns = {
      { "latent.Matrix", "the inverse" },
      { "number", "an estimate of the reciprocal condition number in the 1-norm" },
    },
    text = "An exactly singular matrix raises. To solve equations, A:solve(B) is faster and more accurate than "
      .. "A:inverse() * B.",
  },
  {
    name = "Matrix:cholesky",
    summary = "The lower triangular L with A = L L' of a symmetric, positive definite matrix.",
    args = {},
    returns = { { "latent.Matrix", "L: its diagonal is positive, above it are zeros" } },
    text = "Raises when A isn't positive definite, naming the first leading minor that isn't positive, and when it "
      .. "isn't symmetric (see Matrix:solve).",
    example = "matrix{{4, 2}, {2, 5}}:cholesky()   -- 2 0; 1 2",
  },
  {
    name = "Matrix:qr",
    summary = "The thin QR factorization A = Q R.",
    args = {},
    returns = {
      { "latent.Matrix", "Q, N x r with orthonormal columns, r = min(N, D)" },
      { "latent.Matrix", "R, r x D, upper triangular with a diagonal >= 0; both are unique for full column rank" },
    },
    example = "local Q, R = matrix{{3, 1}, {4, 2}}:qr()   -- Q * R is the matrix",
  },
  {
    name = "Matrix:svd",
    summary = "The thin singular value decomposition A = U diag(s) V'.",
    args = {},
    returns = {
      { "latent.Matrix", "U, N x r with orthonormal columns, r = min(N, D)" },
      { "latent.Matrix", "s, a vector of r values >= 0 that descend" },
      { "latent.Matrix", "V, D x r with orthonormal columns" },
    },
    text = "The largest entry in magnitude of each column of V is positive; of equal ones (to 1 part in 10^10) the "
      .. "first. By divide and conquer (LAPACK's gesdd). The k largest alone: eigen.svd. NaN and infinities raise.",
    example = "local U, s, V = matrix{{3, 1}, {4, 2}}:svd()   -- U * matrix.diag(s) * V:t() is the matrix",
  },
  {
    name = "Matrix:det",
    summary = "The determinant of a square matrix.",
    args = {},
    returns = { { "number", "the determinant" } },
    text = "By LU. It overflows or underflows only where the determinant itself does; see Matrix:logdet.",
  },
  {
    name = "Matrix:logdet",
    summary = "The logarithm of the determinant's magnitude, and its sign.",
    args = {},
    returns = { { "number", "log|det A|, -inf for a singular matrix" }, { "integer", "1, -1 or 0" } },
  },
  {
    name = "Matrix:norm",
    summary = "A norm of a matrix or vector.",
    args = { { "kind", "string|number?", 'one of those below; the default is "fro"' } },
    returns = { { "number", "the norm" } },
    text = [[
  "fro"              the root of the sum of squares: of a vector, its length
  1                  the largest column sum of magnitudes; of a vector, the sum
  2                  the largest singular value; of a vector, its length
  "inf", math.huge   the largest row sum of magnitudes; of a vector, the largest
  "max"              the largest magnitude
  "nuclear"          the sum of the singular values

No norm overflows unless its value does. NaN gives NaN; where singular values are needed it raises.]],
    example = "matrix{3, -4}:norm()   -- 5",
  },
  {
    name = "Matrix:trace",
    summary = "The sum of the diagonal of a square matrix.",
    args = {},
    returns = { { "number", "the trace" } },
  },
  {
    name = "Matrix:rank",
    summary = "The number of singular values that aren't 0 up to rounding.",
    args = { { "tolerance", "number?", TOLERANCE } },
    returns = { { "integer", "the rank" } },
  },
  {
    name = "Matrix:pinv",
    summary = "The Moore-Penrose pseudo-inverse, D x N of an N x D matrix.",
    args = { { "tolerance", "number?", TOLERANCE } },
    returns = { { "latent.Matrix", "the pseudo-inverse" } },
    text = "From the singular value decomposition. A:least_squares(B) is faster and more accurate than A:pinv() * B.",
  },
}
