/* lds_data.c: sequences, and a model with its matrices for their steps. */
#include <string.h>

#include "model/query.h"
#include "models/lds/lds.h"

/* ---- sequences ----------------------------------------------------------------------------------- */

bool latL_issequences(lua_State *L, int arg)
{
  if (lua_type(L, arg) != LUA_TTABLE) return false;
  arg = lua_absindex(L, arg);
  bool list = lua_geti(L, arg, 1) == LUA_TUSERDATA;
  if (lua_type(L, -1) == LUA_TTABLE) {
    list = lua_geti(L, -1, 1) == LUA_TTABLE;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return list;
}

size_t latL_lengthoflist(lua_State *L, int arg)
{
  lua_Integer n = luaL_len(L, arg); /* of lists that make their elements, too */
  if (n < 0 || n > (lua_Integer)1 << 32) luaL_error(L, "a list can't have a length of %I", n);
  return (size_t)n;
}

/* The matrix at `at`, packed, with `cols` columns (0: any); what it is in is pushed. A vector is a
 * column, or one row of `cols`. */
static lat_matrix check_rows(lua_State *L, int at, const char *who, const char *name, size_t cols)
{
  lat_matrix from = latL_checkquery(L, at, who, name, cols).X;
  if (cols && from.cols != cols)
    latL_error(L, who, "%s is a %s, it should have %I columns", name,
               latL_shape(L, latL_tomatrix(L, at)), (lua_Integer)cols);
  if (from.dtype == LAT_FLOAT64 && lat_is_packed(&from)) {
    lua_pushvalue(L, at);
    return from;
  }
  lat_matrix to = latL_newmatrix(L, from.rows, from.cols, LAT_FLOAT64)->view;
  lat_copy(&from, &to);
  return to;
}

/* Reads one sequence: Y at `at`, its inputs at `at + 1` (or nil). Replaces both by what keeps them. */
static lat_lds_sequence check_one(lua_State *L, int at, const char *who, const char *name,
                                  size_t *outputs, size_t *inputs)
{
  lat_matrix Y = check_rows(L, at, who, name, *outputs);
  lua_replace(L, at);
  *outputs = Y.cols;
  lat_lds_sequence s = {.steps = Y.rows, .Y = Y.data};
  if (lua_isnil(L, at + 1)) return s;
  lat_matrix U = check_rows(L, at + 1, who, "inputs", *inputs);
  lua_replace(L, at + 1);
  if (U.rows != Y.rows)
    latL_error(L, who, "there are %I rows of inputs for %I rows of Y", (lua_Integer)U.rows,
               (lua_Integer)Y.rows);
  *inputs = U.cols;
  s.U = U.data;
  return s;
}

latL_Sequences *latL_ldsdata(lua_State *L, const latL_Fitted *f, int data, int options,
                             const char *who)
{
  const size_t *sizes = f->sizes;
  size_t outputs = sizes[LAT_D], inputs = sizes[LAT_U];
  latL_Sequences *s = latL_checksequences(L, data, options, who, &outputs, &inputs);
  if (inputs < sizes[LAT_U])
    latL_error(L, who, "the model has %I inputs, and none are given", (lua_Integer)sizes[LAT_U]);
  if (inputs > sizes[LAT_U]) latL_error(L, who, "the model has no inputs, and some are given");
  return s;
}

latL_Sequences *latL_checksequences(lua_State *L, int data, int options, const char *who,
                                    size_t *outputs, size_t *inputs)
{
  bool list = latL_issequences(L, data);
  size_t count = list ? latL_lengthoflist(L, data) : 1;
  latL_getoption(L, options, "inputs");
  int given = lua_gettop(L);
  bool driven = !lua_isnil(L, given);
  if (driven && list && (!latL_issequences(L, given) || latL_lengthoflist(L, given) != count))
    latL_error(L, who, "inputs must be a list of %I matrices, one for each sequence",
               (lua_Integer)count);
  latL_Sequences *s = lua_newuserdatauv(L, sizeof *s + count * sizeof *s->of, 1);
  *s = (latL_Sequences){.count = count, .of = (lat_lds_sequence *)(s + 1)};
  int self = lua_gettop(L);
  lua_createtable(L, 2 * (int)count, 0); /* keeps the matrices */
  for (size_t i = 0; i < count; i++) {
    const char *name = list ? lua_pushfstring(L, "Y[%I]", (lua_Integer)i + 1) : "Y";
    if (!list) lua_pushnil(L);
    if (list)
      lua_geti(L, data, (lua_Integer)i + 1);
    else
      lua_pushvalue(L, data);
    if (list && driven)
      lua_geti(L, given, (lua_Integer)i + 1);
    else
      lua_pushvalue(L, given);
    s->of[i] = check_one(L, self + 3, who, name, outputs, inputs);
    s->rows += s->of[i].steps;
    lua_rawseti(L, self + 1, 2 * (lua_Integer)i + 2);
    lua_rawseti(L, self + 1, 2 * (lua_Integer)i + 1);
    lua_settop(L, self + 1);
  }
  lua_setiuservalue(L, self, 1);
  lua_remove(L, given);
  if (!driven) *inputs = 0;
  s->outputs = *outputs;
  s->inputs = *inputs;
  return s;
}

/* ---- a model ---------------------------------------------------------------------------------------- */

/* Makes a table of the matrices that the function of parameter i gives for steps 1..n. Those of the
 * first transition, which there isn't, stay 0. The table that keeps them is on the top. */
static void ask(lua_State *L, const char *who, int i, size_t n, const size_t sizes[LAT_SIZES],
                lat_lds_matrix *to)
{
  const char *name = lat_lds_parameters[i].name;
  size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
  bool moves = i == LAT_LDS_A || i == LAT_LDS_B || i == LAT_LDS_Q;
  int keeper = lua_gettop(L);
  double *at = latL_newmatrix(L, n, count, LAT_FLOAT64)->view.data;
  lua_rawseti(L, keeper, i + 1);
  memset(at, 0, count * sizeof *at);
  for (size_t t = moves; t < n; t++) {
    latL_kept(L, 1, name);
    lua_pushinteger(L, (lua_Integer)t + 1);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) != LUA_TNUMBER) latL_checkmatrix(L, lua_gettop(L), who, name);
    latL_putlds(L, who, i, lua_gettop(L), sizes, at + t * count);
    lua_settop(L, keeper);
  }
  *to = (lat_lds_matrix){at, count};
}

