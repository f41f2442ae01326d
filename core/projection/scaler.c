/* scaler.c: standardization of columns and its inverse (scaler.h), by rows in chunks.
 *
 * Columns whose numbers are within a factor of 16 of the largest double are computed by halves, so
 * that x - m doesn't overflow. */
#include "projection/scaler.h"

#include <float.h>
#include <math.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "projection/limits.h"

const lat_parameter lat_scaler_parameters[] = {
    {"mean", {LAT_D}}, {"deviation", {LAT_D}}, {NULL, {LAT_END}}};

lat_scaler lat_scaler_of(double *flat, size_t D)
{
  return (lat_scaler){D, flat, flat + D};
}

lat_status lat_scaler_from_moments(lat_workspace *work, const lat_column_moments *moments,
                                   bool with_mean, bool with_deviation, const lat_scaler *scaler)
{
  for (size_t j = 0; j < scaler->D; j++) {
    if (!(moments->weight[j] > 0))
      return lat_fail(work, LAT_INVALID, "column %zu of X has no entries", j + 1);
    double mean = moments->mean[j], s = lat_column_deviation(moments, j);
    scaler->mean[j] = with_mean ? mean : 0;
    scaler->deviation[j] = with_deviation && s > LAT_CONSTANT * fabs(mean) ? s : 1;
  }
  return LAT_OK;
}

typedef struct walk {
  const lat_scaler *scaler;
  const lat_matrix *X, *Z;
  size_t chunk;
  double *buffers;
  bool inverse, large;
} walk;

static bool is_large(const lat_scaler *scaler)
{
  for (size_t j = 0; j < scaler->D; j++)
    if (fabs(scaler->mean[j]) > LAT_SCALER_LARGE || scaler->deviation[j] > LAT_SCALER_LARGE)
      return true;
  return false;
}

/* 2 x, where x is half of a number that a double can hold, except for its rounding. */
static double twice(double x)
{
  const double most = DBL_MAX / 2;
  return fabs(x) > most && fabs(x) < most * (1 + 8 * DBL_EPSILON) ? copysign(DBL_MAX, x) : 2 * x;
}

/* The same as scale_row by halves, which are exact unless numbers are subnormal. */
static void scale_large_row(size_t D, double *x, const double *mean, const double *deviation,
                            bool inverse)
{
  for (size_t j = 0; j < D; j++) {
    double m = mean[j] / 2, s = deviation[j] / 2;
    if (inverse)
      x[j] = twice(m + s * x[j]);
    else
      x[j] = fabs(x[j]) > LAT_SCALER_LARGE || fabs(mean[j]) > LAT_SCALER_LARGE
                 ? (x[j] / 2 - m) / s
                 : (x[j] - mean[j]) / deviation[j];
  }
}

LAT_CLONES static void scale_row(size_t D, double *restrict x, const double *restrict mean,
                                 const double *restrict deviation, bool inverse)
{
  if (inverse)
    for (size_t j = 0; j < D; j++) x[j] = mean[j] + deviation[j] * x[j];
  else
    for (size_t j = 0; j < D; j++) x[j] = (x[j] - mean[j]) / deviation[j];
}

static void scale_chunk(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  size_t D = w->scaler->D, first = c * w->chunk, left = w->X->rows - first;
  size_t rows = left < w->chunk ? left : w->chunk;
  double *Y = w->buffers + worker * w->chunk * D;
  lat_matrix X = lat_block_of(*w->X, first, 0, rows, D), y = lat_matrix_of(Y, rows, D);
  lat_matrix Z = lat_block_of(*w->Z, first, 0, rows, D);
  lat_copy(&X, &y);
  void (*scale)(size_t, double *, const double *, const double *, bool) =
      w->large ? scale_large_row : scale_row;
  for (size_t i = 0; i < rows; i++)
    scale(D, Y + i * D, w->scaler->mean, w->scaler->deviation, w->inverse);
  lat_copy(&y, &Z);
}

lat_status lat_scaler_apply(lat_workspace *work, const lat_scaler *scaler, bool inverse,
                            const lat_matrix *X, const lat_matrix *Z)
{
  if (X->cols != scaler->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the scaler was fitted on %zu", X->cols,
                    scaler->D);
  LAT_SCOPE(work);
  walk w = {scaler, X, Z, lat_chunk_rows(scaler->D), NULL, inverse, is_large(scaler)};
  if (w.chunk > X->rows) w.chunk = X->rows;
  w.buffers = lat_allocate(work, lat_workers(work), w.chunk * scaler->D * sizeof(double));
  if (!w.buffers) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, (X->rows + w.chunk - 1) / w.chunk, scale_chunk, &w));
  return LAT_OK;
}
