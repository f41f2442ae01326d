/* lds.c: latent.lds, linear dynamical systems: making and fitting one. */
#include "models/lds/lds.h"

#include <string.h>

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static lat_status pass(lua_State *L, latL_Run *run);

static const char *const fit_options[] = {"inputs", NULL};

const latL_EmKind latL_lds_kind = {.base = {.name = "lds",
                                            .metatable = "latent.LDS",
                                            .parameters = lat_lds_parameters,
                                            .refresh = NULL,
                                            .gaps = LATL_KNOWS_GAPS},
                                   .missing = true,
                                   .fit_options = fit_options,
                                   .plan = plan,
                                   .start = start,
                                   .pass = pass,
                                   .own_data = true};

/* ---- making one --------------------------------------------------------------------------------- */

/* The mean and covariance of stationary states, which the parameters have, too. */
static lat_status fill_stationary(lat_workspace *work, const lat_lds_model *model, double *flat,
                                  const size_t sizes[LAT_SIZES])
{
  if (!model->stationary) return LAT_OK;
  lat_lds lds = lat_lds_of_model(model, flat, sizes);
  return lat_lds_stationary(work, &lds, (double *)lds.initial_mean,
                            (double *)lds.initial_covariance);
}

/* A model of which all is given has its parameters at once. */
static void publish_given(lua_State *L, const latL_Lds *m)
{
  for (int i = LAT_LDS_A; i <= LAT_LDS_Q; i += LAT_LDS_Q - LAT_LDS_A)
    if (m->given[i] > LATL_CONSTANT && m->core.stationary)
      latL_error(L, "lds", "a model whose %s varies with t has no stationary initial state",
                 lat_lds_parameters[i].name);
  double *flat = latL_newfitted(L, 2, m->sizes)->flat;
  latL_fillgiven(L, 2, "lds", m->sizes, flat);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_lds lds = lat_lds_of_model(&m->core, flat, m->sizes);
  lat_status status = lat_lds_check(work, &lds, 1);
  if (status == LAT_OK) status = fill_stationary(work, &m->core, flat, m->sizes);
  latL_check(L, "lds", work, mark, status);
  latL_publish(L, 2);
}

/* Lists are whole from the beginning. */
static void check_lists(lua_State *L, const latL_Lds *m)
{
  lat_workspace *work = latL_workspace(L);
  for (int i = 0; i < LAT_LDS_MEAN; i++) {
    if (m->given[i] != LATL_LIST) continue;
    const lat_size *shape = lat_lds_parameters[i].shape;
    lat_lds_matrix list = {m->listed[i], m->sizes[shape[0]] * m->sizes[shape[1]]};
    latL_call(
        L, "lds", work,
        lat_lds_check_matrix(work, i, list, m->steps[i], m->sizes[shape[0]], m->sizes[shape[1]]));
  }
}

/* latent.lds{latent_dim=, A=, ..., initial=, estimate=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"latent_dim",
                                      "A",
                                      "B",
                                      "C",
                                      "D",
                                      "Q",
                                      "R",
                                      "initial_mean",
                                      "initial_covariance",
                                      "initial",
                                      "form",
                                      "estimate",
                                      "structure",
                                      "fixed",
                                      LATL_EM_OPTIONS,
                                      NULL};
  lua_settop(L, 1);
  luaL_checkstack(L, 40, "lds");
  latL_checkoptions(L, 1, "lds", names);
  latL_Lds *m = latL_newmodel(L, &latL_lds_kind.base, sizeof *m);
  latL_emoptions(L, 1, "lds", &m->em, 500, 1e-14, 1);
  latL_readlds(L, m);
  check_lists(L, m);
  if (latL_wholelds(m)) publish_given(L, m);
  lua_settop(L, 2);
  return 1;
}

/* ---- fitting ---------------------------------------------------------------------------------------- */

