/* deep.c: a store, a tape and an optimizer that begin from one seed, and steps of descent
 * (deep.h). */
#include "deep/common/deep.h"

#include "deep/common/limits.h"

lat_deep_options lat_deep_defaults(void)
{
  return (lat_deep_options){.activation = LAT_NN_RELU,
                            .init = LAT_INIT_TORCH,
                            .optimizer = LAT_ADAM,
                            .dtype = LAT_FLOAT32,
                            .learning_rate = 1e-3,
                            .beta1 = -1,
                            .beta2 = -1,
                            .epsilon = -1,
                            .weight_decay = -1};
}

void lat_deep_begin(lat_deep *deep, const lat_deep_options *options)
{
  *deep = (lat_deep){.optimizer = {.store = NULL}};
  lat_store_init(&deep->store, (lat_dtype)options->dtype, options->seed);
  lat_tape_init(&deep->tape, (lat_dtype)options->dtype, options->seed ^ LAT_TAPE_SEED);
}

lat_status lat_deep_optimizer(lat_workspace *work, lat_deep *deep, const lat_deep_options *options,
                              const char *prefix, lat_optimizer *o)
{
  lat_optimizer_kind kind = (lat_optimizer_kind)options->optimizer;
  LAT_TRY(lat_optimizer_init(work, o, kind, &deep->store, &prefix, prefix ? 1 : 0));
  if (options->beta1 >= 0) o->beta1 = options->beta1;
  if (options->beta2 >= 0) o->beta2 = options->beta2;
  if (options->epsilon > 0) o->epsilon = options->epsilon;
  if (options->weight_decay >= 0) o->weight_decay = options->weight_decay;
  return LAT_OK;
}

lat_status lat_deep_seal_part(lat_workspace *work, lat_deep *deep, const lat_deep_options *options,
                              const char *prefix)
{
  LAT_TRY(lat_store_seal(work, &deep->store));
  deep->tape.memory.allocator = deep->store.allocator;
  return lat_deep_optimizer(work, deep, options, prefix, &deep->optimizer);
}

lat_status lat_deep_seal(lat_workspace *work, lat_deep *deep, const lat_deep_options *options)
{
  return lat_deep_seal_part(work, deep, options, NULL);
}

double lat_deep_rate(const lat_deep_options *o, double rate, uint64_t steps)
{
  double step = (double)steps;
  if (!(rate > 0)) rate = o->learning_rate;
  if (o->schedule == LAT_SCHEDULE_COSINE) rate *= lat_schedule_cosine(step, o->schedule_steps, 0);
  if (o->warm_up > 0) rate *= lat_schedule_warm_up(step, o->warm_up);
  return rate;
}

void lat_deep_done(lat_deep *deep)
{
  lat_shards_done(&deep->shards, &deep->store.allocator);
  lat_optimizer_done(&deep->optimizer);
  lat_tape_done(&deep->tape);
  lat_store_done(&deep->store);
}

lat_checkpoint lat_deep_checkpoint(lat_deep *deep)
{
  return (lat_checkpoint){.store = &deep->store,
                          .optimizers = {&deep->optimizer, deep->other},
                          .count = deep->other ? 2 : 1,
                          .tape = &deep->tape};
}

lat_status lat_deep_failure(lat_workspace *work, const lat_tape *tape)
{
  if (tape->status == LAT_OK) return LAT_OK;
  return lat_fail(work, tape->status, "%s", tape->memory.message);
}

lat_status lat_deep_differentiate(lat_workspace *work, lat_deep *deep, lat_value loss)
{
  lat_tape_backward(&deep->tape, loss, false);
  deep->tape.work = NULL;
  return lat_deep_failure(work, &deep->tape);
}

lat_status lat_deep_gradient(lat_workspace *work, lat_deep *deep, const lat_shard_batch *batch,
                             double *loss)
{
  return lat_shards_gradient(work, &deep->shards, &deep->store, &deep->tape, batch, loss);
}

lat_status lat_deep_descend(lat_workspace *work, lat_deep *deep, double rate, double clip)
{
  if (clip > 0) lat_store_clip(&deep->store, clip);
  return lat_optimizer_step(work, &deep->optimizer, rate);
}
