/* dense.c: copies for the dense eigensolvers, and the symmetric problem by its tridiagonal form
 * (dense.h).
 *
 * A = Q T Q' with T tridiagonal, T = Z diag(w) Z', and Q applied to the wanted columns of Z;
 * LAPACK's values ascend, so results are views that are read from the end. */
#include "eigen/dense.h"

#include <float.h>
#include <math.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "eigen/tridiagonal.h"
#include "matrix/limits.h"

lat_status lat_check_results(lat_workspace *work, size_t n, const lat_matrix *values,
                             const lat_matrix *vectors)
{
  size_t k = values->rows;
  if (k < 1 || k > n || values->cols != 1)
    return lat_fail(work, LAT_SHAPE, "the values must be a vector of 1 to %zu, got %zux%zu", n, k,
                    values->cols);
  if (vectors && (vectors->rows != n || vectors->cols != k))
    return lat_fail(work, LAT_SHAPE, "the vectors must be %zux%zu, got %zux%zu", n, k,
                    vectors->rows, vectors->cols);
  return LAT_OK;
}

lat_status lat_copy_scaled(lat_workspace *work, const lat_matrix *A, int exponent,
                           const lat_matrix *B)
{
  if (exponent == 0) return lat_copy_bands(work, A, B);
  for (size_t i = 0; i < B->rows; i++) {
    if (i % 64 == 0) LAT_TRY(lat_check(work));
    for (size_t j = 0; j < B->cols; j++) lat_set(B, i, j, ldexp(lat_get(A, i, j), exponent));
  }
  return LAT_OK;
}

void lat_scale_power(double *x, size_t n, int exponent)
{
  /* two factors, as 2^1074 is no double, but both of its factors are */
  double first = ldexp(1, exponent / 2), second = ldexp(1, exponent - exponent / 2);
  if (exponent == 0) return;
  for (size_t i = 0; i < n; i++) x[i] = x[i] * first * second;
}

/* ---- copies ---------------------------------------------------------------- */

lat_status lat_square_scratch(lat_workspace *work, const char *name, const lat_matrix *A,
                              double **copy, int *exponent)
{
  size_t n = A->rows;
  LAT_TRY(lat_lapack_fits(work, name, A));
  if (A->cols != n)
    return lat_fail(work, LAT_SHAPE, "%s must be square, got %zux%zu", name, n, A->cols);
  LAT_TRY(lat_check_finite(work, name, A, false));
  LAT_TRY(lat_scratch(work, *A, copy));
  double largest = 0, *a = *copy;
  for (size_t i = 0; i < n * n; i++) largest = fabs(a[i]) > largest ? fabs(a[i]) : largest;
  frexp(largest, exponent);
  lat_scale_power(a, n * n, -*exponent);
  return LAT_OK;
}

/* Replaces the tile at (r, c) and the transposed one by their mean; false when they differ at (*i,
 * *j). */
static bool symmetrize_tile(double *a, size_t n, size_t r, size_t c, size_t *i, size_t *j)
{
  size_t rows = r + LAT_COPY_TILE < n ? r + LAT_COPY_TILE : n,
         cols = c + LAT_COPY_TILE < n ? c + LAT_COPY_TILE : n;
  for (*i = r; *i < rows; ++*i) {
    for (*j = c; *j < cols; ++*j) {
      double *above = a + *i * n + *j, *below = a + *j * n + *i;
      if (fabs(*above - *below) > LAT_ASYMMETRY) return false;
      *above = *below = 0.5 * (*above + *below);
    }
  }
  return true;
}

lat_status lat_symmetric_scratch(lat_workspace *work, const char *name, const lat_matrix *A,
                                 double **copy, int *exponent)
{
  size_t n = A->rows, i, j;
  LAT_TRY(lat_square_scratch(work, name, A, copy, exponent));
  for (size_t r = 0; r < n; r += LAT_COPY_TILE) {
    LAT_TRY(lat_check(work));
    for (size_t c = r; c < n; c += LAT_COPY_TILE)
      if (!symmetrize_tile(*copy, n, r, c, &i, &j))
        return lat_fail(
            work, LAT_INVALID,
            "%s must be symmetric, but entry (%zu, %zu) is %.17g and (%zu, %zu) is %.17g", name,
            i + 1, j + 1, lat_get(A, i, j), j + 1, i + 1, lat_get(A, j, i));
  }
  return LAT_OK;
}

/* ---- the solver ------------------------------------------------------------- */

/* All values, ascending, in w; the vectors of the k largest are the last k columns of z (n x n)
 * when that isn't NULL. */
static lat_status decompose(lat_workspace *work, double *a, int n, int k, double *w, double *z,
                            int *info)
{
  double *e = lat_doubles(work, (size_t)n), *tau = lat_doubles(work, (size_t)n);
  if (!e || !tau) return LAT_MEMORY;
  /* costs: half of the form is products with a vector, which are slow; then n x n products */
  const double form = 4, tree = z ? 2 : 1, vectors = z ? 1.5 * k / n : 0;
  LAT_STEPS(work, steps, form + tree + vectors, NULL);
  lat_step(&steps, 0, form);
  LAT_TRY(lat_sytrd(work, n, a, n, w, e, tau));
  lat_step(&steps, form, tree);
  if (!z) {
    LAT_TRY(lat_check(work));
    *info = LAPACKE_dsterf_work(n, w, e);
    return lat_lapack_info(work, "dsterf", *info);
  }
  LAT_TRY(lat_tridiagonal(work, n, k, w, e, z, n, info));
  if (*info > 0 || n == 1) return LAT_OK;
  double *wanted = z + (ptrdiff_t)(n - k) * n;
  lat_step(&steps, form + tree, vectors);
  return lat_reflect_left(work, LAT_COLUMNS, false, n - 1, k, n - 1, a + 1, n, tau, wanted + 1, n);
}

static lat_status solve(lat_workspace *work, double *a, size_t n, size_t k, lat_matrix *values,
                        lat_matrix *vectors)
{
  int info;
  double *w = lat_doubles(work, n), *z = NULL;
  if (!w || (vectors && !(z = lat_doubles(work, n * n)))) return LAT_MEMORY;
  LAT_TRY(decompose(work, a, (int)n, (int)k, w, z, &info));
  if (info > 0)
    return lat_fail(work, LAT_DIVERGED, "the eigenvalues of a %zux%zu matrix did not converge", n,
                    n);
  /* ascending, so read from the end */
  *values = (lat_matrix){w + n - 1, k, 1, -1, 1, LAT_FLOAT64};
  if (vectors) *vectors = (lat_matrix){z + (n - 1) * n, n, k, 1, -(ptrdiff_t)n, LAT_FLOAT64};
  return LAT_OK;
}

lat_status lat_symmetric_lapack(lat_workspace *work, double *a, size_t n, size_t k, bool threads,
                                lat_matrix *values, lat_matrix *vectors)
{
  threads = threads && n >= LAT_EIGEN_THREADED;
  int before = threads ? lat_blas_threads_begin() : 0;
  lat_status status = solve(work, a, n, k, values, vectors);
  if (threads) lat_blas_threads_end(before);
  return status;
}
