/* flow/train.c: a flow's first look at its data, and steps of maximum likelihood (flow.h).
 *
 * A batch is cut into shards by its size alone. Each is a tape of its own with the parameters'
 * gradients beside it, so that shards are computed by several threads; their gradients are added in
 * order. Weights that a masked net must not have get no gradient, and stay 0. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "deep/flow/internal.h"

/* ---- data ------------------------------------------------------------------------------------ */

lat_status lat_flow_check_data(lat_workspace *work, const lat_flow *flow, const char *name,
                               const lat_matrix *X, const lat_matrix *context)
{
  const lat_flow_options *o = &flow->options;
  if (X->cols != o->input_dim)
    return lat_fail(work, LAT_SHAPE, "%s has %zu columns, the model takes %zu", name, X->cols,
                    o->input_dim);
  if (!o->context_dim && context)
    return lat_fail(work, LAT_INVALID, "a context is for flows that are made with context_dim");
  if (o->context_dim && !context)
    return lat_fail(work, LAT_INVALID, "the flow is conditional: the context is missing");
  if (context && (context->cols != o->context_dim || context->rows != X->rows))
    return lat_fail(work, LAT_SHAPE, "the context is %zux%zu, for %zu rows it must be %zux%zu",
                    context->rows, context->cols, X->rows, X->rows, o->context_dim);
  LAT_TRY(lat_check_finite(work, name, X, false));
  return context ? lat_check_finite(work, "the context", context, false) : LAT_OK;
}

lat_value lat_flow_load(lat_tape *tape, const lat_flow *flow, const lat_matrix *X, size_t first,
                        size_t count)
{
  size_t D = flow->options.input_dim;
  lat_value state = lat_nn_fill(tape, count, D + 1, 0);
  lat_matrix h = lat_tape_value(tape, state);
  for (size_t j = 0; h.data && j < D; j++) {
    double mean, deviation;
    lat_flow_units(flow, j, &mean, &deviation);
    for (size_t i = 0; i < count; i++)
      lat_set(&h, i, j, (lat_get(X, first + i, j) - mean) / deviation);
  }
  return state;
}

lat_value lat_flow_load_context(lat_tape *tape, const lat_matrix *context, size_t first,
                                size_t count)
{
  if (!context) return (lat_value){0};
  lat_matrix rows = lat_block_of(*context, first, 0, count, context->cols);
  return lat_nn_input(tape, &rows, false);
}

/* ---- the first look -------------------------------------------------------------------------- */

/* Means and deviations (1/N) of the columns of A, count of them, by two passes. */
static void column_moments(const lat_matrix *A, size_t column, double *mean, double *deviation)
{
  double sum = 0, squares = 0;
  for (size_t i = 0; i < A->rows; i++) sum += lat_get(A, i, column);
  *mean = sum / (double)A->rows;
  for (size_t i = 0; i < A->rows; i++) {
    double far = lat_get(A, i, column) - *mean;
    squares += far * far;
  }
  *deviation = sqrt(squares / (double)A->rows);
}

static bool is_constant(const lat_matrix *X, size_t column)
{
  for (size_t i = 1; i < X->rows; i++)
    if (lat_get(X, i, column) != lat_get(X, 0, column)) return false;
  return true;
}

/* Actnorm layers: each gets the scale and the shift with which what reaches it has mean 0 and
 * deviation 1. */
static lat_status begin_actnorms(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                                 const lat_matrix *context)
{
  lat_store *store = &flow->deep.store;
  lat_tape *tape = &flow->deep.tape;
  uint64_t step = tape->step;
  bool any = false;
  for (size_t k = 0; k < flow->count; k++)
    any = any || flow->maps[k].layer.kind == LAT_FLOW_ACTNORM;
  if (!any) return LAT_OK;
  size_t rows = X->rows < LAT_FLOW_FIRST ? X->rows : LAT_FLOW_FIRST;
  lat_tape_reset(tape);
  tape->step = step;
  lat_flow_view view = {flow, tape, store, true, lat_flow_load_context(tape, context, 0, rows)};
  lat_value h = lat_flow_load(tape, flow, X, 0, rows);
  for (size_t k = 0; k < flow->count && tape->status == LAT_OK; k++) {
    const lat_flow_map *map = &flow->maps[k];
    lat_matrix state = lat_tape_value(tape, h);
    for (size_t j = 0; map->layer.kind == LAT_FLOW_ACTNORM && j < map->count; j++) {
      double mean, deviation;
      lat_matrix raw = lat_store_view(store, store->values, map->parameter);
      column_moments(&state, map->columns[j], &mean, &deviation);
      if (!(deviation > 0)) deviation = 1;
      lat_set(&raw, 0, 2 * j, -mean / deviation);
      lat_set(&raw, 0, 2 * j + 1, -log(deviation));
    }
    h = lat_flow_through(&view, map, h);
  }
  return lat_deep_failure(work, tape);
}

