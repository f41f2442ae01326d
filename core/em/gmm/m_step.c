/* gmm/m_step.c: N_k = sum_n r_nk, w_k = N_k / N, m_k and S_k from the sums of x and of products of
 * x (gmm.h), in the mixture's form; a ridge where S_k is not positive definite.
 *
 * Storage: statistics are those of internal.h, in coordinates; parameters become the user's units
 * at the end. */
#include <math.h>
#include <string.h>

#include "em/gmm/internal.h"

/* How the covariances of an M-step on its way are made positive definite. */
typedef struct update {
  gmm_update base;
  double *covariances; /* as the parameters', in scaled coordinates */
  double *trial;       /* D x D */
  double *added;       /* K: what has been added to the diagonal so far */
} update;

static size_t diagonal_count(const lat_gmm_context *gmm)
{
  return gmm_is_spherical(gmm) ? 1 : gmm->D;
}

/* Component k's covariance from its statistics S2/N - d d'. */
void lat_gmm_own_covariance(const gmm_update *u, size_t k, const double *statistics, double *S)
{
  const lat_gmm_context *gmm = u->gmm;
  size_t D = gmm->D, step = gmm_step(gmm);
  const double *quadratic = statistics + k * gmm_apart(gmm), *offset = u->offsets + k * D;
  double n = u->counts[k];
  switch (gmm->covariance) {
  case LAT_COVARIANCE_FULL:
    for (size_t i = 0; i < D; i++)
      for (size_t j = i; j < D; j++)
        S[i * D + j] = S[j * D + i] =
            quadratic[gmm_product(gmm, i, j) * step] / n - offset[i] * offset[j];
    break;
  case LAT_COVARIANCE_DIAG:
  case LAT_COVARIANCE_TIED_DIAG:
    for (size_t d = 0; d < D; d++) S[d] = quadratic[d * step] / n - offset[d] * offset[d];
    break;
  default:
    *S = *quadratic / n;
    for (size_t d = 0; d < D; d++) *S -= offset[d] * offset[d];
    *S /= (double)D;
  }
}

/* The common covariance, sum_k N_k/N S_k. Dense: the scatter of all rows, which `products` are,
 * less that of the components' offsets. `own` is scratch for one covariance. */
static void tied_covariance(const gmm_update *u, const double *statistics, double *S, double *own)
{
  const lat_gmm_context *gmm = u->gmm;
  size_t D = gmm->D, count = gmm_covariance_size(gmm);
  const double *products = statistics + gmm_statistics(gmm);
  if (!lat_gmm_is_dense(gmm)) {
    memset(S, 0, count * sizeof *S);
    for (size_t k = 0; k < gmm->K; k++) {
      if (!(u->counts[k] > 0)) continue;
      lat_gmm_own_covariance(u, k, statistics, own);
      for (size_t i = 0; i < count; i++) S[i] += u->counts[k] / u->total * own[i];
    }
    return;
  }
  for (size_t i = 0; i < D; i++)
    for (size_t j = i; j < D; j++) {
      double sum = products[gmm_product(gmm, i, j)];
      for (size_t k = 0; k < gmm->K; k++)
        sum -= u->counts[k] * u->offsets[k * D + i] * u->offsets[k * D + j];
      S[i * D + j] = S[j * D + i] = sum / u->total;
    }
}

static void add_ridge(const lat_gmm_context *gmm, double *S, double ridge)
{
  size_t n = diagonal_count(gmm), step = lat_gmm_is_dense(gmm) ? gmm->D + 1 : 1;
  for (size_t i = 0; i < n; i++) S[i * step] += ridge;
}

static bool sound(const update *u, const double *S)
{
  size_t D = u->base.gmm->D, n = diagonal_count(u->base.gmm);
  if (lat_gmm_is_dense(u->base.gmm)) {
    memcpy(u->trial, S, D * D * sizeof *S);
    return lat_gmm_cholesky(D, u->trial, LAT_GMM_COLLAPSED);
  }
  for (size_t i = 0; i < n; i++)
    if (!(S[i] > LAT_GMM_COLLAPSED)) return false;
  return true;
}

