/* pca_options.c: the description of PCA: options, parameters, methods, and its fits by statistics.
 *
 * Statistics are the moments of the rows, or, of many columns, an incremental decomposition. */
#include <math.h>
#include <string.h>

#include "modeling/save.h"
#include "projection/incremental.h"
#include "projection/pca.h"
#include "projection/pca_internal.h"

/* ---- options --------------------------------------------------------------------------------- */

static const char *const solvers[] = {"auto", "covariance", "gram", "randomized", NULL};

/* In place of a number there may be a share, or the evidence. */
#define LATENT_DIM                                                                                 \
  {                                                                                                \
    .name = "latent_dim", LAT_SIZE, offsetof(lat_pca_options, latent_dim), 0, 1, LAT_ANY_COUNT,    \
    NULL, "number|string", "nil"                                                                   \
  }

static const lat_option options[] = {
    LATENT_DIM,
    LAT_OPTION_CHOICE(lat_pca_options, solver, LAT_PCA_AUTO, solvers),
    LAT_OPTION_BOOLEAN(lat_pca_options, whiten, false),
    LAT_OPTION_BOOLEAN(lat_pca_options, standardize, false),
    LAT_OPTION_NUMBER(lat_pca_options, tolerance, 1e-9, 1e-14, 0.1),
    LAT_OPTION_SEED(lat_pca_options, seed),
    LAT_OPTION_GIVEN("init", "table?"),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(pca)

static lat_status check(lat_workspace *work, const void *options_)
{
  const lat_pca_options *o = options_;
  if (!(o->share >= 0 && o->share < 1))
    return lat_fail(work, LAT_INVALID, "share must be a number from 0 to below 1, got %g",
                    o->share);
  if ((o->latent_dim > 0) + (o->share > 0) + o->evidence > 1)
    return lat_fail(work, LAT_INVALID, "latent_dim, share and evidence exclude each other");
  return LAT_OK;
}

/* ---- parameters ------------------------------------------------------------------------------ */

static const lat_parameter *parameters(const void *o)
{
  (void)o;
  return lat_pca_parameters;
}

lat_pca lat_pca_of(const lat_fitted *f)
{
  lat_pca pca = lat_pca_view(f->flat, f->sizes[LAT_D], f->sizes[LAT_M]);
  pca.options = *(const lat_pca_options *)f->options;
  return pca;
}

void lat_pca_complete(lat_fitted *f)
{
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  lat_pca_parts p = lat_pca_parts_of(f->flat, D, M);
  bool deviation = isnan(*p.deviation), total = isnan(*p.total_variance);
  for (size_t j = 0; deviation && j < D; j++) p.deviation[j] = 1;
  if (total) *p.total_variance = 0;
  for (size_t i = 0; total && i < M; i++) *p.total_variance += p.eigenvalues[i];
  for (size_t i = 0; i < M; i++)
    p.explained_ratio[i] = *p.total_variance > 0 ? p.eigenvalues[i] / *p.total_variance : 0;
}

/* ---- fits ------------------------------------------------------------------------------------ */

/* The report, and behind it the evidences it points to. */
typedef struct record {
  lat_pca_report report;
  double log_evidence[];
} record;

lat_pca_report lat_pca_report_of(const lat_fitted *f)
{
  lat_pca_report report = {.solver = LAT_PCA_AUTO};
  record *r = f->aside;
  if (!r) return report;
  report = r->report;
  if (report.dimensions) report.log_evidence = r->log_evidence; /* r may be a copy */
  return report;
}

static lat_status keep_report(lat_workspace *work, const lat_pca_report *report, lat_fitted *f)
{
  size_t bytes = report->dimensions * sizeof(double);
  record *r = lat_allocate(work, 1, sizeof *r + bytes);
  if (!r) return LAT_MEMORY;
  r->report = *report;
  if (bytes) memcpy(r->log_evidence, report->log_evidence, bytes);
  f->aside = r;
  f->aside_bytes = sizeof *r + bytes;
  return LAT_OK;
}

/* Wider data keep an incremental decomposition. */
static bool is_exact(size_t D)
{
  return D <= LAT_SCATTER_COLUMNS;
}

static lat_status count(lat_workspace *work, const void *options_, size_t D, size_t *numbers)
{
  const lat_pca_options *o = options_;
  size_t M = o->latent_dim;
  *numbers = is_exact(D) ? lat_moments_count(D) : lat_incremental_count(D, M);
  if (is_exact(D) || (M > 0 && M <= D && !o->standardize)) return LAT_OK;
  return lat_fail(work, LAT_INVALID,
                  "beyond %d columns a fit by chunks needs latent_dim as an integer and can't "
                  "standardize",
                  LAT_SCATTER_COLUMNS);
}

static lat_incremental incremental_of(const lat_fitted *f)
{
  const lat_pca_options *o = f->options;
  return lat_incremental_of(f->statistics, f->sizes[LAT_D], o->latent_dim);
}

static lat_status add(lat_workspace *work, const lat_fitted *f, const lat_matrix *X,
                      const double *weights, bool missing)
{
  size_t D = f->sizes[LAT_D];
  (void)missing;
  if (is_exact(D)) {
    lat_moments moments = lat_moments_of(f->statistics, D);
    return lat_moments_add(work, &moments, X, weights);
  }
  if (weights)
    return lat_fail(work, LAT_INVALID, "weights are for up to %d columns", LAT_SCATTER_COLUMNS);
  lat_incremental state = incremental_of(f);
  return lat_incremental_add(work, &state, X);
}

static lat_status solve(lat_workspace *work, lat_fitted *f)
{
  lat_pca_report report = {.solver = LAT_PCA_COVARIANCE, .iterations = 1};
  size_t D = f->sizes[LAT_D];
  if (is_exact(D)) {
    lat_moments moments = lat_moments_of(f->statistics, D);
    LAT_TRY(lat_pca_from_moments(work, &moments, f->options, &f->flat, &f->sizes[LAT_M], &report));
  } else {
    lat_incremental state = incremental_of(f);
    LAT_TRY(lat_pca_from_incremental(work, &state, &f->flat, &f->sizes[LAT_M]));
    report.solver = LAT_PCA_RANDOMIZED;
  }
  return keep_report(work, &report, f);
}

/* Pieces are for the covariance; what asks for another solver, or is too wide, is taken whole. */
static bool takes_whole(const void *options_, const lat_source *source)
{
  const lat_pca_options *o = options_;
  bool other = o->solver == LAT_PCA_GRAM || o->solver == LAT_PCA_RANDOMIZED;
  return !lat_source_in_pieces(source) || other || !is_exact(source->X.cols);
}

static lat_status fit_whole(lat_workspace *work, const lat_matrix *X, const double *weights,
                            lat_fitted *f)
{
  lat_pca_report report;
  LAT_TRY(lat_pca_fit_rows(work, X, weights, f->options, &f->flat, &f->sizes[LAT_M], &report));
  return keep_report(work, &report, f);
}

static lat_statistics_sum sum_of(size_t D)
{
  return is_exact(D) ? LAT_SUM_MOMENTS : LAT_SUM_OTHER;
}

static const lat_statistics_kind statistics = {.count = count,
                                               .sum = sum_of,
                                               .add = add,
                                               .solve = solve,
                                               .takes_whole = takes_whole,
                                               .fit_whole = fit_whole,
                                               .adds_all_or_nothing = is_exact};

lat_status lat_pca_fit(lat_workspace *work, lat_source *source, const double *weights,
                       const lat_pca_options *o, lat_pca *pca, lat_pca_report *report)
{
  lat_fitted fitted;
  LAT_TRY(lat_statistics_fit(work, &lat_pca_model, source, weights, o, &fitted));
  *pca = lat_pca_of(&fitted);
  if (report) *report = lat_pca_report_of(&fitted);
  return LAT_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(pca, mean, [LAT_D] = model->D, [LAT_M] = model->M)

/* ---- methods --------------------------------------------------------------------------------- */

LAT_DEFINE_APPLY(pca)

static lat_status inverse(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                          const lat_matrix *X)
{
  lat_pca pca = lat_pca_of(f);
  return lat_pca_inverse(work, &pca, &request->X, X);
}

static const lat_option fit_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_PROGRESS, LAT_OPTION_COMM, {.name = NULL}};
static const lat_option update_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_PROGRESS, {.name = NULL}};
static const lat_option slice_options[] = {LAT_OPTION_WEIGHTS, {.name = NULL}};

static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    LAT_METHOD_FIT_FOR(slice_options),
    {.name = "partial_fit", .argument = LAT_TAKES_DATA, .options = update_options},
    LAT_PROJECTION_METHODS,
    {.name = "distortion",
     .argument = LAT_TAKES_ROWS,
     .outputs = {LAT_OUTPUT(LAT_GIVES_NUMBER, distortion)}},
    {.name = NULL}};

const lat_model lat_pca_model = {.name = "pca",
                                 .options = options,
                                 .options_size = sizeof(lat_pca_options),
                                 .methods = methods,
                                 .parameters = parameters,
                                 .check = check,
                                 .apply = apply,
                                 .inverse = inverse,
                                 .statistics = &statistics};
