/* limit.c: a host whose allocator counts, and refuses what would exceed a limit. Runs a script with
 *
 *   held()     bytes that the allocator has given
 *   peak()     the most since the last call of peak
 *   limit(n)   bytes from now on; without n there is no limit
 *
 *   limit SCRIPT     prints what the script prints, and "N bytes are left" when closing the state leaves any */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "latent.h"

static struct {
  size_t held, peak, limit;
} heap = {0, 0, SIZE_MAX};

static void *allocate(void *state, void *old, size_t was, size_t size)
{
  (void)state;
  if (!old) was = 0; /* then it is a kind of object */
  if (size > was && (size > heap.limit || heap.held - was > heap.limit - size)) return NULL;
  void *memory = NULL;
  if (size > 0 && !(memory = realloc(old, size))) return NULL;
  if (size == 0) free(old);
  heap.held += size - was;
  if (heap.held > heap.peak) heap.peak = heap.held;
  return memory;
}

static int held(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)heap.held);
  return 1;
}

static int peak(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)heap.peak);
  heap.peak = heap.held;
  return 1;
}

static int limit(lua_State *L)
{
  heap.limit = lua_isnoneornil(L, 1) ? SIZE_MAX : (size_t)luaL_checkinteger(L, 1);
  return 0;
}

int main(int count, char **arguments)
{
  if (count != 2) return 1;
  lua_State *L = lua_newstate(allocate, NULL);
  if (!L) return 1;
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  lua_pop(L, 1);
  lua_register(L, "held", held);
  lua_register(L, "peak", peak);
  lua_register(L, "limit", limit);
  int status = luaL_dofile(L, arguments[1]);
  if (status != LUA_OK) printf("%s\n", lua_tostring(L, -1));
  heap.limit = SIZE_MAX;
  lua_close(L);
  if (heap.held != 0) printf("%zu bytes are left\n", heap.held);
  return status != LUA_OK || heap.held != 0;
}
