/* order.h: sorting, and choosing elements and rows.
 *
 * Places count from 0. Views have any strides and either dtype. All call lat_check as they go. */
#ifndef LAT_MATRIX_ORDER_H
#define LAT_MATRIX_ORDER_H

#include <stdint.h>

#include "matrix/matrix.h"

/* Sorts each column (dim 1) or each row (dim 2) of A by itself: `sorted` gets the
 * numbers, `order` (float64) the places they come from; both are A's shape, and
 * either may be NULL. Ascending, or descending; equal numbers (-0 and 0 are) keep
 * their order, NaN comes last in both directions. Radix sort on the 64 bits of a
 * double, which are mapped to integers of the same order: O(n).
 * `sorted` may be A itself. */
lat_status lat_sort(lat_workspace *work, const lat_matrix *A, int dim, bool descending,
                    const lat_matrix *sorted, const lat_matrix *order);

/* The p-quantile, 0 <= p <= 1, of each column (dim 1: A.cols results), each row
 * (dim 2: A.rows) or all (dim 0: one): with the sorted x_0..x_{n-1}, linear in
 * between at h = (n-1)p: x_k + (h-k)(x_{k+1} - x_k), k = floor(h) (definition 7 of
 * Hyndman and Fan: Sample quantiles in statistical packages, 1996). NaN where a NaN
 * is. The median is p = 1/2. `out` is a vector. */
lat_status lat_quantile(lat_workspace *work, const lat_matrix *A, int dim, double p,
                        const lat_matrix *out);

/* The distinct numbers of A, ascending, all NaN last as one: how many (`count`), what they are
 * (values), how often each comes (counts), and which of them, from 1, each element of A is (codes,
 * of A's shape; NULL: not wanted). values and counts have memory for as many as A has elements. */
lat_status lat_unique(lat_workspace *work, const lat_matrix *A, double *values, double *counts,
                      const lat_matrix *codes, size_t *count);

/* Row k of B := row place[k] of A, for B.rows places. B doesn't overlap A. */
lat_status lat_gather_rows(lat_workspace *work, const lat_matrix *A, const size_t *place,
                           const lat_matrix *B);

/* How many elements aren't 0; NaN isn't. */
lat_status lat_count(lat_workspace *work, const lat_matrix *mask, size_t *count);

/* B := where the mask isn't 0: the elements of A, one below the other in row-major
 * order, for a mask of A's shape (B is lat_count(mask) x 1), or the rows of A for a
 * mask of A.rows x 1 and A of several columns (B has lat_count(mask) rows). */
lat_status lat_masked(lat_workspace *work, const lat_matrix *A, const lat_matrix *mask,
                      const lat_matrix *B);

#endif
