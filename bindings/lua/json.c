/* json.c: Lua values as JSON and back. */
#include "lua/json.h"

#include <math.h>

#include "lua/options.h"

/* ---- Lua values to JSON ------------------------------------------------------------------ */

static void put_matrix(lat_json_text *t, const latL_Matrix *A)
{
  lat_json_put(t, "[");
  for (size_t i = 0; i < A->view.rows; i++) {
    lat_json_put(t, i ? "," : "");
    if (!A->vector) lat_json_put(t, "[");
    for (size_t j = 0; j < A->view.cols; j++) {
      lat_json_put(t, j ? "," : "");
      lat_json_put_number(t, lat_get(&A->view, i, j));
    }
    if (!A->vector) lat_json_put(t, "]");
  }
  lat_json_put(t, "]");
}

/* A table is a list when it has elements 1..n and nothing else, or an object, sorted by its names,
 * so that equal models make equal files. */
static const char *put_table(lua_State *L, lat_json_text *t, int depth)
{
  const size_t n = lua_rawlen(L, -1);
  size_t count = 0;
  const char *wrong = NULL;
  if (depth == 0) return "table too deep";
  luaL_checkstack(L, 8, NULL);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) count++;
  const bool names = latL_pushnames(L) == LUA_TNONE;
  const int keys = lua_gettop(L), table = keys - 1;
  if (!names && count != n) wrong = "table that is neither a list nor has names only";
  lat_json_put(t, names ? "{" : "[");
  for (size_t i = 0; i < count && !wrong; i++) {
    lat_json_put(t, i ? "," : "");
    if (names) {
      lat_text key;
      lua_rawgeti(L, keys, (lua_Integer)i + 1);
      key.at = lua_tolstring(L, -1, &key.n);
      lat_json_put_string(t, key);
      lat_json_put(t, ":");
      lua_rawget(L, table);
    } else {
      lua_rawgeti(L, table, (lua_Integer)i + 1);
    }
    wrong = latL_putvalue(L, t, depth - 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  lat_json_put(t, names ? "}" : "]");
  return wrong;
}

const char *latL_putvalue(lua_State *L, lat_json_text *t, int depth)
{
  lat_text string;
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN:
    lat_json_put(t, lua_toboolean(L, -1) ? "true" : "false");
    return NULL;
  case LUA_TNUMBER:
    if (!lua_isinteger(L, -1)) {
      lat_json_put_number(t, lua_tonumber(L, -1));
      return NULL;
    }
    lat_json_put_integer(t, lua_tointeger(L, -1));
    return NULL;
  case LUA_TSTRING:
    string.at = lua_tolstring(L, -1, &string.n);
    if (!lat_text_is_utf8(string)) return "string that is not UTF-8";
    lat_json_put_string(t, string);
    return NULL;
  case LUA_TTABLE:
    return put_table(L, t, depth);
  default:
    if (!latL_tomatrix(L, -1)) return latL_typename(L, -1);
    put_matrix(t, latL_tomatrix(L, -1));
    return NULL;
  }
}

/* ---- JSON to Lua values ------------------------------------------------------------------ */

static lat_status push_json_table(lua_State *L, lat_json *j, char bracket)
{
  bool more;
  lat_text key;
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  LAT_TRY(lat_json_open(j, bracket));
  for (lua_Integer i = 1;; i++) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more) return LAT_OK;
    if (bracket == '{') {
      LAT_TRY(lat_json_key(j, &key));
      lua_pushlstring(L, key.at, key.n);
      lua_pushvalue(L, -1);
      if (lua_rawget(L, -3) != LUA_TNIL)
        return lat_fail(j->work, LAT_FORMAT, "bad JSON: a key is there twice");
      lua_pop(L, 1);
    } else {
      lua_pushinteger(L, i);
    }
    LAT_TRY(latL_pushjson(L, j));
    lua_rawset(L, -3);
  }
}

lat_status latL_pushjson(lua_State *L, lat_json *j)
{
  double number;
  int64_t integer;
  bool whole;
  lat_text string;
  char next = lat_json_peek(j);
  switch (next) {
  case '{':
  case '[':
    return push_json_table(L, j, next);
  case '"':
    LAT_TRY(lat_json_string(j, &string));
    lua_pushlstring(L, string.at, string.n);
    return LAT_OK;
  case 't':
  case 'f':
    lua_pushboolean(L, next == 't');
    return lat_json_word(j, next == 't' ? "true" : "false");
  case 'n':
    lua_pushnumber(L, (lua_Number)NAN);
    return lat_json_word(j, "null");
  default:
    LAT_TRY(lat_json_number(j, &number, &integer, &whole));
    if (whole)
      lua_pushinteger(L, (lua_Integer)integer);
    else
      lua_pushnumber(L, number);
    return LAT_OK;
  }
}
