/* moments_walk.h: the pass over rows that both kinds of moments make. Private. */
#ifndef LAT_MATRIX_MOMENTS_WALK_H
#define LAT_MATRIX_MOMENTS_WALK_H

#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "matrix/weighted_rows.h"

/* Rows in groups of whole chunks. */
typedef struct lat_moments_walk {
  const lat_matrix *X;
  const double *weights;
  size_t chunk;
  double *buffers; /* a worker's scratch */
  size_t buffer_count;
  bool missing;
  const double *exponents; /* of the columns; NULL when all are 0 */
  lat_ordered_sum sum;
  lat_halt *halt; /* cancels between chunks */
} lat_moments_walk;

/* Buffers of a chunk and so many rows more, and the sum of `count` numbers. LAT_MEMORY. Keeps
 * both. */
lat_status lat_moments_walk_begin(lat_workspace *work, lat_moments_walk *w, size_t count,
                                  size_t extra_rows, lat_sum_merge *merge);

/* The rows of a group that begin at `first` and at `offset` of the group, up to a chunk's
 * border. */
lat_matrix lat_moments_chunk(const lat_moments_walk *w, size_t first, size_t rows, size_t offset);

/* The rows of X with elements side by side, times the exponents' powers: in place, or copied to
 * Y. */
lat_matrix lat_moments_packed(const lat_moments_walk *w, const lat_matrix *X, double *Y);

/* LAT_SHAPE unless X has so many columns. */
lat_status lat_moments_check_size(lat_workspace *work, size_t dimensions, const lat_matrix *X);

/* LAT_INVALID unless a sum of weights is finite. */
lat_status lat_moments_check_weight(lat_workspace *work, double weight);

/* Checks the sums of a pass: means, and the scatter, of which that of column j is at scatter[j
 * step]. Sums of finite numbers are finite unless they overflow: only if they aren't, entries are
 * tested. *again: squares overflow or may underflow, and the pass is to be repeated in units of
 * these exponents. */
lat_status lat_moments_check_sums(lat_workspace *work, const lat_moments_walk *w,
                                  const double *means, const double *scatter, size_t step,
                                  double *exponents, bool *again);

/* The unit 2^e in which a column's moments, of n rows and in units of 2^exponent except for the
 * mean, are merged with others of k rows, mean included in units of 2^other: the larger of both,
 * where a constant column's is its size. */
double lat_common_exponent(double n, double mean, double scatter, double exponent, double k,
                           double other_mean, double other_scatter, double other);

#endif
