/* polls.c: runs a Lua script whose calls into the core are counted where they ask whether to go on, and can
 * be interrupted at any of these places, as Ctrl-C would. Linked with --wrap=lat_check.
 *
 *   polls(f)     -> how often the calling thread asked
 *   polls(f, n)  -> the same, true or false, what f raised: at the n-th time a debug hook is set that
 *                   raises "interrupted!"
 *   late(f, ...)  -> the same, of a C function that is called with the hook set already: as a signal does that
 *                   comes after the virtual machine has looked, and before the function has begun to watch */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

#include "latent.h"

lat_status __real_lat_check(lat_workspace *work);
lat_status __wrap_lat_check(lat_workspace *work);

static lua_State *state;
static lua_Integer asked, interrupt_at;

static void hook(lua_State *L, lua_Debug *where)
{
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

lat_status __wrap_lat_check(lat_workspace *work)
{
  if (++asked == interrupt_at)
    lua_sethook(state, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
  return __real_lat_check(work);
}

static int polls(lua_State *L)
{
  lua_settop(L, 2);
  asked = 0;
  interrupt_at = lua_tointeger(L, 2);
  lua_pushvalue(L, 1);
  int status = lua_pcall(L, 0, 0, 0);
  lua_sethook(L, NULL, 0, 0);
  interrupt_at = 0;
  if (status != LUA_OK && lua_isnil(L, 2)) return lua_error(L);
  lua_pushinteger(L, asked);
  lua_pushboolean(L, status == LUA_OK);
  if (status == LUA_OK) return 2;
  lua_pushvalue(L, 3);
  return 3;
}

static int late(lua_State *L)
{
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  int status = lua_pcall(L, lua_gettop(L) - 1, 0, 0);
  lua_sethook(L, NULL, 0, 0);
  lua_pushboolean(L, status == LUA_OK);
  lua_insert(L, 1);
  return lua_gettop(L);
}

int main(int count, char **arguments)
{
  if (count != 2) return 2;
  state = luaL_newstate();
  luaL_openlibs(state);
  luaL_requiref(state, "latent", luaopen_latent, 0);
  lua_pop(state, 1);
  lua_register(state, "polls", polls);
  lua_register(state, "late", late);
  if (luaL_dofile(state, arguments[1]) != LUA_OK) {
    puts(lua_tostring(state, -1));
    return 1;
  }
  lua_close(state);
  puts("ok");
  return 0;
}
