/* ppca_closed.c: the maximum of PPCA's likelihood by the eigenvalues of the covariance (ppca.h).
 *
 * Storage: principal components and what they need lie in the workspace and are released. */
#include <math.h>

#include "base/special.h"
#include "em/factor/context.h"
#include "projection/pca.h"

lat_status lat_ppca_check_dimensions(lat_workspace *work, size_t D, size_t M)
{
  if (M < D) return LAT_OK;
  return lat_fail(
      work, LAT_INVALID,
      "latent_dim is %zu and X has %zu columns; PPCA needs fewer latent dimensions than "
      "columns",
      M, D);
}

lat_status lat_ppca_no_noise(lat_workspace *work, size_t M)
{
  return lat_fail(
      work, LAT_SINGULAR,
      "the data has no variance outside of %zu dimensions (rows too few, or constant or "
      "collinear columns), so noise_variance is 0 and the likelihood unbounded; take a "
      "smaller latent_dim, or a PCA",
      M);
}

/* ---- the closed form ------------------------------------------------------------------------- */

static lat_status from_pca(lat_workspace *work, lat_pca pca, size_t M, double *parameters,
                           double *objective)
{
  size_t D = pca.D;
  lat_factor_view to = lat_factor_view_of(parameters, D, M, true);
  double total = *pca.total_variance, rest = total, log_det = 0, offset = 0;
  for (size_t i = 0; i < M; i++) rest -= pca.eigenvalues[i];
  double s2 = rest / (double)(D - M);
  for (size_t j = 0; j < D; j++) offset = fmax(offset, fabs(pca.mean[j]));
  if (!(rest > LAT_FACTOR_NO_NOISE * total) || s2 <= LAT_CONSTANT * offset * LAT_CONSTANT * offset)
    return lat_ppca_no_noise(work, M);
  memcpy(to.mean, pca.mean, D * sizeof *to.mean);
  *to.noise_variances = s2;
  for (size_t i = 0; i < M; i++) {
    double length = sqrt(fmax(pca.eigenvalues[i] - s2, 0));
    for (size_t j = 0; j < D; j++) to.W[j * M + i] = length * pca.components[j * pca.M + i];
    log_det += log(pca.eigenvalues[i]);
  }
  *objective = -0.5 * (((double)D) * (LAT_LOG_2PI + 1) + log_det + (double)(D - M) * log(s2));
  return LAT_OK;
}

static lat_pca_options pca_options(size_t M)
{
  return (lat_pca_options){.latent_dim = M ? M : 1, .tolerance = 1e-10};
}

lat_status lat_ppca_closed_form(lat_workspace *work, const lat_matrix *X, const double *weights,
                                size_t M, double *parameters, double *objective)
{
  LAT_TRY(lat_ppca_check_dimensions(work, X->cols, M));
  LAT_SCOPE(work);
  lat_pca_options options = pca_options(M);
  lat_pca_report record;
  double *flat;
  size_t found;
  LAT_TRY(lat_pca_fit_rows(work, X, weights, &options, &flat, &found, &record));
  LAT_TRY(from_pca(work, lat_pca_view(flat, X->cols, found), M, parameters, objective));
  return LAT_OK;
}

lat_status lat_ppca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective)
{
  size_t D = moments->dimensions, found;
  LAT_TRY(lat_ppca_check_dimensions(work, D, M));
  LAT_SCOPE(work);
  lat_pca_options options = pca_options(M);
  lat_pca_report record;
  double *flat;
  LAT_TRY(lat_pca_from_moments(work, moments, &options, &flat, &found, &record));
  LAT_TRY(from_pca(work, lat_pca_view(flat, D, found), M, parameters, objective));
  return LAT_OK;
}
