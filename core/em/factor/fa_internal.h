/* fa_internal.h: what the files of factor analysis share. Private to the module. */
#ifndef LAT_EM_FACTOR_FA_INTERNAL_H
#define LAT_EM_FACTOR_FA_INTERNAL_H

#include "em/factor/fa.h"

lat_status lat_fa_check_latent_dim(lat_workspace *work, size_t D, size_t M);
/* factor_correlations := I */
void lat_fa_uncorrelate(double *flat, size_t D, size_t M);
lat_status lat_fa_constant(lat_workspace *work, size_t column, double variance);

/* Where lat_fa_from_covariance starts, with these variances instead of those of S. */
lat_status lat_fa_principal(lat_workspace *work, const lat_matrix *S, const double *mean,
                            const lat_fa_options *options, const double *variances,
                            double *parameters);

/* From parameters at which EM is stationary for the expected covariance S about the mean: when that is
 * no maximum of the likelihood of S but a saddle of its profile, *moved, and the model's parameters are
 * those of a maximum that is higher. Noise variances stay at or above `least` (D). Else `tilt` (D) is
 * the change of their logarithms in which the profile is least curved; 0 when all are at a bound. */
lat_status lat_fa_leave_saddle(lat_workspace *work, const lat_matrix *S, const double *mean,
                               const double *least, lat_factor_model *model, double *tilt,
                               bool *moved);

/* What the loop does when EM has converged (fa_saddle.c). */
extern const lat_em_verification lat_fa_verification;

#endif
