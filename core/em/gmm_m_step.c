/* The M-step of the mixture of Gaussians, and what it does about singularities. */
#include <math.h>
#include <string.h>

#include "em/gmm_kernel.h"

/* Weights below this share of the data's are none. */
static const double nothing = 1e-12;

static void record(const lat_em *em, size_t k, int what)
{
  lat_gmm_record *r = ((const lat_gmm *)em->model)->record;
  if (r->count == LAT_GMM_EVENTS) return;
  r->events[r->count].iteration = em->iterations + 1;
  r->events[r->count].component = k + 1;
  r->events[r->count++].what = what;
}

/* An M-step on its way, in scaled coordinates. */
typedef struct update {
  lat_em *em;
  const lat_gmm *gmm;
  double total;        /* sum of weights */
  double *counts;      /* K: N_k */
  double *means;       /* K x D */
  double *offsets;     /* K x D: means minus the centre of the statistics */
  double *covariances; /* as the parameters' */
  double *trial;       /* D x D */
} update;

static size_t diagonal_count(const lat_gmm *gmm)
{
  return gmm->covariance == LAT_COVARIANCE_SPHERICAL ? 1 : gmm->D;
}

/* Component k's covariance from its statistics S2/N - d d'. */
static void own_covariance(const update *u, size_t k, const double *quadratic)
{
  const lat_gmm *gmm = u->gmm;
  size_t D = gmm->D;
  size_t step = gmm_step(gmm);
  double *S = gmm_part(gmm, u->covariances, k), n = u->counts[k];
  const double *offset = u->offsets + k * D;
  switch (gmm->covariance) {
  case LAT_COVARIANCE_FULL:
    for (size_t i = 0; i < D; i++)
      for (size_t j = i; j < D; j++)
        S[i * D + j] = S[j * D + i] =
            quadratic[gmm_product(gmm, i, j) * step] / n - offset[i] * offset[j];
    break;
  case LAT_COVARIANCE_DIAG:
    for (size_t d = 0; d < D; d++) S[d] = quadratic[d * step] / n - offset[d] * offset[d];
    break;
  default:
    *S = *quadratic / n;
    for (size_t d = 0; d < D; d++) *S -= offset[d] * offset[d];
    *S /= (double)D;
  }
}

/* The common covariance: the scatter of all rows less that of the components' offsets. */
static void tied_covariance(const update *u, const double *products)
{
  const lat_gmm *gmm = u->gmm;
  size_t D = gmm->D;
  double *S = u->covariances;
  for (size_t i = 0; i < D; i++)
    for (size_t j = i; j < D; j++) {
      double sum = products[gmm_product(gmm, i, j)];
      for (size_t k = 0; k < gmm->K; k++)
        sum -= u->counts[k] * u->offsets[k * D + i] * u->offsets[k * D + j];
      S[i * D + j] = S[j * D + i] = sum / u->total;
    }
}

static void add_ridge(const lat_gmm *gmm, double *S, double ridge)
{
  size_t n = diagonal_count(gmm), step = gmm_is_dense(gmm) ? gmm->D + 1 : 1;
  for (size_t i = 0; i < n; i++) S[i * step] += ridge;
}

static bool sound(const update *u, const double *S)
{
  size_t D = u->gmm->D, n = diagonal_count(u->gmm);
  if (gmm_is_dense(u->gmm)) {
    memcpy(u->trial, S, D * D * sizeof *S);
    return gmm_cholesky(D, u->trial, LAT_GMM_COLLAPSED);
  }
  for (size_t i = 0; i < n; i++)
    if (!(S[i] > LAT_GMM_COLLAPSED)) return false;
  return true;
}

/* No spread in any direction, or not enough rows to have one in all. */
static bool is_point(const update *u, size_t k, const double *S)
{
  const lat_gmm *gmm = u->gmm;
  size_t n = diagonal_count(gmm), step = gmm_is_dense(gmm) ? gmm->D + 1 : 1;
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, S[i * step]);
  bool few =
      !gmm->running && gmm->covariance == LAT_COVARIANCE_FULL && u->counts[k] < (double)gmm->D + 1;
  return few || !(most > LAT_GMM_COLLAPSED);
}

/* Spreads component k over all data, about a random mean, so that two of them differ. */
static void reseed(update *u, size_t k)
{
  const lat_gmm *gmm = u->gmm;
  size_t D = gmm->D;
  lat_random random = {.seed = gmm->seed,
                       .stream = (uint64_t)k + 1,
                       .position = (uint64_t)gmm->record->reseeded[k] * 2 * D};
  for (size_t d = 0; d < D; d++) u->means[k * D + d] = lat_random_normal(&random);
  if (gmm->covariance != LAT_COVARIANCE_TIED) {
    double *S = gmm_part(gmm, u->covariances, k);
    memset(S, 0,
           (gmm->covariance == LAT_COVARIANCE_FULL ? D * D : diagonal_count(gmm)) * sizeof *S);
    add_ridge(gmm, S, 1);
  }
  u->counts[k] = u->total / (double)gmm->K;
  gmm->record->reseeded[k]++;
  record(u->em, k, LAT_GMM_RESEEDED);
}

