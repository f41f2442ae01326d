/* mppca.h: mixtures of probabilistic PCA, and of factor analysers.
 *
 *   p(x) = sum_k w_k N(x; m_k, C_k),   C_k = W_k W_k' + Psi_k
 *
 * in component k: x = W_k z + m_k + noise, z ~ N(0, I) of M < D dimensions. The noise is isotropic,
 * Psi_k = s_k I: a mixture of probabilistic PCA (Tipping, Bishop, Neural Computation 11, 1999); or
 * Psi_k is diagonal: a mixture of factor analysers (Ghahramani, Hinton, CRG-TR-96-1, 1996). M = 0
 * is a spherical (diagonal) mixture of Gaussians, M = D-1 with isotropic noise the one with full
 * covariances, and K = 1 is PPCA or factor analysis.
 *
 * EM takes components, and missing entries, for what isn't known. Its M-step is the mean m_k of
 * each component's (expected) rows, and from their scatter S_k about it, in one of two ways:
 *
 *   up to LAT_MPPCA_SCATTER columns S_k itself is added up: the mixture is one of Gaussians with
 *   full covariances (gmm.h), whose M-step is PPCA's closed form, W = U (Lambda - s I)^(1/2); or,
 *   for diagonal noise, a few of the steps below
 *
 *   beyond, no D x D matrix is formed. With B = V W' inv(Psi), V = inv(I + W' inv(Psi) W) the
 *   densities go through M x M matrices, S B' is added up, and the M-step is a step for z, too.
 *   EM's would be the regression S B' inv(E) of x on z, where E = V + B S B' is z's second moment.
 *   Taking E for z's covariance (parameter expansion: Liu, Rubin, Wu, Biometrika 85, 1998), which
 *   is then made I again, with E = L L',
 *
 *     W_new = S B' inv(L'),   Psi_new = diag(S - W_new W_new'), or the mean of these
 *
 *   which saves hundreds of steps where there is little noise
 *
 * Either never decreases the log-likelihood of what is observed. A missing entry of a row is its
 * conditional mean given the others, for each component, and adds its conditional covariance to
 * S_k.
 *
 * Coordinates, thresholds and what is done about components that shrink onto too few rows (here: a
 * noise variance below LAT_GMM_COLLAPSED of the data's) are those of gmm.h; also when a fit is
 * singular (here: M + 2 rows, and the noise variances in the place of the covariances); with
 * isotropic noise all columns have one scale. */
#ifndef LAT_EM_MPPCA_MPPCA_H
#define LAT_EM_MPPCA_MPPCA_H

#include "em/gmm/gmm.h"

#define LAT_MPPCA_SCATTER 100 /* columns; see above */

typedef enum lat_mppca_noise { LAT_MPPCA_ISOTROPIC, LAT_MPPCA_DIAGONAL } lat_mppca_noise;

typedef struct lat_mppca_options {
  lat_fit_options fit;   /* 1000 iterations, tolerance 1e-8, one start */
  size_t components;     /* K; 1 */
  size_t latent_dim;     /* M < D; 1 */
  int noise;             /* lat_mppca_noise; isotropic */
  int init;              /* lat_gmm_init; by K-means */
  double regularization; /* >= 0, added to noise variances, relative to the data's; 0 */
} lat_mppca_options;

/* A mixture: a view of its parameters, which somebody else holds. */
typedef struct lat_mppca {
  lat_mppca_options options;
  size_t D, K, M;
  const double *weights;         /* K */
  const double *means;           /* K x D */
  const double *W;               /* K x D x M */
  const double *noise_variances; /* K, or K x D */
  lat_prepared prepared;         /* by lat_mppca_prepare */
} lat_mppca;

lat_mppca_options lat_mppca_defaults(void);
lat_status lat_mppca_check(lat_workspace *work, const lat_mppca_options *options);

/* Maximum likelihood by EM, as lat_gmm_fit. Each W, which is given only up to a rotation, is turned
 * so that W' inv(Psi) W is diagonal, descends, and the largest entry of each column is positive.
 * Keeps the parameters. */
lat_status lat_mppca_fit(lat_workspace *work, lat_source *source, const double *weights,
                         const lat_mppca_options *options, lat_mppca *mppca,
                         lat_fit_report *report);

/* Of each row of request->X: responsibilities, labels, log_likelihood, imputed, variances (together
 * with imputed), bound and kl (with request->q); and, under component request->component, or each
 * row's most probable one, latent and reconstruction (W_k z + m_k). Never forms a D x D matrix.
 * Errors are those of lat_gmm_apply. */
lat_status lat_mppca_apply(lat_workspace *work, const lat_mppca *mppca, const lat_request *request,
                           const lat_outputs *outputs);

/* What lat_mppca_apply derives from the parameters, once for many calls: `numbers` (as many as
 * lat_mppca_prepared_count says) of the caller's are filled, and the model uses them for requests
 * with the same `missing`, as long as it and its parameters are the same. Errors: as apply's. */
size_t lat_mppca_prepared_count(const lat_mppca *mppca, const lat_request *request);
lat_status lat_mppca_prepare(lat_workspace *work, lat_mppca *mppca, const lat_request *request,
                             double *numbers);

/* A file, as modeling/save.h describes it. */
lat_status lat_mppca_save(lat_workspace *work, const lat_mppca *mppca, const char *path);
/* After a failure the mixture is as it was. Keeps the parameters. */
lat_status lat_mppca_load(lat_workspace *work, const char *path, lat_mppca *mppca);

/* ---- more of a mixture ----------------------------------------------------------------------- */

/* The posterior under each component: responsibilities (N x K), means (K x N x M) and covariances:
 * K x M x M, or, of rows with missing entries, K x N x M x M. */
lat_status lat_mppca_posterior(lat_workspace *work, const lat_mppca *mppca,
                               const lat_request *request, const lat_matrix *responsibilities,
                               double *means, double *covariances);

/* X (N x D) := W_k z + m_k of latent variables Z (N x M), component k from labels (N, from 1). */
lat_status lat_mppca_inverse(lat_workspace *work, const lat_mppca *mppca, const lat_matrix *Z,
                             const lat_matrix *labels, const lat_matrix *X);

/* Rows drawn from the mixture into X (n x D), their components, from 1, into labels (n), and the
 * latent variables they came from into Z (n x M). */
lat_status lat_mppca_sample(lat_workspace *work, const lat_mppca *mppca, lat_random *random,
                            const lat_matrix *X, double *labels, const lat_matrix *Z);

/* C (D x D, packed) := W_k W_k' + Psi_k, k from 0. */
void lat_mppca_covariance(const lat_mppca *mppca, size_t k, double *C);

/* lat_gmm_distances of two mixtures of the same D and K, by their D x D covariances. LAT_SHAPE for
 * others. */
lat_status lat_mppca_distances(lat_workspace *work, const lat_mppca *first, const lat_mppca *second,
                               double *distances);

/* K-1 weights, K D means, and K times D M - M(M-1)/2 for W and 1 or D for the noise. */
size_t lat_mppca_free_parameters(const lat_mppca *mppca);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_mppca_model;
lat_mppca lat_mppca_of(const lat_fitted *fitted);
lat_fitted lat_mppca_fitted(const lat_mppca *mppca); /* the other way round */
lat_status lat_mppca_reorder(lat_workspace *work, lat_fitted *fitted, const size_t *order);

#endif
