/* gmm/options.c: the description of a mixture of Gaussians: options, methods, and the functions
 * behind them. */
#include <stdio.h>
#include <string.h>

#include "em/common/components.h"
#include "em/gmm/internal.h"
#include "matrix/linear/lapack.h"
#include "modeling/save.h"

/* ---- options --------------------------------------------------------------------------------- */

static const char *const covariances[] = {"full",      "diag",           "tied", "spherical",
                                          "tied_diag", "tied_spherical", NULL};

static const lat_option options[] = {
    LAT_OPTION_SIZE(lat_gmm_options, components, 1, 1, LAT_MOST_PARTS),
    LAT_OPTION_CHOICE(lat_gmm_options, covariance, LAT_COVARIANCE_FULL, covariances),
    LAT_GMM_OPTION_INIT(lat_gmm_options),
    LAT_OPTION_NUMBER(lat_gmm_options, regularization, 0, 0, 1),
    LAT_FIT_OPTIONS(lat_gmm_options, 1000, 1e-8, 1),
    {.name = NULL}};

const char *const lat_gmm_inits[] = {"k-means", "random", NULL};

LAT_DEFINE_OPTIONS(gmm)

static const lat_parameter *parameters(const void *o)
{
  return lat_gmm_kind((lat_covariance)((const lat_gmm_options *)o)->covariance)->parameters;
}

lat_gmm lat_gmm_of(const lat_fitted *f)
{
  lat_gmm gmm = {.options = *(const lat_gmm_options *)f->options,
                 .D = f->sizes[LAT_D],
                 .K = f->sizes[LAT_K],
                 .weights = f->flat,
                 .prepared = f->prepared};
  gmm.means = gmm.weights + gmm.K;
  gmm.covariances = gmm.means + gmm.K * gmm.D;
  return gmm;
}

/* Components and weights go together, and covariances are symmetric. */
static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  lat_gmm gmm = lat_gmm_of(f);
  size_t D = gmm.D;
  bool full = gmm.options.covariance == LAT_COVARIANCE_FULL;
  LAT_TRY(lat_components_check(work, f, gmm.options.components));
  size_t count = full ? gmm.K : gmm.options.covariance == LAT_COVARIANCE_TIED;
  for (size_t k = 0; k < count; k++) {
    char name[40] = "covariances";
    if (full) snprintf(name, sizeof name, "covariances[%zu]", k + 1);
    lat_matrix S = lat_matrix_of((double *)gmm.covariances + k * D * D, D, D);
    LAT_TRY(lat_check_symmetric(work, name, &S));
  }
  return LAT_OK;
}

/* ---- a fit ----------------------------------------------------------------------------------- */

/* The parameters that labels make: one pass of the loop, in which densities aren't asked for. It
 * has the memory that the fit is going to use. */
static lat_status from_labels(lat_fit *fit, const lat_matrix *X, const uint32_t *labels)
{
  lat_gmm_context gmm = *(const lat_gmm_context *)fit->context;
  gmm.labels = labels;
  gmm.labelled_only = true;
  lat_em em = fit->em;
  em.model = &gmm;
  em.options = (lat_em_options){.max_iterations = 1, .missing = fit->missing};
  memset(fit->parameters, 0, em.count * sizeof(double));
  LAT_TRY(lat_em_begin(&em));
  LAT_TRY(lat_em_add(&em, X, fit->sample_weights));
  return lat_em_end(&em);
}

static void from_means(const lat_fit *fit, const double *means)
{
  lat_gmm_start(fit->context, means, fit->parameters);
}

static lat_status own_coordinates(lat_workspace *work, const lat_fitted *f, double *shift,
                                  double *scale)
{
  lat_gmm gmm = lat_gmm_of(f);
  return lat_gmm_own_coordinates(work, (lat_covariance)gmm.options.covariance, gmm.D, gmm.K,
                                 f->flat, shift, scale);
}

static lat_status reorder(lat_workspace *work, lat_fitted *f, const size_t *order)
{
  lat_gmm gmm = lat_gmm_of(f);
  lat_gmm_context context = lat_gmm_sizes_of(&gmm);
  return lat_gmm_reorder_parameters(work, &context, parameters(f->options), f->sizes, order,
                                    f->flat, f->statistics);
}

static const lat_gmm_form form = {from_labels, from_means, own_coordinates, reorder};

