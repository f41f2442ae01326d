/* mixture/e_step.c: blocks of rows: features, densities, responsibilities; see mixture.h. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/special.h"
#include "em/common/responsibilities.h"
#include "em/mixture/internal.h"

static size_t counts(const lat_mixture_context *m)
{
  return m->family == LAT_CATEGORICAL ? 0 : m->D; /* columns whose observed entries are counted */
}

size_t lat_mixture_block_count(const lat_mixture_context *m)
{
  return MIXTURE_ROWS * (m->M + counts(m) + 2 * m->K + 4);
}

mixture_block lat_mixture_block_of(const lat_mixture_context *m, double *memory)
{
  mixture_block b = {.features = memory};
  b.observed = b.features + MIXTURE_ROWS * m->M;
  b.joint = b.observed + MIXTURE_ROWS * counts(m);
  b.common = b.joint + MIXTURE_ROWS * 2 * m->K;
  b.log_sum = b.common + MIXTURE_ROWS;
  b.spare = b.log_sum + MIXTURE_ROWS;
  return b;
}

size_t lat_mixture_statistics_count(const lat_mixture_context *m)
{
  return 2 + m->K * (1 + m->M + counts(m));
}

mixture_statistics lat_mixture_statistics_of(const lat_mixture_context *m, double *memory)
{
  mixture_statistics s = {.components = memory + 2};
  s.sums = s.components + m->K;
  s.observed = s.sums + m->K * m->M;
  return s;
}

/* ---- features -------------------------------------------------------------------------------- */

/* 1 for entries that are there, 0 for NaN, which become 0; the number of these. */
LAT_CLONES static size_t split(size_t n, double *restrict x, double *restrict observed)
{
  size_t absent = 0;
  for (size_t i = 0; i < n; i++) {
    bool there = x[i] == x[i];
    observed[i] = there ? 1 : 0;
    x[i] = there ? x[i] : 0;
    absent += !there;
  }
  return absent;
}

LAT_CLONES static bool all_binary(size_t n, const double *x)
{
  size_t others = 0;
  for (size_t i = 0; i < n; i++) others += x[i] != 0 && x[i] != 1;
  return others == 0;
}

LAT_CLONES static bool all_counts(size_t n, const double *x)
{
  const double most = 4503599627370496.0; /* 2^52: beyond it all are whole */
  size_t others = 0;
  for (size_t i = 0; i < n; i++) others += !(x[i] >= 0 && x[i] < most && floor(x[i]) == x[i]);
  return others == 0;
}

/* By Stirling's series from 16 on, where its next term is below 1e-15. */
double lat_mixture_log_factorial(double x)
{
  if (x < 16) {
    double product = 1;
    for (double i = 2; i <= x; i++) product *= i;
    return log(product);
  }
  const double s = 1 / (x * x);
  double series =
      (1.0 / 12 + s * (-1.0 / 360 + s * (1.0 / 1260 + s * (-1.0 / 1680 + s / 1188)))) / x;
  return (x + 0.5) * log(x) - x + LAT_LOG_2PI / 2 + series;
}

static void add_factorials(const lat_mixture_context *m, const mixture_derived *derived,
                           mixture_block *b)
{
  for (size_t i = 0; i < b->n; i++) {
    const double *x = b->features + i * m->M;
    double sum = 0;
    for (size_t d = 0; d < m->D; d++)
      sum += x[d] < MIXTURE_FACTORIALS ? derived->factorials[(size_t)x[d]]
                                       : lat_mixture_log_factorial(x[d]);
    b->common[i] = -sum;
  }
}

/* Columns that belong together have one 1 and else 0, or are all missing. */
static bool one_hot_group(const double *x, size_t levels, bool missing)
{
  size_t ones = 0, zeros = 0;
  for (size_t l = 0; l < levels; l++) {
    ones += x[l] == 1;
    zeros += x[l] == 0;
  }
  return (ones == 1 && zeros == levels - 1) || (missing && ones + zeros == 0 && isnan(x[0]));
}

