/* moments_walk.h: the pass over rows that both kinds of moments make. Private. */
#ifndef LAT_MATRIX_MOMENTS_WALK_H
#define LAT_MATRIX_MOMENTS_WALK_H

#include <stdatomic.h>

#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "matrix/weighted_rows.h"

typedef struct lat_moments_walk lat_moments_walk;

/* What differs between the two. A node of the sum is moments, of which the first numbers are
 * `count`. */
typedef struct lat_moments_kind {
  /* Adds the rows first..first+rows-1 of the walk, at `offset` of their group, times the powers of
   * the exponents (or NULL), to a node: means in these units, too. */
  void (*add)(const lat_moments_walk *w, size_t first, size_t rows, size_t offset,
              const double *exponents, double *node, size_t worker);
  lat_sum_merge *merge;
  size_t (*count)(size_t D);
  bool full; /* one weight, D means, a scatter of D x D; else D of each. Then D exponents */
} lat_moments_kind;

/* A piece of rows that is being added. */
struct lat_moments_walk {
  const lat_moments_kind *kind;
  const lat_matrix *X;
  const double *weights;
  size_t chunk;
  double *buffers; /* a worker's scratch: the rows of a chunk and, behind them, what `add` needs */
  size_t buffer_count;
  bool missing;
  double *before;  /* the open group's sum as the piece begins */
  lat_halt *halt;  /* cancels between chunks */
  atomic_bool bad; /* a mean isn't finite */
};

/* The rows of a group that begin at `first` and at `offset` of the group, up to a chunk's
 * border. */
lat_matrix lat_moments_chunk(const lat_moments_walk *w, size_t first, size_t rows, size_t offset);

/* The rows of X with elements side by side, times the exponents' powers: in place, or copied to
 * Y. */
lat_matrix lat_moments_packed(const lat_matrix *X, const double *exponents, double *Y);

/* The sum of no rows, of the kind; see lat_moments_begin. Keeps it. */
lat_status lat_moments_open(lat_workspace *work, lat_ordered_sum *sum, const lat_moments_kind *kind,
                            size_t D, size_t rows);
/* Adds a piece; `extra` numbers are what `add` needs behind a chunk's rows. See
 * lat_moments_include. */
lat_status lat_moments_walk_add(lat_workspace *work, lat_ordered_sum *sum,
                                const lat_moments_kind *kind, const lat_matrix *X,
                                const double *weights, bool missing, size_t extra);

/* The unit 2^e in which a column's moments, of n rows and in units of 2^exponent except for the
 * mean, are merged with others of k rows: the larger of both, where a constant column's is its
 * size. */
double lat_common_exponent(double n, double mean, double scatter, double exponent, double k,
                           double other_mean, double other_scatter, double other);

#endif
