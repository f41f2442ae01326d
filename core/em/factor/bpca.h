/* bpca.h: Bayesian principal component analysis, which finds the number of latent dimensions.
 *
 * Probabilistic PCA (ppca.h) with a prior for each column of W,
 *
 *   x = W z + mean + noise,   noise ~ N(0, s2 I),   z ~ N(0, I),   w_i ~ N(0, inv(alpha_i) I),
 *
 * whose alpha_i are found by the evidence: that of a column which the data doesn't need goes to
 * infinity, and the column to 0 (Bishop, Bayesian PCA, NIPS 11, 1999; Variational principal
 * components, ICANN 1999; Pattern Recognition and Machine Learning, 12.2.3). The evidence is bounded
 * by a factorized posterior, q(z_1) .. q(z_N) times the rows of W, w_j ~ N(m_j, Sigma), of which all
 * have the same covariance:
 *
 *   bound = sum_n E[log p(x_n, z_n | W) - log q(z_n)] - KL(q(W) || p(W | alpha))
 *
 * Here `W` is its mean, the m_j, D x M, and mean, alpha and s2 are those that maximize the bound.
 * A pass over the data makes q(z_n) = N(inv(K_n) W_o'(x_n - mean), s2 inv(K_n)), where o are the
 * entries that row n has, K_n = W_o'W_o + |o| Sigma + s2 I; then, with z~ = (z, 1) and A_j = sum of
 * E[z~ z~'] over the rows that have x_j,
 *
 *   Sigma = s2 inv(s2 diag(alpha) + mean of the A_j, without their last line)
 *   [m_j mean_j] = inv(A_j + s2 diag(alpha, 0)) sum x_nj E[z~]
 *   alpha_i = D / (|w_i|^2 + D Sigma_ii)
 *   s2 = mean of the expected (x_nj - w~_j'z~)^2
 *
 * None of these lowers the bound. Two things make the steps few. The bound knows directions: among
 * all W R, inv(R) z that explain the data as well there is one that is best, and each step ends in it
 * (mean of E[z z'] = I, E[W'W] diagonal). And a column on its way to 0 would creep there as 1/t; it is switched off instead: it is 0 from then
 * on, its alpha 1e12 N/s2, its Sigma_ii 1/alpha_i. So is one, near a maximum of the bound, without
 * which there is a greater one.
 *
 * Without missing entries the best of all such bounds is known. With the eigenvalues lambda of the
 * covariance (divisor N), a = D/N, x = lambda_i / s2 and y the larger root of x y = (1 + y)(y + a),
 *
 *   w_i = u_i sqrt(s2 y^2 / (y + a)),   alpha_i = D / (s2 y),   Sigma_ii = s2 y / (N (y + a))
 *
 * for the columns with g = y - log(1 + y) - a log(1 + y/a) > 0, all others being off, and s2 is where
 *
 *   bound / N = -1/2 (D log(2 pi s2) + sum of all lambda / s2 - sum of g over the columns)
 *
 * is greatest (Nakajima, Sugiyama, Babacan, Tomioka, Journal of Machine Learning Research 14 and 16,
 * 2013 and 2015, whose matrix factorization this is, in other terms). */
#ifndef LAT_EM_FACTOR_BPCA_H
#define LAT_EM_FACTOR_BPCA_H

#include "em/em.h"
#include "em/factor/factor.h"
#include "matrix/moments.h"

/* mean (D), W (D x M), noise_variance, alpha (M), W_covariance (M x M): Sigma. */
extern const lat_parameter lat_bpca_parameters[];

typedef struct lat_bpca {
  size_t D, M;
  double *mean, *W, *noise_variance, *alpha, *W_covariance;
} lat_bpca;

/* The view of a flat vector of parameters; and it as PPCA with W at its mean. */
lat_bpca lat_bpca_of(double *flat, size_t D, size_t M);
lat_factor_model lat_bpca_model(const lat_bpca *bpca);

/* Columns that are not switched off; they come first, from the smallest alpha on. */
size_t lat_bpca_dimensions(const double *W, size_t D, size_t M);

/* ---- the closed form ------------------------------------------------------------------------- */

/* The parameters with the greatest bound, and the bound (nats a row). M is the most latent dimensions.
 *
 * LAT_INVALID for M >= D, N < 2, NaN and infinities; LAT_SINGULAR when the data lies in a plane, so
 * that s2 is 0 and the bound infinite. */
lat_status lat_bpca_fit(lat_workspace *work, const lat_matrix *X, const double *weights, size_t M,
                        double *parameters, double *objective);
lat_status lat_bpca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective);

/* ---- the iteration --------------------------------------------------------------------------- */

/* lat_em's `model`. Statistics are about the shift, which should be near the mean. */
typedef struct lat_bpca_state {
  double *shift; /* D */
  /* Whether the noise variance, by which columns are judged, has come to rest: all alpha stay as they
   * are before, because it is better to have too many columns than too few. */
  bool *settled;
} lat_bpca_state;

/* The objective is the bound, a row. sizes[LAT_M] is the most latent dimensions. */
extern const lat_em_kind lat_bpca_kind;

/* A start: missing entries at their column's mean, s2 that of the closed form, and all columns of W
 * along the eigenvectors, none of them off that has any variance. */
lat_status lat_bpca_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                          bool missing, size_t M, const lat_bpca_state *state, double *parameters);

#endif
