/* lds.c: latent.lds, linear dynamical systems: what the core's descriptions don't say of their
 * methods.
 *
 * Those of one sequence are in a table of the core's (lat_lds_sequence_methods): memory for the
 * results is made here, and filled there. */
#include "models/lds/lds.h"

#include <math.h>
#include <string.h>

#include "model/methods.h"

/* ---- methods of one sequence ----------------------------------------------------------------- */

/* Pushes the option `name`, rows x the model's inputs; NULL for a model without inputs. */
static const double *check_inputs(lua_State *L, const latL_Fitted *f, const char *who,
                                  const char *name, size_t rows)
{
  size_t U = f->sizes[LAT_U];
  bool given = latL_hasoption(L, 3, name);
  if (given != (U > 0))
    latL_error(L, who, given ? "%s: the model has no inputs" : "%s are missing: the model has %I",
               name, (lua_Integer)U);
  return given ? latL_optpacked(L, 3, who, name, rows, U) : NULL;
}

/* A call about the one sequence at 2, and `ahead` more steps, of the model whose block is at 1. */
static lat_lds_call check_call(lua_State *L, const char *who, const latL_Fitted *f, size_t ahead)
{
  lat_lds_call c = {.rows = ahead};
  if (latL_issequences(L, 2)) latL_error(L, who, "Y must be one matrix, got a list");
  c.sequence = latL_ldsdata(L, f, 2, 3, who)->of[0];
  if (ahead) c.future_U = check_inputs(L, f, who, "future_inputs", ahead);
  if (!ahead) c.rows = c.sequence.steps;
  c.lds = latL_ldsfor(L, who, c.sequence.steps + ahead);
  return c;
}

static int call_one(lua_State *L, const lat_lds_method_row *m)
{
  lat_request request;
  const char *who = latL_verb(L);
  int slots = 0;
  const latL_Fitted *f = latL_beginmethod(L, m->ahead ? 4 : 3, 3, &request);
  lat_lds_call c = check_call(L, who, f, m->ahead ? latL_checksize(L, 4, who, "h") : 0);
  for (const lat_lds_result *r = m->results; r->name && !slots; r++)
    if (r->shape == LAT_LDS_SLOTS && (c.to.filtered.slots = latL_newslots(L, c.rows)))
      slots = lua_gettop(L);
  unsigned asked = request.variance ? LAT_LDS_VARIANCES : 0;
  if (m->ahead) {
    c.to.forecasts.level = request.level;
    if (!isnan(request.level)) asked = LAT_LDS_INTERVALS;
  }
  int values = latL_pushresults(L, &c, m, slots, asked);
  latL_run(L, who, m->run, &c);
  latL_setnumbers(L, &c, m);
  return values;
}

static int call_method(lua_State *L);

/* A list of sequences gives a list of results, of the model as it is now. */
static int call_list(lua_State *L)
{
  lat_request request;
  latL_beginmethod(L, 3, 3, &request);
  size_t n = latL_lengthoflist(L, 2);
  bool inputs = latL_getoption(L, 3, "inputs") == LUA_TTABLE;
  if (inputs && latL_lengthoflist(L, 4) != n)
    latL_error(L, latL_verb(L), "inputs must be a list of %I matrices, one for each sequence",
               (lua_Integer)n);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 1; i <= n; i++) {
    for (int k = 1; k <= 3; k++) lua_pushvalue(L, lua_upvalueindex(k));
    lua_pushcclosure(L, call_method, 3);
    lua_pushvalue(L, 1);
    lua_geti(L, 2, (lua_Integer)i);
    lua_createtable(L, 0, 2);
    if (request.variance) {
      lua_pushboolean(L, true);
      lua_setfield(L, -2, "variance");
    }
    latL_pushelement(L, 4, inputs, i);
    lua_setfield(L, -2, "inputs");
    lua_call(L, 3, 1);
    lua_rawseti(L, 5, (lua_Integer)i);
  }
  return 1;
}

