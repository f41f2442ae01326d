/* diffusion/bound.c: the terms of the variational bound for each row (diffusion.h), with one draw
 * of noise each. Either all rows of a chunk have the same time, T of them after each other; or of K
 * terms the j-th of a row is at a time drawn from the j-th of K equal parts of 1..T, and counts
 * T/K. */
#include <math.h>

#include "deep/diffusion/internal.h"

#define TIMES_STREAM (UINT64_C(1) << 63) /* the draws of times; noise has the streams from 0 on */

typedef struct bound {
  lat_diffusion_use use;
  const lat_matrix *X;
  double *reconstruction, *kl;
  size_t samples, terms; /* terms 0: all */
  uint64_t seed;
  double log_scale;
  double *squares; /* of all rows: |x_0 - X|^2 */
  size_t *times;   /* of all rows, from 0; NULL: all terms */
} bound;

/* Adds `weight` times the term at time t of row i, in which X is this far from x_0. */
static void add_term(const bound *b, size_t row, size_t t, double square, double weight)
{
  double D = (double)b->X->cols;
  lat_reverse step = lat_diffusion_reverse_step(b->use.model, t, t - 1, true);
  if (t == 1) {
    b->reconstruction[row] +=
        weight * (D / 2 * log(2 * 3.14159265358979323846 * step.v) + square / (2 * step.v));
  } else {
    double part = step.b / step.v;
    b->kl[row] +=
        weight * (D / 2 * (part - 1 - log(part)) + step.c * step.c * square / (2 * step.v));
  }
}

/* What has no noise: the scale of x, and KL(q(x_T | x_0) || N(0, I)). */
static void begin_rows(const bound *b, size_t first, const lat_matrix *x)
{
  const lat_diffusion *model = b->use.model;
  double A = model->kept[model->options.timesteps];
  for (size_t i = 0; i < x->rows; i++) {
    double sum = 0;
    for (size_t j = 0; j < x->cols; j++) sum += A * lat_get(x, i, j) * lat_get(x, i, j);
    b->reconstruction[first + i] = b->log_scale;
    b->kl[first + i] = (sum - (double)x->cols * (A + log1p(-A))) / 2;
  }
}

/* x_t for rows of x_0 = x, at t or at their own times. */
static lat_matrix diffuse(const bound *b, lat_tape *tape, const lat_matrix *x, size_t t,
                          const size_t *at, size_t first, uint64_t stream)
{
  lat_matrix y = lat_diffusion_rows(tape, x->rows, x->cols);
  lat_matrix e = lat_diffusion_rows(tape, x->rows, x->cols);
  if (!y.data || !e.data) return (lat_matrix){.data = NULL};
  lat_diffusion_normal((lat_random){b->seed, stream, 0}, first, &e);
  lat_diffusion_mix(b->use.model, x, &e, t, at, &y);
  return y;
}

/* Adds the terms at t, or at the rows' own times, with one draw of noise. */
static lat_status add_terms(const bound *b, lat_tape *tape, size_t t, size_t first, size_t count,
                            uint64_t stream, double weight)
{
  const size_t *at = b->times ? b->times + first : NULL;
  double *squares = b->squares + first;
  lat_tape_reset(tape);
  lat_matrix rows = lat_block_of(*b->X, first, 0, count, b->X->cols);
  lat_matrix x = lat_diffusion_rows(tape, count, rows.cols);
  lat_matrix X0 = lat_diffusion_rows(tape, count, rows.cols);
  if (!x.data || !X0.data) return tape->status;
  lat_units_standardize(&b->use.model->units, &rows, &x);
  lat_matrix y = diffuse(b, tape, &x, t, at, first, stream);
  if (!y.data || !lat_diffusion_x0(&b->use, tape, &y, t, at, first, &X0)) return tape->status;
  lat_diffusion_distances(&x, &X0, squares);
  for (size_t i = 0; i < count; i++) add_term(b, first + i, at ? at[i] + 1 : t, squares[i], weight);
  return LAT_OK;
}

static lat_status bound_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const bound *b = context;
  size_t T = b->use.model->options.timesteps, K = b->terms ? b->terms : T;
  double weight = (double)T / (double)K / (double)b->samples;
  lat_matrix rows = lat_block_of(*b->X, first, 0, count, b->X->cols);
  lat_matrix x = lat_diffusion_rows(tape, count, rows.cols);
  if (!x.data) return tape->status;
  lat_units_standardize(&b->use.model->units, &rows, &x);
  begin_rows(b, first, &x);
  for (size_t k = 0; k < b->samples; k++)
    for (size_t j = 0; j < K; j++) {
      lat_random random = {b->seed, TIMES_STREAM | (k * K + j), first};
      for (size_t i = 0; b->terms && i < count; i++) {
        double u = ((double)j + lat_random_uniform(&random)) / (double)K;
        size_t at = (size_t)(u * (double)T);
        b->times[first + i] = at < T ? at : T - 1;
      }
      LAT_TRY(add_terms(b, tape, j + 1, first, count, k * K + j, weight));
    }
  return LAT_OK;
}

lat_status lat_diffusion_bound(lat_workspace *work, const lat_diffusion *model,
                               const lat_request *r, double *reconstruction, double *kl)
{
  size_t N = r->X.rows;
  LAT_SCOPE(work);
  LAT_TRY(lat_diffusion_check_rows(work, model, &r->X));
  LAT_TRY(lat_units_check(work, &model->units, model->deep.store.dtype, "X", &r->X));
  bound b = {.X = &r->X,
             .reconstruction = reconstruction,
             .kl = kl,
             .samples = r->samples ? r->samples : 1,
             .terms = r->terms < model->options.timesteps ? r->terms : 0,
             .seed = r->seed,
             .log_scale = lat_units_log_scale(&model->units)};
  size_t times = b.samples * (b.terms ? b.terms : model->options.timesteps);
  LAT_TRY(lat_diffusion_begin_use(work, model, r, N, times, &b.use));
  b.squares = lat_doubles(work, N);
  b.times = b.terms ? lat_allocate(work, N, sizeof *b.times) : NULL;
  if (!b.squares || (b.terms && !b.times)) return LAT_MEMORY;
  return lat_each_rows(work, model->deep.store.dtype, 0, N, b.use.chunk, b.use.numbers, bound_chunk,
                       &b);
}
