/* em_model.c: latent.em, EM for a model that the user writes as two Lua functions.
 *
 * The parameters are a table of numbers and matrices in Lua, and a flat vector for the core, which
 * watches, tests and accelerates as for any other model. Its description is here, for its steps are
 * Lua's: the E-step of a fit is a pass that calls the user's and adds up what it returns, and the
 * M-step calls the user's. Both run on the thread that called fit, and the core holds nothing while
 * they do, so they may raise. */
#include <math.h>
#include <string.h>

#include "em/fit.h"
#include "model/fit.h"
#include "model/methods.h"
#include "model/run.h"
#include "model/source.h"

typedef struct own_options {
  lat_fit_options fit;
  bool descends;
} own_options;

/* ---- parameters: a table and a flat vector ------------------------------------------------ */

/* Who calls, and for which start: its table (fit.h) has names (sorted), start (name = a number or a
 * matrix, whose shape is the parameter's), count, and, during an iteration, parameters and
 * statistics. */
typedef struct place {
  lua_State *L;
  const char *who;
  size_t start;
} place;

static place place_of(const lat_fit *fit)
{
  const latL_Caller *caller = fit->user;
  return (place){caller->L, caller->who, fit->start};
}

static lat_fit *fit_of(const lat_em *em)
{
  return (lat_fit *)(size_t)em->model;
}

static int push_own(place at, const char *field)
{
  latL_pushstart(at.L, at.start);
  int type = lua_getfield(at.L, -1, field);
  lua_remove(at.L, -2);
  return type;
}

/* Pops the value. */
static void set_own(place at, const char *field)
{
  latL_pushstart(at.L, at.start);
  lua_insert(at.L, -2);
  lua_setfield(at.L, -2, field);
  lua_pop(at.L, 1);
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
               latL_typename(L, -1));
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
    latL_error(L, who, "%s must be a table, got %s", what, latL_typename(L, from));
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
typedef double *visitor(place at, int table, const char *name, double *to);

static void visit_all(place at, int table, double *flat, visitor *visit)
{
  lua_State *L = at.L;
  push_own(at, "names");
  push_own(at, "start");
  int names = lua_gettop(L) - 1, start = names + 1;
  for (lua_Integer i = 1; lua_rawgeti(L, names, i) == LUA_TSTRING; i++) {
    const char *name = lua_tostring(L, -1);
    lua_getfield(L, start, name);
    lua_getfield(L, table, name);
    flat = visit(at, table, name, flat);
    lua_settop(L, start);
  }
  lua_settop(L, names - 1);
}

static double *check_one(place at, int table, const char *name, double *to)
{
  lua_State *L = at.L;
  (void)table;
  const latL_Matrix *should = latL_tomatrix(L, -2), *is = latL_tomatrix(L, -1);
  if (lua_isnil(L, -1)) latL_error(L, at.who, "m_step returned no '%s'", name);
  if (should ? !is || is->view.rows != should->view.rows || is->view.cols != should->view.cols
             : is != NULL)
    latL_error(L, at.who, "m_step returned a %s as '%s', which began as a %s",
               is ? latL_shape(L, is) : "number", name, should ? latL_shape(L, should) : "number");
  return to;
}

static double *store_one(place at, int table, const char *name, double *to)
{
  (void)table, (void)name;
  const latL_Matrix *A = latL_tomatrix(at.L, -1);
  if (!A) {
    *to = lua_tonumber(at.L, -1);
    return to + 1;
  }
  lat_matrix view = lat_matrix_of(to, A->view.rows, A->view.cols);
  lat_copy(&A->view, &view);
  return to + A->view.rows * A->view.cols;
}

/* table[name] := the numbers at `from` */
static double *load_one(place at, int table, const char *name, double *from)
{
  const latL_Matrix *like = latL_tomatrix(at.L, -2);
  size_t count = 1;
  if (like) {
    count = like->view.rows * like->view.cols;
    memcpy(latL_newlike(at.L, like, LAT_FLOAT64)->view.data, from, count * sizeof *from);
  } else {
    lua_pushnumber(at.L, *from);
  }
  lua_setfield(at.L, table, name);
  return from + count;
}

/* Pushes a fresh table of the parameters in `flat`. */
static void push_parameters(place at, const double *flat)
{
  lua_newtable(at.L);
  visit_all(at, lua_gettop(at.L), (double *)flat, load_one);
}

/* ---- the steps --------------------------------------------------------------------------------- */

static const char FUNCTIONS[] = "(functions)"; /* a kept field that isn't the user's */

