/* lds_tracker.c: model:tracker, a Kalman filter for hosts that see one observation at a time. */
#include <math.h>
#include <string.h>

#include "lds.h"

#define LATL_TRACKER "latent.Tracker"

/* User values. The functions are nil where the model is linear. */
enum {
  MEMORY = 1, /* all numbers, the model's matrices included */
  STATE,      /* a view of the mean: what update and predict return, always the same one */
  POINT,      /* the vector that functions are given */
  INPUT,      /* the vector of inputs that functions are given */
  F,
  H,
  F_JACOBIAN,
  H_JACOBIAN,
  VALUES = H_JACOBIAN
};

typedef struct tracker {
  lat_lds_tracker core;
  bool has[VALUES + 1]; /* functions */
  bool nonlinear, is_unscented;
  bool busy; /* a function of the user's runs, and must not change what it is asked about */
  lat_lds_unscented unscented;
  double *memory; /* the core's, of `count` numbers */
  size_t count;
  double *kept;  /* as many */
  double *y, *u; /* of one step */
  double *point, *image, *jacobian;
  double *points, *images; /* 2M+1 of them; unscented only */
} tracker;

/* Functions know the metatable's address by their first upvalue. */
static tracker *self(lua_State *L, const char *who)
{
  tracker *t = lua_touserdata(L, 1);
  if (t && lua_getmetatable(L, 1)) {
    const void *metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    if (metatable == lua_touserdata(L, lua_upvalueindex(1))) return t;
  }
  latL_error(L, who, "self must be a tracker, got %s", luaL_typename(L, 1));
  return NULL;
}

static tracker *free_self(lua_State *L, const char *who)
{
  tracker *t = self(L, who);
  if (t->busy) latL_error(L, who, "the tracker is in the middle of a step, which called this");
  return t;
}

/* ---- vectors and matrices that come in ---------------------------------------------------------- */

