/* flow/flow.c: making a flow: the columns that each map transforms and sees, its net, and masks
 * (flow.h). Permutations are no maps: they change which column of the data is at which place. */
#include "deep/flow/flow.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "deep/flow/internal.h"
#include "nn/limits.h"

/* Streams of permutations, apart from those of the store's parameters and the tapes' noise. */
#define PERMUTE_STREAM (UINT64_C(3) << 62)

/* ---- memory ---------------------------------------------------------------------------------- */

static void *keep(lat_workspace *work, const lat_flow *flow, size_t count, size_t size)
{
  void *memory = lat_memory_allocate(&flow->allocator, count ? count : 1, size);
  if (!memory) lat_fail(work, LAT_MEMORY, "not enough memory for a flow's layers");
  return memory;
}

void lat_flow_done(lat_flow *flow)
{
  const lat_allocator *a = &flow->allocator;
  for (size_t k = 0; flow->maps && k < flow->count; k++) {
    lat_memory_free(a, flow->maps[k].columns);
    lat_memory_free(a, flow->maps[k].inputs);
    lat_memory_free(a, flow->maps[k].net);
  }
  lat_memory_free(a, flow->maps);
  lat_memory_free(a, flow->order);
  lat_deep_done(&flow->deep);
  flow->maps = NULL;
  flow->order = NULL;
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Another order of the places: never the same one, where there are two. */
static void permute(const lat_flow *flow, size_t layer, size_t *order)
{
  lat_random random = {.seed = flow->options.deep.seed, .stream = PERMUTE_STREAM | layer};
  size_t D = flow->options.input_dim;
  bool same = true;
  while (D > 1 && same)
    for (size_t i = D; i-- > 1;) {
      size_t j = D == 2 ? 0 : (size_t)lat_random_below(&random, i + 1), moved = order[i];
      order[i] = order[j];
      order[j] = moved;
      same = same && i == j;
    }
}

static void reverse(size_t D, size_t *order)
{
  for (size_t i = 0; i < D / 2; i++) {
    size_t moved = order[i];
    order[i] = order[D - 1 - i];
    order[D - 1 - i] = moved;
  }
}

static bool is_coupling(const lat_flow_layer *layer)
{
  return layer->kind == LAT_FLOW_AFFINE || layer->kind == LAT_FLOW_SPLINE;
}

/* How many of D columns a layer transforms, and how many its net sees: of a coupling the halves,
 * `other` exchanges them; of a masked map all, and all but the last. */
static size_t count_columns(const lat_flow_layer *layer, size_t D, bool other, size_t *seen)
{
  size_t half = D / 2, count = other && D > 1 ? half : D - half;
  if (!is_coupling(layer)) count = D;
  *seen = is_coupling(layer) ? D - count : lat_flow_is_masked(layer) ? D - 1 : 0;
  return count;
}

static lat_status set_columns(lat_workspace *work, const lat_flow *flow, lat_flow_map *map,
                              const size_t *order, bool other)
{
  size_t D = flow->options.input_dim, half = D / 2, from = 0, seen = 0;
  map->count = count_columns(&map->layer, D, other, &map->input_count);
  if (is_coupling(&map->layer)) {
    bool first = other && D > 1;
    from = first ? 0 : half;
    seen = first ? half : 0;
  }
  map->columns = keep(work, flow, map->count, sizeof *map->columns);
  map->inputs = keep(work, flow, map->input_count, sizeof *map->inputs);
  if (!map->columns || !map->inputs) return LAT_MEMORY;
  memcpy(map->columns, order + from, map->count * sizeof *order);
  memcpy(map->inputs, order + seen, map->input_count * sizeof *order);
  return LAT_OK;
}

/* ---- nets ------------------------------------------------------------------------------------ */

/* Numbers of raw for a column. */
static size_t numbers_each(const lat_flow_layer *layer)
{
  return lat_flow_is_spline(layer) ? 3 * layer->bins - 1 : 2;
}

/* raw begins at 0, where couplings are the identity: the last layer of a net, or a parameter. */
static lat_status add_net(lat_workspace *work, lat_flow *flow, lat_flow_map *map)
{
  const lat_flow_options *o = &flow->options;
  size_t sizes[LAT_FLOW_HIDDEN + 2], outputs = map->count * map->each;
  char name[32];
  snprintf(name, sizeof name, "layer%zu", map->number);
  map->lowest = o->context_dim ? 0 : 1;
  sizes[0] = map->input_count + o->context_dim;
  if (sizes[0] == 0)
    return lat_store_add(work, &flow->deep.store, name, 1, outputs, LAT_INIT_ZERO, 1, 0,
                         &map->parameter);
  map->depth = map->layer.depth + 1;
  memcpy(sizes + 1, map->layer.hidden, map->layer.depth * sizeof *sizes);
  sizes[map->depth] = outputs;
  map->net = keep(work, flow, map->depth, sizeof *map->net);
  if (!map->net) return LAT_MEMORY;
  lat_net net;
  lat_layer_options options = {.activation = (lat_activation)o->deep.activation,
                               .init = (lat_init)o->deep.init,
                               .zero_last = true};
  return lat_net_mlp(work, &flow->deep.store, name, sizes, map->depth, &options, map->net, &net);
}

static lat_status add_parameters(lat_workspace *work, lat_flow *flow, lat_flow_map *map)
{
  size_t D = flow->options.input_dim;
  lat_store *store = &flow->deep.store;
  char name[32];
  snprintf(name, sizeof name, "layer%zu", map->number);
  switch (map->layer.kind) {
  case LAT_FLOW_PLANAR: /* as a layer of D inputs begins, within 1/sqrt(D) */
    return lat_store_add(work, store, name, 1, 2 * D + 1, LAT_INIT_TORCH, 1, D, &map->parameter);
  case LAT_FLOW_RADIAL:
    return lat_store_add(work, store, name, 1, D + 2, LAT_INIT_TORCH, 1, D, &map->parameter);
  case LAT_FLOW_ACTNORM:
    map->each = 2;
    return lat_store_add(work, store, name, 1, 2 * D, LAT_INIT_ZERO, 1, 0, &map->parameter);
  case LAT_FLOW_LINEAR:
    return lat_store_add(work, store, name, D, D, LAT_INIT_ZERO, 1, 0, &map->parameter);
  default:
    map->each = numbers_each(&map->layer);
    return add_net(work, flow, map);
  }
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Which half a coupling after this layer transforms: flow.h. */
static bool next_half(int kind, bool other)
{
  bool moves = kind == LAT_FLOW_PERMUTE || kind == LAT_FLOW_REVERSE;
  return !moves && (kind == LAT_FLOW_AFFINE || kind == LAT_FLOW_SPLINE ? !other : other);
}

static double layer_numbers(const lat_flow_options *o, const lat_flow_layer *layer, bool other)
{
  size_t D = o->input_dim, inputs, outputs = count_columns(layer, D, other, &inputs);
  inputs += o->context_dim;
  outputs *= numbers_each(layer);
  switch (layer->kind) {
  case LAT_FLOW_PLANAR:
    return 2 * (double)D + 1;
  case LAT_FLOW_RADIAL:
    return (double)D + 2;
  case LAT_FLOW_ACTNORM:
    return 2 * (double)D;
  case LAT_FLOW_LINEAR:
    return (double)D * (double)D;
  case LAT_FLOW_PERMUTE:
  case LAT_FLOW_REVERSE:
    return 0;
  default:
    return inputs ? lat_net_numbers(layer->hidden, layer->depth, inputs, outputs) : (double)outputs;
  }
}

double lat_flow_numbers(const lat_flow_options *o)
{
  lat_flow_layer layers[LAT_FLOW_LAYERS];
  size_t count = lat_flow_list(o, layers);
  double sum = (double)lat_units_numbers(o->input_dim);
  bool other = false;
  for (size_t k = 0; k < count; k++) {
    sum += layer_numbers(o, &layers[k], other);
    other = next_half(layers[k].kind, other);
  }
  return sum;
}

static lat_status make_maps(lat_workspace *work, lat_flow *flow, const lat_flow_layer *layers,
                            size_t count)
{
  size_t D = flow->options.input_dim;
  bool other = false; /* which half the next coupling transforms */
  for (size_t i = 0; i < D; i++) flow->order[i] = i;
  for (size_t k = 0; k < count; k++) {
    int kind = layers[k].kind;
    if (kind == LAT_FLOW_PERMUTE) permute(flow, k, flow->order);
    if (kind == LAT_FLOW_REVERSE) reverse(D, flow->order);
    if (kind != LAT_FLOW_PERMUTE && kind != LAT_FLOW_REVERSE) {
      lat_flow_map *map = &flow->maps[flow->count++];
      map->layer = layers[k];
      map->number = k + 1;
      LAT_TRY(set_columns(work, flow, map, flow->order, other));
      LAT_TRY(add_parameters(work, flow, map));
    }
    other = next_half(kind, other);
  }
  return LAT_OK;
}

/* All parameters. */
static lat_status make(lat_workspace *work, lat_flow *flow)
{
  LAT_SCOPE(work);
  lat_flow_layer *layers = lat_allocate(work, LAT_FLOW_LAYERS, sizeof *layers);
  if (!layers) return LAT_MEMORY;
  size_t D = flow->options.input_dim, count = lat_flow_list(&flow->options, layers);
  lat_store *store = &flow->deep.store;
  flow->order = keep(work, flow, D, sizeof *flow->order);
  flow->maps = keep(work, flow, count, sizeof *flow->maps);
  if (!flow->order || !flow->maps) return LAT_MEMORY;
  memset(flow->maps, 0, count * sizeof *flow->maps);
  LAT_TRY(lat_units_add(work, store, D, &flow->units));
  LAT_TRY(make_maps(work, flow, layers, count));
  lat_flow_mask(flow, store->values);
  return lat_deep_seal(work, &flow->deep, &flow->options.deep);
}

lat_flow_part lat_flow_part_of(const lat_flow *flow, size_t k)
{
  const lat_flow_map *map = &flow->maps[k];
  return (lat_flow_part){.layer = map->layer,
                         .columns = map->columns,
                         .inputs = map->inputs,
                         .count = map->count,
                         .input_count = map->input_count,
                         .number = map->number};
}

bool lat_flow_is_begun(const lat_flow *flow)
{
  return lat_units_known(&flow->units);
}

lat_status lat_flow_init(lat_workspace *work, lat_flow *flow, const lat_flow_options *options)
{
  *flow = (lat_flow){.options = *options, .allocator = work->allocator};
  LAT_TRY(lat_flow_check(work, options));
  lat_deep_begin(&flow->deep, &options->deep);
  lat_status status = make(work, flow);
  if (status != LAT_OK) lat_flow_done(flow);
  return status;
}
