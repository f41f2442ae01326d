/* special.c: the regularized incomplete gamma function Q(a, x), and quantiles of normal numbers.
 *
 * Below x = a + 1 by the power series of P = 1 - Q, above by Legendre's continued fraction of Q,
 * evaluated by Lentz's method (special.h has the sources). Both are scaled by x^a exp(-x) /
 * Gamma(a), computed as the exponential of a sum of logarithms. */
#include "base/special.h"

#include <float.h>
#include <math.h>

enum { MOST_TERMS = 100000 };

/* P(a, x) = x^a exp(-x) / Gamma(a+1) (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...) */
static double series(double a, double x)
{
  double term = 1, sum = 1;
  for (int n = 1; n < MOST_TERMS && term > sum * DBL_EPSILON / 4; n++) sum += term *= x / (a + n);
  return sum;
}

/* 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- ...))) */
static double fraction(double a, double x)
{
  const double tiny = 1e-300;
  double b = x + 1 - a, c = 1 / tiny, d = 1 / b, value = d;
  for (int n = 1; n < MOST_TERMS; n++) {
    double numerator = -n * (n - a);
    b += 2;
    d = numerator * d + b;
    c = b + numerator / c;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    c = fabs(c) < tiny ? tiny : c;
    value *= d * c;
    if (fabs(d * c - 1) <= DBL_EPSILON) break;
  }
  return value;
}

double lat_gamma_upper(double a, double x)
{
  if (!(a > 0) || !(x >= 0)) return NAN;
  if (x == 0) return 1;
  if (isinf(x)) return 0;
  int sign; /* lgamma would set a global variable */
  double log_scale = a * log(x) - x - lgamma_r(a, &sign);
  if (x < a + 1) return 1 - exp(log_scale) / a * series(a, x);
  return exp(log_scale) * fraction(a, x);
}

double lat_chi_square_upper(double degrees, double x)
{
  return lat_gamma_upper(degrees / 2, x / 2);
}

/* A step changes x by f/(1 + f x/2), with f = (Q(x) - q)/phi(x): three are enough from an error of
 * 4.5e-4. */
double lat_normal_upper_quantile(double q)
{
  if (!(q >= 0 && q <= 1)) return NAN;
  if (q > 0.5) return -lat_normal_upper_quantile(1 - q);
  if (q == 0) return INFINITY;
  double t = sqrt(-2 * log(q));
  double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                     (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int step = 0; step < 3; step++) {
    double f = (erfc(x / sqrt(2)) / 2 - q) * exp(0.5 * (LAT_LOG_2PI + x * x));
    x += f / (1 + f * x / 2);
  }
  return x;
}