/* What the core asks for, which is done where Lua can be called (latL_outside). */
typedef struct question {
  const lat_em *em;
  double *parameters;
  bool feasible; /* the answer */
} question;

/* m_step(statistics, parameters) -> parameters */
static lat_status call_m_step(void *context)
{
  question *q = context;
  const lat_em *em = q->em;
  double *parameters = q->parameters;
  place at = place_of(em->model);
  lua_State *L = at.L;
  int top = lua_gettop(L), table = top + 1;
  latL_keptfield(L, LATL_MODEL, FUNCTIONS, "m_step");
  push_own(at, "statistics");
  push_own(at, "parameters");
  latL_callback(L, at.who, 2, 1);
  check_table(L, at.who, "m_step's parameters");
  latL_pushnames(L);
  push_own(at, "start");
  for (lua_Integer i = 1; lua_rawgeti(L, table + 1, i) != LUA_TNIL; i++) {
    const char *name = lua_tostring(L, -1);
    if (lua_getfield(L, table + 2, name) == LUA_TNIL)
      latL_error(L, at.who, "m_step returned '%s', which is no parameter", name);
    lua_settop(L, table + 2);
  }
  lua_settop(L, table);
  visit_all(at, table, NULL, check_one); /* all of them before any is stored */
  visit_all(at, table, parameters, store_one);
  lua_settop(L, top);
  for (size_t i = 0; i < em->count; i++)
    if (isnan(parameters[i]))
      return lat_fail(em->work, LAT_DIVERGED, "m_step returned NaN in iteration %zu",
                      em->iterations + 1);
  return LAT_OK;
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  question q = {.em = em, .parameters = parameters};
  (void)statistics;
  return latL_outside(fit_of(em), call_m_step, &q);
}

static lat_status call_feasible(void *context)
{
  question *q = context;
  place at = place_of(q->em->model);
  lua_State *L = at.L;
  q->feasible = true;
  if (latL_keptfield(L, LATL_MODEL, FUNCTIONS, "feasible") != LUA_TNIL) {
    push_parameters(at, q->parameters);
    latL_callback(L, at.who, 1, 1);
    q->feasible = lua_toboolean(L, -1);
  }
  lua_pop(L, 1);
  return LAT_OK;
}

static bool feasible(const lat_em *em, double *parameters)
{
  question q = {.em = em, .parameters = parameters};
  return latL_outside(fit_of(em), call_feasible, &q) == LAT_OK && q.feasible;
}

static size_t two(const lat_em *em)
{
  (void)em;
  return 2; /* the objective and its weight; the others are in Lua */
}

static const lat_parameter flat_parameters[] = {{"parameters", {LAT_K}}, {0}};
/* by whether the objective descends */
static const lat_em_kind kinds[2] = {
    {"em", flat_parameters, false, .statistics = two, .m_step = m_step, .feasible = feasible},
    {"em", flat_parameters, true, .statistics = two, .m_step = m_step, .feasible = feasible}};

/* ---- a start ----------------------------------------------------------------------------------- */

/* The parameters of this start: the table, or what the function makes of its seed. */
static void read_start(place at, uint64_t seed)
{
  lua_State *L = at.L;
  if (latL_keptfield(L, LATL_MODEL, FUNCTIONS, "parameters") == LUA_TFUNCTION) {
    lua_pushinteger(L, (lua_Integer)seed);
    latL_callback(L, at.who, 1, 1);
  }
  size_t count = check_table(L, at.who, "parameters");
  if (count == 0) latL_error(L, at.who, "parameters is an empty table");
  lua_pushinteger(L, (lua_Integer)count);
  set_own(at, "count");
  latL_pushnames(L);
  set_own(at, "names");
  set_own(at, "start");
}

static lua_Integer count_of(place at, size_t start)
{
  at.start = start;
  push_own(at, "count");
  lua_Integer count = lua_tointeger(at.L, -1);
  lua_pop(at.L, 1);
  return count;
}

static lat_status make_plan(void *context)
{
  lat_fit *fit = context;
  place at = place_of(fit);
  latL_Caller *caller = fit->user;
  caller->observed = true; /* the user's functions may look at the model */
  if (count_of(at, fit->start) == 0) read_start(at, fit->seed);
  lua_Integer count = count_of(at, fit->start), first = count_of(at, 0);
  if (count != first)
    latL_error(at.L, at.who, "parameters has %I numbers for this seed and %I for the one before",
               count, first);
  fit->sizes[LAT_K] = (size_t)count;
  fit->core = &kinds[((const own_options *)fit->options)->descends];
  fit->context = fit;
  return LAT_OK;
}

static lat_status plan(lat_fit *fit)
{
  return latL_outside(fit, make_plan, fit);
}

