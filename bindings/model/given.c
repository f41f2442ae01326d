/* given.c: parameters from the option `init`. */
#include "model/given.h"

#include <math.h>
#include <string.h>

static const char GIVEN[] =
    "(given)"; /* a kept field that isn't the user's: its name is no identifier */

/* ---- shapes ---------------------------------------------------------------------------------- */

static const char *field_name(lua_State *L, const lat_parameter *p)
{
  return lua_pushfstring(L, "init.%s", p->name);
}

/* A matrix of the sizes a x b, of which those that are 0 become its own; a vector is a row where
 * that fits, and else a column. */
static lat_matrix shape_matrix(lua_State *L, int at, const char *who, const char *name, size_t *a,
                               size_t *b)
{
  const latL_Matrix *A = latL_checkmatrix(L, at, who, name);
  lat_matrix X = A->view;
  if (A->vector && (*a == 1 || (*b == X.rows && *a != X.rows))) X = lat_transpose(X);
  if ((*a && *a != X.rows) || (*b && *b != X.cols))
    latL_error(L, who, "%s is a %s, it should be %Ix%I", name, latL_shape(L, A),
               (lua_Integer)(*a ? *a : X.rows), (lua_Integer)(*b ? *b : X.cols));
  *a = X.rows;
  *b = X.cols;
  return X;
}

