/* factor.c: LU, L D L', Cholesky and QR of any view, through a column-major copy (factor.h).
 *
 * Factors stay as LAPACK leaves them, in the copy: L below and U on and above the diagonal, or L in
 * the lower triangle. A determinant is the product of U's diagonal, its exponent kept apart. */
#include "matrix/linear/factor.h"

#include <math.h>

#include "base/progress.h"
#include "matrix/linear/blocked.h"

/* ---- square matrices ------------------------------------------------------ */

static void clear_triangle(double *a, size_t n, bool above)
{
  for (size_t j = 0; j < n; j++)
    for (size_t i = above ? 0 : j + 1; i < (above ? j : n); i++) a[j * n + i] = 0;
}

/* The largest column sum of magnitudes of a column-major n x n matrix. */
static double norm_one(const double *a, size_t n)
{
  double norm = 0;
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs(a[j * n + i]);
    if (sum > norm) norm = sum;
  }
  return norm;
}

static lapack_int zero_on_diagonal(const lat_factors *F)
{
  for (lapack_int i = 0; i < F->n; i++)
    if (F->a[(size_t)i * (size_t)F->n + (size_t)i] == 0) return i + 1;
  return 0;
}

lat_status lat_factor(lat_workspace *work, lat_structure structure, const lat_matrix *A,
                      lat_factors *F)
{
  bool triangular = structure == LAT_UPPER || structure == LAT_LOWER;
  lapack_int info = 0;
  size_t n = A->rows;
  LAT_TRY(lat_check_square(work, "A", A));
  *F = (lat_factors){.structure = structure, .n = (int)n};
  LAT_TRY(lat_scratch(work, lat_transpose(*A), &F->a));
  if (triangular) clear_triangle(F->a, n, structure == LAT_LOWER);
  if (structure == LAT_SYMMETRIC || structure == LAT_POSITIVE) {
    LAT_TRY(lat_check_symmetric(work, "A", A));
  } else {
    lat_matrix read = lat_transpose(lat_matrix_of(F->a, n, n));
    LAT_TRY(lat_check_finite(work, "A", &read, false));
  }
  if (!(F->pivots = lat_allocate(work, n, sizeof(int)))) return LAT_MEMORY;
  F->norm = norm_one(F->a, n);

  int before = lat_lapack_begin(triangular ? 0 : (double)n * (double)n * (double)n / 3);
  lat_status status = LAT_OK;
  if (structure == LAT_GENERAL)
    status = lat_getrf(work, F->n, F->a, F->n, F->pivots, &info);
  else if (structure == LAT_SYMMETRIC)
    status = lat_sytrf(work, F->n, F->a, F->n, F->pivots, &info);
  else if (structure == LAT_POSITIVE)
    status = lat_potrf(work, F->n, F->a, F->n, &info);
  else
    info = zero_on_diagonal(F);
  lat_lapack_end(before);
  F->failed = info;
  return status;
}

lat_status lat_check_factors(lat_workspace *work, const lat_factors *F)
{
  if (!F->failed) return LAT_OK;
  if (F->structure == LAT_POSITIVE)
    return lat_fail(work, LAT_SINGULAR,
                    "A is not positive definite: its leading minor of order %d isn't positive",
                    F->failed);
  if (F->structure == LAT_UPPER || F->structure == LAT_LOWER)
    return lat_fail(work, LAT_SINGULAR, "A is singular: element [%d,%d] of its diagonal is 0",
                    F->failed, F->failed);
  return lat_fail(work, LAT_SINGULAR, "A is singular: pivot %d of %d is 0", F->failed, F->n);
}

lat_status lat_reciprocal_condition(lat_workspace *work, const lat_factors *F, double *rcond)
{
  lapack_int n = F->n, info;
  LAT_SCOPE(work);
  double *scratch = lat_doubles(work, 4 * (size_t)n);
  lapack_int *integers = lat_allocate(work, (size_t)n, sizeof(lapack_int));
  if (!scratch || !integers) return LAT_MEMORY;
  switch (F->structure) {
  case LAT_GENERAL:
    info =
        LAPACKE_dgecon_work(LAPACK_COL_MAJOR, '1', n, F->a, n, F->norm, rcond, scratch, integers);
    break;
  case LAT_SYMMETRIC:
    info = LAPACKE_dsycon_work(LAPACK_COL_MAJOR, 'L', n, F->a, n, F->pivots, F->norm, rcond,
                               scratch, integers);
    break;
  case LAT_POSITIVE:
    info =
        LAPACKE_dpocon_work(LAPACK_COL_MAJOR, 'L', n, F->a, n, F->norm, rcond, scratch, integers);
    break;
  default:
    info = LAPACKE_dtrcon_work(LAPACK_COL_MAJOR, '1', F->structure == LAT_UPPER ? 'U' : 'L', 'N', n,
                               F->a, n, rcond, scratch, integers);
  }
  return lat_lapack_info(work, "condition estimate", info);
}