static lat_status make_start(void *context)
{
  lat_fit *fit = context;
  place at = place_of(fit);
  push_own(at, "start");
  visit_all(at, lua_gettop(at.L), fit->parameters, store_one);
  lua_pop(at.L, 1);
  return LAT_OK;
}

static lat_status start(lat_fit *fit)
{
  return latL_outside(fit, make_start, fit);
}

/* ---- the E-step ---------------------------------------------------------------------------------- */

/* What a fit is given, in place of rows: a userdata, whose user value are the weights or nil. */
typedef struct data {
  bool matrix;
  latL_Rows rows;
} data;

static void read_units(lua_State *L, const char *who, latL_Units *units)
{
  data *d = lua_newuserdatauv(L, sizeof *d, 1);
  int at = lua_gettop(L);
  *d = (data){.matrix = latL_tomatrix(L, LATL_DATA) != NULL};
  if (d->matrix) {
    latL_checkrows(L, &d->rows, LATL_DATA, LATL_OPTIONS, who, 0);
    latL_run(L, who, latL_takeweights, &d->rows);
    lua_setiuservalue(L, at, 1);
  } else if (latL_getoption(L, LATL_OPTIONS, "weights") != LUA_TNIL) {
    latL_error(L, who, "weights are for a matrix");
  }
  lua_settop(L, at);
  units->of = d;
  units->count = 1;
}

/* Adds the table on the top of the stack to the statistics so far, and pops it. */
static void add_statistics(place at)
{
  lua_State *L = at.L;
  check_table(L, at.who, "e_step's statistics");
  int share = lua_gettop(L), sum = share + 1;
  if (push_own(at, "statistics") == LUA_TNIL) {
    lua_pop(L, 1);
    set_own(at, "statistics");
    return;
  }
  latL_pushnames(L);
  for (lua_Integer i = 1; lua_rawgeti(L, sum + 1, i) != LUA_TNIL; i++) {
    const char *name = lua_tostring(L, -1);
    lua_getfield(L, sum, name);
    if (lua_getfield(L, share, name) == LUA_TNIL)
      latL_error(L, at.who, "e_step's statistics are without '%s' for this chunk", name);
    lua_arith(L, LUA_OPADD);
    lua_setfield(L, sum, name);
    lua_settop(L, sum + 1);
  }
  lua_settop(L, share - 1);
}

/* Calls e_step(parameters, X, weights) with the two values on the top of the stack. */
static void take(lat_fit *fit)
{
  place at = place_of(fit);
  lua_State *L = at.L;
  latL_keptfield(L, LATL_MODEL, FUNCTIONS, "e_step");
  push_own(at, "parameters");
  lua_rotate(L, -4, 2);
  latL_callback(L, at.who, 3, 2);
  if (lua_type(L, -1) != LUA_TNUMBER)
    latL_error(L, at.who, "e_step must return statistics and the objective, a number; got %s",
               latL_typename(L, -1));
  fit->em.statistics[0] += lua_tonumber(L, -1);
  fit->em.statistics[1] = 1;
  lua_pop(L, 1);
  add_statistics(at);
}

/* A matrix: whole when it is in memory, in slices when it is a file. */
static lat_status take_matrix(lat_fit *fit, data *d)
{
  place at = place_of(fit);
  lua_State *L = at.L;
  lat_matrix X;
  const double *weights;
  const latL_Matrix *all = latL_tomatrix(L, LATL_DATA);
  lat_source_rewind(&d->rows.source);
  for (;;) {
    LAT_TRY(lat_source_next(&d->rows.source, fit->work, &X, &weights));
    if (X.rows == 0) return LAT_OK;
    LAT_TRY(lat_check(fit->work));
    if (fit->em.iterations == 0) LAT_TRY(lat_check_finite(fit->work, "X", &X, fit->missing));
    bool whole = X.rows == all->view.rows;
    if (whole)
      lua_pushvalue(L, LATL_DATA);
    else
      latL_newview(L, LATL_DATA, X, all->vector);
    latL_pushdata(L);
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
    if (!whole && weights) {
      latL_newview(L, -1, lat_vector_of((double *)weights, X.rows), true);
      lua_remove(L, -2);
    }
    take(fit);
  }
}

static lat_status take_chunks(lat_fit *fit)
{
  place at = place_of(fit);
  lua_State *L = at.L;
  for (size_t chunk = 1;; chunk++) {
    LAT_TRY(lat_check(fit->work));
    lua_pushvalue(L, LATL_DATA);
    latL_callback(L, at.who, 0, 2);
    if (lua_isnil(L, -2)) {
      if (chunk == 1) latL_error(L, at.who, "the function gave no data");
      return LAT_OK;
    }
    take(fit);
  }
}

