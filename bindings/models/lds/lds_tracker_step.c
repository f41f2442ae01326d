/* lds_tracker_step.c: a tracker's steps: arguments, the user's functions, update and predict. */
#include "models/lds/lds_tracker.h"

#include <math.h>
#include <string.h>

#include "models/lds/lds.h"

latL_Tracker *latL_checktracker(lua_State *L, const char *who)
{
  latL_Tracker *t = lua_touserdata(L, 1);
  if (t && lua_getmetatable(L, 1)) {
    const void *metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    if (metatable == lua_touserdata(L, lua_upvalueindex(1))) return t;
  }
  latL_error(L, who, "self must be a tracker, got %s", luaL_typename(L, 1));
  return NULL;
}

latL_Tracker *latL_freetracker(lua_State *L, const char *who)
{
  latL_Tracker *t = latL_checktracker(L, who);
  if (t->busy) latL_error(L, who, "the tracker is in the middle of a step, which called this");
  return t;
}

/* ---- vectors and matrices that come in ------------------------------------------------------- */

void latL_readnumbers(lua_State *L, int arg, const char *who, const char *name, size_t n,
                      double *to)
{
  const latL_Matrix *v = latL_tomatrix(L, arg);
  int type = lua_type(L, arg);
  if (v) {
    if ((v->view.cols != 1 && v->view.rows != 1) || v->view.rows * v->view.cols != n)
      latL_error(L, who, "%s must be a vector of %I, got a %s", name, (lua_Integer)n,
                 latL_shape(L, v));
    for (size_t i = 0; i < n; i++)
      to[i] = v->view.cols == 1 ? lat_get(&v->view, i, 0) : lat_get(&v->view, 0, i);
  } else if (type == LUA_TNUMBER && n == 1) {
    *to = lua_tonumber(L, arg);
  } else if (type == LUA_TTABLE) {
    if (lua_rawlen(L, arg) != n)
      latL_error(L, who, "%s must have %I numbers, got %I", name, (lua_Integer)n,
                 (lua_Integer)lua_rawlen(L, arg));
    for (size_t i = 0; i < n; i++) {
      if (lua_rawgeti(L, arg, (lua_Integer)i + 1) != LUA_TNUMBER)
        latL_error(L, who, "%s[%I] must be a number, got %s", name, (lua_Integer)i + 1,
                   luaL_typename(L, -1));
      to[i] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
  } else {
    latL_error(L, who, "%s must be a vector of %I, got %s", name, (lua_Integer)n,
               luaL_typename(L, arg));
  }
}

static void check_finite(lua_State *L, const char *who, const char *name, size_t n,
                         const double *numbers)
{
  for (size_t i = 0; i < n; i++)
    if (!isfinite(numbers[i]))
      latL_error(L, who, "%s has %f for element %I", name, numbers[i], (lua_Integer)i + 1);
}

void latL_readmatrix(lua_State *L, int arg, const char *who, const char *name, size_t rows,
                     size_t cols, double *to)
{
  const latL_Matrix *A = latL_checkmatrix(L, arg, who, name);
  lat_matrix from = A->view, into = lat_matrix_of(to, rows, cols);
  if (A->vector && rows == 1) from = lat_transpose(from);
  if (from.rows != rows || from.cols != cols)
    latL_error(L, who, "%s must be a %Ix%I matrix, got a %s", name, (lua_Integer)rows,
               (lua_Integer)cols, latL_shape(L, A));
  lat_copy(&from, &into);
  check_finite(L, who, name, rows * cols, to);
}

/* The option `name`, a rows x cols matrix, as packed doubles; NULL without it. The stack keeps
 * it. */
static const double *opt_matrix(lua_State *L, int options, const char *who, const char *name,
                                size_t rows, size_t cols)
{
  if (latL_getoption(L, options, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  int arg = lua_gettop(L);
  double *packed = latL_newmatrix(L, rows, cols, LAT_FLOAT64)->view.data;
  latL_readmatrix(L, arg, who, name, rows, cols, packed);
  lua_remove(L, arg);
  return packed;
}

/* Matrices of one step, from the options at `arg`: of the transition (A, B, Q), unless that is
 * done, and of the observation (C, D, R), if there will be one. */
static lat_lds_step read_step(lua_State *L, int arg, const latL_Tracker *t, const char *who,
                              bool observes)
{
  static const char *const names[] = {"A", "B", "Q", "C", "D", "R", NULL};
  static const char *const transition[] = {"A", "B", "Q", NULL};
  size_t M = t->core.lds.states, D = t->core.lds.outputs, U = t->core.lds.inputs;
  lat_lds_step step = {0};
  if (!latL_checkoptions(L, arg, who, observes ? names : transition)) return step;
  for (int i = 0; observes && t->core.predicted && transition[i]; i++)
    if (latL_getoption(L, arg, transition[i]) != LUA_TNIL)
      latL_error(L, who, "%s belongs to this step's transition, which predict has made",
                 transition[i]);
  step.A = opt_matrix(L, arg, who, "A", M, M);
  step.B = opt_matrix(L, arg, who, "B", M, U);
  step.C = opt_matrix(L, arg, who, "C", D, M);
  step.D = opt_matrix(L, arg, who, "D", D, U);
  step.Q = opt_matrix(L, arg, who, "Q", M, M);
  step.R = opt_matrix(L, arg, who, "R", D, D);
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
    latL_readnumbers(L, arg, who, "u", U, t->u);
    check_finite(L, who, "u", U, t->u);
    return t->u;
  }
  bool used = !t->has[LATL_TRACKER_F] || !t->has[LATL_TRACKER_H];
  if (given && used)
    latL_error(L, who, "u is given, but the model has no inputs (it has no B and no D)");
  if (U && used && !(again && t->core.has_input))
    latL_error(L, who, "u must be a vector of %I, the inputs", (lua_Integer)U);
  return NULL;
}

/* ---- the user's functions -------------------------------------------------------------------- */

const char *const latL_tracker_functions[] = {[LATL_TRACKER_F] = "f",
                                              [LATL_TRACKER_H] = "h",
                                              [LATL_TRACKER_F_JACOBIAN] = "f_jacobian",
                                              [LATL_TRACKER_H_JACOBIAN] = "h_jacobian"};

/* to := the user's function of a state, rows x cols numbers (a vector when cols is 0). `time` is
 * the step it is asked for. */
static void call(lua_State *L, latL_Tracker *t, int which, const double *at, size_t time,
                 const char *who, size_t rows, size_t cols, double *to)
{
  const char *name = latL_tracker_functions[which];
  memcpy(t->point, at, t->core.lds.states * sizeof *at);
  lua_getiuservalue(L, 1, which);
  lua_getiuservalue(L, 1, LATL_TRACKER_POINT);
  lua_getiuservalue(L, 1, LATL_TRACKER_INPUT);
  lua_pushinteger(L, (lua_Integer)time);
  t->busy = true;
  int status = lua_pcall(L, 3, 1, 0);
  t->busy = false;
  if (status != LUA_OK) lua_error(L);
  int result = lua_gettop(L);
  if (cols) {
    latL_readmatrix(L, result, who, name, rows, cols, to);
  } else {
    latL_readnumbers(L, result, who, name, rows, to);
    check_finite(L, who, name, rows, to);
  }
  lua_settop(L, result - 1);
}

/* values := function `which` of the first `count` of the points. */
static void call_points(lua_State *L, latL_Tracker *t, int which, size_t count, size_t time,
                        const char *who, size_t rows)
{
  for (size_t i = 0; i < count; i++)
    call(L, t, which, t->points + i * t->core.lds.states, time, who, rows, 0, t->values + i * rows);
}

/* mean and jacobian (rows x M) := those of function `which` at the state; the Jacobian is the
 * user's function `given`, or by differences. */
static void linearize(lua_State *L, latL_Tracker *t, int which, int given, size_t time,
                      const char *who, size_t rows)
{
  size_t M = t->core.lds.states;
  const double *state = t->core.belief.mean;
  call(L, t, which, state, time, who, rows, 0, t->mean);
  if (t->has[given]) {
    call(L, t, given, state, time, who, rows, M, t->jacobian);
    return;
  }
  lat_lds_tracker_difference_points(&t->core, t->points);
  call_points(L, t, which, 2 * M, time, who, rows);
  lat_lds_differentiate(M, rows, t->points, t->values, t->jacobian);
}

/* points, and values := function `which` of them. */
static void call_unscented(lua_State *L, latL_Tracker *t, int which, size_t time, const char *who,
                           size_t rows)
{
  if (lat_lds_tracker_points(&t->core, &t->options.unscented, t->points) != LAT_OK)
    latL_error(L, who, "the covariance is not positive semidefinite");
  call_points(L, t, which, 2 * t->core.lds.states + 1, time, who, rows);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void fail_step(lua_State *L, const latL_Tracker *t, const char *who, size_t step)
{
  latL_error(L, who, "there is no step %I: the model's matrices vary over %I", (lua_Integer)step,
             (lua_Integer)t->core.steps);
}

static void check_status(lua_State *L, const latL_Tracker *t, const char *who, lat_status status)
{
  if (status == LAT_SHAPE) fail_step(L, t, who, t->core.time + !t->core.predicted);
  if (status == LAT_SINGULAR)
    latL_error(L, who, "the covariance of y is not positive semidefinite, or numbers overflow");
  if (status != LAT_OK) latL_error(L, who, "Q is not positive semidefinite");
}

/* To the next step. */
static void predict_any(lua_State *L, latL_Tracker *t, const double *u, const lat_lds_step *step,
                        const char *who)
{
  lat_lds_tracker *core = &t->core;
  size_t M = core->lds.states, time = core->time + 1;
  lat_status status;
  if (!t->has[LATL_TRACKER_F] || lat_lds_tracker_begins(core)) {
    status = lat_lds_tracker_predict(core, u, step);
  } else if (t->options.method == LAT_LDS_UNSCENTED) {
    call_unscented(L, t, LATL_TRACKER_F, time, who, M);
    status = lat_lds_tracker_predict_unscented(core, &t->options.unscented, t->values, step->Q);
  } else {
    linearize(L, t, LATL_TRACKER_F, LATL_TRACKER_F_JACOBIAN, time, who, M);
    status = lat_lds_tracker_predict_extended(core, t->mean, t->jacobian, step->Q);
  }
  check_status(L, t, who, status);
}

/* The update by t->y. */
static void update_any(lua_State *L, latL_Tracker *t, const double *u, const lat_lds_step *step,
                       const char *who)
{
  lat_lds_tracker *core = &t->core;
  size_t D = core->lds.outputs;
  lat_status status;
  if (!core->predicted) predict_any(L, t, u, step, who);
  if (!t->has[LATL_TRACKER_H]) {
    status = lat_lds_tracker_update(core, t->y, u, step);
  } else if (t->options.method == LAT_LDS_UNSCENTED) {
    call_unscented(L, t, LATL_TRACKER_H, core->time, who, D);
    status = lat_lds_tracker_update_unscented(core, t->y, &t->options.unscented, t->points,
                                              t->values, step->R);
  } else {
    linearize(L, t, LATL_TRACKER_H, LATL_TRACKER_H_JACOBIAN, core->time, who, D);
    status = lat_lds_tracker_update_extended(core, t->y, t->mean, t->jacobian, step->R);
  }
  check_status(L, t, who, status);
}

static void read_y(lua_State *L, latL_Tracker *t, const char *who)
{
  size_t D = t->core.lds.outputs;
  latL_readnumbers(L, 2, who, "y", D, t->y);
  for (size_t i = 0; i < D; i++)
    if (isinf(t->y[i])) latL_error(L, who, "element %I of y is %f", (lua_Integer)i + 1, t->y[i]);
}

/* predict([u [, {A=, B=, Q=}]]) -> the state */
static int predict(lua_State *L)
{
  const char *who = "tracker:predict";
  latL_Tracker *t = latL_freetracker(L, who);
  lua_settop(L, 3);
  lat_lds_step step = read_step(L, 3, t, who, false);
  predict_any(L, t, read_input(L, 2, t, who, false), &step, who);
  lua_getiuservalue(L, 1, LATL_TRACKER_STATE);
  return 1;
}

/* update(y [, u [, {A=, B=, C=, D=, Q=, R=}]]) -> the state */
static int update(lua_State *L)
{
  const char *who = "tracker:update";
  latL_Tracker *t = latL_freetracker(L, who);
  lua_settop(L, 4);
  read_y(L, t, who);
  lat_lds_step step = read_step(L, 4, t, who, true);
  update_any(L, t, read_input(L, 3, t, who, t->core.predicted), &step, who);
  lua_getiuservalue(L, 1, LATL_TRACKER_STATE);
  return 1;
}

/* distance_to(y [, u [, {...}]]) -> the Mahalanobis distance, log p(y | past): what update(y) would
 * leave in the fields. It is done, and taken back. */
static int distance_to(lua_State *L)
{
  const char *who = "tracker:distance_to";
  latL_Tracker *t = latL_freetracker(L, who);
  lua_settop(L, 4);
  read_y(L, t, who);
  lat_lds_step step = read_step(L, 4, t, who, true);
  const double *u = read_input(L, 3, t, who, t->core.predicted);
  if (!t->core.predicted) predict_any(L, t, u, &step, who);
  lat_lds_checkpoint before = lat_lds_tracker_checkpoint(&t->core, t->checkpoint);
  update_any(L, t, u, &step, who);
  lua_pushnumber(L, sqrt(t->core.distance));
  lua_pushnumber(L, t->core.log_density);
  lat_lds_tracker_return(&t->core, &before);
  return 2;
}

/* Pushes, into the table at `result`, h rows of n numbers; and h matrices n x n. */
static void new_forecasts(lua_State *L, int result, size_t h, size_t n, const char *means,
                          const char *covariances, double **rows, double **matrices)
{
  *rows = latL_newmatrix(L, h, n, LAT_FLOAT64)->view.data;
  lua_setfield(L, result, means);
  *matrices = latL_newmatrices(L, h, n, n, 0);
  lua_setfield(L, result, covariances);
}

/* forecast(h [, {inputs=}]) -> {means, covariances, state_means, state_covariances} of the next h
 * steps */
static int forecast(lua_State *L)
{
  static const char *const names[] = {"inputs", NULL};
  const char *who = "tracker:forecast";
  latL_Tracker *t = latL_freetracker(L, who);
  size_t U = t->core.lds.inputs, h = latL_checksize(L, 2, who, "h"), last;
  lua_settop(L, 3);
  latL_checkoptions(L, 3, who, names);
  if (t->nonlinear)
    latL_error(L, who,
               "the model is nonlinear; predict goes ahead, snapshot and restore come back");
  const double *inputs = opt_matrix(L, 3, who, "inputs", h, U);
  if (U && !inputs)
    latL_error(L, who, "inputs must be a %Ix%I matrix, those of the next steps", (lua_Integer)h,
               (lua_Integer)U);
  lua_createtable(L, 0, 4);
  int result = lua_gettop(L);
  lat_lds_forecasts to;
  new_forecasts(L, result, h, t->core.lds.outputs, "means", "covariances", &to.means,
                &to.covariances);
  new_forecasts(L, result, h, t->core.lds.states, "state_means", "state_covariances",
                &to.state_means, &to.state_covariances);
  lat_status status = lat_lds_tracker_forecast(&t->core, h, inputs, t->checkpoint, &to, &last);
  if (status == LAT_SHAPE) fail_step(L, t, who, last + 1);
  check_status(L, t, who, status);
  return 1;
}

const luaL_Reg latL_tracker_steps[] = {{"update", update},
                                       {"predict", predict},
                                       {"distance_to", distance_to},
                                       {"forecast", forecast},
                                       {NULL, NULL}};
