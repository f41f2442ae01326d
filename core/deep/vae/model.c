/* vae/model.c: the description of a VAE: options, methods, and the functions behind them. */
#include <math.h>

#include "deep/common/decoder.h"
#include "deep/common/limits.h"
#include "deep/common/net_model.h"
#include "deep/vae/internal.h"

/* ---- options --------------------------------------------------------------------------------- */

static const char *const bounds[] = {"elbo", "iwae", NULL};
static const char *const estimates[] = {"importance", "prior", NULL};

static const lat_option table[] = {
    LAT_NET_SIZE_OPTIONS(lat_vae_options),
    LAT_OPTION_WIDTHS("hidden", lat_vae_options, encoder_hidden, encoder_layers, 400, 0, "400"),
    LAT_OPTION_WIDTHS("decoder_hidden", lat_vae_options, decoder_hidden, decoder_layers, NAN, 0,
                      "hidden reversed"),
    LAT_LIKELIHOOD_OPTIONS(lat_vae_options, LAT_P_BERNOULLI),
    LAT_OPTION_NUMBER(lat_vae_options, beta, 1, 0, 1e6),
    LAT_OPTION_NUMBER(lat_vae_options, kl_warm_up, 0, 0, 1e15),
    LAT_OPTION_NUMBER(lat_vae_options, free_bits, 0, 0, 1e6),
    LAT_OPTION_SIZE(lat_vae_options, samples, 1, 1, 1 << 20),
    LAT_DEEP_ROW("bound", LAT_CHOICE, lat_vae_options, bound, -1, 0, 0, bounds,
                 "\"elbo\", or \"iwae\" with samples"),
    LAT_OPTION_SIZE(lat_vae_options, classes, 0, 0, 1 << 20),
    LAT_OPTION_INTEGER(lat_vae_options, lowest, 0, -(1 << 30), 1 << 30),
    LAT_DEEP_OPTIONS(lat_vae_options),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(vae)

static lat_status check(lat_workspace *work, const void *options)
{
  const lat_vae_options *o = options;
  LAT_TRY(lat_deep_check_options(work, &o->deep, &o->likelihood, o->latent_dim));
  if (o->free_bits > 0 && o->bound != LAT_VAE_ELBO && (o->samples > 1 || o->bound == LAT_VAE_IWAE))
    return lat_fail(work, LAT_INVALID,
                    "free_bits change a KL, which the bound \"iwae\" has none of");
  return LAT_OK;
}

LAT_DEFINE_NET(vae)
LAT_DEFINE_NET_DRAW(vae)

/* ---- the nets -------------------------------------------------------------------------------- */

static size_t latent_dim(const void *o)
{
  return ((const lat_vae_options *)o)->latent_dim;
}

static size_t input_dim(const void *o)
{
  return ((const lat_vae_options *)o)->likelihood.D;
}

static double numbers(const void *options)
{
  const lat_vae_options complete = lat_vae_complete(options), *o = &complete;
  lat_likelihood l = lat_likelihood_complete(o->likelihood);
  return lat_net_numbers(o->encoder_hidden, o->encoder_layers, l.D + o->classes,
                         2 * o->latent_dim) +
         lat_net_numbers(o->decoder_hidden, o->decoder_layers, o->latent_dim + o->classes,
                         lat_likelihood_outputs(&l));
}

static lat_status check_data(lat_workspace *work, void *model, const lat_request *r, double scale)
{
  LAT_SCOPE(work);
  lat_vae *vae = model;
  const lat_vae_options *o = &vae->options;
  const size_t *labels;
  LAT_TRY(lat_class_labels(work, r->classes, r->X.rows, o->classes, o->lowest, &labels));
  return lat_likelihood_check_all(work, &vae->likelihood, &r->X, scale, vae->deep.store.dtype,
                                  &vae->deep.grey);
}

static const lat_net_kind nets = {LAT_NET_KIND(vae), .latent_dim = latent_dim};

/* ---- what it says of rows -------------------------------------------------------------------- */

/* A distribution of the caller's: N x M finite numbers above `least`. */
static lat_status check_given(lat_workspace *work, const lat_vae *vae, const char *name,
                              const lat_matrix *A, double least)
{
  LAT_TRY(lat_deep_check_columns(work, name, A, vae->options.latent_dim));
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++) {
      double x = lat_get(A, i, j);
      if (!(x > least && x < (double)INFINITY))
        return lat_fail(work, LAT_INVALID, "%s(%zu,%zu) is %s%.14g; they are finite%s", name, i + 1,
                        j + 1, x == 0 ? "0." : "", x, least < 0 ? "" : " and > 0");
    }
  return LAT_OK;
}

