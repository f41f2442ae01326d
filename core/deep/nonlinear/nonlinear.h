/* nonlinear.h: a latent variable model with a decoder net, without an encoder.
 *
 *   z ~ N(0, I_M),  x | z ~ p(x | g(z; w)),  p(x) ~ 1/K sum_k p(x | z_k),  z_k ~ N(0, I)
 *
 * with g a net and p(x | .) a likelihood (likelihood.h). The average over draws from the prior is
 * an unbiased estimate of p(x), so its logarithm is one from below in the mean. Few z explain a
 * given x, and fewer draws are near those the more dimensions z and x have: K has to grow
 * exponentially, which is what the encoder of a VAE is for (Kingma and Welling 2014). The effective
 * number of draws, (sum w)^2 / sum w^2 with w_k = p(x | z_k), shows it: at 1 a single draw has all
 * the weight. */
#ifndef LAT_DEEP_NONLINEAR_NONLINEAR_H
#define LAT_DEEP_NONLINEAR_NONLINEAR_H

#include "deep/common/deep.h"
#include "deep/common/likelihood.h"

enum { LAT_NONLINEAR_LAYERS = 16 };

typedef struct lat_nonlinear_options {
  size_t latent_dim;
  size_t hidden[LAT_NONLINEAR_LAYERS - 1], layers; /* from the latent space to the data */
  lat_deep_options deep;
  lat_likelihood likelihood; /* D is the data's width */
} lat_nonlinear_options;

typedef struct lat_nonlinear {
  lat_deep deep;
  lat_nonlinear_options options;
  lat_likelihood likelihood;
  lat_layer layers[LAT_NONLINEAR_LAYERS];
  lat_net decoder;
  bool grey; /* a Bernoulli's data had values between 0 and 1 */
} lat_nonlinear;

/* As lat_vae_init and its like (vae.h). */
lat_status lat_nonlinear_init(lat_workspace *work, lat_nonlinear *model,
                              const lat_nonlinear_options *options);
void lat_nonlinear_done(lat_nonlinear *model);

/* *loss := the mean over the rows of X of -log p(x) by K draws of the next step, in nats; its
 * gradient is in the store. */
lat_status lat_nonlinear_gradient(lat_workspace *work, lat_nonlinear *model, const lat_matrix *X,
                                  size_t K, double *loss);
/* And one step of the optimizer; parameters are as before when something isn't finite. */
lat_status lat_nonlinear_step(lat_workspace *work, lat_nonlinear *model, const lat_matrix *X,
                              size_t K, double rate, double clip, double *loss);

#endif
