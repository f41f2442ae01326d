/* lapack.c: sizes, workspaces and error codes of LAPACK's routines (lapack.h). */
#include "matrix/linear/lapack.h"

#include <limits.h>
#include <math.h>

#include "base/parallel.h"
#include "matrix/limits.h"

lat_status lat_lapack_fits(lat_workspace *work, const char *name, const lat_matrix *A)
{
  if (A->rows < 1 || A->cols < 1 || A->rows > INT_MAX || A->cols > INT_MAX)
    return lat_fail(work, LAT_SHAPE, "%s must have 1 to %d rows and columns, got %zux%zu", name,
                    INT_MAX, A->rows, A->cols);
  return LAT_OK;
}

lat_status lat_scratch(lat_workspace *work, lat_matrix A, double **copy)
{
  lat_matrix fresh = lat_matrix_new(work, A.rows, A.cols);
  if (!fresh.data) return LAT_MEMORY;
  LAT_TRY(lat_copy_bands(work, &A, &fresh));
  *copy = fresh.data;
  return LAT_OK;
}

lat_status lat_lapack_work(lat_workspace *work, const char *routine, lapack_int info, double query,
                           double **memory, lapack_int *length)
{
  LAT_TRY(lat_lapack_info(work, routine, info));
  if (!(query >= 0 && query <= INT_MAX))
    return lat_fail(work, LAT_SHAPE, "the matrix is too large for LAPACK's %s", routine);
  *length = query < 1 ? 1 : (lapack_int)query;
  *memory = lat_doubles(work, (size_t)*length);
  return *memory ? LAT_OK : LAT_MEMORY;
}

lat_status lat_lapack_info(lat_workspace *work, const char *routine, lapack_int info)
{
  if (info < 0)
    return lat_fail(work, LAT_INVALID, "LAPACK's %s refuses its argument %d", routine, -(int)info);
  return LAT_OK;
}

int lat_lapack_begin(double multiplications)
{
  return multiplications < LAT_LAPACK_THREADED ? 0 : lat_blas_threads_begin();
}

void lat_lapack_end(int before)
{
  if (before) lat_blas_threads_end(before);
}

lat_status lat_check_square(lat_workspace *work, const char *name, const lat_matrix *A)
{
  LAT_TRY(lat_lapack_fits(work, name, A));
  if (A->rows != A->cols)
    return lat_fail(work, LAT_SHAPE, "%s must be square, got %zux%zu", name, A->rows, A->cols);
  return LAT_OK;
}

/* Compares the tile of A at (r, c) with the transposed one. */
static void compare_tile(const lat_matrix *A, size_t r, size_t c, double *largest, double *worst,
                         size_t *row, size_t *col)
{
  double below[LAT_COPY_TILE * LAT_COPY_TILE], above[LAT_COPY_TILE * LAT_COPY_TILE];
  size_t rows = A->rows - r < LAT_COPY_TILE ? A->rows - r : LAT_COPY_TILE;
  size_t cols = A->cols - c < LAT_COPY_TILE ? A->cols - c : LAT_COPY_TILE;
  lat_matrix tile = lat_block_of(*A, r, c, rows, cols), copy = lat_matrix_of(below, rows, cols);
  lat_copy(&tile, &copy);
  tile = lat_transpose(lat_block_of(*A, c, r, cols, rows)), copy.data = above;
  lat_copy(&tile, &copy);
  for (size_t k = 0; k < rows * cols; k++) {
    double difference = fabs(below[k] - above[k]);
    *largest = fmax(*largest, fabs(below[k]));
    if (difference > *worst) *worst = difference, *row = r + k / cols, *col = c + k % cols;
  }
}

lat_status lat_check_symmetric(lat_workspace *work, const char *name, const lat_matrix *A)
{
  LAT_TRY(lat_check_square(work, name, A));
  LAT_TRY(lat_check_finite(work, name, A, false));
  double largest = 0, worst = 0;
  size_t row = 0, col = 0;
  for (size_t r = 0; r < A->rows; r += LAT_COPY_TILE) {
    LAT_TRY(lat_check(work));
    for (size_t c = 0; c <= r; c += LAT_COPY_TILE)
      compare_tile(A, r, c, &largest, &worst, &row, &col);
  }
  if (worst <= largest * (A->dtype == LAT_FLOAT32 ? LAT_ASYMMETRY_FLOAT : LAT_ASYMMETRY))
    return LAT_OK;
  size_t i = row > col ? row : col, j = row > col ? col : row;
  return lat_fail(work, LAT_INVALID,
                  "%s must be symmetric, but [%zu,%zu] is %.9g and [%zu,%zu] is %.9g", name, i + 1,
                  j + 1, lat_get(A, i, j), j + 1, i + 1, lat_get(A, j, i));
}
