/* zip.c: EM for zero-inflated counts. With r = p(zero for sure | x = 0) = z / (z + (1 - z)
 * exp(-l)), statistics are, of each column, R = sum r and S = sum x; the M-step is z = R / N, l = S
 * / (N - R). Storage: statistics are the objective's sum, the sum of weights, then R and S side by
 * side, column after column. */
#include "em/zip/zip.h"

#include <math.h>

/* ---- EM ------------------------------------------------------------------------------------- */

static const lat_parameter parameters_table[] = {
    {"zeros", {LAT_D}}, {"rates", {LAT_D}}, {NULL, {LAT_END}}};

static bool is_count(double x)
{
  return x >= 0 && x == floor(x);
}

/* log p of one entry, and r. */
static double log_density(double x, double z, double rate, double *r)
{
  double log_count = x * log(rate) - rate - lgamma(x + 1), p = z + (1 - z) * exp(-rate);
  *r = x == 0 ? z / p : 0;
  return !is_count(x) ? (double)NAN : x == 0 ? log(p) : log(1 - z) + log_count;
}

static size_t statistics(const lat_em *em)
{
  return 2 + 2 * em->sizes[LAT_D];
}

static size_t none(const lat_em *em, size_t rows)
{
  (void)em, (void)rows;
  return 0;
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *sums, double *scratch)
{
  size_t D = em->sizes[LAT_D];
  const double *zeros = em->parameters, *rates = zeros + D;
  (void)scratch;
  for (size_t i = 0; i < chunk->X.rows; i++) {
    double weight = chunk->weights ? chunk->weights[i] : 1, r;
    for (size_t d = 0; d < D && weight > 0; d++) {
      double x = lat_get(&chunk->X, i, d);
      sums[0] += weight * log_density(x, zeros[d], rates[d], &r);
      sums[2 + 2 * d] += weight * r;
      sums[3 + 2 * d] += weight * x;
    }
    sums[1] += weight;
  }
}

static lat_status m_step(lat_em *em, const double *sums, double *parameters)
{
  size_t D = em->sizes[LAT_D];
  for (size_t d = 0; d < D; d++) {
    double R = sums[2 + 2 * d], S = sums[3 + 2 * d];
    parameters[d] = R / sums[1];
    parameters[D + d] = sums[1] > R ? S / (sums[1] - R) : 0;
  }
  return LAT_OK;
}

/* Which entry has made the objective NaN? */
static lat_status check_counts(const lat_em *em, const lat_matrix *X)
{
  for (size_t i = 0; X && i < X->rows; i++)
    for (size_t d = 0; d < X->cols; d++)
      if (!is_count(lat_get(X, i, d)))
        return lat_fail(em->work, LAT_INVALID, "X has %g in row %zu, column %zu; counts are >= 0",
                        lat_get(X, i, d), i + 1, d + 1);
  return LAT_OK;
}

static const lat_em_kind em_kind = {.name = "zip",
                                    .parameters = parameters_table,
                                    .statistics = statistics,
                                    .scratch = none,
                                    .e_step = e_step,
                                    .m_step = m_step,
                                    .check = check_counts};

/* ---- a fit ------------------------------------------------------------------------------------ */

static lat_status plan(lat_fit *fit)
{
  fit->core = &em_kind;
  return LAT_OK;
}

/* Half of the zeros are for sure; the rate is the mean. */
static lat_status start(lat_fit *fit)
{
  const lat_matrix *X = &fit->sample;
  for (size_t d = 0; d < X->cols; d++) {
    double zeros = 0, sum = 0;
    for (size_t i = 0; i < X->rows; i++) {
      zeros += lat_get(X, i, d) == 0;
      sum += lat_get(X, i, d);
    }
    fit->parameters[d] = 0.5 * zeros / (double)X->rows;
    fit->parameters[X->cols + d] = sum / (double)X->rows;
  }
  return LAT_OK;
}

static const lat_fit_kind fit_kind = {.plan = plan, .start = start};

LAT_DEFINE_FIT(zip)

/* ---- the description ---------------------------------------------------------------------------- */

static const lat_option options_table[] = {LAT_FIT_OPTIONS(lat_zip_options, 1000, 1e-12, 1),
                                           {.name = NULL}};
static const lat_option fit_options[] = {LAT_OPTION_WEIGHTS,
                                         LAT_OPTION_ON_ITERATION,
                                         LAT_OPTION_PROGRESS,
                                         LAT_OPTION_MAX_SECONDS,
                                         {.name = NULL}};
static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    LAT_DENSITY_METHODS(lat_no_options),
    {.name = NULL}};

lat_zip_options lat_zip_defaults(void)
{
  lat_zip_options options;
  lat_model_defaults(&lat_zip_model, &options);
  return options;
}

lat_status lat_zip_check(lat_workspace *work, const lat_zip_options *options)
{
  return lat_model_check(work, &lat_zip_model, options);
}

lat_zip lat_zip_of(const lat_fitted *f)
{
  size_t D = f->sizes[LAT_D];
  return (lat_zip){.options = *(const lat_zip_options *)f->options,
                   .D = D,
                   .zeros = f->flat,
                   .rates = f->flat + D};
}

lat_status lat_zip_apply(lat_workspace *work, const lat_zip *zip, const lat_request *request,
                         const lat_outputs *outputs)
{
  const lat_matrix *X = &request->X;
  double r;
  if (X->cols != zip->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model is of %zu", X->cols, zip->D);
  LAT_TRY(lat_check_finite(work, "X", X, false));
  LAT_TRY(check_counts(&(lat_em){.work = work}, X));
  for (size_t i = 0; outputs->log_likelihood && i < X->rows; i++) {
    outputs->log_likelihood[i] = 0;
    for (size_t d = 0; d < X->cols; d++)
      outputs->log_likelihood[i] += log_density(lat_get(X, i, d), zip->zeros[d], zip->rates[d], &r);
  }
  return LAT_OK;
}

static const lat_parameter *parameters(const void *options)
{
  (void)options;
  return parameters_table;
}

static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  lat_zip zip = lat_zip_of(f);
  for (size_t d = 0; d < zip.D; d++)
    if (!(zip.zeros[d] >= 0 && zip.zeros[d] <= 1 && zip.rates[d] >= 0))
      return lat_fail(work, LAT_INVALID, "column %zu has no distribution", d + 1);
  return LAT_OK;
}

LAT_DEFINE_APPLY(zip)

static size_t free_parameters(const lat_fitted *f)
{
  return 2 * f->sizes[LAT_D];
}

const lat_model lat_zip_model = {.name = "zip",
                                 .options = options_table,
                                 .options_size = sizeof(lat_zip_options),
                                 .methods = methods,
                                 .parameters = parameters,
                                 .check_fitted = check_fitted,
                                 .apply = apply,
                                 .free_parameters = free_parameters,
                                 .fit = &fit_kind};
