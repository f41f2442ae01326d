/* mppca/options.c: the description of a mixture of PPCA: options, methods, and the functions behind
 * them. */
#include "em/common/components.h"
#include "em/mppca/internal.h"
#include "modeling/save.h"

/* ---- options --------------------------------------------------------------------------------- */

static const char *const noises[] = {"isotropic", "diagonal", NULL};

static const lat_option options[] = {
    LAT_OPTION_SIZE(lat_mppca_options, components, 1, 1, LAT_MOST_PARTS),
    LAT_OPTION_SIZE(lat_mppca_options, latent_dim, 1, 0, LAT_MOST_PARTS),
    LAT_OPTION_CHOICE(lat_mppca_options, noise, LAT_MPPCA_ISOTROPIC, noises),
    LAT_GMM_OPTION_INIT(lat_mppca_options),
    LAT_OPTION_NUMBER(lat_mppca_options, regularization, 0, 0, 1),
    LAT_FIT_OPTIONS(lat_mppca_options, 1000, 1e-8, 1),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(mppca)

static const lat_parameter *parameters(const void *o)
{
  return ((const lat_mppca_options *)o)->noise == LAT_MPPCA_DIAGONAL ? lat_mppca_diagonal
                                                                     : lat_mppca_isotropic;
}

lat_mppca lat_mppca_of(const lat_fitted *f)
{
  lat_mppca m = {.options = *(const lat_mppca_options *)f->options,
                 .D = f->sizes[LAT_D],
                 .K = f->sizes[LAT_K],
                 .M = f->sizes[LAT_M],
                 .weights = f->flat,
                 .prepared = f->prepared};
  m.means = m.weights + m.K;
  m.W = m.means + m.K * m.D;
  m.noise_variances = m.W + m.K * m.D * m.M;
  return m;
}

static lat_status check_dimensions(lat_workspace *work, size_t D, size_t M)
{
  if (M < D) return LAT_OK;
  return lat_fail(work, LAT_INVALID,
                  "latent_dim is %zu and X has %zu columns; a mixture of PPCA needs fewer latent "
                  "dimensions than columns",
                  M, D);
}

/* There are as many components and latent dimensions as the options say, and noise variances are >
 * 0. */
static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  lat_mppca m = lat_mppca_of(f);
  LAT_TRY(lat_components_check(work, f, m.options.components));
  if (m.M != m.options.latent_dim || m.M >= m.D)
    return lat_fail(work, LAT_INVALID,
                    "W is of %zux%zu matrices, which latent_dim = %zu doesn't fit", m.D, m.M,
                    m.options.latent_dim);
  for (size_t i = 0; i < m.K * (m.options.noise == LAT_MPPCA_DIAGONAL ? m.D : 1); i++)
    if (!(m.noise_variances[i] > 0))
      return lat_fail(work, LAT_INVALID, "a noise variance is %.14g", m.noise_variances[i]);
  return LAT_OK;
}

/* ---- a fit ----------------------------------------------------------------------------------- */

static lat_status from_labels(lat_fit *fit, const lat_matrix *X, const uint32_t *labels)
{
  lat_matrix full = *X;
  LAT_SCOPE(fit->work);
  LAT_TRY(lat_gmm_complete(fit, &full));
  return lat_mppca_from_labels(fit->work, fit->context, &full, fit->sample_weights, labels,
                               fit->parameters);
}

static void from_means(const lat_fit *fit, const double *means)
{
  lat_mppca_start(fit->context, means, fit->parameters);
}

static lat_status own_coordinates(lat_workspace *work, const lat_fitted *f, double *shift,
                                  double *scale)
{
  lat_mppca m = lat_mppca_of(f);
  lat_mppca_context context = lat_mppca_context_of(&m);
  return lat_mppca_own_coordinates(work, &context, f->flat, shift, scale);
}

static lat_status reorder(lat_workspace *work, lat_fitted *f, const size_t *order)
{
  lat_mppca m = lat_mppca_of(f);
  lat_mppca_context context = lat_mppca_context_of(&m);
  return lat_mppca_reorder_parameters(work, &context, order, f->flat, f->statistics);
}

static const lat_gmm_form form = {from_labels, from_means, own_coordinates, reorder};

lat_status lat_mppca_reorder(lat_workspace *work, lat_fitted *f, const size_t *order)
{
  return lat_gmm_reorder_all(work, &form, f, order);
}

static lat_status plan(lat_fit *fit)
{
  const lat_mppca_options *o = fit->options;
  lat_mppca_context *m = lat_allocate(fit->work, 1, sizeof *m);
  if (!m) return LAT_MEMORY;
  LAT_TRY(check_dimensions(fit->work, fit->sizes[LAT_D], o->latent_dim));
  *m = (lat_mppca_context){.gmm = {.K = o->components,
                                   .covariance = LAT_COVARIANCE_FULL,
                                   .regularization = o->regularization,
                                   .one_scale = o->noise == LAT_MPPCA_ISOTROPIC,
                                   .form = &form,
                                   .init = o->init},
                           .M = o->latent_dim,
                           .diagonal = o->noise == LAT_MPPCA_DIAGONAL};
  LAT_TRY(lat_gmm_plan(fit, &m->gmm));
  fit->context = m;
  fit->core = lat_mppca_kind(m);
  fit->sizes[LAT_M] = m->M;
  return LAT_OK;
}

