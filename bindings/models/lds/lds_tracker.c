/* tracker.c: lds:tracker, a Kalman filter for hosts that see one observation at a time: making
 * one, its fields, keeping it. */
#include "models/lds/lds_tracker.h"

#include <math.h>
#include <string.h>

#include "models/lds/lds.h"

/* reset() -> the latL_Tracker */
static int reset(lua_State *L)
{
  latL_nooptions(L, 2, "tracker:reset");
  latL_Tracker *t = latL_freetracker(L, "tracker:reset");
  lua_settop(L, 1);
  lat_lds_tracker_reset(&t->core);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, LATL_TRACKER_INPUT);
  return 1;
}

/* snapshot() -> a vector with all that restore(vector) needs to go on from here */
static int snapshot(lua_State *L)
{
  latL_nooptions(L, 2, "tracker:snapshot");
  latL_Tracker *t = latL_freetracker(L, "tracker:snapshot");
  lat_lds_tracker_save(
      &t->core,
      latL_newvector(L, lat_lds_tracker_snapshot_count(&t->core), LAT_FLOAT64)->view.data);
  return 1;
}

static int restore(lua_State *L)
{
  latL_nooptions(L, 3, "tracker:restore");
  const char *who = "tracker:restore";
  latL_Tracker *t = latL_freetracker(L, who);
  lua_settop(L, 2);
  lat_matrix v = latL_checkvector(L, 2, who, "snapshot");
  size_t count = lat_lds_tracker_snapshot_count(&t->core);
  if (v.rows != count)
    latL_error(L, who, "a snapshot of this model has %I numbers, not %I", (lua_Integer)count,
               (lua_Integer)v.rows);
  lat_matrix packed = latL_newvector(L, count, LAT_FLOAT64)->view;
  lat_copy(&v, &packed);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_tracker_restore(work, &t->core, packed.data));
  lua_settop(L, 1);
  return 1;
}

/* ---- fields ---------------------------------------------------------------------------------------------- */

static void push_vector(lua_State *L, const double *from, size_t n)
{
  memcpy(latL_newvector(L, n, LAT_FLOAT64)->view.data, from, n * sizeof *from);
}

/* L L' of the observed entries, NaN elsewhere. */
static void push_innovation_covariance(lua_State *L, const lat_lds_tracker *core)
{
  size_t D = core->lds.outputs, p = core->count;
  lat_matrix S = latL_newmatrix(L, D, D, LAT_FLOAT64)->view;
  lat_fill(&S, NAN);
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j < p; j++) {
      double sum = 0;
      for (size_t k = 0; k <= (i < j ? i : j); k++)
        sum += core->factor[k * p + i] * core->factor[k * p + j];
      lat_set(&S, core->index[i], core->index[j], sum);
    }
}

enum { STATE_FIELD, COVARIANCE, TIME, LOG_LIKELIHOOD, SETTABLE };
static const char *const fields[] = {[STATE_FIELD] = "state",
                                     [COVARIANCE] = "covariance",
                                     [TIME] = "time",
                                     [LOG_LIKELIHOOD] = "log_likelihood",
                                     "predicted",
                                     "steady",
                                     "innovation",
                                     "innovation_covariance",
                                     "distance",
                                     "log_density",
                                     NULL};

static int find_field(const char *name)
{
  for (int i = 0; fields[i]; i++)
    if (strcmp(fields[i], name) == 0) return i;
  return -1;
}

