/* vae.h: variational autoencoders (Kingma and Welling, Auto-encoding variational Bayes, ICLR 2014).
 *
 *   p(z) = N(0, I_M),  p(x | z) by a decoder net (likelihood.h),
 *   q(z | x) = N(mean(x), diag(variance(x))) by an encoder net, and
 *   log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || p(z)), the bound (ELBO), in nats a row.
 *
 * Training minimizes   loss = reconstruction + beta KL,   reconstruction = -E_q[log p(x | z)],
 * averaged over a batch, with draws of z by reparameterization. Variants:
 *
 *   beta        weighs the KL (Higgins et al. 2017); 1 is the bound
 *   free bits   a unit's KL, averaged over the batch, counts as at least so many nats (Kingma et
 *               al. 2016), so that nothing is gained when it falls to 0
 *   samples K   draws of z a row; their losses are averaged, or with `importance` the loss is that
 *               of the tighter bound -log 1/K sum_k p(x|z_k) (p(z_k)/q(z_k|x))^beta (Burda, Grosse
 *               and Salakhutdinov, Importance weighted autoencoders, ICLR 2016)
 *   classes     a conditional VAE: both nets have each row's label as input too (Sohn et al. 2015)
 *
 * A step has the state of the tape (seed and step of the noise) and the optimizer; training that
 * continues with both and the parameters computes the same bits as without the stop. */
#ifndef LAT_DEEP_VAE_VAE_H
#define LAT_DEEP_VAE_VAE_H

#include "deep/common/deep.h"
#include "deep/common/likelihood.h"

enum { LAT_VAE_LAYERS = 16 };

typedef struct lat_vae_options {
  size_t latent_dim, classes; /* classes: 0 when labels play no part */
  size_t encoder_hidden[LAT_VAE_LAYERS - 1], decoder_hidden[LAT_VAE_LAYERS - 1];
  size_t encoder_layers, decoder_layers; /* hidden ones, of each; from the data to the latent space
                                            and back */
  lat_deep_options deep;
  lat_likelihood likelihood; /* D is the data's width */
} lat_vae_options;

typedef struct lat_vae {
  lat_deep deep;
  lat_vae_options options;
  lat_likelihood likelihood;
  lat_layer encoder_layers[LAT_VAE_LAYERS], decoder_layers[LAT_VAE_LAYERS];
  lat_net encoder, decoder;
  bool grey; /* a Bernoulli's data had values between 0 and 1 */
} lat_vae;

typedef struct lat_vae_objective {
  double beta, free_bits;
  size_t samples;
  bool importance;
} lat_vae_objective;

/* Means over the batch, in nats a row. With `importance` the loss isn't made of the other two. */
typedef struct lat_vae_parts {
  double loss, reconstruction, kl;
} lat_vae_parts;

/* Makes the nets, with parameters drawn from the seed. The struct must not move until `done`. A
 * failed init needs no done. */
lat_status lat_vae_init(lat_workspace *work, lat_vae *vae, const lat_vae_options *options);
void lat_vae_done(lat_vae *vae);

/* X: B x D of any type and strides; labels: B of 0..classes-1, or NULL. */

/* The loss of a batch with the noise of the next step, and its gradient in the store. */
lat_status lat_vae_gradient(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                            const size_t *labels, const lat_vae_objective *objective,
                            lat_vae_parts *parts);

/* The same and then one step of the optimizer at this rate; the gradient's norm is first reduced to
 * `clip` unless that is 0. LAT_INVALID, naming the operation, when the loss or a gradient isn't
 * finite; the parameters are then as before. */
lat_status lat_vae_step(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                        const size_t *labels, const lat_vae_objective *objective, double rate,
                        double clip, lat_vae_parts *parts);

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
lat_status lat_vae_check(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                         const size_t *labels);

#endif
