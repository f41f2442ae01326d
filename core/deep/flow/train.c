/* flow/train.c: a flow's first look at its data, and steps of maximum likelihood (flow.h).
 *
 * A batch is computed in shards (deep/common/shards.h). Weights that a masked net must not have get
 * no gradient, and stay 0. */
#include <math.h>

#include "deep/flow/internal.h"

/* ---- data ------------------------------------------------------------------------------------ */

lat_status lat_flow_check_data(lat_workspace *work, const lat_flow *flow, const char *name,
                               const lat_matrix *X, const lat_matrix *context)
{
  const lat_flow_options *o = &flow->options;
  LAT_TRY(lat_deep_check_columns(work, name, X, o->input_dim));
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

lat_value lat_flow_rows(lat_tape *tape, const lat_flow *flow, const lat_matrix *X, size_t first,
                        size_t count)
{
  size_t D = flow->options.input_dim;
  lat_value state = lat_nn_fill(tape, count, D + 1, 0);
  lat_matrix h = lat_tape_value(tape, state);
  const lat_matrix rows = lat_block_of(*X, first, 0, count, D);
  const lat_matrix z = lat_block_of(h, 0, 0, count, D);
  if (h.data) lat_units_standardize(&flow->units, &rows, &z);
  return state;
}

lat_value lat_flow_context_rows(lat_tape *tape, const lat_matrix *context, size_t first,
                                size_t count)
{
  if (!context) return (lat_value){0};
  lat_matrix rows = lat_block_of(*context, first, 0, count, context->cols);
  return lat_nn_input(tape, &rows, false);
}

/* ---- the first look -------------------------------------------------------------------------- */

/* The scale and the shift with which the layer makes mean 0 and deviation 1 of these states. */
static lat_status begin_actnorm(lat_workspace *work, const lat_store *store,
                                const lat_flow_map *map, const lat_matrix *state)
{
  LAT_SCOPE(work);
  lat_column_moments moments;
  lat_matrix raw = lat_store_view(store, store->values, map->parameter);
  LAT_TRY(lat_units_moments(work, state, &moments));
  for (size_t j = 0; j < map->count; j++) {
    double deviation = lat_column_deviation(&moments, map->columns[j]);
    if (!(deviation > 0)) deviation = 1;
    lat_set(&raw, 0, 2 * j, -moments.mean[map->columns[j]] / deviation);
    lat_set(&raw, 0, 2 * j + 1, -log(deviation));
  }
  return LAT_OK;
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
  lat_flow_view view = {flow, tape, store, true, lat_flow_context_rows(tape, context, 0, rows)};
  lat_value h = lat_flow_rows(tape, flow, X, 0, rows);
  for (size_t k = 0; k < flow->count && tape->status == LAT_OK; k++) {
    const lat_flow_map *map = &flow->maps[k];
    lat_matrix state = lat_tape_value(tape, h);
    if (map->layer.kind == LAT_FLOW_ACTNORM) LAT_TRY(begin_actnorm(work, store, map, &state));
    h = lat_flow_through(&view, map, h);
  }
  return lat_deep_failure(work, tape);
}

lat_status lat_flow_begin(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                          const lat_matrix *context)
{
  LAT_TRY(lat_flow_check_data(work, flow, "X", X, context));
  LAT_TRY(lat_units_begin(work, &flow->units, X, flow->options.standardize));
  return begin_actnorms(work, flow, X, context);
}

/* ---- the gradient ---------------------------------------------------------------------------- */

typedef struct batch {
  const lat_flow *flow;
  const lat_matrix *X, *context;
} batch;

/* The shard's part of the mean of -log p. */
static lat_value shard_loss(void *context, lat_tape *tape, lat_store *store, size_t first,
                            size_t count)
{
  const batch *b = context;
  const lat_flow *flow = b->flow;
  lat_flow_view view = {flow, tape, store, false,
                        lat_flow_context_rows(tape, b->context, first, count)};
  lat_value h = lat_flow_rows(tape, flow, b->X, first, count);
  for (size_t k = 0; k < flow->count; k++) h = lat_flow_through(&view, &flow->maps[k], h);
  lat_value nll = lat_nn_flow_nll(tape, h, (lat_flow_base)flow->options.base);
  return lat_nn_affine(tape, lat_nn_sum(tape, nll, LAT_NN_ALL), 1 / (double)b->X->rows, 0);
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
  batch b = {flow, X, context};
  const lat_shard_batch shards = {X->rows, LAT_FLOW_SHARD_ROWS, tape_numbers(flow), shard_loss, &b};
  lat_flow_mask(flow, flow->deep.store.values);
  *nll = lat_units_log_scale(&flow->units);
  LAT_TRY(lat_deep_gradient(work, &flow->deep, &shards, nll));
  lat_flow_mask(flow, flow->deep.store.gradients);
  return LAT_OK;
}

/* ---- steps ----------------------------------------------------------------------------------- */

lat_status lat_flow_gradient(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                             const lat_matrix *context, double *nll)
{
  LAT_TRY(lat_flow_check_data(work, flow, "X", X, context));
  return differentiate(work, flow, X, context, nll);
}

lat_status lat_flow_step(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                         const lat_matrix *context, double rate, double clip, double *nll)
{
  bool begun = lat_flow_is_begun(flow);
  if (!begun) LAT_TRY(lat_flow_begin(work, flow, X, context));
  if (!begun && flow->options.standardize) lat_units_open(&flow->units, X->rows);
  LAT_TRY(lat_flow_gradient(work, flow, X, context, nll));
  flow->deep.tape.step++;
  LAT_TRY(lat_deep_descend(work, &flow->deep, rate, clip));
  return begun ? lat_units_follow(work, &flow->units, X) : LAT_OK;
}
