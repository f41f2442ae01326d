/* flow/through.c: states through the maps of a flow, and backwards (internal.h).
 *
 * The inverse of a masked map knows the columns before place p when it comes to p. Units of degree
 * p, which see just these, are computed then, layer by layer, and raw of the column at p from all
 * units so far: in the end every unit has been computed once, as in one pass forwards. */
#include <math.h>
#include <string.h>

#include "deep/flow/internal.h"

static lat_value parameter(const lat_flow_view *v, size_t index)
{
  if (!v->constant) return lat_nn_parameter(v->tape, v->store, index);
  lat_matrix A = lat_store_view(v->store, v->store->values, index);
  return lat_nn_borrow(v->tape, &A);
}

/* What a net sees: the context, then columns of the state, of a spline's within its box. Beyond,
 * where there are no data, a net's outputs would grow without end, and bins as narrow as they can
 * be cost an inverse its digits. */
static lat_value inputs_of(const lat_flow_view *v, const lat_flow_map *map, lat_value state)
{
  if (map->input_count == 0) return v->context;
  lat_value x = lat_nn_gather_columns(v->tape, state, map->inputs, map->input_count);
  if (lat_flow_is_spline(&map->layer))
    x = lat_nn_clamp(v->tape, x, -map->layer.box, map->layer.box);
  return v->context.step ? lat_nn_concat(v->tape, v->context, x) : x;
}

static lat_value raw_of(const lat_flow_view *v, const lat_flow_map *map, lat_value state)
{
  if (!map->net) return parameter(v, map->parameter);
  lat_value x = inputs_of(v, map, state);
  for (size_t l = 0; l < map->depth; l++)
    x = lat_nn_linear(v->tape, x, parameter(v, map->net[l].weight), parameter(v, map->net[l].bias),
                      map->net[l].activation);
  return x;
}

/* One of the operations on columns, by the kind of the layer. */
static lat_value apply(lat_tape *tape, const lat_flow_map *map, lat_value state, lat_value raw,
                       const lat_flow_columns *on)
{
  const lat_flow_layer *layer = &map->layer;
  if (lat_flow_is_spline(&map->layer))
    return lat_nn_flow_spline(tape, state, raw, on, layer->bins, layer->box);
  bool bounded = layer->kind != LAT_FLOW_ACTNORM && layer->bound < (double)INFINITY;
  return lat_nn_flow_affine(tape, state, raw, on, bounded ? layer->bound : 0);
}

static lat_value both_ways(const lat_flow_view *v, const lat_flow_map *map, lat_value state,
                           bool inverse)
{
  const lat_flow_columns on = {map->columns, map->count, inverse};
  switch (map->layer.kind) {
  case LAT_FLOW_PLANAR:
    return lat_nn_flow_planar(v->tape, state, parameter(v, map->parameter), inverse);
  case LAT_FLOW_RADIAL:
    return lat_nn_flow_radial(v->tape, state, parameter(v, map->parameter), inverse);
  case LAT_FLOW_LINEAR:
    return lat_nn_flow_linear(v->tape, state, parameter(v, map->parameter), inverse);
  default:
    return apply(v->tape, map, state, raw_of(v, map, state), &on);
  }
}

lat_value lat_flow_through(const lat_flow_view *view, const lat_flow_map *map, lat_value state)
{
  return both_ways(view, map, state, false);
}

/* ---- masked maps, backwards ------------------------------------------------------------------ */

/* A pass through a masked net by degrees: what is known of its inputs and units, B rows each. */
typedef struct pass {
  const lat_flow_view *view;
  const lat_flow_map *map;
  size_t rows, width; /* of the inputs: the context first, then places */
  void *inputs, *units[LAT_FLOW_HIDDEN];
} pass;

static void *at(const lat_tape *tape, const void *data, size_t offset)
{
  return (char *)(size_t)data + offset * lat_dtype_size(tape->dtype);
}

/* Columns first..last-1 of layer l := f(x W + b), x what is known before it, into `to` with rows of
 * `stride` numbers. */
static void compute(const pass *p, size_t l, size_t place, size_t first, size_t last, void *to,
                    size_t stride)
{
  const lat_flow_view *v = p->view;
  const lat_layer *layer = &p->map->net[l];
  size_t D = v->flow->options.input_dim, before = l > 0 ? p->map->net[l - 1].outputs : p->width;
  lat_matrix W = lat_store_view(v->store, v->store->values, layer->weight);
  lat_matrix b = lat_store_view(v->store, v->store->values, layer->bias);
  const lat_nn_block block = {.rows = p->rows,
                              .cols = last - first,
                              .depth = l > 0 ? lat_flow_seen(p->map, before, D, place)
                                             : v->flow->options.context_dim + place,
                              .x = l > 0 ? p->units[l - 1] : p->inputs,
                              .x_stride = before,
                              .W = at(v->tape, W.data, first),
                              .W_stride = W.cols,
                              .bias = at(v->tape, b.data, first),
                              .y = to,
                              .y_stride = stride,
                              .activation = layer->activation};
  if (last > first) lat_nn_linear_block(v->tape, &block);
}