static bool fit(gmm_update *base, size_t k, double ridge)
{
  update *u = (update *)base;
  double *S = gmm_part(base->gmm, u->covariances, k);
  add_ridge(base->gmm, S, ridge - u->added[k]);
  u->added[k] = ridge;
  return sound(u, S);
}

/* No spread in any direction, or not enough rows to have one in all. */
static bool is_point(const gmm_update *base, size_t k)
{
  const lat_gmm_context *gmm = base->gmm;
  const double *S = gmm_part(gmm, ((const update *)base)->covariances, k);
  size_t n = diagonal_count(gmm), step = lat_gmm_is_dense(gmm) ? gmm->D + 1 : 1;
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, S[i * step]);
  bool few = !gmm->online && gmm->covariance == LAT_COVARIANCE_FULL &&
             gmm_rows_held(base, k) < (double)gmm->D + 1;
  return few || !(most > LAT_GMM_COLLAPSED);
}

/* The covariance of all the data. */
static void spread(gmm_update *base, size_t k)
{
  const lat_gmm_context *gmm = base->gmm;
  if (gmm_is_tied(gmm)) return;
  double *S = gmm_part(gmm, ((update *)base)->covariances, k);
  memset(S, 0, gmm_covariance_size(gmm) * sizeof *S);
  add_ridge(gmm, S, 1);
}

/* The parameters in the user's units. */
static void write_out(const update *u, double *parameters)
{
  const lat_gmm_context *gmm = u->base.gmm;
  size_t count = gmm_covariance_count(gmm);
  double *covariances = parameters + gmm->K + gmm->K * gmm->D;
  const double *scale = gmm->scale;
  lat_gmm_write_means(&u->base, parameters);
  for (size_t i = 0; i < count; i++) {
    size_t column = gmm_is_spherical(gmm) ? 0 : i % gmm->D;
    size_t row = lat_gmm_is_dense(gmm) ? i / gmm->D % gmm->D : column;
    covariances[i] = u->covariances[i] * (scale[row] * scale[column]);
  }
}

/* A component without rows, but not to begin anew, keeps what it has. */
static void keep(update *u, size_t k, const gmm_derived *derived)
{
  const lat_gmm_context *gmm = u->base.gmm;
  size_t D = gmm->D, count = gmm_covariance_size(gmm);
  memcpy(u->base.means + k * D, derived->means + k * D, D * sizeof(double));
  if (!gmm_is_tied(gmm))
    memcpy(gmm_part(gmm, u->covariances, k), gmm_part(gmm, derived->covariances, k),
           count * sizeof(double));
}

lat_status lat_gmm_m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_gmm_context *gmm = em->model;
  size_t K = gmm->K;
  bool tied = gmm_is_tied(gmm);
  LAT_SCOPE(em->work);
  gmm_derived derived = lat_gmm_derived_of(gmm, em->derived);
  update u = {.base = {.fit = fit, .is_point = is_point, .spread = spread}};
  u.covariances = lat_doubles(em->work, gmm_covariance_count(gmm) + gmm_square(gmm) + K);
  if (!u.covariances) return LAT_MEMORY;
  u.trial = u.covariances + gmm_covariance_count(gmm);
  u.added = u.trial + gmm_square(gmm);
  memset(u.added, 0, K * sizeof *u.added);
  LAT_TRY(lat_gmm_begin_update(&u.base, em, gmm, statistics[1]));
  const double *features = statistics + 2;
  lat_gmm_find_means(&u.base, &derived, features);
  if (tied) {
    tied_covariance(&u.base, features, u.covariances, u.trial);
    lat_gmm_regularize_or_reseed(&u.base, 0);
  }
  for (size_t k = 0; k < K; k++) {
    LAT_TRY(lat_check(em->work));
    gmm_emptiness empty = lat_gmm_is_empty(&u.base, k);
    if (empty == GMM_EMPTY) keep(&u, k, &derived);
    if (empty != GMM_FILLED || tied) continue;
    lat_gmm_own_covariance(&u.base, k, features, gmm_part(gmm, u.covariances, k));
    lat_gmm_regularize_or_reseed(&u.base, k);
  }
  write_out(&u, parameters);
  return LAT_OK;
}
