/* units.c: means and deviations of columns, as parameters of a store (units.h). */
#include "deep/common/units.h"

#include <math.h>
#include <string.h>

#include "deep/common/limits.h"
#include "deep/common/options.h"

static lat_matrix view(const lat_units *units, size_t parameter)
{
  return lat_store_view(units->store, units->store->values, parameter);
}

lat_status lat_units_add(lat_workspace *work, lat_store *store, size_t D, lat_units *units)
{
  const char *const names[] = {"data.mean", "data.rest", "data.deviation", "data.rows"};
  size_t *const numbers[] = {&units->mean, &units->rest, &units->deviation, &units->rows};
  units->store = store;
  for (size_t k = 0; k < 4; k++) {
    size_t cols = k < 3 ? D : 1;
    LAT_TRY(lat_store_add(work, store, names[k], 1, cols, LAT_INIT_ZERO, 1, 0, numbers[k]));
    lat_store_fix(store, *numbers[k]);
  }
  return LAT_OK;
}

lat_status lat_units_moments(lat_workspace *work, const lat_matrix *A, lat_column_moments *moments)
{
  double *memory = lat_doubles(work, lat_column_moments_count(A->cols));
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, lat_column_moments_count(A->cols) * sizeof *memory);
  *moments = lat_column_moments_of(memory, A->cols);
  return lat_column_moments_add(work, moments, A, NULL, false);
}

size_t lat_units_numbers(size_t D)
{
  return 3 * D + 1;
}

/* Sets the units of a column; false, and they are as before, where the store's type can't. */
static bool set_units(const lat_units *units, size_t j, double mean, double deviation)
{
  lat_matrix m = view(units, units->mean), r = view(units, units->rest);
  lat_matrix d = view(units, units->deviation);
  double before[] = {lat_get(&m, 0, j), lat_get(&d, 0, j)};
  lat_set(&m, 0, j, mean);
  lat_set(&d, 0, j, deviation);
  if (lat_get(&d, 0, j) > 0 && isfinite(lat_get(&d, 0, j)) && isfinite(lat_get(&m, 0, j))) {
    lat_set(&r, 0, j, mean - lat_get(&m, 0, j));
    return true;
  }
  lat_set(&m, 0, j, before[0]);
  lat_set(&d, 0, j, before[1]);
  return false;
}

void lat_units_open(const lat_units *units, size_t rows)
{
  lat_matrix n = view(units, units->rows);
  lat_set(&n, 0, 0, (double)rows);
}

lat_status lat_units_follow(lat_workspace *work, const lat_units *units, const lat_matrix *X)
{
  LAT_SCOPE(work);
  lat_matrix rows = view(units, units->rows);
  double n = lat_get(&rows, 0, 0), k = (double)X->rows, all = n + k;
  lat_column_moments own;
  if (!(n < LAT_UNITS_ROWS)) return LAT_OK;
  LAT_TRY(lat_units_moments(work, X, &own));
  for (size_t j = 0; j < X->cols; j++) {
    double mean, deviation, spread = lat_column_deviation(&own, j);
    lat_units_of(units, j, &mean, &deviation);
    double far = own.mean[j] - mean, squares = n * deviation * deviation + k * spread * spread;
    set_units(units, j, mean + far * k / all, sqrt((squares + far * far * n * k / all) / all));
  }
  lat_set(&rows, 0, 0, all);
  return LAT_OK;
}

static bool is_constant(const lat_matrix *X, size_t column)
{
  for (size_t i = 1; i < X->rows; i++)
    if (lat_get(X, i, column) != lat_get(X, 0, column)) return false;
  return true;
}

