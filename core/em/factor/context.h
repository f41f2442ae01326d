/* factor/context.h: PPCA, Bayesian PCA and factor analysis on their way through a fit: closed
 * forms, starts, the kinds for the loop, canonical forms. Not for hosts. */
#ifndef LAT_EM_FACTOR_CONTEXT_H
#define LAT_EM_FACTOR_CONTEXT_H

#include "em/factor/bpca.h"
#include "em/factor/fa.h"
#include "em/factor/internal.h"
#include "em/factor/ppca.h"

/* ---- PPCA ------------------------------------------------------------------------------------ */

/* lat_em's `model`. */
typedef struct lat_ppca_context {
  double *shift; /* D: what statistics are about, near the mean */
} lat_ppca_context;

extern const lat_parameter lat_ppca_parameters[];

/* Kinds for the loop: PPCA, whose objective is the log-likelihood of what is observed; and its
 * limit s2 = 0, whose objective is the squared error of the reconstruction, and descends. Both know
 * missing entries. The M-step's errors: LAT_INVALID for a column that is wholly missing,
 * LAT_SINGULAR when s2 falls to LAT_FACTOR_NO_NOISE of the variance. */
extern const lat_em_kind lat_ppca_kind, lat_ppca_limit_kind;

lat_status lat_ppca_check_dimensions(lat_workspace *work, size_t D, size_t M);
lat_status lat_ppca_no_noise(lat_workspace *work, size_t M);

/* The maximum of the likelihood and the mean log-likelihood there (nats a row), of rows in memory
 * or of moments. N < D is fine. LAT_INVALID for M >= D, N < 2, NaN and infinities; LAT_SINGULAR
 * when the data lies in a plane of M dimensions (collinear or constant columns, M >= N-1), where s2
 * is 0 and the likelihood unbounded. */
lat_status lat_ppca_closed_form(lat_workspace *work, const lat_matrix *X, const double *weights,
                                size_t M, double *parameters, double *objective);
lat_status lat_ppca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective);

/* A start of EM: the columns' means, also into the shift; W random, about half of the variance; s2
 * the other half, or 0 for the limit. */
lat_status lat_ppca_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                          bool missing, bool limit, size_t M, uint64_t seed,
                          const lat_ppca_context *context, double *parameters);

/* Turns W, which EM leaves in any rotation, into the form of the closed solution; in the limit,
 * where any basis is as good, into U Lambda^(1/2), Lambda being the variances along U by
 * `statistics` (one of an iteration; or NULL). The statistics are rotated along. */
lat_status lat_ppca_canonical(lat_workspace *work, size_t D, size_t M, bool missing, bool limit,
                              double *parameters, double *statistics);

/* ---- Bayesian PCA ---------------------------------------------------------------------------- */

/* The view of a flat vector of parameters that are being made. */
typedef struct lat_bpca_view {
  size_t D, M;
  double *mean, *W, *noise_variance, *alpha, *W_covariance;
} lat_bpca_view;
lat_bpca_view lat_bpca_view_of(const double *flat, size_t D, size_t M);

/* lat_em's `model`. */
typedef struct lat_bpca_context {
  double *shift; /* D: what statistics are about, near the mean */
  /* Whether the noise variance, by which columns are judged, has converged: all alpha stay as they
   * are before, because it is better to have too many columns than too few. */
  bool *judging;
} lat_bpca_context;

extern const lat_parameter lat_bpca_parameters[];

/* The objective is the bound, a row. sizes[LAT_M] is the most latent dimensions. */
extern const lat_em_kind lat_bpca_kind;

lat_status lat_bpca_check_dimensions(lat_workspace *work, size_t D, size_t M);

/* Columns that are not switched off; they come first, from the smallest alpha on. */
size_t lat_bpca_count_on(const double *W, size_t D, size_t M);

/* The greatest bound, and what it is (nats a row). M is the most latent dimensions. LAT_INVALID for
 * M >= D, N < 2, NaN and infinities; LAT_SINGULAR when the data lies in a plane, so that s2 is 0
 * and the bound infinite. */
lat_status lat_bpca_closed_form(lat_workspace *work, const lat_matrix *X, const double *weights,
                                size_t M, double *parameters, double *objective);
lat_status lat_bpca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective);

/* A start of EM: missing entries at their column's mean, s2 that of the closed form, and all
 * columns of W along the eigenvectors, none of them off that has any variance. */
lat_status lat_bpca_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                          bool missing, size_t M, const lat_bpca_context *context,
                          double *parameters);

/* Column i off; weight: of all rows. */
void lat_bpca_switch_off(const lat_bpca_view *bpca, size_t i, double weight);
/* Column i at its best for an eigenvalue, with b's s2: its alpha, and its line of Sigma, which is
 * diagonal; gives its length. */
