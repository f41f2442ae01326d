/* flow/units.c: which units of a masked net see which columns (Germain et al., MADE, ICML 2015;
 * their degrees ascend here), and the columns' standardization: x = mean + deviation z. */
#include "deep/flow/flow.h"

#include <math.h>
#include <string.h>

#include "deep/flow/internal.h"

/* ---- degrees --------------------------------------------------------------------------------- */

size_t lat_flow_seen(const lat_flow_map *map, size_t H, size_t D, size_t place)
{
  if (place < map->lowest) return 0;
  if (place + 1 >= D) return H;
  size_t degrees = D - map->lowest; /* unit j has the degree lowest + floor(j degrees/H) */
  return ((place + 1 - map->lowest) * H + degrees - 1) / degrees;
}

/* Row i of a layer of a masked net: the first of its columns that may depend on it. */
static size_t first_column(const lat_flow *flow, const lat_flow_map *map, size_t layer, size_t i)
{
  size_t D = flow->options.input_dim, C = flow->options.context_dim;
  size_t inputs = map->net[layer].inputs, outputs = map->net[layer].outputs, degree;
  if (layer > 0)
    degree = map->lowest + i * (D - map->lowest) / inputs;
  else
    degree = i < C ? 0 : i - C + 1; /* a column is seen from the next place on */
  if (layer + 1 == map->depth) return degree * map->each;
  return degree == 0 ? 0 : lat_flow_seen(map, outputs, D, degree - 1);
}

void lat_flow_mask(const lat_flow *flow, void *flat)
{
  const lat_store *store = &flow->deep.store;
  size_t size = lat_dtype_size(store->dtype);
  for (size_t k = 0; k < flow->count; k++) {
    const lat_flow_map *map = &flow->maps[k];
    if (!map->net || !lat_flow_is_masked(map)) continue;
    for (size_t l = 0; l < map->depth; l++) {
      lat_matrix W = lat_store_view(store, flat, map->net[l].weight);
      for (size_t i = 0; i < W.rows; i++) {
        size_t end = first_column(flow, map, l, i);
        memset((char *)W.data + i * W.cols * size, 0, (end < W.cols ? end : W.cols) * size);
      }
    }
  }
}

/* ---- standardization ------------------------------------------------------------------------- */

void lat_flow_units(const lat_flow *flow, size_t column, double *mean, double *deviation)
{
  const lat_store *store = &flow->deep.store;
  lat_matrix m = lat_store_view(store, store->values, flow->mean);
  lat_matrix d = lat_store_view(store, store->values, flow->deviation);
  *deviation = lat_get(&d, 0, column);
  *mean = *deviation > 0 ? lat_get(&m, 0, column) : 0;
  if (!(*deviation > 0)) *deviation = 1;
}

bool lat_flow_is_begun(const lat_flow *flow)
{
  lat_matrix d = lat_store_view(&flow->deep.store, flow->deep.store.values, flow->deviation);
  return lat_get(&d, 0, 0) > 0;
}

double lat_flow_log_scale(const lat_flow *flow)
{
  double sum = 0, mean, deviation;
  for (size_t j = 0; j < flow->options.input_dim; j++) {
    lat_flow_units(flow, j, &mean, &deviation);
    sum += log(deviation);
  }
  return sum;
}
