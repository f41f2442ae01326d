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
 *   lat_vae_options options = lat_vae_defaults();
 *   options.likelihood.D = 784, options.latent_dim = 20;
 *   lat_vae vae;                                     a struct that must not move
 *   LAT_TRY(lat_vae_init(work, &vae, &options));
 *   lat_request batch = {.X = X, .beta = -1};        the options' beta
 *   LAT_TRY(lat_vae_train(work, &vae, &batch, &parts));   as often as there are batches
 *   LAT_TRY(lat_vae_apply(work, &vae, &(lat_request){.X = X}, &(lat_outputs){.latent = &Z}));
 *   lat_vae_done(&vae);
 *
 * A step has the state of the tape (seed and step of the noise) and the optimizer; training that
 * continues with both and the parameters computes the same bits as without the stop. */
#ifndef LAT_DEEP_VAE_VAE_H
#define LAT_DEEP_VAE_VAE_H

#include "deep/common/training.h"

enum { LAT_VAE_LAYERS = 16 };

typedef enum lat_vae_loss { LAT_VAE_ELBO, LAT_VAE_IWAE } lat_vae_loss;
typedef enum lat_vae_estimate { LAT_VAE_IMPORTANCE, LAT_VAE_PRIOR } lat_vae_estimate;

typedef struct lat_vae_options {
  size_t latent_dim, classes; /* classes: 0 when labels play no part */
  int64_t lowest;             /* label */
  /* Widths of hidden layers, from the data to the latent space (400) and back, and how many there
   * are; decoder_layers = LAT_NO_LIST: the encoder's, in reverse. */
  size_t encoder_hidden[LAT_VAE_LAYERS - 1], decoder_hidden[LAT_VAE_LAYERS - 1];
  size_t encoder_layers, decoder_layers;
  double beta;       /* 1 */
  double kl_warm_up; /* steps in which beta rises to its value; 0: none */
  double free_bits;
  size_t samples; /* of a row in training; 1 */
  int bound;      /* lat_vae_loss; -1: the importance-weighted one of several samples */
  lat_deep_options deep;
  lat_likelihood likelihood; /* D is the data's width */
} lat_vae_options;

lat_vae_options lat_vae_defaults(void);
lat_status lat_vae_check(lat_workspace *work, const lat_vae_options *options);

typedef struct lat_vae {
  lat_deep deep;
  lat_vae_options options;
  lat_likelihood likelihood;
  lat_layer encoder_layers[LAT_VAE_LAYERS], decoder_layers[LAT_VAE_LAYERS];
  lat_net encoder, decoder;
} lat_vae;

/* Means over the batch, in nats a row. The importance-weighted loss isn't made of the other two. */
typedef struct lat_vae_parts {
  double loss, reconstruction, kl;
} lat_vae_parts;

/* Makes the nets, with parameters drawn from the seed. The struct must not move until `done`. A
 * failed init needs no done. */
lat_status lat_vae_init(lat_workspace *work, lat_vae *vae, const lat_vae_options *options);
void lat_vae_done(lat_vae *vae);

/* One step of the optimizer down the loss of the batch request->X (B x D of any type and strides),
 * of classes request->classes, at request->learning_rate with the weight request->beta; 0 and -1:
 * those of the options. LAT_INVALID, naming the operation, when the loss or a gradient isn't
 * finite; the parameters are then as before. */
lat_status lat_vae_train(lat_workspace *work, lat_vae *vae, const lat_request *request,
                         lat_vae_parts *parts);
/* Epochs of such steps: training.h. */
lat_status lat_vae_fit(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                       const lat_training *training, lat_training_report *report);
/* The loss of the next step, without taking it, and its gradient in the store. */
lat_status lat_vae_gradient(lat_workspace *work, lat_vae *vae, const lat_request *request,
                            lat_vae_parts *parts);

/* Of each row of request->X, of classes request->classes: latent and latent_variances, those of q(z
 * | x); reconstruction, the decoded means; bound, reconstruction_loss and kl, by request->samples
 * draws of q (of request->means and ->variances); log_likelihood and effective, by request->samples
 * draws of q, or, with request->method, of the prior. And of latent variables request->X decoded
 * and decoded_variances, which are means and variances of x. All of it in chunks, on all threads.
 */
lat_status lat_vae_apply(lat_workspace *work, lat_vae *vae, const lat_request *request,
                         const lat_outputs *outputs);

/* Z := N(0, I), packed and of the nets' type, and X: a draw of x for each row, or with
 * request->mean its mean. */
lat_status lat_vae_sample(lat_workspace *work, lat_vae *vae, const lat_request *request,
                          lat_random *random, const lat_matrix *Z, const lat_matrix *X);

/* ---- files (deep/common/net_file.h) ---------------------------------------------------------- */

lat_status lat_vae_save(lat_workspace *work, lat_vae *vae, const char *path);
/* In the place of init. */
lat_status lat_vae_load(lat_workspace *work, const char *path, lat_vae *vae);
/* A view of it, for latent_lua.h. */
lat_fitted lat_vae_fitted(lat_vae *vae);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_vae_model;

#endif
