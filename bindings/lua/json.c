/* json.c: Lua values as JSON and back. */
#include "lua/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/number.h"

/* ---- Lua values to JSON ------------------------------------------------------------------ */

/* Memory for `more` characters, or NULL. */
static char *reserve(latL_Text *t, size_t more)
{
  if (t->status != LAT_OK) return NULL;
  if (t->capacity - t->n < more) {
    size_t capacity = 2 * t->capacity + more + 256;
    char *larger = lat_allocate(t->work, capacity, 1);
    if (!larger) {
      t->status = LAT_MEMORY;
      return NULL;
    }
    if (t->n) memcpy(larger, t->at, t->n);
    t->at = larger;
    t->capacity = capacity;
  }
  return t->at + t->n;
}

void latL_puttext(latL_Text *t, const char *word)
{
  size_t n = strlen(word);
  char *to = reserve(t, n);
  if (!to) return;
  memcpy(to, word, n);
  t->n += n;
}

static void put_string(latL_Text *t, lat_text string)
{
  char *to = reserve(t, LAT_JSON_QUOTED(string.n));
  if (to) t->n += lat_json_quote(string, to);
}

static void put_double(latL_Text *t, double x)
{
  char digits[LAT_NUMBER_MOST + 1];
  if (!isfinite(x)) {
    latL_puttext(t, isnan(x) ? "null" : x > 0 ? "1e999" : "-1e999");
    return;
  }
  size_t n = lat_number_print(x, LAT_FLOAT64, digits);
  digits[n] = '\0';
  latL_puttext(t, digits);
  if (!strpbrk(digits, ".e")) latL_puttext(t, ".0"); /* it comes back as a float, and -0 as -0 */
}

static void put_matrix(latL_Text *t, const latL_Matrix *A)
{
  latL_puttext(t, "[");
  for (size_t i = 0; i < A->view.rows; i++) {
    latL_puttext(t, i ? "," : "");
    if (!A->vector) latL_puttext(t, "[");
    for (size_t j = 0; j < A->view.cols; j++) {
      latL_puttext(t, j ? "," : "");
      put_double(t, lat_get(&A->view, i, j));
    }
    if (!A->vector) latL_puttext(t, "]");
  }
  latL_puttext(t, "]");
}

static int by_text(const void *a, const void *b)
{
  return lat_text_compare(*(const lat_text *)a, *(const lat_text *)b);
}

/* The string keys of the table on the top, sorted, so that equal models make equal files. */
static lat_text *sorted_keys(lua_State *L, latL_Text *t, size_t count)
{
  lat_text *keys = lat_allocate(t->work, count, sizeof *keys);
  if (!keys) {
    t->status = LAT_MEMORY;
    return NULL;
  }
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), n++)
    keys[n].at = lua_tolstring(L, -2, &keys[n].n);
  if (n) qsort(keys, n, sizeof *keys, by_text);
  return keys;
}

/* A table is a list when it has elements 1..n and nothing else, or an object. */
static const char *put_table(lua_State *L, latL_Text *t, int depth)
{
  size_t n = lua_rawlen(L, -1), count = 0;
  bool names = true;
  const char *wrong = NULL;
  if (depth == 0) return "table too deep";
  luaL_checkstack(L, 8, NULL);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), count++)
    names = names && lua_type(L, -2) == LUA_TSTRING;
  if (!names && count != n) return "table that is neither a list nor has names only";
  lat_text *keys = names ? sorted_keys(L, t, count) : NULL;
  if (t->status != LAT_OK) return NULL;
  latL_puttext(t, names ? "{" : "[");
  for (size_t i = 0; i < count && !wrong; i++) {
    latL_puttext(t, i ? "," : "");
    if (names) {
      put_string(t, keys[i]);
      latL_puttext(t, ":");
      lua_pushlstring(L, keys[i].at, keys[i].n);
      lua_rawget(L, -2);
    } else {
      lua_rawgeti(L, -1, (lua_Integer)i + 1);
    }
    wrong = latL_putvalue(L, t, depth - 1);
    lua_pop(L, 1);
  }
  latL_puttext(t, names ? "}" : "]");
  return wrong;
}

const char *latL_putvalue(lua_State *L, latL_Text *t, int depth)
{
  char digits[32];
  lat_text string;
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN:
    latL_puttext(t, lua_toboolean(L, -1) ? "true" : "false");
    return NULL;
  case LUA_TNUMBER:
    if (!lua_isinteger(L, -1)) {
      put_double(t, lua_tonumber(L, -1));
      return NULL;
    }
    snprintf(digits, sizeof digits, LUA_INTEGER_FMT, lua_tointeger(L, -1));
    latL_puttext(t, digits);
    return NULL;
  case LUA_TSTRING:
    string.at = lua_tolstring(L, -1, &string.n);
    if (!lat_text_is_utf8(string)) return "string that is not UTF-8";
    put_string(t, string);
    return NULL;
  case LUA_TTABLE:
    return put_table(L, t, depth);
  default:
    if (!latL_tomatrix(L, -1)) return luaL_typename(L, -1);
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
