/* nonlinear.h: a latent variable model with a decoder net, without an encoder.
 *
 *   z ~ N(0, I_M),  x | z ~ p(x | g(z; w)),  p(x) ~ 1/K sum_k p(x | z_k),  z_k ~ N(0, I)
 *
 * with g a net and p(x | .) a likelihood (likelihood.h). The average over draws from the prior is
 * an unbiased estimate of p(x), so its logarithm is one from below in the mean. Few z explain a
 * given x, and fewer draws are near those the more dimensions z and x have: K has to grow
 * exponentially, which is what the encoder of a VAE is for (Kingma and Welling 2014). The effective
 * number of draws, (sum w)^2 / sum w^2 with w_k = p(x | z_k), shows it: at 1 a single draw has all
 * the weight.
 *
 *   lat_nonlinear_options options = lat_nonlinear_defaults();
 *   options.likelihood.D = 3, options.latent_dim = 1;
 *   lat_nonlinear model;                             a struct that must not move
 *   LAT_TRY(lat_nonlinear_init(work, &model, &options));
 *   LAT_TRY(lat_nonlinear_train(work, &model, &(lat_request){.X = batch}, &loss));
 *   LAT_TRY(lat_nonlinear_apply(work, &model, &(lat_request){.X = X}, &outputs));
 *   lat_nonlinear_done(&model); */
#ifndef LAT_DEEP_NONLINEAR_NONLINEAR_H
#define LAT_DEEP_NONLINEAR_NONLINEAR_H

#include "deep/common/training.h"

enum { LAT_NONLINEAR_LAYERS = 16 };

typedef struct lat_nonlinear_options {
  size_t latent_dim;
  size_t hidden[LAT_NONLINEAR_LAYERS - 1], layers; /* from the latent space to the data; 64, 1 */
  size_t samples;                                  /* K of a step; 500 */
  lat_deep_options deep;
  lat_likelihood likelihood; /* D is the data's width */
} lat_nonlinear_options;

typedef struct lat_nonlinear {
  lat_deep deep;
  lat_nonlinear_options options;
  lat_likelihood likelihood;
  lat_layer layers[LAT_NONLINEAR_LAYERS];
  lat_net decoder;
} lat_nonlinear;

lat_nonlinear_options lat_nonlinear_defaults(void);
lat_status lat_nonlinear_check(lat_workspace *work, const lat_nonlinear_options *options);

/* As lat_vae_init and its like (vae.h). */
lat_status lat_nonlinear_init(lat_workspace *work, lat_nonlinear *model,
                              const lat_nonlinear_options *options);
void lat_nonlinear_done(lat_nonlinear *model);

/* One step of the optimizer: *loss := the mean over the rows of request->X of -log p(x) by
 * request->samples draws, in nats, at request->learning_rate; 0: those of the options. Parameters
 * are as before when something isn't finite. */
lat_status lat_nonlinear_train(lat_workspace *work, lat_nonlinear *model,
                               const lat_request *request, double *loss);
/* Epochs of such steps: training.h. */
lat_status lat_nonlinear_fit(lat_workspace *work, lat_nonlinear *model, const lat_matrix *X,
                             const lat_training *training, lat_training_report *report);
/* The loss of the next step, without taking it; its gradient is in the store. */
lat_status lat_nonlinear_gradient(lat_workspace *work, lat_nonlinear *model,
                                  const lat_request *request, double *loss);

/* Of each row of request->X: log_likelihood and effective, by request->samples draws; and of latent
 * variables request->X decoded and decoded_variances, means and variances of x. */
lat_status lat_nonlinear_apply(lat_workspace *work, lat_nonlinear *model,
                               const lat_request *request, const lat_outputs *outputs);

/* Z := N(0, I), packed and of the net's type, and X: a draw of x for each row, or with
 * request->mean its mean. */
lat_status lat_nonlinear_sample(lat_workspace *work, lat_nonlinear *model,
                                const lat_request *request, lat_random *random, const lat_matrix *Z,
                                const lat_matrix *X);

/* ---- files (deep/common/net_file.h) ---------------------------------------------------------- */

lat_status lat_nonlinear_save(lat_workspace *work, lat_nonlinear *model, const char *path);
/* In the place of init. */
lat_status lat_nonlinear_load(lat_workspace *work, const char *path, lat_nonlinear *model);
/* A view of it, for latent_lua.h. */
lat_fitted lat_nonlinear_fitted(lat_nonlinear *model);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_nonlinear_model;

#endif