/* Upvalues: the metatable's address, the methods. */
static int index_tracker(lua_State *L)
{
  const latL_Tracker *t = latL_checktracker(L, "tracker");
  const lat_lds_tracker *core = &t->core;
  size_t M = core->lds.states;
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
  switch (lua_type(L, 2) == LUA_TSTRING ? find_field(lua_tostring(L, 2)) : -1) {
  case STATE_FIELD:
    push_vector(L, core->belief.mean, M);
    break;
  case COVARIANCE:
    memcpy(latL_newmatrix(L, M, M, LAT_FLOAT64)->view.data, lat_lds_tracker_covariance(core),
           M * M * sizeof(double));
    break;
  case TIME:
    lua_pushinteger(L, (lua_Integer)core->time);
    break;
  case LOG_LIKELIHOOD:
    lua_pushnumber(L, core->log_likelihood);
    break;
  case SETTABLE:
    lua_pushboolean(L, core->predicted);
    break;
  case SETTABLE + 1:
    lua_pushboolean(L, core->steady);
    break;
  case SETTABLE + 2:
    push_vector(L, core->innovation, core->lds.outputs);
    break;
  case SETTABLE + 3:
    push_innovation_covariance(L, core);
    break;
  case SETTABLE + 4:
    lua_pushnumber(L, sqrt(core->distance));
    break;
  case SETTABLE + 5:
    lua_pushnumber(L, core->log_density);
    break;
  default:
    lua_pushnil(L);
  }
  return 1;
}

/* The belief at another time, or another one at this time; whether its y has been taken in stays. */
static void set_belief(lua_State *L, latL_Tracker *t, const char *who, size_t time,
                       const double *mean, const double *covariance)
{
  bool predicted = t->core.predicted, has_input = t->core.has_input, same = time == t->core.time;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_tracker_set(work, &t->core, time, mean, covariance));
  if (!same) return;
  t->core.predicted = predicted;
  t->core.has_input = has_input;
}

static int newindex(lua_State *L)
{
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  const char *who = lua_pushfstring(L, "tracker.%s =", name);
  latL_Tracker *t = latL_freetracker(L, who);
  size_t M = t->core.lds.states;
  switch (find_field(name)) {
  case STATE_FIELD:
    latL_readnumbers(L, 3, who, "state", M, t->point);
    set_belief(L, t, who, t->core.time, t->point, NULL);
    break;
  case COVARIANCE: {
    double *P = latL_newmatrix(L, M, M, LAT_FLOAT64)->view.data;
    latL_readmatrix(L, 3, who, "covariance", M, M, P);
    set_belief(L, t, who, t->core.time, NULL, P);
    break;
  }
  case TIME: {
    lua_Integer time = latL_checkinteger(L, 3, who, "time");
    if (time < 0) latL_error(L, who, "time must be an integer >= 0, got %I", time);
    set_belief(L, t, who, (size_t)time, NULL, NULL);
    break;
  }
  case LOG_LIKELIHOOD: {
    double x = latL_checknumber(L, 3, who, "log_likelihood");
    if (!isfinite(x)) latL_error(L, who, "log_likelihood must be finite, got %f", x);
    t->core.log_likelihood = x;
    break;
  }
  default:
    latL_error(L, who, "only state, covariance, time and log_likelihood can be set");
  }
  return 0;
}

static int tostring_tracker(lua_State *L)
{
  const latL_Tracker *t = latL_checktracker(L, "tracker");
  lua_pushfstring(L, "tracker at step %I: %I states, %I outputs%s", (lua_Integer)t->core.time,
                  (lua_Integer)t->core.lds.states, (lua_Integer)t->core.lds.outputs,
                  t->nonlinear     ? (t->is_unscented ? ", unscented" : ", extended")
                  : t->core.steady ? ", steady"
                                   : "");
  return 1;
}

/* ---- making one -------------------------------------------------------------------------------------------- */

/* Numbers in all steps of a rows x cols matrix of the model. */
static size_t count_matrix(lat_lds_matrix matrix, size_t steps, size_t rows, size_t cols)
{
  return rows * cols * (matrix.stride ? steps : 1);
}

static size_t count_model(const lat_lds *m, size_t steps)
{
  size_t M = m->states, D = m->outputs, U = m->inputs;
  return count_matrix(m->A, steps, M, M) + count_matrix(m->B, steps, M, U) +
         count_matrix(m->C, steps, D, M) + count_matrix(m->D, steps, D, U) +
         count_matrix(m->Q, steps, M, M) + count_matrix(m->R, steps, D, D) + M + M * M + M;
}

