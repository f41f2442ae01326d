/* gmm.h: mixtures of Gaussians.
 *
 *   p(x) = sum_k w_k N(x; m_k, S_k),   k = 1..K,   x of D dimensions
 *
 * fitted by EM (Bishop, Pattern Recognition and Machine Learning, 9.2). With responsibilities r_nk
 * = p(k | x_n) the M-step is N_k = sum_n r_nk, w_k = N_k/N, m_k = 1/N_k sum_n r_nk x_n and S_k =
 * 1/N_k sum_n r_nk (x_n - m_k)(x_n - m_k)', or what the form of covariance makes of it.
 *
 *   lat_gmm_options options = lat_gmm_defaults();
 *   options.components = 3;
 *   lat_gmm gmm;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_gmm_fit(work, &rows, NULL, &options, &gmm, NULL));
 *   LAT_TRY(lat_gmm_apply(work, &gmm, &(lat_request){.X = X}, &(lat_outputs){.labels = labels}));
 *   LAT_TRY(lat_gmm_save(work, &gmm, "mixture.safetensors"));
 *
 * The parameters are one flat vector: weights (K), means (K x D), covariances. Computations are
 * done in coordinates (x - shift)/scale, where the data has mean 0 and deviation 1: thresholds are
 * then relative to the data, and products of coordinates keep their digits.
 *
 * A singularity is a component whose likelihood grows without bound as it shrinks onto too few
 * points. It is seen when a pivot of the Cholesky factor, the variance of a coordinate given those
 * before it, falls below LAT_GMM_COLLAPSED of the data's variance. Then, once and for all, the
 * component gets a ridge (LAT_GMM_RIDGE on the diagonal, relative to the data's variance); or, when
 * it is a point, holds fewer rows than it has dimensions or none at all, it begins anew, spread
 * over all of the data: there it takes over the rows that the others explain worst. After
 * LAT_GMM_RESEEDS of these it stays where it is, with a ridge. The record tells all of it.
 *
 * A fit is singular when that has happened to a component, or nearly has at its end: when a
 * component holds fewer rows (weight times the number of rows) than its covariance needs, D + 1, or
 * 2 where it is diagonal; or when its covariance S_k, without the regularization r, is in some
 * direction less than LAT_GMM_RIDGE of that within all components, W = sum_k w_k S_k:
 *
 *   S_k - r I - LAT_GMM_RIDGE W is not positive definite
 *
 * A regularization of more than LAT_GMM_SAFEGUARD isn't subtracted, and the number of rows doesn't
 * matter then: it is meant to bound the likelihood, and does. This is Hathaway's bound on the ratio
 * of covariances (Annals of Statistics 13, 1985), which doesn't depend on the units of columns or a
 * rotation of them. The likelihood of such a fit tells of a few rows: among several starts it loses
 * against any that isn't (lat_em_better). */
#ifndef LAT_EM_GMM_GMM_H
#define LAT_EM_GMM_GMM_H

#include "em/fit.h"

typedef enum lat_covariance {
  LAT_COVARIANCE_FULL,          /* S_k: K x D x D */
  LAT_COVARIANCE_DIAG,          /* K x D variances */
  LAT_COVARIANCE_TIED,          /* one for all: D x D */
  LAT_COVARIANCE_SPHERICAL,     /* S_k = s_k I: K variances */
  LAT_COVARIANCE_TIED_DIAG,     /* one diagonal for all: D variances */
  LAT_COVARIANCE_TIED_SPHERICAL /* S_k = s I: one number */
} lat_covariance;

/* Where the first start of a mixture comes from; later ones are starts.h's. Explicit parameters
 * (fit.given) take the place of either. */
typedef enum lat_gmm_init { LAT_GMM_KMEANS, LAT_GMM_RANDOM } lat_gmm_init;

typedef struct lat_gmm_options {
  lat_fit_options fit;   /* 1000 iterations, tolerance 1e-8, one start */
  size_t components;     /* K; 1 */
  int covariance;        /* lat_covariance; full */
  int init;              /* lat_gmm_init; by K-means */
  double regularization; /* >= 0, added to variances, relative to the data's; 0 */
} lat_gmm_options;

/* A mixture: a view of its parameters, which somebody else holds. */
typedef struct lat_gmm {
  lat_gmm_options options;
  size_t D, K;
  const double *weights;     /* K */
  const double *means;       /* K x D */
  const double *covariances; /* as the form says */
  lat_prepared prepared;     /* by lat_gmm_prepare */
} lat_gmm;

lat_gmm_options lat_gmm_defaults(void);
/* LAT_INVALID, with a sentence, for options out of bounds. */
lat_status lat_gmm_check(lat_workspace *work, const lat_gmm_options *options);

/* Maximum likelihood by EM, from source->labels where they are given (rows with label 0 are free;
 * when all are known this is the closed form, the Gaussian of each class). Components are put in
 * order of the first coordinate of their means (then the second, ...), unless labels or given
 * parameters name them. `report` may be NULL. Keeps the parameters. LAT_INVALID for options, labels
 * and data (naming row and column); LAT_CANCELLED. */
