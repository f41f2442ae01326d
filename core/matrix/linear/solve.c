/* solve.c: linear systems by triangular factors, and least squares (solve.h).
 *
 * Least squares with N >= D: A = Q R, and R x = Q'b when R's condition shows full rank. Otherwise
 * R, or A' where N < D, is reduced to a bidiagonal B = Q'(.)P, the shortest solution for B is
 * LAPACK's dlalsd, and P is applied to it. */
#include "matrix/linear/solve.h"

#include <float.h>

#include "matrix/limits.h"
#include "matrix/linear/blocked.h"
#include "matrix/product.h"

static lat_status check_sides(lat_workspace *work, const lat_matrix *A, const lat_matrix *B,
                              const lat_matrix *X)
{
  LAT_TRY(lat_lapack_fits(work, "B", B));
  if (A->rows != B->rows)
    return lat_fail(work, LAT_SHAPE, "A is %zux%zu and B is %zux%zu: %zu rows against %zu", A->rows,
                    A->cols, B->rows, B->cols, A->rows, B->rows);
  if (X->rows != A->cols || X->cols != B->cols)
    return lat_fail(work, LAT_SHAPE, "the solution is %zux%zu, its place is %zux%zu", A->cols,
                    B->cols, X->rows, X->cols);
  return lat_check_finite(work, "B", B, false);
}

/* ---- square systems ------------------------------------------------------- */

/* x := inv(L) x or inv(L') x for a unit or other triangle. */
static lat_status substitute(lat_workspace *work, const lat_factors *F, bool upper, bool transposed,
                             bool unit, double *x, int m)
{
  return lat_trsm_tiles(work, CblasLeft, upper ? CblasUpper : CblasLower,
                        transposed ? CblasTrans : CblasNoTrans, unit ? CblasUnit : CblasNonUnit,
                        F->n, m, F->a, F->n, x, F->n);
}

/* Solves with L D L' for a few columns at a time, which LAPACK does row by row. */
static lat_status substitute_symmetric(lat_workspace *work, const lat_factors *F, double *x, int m)
{
  for (int j = 0; j < m; j += LAT_SYTRS_COLUMNS) {
    int size = m - j < LAT_SYTRS_COLUMNS ? m - j : LAT_SYTRS_COLUMNS;
    LAT_TRY(lat_check(work));
    int info = LAPACKE_dsytrs_work(LAPACK_COL_MAJOR, 'L', F->n, size, F->a, F->n, F->pivots,
                                   x + (ptrdiff_t)j * F->n, F->n);
    LAT_TRY(lat_lapack_info(work, "dsytrs", info));
  }
  return LAT_OK;
}

/* Solves for the m columns of the column-major n x m matrix x, in place. */
static lat_status back_substitute(lat_workspace *work, const lat_factors *F, double *x, int m)
{
  switch (F->structure) {
  case LAT_GENERAL:
    LAPACKE_dlaswp_work(LAPACK_COL_MAJOR, m, x, F->n, 1, F->n, F->pivots, 1);
    LAT_TRY(substitute(work, F, false, false, true, x, m));
    return substitute(work, F, true, false, false, x, m);
  case LAT_SYMMETRIC:
    return substitute_symmetric(work, F, x, m);
  case LAT_POSITIVE:
    LAT_TRY(substitute(work, F, false, false, false, x, m));
    return substitute(work, F, false, true, false, x, m);
  default:
    return substitute(work, F, F->structure == LAT_UPPER, false, false, x, m);
  }
}

lat_status lat_solve(lat_workspace *work, lat_structure structure, const lat_matrix *A,
                     const lat_matrix *B, const lat_matrix *X, double *rcond)
{
  lat_factors F;
  double *x;
  LAT_SCOPE(work);
  LAT_TRY(lat_check_square(work, "A", A));
  LAT_TRY(check_sides(work, A, B, X));
  LAT_TRY(lat_factor(work, structure, A, &F));
  LAT_TRY(lat_check_factors(work, &F));
  LAT_TRY(lat_reciprocal_condition(work, &F, rcond));
  LAT_TRY(lat_scratch(work, lat_transpose(*B), &x));
  LAT_TRY(back_substitute(work, &F, x, (lapack_int)B->cols));
  lat_matrix solution = lat_transpose(lat_matrix_of(x, B->cols, B->rows));
  LAT_TRY(lat_copy_bands(work, &solution, X));
  return LAT_OK;
}