double lat_bpca_switch_on(const lat_bpca_view *bpca, size_t i, double lambda, double weight);

/* The s2 from `floor` on that has the greatest bound, for M eigenvalues, descending, the sum of all
 * (`total`), and rows of that weight; the bound, a row; and how many columns are on. */
typedef struct lat_bpca_optimum {
  double noise, bound;
  size_t on;
} lat_bpca_optimum;

lat_bpca_optimum lat_bpca_best(const double *lambda, size_t M, double total, size_t D,
                               double weight, double floor);
/* The lambda of which y = E|w|^2 / s2 is the best. */
double lat_bpca_eigenvalue(double y, double noise, size_t D, double weight);

lat_status lat_bpca_no_noise(lat_workspace *work, size_t M);

/* ---- factor analysis ------------------------------------------------------------------------- */

/* lat_em's `model`. */
typedef struct lat_fa_context {
  double *shift; /* D: what statistics are about, near the mean */
  double *least; /* D: noise variances are kept at or above it, a share of the columns' variances */
} lat_fa_context;

extern const lat_parameter lat_fa_parameters[];

/* The kind for the loop; it knows missing entries. The M-step's error: LAT_INVALID for a column
 * that is wholly missing. */
extern const lat_em_kind lat_fa_kind;
/* What the loop does when EM has converged (fa_saddle.c). */
extern const lat_em_verification lat_fa_verification;

lat_status lat_fa_check_dimensions(lat_workspace *work, size_t D, size_t M);
lat_status lat_fa_constant(lat_workspace *work, size_t column, double variance);
/* factor_correlations := I */
void lat_fa_uncorrelate(double *flat, size_t D, size_t M);
/* What EM makes of parameters: uncorrelated factors W L, Phi = L L', and noise at or above `least`.
 */
lat_status lat_fa_whiten(lat_workspace *work, const lat_fa_context *context, size_t D, size_t M,
                         double *parameters);

/* A fit by the likelihood's profile over Psi (fa_ml.c). */
typedef struct lat_fa_search {
  size_t M;
  double least; /* of psi_j, as a share of the variance of column j */
  int rotation; /* lat_rotation */
  size_t max_iterations, restarts;
  uint64_t seed; /* of starts after the first */
} lat_fa_search;

typedef struct lat_fa_found {
  bool converged;
  size_t iterations;  /* of the best start */
  double objective;   /* the mean log-likelihood of a row, nats */
  double discrepancy; /* f: 2 (log-likelihood of the Gaussian without a structure - this one) a row;
                       * infinity when S is singular */
} lat_fa_found;

/* The parameters of maximum likelihood for data with the mean (D) and covariance S (D x D, divisor
 * N), by projected Newton steps in theta with the derivatives of fa.h, from the start (1 -
 * M/2D)/diag(inv(R)), R being the correlations, and other random ones. `history` (max_iterations
 * numbers) gets the objective of each iteration of the best start. Errors are those of
 * lat_fa_fit_covariance. */
lat_status lat_fa_ml(lat_workspace *work, const lat_matrix *S, const double *mean,
                     const lat_fa_search *search, double *parameters, double *history,
                     lat_fa_found *found);

/* Where lat_fa_ml starts, with these variances instead of those of S. */
lat_status lat_fa_ml_start(lat_workspace *work, const lat_matrix *S, const double *mean,
                           const lat_fa_search *search, const double *variances,
                           double *parameters);

/* From parameters at which EM is stationary for the expected covariance S about the mean: when that
 * is no maximum of the likelihood of S but a saddle of its profile, *moved, and the model's
 * parameters are those of a maximum that is higher. Noise variances stay at or above `least` (D).
 * Else `tilt` (D) is the change of their logarithms in which the profile is least curved; 0 when
 * all are at a bound. */
lat_status lat_fa_leave_saddle(lat_workspace *work, const lat_matrix *S, const double *mean,
                               const double *least, lat_factor_view *model, double *tilt,
                               bool *moved);

/* A start of EM: the columns' means, also into the context's shift, and its `least`. Unless
 * `random` (or D is above LAT_FA_MOST_COLUMNS) it is the one of lat_fa_ml, with missing entries at
 * their means; else W is random, about half of each column's variance, and Psi the other half.
 * LAT_INVALID for a column that is wholly missing, LAT_SINGULAR for a constant one. */
lat_status lat_fa_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                        bool missing, const lat_fa_search *search, bool random,
                        const lat_fa_context *context, double *parameters);

/* Turns W, which may be in any rotation, into the canonical form and then as `rotation` says. The
 * statistics of an iteration (or NULL), in terms of z0, are rotated along. */
lat_status lat_fa_rotate(lat_workspace *work, size_t D, size_t M, int rotation, bool missing,
                         double *parameters, double *statistics);

#endif
