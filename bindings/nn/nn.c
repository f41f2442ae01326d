/* nn.c: what the parts of latent.nn share: their objects among the arguments, and steps of a
 * tape. */
#include "nn/nn.h"

#include <stdint.h>
#include <string.h>

#include "base/words.h"

void latL_weigh(lua_State *L, size_t bytes)
{
  if (bytes >= 1024) lua_gc(L, LUA_GCSTEP, bytes / 1024 < 65536 ? (int)(bytes / 1024) : 65536);
}

/* ---- arguments ------------------------------------------------------------------------------ */

static void *check(lua_State *L, int arg, const char *metatable, const char *who, const char *must)
{
  void *object = luaL_testudata(L, arg, metatable);
  if (!object) latL_error(L, who, "%s, got %s", must, latL_typegot(L, arg));
  return object;
}

void latL_usestore(lua_State *L, const lat_store *store, const char *who)
{
  if (((const latL_Store *)store)->gone) latL_failgone(L, who, "store's memory");
}

static void use_tape(lua_State *L, const lat_tape *tape, const char *who)
{
  if (((const latL_Tape *)tape)->gone) latL_failgone(L, who, "tape's memory");
  for (size_t i = 0; i < tape->store_count; i++) latL_usestore(L, tape->stores[i], who);
}

lat_store *latL_checkstore(lua_State *L, int arg, const char *who)
{
  lat_store *store = check(L, arg, LATL_STORE, who, "store must be what nn.parameters makes");
  latL_usestore(L, store, who);
  return store;
}

size_t latL_checkparameter(lua_State *L, int arg, const char *who, const lat_store *store)
{
  const char *name = latL_checkstring(L, arg, who, "name");
  size_t index = lat_store_find(store, name);
  if (index == SIZE_MAX) latL_error(L, who, "the store has no parameter '%s'", name);
  return index;
}

lat_tape *latL_checktape(lua_State *L, int arg, const char *who)
{
  lat_tape *tape = check(L, arg, LATL_TAPE, who, "tape must be what nn.tape makes");
  if (((const latL_Tape *)tape)->gone) latL_failgone(L, who, "tape's memory");
  return tape;
}

latL_Value *latL_checkvalue(lua_State *L, int arg, const char *who, const char *name)
{
  latL_Value *v = luaL_testudata(L, arg, LATL_VALUE);
  if (!v)
    latL_error(L, who, "%s must be a value of a tape (tape:input makes one of a matrix), got %s",
               name, latL_typegot(L, arg));
  use_tape(L, v->tape, who);
  return v;
}

lat_value latL_tovalue(lua_State *L, int arg, lat_tape *tape, const char *who, const char *name)
{
  latL_Value *v = luaL_testudata(L, arg, LATL_VALUE);
  if (v && v->tape != tape) latL_error(L, who, "%s belongs to another tape", name);
  if (v) return v->handle;
  if (lua_type(L, arg) == LUA_TNUMBER) return lat_nn_fill(tape, 1, 1, lua_tonumber(L, arg));
  if (!latL_tomatrix(L, arg) && lua_type(L, arg) != LUA_TTABLE)
    latL_error(L, who, "%s must be a value or a matrix, got %s", name, latL_typegot(L, arg));
  return lat_nn_input(tape, &latL_checkmatrix(L, arg, who, name)->view, false);
}

lat_activation latL_checkactivation(lua_State *L, int arg, const char *who, const char *name)
{
  const char *word = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : NULL;
  for (int i = 0; word && i < LAT_ACTIVATIONS; i++)
    if (strcmp(word, lat_activation_names[i]) == 0) return (lat_activation)i;
  const char *near = word ? lat_nearest_word(word, lat_activation_names) : NULL;
  if (near) latL_error(L, who, "unknown %s '%s', did you mean '%s'?", name, word, near);
  latL_error(L, who,
             "%s must be one of linear, relu, leaky_relu, elu, tanh, sigmoid, "
             "softplus, silu and gelu, got %s",
             name, word ? word : latL_typename(L, arg));
  return LAT_NN_LINEAR;
}

/* ---- steps ---------------------------------------------------------------------------------- */

void latL_begin(lua_State *L, lat_tape *tape)
{
  lua_Debug where;
  tape->work = latL_workspace(L);
  tape->tag = 0;
  if (tape->check && lua_getstack(L, 1, &where) && lua_getinfo(L, "l", &where))
    tape->tag = where.currentline > 0 ? (uint32_t)where.currentline : 0;
}

void latL_checkstep(lua_State *L, lat_tape *tape, const char *who)
{
  if (tape->status == LAT_OK) return;
  const char *message = lua_pushstring(L, tape->memory.message[0] ? tape->memory.message
                                                                  : lat_status_name(tape->status));
  lat_status status = tape->status;
  tape->status = LAT_OK;         /* what has been computed before is still good */
  if (status == LAT_CANCELLED) { /* the hook is to raise */
    lat_workspace *work = latL_workspace(L);
    latL_call(L, who, work, lat_fail(work, status, "%s", message));
  }
  latL_error(L, who, "%s", message);
}

int latL_pushvalue(lua_State *L, int tape, const char *who, lat_value handle)
{
  lat_tape *t = lua_touserdata(L, tape);
  if (t->check && t->status == LAT_OK) lat_tape_checked(t, handle);
  if (t->status != LAT_OK) latL_checkstep(L, t, who);
  tape = lua_absindex(L, tape);
  latL_Value *v = lua_newuserdatauv(L, sizeof *v, 1);
  *v = (latL_Value){handle, t};
  lua_pushvalue(L, tape);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, LATL_VALUE);
  return 1;
}

void latL_keepstore(lua_State *L, int tape, int store)
{
  void *key = lua_touserdata(L, store);
  store = lua_absindex(L, store);
  lua_getiuservalue(L, tape, 1);
  if (lua_rawgetp(L, -1, key) == LUA_TNIL) {
    lua_pushvalue(L, store);
    lua_rawsetp(L, -3, key);
  }
  lua_pop(L, 2);
}

latL_Result latL_copyresult(lua_State *L, int options, const char *who, lat_matrix A)
{
  return latL_result(L, options, who, A.rows, A.cols, false, A.dtype, LATL_ANY_PLACES);
}
