/* flow_matching/flow_matching.c: options, their checks, and making the net (flow_matching.h). */
#include "deep/flow_matching/flow_matching.h"

#include <math.h>

#include "deep/flow_matching/internal.h"

static const char *const coupling_names[] = {
    [LAT_COUPLING_INDEPENDENT] = "independent", [LAT_COUPLING_OT] = "ot", [LAT_COUPLINGS] = NULL};

enum { MOST_DIM = 1 << 20, MOST_STEPS = 1 << 20 };

#define ROW(name_, kind_, field_, otherwise_, least_, most_, choices_)                             \
  LAT_DEEP_ROW(name_, kind_, lat_flow_matching_options, field_, otherwise_, least_, most_,         \
               choices_, NULL)

const lat_option lat_flow_matching_table[] = {
    LAT_DEEP_ROW("input_dim", LAT_SIZE, lat_flow_matching_options, input_dim, 0, 1, MOST_DIM, NULL,
                 "required"),
    ROW("coupling", LAT_CHOICE, coupling, LAT_COUPLING_INDEPENDENT, 0, 0, coupling_names),
    ROW("sigma", LAT_NUMBER, sigma, 0, 0, 1e6, NULL),
    LAT_OPTION_BOOLEAN(lat_flow_matching_options, standardize, true),
    ROW("solver", LAT_CHOICE, solver, LAT_ODE_DORMAND_PRINCE, 0, 0, lat_ode_solver_names),
    ROW("steps", LAT_SIZE, steps, 100, 1, MOST_STEPS, NULL),
    ROW("tolerance", LAT_NUMBER, tolerance, 1e-5, 1e-13, 1, NULL),
    ROW("ema", LAT_NUMBER, ema, 0.999, 0, 1, NULL),
    /* velocities change slowly with t: frequencies as high as those of diffusions cost more than
     * they give */
    LAT_TIME_NET_OPTIONS_WITH(lat_flow_matching_options, 4),
    LAT_DEEP_OPTIONS_FROM(lat_flow_matching_options, LAT_NN_SILU, 1e-3, "0.9", "0.999"),
    {.name = NULL}};

lat_flow_matching_options lat_flow_matching_defaults(void)
{
  lat_flow_matching_options o;
  lat_model_defaults(&lat_flow_matching_model, &o);
  return o;
}

lat_status lat_flow_matching_check_options(lat_workspace *work, const void *options)
{
  const lat_flow_matching_options *o = options;
  if (o->input_dim == 0) return lat_fail(work, LAT_INVALID, "the option input_dim is missing");
  if (o->ema == 1) return lat_fail(work, LAT_INVALID, "ema must be less than 1");
  LAT_TRY(lat_deep_check_training(work, &o->deep));
  return lat_time_net_check(work, &o->net);
}

lat_status lat_flow_matching_check(lat_workspace *work, const lat_flow_matching_options *o)
{
  return lat_model_check(work, &lat_flow_matching_model, o);
}

/* ---- making ---------------------------------------------------------------------------------- */

static lat_status make(lat_workspace *work, lat_flow_matching *model)
{
  const lat_flow_matching_options *o = &model->options;
  lat_store *store = &model->deep.store;
  LAT_TRY(lat_units_add(work, store, o->input_dim, &model->units));
  LAT_TRY(lat_store_add(work, store, "data.source", 1, 1, LAT_INIT_ZERO, 1, 0, &model->source));
  lat_store_fix(store, model->source);
  LAT_TRY(lat_time_net_add(work, store, "net", o->input_dim, o->input_dim, &o->net, &o->deep,
                           &model->net));
  return lat_deep_seal(work, &model->deep, &o->deep);
}

lat_status lat_flow_matching_init(lat_workspace *work, lat_flow_matching *model,
                                  const lat_flow_matching_options *options)
{
  *model = (lat_flow_matching){.options = *options};
  LAT_TRY(lat_flow_matching_check(work, options));
  lat_deep_begin(&model->deep, &options->deep);
  lat_status status = make(work, model);
  if (status != LAT_OK) lat_flow_matching_done(model);
  return status;
}

void lat_flow_matching_done(lat_flow_matching *model)
{
  lat_deep_done(&model->deep);
}

/* ---- data ------------------------------------------------------------------------------------ */

lat_source_kind lat_flow_matching_source(const lat_flow_matching *model)
{
  const lat_store *store = &model->deep.store;
  lat_matrix kind = lat_store_view(store, store->values, model->source);
  double number = lat_get(&kind, 0, 0);
  return number == LAT_SOURCE_NORMAL ? LAT_SOURCE_NORMAL
         : number == LAT_SOURCE_ROWS ? LAT_SOURCE_ROWS
                                     : LAT_SOURCE_UNKNOWN;
}

lat_status lat_flow_matching_check_rows(lat_workspace *work, const lat_flow_matching *model,
                                        const char *name, const lat_matrix *X,
                                        const lat_request *request)
{
  size_t D = model->options.input_dim;
  lat_source_kind kind = lat_flow_matching_source(model);
  LAT_TRY(lat_deep_check_rows(work, name, X, D));
  if (!request->source) return LAT_OK;
  if (kind == LAT_SOURCE_NORMAL)
    return lat_fail(work, LAT_INVALID,
                    "the model has been trained with the source N(0, I), not with rows of one");
  if (request->source->rows == 0) return lat_fail(work, LAT_SHAPE, "the source has no rows");
  return lat_deep_check_rows(work, "the source", request->source, D);
}

lat_status lat_flow_matching_check_data(lat_workspace *work, const lat_flow_matching *model,
                                        const lat_request *r, const size_t **labels)
{
  const lat_time_net_options *o = &model->options.net;
  LAT_TRY(lat_flow_matching_check_rows(work, model, "X", &r->X, r));
  return lat_class_labels(work, r->classes, r->X.rows, o->classes, o->lowest, labels);
}

lat_status lat_flow_matching_begin(lat_workspace *work, lat_flow_matching *model,
                                   const lat_matrix *X)
{
  if (lat_units_known(&model->units)) return LAT_OK;
  LAT_TRY(lat_deep_check_rows(work, "X", X, model->options.input_dim));
  return lat_units_begin(work, &model->units, X, model->options.standardize);
}
