/* poisson.h: a small kind of model for the specs of the EM loop and of its driver in Lua, a mixture of
 * K Poisson distributions over one column. */
#include <math.h>

#include "latent.h"

static const lat_parameter parameters[] = {{"weights", {LAT_K}}, {"rates", {LAT_K}}, {0}};

static size_t K_of(const lat_em *em)
{
  return em->sizes[LAT_K];
}

static size_t statistics(const lat_em *em)
{
  return 2 + 2 * K_of(em); /* and the responsibilities' sums, and those times x */
}

static size_t derived(const lat_em *em)
{
  return 2 * K_of(em); /* log weight - rate, log rate */
}

static size_t scratch(const lat_em *em, size_t rows)
{
  (void)rows;
  return K_of(em);
}

static lat_status prepare(lat_em *em, const double *p, double *d)
{
  size_t K = K_of(em);
  for (size_t k = 0; k < K; k++) {
    if (!(p[K + k] > 0)) return lat_fail(em->work, LAT_INVALID, "rate %zu is %g", k + 1, p[K + k]);
    d[k] = log(p[k]) - p[K + k];
    d[K + k] = log(p[K + k]);
  }
  return LAT_OK;
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *s, double *r)
{
  size_t K = K_of(em);
  const double *d = em->derived;
  for (size_t i = 0; i < chunk->X.rows; i++) {
    double x = lat_get(&chunk->X, i, 0), w = chunk->weights ? chunk->weights[i] : 1;
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < K; k++) {
      r[k] = d[k] + x * d[K + k];
      if (!(r[k] <= most)) most = r[k];
    }
    for (size_t k = 0; k < K; k++) sum += r[k] = exp(r[k] - most);
    s[0] += w * (most + log(sum) - lgamma(x + 1));
    s[1] += w;
    for (size_t k = 0; k < K; k++) {
      s[2 + k] += w * r[k] / sum;
      s[2 + K + k] += w * r[k] / sum * x;
    }
  }
}

static lat_status m_step(lat_em *em, const double *s, double *p)
{
  size_t K = K_of(em);
  double total = 0;
  for (size_t k = 0; k < K; k++) total += s[2 + k];
  for (size_t k = 0; k < K; k++) {
    p[k] = s[2 + k] / total;
    p[K + k] = s[2 + K + k] / s[2 + k];
  }
  return LAT_OK;
}

static bool on_simplex(const lat_em *em, double *p)
{
  double total = 0;
  for (size_t k = 0; k < em->sizes[LAT_K]; k++) total += p[k] = p[k] > 0 ? p[k] : 0;
  for (size_t k = 0; k < em->sizes[LAT_K]; k++) p[k] /= total;
  return total > 0;
}

static lat_em_kind kind = {.name = "poisson",
                           .parameters = parameters,
                           .statistics = statistics,
                           .derived = derived,
                           .scratch = scratch,
                           .prepare = prepare,
                           .e_step = e_step,
                           .m_step = m_step,
                           .feasible = on_simplex};
