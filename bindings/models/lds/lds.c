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

/* ---- making one ------------------------------------------------------------------------------ */

/* A model of which all is given has its parameters at once. */
static void publish_given(lua_State *L, const latL_Lds *m)
{
  const size_t sizes[LAT_SIZES] = {
      [LAT_M] = m->options.latent_dim, [LAT_D] = m->options.outputs, [LAT_U] = m->options.inputs};
  double *flat = latL_newfitted(L, 2, sizes)->flat;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, "lds", work, lat_lds_set_given(work, &m->options, &m->core, sizes, flat));
  latL_publish(L, 2);
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
  const lat_lds_options o = lat_lds_defaults();
  latL_emoptions(L, 1, "lds", &m->em, (lua_Integer)o.max_iterations, o.tolerance,
                 (lua_Integer)o.restarts);
  latL_readlds(L, m);
  if (lat_lds_is_complete(&m->options)) publish_given(L, m);
  lua_settop(L, 2);
  return 1;
}

/* ---- fitting --------------------------------------------------------------------------------- */

/* The run's own, in a userdata: another fit of the same model may begin before this one ends. */
typedef struct data {
  latL_Sequences *sequences;
  size_t inputs, outputs;
  lat_lds_options options;
  lat_lds_model core;
} data;

enum { DATA_SEQUENCES = 1, DATA_OPTIONS, DATA_VALUES = DATA_OPTIONS }; /* user values */

static data *data_of(lua_State *L)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_OWN);
  data *own = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return own;
}

static data *take_data(lua_State *L, latL_Run *run)
{
  const latL_Lds *m = run->model;
  const lat_lds_options *o = &m->options;
  size_t sizes[LAT_SIZES] = {[LAT_D] = o->outputs, [LAT_U] = o->inputs};
  data *own = lua_newuserdatauv(L, sizeof *own, DATA_VALUES);
  int at = lua_gettop(L);
  own->sequences = latL_checksequences(L, LATL_DATA, LATL_OPTIONS, run->who, sizes);
  lua_setiuservalue(L, at, DATA_SEQUENCES);
  if (o->inputs && sizes[LAT_U] != o->inputs)
    latL_error(L, run->who, "the data has %I inputs, the model has %I", (lua_Integer)sizes[LAT_U],
               (lua_Integer)o->inputs);
  own->options = *o;
  own->core = m->core;
  own->options.outputs = sizes[LAT_D];
  own->options.inputs = sizes[LAT_U];
  sizes[LAT_M] = o->latent_dim;
  own->core.longest = own->sequences->longest;
  latL_ldsvalues(L, LATL_MODEL, m, run->who, sizes, own->core.longest, true, own->options.given);
  lua_setiuservalue(L, at, DATA_OPTIONS);
  for (int i = 0; i < LAT_LDS_MEAN; i++)
    if (own->options.given[i].stride) own->core.varying[i] = own->options.given[i];
  latL_hold(L, LATL_RUN_OWN);
  return own;
}

static void plan(lua_State *L, latL_Run *run)
{
  data *own = run->restart == 0 ? take_data(L, run) : data_of(L);
  run->sizes[LAT_M] = own->options.latent_dim;
  run->sizes[LAT_D] = own->options.outputs;
  run->sizes[LAT_U] = own->options.inputs;
  lat_lds_set_estimates(&((const latL_Lds *)run->model)->options, run->sizes[LAT_U], &own->core);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, run->who, work, lat_lds_check_estimates(work, &own->options, &own->core));
  run->core = &lat_lds_kind;
  run->context = &own->core;
}

static lat_status start(lua_State *L, latL_Run *run)
{
  data *own = data_of(L);
  latL_workspace(L);
  return lat_lds_begin(run->work, &own->options, &own->core, run->sizes, own->sequences->of,
                       own->sequences->count, run->seed, run->restart > 0, run->parameters);
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
  const latL_Lds *m = (const latL_Lds *)latL_owner(f);
  const lat_lds_options *o = &m->options;
  if (o->latent_dim != f->sizes[LAT_M] || (o->outputs && o->outputs != f->sizes[LAT_D]) ||
      (o->inputs && o->inputs != f->sizes[LAT_U]))
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
  latL_addldsmethods(L);
  latL_savable(L, "latent.LDS", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "lds");
}
