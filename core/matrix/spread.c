/* spread.c: bounds on means and deviations of columns (spread.h), and messages that name a
 * column. */
#include "matrix/spread.h"

#include <math.h>
#include <string.h>

#include "matrix/limits.h"

static lat_status too_large(lat_workspace *work, lat_spread spread, size_t j, double size)
{
  return lat_fail(work, LAT_INVALID,
                  spread == LAT_SPREAD_DIVIDED
                      ? "numbers of column %zu of X are about %.2g, too large to compute with: "
                        "divide the column by a number of that size"
                      : "numbers of column %zu of X are about %.2g, and squares of them overflow: "
                        "divide them by their size, as latent.scaler does",
                  j + 1, size);
}

static lat_status too_small(lat_workspace *work, lat_spread spread, size_t j, double size)
{
  return lat_fail(
      work, LAT_INVALID,
      spread == LAT_SPREAD_DIVIDED
          ? "numbers of column %zu of X vary by about %.2g, too little to compute with: "
            "divide the column by a number of that size"
          : "numbers of column %zu of X vary by about %.2g, and squares of that "
            "underflow: divide them by their size, as latent.scaler does",
      j + 1, size);
}

lat_status lat_check_spread(lat_workspace *work, lat_spread spread, size_t D, const double *mean,
                            const double *deviation)
{
  double most = spread == LAT_SPREAD_DIVIDED ? LAT_DEVIATION_DIVIDED : LAT_DEVIATION_SQUARED,
         largest = 0;
  size_t at = 0;
  for (size_t j = 0; j < D; j++) {
    double size = fabs(mean[j]), d = deviation[j] > LAT_CONSTANT * size ? deviation[j] : 0;
    if (spread != LAT_SPREAD_DIVIDED && size > most * LAT_MEAN_FACTOR)
      return too_large(work, spread, j, size);
    if (d > most) return too_large(work, spread, j, d);
    if (d > 0 && d < 1 / most && spread != LAT_SPREAD_TOGETHER)
      return too_small(work, spread, j, d);
    if (!(d > largest)) continue;
    largest = d;
    at = j;
  }
  if (largest > 0 && largest < 1 / most) return too_small(work, spread, at, largest);
  return LAT_OK;
}

lat_status lat_check_spread_of_moments(lat_workspace *work, lat_spread spread,
                                       const lat_moments *moments)
{
  size_t D = moments->dimensions;
  LAT_SCOPE(work);
  double *deviation = lat_doubles(work, D);
  if (!deviation) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++) deviation[j] = lat_moments_deviation(moments, j);
  LAT_TRY(lat_check_spread(work, spread, D, moments->mean, deviation));
  return LAT_OK;
}

lat_status lat_check_spread_of(lat_workspace *work, lat_spread spread, const lat_matrix *X,
                               const double *weights, bool missing)
{
  size_t D = X->cols, count = lat_column_moments_count(D);
  LAT_SCOPE(work);
  double *memory = lat_doubles(work, count), *deviation = lat_doubles(work, D);
  if (!memory || !deviation) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(work, &m, X, weights, missing));
  for (size_t j = 0; j < D; j++) deviation[j] = lat_column_deviation(&m, j);
  LAT_TRY(lat_check_spread(work, spread, D, m.mean, deviation));
  return LAT_OK;
}
