/* reduce.h: sums, extremes and moments of columns, of rows or of a whole matrix.
 *
 * Reductions of views of any strides and both dtypes always compute in
 * float64. Their order of additions depends on sizes and layout only, so a result
 * is the same bits for every number of threads. Sums run in blocks of 128 in
 * parallel accumulators, and blocks are added in a tree: the error grows with log(n)
 * instead of n (Higham: Accuracy and Stability of Numerical Algorithms, 4.2). */
#ifndef LAT_MATRIX_REDUCE_H
#define LAT_MATRIX_REDUCE_H

#include "matrix/matrix.h"

typedef enum lat_reduction {
  LAT_SUM,
  LAT_PRODUCT,
  LAT_MIN,    /* NaN when there is one */
  LAT_MAX,    /* likewise */
  LAT_ARGMIN, /* the place of the minimum, from 0: the first of equals, or the first NaN */
  LAT_ARGMAX,
  LAT_ANY,       /* 1 when an element is not 0 (NaN isn't), else 0 */
  LAT_ALL,       /* 1 when no element is 0, else 0 */
  LAT_MEAN,      /* m = (1/n) sum x */
  LAT_VARIANCE,  /* (1/(n-correction)) sum (x-m)^2, in a second pass about the mean, so that a
                    large offset costs no digits; NaN where n <= correction */
  LAT_DEVIATION, /* its square root */
  LAT_REDUCTIONS
} lat_reduction;

/* Reduces A over its rows (dim 1: A.cols results, one a column), over its columns
 * (dim 2: A.rows results, one a row) or altogether (dim 0: one result; an
 * LAT_ARGMIN is then i*A.cols + j). `out` is a vector of that length in either
 * dtype. `correction` matters to variance and deviation: 0 is maximum likelihood,
 * 1 is unbiased. Fails with LAT_MEMORY only. */
lat_status lat_reduce(lat_workspace *work, lat_reduction kind, const lat_matrix *A, int dim,
                      double correction, const lat_matrix *out);

/* C(i,j) := the sum of A's elements down column j to row i (dim 1), or along row i
 * to column j (dim 2); added in float64. C is A's shape, and A itself or apart from it. */
lat_status lat_cumulative_sum(lat_workspace *work, const lat_matrix *A, int dim,
                              const lat_matrix *C);

#endif
