/* random_rejection.c: numbers that are drawn by rejection (random.h): gamma, beta, Poisson.
 *
 * Candidates come from a distribution that is easy to draw and nearly the wanted one; accepting
 * each with the ratio of the two densities makes the result exact. */
#include <math.h>

#include "base/random.h"
#include "base/special.h"
#include "base/vector_kernels.h"

/* In (0, 1]. */
static double positive_uniform(lat_random *random)
{
  return 1 - lat_random_uniform(random);
}

/* ---- gamma and beta -------------------------------------------------------------------------- */

/* Marsaglia and Tsang (2000): d v with v = (1 + c x)^3, x normal, is nearly gamma(shape) already;
 * rejection, at most one time in twenty, makes it exact. For shape >= 1. */
static double gamma_from_one(lat_random *random, double shape)
{
  double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    double x = lat_random_normal(random), v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    double u = positive_uniform(random);
    if (log64(u) < 0.5 * x * x + d - d * v + d * log64(v)) return d * v;
  }
}

/* Below shape 1: gamma(shape + 1) u^(1/shape). */
double lat_random_gamma(lat_random *random, double shape)
{
  if (!(shape > 0)) return NAN;
  if (!(shape < INFINITY)) return shape;
  if (shape >= 1) return gamma_from_one(random, shape);
  double boost = exp64(log64(positive_uniform(random)) / shape);
  return boost * gamma_from_one(random, shape + 1);
}

/* X/(X + Y) of gamma numbers X and Y. Where one of the shapes is below 1 these may be too small for
 * doubles, though their ratio isn't: log X = log X' + log(u)/a then, of X' of shape a + 1. And
 * where shapes are so small that logarithms overflow, only the sign of the difference counts. */
double lat_random_beta(lat_random *random, double a, double b)
{
  if (!(a > 0 && b > 0 && a < INFINITY && b < INFINITY)) return NAN;
  if (a >= 1 && b >= 1) {
    double x = gamma_from_one(random, a);
    return 1 / (1 + gamma_from_one(random, b) / x);
  }
  double log_u = a < 1 ? log64(positive_uniform(random)) : 0;
  double log_v = b < 1 ? log64(positive_uniform(random)) : 0;
  double x = gamma_from_one(random, a < 1 ? a + 1 : a);
  double y = gamma_from_one(random, b < 1 ? b + 1 : b);
  double log_x = log_u / a, log_y = log_v / b;
  if (isinf(log_x) && isinf(log_y)) return log_u / log_v < a / b;
  return 1 / (1 + exp(log_y - log_x + log(y / x)));
}

/* ---- Poisson --------------------------------------------------------------------------------- */

/* Below this mean the number is found by inversion, where it is less than MOST_OF_FEW but for a
 * probability of 1e-30. */
#define FEW 10
enum { MOST_OF_FEW = 64 };

static double poisson_of_few(lat_random *random, double mean)
{
  double u = lat_random_uniform(random), p = exp(-mean), k = 0;
  while (u >= p && k < MOST_OF_FEW) {
    u -= p;
    p *= mean / ++k;
  }
  return k;
}

/* log k! - log(sqrt(2 pi k) (k/e)^k), for k >= 16, by Stirling's series: to 1e-16. */
static double stirling_error(double k)
{
  double square = k * k;
  return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / k;
}

/* k log(k/mean) - k + mean without cancelling near the mean: with v = (k - mean)/(k + mean) it is
 * (k - mean) v + 2 k (v^3/3 + v^5/5 + ...) (Loader, Fast and accurate computation of binomial
 * probabilities, 2000). */
static double deviance(double k, double mean)
{
  double v = (k - mean) / (k + mean);
  if (fabs(v) > 0.1) return k * log(k / mean) - k + mean;
  double sum = (k - mean) * v, term = 2 * k * v, square = v * v;
  for (int j = 1; j < 20; j++) {
    term *= square;
    sum += term / (2 * j + 1);
  }
  return sum;
}

/* log of the probability of k. */
static double log_poisson(double k, double mean)
{
  if (k >= 16) return -deviance(k, mean) - stirling_error(k) - 0.5 * (LAT_LOG_2PI + log(k));
  double factorial = 1;
  for (int j = 2; j <= k; j++) factorial *= j;
  return k * log(mean) - mean - log(factorial);
}

/* Hoermann, The transformed rejection method for generating Poisson random variables (Insurance:
 * Mathematics and Economics 12, 1993), algorithm PTRS: two words a candidate, of which at least
 * three in four are taken, most of them without computing a probability. */
static double poisson_of_many(lat_random *random, double mean)
{
  double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
  double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    double u = lat_random_uniform(random) - 0.5, v = positive_uniform(random);
    double from_end = 0.5 - fabs(u);
    double k = floor((2 * a / from_end + b) * u + mean + 0.43);
    if (from_end >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (from_end < 0.013 && v > from_end)) continue;
    if (log(v * inverse_alpha / (a / (from_end * from_end) + b)) <= log_poisson(k, mean)) return k;
  }
}

double lat_random_poisson(lat_random *random, double mean)
{
  if (!(mean >= 0 && mean <= LAT_MOST_POISSON)) return NAN;
  return mean < FEW ? poisson_of_few(random, mean) : poisson_of_many(random, mean);
}
