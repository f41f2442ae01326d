/* em_model.c: latent.em, EM for a model that the user writes as two Lua functions.
 *
 * The parameters are a table of numbers and matrices in Lua, and a flat vector for the core, which
 * watches, tests and accelerates as for any other model. Its E-step isn't used: a pass calls the
 * user's, adds up what it returns, and the core's M-step calls the user's. Both run on the thread
 * that called fit, and the core holds nothing while they do, so they may raise. */
#include <math.h>
#include <string.h>

#include "model/em.h"

typedef struct own {
  latL_EmModel em;
  bool descends;
} own;

/* ---- parameters: a table and a flat vector ------------------------------------------------ */

/* The run's own user value is a table of three: names (sorted), start (name = a number or a matrix,
 * whose shape is the parameter's), and, during an iteration, parameters and statistics. */
static int push_own(lua_State *L, const char *field)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_OWN);
  int type = lua_getfield(L, -1, field);
  lua_remove(L, -2);
  return type;
}

static void set_own(lua_State *L, const char *field)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_OWN);
  lua_insert(L, -2);
  lua_setfield(L, -2, field);
  lua_pop(L, 1);
}

/* Puts a number, or a matrix of whatever makes one, in the place of the value on the top; its
 * count of numbers. */
static size_t check_value(lua_State *L, const char *who, const char *what, const char *name)
{
  if (lua_type(L, -1) == LUA_TNUMBER) {
    lua_pushnumber(L, lua_tonumber(L, -1));
    lua_replace(L, -2);
    return 1;
  }
  lua_pushfstring(L, "%s '%s'", what, name);
  lua_insert(L, -2);
  if (!latL_tomatrix(L, -1) && lua_type(L, -1) != LUA_TTABLE)
    latL_error(L, who, "%s must be a number or a matrix, got %s", lua_tostring(L, -2),
               luaL_typename(L, -1));
  const latL_Matrix *A = latL_checkmatrix(L, -1, who, lua_tostring(L, -2));
  lua_remove(L, -2);
  return A->view.rows * A->view.cols;
}

/* The table on the top of the stack becomes one whose values have been checked: a copy. */
static size_t check_table(lua_State *L, const char *who, const char *what)
{
  size_t count = 0;
  int from = lua_gettop(L);
  if (lua_type(L, from) != LUA_TTABLE)
    latL_error(L, who, "%s must be a table, got %s", what, luaL_typename(L, from));
  int odd = latL_pushnames(L);
  if (odd != LUA_TNONE)
    latL_error(L, who, "%s must have names as keys, not a %s", what, lua_typename(L, odd));
  lua_newtable(L);
  for (lua_Integer i = 1; lua_rawgeti(L, from + 1, i) != LUA_TNIL; i++) {
    lua_pushvalue(L, -1);
    lua_rawget(L, from);
    count += check_value(L, who, what, lua_tostring(L, -2));
    lua_rawset(L, from + 2);
  }
  lua_settop(L, from + 2);
  lua_replace(L, from);
  lua_settop(L, from);
  return count;
}

/* Visits the parameters in the flat order: `visit` finds the value of the table at `table` on the
 * top of the stack and the start's below, and says where the next one goes. */
typedef double *visitor(lua_State *L, latL_Run *run, int table, const char *name, double *at);

static void visit_all(lua_State *L, latL_Run *run, int table, double *flat, visitor *visit)
{
  push_own(L, "names");
  push_own(L, "start");
  int names = lua_gettop(L) - 1, start = names + 1;
  for (lua_Integer i = 1; lua_rawgeti(L, names, i) == LUA_TSTRING; i++) {
    const char *name = lua_tostring(L, -1);
    lua_getfield(L, start, name);
    lua_getfield(L, table, name);
    flat = visit(L, run, table, name, flat);
    lua_settop(L, start);
  }
  lua_settop(L, names - 1);
}

