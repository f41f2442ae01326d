/* gan/internal.h: numbers of a GAN's training, and what its files share. Private. */
#ifndef LAT_DEEP_GAN_INTERNAL_H
#define LAT_DEEP_GAN_INTERNAL_H

#include "deep/common/rows.h"
#include "deep/gan/gan.h"

#define LAT_GAN_SHARD_ROWS 128 /* of a batch: so many are worth a thread's wake-up */

/* Steps of the power iteration with which a normalized critic begins: its random weights have no
 * gap between their singular values. */
#define LAT_GAN_ITERATIONS 30

/* The spread's decay a step; and below which ratio, from which step on, it is told. Of eight modes
 * in a ring three neighbours have the ratio 1/2. */
#define LAT_GAN_SPREAD_DECAY 0.98
#define LAT_GAN_SPREAD_LEAST 0.5
#define LAT_GAN_SPREAD_STEPS 200

/* Under the root of a slope's square, where its derivative has no bound. */
#define LAT_GAN_SLOPE_LEAST 1e-12

extern const lat_option lat_gan_table[];
lat_status lat_gan_check_options(lat_workspace *work, const void *options);

/* LAT_SHAPE or LAT_INVALID unless A is N x columns and finite, and labels are N of the model's;
 * *from_zero := the labels, from 0. Keeps them. */
lat_status lat_gan_check_data(lat_workspace *work, const lat_gan *gan, const char *name,
                              const lat_matrix *A, size_t columns, const lat_matrix *labels,
                              const size_t **from_zero);

/* The net with its parameters in another store of the same layout. */
static inline lat_net lat_gan_net(const lat_net *net, lat_store *store)
{
  return (lat_net){store, net->layers, net->count};
}

/* Rows first..first+count-1 of X in the nets' units, a constant. */
lat_value lat_gan_rows(lat_tape *tape, const lat_gan *gan, const lat_matrix *X, size_t first,
                       size_t count);

#endif
