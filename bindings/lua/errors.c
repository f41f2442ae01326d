/* errors.c: messages of errors: their form, values in them, unknown words, lost objects. */
#include "lua/errors.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/options.h"

int latL_error(lua_State *L, const char *who, const char *format, ...)
{
  va_list arguments;
  luaL_where(L, 1);
  lua_pushfstring(L, "%s: ", who);
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_concat(L, 3);
  return lua_error(L);
}

const char *latL_got(lua_State *L, int arg)
{
  if (lua_type(L, arg) == LUA_TNUMBER) {
    if (isnan(lua_tonumber(L, arg))) return "nan"; /* some C libraries print -nan */
    return luaL_tolstring(L, arg, NULL);
  }
  if (lua_type(L, arg) == LUA_TSTRING)
    return lua_rawlen(L, arg) <= 40 ? lua_pushfstring(L, "'%s'", lua_tostring(L, arg))
                                    : "a long string";
  return latL_typegot(L, arg);
}

const char *latL_typegot(lua_State *L, int arg)
{
  return lua_isnoneornil(L, arg) ? "nothing" : luaL_typename(L, arg);
}

int latL_failunknown(lua_State *L, const char *who, const char *what, const char *word,
                     const char *const words[])
{
  const char *near = lat_nearest_word(word, words);
  if (strlen(word) > 40) word = "(a long string)";
  if (near) latL_error(L, who, "unknown %s '%s', did you mean '%s'?", what, word, near);
  if (!words[0]) latL_error(L, who, "unknown %s '%s': there are none", what, word);
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (size_t i = 0; words[i]; i++) {
    if (i) luaL_addstring(&list, ", ");
    luaL_addstring(&list, words[i]);
  }
  luaL_pushresult(&list);
  return latL_error(L, who, "unknown %s '%s' (known: %s)", what, word, lua_tostring(L, -1));
}

int latL_failgone(lua_State *L, const char *who, const char *what)
{
  return latL_error(L, who,
                    "the %s has been given back: it was collected before this finalizer ran", what);
}
