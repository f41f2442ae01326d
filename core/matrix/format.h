/* format.h: a matrix as text that fits a screen. */
#ifndef LAT_MATRIX_FORMAT_H
#define LAT_MATRIX_FORMAT_H

#include "matrix/matrix.h"

#define LAT_FORMAT_MAX 4096 /* bytes: more than any matrix's text has */

/* Writes A as at most 20 lines of at most 80 characters and a last line that says what
 * it is, such as "[1797x64 float64 matrix]", and returns the length. A vector is laid out in
 * lines. More than 20 rows, and columns beyond the 80th character, are cut to those at the edges;
 * only elements that are shown are looked at, so any matrix prints at once.
 *
 * One format serves all: integers without decimals; else as many decimals, up to 4,
 * as are needed; with a common power of ten in front ("1e+06 *") when all are large
 * or small; scientific when they differ too much for that. An exact zero shows as
 * 0, while 0.0000 is something smaller than the rest by twelve orders (float32: six). */
size_t lat_format(const lat_matrix *A, bool vector, char text[LAT_FORMAT_MAX]);

#endif