/* The third upvalue is the row of the model's methods. */
static int call_method(lua_State *L)
{
  const lat_method *row = lua_touserdata(L, lua_upvalueindex(3));
  const lat_lds_method_row *m = lat_lds_find_method(row->name);
  lua_settop(L, m->ahead ? 4 : 3);
  if (m->ahead) lua_rotate(L, 3, 1); /* the options to 3, as everywhere */
  return !m->ahead && latL_issequences(L, 2) ? call_list(L) : call_one(L, m);
}

/* ---- draws ----------------------------------------------------------------------------------- */

/* sample(T [, {seed, inputs}]) -> Y, Z */
static int sample(lua_State *L)
{
  lat_request request;
  const char *who = latL_verb(L);
  const latL_Fitted *f = latL_beginmethod(L, 3, 3, &request);
  size_t T = latL_checksize(L, 2, who, "T");
  const double *U = check_inputs(L, f, who, "inputs", T);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_lds core = latL_ldsfor(L, who, T);
  double *Y = latL_newmatrix(L, T, core.outputs, LAT_FLOAT64)->view.data;
  double *Z = latL_newmatrix(L, T, core.states, LAT_FLOAT64)->view.data;
  latL_run(L, who, lat_lds_sample, &core, random, T, U, Y, Z);
  return 2;
}

/* simulate(Y [, {seed, draws, inputs}]) -> Z, or a list of them */
static int simulate(lua_State *L)
{
  lat_request request;
  const char *who = latL_verb(L);
  lat_lds_call c = check_call(L, who, latL_beginmethod(L, 3, 3, &request), 0);
  size_t draws = (size_t)latL_optinteger(L, 3, who, "draws", 0, 1, 1 << 24);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  double *Z = draws ? latL_newmatrices(L, draws, c.rows, c.lds.states, 0)
                    : latL_newmatrix(L, c.rows, c.lds.states, LAT_FLOAT64)->view.data;
  latL_run(L, who, lat_lds_simulate, &c.lds, &c.sequence, random, draws ? draws : 1, Z);
  return 1;
}

/* ---- criteria -------------------------------------------------------------------------------- */

/* score, aic and bic (Y [, {inputs}]), over all rows of one sequence or a list */
static int criterion(lua_State *L)
{
  lat_request request;
  const char *who = latL_verb(L);
  const lat_method *row = lua_touserdata(L, lua_upvalueindex(3));
  const latL_Fitted *f = latL_beginmethod(L, 3, 3, &request);
  const latL_Sequences *s = latL_ldsdata(L, f, 2, 3, who);
  lat_lds core = latL_ldsfor(L, who, s->longest);
  double sum, rows = (double)s->rows, free = (double)lat_lds_free_parameters(f->options, f->sizes);
  latL_run(L, who, lat_lds_log_likelihood, &core, s->of, s->count, &sum);
  return latL_returnnumber(L, strcmp(row->name, "score") == 0 ? sum / rows
                              : strcmp(row->name, "aic") == 0 ? -2 * sum + 2 * free
                                                              : -2 * sum + log(rows) * free);
}

/* ---- the class ------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {{"filter", call_method},      {"smooth", call_method},
                                   {"transform", call_method},   {"log_likelihood", call_method},
                                   {"innovations", call_method}, {"impute", call_method},
                                   {"forecast", call_method},    {"sample", sample},
                                   {"simulate", simulate},       {"score", criterion},
                                   {"aic", criterion},           {"bic", criterion},
                                   {"tracker", latL_newtracker}, {NULL, NULL}};

const latL_Kind latL_lds_kind = {.name = "lds",
                                 .metatable = "latent.LDS",
                                 .gaps = LATL_KNOWS_GAPS,
                                 .core = &lat_lds_model,
                                 .read = latL_readlds,
                                 .read_units = latL_readsequences,
                                 .bound = latL_ldsbound,
                                 .methods = methods};
