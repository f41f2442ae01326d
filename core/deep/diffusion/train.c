/* diffusion/train.c: steps of the simple loss (diffusion.h), in shards of rows
 * (deep/common/shards.h).
 *
 * The times of a batch of B rows are 1 + floor(T frac(u + i/B)), i = 0..B-1, u uniform: each is
 * uniform over 1..T, and together they are spread evenly, so that the loss varies less. Noise,
 * times and dropped labels are streams of the step's number, by rows. */
#include <math.h>

#include "deep/diffusion/internal.h"

typedef struct batch {
  const lat_diffusion *model;
  const lat_matrix *X;
  size_t *times, *labels; /* times from 0; labels NULL: none */
  double *squares;        /* of each row: |x_0 - X|^2 */
  lat_diffusion_use use;  /* the range */
  lat_matrix table;
} batch;

static lat_random stream(const lat_diffusion *model, uint64_t which)
{
  const lat_tape *tape = &model->deep.tape;
  return (lat_random){tape->seed, tape->step << 24 | which, 0};
}

/* target (which may be the noise) := what the net's output should be. */
static lat_matrix target_of(const batch *b, lat_tape *tape, const size_t *at, const lat_matrix *x,
                            const lat_matrix *e)
{
  int prediction = b->model->options.prediction;
  if (prediction == LAT_PREDICT_EPSILON) return *e;
  if (prediction == LAT_PREDICT_X0) return *x;
  lat_matrix v = lat_diffusion_rows(tape, x->rows, x->cols);
  for (size_t i = 0; v.data && i < x->rows; i++) {
    lat_noise_level level = lat_diffusion_level(b->model, at[i] + 1);
    for (size_t j = 0; j < x->cols; j++)
      lat_set(&v, i, j, level.signal * lat_get(e, i, j) - level.noise * lat_get(x, i, j));
  }
  return v;
}

/* The shard's part of the mean of |target - output|^2. */
static lat_value shard_loss(void *context, lat_tape *tape, lat_store *store, size_t first,
                            size_t count)
{
  const batch *b = context;
  const lat_diffusion *model = b->model;
  size_t D = b->X->cols;
  const size_t *at = b->times + first;
  lat_matrix rows = lat_block_of(*b->X, first, 0, count, D);
  lat_matrix x = lat_diffusion_rows(tape, count, D), e = lat_diffusion_rows(tape, count, D);
  lat_matrix y = lat_diffusion_rows(tape, count, D), X0 = lat_diffusion_rows(tape, count, D);
  if (!x.data || !e.data || !y.data || !X0.data) return (lat_value){0};
  lat_units_standardize(&model->units, &rows, &x);
  lat_diffusion_normal(stream(model, LAT_DIFFUSION_NOISE), first, &e);
  lat_diffusion_mix(model, &x, &e, 0, at, &y);
  const lat_time_rows inputs = {
      .X = &y, .labels = b->labels ? b->labels + first : NULL, .table = &b->table, .at = at};
  lat_value out = lat_time_net_forward(tape, &model->net, store,
                                       lat_time_net_inputs(tape, &model->net, &inputs, false));
  lat_matrix o = lat_tape_value(tape, out), target = target_of(b, tape, at, &x, &e);
  if (!o.data || !target.data) return (lat_value){0};
  lat_diffusion_from_output(&b->use, &y, &o, 0, at, &X0);
  lat_diffusion_distances(&x, &X0, b->squares + first);
  lat_value off = lat_nn_subtract(tape, out, lat_nn_borrow(tape, &target));
  lat_value sum = lat_nn_sum(tape, lat_nn_square(tape, off), LAT_NN_ALL);
  return lat_nn_affine(tape, sum, 1 / (double)b->X->rows, 0);
}

/* ---- a batch --------------------------------------------------------------------------------- */

