/* gmm.h: mixtures of Gaussians.
 *
 *   p(x) = sum_k w_k N(x; m_k, S_k),   k = 1..K,   x of D dimensions
 *
 * fitted by EM (Bishop, Pattern Recognition and Machine Learning, 9.2). With responsibilities
 * r_nk = p(k | x_n) the M-step is N_k = sum_n r_nk, w_k = N_k/N, m_k = 1/N_k sum_n r_nk x_n and
 * S_k = 1/N_k sum_n r_nk (x_n - m_k)(x_n - m_k)', or what the kind of covariance makes of it.
 *
 * The parameters are one flat vector: weights (K), means (K x D), covariances. Computations are
 * done in coordinates (x - shift)/scale, where the data has mean 0 and deviation 1: thresholds
 * are then relative to the data, and products of coordinates keep their digits.
 *
 * A singularity is a component whose likelihood grows without bound as it shrinks onto too few
 * points. It is seen when a pivot of the Cholesky factor, the variance of a coordinate given
 * those before it, falls below LAT_GMM_COLLAPSED of the data's variance. Then, once and for all,
 * the component gets a ridge (LAT_GMM_RIDGE on the diagonal, relative to the data's variance);
 * or, when it is a point, holds fewer rows than it has dimensions or none at all, it begins anew,
 * spread over all of the data: there it takes over the rows that the others explain worst. After
 * LAT_GMM_RESEEDS of these it stays where it is, with a ridge. The record tells all of it.
 *
 * A fit is singular when that has happened to a component, or nearly has at its end: when a component
 * holds fewer rows (weight times the number of rows) than its covariance needs, D + 1, or 2 where it
 * is diagonal; or when its covariance S_k, without the regularization r, is in some direction less than
 * LAT_GMM_RIDGE of that within all components, W = sum_k w_k S_k:
 *
 *   S_k - r I - LAT_GMM_RIDGE W is not positive definite
 *
 * A regularization of more than LAT_GMM_SAFEGUARD isn't subtracted, and the number of rows doesn't
 * matter then: it is meant to bound the likelihood, and does.
 * This is Hathaway's bound on the ratio of covariances (Annals of Statistics 13, 1985), which doesn't
 * depend on the units of columns or a rotation of them. The likelihood of such a fit tells of a few
 * rows: among several starts it loses against any that isn't (lat_em_better). */
#ifndef LAT_EM_GMM_GMM_H
#define LAT_EM_GMM_GMM_H

#include <stdint.h>

#include "base/random.h"
#include "em/em.h"

typedef enum lat_covariance {
  LAT_COVARIANCE_FULL,          /* S_k: K x D x D */
  LAT_COVARIANCE_DIAG,          /* K x D variances */
  LAT_COVARIANCE_TIED,          /* one for all: D x D */
  LAT_COVARIANCE_SPHERICAL,     /* S_k = s_k I: K variances */
  LAT_COVARIANCE_TIED_DIAG,     /* one diagonal for all: D variances */
  LAT_COVARIANCE_TIED_SPHERICAL /* S_k = s I: one number */
} lat_covariance;

#define LAT_GMM_COLLAPSED 1e-12
#define LAT_GMM_RIDGE     1e-6
#define LAT_GMM_SAFEGUARD 1e-4
enum { LAT_GMM_RESEEDS = 2, LAT_GMM_EVENTS = 64 };
enum { LAT_GMM_REGULARIZED, LAT_GMM_RESEEDED }; /* what was done to a component */

/* What was done about singularities: up to LAT_GMM_EVENTS events. The caller sets all to zero and
 * gives the arrays. */
typedef struct lat_gmm_record {
  double *ridge;    /* K: what is added to the diagonal, relative to the data's variance */
  double *reseeded; /* K: how often */
  bool centred;     /* statistics were about the means at some time */
  size_t count;
  struct lat_gmm_event {
    size_t iteration, component; /* from 1 */
    int what;                    /* LAT_GMM_REGULARIZED or LAT_GMM_RESEEDED */
  } events[LAT_GMM_EVENTS];
} lat_gmm_record;