/* W, which EM leaves in any rotation, and what an online fit goes on from with it; then the order.
 */
static lat_status finish(lat_fit *fit, lat_fitted *f)
{
  lat_mppca m = lat_mppca_of(f);
  lat_mppca_context context = lat_mppca_context_of(&m);
  LAT_TRY(lat_mppca_canonical(fit->work, &context, f->flat, f->statistics));
  return lat_gmm_finish(fit, f);
}

static const lat_fit_kind fit_kind = {.plan = plan,
                                      .start = lat_gmm_begin,
                                      .aside_bytes = lat_gmm_aside_bytes,
                                      .write_aside = lat_gmm_write_aside,
                                      .finish = finish};

LAT_DEFINE_FIT(mppca)

static lat_status distances(lat_workspace *work, const lat_fitted *first, const lat_fitted *second,
                            double *to)
{
  lat_mppca a = lat_mppca_of(first), b = lat_mppca_of(second);
  return lat_mppca_distances(work, &a, &b, to);
}

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(mppca, weights, [LAT_D] = model->D, [LAT_K] = model->K, [LAT_M] = model->M)

/* ---- methods --------------------------------------------------------------------------------- */

LAT_DEFINE_APPLY(mppca)
LAT_DEFINE_PREPARED(mppca)

static lat_status inverse(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                          const lat_matrix *X)
{
  lat_mppca m = lat_mppca_of(f);
  return lat_mppca_inverse(work, &m, &request->X, request->labels, X);
}

static lat_status sample(lat_workspace *work, const lat_fitted *f, lat_random *random,
                         const lat_matrix *X, const lat_outputs *of)
{
  lat_mppca m = lat_mppca_of(f);
  return lat_mppca_sample(work, &m, random, X, of->labels, of->latent);
}

static lat_status covariance(lat_workspace *work, const lat_fitted *f, size_t k,
                             const lat_matrix *C)
{
  lat_mppca m = lat_mppca_of(f);
  (void)work;
  lat_mppca_covariance(&m, k, C->data);
  return LAT_OK;
}

size_t lat_mppca_free_parameters(const lat_mppca *m)
{
  size_t D = m->D, K = m->K, M = m->M, noise = m->options.noise == LAT_MPPCA_DIAGONAL ? D : 1;
  return K - 1 + K * (D + D * M - M * (M - (M > 0)) / 2 + noise);
}

LAT_DEFINE_FREE_PARAMETERS(mppca)

/* `most`, the components, is the model's own: lat_mppca_apply checks it */
static const lat_option component_options[] = {
    LAT_OPTION_MISSING, LAT_OPTION_COMPONENT, {.name = NULL}};

static const lat_method methods[] = {
    LAT_GMM_METHODS,
    {.name = "transform",
     .argument = LAT_TAKES_ROWS,
     .outputs = {LAT_OUTPUT_ROWS(latent, LAT_M), LAT_OUTPUT(LAT_GIVES_LABELS, labels)},
     .options = component_options},
    {.name = "reconstruct",
     .argument = LAT_TAKES_ROWS,
     .outputs = {LAT_OUTPUT_ROWS(reconstruction, LAT_D)},
     .options = component_options},
    {.name = "inverse_transform", .argument = LAT_TAKES_LATENT_AND_LABELS},
    LAT_METHOD_IMPUTE_WITH_VARIANCE,
    {.name = "sample",
     .argument = LAT_TAKES_COUNT,
     .outputs = {LAT_OUTPUT(LAT_GIVES_LABELS, labels), LAT_OUTPUT_ROWS(latent, LAT_M)},
     .options = lat_seed_options},
    {.name = "posterior", .options = lat_missing_options},
    LAT_METHOD_COVARIANCE,
    {.name = "align", .argument = LAT_TAKES_MODEL},
    {.name = NULL}};

const lat_model lat_mppca_model = {.name = "mppca",
                                   .options = options,
                                   .options_size = sizeof(lat_mppca_options),
                                   .methods = methods,
                                   .missing = true,
                                   .parameters = parameters,
                                   .check_fitted = check_fitted,
                                   .apply = apply,
                                   .prepared_count = prepared_count,
                                   .prepare = prepare,
                                   .inverse = inverse,
                                   .sample = sample,
                                   .covariance = covariance,
                                   .free_parameters = free_parameters,
                                   .distances = distances,
                                   .reorder = lat_mppca_reorder,
                                   .fit = &fit_kind};
