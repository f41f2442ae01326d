#include "matrix/lapack.h"

#include <limits.h>
#include <math.h>

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
  lat_copy(&A, &fresh);
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

lat_status lat_check_square(lat_workspace *work, const char *name, const lat_matrix *A)
{
  LAT_TRY(lat_lapack_fits(work, name, A));
  if (A->rows != A->cols)
    return lat_fail(work, LAT_SHAPE, "%s must be square, got %zux%zu", name, A->rows, A->cols);
  return LAT_OK;
}

lat_status lat_check_symmetric(lat_workspace *work, const char *name, const lat_matrix *A)
{
  LAT_TRY(lat_check_square(work, name, A));
  LAT_TRY(lat_check_finite(work, name, A, false));
  double largest = 0, worst = 0;
  size_t row = 0, col = 0;
  for (size_t i = 0; i < A->rows; i++) {
    for (size_t j = 0; j <= i; j++) {
      double below = lat_get(A, i, j), above = lat_get(A, j, i);
      largest = fmax(largest, fmax(fabs(below), fabs(above)));
      if (fabs(below - above) > worst) worst = fabs(below - above), row = i, col = j;
    }
  }
  if (worst > largest * (A->dtype == LAT_FLOAT32 ? 1e-5 : 1e-10))
    return lat_fail(work, LAT_INVALID,
                    "%s must be symmetric, but [%zu,%zu] is %.9g and [%zu,%zu] is %.9g", name,
                    row + 1, col + 1, lat_get(A, row, col), col + 1, row + 1, lat_get(A, col, row));
  return LAT_OK;
}
