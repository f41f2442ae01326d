/* matrix.h: a view of numbers in memory, by strides.
 *
 * One struct describes every layout: a matrix, its transpose, a row, a column and
 * a block are views of the same memory. A view owns nothing. Element (i, j), from
 * 0, is data[i*row_stride + j*col_stride]; strides count elements, and may be 0
 * (a repeated row or column, to read only) or negative. A vector is an n x 1 view.
 *
 * Rows of statistical data are observations: X is N x D. */
#ifndef LAT_MATRIX_MATRIX_H
#define LAT_MATRIX_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/workspace.h"

typedef enum lat_dtype { LAT_FLOAT64 = 0, LAT_FLOAT32 = 1 } lat_dtype;

typedef struct lat_matrix {
  void *data;
  size_t rows, cols;
  ptrdiff_t row_stride, col_stride;
  lat_dtype dtype;
} lat_matrix;

static inline size_t lat_dtype_size(lat_dtype dtype)
{
  return dtype == LAT_FLOAT64 ? sizeof(double) : sizeof(float);
}

/* Packed row-major views of caller's memory: rows x cols, and a vector. */
lat_matrix lat_matrix_of(double *data, size_t rows, size_t cols);
lat_matrix lat_vector_of(double *data, size_t n);

/* A fresh packed float64 matrix in the workspace; data is NULL when it has no memory. Keeps it. */
lat_matrix lat_matrix_new(lat_workspace *work, size_t rows, size_t cols);

lat_matrix lat_transpose(lat_matrix A);
/* rows r..r+rows-1 and columns c..c+cols-1, from 0; the caller has checked the borders */
lat_matrix lat_block_of(lat_matrix A, size_t r, size_t c, size_t rows, size_t cols);
lat_matrix lat_row(lat_matrix A, size_t i); /* as a vector: cols x 1 */
lat_matrix lat_col(lat_matrix A, size_t j); /* rows x 1 */

double lat_get(const lat_matrix *A, size_t i, size_t j);
void lat_set(const lat_matrix *A, size_t i, size_t j, double value); /* rounds for float32 */

/* Elements are side by side in row-major order (any strides where sizes are 1). */
bool lat_is_packed(const lat_matrix *A);
/* Any two elements share memory, within or between the views' extents. */
bool lat_overlaps(const lat_matrix *A, const lat_matrix *B);

/* B := A element by element; shapes agree, dtypes may differ; the views are the
 * same or don't overlap. Blocked when one of them is a transpose. */
void lat_copy(const lat_matrix *A, const lat_matrix *B);
void lat_fill(const lat_matrix *A, double value);

/* The same for views that may be large: in bands, between which they call lat_check. The views
 * don't overlap. */
lat_status lat_copy_bands(lat_workspace *work, const lat_matrix *A, const lat_matrix *B);
lat_status lat_fill_bands(lat_workspace *work, const lat_matrix *A, double value);
/* B := A (N x D), float64 and packed, with NaN of column j at values[j]. */
lat_status lat_copy_filled(lat_workspace *work, const lat_matrix *A, const double *values,
                           const lat_matrix *B);

/* A float64 packed copy in the workspace, or A itself when it is that already. Keeps the copy. */
lat_status lat_packed(lat_workspace *work, lat_matrix A, lat_matrix *packed);

/* LAT_INVALID, naming `name`, row and column (from 1), when A has a NaN or an
 * infinity. NaN passes when `missing`. */
lat_status lat_check_finite(lat_workspace *work, const char *name, const lat_matrix *A,
                            bool missing);

/* x[i] := a + i (b - a)/(n - 1), i < n, from both ends, so that both are met exactly; a alone for
 * n = 1. And x[i] := a + i step. LAT_CANCELLED. */
lat_status lat_linspace(lat_workspace *work, double a, double b, size_t n, double *x);
lat_status lat_sequence(lat_workspace *work, double a, double step, size_t n, double *x);

#endif
