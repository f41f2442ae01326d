/* ppca.c: the description of PPCA: options, methods, and the functions behind them.
 *
 * Storage: what lies aside of the parameters is an `aside`: D numbers that EM's statistics are
 * about and, behind them, the evidences. Parameters without it (from a file, say) have no
 * statistics. */
#include <math.h>
#include <string.h>

#include "em/factor/context.h"
#include "modeling/save.h"
#include "projection/pca.h"

typedef struct aside {
  size_t evidences;
  double numbers[];
} aside;

/* ---- options --------------------------------------------------------------------------------- */

static const char *const dimensions[] = {"mle", NULL};
static const char *const methods_of_fit[] = {"closed_form", "em", NULL};

/* Not given it depends on noise_variance. */
#define METHOD                                                                                     \
  {                                                                                                \
    .name = "method", LAT_CHOICE, offsetof(lat_ppca_options, method), LAT_PPCA_AUTO, 0, 0,         \
    methods_of_fit, NULL, "\"closed_form\""                                                        \
  }

static const lat_option options[] = {
    LAT_OPTION_SIZE_OR_WORD(lat_ppca_options, latent_dim, 1, 0, LAT_MOST_PARTS, dimensions),
    METHOD,
    LAT_OPTION_NUMBER_OR_NONE(lat_ppca_options, noise_variance, 0, (double)INFINITY),
    LAT_OPTION_GIVEN("init", "table?"),
    LAT_FIT_OPTIONS(lat_ppca_options, 10000, 1e-13, 1),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(ppca)

static bool is_limit(const lat_ppca_options *o)
{
  return !isnan(o->noise_variance);
}

static lat_status check(lat_workspace *work, const void *of)
{
  const lat_ppca_options *o = of;
  if (is_limit(o) && o->noise_variance > 0)
    return lat_fail(work, LAT_INVALID,
                    "noise_variance must be 0, the limit in which EM does PCA, or be left out");
  if (is_limit(o) && o->method == LAT_PPCA_CLOSED_FORM)
    return lat_fail(work, LAT_INVALID,
                    "noise_variance = 0 needs method = \"em\"; its closed form is latent.pca");
  if (o->latent_dim == LAT_PPCA_BY_EVIDENCE && (o->method == LAT_PPCA_EM || is_limit(o)))
    return lat_fail(work, LAT_INVALID, "latent_dim = \"mle\" needs method = \"closed_form\"");
  return LAT_OK;
}

static const lat_parameter *parameters(const void *o)
{
  (void)o;
  return lat_ppca_parameters;
}

lat_ppca lat_ppca_of(const lat_fitted *f)
{
  const aside *a = f->aside;
  lat_ppca p = {.options = *(const lat_ppca_options *)f->options,
                .D = f->sizes[LAT_D],
                .M = f->sizes[LAT_M],
                .mean = f->flat};
  p.W = p.mean + p.D;
  p.noise_variance = p.W + p.D * p.M;
  p.evidences = a ? a->evidences : 0;
  if (p.evidences) p.log_evidence = a->numbers + p.D;
  return p;
}

static lat_factor_view factor_of(const lat_ppca *p)
{
  return lat_factor_view_of(p->mean, p->D, p->M, true);
}

static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  lat_ppca p = lat_ppca_of(f);
  size_t M = p.options.latent_dim;
  if ((M != LAT_PPCA_BY_EVIDENCE && p.M != M) || p.M >= p.D)
    return lat_fail(work, LAT_INVALID, "W is %zux%zu, which latent_dim doesn't fit", p.D, p.M);
  if (is_limit(&p.options) ? *p.noise_variance != 0 : !(*p.noise_variance > 0))
    return lat_fail(work, LAT_INVALID, "noise_variance is %.14g", *p.noise_variance);
  return LAT_OK;
}

/* ---- a fit ----------------------------------------------------------------------------------- */

static lat_form form(const lat_fit *fit)
{
  const lat_ppca_options *o = fit->options;
  if (o->latent_dim == LAT_PPCA_BY_EVIDENCE) return LAT_FORM_MOMENTS;
  return o->method == LAT_PPCA_EM || is_limit(o) ? LAT_FORM_EM : LAT_FORM_ROWS;
}

/* The M of the largest evidence, and the evidences. Keeps these. */
static lat_status choose(lat_workspace *work, const lat_moments *moments, size_t *M,
                         double **log_evidence, size_t *count)
{
  lat_pca_options by_evidence = {.evidence = true};
  lat_pca_report record;
  double *flat;
  LAT_TRY(lat_pca_from_moments(work, moments, &by_evidence, &flat, M, &record));
  *log_evidence = record.log_evidence;
  *count = record.dimensions;
  return LAT_OK;
}

