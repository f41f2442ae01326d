/* kmeans/internal.h: what the files of k-means share. Not for others. */
#ifndef LAT_EM_KMEANS_INTERNAL_H
#define LAT_EM_KMEANS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/ordered_sum.h"
#include "em/kmeans/kmeans.h"
#include "em/kmeans/nearest.h"

/* ---- one fit (kmeans.c) ---------------------------------------------------------------------- */

/* Memory for one pass after another over the same data; lat_em's `model`. */
typedef struct lat_kmeans_context {
  struct lat_kmeans_bounds *bounds;   /* of each row, and its label; or NULL */
  struct lat_kmeans_running *running; /* statistics that go on from pass to pass; with bounds */
  struct lat_kmeans_far *far;         /* the farthest rows of a pass */
  struct lat_kmeans_batches *batches; /* of a fit by mini-batches; or NULL */
} lat_kmeans_context;

/* statistics: J, weight, the number of rows that were searched for, then of each cluster its weight
 * (K) and its sum of w (x - origin) (K x D). */
enum { KMEANS_HEAD = 3 };
extern const lat_em_kind lat_kmeans_kind;
extern const lat_parameter lat_kmeans_parameters[];

/* Memory for a fit of K centres to N rows (0: unknown; then there are no bounds and no labels).
 * Keeps it. */
lat_status lat_kmeans_context_init(lat_kmeans_context *context, lat_workspace *work, size_t N,
                                   size_t D, size_t K, lat_kmeans_algorithm algorithm);

/* The pass that comes is the last one: it is to be whole (below). */
void lat_kmeans_last_pass(const lat_kmeans_context *context);

/* A fit begins at these centres, with which the parameters begin: the origin becomes their median,
 * and bounds are unknown. */
void lat_kmeans_begin(lat_kmeans_context *context, size_t D, size_t K, double *parameters);

/* The labels, from 0, of the N rows of the last pass; NULL without bounds. */
const uint32_t *lat_kmeans_labels(const lat_kmeans_context *context);

/* ---- a fit's kind (fit.c, minibatch.c) ------------------------------------------------------- */

extern const lat_fit_kind lat_kmeans_fit_kind;

/* Beyond this many rows they don't remember bounds, which would take more than 36 MB; and beyond
 * this many bytes there is no copy of the rows. */
enum { KMEANS_BOUNDED_ROWS = 3 << 20, KMEANS_COPY_BYTES = 64 << 20 };
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

/* What rows remember from one pass over the data to the next. Distances are times the scale of the
 * search. */
typedef struct lat_kmeans_bounds {
  size_t rows, D, K;
  lat_kmeans_algorithm algorithm;
  float *upper;    /* above the distance to the row's own centre; or NaN */
  float *lower;    /* below the distance to every other centre */
  uint32_t *label; /* the row's own centre */
  float *copy;     /* the rows as the search wants them; NULL: they are too many */
  bool copied;     /* it is there */
  double *centers; /* those that all this holds for */
  double scale;    /* 0 before the first pass */
  float *move;     /* K: how far a centre has moved since */
  float *reach;    /* K: how far any other centre has moved */
  float *half;     /* K: half of the distance to the nearest other centre */
  bool known;      /* a pass was complete; without one, nothing above means anything */
  bool tested;     /* this pass uses it */
  unsigned paused; /* passes for which bounds are given up */
} lat_kmeans_bounds;

/* Keeps them; NULL when there is no memory. */
lat_kmeans_bounds *lat_kmeans_bounds_new(lat_workspace *work, size_t N, size_t D, size_t K,
                                         lat_kmeans_algorithm algorithm);
/* Before and after a pass; `searched` is the number of rows whose bounds didn't do. */
void lat_kmeans_bounds_begin(lat_kmeans_bounds *bounds, const lat_nearest *nearest);
void lat_kmeans_bounds_end(lat_kmeans_bounds *bounds, double searched);

/* The places of those of n rows, the first of which is number `first`, whose bounds don't do go
 * into `open`, and their number is returned. The others keep their labels. */
size_t lat_kmeans_bounds_test(lat_kmeans_bounds *bounds, size_t first, size_t n,
                              const double *const *rows, uint32_t *open);
/* n rows, the first of which is number `first`, have these squared distances to their centres. */
void lat_kmeans_bounds_measured(lat_kmeans_bounds *bounds, size_t first, size_t n,
                                const double *squares);

/* ---- statistics that go on (running.c) ------------------------------------------------------- */

/* Once few rows change their centres, statistics need not be added up again: those of the last pass
 * are brought to the present centres, where each sum of squares |x - c|^2 has become
 *
 *   sum of |x - c'|^2 = sum of |x - c|^2 - 2 (c' - c).(S - n (c - o)) + n |c' - c|^2,
 *
 * n rows and S = sum of (x - o), and a row that moves is taken from one cluster and added to
 * another. A pass is whole, and adds up all rows, at first, after every tenth, as the last of a
 * fit, and where rounding would show: J or a cluster has become much smaller, or rows have weights.
 */
typedef struct lat_kmeans_running {
  double *statistics;   /* of the last pass, and brought to the centres of this one */
  double J, *counts;    /* of the last whole pass */
  unsigned passes;      /* since then */
  bool used;            /* this pass goes on from these */
  bool doubtful;        /* the next one can't */
  atomic_bool weighted; /* rows have weights */
} lat_kmeans_running;

/* Keeps it, with its memory; NULL when there is none. */
lat_kmeans_running *lat_kmeans_running_new(lat_workspace *work, size_t D, size_t K);
/* Before a pass with these centres, and before the bounds begin it; and after it: false when the
 * next one will tell more exactly. */
void lat_kmeans_running_begin(lat_kmeans_running *running, const lat_kmeans_bounds *bounds,
                              const lat_nearest *nearest);
bool lat_kmeans_running_end(lat_kmeans_running *running, size_t D, size_t K,
                            const double *statistics);
/* A row goes from one cluster to another, in these statistics. */
void lat_kmeans_running_move(const lat_nearest *nearest, const double *x, uint32_t from,
                             uint32_t to, double *statistics);

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
/* What a square must reach to be among them, so far. */
double lat_kmeans_far_least(lat_kmeans_far *far);
/* Offers n rows; those of weight 0, and of a square that is NaN, are left out. */
void lat_kmeans_far_offer(lat_kmeans_far *far, size_t first, size_t n, const double *const *rows,
                          const double *weights, const double *squares);
/* The farthest of all ranks, on each of them, for rows that are a share of theirs: numbers are then
 * those of all rows. A collective. */
lat_status lat_kmeans_far_share(lat_kmeans_far *far, lat_workspace *work, const lat_share *share);
/* The next one from `*at` on (0 at first) that isn't a copy of one before it; NULL when there is
 * none, or they lie on their centres. */
const double *lat_kmeans_far_next(const lat_kmeans_far *far, const double *origin, size_t *at);

#endif
