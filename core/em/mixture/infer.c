/* mixture/infer.c: what a fitted mixture is good for: densities, samples, distances. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "em/common/outputs.h"
#include "em/common/responsibilities.h"
#include "em/mixture/internal.h"

/* ---- rows ------------------------------------------------------------------------------------ */

typedef struct apply {
  const lat_mixture_context *m;
  mixture_derived derived;
  const double *theta;
  const lat_matrix *X;
  const lat_outputs *outputs;
  const lat_matrix *q;
  bool missing;
  size_t scratch_count;
  double *scratch;
} apply;

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
  const lat_mixture_context *m = a->m;
  bool coded = m->family == LAT_CATEGORICAL && m->lowest[0] >= 0;
  for (size_t i = 0; i < b->n; i++)
    for (size_t d = 0, f = 0; d < m->D; d++) {
      double x = lat_get(a->X, first + i, d);
      size_t levels = coded ? (size_t)m->levels[d] : 1;
      if (isnan(x))
        x = coded ? m->lowest[d] + expected_level(a, b, i, f, levels) : expected(a, b, i, f);
      lat_set(a->outputs->imputed, first + i, d, x);
      f += levels;
    }
}

/* bound and kl; joint is log p(x, k) - c(x), of which c(x) is added to the bound. */
static void measure(const lat_output_rows *rows, mixture_block *b, const double *joint,
                    double *scratch)
{
  for (size_t i = 0; i < b->n; i++) b->spare[i] = b->log_sum[i] - b->common[i];
  lat_write_bound(rows, joint, b->spare, b->joint, scratch);
  for (size_t i = 0; i < b->n; i++) {
    size_t row = rows->first + i;
    double *bound = rows->to->bound ? &rows->to->bound[row] : NULL;
    double *kl = rows->to->kl ? &rows->to->kl[row] : NULL;
    if (bound) *bound += b->common[i];
    if (bound && *bound < MIXTURE_NEVER * 1e-20) *bound = -INFINITY; /* q has what is impossible */
    if (kl && *kl > -MIXTURE_NEVER * 1e-20) *kl = INFINITY;
    if (kl && isinf(b->log_sum[i])) *kl = 0;
  }
}

static void take_block(const apply *a, size_t first, mixture_block *b, double *joint)
{
  size_t K = a->m->K, n = b->n;
  lat_output_rows rows = {a->outputs, a->q, K, n, first, NULL};
  lat_mixture_joint(a->m, &a->derived, b);
  if (lat_asks_bound(a->outputs)) memcpy(joint, b->joint, K * n * sizeof *joint);
  lat_mixture_responsibilities(a->m, b);
  lat_write_components(&rows, b->joint, b->log_sum);
  if (a->outputs->imputed) impute(a, first, b);
  if (lat_asks_bound(a->outputs)) measure(&rows, b, joint, joint + K * MIXTURE_ROWS);
}

static void take_chunk(void *context, size_t chunk, size_t worker)
{
  const apply *a = context;
  double *scratch = a->scratch + worker * a->scratch_count;
  mixture_block b = lat_mixture_block_of(a->m, scratch);
  size_t first = chunk * MIXTURE_ROWS, left = a->X->rows - first;
  lat_matrix X = lat_block_of(*a->X, first, 0, left < MIXTURE_ROWS ? left : MIXTURE_ROWS, a->m->D);
  lat_mixture_features(a->m, &a->derived, &X, a->missing, &b);
  take_block(a, first, &b, scratch + lat_mixture_block_count(a->m));
}

/* ---- prepared: what an E-step derives, of none of a family of functions ---------------------- */

size_t lat_mixture_prepared_count(const lat_mixture *mixture, const lat_request *request)
{
  const lat_mixture_context m = lat_mixture_context_of(mixture);
  (void)request;
  return mixture->options.family == LAT_FUNCTIONS ? 0 : lat_mixture_derived_count(&m);
}

static lat_status derive(lat_workspace *work, const lat_mixture *mixture,
                         const lat_request *request, double *numbers)
{
  const lat_mixture_context m = lat_mixture_context_of(mixture);
  (void)request;
  if (mixture->options.family == LAT_FUNCTIONS) return LAT_OK;
  return lat_mixture_derive(work, &m, mixture->weights, numbers);
}

LAT_DEFINE_PREPARE(mixture)

/* ---- rows ------------------------------------------------------------------------------------ */

