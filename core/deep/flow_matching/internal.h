/* flow_matching/internal.h: random streams, chunks, and the divergence. Private. */
#ifndef LAT_DEEP_FLOW_MATCHING_INTERNAL_H
#define LAT_DEEP_FLOW_MATCHING_INTERNAL_H

#include "deep/common/rows.h"
#include "deep/flow_matching/flow_matching.h"

/* Rows of a shard of a batch, at least: so many are worth a thread's wake-up. */
#define LAT_FLOW_MATCHING_SHARD_ROWS 64
/* Rows of a chunk along the flow, at most: activations stay in the second cache, and all steps run
 * between two calls of lat_check. */
#define LAT_FLOW_MATCHING_CHUNK 256

/* Tolerances below this one are beyond float32. */
#define LAT_FLOW_MATCHING_FINE 1e-6

/* Streams of a step's random numbers, of the tape's seed: of step s they are s 2^24 + one of these,
 * where the tapes of shards have none. */
enum {
  LAT_FLOW_MATCHING_STARTS = (1 << 24) - 1,
  LAT_FLOW_MATCHING_TIMES = (1 << 24) - 2,
  LAT_FLOW_MATCHING_NOISE = (1 << 24) - 3,
  LAT_FLOW_MATCHING_DROPS = (1 << 24) - 4
};

extern const lat_option lat_flow_matching_table[];
lat_status lat_flow_matching_check_options(lat_workspace *work, const void *options);

/* Checks of rows that are called `name`, and of request->source. */
lat_status lat_flow_matching_check_rows(lat_workspace *work, const lat_flow_matching *model,
                                        const char *name, const lat_matrix *X,
                                        const lat_request *request);
/* The same of the rows of a step or a fit, and their labels from 0. Keeps the labels. */
lat_status lat_flow_matching_check_data(lat_workspace *work, const lat_flow_matching *model,
                                        const lat_request *request, const size_t **labels);

/* v and div v for rows (inputs of the net, B x (D + C + F)) along K directions each: V is (B K) x
 * D. With constants only: the net's store is that of the tape's type. False after a failure, which
 * is the tape's. */
typedef struct lat_divergence {
  lat_value velocity; /* B x D */
  lat_value along;    /* (B K) x D: (dv/dx) r for each direction r */
} lat_divergence;
lat_divergence lat_flow_matching_divergence(lat_tape *tape, const lat_time_net *net,
                                            lat_value inputs, lat_value directions, size_t K);

#endif
