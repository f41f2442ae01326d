/* zip.h: counts with more zeros than a Poisson distribution has (Lambert, Technometrics 34, 1992).
 *
 * Each column by itself is 0 for sure with probability z_d, and else a count of rate l_d:
 *
 *   p(x) = prod_d ( z_d [x_d = 0] + (1 - z_d) l_d^x_d exp(-l_d) / x_d! )
 *
 *   lat_zip zip;
 *   lat_zip_options options = lat_zip_defaults();
 *   LAT_TRY(lat_zip_fit(work, &source, NULL, &options, &zip, NULL));
 */
#ifndef LAT_EM_ZIP_ZIP_H
#define LAT_EM_ZIP_ZIP_H

#include "em/fit.h"

typedef struct lat_zip_options {
  lat_fit_options fit; /* 1000 iterations, tolerance 1e-12, one start */
} lat_zip_options;

/* A view of the parameters, which somebody else holds. */
typedef struct lat_zip {
  lat_zip_options options;
  size_t D;
  const double *zeros; /* D: z */
  const double *rates; /* D: l */
} lat_zip;

lat_zip_options lat_zip_defaults(void);
lat_status lat_zip_check(lat_workspace *work, const lat_zip_options *options);

/* Maximum likelihood by EM. Keeps the parameters. LAT_INVALID, naming row and column, for what
 * isn't a count. */
lat_status lat_zip_fit(lat_workspace *work, lat_source *source, const double *weights,
                       const lat_zip_options *options, lat_zip *zip, lat_fit_report *report);

/* log_likelihood of each row of request->X. */
lat_status lat_zip_apply(lat_workspace *work, const lat_zip *zip, const lat_request *request,
                         const lat_outputs *outputs);

extern const lat_model lat_zip_model;
lat_zip lat_zip_of(const lat_fitted *fitted);

#endif
