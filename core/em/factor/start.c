/* factor/start.c: where EM begins, and how a fit by moments ends.
 *
 * Storage: the parameters are the caller's; what a fit by moments leaves lies in its workspace. */
#include <math.h>

#include "em/factor/internal.h"
#include "matrix/spread.h"

double lat_factor_weight(const lat_matrix *X, const double *weights)
{
  double sum = weights ? 0 : (double)X->rows;
  for (size_t i = 0; weights && i < X->rows; i++) sum += weights[i];
  return sum;
}

lat_status lat_factor_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                            bool missing, uint64_t seed, const lat_factor_view *to, double *shift,
                            double *variances)
{
  size_t D = X->cols, M = to->M, count = lat_column_moments_count(D);
  LAT_SCOPE(work);
  double *memory = lat_doubles(work, count), *deviation = lat_doubles(work, D), mean = 0;
  if (!memory || !deviation) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(work, &m, X, weights, missing));
  for (size_t j = 0; j < D; j++) {
    to->mean[j] = shift[j] = m.mean[j];
    deviation[j] = lat_column_deviation(&m, j);
    variances[j] = deviation[j] > LAT_CONSTANT * fabs(m.mean[j]) ? deviation[j] * deviation[j] : 0;
    mean += variances[j] / (double)D;
  }
  LAT_TRY(lat_check_spread(work, to->shared ? LAT_SPREAD_TOGETHER : LAT_SPREAD_EACH, D, m.mean,
                           deviation));
  for (size_t j = 0; !(to->shared && mean > 0) && j < D; j++)
    if (!(m.weight[j] > 0)) return lat_factor_wholly_missing(work, j);
  lat_random random = {seed, LAT_FACTOR_STREAM, 0};
  lat_random_fill_normal(NULL, &random, D * M, to->W);
  for (size_t i = 0; i < D * M; i++)
    to->W[i] *= sqrt((to->shared ? mean : variances[i / M]) / 2 / (double)M);
  return LAT_OK;
}

lat_status lat_factor_solved(lat_workspace *work, const lat_factor_view *model, double objective,
                             double rows, lat_fitted *f)
{
  f->sizes[LAT_D] = model->D;
  f->sizes[LAT_M] = model->M;
  f->flat = model->mean;
  f->count = lat_factor_statistics_count(model->D, model->M, false);
  f->statistics = lat_doubles(work, f->count);
  if (!f->statistics) return LAT_MEMORY;
  lat_factor_statistics(model, objective, f->statistics);
  f->seen = rows;
  return LAT_OK;
}