static lat_status solve(lat_fit *fit, const lat_moments *moments)
{
  lat_workspace *work = fit->work;
  const lat_ppca_options *o = fit->options;
  size_t D = moments ? moments->dimensions : fit->rows.cols, M = o->latent_dim, count = 0;
  double *evidence = NULL, *history = lat_doubles(work, 1);
  if (!history) return LAT_MEMORY;
  if (M == LAT_PPCA_BY_EVIDENCE) LAT_TRY(choose(work, moments, &M, &evidence, &count));
  LAT_TRY(lat_ppca_check_dimensions(work, D, M));
  double *flat = lat_doubles(work, D + D * M + 1);
  aside *a = lat_allocate(work, 1, sizeof *a + (D + count) * sizeof(double));
  if (!flat || !a) return LAT_MEMORY;
  LAT_TRY(moments ? lat_ppca_from_moments(work, moments, M, flat, history)
                  : lat_ppca_closed_form(work, &fit->rows, fit->row_weights, M, flat, history));
  a->evidences = count;
  memcpy(a->numbers, flat, D * sizeof *flat); /* statistics are about the mean */
  if (count) memcpy(a->numbers + D, evidence, count * sizeof *evidence);
  fit->best.aside = a;
  fit->best.aside_bytes = sizeof *a + (D + count) * sizeof(double);
  fit->report.method = "closed_form";
  fit->report.objective = *history;
  fit->history = history;
  lat_factor_view model = lat_factor_view_of(flat, D, M, true);
  double weight = moments ? *moments->weight : lat_factor_weight(&fit->rows, fit->row_weights);
  return lat_factor_solved(work, &model, *history, weight, &fit->best);
}

/* What EM goes on about: the numbers that lie aside, or the parameters' mean. */
static lat_status plan(lat_fit *fit)
{
  const lat_ppca_options *o = fit->options;
  const lat_fitted *before = fit->before;
  size_t D = fit->sizes[LAT_D];
  lat_ppca_context *context = lat_allocate(fit->work, 1, sizeof *context);
  double *shift = lat_doubles(fit->work, D);
  if (!context || !shift) return LAT_MEMORY;
  memset(shift, 0, D * sizeof *shift);
  if (before && before->sizes[LAT_D] == D) {
    const aside *a = before->aside;
    memcpy(shift, a ? a->numbers : before->flat, D * sizeof *shift);
  }
  context->shift = shift;
  fit->context = context;
  fit->core = is_limit(o) ? &lat_ppca_limit_kind : &lat_ppca_kind;
  fit->sizes[LAT_M] = o->latent_dim;
  if (o->latent_dim != LAT_PPCA_BY_EVIDENCE)
    return lat_ppca_check_dimensions(fit->work, D, o->latent_dim);
  if (!fit->by_em && !fit->online)
    return lat_fail(fit->work, LAT_INVALID,
                    "latent_dim = \"mle\" is for data without missing entries: it takes the "
                    "eigenvalues of their covariance");
  if (fit->sizes_before[LAT_D] == 0)
    return lat_fail(fit->work, LAT_INVALID,
                    "latent_dim = \"mle\" is chosen by fit, which comes first");
  fit->sizes[LAT_M] = fit->sizes_before[LAT_M];
  return LAT_OK;
}

static lat_status start(lat_fit *fit)
{
  return lat_ppca_start(fit->work, &fit->sample, fit->sample_weights, fit->missing,
                        is_limit(fit->options), fit->sizes[LAT_M], fit->seed, fit->context,
                        fit->parameters);
}

static size_t aside_bytes(const lat_fit *fit)
{
  return sizeof(aside) + fit->sizes[LAT_D] * sizeof(double);
}

static void write_aside(const lat_fit *fit, void *to)
{
  const lat_ppca_context *context = fit->context;
  aside *a = to;
  a->evidences = 0;
  memcpy(a->numbers, context->shift, fit->sizes[LAT_D] * sizeof(double));
}

static lat_status finish(lat_fit *fit, lat_fitted *f)
{
  return lat_ppca_canonical(fit->work, f->sizes[LAT_D], f->sizes[LAT_M], fit->missing,
                            is_limit(f->options), f->flat, f->statistics);
}

static const lat_fit_kind fit_kind = {.plan = plan,
                                      .start = start,
                                      .aside_bytes = aside_bytes,
                                      .write_aside = write_aside,
                                      .finish = finish,
                                      .form = form,
                                      .solve = solve};

LAT_DEFINE_FIT(ppca)

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(ppca, mean, [LAT_D] = model->D, [LAT_M] = model->M)

/* ---- methods --------------------------------------------------------------------------------- */

LAT_DEFINE_FACTOR(ppca)

size_t lat_ppca_free_parameters(const lat_ppca *ppca)
{
  return lat_factor_isotropic_parameters(ppca->D, ppca->M);
}

LAT_DEFINE_FREE_PARAMETERS(ppca)

static const lat_method methods[] = {
    LAT_FACTOR_METHODS,
    {.name = "partial_fit", .argument = LAT_TAKES_DATA, .options = lat_update_options},
    {.name = NULL}};

const lat_model lat_ppca_model = {.name = "ppca",
                                  .options = options,
                                  .options_size = sizeof(lat_ppca_options),
                                  .methods = methods,
                                  .missing = true,
                                  .parameters = parameters,
                                  .check = check,
                                  .check_fitted = check_fitted,
                                  .apply = lat_factor_fitted_apply,
                                  .prepared_count = lat_factor_fitted_prepared_count,
                                  .prepare = lat_factor_fitted_prepare,
                                  .inverse = lat_factor_fitted_inverse,
                                  .sample = lat_factor_fitted_sample,
                                  .covariance = lat_factor_fitted_covariance,
                                  .free_parameters = free_parameters,
                                  .fit = &fit_kind};
