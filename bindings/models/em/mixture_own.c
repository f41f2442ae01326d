/* mixture_own.c: mixtures of a family that the user writes as Lua functions.
 *
 * log_density(parameters_k, X) gives a vector of N numbers, and fit(X, responsibilities_k) the
 * parameters that maximize sum_n r_n log p(x_n | parameters): any Lua value. They are in the list
 * model.parameters; the core (em/mixture/own.c) has all else. A start's list is the field
 * "parameters" of the start's table (fit.h), and the next one's, while it is made, "next". */
#include <math.h>
#include <string.h>

#include "model/fit.h"
#include "model/run.h"
#include "model/source.h"
#include "models/em/mixture.h"

static const char FAMILY[] = "(family)"; /* a kept field that isn't the user's: the functions */

/* ---- densities and parameters ---------------------------------------------------------------- */

/* row (N) := log_density of the parameters on the top of the stack, which are popped, and X at 2. */
static void take_density(lua_State *L, const char *who, size_t k, size_t N, double *row)
{
  int top = lua_gettop(L) - 1;
  latL_keptfield(L, 1, FAMILY, "log_density");
  lua_insert(L, -2);
  lua_pushvalue(L, 2);
  latL_callback(L, who, 2, 1);
  lua_pushfstring(L, "log_density's result for component %I", (lua_Integer)k + 1);
  lat_matrix v = latL_checkvector(L, top + 1, who, lua_tostring(L, -1));
  if (v.rows != N)
    latL_error(L, who, "%s has %I numbers, X has %I rows", lua_tostring(L, -1), (lua_Integer)v.rows,
               (lua_Integer)N);
  lat_matrix to = lat_vector_of(row, N);
  lat_copy(&v, &to);
  lua_settop(L, top);
}

/* What the core asks for, which is done where Lua can be called (latL_outside). */
typedef struct question {
  lat_fit *fit;
  size_t k;
  const lat_matrix *X;
  double *row; /* the answer */
  const double *r;
} question;

static lat_status call_log_density(void *context)
{
  const question *q = context;
  const latL_Caller *caller = q->fit->user;
  lua_State *L = caller->L;
  int top = lua_gettop(L);
  latL_pushstart(L, q->fit->start);
  lua_getfield(L, -1, "parameters");
  lua_rawgeti(L, -1, (lua_Integer)q->k + 1);
  take_density(L, caller->who, q->k, q->X->rows, q->row);
  lua_settop(L, top);
  return LAT_OK;
}

static lat_status log_density(lat_fit *fit, size_t k, const lat_matrix *X, double *row)
{
  question q = {.fit = fit, .k = k, .X = X, .row = row};
  return latL_outside(fit, call_log_density, &q);
}

/* Pushes component k's new parameters: what fit says, or, without rows, those that it has. */
static void push_estimate(lua_State *L, const char *who, int start, size_t k, const lat_matrix *X,
                          const double *r)
{
  if (!r) {
    if (lua_getfield(L, start, "parameters") == LUA_TTABLE) lua_rawgeti(L, -1, (lua_Integer)k + 1);
    if (lua_isnil(L, -1))
      latL_error(L, who, "component %I begins without rows", (lua_Integer)k + 1);
    return;
  }
  latL_keptfield(L, 1, FAMILY, "fit");
  lua_pushvalue(L, LATL_DATA);
  memcpy(latL_newvector(L, X->rows, LAT_FLOAT64)->view.data, r, X->rows * sizeof *r);
  latL_callback(L, who, 2, 1);
  if (lua_isnil(L, -1))
    latL_error(L, who, "fit returned nothing for component %I", (lua_Integer)k + 1);
}

/* A new list, so that what somebody has looked at stays as it was. */
static lat_status call_estimate(void *context)
{
  const question *q = context;
  lat_fit *fit = q->fit;
  size_t k = q->k;
  latL_Caller *caller = fit->user;
  lua_State *L = caller->L;
  int top = lua_gettop(L), start = top + 1;
  caller->observed = true; /* the functions may look at the model */
  latL_pushstart(L, fit->start);
  if (k == 0)
    lua_createtable(L, (int)fit->sizes[LAT_K], 0);
  else
    lua_getfield(L, start, "next");
  push_estimate(L, caller->who, start, k, q->X, q->r);
  lua_rawseti(L, start + 1, (lua_Integer)k + 1);
  lua_settop(L, start + 1);
  lua_setfield(L, start, k + 1 < fit->sizes[LAT_K] ? "next" : "parameters");
  lua_settop(L, top);
  return LAT_OK;
}

static lat_status estimate(lat_fit *fit, size_t k, const lat_matrix *X, const double *r)
{
  question q = {.fit = fit, .k = k, .X = X, .r = r};
  return latL_outside(fit, call_estimate, &q);
}

/* model.parameters = the list of the start that the block is of */
void latL_recordfamily(lua_State *L, int fitted)
{
  const latL_Fitted *f = lua_touserdata(L, fitted);
  if (!f->aside) return;
  size_t start;
  memcpy(&start, f->aside, sizeof start);
  latL_pushstart(L, start);
  lua_getfield(L, -1, "parameters");
  latL_record(L, fitted, "parameters");
}

/* ---- the constructor ------------------------------------------------------------------------- */

