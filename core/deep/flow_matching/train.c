/* flow_matching/train.c: couplings, points on the paths, and steps of training (flow_matching.h).
 *
 * All that is random is drawn for the batch as a whole, and so are its pairs, before it is cut into
 * shards. Times are spread evenly: t_i = (u + i/B) mod 1 with one u a step, which makes the loss
 * less noisy than B draws. */
#include <math.h>
#include <string.h>

#include "deep/flow_matching/internal.h"
#include "matrix/samples/assignment.h"
#include "matrix/samples/sample_distances.h"

/* A batch: in units of deviations, packed rows of the starts x_0, the data x_1 (float64), and of
 * the model's type x_t and x_1 - x_0; times; and classes, or NULL. */
typedef struct batch {
  lat_flow_matching *model;
  size_t B;
  lat_matrix x0, x1, xt, target;
  double *t;
  size_t *labels;
  const size_t *classes;
} batch;

typedef struct draws {
  uint64_t seed, step;
} draws;

static lat_random stream(draws d, uint64_t number)
{
  return (lat_random){.seed = d.seed, .stream = d.step << 24 | number};
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* Row i of Y := row places[i] of X (i itself without), in units of deviations. */
static void take(const lat_flow_matching *model, const lat_matrix *X, const size_t *places,
                 const lat_matrix *Y)
{
  for (size_t j = 0; j < Y->cols; j++) {
    double mean, deviation;
    lat_units_of(&model->units, j, &mean, &deviation);
    for (size_t i = 0; i < Y->rows; i++)
      lat_set(Y, i, j, (lat_get(X, places ? places[i] : i, j) - mean) / deviation);
  }
}

/* n of M rows at random, each once where there are enough: a batch in which starts occur twice is a
 * worse sample for its pairs. */
static lat_status choose(lat_workspace *work, lat_random *random, size_t M, size_t n,
                         size_t *places)
{
  LAT_SCOPE(work);
  bool *taken = lat_allocate(work, M, sizeof *taken);
  if (!taken) return LAT_MEMORY;
  memset(taken, 0, M * sizeof *taken);
  for (size_t i = 0; i < n; i++) {
    do places[i] = (size_t)lat_random_below(random, M);
    while (taken[places[i]] && n <= M);
    taken[places[i]] = true;
  }
  return LAT_OK;
}

/* x_0: B draws of the source. */
static lat_status draw_starts(lat_workspace *work, const batch *b, const lat_request *r, draws d)
{
  LAT_SCOPE(work);
  lat_random random = stream(d, LAT_FLOW_MATCHING_STARTS);
  if (!r->source) return lat_random_fill_normal(work, &random, b->B * b->x0.cols, b->x0.data);
  size_t *places = lat_allocate(work, b->B, sizeof *places);
  if (!places) return LAT_MEMORY;
  LAT_TRY(choose(work, &random, r->source->rows, b->B, places));
  take(b->model, r->source, places, &b->x0);
  return LAT_OK;
}

/* Exchanges x_0 between the rows with these places, n of them, for the least sum of |x_1 - x_0|^2.
 */
static lat_status pair(lat_workspace *work, const batch *b, const size_t *places, size_t n)
{
  LAT_SCOPE(work);
  size_t D = b->x0.cols;
  double *costs = lat_allocate(work, n, n * sizeof *costs);
  double *rows = lat_allocate(work, 2 * n, D * sizeof *rows);
  size_t *columns = lat_allocate(work, n, sizeof *columns);
  if (!costs || !rows || !columns) return LAT_MEMORY;
  double *x0 = b->x0.data;
  const double *x1 = b->x1.data;
  for (size_t i = 0; i < n; i++) {
    memcpy(rows + i * D, x1 + places[i] * D, D * sizeof *rows);
    memcpy(rows + (n + i) * D, x0 + places[i] * D, D * sizeof *rows);
  }
  lat_matrix ends = lat_matrix_of(rows, n, D), starts = lat_matrix_of(rows + n * D, n, D);
  LAT_TRY(lat_squared_distances(work, &ends, &starts, 0, costs));
  LAT_TRY(lat_assignment(work, n, costs, columns));
  for (size_t i = 0; i < n; i++)
    memcpy(x0 + places[i] * D, rows + (n + columns[i]) * D, D * sizeof *rows);
  return LAT_OK;
}

/* The same of all rows, of a conditional model class by class. */
static lat_status couple(lat_workspace *work, const batch *b)
{
  LAT_SCOPE(work);
  size_t *places = lat_allocate(work, b->B, sizeof *places);
  bool *done = lat_allocate(work, b->B, sizeof *done);
  if (!places || !done) return LAT_MEMORY;
  memset(done, 0, b->B * sizeof *done);
  for (size_t i = 0; i < b->B; i++) {
    size_t n = 0;
    for (size_t k = i; k < b->B && !done[i]; k++)
      if (!b->classes || b->classes[k] == b->classes[i]) places[n++] = k;
    for (size_t k = 0; k < n; k++) done[places[k]] = true;
    if (n > 1) LAT_TRY(pair(work, b, places, n));
  }
  return LAT_OK;
}

/* ---- points on the paths --------------------------------------------------------------------- */

static void set_times(const batch *b, draws d)
{
  lat_random random = stream(d, LAT_FLOW_MATCHING_TIMES);
  double u = lat_random_uniform(&random);
  for (size_t i = 0; i < b->B; i++) {
    double t = u + (double)i / (double)b->B;
    b->t[i] = t < 1 ? t : t - 1;
  }
}

static lat_status set_points(lat_workspace *work, const batch *b, draws d)
{
  LAT_SCOPE(work);
  size_t D = b->x0.cols;
  double sigma = b->model->options.sigma, *noise = NULL;
  const double *x0 = b->x0.data, *x1 = b->x1.data;
  if (sigma > 0) {
    lat_random random = stream(d, LAT_FLOW_MATCHING_NOISE);
    noise = lat_allocate(work, b->B, D * sizeof *noise);
    if (!noise) return LAT_MEMORY;
    LAT_TRY(lat_random_fill_normal(work, &random, b->B * D, noise));
  }
  for (size_t i = 0; i < b->B; i++)
    for (size_t j = 0; j < D; j++) {
      size_t k = i * D + j;
      double x = (1 - b->t[i]) * x0[k] + b->t[i] * x1[k];
      lat_set(&b->xt, i, j, noise ? x + sigma * noise[k] : x);
      lat_set(&b->target, i, j, x1[k] - x0[k]);
    }
  return LAT_OK;
}

/* Keeps the batch's memory. */
static lat_status make_batch(lat_workspace *work, batch *b, const lat_request *r, draws d)
{
  lat_flow_matching *model = b->model;
  const lat_flow_matching_options *o = &model->options;
  size_t B = r->X.rows, D = r->X.cols, size = lat_dtype_size(model->deep.store.dtype);
  double *numbers = lat_allocate(work, 2 * B, (D + 1) * sizeof *numbers);
  char *points = lat_allocate(work, 2 * B, D * size);
  lat_random drops = stream(d, LAT_FLOW_MATCHING_DROPS);
  if (!numbers || !points) return LAT_MEMORY;
  b->B = B;
  b->x0 = lat_matrix_of(numbers, B, D);
  b->x1 = lat_matrix_of(numbers + B * D, B, D);
  b->t = numbers + 2 * B * D;
  b->xt = (lat_matrix){points, B, D, (ptrdiff_t)D, 1, model->deep.store.dtype};
  b->target = b->xt;
  b->target.data = points + B * D * size;
  take(model, &r->X, NULL, &b->x1);
  LAT_TRY(draw_starts(work, b, r, d));
  if (o->coupling == LAT_COUPLING_OT) LAT_TRY(couple(work, b));
  set_times(b, d);
  LAT_TRY(lat_time_net_drop(work, &o->net, &drops, B, b->classes, &b->labels));
  return set_points(work, b, d);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The shard's part of the mean of |v - (x_1 - x_0)|^2. */
static lat_value shard_loss(void *context, lat_tape *tape, lat_store *store, size_t first,
                            size_t count)
{
  const batch *b = context;
  const lat_time_net *net = &b->model->net;
  lat_matrix x = lat_block_of(b->xt, first, 0, count, b->xt.cols);
  lat_matrix u = lat_block_of(b->target, first, 0, count, b->target.cols);
  const lat_time_rows rows = {
      .X = &x, .labels = b->labels ? b->labels + first : NULL, .t = b->t + first};
  lat_value v =
      lat_time_net_forward(tape, net, store, lat_time_net_inputs(tape, net, &rows, false));
  lat_value squares = lat_nn_square(tape, lat_nn_subtract(tape, v, lat_nn_borrow(tape, &u)));
  return lat_nn_affine(tape, lat_nn_sum(tape, squares, LAT_NN_ALL), 1 / (double)b->B, 0);
}

static lat_status differentiate(lat_workspace *work, lat_flow_matching *model, const lat_request *r,
                                draws d, double *loss)
{
  LAT_SCOPE(work);
  batch b = {.model = model};
  LAT_TRY(lat_flow_matching_check_data(work, model, r, &b.classes));
  if (r->X.rows == 0) return lat_fail(work, LAT_SHAPE, "the batch is empty");
  if (!r->source && lat_flow_matching_source(model) == LAT_SOURCE_ROWS)
    return lat_fail(work, LAT_INVALID,
                    "the model has been trained with rows of a source: the source is missing");
  LAT_TRY(make_batch(work, &b, r, d));
  const lat_shard_batch shards = {b.B, LAT_FLOW_MATCHING_SHARD_ROWS,
                                  lat_time_net_tape_numbers(&model->net) + 8 * b.x0.cols,
                                  shard_loss, &b};
  *loss = 0;
  return lat_deep_gradient(work, &model->deep, &shards, loss);
}

lat_status lat_flow_matching_gradient(lat_workspace *work, lat_flow_matching *model,
                                      const lat_request *r, double *loss)
{
  return differentiate(work, model, r, (draws){r->seed, 0}, loss);
}

lat_status lat_flow_matching_step(lat_workspace *work, lat_flow_matching *model,
                                  const lat_request *r, double *loss)
{
  LAT_SCOPE(work);
  const lat_deep_options *o = &model->options.deep;
  const size_t *labels;
  lat_deep *deep = &model->deep;
  lat_store *store = &deep->store;
  double rate = lat_deep_rate(o, r->learning_rate, deep->optimizer.steps);
  bool begun = lat_units_known(&model->units);
  LAT_TRY(lat_flow_matching_check_data(work, model, r, &labels));
  LAT_TRY(lat_flow_matching_begin(work, model, &r->X));
  if (!begun && model->options.standardize) lat_units_open(&model->units, r->X.rows);
  LAT_TRY(differentiate(work, model, r, (draws){deep->tape.seed, deep->tape.step}, loss));
  deep->tape.step++;
  LAT_TRY(lat_deep_descend(work, deep, rate, o->clip));
  if (begun) LAT_TRY(lat_units_follow(work, &model->units, &r->X));
  lat_matrix kind = lat_store_view(store, store->values, model->source);
  lat_set(&kind, 0, 0, r->source ? LAT_SOURCE_ROWS : LAT_SOURCE_NORMAL);
  return model->options.ema > 0 ? lat_store_average(work, store, model->options.ema) : LAT_OK;
}
