/* nn_store.c: stores of parameters. */
#include "nn/nn.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* nn.parameters([options]) */
static int make(lua_State *L)
{
  static const char who[] = "nn.parameters";
  static const char *const names[] = {"seed", "dtype", NULL};
  latL_checkoptions(L, 1, who, names);
  lat_dtype dtype = latL_optdtype(L, 1, who, LAT_FLOAT32);
  lua_Integer seed = latL_optinteger(L, 1, who, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
  latL_Store *store = lua_newuserdatauv(L, sizeof *store, 0);
  store->gone = false;
  lat_store_init(&store->core, dtype, (uint64_t)seed);
  luaL_setmetatable(L, LATL_STORE);
  return 1;
}

static int collect(lua_State *L)
{
  latL_Store *store = latL_garbage(L, LATL_STORE);
  if (!store) return 0;
  lat_store_done(&store->core);
  store->gone = true;
  return 0;
}

static size_t bytes_of(const lat_store *store)
{
  return store->size * lat_dtype_size(store->dtype);
}

/* ---- parameters by name ------------------------------------------------------------------------- */

static size_t index_at(lua_State *L, int arg, const lat_store *store, const char *who)
{
  if (lua_type(L, arg) != LUA_TSTRING)
    latL_error(L, who, "name must be a string, got %s",
               lua_isnoneornil(L, arg) ? "nothing" : luaL_typename(L, arg));
  size_t index = lat_store_find(store, lua_tostring(L, arg));
  if (index == SIZE_MAX)
    latL_error(L, who, "the store has no parameter '%s'", lua_tostring(L, arg));
  return index;
}

/* store:add(name, rows, cols [, options]) */
static int add(lua_State *L)
{
  static const char who[] = "store:add";
  static const char *const names[] = {"init", "gain", NULL};
  lat_store *store = latL_checkstore(L, 1, who);
  if (lua_type(L, 2) != LUA_TSTRING)
    latL_error(L, who, "name must be a string, got %s", luaL_typename(L, 2));
  size_t rows = latL_checksize(L, 3, who, "rows"), cols = latL_checksize(L, 4, who, "cols"), index;
  latL_checkoptions(L, 5, who, names);
  int init = latL_optword(L, 5, who, "init", latL_init_words, LAT_INIT_ZERO);
  double gain = latL_optnumber(L, 5, who, "gain", 1, 1e-30, 1e30);
  lat_workspace *work = latL_workspace(L);
  latL_call(
      L, who, work,
      lat_store_add(work, store, lua_tostring(L, 2), rows, cols, (lat_init)init, gain, 0, &index));
  lua_settop(L, 1);
  return 1;
}

static int list(lua_State *L)
{
  latL_nooptions(L, 2, "store:names");
  const lat_store *store = latL_checkstore(L, 1, "store:names");
  lua_createtable(L, (int)store->count, 0);
  for (size_t i = 0; i < store->count; i++) {
    lua_pushstring(L, store->items[i].name);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* Pushes a copy of a parameter's part of one of the store's flat vectors. */
static int push_part(lua_State *L, const char *who, const lat_store *store, void *const *flat)
{
  size_t index = index_at(L, 2, store, who);
  static const char *const names[] = {"out", NULL};
  latL_checkoptions(L, 3, who, names);
  latL_Result out = latL_copyresult(L, 3, who, lat_store_view(store, *flat, index));
  lat_matrix part = lat_store_view(store, *flat, index);
  lat_copy(&part, &out.view);
  return 1;
}

static int get(lua_State *L)
{
  const lat_store *store = latL_checkstore(L, 1, "store:get");
  return push_part(L, "store:get", store, &store->values);
}

static int gradient(lua_State *L)
{
  static const char who[] = "store:gradient";
  const lat_store *store = latL_checkstore(L, 1, who);
  if (!store->gradients) latL_error(L, who, "there was no backward pass yet");
  return push_part(L, who, store, &store->gradients);
}

static int average_of(lua_State *L)
{
  static const char who[] = "store:averaged";
  const lat_store *store = latL_checkstore(L, 1, who);
  if (!store->average) latL_error(L, who, "there are no averages: store:average(decay) makes them");
  return push_part(L, who, store, &store->average);
}

static int set(lua_State *L)
{
  latL_nooptions(L, 4, "store:set");
  static const char who[] = "store:set";
  const lat_store *store = latL_checkstore(L, 1, who);
  size_t index = index_at(L, 2, store, who);
  if (lua_type(L, 3) == LUA_TNUMBER) {
    lat_matrix target = lat_store_view(store, store->values, index);
    lat_fill(&target, lua_tonumber(L, 3));
  } else {
    const latL_Matrix *A = latL_checkmatrix(L, 3, who, "value");
    lat_matrix target =
        lat_store_view(store, store->values, index); /* once the table is a matrix */
    lat_matrix from = A->vector && target.rows == 1 ? lat_transpose(A->view) : A->view;
    if (from.rows != target.rows || from.cols != target.cols)
      latL_error(L, who, "'%s' is %Ix%I, the value is a %s", lua_tostring(L, 2),
                 (lua_Integer)target.rows, (lua_Integer)target.cols, latL_shape(L, A));
    lat_copy(&from, &target);
  }
  lua_settop(L, 1);
  return 1;
}

/* ---- all at once ----------------------------------------------------------------------------------- */

static int clip(lua_State *L)
{
  latL_nooptions(L, 3, "store:clip");
  static const char who[] = "store:clip";
  lat_store *store = latL_checkstore(L, 1, who);
  double most = latL_checknumber(L, 2, who, "norm");
  if (!(most > 0)) latL_error(L, who, "norm must be positive, got %f", most);
  if (!store->gradients) latL_error(L, who, "there was no backward pass yet");
  lua_pushnumber(L, lat_store_clip(store, most));
  return 1;
}

static int average(lua_State *L)
{
  latL_nooptions(L, 3, "store:average");
  static const char who[] = "store:average";
  lat_store *store = latL_checkstore(L, 1, who);
  double decay = latL_checknumber(L, 2, who, "decay");
  if (!(decay >= 0 && decay < 1)) latL_error(L, who, "decay must be in [0, 1), got %f", decay);
  bool fresh = !store->average;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_store_average(work, store, decay));
  if (fresh) latL_weigh(L, bytes_of(store));
  lua_settop(L, 1);
  return 1;
}

static int swap(lua_State *L)
{
  latL_nooptions(L, 2, "store:swap");
  lat_store *store = latL_checkstore(L, 1, "store:swap");
  if (!store->average)
    latL_error(L, "store:swap", "there are no averages: store:average(decay) makes them");
  lat_store_swap(store);
  lua_settop(L, 1);
  return 1;
}

/* store:assign(other): the values of a store of the same layout */
static int assign(lua_State *L)
{
  latL_nooptions(L, 3, "store:assign");
  static const char who[] = "store:assign";
  lat_store *store = latL_checkstore(L, 1, who);
  const lat_store *other = latL_checkstore(L, 2, who);
  bool same = store->count == other->count && store->dtype == other->dtype;
  for (size_t i = 0; same && i < store->count; i++)
    same = store->items[i].rows == other->items[i].rows &&
           store->items[i].cols == other->items[i].cols;
  if (!same) latL_error(L, who, "the other store's parameters have other shapes");
  if (store->size) memcpy(store->values, other->values, bytes_of(store));
  lua_settop(L, 1);
  return 1;
}

static int fields(lua_State *L)
{
  const lat_store *store = latL_checkstore(L, 1, "store");
  const char *name = lua_tostring(L, 2);
  if (strcmp(name, "count") == 0)
    lua_pushinteger(L, (lua_Integer)store->numbers);
  else if (strcmp(name, "dtype") == 0)
    lua_pushstring(L, store->dtype == LAT_FLOAT64 ? "float64" : "float32");
  else if (strcmp(name, "seed") == 0)
    lua_pushinteger(L, (lua_Integer)store->seed);
  else
    return 0;
  return 1;
}

static int tostring(lua_State *L)
{
  const lat_store *store = latL_checkstore(L, 1, "store:__tostring");
  lua_pushfstring(L, "latent.Store (%I numbers in %I parameters)", (lua_Integer)store->numbers,
                  (lua_Integer)store->count);
  return 1;
}

void latL_open_nn_store(lua_State *L)
{
  /* clang-format off */
  static const luaL_Reg methods[] = {
    {"add", add}, {"names", list}, {"get", get}, {"set", set}, {"gradient", gradient},
    {"clip", clip}, {"average", average}, {"averaged", average_of}, {"swap", swap},
    {"assign", assign}, {NULL, NULL}
  };
  /* clang-format on */
  latL_newclass(L, LATL_STORE, methods, fields, collect);
  luaL_getmetatable(L, LATL_STORE);
  lua_pushcfunction(L, tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "parameters");
}
