/* scaler.h: columns with mean 0 and deviation 1.
 *
 *   z_j = (x_j - m_j) / s_j,   s_j^2 = 1/N sum (x_j - m_j)^2
 *
 * A constant column has s_j = 1, so it becomes 0. A missing entry (NaN) stays missing, and its
 * column's moments are those of the other entries. */
#ifndef LAT_PROJECTION_SCALER_H
#define LAT_PROJECTION_SCALER_H

#include "base/parameters.h"
#include "matrix/matrix.h"
#include "matrix/moments.h"

extern const lat_parameter lat_scaler_parameters[]; /* mean D, deviation D */

typedef struct lat_scaler {
  size_t D;
  double *mean, *deviation;
} lat_scaler;

lat_scaler lat_scaler_of(double *flat, size_t D);

/* The parameters from moments that have seen every column: LAT_INVALID, naming it, when one is
 * wholly missing. Without `with_mean` the means are 0, without `with_deviation` the deviations
 * 1. */
lat_status lat_scaler_from_moments(lat_workspace *work, const lat_column_moments *moments,
                                   bool with_mean, bool with_deviation, const lat_scaler *scaler);

/* Z := (X - m)/s, or with `inverse` Z := m + s X; N x D both, and Z may be X. */
lat_status lat_scaler_apply(lat_workspace *work, const lat_scaler *scaler, bool inverse,
                            const lat_matrix *X, const lat_matrix *Z);

#endif
