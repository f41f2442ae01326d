/* scaler.h: columns with mean 0 and deviation 1.
 *
 *   z_j = (x_j - m_j) / s_j,   s_j^2 = 1/N sum (x_j - m_j)^2
 *
 * A constant column has s_j = 1, so it becomes 0. A missing entry (NaN) stays missing, and its
 * column's moments are those of the other entries.
 *
 *   lat_scaler_options options = lat_scaler_defaults();
 *   lat_scaler scaler;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_scaler_fit(work, &rows, NULL, &options, &scaler));
 *   LAT_TRY(lat_scaler_apply(work, &scaler, &(lat_request){.X = X},
 *                            &(lat_outputs){.standardized = &Z}));
 */
#ifndef LAT_PROJECTION_SCALER_H
#define LAT_PROJECTION_SCALER_H

#include "modeling/statistics.h"

typedef struct lat_scaler_options {
  bool with_mean, with_deviation; /* true; else the means are 0, the deviations 1 */
} lat_scaler_options;

/* A view of the parameters, which somebody else holds. */
typedef struct lat_scaler {
  lat_scaler_options options;
  size_t D;
  const double *mean, *deviation; /* D each */
} lat_scaler;

lat_scaler_options lat_scaler_defaults(void);
lat_status lat_scaler_check(lat_workspace *work, const lat_scaler_options *options);

/* One pass over the rows; with source->missing NaN marks missing entries. LAT_INVALID, naming it,
 * for a column without entries. Keeps the parameters. */
lat_status lat_scaler_fit(lat_workspace *work, lat_source *source, const double *weights,
                          const lat_scaler_options *options, lat_scaler *scaler);

/* standardized := (X - m)/s, or restored := m + s X, where X has what `standardized` had; N x D,
 * and either may be X. */
lat_status lat_scaler_apply(lat_workspace *work, const lat_scaler *scaler,
                            const lat_request *request, const lat_outputs *outputs);

/* A file, as modeling/save.h describes it. */
lat_status lat_scaler_save(lat_workspace *work, const lat_scaler *scaler, const char *path);
/* Keeps the parameters. */
lat_status lat_scaler_load(lat_workspace *work, const char *path, lat_scaler *scaler);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_scaler_model;
lat_scaler lat_scaler_of(const lat_fitted *fitted);
lat_fitted lat_scaler_fitted(const lat_scaler *scaler); /* the other way round */

#endif
