/* nonlinear/options.c: the description of the model: options, methods, and the functions behind
 * them. */
#include "deep/common/decoder.h"
#include "deep/common/limits.h"
#include "deep/common/net_file.h"
#include "deep/nonlinear/nonlinear.h"

/* ---- options --------------------------------------------------------------------------------- */

static const lat_option options[] = {
    LAT_NET_SIZE_OPTIONS(lat_nonlinear_options),
    LAT_OPTION_WIDTHS("hidden", lat_nonlinear_options, hidden, layers, 64, 0, "64"),
    LAT_LIKELIHOOD_OPTIONS(lat_nonlinear_options, LAT_P_GAUSSIAN),
    LAT_OPTION_SIZE(lat_nonlinear_options, samples, 500, 1, 1 << 24),
    LAT_DEEP_OPTIONS(lat_nonlinear_options),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(nonlinear)

static lat_status check(lat_workspace *work, const void *options_)
{
  const lat_nonlinear_options *o = options_;
  return lat_deep_check_options(work, &o->deep, &o->likelihood, o->latent_dim);
}

/* ---- the net --------------------------------------------------------------------------------- */

static lat_status init(lat_workspace *work, void *model, const void *o)
{
  return lat_nonlinear_init(work, model, o);
}

static void done(void *model)
{
  lat_nonlinear_done(model);
}

static size_t latent_dim(const void *o)
{
  return ((const lat_nonlinear_options *)o)->latent_dim;
}

static size_t input_dim(const void *o)
{
  return ((const lat_nonlinear_options *)o)->likelihood.D;
}

static double numbers(const void *options_)
{
  const lat_nonlinear_options *o = options_;
  lat_likelihood l = lat_likelihood_complete(o->likelihood);
  return lat_net_numbers(o->hidden, o->layers, o->latent_dim, lat_likelihood_outputs(&l));
}

static const lat_net_kind nets = {.bytes = sizeof(lat_nonlinear),
                                  .init = init,
                                  .done = done,
                                  .numbers = numbers,
                                  .latent_dim = latent_dim,
                                  .input_dim = input_dim};

/* Parameters are the net's, by name. */
static const lat_parameter *parameters(const void *o)
{
  static const lat_parameter none[] = {{NULL, {LAT_END}}};
  (void)o;
  return none;
}

/* ---- what it says of rows -------------------------------------------------------------------- */

static lat_status apply_likelihood(lat_workspace *work, lat_nonlinear *m, const lat_request *r,
                                   const lat_outputs *to)
{
  LAT_SCOPE(work);
  LAT_TRY(lat_deep_check_columns(work, "X", &r->X, m->likelihood.D));
  double *log_p = to->log_likelihood ? to->log_likelihood : lat_doubles(work, r->X.rows);
  if (!log_p) return LAT_MEMORY;
  LAT_TRY(
      lat_likelihood_check_all(work, &m->likelihood, &r->X, m->deep.store.dtype, &m->deep.grey));
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

LAT_DEFINE_NET(nonlinear)

/* ---- methods --------------------------------------------------------------------------------- */

static lat_status apply(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                        const lat_outputs *outputs)
{
  return lat_nonlinear_apply(work, f->aside, request, outputs);
}

static lat_status draw(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                       lat_random *random, const lat_matrix *X, const lat_outputs *of)
{
  return lat_nonlinear_sample(work, f->aside, request, random, of->latent, X);
}

static size_t free_parameters(const lat_fitted *f)
{
  return ((const lat_deep *)f->aside)->store.numbers;
}

static lat_dtype dtype(const lat_fitted *f)
{
  return ((const lat_deep *)f->aside)->store.dtype;
}

static const lat_option loss_options[] = {LAT_OPTION_SAMPLES(0, 1 << 24, "the model's"),
                                          {.name = NULL}};
static const lat_option step_options[] = {
    LAT_OPTION_SAMPLES(0, 1 << 24, "the model's"), LAT_OPTION_STEP_RATE, {.name = NULL}};
static const lat_option likelihood_options[] = {
    LAT_OPTION_SAMPLES(LAT_NONLINEAR_ESTIMATE_SAMPLES, 1 << 30, NULL),
    LAT_OPTION_SEED(lat_request, seed),
    {.name = NULL}};
static const lat_option sample_options[] = {
    LAT_OPTION_GIVEN("seed", "integer|latent.Random"), LAT_OPTION_MEAN, {.name = NULL}};
static const lat_option fit_options[] = {
    LAT_TRAIN_OPTIONS("10"), LAT_EPOCH_OPTIONS, {.name = NULL}};
static const lat_option steps_options[] = {LAT_TRAIN_OPTIONS("no end"), {.name = NULL}};

static const lat_method methods[] = {{.name = "fit", .options = fit_options},
                                     {.name = "steps", .options = steps_options},
                                     {.name = "step",
                                      .argument = LAT_TAKES_ROWS,
                                      .outputs = {LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss)},
                                      .options = step_options},
                                     {.name = "loss",
                                      .argument = LAT_TAKES_ROWS,
                                      .outputs = {LAT_OUTPUT(LAT_GIVES_NUMBER, loss)},
                                      .options = loss_options},
                                     {.name = "log_likelihood",
                                      .argument = LAT_TAKES_ROWS,
                                      .outputs = {LAT_OUTPUT(LAT_GIVES_NUMBERS, log_likelihood),
                                                  LAT_OUTPUT(LAT_GIVES_NUMBERS, effective)},
                                      .options = likelihood_options},
                                     {.name = "score",
                                      .argument = LAT_TAKES_ROWS,
                                      .outputs = {LAT_OUTPUT(LAT_GIVES_MEAN, log_likelihood)},
                                      .options = likelihood_options},
                                     {.name = "sample",
                                      .argument = LAT_TAKES_COUNT,
                                      .outputs = {LAT_OUTPUT_ROWS(latent, LAT_M)},
                                      .options = sample_options},
                                     {.name = "decode",
                                      .argument = LAT_TAKES_LATENT,
                                      .outputs = LAT_DECODE_OUTPUTS,
                                      .options = lat_variance_options},
                                     {.name = "inverse_transform",
                                      .argument = LAT_TAKES_LATENT,
                                      .outputs = LAT_DECODE_OUTPUTS,
                                      .options = lat_variance_options},
                                     LAT_NET_METHODS,
                                     {.name = NULL}};

const lat_model lat_nonlinear_model = {.name = "nonlinear",
                                       .options = options,
                                       .options_size = sizeof(lat_nonlinear_options),
                                       .methods = methods,
                                       .parameters = parameters,
                                       .check = check,
                                       .apply = apply,
                                       .free_parameters = free_parameters,
                                       .nets = &nets,
                                       .dtype = dtype,
                                       .draw = draw};
