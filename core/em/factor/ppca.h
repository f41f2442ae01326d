/* ppca.h: probabilistic principal component analysis.
 *
 *   x = W z + mean + noise,   z ~ N(0, I) of M dimensions,   noise ~ N(0, s2 I) of D > M,
 *
 * so that x ~ N(mean, C) with C = W W' + s2 I (Tipping, Bishop, Journal of the Royal Statistical
 * Society B 61, 1999; Bishop, Pattern Recognition and Machine Learning, 12.2). With S = U Lambda
 * U', the covariance with divisor N, the likelihood is greatest for the sample mean,
 *
 *   s2 = 1/(D-M) (lambda_{M+1} + ... + lambda_D),   W = U_M (Lambda_M - s2 I)^(1/2) R
 *
 * with any rotation R. Here R = I: the columns of W are orthogonal, descend in length, and the
 * largest entry of each in magnitude is positive.
 *
 *   lat_ppca_options options = lat_ppca_defaults();
 *   options.latent_dim = 2;
 *   lat_ppca ppca;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_ppca_fit(work, &rows, NULL, &options, &ppca, NULL));
 *   LAT_TRY(lat_ppca_apply(work, &ppca, &(lat_request){.X = X}, &(lat_outputs){.latent = &Z}));
 *   LAT_TRY(lat_ppca_save(work, &ppca, "ppca.safetensors"));
 *
 * All goes through the M x M matrix
 *
 *   K = W'W + s2 I,   p(z | x) = N(inv(K) W'(x - mean), s2 inv(K)),
 *   log|C| = (D-M) log s2 + log|K|
 *   (x - mean)' inv(C) (x - mean) = |x - mean - W z|^2 / s2 + |z|^2   at the posterior mean z,
 *
 * whose last form subtracts no large numbers when s2 is small.
 *
 * EM with missing entries is exact. Row n has its own observed entries o, hence its own K_n =
 * W_o'W_o + s2 I and posterior; with z~ = (z, 1) the M-step solves for each column j, over the rows
 * that observe it,
 *
 *   [w_j mean_j] = inv(sum E[z~ z~']) sum x_nj E[z~],   s2 = mean over all observed entries of
 *   the expected (x_nj - w~_j'z~)^2
 *
 * A row without any observed entry has the prior for a posterior, and adds 0.
 *
 * In the limit s2 -> 0 EM alternates two least-squares fits, z given W and W given z, which find
 * the principal subspace at O(NDM) a step, without S (Roweis, NIPS 10, 1998; Bishop 12.2.2). */
#ifndef LAT_EM_FACTOR_PPCA_H
#define LAT_EM_FACTOR_PPCA_H

#include "em/fit.h"

typedef enum lat_ppca_method {
  LAT_PPCA_AUTO = -1, /* the closed form, or EM where noise_variance is 0 or entries are missing */
  LAT_PPCA_CLOSED_FORM,
  LAT_PPCA_EM
} lat_ppca_method;

/* The latent_dim with the largest evidence (projection/dimension.h): "mle". */
#define LAT_PPCA_BY_EVIDENCE LAT_WORD(0)

typedef struct lat_ppca_options {
  lat_fit_options fit;   /* of EM: 10000 iterations, tolerance 1e-13, one start */
  size_t latent_dim;     /* M, from 0 (the isotropic Gaussian) to D - 1 (the Gaussian with full
                          * covariance), or LAT_PPCA_BY_EVIDENCE; 1 */
  int method;            /* lat_ppca_method; AUTO */
  double noise_variance; /* 0: the limit, by EM only; NAN: it is estimated; NAN */
} lat_ppca_options;

/* A fitted model: a view of its parameters, which somebody else holds. */
typedef struct lat_ppca {
  lat_ppca_options options;
  size_t D, M;
  const double *mean;           /* D */
  const double *W;              /* D x M */
  const double *noise_variance; /* one number */
  /* of LAT_PPCA_BY_EVIDENCE: the logarithm of the evidence of M = 1, 2, ..., in nats but for a
   * constant; else NULL and 0 */
  const double *log_evidence;
  size_t evidences;
  lat_prepared prepared; /* by lat_ppca_prepare */
} lat_ppca;

lat_ppca_options lat_ppca_defaults(void);
/* LAT_INVALID, with a sentence, for options out of bounds or that don't go with each other. */
lat_status lat_ppca_check(lat_workspace *work, const lat_ppca_options *options);

/* Maximum likelihood. `report` may be NULL. Keeps the parameters. LAT_INVALID for options and data
 * (naming row and column), M >= D, N < 2, and a column that is wholly missing; LAT_SINGULAR when
 * the data lies in a plane of M dimensions (collinear or constant columns, M >= N-1), where s2 is 0
 * and the likelihood unbounded; LAT_CANCELLED. N < D is fine. */
lat_status lat_ppca_fit(lat_workspace *work, lat_source *source, const double *weights,
                        const lat_ppca_options *options, lat_ppca *ppca, lat_fit_report *report);

/* Of each row of request->X, given the entries it has: log_likelihood (0 for a row without
 * entries), latent (the posterior means; with request->scores Bartlett's), covariances, covariance,
 * reconstruction (W z + mean), imputed and variances; bound and kl, with request->q_means and
 * q_covariances or else the posterior itself. Never forms a D x D matrix. Errors: LAT_SHAPE;
 * LAT_INVALID, naming row and column, for infinities and, unless request->missing, NaN; for a
 * density when s2 is 0; for a covariance of q that isn't positive definite. */
lat_status lat_ppca_apply(lat_workspace *work, const lat_ppca *ppca, const lat_request *request,
                          const lat_outputs *outputs);

/* What lat_ppca_apply derives from the parameters, once for many calls: `numbers` (as many as
 * lat_ppca_prepared_count says) of the caller's are filled, and the model uses them for requests
 * with the same `missing` and `scores`, as long as it and its parameters are the same. Errors: as
 * apply's. */
size_t lat_ppca_prepared_count(const lat_ppca *ppca, const lat_request *request);
lat_status lat_ppca_prepare(lat_workspace *work, lat_ppca *ppca, const lat_request *request,
                            double *numbers);

/* A file, as modeling/save.h describes it. */
lat_status lat_ppca_save(lat_workspace *work, const lat_ppca *ppca, const char *path);
/* After a failure the model is as it was. Keeps the parameters. */
lat_status lat_ppca_load(lat_workspace *work, const char *path, lat_ppca *ppca);

/* ---- more of a model ------------------------------------------------------------------------- */

/* X (N x D) := W z + mean of latent variables Z (N x M). */
lat_status lat_ppca_inverse(lat_workspace *work, const lat_ppca *ppca, const lat_matrix *Z,
                            const lat_matrix *X);

/* Rows drawn from the model into X (n x D), and the latent variables they came from into Z (n x M;
 * or NULL), both packed. */
lat_status lat_ppca_sample(lat_workspace *work, const lat_ppca *ppca, lat_random *random,
                           const lat_matrix *X, const lat_matrix *Z);

/* C (D x D) := W W' + s2 I. */
lat_status lat_ppca_covariance(lat_workspace *work, const lat_ppca *ppca, const lat_matrix *C);

/* D for the mean, and D M + 1 - M(M-1)/2 for C: rotations of W make no other model. */
size_t lat_ppca_free_parameters(const lat_ppca *ppca);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_ppca_model;
lat_ppca lat_ppca_of(const lat_fitted *fitted);
lat_fitted lat_ppca_fitted(const lat_ppca *ppca); /* the other way round */

#endif