static lat_status apply_bound(lat_workspace *work, lat_vae *vae, const lat_request *r,
                              const size_t *classes, const lat_outputs *to)
{
  if (!r->means != !r->variances)
    return lat_fail(work, LAT_INVALID, "means and variances of q belong together: %s are missing",
                    r->means ? "variances" : "means");
  if (r->means) {
    LAT_TRY(check_given(work, vae, "means", r->means, -(double)INFINITY));
    LAT_TRY(check_given(work, vae, "variances", r->variances, 0));
  }
  LAT_SCOPE(work);
  size_t N = r->X.rows;
  double *nll = to->reconstruction_loss, *kl = to->kl;
  if (!nll) nll = lat_doubles(work, N);
  if (!kl) kl = lat_doubles(work, N);
  if (!nll || !kl) return LAT_MEMORY;
  LAT_TRY(lat_vae_bound(work, vae, &r->X, classes, r->means, r->variances,
                        r->samples ? r->samples : 1, r->seed, nll, kl));
  for (size_t i = 0; to->bound && i < N; i++) to->bound[i] = -nll[i] - kl[i];
  return LAT_OK;
}

static lat_status apply_likelihood(lat_workspace *work, lat_vae *vae, const lat_request *r,
                                   const size_t *classes, const lat_outputs *to)
{
  LAT_SCOPE(work);
  size_t K = r->samples ? r->samples : LAT_VAE_ESTIMATE_SAMPLES;
  double *log_p = to->log_likelihood ? to->log_likelihood : lat_doubles(work, r->X.rows);
  if (!log_p) return LAT_MEMORY;
  if (r->method != LAT_VAE_PRIOR) {
    LAT_TRY(lat_vae_log_likelihood(work, vae, &r->X, classes, K, r->seed, log_p, to->effective));
    return LAT_OK;
  }
  if (classes)
    return lat_fail(work, LAT_INVALID,
                    "method = \"prior\" shares its draws among all rows, which labels forbid");
  LAT_TRY(lat_vae_check_data(work, vae, &r->X, classes));
  LAT_TRY(lat_prior_log_likelihood(work, &vae->decoder, &vae->likelihood, &r->X, K, r->seed, log_p,
                                   to->effective));
  return LAT_OK;
}

static lat_status decode(lat_workspace *work, const lat_vae *vae, const lat_matrix *Z,
                         const size_t *classes, const lat_matrix *mean, const lat_matrix *variance)
{
  return lat_decode(work, &vae->decoder, &vae->likelihood, Z, classes, vae->options.classes, mean,
                    variance);
}

static lat_status apply_encoder(lat_workspace *work, lat_vae *vae, const lat_request *r,
                                const size_t *classes, const lat_outputs *to)
{
  LAT_SCOPE(work);
  size_t M = vae->options.latent_dim;
  lat_matrix Z = {.data = NULL};
  if (to->latent) Z = *to->latent;
  if (!to->latent) {
    lat_dtype dtype = (lat_dtype)vae->options.deep.dtype;
    void *memory = lat_allocate(work, r->X.rows * M, lat_dtype_size(dtype));
    if (!memory) return LAT_MEMORY;
    Z = (lat_matrix){memory, r->X.rows, M, (ptrdiff_t)M, 1, dtype};
  }
  LAT_TRY(lat_vae_encode(work, vae, &r->X, classes, &Z, to->latent_variances));
  if (to->reconstruction) LAT_TRY(decode(work, vae, &Z, classes, to->reconstruction, NULL));
  return LAT_OK;
}

