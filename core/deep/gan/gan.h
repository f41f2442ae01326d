/* gan.h: generative adversarial networks: a generator of rows, and a critic that learns to tell
 * them from data (Goodfellow et al., Generative adversarial nets, NeurIPS 2014).
 *
 *   x = G(z), z ~ N(0, I_M), by the generator's net;   D(x), one number, by the critic's
 *
 * There is no likelihood: G learns from the gradient of D(G(z)) alone. Two losses:
 *
 *   non_saturating   D(x) is the log-odds that x is a row of data. The critic minimizes
 *                      E softplus(-D(x)) + E softplus(D(G(z))) + gamma/2 E |dD/dx (x)|^2,
 *                    the generator E softplus(-D(G(z))). With softplus(a) = log(1 + e^a) the first
 *                    two terms are the cross-entropy; the third (R1) is what makes training
 *                    converge (Mescheder, Geiger and Nowozin, Which training methods for GANs do
 *                    actually converge?, ICML 2018).
 *   wasserstein      The critic minimizes E D(G(z)) - E D(x) + penalty E (|dD/dx (m)| - 1)^2, for
 *                    points m between rows of data and of the generator, the generator -E D(G(z)).
 *                    With slopes of at most 1, E D(x) - E D(G(z)) is a bound from below for the
 *                    Wasserstein distance of the two (Arjovsky, Chintala and Bottou, ICML 2017;
 *                    Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, NeurIPS 2017: WGAN-GP).
 *
 * Gradients of both penalties are exact, by second derivatives of the critic (nn/layers.h). With
 * `spectral` every layer of the critic has the spectral norm 1 (Miyato et al., ICLR 2018), which
 * bounds its slopes too. A step makes `critic_steps` updates of the critic and one of the
 * generator, which has gradients through the critic, but none of the critic's own parameters.
 *
 * Both play against each other, so that parameters go round more than they converge: draws are from
 * an average of the generator's parameters over its last steps, about 1/(1 - ema) of them.
 * Nets see the data in their own units (units.h), and with `classes` each row's label too.
 *
 *   lat_gan_options options = lat_gan_defaults();
 *   options.input_dim = 2;
 *   lat_gan gan;                                     a struct that must not move
 *   LAT_TRY(lat_gan_init(work, &gan, &options));
 *   for (each batch) LAT_TRY(lat_gan_step(work, &gan, &(lat_request){.X = batch}, &losses));
 *   LAT_TRY(lat_gan_sample(work, &gan, NULL, &random, NULL, &X));
 *   lat_gan_done(&gan);
 *
 * Results are the same bits for every number of threads. */
#ifndef LAT_DEEP_GAN_GAN_H
#define LAT_DEEP_GAN_GAN_H

#include "deep/common/options.h"
#include "deep/common/training.h"
#include "deep/common/units.h"

enum { LAT_GAN_HIDDEN = 8 };

typedef enum lat_gan_loss {
  LAT_GAN_NON_SATURATING,
  LAT_GAN_WASSERSTEIN,
  LAT_GAN_LOSSES
} lat_gan_loss;
extern const char *const lat_gan_loss_names[LAT_GAN_LOSSES + 1]; /* ended by NULL */

typedef struct lat_gan_options {
  size_t input_dim;                     /* D, at least 1 */
  size_t latent_dim;                    /* M; 0: D, within 8 to 64 */
  size_t classes;                       /* 0: labels play no part */
  int64_t lowest;                       /* label */
  size_t hidden[LAT_GAN_HIDDEN], depth; /* of the generator; depth 0 stands for 128, 128 */
  size_t critic_hidden[LAT_GAN_HIDDEN], critic_depth; /* depth 0: the generator's, turned round */
  int loss;                                           /* lat_gan_loss; non_saturating */
  double gamma;                /* of R1; -1: the loss's own, see lat_gan_complete */
  double penalty;              /* of the wasserstein loss; -1: its own */
  size_t critic_steps;         /* 0: the loss's own */
  bool spectral;               /* false */
  double ema;                  /* decay of the generator's average, in [0, 1); 0: none */
  double critic_learning_rate; /* -1: the generator's, deep.learning_rate */
  bool standardize;            /* true */
  lat_deep_options deep;       /* beta1 and beta2 of -1 are the loss's own */
} lat_gan_options;

