/* parts.c: how the parts in Lua are found, and what they see.
 *
 * Scripts may take away what parts are made of: hosts that run code of others' take `require`, io
 * or all globals from it once the module is there. So parts have an environment of their own, with
 * Lua's libraries as they were when the module was opened, and a `require` that gives it to the
 * other parts. What isn't among these is the state's global; `print` is, too, as long as there is
 * one, for hosts put another in its place. */
#include <string.h>

#include "lua/binding.h"

/* Upvalues of the parts' require: the environment, the state's own require, package.searchpath and
 * package.path as they were, the module. */
enum { ENVIRONMENT = 1, OWN, SEARCH, PATH, MODULE };

static const char *const libraries[] = {
    "assert",  "collectgarbage", "coroutine", "debug",    "dofile",   "error",    "getmetatable",
    "io",      "ipairs",         "load",      "loadfile", "math",     "next",     "os",
    "package", "pairs",          "pcall",     "rawequal", "rawget",   "rawlen",   "rawset",
    "select",  "setmetatable",   "string",    "table",    "tonumber", "tostring", "type",
    "utf8",    "warn",           "xpcall",    "_VERSION", "_G",       NULL};

/* __index of the environment. Upvalue: print as it was. */
static int index_globals(lua_State *L)
{
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_pushvalue(L, 2);
  if (lua_gettable(L, -2) != LUA_TNIL) return 1;
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "print") != 0) return 1;
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

static void push_environment(lua_State *L)
{
  lua_newtable(L);
  for (size_t i = 0; libraries[i]; i++) {
    lua_getglobal(L, libraries[i]);
    lua_setfield(L, -2, libraries[i]);
  }
  lua_createtable(L, 0, 1);
  lua_getglobal(L, "print");
  lua_pushcclosure(L, index_globals, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

/* Pushes the file of the part at 1 that the path on the top has; false, and nothing, if none. */
static bool find_file(lua_State *L)
{
  int path = lua_gettop(L);
  if (lua_isstring(L, path) && lua_isfunction(L, lua_upvalueindex(SEARCH))) {
    lua_pushvalue(L, lua_upvalueindex(SEARCH));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, path);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK && lua_isstring(L, -1)) return true;
  }
  lua_settop(L, path - 1);
  return false;
}

/* The same by package.path as it is, or was. */
static bool find_part(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  if (lua_istable(L, -1) && (lua_pushvalue(L, 1), lua_gettable(L, -2) != LUA_TNIL)) return false;
  lua_getfield(L, lua_upvalueindex(ENVIRONMENT), "package");
  if (lua_istable(L, -1) && (lua_getfield(L, -1, "path"), find_file(L))) return true;
  lua_pushvalue(L, lua_upvalueindex(PATH));
  return find_file(L);
}

/* Pushes what the part at 1, of the file on the top, returns. */
static void run_part(lua_State *L)
{
  int file = lua_gettop(L);
  if (luaL_loadfile(L, lua_tostring(L, file)) != LUA_OK) lua_error(L);
  lua_pushvalue(L, lua_upvalueindex(ENVIRONMENT));
  if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, file);
  lua_call(L, 2, 1);
}

/* require(name), for parts, and for C that needs one. */
static int require_part(lua_State *L)
{
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  if (strcmp(name, "latent") == 0) {
    lua_pushvalue(L, lua_upvalueindex(MODULE));
    return 1;
  }
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, 2, name), lua_toboolean(L, -1)) return 1;
  if (strncmp(name, "latent.", 7) != 0 || !find_part(L)) {
    lua_settop(L, 1);
    if (!lua_isfunction(L, lua_upvalueindex(OWN)))
      return luaL_error(L, "module '%s' not found: there is no require", name);
    lua_pushvalue(L, lua_upvalueindex(OWN));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
  }
  run_part(L);
  if (lua_isnil(L, -1)) lua_pushboolean(L, true);
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}

/* The module is on the top. */
void latL_open_parts(lua_State *L)
{
  int module = lua_gettop(L);
  push_environment(L);
  lua_pushvalue(L, -1);
  lua_getglobal(L, "require");
  lua_getfield(L, module + 1, "package");
  for (int i = 0; i < 2; i++) {
    static const char *const names[] = {"searchpath", "path"};
    if (lua_istable(L, module + 4))
      lua_getfield(L, module + 4, names[i]);
    else
      lua_pushnil(L);
  }
  lua_remove(L, module + 4);
  lua_pushvalue(L, module);
  lua_pushcclosure(L, require_part, MODULE);
  lua_pushvalue(L, -1);
  lua_setfield(L, module + 1, "require");
  lua_setfield(L, LUA_REGISTRYINDEX, LATL_REQUIRE);
  lua_settop(L, module);
}
