/* scaler.c: standardization of columns and its inverse (scaler.h), by rows in chunks.
 *
 * Columns whose numbers are within a factor of 16 of the largest double are computed by halves, so
 * that x - m doesn't overflow. */
#include "projection/scaler.h"

#include <float.h>
#include <math.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "matrix/moments.h"
#include "modeling/save.h"
#include "projection/limits.h"

/* ---- options and parameters ------------------------------------------------------------------ */

static const lat_parameter scaler_parameters[] = {
    {"mean", {LAT_D}}, {"deviation", {LAT_D}}, {NULL, {LAT_END}}};

static const lat_option scaler_options[] = {
    LAT_OPTION_BOOLEAN(lat_scaler_options, with_mean, true),
    LAT_OPTION_BOOLEAN(lat_scaler_options, with_deviation, true),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(scaler)

lat_scaler lat_scaler_of(const lat_fitted *f)
{
  size_t D = f->sizes[LAT_D];
  return (lat_scaler){*(const lat_scaler_options *)f->options, D, f->flat, f->flat + D};
}

static const lat_parameter *parameters_of(const void *options)
{
  (void)options;
  return scaler_parameters;
}

/* ---- a fit ----------------------------------------------------------------------------------- */

static lat_status count_statistics(lat_workspace *work, const void *options, size_t D,
                                   size_t *count)
{
  (void)work, (void)options;
  *count = lat_column_moments_count(D);
  return LAT_OK;
}

static lat_status add(lat_workspace *work, const lat_fitted *f, const lat_matrix *X,
                      const double *weights, bool missing)
{
  lat_column_moments moments = lat_column_moments_of(f->statistics, f->sizes[LAT_D]);
  return lat_column_moments_add(work, &moments, X, weights, missing);
}

static lat_status solve(lat_workspace *work, lat_fitted *f)
{
  const lat_scaler_options *o = f->options;
  size_t D = f->sizes[LAT_D];
  lat_column_moments moments = lat_column_moments_of(f->statistics, D);
  f->flat = lat_doubles(work, 2 * D);
  if (!f->flat) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++) {
    if (!(moments.weight[j] > 0))
      return lat_fail(work, LAT_INVALID, "column %zu of X has no entries", j + 1);
    double mean = moments.mean[j], s = lat_column_deviation(&moments, j);
    f->flat[j] = o->with_mean ? mean : 0;
    f->flat[D + j] = o->with_deviation && s > LAT_CONSTANT * fabs(mean) ? s : 1;
  }
  return LAT_OK;
}

static lat_statistics_sum sum_of(size_t D)
{
  (void)D;
  return LAT_SUM_COLUMNS;
}

static const lat_statistics_kind statistics = {
    .count = count_statistics, .sum = sum_of, .add = add, .solve = solve};

lat_status lat_scaler_fit(lat_workspace *work, lat_source *source, const double *weights,
                          const lat_scaler_options *o, lat_scaler *scaler)
{
  lat_fitted fitted;
  LAT_TRY(lat_statistics_fit(work, &lat_scaler_model, source, weights, o, &fitted));
  *scaler = lat_scaler_of(&fitted);
  return LAT_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(scaler, mean, [LAT_D] = model->D)

/* ---- rows in chunks -------------------------------------------------------------------------- */

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

static lat_status scale_rows(lat_workspace *work, const lat_scaler *scaler, bool inverse,
                             const lat_matrix *X, const lat_matrix *Z)
{
  LAT_SCOPE(work);
  walk w = {scaler, X, Z, lat_chunk_rows(scaler->D), NULL, inverse, is_large(scaler)};
  if (w.chunk > X->rows) w.chunk = X->rows;
  w.buffers = lat_allocate(work, lat_workers(work), w.chunk * scaler->D * sizeof(double));
  if (!w.buffers) return LAT_MEMORY;
  return lat_parallel(work, (X->rows + w.chunk - 1) / w.chunk, scale_chunk, &w);
}

lat_status lat_scaler_apply(lat_workspace *work, const lat_scaler *scaler,
                            const lat_request *request, const lat_outputs *outputs)
{
  const lat_matrix *X = &request->X;
  if (X->cols != scaler->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the scaler was fitted on %zu", X->cols,
                    scaler->D);
  if (outputs->standardized) LAT_TRY(scale_rows(work, scaler, false, X, outputs->standardized));
  if (outputs->restored) LAT_TRY(scale_rows(work, scaler, true, X, outputs->restored));
  return LAT_OK;
}

/* ---- the description ------------------------------------------------------------------------- */

LAT_DEFINE_APPLY(scaler)

static const lat_option fit_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_PROGRESS, LAT_OPTION_COMM, {.name = NULL}};
static const lat_option update_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_PROGRESS, {.name = NULL}};
static const lat_option slice_options[] = {LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, {.name = NULL}};

static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    LAT_METHOD_FIT_FOR(slice_options),
    {.name = "partial_fit", .argument = LAT_TAKES_DATA, .options = update_options},
    {.name = "transform",
     .argument = LAT_TAKES_ROWS,
     .outputs = {LAT_OUTPUT(LAT_GIVES_ALIKE, standardized)}},
    {.name = "inverse_transform",
     .argument = LAT_TAKES_ROWS,
     .outputs = {LAT_OUTPUT(LAT_GIVES_ALIKE, restored)}},
    {.name = NULL}};

const lat_model lat_scaler_model = {.name = "scaler",
                                    .options = scaler_options,
                                    .options_size = sizeof(lat_scaler_options),
                                    .methods = methods,
                                    .missing = true,
                                    .parameters = parameters_of,
                                    .apply = apply,
                                    .statistics = &statistics};
