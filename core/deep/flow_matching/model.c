/* flow_matching/model.c: the description of flow matching: methods, and the functions behind them.
 */
#include "deep/common/net_model.h"
#include "deep/flow_matching/internal.h"

LAT_DEFINE_NET(flow_matching)
LAT_DEFINE_NET_DRAW(flow_matching)

/* ---- the net --------------------------------------------------------------------------------- */

static size_t input_dim(const void *o)
{
  return ((const lat_flow_matching_options *)o)->input_dim;
}

static lat_status check_data(lat_workspace *work, void *model, const lat_request *r, double scale)
{
  LAT_SCOPE(work);
  const size_t *labels;
  (void)scale;
  return lat_flow_matching_check_data(work, model, r, &labels);
}

static lat_status begin(lat_workspace *work, void *m, const lat_request *r)
{
  lat_flow_matching *model = m;
  LAT_TRY(lat_flow_matching_begin(work, model, &r->X));
  return lat_units_check(work, &model->units, model->deep.store.dtype, "X", &r->X);
}

static double numbers(const void *options)
{
  const lat_flow_matching_options *o = options;
  return lat_time_net_numbers(&o->net, o->input_dim, o->input_dim) +
         (double)(lat_units_numbers(o->input_dim) + 1); /* and the kind of source */
}

static const lat_net_kind nets = {LAT_NET_KIND(flow_matching), .latent_dim = input_dim,
                                  .begin = begin, .held_loss = true};

/* ---- methods --------------------------------------------------------------------------------- */

lat_status lat_flow_matching_apply(lat_workspace *work, lat_flow_matching *model,
                                   const lat_request *r, const lat_outputs *to)
{
  if (to->step_loss) LAT_TRY(lat_flow_matching_step(work, model, r, to->step_loss));
  if (to->loss) LAT_TRY(lat_flow_matching_gradient(work, model, r, to->loss));
  if (to->latent) LAT_TRY(lat_flow_matching_transform(work, model, r, to->latent));
  if (to->decoded) LAT_TRY(lat_flow_matching_inverse(work, model, r, to->decoded));
  if (to->velocity) LAT_TRY(lat_flow_matching_velocity(work, model, r, to->velocity));
  if (to->log_likelihood)
    LAT_TRY(lat_flow_matching_log_likelihood(work, model, r, to->log_likelihood));
  return LAT_OK;
}

static const char *const trace_names[] = {[LAT_TRACE_AUTO] = "auto",
                                          [LAT_TRACE_EXACT] = "exact",
                                          [LAT_TRACE_HUTCHINSON] = "hutchinson",
                                          NULL};

#define REQUEST(name_, kind_, field_, otherwise_, least_, most_, choices_, shown_)                 \
  LAT_DEEP_ROW(name_, kind_, lat_request, field_, otherwise_, least_, most_, choices_, shown_)
#define SOURCE(name_) LAT_OPTION_SAMPLE(name_, source, LAT_D, "latent.Matrix?")
#define WEIGHTS       LAT_OPTION_BOOLEAN(lat_request, raw, false)
#define SOLVER                                                                                     \
  REQUEST("solver", LAT_CHOICE, solver, -1, 0, 0, lat_ode_solver_names, "the model's"),            \
      REQUEST("steps", LAT_SIZE, steps, 0, 1, 1 << 20, NULL, "the model's"),                       \
      REQUEST("tolerance", LAT_NUMBER, tolerance, -1, 1e-13, 1, NULL, "the model's")

static const lat_option step_options[] = {
    LAT_OPTION_CLASSES, SOURCE("source"), LAT_OPTION_STEP_RATE, {.name = NULL}};
static const lat_option loss_options[] = {LAT_OPTION_CLASSES,
                                          SOURCE("source"),
                                          REQUEST("seed", LAT_SEED, seed, 0, 0, 0, NULL, NULL),
                                          {.name = NULL}};
static const lat_option path_options[] = {
    LAT_OPTION_CLASSES, SOLVER, LAT_OPTION_GUIDANCE, WEIGHTS, {.name = NULL}};
static const lat_option velocity_options[] = {
    REQUEST("time", LAT_NUMBER, time, 0, 0, 1, NULL, NULL),
    LAT_OPTION_CLASSES,
    LAT_OPTION_GUIDANCE,
    WEIGHTS,
    {.name = NULL}};
static const lat_option density_options[] = {
    LAT_OPTION_CLASSES,
    SOLVER,
    REQUEST("trace", LAT_CHOICE, trace, LAT_TRACE_AUTO, 0, 0, trace_names, NULL),
    REQUEST("probes", LAT_SIZE, probes, LAT_FLOW_MATCHING_PROBES, 1, 1 << 16, NULL, NULL),
    REQUEST("seed", LAT_SEED, seed, 0, 0, 0, NULL, NULL),
    WEIGHTS,
    {.name = NULL}};
static const lat_option sample_options[] = {
    LAT_OPTION_DRAW_SEED, LAT_OPTION_CLASSES, SOURCE("from"), SOLVER, LAT_OPTION_GUIDANCE, WEIGHTS,
    {.name = NULL}};
#define TRAIN_GIVEN LAT_OPTION_TRAIN_LABELS, LAT_OPTION_GIVEN("source", "latent.Matrix?")
static const lat_option fit_options[] = {
    LAT_TRAIN_OPTIONS("10"), TRAIN_GIVEN, LAT_EPOCH_OPTIONS, {.name = NULL}};
static const lat_option steps_options[] = {LAT_STEPS_OPTIONS, TRAIN_GIVEN, {.name = NULL}};

static const lat_method methods[] = {
    LAT_FIT_METHODS(fit_options, steps_options),
    LAT_METHOD_ROWS("step", step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss)),
    LAT_METHOD_ROWS("loss", loss_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss)),
    LAT_METHOD_ROWS("velocity", velocity_options, LAT_OUTPUT_ROWS(velocity, LAT_D)),
    LAT_METHOD_ROWS("transform", path_options, LAT_OUTPUT_ROWS(latent, LAT_D)),
    LAT_METHOD_LATENT("inverse_transform", path_options, LAT_OUTPUT_ROWS(decoded, LAT_D)),
    LAT_LIKELIHOOD_METHODS(density_options),
    LAT_METHOD_SAMPLE(LAT_D, sample_options),
    LAT_NET_METHODS,
    {.name = NULL}};

lat_request lat_flow_matching_request(void)
{
  lat_request r;
  lat_options_default(path_options, &r, sizeof r);
  return r;
}

const lat_model lat_flow_matching_model = {
    LAT_NET_MODEL(flow_matching, lat_flow_matching_table, lat_flow_matching_check_options)};
