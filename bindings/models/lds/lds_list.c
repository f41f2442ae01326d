/* lds_list.c: lists of matrices, one for each step, and results, by the core's tables of them.
 *
 * Short lists are plain tables. Long ones are tables with metamethods that make an element when it
 * is first read, since of ten thousand covariances most are never read. */
#include <math.h>
#include <string.h>

#include "models/lds/lds.h"

#define PLAIN 256 /* the longest plain list: to make so many views takes some 50 us */

/* ---- lists that are given -------------------------------------------------------------------- */

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
  lua_Integer n = luaL_len(L, arg); /* also of lists with a metamethod */
  if (n < 0 || n > (lua_Integer)1 << 32) luaL_error(L, "a list can't have a length of %I", n);
  return (size_t)n;
}

void latL_pushelement(lua_State *L, int at, bool list, size_t i)
{
  if (list)
    lua_geti(L, at, (lua_Integer)i);
  else
    lua_pushvalue(L, at);
}

/* ---- lists that are made --------------------------------------------------------------------- */

enum { LIST_ALL = 1, LIST_ROWS, LIST_SLOTS }; /* upvalues of index_list */

/* The matrix of step t: a view, or where steps share a slot a copy, so that each has its own. */
static void push_element(lua_State *L, int all, size_t t, size_t rows, const size_t *slots)
{
  const latL_Matrix *from = latL_tomatrix(L, all);
  size_t first = (slots ? slots[t] : t) * rows;
  lat_matrix view = lat_block_of(from->view, first, 0, rows, from->view.cols);
  if (slots)
    lat_copy(&view, &latL_newmatrix(L, rows, view.cols, LAT_FLOAT64)->view);
  else
    latL_newview(L, all, view, false);
}

static void check_list(lua_State *L)
{
  if (!lua_istable(L, 1))
    latL_error(L, "lds", "self must be a list of matrices, got %s", latL_typename(L, 1));
}

static int index_list(lua_State *L)
{
  check_list(L);
  const latL_Matrix *all = lua_touserdata(L, lua_upvalueindex(LIST_ALL));
  size_t rows = (size_t)lua_tointeger(L, lua_upvalueindex(LIST_ROWS)), n = all->view.rows / rows;
  int is;
  lua_Integer t = lua_tointegerx(L, 2, &is);
  if (!is || lua_type(L, 2) != LUA_TNUMBER || t < 1 || (size_t)t > n) return 0;
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(LIST_ALL));
  push_element(L, 3, (size_t)t - 1, rows, lua_touserdata(L, lua_upvalueindex(LIST_SLOTS)));
  lua_pushvalue(L, -1);
  lua_rawseti(L, 1, t);
  return 1;
}

/* Upvalue: how many. */
static int length_of_list(lua_State *L)
{
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

static int pairs_of_list(lua_State *L)
{
  check_list(L);
  return latL_pairsbynumber(L);
}

/* From the matrix on the top, which it replaces. */
static void make_lazy(lua_State *L, size_t n, size_t rows, int slots)
{
  int all = lua_gettop(L);
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, all);
  lua_pushinteger(L, (lua_Integer)rows);
  if (slots)
    lua_pushvalue(L, slots);
  else
    lua_pushnil(L);
  lua_pushcclosure(L, index_list, 3);
  lua_setfield(L, -2, "__index");
  lua_pushinteger(L, (lua_Integer)n);
  lua_pushcclosure(L, length_of_list, 1);
  lua_setfield(L, -2, "__len");
  lua_pushcfunction(L, pairs_of_list);
  lua_setfield(L, -2, "__pairs");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_replace(L, all);
}

double *latL_newmatrices(lua_State *L, size_t n, size_t rows, size_t cols, int slots)
{
  luaL_checkstack(L, 8, "a list of matrices");
  double *data = latL_newmatrix(L, n * rows, cols, LAT_FLOAT64)->view.data;
  if (n > PLAIN) {
    make_lazy(L, n, rows, slots);
    return data;
  }
  latL_newviews(L, lua_gettop(L), data, n, rows, cols);
  lua_remove(L, -2);
  return data;
}

size_t *latL_newslots(lua_State *L, size_t n)
{
  return n <= PLAIN ? NULL : lua_newuserdatauv(L, n * sizeof(size_t), 0);
}

/* ---- results --------------------------------------------------------------------------------- */

/* Pushes the memory of a result; false, and pushes nothing, for one that isn't memory, or isn't
 * given. */
static bool push_memory(lua_State *L, lat_lds_call *c, const lat_lds_result *r, int slots,
                        unsigned asked)
{
  const size_t sizes[LAT_SIZES] = {[LAT_M] = c->lds.states, [LAT_D] = c->lds.outputs};
  size_t n = c->rows, size = sizes[r->size];
  double *data;
  if (r->shape >= LAT_LDS_ONE || (r->only_if && !(r->only_if & asked))) return false;
  if (r->shape == LAT_LDS_ROWS)
    data = latL_newmatrix(L, n, size, LAT_FLOAT64)->view.data;
  else if (r->shape == LAT_LDS_NUMBERS)
    data = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  else
    data = latL_newmatrices(L, n, size, size, r->shape == LAT_LDS_SLOTS ? slots : 0);
  memcpy((char *)c + r->field, &data, sizeof data);
  return true;
}

int latL_pushresults(lua_State *L, lat_lds_call *c, const lat_lds_method_row *m, int slots,
                     unsigned asked)
{
  int values = 0;
  if (m->by_name) {
    lua_createtable(L, 0, 8);
    luaL_setmetatable(L, LATL_RESULTS);
  }
  for (const lat_lds_result *r = m->results; r->name; r++) {
    if (!push_memory(L, c, r, slots, asked)) continue;
    if (m->by_name) lua_setfield(L, -2, r->name);
    values++;
  }
  return m->by_name ? 1 : values;
}

void latL_setnumbers(lua_State *L, const lat_lds_call *c, const lat_lds_method_row *m)
{
  for (const lat_lds_result *r = m->results; m->by_name && r->name; r++) {
    const void *at = (const char *)c + r->field;
    if (r->shape == LAT_LDS_ONE) lua_pushnumber(L, *(const double *)at);
    if (r->shape == LAT_LDS_COUNT) lua_pushinteger(L, (lua_Integer) * (const size_t *)at);
    if (r->shape >= LAT_LDS_ONE) lua_setfield(L, -2, r->name);
  }
}

lat_lds_forecasts latL_newforecasts(lua_State *L, const lat_lds *lds, size_t h, double level)
{
  lat_lds_call c = {.lds = *lds, .rows = h, .to.forecasts.level = level};
  unsigned asked = isnan(level) ? 0 : LAT_LDS_INTERVALS;
  latL_pushresults(L, &c, lat_lds_find_method("forecast"), 0, asked);
  return c.to.forecasts;
}