lat_status lat_flow_begin(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                          const lat_matrix *context)
{
  lat_store *store = &flow->deep.store;
  lat_matrix m = lat_store_view(store, store->values, flow->mean);
  lat_matrix d = lat_store_view(store, store->values, flow->deviation);
  LAT_TRY(lat_flow_check_data(work, flow, "X", X, context));
  if (X->rows == 0) return lat_fail(work, LAT_SHAPE, "there are no rows");
  for (size_t j = 0; j < X->cols; j++)
    if (is_constant(X, j))
      return lat_fail(work, LAT_INVALID,
                      "column %zu of X is constant (%g): its density has no bound; leave it out",
                      j + 1, lat_get(X, 0, j));
  for (size_t j = 0; j < X->cols; j++) {
    double mean = 0, deviation = 1;
    if (flow->options.standardize) column_moments(X, j, &mean, &deviation);
    lat_set(&m, 0, j, mean);
    lat_set(&d, 0, j, deviation);
    if (lat_get(&d, 0, j) > 0 && isfinite(lat_get(&d, 0, j)) && isfinite(lat_get(&m, 0, j)))
      continue;
    lat_set(&d, 0, 0, 0); /* it hasn't begun */
    return lat_fail(work, LAT_INVALID, "column %zu of X, mean %g and deviation %g, is beyond %s",
                    j + 1, mean, deviation, store->dtype == LAT_FLOAT64 ? "float64" : "float32");
  }
  return begin_actnorms(work, flow, X, context);
}

/* ---- shards ---------------------------------------------------------------------------------- */

void lat_flow_shards_done(lat_flow *flow)
{
  const lat_allocator *a = &flow->allocator;
  lat_flow_shards *all = flow->shards;
  if (!all) return;
  for (size_t s = 0; s < LAT_FLOW_SHARDS; s++) {
    lat_memory_free(a, all->stores[s].items);
    lat_memory_free(a, all->stores[s].gradients);
  }
  for (size_t w = 0; w < all->rows.workers; w++) {
    all->rows.tapes[w].memory.allocator = *a;
    lat_tape_done(&all->rows.tapes[w]);
  }
  lat_memory_free(a, all->rows.tapes);
  lat_memory_free(a, all);
  flow->shards = NULL;
}

/* The store's parameters with gradients of their own. */
static lat_status make_shard(lat_workspace *work, lat_flow *flow, size_t s)
{
  const lat_store *store = &flow->deep.store;
  lat_store *shard = &flow->shards->stores[s];
  if (shard->items) return LAT_OK;
  lat_store made = *store;
  made.average = made.parts = NULL;
  made.items = lat_memory_allocate(&flow->allocator, store->count, sizeof *made.items);
  made.gradients = lat_store_vector(store);
  if (!made.items || !made.gradients) {
    lat_memory_free(&flow->allocator, made.items);
    lat_memory_free(&flow->allocator, made.gradients);
    return lat_fail(work, LAT_MEMORY, "not enough memory for %zu gradients", store->size);
  }
  memcpy(made.items, store->items, store->count * sizeof *made.items);
  *shard = made;
  return LAT_OK;
}

/* Tapes for all workers, which they keep from step to step. */
static lat_status make_tapes(lat_workspace *work, lat_flow *flow)
{
  lat_rows *r = &flow->shards->rows;
  size_t workers = lat_workers(work);
  r->work = work;
  r->dtype = flow->deep.store.dtype;
  if (r->workers >= workers) return LAT_OK;
  lat_tape *tapes = lat_memory_allocate(&flow->allocator, workers, sizeof *tapes);
  if (!tapes) return lat_fail(work, LAT_MEMORY, "not enough memory for %zu tapes", workers);
  if (r->workers) memcpy(tapes, r->tapes, r->workers * sizeof *tapes);
  for (size_t w = r->workers; w < workers; w++) lat_tape_init(&tapes[w], r->dtype, 0);
  lat_memory_free(&flow->allocator, r->tapes);
  r->tapes = tapes;
  r->workers = workers;
  return LAT_OK;
}

typedef struct batch {
  lat_flow *flow;
  const lat_matrix *X, *context;
  size_t shard_rows;
  double sums[LAT_FLOW_SHARDS];
} batch;

