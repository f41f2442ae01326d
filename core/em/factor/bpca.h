/* bpca.h: Bayesian principal component analysis, which finds the number of latent dimensions.
 *
 * Probabilistic PCA (ppca.h) with a prior for each column of W,
 *
 *   x = W z + mean + noise,   noise ~ N(0, s2 I),   z ~ N(0, I),   w_i ~ N(0, inv(alpha_i) I),
 *
 * whose alpha_i are found by the evidence: that of a column which the data doesn't need goes to
 * infinity, and the column to 0 (Bishop, Bayesian PCA, NIPS 11, 1999; Variational principal
 * components, ICANN 1999; Pattern Recognition and Machine Learning, 12.2.3). The evidence is
 * bounded by a factorized posterior, q(z_1) .. q(z_N) times the rows of W, w_j ~ N(m_j, Sigma), of
 * which all have the same covariance:
 *
 *   bound = sum_n E[log p(x_n, z_n | W) - log q(z_n)] - KL(q(W) || p(W | alpha))
 *
 *   lat_bpca_options options = lat_bpca_defaults();
 *   lat_bpca bpca;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_bpca_fit(work, &rows, NULL, &options, &bpca, NULL));
 *   printf("%zu latent dimensions\n", bpca.effective_dimension);
 *
 * Here `W` is its mean, the m_j, D x M, and mean, alpha and s2 are those that maximize the bound. A
 * pass over the data makes q(z_n) = N(inv(K_n) W_o'(x_n - mean), s2 inv(K_n)), where o are the
 * entries that row n has, K_n = W_o'W_o + |o| Sigma + s2 I; then, with z~ = (z, 1) and A_j = sum of
 * E[z~ z~'] over the rows that have x_j,
 *
 *   Sigma = s2 inv(s2 diag(alpha) + mean of the A_j, without their last line)
 *   [m_j mean_j] = inv(A_j + s2 diag(alpha, 0)) sum x_nj E[z~]
 *   alpha_i = D / (|w_i|^2 + D Sigma_ii)
 *   s2 = mean of the expected (x_nj - w~_j'z~)^2
 *
 * None of these lowers the bound. Two things make the steps few. The bound knows directions: among
 * all W R, inv(R) z that explain the data as well there is one that is best, and each step ends in
 * it (mean of E[z z'] = I, E[W'W] diagonal). And a column on its way to 0 would creep there as 1/t;
 * it is switched off instead: it is 0 from then on, its alpha 1e12 N/s2, its Sigma_ii 1/alpha_i. So
 * is one, near a maximum of the bound, without which there is a greater one.
 *
 * Without missing entries the best of all such bounds is known. With the eigenvalues lambda of the
 * covariance (divisor N), a = D/N, x = lambda_i / s2 and y the larger root of x y = (1 + y)(y + a),
 *
 *   w_i = u_i sqrt(s2 y^2 / (y + a)),   alpha_i = D / (s2 y),   Sigma_ii = s2 y / (N (y + a))
 *
 * for the columns with g = y - log(1 + y) - a log(1 + y/a) > 0, all others being off, and s2 is
 * where
 *
 *   bound / N = -1/2 (D log(2 pi s2) + sum of all lambda / s2 - sum of g over the columns)
 *
 * is greatest (Nakajima, Sugiyama, Babacan, Tomioka, Journal of Machine Learning Research 14 and
 * 16, 2013 and 2015, whose matrix factorization this is, in other terms). */
#ifndef LAT_EM_FACTOR_BPCA_H
#define LAT_EM_FACTOR_BPCA_H

#include "em/fit.h"

typedef enum lat_bpca_method { LAT_BPCA_CLOSED_FORM, LAT_BPCA_EM } lat_bpca_method;

/* As many latent dimensions as there can be, one less than columns that vary and at most N - 2, so
 * that something is left to be noise: "all". */
#define LAT_BPCA_ALL LAT_WORD(0)

typedef struct lat_bpca_options {
  lat_fit_options fit; /* of EM, accelerated: 10000 iterations, tolerance 1e-10; its start is one */
  size_t latent_dim;   /* M, the most there can be, from 0 to D - 1, or LAT_BPCA_ALL; that */
  int method;          /* lat_bpca_method; EM. Where entries are missing it always is */
} lat_bpca_options;

/* A fitted model: a view of its parameters, which somebody else holds. */
typedef struct lat_bpca {
  lat_bpca_options options;
  size_t D, M;
  const double *mean;           /* D */
  const double *W;              /* D x M: the posterior's mean, columns that are on first */
  const double *noise_variance; /* one number */
  const double *alpha;          /* M, ascending */
  const double *W_covariance;   /* M x M: Sigma */
  size_t effective_dimension;   /* columns that are on */
  lat_prepared prepared;        /* by lat_bpca_prepare */
} lat_bpca;

lat_bpca_options lat_bpca_defaults(void);
/* LAT_INVALID, with a sentence, for options out of bounds. */
lat_status lat_bpca_check(lat_workspace *work, const lat_bpca_options *options);

/* The posterior of W, and the parameters of the greatest bound; `report`, which may be NULL, has
 * it, a row. Keeps the parameters. LAT_INVALID for options and data (naming row and column), M >=
 * D, N < 2, and a column that is wholly missing; LAT_SINGULAR when the data lies in a plane, so
 * that s2 is 0 and the bound infinite; LAT_CANCELLED. */
lat_status lat_bpca_fit(lat_workspace *work, lat_source *source, const double *weights,
                        const lat_bpca_options *options, lat_bpca *bpca, lat_fit_report *report);

/* What lat_ppca_apply computes (ppca.h), of a PPCA whose W is the posterior's mean. */
lat_status lat_bpca_apply(lat_workspace *work, const lat_bpca *bpca, const lat_request *request,
                          const lat_outputs *outputs);

/* What lat_bpca_apply derives from the parameters, once for many calls: `numbers` (as many as
 * lat_bpca_prepared_count says) of the caller's are filled, and the model uses them for requests
 * with the same `missing` and `scores`, as long as it and its parameters are the same. Errors: as
 * apply's. */
size_t lat_bpca_prepared_count(const lat_bpca *bpca, const lat_request *request);
lat_status lat_bpca_prepare(lat_workspace *work, lat_bpca *bpca, const lat_request *request,
                            double *numbers);

/* A file, as modeling/save.h describes it. */
lat_status lat_bpca_save(lat_workspace *work, const lat_bpca *bpca, const char *path);
/* After a failure the model is as it was. Keeps the parameters. */
lat_status lat_bpca_load(lat_workspace *work, const char *path, lat_bpca *bpca);

/* ---- more of a model ------------------------------------------------------------------------- */

/* These are lat_ppca's, too; free parameters are those of the effective dimension. */
lat_status lat_bpca_inverse(lat_workspace *work, const lat_bpca *bpca, const lat_matrix *Z,
                            const lat_matrix *X);
lat_status lat_bpca_sample(lat_workspace *work, const lat_bpca *bpca, lat_random *random,
                           const lat_matrix *X, const lat_matrix *Z);
lat_status lat_bpca_covariance(lat_workspace *work, const lat_bpca *bpca, const lat_matrix *C);
size_t lat_bpca_free_parameters(const lat_bpca *bpca);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_bpca_model;
lat_bpca lat_bpca_of(const lat_fitted *fitted);
lat_fitted lat_bpca_fitted(const lat_bpca *bpca); /* the other way round */

#endif
