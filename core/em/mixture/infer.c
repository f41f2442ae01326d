/* What a fitted mixture is good for: order, densities, samples, distances. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "em/common/responsibilities.h"
#include "em/mixture/internal.h"

/* ---- order ----------------------------------------------------------------------------------- */

static bool before(const double *a, const double *b, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (a[i] != b[i]) return a[i] < b[i];
  return false;
}

void lat_mixture_rank(const lat_mixture *m, const double *parameters, size_t *order)
{
  const double *theta = parameters + lat_mixture_offset(m);
  for (size_t k = 0; k < m->K; k++) { /* insertion: components are few */
    size_t i = k;
    for (; i > 0 && before(theta + k * m->M, theta + order[i - 1] * m->M, m->M); i--)
      order[i] = order[i - 1];
    order[i] = k;
  }
}

/* K rows of `cols` numbers in a new order, by way of `old`, a copy. */
static void permute(size_t K, size_t cols, const size_t *order, double *rows, double *old)
{
  memcpy(old, rows, K * cols * sizeof *rows);
  for (size_t k = 0; k < K; k++)
    memcpy(rows + k * cols, old + order[k] * cols, cols * sizeof *rows);
}

lat_status lat_mixture_reorder(lat_workspace *work, const lat_mixture *m, const size_t *order,
                               double *parameters, double *statistics)
{
  size_t K = m->K, M = m->M;
  LAT_SCOPE(work);
  double *old = lat_doubles(work, K * M);
  if (!old) return LAT_MEMORY;
  permute(K, 1, order, parameters, old);
  permute(K, M, order, parameters + lat_mixture_offset(m), old);
  if (statistics) {
    mixture_statistics s = lat_mixture_statistics_of(m, statistics);
    permute(K, 1, order, s.components, old);
    permute(K, M, order, s.sums, old);
    if (m->family != LAT_CATEGORICAL) permute(K, m->D, order, s.observed, old);
  }
  return LAT_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

typedef struct apply {
  const lat_mixture *m;
  mixture_ready ready;
  const double *theta;
  const lat_matrix *X;
  const lat_mixture_images *images;
  bool missing;
  size_t scratch_count;
  double *scratch;
} apply;

static double best_of(size_t K, const double *values, size_t stride)
{
  size_t best = 0;
  for (size_t k = 1; k < K; k++)
    if (values[k * stride] > values[best * stride]) best = k;
  return (double)best;
}

/* sum_k r_k theta_kf */
static double expected(const apply *a, const mixture_block *b, size_t i, size_t f)
{
  double sum = 0;
  for (size_t k = 0; k < a->m->K; k++) sum += b->joint[k * b->n + i] * a->theta[k * a->m->M + f];
  return sum;
}

static double expected_level(const apply *a, const mixture_block *b, size_t i, size_t first,
                             size_t levels)
{
  double most = -1, best = 0;
  for (size_t l = 0; l < levels; l++) {
    double p = expected(a, b, i, first + l);
    if (p > most) best = (double)l;
    if (p > most) most = p;
  }
  return best;
}

static void impute(const apply *a, size_t first, const mixture_block *b)
{
  const lat_mixture *m = a->m;
  bool coded = m->family == LAT_CATEGORICAL && m->lowest[0] >= 0;
  for (size_t i = 0; i < b->n; i++)
    for (size_t d = 0, f = 0; d < m->D; d++) {
      double x = lat_get(a->X, first + i, d);
      size_t levels = coded ? (size_t)m->levels[d] : 1;
      if (isnan(x))
        x = coded ? m->lowest[d] + expected_level(a, b, i, f, levels) : expected(a, b, i, f);
      lat_set(a->images->imputed, first + i, d, x);
      f += levels;
    }
}

/* The bound for q, or for what is in `r`, the responsibilities; joint is log p(x, k) - c(x). */
static void measure(const apply *a, size_t first, mixture_block *b, const double *joint, double *q)
{
  const lat_mixture_images *images = a->images;
  size_t K = a->m->K, n = b->n;
  for (size_t i = 0; i < n; i++) {
    double total = 0;
    for (size_t k = 0; k < K; k++)
      total += q[k * n + i] = images->q ? lat_get(images->q, first + i, k) : b->joint[k * n + i];
    for (size_t k = 0; k < K; k++) q[k * n + i] /= total;
    b->spare[i] = b->log_sum[i] - b->common[i];
  }
  lat_elbo(K, n, joint, b->spare, q, images->bound + first, images->kl + first);
  for (size_t i = 0; i < n; i++) {
    double *bound = images->bound + first + i, *kl = images->kl + first + i;
    *bound += b->common[i];
    if (*bound < MIXTURE_NEVER * 1e-20) *bound = -INFINITY; /* q has what is impossible */
    if (*kl > -MIXTURE_NEVER * 1e-20) *kl = INFINITY;
    if (isinf(b->log_sum[i])) *kl = 0;
  }
}

static void take_block(const apply *a, size_t first, mixture_block *b, double *joint, double *q)
{
  const lat_mixture_images *images = a->images;
  size_t K = a->m->K, n = b->n;
  lat_mixture_joint(a->m, &a->ready, b);
  if (images->bound) memcpy(joint, b->joint, K * n * sizeof *joint);
  lat_mixture_settle(a->m, b);
  if (images->log_likelihood) memcpy(images->log_likelihood + first, b->log_sum, n * sizeof *joint);
  for (size_t i = 0; images->labels && i < n; i++)
    images->labels[first + i] = best_of(K, b->joint + i, n) + 1;
  for (size_t i = 0; images->responsibilities && i < n; i++)
    for (size_t k = 0; k < K; k++)
      lat_set(images->responsibilities, first + i, k, b->joint[k * n + i]);
  if (images->imputed) impute(a, first, b);
  if (images->bound) measure(a, first, b, joint, q);
}

static void take_chunk(void *context, size_t chunk, size_t worker)
{
  const apply *a = context;
  double *scratch = a->scratch + worker * a->scratch_count;
  mixture_block b = lat_mixture_block_of(a->m, scratch);
  double *joint = scratch + lat_mixture_block_count(a->m), *q = joint + a->m->K * MIXTURE_ROWS;
  size_t first = chunk * MIXTURE_ROWS, left = a->X->rows - first;
  lat_matrix X = lat_block_of(*a->X, first, 0, left < MIXTURE_ROWS ? left : MIXTURE_ROWS, a->m->D);
  lat_mixture_features(a->m, &a->ready, &X, a->missing, &b);
  take_block(a, first, &b, joint, q);
}

lat_status lat_mixture_apply(lat_workspace *work, const lat_mixture *m, const double *parameters,
                             const lat_matrix *X, bool missing, const lat_mixture_images *images)
{
  LAT_TRY(lat_mixture_check(work, m, X, missing));
  if (images->q) LAT_TRY(lat_check_responsibilities(work, images->q));
  apply a = {.m = m, .X = X, .images = images, .missing = missing};
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_mixture_ready_count(m));
  a.scratch_count = (lat_mixture_block_count(m) + 2 * m->K * MIXTURE_ROWS + 7) / 8 * 8;
  a.scratch = lat_allocate(work, lat_workers(work), a.scratch_count * sizeof(double));
  if (!derived || !a.scratch) return LAT_MEMORY;
  LAT_TRY(lat_mixture_prepare(work, m, parameters, derived));
  a.ready = lat_mixture_ready_of(m, derived);
  a.theta = parameters + lat_mixture_offset(m);
  return lat_parallel(work, (X->rows + MIXTURE_ROWS - 1) / MIXTURE_ROWS, take_chunk, &a);
}