static double *check_one(lua_State *L, latL_Run *run, int table, const char *name, double *at)
{
  (void)table;
  const latL_Matrix *should = latL_tomatrix(L, -2), *is = latL_tomatrix(L, -1);
  if (lua_isnil(L, -1)) latL_error(L, run->who, "m_step returned no '%s'", name);
  if (should ? !is || is->view.rows != should->view.rows || is->view.cols != should->view.cols
             : is != NULL)
    latL_error(L, run->who, "m_step returned a %s as '%s', which began as a %s",
               is ? latL_shape(L, is) : "number", name, should ? latL_shape(L, should) : "number");
  return at;
}

static double *store_one(lua_State *L, latL_Run *run, int table, const char *name, double *at)
{
  (void)run, (void)table, (void)name;
  const latL_Matrix *A = latL_tomatrix(L, -1);
  if (!A) {
    *at = lua_tonumber(L, -1);
    return at + 1;
  }
  lat_matrix to = lat_matrix_of(at, A->view.rows, A->view.cols);
  lat_copy(&A->view, &to);
  return at + A->view.rows * A->view.cols;
}

/* table[name] := the numbers at `at` */
static double *load_one(lua_State *L, latL_Run *run, int table, const char *name, double *at)
{
  (void)run;
  const latL_Matrix *like = latL_tomatrix(L, -2);
  size_t count = 1;
  if (like) {
    count = like->view.rows * like->view.cols;
    memcpy(latL_newlike(L, like, LAT_FLOAT64)->view.data, at, count * sizeof *at);
  } else {
    lua_pushnumber(L, *at);
  }
  lua_setfield(L, table, name);
  return at + count;
}

/* Pushes a fresh table of the parameters in `flat`. */
static void push_parameters(lua_State *L, latL_Run *run, const double *flat)
{
  lua_newtable(L);
  visit_all(L, run, lua_gettop(L), (double *)flat, load_one);
}

/* ---- the kind ---------------------------------------------------------------------------------- */

static const char FUNCTIONS[] = "(functions)"; /* a kept field that isn't the user's */

/* Pushes one of the model's functions. */
static int push_option(lua_State *L, const char *name)
{
  latL_kept(L, LATL_MODEL, FUNCTIONS);
  int type = lua_getfield(L, -1, name);
  lua_remove(L, -2);
  return type;
}

/* m_step(statistics, parameters) -> parameters */
static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  latL_Run *run = (latL_Run *)em->model;
  lua_State *L = run->L;
  (void)statistics;
  push_option(L, "m_step");
  push_own(L, "statistics");
  push_own(L, "parameters");
  lua_call(L, 2, 1);
  check_table(L, run->who, "m_step's parameters");
  int table = lua_gettop(L);
  latL_pushnames(L);
  push_own(L, "start");
  for (lua_Integer i = 1; lua_rawgeti(L, table + 1, i) != LUA_TNIL; i++) {
    const char *name = lua_tostring(L, -1);
    if (lua_getfield(L, table + 2, name) == LUA_TNIL)
      latL_error(L, run->who, "m_step returned '%s', which is no parameter", name);
    lua_settop(L, table + 2);
  }
  lua_settop(L, table);
  visit_all(L, run, table, NULL, check_one); /* all of them before any is stored */
  visit_all(L, run, table, parameters, store_one);
  lua_settop(L, LATL_TOP);
  for (size_t i = 0; i < em->count; i++)
    if (isnan(parameters[i]))
      return lat_fail(em->work, LAT_DIVERGED, "m_step returned NaN in iteration %zu",
                      em->iterations + 1);
  return LAT_OK;
}