static double *take(double **memory, size_t n)
{
  double *at = *memory;
  *memory += n;
  return at;
}

static void copy_numbers(double **memory, const double **from, size_t n)
{
  double *to = take(memory, n);
  if (n) memcpy(to, *from, n * sizeof *to);
  *from = to;
}

/* The model points into memory of its own from here on: a later fit doesn't change the tracker. */
static void copy_model(lat_lds *m, size_t steps, double **memory)
{
  size_t M = m->states, D = m->outputs, U = m->inputs;
  copy_numbers(memory, &m->A.data, count_matrix(m->A, steps, M, M));
  copy_numbers(memory, &m->B.data, count_matrix(m->B, steps, M, U));
  copy_numbers(memory, &m->C.data, count_matrix(m->C, steps, D, M));
  copy_numbers(memory, &m->D.data, count_matrix(m->D, steps, D, U));
  copy_numbers(memory, &m->Q.data, count_matrix(m->Q, steps, M, M));
  copy_numbers(memory, &m->R.data, count_matrix(m->R, steps, D, D));
  copy_numbers(memory, &m->initial_mean, M);
  copy_numbers(memory, &m->initial_covariance, M * M);
  bool *flags = (bool *)take(memory, M); /* a bool is no larger than a double */
  if (!m->diffuse) return;
  memcpy(flags, m->diffuse, M * sizeof *flags);
  m->diffuse = flags;
}

static void take_functions(lua_State *L, latL_Tracker *t, int options, const char *who)
{
  for (int which = LATL_TRACKER_F; which <= LATL_TRACKER_H_JACOBIAN; which++) {
    int type = latL_getoption(L, options, latL_tracker_functions[which]);
    t->has[which] = type != LUA_TNIL;
    if (t->has[which] && type != LUA_TFUNCTION)
      latL_error(L, who, "%s must be a function, got %s", latL_tracker_functions[which],
                 luaL_typename(L, -1));
    lua_setiuservalue(L, -2, which);
  }
  if (t->has[LATL_TRACKER_F_JACOBIAN] > t->has[LATL_TRACKER_F] ||
      t->has[LATL_TRACKER_H_JACOBIAN] > t->has[LATL_TRACKER_H])
    latL_error(L, who, "a Jacobian is given, but not its function");
  t->nonlinear = t->has[LATL_TRACKER_F] || t->has[LATL_TRACKER_H];
}

/* The options of nonlinear models: t->unscented. */
static void take_method(lua_State *L, latL_Tracker *t, int options, const char *who,
                        const lat_lds *m)
{
  static const char *const methods[] = {"extended", "unscented", NULL};
  bool steady = latL_optboolean(L, options, who, "steady_state", false);
  t->is_unscented = latL_optword(L, options, who, "method", methods, 0) == 1;
  t->unscented.alpha = latL_optnumber(L, options, who, "alpha", 1, 1e-8, 1e8);
  t->unscented.beta = latL_optnumber(L, options, who, "beta", 2, -1e8, 1e8);
  t->unscented.kappa = latL_optnumber(L, options, who, "kappa", 0, -1e8, 1e8);
  if (!((double)m->states + t->unscented.kappa > 0))
    latL_error(L, who, "kappa must be above -%I, minus the number of states, got %f",
               (lua_Integer)m->states, t->unscented.kappa);
  if (t->is_unscented && m->square_root)
    latL_error(L, who, "there is no unscented update of the square-root form");
  if (!t->nonlinear) return;
  if (steady) latL_error(L, who, "a nonlinear model has no steady state");
  for (size_t i = 0; m->diffuse && i < m->states; i++)
    if (m->diffuse[i])
      latL_error(L, who, "f and h need a known initial state, and state %I is diffuse",
                 (lua_Integer)i + 1);
}