/* Whether one of the parameter's sizes is 0, so that there is nothing to give. */
static bool is_empty(const lat_parameter *p, const size_t given[LAT_SIZES])
{
  for (int i = 0; i < 3 && p->shape[i] != LAT_END; i++)
    if (given[p->shape[i]] == LATL_NONE) return true;
  return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void copy_to(lua_State *L, const char *who, const char *name, lat_matrix from, double *to)
{
  if (!to) return;
  lat_matrix packed = lat_matrix_of(to, from.rows, from.cols);
  lat_copy(&from, &packed);
  latL_run(L, who, lat_check_finite, name, &packed, false);
}

/* The value on the top, of the parameter p: finds its sizes and, unless NULL, writes it. */
static void read_value(lua_State *L, const char *who, const lat_parameter *p,
                       size_t sizes[LAT_SIZES], double *to)
{
  int at = lua_gettop(L);
  const char *name = field_name(L, p);
  const lat_size *shape = p->shape;
  if (shape[0] == LAT_END) {
    double x = latL_checknumber(L, at, who, name);
    if (!isfinite(x)) latL_error(L, who, "%s must be finite, got %f", name, x);
    if (to) *to = x;
  } else if (shape[1] == LAT_END) {
    lat_matrix v = latL_checkvector(L, at, who, name);
    size_t *n = &sizes[shape[0]];
    if (*n && *n != v.rows)
      latL_error(L, who, "%s is a vector of %I, it should be one of %I", name, (lua_Integer)v.rows,
                 (lua_Integer)*n);
    *n = v.rows;
    copy_to(L, who, name, v, to);
  } else if (shape[2] == LAT_END) {
    lat_matrix X = shape_matrix(L, at, who, name, &sizes[shape[0]], &sizes[shape[1]]);
    copy_to(L, who, name, X, to);
  } else {
    if (lua_type(L, at) != LUA_TTABLE)
      latL_error(L, who, "%s must be a list of matrices, got %s", name, latL_typename(L, at));
    size_t there = lua_rawlen(L, at), *count = &sizes[shape[0]];
    if (*count == 0) *count = there;
    for (size_t k = 0; k < (*count > there ? *count : there); k++) {
      if (k >= *count || k >= there)
        latL_error(L, who, "%s must be a list of %I matrices, got %I", name, (lua_Integer)*count,
                   (lua_Integer)there);
      const char *one = lua_pushfstring(L, "%s[%I]", name, (lua_Integer)k + 1);
      lua_rawgeti(L, at, (lua_Integer)k + 1);
      lat_matrix X = shape_matrix(L, lua_gettop(L), who, one, &sizes[shape[1]], &sizes[shape[2]]);
      copy_to(L, who, one, X, to ? to + k * X.rows * X.cols : NULL);
      lua_pop(L, 2);
    }
  }
  lua_settop(L, at - 1);
}

/* Whether the value on the top is a vector, or a table that becomes one. */
static bool is_vector(lua_State *L)
{
  const latL_Matrix *A = latL_tomatrix(L, -1);
  if (A || lua_type(L, -1) != LUA_TTABLE) return A && A->vector;
  bool number = lua_rawgeti(L, -1, 1) == LUA_TNUMBER;
  lua_pop(L, 1);
  return number;
}

static bool is_among(const char *name, const char *const names[])
{
  for (; names && *names; names++)
    if (strcmp(*names, name) == 0) return true;
  return false;
}

/* Finds the sizes of what the table at `init` gives. Whether all is there that isn't optional. */
static bool find_sizes(lua_State *L, const lat_parameter *parameters, int init, const char *who,
                       const size_t given[LAT_SIZES], const char *const optional[],
                       size_t sizes[LAT_SIZES])
{
  bool complete = true;
  for (int i = 0; i < LAT_SIZES; i++) sizes[i] = given[i] == LATL_NONE ? 0 : given[i];
  /* twice, since a vector's direction may hang on a size that a later parameter tells */
  for (int pass = 0; pass < 2; pass++)
    for (const lat_parameter *p = parameters; p->name; p++) {
      bool there = latL_getoption(L, init, p->name) != LUA_TNIL, empty = is_empty(p, given);
      if (there && empty) latL_error(L, who, "latent_dim is 0, so there is no init.%s", p->name);
      if (there && (pass == 1 || p->shape[1] == LAT_END || !is_vector(L)))
        read_value(L, who, p, sizes, NULL);
      else
        lua_pop(L, 1);
      complete = complete && (there || empty || is_among(p->name, optional));
    }
  return complete;
}

/* Pushes a block of these sizes with what the table gives; the rest is NaN. */
static latL_Fitted *push_values(lua_State *L, int model, int init, const char *who,
                                size_t sizes[LAT_SIZES])
{
  latL_Fitted *f = latL_newfitted(L, model, sizes);
  double *to = f->flat;
  for (const lat_parameter *p = latL_parametersof(latL_owner(f)); p->name; p++) {
    size_t count = lat_parameter_count(p, sizes);
    for (size_t i = 0; i < count; i++) to[i] = (double)NAN;
    if (latL_getoption(L, init, p->name) != LUA_TNIL)
      read_value(L, who, p, sizes, to);
    else
      lua_pop(L, 1);
    to += count;
  }
  return f;
}

/* ---- the option init of a described model ---------------------------------------------------- */

/* Raises for a name that is no parameter's, and for a parameter that is needed and isn't there:
 * `required`, or, if that is NULL, all but empty and optional ones. */
static void check_names(lua_State *L, const char *who, const lat_parameter *parameters,
                        const char *required, const size_t given[LAT_SIZES],
                        const char *const optional[])
{
  enum { MOST = 16 };
  const char *names[MOST + 1];
  size_t n = 0;
  int init = lua_gettop(L);
  for (const lat_parameter *p = parameters; p->name && n < MOST; p++) names[n++] = p->name;
  names[n] = NULL;
  latL_checkoptions(L, init, who, names);
  for (const lat_parameter *p = parameters; p->name; p++) {
    bool needed = required ? strcmp(p->name, required) == 0
                           : !is_empty(p, given) && !is_among(p->name, optional);
    if (needed && !latL_hasoption(L, init, p->name))
      latL_error(L, who, "init is without %s", p->name);
  }
}

/* A block with what the table on the top gives, which is popped. */
static latL_Fitted *read_table(lua_State *L, int model, const char *required,
                               const size_t given[LAT_SIZES], const char *const optional[])
{
  const latL_Model *m = lua_touserdata(L, model);
  const char *who = m->kind->name;
  const lat_parameter *parameters = latL_parametersof(m), *first = parameters;
  size_t sizes[LAT_SIZES], known[LAT_SIZES];
  int init = lua_gettop(L);
  check_names(L, who, parameters, required, given, optional);
  memcpy(known, given, sizeof known);
  if (required) { /* it tells the others' sizes */
    while (strcmp(first->name, required) != 0) first++;
    latL_getoption(L, init, required);
    read_value(L, who, first, known, NULL);
  }
  bool complete = find_sizes(L, parameters, init, who, known, optional, sizes);
  latL_Fitted *f = push_values(L, model, init, who, sizes);
  double *weights = lat_parameter_at(parameters, sizes, f->flat, "weights");
  if (weights && !isnan(*weights))
    latL_run(L, who, lat_take_distribution, "init.weights", sizes[LAT_K], weights);
  else if (weights && complete)
    for (size_t k = 0; k < sizes[LAT_K]; k++) weights[k] = 1 / (double)sizes[LAT_K];
  lua_remove(L, init);
  return f;
}

latL_Fitted *latL_pushgiven(lua_State *L, int model, const size_t given[LAT_SIZES],
                            const char *const optional[])
{
  int type = latL_getoption(L, 1, "init");
  if (type != LUA_TNIL && type != LUA_TTABLE)
    latL_error(L, ((const latL_Model *)lua_touserdata(L, model))->kind->name,
               "init must be a table of parameters, got %s", latL_typename(L, -1));
  if (type == LUA_TTABLE) return read_table(L, model, NULL, given, optional);
  lua_pop(L, 1);
  return NULL;
}

static const char *const WEIGHTS[] = {"weights", NULL};

latL_Fitted *latL_readgiven(lua_State *L, int model, const char *required,
                            const size_t given[LAT_SIZES])
{
  if (latL_getoption(L, 1, "init") == LUA_TTABLE)
    return read_table(L, model, required, given, WEIGHTS);
  lua_pop(L, 1);
  return NULL;
}

latL_Fitted *latL_givenmatrix(lua_State *L, int model, const char *name,
                              const size_t given[LAT_SIZES])
{
  lua_createtable(L, 0, 1);
  int type = latL_getoption(L, 1, "init");
  lua_setfield(L, -2, name);
  if (type == LUA_TTABLE || type == LUA_TUSERDATA)
    return read_table(L, model, name, given, WEIGHTS);
  lua_pop(L, 1);
  return NULL;
}

void latL_keepgiven(lua_State *L, int model)
{
  const latL_Fitted *f = lua_touserdata(L, -1);
  size_t count = lat_parameters_count(latL_parametersof(latL_owner(f)), f->sizes);
  bool complete = f->sizes[LAT_D] > 0;
  for (size_t i = 0; i < count; i++) complete = complete && !isnan(f->flat[i]);
  if (complete)
    latL_adoptgiven(L, model, latL_owner(f)->kind->name);
  else
    latL_keep(L, model, GIVEN);
}

/* ---- the model ------------------------------------------------------------------------------- */

/* Calls the metatable's `loaded` with the block at `fitted`; its messages name latent.load. */
static void check_loaded(lua_State *L, int model, int fitted, const char *who)
{
  static const char prefix[] = "latent.load: ";
  if (luaL_getmetafield(L, model, "loaded") == LUA_TNIL) return;
  lua_pushvalue(L, fitted);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
  const char *message = lua_tostring(L, -1), *at = message ? strstr(message, prefix) : NULL;
  if (!at) lua_error(L);
  at += strlen(prefix);
  const lat_parameter *p = latL_parametersof(lua_touserdata(L, model));
  while (p->name && strncmp(p->name, at, strcspn(at, " [")) != 0) p++;
  latL_error(L, who, p->name ? "init.%s" : "init: %s", at);
}

void latL_adoptgiven(lua_State *L, int model, const char *who)
{
  model = lua_absindex(L, model);
  int fitted = lua_gettop(L);
  lua_pushinteger(L, 0);
  latL_record(L, fitted, "iterations");
  lua_pushboolean(L, false);
  latL_record(L, fitted, "converged");
  latL_recordlist(L, fitted, "history", NULL, 0);
  check_loaded(L, model, fitted, who);
  lua_settop(L, fitted);
  lua_pushvalue(L, fitted);
  latL_keep(L, model, GIVEN);
  latL_publish(L, model);
}

void latL_madewith(lua_State *L, int model, const char *name, size_t value)
{
  model = lua_absindex(L, model);
  latL_kept(L, model, LATL_MADE_WITH);
  if (lua_istable(L, -1)) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
  }
  lua_pop(L, 1);
}
