/* special.h: constants and special functions that tests and densities need. */
#ifndef LAT_BASE_SPECIAL_H
#define LAT_BASE_SPECIAL_H

/* Logarithms, rounded to the nearest double. */
#define LAT_LOG_2   0.69314718055994530942
#define LAT_LOG_PI  1.1447298858494001741
#define LAT_LOG_2PI 1.8378770664093454836

/* Q(a, x), the regularized incomplete gamma function: the integral of t^(a-1) exp(-t) from x to
 * infinity over Gamma(a), for a > 0 and x >= 0; to about 1e-14 relative for moderate a (up to 1e4),
 * also where Q is tiny. NaN outside. Below x = a + 1 it is 1 - P by the series of P, above it
 * Legendre's continued fraction (Abramowitz, Stegun, 6.5.29 and 6.5.31; Lentz's method for the
 * latter). */
double lat_gamma_upper(double a, double x);

/* The probability that a chi-square variable of `degrees` > 0 degrees of freedom is above x >=
 * 0. */
double lat_chi_square_upper(double degrees, double x);

/* The x that a standard normal variable is above with probability q, 0 <= q <= 1, to about 1e-15
 * relative, also for tiny q. NaN outside. A rational approximation (Abramowitz, Stegun, 26.2.23),
 * and Halley's steps from there. */
double lat_normal_upper_quantile(double q);

#endif
