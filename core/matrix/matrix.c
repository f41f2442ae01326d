/* matrix.c: views by strides, copies between them, and the search for NaN and infinities.
 *
 * Element (i, j) is data[i*row_stride + j*col_stride]. A copy writes in the order of memory; where
 * only one side is row-major it goes by square tiles, so that each cache line is used while it is
 * there. */
#include "matrix/matrix.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/clones.h"
#include "matrix/limits.h"
#include "matrix/transpose.h"

lat_matrix lat_matrix_of(double *data, size_t rows, size_t cols)
{
  return (lat_matrix){data, rows, cols, (ptrdiff_t)cols, 1, LAT_FLOAT64};
}

lat_matrix lat_vector_of(double *data, size_t n)
{
  return lat_matrix_of(data, n, 1);
}

lat_matrix lat_matrix_new(lat_workspace *work, size_t rows, size_t cols)
{
  if (cols && rows > SIZE_MAX / cols) cols = SIZE_MAX, rows = 1; /* the allocation fails */
  return lat_matrix_of(lat_doubles(work, rows * cols), rows, cols);
}

/* ---- views ---------------------------------------------------------------- */

static void *address(const lat_matrix *A, size_t i, size_t j)
{
  ptrdiff_t offset = (ptrdiff_t)i * A->row_stride + (ptrdiff_t)j * A->col_stride;
  return (char *)A->data + offset * (ptrdiff_t)lat_dtype_size(A->dtype);
}

lat_matrix lat_transpose(lat_matrix A)
{
  return (lat_matrix){A.data, A.cols, A.rows, A.col_stride, A.row_stride, A.dtype};
}

lat_matrix lat_block_of(lat_matrix A, size_t r, size_t c, size_t rows, size_t cols)
{
  return (lat_matrix){address(&A, r, c), rows, cols, A.row_stride, A.col_stride, A.dtype};
}

lat_matrix lat_row(lat_matrix A, size_t i)
{
  return lat_transpose(lat_block_of(A, i, 0, 1, A.cols));
}

lat_matrix lat_col(lat_matrix A, size_t j)
{
  return lat_block_of(A, 0, j, A.rows, 1);
}

double lat_get(const lat_matrix *A, size_t i, size_t j)
{
  const void *place = address(A, i, j);
  return A->dtype == LAT_FLOAT64 ? *(const double *)place : (double)*(const float *)place;
}

void lat_set(const lat_matrix *A, size_t i, size_t j, double value)
{
  void *place = address(A, i, j);
  if (A->dtype == LAT_FLOAT64)
    *(double *)place = value;
  else
    *(float *)place = (float)value;
}

bool lat_is_packed(const lat_matrix *A)
{
  bool columns = A->cols == 1 || A->col_stride == 1;
  return columns && (A->rows == 1 || A->row_stride == (ptrdiff_t)A->cols);
}

/* The first and the last byte that a view touches. */
static void extent(const lat_matrix *A, uintptr_t *first, uintptr_t *last)
{
  ptrdiff_t across = (ptrdiff_t)(A->rows - 1) * A->row_stride;
  ptrdiff_t along = (ptrdiff_t)(A->cols - 1) * A->col_stride;
  ptrdiff_t low = (across < 0 ? across : 0) + (along < 0 ? along : 0);
  ptrdiff_t high = (across > 0 ? across : 0) + (along > 0 ? along : 0);
  ptrdiff_t size = (ptrdiff_t)lat_dtype_size(A->dtype);
  *first = (uintptr_t)((char *)A->data + low * size);
  *last = (uintptr_t)((char *)A->data + (high + 1) * size - 1);
}

bool lat_overlaps(const lat_matrix *A, const lat_matrix *B)
{
  uintptr_t a, z, b, y;
  extent(A, &a, &z);
  extent(B, &b, &y);
  return a <= y && b <= z;
}

/* ---- copying -------------------------------------------------------------- */

#define COPY_FROM(name, from, to)                                                                  \
  static void name(const lat_matrix *A, const lat_matrix *B)                                       \
  {                                                                                                \
    const from *a = A->data;                                                                       \
    to *b = B->data;                                                                               \
    ptrdiff_t ar = A->row_stride, ac = A->col_stride, br = B->row_stride, bc = B->col_stride;      \
    ptrdiff_t rows = (ptrdiff_t)A->rows, cols = (ptrdiff_t)A->cols;                                \
    if (ac == 1 && bc == 1) {                                                                      \
      for (ptrdiff_t i = 0; i < rows; i++)                                                         \
        for (ptrdiff_t j = 0; j < cols; j++) b[i * br + j] = (to)a[i * ar + j];                    \
      return;                                                                                      \
    }                                                                                              \
    for (ptrdiff_t r = 0; r < rows; r += LAT_COPY_TILE)                                            \
      for (ptrdiff_t c = 0; c < cols; c += LAT_COPY_TILE)                                          \
        for (ptrdiff_t i = r; i < rows && i < r + LAT_COPY_TILE; i++)                              \
          for (ptrdiff_t j = c; j < cols && j < c + LAT_COPY_TILE; j++)                            \
            b[i * br + j * bc] = (to)a[i * ar + j * ac];                                           \
  }

