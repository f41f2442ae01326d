/* vector_math.h: elementary functions over arrays.
 *
 * Branch-free polynomials of our own that compilers make vector code of, built
 * for plain x86-64, AVX2 and AVX-512 and chosen when the library is loaded (other
 * processors get their compiler's vectors). Products and sums are never fused, so
 * a number's result is the same bits in every build, at every place in an array.
 *
 * Errors are below 2 ulp (normal_cdf: 4) over the whole range, subnormal results included (specs
 * measure them against the C library). NaN gives NaN; infinities, overflow,
 * log(0) = -inf and log(x<0) = NaN are as in C. x and y are the same array or
 * don't overlap. */
#ifndef LAT_BASE_VECTOR_MATH_H
#define LAT_BASE_VECTOR_MATH_H

#include <stddef.h>

void lat_exp(size_t n, const double *x, double *y);
void lat_log(size_t n, const double *x, double *y);
void lat_tanh(size_t n, const double *x, double *y);
void lat_sigmoid(size_t n, const double *x, double *y);    /* 1/(1+exp(-x)) */
void lat_softplus(size_t n, const double *x, double *y);   /* log(1+exp(x)) */
void lat_normal_cdf(size_t n, const double *x, double *y); /* P(N(0,1) < x) */
void lat_sin(size_t n, const double *x, double *y);
void lat_cos(size_t n, const double *x, double *y);

void lat_exp_float(size_t n, const float *x, float *y);
void lat_log_float(size_t n, const float *x, float *y);
void lat_tanh_float(size_t n, const float *x, float *y);
void lat_sigmoid_float(size_t n, const float *x, float *y);
void lat_softplus_float(size_t n, const float *x, float *y);
void lat_normal_cdf_float(size_t n, const float *x, float *y);
void lat_sin_float(size_t n, const float *x, float *y);
void lat_cos_float(size_t n, const float *x, float *y);

#endif
