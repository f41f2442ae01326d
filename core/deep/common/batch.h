/* batch.h: rows of a data set for a training step: gathered, converted, scaled and binarized in one
 * pass, so that pictures can stay float32, or grey levels of 0 to 255. */
#ifndef LAT_DEEP_COMMON_BATCH_H
#define LAT_DEEP_COMMON_BATCH_H

#include <stdint.h>

#include "base/random.h"
#include "matrix/matrix.h"

typedef enum lat_binarize {
  LAT_AS_IT_IS = 0,
  LAT_DYNAMIC,  /* 1 with probability x, drawn anew each time */
  LAT_STATIC,   /* 1 with probability x, the same draw whenever a row is used */
  LAT_THRESHOLD /* 1 where x >= 1/2 */
} lat_binarize;

/* Row k of `out` := scale times row place[k] of X, then binarized. Dynamic draws are the random
 * generator's next; static ones are its seed's, with a stream for each row of X, so they depend
 * neither on the order nor on how often a row is used. LAT_INVALID, naming row and column, when a
 * value that is to be binarized isn't within 0..1. `out` is X's width, of either dtype. */
lat_status lat_batch(lat_workspace *work, const lat_matrix *X, const size_t *place, double scale,
                     lat_binarize how, lat_random *random, const lat_matrix *out);

/* The same failure for any row of X that can't be binarized. */
lat_status lat_batch_check(lat_workspace *work, const lat_matrix *X, double scale);

#endif