/* A pass over whatever is at LATL_DATA. */
static lat_status call_e_step(void *context)
{
  lat_fit *fit = context;
  place at = place_of(fit);
  lua_State *L = at.L;
  data *d = (data *)(size_t)fit->units;
  lua_pushnil(L);
  set_own(at, "statistics");
  push_parameters(at, fit->em.parameters);
  set_own(at, "parameters");
  lat_status status = LAT_OK;
  if (d->matrix) {
    status = take_matrix(fit, d);
  } else if (lua_type(L, LATL_DATA) == LUA_TFUNCTION) {
    status = take_chunks(fit);
  } else {
    LAT_TRY(lat_check(fit->work));
    lua_pushvalue(L, LATL_DATA);
    lua_pushnil(L);
    take(fit);
  }
  lua_settop(L, LATL_TOP);
  return status;
}

static lat_status e_step(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  (void)X, (void)weights;
  return latL_outside(fit, call_e_step, fit);
}

/* ---- the record: the parameters as a table --------------------------------------------------- */

/* Aside of the flat ones lies the number of the start whose names and shapes they have. */
static void record(lua_State *L, int fitted)
{
  const latL_Fitted *f = lua_touserdata(L, fitted);
  place at = {L, "em", 0};
  memcpy(&at.start, f->aside, sizeof at.start);
  push_parameters(at, f->flat);
  latL_record(L, fitted, "parameters");
}

/* ---- the description ----------------------------------------------------------------------------- */

static const lat_option options[] = {LAT_OPTION_GIVEN("parameters", "table|function"),
                                     LAT_OPTION_GIVEN("e_step", "function"),
                                     LAT_OPTION_GIVEN("m_step", "function"),
                                     LAT_OPTION_GIVEN("feasible", "function?"),
                                     LAT_OPTION_BOOLEAN(own_options, descends, false),
                                     LAT_FIT_OPTIONS(own_options, 1000, 1e-8, 1),
                                     {.name = NULL}};

static const lat_option fit_options[] = {LAT_OPTION_WEIGHTS,      LAT_OPTION_MISSING,
                                         LAT_OPTION_ON_ITERATION, LAT_OPTION_PROGRESS,
                                         LAT_OPTION_MAX_SECONDS,  {.name = NULL}};
static const lat_option slice_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_ON_ITERATION, {.name = NULL}};
static const lat_option steps_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_BUDGET, {.name = NULL}};
static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    LAT_METHOD_FIT_FOR(slice_options),
    {.name = "steps", .argument = LAT_TAKES_DATA, .options = steps_options},
    {.name = NULL}};

static const lat_parameter *parameters_of(const void *o)
{
  (void)o;
  return flat_parameters;
}

static const lat_fit_kind fit_kind = {.plan = plan,
                                      .start = start,
                                      .e_step = e_step,
                                      .aside_bytes = lat_fit_start_bytes,
                                      .write_aside = lat_fit_write_start};
static const lat_model core = {.name = "em",
                               .options = options,
                               .options_size = sizeof(own_options),
                               .methods = methods,
                               .missing = true,
                               .parameters = parameters_of,
                               .fit = &fit_kind};

/* ---- the class ----------------------------------------------------------------------------------- */

static void read_options(lua_State *L, int model, void *to)
{
  (void)to;
  static const char *const names[] = {"e_step", "m_step", "feasible"};
  lua_createtable(L, 0, 4);
  for (int i = 0; i < 3; i++) {
    if (!latL_optfunction(L, 1, "em", names[i]) && i < 2)
      latL_error(L, "em", "%s must be a function, got nothing", names[i]);
    lua_setfield(L, -2, names[i]);
  }
  int type = latL_getoption(L, 1, "parameters");
  if (type != LUA_TTABLE && type != LUA_TFUNCTION)
    latL_error(L, "em", "parameters must be a table or a function, got %s",
               type == LUA_TNIL ? "nothing" : latL_typename(L, -1));
  lua_setfield(L, -2, "parameters");
  latL_keep(L, model, FUNCTIONS);
}

static const char *bound(lua_State *L, int model)
{
  (void)L, (void)model;
  return "its e_step and m_step are Lua functions";
}

const latL_Kind latL_em_model_kind = {.name = "em",
                                      .metatable = "latent.EM",
                                      .gaps = LATL_KNOWS_GAPS,
                                      .core = &core,
                                      .read = read_options,
                                      .read_units = read_units,
                                      .record = record,
                                      .bound = bound};
