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
 * Standardizing divides each column by its deviation first, which makes S the correlation
 * matrix. Constant columns stay as they are (their deviation counts as 1). */
#ifndef LAT_PROJECTION_PCA_H
#define LAT_PROJECTION_PCA_H

#include <stdint.h>

#include "base/parameters.h"
#include "matrix/matrix.h"
#include "matrix/moments.h"

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
  lat_pca_solver solver;
  double tolerance; /* of the Krylov solver's residuals relative to lambda_1 */
  uint64_t seed;    /* of its start */
} lat_pca_options;

/* The parameters of a fit, in order; lat_pca views a flat vector of them. */
extern const lat_parameter lat_pca_parameters[];

typedef struct lat_pca {
  size_t D, M;
  double *mean;            /* D */
  double *deviation;       /* D; ones unless standardized */
  double *components;      /* D x M row-major, column i is u_i */
  double *eigenvalues;     /* M, >= 0 */
  double *explained_ratio; /* M: eigenvalue / total variance; 0 when nothing varies */
  double *total_variance;  /* 1: trace of S */
} lat_pca;

/* The view; `flat` holds lat_parameters_count(lat_pca_parameters, sizes) doubles. */
lat_pca lat_pca_of(double *flat, size_t D, size_t M);

typedef struct lat_pca_record {
  lat_pca_solver solver; /* the one that was used */
  size_t iterations;     /* of the Krylov solver; 1 for the others */
  /* for `evidence`: of each dimension from 1 on, in the workspace, nats */
  double *log_evidence;
  size_t dimensions;
} lat_pca_record;

/* Fits. `flat` is set to the parameters in the workspace, `M` to the number of their components.
 *
 * LAT_INVALID when `evidence` is to choose and there aren't more rows than columns.
 *
 * AUTO chooses the Gram matrix when N < D and it is small, the covariance when D is, and the Krylov
 * space when both are large and M is small against them. LAT_INVALID for N < 2, M > min(N, D) and
 * data with NaN or infinities. Keeps the parameters and scratch. */
lat_status lat_pca_fit(lat_workspace *work, const lat_matrix *X, const double *weights,
                       const lat_pca_options *options, double **flat, size_t *M,
                       lat_pca_record *record);

/* The same from moments, which may have been added up chunk by chunk.
 * Keeps the parameters and scratch. */
lat_status lat_pca_from_moments(lat_workspace *work, const lat_moments *moments,
                                const lat_pca_options *options, double **flat, size_t *M,
                                lat_pca_record *record);

/* The outputs of lat_pca_apply: those that are not NULL are computed. */
typedef struct lat_pca_outputs {
  const lat_matrix *latent; /* N x M: z = U' diag(1/deviation) (x - m), whitened on demand */
  const lat_matrix *reconstruction; /* N x D: m + diag(deviation) U U' diag(1/deviation) (x - m) */
  double *distortion;               /* 1: the mean of |x - reconstruction|^2 */
} lat_pca_outputs;

/* Whitened latent variables are divided by sqrt(lambda), so that they have covariance I on the
 * data of the fit; directions without variance (lambda <= 1e-14 D lambda_1) are 0, not noise. */
lat_status lat_pca_apply(lat_workspace *work, const lat_pca *pca, bool whiten, const lat_matrix *X,
                         const lat_pca_outputs *outputs);

/* X := the data of latent variables Z (N x M). */
lat_status lat_pca_inverse(lat_workspace *work, const lat_pca *pca, bool whiten,
                           const lat_matrix *Z, const lat_matrix *X);

#endif
