/* lds_data.c: numbers and sequences from Lua, and a model with its matrices for their steps. */
#include <math.h>
#include <string.h>

#include "model/query.h"
#include "model/run.h"
#include "models/lds/lds.h"

/* ---- numbers --------------------------------------------------------------------------------- */

static void check_finite(lua_State *L, const char *who, const char *name, size_t n,
                         const double *numbers)
{
  for (size_t i = 0; i < n; i++)
    if (!isfinite(numbers[i]))
      latL_error(L, who, "%s has %f for element %I", name, numbers[i], (lua_Integer)i + 1);
}

void latL_readnumbers(lua_State *L, int arg, const char *who, const char *name, size_t n,
                      bool finite, double *to)
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
                   latL_typename(L, -1));
      to[i] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
  } else {
    latL_error(L, who, "%s must be a vector of %I, got %s", name, (lua_Integer)n,
               latL_typename(L, arg));
  }
  if (finite) check_finite(L, who, name, n, to);
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

const double *latL_optpacked(lua_State *L, int options, const char *who, const char *name,
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

/* ---- sequences ------------------------------------------------------------------------------- */

/* The matrix at `at`, packed, with `cols` columns (0: any), in whose place is what keeps it. A
 * vector is a column, or one row of `cols`. */
static lat_matrix check_rows(lua_State *L, int at, const char *who, const char *name, size_t cols)
{
  lat_matrix from = latL_checkquery(L, at, who, name, cols).X;
  if (cols && from.cols != cols)
    latL_error(L, who, "%s is a %s, it should have %I columns", name,
               latL_shape(L, latL_tomatrix(L, at)), (lua_Integer)cols);
  if (from.dtype == LAT_FLOAT64 && lat_is_packed(&from)) return from;
  lat_matrix to = latL_newmatrix(L, from.rows, from.cols, LAT_FLOAT64)->view;
  lat_copy(&from, &to);
  lua_replace(L, at);
  return to;
}

/* Reads one sequence: Y at `at`, its inputs at `at + 1` (or nil). */
static lat_lds_sequence check_one(lua_State *L, int at, const char *who, const char *name,
                                  size_t sizes[LAT_SIZES])
{
  lat_matrix Y = check_rows(L, at, who, name, sizes[LAT_D]);
  sizes[LAT_D] = Y.cols;
  lat_lds_sequence s = {.steps = Y.rows, .Y = Y.data};
  if (lua_isnil(L, at + 1)) return s;
  lat_matrix U = check_rows(L, at + 1, who, "inputs", sizes[LAT_U]);
  if (U.rows != Y.rows)
    latL_error(L, who, "there are %I rows of inputs for %I rows of Y", (lua_Integer)U.rows,
               (lua_Integer)Y.rows);
  sizes[LAT_U] = U.cols;
  s.U = U.data;
  return s;
}

/* Raises unless they have sizes[LAT_D] columns and the inputs sizes[LAT_U] (0: any, and it becomes
 * theirs). */
static latL_Sequences *check_sequences(lua_State *L, int data, int options, const char *who,
                                       size_t sizes[LAT_SIZES])
{
  bool list = latL_issequences(L, data);
  size_t count = list ? latL_lengthoflist(L, data) : 1;
  bool inputs = latL_getoption(L, options, "inputs") != LUA_TNIL;
  int given = lua_gettop(L);
  if (inputs && list && (!latL_issequences(L, given) || latL_lengthoflist(L, given) != count))
    latL_error(L, who, "inputs must be a list of %I matrices, one for each sequence",
               (lua_Integer)count);
  latL_Sequences *s = lua_newuserdatauv(L, sizeof *s + count * sizeof *s->of, 1);
  *s = (latL_Sequences){.count = count, .of = (lat_lds_sequence *)(s + 1)};
  int self = lua_gettop(L);
  lua_createtable(L, 2 * (int)count, 0); /* keeps the matrices */
  for (size_t i = 1; i <= count; i++) {
    const char *name = list ? lua_pushfstring(L, "Y[%I]", (lua_Integer)i) : lua_pushstring(L, "Y");
    latL_pushelement(L, data, list, i);
    latL_pushelement(L, given, list && inputs, i);
    lat_lds_sequence one = s->of[i - 1] = check_one(L, self + 3, who, name, sizes);
    s->rows += one.steps;
    if (one.steps > s->longest) s->longest = one.steps;
    lua_rawseti(L, self + 1, 2 * (lua_Integer)i);
    lua_rawseti(L, self + 1, 2 * (lua_Integer)i - 1);
    lua_settop(L, self + 1);
  }
  lua_setiuservalue(L, self, 1);
  lua_remove(L, given);
  if (!inputs) sizes[LAT_U] = 0;
  return s;
}

latL_Sequences *latL_ldsdata(lua_State *L, const latL_Fitted *f, int data, int options,
                             const char *who)
{
  size_t sizes[LAT_SIZES], inputs = f->sizes[LAT_U];
  memcpy(sizes, f->sizes, sizeof sizes);
  latL_Sequences *s = check_sequences(L, data, options, who, sizes);
  if (sizes[LAT_U] < inputs)
    latL_error(L, who, "the model has %I inputs, and none are given", (lua_Integer)inputs);
  if (sizes[LAT_U] > inputs) latL_error(L, who, "the model has no inputs, and some are given");
  return s;
}

/* ---- a model --------------------------------------------------------------------------------- */

lat_lds latL_ldsfor(lua_State *L, const char *who, size_t n)
{
  const latL_Fitted *f = lua_touserdata(L, 1);
  lat_lds_matrix values[LAT_LDS_PARAMETERS];
  bool called = latL_ldsvalues(L, 1, who, f->sizes, n, false, values);
  lat_lds lds = lat_lds_of(f->options, f->flat, f->sizes);
  for (int i = 0; i < LAT_LDS_MEAN; i++)
    if (values[i].stride) lds.matrix[i] = values[i];
  if (called) latL_run(L, who, lat_lds_check_parameters, &lds, n);
  return lds;
}

void latL_readsequences(lua_State *L, const char *who, latL_Units *units)
{
  const lat_lds_options *o = units->options;
  size_t sizes[LAT_SIZES] = {[LAT_M] = o->latent_dim, [LAT_D] = o->outputs, [LAT_U] = o->inputs};
  lat_lds_options *own = lua_newuserdatauv(L, sizeof *own, 2);
  int at = lua_gettop(L);
  const latL_Sequences *s = check_sequences(L, LATL_DATA, LATL_OPTIONS, who, sizes);
  lua_setiuservalue(L, at, 1);
  if (o->inputs && sizes[LAT_U] != o->inputs)
    latL_error(L, who, "the data has %I inputs, the model has %I", (lua_Integer)sizes[LAT_U],
               (lua_Integer)o->inputs);
  *own = *o;
  own->outputs = sizes[LAT_D];
  own->inputs = sizes[LAT_U];
  latL_ldsvalues(L, LATL_MODEL, who, sizes, s->longest, true, own->given);
  lua_setiuservalue(L, at, 2);
  *units = (latL_Units){s->of, own, s->count, sizes[LAT_D]};
}
