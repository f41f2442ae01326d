/* mixture/mixture.c: the EM steps of mixtures with independent columns; see mixture.h. */
#include "em/mixture/mixture.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "em/mixture/internal.h"

const lat_parameter lat_mixture_bernoulli[] = {
    {"weights", {LAT_K}}, {"means", {LAT_K, LAT_D}}, {NULL, {LAT_END}}};
const lat_parameter lat_mixture_poisson[] = {
    {"weights", {LAT_K}}, {"rates", {LAT_K, LAT_D}}, {NULL, {LAT_END}}};
const lat_parameter lat_mixture_categorical[] = {{"weights", {LAT_K}},
                                                 {"levels", {LAT_D}},
                                                 {"lowest", {LAT_D}},
                                                 {"probabilities", {LAT_K, LAT_M}},
                                                 {NULL, {LAT_END}}};

size_t lat_mixture_offset(const lat_mixture_context *m)
{
  return m->family == LAT_CATEGORICAL ? m->K + 2 * m->D : m->K;
}

/* ---- what parameters mean -------------------------------------------------------------------- */

lat_mixture_context lat_mixture_context_of(const lat_mixture *m)
{
  return (lat_mixture_context){.family = (lat_family)m->options.family,
                               .D = m->D,
                               .K = m->K,
                               .M = m->M,
                               .levels = m->levels,
                               .lowest = m->lowest,
                               .smoothing = m->options.smoothing};
}

static size_t bases(const lat_mixture_context *m)
{
  return m->family == LAT_CATEGORICAL ? 0 : m->D;
}

size_t lat_mixture_derived_count(const lat_mixture_context *m)
{
  return 2 + m->K * (3 + 2 * m->M + 2 * bases(m)) + MIXTURE_FACTORIALS;
}

mixture_derived lat_mixture_derived_of(const lat_mixture_context *m, double *memory)
{
  mixture_derived r = {.limits = memory, .prior = memory + 1, .weights = memory + 2};
  r.slopes = r.weights + m->K;
  r.bases = r.slopes + 2 * m->K * m->M;
  r.constants = r.bases + 2 * m->K * bases(m);
  r.factorials = r.constants + 2 * m->K;
  return r;
}

/* log x, where a prior is to be told from a worse one even at the limit */
static double prior_log(double x)
{
  return log(x > DBL_MIN ? x : DBL_MIN);
}

/* One column of one component: p, its terms at `at` of the tables with `half` numbers between the
 * terms and the contradictions; returns the logarithm of the prior over s. */
static double take_bernoulli(double p, size_t at, size_t half, mixture_derived *r)
{
  if (p <= 0 || p >= 1) {
    *r->limits = 1;
    r->slopes[half + at] = p <= 0 ? 1 : -1; /* contradicted by a 1; by a 0, which base counts */
    r->bases[half + at] = p <= 0 ? 0 : 1;
  } else {
    r->bases[at] = log1p(-p);
    r->slopes[at] = log(p) - r->bases[at];
  }
  return prior_log(p) + prior_log(1 - p);
}

static double take_poisson(double rate, size_t at, size_t half, mixture_derived *r)
{
  if (rate <= 0) {
    *r->limits = 1;
    r->slopes[half + at] = 1;
  } else {
    r->slopes[at] = log(rate);
    r->bases[at] = -rate;
  }
  return prior_log(rate) - rate;
}

static double take_categorical(double p, size_t at, size_t half, mixture_derived *r)
{
  if (p <= 0) {
    *r->limits = 1;
    r->slopes[half + at] = 1;
  } else {
    r->slopes[at] = log(p);
  }
  return prior_log(p);
}

static lat_status check_parameters(lat_workspace *work, const lat_mixture_context *m,
                                   const double *parameters)
{
  static const char *const names[] = {"means", "rates", "probabilities"};
  const double *theta = parameters + lat_mixture_offset(m);
  double most = m->family == LAT_POISSON ? DBL_MAX : 1 + 1e-9;
  for (size_t k = 0; k < m->K; k++)
    if (!(parameters[k] >= 0 && parameters[k] <= 1 + 1e-9))
      return lat_fail(work, LAT_INVALID, "weights[%zu] is %g; weights are between 0 and 1", k + 1,
                      parameters[k]);
  for (size_t i = 0; i < m->K * m->M; i++)
    if (!(theta[i] >= 0 && theta[i] <= most))
      return lat_fail(work, LAT_INVALID, "%s[%zu,%zu] is %g; %s", names[m->family], i / m->M + 1,
                      i % m->M + 1, theta[i],
                      m->family == LAT_POISSON ? "rates are finite and >= 0"
                                               : "probabilities are between 0 and 1");
  return LAT_OK;
}

