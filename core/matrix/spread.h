/* spread.h: checks that variances of data are within the range of doubles.
 *
 * A model that has variances among its parameters is of no use where they overflow or underflow: a
 * deviation of a column must be between 2^-490 and 2^490 (3e-148 and 3e147), which leaves a margin
 * for sums of squares over 1e13 numbers, and for shares of a variance of 1e-12. Models that only
 * divide by deviations have a larger range: from 2^-1000 to 2^1000. */
#ifndef LAT_MATRIX_SPREAD_H
#define LAT_MATRIX_SPREAD_H

#include "matrix/moments.h"

typedef enum lat_spread {
  LAT_SPREAD_EACH,     /* every column's variance counts */
  LAT_SPREAD_TOGETHER, /* variances are added up: a column may vary by much less than others */
  LAT_SPREAD_DIVIDED   /* columns are divided by their deviations */
} lat_spread;

/* LAT_INVALID, naming a column, unless means and deviations (D each) are in that range. A deviation
 * of 0, or one that is rounding about the mean (LAT_CONSTANT), is that of a constant column, and
 * always accepted. */
lat_status lat_check_spread(lat_workspace *work, lat_spread spread, size_t D, const double *mean,
                            const double *deviation);

lat_status lat_check_spread_of_moments(lat_workspace *work, lat_spread spread,
                                       const lat_moments *moments);

/* The same for rows, whose moments are computed. */
lat_status lat_check_spread_of(lat_workspace *work, lat_spread spread, const lat_matrix *X,
                               const double *weights, bool missing);

#endif
