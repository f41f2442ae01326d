/* mppca.h: mixtures of probabilistic PCA, and of factor analysers.
 *
 *   p(x) = sum_k w_k N(x; m_k, C_k),   C_k = W_k W_k' + Psi_k
 *
 * in component k: x = W_k z + m_k + noise, z ~ N(0, I) of M < D dimensions. The noise is isotropic,
 * Psi_k = s_k I: a mixture of probabilistic PCA (Tipping, Bishop, Neural Computation 11, 1999); or
 * Psi_k is diagonal: a mixture of factor analysers (Ghahramani, Hinton, CRG-TR-96-1, 1996). M = 0 is
 * a spherical (diagonal) mixture of Gaussians, M = D-1 with isotropic noise the one with full
 * covariances, and K = 1 is PPCA or factor analysis.
 *
 * EM takes components, and missing entries, for what isn't known. Its M-step is the mean m_k of each
 * component's (expected) rows, and from their scatter S_k about it, in one of two ways:
 *
 *   up to LAT_MPPCA_SCATTER columns S_k itself is added up: the mixture is one of Gaussians with full
 *   covariances (gmm.h), whose M-step is PPCA's closed form, W = U (Lambda - s I)^(1/2); or, for
 *   diagonal noise, a few of the steps below
 *
 *   beyond, no D x D matrix is formed. With B = V W' inv(Psi), V = inv(I + W' inv(Psi) W) densities go
 *   through M x M matrices, S B' is added up, and the M-step is one step for z as well. EM's would be
 *   the regression S B' inv(E) of x on z, where E = V + B S B' is z's second moment. Taking E for z's
 *   covariance (parameter expansion: Liu, Rubin, Wu, Biometrika 85, 1998), which is then made I again,
 *   with E = L L',
 *
 *     W_new = S B' inv(L'),   Psi_new = diag(S - W_new W_new'), or the mean of these
 *
 *   which saves hundreds of steps where there is little noise
 *
 * Either never decreases the log-likelihood of what is observed. A missing entry of a row is its
 * conditional mean given the others, for each component, and adds its conditional covariance to S_k.
 *
 * Coordinates, thresholds and what is done about components that shrink onto too few rows (here: a
 * noise variance below LAT_GMM_COLLAPSED of the data's) are those of gmm.h; also when a fit is singular
 * (here: M + 2 rows, and the noise variances in the place of the covariances); with isotropic noise all
 * columns have one scale. */
#ifndef LAT_EM_MPPCA_MPPCA_H
#define LAT_EM_MPPCA_MPPCA_H

#include "em/gmm/gmm.h"

#define LAT_MPPCA_SCATTER 100 /* columns; see above */

/* weights (K), means (K x D), W (K x D x M), noise_variances (K, or K x D). */
extern const lat_parameter lat_mppca_isotropic[], lat_mppca_diagonal[];

typedef struct lat_mppca {
  lat_gmm gmm; /* D, K, seed, frame, labels, regularization and record; the covariance is full */
  size_t M;
  bool diagonal;
} lat_mppca;

/* The view of a flat vector of parameters. */
typedef struct lat_mppca_view {
  double *weights, *means, *W, *noise;
} lat_mppca_view;
lat_mppca_view lat_mppca_of(const lat_mppca *mppca, double *flat);

/* The kind for the loop, whose `model` is a lat_mppca; sizes[LAT_M] is M. */
const lat_em_kind *lat_mppca_kind(const lat_mppca *mppca);

/* LAT_INVALID unless M < D. */
lat_status lat_mppca_check(lat_workspace *work, const lat_mppca *mppca);

/* ---- before and after ------------------------------------------------------------------------- */

/* Shift and scale for the distribution of a fitted mixture: see lat_gmm_own_frame. */
lat_status lat_mppca_own_frame(lat_workspace *work, const lat_mppca *mppca,
                               const double *parameters, double *shift, double *scale);

