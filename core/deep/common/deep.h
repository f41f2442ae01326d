/* deep.h: the state of every model with nets: parameters, a tape and an optimizer; and its
 * steps. */
#ifndef LAT_DEEP_COMMON_DEEP_H
#define LAT_DEEP_COMMON_DEEP_H

#include "nn/layers.h"
#include "nn/optimizers.h"

/* The whole state of training: parameters, moments, and the place in the stream of noise (the
 * tape's seed and step). Training from the same state computes the same bits. */
typedef struct lat_deep {
  lat_store store;
  lat_tape tape;
  lat_optimizer optimizer;
} lat_deep;

/* Options of the nets and of training. */
typedef struct lat_deep_options {
  lat_activation activation;
  lat_init init;
  lat_optimizer_kind optimizer;
  lat_dtype dtype;
  uint64_t seed;
} lat_deep_options;

/* Begin, add nets, then seal; done frees everything, also after a failure in between. The struct
 * must not move meanwhile. */
void lat_deep_begin(lat_deep *deep, const lat_deep_options *options);
lat_status lat_deep_seal(lat_workspace *work, lat_deep *deep, const lat_deep_options *options);
void lat_deep_done(lat_deep *deep);

/* The gradient of a loss on the tape (1 x 1) into the store. LAT_INVALID, naming the operation,
 * when it isn't finite. */
lat_status lat_deep_differentiate(lat_workspace *work, lat_deep *deep, lat_value loss);

/* One step of the optimizer down the gradient in the store, whose norm is first reduced to `clip`
 * unless that is 0. When the gradient isn't finite nothing changes. */
lat_status lat_deep_descend(lat_workspace *work, lat_deep *deep, double rate, double clip);

/* The tape's status, with its message in the workspace. */
lat_status lat_deep_failure(lat_workspace *work, const lat_tape *tape);

#endif