lat_status lat_mixture_derive(lat_workspace *work, const lat_mixture_context *m,
                              const double *parameters, double *memory)
{
  static double (*const take[])(double, size_t, size_t, mixture_derived *) = {
      take_bernoulli, take_poisson, take_categorical};
  mixture_derived r = lat_mixture_derived_of(m, memory);
  const double *theta = parameters + lat_mixture_offset(m);
  double prior = 0;
  LAT_TRY(check_parameters(work, m, parameters));
  memset(memory, 0, lat_mixture_derived_count(m) * sizeof *memory);
  for (size_t k = 0; k < m->K; k++)
    r.weights[k] = parameters[k] > 0 ? log(parameters[k]) : MIXTURE_NEVER;
  for (size_t i = 0; i < m->K * m->M; i++) prior += take[m->family](theta[i], i, m->K * m->M, &r);
  for (size_t i = 0; i < 2 * m->K * bases(m); i++) r.constants[i / m->D] += r.bases[i];
  *r.prior = m->smoothing > 0 && !m->seen ? m->smoothing * prior : 0;
  for (size_t i = 0; m->family == LAT_POISSON && i < MIXTURE_FACTORIALS; i++)
    r.factorials[i] = lat_mixture_log_factorial((double)i);
  return LAT_OK;
}

/* ---- the E-step ------------------------------------------------------------------------------ */

/* A row whose component is known is of no other. */
static void apply_labels(const lat_mixture_context *m, const uint32_t *labels, mixture_block *b)
{
  for (size_t i = 0; i < b->n; i++)
    for (size_t k = 0; labels[i] > 0 && k < m->K; k++)
      if (k + 1 != labels[i]) b->joint[k * b->n + i] = MIXTURE_NEVER;
}

static void add_objective(const mixture_block *b, const double *weights, double *statistics)
{
  for (size_t i = 0; i < b->n; i++) {
    double weight = weights ? weights[i] : 1;
    if (weight != 0) statistics[0] += weight * b->log_sum[i];
    statistics[1] += weight;
  }
}

/* Adds r f and what belongs to it; r is overwritten by w r. */
static void add_statistics(const lat_mixture_context *m, const double *weights, mixture_block *b,
                           double *statistics)
{
  mixture_statistics s = lat_mixture_statistics_of(m, statistics);
  size_t K = m->K, n = b->n, M = m->M, D = m->D;
  for (size_t k = 0; k < K; k++) {
    double *r = b->joint + k * n, sum = 0;
    for (size_t i = 0; weights && i < n; i++) r[i] *= weights[i];
    for (size_t i = 0; i < n; i++) sum += r[i];
    s.components[k] += sum;
    for (size_t d = 0; !b->partial && d < bases(m); d++) s.observed[k * D + d] += sum;
  }
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)K, (blasint)M, (blasint)n, 1,
              b->joint, (blasint)n, b->features, (blasint)M, 1, s.sums, (blasint)M);
  if (b->partial)
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)K, (blasint)D, (blasint)n, 1,
                b->joint, (blasint)n, b->observed, (blasint)D, 1, s.observed, (blasint)D);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  const lat_mixture_context *m = em->model;
  mixture_derived derived = lat_mixture_derived_of(m, em->derived);
  mixture_block b = lat_mixture_block_of(m, scratch);
  if (lat_em_opens(em, chunk)) statistics[0] += *derived.prior;
  for (size_t i = 0; i < chunk->X.rows; i += MIXTURE_ROWS) {
    size_t left = chunk->X.rows - i, n = left < MIXTURE_ROWS ? left : MIXTURE_ROWS;
    const double *weights = chunk->weights ? chunk->weights + i : NULL;
    lat_matrix X = lat_block_of(chunk->X, i, 0, n, m->D);
    lat_mixture_features(m, &derived, &X, em->options.missing, &b);
    if (!b.valid) {
      statistics[0] = NAN;
      return;
    }
    lat_mixture_joint(m, &derived, &b);
    if (m->labels) apply_labels(m, m->labels + chunk->first + i, &b);
    lat_mixture_responsibilities(m, &b);
    add_objective(&b, weights, statistics);
    add_statistics(m, weights, &b, statistics);
  }
}

/* ---- the M-step ------------------------------------------------------------------------------ */

/* Each is (sum + s)/(count + its share of pseudo-counts); where nothing was counted, the old
 * value stays. */
