/* fa.c: the description of factor analysis: options, methods, and the functions behind them.
 *
 * Storage: what lies aside of the parameters is an `aside`: the rows and the discrepancy of a fit
 * by LAT_FA_ML, the D numbers that EM's statistics are about, and the D bounds of the noise
 * variances. */
#include <math.h>
#include <string.h>

#include "base/special.h"
#include "em/factor/context.h"
#include "matrix/spread.h"
#include "modeling/save.h"

typedef struct aside {
  double rows, discrepancy;
  double numbers[];
} aside;

static size_t aside_size(size_t D)
{
  return sizeof(aside) + 2 * D * sizeof(double);
}

/* ---- options --------------------------------------------------------------------------------- */

/* Iterations of LAT_FA_ML, which needs few: the history has room for so many. */
enum { MOST_ITERATIONS = 10000 };

static const char *const methods_of_fit[] = {"ml", "em", "profile", NULL};
static const char *const rotations[] = {"none", "varimax", "promax", NULL};

static const lat_option options[] = {
    LAT_OPTION_SIZE(lat_fa_options, latent_dim, 1, 0, LAT_MOST_PARTS),
    LAT_OPTION_CHOICE(lat_fa_options, method, LAT_FA_ML, methods_of_fit),
    LAT_OPTION_CHOICE(lat_fa_options, rotation, LAT_UNROTATED, rotations),
    LAT_OPTION_NUMBER(lat_fa_options, least_uniqueness, 0.005, 1e-8, 0.5),
    LAT_OPTION_GIVEN("init", "table?"),
    LAT_FIT_OPTION(lat_fa_options, "restarts", LAT_SIZE, restarts, 1, 1, LAT_ANY_COUNT),
    LAT_FIT_OPTION(lat_fa_options, "max_iterations", LAT_SIZE, max_iterations, MOST_ITERATIONS, 0,
                   LAT_ANY_COUNT),
    LAT_FIT_OPTION(lat_fa_options, "tolerance", LAT_NUMBER, tolerance, 1e-12, 0, (double)INFINITY),
    LAT_FIT_OPTION(lat_fa_options, "accelerate", LAT_BOOLEAN, accelerate, true, 0, 1),
    LAT_FIT_OPTION(lat_fa_options, "seed", LAT_SEED, seed, 0, 0, 0),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(fa)

static const lat_parameter *parameters(const void *o)
{
  (void)o;
  return lat_fa_parameters;
}

lat_fa lat_fa_of(const lat_fitted *f)
{
  const aside *a = f->aside;
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  return (lat_fa){.options = *(const lat_fa_options *)f->options,
                  .D = D,
                  .M = M,
                  .mean = f->flat,
                  .W = f->flat + D,
                  .noise_variances = f->flat + D + D * M,
                  .factor_correlations = f->flat + 2 * D + D * M,
                  .least = a ? a->numbers + D : NULL,
                  .rows = a ? a->rows : (double)NAN,
                  .discrepancy = a ? a->discrepancy : (double)NAN};
}

static lat_factor_view factor_of(const lat_fa *fa)
{
  return lat_factor_view_of(fa->mean, fa->D, fa->M, false);
}

/* Phi is symmetric and has a diagonal of ones. */
static bool are_correlations(size_t M, const double *Phi)
{
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++)
      if (fabs(Phi[i * M + j] - Phi[j * M + i]) > 1e-9 ||
          (i == j && fabs(Phi[i * M + i] - 1) > 1e-9))
        return false;
  return true;
}

