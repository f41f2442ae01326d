/* bpca.c: the description of Bayesian PCA: options, methods, and the functions behind them.
 *
 * Storage: nothing lies aside of the parameters. Evidence can't be added up by rows as likelihood
 * can, so there are no online fits. */
#include <math.h>
#include <string.h>

#include "em/factor/context.h"
#include "modeling/save.h"

/* ---- options --------------------------------------------------------------------------------- */

static const char *const dimensions[] = {"all", NULL};
static const char *const methods_of_fit[] = {"closed_form", "em", NULL};

static const lat_option options[] = {
    LAT_OPTION_SIZE_OR_WORD(lat_bpca_options, latent_dim, -1, 0, LAT_MOST_PARTS, dimensions),
    LAT_OPTION_CHOICE(lat_bpca_options, method, LAT_BPCA_EM, methods_of_fit),
    LAT_FIT_OPTION(lat_bpca_options, "max_iterations", LAT_SIZE, max_iterations, 10000, 0,
                   LAT_ANY_COUNT),
    LAT_FIT_OPTION(lat_bpca_options, "tolerance", LAT_NUMBER, tolerance, 1e-10, 0,
                   (double)INFINITY),
    LAT_FIT_OPTION(lat_bpca_options, "accelerate", LAT_BOOLEAN, accelerate, true, 0, 1),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(bpca)

static const lat_parameter *parameters(const void *o)
{
  (void)o;
  return lat_bpca_parameters;
}

lat_bpca lat_bpca_of(const lat_fitted *f)
{
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  lat_bpca_view b = lat_bpca_view_of(f->flat, D, M);
  return (lat_bpca){.options = *(const lat_bpca_options *)f->options,
                    .D = D,
                    .M = M,
                    .mean = b.mean,
                    .W = b.W,
                    .noise_variance = b.noise_variance,
                    .alpha = b.alpha,
                    .W_covariance = b.W_covariance,
                    .effective_dimension = lat_bpca_count_on(b.W, D, M)};
}

static lat_factor_view factor_of(const lat_bpca *b)
{
  return lat_factor_view_of(b->mean, b->D, b->M, true);
}

static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  lat_bpca b = lat_bpca_of(f);
  size_t M = b.options.latent_dim;
  if (b.M >= b.D || (M != LAT_BPCA_ALL && b.M != M))
    return lat_fail(work, LAT_INVALID, "W is %zux%zu, which latent_dim doesn't fit", b.D, b.M);
  if (!(*b.noise_variance > 0))
    return lat_fail(work, LAT_INVALID, "noise_variance is %.14g", *b.noise_variance);
  for (size_t i = 0; i < b.M; i++)
    if (!(b.alpha[i] > 0 && b.W_covariance[i * b.M + i] > 0))
      return lat_fail(work, LAT_INVALID, "alpha or the variance of column %zu of W isn't above 0",
                      i + 1);
  return LAT_OK;
}

/* ---- how many dimensions --------------------------------------------------------------------- */

/* Columns with more than one value. */
static size_t count_varying(const lat_matrix *X)
{
  size_t count = 0;
  for (size_t j = 0; j < X->cols; j++) {
    double first = NAN;
    size_t i = 0;
    for (; i < X->rows; i++) {
      double x = lat_get(X, i, j);
      if (isnan(first)) first = x;
      if (x > first || x < first) break;
    }
    count += i < X->rows;
  }
  return count;
}

static size_t count_scattered(const lat_moments *moments)
{
  size_t D = moments->dimensions, count = 0;
  for (size_t j = 0; j < D; j++) count += moments->scatter[j * (D + 1)] > 0;
  return count;
}

/* The most latent dimensions: one less than the columns that vary, and of N rows N - 2. */
static size_t most_dimensions(const lat_bpca_options *o, size_t varying, size_t N)
{
  if (o->latent_dim != LAT_BPCA_ALL) return o->latent_dim;
  size_t most = varying > 0 ? varying - 1 : 0;
  if (most + 2 <= N) return most;
  return N > 2 ? N - 2 : most > 0;
}

