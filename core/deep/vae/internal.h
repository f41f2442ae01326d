/* vae/internal.h: the posterior of a VAE on a tape. Private. */
#ifndef LAT_DEEP_VAE_INTERNAL_H
#define LAT_DEEP_VAE_INTERNAL_H

#include "deep/vae/vae.h"

typedef struct lat_posterior {
  lat_value mean, log_variance; /* of q(z | x) */
} lat_posterior;

/* The options with the decoder's widths, where these aren't given. */
lat_vae_options lat_vae_complete(const lat_vae_options *options);

/* The posterior of the encoder's outputs, B x 2M. */
lat_posterior lat_vae_posterior(lat_tape *tape, const lat_vae *vae, lat_value encoded);

/* z := mean + exp(log_variance/2) e for normal e, and log p(z) - log q(z | x), row by row: the
 * constants cancel, 1/2 sum (e^2 + v - z^2). */
lat_value lat_log_ratio(lat_tape *tape, lat_posterior q, lat_value e, lat_value *z);

/* ---- inference (vae/infer.c); all of it in chunks, on all threads ---------------------------- */

/* Means and variances of q(z | x): N x M each. */
lat_status lat_vae_encode(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                          const size_t *labels, const lat_matrix *mean, const lat_matrix *variance);

/* For each row the reconstruction -E_q[log p(x|z)], by `samples` draws, and KL(q(z|x) || p(z));
 * minus their sum is the bound. q's means and variances (> 0), N x M each, are the encoder's where
 * `mean` is NULL. */
lat_status lat_vae_bound(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                         const size_t *labels, const lat_matrix *mean, const lat_matrix *variance,
                         size_t samples, uint64_t seed, double *reconstruction, double *kl);

/* log 1/K sum_k p(x|z_k) p(z_k)/q(z_k|x), z_k ~ q(z|x): an estimate of log p(x) from below in the
 * mean, which grows with K; K = 1 is the bound. And, unless NULL, the effective number of draws. */
lat_status lat_vae_log_likelihood(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                                  const size_t *labels, size_t K, uint64_t seed,
                                  double *log_likelihood, double *effective);

/* LAT_SHAPE or LAT_INVALID unless X and labels are data of this model; the functions above begin
 * with it. */
lat_status lat_vae_check_data(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                              const size_t *labels);

#endif
