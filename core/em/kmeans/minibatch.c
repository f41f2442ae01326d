/* kmeans/minibatch.c: K-means by mini-batches (Sculley, Web-scale k-means clustering, WWW 2010), as
 * stepwise EM: each iteration draws rows at random, with replacement, and makes one update of the
 * running statistics (lat_fit_update).
 *
 * Storage: a batch's rows, weights and places lie in the fit's workspace, made anew each start. */
#include <math.h>
#include <string.h>

#include "em/kmeans/internal.h"
#include "matrix/order.h"

enum {
  FIRST_ROWS_A_CENTER = 3, /* of the first batch, which the start is made of, at least */
  UNSTEADY = 2,            /* the objective of so many batches is not averaged yet */
  PATIENCE = 10            /* batches without a smaller average, after which a fit has converged */
};

typedef struct lat_kmeans_batches {
  lat_random random;
  lat_matrix rows; /* memory for the largest batch */
  double *weights; /* of its rows; NULL: all are 1 */
  size_t *places;
  size_t size;           /* of the present one */
  bool drawn;            /* it has not been used yet */
  double average, least; /* of the objective, smoothed; and the least so far */
  size_t since;          /* batches since then */
} lat_kmeans_batches;

static size_t first_size(const lat_kmeans_options *o)
{
  size_t least = FIRST_ROWS_A_CENTER * o->clusters;
  return o->batch > least ? o->batch : least;
}

lat_status lat_kmeans_batches_init(lat_fit *fit, lat_kmeans_context *context)
{
  size_t most = first_size(fit->options);
  lat_kmeans_batches *b = context->batches = lat_allocate(fit->work, 1, sizeof *b);
  if (!b) return LAT_MEMORY;
  *b = (lat_kmeans_batches){.random = {.seed = fit->seed, .stream = KMEANS_STREAM_BATCHES},
                            .rows = lat_matrix_new(fit->work, most, fit->sizes[LAT_D]),
                            .weights = fit->row_weights ? lat_doubles(fit->work, most) : NULL,
                            .places = lat_allocate(fit->work, most, sizeof *b->places)};
  bool failed = !b->rows.data || !b->places || (fit->row_weights && !b->weights);
  return failed ? LAT_MEMORY : LAT_OK;
}

static lat_status draw(const lat_fit *fit, lat_kmeans_batches *b, size_t size)
{
  size_t N = fit->rows.rows;
  b->size = b->rows.rows = size;
  for (size_t i = 0; i < size; i++) b->places[i] = (size_t)lat_random_below(&b->random, N);
  LAT_TRY(lat_gather_rows(fit->work, &fit->rows, b->places, &b->rows));
  for (size_t i = 0; b->weights && i < size; i++) b->weights[i] = fit->row_weights[b->places[i]];
  b->drawn = true;
  return LAT_OK;
}

lat_status lat_kmeans_first_batch(lat_fit *fit, lat_matrix *X, const double **weights)
{
  lat_kmeans_batches *b = ((const lat_kmeans_context *)fit->context)->batches;
  size_t count = fit->core->statistics(&fit->em);
  fit->running = lat_doubles(fit->work, count);
  if (!fit->running) return LAT_MEMORY;
  memset(fit->running, 0, count * sizeof *fit->running);
  fit->seen = 0;
  LAT_TRY(draw(fit, b, first_size(fit->options)));
  *X = b->rows;
  *weights = b->weights;
  return LAT_OK;
}

/* Whether the smoothed objective has not become less for PATIENCE batches. */
static bool has_converged(const lat_fit *fit, lat_kmeans_batches *b)
{
  const lat_kmeans_options *o = fit->options;
  double share = fmin(1, 2 * (double)o->batch / (double)fit->rows.rows);
  bool unsteady = fit->em.iterations <= UNSTEADY;
  b->average = unsteady ? fit->em.objective : b->average + share * (fit->em.objective - b->average);
  b->since = unsteady || b->average < b->least * (1 - o->fit.tolerance) ? 0 : b->since + 1;
  b->least = unsteady ? b->average : fmin(b->least, b->average);
  return b->since >= PATIENCE;
}

lat_status lat_kmeans_update(lat_fit *fit)
{
  const lat_kmeans_options *o = fit->options;
  lat_kmeans_batches *b = ((const lat_kmeans_context *)fit->context)->batches;
  if (!b->drawn) LAT_TRY(draw(fit, b, o->batch));
  LAT_TRY(lat_fit_update(fit, &b->rows, b->weights, 0));
  b->drawn = false;
  lat_em *em = &fit->em;
  em->done = em->iterations == o->fit.max_iterations;
  if (!em->done && o->fit.tolerance > 0) em->done = em->converged = has_converged(fit, b);
  return LAT_OK;
}
