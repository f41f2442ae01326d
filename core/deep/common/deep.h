/* deep.h: the state of every model with nets: parameters, a tape and an optimizer; and its
 * steps. */
#ifndef LAT_DEEP_COMMON_DEEP_H
#define LAT_DEEP_COMMON_DEEP_H

#include "deep/common/shards.h"
#include "nn/checkpoint.h"
#include "nn/layers.h"
#include "nn/optimizers.h"

/* The whole state of training: parameters, moments, and the place in the stream of noise (the
 * tape's seed and step). Training from the same state computes the same bits. */
typedef struct lat_deep {
  lat_store store;
  lat_tape tape;
  lat_optimizer optimizer;
  bool grey;            /* a Bernoulli's data had values between 0 and 1 */
  lat_shards *shards;   /* of steps by several threads */
  lat_optimizer *other; /* of parameters that `optimizer` leaves alone, or NULL */
} lat_deep;

typedef enum lat_schedule { LAT_SCHEDULE_CONSTANT, LAT_SCHEDULE_COSINE } lat_schedule;

/* Options of the nets and of training. */
typedef struct lat_deep_options {
  int activation; /* lat_activation, of hidden layers; relu */
  int init;       /* lat_init; torch */
  int optimizer;  /* lat_optimizer_kind; adam */
  int dtype;      /* lat_dtype; float32 */
  uint64_t seed;
  double learning_rate;                       /* 1e-3 */
  double beta1, beta2, epsilon, weight_decay; /* of the optimizer; -1: its own */
  double clip;                                /* the gradient's largest norm; 0: none */
  int schedule;                               /* lat_schedule; constant */
  double schedule_steps, warm_up;             /* steps; 0: none */
} lat_deep_options;

lat_deep_options lat_deep_defaults(void);

/* The learning rate of the step after `steps`: `rate`, or that of the options if it isn't > 0, by
 * the schedule. */
double lat_deep_rate(const lat_deep_options *options, double rate, uint64_t steps);

/* Begin, add nets, then seal; done frees everything, also after a failure in between. The struct
 * must not move meanwhile. */
void lat_deep_begin(lat_deep *deep, const lat_deep_options *options);
lat_status lat_deep_seal(lat_workspace *work, lat_deep *deep, const lat_deep_options *options);
/* The same, where the optimizer is to move the parameters only whose names begin with `prefix`; and
 * another one for others, to be freed by the caller. */
lat_status lat_deep_seal_part(lat_workspace *work, lat_deep *deep, const lat_deep_options *options,
                              const char *prefix);
lat_status lat_deep_optimizer(lat_workspace *work, lat_deep *deep, const lat_deep_options *options,
                              const char *prefix, lat_optimizer *optimizer);
void lat_deep_done(lat_deep *deep);

/* The gradient of a loss on the tape (1 x 1) into the store. LAT_INVALID, naming the operation,
 * when it isn't finite. */
lat_status lat_deep_differentiate(lat_workspace *work, lat_deep *deep, lat_value loss);

/* The same of a batch's loss by several threads (shards.h): *loss := *loss + its value. The place
 * in the stream of noise, tape.step, stays. */
lat_status lat_deep_gradient(lat_workspace *work, lat_deep *deep, const lat_shard_batch *batch,
                             double *loss);

/* One step of the optimizer down the gradient in the store, whose norm is first reduced to `clip`
 * unless that is 0. When the gradient isn't finite nothing changes. */
lat_status lat_deep_descend(lat_workspace *work, lat_deep *deep, double rate, double clip);

/* All that training goes on from, for nn/checkpoint.h. */
lat_checkpoint lat_deep_checkpoint(lat_deep *deep);

/* The tape's status, with its message in the workspace. */
lat_status lat_deep_failure(lat_workspace *work, const lat_tape *tape);

#endif
