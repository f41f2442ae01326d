/* generalized.c: A v = lambda B v by Cholesky's B = L L' and the symmetric inv(L) A inv(L')
 * (eigen.h).
 *
 * All matrices are symmetric, so row-major and column-major are the same; L is in the lower
 * triangle. */
#include <cblas.h>

#include "base/parallel.h"
#include "eigen/dense.h"
#include "matrix/linear/blocked.h"
#include "matrix/linear/svd.h"

/* b := L with B = L L', and a := inv(L) A inv(L'), all of it. */
static lat_status reduce(lat_workspace *work, double *a, double *b, int n)
{
  int info;
  LAT_TRY(lat_potrf(work, n, b, n, &info));
  if (info > 0)
    return lat_fail(work, LAT_SINGULAR,
                    "B must be positive definite, but its leading minor of order %d is not", info);
  LAT_TRY(
      lat_trsm_tiles(work, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, n, n, b, n, a, n));
  return lat_trsm_tiles(work, CblasRight, CblasLower, CblasTrans, CblasNonUnit, n, n, b, n, a, n);
}

lat_status lat_generalized(lat_workspace *work, const lat_matrix *A, const lat_matrix *B,
                           lat_matrix values, const lat_matrix *vectors)
{
  size_t n = A->rows, k = values.rows;
  double *a, *b;
  int exponent_a, exponent_b;
  lat_matrix found, V;
  LAT_SCOPE(work);
  LAT_TRY(lat_symmetric_scratch(work, "A", A, &a, &exponent_a));
  LAT_TRY(lat_symmetric_scratch(work, "B", B, &b, &exponent_b));
  if (B->rows != n)
    return lat_fail(work, LAT_SHAPE, "A is %zux%zu and B is %zux%zu", n, n, B->rows, B->rows);
  LAT_TRY(lat_check_results(work, n, &values, vectors));

  if (exponent_b % 2) { /* so that its square root is a power of two as well */
    exponent_b++;
    for (size_t i = 0; i < n * n; i++) b[i] *= 0.5;
  }

  int before = n >= LAT_EIGEN_THREADED ? lat_blas_threads_begin() : 0;
  lat_status status = reduce(work, a, b, (int)n);
  if (n >= LAT_EIGEN_THREADED) lat_blas_threads_end(before);
  LAT_TRY(status);
  LAT_TRY(lat_symmetric_lapack(work, a, n, k, true, &found, vectors ? &V : NULL));
  LAT_TRY(lat_copy_scaled(work, &found, exponent_a - exponent_b, &values));
  if (vectors) {
    /* the columns are stored side by side in ascending order */
    double *last = (double *)V.data - (k - 1) * n;
    LAT_TRY(lat_trsm_tiles(work, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)n, (int)k, b,
                           (int)n, last, (int)n));
    lat_fix_signs(&V, NULL);
    LAT_TRY(lat_copy_scaled(work, &V, -exponent_b / 2, vectors));
  }
  return LAT_OK;
}