static void take_one_hot(const lat_mixture_context *m, bool missing, mixture_block *b)
{
  for (size_t i = 0; i < b->n; i++) {
    double *x = b->features + i * m->M;
    for (size_t d = 0; d < m->D; d++) {
      size_t levels = (size_t)m->levels[d];
      if (levels > 0 && !one_hot_group(x + d, levels, missing)) b->valid = false;
    }
    for (size_t d = 0; missing && d < m->D; d++)
      if (isnan(x[d])) x[d] = 0;
  }
}

static void take_codes(const lat_mixture_context *m, const lat_matrix *X, bool missing,
                       mixture_block *b)
{
  memset(b->features, 0, b->n * m->M * sizeof(double));
  size_t first = 0;
  for (size_t d = 0; d < m->D; d++) {
    double levels = m->levels[d], lowest = m->lowest[d];
    for (size_t i = 0; i < b->n; i++) {
      double x = lat_get(X, i, d), level = x - lowest;
      if (level >= 0 && level < levels && floor(level) == level)
        b->features[i * m->M + first + (size_t)level] = 1;
      else if (!(missing && isnan(x)))
        b->valid = false;
    }
    first += (size_t)levels;
  }
}

static void take_numbers(const lat_mixture_context *m, const mixture_derived *derived, bool missing,
                         mixture_block *b)
{
  size_t count = b->n * m->D;
  if (missing) b->partial = split(count, b->features, b->observed) > 0;
  b->valid = (m->family == LAT_POISSON ? all_counts : all_binary)(count, b->features);
  if (m->family == LAT_POISSON && b->valid) add_factorials(m, derived, b);
}

void lat_mixture_features(const lat_mixture_context *m, const mixture_derived *derived,
                          const lat_matrix *X, bool missing, mixture_block *b)
{
  bool coded = m->family == LAT_CATEGORICAL && m->lowest[0] >= 0;
  b->n = X->rows;
  b->partial = false;
  b->valid = true;
  memset(b->common, 0, b->n * sizeof *b->common);
  lat_matrix features = lat_matrix_of(b->features, b->n, m->M);
  if (!coded) lat_copy(X, &features);
  if (coded)
    take_codes(m, X, missing, b);
  else if (m->family == LAT_CATEGORICAL)
    take_one_hot(m, missing, b);
  else
    take_numbers(m, derived, missing, b);
}

/* ---- densities ------------------------------------------------------------------------------- */

/* joint (rows x n) += A (rows x cols) B' (B is n x cols) */
static void add_product(size_t rows, size_t n, size_t cols, const double *A, const double *B,
                        double *joint)
{
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)n, (blasint)cols, 1,
              A, (blasint)cols, B, (blasint)cols, 1, joint, (blasint)n);
}

void lat_mixture_joint(const lat_mixture_context *m, const mixture_derived *derived,
                       mixture_block *b)
{
  size_t K = m->K, n = b->n, rows = *derived->limits > 0 ? 2 * K : K;
  for (size_t k = 0; k < rows; k++) {
    double constant = (k < K ? derived->weights[k] : 0) + (b->partial ? 0 : derived->constants[k]);
    for (size_t i = 0; i < n; i++) b->joint[k * n + i] = constant;
  }
  add_product(rows, n, m->M, derived->slopes, b->features, b->joint);
  if (b->partial) add_product(rows, n, m->D, derived->bases, b->observed, b->joint);
  for (size_t j = 0; rows > K && j < K * n; j++)
    if (b->joint[K * n + j] > 0.5) b->joint[j] = MIXTURE_NEVER;
}

void lat_mixture_responsibilities(const lat_mixture_context *m, mixture_block *b)
{
  lat_responsibilities(m->K, b->n, b->joint, b->log_sum, b->spare);
  for (size_t i = 0; i < b->n; i++)
    b->log_sum[i] = lat_mixture_log_sum(b->log_sum[i]) + b->common[i];
}