static void estimate_numbers(const lat_mixture_context *m, const mixture_statistics *s,
                             double smoothing, double *theta)
{
  bool poisson = m->family == LAT_POISSON;
  for (size_t i = 0; i < m->K * m->D; i++) {
    double count = s->observed[i] + (poisson ? 1 : 2) * smoothing, sum = s->sums[i] + smoothing;
    if (!(count > 0)) continue;
    theta[i] = sum / count;
    if (!poisson && theta[i] > 1) theta[i] = 1; /* by rounding */
  }
}

static void estimate_levels(const lat_mixture_context *m, const mixture_statistics *s,
                            double smoothing, double *theta)
{
  for (size_t k = 0; k < m->K; k++) {
    const double *sums = s->sums + k * m->M;
    for (size_t d = 0; d < m->D; d++) {
      size_t levels = (size_t)m->levels[d];
      double total = (double)levels * smoothing;
      for (size_t l = 0; l < levels; l++) total += sums[l];
      for (size_t l = 0; total > 0 && l < levels; l++) theta[l] = (sums[l] + smoothing) / total;
      sums += levels;
      theta += levels;
    }
  }
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_mixture_context *m = em->model;
  mixture_statistics s = lat_mixture_statistics_of(m, (double *)(size_t)statistics);
  double smoothing = m->smoothing, total = 0, *theta = parameters + lat_mixture_offset(m);
  /* running statistics are of weight 1, whatever they stand for */
  if (m->seen) smoothing /= *m->seen + em->statistics[1];
  for (size_t k = 0; k < m->K; k++) total += s.components[k];
  for (size_t k = 0; k < m->K; k++) parameters[k] = s.components[k] / total;
  (m->family == LAT_CATEGORICAL ? estimate_levels : estimate_numbers)(m, &s, smoothing, theta);
  return LAT_OK;
}

/* ---- the kind -------------------------------------------------------------------------------- */

/* A parameter may fall to a hundredth of what it was, but not to a limit that EM hasn't found. */
static double above(double trial, double present)
{
  return trial > 0.01 * present ? trial : 0.01 * present;
}

static void normalize(size_t n, const double *present, double *trial)
{
  double total = 0;
  for (size_t i = 0; i < n; i++) total += trial[i] = above(trial[i], present[i]);
  for (size_t i = 0; i < n; i++) trial[i] /= total;
}

static bool feasible(const lat_em *em, double *parameters)
{
  const lat_mixture_context *m = em->model;
  const double *present = em->parameters + lat_mixture_offset(m);
  double *theta = parameters + lat_mixture_offset(m);
  normalize(m->K, em->parameters, parameters);
  if (m->family != LAT_CATEGORICAL) {
    for (size_t i = 0; i < m->K * m->D; i++) {
      theta[i] = above(theta[i], present[i]);
      if (m->family == LAT_BERNOULLI) theta[i] = 1 - above(1 - theta[i], 1 - present[i]);
    }
    return true;
  }
  memcpy(parameters + m->K, em->parameters + m->K, 2 * m->D * sizeof *parameters);
  for (size_t k = 0; k < m->K; k++)
    for (size_t d = 0; d < m->D; d++) {
      size_t levels = (size_t)m->levels[d];
      if (levels > 0) normalize(levels, present, theta);
      present += levels;
      theta += levels;
    }
  return true;
}

static size_t statistics_count(const lat_em *em)
{
  return lat_mixture_statistics_count(em->model);
}

static size_t derived_count(const lat_em *em)
{
  return lat_mixture_derived_count(em->model);
}

static size_t scratch_count(const lat_em *em, size_t rows)
{
  (void)rows;
  return lat_mixture_block_count(em->model);
}

static lat_status prepare(lat_em *em, const double *parameters, double *derived)
{
  return lat_mixture_derive(em->work, em->model, parameters, derived);
}

static lat_status check(const lat_em *em, const lat_matrix *X)
{
  return lat_mixture_check_rows(em->work, em->model, X, em->options.missing);
}

#define KIND(table)                                                                                \
  {                                                                                                \
    .name = "mixture", .parameters = table, .statistics = statistics_count,                        \
    .derived = derived_count, .scratch = scratch_count, .prepare = prepare, .e_step = e_step,      \
    .m_step = m_step, .feasible = feasible, .check = check                                         \
  }

const lat_em_kind *lat_mixture_kind(lat_family family)
{
  static const lat_em_kind kinds[] = {KIND(lat_mixture_bernoulli), KIND(lat_mixture_poisson),
                                      KIND(lat_mixture_categorical)};
  return &kinds[family];
}
