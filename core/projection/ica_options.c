/* ica_options.c: the description of ICA: options, parameters, methods, and fits as a whole. */
#include <math.h>
#include <string.h>

#include "modeling/agree.h"
#include "modeling/save.h"
#include "projection/ica_internal.h"

/* ---- options and parameters ------------------------------------------------------------------ */

static const char *const contrasts[] = {"logcosh", "exp", "cube", NULL};
const char *const lat_ica_algorithms[] = {"auto",         "fixed_point",        "deflation",
                                          "quasi_newton", "maximum_likelihood", NULL};

#define LATENT_DIM                                                                                 \
  {                                                                                                \
    .name = "latent_dim", LAT_SIZE, offsetof(lat_ica_options, latent_dim), 0, 1, LAT_ANY_COUNT,    \
    NULL, NULL, "nil"                                                                              \
  }

static const lat_option options[] = {
    LATENT_DIM,
    LAT_OPTION_CHOICE(lat_ica_options, contrast, LAT_ICA_LOGCOSH, contrasts),
    LAT_OPTION_CHOICE(lat_ica_options, algorithm, LAT_ICA_AUTO, lat_ica_algorithms),
    LAT_OPTION_GIVEN("init", "latent.Matrix?"),
    LAT_OPTION_SIZE(lat_ica_options, max_iterations, 200, 0, LAT_ANY_COUNT),
    LAT_OPTION_NUMBER(lat_ica_options, tolerance, 1e-8, 0, (double)INFINITY),
    LAT_OPTION_SEED(lat_ica_options, seed),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(ica)

static const lat_parameter ica_parameters[] = {
    {"mean", {LAT_D}},     {"mixing", {LAT_D, LAT_M}}, {"unmixing", {LAT_M, LAT_D}},
    {"kurtosis", {LAT_M}}, {"flat", {LAT_M}},          {NULL, {LAT_END}}};

static const lat_parameter *parameters(const void *o)
{
  (void)o;
  return ica_parameters;
}

lat_ica lat_ica_of(const lat_fitted *f)
{
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  lat_ica_parts p = lat_ica_parts_of(f->flat, D, M);
  return (lat_ica){.options = *(const lat_ica_options *)f->options,
                   .D = D,
                   .M = M,
                   .mean = p.mean,
                   .mixing = p.mixing,
                   .unmixing = p.unmixing,
                   .kurtosis = p.kurtosis,
                   .flat = p.flat};
}

/* Unmixing undoes mixing, and both have as many sources as the options say. */
static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  lat_ica ica = lat_ica_of(f);
  size_t D = ica.D, M = ica.M, asked = ica.options.latent_dim;
  if (M < 1 || M > D || (asked && asked != M))
    return lat_fail(work, LAT_INVALID, "mixing is %zux%zu, which latent_dim = %zu doesn't fit", D,
                    M, asked);
  for (size_t i = 0; i < M; i++)
    if (ica.flat[i] != 0 && ica.flat[i] != 1)
      return lat_fail(work, LAT_INVALID, "flat[%zu] is %.14g, neither 0 nor 1", i + 1, ica.flat[i]);
  for (size_t i = 0; i < M; i++)
    for (size_t k = 0; k < M; k++) {
      double sum = 0;
      for (size_t j = 0; j < D; j++) sum += ica.unmixing[i * D + j] * ica.mixing[j * M + k];
      if (!(fabs(sum - (i == k)) < 1e-6))
        return lat_fail(work, LAT_INVALID, "unmixing * mixing isn't the identity");
    }
  return LAT_OK;
}

/* ---- fits ------------------------------------------------------------------------------------ */

/* Keeps the sum. */
static lat_status begin_moments(lat_workspace *work, lat_moments_sum *sum, const lat_source *source,
                                const lat_share *share, size_t columns)
{
  if (columns > LAT_SCATTER_COLUMNS)
    return lat_fail(work, LAT_INVALID, "data in pieces have at most %d columns here, got %zu",
                    LAT_SCATTER_COLUMNS, columns);
  LAT_TRY(lat_moments_begin(work, sum, columns, source->X.rows));
  return lat_moments_place(work, sum, share);
}