/* The shard's part of the mean of -log p, and its gradient. */
static lat_status shard_gradient(void *context, lat_tape *tape, size_t first, size_t count)
{
  batch *b = context;
  size_t s = first / b->shard_rows;
  const lat_flow *flow = b->flow;
  lat_flow_view view = {flow, tape, &b->flow->shards->stores[s], false,
                        lat_flow_load_context(tape, b->context, first, count)};
  lat_value h = lat_flow_load(tape, flow, b->X, first, count);
  for (size_t k = 0; k < flow->count; k++) h = lat_flow_through(&view, &flow->maps[k], h);
  lat_value nll = lat_nn_flow_nll(tape, h, (lat_flow_base)flow->options.base);
  lat_value mean =
      lat_nn_affine(tape, lat_nn_sum(tape, nll, LAT_NN_ALL), 1 / (double)b->X->rows, 0);
  b->sums[s] = lat_tape_number(tape, mean);
  return lat_tape_backward(tape, mean, false);
}

/* The store's gradients := the sum of the shards'. */
static void add_shards(const lat_flow *flow, size_t shards)
{
  const lat_store *store = &flow->deep.store;
  memcpy(store->gradients, flow->shards->stores[0].gradients,
         store->size * lat_dtype_size(store->dtype));
  for (size_t s = 1; s < shards; s++) {
    if (store->dtype == LAT_FLOAT64) {
      double *to = store->gradients;
      const double *from = flow->shards->stores[s].gradients;
      for (size_t i = 0; i < store->size; i++) to[i] += from[i];
    } else {
      float *to = store->gradients;
      const float *from = flow->shards->stores[s].gradients;
      for (size_t i = 0; i < store->size; i++) to[i] += from[i];
    }
  }
  lat_flow_mask(flow, store->gradients);
}

/* Numbers of a row on a tape: values, gradients, and those before activations. */
static size_t tape_numbers(const lat_flow *flow)
{
  size_t sum = 8;
  for (size_t k = 0; k < flow->count; k++) {
    const lat_flow_map *map = &flow->maps[k];
    sum += 3 * (flow->options.input_dim + flow->options.context_dim + 1) + 2 * map->input_count;
    for (size_t l = 0; l < map->depth; l++) sum += 3 * map->net[l].outputs;
  }
  return sum;
}

static lat_status differentiate(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                                const lat_matrix *context, double *nll)
{
  batch b = {.flow = flow, .X = X, .context = context};
  size_t shards = X->rows / LAT_FLOW_SHARD_ROWS, most = LAT_FLOW_GRADIENTS / flow->deep.store.size;
  most = most > LAT_FLOW_SHARDS ? LAT_FLOW_SHARDS : most;
  shards = shards > most ? most : shards;
  if (shards < 1) shards = 1;
  b.shard_rows = (X->rows + shards - 1) / shards;
  shards = (X->rows + b.shard_rows - 1) / b.shard_rows;
  if (!flow->shards) {
    flow->shards = lat_memory_allocate(&flow->allocator, 1, sizeof *flow->shards);
    if (!flow->shards) return lat_fail(work, LAT_MEMORY, "not enough memory for gradients");
    memset(flow->shards, 0, sizeof *flow->shards);
  }
  for (size_t s = 0; s < shards; s++) LAT_TRY(make_shard(work, flow, s));
  LAT_TRY(make_tapes(work, flow));
  lat_flow_mask(flow, flow->deep.store.values);
  LAT_TRY(lat_rows_run(&flow->shards->rows, X->rows, b.shard_rows, tape_numbers(flow),
                       shard_gradient, &b));
  *nll = lat_flow_log_scale(flow);
  for (size_t s = 0; s < shards; s++) *nll += b.sums[s];
  add_shards(flow, shards);
  return LAT_OK;
}

/* ---- steps ----------------------------------------------------------------------------------- */

lat_status lat_flow_gradient(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                             const lat_matrix *context, double *nll)
{
  LAT_TRY(lat_flow_check_data(work, flow, "X", X, context));
  if (X->rows == 0) return lat_fail(work, LAT_SHAPE, "the batch is empty");
  return differentiate(work, flow, X, context, nll);
}

lat_status lat_flow_step(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                         const lat_matrix *context, double rate, double clip, double *nll)
{
  if (!lat_flow_is_begun(flow)) LAT_TRY(lat_flow_begin(work, flow, X, context));
  LAT_TRY(lat_flow_gradient(work, flow, X, context, nll));
  flow->deep.tape.step++;
  return lat_deep_descend(work, &flow->deep, rate, clip);
}
