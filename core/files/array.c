/* array.c: conversion of the elements of binary files (array.h).
 *
 * Bytes are assembled to integers by shifts, independent of the machine's order, and their bits
 * reinterpreted. Column-major files are converted in bands of rows. */
#include "files/array.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/progress.h"

#define BIG_MACHINE (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

lat_status lat_array_check(lat_workspace *work, lat_array *array, size_t available)
{
  size_t count = 1;
  for (size_t k = 0; k < array->axes; k++) {
    if (array->shape[k] == 0)
      return lat_fail(work, LAT_FORMAT, "the array is empty (axis %zu has size 0)", k + 1);
    if (__builtin_mul_overflow(count, array->shape[k], &count))
      return lat_fail(work, LAT_FORMAT, "the array's shape overflows");
  }
  size_t here = available > array->offset ? available - array->offset : 0;
  if (count > here / array->size)
    return lat_fail(work, LAT_FORMAT,
                    "truncated: %zu elements of %zu bytes are announced, %zu bytes are there",
                    count, array->size, here);
  array->rows = array->axes ? array->shape[0] : 1;
  array->cols = count / array->rows;
  array->vector = array->axes < 2;
  return LAT_OK;
}

lat_dtype lat_array_dtype(const lat_array *array)
{
  return array->kind == 'f' && array->size == sizeof(float) ? LAT_FLOAT32 : LAT_FLOAT64;
}

bool lat_array_native(const lat_array *array)
{
  return array->kind == 'f' && array->size >= sizeof(float) && array->big == BIG_MACHINE;
}

bool lat_array_view(const lat_array *array, const unsigned char *bytes, lat_matrix *view)
{
  const unsigned char *data = bytes + array->offset;
  if (!lat_array_native(array) || (uintptr_t)data % array->size != 0) return false;
  if (array->fortran && array->axes > 2) return false;
  ptrdiff_t rows = (ptrdiff_t)array->rows, cols = (ptrdiff_t)array->cols;
  *view = (lat_matrix){.data = (void *)(uintptr_t)data,
                       .rows = array->rows,
                       .cols = array->cols,
                       .row_stride = array->fortran ? 1 : cols,
                       .col_stride = array->fortran ? rows : 1,
                       .dtype = lat_array_dtype(array)};
  return true;
}

/* ---- conversion ---------------------------------------------------------- */

static inline uint64_t load(const unsigned char *p, size_t size, bool big)
{
  uint64_t word = 0;
  for (size_t b = 0; b < size; b++) word = word << 8 | p[big ? b : size - 1 - b];
  return word;
}