/* ---- a fit ----------------------------------------------------------------------------------- */

static lat_form form(const lat_fit *fit)
{
  const lat_bpca_options *o = fit->options;
  return o->method == LAT_BPCA_EM ? LAT_FORM_EM : LAT_FORM_ROWS;
}

static lat_status solve(lat_fit *fit, const lat_moments *moments)
{
  lat_workspace *work = fit->work;
  size_t D = moments ? moments->dimensions : fit->rows.cols;
  size_t M = moments
                 ? most_dimensions(fit->options, count_scattered(moments), (size_t)*moments->rows)
                 : most_dimensions(fit->options, count_varying(&fit->rows), fit->rows.rows);
  LAT_TRY(lat_bpca_check_dimensions(work, D, M));
  fit->best.sizes[LAT_D] = D;
  fit->best.sizes[LAT_M] = M;
  double *flat = lat_doubles(work, lat_parameters_count(lat_bpca_parameters, fit->best.sizes));
  double *history = lat_doubles(work, 1);
  if (!flat || !history) return LAT_MEMORY;
  LAT_TRY(moments ? lat_bpca_from_moments(work, moments, M, flat, history)
                  : lat_bpca_closed_form(work, &fit->rows, fit->row_weights, M, flat, history));
  fit->best.flat = flat;
  fit->report.method = "closed_form";
  fit->report.objective = *history;
  fit->history = history;
  return LAT_OK;
}

static lat_status plan(lat_fit *fit)
{
  lat_bpca_context *context = lat_allocate(fit->work, 1, sizeof *context);
  double *shift = lat_doubles(fit->work, fit->sizes[LAT_D]);
  bool *judging = lat_allocate(fit->work, 1, sizeof *judging);
  if (!context || !shift || !judging) return LAT_MEMORY;
  memset(shift, 0, fit->sizes[LAT_D] * sizeof *shift);
  *judging = false;
  *context = (lat_bpca_context){shift, judging};
  fit->core = &lat_bpca_kind;
  fit->context = context;
  fit->sizes[LAT_M] = most_dimensions(fit->options, count_varying(&fit->sample), fit->sample.rows);
  return lat_bpca_check_dimensions(fit->work, fit->sizes[LAT_D], fit->sizes[LAT_M]);
}

static lat_status start(lat_fit *fit)
{
  return lat_bpca_start(fit->work, &fit->sample, fit->sample_weights, fit->missing,
                        fit->sizes[LAT_M], fit->context, fit->parameters);
}

static const lat_fit_kind fit_kind = {.plan = plan, .start = start, .form = form, .solve = solve};

LAT_DEFINE_FIT(bpca)

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(bpca, mean, [LAT_D] = model->D, [LAT_M] = model->M)

/* ---- methods --------------------------------------------------------------------------------- */

LAT_DEFINE_FACTOR(bpca)

size_t lat_bpca_free_parameters(const lat_bpca *bpca)
{
  return lat_factor_isotropic_parameters(bpca->D, bpca->effective_dimension);
}

LAT_DEFINE_FREE_PARAMETERS(bpca)

static const lat_method methods[] = {LAT_FACTOR_METHODS, {.name = NULL}};

const lat_model lat_bpca_model = {.name = "bpca",
                                  .options = options,
                                  .options_size = sizeof(lat_bpca_options),
                                  .methods = methods,
                                  .missing = true,
                                  .parameters = parameters,
                                  .check_fitted = check_fitted,
                                  .apply = lat_factor_fitted_apply,
                                  .prepared_count = lat_factor_fitted_prepared_count,
                                  .prepare = lat_factor_fitted_prepare,
                                  .inverse = lat_factor_fitted_inverse,
                                  .sample = lat_factor_fitted_sample,
                                  .covariance = lat_factor_fitted_covariance,
                                  .free_parameters = free_parameters,
                                  .fit = &fit_kind};