/* ---- samples --------------------------------------------------------------------------------- */

/* A Poisson number: for small rates as many arrivals as come before time 1; from 10 on by
 * transformed rejection with a squeeze (PTRS: Hormann, Insurance: Mathematics and Economics 12,
 * 1993). */
static double draw_poisson(lat_random *random, double rate)
{
  if (rate < 10) {
    double count = 0, time = lat_random_exponential(random);
    for (; time < rate; count++) time += lat_random_exponential(random);
    return count;
  }
  double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
  double inverse = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    double u = lat_random_uniform(random) - 0.5, v = 1 - lat_random_uniform(random);
    double s = 0.5 - fabs(u), k = floor((2 * a / s + b) * u + rate + 0.43);
    if (s >= 0.07 && v <= squeeze) return k;
    if (!(k >= 0 && k < 0x1p52) || (s < 0.013 && v > s)) continue;
    if (log(v * inverse / (a / (s * s) + b)) <= k * log(rate) - rate - lat_mixture_log_factorial(k))
      return k;
  }
}

static size_t draw_level(lat_random *random, const double *p, size_t levels)
{
  double u = lat_random_uniform(random);
  size_t l = 0;
  while (l + 1 < levels && u >= p[l]) u -= p[l++];
  while (l > 0 && p[l] == 0) l--; /* the end of the sum, by rounding */
  return l;
}

