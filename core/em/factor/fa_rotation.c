/* fa_rotation.c: the forms that parameters of factor analysis are given in: canonical, rotated to
 * simple structure, and with uncorrelated factors.
 *
 * Storage: parameters (and statistics) change in place; factor_correlations are the last of them.
 */
#include <math.h>

#include "em/factor/context.h"
#include "matrix/linear/factor.h"
#include "matrix/linear/svd.h"
#include "matrix/product.h"
#include "projection/rotation.h"

const lat_parameter lat_fa_parameters[] = {{"mean", {LAT_D}},
                                           {"W", {LAT_D, LAT_M}},
                                           {"noise_variances", {LAT_D}},
                                           {"factor_correlations", {LAT_M, LAT_M}},
                                           {NULL, {LAT_END}}};

static double *correlations_of(double *flat, size_t D, size_t M)
{
  return flat + 2 * D + D * M;
}

void lat_fa_uncorrelate(double *flat, size_t D, size_t M)
{
  double *correlations = correlations_of(flat, D, M);
  for (size_t i = 0; i < M * M; i++) correlations[i] = i % (M + 1) == 0;
}

lat_status lat_fa_whiten(lat_workspace *work, const lat_fa_context *context, size_t D, size_t M,
                         double *parameters)
{
  lat_factor_view model = lat_factor_view_of(parameters, D, M, false);
  for (size_t j = 0; j < D; j++)
    model.noise_variances[j] = fmax(model.noise_variances[j], context->least[j]);
  if (M == 0) return LAT_OK;
  LAT_SCOPE(work);
  lat_matrix W = lat_matrix_of(model.W, D, M);
  lat_matrix Phi = lat_matrix_of(correlations_of(parameters, D, M), M, M);
  lat_matrix root = lat_matrix_new(work, M, M), product = lat_matrix_new(work, D, M);
  if (!root.data || !product.data) return LAT_MEMORY;
  LAT_TRY(lat_cholesky(work, &Phi, &root));
  LAT_TRY(lat_product(work, 1, &W, &root, 0, &product));
  lat_copy(&product, &W);
  lat_fa_uncorrelate(parameters, D, M);
  return LAT_OK;
}

lat_status lat_fa_check_dimensions(lat_workspace *work, size_t D, size_t M)
{
  if (M < D) return LAT_OK;
  return lat_fail(work, LAT_INVALID,
                  "latent_dim is %zu and X has %zu columns; factor analysis needs fewer factors "
                  "than columns",
                  M, D);
}

lat_status lat_fa_constant(lat_workspace *work, size_t column, double variance)
{
  return lat_fail(work, LAT_SINGULAR,
                  "column %zu of X is constant (its variance is %g), so there are neither factors "
                  "nor noise in it; leave it out",
                  column + 1, variance);
}

/* ---- rotations ------------------------------------------------------------------------------- */

/* T (M x M) for loadings of variables with variance 1; and Phi, the identity if T is orthogonal. */
static lat_status choose_rotation(lat_workspace *work, size_t D, size_t M, int rotation,
                                  const double *loadings, double *T, double *Phi)
{
  for (size_t i = 0; i < M * M; i++) T[i] = Phi[i] = i % (M + 1) == 0;
  if (rotation == LAT_VARIMAX && M > 1) return lat_varimax(work, D, M, loadings, T);
  if (rotation == LAT_PROMAX && M > 1) return lat_promax(work, D, M, loadings, T, Phi);
  return lat_fix_loadings(work, D, M, loadings, false, T, NULL);
}

/* z0 was that of W0 = Psi^(1/2) U s V'; now z = inv(T) V' z0 and, with Phi = L L', the new z0 is
 * Q z0 = inv(L) inv(T) V' z0 = L' T' V' z0, because inv(T) inv(T') = L L' . */
static lat_status rotate_statistics(lat_workspace *work, const lat_factor_sums *sums,
                                    const double *Phi, const double *T, const double *V)
{
  size_t M = sums->M;
  double *L = lat_doubles(work, lat_packed_count(M)), *VT = lat_doubles(work, M * M);
  double *Q = lat_doubles(work, M * M);
  if (!L || !VT || !Q) return LAT_MEMORY;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++) L[at++] = Phi[i * M + j];
  lat_packed_cholesky(M, L, NULL);
  lat_factor_multiply(false, false, M, M, M, V, T, 0, VT);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double sum = 0;
      for (size_t k = i; k < M; k++) sum += L[lat_packed_count(k) + i] * VT[j * M + k];
      Q[i * M + j] = sum;
    }
  return lat_factor_rotate(work, sums, Q);
}

/* `canonical` (D x M) := W0 V = Psi^(1/2) U s of W0 = Psi^(1/2) U s V'; `loadings` those of
 * variables with variance 1; V is M x M. */
static lat_status find_canonical(lat_workspace *work, const lat_factor_view *model,
                                 double *canonical, double *loadings, const lat_matrix *V)
{
  size_t D = model->D, M = model->M;
  double *derived = lat_doubles(work, lat_factor_precomputed_count(model, false));
  lat_matrix s = lat_matrix_new(work, M, 1), U = lat_matrix_of(canonical, D, M);
  lat_matrix scaled = lat_matrix_of(loadings, D, M);
  if (!derived || !s.data) return LAT_MEMORY;
  lat_factor_precompute(model, false, true, derived);
  lat_factor_precomputed f = lat_factor_precomputed_of(model, false, true, derived);
  for (size_t j = 0; j < D; j++)
    for (size_t m = 0; m < M; m++)
      lat_set(&scaled, j, m, f.W[j * M + m] / sqrt(model->noise_variances[j]));
  LAT_TRY(lat_svd(work, &scaled, &U, s, V));
  for (size_t j = 0; j < D; j++) {
    double variance = model->noise_variances[j], deviation = sqrt(variance);
    for (size_t m = 0; m < M; m++) {
      double w = canonical[j * M + m] *= deviation * lat_get(&s, m, 0);
      variance += w * w;
    }
    for (size_t m = 0; m < M; m++) loadings[j * M + m] = canonical[j * M + m] / sqrt(variance);
  }
  return LAT_OK;
}

lat_status lat_fa_rotate(lat_workspace *work, size_t D, size_t M, int rotation, bool missing,
                         double *parameters, double *statistics)
{
  LAT_SCOPE(work);
  if (M == 0) return LAT_OK;
  lat_factor_view model = lat_factor_view_of(parameters, D, M, false);
  lat_matrix canonical = lat_matrix_new(work, D, M), loadings = lat_matrix_new(work, D, M);
  lat_matrix V = lat_matrix_new(work, M, M), T = lat_matrix_new(work, M, M);
  if (!canonical.data || !loadings.data || !V.data || !T.data) return LAT_MEMORY;
  LAT_TRY(find_canonical(work, &model, canonical.data, loadings.data, &V));
  double *Phi = correlations_of(parameters, D, M);
  LAT_TRY(choose_rotation(work, D, M, rotation, loadings.data, T.data, Phi));
  lat_factor_multiply(false, false, D, M, M, canonical.data, T.data, 0, model.W);
  if (!statistics) return LAT_OK;
  lat_factor_sums sums = lat_factor_sums_of(D, M, missing, statistics);
  return rotate_statistics(work, &sums, Phi, T.data, V.data);
}