void latL_varylds(lua_State *L, const latL_Lds *m, const char *who, size_t n,
                  const size_t sizes[LAT_SIZES], lat_lds_matrix varying[LAT_LDS_PARAMETERS])
{
  luaL_checkstack(L, 8, who);
  lua_newtable(L);
  memset(varying, 0, LAT_LDS_PARAMETERS * sizeof *varying);
  for (int i = 0; i < LAT_LDS_MEAN; i++) {
    size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
    if (count == 0) continue;
    if (m->given[i] == LATL_LIST && m->steps[i] < n)
      latL_error(L, who, "%s is given for %I steps, and %I are needed", lat_lds_parameters[i].name,
                 (lua_Integer)m->steps[i], (lua_Integer)n);
    if (m->given[i] == LATL_LIST) varying[i] = (lat_lds_matrix){m->listed[i], count};
    if (m->given[i] == LATL_FUNCTION) ask(L, who, i, n, sizes, varying + i);
  }
}

const latL_Lds *latL_ldsof(const latL_Fitted *f)
{
  return (const latL_Lds *)latL_owner(f);
}

void latL_checklds(lua_State *L, const char *who, lat_lds *core, size_t *steps)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  const latL_Lds *m = latL_ldsof(f);
  lat_lds_model listed = m->core;
  memset(listed.varying, 0, sizeof listed.varying);
  *steps = 0;
  for (int i = 0; i < LAT_LDS_MEAN; i++) {
    if (m->given[i] == LATL_FUNCTION)
      latL_error(L, who, "%s is a function of t, for which there must be sequences",
                 lat_lds_parameters[i].name);
    if (m->given[i] != LATL_LIST) continue;
    listed.varying[i] =
        (lat_lds_matrix){m->listed[i], lat_parameter_count(lat_lds_parameters + i, f->sizes)};
    if (*steps == 0 || m->steps[i] < *steps) *steps = m->steps[i];
  }
  *core = lat_lds_of_model(&listed, f->flat, f->sizes);
}

void latL_ldsfor(lua_State *L, const char *who, size_t n, lat_lds *core)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  const latL_Lds *m = latL_ldsof(f);
  lat_lds_model now = m->core;
  bool asked = false;
  latL_varylds(L, m, who, n, f->sizes, now.varying);
  *core = lat_lds_of_model(&now, f->flat, f->sizes);
  for (int i = 0; i < LAT_LDS_MEAN; i++) asked |= m->given[i] == LATL_FUNCTION;
  if (asked) {
    lat_workspace *work = latL_workspace(L);
    latL_call(L, who, work, lat_lds_check(work, core, n));
  }
}
