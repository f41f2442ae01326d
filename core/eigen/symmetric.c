/* symmetric.c: the choice between a Krylov space and the direct solver for a symmetric matrix
 * (eigen.h).
 *
 * The matrix is symmetrized and scaled by a power of two; a Krylov space that doesn't converge
 * within a small part of the direct solver's cost is abandoned for it. */
#include <math.h>

#include "base/progress.h"
#include "eigen/dense.h"
#include "eigen/krylov.h"
#include "matrix/linear/svd.h"
#include "matrix/product.h"

static lat_status run(lat_workspace *work, const lat_matrix *A, size_t k,
                      const lat_krylov_options *options, lat_krylov *solver)
{
  LAT_TRY(lat_krylov_init(solver, work, A->rows, k, options));
  while (solver->wanted) {
    LAT_TRY(lat_product(work, 1, A, &solver->V, 0, &solver->W));
    LAT_TRY(lat_krylov_next(solver));
  }
  return LAT_OK;
}

lat_status lat_symmetric_largest(lat_workspace *work, const lat_matrix *A, size_t k,
                                 const lat_krylov_options *options, lat_krylov *solver)
{
  double *a;
  int exponent;
  LAT_TRY(lat_symmetric_scratch(work, "A", A, &a, &exponent));
  lat_matrix scaled = lat_matrix_of(a, A->rows, A->rows);
  LAT_TRY(run(work, &scaled, k, options, solver));
  lat_scale_power(solver->values.data, k, exponent);
  lat_scale_power(solver->residuals.data, k, exponent);
  return LAT_OK;
}

/* The k largest by a Krylov space; *done is false when they don't converge at a small part of
 * the tridiagonal form's cost. With a block of k no vector of a repeated value is missed. */
static lat_status krylov(lat_workspace *work, double *a, size_t n, size_t k, bool *done,
                         lat_matrix *values, lat_matrix *vectors)
{
  lat_krylov solver;
  lat_matrix A = lat_matrix_of(a, n, n);
  lat_krylov_options options = {.block = k > 4 ? k : 4, .tolerance = LAT_DIRECT_TOLERANCE};
  options.max_iterations = n / (16 * options.block) + 6;
  LAT_STEPS(work, steps, 0, NULL); /* of the products that it will need */
  LAT_TRY(run(work, &A, k, &options, &solver));
  *done = solver.converged;
  *values = solver.values;
  if (vectors) *vectors = solver.vectors;
  return LAT_OK;
}

lat_status lat_symmetric(lat_workspace *work, const lat_matrix *A, lat_eigensolver solver,
                         lat_matrix values, const lat_matrix *vectors)
{
  size_t n = A->rows, k = values.rows;
  double *a;
  int exponent;
  bool done = false;
  lat_matrix found, V;
  LAT_SCOPE(work);
  LAT_TRY(lat_check_results(work, n, &values, vectors));
  LAT_TRY(lat_symmetric_scratch(work, "A", A, &a, &exponent));
  if (solver == LAT_EIGEN_AUTO && n >= LAT_SYMMETRIC_KRYLOV_ORDER &&
      k <= n / LAT_SYMMETRIC_KRYLOV_SHARE)
    solver = LAT_EIGEN_KRYLOV;
  if (solver == LAT_EIGEN_AUTO) solver = LAT_EIGEN_PARTIAL;
  if (solver == LAT_EIGEN_KRYLOV)
    LAT_TRY(krylov(work, a, n, k, &done, &found, vectors ? &V : NULL));
  if (!done) LAT_TRY(lat_symmetric_lapack(work, a, n, k, true, &found, vectors ? &V : NULL));
  LAT_TRY(lat_copy_scaled(work, &found, exponent, &values));
  if (vectors) {
    lat_fix_signs(&V, NULL);
    LAT_TRY(lat_copy_bands(work, &V, vectors));
  }
  return LAT_OK;
}