void latL_ldsestimates(const latL_Lds *m, size_t inputs, bool estimate[LAT_LDS_PARAMETERS])
{
  memcpy(estimate, m->core.estimate, sizeof m->core.estimate);
  if (m->asked) return;
  bool whole = latL_wholelds(m);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++)
    estimate[i] = whole ? m->given[i] <= LATL_CONSTANT : m->given[i] == LATL_ABSENT;
  if (inputs == 0) estimate[LAT_LDS_B] = estimate[LAT_LDS_D] = false;
  if (m->core.stationary || m->automatic)
    estimate[LAT_LDS_MEAN] = estimate[LAT_LDS_COVARIANCE] = false;
}

/* The run's own, in a userdata: another fit of the same model may begin before this one ends. */
typedef struct data {
  latL_Sequences *sequences;
  lat_lds_model core;
} data;

enum { DATA_SEQUENCES = 1, DATA_VARYING, DATA_VALUES = DATA_VARYING }; /* user values */

static data *data_of(lua_State *L)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_OWN);
  data *own = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return own;
}

static void check_known(lua_State *L, const latL_Lds *m, const bool estimate[], const char *who)
{
  static const int needed[] = {LAT_LDS_A, LAT_LDS_C, LAT_LDS_Q, LAT_LDS_R};
  for (size_t k = 0; k < 4; k++)
    if (m->given[needed[k]] == LATL_ABSENT && !estimate[needed[k]])
      latL_error(L, who, "%s is neither given nor estimated", lat_lds_parameters[needed[k]].name);
  for (int i = 0; i < LAT_LDS_Q; i++) {
    int noise = i == LAT_LDS_A || i == LAT_LDS_B ? LAT_LDS_Q : LAT_LDS_R;
    if (estimate[i] && m->given[noise] > LATL_CONSTANT)
      latL_error(L, who, "%s can't be estimated when %s varies with t", lat_lds_parameters[i].name,
                 lat_lds_parameters[noise].name);
  }
  if (m->core.stationary && (estimate[LAT_LDS_MEAN] || estimate[LAT_LDS_COVARIANCE]))
    latL_error(L, who, "initial = \"stationary\" leaves no initial state to estimate");
}

static data *take_data(lua_State *L, latL_Run *run)
{
  const latL_Lds *m = run->model;
  size_t outputs = m->sizes[LAT_D], inputs = m->sizes[LAT_U], longest = 0;
  data *own = lua_newuserdatauv(L, sizeof *own, DATA_VALUES);
  int at = lua_gettop(L);
  const latL_Sequences *s = own->sequences =
      latL_checksequences(L, LATL_DATA, LATL_OPTIONS, run->who, &outputs, &inputs);
  lua_setiuservalue(L, at, DATA_SEQUENCES);
  for (size_t i = 0; i < s->count; i++)
    if (s->of[i].steps > longest) longest = s->of[i].steps;
  latL_sizelds(L, m, run->who, outputs, inputs, run->sizes);
  own->core = m->core;
  latL_varylds(L, m, run->who, longest, run->sizes, own->core.varying);
  lua_setiuservalue(L, at, DATA_VARYING);
  own->core.longest = longest;
  latL_hold(L, LATL_RUN_OWN);
  return own;
}

static void plan(lua_State *L, latL_Run *run)
{
  const latL_Lds *m = run->model;
  data *own = run->restart == 0 ? take_data(L, run) : data_of(L);
  const latL_Sequences *s = own->sequences;
  latL_sizelds(L, m, run->who, s->outputs, s->inputs, run->sizes);
  latL_ldsestimates(m, run->sizes[LAT_U], own->core.estimate);
  check_known(L, m, own->core.estimate, run->who);
  run->core = &lat_lds_kind;
  run->context = &own->core;
}

static lat_status has_observation(lat_workspace *work, const lat_lds_sequence *s, size_t outputs)
{
  for (size_t k = 0; k < s->steps * outputs; k++)
    if (s->Y[k] == s->Y[k]) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "there is no observation");
}

static lat_status has_density(lat_workspace *work, const lat_lds_sequence *s, const lat_lds *lds,
                              size_t *skipped)
{
  lat_lds_filtered filtered = {0};
  LAT_TRY(lat_lds_filter(work, lds, s, &filtered));
  *skipped += filtered.skipped;
  if (filtered.diffuse <= s->steps) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "the %zu rows don't determine the diffuse initial state",
                  s->steps);
}