lat_status lat_inverse(lat_workspace *work, const lat_matrix *A, const lat_matrix *inverse,
                       double *rcond)
{
  lat_factors F;
  LAT_SCOPE(work);
  LAT_TRY(lat_factor(work, LAT_GENERAL, A, &F));
  LAT_TRY(lat_check_factors(work, &F));
  LAT_TRY(lat_reciprocal_condition(work, &F, rcond));
  LAT_TRY(lat_getri(work, F.n, F.a, F.n, F.pivots));
  lat_matrix result = lat_transpose(lat_matrix_of(F.a, A->rows, A->rows));
  LAT_TRY(lat_copy_bands(work, &result, inverse));
  return LAT_OK;
}

/* ---- least squares -------------------------------------------------------- */

double lat_rank_tolerance(const lat_matrix *A)
{
  size_t longer = A->rows > A->cols ? A->rows : A->cols;
  return (double)longer * (A->dtype == LAT_FLOAT32 ? (double)FLT_EPSILON : DBL_EPSILON);
}

/* The column-major N x D matrix a, with N x m right sides in b, whose columns have
 * max(N, D) elements; both are destroyed, the solution is in the first D rows of b. */
typedef struct problem {
  lapack_int N, D, m, lead;
  double *a, *b;
} problem;

/* R of A = Q R and Q'b; `done` when R is so far from singular that the rank must be full, and
 * then R's solution is in b. */
static lat_status by_qr(lat_workspace *work, const problem *p, double tolerance, bool *done)
{
  double rcond = 0;
  lapack_int D = p->D;
  double *tau = lat_doubles(work, (size_t)D), *scratch = lat_doubles(work, 3 * (size_t)D);
  lapack_int *integers = lat_allocate(work, (size_t)D, sizeof(lapack_int));
  if (!tau || !scratch || !integers) return LAT_MEMORY;

  LAT_TRY(lat_geqrf(work, p->N, D, p->a, p->N, tau));
  lapack_int info = LAPACKE_dtrcon_work(LAPACK_COL_MAJOR, '1', 'U', 'N', D, p->a, p->N, &rcond,
                                        scratch, integers);
  LAT_TRY(lat_lapack_info(work, "dtrcon", info));
  /* condition numbers in the 1-norm and the 2-norm are within a factor of D; the factor 10
   * allows for the error of the estimate */
  *done = rcond > 10 * D * tolerance;
  LAT_TRY(lat_reflect_left(work, LAT_COLUMNS, true, p->N, p->m, D, p->a, p->N, tau, p->b, p->lead));
  if (!*done) return LAT_OK;
  return lat_trsm_tiles(work, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, D, p->m, p->a,
                        p->N, p->b, p->lead);
}

/* dlalsd: least squares with a bidiagonal matrix, the rank by its singular values; not in
 * lapacke.h */
#define lat_dlalsd LAPACK_GLOBAL(dlalsd, DLALSD)
void lat_dlalsd(const char *uplo, const int *leaf, const int *n, const int *m, double *d, double *e,
                double *b, const int *ldb, const double *rcond, int *rank, double *work,
                int *integers, int *info, size_t length);

/* B x = b in place for the bidiagonal B, upper or lower. */
static lat_status solve_bidiagonal(lat_workspace *work, bool upper, int n, double *d, double *e,
                                   const problem *p, double tolerance, size_t *rank)
{
  static const int leaf = LAT_LALSD_LEAF;
  size_t N = (size_t)n, levels = 2, found_length;
  for (size_t size = N / 26; size > 1; size /= 2) levels++;
  found_length = N * (9 + 50 + 8 * levels + (size_t)p->m) + 26 * 26;
  double *memory = lat_doubles(work, found_length);
  int *integers = lat_allocate(work, N * (3 * levels + 11), sizeof *integers), found = 0, info;
  if (!memory || !integers) return LAT_MEMORY;
  LAT_TRY(lat_check(work));
  lat_dlalsd(upper ? "U" : "L", &leaf, &n, &p->m, d, e, p->b, &p->lead, &tolerance, &found, memory,
             integers, &info, 1);
  if (info > 0)
    return lat_fail(work, LAT_DIVERGED, "the SVD of a %dx%d matrix did not converge", (int)p->N,
                    (int)p->D);
  *rank = (size_t)found;
  return lat_lapack_info(work, "dlalsd", info);
}

/* The shortest solution, by A = Q B P' with B upper bidiagonal, or, of fewer rows than columns, by
 * A' = Q B P', whose transpose has B', lower bidiagonal. `a` is column-major, m x n: R of A's QR
 * factorization, with Q'b in place of b, or A'. */