lat_status lat_units_begin(lat_workspace *work, const lat_units *units, const lat_matrix *X,
                           bool standardize)
{
  LAT_SCOPE(work);
  lat_matrix d = view(units, units->deviation);
  lat_column_moments moments;
  if (X->rows == 0) return lat_fail(work, LAT_SHAPE, "there are no rows");
  for (size_t j = 0; j < X->cols; j++)
    if (!units->constant && is_constant(X, j))
      return lat_fail(work, LAT_INVALID,
                      "column %zu of X is constant (%g): its density has no bound; leave it out",
                      j + 1, lat_get(X, 0, j));
  if (standardize) LAT_TRY(lat_units_moments(work, X, &moments));
  for (size_t j = 0; j < X->cols; j++) {
    double mean = standardize ? moments.mean[j] : 0;
    double deviation = standardize ? lat_column_deviation(&moments, j) : 1;
    if (units->constant && is_constant(X, j)) deviation = 1;
    if (set_units(units, j, mean, deviation)) continue;
    lat_set(&d, 0, 0, 0); /* as before */
    return lat_fail(work, LAT_INVALID, "column %zu of X, mean %g and deviation %g, is beyond %s",
                    j + 1, mean, deviation, d.dtype == LAT_FLOAT64 ? "float64" : "float32");
  }
  lat_units_open(units, LAT_UNITS_ROWS); /* all that there are */
  return LAT_OK;
}

bool lat_units_known(const lat_units *units)
{
  lat_matrix d = view(units, units->deviation);
  return lat_get(&d, 0, 0) > 0;
}

void lat_units_of(const lat_units *units, size_t column, double *mean, double *deviation)
{
  lat_matrix m = view(units, units->mean), r = view(units, units->rest);
  lat_matrix d = view(units, units->deviation);
  *deviation = lat_get(&d, 0, column);
  *mean = *deviation > 0 ? lat_get(&m, 0, column) + lat_get(&r, 0, column) : 0;
  if (!(*deviation > 0)) *deviation = 1;
}

/* Columns of which the units are read at a time, before the rows are gone through. */
enum { COLUMNS = 64 };

static void change(const lat_units *units, const lat_matrix *from, const lat_matrix *to,
                   bool restore)
{
  double mean[COLUMNS], deviation[COLUMNS];
  for (size_t first = 0; first < from->cols; first += COLUMNS) {
    size_t n = from->cols - first < COLUMNS ? from->cols - first : COLUMNS;
    for (size_t j = 0; j < n; j++) lat_units_of(units, first + j, &mean[j], &deviation[j]);
    for (size_t i = 0; i < from->rows; i++)
      for (size_t j = 0; j < n; j++) {
        double x = lat_get(from, i, first + j);
        lat_set(to, i, first + j,
                restore ? mean[j] + deviation[j] * x : (x - mean[j]) / deviation[j]);
      }
  }
}

void lat_units_standardize(const lat_units *units, const lat_matrix *X, const lat_matrix *Z)
{
  change(units, X, Z, false);
}

void lat_units_restore(const lat_units *units, const lat_matrix *Z, const lat_matrix *X)
{
  change(units, Z, X, true);
}

lat_status lat_units_check(lat_workspace *work, const lat_units *units, lat_dtype dtype,
                           const char *name, const lat_matrix *X)
{
  const double most = dtype == LAT_FLOAT64 ? LAT_FAR_FLOAT64 : LAT_FAR_FLOAT32;
  for (size_t j = 0; j < X->cols; j++) {
    double mean = 0, deviation = 1;
    if (units) lat_units_of(units, j, &mean, &deviation);
    for (size_t i = 0; i < X->rows; i++) {
      double x = lat_get(X, i, j);
      if (fabs((x - mean) / deviation) <= most) continue;
      return lat_fail(work, LAT_INVALID, "%s(%zu,%zu) is %g: nets of %s overflow beyond %g%s%s",
                      name, i + 1, j + 1, x, lat_dtype_names[dtype], most,
                      units ? " deviations" : "",
                      dtype == LAT_FLOAT32 ? "; those of dtype = \"float64\" don't" : "");
    }
  }
  return LAT_OK;
}

double lat_units_log_scale(const lat_units *units)
{
  double sum = 0, mean, deviation;
  size_t D = units->store->items[units->mean].cols;
  for (size_t j = 0; j < D; j++) {
    lat_units_of(units, j, &mean, &deviation);
    sum += log(deviation);
  }
  return sum;
}
