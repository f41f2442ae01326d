/* fa.h: factor analysis.
 *
 *   x = W z + mean + noise,   z ~ N(0, I) of M dimensions,   noise ~ N(0, Psi), Psi diagonal,
 *
 * so that x ~ N(mean, W W' + Psi): the factors z explain all covariances, and each variable has
 * noise of its own (Lawley, Maxwell, Factor Analysis as a Statistical Method, 1971; Bartholomew,
 * Knott, Moustaki, Latent Variable Models and Factor Analysis, chapter 3). Unlike PPCA it is
 * covariant under changes of the variables' units: everything below is done with the correlations.
 *
 *   lat_fa_options options = lat_fa_defaults();
 *   options.latent_dim = 2;
 *   options.rotation = LAT_VARIMAX;
 *   lat_fa fa;
 *   lat_fa_test_result test;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_fa_fit(work, &rows, NULL, &options, &fa, NULL));
 *   LAT_TRY(lat_fa_test(work, &fa, &test));   are two factors enough?
 *
 * For given Psi, with eigenvalues e and vectors omega of Psi^(-1/2) S Psi^(-1/2), the likelihood is
 * greatest for W = Psi^(1/2) Omega_M (E_M - I)^(1/2), and then, a row,
 *
 *   -2 log L = D log 2pi + log|S| + D + f,   f(Psi) = sum over m > M of (e_m - log e_m - 1)
 *
 * f is minimized over theta = log psi, whose derivatives are, with c_m = omega_im omega_jm,
 *
 *   df/dtheta_j = sum_{m>M} (1 - e_m) omega_jm^2
 *   d2f/dtheta_i dtheta_j = (sum_{m>M} c_m) (sum_{m>M} e_m c_m)
 *       + sum_{n<=M} c_n sum_{m>M} (1 - e_m) (e_n + e_m)/(e_n - e_m) c_m
 *
 * (Joreskog, Psychometrika 32, 1967; Clarke, British Journal of Mathematical and Statistical
 * Psychology 23, 1970). The likelihood is unbounded or greatest on the border psi_j = 0 for some
 * data (a Heywood case), so psi_j is kept at or above a share `least` of the variance.
 *
 * Rotations of W make no other model. The one given has W'inv(Psi)W diagonal and descending, and
 * then, if wanted, turned to simple structure (projection/rotation.h); after an oblique rotation z
 * has the correlations Phi, and x has the covariance W Phi W' + Psi. */
#ifndef LAT_EM_FACTOR_FA_H
#define LAT_EM_FACTOR_FA_H

#include "em/fit.h"

typedef enum lat_rotation { LAT_UNROTATED, LAT_VARIMAX, LAT_PROMAX } lat_rotation;

/* LAT_FA_PROFILE is an older name of LAT_FA_ML. */
typedef enum lat_fa_method { LAT_FA_ML, LAT_FA_EM, LAT_FA_PROFILE } lat_fa_method;

typedef struct lat_fa_options {
  lat_fit_options fit; /* 10000 iterations, one start; of EM, accelerated: tolerance 1e-12 */
  size_t latent_dim;   /* M, from 0 (independent columns) to D - 1; 1 */
  int method;          /* lat_fa_method; by the likelihood's profile. Where entries are missing it
                            * is EM */
  int rotation;        /* lat_rotation; none */
  double least_uniqueness; /* of psi_j, as a share of the variance of column j; 0.005 */
} lat_fa_options;

/* A fitted model: a view of its parameters, which somebody else holds. */
typedef struct lat_fa {
  lat_fa_options options;
  size_t D, M;
  const double *mean;                /* D */
  const double *W;                   /* D x M, in the units of the data; rotated */
  const double *noise_variances;     /* D: Psi */
  const double *factor_correlations; /* M x M: Phi, the identity but after promax */
  /* D: what noise_variances were kept at or above; NULL for parameters that no fit made */
  const double *least;
  /* of a fit by LAT_FA_ML: the weight of the rows; and 2 (log-likelihood of the Gaussian without a
   * structure - this one) a row, infinity when the covariance is singular. Else NAN */
  double rows, discrepancy;
  lat_prepared prepared; /* by lat_fa_prepare */
} lat_fa;

lat_fa_options lat_fa_defaults(void);
/* LAT_INVALID, with a sentence, for options out of bounds. */
lat_status lat_fa_check(lat_workspace *work, const lat_fa_options *options);

