/* kmeans/fit.c: fits of K-means: starts, and the last pass, which labels the rows by the final
 * centres and adds up J. */
#include <math.h>
#include <string.h>

#include "em/kmeans/internal.h"

bool lat_kmeans_draws(const lat_fit *fit)
{
  return !fit->online &&
         ((const lat_kmeans_options *)fit->options)->algorithm == LAT_KMEANS_MINIBATCH;
}

/* ---- a start --------------------------------------------------------------------------------- */

static lat_status plan(lat_fit *fit)
{
  const lat_kmeans_options *o = fit->options;
  /* what goes on from pass to pass depends on a rank's rows, and its sums aren't the tree's */
  bool known = fit->all_rows <= KMEANS_BOUNDED_ROWS && !fit->share;
  bool draws = lat_kmeans_draws(fit);
  lat_kmeans_context *context = lat_allocate(fit->work, 1, sizeof *context);
  if (!context) return LAT_MEMORY;
  lat_kmeans_algorithm algorithm =
      o->algorithm == LAT_KMEANS_MINIBATCH ? LAT_KMEANS_LLOYD : (lat_kmeans_algorithm)o->algorithm;
  LAT_TRY(lat_kmeans_context_init(context, fit->work, draws || !known ? 0 : fit->all_rows,
                                  fit->sizes[LAT_D], o->clusters, algorithm));
  if (draws) LAT_TRY(lat_kmeans_batches_init(fit, context));
  fit->core = &lat_kmeans_kind;
  fit->context = context;
  fit->sizes[LAT_K] = o->clusters;
  return LAT_OK;
}

static lat_status start(lat_fit *fit)
{
  const lat_kmeans_options *o = fit->options;
  const double *weights = fit->sample_weights;
  size_t K = fit->sizes[LAT_K], D = fit->sizes[LAT_D];
  lat_random random = {.seed = fit->seed};
  lat_matrix X = fit->sample;
  uint64_t N = lat_fit_known_rows(fit);
  if (!fit->online && N && N < K)
    return lat_fail(fit->work, LAT_INVALID, "%zu clusters need at least as many rows, got %zu", K,
                    (size_t)N);
  if (lat_kmeans_draws(fit)) LAT_TRY(lat_kmeans_first_batch(fit, &X, &weights));
  if (o->fit.given) {
    if (o->fit.given->sizes[LAT_K] != K)
      return lat_fail(fit->work, LAT_SHAPE, "init has %zu rows for %zu clusters",
                      o->fit.given->sizes[LAT_K], K);
    memcpy(fit->parameters, o->fit.given->flat, K * D * sizeof(double));
  } else {
    LAT_TRY((o->init == LAT_KMEANS_RANDOM ? lat_kmeans_random : lat_kmeans_plus)(
        fit->work, &X, weights, K, &random, fit->parameters));
  }
  lat_kmeans_begin((lat_kmeans_context *)(size_t)fit->context, D, K, fit->parameters);
  return LAT_OK;
}

/* ---- the last pass --------------------------------------------------------------------------- */

/* Whether the last start's own E-step can give the labels: it knows the bounds. Of several starts
 * these may be another's, and an acceleration may have a trial in mind. */
static bool has_bounds(const lat_fit *fit)
{
  const lat_fit_options *o = fit->options;
  return fit->starts == 1 && !o->accelerate && fit->rows.data && fit->em.state && fit->complete &&
         lat_kmeans_labels(fit->context);
}

static lat_status begin_last(lat_fit *fit)
{
  size_t N = fit->all_rows;
  lat_kmeans_found *found = lat_allocate(fit->work, 1, sizeof *found + N * sizeof found->labels[0]);
  if (!found) return LAT_MEMORY;
  *found = (lat_kmeans_found){.rows = N};
  fit->last = found;
  if (!has_bounds(fit)) {
    found->sum = lat_allocate(fit->work, 1, sizeof *found->sum);
    if (!found->sum) return LAT_MEMORY;
    LAT_TRY(lat_sum_init(found->sum, fit->work, fit->columns, 1, 0, NULL));
    return lat_share_place(fit->share, fit->work, found->sum);
  }
  memcpy(fit->em.parameters, fit->best.flat, fit->em.count * sizeof(double));
  lat_kmeans_last_pass(fit->context);
  return lat_em_begin(&fit->em);
}

/* Squared distances of a slice's rows, and their weights or NULL. */
typedef struct slice {
  const double *squares, *weights;
} slice;

static void add_squares(void *context, size_t first, size_t rows, size_t offset, double *sum,
                        size_t worker)
{
  const slice *s = context;
  (void)offset, (void)worker;
  for (size_t i = first; i < first + rows; i++)
    *sum += s->squares[i] * (s->weights ? s->weights[i] : 1);
}

/* Slices are whole groups of the sum, so that J is the same bits however the rows come. */
static lat_status add_last(lat_fit *fit, const lat_matrix *X, const double *weights, size_t first)
{
  enum { SLICE_ROWS = 1 << 15 };
  lat_kmeans_found *found = fit->last;
  if (has_bounds(fit)) return lat_em_add(&fit->em, X, weights);
  size_t group = found->sum->group, step = (SLICE_ROWS + group - 1) / group * group;
  LAT_SCOPE(fit->work);
  double *squares = lat_doubles(fit->work, step);
  if (!squares) return LAT_MEMORY;
  for (size_t at = 0; at < X->rows; at += step) {
    size_t n = X->rows - at < step ? X->rows - at : step;
    lat_matrix rows = lat_block_of(*X, at, 0, n, X->cols);
    uint32_t *labels = found->rows ? found->labels + first + at : NULL;
    slice s = {squares, weights ? weights + at : NULL};
    LAT_TRY(lat_kmeans_assign(fit->work, &rows, s.weights, fit->best.sizes[LAT_K], fit->best.flat,
                              labels, squares, NULL));
    for (size_t i = 0; labels && i < n; i++) labels[i]++;
    LAT_TRY(lat_sum_add(found->sum, fit->work, n, add_squares, &s));
  }
  return LAT_OK;
}

static lat_status end_last(lat_fit *fit)
{
  lat_kmeans_found *found = fit->last;
  if (has_bounds(fit)) {
    const uint32_t *labels = lat_kmeans_labels(fit->context);
    LAT_TRY(lat_em_collect(&fit->em));
    found->inertia = fit->em.statistics[0];
    for (size_t i = 0; i < found->rows; i++) found->labels[i] = labels[i] + 1;
  } else {
    LAT_TRY(lat_share_total(fit->share, fit->work, found->sum, &found->inertia));
    found->sum = NULL; /* which is the fit's */
  }
  fit->best.aside = found;
  fit->best.aside_bytes = sizeof *found + found->rows * sizeof found->labels[0];
  return LAT_OK;
}

const lat_fit_kind lat_kmeans_fit_kind = {.plan = plan,
                                          .start = start,
                                          .needs_rows = lat_kmeans_draws,
                                          .iterate = lat_kmeans_update,
                                          .begin_last = begin_last,
                                          .add_last = add_last,
                                          .end_last = end_last};
