/* ops_flow.h: what the invertible maps of ops_flow.c and ops_spline.c share. Private to nn. */
#ifndef LAT_NN_OPS_FLOW_H
#define LAT_NN_OPS_FLOW_H

#include "nn/kernels.h"

/* The state's node, or NULL. */
lat_node *lat_flow_state(lat_tape *tape, lat_value state);

/* A copy of the columns' numbers in the tape's memory, all D when none are given. NULL on failure.
 */
size_t *lat_flow_own_columns(lat_tape *tape, const lat_flow_columns *on, size_t D, size_t *count);

/* Appends the map's node; of an inverse one it is a constant. NULL on failure, also when raw hasn't
 * raw_cols columns and one row or the state's. */
lat_node *lat_flow_push(lat_tape *tape, int op, lat_value state, lat_value raw, size_t raw_cols,
                        bool inverse, lat_value *value);

/* The gradient of a map's result as that of its state: right for log |det| and for all columns that
 * the map doesn't transform. */
void lat_flow_pass(lat_tape *tape, const lat_node *node, lat_slot slot);

/* Where the gradients of raw go, a row for each of the state; and afterwards their sum, when raw is
 * one row. `add`: raw had a gradient before. */
lat_slot lat_flow_raw_begin(lat_tape *tape, const lat_node *node, const lat_node *raw);
void lat_flow_raw_end(lat_tape *tape, const lat_node *node, const lat_node *raw, lat_slot whole,
                      bool add);

#endif
