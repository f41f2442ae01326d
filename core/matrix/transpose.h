/* transpose.h: transposes of blocks, four by four within vectors. */
#ifndef LAT_MATRIX_TRANSPOSE_H
#define LAT_MATRIX_TRANSPOSE_H

#include <stddef.h>

/* T (columns x rows) := A', with a_row and t_row numbers from one row to the next. They don't
 * overlap, and are best small enough for the first cache. */
void lat_transpose_block(size_t rows, size_t columns, const double *A, size_t a_row, double *T,
                         size_t t_row);
void lat_transpose_block_float(size_t rows, size_t columns, const float *A, size_t a_row, float *T,
                               size_t t_row);

#endif
