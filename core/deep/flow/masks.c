/* flow/masks.c: which units of a masked net see which columns (Germain et al., MADE, ICML 2015;
 * their degrees ascend here). */
#include "deep/flow/flow.h"

#include <string.h>

#include "deep/flow/internal.h"

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
    if (!map->net || !lat_flow_is_masked(&map->layer)) continue;
    for (size_t l = 0; l < map->depth; l++) {
      lat_matrix W = lat_store_view(store, flat, map->net[l].weight);
      for (size_t i = 0; i < W.rows; i++) {
        size_t end = first_column(flow, map, l, i);
        memset((char *)W.data + i * W.cols * size, 0, (end < W.cols ? end : W.cols) * size);
      }
    }
  }
}
