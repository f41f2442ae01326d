/* fa.h: factor analysis.
 *
 *   x = W z + mean + noise,   z ~ N(0, I) of M dimensions,   noise ~ N(0, Psi), Psi diagonal,
 *
 * so that x ~ N(mean, W W' + Psi): the factors z explain all covariances, and each variable has noise of
 * its own (Lawley, Maxwell, Factor Analysis as a Statistical Method, 1971; Bartholomew, Knott,
 * Moustaki, Latent Variable Models and Factor Analysis, chapter 3). Unlike PPCA it is covariant under
 * changes of the variables' units: everything below is done with the correlations.
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
 * Psychology 23, 1970). The likelihood is unbounded or greatest on the border psi_j = 0 for some data
 * (a Heywood case), so psi_j is kept at or above a share `least` of the variance.
 *
 * Rotations of W make no other model. The one given has W'inv(Psi)W diagonal and descending, and
 * then, if wanted, turned to simple structure (projection/rotation.h); after an oblique rotation z has
 * the correlations Phi, and x has the covariance W Phi W' + Psi. */
#ifndef LAT_EM_FACTOR_FA_H
#define LAT_EM_FACTOR_FA_H

#include "em/em.h"
#include "em/factor/factor.h"
#include "matrix/moments.h"

/* mean (D), W (D x M), noise_variances (D), factor_correlations (M x M). */
extern const lat_parameter lat_fa_parameters[];

/* The view of a flat vector of parameters. What a fitted model says of rows is in factor.h. */
lat_factor_model lat_fa_of(double *flat, size_t D, size_t M);

typedef enum lat_rotation { LAT_UNROTATED, LAT_VARIMAX, LAT_PROMAX } lat_rotation;

typedef struct lat_fa_options {
  size_t M;
  double least; /* of psi_j, as a share of the variance of column j; 0: 0.005 */
  lat_rotation rotation;
  size_t max_iterations, restarts; /* 0: 100; 1 */
  double tolerance;                /* of the projected gradient's largest entry; 0: 1e-9 */
  uint64_t seed;                   /* of starts after the first */
} lat_fa_options;

typedef struct lat_fa_record {
  bool converged;
  size_t iterations;  /* of the best start */
  double objective;   /* the mean log-likelihood of a row, nats */
  double discrepancy; /* f: 2 (log-likelihood of the Gaussian without a structure - this one) a row;
                       * infinity when S is singular */
} lat_fa_record;

/* ---- from moments ---------------------------------------------------------------------------- */

/* The parameters of maximum likelihood for data with the mean (D) and covariance S (D x D, divisor N),
 * by projected Newton steps in theta with those derivatives, from the start (1 - M/2D)/diag(inv(R)),
 * R being the correlations, and other random ones. `history` (max_iterations numbers) gets the
 * objective of each iteration of the best start.
 *
 * LAT_INVALID for M >= D, for S that isn't symmetric or finite; LAT_SINGULAR for a constant column
 * (S_jj not above 0 or the rounding of the mean's square), and when S isn't positive semidefinite. A
 * singular S is fine: the bound on Psi keeps the likelihood finite. LAT_CANCELLED. */
lat_status lat_fa_from_covariance(lat_workspace *work, const lat_matrix *S, const double *mean,
                                  const lat_fa_options *options, double *parameters,
                                  double *history, lat_fa_record *record);

/* Of a model of M factors, with its free parameters counted as in lat_fa_free_parameters, against
 * the Gaussian without a structure: ((D-M)^2 - D - M)/2, which may be negative: then many parameters
 * have the same likelihood. */
long long lat_fa_degrees_of_freedom(size_t D, size_t M);

/* Bartlett's statistic (rows - 1 - (2D + 5)/6 - 2M/3) f, under the model about chi-square with those
 * degrees of freedom (Lawley, Maxwell 1971, 4.4). */
double lat_fa_statistic(double rows, size_t D, size_t M, double discrepancy);

/* ---- EM -------------------------------------------------------------------------------------- */

/* lat_em's `model`. Statistics are about the shift, which should be near the mean; noise variances are
 * kept at or above `least` (D), a share of the columns' variances. */
typedef struct lat_fa_model {
  double *shift, *least;
} lat_fa_model;

/* The kind for the loop; it knows missing entries. sizes[LAT_M] is M. The M-step's error: LAT_INVALID
 * for a column that is wholly missing. */
extern const lat_em_kind lat_fa_kind;

/* A start: the columns' means, also into the model's shift, and its `least`. Unless `random` (or D is
 * above 1000) it is the one of lat_fa_from_covariance, with missing entries at their means; else W is
 * random, about half of each column's variance, and Psi the other half. LAT_INVALID for a column that
 * is wholly missing, LAT_SINGULAR for a constant one. */
lat_status lat_fa_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                        bool missing, const lat_fa_options *options, bool random,
                        const lat_fa_model *model, double *parameters);

/* ---- rotations ------------------------------------------------------------------------------- */

/* Turns W, which may be in any rotation, into the canonical form and then as `rotation` says. The
 * statistics of an iteration (or NULL), in terms of z0 (factor.h), are turned along. */
lat_status lat_fa_rotate(lat_workspace *work, size_t D, size_t M, lat_rotation rotation,
                         bool missing, double *parameters, double *statistics);

/* D for the mean, and D M + D - M(M-1)/2 for the covariance: rotations of W make no other model. */
size_t lat_fa_free_parameters(size_t D, size_t M);

#endif
