/* fa_parts.h: what the files of factor analysis share. Private to the module. */
#ifndef LAT_EM_FA_PARTS_H
#define LAT_EM_FA_PARTS_H

#include "em/fa.h"

lat_status lat_fa_check_latent_dim(lat_workspace *work, size_t D, size_t M);
/* factor_correlations := I */
void lat_fa_uncorrelate(double *flat, size_t D, size_t M);
lat_status lat_fa_constant(lat_workspace *work, size_t column, double variance);

/* Where lat_fa_from_covariance starts, with these variances instead of those of S. */
lat_status lat_fa_principal(lat_workspace *work, const lat_matrix *S, const double *mean,
                            const lat_fa_options *options, const double *variances,
                            double *parameters);

#endif
