/* lds_tracker.c: lds:tracker, a Kalman filter for hosts that see one observation at a time: making
 * one, its fields, and snapshots. */
#include "models/lds/lds_tracker.h"

#include <math.h>
#include <string.h>

#include "models/lds/lds.h"

static void *tracker_at(lua_State *L, const char *who)
{
  latL_Tracker *t = luaL_testudata(L, 1, LATL_TRACKER);
  if (!t) latL_failself(L, who, "tracker");
  return t;
}

/* reset() -> the tracker */
static int reset(lua_State *L, const latL_Function *f)
{
  lat_lds_tracker_reset(&latL_freetracker(L, f->who)->core);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, LATL_TRACKER_INPUT);
  return latL_returnself(L);
}

/* snapshot() -> a vector with all that restore(vector) needs to go on from here */
static int snapshot(lua_State *L, const latL_Function *f)
{
  const lat_lds_tracker *core = &latL_freetracker(L, f->who)->core;
  lat_lds_tracker_save(
      core, latL_newvector(L, lat_lds_tracker_snapshot_count(core), LAT_FLOAT64)->view.data);
  return 1;
}

static int restore(lua_State *L, const latL_Function *f)
{
  latL_Tracker *t = latL_freetracker(L, f->who);
  lat_matrix v = latL_checkvector(L, 2, f->who, "snapshot");
  size_t count = lat_lds_tracker_snapshot_count(&t->core);
  if (v.rows != count)
    latL_error(L, f->who, "a snapshot of this model has %I numbers, not %I", (lua_Integer)count,
               (lua_Integer)v.rows);
  lat_matrix packed = latL_newvector(L, count, LAT_FLOAT64)->view;
  lat_copy(&v, &packed);
  latL_run(L, f->who, lat_lds_tracker_restore, &t->core, packed.data);
  return latL_returnself(L);
}

/* ---- fields ---------------------------------------------------------------------------------- */

static bool is_field(lua_State *L, const char *name)
{
  return lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), name) == 0;
}

/* Pushes a copy: a rows x cols matrix, or a vector when cols is 0. */
static int push_copy(lua_State *L, const double *from, size_t rows, size_t cols)
{
  latL_Matrix *to =
      cols ? latL_newmatrix(L, rows, cols, LAT_FLOAT64) : latL_newvector(L, rows, LAT_FLOAT64);
  memcpy(to->view.data, from, rows * to->view.cols * sizeof *from);
  return 1;
}

/* Fields that aren't numbers of the core's. */
static int push_field(lua_State *L)
{
  const lat_lds_tracker *core = &((const latL_Tracker *)lua_touserdata(L, 1))->core;
  size_t M = core->lds.states, D = core->lds.outputs;
  if (is_field(L, "state")) return push_copy(L, core->belief.mean, M, 0);
  if (is_field(L, "innovation")) return push_copy(L, core->innovation, D, 0);
  if (is_field(L, "covariance")) return push_copy(L, lat_lds_tracker_covariance(core), M, M);
  if (is_field(L, "predicted")) return latL_returnboolean(L, core->predicted);
  if (is_field(L, "steady")) return latL_returnboolean(L, core->steady);
  if (is_field(L, "distance")) return latL_returnnumber(L, sqrt(core->distance));
  if (!is_field(L, "innovation_covariance")) return 0;
  lat_lds_tracker_innovation_covariance(core, latL_newmatrix(L, D, D, LAT_FLOAT64)->view.data);
  return 1;
}

static int set_field(lua_State *L, const latL_Function *f)
{
  (void)f;
  const char *who =
      lua_pushfstring(L, "tracker.%s =", lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "");
  latL_Tracker *t = latL_freetracker(L, who);
  size_t M = t->core.lds.states, time = t->core.time;
  double *mean = NULL, *covariance = NULL;
  if (is_field(L, "state")) {
    latL_readnumbers(L, 3, who, "state", M, false, mean = t->point);
  } else if (is_field(L, "covariance")) {
    covariance = latL_newmatrix(L, M, M, LAT_FLOAT64)->view.data;
    latL_readmatrix(L, 3, who, "covariance", M, M, covariance);
  } else if (is_field(L, "time")) {
    if (latL_checkinteger(L, 3, who, "time") < 0)
      latL_error(L, who, "time must be an integer >= 0, got %I", lua_tointeger(L, 3));
    time = (size_t)lua_tointeger(L, 3);
  } else if (is_field(L, "log_likelihood")) {
    if (!isfinite(latL_checknumber(L, 3, who, "log_likelihood")))
      latL_error(L, who, "log_likelihood must be finite, got %f", lua_tonumber(L, 3));
    t->core.log_likelihood = lua_tonumber(L, 3);
    return 0;
  } else {
    latL_error(L, who, "only state, covariance, time and log_likelihood can be set");
  }
  latL_run(L, who, lat_lds_tracker_set, &t->core, time, mean, covariance);
  return 0;
}