static void draw_row(const lat_mixture *m, const double *theta, lat_random *random,
                     const lat_matrix *X, size_t i)
{
  for (size_t d = 0; d < m->D; d++) {
    if (m->family == LAT_BERNOULLI) {
      lat_set(X, i, d, lat_random_uniform(random) < theta[d] ? 1 : 0);
    } else if (m->family == LAT_POISSON) {
      lat_set(X, i, d, draw_poisson(random, theta[d]));
    } else if (m->levels[d] > 0) {
      size_t levels = (size_t)m->levels[d], level = draw_level(random, theta, levels);
      theta += levels;
      if (m->lowest[d] >= 0) lat_set(X, i, d, m->lowest[d] + (double)level);
      for (size_t l = 0; m->lowest[d] < 0 && l < levels; l++) lat_set(X, i, d + l, l == level);
    }
  }
}

lat_status lat_mixture_sample(lat_workspace *work, const lat_mixture *m, const double *parameters,
                              lat_random *random, const lat_matrix *X, double *labels)
{
  size_t n = X->rows, K = m->K;
  const double *theta = parameters + lat_mixture_offset(m);
  LAT_SCOPE(work);
  double *accept = lat_doubles(work, K);
  size_t *drawn = lat_allocate(work, n + K, sizeof *drawn);
  if (!accept || !drawn) return LAT_MEMORY;
  LAT_TRY(lat_random_categorical(work, random, K, parameters, n, drawn, drawn + n, accept));
  for (size_t i = 0; i < n; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_check(work));
    labels[i] = (double)drawn[i] + 1;
    draw_row(m, theta + drawn[i] * m->M, random, X, i);
  }
  return LAT_OK;
}

/* ---- numbers of a mixture -------------------------------------------------------------------- */

size_t lat_mixture_free_parameters(const lat_mixture *m)
{
  size_t own = m->D;
  if (m->family == LAT_CATEGORICAL) {
    own = 0;
    for (size_t d = 0; d < m->D; d++) own += m->levels[d] > 0 ? (size_t)m->levels[d] - 1 : 0;
  }
  return m->K - 1 + m->K * own;
}

/* The sum over columns of 1 - sum_x sqrt(p(x) q(x)), which for Poisson columns is
 * 1 - exp(-(sqrt a - sqrt b)^2/2). */
static double distance(const lat_mixture *m, const double *p, const double *q)
{
  double sum = 0;
  for (size_t d = 0, f = 0; d < m->D; d++) {
    double affinity = 0;
    if (m->family == LAT_BERNOULLI) {
      affinity = sqrt(p[d] * q[d]) + sqrt((1 - p[d]) * (1 - q[d]));
    } else if (m->family == LAT_POISSON) {
      double away = sqrt(p[d]) - sqrt(q[d]);
      affinity = exp(-0.5 * away * away);
    } else {
      size_t levels = (size_t)m->levels[d];
      if (levels == 0) continue;
      for (size_t l = 0; l < levels; l++) affinity += sqrt(p[f + l] * q[f + l]);
      f += levels;
    }
    sum += affinity < 1 ? 1 - affinity : 0;
  }
  return sum;
}

void lat_mixture_distances(const lat_mixture *m, const double *first, const double *second,
                           double *distances)
{
  const double *p = first + lat_mixture_offset(m), *q = second + lat_mixture_offset(m);
  for (size_t i = 0; i < m->K; i++)
    for (size_t j = 0; j < m->K; j++)
      distances[i * m->K + j] = distance(m, p + i * m->M, q + j * m->M);
}