void latL_readfamily(lua_State *L, int model, lat_mixture_options *o)
{
  static const char *const names[] = {"log_density", "fit", "sample", "free_parameters", NULL};
  if (latL_getoption(L, 1, "family") != LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  int family = lua_gettop(L);
  latL_checkoptions(L, family, "mixture", names);
  for (int i = 0; i < 3; i++) {
    int type = lua_getfield(L, family, names[i]);
    if (type != LUA_TFUNCTION && (i < 2 || type != LUA_TNIL))
      latL_error(L, "mixture", "family.%s must be a function, got %s", names[i],
                 latL_typename(L, -1));
  }
  lua_getfield(L, family, "free_parameters");
  bool known = lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0;
  o->family = LAT_FUNCTIONS;
  o->own = (lat_own_family){.log_density = log_density,
                            .estimate = estimate,
                            .free_parameters = known ? (size_t)lua_tointeger(L, -1) : SIZE_MAX};
  lua_settop(L, family);
  latL_keep(L, model, FAMILY);
}

/* ---- a fitted mixture ------------------------------------------------------------------------ */

/* Pushes the densities (K x N) of the rows at 2. */
static double *push_densities(lua_State *L, const char *who, const latL_Fitted *f, size_t N)
{
  size_t K = f->sizes[LAT_K];
  double *densities = latL_newmatrix(L, K, N, LAT_FLOAT64)->view.data;
  latL_recorded(L, 1, "parameters");
  for (size_t k = 0; k < K; k++) {
    lua_rawgeti(L, -1, (lua_Integer)k + 1);
    take_density(L, who, k, N, densities + k * N);
  }
  lua_pop(L, 1);
  return densities;
}

void latL_preparefamily(lua_State *L, const char *who, const lat_method *method,
                        const latL_Fitted *f, lat_request *request)
{
  const lat_mixture_options *o = f->options;
  const lat_output *first = method->outputs;
  if (o->family != LAT_FUNCTIONS) return;
  if (method->missing) latL_error(L, who, "a family of functions doesn't say how");
  if (method->argument == LAT_TAKES_MODEL)
    latL_error(L, who, "a family of functions has no distances");
  bool counts = method->argument == LAT_TAKES_NOTHING || first->shape == LAT_GIVES_AIC ||
                first->shape == LAT_GIVES_BIC;
  if (counts && o->own.free_parameters == SIZE_MAX)
    latL_error(L, who, "the family must say its free_parameters, an integer >= 0, of a component");
  if (method->argument != LAT_TAKES_ROWS && method->argument != LAT_TAKES_ROWS_AND_Q) return;
  const lat_matrix *X = &request->X;
  if (X->cols != f->sizes[LAT_D])
    latL_error(L, who, "X has %I columns, the model was fitted on %I", (lua_Integer)X->cols,
               (lua_Integer)f->sizes[LAT_D]);
  latL_run(L, who, lat_check_finite, "X", X, request->missing);
  if (X->rows == 1) { /* the functions get rows */
    latL_newview(L, 2, *X, false);
    lua_replace(L, 2);
  }
  request->densities = push_densities(L, who, f, X->rows);
}

/* Rows k of X := count of them of the family's function `sample`, at `function`. */
static void draw_component(lua_State *L, const char *who, int function, size_t k, size_t count,
                           lat_random *random, const lat_matrix *X, const double *labels)
{
  int list = function + 1;
  size_t next = 0, D = X->cols;
  lua_pushvalue(L, function);
  lua_rawgeti(L, list, (lua_Integer)k + 1);
  lua_pushinteger(L, (lua_Integer)count);
  lua_pushinteger(L, (lua_Integer)(lat_random_word(random) >> 1));
  latL_callback(L, who, 3, 1);
  lat_matrix rows = latL_checkmatrix(L, lua_gettop(L), who, "sample's result")->view;
  if (rows.rows != count || rows.cols != D)
    latL_error(L, who, "sample's result is %Ix%I, it should be %Ix%I", (lua_Integer)rows.rows,
               (lua_Integer)rows.cols, (lua_Integer)count, (lua_Integer)D);
  for (size_t i = 0; i < X->rows; i++) {
    if (labels[i] != (double)k + 1) continue;
    lat_matrix from = lat_block_of(rows, next++, 0, 1, D), to = lat_block_of(*X, i, 0, 1, D);
    lat_copy(&from, &to);
  }
  lua_settop(L, list);
}

void latL_drawfamily(lua_State *L, const char *who, const latL_Fitted *f, lat_random *random,
                     const lat_matrix *X, const double *labels)
{
  int top = lua_gettop(L);
  if (((const lat_mixture_options *)f->options)->family != LAT_FUNCTIONS) return;
  if (latL_keptfield(L, 1, FAMILY, "sample") == LUA_TNIL)
    latL_error(L, who, "the family has no function sample(parameters, n, seed)");
  latL_recorded(L, 1, "parameters");
  for (size_t k = 0; k < f->sizes[LAT_K]; k++) {
    size_t count = 0;
    for (size_t i = 0; i < X->rows; i++) count += labels[i] == (double)k + 1;
    if (count > 0) draw_component(L, who, top + 1, k, count, random, X, labels);
  }
  lua_settop(L, top);
}