lat_gan_options lat_gan_defaults(void);
/* LAT_INVALID, naming the option, for options that can't be. */
lat_status lat_gan_check(lat_workspace *work, const lat_gan_options *options);
/* The same with what is left to the loss or to other options filled in. */
lat_gan_options lat_gan_complete(lat_gan_options options);

typedef struct lat_gan {
  lat_deep
      deep; /* its first member, as of all models with nets; its optimizer is the generator's */
  lat_gan_options options; /* as they were given, and complete */
  lat_gan_options own;
  lat_units units;
  lat_layer generator_layers[LAT_GAN_HIDDEN + 1], critic_layers[LAT_GAN_HIDDEN + 1];
  lat_net generator, critic;
  lat_optimizer critic_optimizer;
  size_t spread; /* number of the parameter "spread", see train.c */
} lat_gan;

/* Means over the batch; the critic's is that of its updates. `spread` compares how far rows of the
 * generator are from each other with how far the data are: the ratio of the mean distances, over
 * the last fifty steps or so. It is about 1 when they are alike, and 0 when all rows are one. */
typedef struct lat_gan_losses {
  double critic, generator, spread;
} lat_gan_losses;

/* Makes the nets, with parameters drawn from the seed. The struct must not move until `done`. A
 * failed init needs no done. */
lat_status lat_gan_init(lat_workspace *work, lat_gan *gan, const lat_gan_options *options);
void lat_gan_done(lat_gan *gan);

/* Takes the units of these rows, unless the model has seen data. A step does it with its batch. */
lat_status lat_gan_begin(lat_workspace *work, lat_gan *gan, const lat_matrix *X);

/* Updates of critic and generator for the batch request->X (N x D, of any type and strides), of
 * classes request->classes, at request->learning_rate unless that is 0. LAT_SHAPE for other
 * columns; LAT_INVALID for NaN, infinities and labels that are none, naming the row, or when a loss
 * or a gradient isn't finite, naming the operation: parameters are then those of the last good
 * update. */
lat_status lat_gan_step(lat_workspace *work, lat_gan *gan, const lat_request *request,
                        lat_gan_losses *losses);
/* Both losses at the parameters as they are, and their gradients in the store, each for its own
 * net; the spread is that of the last step. */
lat_status lat_gan_gradient(lat_workspace *work, lat_gan *gan, const lat_request *request,
                            lat_gan_losses *losses);

/* Epochs of steps (deep/common/training.h); the report's loss is the critic's. */
lat_status lat_gan_fit(lat_workspace *work, lat_gan *gan, const lat_matrix *X,
                       const lat_training *training, lat_training_report *report);

/* Whether the spread has been small for long enough to say so (internal.h has both numbers); and a
 * sentence, or NULL. */
bool lat_gan_has_collapsed(const lat_gan *gan);
const char *lat_gan_note(const lat_gan *gan);

/* ---- inference (infer.c); all of it in chunks, on all threads -------------------------------- */

/* X (N x D) := G(Z), Z N x M; labels N of them, or NULL where classes are 0. */
lat_status lat_gan_decode(lat_workspace *work, lat_gan *gan, const lat_matrix *Z,
                          const lat_matrix *labels, const lat_matrix *X);
/* X: n draws, and Z (or NULL) what they are made from. */
lat_status lat_gan_sample(lat_workspace *work, lat_gan *gan, const lat_matrix *labels,
                          lat_random *random, const lat_matrix *Z, const lat_matrix *X);
/* scores[i] := D(x_i), N of them: log-odds that the row is data, or what is high for rows of data
 * and low for the generator's. */
lat_status lat_gan_score(lat_workspace *work, lat_gan *gan, const lat_matrix *X,
                         const lat_matrix *labels, double *scores);

/* Of each row: decoded (of rows of latent variables), critic; or step_loss or loss, with
 * generator_loss and spread. */
lat_status lat_gan_apply(lat_workspace *work, lat_gan *gan, const lat_request *request,
                         const lat_outputs *outputs);

/* ---- files (deep/common/net_file.h) ---------------------------------------------------------- */

lat_status lat_gan_save(lat_workspace *work, lat_gan *gan, const char *path);
/* In the place of init. */
lat_status lat_gan_load(lat_workspace *work, const char *path, lat_gan *gan);
/* A view of it, for latent_lua.h. */
lat_fitted lat_gan_fitted(lat_gan *gan);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_gan_model;

#endif