/* Times, and labels of which some are dropped. Keeps them. */
static lat_status draw(lat_workspace *work, const size_t *labels, batch *b)
{
  const lat_diffusion_options *o = &b->model->options;
  size_t B = b->X->rows, T = o->timesteps;
  b->times = lat_allocate(work, B, sizeof *b->times);
  b->squares = lat_doubles(work, B);
  if (!b->times || !b->squares) return LAT_MEMORY;
  lat_random times = stream(b->model, LAT_DIFFUSION_TIMES);
  lat_random drops = stream(b->model, LAT_DIFFUSION_DROPS);
  double u = lat_random_uniform(&times);
  for (size_t i = 0; i < B; i++) {
    double along = u + (double)i / (double)B;
    size_t t = (size_t)((along < 1 ? along : along - 1) * (double)T);
    b->times[i] = t < T ? t : T - 1;
  }
  return lat_time_net_drop(work, &o->net, &drops, B, labels, &b->labels);
}

/* The gradient, for data that are checked. Keeps times and squares in b. */
static lat_status differentiate(lat_workspace *work, lat_diffusion *model, const lat_request *r,
                                const size_t *labels, batch *b, double *loss)
{
  size_t D = model->options.input_dim, F = model->net.features;
  *b = (batch){.model = model, .X = &r->X, .use = {.model = model}};
  b->table = (lat_matrix){model->features,        model->options.timesteps, F, (ptrdiff_t)F, 1,
                          model->deep.store.dtype};
  LAT_TRY(draw(work, labels, b));
  LAT_TRY(lat_diffusion_bounds(work, model, &b->use));
  const lat_shard_batch shards = {r->X.rows, LAT_DIFFUSION_SHARD_ROWS,
                                  lat_time_net_tape_numbers(&model->net) + 16 * D, shard_loss, b};
  *loss = 0;
  return lat_deep_gradient(work, &model->deep, &shards, loss);
}

/* The rows' squares into the means of their times, which forget what is long ago. */
static void keep_residuals(lat_diffusion *model, const batch *b)
{
  const lat_store *store = &model->deep.store;
  lat_matrix r = lat_store_view(store, store->values, model->residuals);
  for (size_t i = 0; i < b->X->rows; i++) {
    size_t t = b->times[i];
    double n = fmin(lat_get(&r, 1, t) + 1, LAT_DIFFUSION_MEMORY), mean = lat_get(&r, 0, t);
    double square = b->squares[i] / (double)b->X->cols;
    lat_set(&r, 0, t, mean + (square - mean) / n);
    lat_set(&r, 1, t, n);
  }
}

/* ---- steps ----------------------------------------------------------------------------------- */

lat_status lat_diffusion_gradient(lat_workspace *work, lat_diffusion *model,
                                  const lat_request *request, double *loss)
{
  LAT_SCOPE(work);
  batch b;
  const size_t *labels;
  LAT_TRY(lat_diffusion_check_data(work, model, request, &labels));
  return differentiate(work, model, request, labels, &b, loss);
}

lat_status lat_diffusion_step(lat_workspace *work, lat_diffusion *model, const lat_request *request,
                              double *loss)
{
  LAT_SCOPE(work);
  batch b;
  const size_t *labels;
  lat_deep *deep = &model->deep;
  const lat_diffusion_options *o = &model->options;
  double rate = lat_deep_rate(&o->deep, request->learning_rate, deep->optimizer.steps);
  bool begun = lat_units_known(&model->units);
  LAT_TRY(lat_diffusion_check_data(work, model, request, &labels));
  if (!begun) LAT_TRY(lat_diffusion_begin(work, model, &request->X));
  if (!begun && o->standardize) lat_units_open(&model->units, request->X.rows);
  LAT_TRY(differentiate(work, model, request, labels, &b, loss));
  deep->tape.step++;
  LAT_TRY(lat_deep_descend(work, deep, rate, o->deep.clip));
  if (begun) LAT_TRY(lat_units_follow(work, &model->units, &request->X));
  LAT_TRY(lat_diffusion_extend(work, model, &request->X));
  keep_residuals(model, &b);
  return o->ema > 0 ? lat_store_average(work, &deep->store, o->ema) : LAT_OK;
}
