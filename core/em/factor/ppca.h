/* ppca.h: probabilistic principal component analysis.
 *
 *   x = W z + mean + noise,   z ~ N(0, I) of M dimensions,   noise ~ N(0, s2 I) of D > M,
 *
 * so that x ~ N(mean, C) with C = W W' + s2 I (Tipping, Bishop, Journal of the Royal Statistical
 * Society B 61, 1999; Bishop, Pattern Recognition and Machine Learning, 12.2). With S = U Lambda U',
 * the covariance with divisor N, the likelihood is greatest for the sample mean,
 *
 *   s2 = 1/(D-M) (lambda_{M+1} + ... + lambda_D),   W = U_M (Lambda_M - s2 I)^(1/2) R
 *
 * with any rotation R. Here R = I: the columns of W are orthogonal, descend in length, and the
 * largest entry of each in magnitude is positive. All goes through the M x M matrix
 *
 *   K = W'W + s2 I,   p(z | x) = N(inv(K) W'(x - mean), s2 inv(K)),   log|C| = (D-M) log s2 + log|K|
 *   (x - mean)' inv(C) (x - mean) = |x - mean - W z|^2 / s2 + |z|^2   at the posterior mean z,
 *
 * whose last form subtracts no large numbers when s2 is small.
 *
 * EM with missing entries is exact. Row n has its own observed entries o, hence its own
 * K_n = W_o'W_o + s2 I and posterior; with z~ = (z, 1) the M-step solves for each column j, over
 * the rows that observe it,
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

#include "em/em.h"
#include "em/factor/factor.h"
#include "matrix/moments.h"

/* mean (D), W (D x M), noise_variance. */
extern const lat_parameter lat_ppca_parameters[];

/* The view of a flat vector of parameters. What a fitted model says of rows is in factor.h. */
lat_factor_model lat_ppca_of(double *flat, size_t D, size_t M);

/* ---- the closed form ------------------------------------------------------------------------- */

/* The parameters of maximum likelihood, and the mean log-likelihood (nats a row) they have on the
 * data. M = 0 is the isotropic Gaussian, M = D-1 the one with full covariance. N < D is fine.
 *
 * LAT_INVALID for M >= D, N < 2, NaN and infinities; LAT_SINGULAR when the data lies in a plane of M
 * dimensions (collinear or constant columns, M >= N-1), where s2 is 0 and the likelihood unbounded. */
lat_status lat_ppca_fit(lat_workspace *work, const lat_matrix *X, const double *weights, size_t M,
                        double *parameters, double *objective);

/* The same from moments, which may have been added up chunk by chunk. */
lat_status lat_ppca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective);

/* The dimension with the largest evidence, and the logarithms of all, in the workspace
 * (projection/dimension.h). Keeps the evidences. */
lat_status lat_ppca_choose(lat_workspace *work, const lat_moments *moments, size_t *M,
                           double **log_evidence, size_t *count);

/* ---- EM -------------------------------------------------------------------------------------- */

/* lat_em's `model`. Statistics are about the shift, which should be near the mean. */
typedef struct lat_ppca_model {
  double *shift; /* D */
} lat_ppca_model;

/* Kinds for the loop: PPCA, whose objective is the log-likelihood of what is observed; and its limit
 * s2 = 0, whose objective is the squared error of the reconstruction, and descends. sizes[LAT_M]
 * is M. Both know missing entries. The M-step's errors: LAT_INVALID for a column that is wholly
 * missing, LAT_SINGULAR when s2 falls to 1e-14 of the variance. */
extern const lat_em_kind lat_ppca_kind, lat_ppca_limit_kind;

/* A start: the columns' means, also into the shift; W random, about half of the variance; s2 the
 * other half, or 0 for the limit. */
lat_status lat_ppca_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                          bool missing, bool limit, size_t M, uint64_t seed,
                          const lat_ppca_model *model, double *parameters);

/* Turns W, which EM leaves in any rotation, into the form of the closed solution; in the limit, where
 * any basis is as good, into U Lambda^(1/2), Lambda being the variances along U by `statistics` (one
 * of an iteration; or NULL). The statistics are turned along. */
lat_status lat_ppca_canonical(lat_workspace *work, size_t D, size_t M, bool missing, bool limit,
                              double *parameters, double *statistics);

/* D for the mean, and D M + 1 - M(M-1)/2 for C: rotations of W make no other model. */
size_t lat_ppca_free_parameters(size_t D, size_t M);

#endif
