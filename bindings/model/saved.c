/* saved.c: what saved models hold: which fields, and who stores nets. */
#include "model/saved.h"

#include <ctype.h>

bool latL_isplain(lua_State *L, const char *name, int value)
{
  if (!isalpha((unsigned char)*name)) return false;
  for (; *name; name++)
    if (!isalnum((unsigned char)*name) && *name != '_') return false;
  int type = lua_type(L, value);
  if (type != LUA_TTABLE) return type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING;
  bool plain = true;
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1), count++)
    plain = plain && lua_isinteger(L, -2) && lua_type(L, -1) == LUA_TNUMBER;
  return plain && count == lua_rawlen(L, value);
}

latL_Stored *latL_storedkind(lua_State *L, const latL_Kind *kind)
{
  luaL_getmetatable(L, kind->metatable);
  lua_getfield(L, -1, LATL_STORED);
  latL_Stored *const *stored = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return stored ? *stored : NULL;
}