/* A start: these means (K x D), equal weights, W at random, which is half of the data's variance; the
 * other half is noise. */
void lat_mppca_start(const lat_mppca *mppca, const double *means, double *parameters);

/* A start: the PPCA of the rows of X (complete, as they are) with each label, from 1; those with
 * label 0 are left out. A component with too few rows is spread over all of the data. */
lat_status lat_mppca_from_labels(lat_workspace *work, const lat_mppca *mppca, const lat_matrix *X,
                                 const double *weights, const uint32_t *labels, double *parameters);

/* Turns each W, which is given only up to a rotation, so that W' inv(Psi) W is diagonal, descends,
 * and the largest entry of each column is positive. The statistics, unless NULL, are turned along. */
lat_status lat_mppca_canonical(lat_workspace *work, const lat_mppca *mppca, double *parameters,
                               double *statistics);

/* How many statistics there are; the same with missing entries and without. */
size_t lat_mppca_statistics_count(const lat_mppca *mppca);

/* New component i := old component order[i], in the parameters and, unless NULL, in statistics. */
lat_status lat_mppca_reorder(lat_workspace *work, const lat_mppca *mppca, const size_t *order,
                             double *parameters, double *statistics);

/* ---- a fitted mixture: only D, K, M and `diagonal` are asked for ------------------------------- */

/* What to compute of each row, given its observed entries: all that is not NULL. */
typedef struct lat_mppca_images {
  lat_gmm_images mixture;
  /* under component number `component`, from 1, or, when that is 0, each row's most probable: */
  size_t component;
  const lat_matrix *latent;         /* N x M: posterior means */
  const lat_matrix *reconstruction; /* N x D: W_k z + m_k */
  /* under each component: */
  double *all_latent;  /* K x N x M */
  double *covariances; /* K x N x M x M: V of each row; see also lat_mppca_posterior_covariance */
  const lat_matrix *variances; /* N x D: of the imputed entries, under the mixture; else 0. Only
                                * together with mixture.imputed */
} lat_mppca_images;

/* Never forms a D x D matrix. Errors: LAT_SHAPE; LAT_INVALID, naming row and column, for infinities
 * and, unless `missing`, NaN; for rows of q that are no distributions; LAT_SINGULAR for parameters
 * that have no density. */
lat_status lat_mppca_apply(lat_workspace *work, const lat_mppca *mppca, const double *parameters,
                           const lat_matrix *X, bool missing, const lat_mppca_images *images);

/* V = inv(I + W' inv(Psi) W) of component k, from 0: M x M, for rows without missing entries. */
lat_status lat_mppca_posterior_covariance(lat_workspace *work, const lat_mppca *mppca,
                                          const double *parameters, size_t k, double *V);

/* X (N x D) := W_k z + m_k of latent variables Z (N x M), component k from labels (N, from 1). */
lat_status lat_mppca_inverse(lat_workspace *work, const lat_mppca *mppca, const double *parameters,
                             const lat_matrix *Z, const lat_matrix *labels, const lat_matrix *X);

/* Rows drawn from the mixture into X (n x D), their components, from 1, into labels (n), and the
 * latent variables they came from into Z (n x M). */
lat_status lat_mppca_sample(lat_workspace *work, const lat_mppca *mppca, const double *parameters,
                            lat_random *random, const lat_matrix *X, double *labels,
                            const lat_matrix *Z);

/* C (D x D, packed) := W_k W_k' + Psi_k, k from 0. */
void lat_mppca_covariance(const lat_mppca *mppca, const double *parameters, size_t k, double *C);

/* lat_gmm_distances of two mixtures of the same D and K, by their D x D covariances. */
lat_status lat_mppca_distances(lat_workspace *work, const lat_mppca *first, const double *a,
                               const lat_mppca *second, const double *b, double *distances);

/* K-1 weights, K D means, and K times D M - M(M-1)/2 for W and 1 or D for the noise. */
size_t lat_mppca_free_parameters(const lat_mppca *mppca);

#endif