/* raw of the column at `place`: new units first. */
static lat_value raw_at(const pass *p, size_t place)
{
  const lat_flow_map *map = p->map;
  lat_tape *tape = p->view->tape;
  size_t D = p->view->flow->options.input_dim;
  for (size_t l = 0; l + 1 < map->depth; l++) {
    size_t H = map->net[l].outputs;
    size_t first = place > 0 ? lat_flow_seen(map, H, D, place - 1) : 0;
    compute(p, l, place, first, lat_flow_seen(map, H, D, place), at(tape, p->units[l], first), H);
  }
  lat_value raw = lat_nn_fill(tape, p->rows, map->each, 0);
  lat_matrix to = lat_tape_value(tape, raw);
  if (to.data)
    compute(p, map->depth - 1, place, place * map->each, (place + 1) * map->each, to.data,
            map->each);
  return raw;
}

/* The inputs with the context in its place. */
static bool begin_pass(pass *p, lat_value state)
{
  const lat_flow_view *v = p->view;
  size_t C = v->flow->options.context_dim;
  lat_matrix h = lat_tape_value(v->tape, state);
  if (!h.data) return false;
  p->rows = h.rows;
  p->width = p->map->input_count + C;
  p->inputs = lat_tape_numbers(v->tape, p->rows * (p->width ? p->width : 1));
  for (size_t l = 0; l + 1 < p->map->depth; l++)
    p->units[l] = lat_tape_numbers(v->tape, p->rows * p->map->net[l].outputs);
  if (v->tape->status != LAT_OK) return false;
  lat_matrix inputs = {p->inputs, p->rows, p->width, (ptrdiff_t)p->width, 1, v->tape->dtype};
  if (C == 0) return true;
  lat_matrix context = lat_tape_value(v->tape, v->context);
  lat_matrix to = lat_block_of(inputs, 0, 0, p->rows, C);
  if (context.data) lat_copy(&context, &to);
  return context.data;
}

static lat_value masked_back(const lat_flow_view *v, const lat_flow_map *map, lat_value state)
{
  pass p = {.view = v, .map = map};
  if (!begin_pass(&p, state)) return (lat_value){0};
  size_t D = v->flow->options.input_dim;
  const lat_flow_columns first = {.inverse = true};
  lat_matrix from = lat_tape_value(v->tape, state);
  lat_value result = lat_nn_input(v->tape, &from, false);
  lat_matrix h = lat_tape_value(v->tape, result);
  lat_matrix inputs = {p.inputs, p.rows, p.width, (ptrdiff_t)p.width, 1, v->tape->dtype};
  for (size_t place = 0; h.data && place < D; place++) {
    const size_t own[] = {map->columns[place], D}; /* the column and log |det| */
    lat_value part = lat_nn_gather_columns(v->tape, result, own, 2);
    lat_matrix y = lat_tape_value(v->tape, apply(v->tape, map, part, raw_at(&p, place), &first));
    if (!y.data) return (lat_value){0};
    for (size_t k = 0; k < 2; k++) {
      lat_matrix column = lat_block_of(y, 0, k, p.rows, 1);
      lat_matrix to = lat_block_of(h, 0, own[k], p.rows, 1);
      lat_copy(&column, &to);
    }
    if (place == map->input_count) break; /* no net sees the last one */
    lat_matrix column = lat_block_of(y, 0, 0, p.rows, 1);
    double box = lat_flow_is_spline(&map->layer) ? map->layer.box : (double)INFINITY;
    for (size_t i = 0; i < p.rows; i++) /* as inputs_of has it */
      lat_set(&column, i, 0, fmin(fmax(lat_get(&column, i, 0), -box), box));
    lat_matrix to = lat_block_of(inputs, 0, p.width - map->input_count + place, p.rows, 1);
    lat_copy(&column, &to);
  }
  return result;
}

lat_value lat_flow_back(const lat_flow_view *view, const lat_flow_map *map, lat_value state)
{
  bool by_columns = lat_flow_is_masked(&map->layer) && map->net && map->input_count > 0;
  return by_columns ? masked_back(view, map, state) : both_ways(view, map, state, true);
}
