/* flow/infer.c: log-likelihoods, transforms, their inverses, and draws (flow.h), in chunks of rows
 * with parameters as constants, each on a tape of its own (deep/common/rows.h).
 *
 * Transforms compute in double, with the parameters converted when they are float32: an inverse
 * divides by what a layer has multiplied, and far out a float32 has too few digits for that. */
#include <math.h>

#include "deep/flow/internal.h"

typedef struct use {
  const lat_flow *flow;
  lat_store store; /* the parameters, of the type that is computed in */
  const lat_matrix *X, *context, *Z;
  double *numbers, log_scale;
} use;

/* The widest value of a chunk, in numbers a row. */
static size_t width(const lat_flow *flow)
{
  size_t most = flow->options.input_dim + 1;
  for (size_t k = 0; k < flow->count; k++)
    for (size_t l = 0; l < flow->maps[k].depth; l++)
      most = flow->maps[k].net[l].outputs > most ? flow->maps[k].net[l].outputs : most;
  return most;
}

/* All values of a row. */
static size_t numbers(const lat_flow *flow)
{
  size_t sum = 4, D = flow->options.input_dim;
  for (size_t k = 0; k < flow->count; k++) {
    const lat_flow_map *map = &flow->maps[k];
    sum += 2 * D + 2 + 2 * map->input_count + 2 * flow->options.context_dim;
    if (lat_flow_is_masked(&map->layer)) sum += D * (map->each + 8);
    for (size_t l = 0; l < map->depth; l++) sum += map->net[l].outputs;
  }
  return sum;
}

static lat_status each_rows(lat_workspace *work, use *u, lat_dtype dtype, size_t rows,
                            lat_rows_task *task)
{
  LAT_SCOPE(work);
  lat_flow_mask(u->flow, u->flow->deep.store.values);
  const lat_store *store = &u->flow->deep.store;
  LAT_TRY(lat_store_as(work, store, store->values, dtype, &u->store));
  u->log_scale = lat_units_log_scale(&u->flow->units);
  size_t chunk = lat_rows_chunk(width(u->flow) * LAT_FLOW_CHUNK_NODES);
  return lat_each_rows(work, dtype, 0, rows, chunk, numbers(u->flow), task, u);
}

static lat_flow_view view_of(use *u, lat_tape *tape, size_t first, size_t count)
{
  return (lat_flow_view){u->flow, tape, &u->store, true,
                         lat_flow_context_rows(tape, u->context, first, count)};
}

static lat_value forwards(use *u, lat_tape *tape, size_t first, size_t count)
{
  lat_flow_view view = view_of(u, tape, first, count);
  lat_value h = lat_flow_rows(tape, u->flow, u->X, first, count);
  for (size_t k = 0; k < u->flow->count; k++) h = lat_flow_through(&view, &u->flow->maps[k], h);
  return h;
}

/* ---- log-likelihoods and transforms ---------------------------------------------------------- */

/* Whether a row is so far out that what is NaN is an overflow, and the density 0. */
static bool is_far(const use *u, size_t row)
{
  for (size_t j = 0; j < u->X->cols; j++) {
    double mean, deviation;
    lat_units_of(&u->flow->units, j, &mean, &deviation);
    if (fabs((lat_get(u->X, row, j) - mean) / deviation) > LAT_FLOW_FAR) return true;
  }
  return false;
}

static lat_status likelihood_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  use *u = context;
  lat_value h = forwards(u, tape, first, count);
  lat_value nll = lat_nn_flow_nll(tape, h, (lat_flow_base)u->flow->options.base);
  lat_matrix values = lat_tape_value(tape, nll);
  for (size_t i = 0; values.data && i < count; i++) {
    double value = -lat_get(&values, i, 0) - u->log_scale;
    bool far = isnan(value) && is_far(u, first + i);
    if (isnan(value) && !far)
      lat_tape_fail(tape, LAT_INVALID, "log p of row %zu is NaN: %s too large", first + i + 1,
                    u->context ? "its context or a parameter is" : "a parameter is");
    u->numbers[first + i] = far ? -(double)INFINITY : value;
  }
  return tape->status;
}

lat_status lat_flow_log_likelihood(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                                   const lat_matrix *context, double *log_likelihood)
{
  use u = {.flow = flow, .X = X, .context = context, .numbers = log_likelihood};
  LAT_TRY(lat_flow_check_data(work, flow, "X", X, context));
  return each_rows(work, &u, flow->deep.store.dtype, X->rows, likelihood_chunk);
}