/* to := the n numbers at `arg`: a vector, a table, or a number when n is 1. Makes nothing. */
static void read_numbers(lua_State *L, int arg, const char *who, const char *name, size_t n,
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

/* to := the rows x cols matrix at `arg`. */
static void read_matrix(lua_State *L, int arg, const char *who, const char *name, size_t rows,
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

/* The option `name`, a rows x cols matrix, as packed doubles; NULL without it. The stack keeps it. */
static const double *opt_matrix(lua_State *L, int options, const char *who, const char *name,
                                size_t rows, size_t cols)
{
  if (latL_getoption(L, options, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  int arg = lua_gettop(L);
  double *packed = latL_newmatrix(L, rows, cols, LAT_FLOAT64)->view.data;
  read_matrix(L, arg, who, name, rows, cols, packed);
  lua_remove(L, arg);
  return packed;
}

/* Matrices of one step, from the options at `arg`. */
static lat_lds_step read_step(lua_State *L, int arg, const tracker *t, const char *who)
{
  static const char *const names[] = {"A", "B", "C", "D", "Q", "R", NULL};
  const lat_lds *m = &t->core.lds;
  lat_lds_step step = {0};
  if (!latL_checkoptions(L, arg, who, names)) return step;
  step.A = opt_matrix(L, arg, who, "A", m->states, m->states);
  step.B = opt_matrix(L, arg, who, "B", m->states, m->inputs);
  step.C = opt_matrix(L, arg, who, "C", m->outputs, m->states);
  step.D = opt_matrix(L, arg, who, "D", m->outputs, m->inputs);
  step.Q = opt_matrix(L, arg, who, "Q", m->states, m->states);
  step.R = opt_matrix(L, arg, who, "R", m->outputs, m->outputs);
  return step;
}

/* The inputs of a step, NULL without any. Functions are given them as the user has them, so these
 * are remembered for the update after a prediction, to which they need not be given again. */
static const double *read_input(lua_State *L, int arg, tracker *t, const char *who, bool again)
{
  size_t U = t->core.lds.inputs;
  bool given = !lua_isnoneornil(L, arg);
  if (given || !again) {
    lua_pushvalue(L, arg);
    lua_setiuservalue(L, 1, INPUT);
  }
  if (given && U) {
    read_numbers(L, arg, who, "u", U, t->u);
    check_finite(L, who, "u", U, t->u);
    return t->u;
  }
  bool used = !t->has[F] || !t->has[H];
  if (given && used)
    latL_error(L, who, "u is given, but the model has no inputs (it has no B and no D)");
  if (U && used && !(again && t->core.has_input))
    latL_error(L, who, "u must be a vector of %I, the inputs", (lua_Integer)U);
  return NULL;
}

/* ---- the user's functions -------------------------------------------------------------------------- */

static const char *const function_names[] = {
    [F] = "f", [H] = "h", [F_JACOBIAN] = "f_jacobian", [H_JACOBIAN] = "h_jacobian"};

/* to := the user's function of a state, rows x cols numbers (a vector when cols is 0). `time` is
 * the step it is asked for. */
static void call(lua_State *L, tracker *t, int which, const double *at, size_t time,
                 const char *who, size_t rows, size_t cols, double *to)
{
  const char *name = function_names[which];
  memcpy(t->point, at, t->core.lds.states * sizeof *at);
  lua_getiuservalue(L, 1, which);
  lua_getiuservalue(L, 1, POINT);
  lua_getiuservalue(L, 1, INPUT);
  lua_pushinteger(L, (lua_Integer)time);
  t->busy = true;
  int status = lua_pcall(L, 3, 1, 0);
  t->busy = false;
  if (status != LUA_OK) lua_error(L);
  int result = lua_gettop(L);
  if (cols) {
    read_matrix(L, result, who, name, rows, cols, to);
  } else {
    read_numbers(L, result, who, name, rows, to);
    check_finite(L, who, name, rows, to);
  }
  lua_settop(L, result - 1);
}

/* jacobian (rows x M) := that of function `which`: the user's, or by central differences, whose
 * steps are as large as rounding asks for, measured by the state and its standard deviation. */
static void differentiate(lua_State *L, tracker *t, int which, int given, size_t time,
                          const char *who, size_t rows)
{
  size_t M = t->core.lds.states;
  if (t->has[given]) {
    call(L, t, given, t->core.belief.mean, time, who, rows, M, t->jacobian);
    return;
  }
  double *at = t->kept, *above = at + M, *below = above + rows;
  for (size_t j = 0; j < M; j++) {
    memcpy(at, t->core.belief.mean, M * sizeof *at);
    double variance = t->core.belief.covariance[j * M + j];
    double scale = fmax(fabs(at[j]), variance > 0 ? sqrt(variance) : 0);
    double step = 6e-6 * (scale > 0 ? scale : 1), up = at[j] + step, down = at[j] - step;
    at[j] = up;
    call(L, t, which, at, time, who, rows, 0, above);
    at[j] = down;
    call(L, t, which, at, time, who, rows, 0, below);
    for (size_t i = 0; i < rows; i++) t->jacobian[i * M + j] = (above[i] - below[i]) / (up - down);
  }
}

static void map_points(lua_State *L, tracker *t, int which, size_t time, const char *who,
                       size_t rows)
{
  size_t M = t->core.lds.states;
  for (size_t i = 0; i < 2 * M + 1; i++)
    call(L, t, which, t->points + i * M, time, who, rows, 0, t->images + i * rows);
}

static void spread_points(lua_State *L, tracker *t, const char *who)
{
  if (lat_lds_tracker_points(&t->core, &t->unscented, t->points) != LAT_OK)
    latL_error(L, who, "the covariance is not positive semidefinite");
}

/* ---- steps --------------------------------------------------------------------------------------------- */

static void check_status(lua_State *L, const tracker *t, const char *who, lat_status status)
{
  if (status == LAT_SHAPE)
    latL_error(L, who, "there is no step %I: the model's matrices vary over %I",
               (lua_Integer)t->core.time + !t->core.predicted, (lua_Integer)t->core.steps);
  if (status == LAT_SINGULAR)
    latL_error(L, who,
               "the covariance of y is not positive definite (R is singular, and so is "
               "what the state adds)");
  if (status != LAT_OK) latL_error(L, who, "Q is not positive semidefinite");
}

/* Moves on to the next step. */
static void predict_any(lua_State *L, tracker *t, const double *u, const lat_lds_step *step,
                        const char *who)
{
  size_t M = t->core.lds.states, time = t->core.time + 1;
  lat_status status;
  if (!t->has[F] || lat_lds_tracker_begins(&t->core)) {
    status = lat_lds_tracker_predict(&t->core, u, step);
  } else if (t->is_unscented) {
    spread_points(L, t, who);
    map_points(L, t, F, time, who, M);
    status = lat_lds_tracker_predict_unscented(&t->core, &t->unscented, t->images, step->Q);
  } else {
    call(L, t, F, t->core.belief.mean, time, who, M, 0, t->image);
    differentiate(L, t, F, F_JACOBIAN, time, who, M);
    status = lat_lds_tracker_predict_extended(&t->core, t->image, t->jacobian, step->Q);
  }
  check_status(L, t, who, status);
}

/* Takes t->y in. */
static void update_any(lua_State *L, tracker *t, const double *u, const lat_lds_step *step,
                       const char *who)
{
  lat_lds_tracker *core = &t->core;
  size_t D = core->lds.outputs;
  lat_status status;
  if (!core->predicted) predict_any(L, t, u, step, who);
  if (!t->has[H]) {
    status = lat_lds_tracker_update(core, t->y, u, step);
  } else if (t->is_unscented) {
    spread_points(L, t, who);
    map_points(L, t, H, core->time, who, D);
    status =
        lat_lds_tracker_update_unscented(core, t->y, &t->unscented, t->points, t->images, step->R);
  } else {
    call(L, t, H, core->belief.mean, core->time, who, D, 0, t->image);
    differentiate(L, t, H, H_JACOBIAN, core->time, who, D);
    status = lat_lds_tracker_update_extended(core, t->y, t->image, t->jacobian, step->R);
  }
  check_status(L, t, who, status);
}

static void read_y(lua_State *L, tracker *t, const char *who)
{
  size_t D = t->core.lds.outputs;
  read_numbers(L, 2, who, "y", D, t->y);
  for (size_t i = 0; i < D; i++)
    if (isinf(t->y[i])) latL_error(L, who, "element %I of y is %f", (lua_Integer)i + 1, t->y[i]);
}

/* predict([u [, {A=, B=, Q=}]]) -> the state */
static int predict(lua_State *L)
{
  const char *who = "tracker:predict";
  tracker *t = free_self(L, who);
  lua_settop(L, 3);
  lat_lds_step step = read_step(L, 3, t, who);
  predict_any(L, t, read_input(L, 2, t, who, false), &step, who);
  lua_getiuservalue(L, 1, STATE);
  return 1;
}

/* update(y [, u [, {A=, B=, C=, D=, Q=, R=}]]) -> the state */
static int update(lua_State *L)
{
  const char *who = "tracker:update";
  tracker *t = free_self(L, who);
  lua_settop(L, 4);
  read_y(L, t, who);
  lat_lds_step step = read_step(L, 4, t, who);
  update_any(L, t, read_input(L, 3, t, who, t->core.predicted), &step, who);
  lua_getiuservalue(L, 1, STATE);
  return 1;
}

/* distance_to(y [, u [, {...}]]) -> the Mahalanobis distance, log p(y | past): what update(y) would
 * leave in the fields. It is done, and taken back. */
static int distance_to(lua_State *L)
{
  const char *who = "tracker:distance_to";
  tracker *t = free_self(L, who);
  lua_settop(L, 4);
  read_y(L, t, who);
  lat_lds_step step = read_step(L, 4, t, who);
  const double *u = read_input(L, 3, t, who, t->core.predicted);
  if (!t->core.predicted) predict_any(L, t, u, &step, who);
  lat_lds_tracker before = t->core;
  memcpy(t->kept, t->memory, t->count * sizeof *t->kept);
  update_any(L, t, u, &step, who);
  lua_pushnumber(L, sqrt(t->core.distance));
  lua_pushnumber(L, t->core.log_density);
  memcpy(t->memory, t->kept, t->count * sizeof *t->kept);
  t->core = before;
  return 2;
}

/* reset() -> the tracker */
static int reset(lua_State *L)
{
  tracker *t = free_self(L, "tracker:reset");
  lua_settop(L, 1);
  lat_lds_tracker_reset(&t->core);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, INPUT);
  return 1;
}

/* snapshot() -> a vector with all that restore(vector) needs to go on from here */
static int snapshot(lua_State *L)
{
  tracker *t = free_self(L, "tracker:snapshot");
  lat_lds_tracker_save(&t->core,
                       latL_newvector(L, lat_lds_tracker_kept(&t->core), LAT_FLOAT64)->view.data);
  return 1;
}

static int restore(lua_State *L)
{
  const char *who = "tracker:restore";
  tracker *t = free_self(L, who);
  lua_settop(L, 2);
  lat_matrix v = latL_checkvector(L, 2, who, "snapshot");
  size_t count = lat_lds_tracker_kept(&t->core);
  if (v.rows != count)
    latL_error(L, who, "a snapshot of this model has %I numbers, not %I", (lua_Integer)count,
               (lua_Integer)v.rows);
  lat_matrix packed = latL_newvector(L, count, LAT_FLOAT64)->view;
  lat_copy(&v, &packed);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, who, work, mark, lat_lds_tracker_restore(work, &t->core, packed.data));
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
  const tracker *t = self(L, "tracker");
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
static void set_belief(lua_State *L, tracker *t, const char *who, size_t time, const double *mean,
                       const double *covariance)
{
  bool predicted = t->core.predicted, has_input = t->core.has_input, same = time == t->core.time;
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, who, work, mark, lat_lds_tracker_set(work, &t->core, time, mean, covariance));
  if (!same) return;
  t->core.predicted = predicted;
  t->core.has_input = has_input;
}

static int newindex(lua_State *L)
{
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  const char *who = lua_pushfstring(L, "tracker.%s =", name);
  tracker *t = free_self(L, who);
  size_t M = t->core.lds.states;
  switch (find_field(name)) {
  case STATE_FIELD:
    read_numbers(L, 3, who, "state", M, t->point);
    set_belief(L, t, who, t->core.time, t->point, NULL);
    break;
  case COVARIANCE: {
    double *P = latL_newmatrix(L, M, M, LAT_FLOAT64)->view.data;
    read_matrix(L, 3, who, "covariance", M, M, P);
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
  const tracker *t = self(L, "tracker");
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

static void take_functions(lua_State *L, tracker *t, int options, const char *who)
{
  for (int which = F; which <= H_JACOBIAN; which++) {
    int type = latL_getoption(L, options, function_names[which]);
    t->has[which] = type != LUA_TNIL;
    if (t->has[which] && type != LUA_TFUNCTION)
      latL_error(L, who, "%s must be a function, got %s", function_names[which],
                 luaL_typename(L, -1));
    lua_setiuservalue(L, -2, which);
  }
  if (t->has[F_JACOBIAN] > t->has[F] || t->has[H_JACOBIAN] > t->has[H])
    latL_error(L, who, "a Jacobian is given, but not its function");
  t->nonlinear = t->has[F] || t->has[H];
}

/* The options of nonlinear models: t->unscented. */
static void take_method(lua_State *L, tracker *t, int options, const char *who, const lat_lds *m)
{
  static const char *const methods[] = {"extended", "unscented", NULL};
  bool steady = latL_optboolean(L, options, who, "steady_state", false);
  t->is_unscented = latL_optword(L, options, who, "method", methods, 0) == 1;
  t->unscented.alpha = latL_optnumber(L, options, who, "alpha", 0.1, 1e-8, 1e8);
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
static void lay_out(lua_State *L, tracker *t, int self_at, lat_lds *m, size_t steps, bool steady)
{
  size_t M = m->states, D = m->outputs, U = m->inputs, wide = M > D ? M : D;
  size_t step = D + U + M + wide + wide * M, trial = 2 * M + 2 * wide;
  size_t many = t->is_unscented ? (2 * M + 1) * (M + wide) : 0;
  t->count = lat_lds_tracker_count(m, steady);
  size_t all =
      count_model(m, steps) + t->count + (t->count > trial ? t->count : trial) + step + many;
  latL_Matrix *block = latL_newmatrix(L, 1, all, LAT_FLOAT64);
  int owner = lua_gettop(L);
  lat_fill(&block->view, 0);
  double *memory = block->view.data;
  copy_model(m, steps, &memory);
  t->memory = take(&memory, t->count);
  t->kept = take(&memory, t->count > trial ? t->count : trial);
  t->y = take(&memory, D);
  t->u = take(&memory, U);
  t->point = take(&memory, M);
  t->image = take(&memory, wide);
  t->jacobian = take(&memory, wide * M);
  t->points = take(&memory, t->is_unscented ? (2 * M + 1) * M : 0);
  t->images = memory;
  latL_newview(L, owner, lat_vector_of(t->point, M), true);
  lua_setiuservalue(L, self_at, POINT);
  lua_setiuservalue(L, self_at, MEMORY);
}

int latL_lds_tracker(lua_State *L)
{
  static const char *const names[] = {"steady_state", "f",     "h",    "f_jacobian", "h_jacobian",
                                      "method",       "alpha", "beta", "kappa",      NULL};
  const char *who = "lds:tracker";
  lua_settop(L, 2);
  lat_lds model;
  size_t steps;
  latL_checklds(L, who, &model, &steps);
  latL_checkoptions(L, 2, who, names);
  tracker *t = lua_newuserdatauv(L, sizeof *t, VALUES);
  memset(t, 0, sizeof *t);
  take_functions(L, t, 2, who);
  take_method(L, t, 2, who, &model);
  bool steady = latL_optboolean(L, 2, who, "steady_state", false);
  lay_out(L, t, 3, &model, steps, steady);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, who, work, mark,
             lat_lds_tracker_init(work, &t->core, &model, steps, steady, t->memory));
  lua_getiuservalue(L, 3, MEMORY);
  latL_newview(L, 4, lat_vector_of(t->core.belief.mean, model.states), true)->readonly = true;
  lua_setiuservalue(L, 3, STATE);
  lua_settop(L, 3);
  luaL_setmetatable(L, LATL_TRACKER); /* last: half of a tracker can't be reached */
  return 1;
}

static const luaL_Reg methods[] = {
    {"update", update},     {"predict", predict}, {"reset", reset}, {"distance_to", distance_to},
    {"snapshot", snapshot}, {"restore", restore}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__newindex", newindex}, {"__tostring", tostring_tracker}, {NULL, NULL}};

void latL_open_lds_tracker(lua_State *L)
{
  luaL_newmetatable(L, LATL_TRACKER);
  void *address = (void *)(size_t)lua_topointer(L, -1);
  lua_pushlightuserdata(L, address);
  luaL_setfuncs(L, metamethods, 1);
  lua_newtable(L);
  lua_pushlightuserdata(L, address);
  luaL_setfuncs(L, methods, 1);
  lua_pushlightuserdata(L, address);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, index_tracker, 2);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -2, "methods");
  lua_pop(L, 1);
}
