#include "eigen/dense.h"

#include <float.h>
#include <math.h>

#include "base/parallel.h"
#include "matrix/lapack.h"
#include "matrix/product.h"

#define ASYMMETRY  1e-10 /* of the largest entry */
#define ORTHOGONAL 1e-13 /* what a partial solver's vectors must satisfy */
#define SHARE      4     /* one in so many of the pairs, or less, are computed by themselves */
#define TILE       32    /* the side of a tile that stays in the cache with its mirror image */

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

void lat_copy_scaled(const lat_matrix *A, int exponent, const lat_matrix *B)
{
  lat_copy(A, B);
  if (exponent == 0) return;
  for (size_t i = 0; i < B->rows; i++)
    for (size_t j = 0; j < B->cols; j++) lat_set(B, i, j, ldexp(lat_get(A, i, j), exponent));
}

void lat_scale_power(double *x, size_t n, int exponent)
{
  /* two factors, each of which is a number: 2^1074, say, isn't */
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

/* Makes the tile at (r, c) and its mirror image their mean; false when they disagree at (*i, *j). */
static bool symmetrize_tile(double *a, size_t n, size_t r, size_t c, size_t *i, size_t *j)
{
  size_t rows = r + TILE < n ? r + TILE : n, cols = c + TILE < n ? c + TILE : n;
  for (*i = r; *i < rows; ++*i) {
    for (*j = c; *j < cols; ++*j) {
      double *above = a + *i * n + *j, *below = a + *j * n + *i;
      if (fabs(*above - *below) > ASYMMETRY) return false;
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
  for (size_t r = 0; r < n; r += TILE)
    for (size_t c = r; c < n; c += TILE)
      if (!symmetrize_tile(*copy, n, r, c, &i, &j))
        return lat_fail(
            work, LAT_INVALID,
            "%s must be symmetric, but entry (%zu, %zu) is %.17g and (%zu, %zu) is %.17g", name,
            i + 1, j + 1, lat_get(A, i, j), j + 1, i + 1, lat_get(A, j, i));
  return LAT_OK;
}

/* ---- LAPACK ---------------------------------------------------------------- */

static lat_status divide_and_conquer(lat_workspace *work, double *a, lapack_int n, bool vectors,
                                     double *values, lapack_int *info)
{
  char job = vectors ? 'V' : 'N';
  double query, *memory;
  lapack_int count, length, *integers;
  *info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, job, 'L', n, a, n, values, &query, -1, &count, -1);
  LAT_TRY(lat_lapack_work(work, "dsyevd", *info, query, &memory, &length));
  if (!(integers = lat_allocate(work, (size_t)count, sizeof *integers))) return LAT_MEMORY;
  *info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, job, 'L', n, a, n, values, memory, length, integers,
                              count);
  return lat_lapack_info(work, "dsyevd", *info);
}

/* The k largest: values in ascending order, and vectors z (n x k, column-major) or NULL. */
static lat_status largest(lat_workspace *work, double *a, lapack_int n, lapack_int k,
                          double *values, double *z, lapack_int *info)
{
  char job = z ? 'V' : 'N';
  double query, *memory;
  lapack_int found, count, length, *integers;
  lapack_int *support = lat_allocate(work, 2 * (size_t)n, sizeof *support);
  if (!support) return LAT_MEMORY;
  *info = LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, job, 'I', 'L', n, a, n, 0, 0, n - k + 1, n, 0,
                              &found, values, z, n, support, &query, -1, &count, -1);
  LAT_TRY(lat_lapack_work(work, "dsyevr", *info, query, &memory, &length));
  if (!(integers = lat_allocate(work, (size_t)count, sizeof *integers))) return LAT_MEMORY;
  *info = LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, job, 'I', 'L', n, a, n, 0, 0, n - k + 1, n, 0,
                              &found, values, z, n, support, memory, length, integers, count);
  if (*info == 0 && found != k) *info = 1;
  return lat_lapack_info(work, "dsyevr", *info);
}

/* Inverse iteration orthogonalizes within clusters only, so the result is looked at. */
static lat_status orthogonal(lat_workspace *work, const lat_matrix *V, bool *good)
{
  LAT_SCOPE(work);
  lat_matrix T = lat_transpose(*V), G = lat_matrix_new(work, V->cols, V->cols);
  if (!G.data) return LAT_MEMORY;
  LAT_TRY(lat_product(work, 1, &T, V, 0, &G));
  *good = true;
  for (size_t i = 0; i < G.rows; i++)
    for (size_t j = 0; j <= i; j++)
      if (!(fabs(lat_get(&G, i, j) - (i == j)) <= ORTHOGONAL)) *good = false;
  return LAT_OK;
}

static lat_status solve(lat_workspace *work, double *a, size_t n, size_t k, bool few,
                        lat_matrix *values, lat_matrix *vectors)
{
  lapack_int info = 1, order = (lapack_int)n;
  double *w = lat_doubles(work, n), *z = NULL;
  if (!w) return LAT_MEMORY;
  if (few) {
    lat_matrix A = lat_matrix_of(a, n, n);
    double *copy;
    bool good = true;
    LAT_TRY(lat_scratch(work, A, &copy));
    if (vectors && !(z = lat_doubles(work, n * k))) return LAT_MEMORY;
    LAT_TRY(largest(work, copy, order, (lapack_int)k, w, z, &info));
    lat_matrix Z = z ? lat_transpose(lat_matrix_of(z, k, n)) : A;
    if (info == 0 && z) LAT_TRY(orthogonal(work, &Z, &good));
    if (!good) info = 1;
  }
  if (info != 0) { /* the full solver, wanted or as the fallback */
    z = a + (n - k) * n;
    LAT_TRY(divide_and_conquer(work, a, order, vectors != NULL, w, &info));
    if (info != 0)
      return lat_fail(work, LAT_DIVERGED, "the eigenvalues of a %zux%zu matrix did not converge", n,
                      n);
    w += n - k;
  }
  /* ascending for LAPACK, so read from the end */
  *values = (lat_matrix){w + k - 1, k, 1, -1, 1, LAT_FLOAT64};
  if (vectors) *vectors = (lat_matrix){z + (k - 1) * n, n, k, 1, -(ptrdiff_t)n, LAT_FLOAT64};
  return LAT_OK;
}

lat_status lat_symmetric_lapack(lat_workspace *work, double *a, size_t n, size_t k, bool partial,
                                bool threads, lat_matrix *values, lat_matrix *vectors)
{
  threads = threads && n >= LAT_THREADED;
  int before = threads ? lat_blas_threads_begin() : 0;
  lat_status status = solve(work, a, n, k, partial && SHARE * k <= n, values, vectors);
  if (threads) lat_blas_threads_end(before);
  return status;
}