/* Makes the covariance of component k (of all, when tied) positive definite. */
static void secure(update *u, size_t k)
{
  const lat_gmm *gmm = u->gmm;
  lat_gmm_record *r = gmm->record;
  double *S = gmm_part(gmm, u->covariances, k);
  add_ridge(gmm, S, gmm->regularization);
  bool good = sound(u, S), tied = gmm->covariance == LAT_COVARIANCE_TIED;
  if (!good && !tied && is_point(u, k, S) && r->reseeded[k] < LAT_GMM_RESEEDS) {
    reseed(u, k);
    return;
  }
  add_ridge(gmm, S, r->ridge[k]);
  while (!(good = sound(u, S)) && r->ridge[k] < 1) {
    double more = r->ridge[k] > 0 ? 9 * r->ridge[k] : LAT_GMM_RIDGE;
    r->ridge[k] += more;
    add_ridge(gmm, S, more);
    record(u->em, k, LAT_GMM_REGULARIZED);
  }
}

/* A component without rows begins anew, or keeps what it has. */
static bool is_empty(update *u, size_t k, const gmm_ready *ready)
{
  const lat_gmm *gmm = u->gmm;
  size_t D = gmm->D, count = gmm_covariance_count(gmm) / gmm->K;
  if (u->counts[k] > nothing * u->total) return false;
  if (gmm->record->reseeded[k] < LAT_GMM_RESEEDS) {
    reseed(u, k);
    return true;
  }
  memcpy(u->means + k * D, ready->means + k * D, D * sizeof(double));
  if (gmm->covariance != LAT_COVARIANCE_TIED)
    memcpy(gmm_part(gmm, u->covariances, k), gmm_part(gmm, ready->covariances, k),
           count * sizeof(double));
  return true;
}

static void find_means(update *u, const gmm_ready *ready, const double *statistics)
{
  const lat_gmm *gmm = u->gmm;
  size_t D = gmm->D, step = gmm_step(gmm);
  for (size_t k = 0; k < gmm->K; k++) {
    const double *linear = statistics + gmm_quadratic(gmm) * step + k * gmm_apart(gmm);
    const double *about = gmm_centre(gmm, ready, k);
    double n = u->counts[k] = linear[D * step];
    for (size_t d = 0; d < D; d++) {
      u->offsets[k * D + d] = n > 0 ? linear[d * step] / n : 0;
      u->means[k * D + d] = u->offsets[k * D + d] + (about ? about[d] : 0);
    }
  }
}

/* The parameters in the user's units. */
static void write_out(const update *u, double *parameters)
{
  const lat_gmm *gmm = u->gmm;
  size_t D = gmm->D, K = gmm->K, count = gmm_covariance_count(gmm);
  double *means = parameters + K, *covariances = means + K * D, total = 0;
  const double *scale = gmm->scale;
  for (size_t k = 0; k < K; k++) total += u->counts[k];
  for (size_t k = 0; k < K; k++) parameters[k] = u->counts[k] / total;
  for (size_t i = 0; i < K * D; i++) means[i] = gmm->shift[i % D] + scale[i % D] * u->means[i];
  for (size_t i = 0; i < count; i++) {
    size_t column = gmm->covariance == LAT_COVARIANCE_SPHERICAL ? 0 : i % D;
    size_t row = gmm_is_dense(gmm) ? i / D % D : column;
    covariances[i] = u->covariances[i] * (scale[row] * scale[column]);
  }
}

lat_status gmm_m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_gmm *gmm = em->model;
  size_t D = gmm->D, K = gmm->K;
  lat_mark mark = lat_workspace_mark(em->work);
  gmm_ready ready = gmm_ready_of(gmm, em->derived);
  update u = {.em = em, .gmm = gmm, .total = statistics[1]};
  u.counts = lat_doubles(em->work, K + 2 * K * D + gmm_covariance_count(gmm) + D * D);
  if (!u.counts) return LAT_MEMORY;
  u.means = u.counts + K;
  u.offsets = u.means + K * D;
  u.covariances = u.offsets + K * D;
  u.trial = u.covariances + gmm_covariance_count(gmm);
  const double *features = statistics + 2;
  find_means(&u, &ready, features);
  if (gmm->covariance == LAT_COVARIANCE_TIED) {
    tied_covariance(&u, features + gmm_statistics(gmm));
    secure(&u, 0);
  }
  for (size_t k = 0; k < K; k++) {
    if (is_empty(&u, k, &ready) || gmm->covariance == LAT_COVARIANCE_TIED) continue;
    own_covariance(&u, k, features + k * gmm_apart(gmm));
    secure(&u, k);
  }
  write_out(&u, parameters);
  lat_workspace_release(em->work, mark);
  return LAT_OK;
}
