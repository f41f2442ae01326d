/* scales.h: columns whose squares overflow or underflow. Private to the module.
 *
 * Squares of numbers beyond 1e154 overflow, and those of numbers below 1e-154 underflow. Moments of
 * such columns are computed of the column times a power of two that brings its largest number near
 * 1, which is exact. All other columns are as they are, and so are their sums, to the last bit. */
#ifndef LAT_MATRIX_SCALES_H
#define LAT_MATRIX_SCALES_H

#include "matrix/matrix.h"

/* True for a sum of squares that has overflowed or may have underflowed. */
bool lat_out_of_range(double mean, double scatter);

/* exponents (D) := e for the columns of X whose mean and sum of squares (scatter[j step]) are out
 * of range, or, with NULL, for those whose largest numbers may have such squares: their numbers
 * with a weight > 0, times 2^-e, are at most 1; 0 for the others, and for those that are constant,
 * whose scatter is 0 in any unit, unless it is so large that the mean's rounding counts. Whether
 * one isn't 0. `scratch` is of 2 D numbers. */
bool lat_find_exponents(const lat_matrix *X, const double *weights, const double *mean,
                        const double *scatter, size_t step, double *scratch, double *exponents);

/* The n rows Y (packed, D columns) times 2^-exponents. */
void lat_scale_columns(size_t n, size_t D, const double *exponents, double *Y);

/* x 2^e, for e that are integers of up to a few thousand */
double lat_times_power(double x, double e);

#endif
