/* gmm/derived.c: a mixture of Gaussians' context: its coordinates, and what all E-steps of an
 * iteration need.
 *
 * In coordinates y = (x - shift)/scale, log p(x, k) = log w_k - D/2 log 2 pi - sum log scale + log
 * |W_k| - |W_k (y - m_k)|^2 / 2, where W_k is the inverse of S_k's Cholesky factor; by features it
 * is a linear function of 1, y and the products of y. Storage: lat_gmm_derived_of. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/special.h"
#include "em/gmm/internal.h"
#include "matrix/linear/lapack.h"

/* ---- sizes ----------------------------------------------------------------------------------- */

size_t lat_gmm_quadratic(const lat_gmm_context *gmm)
{
  if (gmm->covariance == LAT_COVARIANCE_TIED) return 0;
  if (gmm->covariance != LAT_COVARIANCE_FULL) return gmm_covariance_size(gmm);
  return gmm_is_wide(gmm) ? gmm_panel(gmm, gmm_pitch(gmm)) : gmm_triangle(gmm->D);
}

/* ---- coordinates ----------------------------------------------------------------------------- */

void lat_gmm_coordinates(lat_covariance covariance, size_t D, const double *mean,
                         const double *variance, double *shift, double *scale)
{
  double total = 0;
  for (size_t d = 0; d < D; d++) {
    double deviation = sqrt(variance[d]);
    shift[d] = mean[d];
    double noise = LAT_CONSTANT * fabs(mean[d]); /* of a constant column: mustn't look large */
    scale[d] = deviation > noise ? deviation : fmax(noise, 1);
    total += deviation > noise ? variance[d] : 0;
  }
  if (!gmm_is_spherical(&(lat_gmm_context){.covariance = covariance})) return;
  double common = total > 0 ? sqrt(total / (double)D) : 1;
  for (size_t d = 0; d < D; d++) scale[d] = common;
}

/* The variance of column d under component k, in the units of `covariances`. */
static double variance_of(const lat_gmm_context *gmm, const double *covariances, size_t k, size_t d)
{
  const double *S = gmm_part(gmm, (double *)covariances, k);
  return S[lat_gmm_is_dense(gmm) ? d * (gmm->D + 1) : gmm_is_spherical(gmm) ? 0 : d];
}

lat_status lat_gmm_own_coordinates(lat_workspace *work, lat_covariance covariance, size_t D,
                                   size_t K, const double *parameters, double *shift, double *scale)
{
  lat_gmm_context gmm = {.D = D, .K = K, .covariance = covariance};
  const double *weights = parameters, *means = weights + K, *covariances = means + K * D;
  LAT_SCOPE(work);
  double *mean = lat_doubles(work, 2 * D), *variance = mean + D;
  if (!mean) return LAT_MEMORY;
  memset(mean, 0, 2 * D * sizeof *mean);
  for (size_t k = 0; k < K; k++)
    for (size_t d = 0; d < D; d++) mean[d] += weights[k] * means[k * D + d];
  for (size_t k = 0; k < K; k++)
    for (size_t d = 0; d < D; d++) {
      double away = means[k * D + d] - mean[d];
      variance[d] += weights[k] * (away * away + variance_of(&gmm, covariances, k, d));
    }
  lat_gmm_coordinates(covariance, D, mean, variance, shift, scale);
  return LAT_OK;
}

/* The context of a fitted mixture, without coordinates. */
lat_gmm_context lat_gmm_sizes_of(const lat_gmm *gmm)
{
  return (lat_gmm_context){.D = gmm->D,
                           .K = gmm->K,
                           .covariance = (lat_covariance)gmm->options.covariance,
                           .regularization = gmm->options.regularization};
}

lat_status lat_gmm_context_of(lat_workspace *work, const lat_gmm *gmm, lat_gmm_context *context)
{
  *context = lat_gmm_sizes_of(gmm);
  double *own = lat_doubles(work, 2 * gmm->D);
  if (!own) return LAT_MEMORY;
  context->shift = own;
  context->scale = own + gmm->D;
  return lat_gmm_own_coordinates(work, context->covariance, gmm->D, gmm->K, gmm->weights, own,
                                 own + gmm->D);
}

/* ---- what the E-steps of an iteration need --------------------------------------------------- */

/* Beyond this, products of coordinates lose too many digits: the largest |m|^2 + D times the trace
 * of the precision bounds by how much a quadratic form can exceed its terms' cancellation. */