typedef struct lat_gmm {
  size_t D, K;
  lat_covariance covariance;
  double regularization; /* >= 0, added to variances, relative to the data's */
  uint64_t seed;         /* where components begin anew */
  /* D each; spherical covariances, also a tied one, need one scale
   * for all. See lat_gmm_frame. */
  const double *shift, *scale;
  /* a row's component, from 1, or 0 where it isn't known; or NULL. A known one counts with
   * log p(x, k) in the objective. */
  const uint32_t *labels;
  bool labelled_only; /* rows without a label are left out, and no density is computed: the M-step
                       * gives the maximum likelihood solution of the labels, whatever the present
                       * parameters are */
  const struct lat_gmm_structure *structure; /* of the covariances, for mppca.h; NULL */
  bool running; /* statistics are about the shift in every iteration, as lat_em_step needs */
  lat_gmm_record *record;
} lat_gmm;

/* The tables of parameters, by covariance. */
extern const lat_parameter lat_gmm_full[], lat_gmm_diag[], lat_gmm_tied[], lat_gmm_spherical[],
    lat_gmm_tied_diag[], lat_gmm_tied_spherical[];

/* The kind for the loop, one for each covariance: they differ in the table of parameters. */
const lat_em_kind *lat_gmm_kind(lat_covariance covariance);

/* Shift and scale (D each) for data with these means and variances, or, by the second function,
 * for a mixture's own: those of p(x). */
void lat_gmm_frame(lat_covariance covariance, size_t D, const double *mean, const double *variance,
                   double *shift, double *scale);
lat_status lat_gmm_own_frame(lat_workspace *work, lat_covariance covariance, size_t D, size_t K,
                             const double *parameters, double *shift, double *scale);

/* A start: the first K means (K x D, given), equal weights, and for each component the
 * covariance diag(scale^2). */
void lat_gmm_start(const lat_gmm *gmm, const double *means, double *parameters);

/* order (K, from 0) := the components by the first coordinate of their means, then the second, and
 * so on. */
void lat_gmm_rank(const lat_gmm *gmm, const double *parameters, size_t *order);
/* New component i := old component order[i], in the parameters, which are as the table says, and,
 * unless NULL, in statistics. */
lat_status lat_gmm_reorder(lat_workspace *work, const lat_gmm *gmm, const lat_parameter *table,
                           const size_t sizes[LAT_SIZES], const size_t *order, double *parameters,
                           double *statistics);

/* ---- a fitted mixture ---------------------------------------------------------------------- */

/* What to compute of each row: all that is not NULL. */
typedef struct lat_gmm_images {
  const lat_matrix *responsibilities; /* N x K */
  double *log_likelihood;             /* N, nats */
  double *labels;            /* N: the most probable component, from 1; ties go to the lowest */
  const lat_matrix *imputed; /* N x D: missing entries at their conditional means */
  const lat_matrix *q;       /* N x K: given, see lat_elbo; rows add up to 1 */
  double *bound, *kl;        /* N each */
} lat_gmm_images;

/* `missing`: NaN marks a missing entry, and what is said is said given the others. Errors:
 * LAT_SINGULAR for a covariance that isn't positive definite; LAT_INVALID, naming row and column,
 * for NaN and infinities in X, and for a row of q that has a negative entry or doesn't add up to 1
 * (within 1e-6). */
lat_status lat_gmm_apply(lat_workspace *work, const lat_gmm *gmm, const double *parameters,
                         const lat_matrix *X, bool missing, const lat_gmm_images *images);

/* n rows drawn from the mixture into X (n x D), their components, from 1, into labels (n). */
lat_status lat_gmm_sample(lat_workspace *work, const lat_gmm *gmm, const double *parameters,
                          lat_random *random, const lat_matrix *X, double *labels);

/* The density of the other columns given `given` (`count` column numbers, from 0, ascending):
 * again a mixture, of p(k | x_given) N(y; m_k + A_k (x_given - m_k,given), C_k) (regression by a
 * mixture: Ghahramani, Jordan 1994). Of X (N x count) come the responsibilities (N x K), the K
 * means (each N x M, M = D - count, as K N x M block after block) and the K covariances (M x M). */
lat_status lat_gmm_conditional(lat_workspace *work, const lat_gmm *gmm, const double *parameters,
                               const size_t *given, size_t count, const lat_matrix *X,
                               const lat_matrix *responsibilities, double *means,
                               double *covariances);

/* Free parameters: K-1 weights, K D means, and those of the covariances. */
size_t lat_gmm_free_parameters(const lat_gmm *gmm);

/* The Bhattacharyya distances of the components of two mixtures with the same D, K and covariance
 * (Bhattacharyya 1943): K x K, row i for component i of the first. */
lat_status lat_gmm_distances(lat_workspace *work, const lat_gmm *gmm, const double *first,
                             const double *second, double *distances);

#endif
