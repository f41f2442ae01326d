/* array.h: an array of numbers in a file, and its conversion to a matrix.
 *
 * The parsers of the binary formats (npy.h, idx.h) check a header once and leave a
 * lat_array; from then on the element type, the byte order and the order of the
 * axes are data, and one piece of code converts or maps them all.
 *
 * Axes: none is a vector of one, one a vector, two a matrix; of more, the first
 * stays and the others become one, as reshape(first, -1) does in NumPy: images of
 * 1797 x 8 x 8 are 1797 rows of 64. */
#ifndef LAT_FILES_ARRAY_H
#define LAT_FILES_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

#include "files/file.h"
#include "files/limits.h"
#include "matrix/matrix.h"

typedef struct lat_array {
  char kind;    /* 'f', 'i', 'u' or 'b' (a truth value, 0 or 1) */
  size_t size;  /* bytes an element: 1, 2, 4 or 8 */
  bool big;     /* most significant byte first */
  bool fortran; /* the first axis runs fastest */
  size_t axes, shape[LAT_ARRAY_AXES];
  size_t rows, cols;
  bool vector;   /* at most one axis */
  size_t offset; /* where the elements begin, in bytes */
} lat_array;

/* Fills rows, cols and vector from the shape, and checks against a file of
 * `available` bytes, before memory is allocated for it: LAT_FORMAT when a size is 0 (a matrix
 * has at least one element), their product overflows, or the file is too short. */
lat_status lat_array_check(lat_workspace *work, lat_array *array, size_t available);

/* Elements of 4 bytes of kind 'f' are float32, all others become float64 (whole
 * numbers of 8 bytes are rounded beyond 2^53). */
lat_dtype lat_array_dtype(const lat_array *array);

/* True for elements that are float64 or float32 in this machine's byte order. */
bool lat_array_native(const lat_array *array);

/* True, and the elements as a view without a copy, when they are native, aligned
 * and have strides (joined axes in Fortran order have none). `bytes` is the start of
 * the file. */
bool lat_array_view(const lat_array *array, const unsigned char *bytes, lat_matrix *view);

/* Converts rows first, first+1, ... into all rows of `out`, of the array's columns
 * and dtype. */
void lat_array_convert(const lat_array *array, const unsigned char *bytes, size_t first,
                       const lat_matrix *out);

/* out := all of the array, in the matrix's dtype (lat_array_dtype's loses nothing). In bands,
 * between which the call can be cancelled. LAT_MEMORY, LAT_CANCELLED. */
lat_status lat_array_read(lat_workspace *work, const lat_array *array, const unsigned char *bytes,
                          const lat_matrix *out);

/* Writes the elements of any view in row-major order, in this machine's byte order or, with
 * `little`, least significant byte first. */
lat_status lat_array_put(lat_writer *writer, const lat_matrix *A, bool little);

#endif