/* Whether a is the transpose of a row-major matrix and b is row-major, with strides > 0. */
static bool is_transposed(const lat_matrix *a, const lat_matrix *b)
{
  return a->dtype == b->dtype && a->row_stride == 1 && b->col_stride == 1 && a->cols > 1 &&
         a->col_stride >= (ptrdiff_t)a->rows && b->row_stride >= (ptrdiff_t)b->cols;
}

static void copy_transposed(const lat_matrix *A, const lat_matrix *B)
{
  for (size_t r = 0; r < A->cols; r += LAT_COPY_TILE)
    for (size_t c = 0; c < A->rows; c += LAT_COPY_TILE) {
      size_t rows = A->cols - r < LAT_COPY_TILE ? A->cols - r : LAT_COPY_TILE;
      size_t columns = A->rows - c < LAT_COPY_TILE ? A->rows - c : LAT_COPY_TILE;
      size_t from = r * (size_t)A->col_stride + c, to = c * (size_t)B->row_stride + r;
      if (A->dtype == LAT_FLOAT64)
        lat_transpose_block(rows, columns, (const double *)A->data + from, (size_t)A->col_stride,
                            (double *)B->data + to, (size_t)B->row_stride);
      else
        lat_transpose_block_float(rows, columns, (const float *)A->data + from,
                                  (size_t)A->col_stride, (float *)B->data + to,
                                  (size_t)B->row_stride);
    }
}

COPY_FROM(copy_dd, double, double)
COPY_FROM(copy_df, double, float)
COPY_FROM(copy_fd, float, double)
COPY_FROM(copy_ff, float, float)

void lat_copy(const lat_matrix *A, const lat_matrix *B)
{
  static void (*const copies[2][2])(const lat_matrix *, const lat_matrix *) = {{copy_dd, copy_df},
                                                                               {copy_fd, copy_ff}};
  if (A->dtype == B->dtype && lat_is_packed(A) && lat_is_packed(B)) {
    memmove(B->data, A->data, A->rows * A->cols * lat_dtype_size(A->dtype));
    return;
  }
  lat_matrix a = *A, b = *B;
  if (b.row_stride == 1 && b.col_stride != 1) { /* write in the order of memory */
    a = lat_transpose(a);
    b = lat_transpose(b);
  }
  if (is_transposed(&a, &b))
    copy_transposed(&a, &b);
  else
    copies[a.dtype][b.dtype](&a, &b);
}

void lat_fill(const lat_matrix *A, double value)
{
  lat_matrix one = {&value, A->rows, A->cols, 0, 0, LAT_FLOAT64};
  lat_copy(&one, A);
}