lat_status lat_cholesky(lat_workspace *work, const lat_matrix *A, const lat_matrix *L)
{
  lat_factors F;
  LAT_SCOPE(work);
  LAT_TRY(lat_factor(work, LAT_POSITIVE, A, &F));
  LAT_TRY(lat_check_factors(work, &F));
  clear_triangle(F.a, A->rows, true);
  lat_matrix factor = lat_transpose(lat_matrix_of(F.a, A->rows, A->rows));
  LAT_TRY(lat_copy_bands(work, &factor, L));
  return LAT_OK;
}

/* ---- QR ------------------------------------------------------------------- */

/* The signs that make R's diagonal >= 0 multiply R's rows and, here, Q's columns; a is
 * column-major. */
static void flip_columns(lat_matrix a, const double *signs)
{
  for (size_t j = 0; j < a.cols; j++) {
    double *column = (double *)a.data + j * a.rows;
    for (size_t i = 0; i < a.rows && signs[j] < 0; i++) column[i] = -column[i];
  }
}

static lat_status qr(lat_workspace *work, lat_matrix a, double *tau, double *signs,
                     const lat_matrix *Q, const lat_matrix *R)
{
  size_t N = a.rows, D = a.cols, r = N < D ? N : D;
  const double both = (double)D + (double)r; /* columns that are reduced, and that are formed */
  LAT_STEPS(work, steps, both, NULL);
  lat_step(&steps, 0, (double)D);
  LAT_TRY(lat_geqrf(work, (int)N, (int)D, a.data, (int)N, tau));
  lat_step(&steps, (double)D, (double)r);
  lat_matrix top = lat_block_of(a, 0, 0, r, D), q = lat_block_of(a, 0, 0, N, r);
  for (size_t i = 0; i < r; i++) signs[i] = lat_get(&a, i, i) < 0 ? -1 : 1;
  if (R) LAT_TRY(lat_copy_bands(work, &top, R));
  for (size_t i = 0; R && i < r; i++)
    for (size_t j = 0; j < (signs[i] < 0 ? D : i); j++)
      lat_set(R, i, j, j < i ? 0 : -lat_get(&a, i, j));
  if (!Q) return LAT_OK;
  LAT_TRY(lat_orgqr(work, (int)N, (int)r, a.data, (int)N, tau));
  flip_columns(q, signs);
  return lat_copy_bands(work, &q, Q);
}

lat_status lat_qr(lat_workspace *work, const lat_matrix *A, const lat_matrix *Q,
                  const lat_matrix *R)
{
  size_t N = A->rows, D = A->cols, r = N < D ? N : D;
  LAT_TRY(lat_lapack_fits(work, "A", A));
  LAT_TRY(lat_check_finite(work, "A", A, false));
  if ((Q && (Q->rows != N || Q->cols != r)) || (R && (R->rows != r || R->cols != D)))
    return lat_fail(work, LAT_SHAPE, "the QR factors of a %zux%zu matrix are %zux%zu and %zux%zu",
                    N, D, N, r, r, D);
  LAT_SCOPE(work);
  double *a, *tau = lat_doubles(work, r), *signs = lat_doubles(work, r);
  if (!tau || !signs) return LAT_MEMORY;
  LAT_TRY(lat_scratch(work, lat_transpose(*A), &a));
  int before = lat_lapack_begin((double)N * (double)D * (double)r);
  lat_status status = qr(work, lat_transpose(lat_matrix_of(a, D, N)), tau, signs, Q, R);
  lat_lapack_end(before);
  return status;
}

/* ---- determinants --------------------------------------------------------- */

/* det A = *fraction * 2^*exponent, with |*fraction| in [0.5, 1) or 0 */
static lat_status determinant(lat_workspace *work, const lat_matrix *A, double *fraction,
                              long *exponent)
{
  lat_factors F;
  LAT_SCOPE(work);
  LAT_TRY(lat_factor(work, LAT_GENERAL, A, &F));
  *fraction = F.failed ? 0 : 0.5;
  *exponent = F.failed ? 0 : 1;
  for (int i = 0; i < F.n && !F.failed; i++) {
    int of_pivot, of_product;
    double pivot = frexp(F.a[(size_t)i * (size_t)F.n + (size_t)i], &of_pivot);
    *fraction = frexp(*fraction * (F.pivots[i] == i + 1 ? pivot : -pivot), &of_product);
    *exponent += of_pivot + of_product;
  }
  return LAT_OK;
}

lat_status lat_det(lat_workspace *work, const lat_matrix *A, double *det)
{
  double fraction;
  long exponent;
  LAT_TRY(determinant(work, A, &fraction, &exponent));
  *det = scalbln(fraction, exponent);
  return LAT_OK;
}

lat_status lat_logdet(lat_workspace *work, const lat_matrix *A, double *log_magnitude, double *sign)
{
  double fraction;
  long exponent;
  LAT_TRY(determinant(work, A, &fraction, &exponent));
  *log_magnitude = fraction == 0 ? -INFINITY : log(fabs(fraction)) + (double)exponent * log(2);
  *sign = fraction > 0 ? 1 : fraction < 0 ? -1 : 0;
  return LAT_OK;
}