static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  lat_fa fa = lat_fa_of(f);
  size_t M = fa.M;
  if (M != fa.options.latent_dim || M >= fa.D)
    return lat_fail(work, LAT_INVALID, "W is %zux%zu, which latent_dim = %zu doesn't fit", fa.D, M,
                    fa.options.latent_dim);
  for (size_t j = 0; j < fa.D; j++)
    if (!(fa.noise_variances[j] > 0))
      return lat_fail(work, LAT_INVALID, "noise_variances[%zu] is %.14g", j + 1,
                      fa.noise_variances[j]);
  LAT_SCOPE(work);
  double *packed = lat_doubles(work, lat_packed_count(M));
  if (!packed) return LAT_MEMORY;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++) packed[at++] = fa.factor_correlations[i * M + j];
  if (!are_correlations(M, fa.factor_correlations) || lat_packed_cholesky(M, packed, NULL) > 0)
    return lat_fail(work, LAT_INVALID, "factor_correlations are none");
  return LAT_OK;
}

/* ---- from moments ---------------------------------------------------------------------------- */

static lat_form form(const lat_fit *fit)
{
  const lat_fa_options *o = fit->options;
  /* both methods begin alike */
  return o->method == LAT_FA_EM || o->fit.max_iterations == 0 ? LAT_FORM_EM : LAT_FORM_MOMENTS;
}

lat_status lat_fa_fitted_to(lat_workspace *work, const lat_matrix *S, double rows,
                            const double *mean, const lat_fa_options *o, lat_fitted *f,
                            lat_fit_report *report, const double **history)
{
  size_t D = S->rows, M = o->latent_dim, most = o->fit.max_iterations;
  if (most > MOST_ITERATIONS) most = MOST_ITERATIONS;
  const lat_fa_search search = {.M = M,
                                .least = o->least_uniqueness,
                                .rotation = o->rotation,
                                .max_iterations = most,
                                .restarts = o->fit.restarts,
                                .seed = o->fit.seed};
  lat_fa_found found;
  LAT_TRY(lat_fa_check(work, o));
  LAT_TRY(lat_fa_check_dimensions(work, D, M));
  double *flat = lat_doubles(work, 2 * D + D * M + M * M), *trace = lat_doubles(work, most);
  aside *a = lat_allocate(work, 1, aside_size(D));
  if (!flat || !trace || !a) return LAT_MEMORY;
  LAT_TRY(lat_fa_ml(work, S, mean, &search, flat, trace, &found));
  a->rows = rows;
  a->discrepancy = found.discrepancy;
  memcpy(a->numbers, flat, D * sizeof *flat); /* statistics are about the mean */
  for (size_t j = 0; j < D; j++) a->numbers[D + j] = o->least_uniqueness * lat_get(S, j, j);
  *f = (lat_fitted){.model = &lat_fa_model, .options = o, .aside = a, .aside_bytes = aside_size(D)};
  *report = (lat_fit_report){.method = "ml",
                             .converged = found.converged,
                             .iterations = found.iterations,
                             .objective = found.objective};
  *history = trace;
  lat_factor_view model = lat_factor_view_of(flat, D, M, false);
  return lat_factor_solved(work, &model, found.objective, rows, f);
}

static lat_status solve(lat_fit *fit, const lat_moments *moments)
{
  lat_workspace *work = fit->work;
  size_t D = moments->dimensions;
  if (*moments->rows < 2)
    return lat_fail(work, LAT_INVALID, "X has 1 row, and the covariance of one is 0");
  lat_matrix S = lat_matrix_new(work, D, D);
  if (!S.data) return LAT_MEMORY;
  LAT_TRY(lat_check_spread_of_moments(work, LAT_SPREAD_EACH, moments));
  lat_moments_covariance(moments, S.data);
  return lat_fa_fitted_to(work, &S, *moments->weight, moments->mean, fit->options, &fit->best,
                          &fit->report, &fit->history);
}

