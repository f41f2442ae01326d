/* flow/model.c: the description of a flow: methods, and the functions behind them. */
#include "deep/common/net_file.h"
#include "deep/flow/internal.h"

/* ---- the nets -------------------------------------------------------------------------------- */

static lat_status init(lat_workspace *work, void *model, const void *o)
{
  return lat_flow_init(work, model, o);
}

static void done(void *model)
{
  lat_flow_done(model);
}

static size_t input_dim(const void *o)
{
  return ((const lat_flow_options *)o)->input_dim;
}

static size_t context_dim(const void *o)
{
  return ((const lat_flow_options *)o)->context_dim;
}

static lat_status begin(lat_workspace *work, void *model, const lat_request *r)
{
  return lat_flow_is_begun(model) ? LAT_OK : lat_flow_begin(work, model, &r->X, r->context);
}

static double numbers(const void *o)
{
  return lat_flow_numbers(o);
}

static const lat_net_kind nets = {.bytes = sizeof(lat_flow),
                                  .init = init,
                                  .done = done,
                                  .numbers = numbers,
                                  .latent_dim = input_dim,
                                  .input_dim = input_dim,
                                  .context_dim = context_dim,
                                  .begin = begin};

/* Parameters are the nets', by name. */
static const lat_parameter *parameters(const void *o)
{
  static const lat_parameter none[] = {{NULL, {LAT_END}}};
  (void)o;
  return none;
}

LAT_DEFINE_NET(flow)

/* ---- methods --------------------------------------------------------------------------------- */

static lat_status step(lat_workspace *work, lat_flow *flow, const lat_request *r, double *loss)
{
  const lat_deep_options *o = &flow->options.deep;
  double rate = lat_deep_rate(o, r->learning_rate, flow->deep.optimizer.steps);
  return lat_flow_step(work, flow, &r->X, r->context, rate, o->clip, loss);
}

lat_status lat_flow_apply(lat_workspace *work, lat_flow *flow, const lat_request *r,
                          const lat_outputs *to)
{
  if (to->step_loss) LAT_TRY(step(work, flow, r, to->step_loss));
  if (to->loss) LAT_TRY(lat_flow_gradient(work, flow, &r->X, r->context, to->loss));
  if (to->latent || to->log_det)
    LAT_TRY(lat_flow_transform(work, flow, &r->X, r->context, to->latent, to->log_det));
  if (to->decoded) LAT_TRY(lat_flow_inverse(work, flow, &r->X, r->context, to->decoded));
  if (to->log_likelihood)
    LAT_TRY(lat_flow_log_likelihood(work, flow, &r->X, r->context, to->log_likelihood));
  return LAT_OK;
}

static lat_status apply(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                        const lat_outputs *outputs)
{
  return lat_flow_apply(work, f->aside, request, outputs);
}

static lat_status draw(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                       lat_random *random, const lat_matrix *X, const lat_outputs *of)
{
  return lat_flow_sample(work, f->aside, request->context, random, of->latent, X);
}

/* Mean and deviation of the data aren't fitted. */
static size_t free_parameters(const lat_fitted *f)
{
  const lat_store *store = &((const lat_deep *)f->aside)->store;
  return store->numbers - store->fixed;
}

#define CONTEXT       LAT_OPTION_ROWS("context", context, LAT_U, "latent.Matrix|number[]?")
#define TRAIN_CONTEXT LAT_OPTION_GIVEN("context", "latent.Matrix?")
static const lat_option context_options[] = {CONTEXT, {.name = NULL}};
static const lat_option step_options[] = {CONTEXT, LAT_OPTION_STEP_RATE, {.name = NULL}};
static const lat_option sample_options[] = {
    LAT_OPTION_GIVEN("seed", "integer|latent.Random"), CONTEXT, {.name = NULL}};
static const lat_option fit_options[] = {
    LAT_TRAIN_OPTIONS("10"), TRAIN_CONTEXT, LAT_EPOCH_OPTIONS, {.name = NULL}};
static const lat_option steps_options[] = {
    LAT_TRAIN_OPTIONS("no end"), TRAIN_CONTEXT, {.name = NULL}};

#define OF_ROWS(name_, options_, ...)                                                              \
  {                                                                                                \
    .name = name_, .argument = LAT_TAKES_ROWS, .outputs = {__VA_ARGS__}, .options = options_       \
  }

static const lat_method methods[] = {
    {.name = "fit", .options = fit_options},
    {.name = "steps", .options = steps_options},
    OF_ROWS("step", step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss)),
    OF_ROWS("loss", context_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss)),
    OF_ROWS("transform", context_options, LAT_OUTPUT_ROWS(latent, LAT_D)),
    OF_ROWS("log_det", context_options, LAT_OUTPUT(LAT_GIVES_NUMBERS, log_det)),
    {.name = "inverse_transform",
     .argument = LAT_TAKES_LATENT,
     .outputs = {LAT_OUTPUT_ROWS(decoded, LAT_D)},
     .options = context_options},
    OF_ROWS("log_likelihood", context_options, LAT_OUTPUT(LAT_GIVES_NUMBERS, log_likelihood)),
    OF_ROWS("score", context_options, LAT_OUTPUT(LAT_GIVES_MEAN, log_likelihood)),
    OF_ROWS("aic", context_options, LAT_OUTPUT(LAT_GIVES_AIC, log_likelihood)),
    OF_ROWS("bic", context_options, LAT_OUTPUT(LAT_GIVES_BIC, log_likelihood)),
    {.name = "sample",
     .argument = LAT_TAKES_COUNT,
     .outputs = {LAT_OUTPUT_ROWS(latent, LAT_D)},
     .options = sample_options},
    LAT_NET_METHODS,
    {.name = NULL}};

const lat_model lat_flow_model = {.name = "flow",
                                  .options = lat_flow_table,
                                  .options_size = sizeof(lat_flow_options),
                                  .methods = methods,
                                  .parameters = parameters,
                                  .check = lat_flow_check_options,
                                  .apply = apply,
                                  .free_parameters = free_parameters,
                                  .nets = &nets,
                                  .draw = draw};