/* Says of which sequence the failure is. */
static lat_status number(lat_workspace *work, size_t i, size_t count, lat_status status)
{
  char message[sizeof work->message];
  if (status == LAT_OK || count == 1) return status;
  memcpy(message, work->message, sizeof message);
  return lat_fail(work, status, "sequence %zu: %.200s", i + 1, message);
}

/* Names what is wrong with data before a start is made of them. */
static lat_status check_data(lat_workspace *work, const latL_Sequences *s, const lat_lds *lds)
{
  for (size_t i = 0; i < s->count; i++) {
    LAT_TRY(number(work, i, s->count, lat_lds_check_sequence(work, lds, s->of + i)));
    LAT_TRY(number(work, i, s->count, has_observation(work, s->of + i, lds->outputs)));
  }
  return LAT_OK;
}

/* And with the start before the loop does. */
static lat_status check_start(lat_workspace *work, const latL_Sequences *s, const lat_lds *lds,
                              lat_lds_model *core)
{
  core->skipped = 0;
  LAT_TRY(lat_lds_check(work, lds, core->longest));
  for (size_t i = 0; i < s->count; i++)
    LAT_TRY(number(work, i, s->count, has_density(work, s->of + i, lds, &core->skipped)));
  return LAT_OK;
}

/* Q and R whose held entries leave a closed M-step. */
static lat_status check_fixed(const latL_Run *run, const lat_lds_model *core)
{
  static const int noises[] = {LAT_LDS_Q, LAT_LDS_R};
  for (size_t k = 0; k < 2; k++) {
    int i = noises[k];
    if (!core->fixed[i] || !core->estimate[i]) continue;
    const char *name = lat_lds_parameters[i].name;
    LAT_TRY(lat_lds_check_fixed(
        run->work, name, run->sizes[lat_lds_parameters[i].shape[0]], core->fixed[i],
        lat_parameter_at(lat_lds_parameters, run->sizes, run->parameters, name)));
  }
  return LAT_OK;
}

static lat_status start(lua_State *L, latL_Run *run)
{
  data *own = data_of(L);
  const latL_Sequences *s = own->sequences;
  latL_fillgiven(L, LATL_MODEL, run->who, run->sizes, run->parameters);
  latL_workspace(L);
  lat_lds lds = lat_lds_of_model(&own->core, run->parameters, run->sizes);
  LAT_TRY(check_fixed(run, &own->core));
  LAT_TRY(check_data(run->work, s, &lds));
  LAT_TRY(lat_lds_start(run->work, &own->core, run->sizes, s->of, s->count, run->seed,
                        run->restart > 0, run->parameters));
  LAT_TRY(fill_stationary(run->work, &own->core, run->parameters, run->sizes));
  return check_start(run->work, s, &lds, &own->core);
}

static lat_status pass(lua_State *L, latL_Run *run)
{
  const latL_Sequences *s = data_of(L)->sequences;
  return lat_em_add_units(&run->em, s->of, s->count);
}

static int fit(lua_State *L)
{
  return latL_fit(L, &latL_lds_kind, "lds:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, &latL_lds_kind, "lds:steps");
}

/* loaded(model): its parameters, from a file, go with its options. */
static int check_loaded(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, "latent.load");
  const latL_Lds *m = latL_ldsof(f);
  for (int s = LAT_END + 1; s < LAT_SIZES; s++)
    if (m->sizes[s] && m->sizes[s] != f->sizes[s])
      latL_error(L, "latent.load", "the parameters' sizes are not those that the options say");
  lat_lds lds = lat_lds_of_model(&m->core, f->flat, f->sizes);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, "latent.load", work, lat_lds_check(work, &lds, 1));
  return 0;
}

static const luaL_Reg methods[] = {{"fit", fit}, {"steps", steps}, {NULL, NULL}};

void latL_open_lds(lua_State *L)
{
  latL_newkind(L, &latL_lds_kind.base, methods);
  latL_addmethods(L, "latent.LDS", latL_lds_uses);
  latL_adddensity(L, "latent.LDS", "lds", NULL, &latL_lds_density);
  latL_addmethods(L, "latent.LDS", latL_lds_draws);
  latL_savable(L, "latent.LDS", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "lds");
}
