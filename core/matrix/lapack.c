#include "matrix/lapack.h"

#include <limits.h>

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