lat_status lat_copy_bands(lat_workspace *work, const lat_matrix *A, const lat_matrix *B)
{
  lat_matrix a = *A, b = *B;
  if (lat_is_packed(A) && lat_is_packed(B)) {
    size_t n = A->rows * A->cols;
    a = (lat_matrix){A->data, n, 1, 1, 1, A->dtype};
    b = (lat_matrix){B->data, n, 1, 1, 1, B->dtype};
  } else if (a.cols > a.rows) {
    a = lat_transpose(a);
    b = lat_transpose(b);
  }
  size_t rows = (LAT_COPY_BAND / a.cols / LAT_COPY_TILE + 1) * LAT_COPY_TILE;
  for (size_t i = 0; i < a.rows; i += rows) {
    size_t n = a.rows - i < rows ? a.rows - i : rows;
    lat_matrix from = lat_block_of(a, i, 0, n, a.cols), to = lat_block_of(b, i, 0, n, a.cols);
    lat_copy(&from, &to);
    LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

lat_status lat_fill_bands(lat_workspace *work, const lat_matrix *A, double value)
{
  lat_matrix one = {&value, A->rows, A->cols, 0, 0, LAT_FLOAT64};
  return lat_copy_bands(work, &one, A);
}

lat_status lat_copy_filled(lat_workspace *work, const lat_matrix *A, const double *values,
                           const lat_matrix *B)
{
  size_t step = LAT_COPY_BAND / 8 / A->cols + 1;
  for (size_t first = 0; first < A->rows; first += step) {
    size_t n = A->rows - first < step ? A->rows - first : step;
    lat_matrix from = lat_block_of(*A, first, 0, n, A->cols);
    lat_matrix to = lat_block_of(*B, first, 0, n, A->cols);
    lat_copy(&from, &to);
    double *x = to.data;
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < A->cols; j++, x++)
        if (isnan(*x)) *x = values[j];
    LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

lat_status lat_packed(lat_workspace *work, lat_matrix A, lat_matrix *packed)
{
  *packed = A;
  if (A.dtype == LAT_FLOAT64 && lat_is_packed(&A)) return LAT_OK;
  *packed = lat_matrix_new(work, A.rows, A.cols);
  if (!packed->data) return LAT_MEMORY;
  return lat_copy_bands(work, &A, packed);
}

/* ---- checks --------------------------------------------------------------- */

/* How many of n numbers are NaN or infinite: the exponent's bits are all set; or, with NaN allowed,
 * infinite: these, and no others but the sign. Integers, because their sums are vector code. */
LAT_CLONES static size_t odd_doubles(size_t n, const double *x, ptrdiff_t stride, bool missing)
{
  const uint64_t exponent = UINT64_C(0x7ff) << 52;
  const uint64_t mask = missing ? ~(UINT64_C(1) << 63) : exponent;
  uint64_t odd = 0, bits;
  for (size_t i = 0; i < n; i++) {
    memcpy(&bits, &x[(ptrdiff_t)i * stride], sizeof bits);
    odd += (bits & mask) == exponent;
  }
  return (size_t)odd;
}

LAT_CLONES static size_t odd_floats(size_t n, const float *x, ptrdiff_t stride, bool missing)
{
  const uint32_t exponent = UINT32_C(0xff) << 23;
  const uint32_t mask = missing ? ~(UINT32_C(1) << 31) : exponent;
  uint32_t odd = 0, bits;
  for (size_t i = 0; i < n; i++) {
    memcpy(&bits, &x[(ptrdiff_t)i * stride], sizeof bits);
    odd |= (bits & mask) == exponent;
  }
  return odd;
}

lat_status lat_check_finite(lat_workspace *work, const char *name, const lat_matrix *A,
                            bool missing)
{
  lat_matrix rows = *A;
  size_t since = 0;
  if (A->rows == 0 || A->cols == 0) return LAT_OK;
  if (lat_is_packed(A)) { /* lines of any length, the last one shorter */
    size_t n = A->rows * A->cols, line = n < LAT_CHECK_PIECE ? n : LAT_CHECK_PIECE;
    rows = (lat_matrix){A->data, (n + line - 1) / line, line, (ptrdiff_t)line, 1, A->dtype};
  }
  for (size_t i = 0; i < rows.rows; i++) {
    const void *x = address(&rows, i, 0);
    size_t left = A->rows * A->cols - i * rows.cols, n = left < rows.cols ? left : rows.cols;
    if ((since += n) >= LAT_CHECK_PIECE) {
      LAT_TRY(lat_check(work));
      since = 0;
    }
    if (!(A->dtype == LAT_FLOAT64 ? odd_doubles(n, x, rows.col_stride, missing)
                                  : odd_floats(n, x, rows.col_stride, missing)))
      continue;
    for (size_t j = 0; j < n; j++) {
      double value = lat_get(&rows, i, j);
      if (isfinite(value) || (missing && isnan(value))) continue;
      size_t place = i * rows.cols + j;
      return lat_fail(work, LAT_INVALID, "%s has %s at row %zu, column %zu", name,
                      isnan(value) ? "NaN" : "an infinity", place / A->cols + 1,
                      place % A->cols + 1);
    }
  }
  return LAT_OK;
}

/* ---- sequences ------------------------------------------------------------------------------- */

enum { ASK = 65536 }; /* elements between two looks at whether to go on */

lat_status lat_linspace(lat_workspace *work, double a, double b, size_t n, double *x)
{
  for (size_t i = 0; i < n; i++) {
    const double t = n > 1 ? (double)i / (double)(n - 1) : 0;
    x[i] = (1 - t) * a + t * b;
    if (i % ASK == 0) LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

lat_status lat_sequence(lat_workspace *work, double a, double step, size_t n, double *x)
{
  for (size_t i = 0; i < n; i++) {
    x[i] = a + (double)i * step;
    if (i % ASK == 0) LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}