static const double guard = 1e7;

size_t lat_gmm_derived_count(const lat_gmm_context *gmm)
{
  size_t D = gmm->D, K = gmm->K;
  return 1 + 2 * D + 2 * K + K * D + 2 * gmm_covariance_count(gmm) +
         (gmm_is_wide(gmm) ? 0 : gmm_statistics(gmm)) +
         (gmm->covariance == LAT_COVARIANCE_FULL ? K * D * gmm_pitch(gmm) : 0);
}

gmm_derived lat_gmm_derived_of(const lat_gmm_context *gmm, const double *memory)
{
  size_t D = gmm->D, K = gmm->K, count = gmm_covariance_count(gmm);
  gmm_derived derived = {.path = (double *)(size_t)memory};
  derived.inverse = derived.path + 1;
  derived.log_scale = derived.inverse + D;
  derived.log_weights = derived.log_scale + D;
  derived.constants = derived.log_weights + K;
  derived.means = derived.constants + K;
  derived.covariances = derived.means + K * D;
  derived.factors = derived.covariances + count;
  derived.coefficients = derived.factors + count;
  derived.transposed = derived.coefficients + (gmm_is_wide(gmm) ? 0 : gmm_statistics(gmm));
  return derived;
}

bool lat_gmm_cholesky(size_t D, double *S, double least)
{
  if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)D, S, (lapack_int)D) != 0)
    return false;
  for (size_t i = 0; i < D; i++) {
    double pivot = S[i * D + i];
    if (!(pivot * pivot > least)) return false;
    memset(S + i * D + i + 1, 0, (D - i - 1) * sizeof *S);
  }
  return true;
}

void lat_gmm_scale_covariance(const lat_gmm_context *gmm, const double *from, const double *inverse,
                              double *to)
{
  size_t D = gmm->D, count = gmm_covariance_size(gmm);
  for (size_t i = 0; i < count; i++) {
    size_t column = i % D, row = lat_gmm_is_dense(gmm) ? i / D : column;
    to[i] = from[i] * inverse[row] * inverse[column];
  }
}

/* W of one component, and its log-determinant and the trace of the precision W'W. */
static lat_status factor(lat_workspace *work, const lat_gmm_context *gmm, size_t k, const double *S,
                         double *W, double *log_det, double *trace)
{
  size_t D = gmm->D, n = gmm_is_spherical(gmm) ? 1 : D;
  *log_det = *trace = 0;
  if (lat_gmm_is_dense(gmm)) {
    memcpy(W, S, D * D * sizeof *W);
    if (!lat_gmm_cholesky(D, W, 0))
      return lat_fail(work, LAT_SINGULAR,
                      "the covariance of component %zu is not positive definite", k + 1);
    LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'U', 'N', (lapack_int)D, W, (lapack_int)D);
    for (size_t i = 0; i < D; i++) *log_det += log(W[i * D + i]);
    *trace = cblas_ddot((blasint)(D * D), W, 1, W, 1);
    return LAT_OK;
  }
  for (size_t i = 0; i < n; i++) {
    if (!(S[i] > 0) || isinf(S[i]))
      return lat_fail(work, LAT_SINGULAR, "a variance of component %zu is %g; variances are > 0",
                      k + 1, S[i]);
    W[i] = 1 / sqrt(S[i]);
    *log_det += log(W[i]);
    *trace += 1 / S[i];
  }
  *log_det *= (double)(D / n);
  *trace *= (double)(D / n);
  return LAT_OK;
}

/* log p(x, k) = c + b'x - 1/2 x'Px as a linear function of the features; P and b (D) are scratch.
 */
static void coefficients(const lat_gmm_context *gmm, size_t k, const gmm_derived *derived,
                         double *P, double *b)
{
  size_t D = gmm->D, padded = gmm_padded(gmm);
  const double *W = gmm_part(gmm, derived->factors, k), *m = derived->means + k * D;
  double *c = derived->coefficients + k, *linear = c + lat_gmm_quadratic(gmm) * padded;
  if (lat_gmm_is_dense(gmm)) {
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (blasint)D, (blasint)D, 1, W, (blasint)D, 0,
                P, (blasint)D);
    cblas_dsymv(CblasRowMajor, CblasUpper, (blasint)D, 1, P, (blasint)D, m, 1, 0, b, 1);
    for (size_t i = 0; i < D && !gmm_is_tied(gmm); i++)
      for (size_t j = i; j < D; j++)
        c[gmm_product(gmm, i, j) * padded] = P[i * D + j] * (i == j ? -0.5 : -1);
  } else {
    bool one = gmm_is_spherical(gmm);
    for (size_t d = 0; d < D; d++) {
      double w = W[one ? 0 : d];
      c[(one ? 0 : d) * padded] = -0.5 * w * w;
      b[d] = w * w * m[d];
    }
  }
  for (size_t d = 0; d < D; d++) linear[d * padded] = b[d];
  linear[D * padded] = derived->constants[k] - 0.5 * cblas_ddot((blasint)D, b, 1, m, 1);
}

