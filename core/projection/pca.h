/* pca.h: principal component analysis.
 *
 * Of centred data X (N x D) with covariance S = 1/N sum (x - m)(x - m)' the M eigenvectors
 * u_1..u_M of the largest eigenvalues span the space that keeps the most variance, and
 * equally the one from which the rows can be rebuilt with the least squared error
 *
 *   J = 1/N sum |x - x~|^2 = lambda_{M+1} + ... + lambda_D
 *
 * (Bishop, Pattern Recognition and Machine Learning, 12.1). Eigenvalues descend, divide by N
 * and not N-1; the largest entry of each u_i in magnitude is positive.
 *
 *   lat_pca_options options = lat_pca_defaults();
 *   options.latent_dim = 2;
 *   lat_pca pca;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_pca_fit(work, &rows, NULL, &options, &pca, NULL));
 *   LAT_TRY(lat_pca_apply(work, &pca, &(lat_request){.X = X}, &(lat_outputs){.latent = &Z}));
 *   LAT_TRY(lat_pca_save(work, &pca, "pca.safetensors"));
 *
 * Standardizing divides each column by its deviation first, which makes S the correlation
 * matrix. Constant columns stay as they are (their deviation counts as 1).
 *
 * Whitened latent variables are divided by sqrt(lambda), so that they have covariance I on the
 * data of the fit; directions without variance (lambda <= 1e-14 D lambda_1) are 0, not noise. */
#ifndef LAT_PROJECTION_PCA_H
#define LAT_PROJECTION_PCA_H

#include "matrix/moments.h"
#include "modeling/statistics.h"

typedef enum lat_pca_solver {
  LAT_PCA_AUTO,       /* by the shape, see lat_pca_fit */
  LAT_PCA_COVARIANCE, /* S, block by block, then its largest eigenpairs: N D^2 + D^3 */
  LAT_PCA_GRAM,       /* the N x N products of rows, for N < D: N^2 D + N^3 */
  LAT_PCA_RANDOMIZED  /* a block Krylov space from a random start, run until the residuals
                       * are below the tolerance; an exact solver replaces it if they stay above */
} lat_pca_solver;

typedef struct lat_pca_options {
  size_t latent_dim; /* M; 0 is all, min(N-1, D) */
  double share;      /* 0, or keep the least M with this share of the variance */
  bool evidence;     /* keep the M of the largest evidence (dimension.h) */
  bool standardize;
  bool whiten;
  int solver;       /* lat_pca_solver; AUTO */
  double tolerance; /* of the Krylov solver's residuals relative to lambda_1; 1e-9 */
  uint64_t seed;    /* of its start */
} lat_pca_options;

/* A view of the parameters, which somebody else holds. */
typedef struct lat_pca {
  lat_pca_options options;
  size_t D, M;
  const double *mean;            /* D */
  const double *deviation;       /* D; ones unless standardized */
  const double *components;      /* D x M row-major, column i is u_i */
  const double *eigenvalues;     /* M, >= 0 */
  const double *explained_ratio; /* M: eigenvalue / total variance; 0 when nothing varies */
  const double *total_variance;  /* 1: trace of S */
} lat_pca;

typedef struct lat_pca_report {
  lat_pca_solver solver; /* the one that was used */
  size_t iterations;     /* of the Krylov solver; 1 for the others */
  /* for `evidence`: of each dimension from 1 on, in the workspace, nats */
  double *log_evidence;
  size_t dimensions;
} lat_pca_report;

lat_pca_options lat_pca_defaults(void);
lat_status lat_pca_check(lat_workspace *work, const lat_pca_options *options);

/* A fit with its report, or NULL.
 *
 * Rows in memory are fitted by the solver of the options; AUTO chooses the Gram matrix when N < D
 * and it is small, the covariance when D is, and the Krylov space when both are large and M is
 * small against them. Rows in pieces are added up to the covariance, or, of more than
 * LAT_SCATTER_COLUMNS columns, by incremental decompositions (incremental.h).
 *
 * LAT_INVALID for N < 2, M > min(N, D), data with NaN or infinities, and when `evidence` is to
 * choose and there aren't more rows than columns. Keeps the parameters, and scratch. */
lat_status lat_pca_fit(lat_workspace *work, lat_source *source, const double *weights,
                       const lat_pca_options *options, lat_pca *pca, lat_pca_report *report);

/* Of each row of request->X: latent (z = U' diag(1/deviation) (x - m), whitened on demand) and
 * reconstruction (m + diag(deviation) U U' diag(1/deviation) (x - m)); and of all of them together
 * the distortion. */
lat_status lat_pca_apply(lat_workspace *work, const lat_pca *pca, const lat_request *request,
                         const lat_outputs *outputs);

/* X (N x D) := the data of latent variables Z (N x M). */
lat_status lat_pca_inverse(lat_workspace *work, const lat_pca *pca, const lat_matrix *Z,
                           const lat_matrix *X);

/* A file, as modeling/save.h describes it. */
lat_status lat_pca_save(lat_workspace *work, const lat_pca *pca, const char *path);
/* Keeps the parameters. */
lat_status lat_pca_load(lat_workspace *work, const char *path, lat_pca *pca);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_pca_model;
lat_pca lat_pca_of(const lat_fitted *fitted);
lat_fitted lat_pca_fitted(const lat_pca *pca); /* the other way round */
/* Gives parameters that a user has given, and NaN, what follows from the others: deviations of 1,
 * the total variance without any beyond the components, and their shares. */
void lat_pca_complete(lat_fitted *fitted);
/* The report of the fit that has made them. */
lat_pca_report lat_pca_report_of(const lat_fitted *fitted);

/* ---- for other models ------------------------------------------------------------------------ */

/* A fit with rows in memory. `flat` is set to the parameters in the workspace, `M` to the number of
 * their components. Errors are those of lat_pca_fit. Keeps the parameters and scratch. */
lat_status lat_pca_fit_rows(lat_workspace *work, const lat_matrix *X, const double *weights,
                            const lat_pca_options *options, double **flat, size_t *M,
                            lat_pca_report *report);
/* The same from moments, which may have been added up piece by piece. Keeps the parameters and
 * scratch. */
lat_status lat_pca_from_moments(lat_workspace *work, const lat_moments *moments,
                                const lat_pca_options *options, double **flat, size_t *M,
                                lat_pca_report *report);
/* The view of them, but for its options. */
lat_pca lat_pca_view(const double *flat, size_t D, size_t M);

#endif