lat_status lat_gmm_reorder(lat_workspace *work, lat_fitted *f, const size_t *order)
{
  return lat_gmm_reorder_all(work, &form, f, order);
}

static lat_status plan(lat_fit *fit)
{
  const lat_gmm_options *o = fit->options;
  lat_gmm_context *gmm = lat_allocate(fit->work, 1, sizeof *gmm);
  if (!gmm) return LAT_MEMORY;
  *gmm = (lat_gmm_context){.K = o->components,
                           .covariance = (lat_covariance)o->covariance,
                           .regularization = o->regularization,
                           .form = &form,
                           .init = o->init};
  fit->core = lat_gmm_kind(gmm->covariance);
  return lat_gmm_plan(fit, gmm);
}

static const lat_fit_kind fit_kind = {.plan = plan,
                                      .start = lat_gmm_begin,
                                      .aside_bytes = lat_gmm_aside_bytes,
                                      .write_aside = lat_gmm_write_aside,
                                      .finish = lat_gmm_finish};

LAT_DEFINE_FIT(gmm)

static lat_status distances(lat_workspace *work, const lat_fitted *first, const lat_fitted *second,
                            double *to)
{
  lat_gmm a = lat_gmm_of(first), b = lat_gmm_of(second);
  return lat_gmm_distances(work, &a, &b, to);
}

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(gmm, weights, [LAT_D] = model->D, [LAT_K] = model->K)

/* ---- methods --------------------------------------------------------------------------------- */

LAT_DEFINE_APPLY(gmm)
LAT_DEFINE_PREPARED(gmm)

static lat_status sample(lat_workspace *work, const lat_fitted *f, lat_random *random,
                         const lat_matrix *X, const lat_outputs *of)
{
  lat_gmm gmm = lat_gmm_of(f);
  return lat_gmm_sample(work, &gmm, random, X, of->labels);
}

void lat_gmm_covariance(const lat_gmm *gmm, size_t k, double *C)
{
  lat_gmm_context c = lat_gmm_sizes_of(gmm);
  size_t D = gmm->D, size = gmm_covariance_size(&c);
  const double *own = gmm->covariances + (gmm_is_tied(&c) ? 0 : k * size);
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < D; j++)
      C[i * D + j] = lat_gmm_is_dense(&c) ? own[i * D + j] : i == j ? own[size == 1 ? 0 : i] : 0;
}

static lat_status covariance(lat_workspace *work, const lat_fitted *f, size_t k,
                             const lat_matrix *C)
{
  lat_gmm gmm = lat_gmm_of(f);
  (void)work;
  lat_gmm_covariance(&gmm, k, C->data);
  return LAT_OK;
}

size_t lat_gmm_free_parameters(const lat_gmm *gmm)
{
  lat_gmm_context c = lat_gmm_sizes_of(gmm);
  size_t D = gmm->D, K = gmm->K,
         each = lat_gmm_is_dense(&c) ? gmm_triangle(D) : gmm_covariance_size(&c);
  return K - 1 + K * D + (gmm_is_tied(&c) ? each : K * each);
}

LAT_DEFINE_FREE_PARAMETERS(gmm)

static const lat_method methods[] = {LAT_GMM_METHODS,
                                     {.name = "impute",
                                      .argument = LAT_TAKES_ROWS,
                                      .outputs = {LAT_OUTPUT_ROWS(imputed, LAT_D)},
                                      .missing = true},
                                     {.name = "sample",
                                      .argument = LAT_TAKES_COUNT,
                                      .outputs = {LAT_OUTPUT(LAT_GIVES_LABELS, labels)},
                                      .options = lat_seed_options},
                                     {.name = "conditional"},
                                     LAT_METHOD_COVARIANCE,
                                     {.name = "align", .argument = LAT_TAKES_MODEL},
                                     {.name = NULL}};

const lat_model lat_gmm_model = {.name = "gmm",
                                 .options = options,
                                 .options_size = sizeof(lat_gmm_options),
                                 .methods = methods,
                                 .missing = true,
                                 .parameters = parameters,
                                 .check_fitted = check_fitted,
                                 .apply = apply,
                                 .prepared_count = prepared_count,
                                 .prepare = prepare,
                                 .sample = sample,
                                 .covariance = covariance,
                                 .free_parameters = free_parameters,
                                 .distances = distances,
                                 .reorder = lat_gmm_reorder,
                                 .fit = &fit_kind};
