/* errors.c: messages of errors: their form, values in them, unknown words, lost objects. */
#include "lua/errors.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/words.h"

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

const char *latL_typename(lua_State *L, int arg)
{
  const int type = lua_type(L, arg);
  const bool object = type == LUA_TUSERDATA || type == LUA_TTABLE;
  if (object && luaL_getmetafield(L, arg, "__name") == LUA_TSTRING)
    return lua_tostring(L, -1); /* which stays on the stack */
  if (object && luaL_getmetafield(L, arg, LATL_TABLE) == LUA_TSTRING)
    return lua_pushfstring(L, "%s; use a dot: %s.NAME(...)", lua_tostring(L, -1),
                           lua_tostring(L, -1));
  return luaL_typename(L, arg);
}

const char *latL_typegot(lua_State *L, int arg)
{
  return lua_isnoneornil(L, arg) ? "nothing" : latL_typename(L, arg);
}

/* ---- the parts in Lua ------------------------------------------------------------------------ */

bool latL_findpart(lua_State *L, const char *part)
{
  luaL_checkstack(L, 8, NULL);
  int top = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, part) == LUA_TTABLE) {
    lua_remove(L, -2);
    return true;
  }
  lua_settop(L, top);
  if (lua_getfield(L, LUA_REGISTRYINDEX, LATL_REQUIRE) == LUA_TFUNCTION) {
    lua_pushstring(L, part);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK) return true;
    const char *message = lua_tostring(L, -1);
    if (!message || !strstr(message, part))
      lua_error(L); /* not "module 'latent.names' not found" */
  }
  lua_settop(L, top);
  return false;
}

void latL_pushpart(lua_State *L, const char *who, const char *part)
{
  if (!latL_findpart(L, part)) latL_error(L, who, "%s, a part in Lua, isn't on package.path", part);
}

/* ---- names that are not there -------------------------------------------------------------- */

/* Pushes the function of latent/names.lua; false in a host without the parts in Lua. */
static bool push_names(lua_State *L, const char *function)
{
  if (!latL_findpart(L, "latent.names")) return false;
  lua_getfield(L, -1, function);
  return true;
}

int latL_failself(lua_State *L, const char *who, const char *what)
{
  const char *colon = strchr(who, ':') ? lua_pushfstring(L, "; use a colon: %s(...)", who) : "";
  return latL_error(L, who, "self must be a %s, got %s%s", what, latL_typegot(L, 1), colon);
}

/* Calls the function below its arguments, and raises the message that it gives; of nothing, 0. */
static int raise_said(lua_State *L, int arguments)
{
  lua_call(L, arguments, 1);
  if (lua_type(L, -1) != LUA_TSTRING) return 0;
  luaL_where(L, 1);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

int latL_absent(lua_State *L, const char *what, bool ready)
{
  if (lua_type(L, 2) != LUA_TSTRING || *lua_tostring(L, 2) == '_') return 0;
  lua_settop(L, 2);
  if (!push_names(L, "absent")) return 0;
  lua_pushstring(L, what);
  lua_pushvalue(L, 2);
  lua_pushboolean(L, ready);
  return raise_said(L, 3);
}

int latL_absentresult(lua_State *L)
{
  if (!lua_istable(L, 1) || lua_type(L, 2) != LUA_TSTRING || *lua_tostring(L, 2) == '_') return 0;
  lua_settop(L, 2);
  if (!push_names(L, "result")) return 0;
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  return raise_said(L, 2);
}

/* Pushes the end of a message about an unknown option, or one of the words that `what` may be, when
 * someone knows what was meant; else NULL. */
static const char *meant(lua_State *L, const char *who, const char *what, const char *word,
                         const char *const words[])
{
  bool option = strcmp(what, "option") == 0;
  if (!push_names(L, option ? "option" : "word")) return NULL;
  lua_pushstring(L, option ? who : what);
  lua_pushstring(L, word);
  lua_newtable(L);
  for (lua_Integer i = 0; words[i]; i++) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, words[i]);
  }
  lua_call(L, 3, 1);
  return lua_tostring(L, -1);
}

void latL_checkread(lua_State *L, int data, const char *who)
{
  if (!lua_isnil(L, data) || lua_type(L, data + 1) != LUA_TSTRING) return;
  const char *message = lua_tostring(L, data + 1);
  if (strstr(message, ": ")) latL_error(L, who, "%s", message);
}

int latL_failunknown(lua_State *L, const char *who, const char *what, const char *word,
                     const char *const words[])
{
  const char *near = lat_nearest_word(word, words);
  const char *known = meant(L, who, what, word, words);
  if (strlen(word) > 40) word = "(a long string)";
  if (known) latL_error(L, who, "unknown %s '%s'%s", what, word, known);
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
