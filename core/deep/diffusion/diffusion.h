/* diffusion.h: denoising diffusion models of vectors.
 *
 * Noise is added to a row of data in T steps until nothing is left of it (the forward process), and
 * a net learns to take it away (the reverse process). With noise levels 0 < beta_t < 1,
 * A_t = prod_{s <= t} (1 - beta_s), A_0 = 1, and x_0 a row in units of the data's deviations:
 *
 *   q(x_t | x_0) = N(sqrt(A_t) x_0, (1 - A_t) I):  x_t = sqrt(A_t) x_0 + sqrt(1 - A_t) e, e ~ N(0,
 *   I)
 *
 *   noise_schedule
 *     linear      beta_t from beta_start to beta_end
 *     quadratic   the same of sqrt(beta_t)
 *     cosine      A_t = g(t/T)/g(0), g(u) = cos^2((u + 0.008)/1.008 pi/2), beta_t at most 0.999
 *
 * The net sees x_t, t/T and the class, and its output is one of (`prediction`)
 *
 *   epsilon   e                                   trained by E |target - output|^2 over rows, times
 *   x0        x_0                                 and noise: the simple loss, summed over columns
 *   v         sqrt(A_t) e - sqrt(1 - A_t) x_0
 *
 * which is each the others' by the line above. X(x_t, t) is the x_0 that it says; with `clamp` it
 * is kept within the range of the data, where E[x_0 | x_t] lies.
 *
 * The reverse process is p(x_T) = N(0, I) and, from t to any s < t, with a = A_t/A_s and
 * b = (1 - A_s)/(1 - A_t) (1 - a), the mean of q(x_s | x_t, x_0) at x_0 = X and a variance:
 *
 *   p(x_s | x_t) = N(c X(x_t, t) + d x_t, v),   c = sqrt(A_s) (1 - a)/(1 - A_t),
 *                                               d = sqrt(a) (1 - A_s)/(1 - A_t)
 *   variance
 *     optimal     v = b + c^2 r_t: b is that of q, r_t the mean of |x_0 - X|^2/D, which training
 *                 keeps for each t. No other v that is the same for all x_t has a better bound
 *     posterior   v = b, which is 0 at s = 0 (the bound has beta_1 there, as in the next)
 *     beta        v = 1 - a
 *
 * Drawing x_T, ..., x_0 is ancestral sampling. DDIM goes from t to s with
 *
 *   x_s = sqrt(A_s) X + sqrt(1 - A_s - eta^2 b) (x_t - sqrt(A_t) X)/sqrt(1 - A_t) + eta sqrt(v) z
 *
 * and its result is a function of x_T when eta = 0; with eta = 1 and all steps it is ancestral
 * sampling, draw by draw. Both may take fewer steps, at times evenly spaced.
 *
 * The variational bound, in nats: -log p(x_0) <= L_0 + sum_{t=2}^T L_t + L_{T+1},
 *
 *   L_0     = -log p(x_0 | x_1),           the logarithms of the deviations added
 *   L_t     = KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t))
 *           = D/2 (b/v - 1 - log(b/v)) + c^2 |x_0 - X|^2/(2 v)
 *   L_{T+1} = KL(q(x_T | x_0) || p(x_T))
 *
 * of which each row has all, with one draw of x_t (or several) a term, or of some terms drawn.
 *
 * A conditional model (`classes`) is told each row's class, which training replaces by none with
 * the probability drop_labels. So it also has the density of all classes together, and its outputs
 * can be guided (deep/common/time_net.h): 0 is the class's own density, more makes its rows more
 * typical of it, and -1 forgets the class.
 *
 * Evaluation uses averages of the weights over the steps, average := d average + (1 - d) weights
 * with d = min(ema, (1 + n)/(10 + n)) at step n; or, when asked, the weights as they are.
 *
 * Sources: Ho, Jain and Abbeel, Denoising diffusion probabilistic models (NeurIPS 2020); Nichol and
 * Dhariwal, Improved denoising diffusion probabilistic models (ICML 2021), for cosine; Song, Meng
 * and Ermon, Denoising diffusion implicit models (ICLR 2021); Salimans and Ho, Progressive
 * distillation for fast sampling of diffusion models (ICLR 2022), for v; Bao, Li, Zhu and Zhang,
 * Analytic-DPM (ICLR 2022), for the optimal variance; Ho and Salimans, Classifier-free diffusion
 * guidance (2022); Kingma, Salimans, Poole and Ho, Variational diffusion models (NeurIPS 2021), for
 * times spread evenly over a batch.
 *
 *   lat_diffusion_options options = lat_diffusion_defaults();
 *   options.input_dim = 2;
 *   lat_diffusion model;                                 a struct that must not move
 *   LAT_TRY(lat_diffusion_init(work, &model, &options));
 *   for (each batch) LAT_TRY(lat_diffusion_step(work, &model, &(lat_request){.X = batch}, &loss));
 *   lat_request how = {.method = LAT_DIFFUSION_DDIM, .steps = 20};
 *   LAT_TRY(lat_diffusion_sample(work, &model, &how, &random, NULL, &X));
 *   lat_diffusion_done(&model);
 *
 * Results are the same bits for every number of threads. */
#ifndef LAT_DEEP_DIFFUSION_DIFFUSION_H
#define LAT_DEEP_DIFFUSION_DIFFUSION_H

#include "deep/common/time_net.h"
#include "deep/common/training.h"
#include "deep/common/units.h"

typedef enum lat_noise_schedule {
  LAT_NOISE_LINEAR,
  LAT_NOISE_COSINE,
  LAT_NOISE_QUADRATIC,
  LAT_NOISE_SCHEDULES
} lat_noise_schedule;