/* Adds to the sum, which begins with the first piece, unless ranks have agreed on it. Keeps it. */
static lat_status add_moments(lat_workspace *work, lat_moments_sum *sum, const lat_source *source,
                              const lat_matrix *X, const double *weights)
{
  if (!sum->dimensions) LAT_TRY(begin_moments(work, sum, source, NULL, X->cols));
  return lat_moments_include(work, sum, X, weights);
}

/* A pass over the source: into the sum, or, without one, the pass of the fit. */
static lat_status each_piece(lat_ica_search *fit, lat_workspace *work, lat_source *source,
                             lat_moments_sum *sum)
{
  lat_matrix piece;
  const double *weights;
  lat_source_rewind(source);
  for (;;) {
    LAT_TRY(lat_source_next(source, work, &piece, &weights));
    if (piece.rows == 0) return LAT_OK;
    lat_status status =
        sum ? add_moments(work, sum, source, &piece, weights) : lat_ica_add(fit, &piece, weights);
    if (status != LAT_OK) return lat_source_failure(source, work, status, false);
  }
}

/* Keeps the memory of a method that AUTO changes to. */
static lat_status pass_in_pieces(lat_ica_search *fit, lat_source *source, bool conclude)
{
  LAT_TRY(lat_ica_open(fit, conclude));
  LAT_TRY(each_piece(fit, fit->work, source, NULL));
  return lat_ica_close(fit);
}

static bool needs_pieces(const lat_source *source)
{
  return source->next || source->comm ||
         (lat_source_in_pieces(source) && source->X.cols <= LAT_SCATTER_COLUMNS);
}

static lat_status start_in_pieces(lat_ica_search *fit, lat_workspace *work, lat_source *source,
                                  const lat_ica_options *o)
{
  lat_moments_sum sum = {0};
  lat_moments moments;
  const lat_share *share = NULL;
  if (source->comm) {
    LAT_TRY(lat_model_agree(work, source->comm, &lat_ica_model, o, NULL, false));
    LAT_TRY(lat_source_share(source, work, &share));
    LAT_TRY(begin_moments(work, &sum, source, share, share->columns));
  }
  LAT_TRY(each_piece(NULL, work, source, &sum));
  LAT_TRY(lat_moments_total(work, &sum, &moments));
  LAT_TRY(lat_ica_begin_pieces(fit, work, &moments, o));
  fit->share = share;
  return lat_share_place(share, work, &fit->sum);
}

lat_status lat_ica_start(lat_ica_search *fit, lat_workspace *work, lat_source *source,
                         const lat_ica_options *o)
{
  if (!needs_pieces(source)) return lat_ica_begin(fit, work, &source->X, source->weights, o);
  return lat_comm_settle(source->comm, work, start_in_pieces(fit, work, source, o));
}

lat_status lat_ica_iterate(lat_ica_search *fit, lat_source *source)
{
  size_t before = fit->iterations;
  if (!needs_pieces(source)) return lat_ica_step(fit);
  while (!fit->done && fit->iterations == before)
    LAT_TRY(lat_comm_settle(source->comm, fit->work, pass_in_pieces(fit, source, false)));
  return LAT_OK;
}

lat_status lat_ica_conclude(lat_ica_search *fit, lat_source *source, double *flat)
{
  if (!needs_pieces(source)) return lat_ica_end(fit, flat);
  lat_status status = pass_in_pieces(fit, source, true);
  if (status == LAT_OK) status = lat_ica_write(fit, flat);
  return lat_comm_conclude(source->comm, fit->work, status);
}