static lat_status apply_rows(lat_workspace *work, lat_vae *vae, const lat_request *r,
                             const lat_outputs *to)
{
  const bool decodes = lat_deep_decodes(to);
  const bool encodes = to->latent || to->latent_variances || to->reconstruction;
  const bool bound = to->bound || to->kl || to->reconstruction_loss;
  const bool likelihood = to->log_likelihood || to->effective;
  const lat_vae_options *o = &vae->options;
  const size_t *classes;
  if (!decodes && !encodes && !bound && !likelihood) return LAT_OK;
  LAT_SCOPE(work);
  LAT_TRY(lat_deep_check_columns(work, decodes ? "Z" : "X", &r->X,
                                 decodes ? o->latent_dim : vae->likelihood.D));
  LAT_TRY(lat_class_labels(work, r->classes, r->X.rows, o->classes, o->lowest, &classes));
  if (decodes) LAT_TRY(decode(work, vae, &r->X, classes, to->decoded, to->decoded_variances));
  if (encodes) LAT_TRY(apply_encoder(work, vae, r, classes, to));
  if (bound) LAT_TRY(apply_bound(work, vae, r, classes, to));
  if (likelihood) LAT_TRY(apply_likelihood(work, vae, r, classes, to));
  return LAT_OK;
}

/* A step, and its loss and parts; or those of the next one. */
static lat_status train(lat_workspace *work, lat_vae *vae, const lat_request *r,
                        const lat_outputs *to)
{
  lat_vae_parts taken, next;
  if (to->step_loss) LAT_TRY(lat_vae_train(work, vae, r, &taken));
  if (to->loss || !to->step_loss) LAT_TRY(lat_vae_gradient(work, vae, r, &next));
  const lat_vae_parts *parts = to->step_loss ? &taken : &next;
  if (to->step_loss) *to->step_loss = taken.loss;
  if (to->loss) *to->loss = next.loss;
  if (to->mean_reconstruction) *to->mean_reconstruction = parts->reconstruction;
  if (to->mean_kl) *to->mean_kl = parts->kl;
  return LAT_OK;
}

lat_status lat_vae_apply(lat_workspace *work, lat_vae *vae, const lat_request *r,
                         const lat_outputs *to)
{
  if (to->step_loss || to->loss || to->mean_reconstruction || to->mean_kl)
    LAT_TRY(train(work, vae, r, to));
  return apply_rows(work, vae, r, to);
}

lat_status lat_vae_sample(lat_workspace *work, lat_vae *vae, const lat_request *r,
                          lat_random *random, const lat_matrix *Z, const lat_matrix *X)
{
  const lat_vae_options *o = &vae->options;
  const size_t *classes;
  LAT_SCOPE(work);
  LAT_TRY(lat_class_labels(work, r->classes, X->rows, o->classes, o->lowest, &classes));
  LAT_TRY(
      lat_draw(work, &vae->decoder, &vae->likelihood, classes, o->classes, r->mean, random, Z, X));
  return LAT_OK;
}

/* ---- methods --------------------------------------------------------------------------------- */

#define BETA LAT_DEEP_ROW("beta", LAT_NUMBER, lat_request, beta, -1, 0, 1e6, NULL, "the model's")
static const lat_option step_options[] = {
    LAT_OPTION_CLASSES, LAT_OPTION_STEP_RATE, BETA, {.name = NULL}};
static const lat_option loss_options[] = {LAT_OPTION_CLASSES, BETA, {.name = NULL}};
static const lat_option decode_options[] = {
    LAT_OPTION_CLASSES, LAT_OPTION_VARIANCE, {.name = NULL}};
