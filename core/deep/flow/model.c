/* flow/model.c: the description of a flow: methods, and the functions behind them. */
#include "deep/common/net_model.h"
#include "deep/flow/internal.h"

LAT_DEFINE_NET(flow)

/* ---- the nets -------------------------------------------------------------------------------- */

static size_t input_dim(const void *o)
{
  return ((const lat_flow_options *)o)->input_dim;
}

static size_t context_dim(const void *o)
{
  return ((const lat_flow_options *)o)->context_dim;
}

static lat_status check_data(lat_workspace *work, void *model, const lat_request *r, double scale)
{
  (void)scale;
  return lat_flow_check_data(work, model, "X", &r->X, r->context);
}

static lat_status begin(lat_workspace *work, void *model, const lat_request *r)
{
  lat_flow *flow = model;
  if (!lat_flow_is_begun(flow)) LAT_TRY(lat_flow_begin(work, flow, &r->X, r->context));
  return lat_units_check(work, &flow->units, flow->deep.store.dtype, "X", &r->X);
}

static double numbers(const void *o)
{
  return lat_flow_numbers(o);
}

static const lat_net_kind nets = {LAT_NET_KIND(flow), .latent_dim = input_dim,
                                  .context_dim = context_dim, .begin = begin};

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

static lat_status draw(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                       lat_random *random, const lat_matrix *X, const lat_outputs *of)
{
  return lat_flow_sample(work, f->aside, request->context, random, of->latent, X);
}

#define CONTEXT       LAT_OPTION_ROWS("context", context, LAT_U, "latent.Matrix|number[]?")
#define TRAIN_CONTEXT LAT_OPTION_GIVEN("context", "latent.Matrix?")
static const lat_option context_options[] = {CONTEXT, {.name = NULL}};
static const lat_option step_options[] = {CONTEXT, LAT_OPTION_STEP_RATE, {.name = NULL}};
static const lat_option sample_options[] = {LAT_OPTION_DRAW_SEED, CONTEXT, {.name = NULL}};
static const lat_option fit_options[] = {
    LAT_TRAIN_OPTIONS("10"), TRAIN_CONTEXT, LAT_EPOCH_OPTIONS, {.name = NULL}};
static const lat_option steps_options[] = {LAT_STEPS_OPTIONS, TRAIN_CONTEXT, {.name = NULL}};

static const lat_method methods[] = {
    LAT_FIT_METHODS(fit_options, steps_options),
    LAT_METHOD_ROWS("step", step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss)),
    LAT_METHOD_ROWS("loss", context_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss)),
    LAT_METHOD_ROWS("transform", context_options, LAT_OUTPUT_ROWS(latent, LAT_D)),
    LAT_METHOD_ROWS("log_det", context_options, LAT_OUTPUT(LAT_GIVES_NUMBERS, log_det)),
    LAT_METHOD_LATENT("inverse_transform", context_options, LAT_OUTPUT_ROWS(decoded, LAT_D)),
    LAT_LIKELIHOOD_METHODS(context_options),
    LAT_METHOD_SAMPLE(LAT_D, sample_options),
    LAT_NET_METHODS,
    {.name = NULL}};

const lat_model lat_flow_model = {LAT_NET_MODEL(flow, lat_flow_table, lat_flow_check_options)};
