/* flow/internal.h: maps of a flow, and how a state goes through them. Private. */
#ifndef LAT_DEEP_FLOW_INTERNAL_H
#define LAT_DEEP_FLOW_INTERNAL_H

#include "deep/common/rows.h"
#include "deep/flow/flow.h"
#include "nn/ops.h"

/* Rows of a shard of a batch, at least. */
#define LAT_FLOW_SHARD_ROWS 128
#define LAT_FLOW_FAR        1e6 /* deviations: squares of more overflow float32 in a few layers */
/* Rows with which actnorm layers begin, at most. */
#define LAT_FLOW_FIRST 8192
/* Rows of a chunk of inference, by the widest layer: see rows.h. */
#define LAT_FLOW_CHUNK_NODES 8

/* A map: y = g(x; raw), of the columns with these numbers, in the data's order. raw is a net of
 * other columns and the context, or a parameter.
 *
 * A masked net's units are in the order of their degrees: one of degree g sees the columns at
 * places 0..g-1. Of H units those of degree g begin at lat_flow_seen(H, g - 1), so that masks are
 * staircases, and an inverse pass computes every unit once, when what it sees is known. */
typedef struct lat_flow_map lat_flow_map;
struct lat_flow_map {
  lat_flow_layer layer; /* with nothing left to the options */
  size_t number;        /* of the layer, from 1: "layerNUMBER" are its parameters */
  size_t *columns, count;
  size_t *inputs, input_count; /* columns that the net sees, after the context */
  lat_layer *net;              /* depth + 1 layers; NULL: raw is a parameter */
  size_t depth;
  size_t parameter; /* of raw, where there is no net */
  size_t each;      /* numbers of raw for a column */
  size_t lowest;    /* of degrees: 0 with a context, else 1 */
};

/* How a tape sees the flow: parameters of `store`, as constants where it has no gradients to be
 * computed; rows of the context, or no value. */
typedef struct lat_flow_view {
  const lat_flow *flow;
  lat_tape *tape;
  lat_store *store;
  bool constant;
  lat_value context;
} lat_flow_view;

static inline bool lat_flow_is_masked(const lat_flow_layer *layer)
{
  return layer->kind == LAT_FLOW_MASKED_AFFINE || layer->kind == LAT_FLOW_MASKED_SPLINE;
}

static inline bool lat_flow_is_spline(const lat_flow_layer *layer)
{
  return layer->kind == LAT_FLOW_SPLINE || layer->kind == LAT_FLOW_MASKED_SPLINE;
}

/* The table of options (options.c), and the check that a description has. */
extern const lat_option lat_flow_table[];
lat_status lat_flow_check_options(lat_workspace *work, const void *options);

/* How many parameters the flow is going to have. */
double lat_flow_numbers(const lat_flow_options *options);

/* How many of H units of a masked net over D columns have a degree of at most `place`. */
size_t lat_flow_seen(const lat_flow_map *map, size_t H, size_t D, size_t place);

/* A state through a map, or backwards. */
lat_value lat_flow_through(const lat_flow_view *view, const lat_flow_map *map, lat_value state);
lat_value lat_flow_back(const lat_flow_view *view, const lat_flow_map *map, lat_value state);

/* Sets what a masked net's weights must not have to 0, in a flat vector of the store: in gradients,
 * and in values before each use, as files and hosts may have set them to anything. */
void lat_flow_mask(const lat_flow *flow, void *flat);

/* A state of rows first..first+count-1 of X, standardized, with log |det| 0; and the context's. */
lat_value lat_flow_rows(lat_tape *tape, const lat_flow *flow, const lat_matrix *X, size_t first,
                        size_t count);
lat_value lat_flow_context_rows(lat_tape *tape, const lat_matrix *context, size_t first,
                                size_t count);

lat_status lat_flow_check_data(lat_workspace *work, const lat_flow *flow, const char *name,
                               const lat_matrix *X, const lat_matrix *context);

#endif