static int to_string(lua_State *L, const latL_Function *f)
{
  const latL_Tracker *t = tracker_at(L, f->who);
  const lat_lds_functions *by = &t->functions;
  const char *kind = t->core.steady ? ", steady" : "";
  if (lat_lds_is_nonlinear(by))
    kind = by->options.method == LAT_LDS_UNSCENTED ? ", unscented" : ", extended";
  lua_pushfstring(L, "tracker at step %I: %I states, %I outputs%s", (lua_Integer)t->core.time,
                  (lua_Integer)t->core.lds.states, (lua_Integer)t->core.lds.outputs, kind);
  return 1;
}

/* ---- making one ------------------------------------------------------------------------------ */

/* The user's functions become user values of the tracker at `self`. */
static void read_functions(lua_State *L, lat_lds_functions *f, int self, const char *who)
{
  for (int which = 0; which < LAT_LDS_FUNCTIONS; which++) {
    f->has[which] = latL_optfunction(L, 2, who, lat_lds_function_names[which]);
    lua_setiuservalue(L, self, LATL_TRACKER_FUNCTION + which);
  }
  if (f->has[LAT_LDS_F_JACOBIAN] > f->has[LAT_LDS_F] ||
      f->has[LAT_LDS_H_JACOBIAN] > f->has[LAT_LDS_H])
    latL_error(L, who, "a Jacobian is given, but not its function");
}

/* Memory for all numbers, the model's included: a later fit doesn't change the tracker. Returns the
 * core's part. */
static double *set_memory(lua_State *L, latL_Tracker *t, int self, lat_lds *m, size_t steps)
{
  size_t M = m->states, D = m->outputs, count = lat_lds_copy_count(m, steps);
  size_t tracker = lat_lds_tracker_count(m, t->functions.options.steady_state);
  size_t functions = lat_lds_functions_count(&t->functions, m);
  size_t all = count + 2 * tracker + D + m->inputs + M + functions;
  latL_Matrix *block = latL_newmatrix(L, 1, all, LAT_FLOAT64);
  lat_fill(&block->view, 0);
  double *core = (double *)block->view.data + count;
  *m = lat_lds_copy(m, steps, block->view.data);
  t->checkpoint = core + tracker;
  t->y = t->checkpoint + tracker;
  t->u = t->y + D;
  t->point = t->u + m->inputs;
  lat_lds_functions_init(&t->functions, m, t->point + M);
  latL_newview(L, lua_gettop(L), lat_vector_of(t->point, M), true);
  lua_setiuservalue(L, self, LATL_TRACKER_POINT);
  lua_setiuservalue(L, self, LATL_TRACKER_MEMORY);
  return core;
}

/* lds:tracker([options]) */
int latL_newtracker(lua_State *L)
{
  const char *who = latL_verb(L);
  lua_settop(L, 2);
  latL_fitted(L, 1, &latL_lds_kind, who);
  size_t steps = latL_ldssteps(L, who);
  lat_lds model = latL_ldsfor(L, who, steps);
  latL_Tracker *t = lua_newuserdatauv(L, sizeof *t, LATL_TRACKER_VALUES);
  int self = lua_gettop(L);
  memset(t, 0, sizeof *t);
  t->functions.call = latL_calltracker;
  t->functions.state = t;
  lat_lds_tracker_options *o = &t->functions.options;
  lat_options_default(lat_lds_tracker_option_table, o, sizeof *o);
  latL_readtable(L, 2, who, lat_lds_tracker_option_table, NULL, o);
  read_functions(L, &t->functions, self, who);
  latL_run(L, who, lat_lds_tracker_check, &model, o, lat_lds_is_nonlinear(&t->functions));
  double *memory = set_memory(L, t, self, &model, steps);
  latL_run(L, who, lat_lds_tracker_init, &t->core, &model, steps, o->steady_state, memory);
  lua_getiuservalue(L, self, LATL_TRACKER_MEMORY);
  lat_matrix state = lat_vector_of(t->core.belief.mean, model.states);
  latL_newview(L, self + 1, state, true)->readonly = true;
  lua_setiuservalue(L, self, LATL_TRACKER_STATE);
  lua_settop(L, self);
  luaL_setmetatable(L, LATL_TRACKER); /* last: half of a tracker can't be reached */
  return 1;
}

static const latL_Function functions[] = {
    {"tracker:reset", reset, .arguments = 1},     {"tracker:snapshot", snapshot, .arguments = 1},
    {"tracker:restore", restore, .arguments = 2}, {"tracker", set_field, .name = "__newindex"},
    {"tracker", to_string, .name = "__tostring"}, LATL_END};
static const latL_Field fields[] = {
    {"time", LATL_SIZE, offsetof(latL_Tracker, core.time)},
    {"log_likelihood", LATL_DOUBLE, offsetof(latL_Tracker, core.log_likelihood)},
    {"log_density", LATL_DOUBLE, offsetof(latL_Tracker, core.log_density)},
    {.name = NULL}};
const latL_Class latL_lds_tracker_class = {LATL_TRACKER, "tracker",  functions, fields,
                                           tracker_at,   push_field, NULL};