lat_status lat_ica_fit(lat_workspace *work, lat_source *source, const double *weights,
                       const lat_ica_options *o, lat_ica *ica, lat_ica_report *report)
{
  lat_ica_search fit;
  lat_fitted f = {.model = &lat_ica_model, .options = o};
  if (weights) source->weights = weights;
  LAT_TRY(lat_ica_check(work, o));
  LAT_TRY(lat_ica_start(&fit, work, source, o));
  while (!fit.done) LAT_TRY(lat_ica_iterate(&fit, source));
  f.sizes[LAT_D] = fit.D;
  f.sizes[LAT_M] = fit.M;
  f.flat = lat_doubles(work, lat_parameters_count(ica_parameters, f.sizes));
  if (!f.flat) return LAT_MEMORY;
  LAT_TRY(lat_ica_conclude(&fit, source, f.flat));
  *ica = lat_ica_of(&f);
  if (report) *report = lat_ica_report_of(&fit, ica);
  return LAT_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(ica, mean, [LAT_D] = model->D, [LAT_M] = model->M)

/* ---- methods --------------------------------------------------------------------------------- */

static lat_status reconstruct(lat_workspace *work, const lat_ica *ica, const lat_matrix *X,
                              const lat_matrix *latent, const lat_matrix *Y)
{
  LAT_SCOPE(work);
  lat_matrix S = latent ? *latent : lat_matrix_new(work, X->rows, ica->M);
  if (!S.data) return LAT_MEMORY;
  if (!latent) LAT_TRY(lat_ica_transform(work, ica, X, &S));
  LAT_TRY(lat_ica_inverse(work, ica, &S, Y));
  return LAT_OK;
}

lat_status lat_ica_apply(lat_workspace *work, const lat_ica *ica, const lat_request *request,
                         const lat_outputs *outputs)
{
  const lat_matrix *X = &request->X;
  if (outputs->latent) LAT_TRY(lat_ica_transform(work, ica, X, outputs->latent));
  if (outputs->reconstruction)
    LAT_TRY(reconstruct(work, ica, X, outputs->latent, outputs->reconstruction));
  if (outputs->log_likelihood)
    LAT_TRY(lat_ica_log_likelihood(work, ica, X, outputs->log_likelihood));
  return LAT_OK;
}

LAT_DEFINE_APPLY(ica)

static lat_status inverse(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                          const lat_matrix *X)
{
  lat_ica ica = lat_ica_of(f);
  return lat_ica_inverse(work, &ica, &request->X, X);
}

static lat_status sample(lat_workspace *work, const lat_fitted *f, lat_random *random,
                         const lat_matrix *X, const lat_outputs *of)
{
  lat_ica ica = lat_ica_of(f);
  return lat_ica_sample(work, &ica, random, of->latent, X);
}

LAT_DEFINE_FREE_PARAMETERS(ica)

/* Time may end before the first iteration does, which is made anyway. */
#define MAX_SECONDS                                                                                \
  {                                                                                                \
    .name = "max_seconds", LAT_NUMBER, offsetof(lat_request, max_seconds), (double)INFINITY, 0,    \
    (double)INFINITY, NULL, NULL, "nil"                                                            \
  }
static const lat_option fit_options[] = {LAT_OPTION_WEIGHTS,  LAT_OPTION_ON_ITERATION,
                                         LAT_OPTION_PROGRESS, MAX_SECONDS,
                                         LAT_OPTION_COMM,     {.name = NULL}};
static const lat_option slice_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_ON_ITERATION, {.name = NULL}};
static const lat_option steps_options[] = {LAT_OPTION_WEIGHTS, LAT_OPTION_BUDGET, {.name = NULL}};

static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    LAT_METHOD_FIT_FOR(slice_options),
    {.name = "steps", .argument = LAT_TAKES_DATA, .options = steps_options},
    LAT_PROJECTION_METHODS,
    LAT_DENSITY_METHODS(NULL),
    {.name = "sample",
     .argument = LAT_TAKES_COUNT,
     .outputs = {LAT_OUTPUT_ROWS(latent, LAT_M)},
     .options = lat_seed_options},
    {.name = NULL}};

const lat_model lat_ica_model = {.name = "ica",
                                 .options = options,
                                 .options_size = sizeof(lat_ica_options),
                                 .methods = methods,
                                 .parameters = parameters,
                                 .check_fitted = check_fitted,
                                 .apply = apply,
                                 .inverse = inverse,
                                 .sample = sample,
                                 .free_parameters = free_parameters};