static bool feasible(const lat_em *em, double *parameters)
{
  latL_Run *run = (latL_Run *)em->model;
  lua_State *L = run->L;
  if (push_option(L, "feasible") == LUA_TNIL) {
    lua_pop(L, 1);
    return true;
  }
  push_parameters(L, run, parameters);
  lua_call(L, 1, 1);
  bool yes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

static size_t two(const lat_em *em)
{
  (void)em;
  return 2; /* the objective and its weight; the others are in Lua */
}

static const lat_parameter parameters[] = {{"parameters", {LAT_K}}, {0}};
static const lat_em_kind ascends = {.name = "em",
                                    .parameters = parameters,
                                    .statistics = two,
                                    .m_step = m_step,
                                    .feasible = feasible};
static const lat_em_kind descends = {.name = "em",
                                     .parameters = parameters,
                                     .descends = true,
                                     .statistics = two,
                                     .m_step = m_step,
                                     .feasible = feasible};

/* ---- a run -------------------------------------------------------------------------------------- */

static void plan(lua_State *L, latL_Run *run)
{
  const own *o = run->model;
  if (push_option(L, "parameters") == LUA_TFUNCTION) {
    lua_pushinteger(L, (lua_Integer)run->seed);
    lua_call(L, 1, 1);
  }
  size_t count = check_table(L, run->who, "parameters");
  if (count == 0) latL_error(L, run->who, "parameters is an empty table");
  if (run->restart > 0 && count != run->best.count)
    latL_error(L, run->who, "parameters has %I numbers for this seed and %I for the one before",
               (lua_Integer)count, (lua_Integer)run->best.count);
  lua_createtable(L, 0, 4);
  lua_setiuservalue(L, LATL_RUN, LATL_RUN_OWN);
  latL_pushnames(L);
  set_own(L, "names");
  set_own(L, "start");
  run->sizes[LAT_D] = 0;
  run->sizes[LAT_K] = count;
  run->core = o->descends ? &descends : &ascends;
  run->context = run;
}

static lat_status start(lua_State *L, latL_Run *run)
{
  push_own(L, "start");
  visit_all(L, run, lua_gettop(L), run->parameters, store_one);
  return LAT_OK;
}

/* Adds the table on the top of the stack to the statistics so far, and pops it. */
static void add_statistics(lua_State *L, const latL_Run *run)
{
  check_table(L, run->who, "e_step's statistics");
  int share = lua_gettop(L), sum = share + 1;
  if (push_own(L, "statistics") == LUA_TNIL) {
    lua_pop(L, 1);
    set_own(L, "statistics");
    return;
  }
  latL_pushnames(L);
  for (lua_Integer i = 1; lua_rawgeti(L, sum + 1, i) != LUA_TNIL; i++) {
    const char *name = lua_tostring(L, -1);
    lua_getfield(L, sum, name);
    if (lua_getfield(L, share, name) == LUA_TNIL)
      latL_error(L, run->who, "e_step's statistics are without '%s' for this chunk", name);
    lua_arith(L, LUA_OPADD);
    lua_setfield(L, sum, name);
    lua_settop(L, sum + 1);
  }
  lua_settop(L, share - 1);
}

/* Calls e_step(parameters, X, weights) with the two values on the top of the stack. */
static void take(lua_State *L, latL_Run *run)
{
  push_option(L, "e_step");
  push_own(L, "parameters");
  lua_rotate(L, -4, 2);
  lua_call(L, 3, 2);
  latL_workspace(L);
  if (lua_type(L, -1) != LUA_TNUMBER)
    latL_error(L, run->who, "e_step must return statistics and the objective, a number; got %s",
               luaL_typename(L, -1));
  run->em.statistics[0] += lua_tonumber(L, -1);
  run->em.statistics[1] = 1;
  lua_pop(L, 1);
  add_statistics(L, run);
}

/* A matrix: whole when it is in memory, in slices when it is a file. */
static lat_status take_matrix(lua_State *L, latL_Run *run)
{
  lat_matrix X;
  const double *weights;
  const latL_Matrix *all = latL_tomatrix(L, LATL_DATA);
  latL_rewind(&run->rows);
  while (latL_nextrows(L, &run->rows, LATL_DATA, run->who, &X, &weights)) {
    LAT_TRY(lat_check(run->work));
    if (run->em.iterations == 0) LAT_TRY(lat_check_finite(run->work, "X", &X, run->missing));
    if (X.rows == all->view.rows) {
      lua_pushvalue(L, LATL_DATA);
      lua_getiuservalue(L, LATL_RUN, LATL_RUN_WEIGHTS);
    } else {
      latL_newview(L, LATL_DATA, X, all->vector);
      lua_getiuservalue(L, LATL_RUN, LATL_RUN_WEIGHTS);
      if (weights) {
        latL_newview(L, -1, lat_vector_of((double *)weights, X.rows), true);
        lua_remove(L, -2);
      }
    }
    take(L, run);
  }
  return LAT_OK;
}

static lat_status take_chunks(lua_State *L, latL_Run *run)
{
  for (size_t chunk = 1;; chunk++) {
    LAT_TRY(lat_check(run->work));
    lua_pushvalue(L, LATL_DATA);
    lua_call(L, 0, 2);
    latL_workspace(L);
    if (lua_isnil(L, -2)) {
      if (chunk == 1) latL_error(L, run->who, "the function gave no data");
      return LAT_OK;
    }
    take(L, run);
  }
}

static lat_status pass(lua_State *L, latL_Run *run)
{
  lua_pushnil(L);
  set_own(L, "statistics");
  push_parameters(L, run, run->parameters);
  set_own(L, "parameters");
  lat_status status = LAT_OK;
  if (latL_tomatrix(L, LATL_DATA)) {
    status = take_matrix(L, run);
  } else if (lua_type(L, LATL_DATA) == LUA_TFUNCTION) {
    status = take_chunks(L, run);
  } else {
    LAT_TRY(lat_check(run->work));
    lua_pushvalue(L, LATL_DATA);
    lua_pushnil(L);
    take(L, run);
  }
  lua_settop(L, LATL_TOP);
  return status;
}

static void publish(lua_State *L, latL_Run *run, int fitted)
{
  push_parameters(L, run, run->parameters);
  latL_record(L, fitted, "parameters");
}

/* ---- in Lua ------------------------------------------------------------------------------------------ */

static const latL_EmKind kind = {.base = {.name = "em",
                                          .metatable = "latent.EM",
                                          .parameters = parameters,
                                          .refresh = NULL,
                                          .gaps = LATL_KNOWS_GAPS},
                                 .missing = true,
                                 .plan = plan,
                                 .start = start,
                                 .publish = publish,
                                 .pass = pass};

static void check_function(lua_State *L, const char *name, bool needed)
{
  int type = latL_getoption(L, 1, name);
  if (type != LUA_TFUNCTION && (needed || type != LUA_TNIL))
    latL_error(L, "em", "%s must be a function, got %s", name,
               type == LUA_TNIL ? "nothing" : luaL_typename(L, -1));
  lua_setfield(L, -2, name);
}

/* latent.em{parameters=, e_step=, m_step= [, feasible=, descends=, ...]} */
static int new (lua_State *L)
{
  static const char *const names[] = {"parameters", "e_step",        "m_step", "feasible",
                                      "descends",   LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "em", names);
  own *o = latL_newmodel(L, &kind.base, sizeof *o);
  latL_emoptions(L, 1, "em", &o->em, 1000, 1e-8, 1);
  o->descends = latL_optboolean(L, 1, "em", "descends", false);
  lua_createtable(L, 0, 4);
  check_function(L, "e_step", true);
  check_function(L, "m_step", true);
  check_function(L, "feasible", false);
  int type = latL_getoption(L, 1, "parameters");
  if (type != LUA_TTABLE && type != LUA_TFUNCTION)
    latL_error(L, "em", "parameters must be a table or a function, got %s",
               type == LUA_TNIL ? "nothing" : luaL_typename(L, -1));
  lua_setfield(L, -2, "parameters");
  latL_keep(L, -2, FUNCTIONS);
  return 1;
}

static int fit(lua_State *L)
{
  return latL_fit(L, &kind, "em:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, &kind, "em:steps");
}

static const luaL_Reg methods[] = {{"fit", fit}, {"steps", steps}, {NULL, NULL}};

void latL_open_em_model(lua_State *L)
{
  latL_newkind(L, &kind.base, methods);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "em");
}
