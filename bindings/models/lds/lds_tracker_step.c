/* lds_tracker_step.c: a tracker's steps: arguments, the user's functions, update and predict. */
#include "models/lds/lds_tracker.h"

#include <math.h>
#include <string.h>

#include "models/lds/lds.h"

latL_Tracker *latL_freetracker(lua_State *L, const char *who)
{
  latL_Tracker *t = latL_self(L);
  if (!t) latL_failself(L, who, "tracker");
  if (t->busy) latL_error(L, who, "the tracker is in the middle of a step, which called this");
  return t;
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* Matrices of one step, from the options at `arg`, where those of the transition are for a step
 * that predict hasn't taken. */
static lat_lds_step read_step(lua_State *L, int arg, const latL_Tracker *t, const char *who)
{
  const lat_lds *m = &t->core.lds;
  const size_t sizes[LAT_SIZES] = {[LAT_M] = m->states, [LAT_D] = m->outputs, [LAT_U] = m->inputs};
  lat_lds_step step = {0};
  for (int i = 0; !lua_isnil(L, arg) && i < LAT_LDS_MEAN; i++) {
    size_t rows, cols;
    const char *name = lat_lds_parameters[i].name;
    lat_lds_shape(i, sizes, &rows, &cols);
    step.matrix[i] = latL_optpacked(L, arg, who, name, rows, cols);
    if (step.matrix[i] && lat_lds_is_transition(i) && t->core.predicted && arg > 3)
      latL_error(L, who, "%s belongs to this step's transition, which predict has made", name);
  }
  return step;
}

/* The inputs of a step, NULL without any. Functions are given them as the user has them, so these
 * are remembered for the update after a prediction, to which they need not be given again. */
static const double *read_input(lua_State *L, int arg, latL_Tracker *t, const char *who, bool again)
{
  size_t U = t->core.lds.inputs;
  bool given = !lua_isnoneornil(L, arg);
  if (given || !again) {
    lua_pushvalue(L, arg);
    lua_setiuservalue(L, 1, LATL_TRACKER_INPUT);
  }
  if (given && U) {
    latL_readnumbers(L, arg, who, "u", U, true, t->u);
    return t->u;
  }
  bool used = !t->functions.has[LAT_LDS_F] || !t->functions.has[LAT_LDS_H];
  if (given && used)
    latL_error(L, who, "u is given, but the model has no inputs (it has no B and no D)");
  if (U && used && !(again && t->core.has_input))
    latL_error(L, who, "u must be a vector of %I, the inputs", (lua_Integer)U);
  return NULL;
}

/* ---- steps ----------------------------------------------------------------------------------- */

void latL_calltracker(void *tracker, int which, const double *at, size_t time, size_t rows,
                      size_t cols, double *to)
{
  latL_Tracker *t = tracker;
  lua_State *L = t->L;
  const char *name = lat_lds_function_names[which], *who = t->who;
  memcpy(t->point, at, t->core.lds.states * sizeof *at);
  lua_getiuservalue(L, 1, LATL_TRACKER_FUNCTION + which);
  lua_getiuservalue(L, 1, LATL_TRACKER_POINT);
  lua_getiuservalue(L, 1, LATL_TRACKER_INPUT);
  lua_pushinteger(L, (lua_Integer)time);
  t->busy = true;
  int status = lua_pcall(L, 3, 1, 0);
  t->busy = false;
  if (status != LUA_OK) lua_error(L);
  int result = lua_gettop(L);
  if (cols)
    latL_readmatrix(L, result, who, name, rows, cols, to);
  else
    latL_readnumbers(L, result, who, name, rows, true, to);
  lua_settop(L, result - 1);
}

static void read_y(lua_State *L, latL_Tracker *t, const char *who)
{
  size_t D = t->core.lds.outputs;
  latL_readnumbers(L, 2, who, "y", D, false, t->y);
  for (size_t i = 0; i < D; i++)
    if (isinf(t->y[i])) latL_error(L, who, "element %I of y is %f", (lua_Integer)i + 1, t->y[i]);
}

enum { PREDICT, UPDATE, DISTANCE };

/* predict([u [, {A=, B=, Q=}]]) -> the state
 * update(y [, u [, {A=, B=, C=, D=, Q=, R=}]]) -> the state
 * distance_to(y [, u [, {...}]]) -> the Mahalanobis distance, log p(y | past): what update(y) would
 * leave in the fields. It is done, and taken back. */
static int take_step(lua_State *L, const latL_Function *f)
{
  latL_Tracker *t = latL_freetracker(L, f->who);
  lat_lds_tracker *core = &t->core;
  t->L = L;
  t->who = f->who;
  if (f->kind != PREDICT) read_y(L, t, f->who);
  lat_lds_step step = read_step(L, f->arguments + 1, t, f->who);
  bool again = f->kind != PREDICT && core->predicted;
  const double *u = read_input(L, f->arguments, t, f->who, again);
  if (!again) latL_run(L, f->who, lat_lds_tracker_predict_by, core, &t->functions, u, &step);
  lat_lds_checkpoint before = {0};
  if (f->kind == DISTANCE) before = lat_lds_tracker_checkpoint(core, t->checkpoint);
  if (f->kind != PREDICT)
    latL_run(L, f->who, lat_lds_tracker_update_by, core, &t->functions, t->y, u, &step);
  if (f->kind != DISTANCE) {
    lua_getiuservalue(L, 1, LATL_TRACKER_STATE);
    return 1;
  }
  lua_pushnumber(L, sqrt(core->distance));
  lua_pushnumber(L, core->log_density);
  lat_lds_tracker_return(core, &before);
  return 2;
}

/* forecast(h [, {inputs=, level=}]) -> {means, covariances, state_means, state_covariances} of the
 * next h steps, and {lower, upper} with a level */
static int forecast(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  latL_Tracker *t = latL_freetracker(L, who);
  size_t U = t->core.lds.inputs, h = latL_checksize(L, 2, who, "h"), last;
  if (lat_lds_is_nonlinear(&t->functions))
    latL_error(L, who,
               "the model is nonlinear; predict goes ahead, snapshot and restore come back");
  const double *inputs = latL_optpacked(L, 3, who, "inputs", h, U);
  if (U && !inputs)
    latL_error(L, who, "inputs must be a %Ix%I matrix, those of the next steps", (lua_Integer)h,
               (lua_Integer)U);
  double level = NAN;
  if (latL_hasoption(L, 3, "level")) {
    level = latL_optnumber(L, 3, who, "level", 0, 0, 1);
    latL_run(L, who, lat_lds_check_level, level);
  }
  lat_lds_forecasts to = latL_newforecasts(L, &t->core.lds, h, level);
  lat_status status = lat_lds_tracker_forecast(&t->core, h, inputs, t->checkpoint, &to, &last);
  latL_run(L, who, lat_lds_tracker_failure, &t->core, status, last + 1);
  return 1;
}

#define TRANSITION "A", "B", "Q"
const latL_Function latL_lds_tracker_step_methods[] = {
    {"tracker:predict", take_step, 2, 0, LATL_OPTIONS(TRANSITION), .kind = PREDICT},
    {"tracker:update", take_step, 3, 0, LATL_OPTIONS(TRANSITION, "C", "D", "R"), .kind = UPDATE},
    {"tracker:distance_to", take_step, 3, 0, LATL_OPTIONS(TRANSITION, "C", "D", "R"),
     .kind = DISTANCE},
    {"tracker:forecast", forecast, 2, 0, LATL_OPTIONS("inputs", "level")},
    LATL_END};
