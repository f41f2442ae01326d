/* kmeans/internal.h: what the files of k-means share. Not for others. */
#ifndef LAT_EM_KMEANS_INTERNAL_H
#define LAT_EM_KMEANS_INTERNAL_H

#include <pthread.h>

#include "base/ordered_sum.h"
#include "em/kmeans/kmeans.h"
#include "em/kmeans/nearest.h"

/* ---- one fit (kmeans.c) ---------------------------------------------------------------------- */

/* Memory for one pass after another over the same data; lat_em's `model`. */
typedef struct lat_kmeans_context {
  struct lat_kmeans_bounds *bounds;   /* of each row, and its label; or NULL */
  struct lat_kmeans_far *far;         /* the farthest rows of a pass */
  struct lat_kmeans_batches *batches; /* of a fit by mini-batches; or NULL */
} lat_kmeans_context;

/* statistics: J, weight, the number of rows whose distances were computed, then of each cluster its
 * weight (K) and its sum of w (x - origin) (K x D). */
extern const lat_em_kind lat_kmeans_kind;
extern const lat_parameter lat_kmeans_parameters[];

/* Memory for a fit of K centres to N rows (0: unknown; then there are no bounds and no labels).
 * Keeps it. */
lat_status lat_kmeans_context_init(lat_kmeans_context *context, lat_workspace *work, size_t N,
                                   size_t D, size_t K, lat_kmeans_algorithm algorithm);

/* A fit begins at these centres, with which the parameters begin: the origin becomes their median,
 * and bounds are unknown. */
void lat_kmeans_begin(lat_kmeans_context *context, size_t D, size_t K, double *parameters);

/* The labels, from 0, of the N rows of the last pass; NULL without bounds. */
const uint32_t *lat_kmeans_labels(const lat_kmeans_context *context);

/* ---- a fit's kind (fit.c, minibatch.c) ------------------------------------------------------- */

extern const lat_fit_kind lat_kmeans_fit_kind;

/* Beyond this many rows they don't remember bounds, which would take more than 24 MB. */
enum { KMEANS_BOUNDED_ROWS = 3 << 20 };
/* Words of the seed are drawn from streams of their own. */
enum { KMEANS_STREAM_BATCHES = 0x6b6d };

/* Whether the fit is by mini-batches. */
bool lat_kmeans_draws(const lat_fit *fit);
/* Memory for them. Keeps it. */
lat_status lat_kmeans_batches_init(lat_fit *fit, lat_kmeans_context *context);
/* The rows that the start is made of, at least three for each centre, which are also those of the
 * first update. Keeps memory for the running statistics. */
lat_status lat_kmeans_first_batch(lat_fit *fit, lat_matrix *X, const double **weights);
/* One update by the present batch, or a new one. (lat_fit_update keeps statistics; here there are
 * some already.) */
lat_status lat_kmeans_update(lat_fit *fit);

/* What a last pass over the data has found, which lies aside of the parameters. */
typedef struct lat_kmeans_found {
  double inertia;
  lat_ordered_sum *sum; /* of the inertia, while the pass is under way */
  size_t rows;
  uint32_t labels[]; /* from 1 */
} lat_kmeans_found;

/* ---- rows (assign.c) ------------------------------------------------------------------------- */

/* Pointers to the rows of a block of X, which are D doubles each: in place, or in `copy`, which
 * has room for them. */
void lat_kmeans_rows(const lat_matrix *X, double *copy, const double **rows);
bool lat_kmeans_copies(const lat_matrix *X); /* whether that needs `copy` */

/* ---- bounds (bounds.c) ----------------------------------------------------------------------- */

/* What rows remember from one pass over the data to the next. */
typedef struct lat_kmeans_bounds {
  size_t rows;
  lat_kmeans_algorithm algorithm;
  float *lower;    /* of the distance to every centre but the row's own */
  uint32_t *label; /* the row's own centre */
  double *centers; /* those that all this holds for */
  double *reach;   /* K: how far any other centre has moved since */
  double *half;    /* K: half of the distance to the nearest other centre */
  bool known;      /* a pass was complete; without one, nothing above means anything */
  bool tested;     /* this pass uses it */
  unsigned paused; /* passes for which bounds are given up */
} lat_kmeans_bounds;

/* Keeps them; NULL when there is no memory. */
lat_kmeans_bounds *lat_kmeans_bounds_new(lat_workspace *work, size_t N, size_t D, size_t K,
                                         lat_kmeans_algorithm algorithm);
/* Before and after a pass; `searched` is the number of rows whose bounds didn't do. */
void lat_kmeans_bounds_begin(lat_kmeans_bounds *bounds, size_t D, size_t K, const double *centers);
void lat_kmeans_bounds_end(lat_kmeans_bounds *bounds, double searched);

/* Of n rows, the first of which is number `first`: sets labels[i] to the row's old one and
 * squares[i] to the squared distance to it; the places of the rows whose bounds don't do go into
 * `open`, and their number is returned. */
size_t lat_kmeans_bounds_test(lat_kmeans_bounds *bounds, size_t D, const double *centers,
                              size_t first, size_t n, const double *const *rows, uint32_t *labels,
                              double *squares, uint32_t *open);
/* Row number `row` has this label, and `second` as a lower bound. */
void lat_kmeans_bounds_set(lat_kmeans_bounds *bounds, size_t row, uint32_t label, double second);

/* ---- the farthest rows (farthest.c) ---------------------------------------------------------- */

/* The rows of a pass that are farthest from their centres, in order: by distance, then by
 * number. Which they are doesn't depend on the order in which they come. */
typedef struct lat_kmeans_far {
  pthread_mutex_t lock;
  size_t D, most, count;
  double *square; /* most */
  size_t *number, *slot;
  double *rows; /* most x D, by slot */
} lat_kmeans_far;

/* Keeps them; NULL when there is no memory. */
lat_kmeans_far *lat_kmeans_far_new(lat_workspace *work, size_t D, size_t K);
void lat_kmeans_far_begin(lat_kmeans_far *far);
/* Offers n rows; those of weight 0 are left out. */
void lat_kmeans_far_offer(lat_kmeans_far *far, size_t first, size_t n, const double *const *rows,
                          const double *weights, const double *squares);
/* The next one from `*at` on (0 at first) that isn't a copy of one before it; NULL when there is
 * none, or they lie on their centres. */
const double *lat_kmeans_far_next(const lat_kmeans_far *far, const double *origin, size_t *at);

#endif
