/* svd.c: the k largest singular triplets by a Krylov space of A'A, or from the full SVD
 * (eigen.h). */
#include <cblas.h>

#include "base/progress.h"
#include "eigen/dense.h"
#include "eigen/krylov.h"
#include "matrix/linear/lapack.h"
#include "matrix/linear/svd.h"
#include "matrix/product.h"

/* ||A'u - s v|| <= LAT_TRIPLET_TOLERANCE s_1 for all columns (A v = s u holds by construction). */
static lat_status test(lat_workspace *work, const lat_matrix *A, const lat_matrix *U,
                       const lat_matrix *s, const lat_matrix *V, bool *good)
{
  lat_matrix At = lat_transpose(*A), R = lat_transpose(lat_matrix_new(work, V->cols, V->rows));
  if (!R.data) return LAT_MEMORY;
  LAT_TRY(lat_product(work, 1, &At, U, 0, &R));
  for (size_t j = 0; j < V->cols; j++) {
    double *r = (double *)R.data + j * R.rows;
    for (size_t i = 0; i < V->rows; i++) r[i] -= lat_get(s, j, 0) * lat_get(V, i, j);
    *good = *good && cblas_dnrm2((int)R.rows, r, 1) <= LAT_TRIPLET_TOLERANCE * lat_get(s, 0, 0);
  }
  return LAT_OK;
}

/* The triplets of A (N >= D) in the space of the k leading eigenvectors P of A'A: with
 * A P = U diag(s) Z', V = P Z. *good is false when a Krylov space doesn't pay or suffice. */
static lat_status krylov(lat_workspace *work, const lat_matrix *A, size_t k, bool *good,
                         lat_matrix *U, lat_matrix *s, lat_matrix *V)
{
  size_t N = A->rows, D = A->cols;
  lat_krylov solver;
  lat_krylov_options options = {.block = k, .tolerance = LAT_DIRECT_TOLERANCE};
  options.max_iterations = D / (4 * k) + 8;
  LAT_STEPS(work, steps, 0, NULL); /* of the products that it will need */
  LAT_TRY(lat_krylov_init(&solver, work, D, k, &options));
  while (solver.wanted) {
    LAT_TRY(lat_gram_multiply(work, A, NULL, &solver.V, &solver.W));
    lat_status status = lat_krylov_next(&solver);
    if (status == LAT_INVALID) return LAT_OK; /* A'A overflows: the direct solver scales */
    LAT_TRY(status);
  }
  *good = solver.converged;
  if (!*good) return LAT_OK;
  lat_matrix B = lat_matrix_new(work, N, k), Z = lat_matrix_new(work, k, k);
  *U = lat_matrix_new(work, N, k);
  *V = lat_matrix_new(work, D, k);
  *s = lat_matrix_new(work, k, 1);
  if (!B.data || !Z.data || !U->data || !V->data || !s->data) return LAT_MEMORY;
  LAT_TRY(lat_product(work, 1, A, &solver.vectors, 0, &B));
  LAT_TRY(lat_svd(work, &B, U, *s, &Z));
  LAT_TRY(lat_product(work, 1, &solver.vectors, &Z, 0, V));
  return test(work, A, U, s, V, good);
}

/* All triplets by the direct solver, of which the first k are used. */
static lat_status full(lat_workspace *work, const lat_matrix *A, lat_matrix *U, lat_matrix *s,
                       lat_matrix *V, bool vectors)
{
  size_t r = A->rows < A->cols ? A->rows : A->cols;
  *s = lat_matrix_new(work, r, 1);
  if (!s->data) return LAT_MEMORY;
  if (!vectors) return lat_svd(work, A, NULL, *s, NULL);
  *U = lat_matrix_new(work, A->rows, r);
  *V = lat_matrix_new(work, A->cols, r);
  return U->data && V->data ? lat_svd(work, A, U, *s, V) : LAT_MEMORY;
}

lat_status lat_svd_truncated(lat_workspace *work, const lat_matrix *A, const lat_matrix *U,
                             lat_matrix s, const lat_matrix *V)
{
  size_t N = A->rows, D = A->cols, small = N < D ? N : D, k = s.rows;
  LAT_TRY(lat_lapack_fits(work, "A", A));
  LAT_TRY(lat_check_finite(work, "A", A, false));
  if (k < 1 || k > small || s.cols != 1 || (U && (U->rows != N || U->cols != k)) ||
      (V && (V->rows != D || V->cols != k)))
    return lat_fail(work, LAT_SHAPE,
                    "%zu singular values of a %zux%zu matrix need U %zux%zu, s %zux1, V %zux%zu", k,
                    N, D, N, k, k, D, k);
  LAT_SCOPE(work);
  bool good = false, tall = N >= D;
  lat_matrix left, values, right, B = tall ? *A : lat_transpose(*A);
  if (small >= LAT_SVD_KRYLOV_ORDER && k * LAT_SVD_KRYLOV_SHARE <= small)
    LAT_TRY(krylov(work, &B, k, &good, tall ? &left : &right, &values, tall ? &right : &left));
  if (!good) LAT_TRY(full(work, A, &left, &values, &right, U || V));
  values = lat_block_of(values, 0, 0, k, 1);
  lat_copy(&values, &s);
  if (U || V) {
    left = lat_block_of(left, 0, 0, N, k);
    right = lat_block_of(right, 0, 0, D, k);
    lat_fix_signs(&right, &left);
    if (U) lat_copy(&left, U);
    if (V) lat_copy(&right, V);
  }
  return LAT_OK;
}