typedef enum lat_prediction {
  LAT_PREDICT_EPSILON,
  LAT_PREDICT_X0,
  LAT_PREDICT_V,
  LAT_PREDICTIONS
} lat_prediction;

typedef enum lat_reverse_variance {
  LAT_REVERSE_OPTIMAL,
  LAT_REVERSE_POSTERIOR,
  LAT_REVERSE_BETA,
  LAT_REVERSE_VARIANCES
} lat_reverse_variance;

/* request->method */
typedef enum lat_diffusion_sampler {
  LAT_DIFFUSION_ANCESTRAL,
  LAT_DIFFUSION_DDIM
} lat_diffusion_sampler;

typedef struct lat_diffusion_options {
  size_t input_dim;            /* D */
  size_t timesteps;            /* T; 100 */
  int noise_schedule;          /* lat_noise_schedule; cosine */
  double beta_start, beta_end; /* of linear and quadratic; NAN: 0.1/T and 20/T, at most 0.999 */
  int prediction;              /* lat_prediction; v */
  int variance;                /* lat_reverse_variance; optimal */
  bool standardize, clamp;     /* true */
  double ema;                  /* 0.999; 0: no averages */
  lat_time_net_options net;
  lat_deep_options deep;
} lat_diffusion_options;

typedef struct lat_diffusion {
  lat_deep deep; /* its first member, as of all models with nets */
  lat_diffusion_options options;
  lat_time_net net;
  lat_units units; /* of the data */
  /* Parameters that are fixed: the least and the greatest number of each column (2 x D), known with
   * the units; and for each t the mean of |x_0 - X|^2/D and of how many rows it is (2 x T). */
  size_t range, residuals;
  double *kept;   /* A_0, ..., A_T */
  void *features; /* of t = 1, ..., T: T x F, of the model's type */
  lat_allocator allocator;
} lat_diffusion;

lat_diffusion_options lat_diffusion_defaults(void);
/* LAT_INVALID, naming the option, for options that can't be. */
lat_status lat_diffusion_check(lat_workspace *work, const lat_diffusion_options *options);

/* Makes the net, with parameters drawn from the seed. The struct must not move until `done`. A
 * failed init needs no done. */
lat_status lat_diffusion_init(lat_workspace *work, lat_diffusion *model,
                              const lat_diffusion_options *options);
void lat_diffusion_done(lat_diffusion *model);

/* Takes the units and the range of these rows, once; steps that come first do it with their batches
 * (deep/common/units.h). LAT_INVALID, naming it, for a column that is constant. */
lat_status lat_diffusion_begin(lat_workspace *work, lat_diffusion *model, const lat_matrix *X);

/* Requests: X is N x D, of any type and strides; `classes` the rows' labels of a conditional model,
 * NULL elsewhere and, in evaluation, for the density of all classes. LAT_SHAPE for other columns;
 * LAT_INVALID for NaN and infinities, naming row and column, and for labels out of range. */

/* *loss := the simple loss of the next step's noise, the mean over the rows; its gradient is in the
 * store. */
lat_status lat_diffusion_gradient(lat_workspace *work, lat_diffusion *model,
                                  const lat_request *request, double *loss);
/* And a step of the optimizer at request->learning_rate, or the model's own if that isn't > 0.
 * LAT_INVALID, naming the operation, when something isn't finite; the weights are then as before.
 * */
lat_status lat_diffusion_step(lat_workspace *work, lat_diffusion *model, const lat_request *request,
                              double *loss);

/* Epochs of such steps: deep/common/training.h. */
lat_status lat_diffusion_fit(lat_workspace *work, lat_diffusion *model, const lat_matrix *X,
                             const lat_training *training, lat_training_report *report);

/* ---- what it says; in chunks of rows, on all threads ----------------------------------------- */

/* What evaluation reads of a request, besides X, classes and seed: `raw`, the weights as they are;
 * `guidance`; of the reverse process `method`, `eta` and `steps` (0: T); times `from`
 * and `to`. */

/* Y := a draw of x_t for the rows of X, t = request->from, 0 to T; both in the data's units. */
lat_status lat_diffusion_diffuse(lat_workspace *work, const lat_diffusion *model,
                                 const lat_request *request, const lat_matrix *Y);
/* Y := the reverse process from rows X of x_t, t = request->from (0: T), down to request->to. */
lat_status lat_diffusion_reverse(lat_workspace *work, const lat_diffusion *model,
                                 const lat_request *request, const lat_matrix *Y);
/* X := draws; Z (or NULL) := the x_T that they come from, in units of deviations. request->X isn't
 * read; random advances. */
lat_status lat_diffusion_sample(lat_workspace *work, const lat_diffusion *model,
                                const lat_request *request, lat_random *random, const lat_matrix *Z,
                                const lat_matrix *X);
/* For each row L_0, and the sum of the other terms: estimates, with request->samples draws of noise
 * (0: 1) a term, of all terms, or of request->terms drawn a row. */
lat_status lat_diffusion_bound(lat_workspace *work, const lat_diffusion *model,
                               const lat_request *request, double *reconstruction, double *kl);

/* Of each row: bound, reconstruction_loss and kl (lat_diffusion_bound); latent (diffuse), decoded
 * (reverse). */
lat_status lat_diffusion_apply(lat_workspace *work, lat_diffusion *model,
                               const lat_request *request, const lat_outputs *outputs);

/* ---- files (deep/common/net_file.h) ---------------------------------------------------------- */

lat_status lat_diffusion_save(lat_workspace *work, lat_diffusion *model, const char *path);
/* In the place of init. */
lat_status lat_diffusion_load(lat_workspace *work, const char *path, lat_diffusion *model);
/* A view of it, for latent_lua.h. */
lat_fitted lat_diffusion_fitted(lat_diffusion *model);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_diffusion_model;

#endif