static lat_status by_svd(lat_workspace *work, const problem *p, double *a, double tolerance,
                         size_t *rank)
{
  bool wide = p->N < p->D;
  int m = p->D, n = wide ? p->N : p->D, lead = p->lead;
  size_t N = (size_t)n;
  double *d = lat_doubles(work, N), *e = lat_doubles(work, N), *tau_q = lat_doubles(work, N),
         *tau_p = lat_doubles(work, N);
  if (!d || !e || !tau_q || !tau_p) return LAT_MEMORY;
  LAT_TRY(lat_gebrd(work, m, n, a, m, d, e, tau_q, tau_p));
  double *right = a + m; /* P's vectors begin beside the diagonal */
  if (!wide) {
    LAT_TRY(lat_reflect_left(work, LAT_COLUMNS, true, m, p->m, n, a, m, tau_q, p->b, lead));
    LAT_TRY(solve_bidiagonal(work, true, n, d, e, p, tolerance, rank));
    return lat_reflect_left(work, LAT_ROWS, false, n - 1, p->m, n - 1, right, m, tau_p, p->b + 1,
                            lead);
  }
  LAT_TRY(
      lat_reflect_left(work, LAT_ROWS, true, n - 1, p->m, n - 1, right, m, tau_p, p->b + 1, lead));
  LAT_TRY(solve_bidiagonal(work, false, n, d, e, p, tolerance, rank));
  for (int j = 0; j < p->m; j++)
    for (int i = n; i < m; i++) p->b[(ptrdiff_t)j * lead + i] = 0;
  return lat_reflect_left(work, LAT_COLUMNS, false, m, p->m, n, a, m, tau_q, p->b, lead);
}

static lat_status minimize(lat_workspace *work, const problem *p, const lat_matrix *A,
                           const lat_matrix *B, double tolerance, size_t *rank)
{
  lat_matrix a = lat_transpose(lat_matrix_of(p->a, A->cols, A->rows));
  lat_matrix padded = lat_transpose(lat_matrix_of(p->b, B->cols, (size_t)p->lead));
  lat_matrix b = lat_block_of(padded, 0, 0, B->rows, B->cols);
  bool done = false;
  LAT_TRY(lat_fill_bands(work, &padded, 0));
  LAT_TRY(lat_copy_bands(work, B, &b));
  LAT_TRY(lat_copy_bands(work, A, &a));
  *rank = A->cols;
  if (p->N >= p->D) LAT_TRY(by_qr(work, p, tolerance, &done));
  if (done) return LAT_OK;
  size_t D = A->cols;
  if (p->N < p->D) { /* row-major A is its transpose, column-major */
    a = lat_matrix_of(p->a, A->rows, D);
    LAT_TRY(lat_copy_bands(work, A, &a));
    return by_svd(work, p, p->a, tolerance, rank);
  }
  double *R = lat_doubles(work, D * D);
  if (!R) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < D; i++) R[j * D + i] = i <= j ? p->a[j * A->rows + i] : 0;
  return by_svd(work, p, R, tolerance, rank);
}

lat_status lat_least_squares(lat_workspace *work, const lat_matrix *A, const lat_matrix *B,
                             double tolerance, const lat_matrix *X, size_t *rank, double *residual)
{
  size_t N = A->rows, D = A->cols, lead = N > D ? N : D;
  LAT_TRY(lat_lapack_fits(work, "A", A));
  LAT_TRY(check_sides(work, A, B, X));
  LAT_TRY(lat_check_finite(work, "A", A, false));
  LAT_SCOPE(work);
  lat_matrix a = lat_matrix_new(work, N, D), b = lat_matrix_new(work, lead, B->cols);
  lat_matrix rest = lat_matrix_new(work, N, B->cols);
  if (!a.data || !b.data || !rest.data) return LAT_MEMORY;
  problem p = {(lapack_int)N, (lapack_int)D, (lapack_int)B->cols, (lapack_int)lead, a.data, b.data};
  int before = lat_lapack_begin((double)N * (double)D * (double)(N < D ? N : D));
  lat_status status = minimize(work, &p, A, B, tolerance, rank);
  lat_lapack_end(before);
  LAT_TRY(status);
  lat_matrix padded = lat_transpose(lat_matrix_of(p.b, B->cols, lead));
  lat_matrix solution = lat_block_of(padded, 0, 0, D, B->cols);
  lat_copy(B, &rest);
  LAT_TRY(lat_product(work, 1, A, &solution, -1, &rest));
  *residual = lat_dot(&rest, &rest);
  lat_copy(&solution, X);
  return LAT_OK;
}
