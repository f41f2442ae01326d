/* scales.c: exponents of columns whose squares are out of range (scales.h).
 *
 * The exponent e of a column is that of its largest number, so that x 2^-e is at most 1 in
 * magnitude. */
#include "matrix/scales.h"

#include <math.h>

#include "matrix/limits.h"

bool lat_out_of_range(double mean, double scatter)
{
  return !isfinite(mean) || !(scatter <= LAT_SCATTER_LARGE) || scatter < LAT_SCATTER_SMALL;
}

double lat_times_power(double x, double e)
{
  return e == 0 ? x : ldexp(x, (int)e);
}

/* The power that brings the numbers of a column, from `least` to `most`, to 1 at most; 0 for a
 * constant one that isn't large. */
static double exponent_of(double least, double most)
{
  double size = fmax(fabs(least), fabs(most));
  if (!(least <= most) || size == 0 || isinf(size) || (least == most && size < LAT_CONSTANT_LARGE))
    return 0;
  return fmin(fmax(ilogb(size) + 1, LAT_EXPONENT_LEAST), LAT_EXPONENT_MOST);
}

bool lat_find_exponents(const lat_matrix *X, const double *weights, const double *mean,
                        const double *scatter, size_t step, double *scratch, double *exponents)
{
  size_t count = 0, D = X->cols;
  double *least = scratch, *most = scratch + D, *columns = exponents;
  for (size_t j = 0; j < D; j++)
    if (!mean || lat_out_of_range(mean[j], scatter[j * step])) columns[count++] = (double)j;
  for (size_t k = 0; k < count; k++) least[k] = INFINITY, most[k] = -INFINITY;
  for (size_t i = 0; i < X->rows && count > 0; i++) {
    if (weights && !(weights[i] > 0)) continue;
    for (size_t k = 0; k < count; k++) {
      double x = lat_get(X, i, (size_t)columns[k]);
      if (x < least[k]) least[k] = x;
      if (x > most[k]) most[k] = x;
    }
  }
  bool any = false;
  for (size_t j = D; j-- > 0;) { /* from the end: column k of them is k or more of all */
    bool found = count > 0 && columns[count - 1] == (double)j;
    double e = found ? exponent_of(least[count - 1], most[count - 1]) : 0;
    count -= found;
    exponents[j] = !mean && fabs(e) <= LAT_EXPONENT_ORDINARY ? 0 : e;
    any |= exponents[j] != 0;
  }
  return any;
}

void lat_scale_columns(size_t n, size_t D, const double *exponents, double *Y)
{
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; exponents[j] != 0 && i < n; i++)
      Y[i * D + j] = lat_times_power(Y[i * D + j], -exponents[j]);
}
