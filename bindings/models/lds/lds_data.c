/* lds_data.c: sequences, and a model with its matrices for their steps. */
#include <string.h>

#include "model/query.h"
#include "models/lds/lds.h"

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

/* Pushes element i of the list at `at`, or the value itself. */
static void push_element(lua_State *L, int at, bool list, size_t i)
{
  if (list && !lua_isnil(L, at))
    lua_geti(L, at, (lua_Integer)i);
  else
    lua_pushvalue(L, at);
}

latL_Sequences *latL_checksequences(lua_State *L, int data, int options, const char *who,
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
    push_element(L, data, list, i);
    push_element(L, given, list, i);
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
  latL_Sequences *s = latL_checksequences(L, data, options, who, sizes);
  if (sizes[LAT_U] < inputs)
    latL_error(L, who, "the model has %I inputs, and none are given", (lua_Integer)inputs);
  if (sizes[LAT_U] > inputs) latL_error(L, who, "the model has no inputs, and some are given");
  return s;
}

/* ---- a model --------------------------------------------------------------------------------- */

void latL_ldsfor(lua_State *L, const char *who, size_t n, lat_lds *core)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  const latL_Lds *m = (const latL_Lds *)latL_owner(f);
  lat_lds_model now = m->core;
  bool called = false;
  latL_ldsvalues(L, 1, m, who, f->sizes, n, false, now.varying);
  *core = lat_lds_of_model(&now, f->flat, f->sizes);
  for (int i = 0; i < LAT_LDS_MEAN; i++) called |= m->given[i] == LATL_FUNCTION;
  if (!called) return;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_check(work, core, n));
}

size_t latL_checklds(lua_State *L, const char *who, lat_lds *core)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  const latL_Lds *m = (const latL_Lds *)latL_owner(f);
  size_t steps = 0;
  for (int i = 0; i < LAT_LDS_MEAN; i++) {
    if (m->given[i] == LATL_FUNCTION)
      latL_error(L, who, "%s is a function of t, for which there must be sequences",
                 lat_lds_parameters[i].name);
    if (m->given[i] == LATL_LIST && (steps == 0 || m->steps[i] < steps)) steps = m->steps[i];
  }
  latL_ldsfor(L, who, steps, core);
  return steps;
}
