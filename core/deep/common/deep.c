/* deep.c: a store, a tape and an optimizer that begin from one seed, and steps of descent
 * (deep.h). */
#include "deep/common/deep.h"

#include "deep/common/limits.h"

void lat_deep_begin(lat_deep *deep, const lat_deep_options *options)
{
  *deep = (lat_deep){.optimizer = {.store = NULL}};
  lat_store_init(&deep->store, options->dtype, options->seed);
  lat_tape_init(&deep->tape, options->dtype, options->seed ^ LAT_TAPE_SEED);
}

lat_status lat_deep_seal(lat_workspace *work, lat_deep *deep, const lat_deep_options *options)
{
  LAT_TRY(lat_store_seal(work, &deep->store));
  deep->tape.memory.allocator = deep->store.allocator;
  return lat_optimizer_init(work, &deep->optimizer, options->optimizer, &deep->store, NULL, 0);
}

void lat_deep_done(lat_deep *deep)
{
  lat_optimizer_done(&deep->optimizer);
  lat_tape_done(&deep->tape);
  lat_store_done(&deep->store);
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

lat_status lat_deep_descend(lat_workspace *work, lat_deep *deep, double rate, double clip)
{
  if (clip > 0) lat_store_clip(&deep->store, clip);
  return lat_optimizer_step(work, &deep->optimizer, rate);
}