/* Memory for all numbers, and the vectors that are shown. */
static void lay_out(lua_State *L, latL_Tracker *t, int self_at, lat_lds *m, size_t steps,
                    bool steady)
{
  size_t M = m->states, D = m->outputs, U = m->inputs, wide = M > D ? M : D;
  size_t step = D + U + M + wide + wide * M + M + 2 * wide;
  size_t many = t->is_unscented ? (2 * M + 1) * (M + wide) : 0;
  t->count = lat_lds_tracker_count(m, steady);
  size_t all = count_model(m, steps) + t->count + t->count + step + many;
  latL_Matrix *block = latL_newmatrix(L, 1, all, LAT_FLOAT64);
  int owner = lua_gettop(L);
  lat_fill(&block->view, 0);
  double *memory = block->view.data;
  copy_model(m, steps, &memory);
  t->memory = take(&memory, t->count);
  t->kept = take(&memory, t->count);
  t->y = take(&memory, D);
  t->u = take(&memory, U);
  t->point = take(&memory, M);
  t->image = take(&memory, wide);
  t->jacobian = take(&memory, wide * M);
  t->trial = take(&memory, M + 2 * wide);
  t->points = take(&memory, t->is_unscented ? (2 * M + 1) * M : 0);
  t->images = memory;
  latL_newview(L, owner, lat_vector_of(t->point, M), true);
  lua_setiuservalue(L, self_at, LATL_TRACKER_POINT);
  lua_setiuservalue(L, self_at, LATL_TRACKER_MEMORY);
}

/* lds:tracker([options]) */
static int new (lua_State *L)
{
  static const char *const names[] = {"steady_state", "f",     "h",    "f_jacobian", "h_jacobian",
                                      "method",       "alpha", "beta", "kappa",      NULL};
  const char *who = "lds:tracker";
  lua_settop(L, 2);
  lat_lds model;
  size_t steps;
  latL_checklds(L, who, &model, &steps);
  latL_checkoptions(L, 2, who, names);
  latL_Tracker *t = lua_newuserdatauv(L, sizeof *t, LATL_TRACKER_VALUES);
  memset(t, 0, sizeof *t);
  take_functions(L, t, 2, who);
  take_method(L, t, 2, who, &model);
  bool steady = latL_optboolean(L, 2, who, "steady_state", false);
  lay_out(L, t, 3, &model, steps, steady);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_tracker_init(work, &t->core, &model, steps, steady, t->memory));
  lua_getiuservalue(L, 3, LATL_TRACKER_MEMORY);
  latL_newview(L, 4, lat_vector_of(t->core.belief.mean, model.states), true)->readonly = true;
  lua_setiuservalue(L, 3, LATL_TRACKER_STATE);
  lua_settop(L, 3);
  luaL_setmetatable(L, LATL_TRACKER); /* last: half of a tracker can't be reached */
  return 1;
}

static const luaL_Reg lds_methods[] = {{"tracker", new}, {NULL, NULL}};
static const luaL_Reg methods[] = {
    {"reset", reset}, {"snapshot", snapshot}, {"restore", restore}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__newindex", newindex}, {"__tostring", tostring_tracker}, {NULL, NULL}};

void latL_open_lds_tracker(lua_State *L)
{
  latL_addmethods(L, "latent.LDS", lds_methods);
  latL_newmetatable(L, LATL_TRACKER);
  void *address = (void *)(size_t)lua_topointer(L, -1);
  lua_pushlightuserdata(L, address);
  luaL_setfuncs(L, metamethods, 1);
  lua_newtable(L);
  lua_pushlightuserdata(L, address);
  luaL_setfuncs(L, methods, 1);
  lua_pushlightuserdata(L, address);
  luaL_setfuncs(L, latL_tracker_steps, 1);
  lua_pushlightuserdata(L, address);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, index_tracker, 2);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -2, "methods");
  lua_pop(L, 1);
}
