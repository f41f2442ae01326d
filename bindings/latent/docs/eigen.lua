-- latent.eigen.

local ORDER = "Values descend. Vectors are columns of length 1; the entry of each that is largest in magnitude is "
  .. "positive (of several as large, to 1 part in 10^10, the first)."

return {
  {
    name = "eigen",
    summary = "Eigenvalues, eigenvectors and singular values.",
    text = ORDER .. [[


symmetric    all pairs of a symmetric matrix, or the k largest
generalized  A v = lambda B v, A symmetric, B symmetric positive definite
general      any square matrix, complex pairs included
svd          U, s, V with A = U diag(s) V'; all, or the k largest
largest      the k largest pairs of a symmetric matrix or of a function that multiplies by one

The first four are direct: they satisfy their equations to 1e-12 of the norm of A. largest iterates until
the residual that you ask for. Matrices may be float32 or float64, views of any kind; results are float64. Not
symmetric, not square, a NaN or an infinity: an error that says where.]],
  },
  {
    name = "eigen.symmetric",
    summary = "Eigenvalues and eigenvectors of a symmetric matrix: all, or the k largest.",
    args = {
      { "A", "latent.Matrix", "symmetric, to 1e-10 of its largest entry" },
      { "options", "table?", "see options" },
    },
    options = {
      { "k", "integer", "all", "how many of the (algebraically) largest" },
      { "vectors", "boolean", "true", "false: values only, which is faster" },
      { "solver", "string", '"auto"', '"full": divide and conquer over all; "partial": tridiagonal form, then only '
        .. 'the k largest; "krylov": a block Krylov space, and "partial" when it converges slowly' },
    },
    returns = {
      { "latent.Matrix", "the values, a vector of k, descending" },
      { "latent.Matrix?", "the vectors, the columns of an n x k matrix" },
    },
    text = ORDER .. " Vectors of repeated or close values are orthogonal like the others. Without k it is full. "
      .. "With few, and a matrix of 400 or more, auto tries krylov first, which takes a tenth of the time when the "
      .. "spectrum falls quickly; partial is otherwise about twice as fast as full.",
    example = "local values, vectors = eigen.symmetric{{2, 1}, {1, 2}}   -- values: 3 1",
  },
  {
    name = "eigen.generalized",
    summary = "Solves A v = lambda B v for a symmetric A and a symmetric positive definite B.",
    args = {
      { "A", "latent.Matrix", "symmetric" },
      { "B", "latent.Matrix", "symmetric positive definite, of the same size" },
      { "options", "table?", "see options" },
    },
    options = {
      { "k", "integer", "all", "how many of the largest" },
      { "vectors", "boolean", "true", "false: values only" },
    },
    returns = {
      { "latent.Matrix", "the values, descending" },
      { "latent.Matrix?", "the vectors as columns, with V' B V = I" },
    },
    text = "Through the Cholesky factor of B, so digits are lost in proportion to B's condition number. A B that is "
      .. "not positive definite is an error that names the leading minor.",
    example = "local values, vectors = eigen.generalized({{2, 0}, {0, 3}}, {{1, 0}, {0, 2}})   -- values: 2 1.5",
  },
  {
    name = "eigen.general",
    summary = "Eigenvalues and eigenvectors of any square matrix, as real and imaginary parts.",
    args = {
      { "A", "latent.Matrix", "square" },
      { "options", "table?", "see options" },
    },
    options = { { "vectors", "boolean", "true", "false: values only" } },
    returns = {
      { "latent.Matrix", "the real parts, descending" },
      { "latent.Matrix", "the imaginary parts" },
      { "latent.Matrix?", "the vectors, n x n" },
    },
    text = [[
Ordered by descending real part, and where real parts are equal (runs with steps of at most 1e-13 of the largest
modulus) by descending modulus. The two values of a complex pair are neighbours, the one with the positive
imaginary part first.

A real value has one real column, of length 1, its largest entry positive. A pair at j and j + 1 shares two
columns, the real part V:col(j) and the imaginary part V:col(j + 1) of the vector of the first; the second's is the
conjugate. It has length 1, and its entry of largest modulus is real and positive.

Repeated values of a matrix that isn't normal may have fewer vectors than that: their columns are then parallel to
rounding, and the values themselves are good to the square root (or worse) of the precision.]],
    example = "local re, im, V = eigen.general{{0, -1}, {1, 0}}   -- re: 0 0, im: 1 -1",
  },
  {
    name = "eigen.svd",
    summary = "Singular value decomposition A = U diag(s) V', all of it or the k largest.",
    args = {
      { "A", "latent.Matrix", "N x D" },
      { "options", "table?", "see options" },
    },
    options = { { "k", "integer", "min(N, D)", "how many of the largest singular values" } },
    returns = {
      { "latent.Matrix", "U, N x k, orthonormal columns" },
      { "latent.Matrix", "s, a vector, descending" },
      { "latent.Matrix", "V (not its transpose), D x k, orthonormal columns" },
    },
    text = [[
The entry of each column of V that is largest in magnitude is positive. A small k of a large A goes through a block
Krylov space, without forming A'A, and every triplet must pass ||A'u - s v|| <= 1e-12 s[1]; where one doesn't, the full
decomposition is computed and cut.]],
    example = "local U, s, V = eigen.svd(matrix.normal(500, 300), { k = 5 })",
  },
  {
    name = "eigen.largest",
    summary = "The k largest eigenvalues of a symmetric operator that is known by its products.",
    args = {
      { "A", "latent.Matrix|fun(V: latent.Matrix): latent.Matrix",
        "a symmetric matrix, or a function that returns A * V for a matrix V of a few columns" },
      { "k", "integer", "how many of the algebraically largest" },
      { "options", "table?", "see options" },
    },
    options = {
      { "size", "integer", "A's", "rows of the operator; a function needs it" },
      { "tolerance", "number", "1e-10", "on ||A v - lambda v|| / ||A|| of every pair, ||A|| the largest "
        .. "eigenvalue in magnitude that was seen" },
      { "max_iterations", "integer", "1000", "products with a block of columns" },
      { "block", "integer", "k, at least 4 and at most 32", "columns of a product" },
      { "basis", "integer", "k + 10 blocks", "columns of the basis: memory is this times size; at least "
        .. "k + 2 blocks" },
      { "seed", "integer", "0", "of the random first directions" },
      { "start", "latent.Matrix", "none", "first directions, as columns, where good ones are known" },
      { "progress", "boolean|function", "as of all", "true: a bar while it takes long; or a function that "
        .. "is told (latent.progress)" },
    },
    returns = {
      { "latent.Matrix", "the values, descending" },
      { "latent.Matrix", "the vectors, size x k, orthonormal columns" },
      { "table", "converged, iterations, products (columns multiplied), residuals (||A v - lambda v||, a vector)" },
    },
    text = [[
Block Lanczos with full reorthogonalization and thick restart. Not converging within max_iterations is no error:
info.converged is false, and the pairs are the best so far. The smallest pairs are the largest of -A.

A block of b columns finds up to b vectors of a repeated value. With the default block, k up to 32 can't miss any;
with a smaller one than k fresh random directions are tried at the end until nothing new turns up, and the residuals
are upper bounds.

The function may call anything, and an error in it passes through. An operator that isn't symmetric, a product
that isn't finite or has the wrong shape are errors. The same seed gives the same bits with any number of threads.]],
    example = [[
local X = matrix.normal(1000, 300)
local values, V, info = eigen.largest(function(V) return X:t() * (X * V) end, 3, { size = 300 })
]],
  },
}
