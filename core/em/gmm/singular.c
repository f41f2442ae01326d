/* gmm/singular.c: an M-step of Gaussians on its way: means, and what is done about singularities,
 * whatever the covariances are made of; and whether a fit has ended at one. */
#include <math.h>
#include <string.h>

#include "em/gmm/internal.h"

/* Weights below this share of the data's are none. */
static const double nothing = 1e-12;

lat_status lat_gmm_begin_update(gmm_update *u, lat_em *em, const lat_gmm_context *gmm, double total)
{
  u->em = em;
  u->gmm = gmm;
  u->total = total;
  u->counts = lat_doubles(em->work, gmm->K + 2 * gmm->K * gmm->D);
  if (!u->counts) return LAT_MEMORY;
  u->means = u->counts + gmm->K;
  u->offsets = u->means + gmm->K * gmm->D;
  return LAT_OK;
}

void lat_gmm_find_means(gmm_update *u, const gmm_derived *derived, const double *statistics)
{
  const lat_gmm_context *gmm = u->gmm;
  size_t D = gmm->D, step = gmm_step(gmm);
  for (size_t k = 0; k < gmm->K; k++) {
    const double *linear = statistics + lat_gmm_quadratic(gmm) * step + k * gmm_apart(gmm);
    const double *about = gmm_centre(gmm, derived, k);
    double n = u->counts[k] = linear[D * step];
    for (size_t d = 0; d < D; d++) {
      u->offsets[k * D + d] = n > 0 ? linear[d * step] / n : 0;
      u->means[k * D + d] = u->offsets[k * D + d] + (about ? about[d] : 0);
    }
  }
}

void lat_gmm_write_means(const gmm_update *u, double *parameters)
{
  const lat_gmm_context *gmm = u->gmm;
  size_t D = gmm->D, K = gmm->K;
  double *means = parameters + K, total = 0;
  for (size_t k = 0; k < K; k++) total += u->counts[k];
  for (size_t k = 0; k < K; k++) parameters[k] = u->counts[k] / total;
  for (size_t i = 0; i < K * D; i++) means[i] = gmm->shift[i % D] + gmm->scale[i % D] * u->means[i];
}

static void record(const gmm_update *u, size_t k, int what)
{
  lat_gmm_record *r = u->gmm->record;
  if (r->count == LAT_GMM_EVENTS) return;
  r->events[r->count].iteration = u->em->iterations + 1;
  r->events[r->count].component = k + 1;
  r->events[r->count++].what = what;
}

/* Spreads component k over all data, about a random mean, so that two of them differ. */
static void reseed(gmm_update *u, size_t k)
{
  const lat_gmm_context *gmm = u->gmm;
  size_t D = gmm->D;
  lat_random random = {.seed = gmm->seed,
                       .stream = (uint64_t)k + 1,
                       .position = (uint64_t)gmm->record->reseeded[k] * 2 * D};
  for (size_t d = 0; d < D; d++) u->means[k * D + d] = lat_random_normal(&random);
  u->spread(u, k);
  u->counts[k] = u->total / (double)gmm->K;
  u->em->reseeded = true;
  gmm->record->reseeded[k]++;
  record(u, k, LAT_GMM_RESEEDED);
}

gmm_emptiness lat_gmm_is_empty(gmm_update *u, size_t k)
{
  if (u->counts[k] > nothing * u->total) return GMM_FILLED;
  if (u->gmm->record->reseeded[k] >= LAT_GMM_RESEEDS) return GMM_EMPTY;
  reseed(u, k);
  return GMM_BEGUN_ANEW;
}

void lat_gmm_regularize_or_reseed(gmm_update *u, size_t k)
{
  const lat_gmm_context *gmm = u->gmm;
  lat_gmm_record *r = gmm->record;
  bool good = u->fit(u, k, gmm->regularization), tied = gmm_is_tied(gmm);
  if (!good && !tied && r->reseeded[k] < LAT_GMM_RESEEDS && u->is_point(u, k)) {
    reseed(u, k);
    return;
  }
  if (r->ridge[k] > 0) good = u->fit(u, k, gmm->regularization + r->ridge[k]);
  while (!good && r->ridge[k] < 1) {
    r->ridge[k] += r->ridge[k] > 0 ? 9 * r->ridge[k] : LAT_GMM_RIDGE;
    good = u->fit(u, k, gmm->regularization + r->ridge[k]);
    record(u, k, LAT_GMM_REGULARIZED);
  }
}

/* ---- the end of a fit ------------------------------------------------------------------------ */

bool lat_gmm_has_collapsed(const lat_em *em, const lat_gmm_context *gmm, const double *weights,
                           size_t least)
{
  const double rounding = 1e-9;
  for (size_t k = 0; k < gmm->K; k++) {
    if (gmm->record->ridge[k] > 0 || gmm->record->reseeded[k] > 0) return true;
    if (!gmm->online && gmm_is_safeguard(gmm) &&
        weights[k] * (double)em->rows < (double)least * (1 - rounding))
      return true;
  }
  return false;
}

/* Subtracts r I + LAT_GMM_RIDGE W from S: is what is left positive definite? */
static bool stands_out(const lat_gmm_context *gmm, const double *W, double *S)
{
  size_t n = gmm_covariance_size(gmm), step = lat_gmm_is_dense(gmm) ? gmm->D + 1 : 1;
  for (size_t i = 0; i < n; i++) S[i] -= LAT_GMM_RIDGE * W[i];
  for (size_t i = 0; i < n; i += step) S[i] -= gmm_safeguard(gmm);
  if (lat_gmm_is_dense(gmm)) return lat_gmm_cholesky(gmm->D, S, 0);
  for (size_t i = 0; i < n; i++)
    if (!(S[i] > 0)) return false;
  return true;
}

lat_status lat_gmm_singular(lat_em *em, bool *singular)
{
  const lat_gmm_context *gmm = em->model;
  const double *weights = em->parameters, *covariances = weights + gmm->K + gmm->K * gmm->D;
  size_t D = gmm->D, size = gmm_covariance_size(gmm), count = gmm_is_tied(gmm) ? 1 : gmm->K;
  size_t least = gmm_is_tied(gmm) ? 0 : lat_gmm_is_dense(gmm) ? D + 1 : 2;
  *singular = lat_gmm_has_collapsed(em, gmm, weights, least);
  if (*singular) return LAT_OK;
  LAT_SCOPE(em->work);
  double *inverse = lat_doubles(em->work, D), *S = lat_doubles(em->work, 2 * size), *W = S + size;
  if (!inverse || !S) return LAT_MEMORY;
  for (size_t d = 0; d < D; d++) inverse[d] = 1 / gmm->scale[d];
  memset(W, 0, size * sizeof *W);
  for (size_t k = 0; k < count; k++) {
    lat_gmm_scale_covariance(gmm, covariances + k * size, inverse, S);
    for (size_t i = 0; i < size; i++) W[i] += (gmm_is_tied(gmm) ? 1 : weights[k]) * S[i];
  }
  for (size_t k = 0; k < count && !*singular; k++) {
    lat_gmm_scale_covariance(gmm, covariances + k * size, inverse, S);
    *singular = !stands_out(gmm, W, S);
  }
  return LAT_OK;
}