static double logistic(double x)
{
  return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static lat_status transform_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  use *u = context;
  lat_matrix h = lat_tape_value(tape, forwards(u, tape, first, count));
  bool uniform = u->flow->options.base == LAT_BASE_UNIFORM;
  size_t D = u->flow->options.input_dim;
  for (size_t i = 0; h.data && i < count; i++) {
    double rise = lat_get(&h, i, D) - u->log_scale;
    for (size_t j = 0; j < D; j++) {
      double x = lat_get(&h, i, u->flow->order[j]);
      if (u->Z) lat_set(u->Z, first + i, j, uniform ? logistic(x) : x);
      if (uniform) rise -= fabs(x) + 2 * log1p(exp(-fabs(x)));
    }
    if (u->numbers) u->numbers[first + i] = rise;
  }
  return tape->status;
}

lat_status lat_flow_transform(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                              const lat_matrix *context, const lat_matrix *Z, double *log_det)
{
  use u = {.flow = flow, .X = X, .context = context, .Z = Z, .numbers = log_det};
  LAT_TRY(lat_flow_check_data(work, flow, "X", X, context));
  return each_rows(work, &u, LAT_FLOAT64, X->rows, transform_chunk);
}

/* ---- inverses and draws ---------------------------------------------------------------------- */

/* Rows of Z, of the base, to rows of X. */
static lat_status inverse_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  use *u = context;
  const lat_flow *flow = u->flow;
  size_t D = flow->options.input_dim;
  lat_value h = lat_nn_fill(tape, count, D + 1, 0);
  lat_matrix state = lat_tape_value(tape, h);
  for (size_t i = 0; state.data && i < count; i++)
    for (size_t j = 0; j < D; j++) {
      double z = lat_get(u->Z, first + i, j);
      if (flow->options.base == LAT_BASE_UNIFORM) z = log(z) - log1p(-z);
      lat_set(&state, i, flow->order[j], z);
    }
  lat_flow_view view = view_of(u, tape, first, count);
  for (size_t k = flow->count; k-- > 0;) h = lat_flow_back(&view, &flow->maps[k], h);
  state = lat_tape_value(tape, h);
  const lat_matrix x = lat_block_of(state, 0, 0, count, D);
  const lat_matrix to = lat_block_of(*u->X, first, 0, count, D);
  if (state.data) lat_units_restore(&flow->units, &x, &to);
  return tape->status;
}

lat_status lat_flow_inverse(lat_workspace *work, lat_flow *flow, const lat_matrix *Z,
                            const lat_matrix *context, const lat_matrix *X)
{
  use u = {.flow = flow, .X = X, .context = context, .Z = Z};
  LAT_TRY(lat_flow_check_data(work, flow, "Z", Z, context));
  for (size_t i = 0; flow->options.base == LAT_BASE_UNIFORM && i < Z->rows; i++)
    for (size_t j = 0; j < Z->cols; j++)
      if (!(lat_get(Z, i, j) > 0 && lat_get(Z, i, j) < 1))
        return lat_fail(work, LAT_INVALID,
                        "Z(%zu,%zu) is %g: of a uniform base it is within (0, 1)", i + 1, j + 1,
                        lat_get(Z, i, j));
  return each_rows(work, &u, LAT_FLOAT64, Z->rows, inverse_chunk);
}

/* Draws from the base; uniform ones are within (0, 1) in float32, too. */
static lat_status draw_base(lat_workspace *work, const lat_flow *flow, lat_random *random,
                            const lat_matrix *Z)
{
  bool uniform = flow->options.base == LAT_BASE_UNIFORM;
  double *row = lat_doubles(work, Z->cols);
  if (!row) return LAT_MEMORY;
  for (size_t i = 0; i < Z->rows; i++) {
    if (i % 4096 == 0) LAT_TRY(lat_check(work));
    if (uniform)
      LAT_TRY(lat_random_fill_uniform(NULL, random, Z->cols, row));
    else
      LAT_TRY(lat_random_fill_normal(NULL, random, Z->cols, row));
    for (size_t j = 0; j < Z->cols; j++)
      lat_set(Z, i, j, uniform ? fmin(fmax(row[j], 0x1p-54), 0x1.fffffep-1) : row[j]);
  }
  return LAT_OK;
}

lat_status lat_flow_sample(lat_workspace *work, lat_flow *flow, const lat_matrix *context,
                           lat_random *random, const lat_matrix *Z, const lat_matrix *X)
{
  LAT_SCOPE(work);
  use u = {.flow = flow, .X = X, .context = context, .Z = Z ? Z : X};
  LAT_TRY(draw_base(work, flow, random, u.Z));
  LAT_TRY(lat_flow_check_data(work, flow, "Z", u.Z, context));
  return each_rows(work, &u, flow->deep.store.dtype, X->rows, inverse_chunk);
}
