/* vae/internal.h: the posterior of a VAE on a tape. Private. */
#ifndef LAT_DEEP_VAE_INTERNAL_H
#define LAT_DEEP_VAE_INTERNAL_H

#include "deep/vae/vae.h"

typedef struct lat_posterior {
  lat_value mean, log_variance; /* of q(z | x) */
} lat_posterior;

/* The posterior of the encoder's outputs, B x 2M. */
lat_posterior lat_vae_posterior(lat_tape *tape, const lat_vae *vae, lat_value encoded);

/* z := mean + exp(log_variance/2) e for normal e, and log p(z) - log q(z | x), row by row: the
 * constants cancel, 1/2 sum (e^2 + v - z^2). */
lat_value lat_log_ratio(lat_tape *tape, lat_posterior q, lat_value e, lat_value *z);

#endif
