/* checkpoint.h: a store and the whole state of its training in one safetensors file.
 *
 *   tensors    NAME                   a parameter's values
 *              average:NAME           its moving average, where there are averages
 *              first1:NAME, second1:NAME   moments of optimizer 1, first2:NAME those of 2, ...
 *   metadata   format "latent.nn", version "1", averaged (how often), optimizer1 "adam 4690" (its
 *              kind and steps), tape "seed step", random [seed, stream, position], and the
 *              caller's own pairs
 *
 * Written to a temporary file that is renamed when it is complete. After reading one back training
 * continues bit for bit as if it had not stopped. A file is checked as a whole, names, shapes,
 * types and that all numbers are finite, before anything changes. */
#ifndef LAT_NN_CHECKPOINT_H
#define LAT_NN_CHECKPOINT_H

#include "base/random.h"
#include "files/safetensors.h"
#include "nn/optimizers.h"
#include "nn/tape.h"

#define LAT_CHECKPOINT_FORMAT "latent.nn"
enum { LAT_CHECKPOINT_OPTIMIZERS = 8 };

typedef struct lat_checkpoint {
  lat_store *store;
  lat_optimizer *optimizers[LAT_CHECKPOINT_OPTIMIZERS];
  size_t count;       /* of them */
  lat_tape *tape;     /* its seed and step; or NULL */
  lat_random *random; /* a generator's state; or NULL */
} lat_checkpoint;

/* Pairs of the caller have keys other than those above. */
lat_status lat_checkpoint_write(lat_workspace *work, lat_target target, const lat_checkpoint *c,
                                const lat_pair *pairs, size_t count);

/* From a file that lat_safetensors_parse has read. Everything that the checkpoint names must be in
 * the file, except averages, which are read if the file has them; other optimizers and tapes in the
 * file are ignored. LAT_FORMAT names what is missing, unknown, or of another type or shape. */
lat_status lat_checkpoint_read(lat_workspace *work, const lat_safetensors *file,
                               const unsigned char *bytes, const lat_checkpoint *c);
/* The same of the file at this path. */
lat_status lat_checkpoint_load(lat_workspace *work, const char *path, const lat_checkpoint *c);

#endif
