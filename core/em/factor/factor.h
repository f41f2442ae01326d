/* factor.h: linear-Gaussian latent variables, or factors: what probabilistic PCA and factor
 * analysis have in common.
 *
 *   x = W z + mean + noise,   z ~ N(0, Phi) of M dimensions,   noise ~ N(0, Psi), Psi diagonal,
 *
 * so that x ~ N(mean, C) with C = W Phi W' + Psi. All noise variances are the same in PPCA (Psi =
 * s2 I), and Phi is the identity but for oblique factors. With Phi = L L' the model is that of
 * W L and z0 ~ N(0, I), z = L z0, in which everything is computed, and goes through the M x M matrix
 *
 *   K = W'inv(Psi)W + I,   p(z | x) = N(inv(K) W'inv(Psi)(x - mean), inv(K)),   |C| = |Psi| |K|
 *   (x - mean)' inv(C) (x - mean) = |x - mean - W z|^2 (each square over its noise variance) +
 *   |z|^2, at the posterior mean z,
 *
 * whose last form subtracts no large numbers when the noise is small (Bartholomew, Knott,
 * Moustaki, Latent Variable Models and Factor Analysis, chapter 3; Bishop, Pattern Recognition
 * and Machine Learning, 12.2). Where s2 is shared, K stands for s2 times that, W'W + s2 I, which
 * has a limit for s2 = 0. Rows with missing entries have the same with the rows of W and Psi
 * that belong to what they have. */
#ifndef LAT_EM_FACTOR_FACTOR_H
#define LAT_EM_FACTOR_FACTOR_H

#include "base/random.h"
#include "matrix/matrix.h"

/* The parameters of one model. */
typedef struct lat_factor_model {
  size_t D, M;
  double *mean, *W;        /* D; D x M */
  double *noise_variances; /* D; or one, which all columns share */
  bool shared;
  const double *correlations; /* Phi, M x M; NULL for the identity */
  /* of a model with shared noise that knows each row of W only as N(w_j, spread), M x M: K is then
   * W'W + D spread + s2 I, the posterior of z the best that doesn't depend on W, and the density
   * the bound on it. NULL: W is known */
  const double *spread;
} lat_factor_model;

/* What to compute of each row, given its observed entries: all that is not NULL. */
typedef struct lat_factor_images {
  double *log_likelihood;           /* N, nats; 0 for a row without entries */
  const lat_matrix *latent;         /* N x M: posterior means */
  double *covariances;              /* N x M x M: of each row; see also lat_factor_posterior */
  const lat_matrix *reconstruction; /* N x D: W z + mean */
  const lat_matrix *imputed;        /* N x D: X, missing entries at their conditional means */
  const lat_matrix *variances;      /* N x D: of the missing ones, given the others; else 0 */
  /* q(z) = N(q_means, q_covariances), for all rows (M x M) or for each (N x M x M): KL(q || p(z|x)),
   * and the bound E_q[log p(x,z) - log q(z)], which add up to the log-likelihood */
  const lat_matrix *q_means;
  const double *q_covariances;
  bool q_shared;
  double *bound, *kl; /* N each */
  /* z is fitted by weighted least squares, without its prior (Bartlett's scores, whose mean given
   * z is z): for latent and reconstruction only. What a row's entries leave open is 0. */
  bool least_squares;
} lat_factor_images;

/* Errors: LAT_SHAPE; LAT_INVALID, naming row and column, for infinities and, unless `missing`, NaN;
 * for a density when s2 is 0; for a covariance of q that isn't positive definite. */
lat_status lat_factor_apply(lat_workspace *work, const lat_factor_model *model, const lat_matrix *X,
                            bool missing, const lat_factor_images *images);

/* M x M: the posterior covariance of every row without missing entries. */
lat_status lat_factor_posterior(lat_workspace *work, const lat_factor_model *model,
                                double *covariance);

/* X (N x D) := W z + mean of latent variables Z (N x M). */
lat_status lat_factor_inverse(lat_workspace *work, const lat_factor_model *model,
                              const lat_matrix *Z, const lat_matrix *X);

/* C = W Phi W' + Psi, D x D. */
lat_status lat_factor_covariance(lat_workspace *work, const lat_factor_model *model,
                                 const lat_matrix *C);

/* Rows drawn from the model into X (n x D), and the latent variables they came from into Z (n x M). */
lat_status lat_factor_sample(lat_workspace *work, const lat_factor_model *model, lat_random *random,
                             const lat_matrix *X, const lat_matrix *Z);

/* ---- EM's statistics, so that online EM can go on from a fit --------------------------------- */

/* How many numbers they are: all of which a bilinear model's M-step needs to know (bilinear.h). */
size_t lat_factor_statistics_count(size_t D, size_t M, bool missing);

/* The statistics (of weight 1, nothing missing, about the mean) from which an M-step makes these
 * parameters again, if they are at a stationary point where W'inv(Psi)W is diagonal: there S inv(Psi) W
 * inv(K) = W and the mean of E[z0 z0'] is I. */
void lat_factor_statistics(const lat_factor_model *model, double objective, double *statistics);

#endif