lat_status lat_mixture_apply(lat_workspace *work, const lat_mixture *mixture,
                             const lat_request *request, const lat_outputs *outputs)
{
  const lat_matrix *X = &request->X;
  if (mixture->options.family == LAT_FUNCTIONS)
    return lat_own_apply(work, mixture, request, outputs);
  const lat_mixture_context context = lat_mixture_context_of(mixture), *m = &context;
  LAT_TRY(lat_mixture_check_rows(work, m, X, request->missing));
  if (request->q) LAT_TRY(lat_check_responsibilities(work, request->q));
  apply a = {.m = m, .X = X, .outputs = outputs, .q = request->q, .missing = request->missing};
  LAT_SCOPE(work);
  const double *numbers;
  LAT_TRY(numbers_of(work, mixture, request, &numbers));
  a.scratch_count =
      lat_mixture_block_count(m) + m->K * MIXTURE_ROWS + lat_bound_scratch(m->K, MIXTURE_ROWS);
  a.scratch_count = (a.scratch_count + 7) / 8 * 8;
  a.scratch = lat_allocate(work, lat_workers(work), a.scratch_count * sizeof(double));
  if (!a.scratch) return LAT_MEMORY;
  a.derived = lat_mixture_derived_of(m, (double *)numbers);
  a.theta = mixture->weights + lat_mixture_offset(m);
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

static void draw_row(const lat_mixture_context *m, const double *theta, lat_random *random,
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

lat_status lat_mixture_sample(lat_workspace *work, const lat_mixture *mixture, lat_random *random,
                              const lat_matrix *X, double *labels)
{
  const lat_mixture_context context = lat_mixture_context_of(mixture), *m = &context;
  size_t n = X->rows, K = m->K;
  const double *parameters = mixture->weights, *theta = parameters + lat_mixture_offset(m);
  LAT_SCOPE(work);
  double *accept = lat_doubles(work, K);
  size_t *drawn = lat_allocate(work, n + K, sizeof *drawn);
  if (!accept || !drawn) return LAT_MEMORY;
  LAT_STEPS(work, steps, n, "rows");
  lat_step(&steps, 0, 0);
  LAT_TRY(lat_random_categorical(work, random, K, parameters, n, drawn, drawn + n, accept));
  for (size_t i = 0; i < n; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_at_step(&steps, (double)i, 0));
    labels[i] = (double)drawn[i] + 1;
    if (m->family != LAT_FUNCTIONS) draw_row(m, theta + drawn[i] * m->M, random, X, i);
  }
  return LAT_OK;
}

/* ---- numbers of a mixture -------------------------------------------------------------------- */

size_t lat_mixture_free_parameters(const lat_mixture *m)
{
  size_t own = m->D;
  if (m->options.family == LAT_FUNCTIONS) own = m->options.own.free_parameters;
  if (m->options.family == LAT_CATEGORICAL) {
    own = 0;
    for (size_t d = 0; d < m->D; d++) own += m->levels[d] > 0 ? (size_t)m->levels[d] - 1 : 0;
  }
  return m->K - 1 + m->K * own;
}

size_t lat_mixture_column(const lat_mixture *m, size_t wanted, size_t *first, size_t *levels)
{
  size_t count = 0, at = 0;
  for (size_t d = 0; d < m->D; d++) {
    if (!(m->levels[d] > 0)) continue;
    if (count++ == wanted) {
      *first = at;
      *levels = (size_t)m->levels[d];
    }
    at += (size_t)m->levels[d];
  }
  return count;
}

/* The sum over columns of 1 - sum_x sqrt(p(x) q(x)), which for Poisson columns is
 * 1 - exp(-(sqrt a - sqrt b)^2/2). */
static double distance(const lat_mixture_context *m, const double *p, const double *q)
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

static lat_status check_comparable(lat_workspace *work, const lat_mixture *a, const lat_mixture *b)
{
  if (b->options.family == LAT_FUNCTIONS)
    return lat_fail(work, LAT_INVALID, "a family of functions has no distances");
  if (a->options.family != b->options.family || a->K != b->K || a->D != b->D || a->M != b->M)
    return lat_fail(work, LAT_SHAPE,
                    "the other has %zu components of %zu columns, this one %zu of %zu, and the "
                    "family and the levels must be the same",
                    a->K, a->D, b->K, b->D);
  if (a->levels && memcmp(a->levels, b->levels, 2 * a->D * sizeof *a->levels) != 0)
    return lat_fail(work, LAT_SHAPE, "the columns of the other have other levels");
  return LAT_OK;
}

lat_status lat_mixture_distances(lat_workspace *work, const lat_mixture *first,
                                 const lat_mixture *second, double *distances)
{
  LAT_TRY(check_comparable(work, first, second));
  const lat_mixture_context context = lat_mixture_context_of(second), *m = &context;
  const double *p = first->weights + lat_mixture_offset(m),
               *q = second->weights + lat_mixture_offset(m);
  for (size_t i = 0; i < m->K; i++)
    for (size_t j = 0; j < m->K; j++)
      distances[i * m->K + j] = distance(m, p + i * m->M, q + j * m->M);
  return LAT_OK;
}