static const lat_option sample_options[] = {
    LAT_OPTION_DRAW_SEED, LAT_OPTION_CLASSES, LAT_OPTION_MEAN, {.name = NULL}};
static const lat_option elbo_options[] = {
    LAT_OPTION_SAMPLES(1, 1 << 30, NULL),
    LAT_OPTION_SEED(lat_request, seed),
    LAT_OPTION_CLASSES,
    LAT_OPTION_ROWS("means", means, LAT_M, "latent.Matrix?"),
    LAT_OPTION_ROWS("variances", variances, LAT_M, "latent.Matrix?"),
    {.name = NULL}};
static const lat_option likelihood_options[] = {
    LAT_OPTION_SAMPLES(LAT_VAE_ESTIMATE_SAMPLES, 1 << 30, NULL),
    LAT_OPTION_CHOICE(lat_request, method, LAT_VAE_IMPORTANCE, estimates),
    LAT_OPTION_SEED(lat_request, seed),
    LAT_OPTION_CLASSES,
    {.name = NULL}};
static const lat_option active_options[] = {
    LAT_OPTION_READ("threshold", "number", "0.01"), LAT_OPTION_CLASSES, {.name = NULL}};
static const lat_option traverse_options[] = {
    LAT_OPTION_READ("units", "integer[]", "all"),
    LAT_OPTION_READ("count", "integer", "9"),
    LAT_OPTION_READ("width", "number", "2.5"),
    LAT_OPTION_READ("z", "latent.Matrix|number[]", "the origin"),
    LAT_OPTION_CLASSES,
    {.name = NULL}};
static const lat_option manifold_options[] = {
    LAT_OPTION_READ("size", "integer", "15"), LAT_OPTION_CLASSES, {.name = NULL}};

#define PARTS                                                                                      \
  LAT_OUTPUT(LAT_GIVES_NUMBER, mean_reconstruction), LAT_OUTPUT(LAT_GIVES_NUMBER, mean_kl)

static const lat_method methods[] = {
    LAT_FIT_METHODS(lat_class_fit_options, lat_class_steps_options),
    LAT_METHOD_ROWS("step", step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss), PARTS),
    LAT_METHOD_ROWS("loss", loss_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss), PARTS),
    LAT_METHOD_ROWS("encode", lat_class_options, LAT_OUTPUT_ROWS(latent, LAT_M),
                    LAT_OUTPUT_ROWS(latent_variances, LAT_M)),
    LAT_METHOD_ROWS("transform", lat_class_options, LAT_OUTPUT_ROWS(latent, LAT_M)),
    LAT_METHOD_LATENT("decode", decode_options, LAT_DECODE_OUTPUTS),
    LAT_METHOD_LATENT("inverse_transform", decode_options, LAT_DECODE_OUTPUTS),
    LAT_METHOD_ROWS("reconstruct", lat_class_options, LAT_OUTPUT_ROWS(reconstruction, LAT_D)),
    LAT_METHOD_SAMPLE(LAT_M, sample_options),
    LAT_METHOD_ROWS("elbo", elbo_options, LAT_OUTPUT(LAT_GIVES_NUMBERS, bound),
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, reconstruction_loss),
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, kl)),
    LAT_METHOD_ROWS("log_likelihood", likelihood_options,
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, log_likelihood),
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, effective)),
    LAT_METHOD_ROWS("score", likelihood_options, LAT_OUTPUT(LAT_GIVES_MEAN, log_likelihood)),
    {.name = "kl_per_unit", .options = lat_class_options},
    {.name = "active_units", .options = active_options},
    {.name = "traverse", .options = traverse_options},
    {.name = "manifold", .options = manifold_options},
    LAT_NET_METHODS,
    {.name = NULL}};

const lat_model lat_vae_model = {LAT_NET_MODEL(vae, table, check), .dtype = lat_net_dtype};
