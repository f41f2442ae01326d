/* diffusion/sample.c: rows into noise, and back by the reverse process (diffusion.h).
 *
 * A chunk of rows goes through all steps, on one tape that every step resets. Step t draws from
 * stream t, row after row, so that draws depend neither on chunks nor on how many steps there are,
 * and a process that is stopped and taken up again has the same ones. x_T is drawn from stream 0.
 * */
#include <math.h>

#include "deep/diffusion/internal.h"

typedef struct chain {
  lat_diffusion_use use;
  const lat_matrix *from; /* rows of x_from; NULL: drawn */
  const lat_matrix *Z;    /* x_T where it is drawn; or NULL */
  const lat_matrix *to;
  void *state; /* packed rows, of the model's type */
  lat_random random;
  const lat_request *request;
  size_t start, end, steps;
} chain;

/* The next of `steps` times spread evenly over 0..T below t, but not below the last one. */
static size_t next_time(const chain *c, size_t t)
{
  size_t T = c->use.model->options.timesteps, k = t * c->steps / T; /* floor(k T/steps) <= t */
  size_t next = k * T / c->steps;
  while (next >= t) next = --k * T / c->steps;
  return next < c->end ? c->end : next;
}

static lat_matrix state_rows(const chain *c, lat_dtype dtype, size_t first, size_t count)
{
  size_t D = c->use.model->options.input_dim;
  return (lat_matrix){
      (char *)c->state + first * D * lat_dtype_size(dtype), count, D, (ptrdiff_t)D, 1, dtype};
}

/* One step from t to s. */
static void advance(const chain *c, lat_tape *tape, size_t t, size_t s, size_t first,
                    const lat_matrix *x)
{
  const lat_diffusion *model = c->use.model;
  lat_reverse step = lat_diffusion_reverse_step(model, t, s, false);
  lat_matrix X0 = lat_diffusion_rows(tape, x->rows, x->cols), z = {.data = NULL};
  double of_x0 = step.c, of_x = step.d, deviation = sqrt(step.v);
  if (c->request->method == LAT_DIFFUSION_DDIM) {
    lat_noise_level level = lat_diffusion_level(model, t);
    double eta = c->request->eta, As = model->kept[s];
    of_x = sqrt(fmax(1 - As - eta * eta * step.b, 0)) / level.noise;
    of_x0 = sqrt(As) - of_x * level.signal;
    deviation *= eta;
  }
  if (!lat_diffusion_x0(&c->use, tape, x, t, NULL, first, &X0)) return;
  if (deviation > 0) {
    lat_random random = c->random;
    random.stream += t;
    z = lat_diffusion_rows(tape, x->rows, x->cols);
    if (!z.data) return;
    lat_diffusion_normal(random, first, &z);
  }
  lat_diffusion_combine(x, of_x0, &X0, of_x, x, deviation, z.data ? &z : NULL);
}

static lat_status run_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const chain *c = context;
  const lat_diffusion *model = c->use.model;
  lat_matrix x = state_rows(c, tape->dtype, first, count);
  lat_matrix to = lat_block_of(*c->to, first, 0, count, x.cols);
  if (c->from) {
    lat_matrix from = lat_block_of(*c->from, first, 0, count, x.cols);
    lat_units_standardize(&model->units, &from, &x);
  } else {
    lat_diffusion_normal(c->random, first, &x);
  }
  if (c->Z) {
    lat_matrix Z = lat_block_of(*c->Z, first, 0, count, x.cols);
    lat_copy(&x, &Z);
  }
  for (size_t t = c->start, s; t > c->end && tape->status == LAT_OK; t = s) {
    s = next_time(c, t);
    lat_tape_reset(tape);
    advance(c, tape, t, s, first, &x);
  }
  if (tape->status == LAT_OK) lat_units_restore(&model->units, &x, &to);
  return tape->status;
}

/* Checks times and steps. */
static lat_status check_times(lat_workspace *work, const lat_diffusion *model, const lat_request *r,
                              chain *c)
{
  size_t T = model->options.timesteps;
  c->start = r->from ? r->from : T;
  c->end = r->to;
  c->steps = r->steps ? r->steps : T;
  if (c->start > T || c->end > T)
    return lat_fail(work, LAT_INVALID, "times are from 0 to timesteps = %zu, got %zu", T,
                    c->start > T ? c->start : c->end);
  if (c->end > c->start)
    return lat_fail(work, LAT_INVALID, "the reverse process goes down: from time %zu to %zu",
                    c->start, c->end);
  if (c->steps > T)
    return lat_fail(work, LAT_INVALID, "there are timesteps = %zu steps, got %zu", T, c->steps);
  if (r->method == LAT_DIFFUSION_ANCESTRAL && r->eta != 0)
    return lat_fail(work, LAT_INVALID, "eta is for method = \"ddim\"");
  return LAT_OK;
}

static lat_status run(lat_workspace *work, const lat_diffusion *model, const lat_request *r,
                      chain *c)
{
  LAT_SCOPE(work);
  size_t N = c->to->rows;
  lat_dtype dtype = model->deep.store.dtype;
  c->request = r;
  LAT_TRY(check_times(work, model, r, c));
  LAT_TRY(lat_diffusion_begin_use(work, model, r, N, c->steps, &c->use));
  c->state = lat_allocate(work, N * model->options.input_dim, lat_dtype_size(dtype));
  if (!c->state) return LAT_MEMORY;
  return lat_each_rows(work, dtype, 0, N, c->use.chunk, c->use.numbers, run_chunk, c);
}

lat_status lat_diffusion_sample(lat_workspace *work, const lat_diffusion *model,
                                const lat_request *request, lat_random *random, const lat_matrix *Z,
                                const lat_matrix *X)
{
  lat_request own = *request;
  own.from = 0;
  chain c = {.Z = Z, .to = X, .random = lat_random_split(random)};
  return run(work, model, &own, &c);
}

lat_status lat_diffusion_reverse(lat_workspace *work, const lat_diffusion *model,
                                 const lat_request *request, const lat_matrix *Y)
{
  lat_random random = {.seed = request->seed};
  chain c = {.from = &request->X, .to = Y, .random = lat_random_split(&random)};
  LAT_TRY(lat_diffusion_check_rows(work, model, &request->X));
  LAT_TRY(lat_units_check(work, &model->units, model->deep.store.dtype, "X", &request->X));
  return run(work, model, request, &c);
}

lat_status lat_diffusion_diffuse(lat_workspace *work, const lat_diffusion *model,
                                 const lat_request *r, const lat_matrix *Y)
{
  size_t T = model->options.timesteps, D = model->options.input_dim;
  LAT_SCOPE(work);
  LAT_TRY(lat_diffusion_check_rows(work, model, &r->X));
  if (r->from > T)
    return lat_fail(work, LAT_INVALID, "times are from 0 to timesteps = %zu, got %zu", T, r->from);
  double signal = sqrt(model->kept[r->from]), noise = sqrt(1 - model->kept[r->from]);
  lat_random random = {.seed = r->seed};
  double *e = lat_doubles(work, D);
  if (!e) return LAT_MEMORY;
  for (size_t i = 0; i < r->X.rows; i++) {
    LAT_TRY(lat_random_fill_normal(work, &random, D, e));
    for (size_t j = 0; j < D; j++) {
      double mean, deviation;
      lat_units_of(&model->units, j, &mean, &deviation);
      double x = (lat_get(&r->X, i, j) - mean) / deviation;
      lat_set(Y, i, j, mean + deviation * (signal * x + noise * e[j]));
    }
  }
  return LAT_OK;
}