/* Maximum likelihood. `report` may be NULL. Keeps the parameters. LAT_INVALID for options and data
 * (naming row and column), M >= D, N < 2, and a column that is wholly missing; LAT_SINGULAR for a
 * constant column; LAT_CANCELLED. Collinear columns are fine: the bound on Psi keeps the likelihood
 * finite. */
lat_status lat_fa_fit(lat_workspace *work, lat_source *source, const double *weights,
                      const lat_fa_options *options, lat_fa *fa, lat_fit_report *report);

/* The same of data with this mean (D; NULL: 0) and covariance S (D x D, divisor N) of `rows` rows,
 * by LAT_FA_ML whatever the method. LAT_INVALID for M >= D, for S that isn't symmetric or finite,
 * for less than two rows; LAT_SINGULAR for a constant column (S_jj not above 0 or the rounding of
 * the mean's square), and when S isn't positive semidefinite; LAT_CANCELLED. Keeps the parameters.
 */
lat_status lat_fa_fit_covariance(lat_workspace *work, const lat_matrix *S, double rows,
                                 const double *mean, const lat_fa_options *options, lat_fa *fa,
                                 lat_fit_report *report);

/* What lat_ppca_apply computes (ppca.h), with Psi in the place of s2 I and z ~ N(0, Phi). */
lat_status lat_fa_apply(lat_workspace *work, const lat_fa *fa, const lat_request *request,
                        const lat_outputs *outputs);

/* What lat_fa_apply derives from the parameters, once for many calls: `numbers` (as many as
 * lat_fa_prepared_count says) of the caller's are filled, and the model uses them for requests with
 * the same `missing` and `scores`, as long as it and its parameters are the same. Errors: as
 * apply's. */
size_t lat_fa_prepared_count(const lat_fa *fa, const lat_request *request);
lat_status lat_fa_prepare(lat_workspace *work, lat_fa *fa, const lat_request *request,
                          double *numbers);

/* A file, as modeling/save.h describes it. */
lat_status lat_fa_save(lat_workspace *work, const lat_fa *fa, const char *path);
/* After a failure the model is as it was. Keeps the parameters. */
lat_status lat_fa_load(lat_workspace *work, const char *path, lat_fa *fa);

/* ---- more of a model ------------------------------------------------------------------------- */

/* As lat_ppca's (ppca.h); C = W Phi W' + Psi. */
lat_status lat_fa_inverse(lat_workspace *work, const lat_fa *fa, const lat_matrix *Z,
                          const lat_matrix *X);
lat_status lat_fa_sample(lat_workspace *work, const lat_fa *fa, lat_random *random,
                         const lat_matrix *X, const lat_matrix *Z);
lat_status lat_fa_covariance(lat_workspace *work, const lat_fa *fa, const lat_matrix *C);

/* 2 D + D M - M(M-1)/2: rotations of W make no other model. */
size_t lat_fa_free_parameters(const lat_fa *fa);

/* Against the Gaussian without a structure: ((D-M)^2 - D - M)/2, which may be negative: then many
 * parameters have the same likelihood, and the model isn't identifiable. */
long long lat_fa_degrees_of_freedom(const lat_fa *fa);
/* The same of M factors of D columns. */
long long lat_fa_degrees_of(size_t D, size_t M);

/* u (D) := noise_variances as shares of the columns' variances; and whether u_j is at its bound (a
 * Heywood case). */
lat_status lat_fa_uniquenesses(lat_workspace *work, const lat_fa *fa, double *u);
bool lat_fa_is_heywood(const lat_fa *fa, double uniqueness);

/* The likelihood ratio test that M factors are enough: Bartlett's statistic (rows - 1 - (2D + 5)/6
 * - 2M/3) discrepancy, under the model about chi-square with those degrees of freedom (Lawley,
 * Maxwell 1971, 4.4), and the probability of more. LAT_INVALID where there is nothing to test:
 * without degrees of freedom, after EM, with a singular covariance. */
typedef struct lat_fa_test_result {
  double statistic, p_value;
  long long degrees_of_freedom;
} lat_fa_test_result;
lat_status lat_fa_test(lat_workspace *work, const lat_fa *fa, lat_fa_test_result *test);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_fa_model;
lat_fa lat_fa_of(const lat_fitted *fitted);
lat_fitted lat_fa_fitted(const lat_fa *fa); /* the other way round */
/* lat_fa_fit_covariance with all that belongs to a fit. Keeps it. */
lat_status lat_fa_fitted_to(lat_workspace *work, const lat_matrix *S, double rows,
                            const double *mean, const lat_fa_options *options, lat_fitted *fitted,
                            lat_fit_report *report, const double **history);

#endif