static double double_of(uint64_t bits)
{
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static float float_of(uint32_t bits)
{
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* IEEE half precision: a sign, 5 bits of exponent, 10 of fraction. */
static double half_of(uint64_t bits)
{
  int exponent = (int)(bits >> 10 & 31);
  double fraction = (double)(bits & 1023), x;
  if (exponent == 31)
    x = fraction > 0 ? NAN : INFINITY;
  else
    x = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -x : x;
}

#define TYPE(kind, size) ((unsigned char)(kind) << 4 | (int)(size))

/* A case of the switch below: n elements of SIZE bytes, `bits` each. */
#define CONVERT(KIND, SIZE, OUT, VALUE)                                                            \
  case TYPE(KIND, SIZE):                                                                           \
    for (size_t k = 0; k < n; k++) {                                                               \
      uint64_t bits = load(from + (SIZE)*k, SIZE, array->big);                                     \
      ((OUT *)to)[(ptrdiff_t)k * stride] = VALUE;                                                  \
    }                                                                                              \
    break;

/* n elements that are side by side in the file, to elements `stride` apart. */
static void convert_line(const lat_array *array, const unsigned char *from, size_t n, void *to,
                         ptrdiff_t stride)
{
  switch (TYPE(array->kind, array->size)) {
    CONVERT('f', 8, double, double_of(bits))
    CONVERT('f', 4, float, float_of((uint32_t)bits))
    CONVERT('f', 2, double, half_of(bits))
    CONVERT('i', 8, double, (double)(int64_t)bits)
    CONVERT('i', 4, double, (double)(int32_t)bits)
    CONVERT('i', 2, double, (double)(int16_t)bits)
    CONVERT('i', 1, double, (double)(int8_t)bits)
    CONVERT('u', 8, double, (double)bits)
    CONVERT('u', 4, double, (double)bits)
    CONVERT('u', 2, double, (double)bits)
    CONVERT('u', 1, double, (double)bits)
    CONVERT('b', 1, double, bits != 0)
  }
}

/* Where column j of a Fortran array begins, in units of its rows: the joined axes
 * are counted with the last one fastest, and stored with the first one fastest. */
static size_t stored_column(const lat_array *array, size_t j)
{
  size_t stored = 0, step = array->cols;
  for (size_t k = array->axes; k-- > 1;) {
    step /= array->shape[k];
    stored += j % array->shape[k] * step;
    j /= array->shape[k];
  }
  return stored;
}

void lat_array_convert(const lat_array *array, const unsigned char *bytes, size_t first,
                       const lat_matrix *out)
{
  const unsigned char *data = bytes + array->offset;
  size_t unit = lat_dtype_size(out->dtype);
#define OUT(i, j)                                                                                  \
  ((char *)out->data +                                                                             \
   ((ptrdiff_t)(i)*out->row_stride + (ptrdiff_t)(j)*out->col_stride) * (ptrdiff_t)unit)
  if (!array->fortran) {
    for (size_t i = 0; i < out->rows; i++)
      convert_line(array, data + (first + i) * array->cols * array->size, array->cols, OUT(i, 0),
                   out->col_stride);
    return;
  }
  /* a band of rows at a time, so that the rows being written stay in the cache */
  for (size_t i = 0, band = LAT_FILE_ROWS; i < out->rows; i += band) {
    size_t n = out->rows - i < band ? out->rows - i : band;
    for (size_t j = 0; j < array->cols; j++) {
      size_t at = stored_column(array, j) * array->rows + first + i;
      convert_line(array, data + at * array->size, n, OUT(i, j), out->row_stride);
    }
  }
#undef OUT
}

/* Rows first, first+1, ... by way of a copy, where the matrix is of another dtype. */
static lat_status read_rows(lat_workspace *work, const lat_array *array, const unsigned char *bytes,
                            size_t first, const lat_matrix *rows)
{
  LAT_TRY(lat_check(work));
  if (rows->dtype == lat_array_dtype(array)) {
    lat_array_convert(array, bytes, first, rows);
    return LAT_OK;
  }
  LAT_SCOPE(work);
  lat_matrix copy = *rows;
  copy.dtype = lat_array_dtype(array);
  copy.data = lat_allocate(work, rows->rows * rows->cols, lat_dtype_size(copy.dtype));
  if (!copy.data) return LAT_MEMORY;
  lat_array_convert(array, bytes, first, &copy);
  lat_copy(&copy, rows);
  return LAT_OK;
}

/* What lies in the file as in memory is one long column, so that a long row is cut, too. */
lat_status lat_array_read(lat_workspace *work, const lat_array *array, const unsigned char *bytes,
                          const lat_matrix *out)
{
  lat_array line = *array;
  lat_matrix all = *out;
  bool as_stored = !array->fortran || (array->axes <= 2 && (array->rows == 1 || array->cols == 1));
  if (as_stored && lat_is_packed(out)) {
    line.fortran = false;
    line.axes = 1;
    line.rows = line.shape[0] = array->rows * array->cols;
    line.cols = 1;
    all = (lat_matrix){all.data, line.rows, 1, 1, 1, all.dtype};
  }
  size_t band = 1 + ((size_t)1 << 17) / line.cols;
  LAT_STEPS(work, steps, array->rows * array->cols * array->size, "bytes");
  for (size_t i = 0; i < line.rows; i += band) {
    size_t n = line.rows - i < band ? line.rows - i : band;
    lat_step(&steps, (double)(i * line.cols * array->size), 0);
    lat_matrix rows = lat_block_of(all, i, 0, n, line.cols);
    LAT_TRY(read_rows(work, &line, bytes, i, &rows));
  }
  return LAT_OK;
}

/* ---- writing ------------------------------------------------------------- */

static void reverse_bytes(unsigned char *at, size_t count, size_t size)
{
  for (; count > 0; count--, at += size)
    for (size_t b = 0; b < size / 2; b++) {
      unsigned char low = at[b];
      at[b] = at[size - 1 - b];
      at[size - 1 - b] = low;
    }
}

/* A band of packed rows at a time, since A may be any view. */
lat_status lat_array_put(lat_writer *writer, const lat_matrix *A, bool little)
{
  if (A->rows == 0 || A->cols == 0) return LAT_OK;
  lat_matrix column = {A->data, A->rows * A->cols, 1, 1, 1, A->dtype};
  if (A->cols > 1 && lat_is_packed(A)) return lat_array_put(writer, &column, little);
  size_t size = lat_dtype_size(A->dtype), band = LAT_FILE_BAND / A->cols;
  if (band == 0) band = 1;
  if (band > A->rows) band = A->rows;
  LAT_SCOPE(writer->work);
  void *memory = lat_allocate(writer->work, band * A->cols, size);
  if (!memory) return LAT_MEMORY;
  for (size_t i = 0; i < A->rows; i += band) {
    size_t n = A->rows - i < band ? A->rows - i : band;
    lat_matrix rows = lat_block_of(*A, i, 0, n, A->cols);
    lat_matrix packed = {memory, n, A->cols, (ptrdiff_t)A->cols, 1, A->dtype};
    lat_copy(&rows, &packed);
    if (little && BIG_MACHINE) reverse_bytes(memory, n * A->cols, size);
    LAT_TRY(lat_writer_put(writer, memory, n * A->cols * size));
  }
  return LAT_OK;
}
