/* dimension.c: Minka's evidence for the dimension of PCA (dimension.h), for all M in O(D^2).
 *
 * The sums over pairs of eigenvalues are updated from M - 1 to M. Pairs of equal eigenvalues have
 * the exact integral over their angle in place of Laplace's approximation. */
#include "projection/dimension.h"

#include <math.h>

#include "base/special.h"
#include "projection/limits.h"

/* log(2/pi): N (lambda_i - lambda_j)(1/l_j - 1/l_i) where the integral over the angle is pi */
#define LOG_FREE -0.45158270528945486473

static double log_gamma(double x)
{
  int sign; /* lgamma would set a global variable */
  return lgamma_r(x, &sign);
}

/* log p(U) of M directions in D dimensions, less that of M - 1. */
static double log_prior(size_t D, size_t M)
{
  double half = (double)(D - M + 1) / 2;
  return -LAT_LOG_2 + log_gamma(half) - half * LAT_LOG_PI;
}

static bool equal(double larger, double smaller)
{
  return !(larger - smaller > LAT_EQUAL_EIGENVALUES * larger);
}

/* log|A| is updated in three parts, as M grows: of pairs i < j <= M; the sum of log(lambda_i -
 * lambda_j) over pairs i <= M < j; and the part that depends on v, computed anew for every M. */
typedef struct hessian {
  const double *lambda;
  size_t D;
  double log_N, inside, across;
} hessian;

/* Adds direction number M (from 1). */
static void grow(hessian *h, size_t M)
{
  const double *lambda = h->lambda, own = lambda[M - 1];
  for (size_t i = 0; i + 1 < M; i++) {
    if (equal(lambda[i], own)) {
      h->inside += LOG_FREE;
      continue;
    }
    double gap = log(lambda[i] - own);
    h->across -= gap;
    h->inside += 2 * gap - log(lambda[i]) - log(own) + h->log_N;
  }
  for (size_t j = M; j < h->D; j++)
    if (!equal(own, lambda[j])) h->across += log(own - lambda[j]);
}

static double log_determinant(const hessian *h, size_t M, double v)
{
  double sum = h->inside + h->across, log_v = log(v);
  for (size_t i = 0; i < M; i++) {
    size_t free = M; /* pairs with j from M to `free` can be rotated */
    while (free < h->D && equal(h->lambda[i], h->lambda[free])) free++;
    sum += (double)(free - M) * LOG_FREE;
    if (free == h->D) continue;
    sum += (double)(h->D - free) * (log(h->lambda[i] - v) - log_v - log(h->lambda[i]) + h->log_N);
  }
  return sum;
}

void lat_log_evidence(const double *lambda, size_t D, double N, double *log_evidence, size_t *best)
{
  double prior = 0, logs = 0, rest = 0, log_N = log(N), d = (double)D;
  hessian h = {.lambda = lambda, .D = D, .log_N = log_N};
  *best = 1;
  for (size_t M = 1; M < D; M++) {
    double k = (double)M, m = d * k - k * (k + 1) / 2;
    prior += log_prior(D, M);
    logs += log(lambda[M - 1]);
    grow(&h, M);
    rest = 0;
    for (size_t j = D; j-- > M;) rest += lambda[j];
    double v = rest / (d - k);
    log_evidence[M - 1] = prior - N / 2 * (logs + (d - k) * log(v)) + (m + k) / 2 * LAT_LOG_2PI -
                          log_determinant(&h, M, v) / 2 - k / 2 * log_N;
    if (log_evidence[M - 1] > log_evidence[*best - 1]) *best = M;
  }
}

lat_status lat_check_evidence(lat_workspace *work, size_t D, double N)
{
  if (N > (double)D) return LAT_OK;
  return lat_fail(
      work, LAT_INVALID,
      "latent_dim = \"mle\" compares how probable the data are with each dimension, for "
      "which it takes more rows than columns: X has %g rows and %zu columns",
      N, D);
}

lat_status lat_choose_dimension(lat_workspace *work, const double *eigenvalues, size_t D, double N,
                                size_t *M, double **log_evidence, size_t *count)
{
  size_t varying = 0;
  LAT_TRY(lat_check_evidence(work, D, N));
  while (varying < D && eigenvalues[varying] > LAT_RANK_NOISE * (double)D * eigenvalues[0])
    varying++;
  *count = varying > 1 ? varying - 1 : 0;
  *log_evidence = lat_doubles(work, *count);
  if (!*log_evidence) return LAT_MEMORY;
  *M = 1;
  if (varying > 0) lat_log_evidence(eigenvalues, varying, N, *log_evidence, M);
  return LAT_OK;
}