lat_status lat_fa_fit_covariance(lat_workspace *work, const lat_matrix *S, double rows,
                                 const double *mean, const lat_fa_options *o, lat_fa *fa,
                                 lat_fit_report *report)
{
  lat_fitted fitted;
  lat_fit_report own;
  const double *history;
  double *zeros = lat_doubles(work, S->rows);
  if (!zeros) return LAT_MEMORY;
  memset(zeros, 0, S->rows * sizeof *zeros);
  if (S->cols != S->rows)
    return lat_fail(work, LAT_SHAPE, "S is %zux%zu, a covariance is square", S->rows, S->cols);
  if (!(rows >= 2 && isfinite(rows)))
    return lat_fail(work, LAT_INVALID, "rows must be the number of rows, at least 2, got %.14g",
                    rows);
  LAT_TRY(lat_fa_fitted_to(work, S, rows, mean ? mean : zeros, o, &fitted, report ? report : &own,
                           &history));
  *fa = lat_fa_of(&fitted);
  return LAT_OK;
}

/* ---- EM -------------------------------------------------------------------------------------- */

/* The variances of x by the model, psi_j + w_j'Phi w_j. */
static lat_status find_variances(lat_workspace *work, const lat_fa *fa, double *variances)
{
  lat_factor_view model = factor_of(fa);
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_factor_precomputed_count(&model, false));
  if (!derived) return LAT_MEMORY;
  lat_factor_precompute(&model, false, true, derived);
  lat_factor_precomputed f = lat_factor_precomputed_of(&model, false, true, derived);
  for (size_t j = 0; j < fa->D; j++) {
    variances[j] = fa->noise_variances[j];
    for (size_t m = 0; m < fa->M; m++) variances[j] += f.W[j * fa->M + m] * f.W[j * fa->M + m];
  }
  return LAT_OK;
}

/* What EM goes on about, and within: the numbers that lie aside. Of parameters alone (from a file)
 * the mean and variances are near the data's. */
static lat_status go_on(lat_workspace *work, const lat_fitted *before, double *numbers)
{
  const aside *a = before->aside;
  lat_fa fa = lat_fa_of(before);
  if (a) {
    memcpy(numbers, a->numbers, 2 * fa.D * sizeof *numbers);
    return LAT_OK;
  }
  memcpy(numbers, fa.mean, fa.D * sizeof *numbers);
  LAT_TRY(find_variances(work, &fa, numbers + fa.D));
  for (size_t j = 0; j < fa.D; j++) numbers[fa.D + j] *= fa.options.least_uniqueness;
  return LAT_OK;
}

static lat_status plan(lat_fit *fit)
{
  const lat_fa_options *o = fit->options;
  size_t D = fit->sizes[LAT_D];
  LAT_TRY(lat_fa_check_dimensions(fit->work, D, o->latent_dim));
  lat_fa_context *context = lat_allocate(fit->work, 1, sizeof *context);
  double *numbers = lat_doubles(fit->work, 2 * D);
  if (!context || !numbers) return LAT_MEMORY;
  memset(numbers, 0, 2 * D * sizeof *numbers);
  if (fit->before && fit->before->sizes[LAT_D] == D)
    LAT_TRY(go_on(fit->work, fit->before, numbers));
  *context = (lat_fa_context){numbers, numbers + D};
  fit->core = &lat_fa_kind;
  fit->context = context;
  fit->sizes[LAT_M] = o->latent_dim;
  return LAT_OK;
}

static lat_status start(lat_fit *fit)
{
  const lat_fa_options *o = fit->options;
  const lat_fa_search search = {
      .M = o->latent_dim, .least = o->least_uniqueness, .seed = fit->seed};
  return lat_fa_start(fit->work, &fit->sample, fit->sample_weights, fit->missing, &search,
                      fit->start > 0, fit->context, fit->parameters);
}

static lat_status adopt(lat_fit *fit)
{
  return lat_fa_whiten(fit->work, fit->context, fit->sizes[LAT_D], fit->sizes[LAT_M],
                       fit->parameters);
}

static size_t aside_bytes(const lat_fit *fit)
{
  return aside_size(fit->sizes[LAT_D]);
}