static void transpose_factors(const lat_gmm_context *gmm, const gmm_derived *derived)
{
  size_t D = gmm->D, pitch = gmm_pitch(gmm);
  for (size_t k = 0; k < gmm->K; k++) {
    const double *W = gmm_part(gmm, derived->factors, k);
    double *to = derived->transposed + k * D * pitch;
    memset(to, 0, D * pitch * sizeof *to);
    for (size_t i = 0; i < D; i++)
      for (size_t j = 0; j <= i; j++) to[j * pitch + i] = W[i * D + j];
  }
}

lat_status lat_gmm_derive_means(lat_workspace *work, const lat_gmm_context *gmm,
                                const double *parameters, const gmm_derived *derived)
{
  size_t D = gmm->D, K = gmm->K;
  const double *weights = parameters, *means = weights + K;
  for (size_t d = 0; d < D; d++) {
    derived->inverse[d] = 1 / gmm->scale[d];
    derived->log_scale[d] = log(gmm->scale[d]);
  }
  for (size_t k = 0; k < K; k++) {
    if (!(weights[k] >= 0) || isinf(weights[k]))
      return lat_fail(work, LAT_SINGULAR, "weight %zu of the mixture is %g; weights are >= 0",
                      k + 1, weights[k]);
    derived->log_weights[k] = log(weights[k]);
  }
  for (size_t i = 0; i < K * D; i++)
    derived->means[i] = (means[i] - gmm->shift[i % D]) * derived->inverse[i % D];
  return LAT_OK;
}

lat_status lat_gmm_derive_densities(lat_workspace *work, const lat_gmm_context *gmm,
                                    const gmm_derived *derived)
{
  size_t D = gmm->D, K = gmm->K;
  LAT_SCOPE(work);
  double *P = lat_doubles(work, gmm_square(gmm) + D);
  if (!P) return LAT_MEMORY;
  if (!gmm_is_wide(gmm)) memset(derived->coefficients, 0, gmm_statistics(gmm) * sizeof(double));
  double volume = -0.5 * (double)D * LAT_LOG_2PI, worst = 0, log_det = 0, trace = 0;
  for (size_t d = 0; d < D; d++) volume -= derived->log_scale[d];
  for (size_t k = 0; k < K; k++) {
    LAT_TRY(lat_check(work));
    if (k == 0 || !gmm_is_tied(gmm))
      LAT_TRY(factor(work, gmm, k, gmm_part(gmm, derived->covariances, k),
                     gmm_part(gmm, derived->factors, k), &log_det, &trace));
    const double *m = derived->means + k * D;
    worst = fmax(worst, (cblas_ddot((blasint)D, m, 1, m, 1) + (double)D) * trace);
    derived->constants[k] = derived->log_weights[k] + volume + log_det;
    if (!gmm_is_wide(gmm)) coefficients(gmm, k, derived, P, P + gmm_square(gmm));
  }
  *derived->path = !(worst < guard) ? GMM_CENTRED : gmm_is_wide(gmm) ? GMM_ROWS : GMM_FEATURES;
  if (gmm_by_rows(gmm, derived)) transpose_factors(gmm, derived);
  return LAT_OK;
}

lat_status lat_gmm_derive(lat_workspace *work, const lat_gmm_context *gmm, const double *parameters,
                          double *memory)
{
  gmm_derived derived = lat_gmm_derived_of(gmm, memory);
  LAT_TRY(lat_gmm_derive_means(work, gmm, parameters, &derived));
  const double *covariances = parameters + gmm->K + gmm->K * gmm->D;
  size_t size = gmm_covariance_size(gmm), count = gmm_covariance_count(gmm);
  for (size_t i = 0; i < count; i += size)
    lat_gmm_scale_covariance(gmm, covariances + i, derived.inverse, derived.covariances + i);
  return lat_gmm_derive_densities(work, gmm, &derived);
}
