/* gmm/order.c: the first parameters of a mixture of Gaussians by means, and its components in a new
 * order. */
#include <string.h>

#include "em/common/components.h"
#include "em/gmm/internal.h"

void lat_gmm_start(const lat_gmm_context *gmm, const double *means, double *parameters)
{
  size_t D = gmm->D, K = gmm->K, count = gmm_covariance_count(gmm);
  double *covariances = parameters + K + K * D;
  for (size_t k = 0; k < K; k++) parameters[k] = 1 / (double)K;
  memcpy(parameters + K, means, K * D * sizeof *means);
  for (size_t i = 0; i < count; i++) {
    size_t column = gmm_is_spherical(gmm) ? 0 : i % D;
    bool diagonal = !lat_gmm_is_dense(gmm) || i / D % D == column;
    covariances[i] = diagonal ? gmm->scale[column] * gmm->scale[column] : 0;
  }
}

lat_status lat_gmm_reorder_parameters(lat_workspace *work, const lat_gmm_context *gmm,
                                      const lat_parameter *table, const size_t sizes[LAT_SIZES],
                                      const size_t *order, double *parameters, double *statistics)
{
  size_t K = gmm->K, F = gmm_features(gmm), count = lat_parameters_count(table, sizes);
  LAT_SCOPE(work);
  double *old = lat_doubles(work, count > K * F ? count : K * F);
  if (!old) return LAT_MEMORY;
  lat_parameters_reorder(table, sizes, LAT_K, order, parameters, old);
  if (statistics && gmm_is_wide(gmm)) lat_components_permute(K, F, order, statistics + 2, old);
  for (size_t f = 0; statistics && !gmm_is_wide(gmm) && f < F; f++)
    lat_components_permute(K, 1, order, statistics + 2 + f * gmm_step(gmm), old);
  return LAT_OK;
}