static void write_aside(const lat_fit *fit, void *to)
{
  const lat_fa_context *context = fit->context;
  aside *a = to;
  a->rows = a->discrepancy = NAN;
  memcpy(a->numbers, context->shift, 2 * fit->sizes[LAT_D] * sizeof(double)); /* and least */
}

static lat_status finish(lat_fit *fit, lat_fitted *f)
{
  const lat_fa_options *o = fit->options;
  return lat_fa_rotate(fit->work, f->sizes[LAT_D], f->sizes[LAT_M], o->rotation, fit->missing,
                       f->flat, f->statistics);
}

static const lat_fit_kind fit_kind = {.plan = plan,
                                      .start = start,
                                      .adopt = adopt,
                                      .aside_bytes = aside_bytes,
                                      .write_aside = write_aside,
                                      .finish = finish,
                                      .form = form,
                                      .solve = solve};

LAT_DEFINE_FIT(fa)

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(fa, mean, [LAT_D] = model->D, [LAT_M] = model->M)

/* ---- methods --------------------------------------------------------------------------------- */

LAT_DEFINE_FACTOR(fa)

size_t lat_fa_free_parameters(const lat_fa *fa)
{
  return lat_factor_isotropic_parameters(fa->D, fa->M) + fa->D - 1;
}

LAT_DEFINE_FREE_PARAMETERS(fa)

long long lat_fa_degrees_of(size_t D, size_t M)
{
  long long d = (long long)D, m = (long long)M;
  return ((d - m) * (d - m) - d - m) / 2;
}

long long lat_fa_degrees_of_freedom(const lat_fa *fa)
{
  return lat_fa_degrees_of(fa->D, fa->M);
}

lat_status lat_fa_uniquenesses(lat_workspace *work, const lat_fa *fa, double *u)
{
  double least = fa->options.least_uniqueness;
  if (!fa->least) LAT_TRY(find_variances(work, fa, u));
  for (size_t j = 0; j < fa->D; j++)
    u[j] = least * (fa->noise_variances[j] / (fa->least ? fa->least[j] : least * u[j]));
  return LAT_OK;
}

bool lat_fa_is_heywood(const lat_fa *fa, double uniqueness)
{
  return !(uniqueness > fa->options.least_uniqueness * (1 + 1e-6));
}

lat_status lat_fa_test(lat_workspace *work, const lat_fa *fa, lat_fa_test_result *test)
{
  long long degrees = lat_fa_degrees_of_freedom(fa);
  double D = (double)fa->D, M = (double)fa->M;
  if (degrees <= 0)
    return lat_fail(work, LAT_INVALID,
                    "%zu factors of %zu columns leave %lld degrees of freedom: nothing to test",
                    fa->M, fa->D, degrees);
  if (isnan(fa->rows))
    return lat_fail(work, LAT_INVALID,
                    "only a fit by method = \"ml\", without gaps, can be tested");
  if (!isfinite(fa->discrepancy))
    return lat_fail(work, LAT_INVALID,
                    "the covariance is singular: the Gaussian it is tested against has no "
                    "likelihood");
  test->degrees_of_freedom = degrees;
  test->statistic = (fa->rows - 1 - (2 * D + 5) / 6 - 2 * M / 3) * fa->discrepancy;
  test->p_value = lat_chi_square_upper((double)degrees, fmax(test->statistic, 0));
  return LAT_OK;
}

static const lat_option mean_options[] = {LAT_OPTION_GIVEN("mean", "latent.Matrix?"),
                                          {.name = NULL}};
static const lat_method methods[] = {
    LAT_FACTOR_METHODS,
    {.name = "partial_fit", .argument = LAT_TAKES_DATA, .options = lat_update_options},
    {.name = "fit_covariance", .options = mean_options},
    {.name = "test"},
    {.name = NULL}};

const lat_model lat_fa_model = {.name = "fa",
                                .options = options,
                                .options_size = sizeof(lat_fa_options),
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
