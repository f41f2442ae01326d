/* nonlinear/model.c: the description of the model: options, methods, and the functions behind
 * them. */
#include "deep/common/decoder.h"
#include "deep/common/limits.h"
#include "deep/common/net_model.h"
#include "deep/nonlinear/nonlinear.h"

/* ---- options --------------------------------------------------------------------------------- */

static const lat_option table[] = {
    LAT_NET_SIZE_OPTIONS(lat_nonlinear_options),
    LAT_OPTION_WIDTHS("hidden", lat_nonlinear_options, hidden, layers, 64, 0, "64"),
    LAT_LIKELIHOOD_OPTIONS(lat_nonlinear_options, LAT_P_GAUSSIAN),
    LAT_OPTION_SIZE(lat_nonlinear_options, samples, 500, 1, 1 << 24),
    LAT_DEEP_OPTIONS(lat_nonlinear_options),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(nonlinear)

static lat_status check(lat_workspace *work, const void *options)
{
  const lat_nonlinear_options *o = options;
  return lat_deep_check_options(work, &o->deep, &o->likelihood, o->latent_dim);
}

LAT_DEFINE_NET(nonlinear)
LAT_DEFINE_NET_DRAW(nonlinear)

/* ---- the net --------------------------------------------------------------------------------- */

static size_t latent_dim(const void *o)
{
  return ((const lat_nonlinear_options *)o)->latent_dim;
}

static size_t input_dim(const void *o)
{
  return ((const lat_nonlinear_options *)o)->likelihood.D;
}

static double numbers(const void *options)
{
  const lat_nonlinear_options *o = options;
  lat_likelihood l = lat_likelihood_complete(o->likelihood);
  return lat_net_numbers(o->hidden, o->layers, o->latent_dim, lat_likelihood_outputs(&l));
}

static lat_status check_data(lat_workspace *work, void *model, const lat_request *r, double scale)
{
  lat_nonlinear *m = model;
  return lat_likelihood_check_all(work, &m->likelihood, &r->X, scale, m->deep.store.dtype,
                                  &m->deep.grey);
}

static const lat_net_kind nets = {LAT_NET_KIND(nonlinear), .latent_dim = latent_dim};

/* ---- what it says of rows -------------------------------------------------------------------- */

static lat_status apply_likelihood(lat_workspace *work, lat_nonlinear *m, const lat_request *r,
                                   const lat_outputs *to)
{
  LAT_SCOPE(work);
  LAT_TRY(lat_deep_check_columns(work, "X", &r->X, m->likelihood.D));
  double *log_p = to->log_likelihood ? to->log_likelihood : lat_doubles(work, r->X.rows);
  if (!log_p) return LAT_MEMORY;
  LAT_TRY(
      lat_likelihood_check_all(work, &m->likelihood, &r->X, 1, m->deep.store.dtype, &m->deep.grey));
  LAT_TRY(lat_prior_log_likelihood(work, &m->decoder, &m->likelihood, &r->X,
                                   r->samples ? r->samples : LAT_NONLINEAR_ESTIMATE_SAMPLES,
                                   r->seed, log_p, to->effective));
  return LAT_OK;
}

lat_status lat_nonlinear_apply(lat_workspace *work, lat_nonlinear *m, const lat_request *r,
                               const lat_outputs *to)
{
  if (to->step_loss) LAT_TRY(lat_nonlinear_train(work, m, r, to->step_loss));
  if (to->loss) LAT_TRY(lat_nonlinear_gradient(work, m, r, to->loss));
  if (to->log_likelihood || to->effective) LAT_TRY(apply_likelihood(work, m, r, to));
  if (!lat_deep_decodes(to)) return LAT_OK;
  LAT_TRY(lat_deep_check_columns(work, "Z", &r->X, m->options.latent_dim));
  return lat_decode(work, &m->decoder, &m->likelihood, &r->X, NULL, 0, to->decoded,
                    to->decoded_variances);
}

lat_status lat_nonlinear_sample(lat_workspace *work, lat_nonlinear *m, const lat_request *r,
                                lat_random *random, const lat_matrix *Z, const lat_matrix *X)
{
  return lat_draw(work, &m->decoder, &m->likelihood, NULL, 0, r->mean, random, Z, X);
}

/* ---- methods --------------------------------------------------------------------------------- */

static const lat_option loss_options[] = {LAT_OPTION_SAMPLES(0, 1 << 24, "the model's"),
                                          {.name = NULL}};
static const lat_option step_options[] = {
    LAT_OPTION_SAMPLES(0, 1 << 24, "the model's"), LAT_OPTION_STEP_RATE, {.name = NULL}};
static const lat_option likelihood_options[] = {
    LAT_OPTION_SAMPLES(LAT_NONLINEAR_ESTIMATE_SAMPLES, 1 << 30, NULL),
    LAT_OPTION_SEED(lat_request, seed),
    {.name = NULL}};
static const lat_option sample_options[] = {LAT_OPTION_DRAW_SEED, LAT_OPTION_MEAN, {.name = NULL}};
static const lat_option fit_options[] = {
    LAT_TRAIN_OPTIONS("10"), LAT_EPOCH_OPTIONS, {.name = NULL}};
static const lat_option steps_options[] = {LAT_STEPS_OPTIONS, {.name = NULL}};

static const lat_method methods[] = {
    LAT_FIT_METHODS(fit_options, steps_options),
    LAT_METHOD_ROWS("step", step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss)),
    LAT_METHOD_ROWS("loss", loss_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss)),
    LAT_METHOD_ROWS("log_likelihood", likelihood_options,
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, log_likelihood),
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, effective)),
    LAT_METHOD_ROWS("score", likelihood_options, LAT_OUTPUT(LAT_GIVES_MEAN, log_likelihood)),
    LAT_METHOD_SAMPLE(LAT_M, sample_options),
    LAT_METHOD_LATENT("decode", lat_variance_options, LAT_DECODE_OUTPUTS),
    LAT_METHOD_LATENT("inverse_transform", lat_variance_options, LAT_DECODE_OUTPUTS),
    LAT_NET_METHODS,
    {.name = NULL}};

const lat_model lat_nonlinear_model = {LAT_NET_MODEL(nonlinear, table, check),
                                       .dtype = lat_net_dtype};
