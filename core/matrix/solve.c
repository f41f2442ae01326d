#include "matrix/solve.h"

#include <float.h>

#include "matrix/blocked.h"
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
  enum { COLUMNS = 64 };
  for (int j = 0; j < m; j += COLUMNS) {
    int size = m - j < COLUMNS ? m - j : COLUMNS;
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
  switch (F->kind) {
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
    return substitute(work, F, F->kind == LAT_UPPER, false, false, x, m);
  }
}

lat_status lat_solve(lat_workspace *work, lat_kind kind, const lat_matrix *A, const lat_matrix *B,
                     const lat_matrix *X, double *rcond)
{
  lat_factors F;
  double *x;
  LAT_SCOPE(work);
  LAT_TRY(lat_check_square(work, "A", A));
  LAT_TRY(check_sides(work, A, B, X));
  LAT_TRY(lat_factor(work, kind, A, &F));
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

/* The column-major N x D matrix a, with N x m right sides in b, whose columns have room for
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
  /* condition numbers in the 1-norm and the 2-norm are within a factor of D; 10 is for the
   * estimate being one */
  *done = rcond > 10 * D * tolerance;
  if (!*done) return LAT_OK;
  LAT_TRY(lat_reflect_left(work, LAT_COLUMNS, true, p->N, p->m, D, p->a, p->N, tau, p->b, p->lead));
  return lat_trsm_tiles(work, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, D, p->m, p->a,
                        p->N, p->b, p->lead);
}

static lat_status by_svd(lat_workspace *work, const problem *p, double tolerance, size_t *rank)
{
  double query, *memory;
  lapack_int length, found = 0, count = 0, small = p->N < p->D ? p->N : p->D;
  double *s = lat_doubles(work, (size_t)small);
  if (!s) return LAT_MEMORY;
  lapack_int info = LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, p->N, p->D, p->m, p->a, p->N, p->b,
                                        p->lead, s, tolerance, &found, &query, -1, &count);
  LAT_TRY(lat_lapack_work(work, "dgelsd", info, query, &memory, &length));
  lapack_int *integers = lat_allocate(work, (size_t)count, sizeof(lapack_int));
  if (!integers) return LAT_MEMORY;
  info = LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, p->N, p->D, p->m, p->a, p->N, p->b, p->lead, s,
                             tolerance, &found, memory, length, integers);
  if (info > 0)
    return lat_fail(work, LAT_DIVERGED, "the SVD of a %dx%d matrix did not converge", (int)p->N,
                    (int)p->D);
  *rank = (size_t)found;
  return lat_lapack_info(work, "dgelsd", info);
}

static lat_status minimize(lat_workspace *work, const problem *p, const lat_matrix *A,
                           const lat_matrix *B, double tolerance, size_t *rank)
{
  lat_matrix a = lat_transpose(lat_matrix_of(p->a, A->cols, A->rows));
  lat_matrix room = lat_transpose(lat_matrix_of(p->b, B->cols, (size_t)p->lead));
  lat_matrix b = lat_block_of(room, 0, 0, B->rows, B->cols);
  bool done = false;
  lat_fill(&room, 0);
  lat_copy(B, &b);
  lat_copy(A, &a);
  *rank = A->cols;
  if (p->N >= p->D) LAT_TRY(by_qr(work, p, tolerance, &done));
  if (done) return LAT_OK;
  lat_copy(A, &a);
  return by_svd(work, p, tolerance, rank);
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
  lat_matrix room = lat_transpose(lat_matrix_of(p.b, B->cols, lead));
  lat_matrix solution = lat_block_of(room, 0, 0, D, B->cols);
  lat_copy(B, &rest);
  LAT_TRY(lat_product(work, 1, A, &solution, -1, &rest));
  *residual = lat_dot(&rest, &rest);
  lat_copy(&solution, X);
  return LAT_OK;
}