lat_status lat_gmm_fit(lat_workspace *work, lat_source *source, const double *weights,
                       const lat_gmm_options *options, lat_gmm *gmm, lat_fit_report *report);

/* Of each row of request->X: responsibilities, labels, log_likelihood, imputed, bound and kl (with
 * request->q). With request->missing NaN marks a missing entry, and what is said is said given the
 * others. Errors: LAT_SHAPE; LAT_SINGULAR for a covariance that isn't positive definite;
 * LAT_INVALID, naming row and column, for NaN and infinities in X, and for a row of q that has a
 * negative entry or doesn't add up to 1 (within 1e-6). */
lat_status lat_gmm_apply(lat_workspace *work, const lat_gmm *gmm, const lat_request *request,
                         const lat_outputs *outputs);

/* What lat_gmm_apply derives from the parameters, once for many calls: `numbers` (as many as
 * lat_gmm_prepared_count says) of the caller's are filled, and the model uses them for requests
 * with the same `missing`, as long as it and its parameters are the same. Errors: as apply's. */
size_t lat_gmm_prepared_count(const lat_gmm *gmm, const lat_request *request);
lat_status lat_gmm_prepare(lat_workspace *work, lat_gmm *gmm, const lat_request *request,
                           double *numbers);

/* A file, as modeling/save.h describes it. */
lat_status lat_gmm_save(lat_workspace *work, const lat_gmm *gmm, const char *path);
/* After a failure the mixture is as it was. Keeps the parameters. */
lat_status lat_gmm_load(lat_workspace *work, const char *path, lat_gmm *gmm);

/* ---- more of a mixture ----------------------------------------------------------------------- */

/* n rows drawn from the mixture into X (n x D), their components, from 1, into labels (n). */
lat_status lat_gmm_sample(lat_workspace *work, const lat_gmm *gmm, lat_random *random,
                          const lat_matrix *X, double *labels);

/* The density of the other columns given `given` (`count` column numbers, from 0, ascending): again
 * a mixture, of p(k | x_given) N(y; m_k + A_k (x_given - m_k,given), C_k) (regression by a mixture:
 * Ghahramani, Jordan 1994). Of X (N x count) come the responsibilities (N x K), the K means (each N
 * x M, M = D - count, as K N x M block after block), the K covariances (M x M), and the mean and
 * the variances of each row's mixture (N x M each): mean = sum_k r_k mean_k, and the diagonal of
 * sum_k r_k (C_k + mean_k mean_k') - mean mean'. */
typedef struct lat_gmm_conditionals {
  const lat_matrix *responsibilities;
  double *means, *covariances, *mean, *variance;
} lat_gmm_conditionals;
lat_status lat_gmm_conditional(lat_workspace *work, const lat_gmm *gmm, const size_t *given,
                               size_t count, const lat_matrix *X, const lat_gmm_conditionals *to);

/* C (D x D, packed) := the covariance of component k, from 0, whatever the form. */
void lat_gmm_covariance(const lat_gmm *gmm, size_t k, double *C);

/* Free parameters: K-1 weights, K D means, and those of the covariances. */
size_t lat_gmm_free_parameters(const lat_gmm *gmm);

/* The Bhattacharyya distances of the components of two mixtures with the same D, K and covariance
 * (Bhattacharyya 1943): K x K, row i for component i of the first. LAT_SHAPE for other mixtures. */
lat_status lat_gmm_distances(lat_workspace *work, const lat_gmm *first, const lat_gmm *second,
                             double *distances);

/* ---- singularities --------------------------------------------------------------------------- */

#define LAT_GMM_COLLAPSED 1e-12
#define LAT_GMM_RIDGE     1e-6
#define LAT_GMM_SAFEGUARD 1e-4
enum { LAT_GMM_RESEEDS = 2, LAT_GMM_EVENTS = 64 };
enum { LAT_GMM_REGULARIZED, LAT_GMM_RESEEDED }; /* what was done to a component */

typedef struct lat_gmm_event {
  size_t iteration, component; /* from 1 */
  int what;                    /* LAT_GMM_REGULARIZED or LAT_GMM_RESEEDED */
} lat_gmm_event;

/* The events of a fit, `count` of them: of any mixture of Gaussians, and NULL for parameters that
 * no fit made. */
const lat_gmm_event *lat_gmm_events(const lat_fitted *fitted, size_t *count);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_gmm_model;
lat_gmm lat_gmm_of(const lat_fitted *fitted);
lat_fitted lat_gmm_fitted(const lat_gmm *gmm); /* the other way round */
/* New component i := old component order[i], in whatever `fitted` has; nobody else may have it. */
lat_status lat_gmm_reorder(lat_workspace *work, lat_fitted *fitted, const size_t *order);

#endif
