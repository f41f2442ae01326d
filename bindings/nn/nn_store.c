/* nn_store.c: stores of parameters. */
#include "nn/nn.h"

#include <stdint.h>

/* nn.parameters([options]) */
static int make(lua_State *L, const latL_Function *f)
{
  latL_checkoptions(L, 1, f->who, LATL_NAMES("seed", "dtype"));
  lat_dtype dtype = latL_optdtype(L, 1, f->who, LAT_FLOAT32);
  uint64_t seed = latL_optseed(L, 1, f->who);
  latL_Store *store = lua_newuserdatauv(L, sizeof *store, 0);
  store->gone = false;
  lat_store_init(&store->core, dtype, seed);
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

/* ---- parameters by name --------------------------------------------------------------------- */

/* store:add(name, rows, cols [, options]) */
static int add(lua_State *L, const latL_Function *f)
{
  lat_store *store = latL_checkstore(L, 1, f->who);
  const char *name = latL_checkstring(L, 2, f->who, "name");
  size_t rows = latL_checksize(L, 3, f->who, "rows"), cols = latL_checksize(L, 4, f->who, "cols");
  lat_init init = (lat_init)latL_optword(L, 5, f->who, "init", lat_init_names, LAT_INIT_ZERO);
  double gain = latL_optnumber(L, 5, f->who, "gain", 1, 1e-30, 1e30);
  size_t index;
  latL_run(L, f->who, lat_store_add, store, name, rows, cols, init, gain, 0, &index);
  return latL_returnself(L);
}

static int list(lua_State *L, const latL_Function *f)
{
  const lat_store *store = latL_checkstore(L, 1, f->who);
  lua_createtable(L, (int)store->count, 0);
  for (size_t i = 0; i < store->count; i++) {
    lua_pushstring(L, store->items[i].name);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

enum { VALUES, GRADIENTS, AVERAGES }; /* the flat vectors of a store */

/* One of them; raises when it isn't there yet. */
static void *flat_of(lua_State *L, const char *who, const lat_store *store, int which)
{
  if (which == GRADIENTS && !store->gradients) latL_error(L, who, "there was no backward pass yet");
  if (which == AVERAGES && !store->average)
    latL_error(L, who, "there are no averages: store:average(decay) makes them");
  return which == VALUES ? store->values : which == GRADIENTS ? store->gradients : store->average;
}

/* A copy of a parameter's part of a flat vector, the `kind`. */
static int get(lua_State *L, const latL_Function *f)
{
  const lat_store *store = latL_checkstore(L, 1, f->who);
  void *flat = flat_of(L, f->who, store, f->kind);
  size_t index = latL_checkparameter(L, 2, f->who, store);
  latL_Result out = latL_copyresult(L, 3, f->who, lat_store_view(store, flat, index));
  lat_matrix part = lat_store_view(store, flat_of(L, f->who, store, f->kind), index);
  lat_copy(&part, &out.view);
  return 1;
}

static int set(lua_State *L, const latL_Function *f)
{
  const lat_store *store = latL_checkstore(L, 1, f->who);
  size_t index = latL_checkparameter(L, 2, f->who, store);
  const bool number = lua_type(L, 3) == LUA_TNUMBER;
  const latL_Matrix *A = number ? NULL : latL_checkmatrix(L, 3, f->who, "value");
  lat_matrix target = lat_store_view(store, store->values, index); /* once a table is a matrix */
  if (number) {
    lat_fill(&target, lua_tonumber(L, 3));
  } else {
    lat_matrix from = A->vector && target.rows == 1 ? lat_transpose(A->view) : A->view;
    if (from.rows != target.rows || from.cols != target.cols)
      latL_error(L, f->who, "'%s' is %Ix%I, the value is a %s", lua_tostring(L, 2),
                 (lua_Integer)target.rows, (lua_Integer)target.cols, latL_shape(L, A));
    lat_copy(&from, &target);
  }
  return latL_returnself(L);
}

/* ---- all at once ---------------------------------------------------------------------------- */

static int clip(lua_State *L, const latL_Function *f)
{
  lat_store *store = latL_checkstore(L, 1, f->who);
  double most = latL_checknumber(L, 2, f->who, "norm");
  if (!(most > 0)) latL_error(L, f->who, "norm must be positive, got %f", most);
  flat_of(L, f->who, store, GRADIENTS);
  return latL_returnnumber(L, lat_store_clip(store, most));
}

static int average(lua_State *L, const latL_Function *f)
{
  lat_store *store = latL_checkstore(L, 1, f->who);
  double decay = latL_checknumber(L, 2, f->who, "decay");
  if (!(decay >= 0 && decay < 1)) latL_error(L, f->who, "decay must be in [0, 1), got %f", decay);
  bool fresh = !store->average;
  latL_run(L, f->who, lat_store_average, store, decay);
  if (fresh) latL_weigh(L, store->size * lat_dtype_size(store->dtype));
  return latL_returnself(L);
}

static int swap(lua_State *L, const latL_Function *f)
{
  lat_store *store = latL_checkstore(L, 1, f->who);
  flat_of(L, f->who, store, AVERAGES);
  lat_store_swap(store);
  return latL_returnself(L);
}

/* store:assign(other): the values of a store of the same layout */
static int assign(lua_State *L, const latL_Function *f)
{
  lat_store *store = latL_checkstore(L, 1, f->who);
  const lat_store *other = latL_checkstore(L, 2, f->who);
  latL_run(L, f->who, lat_store_assign, store, other);
  return latL_returnself(L);
}

static int tostring(lua_State *L, const latL_Function *f)
{
  const lat_store *store = latL_checkstore(L, 1, f->who);
  lua_pushfstring(L, "latent.Store (%I numbers in %I parameters)", (lua_Integer)store->numbers,
                  (lua_Integer)store->count);
  return 1;
}

static void *store_at(lua_State *L, const char *who)
{
  return latL_checkstore(L, 1, who);
}

static const latL_Function methods[] = {
    {"store:add", add, 4, 0, LATL_OPTIONS("init", "gain")},
    {"store:names", list, .arguments = 1},
    {"store:get", get, 2, 0, LATL_OPTIONS("out"), .kind = VALUES},
    {"store:gradient", get, 2, 0, LATL_OPTIONS("out"), .kind = GRADIENTS},
    {"store:averaged", get, 2, 0, LATL_OPTIONS("out"), .kind = AVERAGES},
    {"store:set", set, .arguments = 3},
    {"store:clip", clip, .arguments = 2},
    {"store:average", average, .arguments = 2},
    {"store:swap", swap, .arguments = 1},
    {"store:assign", assign, .arguments = 2},
    {"store:__tostring", tostring, .arguments = 0},
    LATL_END};
static const latL_Field fields[] = {{"count", LATL_SIZE, offsetof(lat_store, numbers)},
                                    {"dtype", LATL_DTYPE, offsetof(lat_store, dtype)},
                                    {"seed", LATL_UINT64, offsetof(lat_store, seed)},
                                    {.name = NULL}};
const latL_Class latL_nn_store_class = {LATL_STORE, "store", methods, fields,
                                        store_at,   NULL,    collect};
const latL_Function latL_nn_store_functions[] = {{"nn.parameters", make, .arguments = 0}, LATL_END};
