/* scales.h: columns whose numbers can't be squared as they are. Private to the module.
 *
 * Squares of numbers beyond 1e154 overflow, and those of numbers below 1e-154 underflow. Moments of such
 * columns are computed of the column times a power of two that brings its largest number near 1, which is
 * exact. All other columns are as they are, and so are their sums, to the last bit. */
#ifndef LAT_MATRIX_SCALES_H
#define LAT_MATRIX_SCALES_H

#include "matrix/matrix.h"

/* True for a sum of squares that tells nothing, as it has overflown, or may have underflown. */
bool lat_is_odd(double mean, double scatter);

/* exponents[j] := e for the columns j that are `odd`: numbers of them with a weight, times 2^-e, are
 * at most 1; 0 for the others, and for those that are constant, whose scatter is 0 in any unit, unless
 * it is so large that the mean's rounding counts. *any: one isn't 0. */
lat_status lat_find_exponents(lat_workspace *work, const lat_matrix *X, const double *weights,
                              const bool *odd, double *exponents, bool *any);

/* The n rows Y (packed, D columns) times 2^-exponents. */
void lat_scale_columns(size_t n, size_t D, const double *exponents, double *Y);

/* x 2^e, for e that are integers of up to a few thousand */
double lat_times_power(double x, double e);

#endif
