/* scatter.h: sums of products of columns, S += Y'Y, of rows that are centred on the way. Private to
 * the core.
 *
 * Only the upper triangle of S (D x D) is added to, besides numbers of its lower triangle that lie
 * in the same vectors, which mean nothing. The order of each sum depends on the sizes alone. */
#ifndef LAT_MATRIX_SCATTER_H
#define LAT_MATRIX_SCATTER_H

#include <stddef.h>

/* Numbers between the rows of S: D, up to whole vectors. */
size_t lat_scatter_pitch(size_t D);

/* Numbers of scratch that lat_scatter_add needs. */
size_t lat_scatter_scratch(size_t D);

/* S += YY' for the rows y = x - centre (NULL: x) of X (rows x D), whose elements lie side by side
 * and rows `stride` apart; sums (NULL: none) += the sum of the rows y. */
void lat_scatter_add(size_t rows, size_t D, const double *X, ptrdiff_t stride, const double *centre,
                     double *sums, double *scratch, double *S);

#endif
