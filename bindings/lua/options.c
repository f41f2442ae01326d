/* options.c: arguments and option tables, checked, with messages that help. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lua/binding.h"

/* ---- numbers ---------------------------------------------------------------- */

const char *latL_got(lua_State *L, int arg)
{
  if (lua_isnoneornil(L, arg)) return "nothing";
  if (lua_type(L, arg) == LUA_TNUMBER) {
    if (isnan(lua_tonumber(L, arg))) return "nan"; /* some C libraries print -nan */
    return luaL_tolstring(L, arg, NULL);
  }
  if (lua_type(L, arg) == LUA_TSTRING)
    return lua_rawlen(L, arg) <= 40 ? lua_pushfstring(L, "'%s'", lua_tostring(L, arg))
                                    : "a long string";
  return luaL_typename(L, arg);
}

lua_Integer latL_checkinteger(lua_State *L, int arg, const char *who, const char *name)
{
  int is = 0;
  lua_Integer n = lua_type(L, arg) == LUA_TNUMBER ? lua_tointegerx(L, arg, &is) : 0;
  if (!is) latL_error(L, who, "%s must be an integer, got %s", name, latL_got(L, arg));
  return n;
}

double latL_checknumber(lua_State *L, int arg, const char *who, const char *name)
{
  if (lua_type(L, arg) != LUA_TNUMBER)
    latL_error(L, who, "%s must be a number, got %s", name, latL_got(L, arg));
  return lua_tonumber(L, arg);
}

size_t latL_checksize(lua_State *L, int arg, const char *who, const char *name)
{
  int is = 0;
  lua_Integer n = lua_type(L, arg) == LUA_TNUMBER ? lua_tointegerx(L, arg, &is) : 0;
  if (!is || n < 1)
    latL_error(L, who, "%s must be an integer >= 1, got %s", name, latL_got(L, arg));
  return (size_t)n;
}

size_t latL_checkindex(lua_State *L, int arg, const char *who, const char *name, size_t n)
{
  lua_Integer i = latL_checkinteger(L, arg, who, name);
  lua_Integer place = i < 0 ? i + (lua_Integer)n + 1 : i;
  if (place < 1 || place > (lua_Integer)n)
    latL_error(L, who, "%s %I is outside 1..%I", name, i, (lua_Integer)n);
  return (size_t)(place - 1);
}

/* ---- option tables ------------------------------------------------------------ */

/* Levenshtein's distance, for words of up to 63 letters. */
static size_t edit_distance(const char *a, const char *b)
{
  size_t row[64], n = strlen(a), m = strlen(b);
  if (n > 63 || m > 63) return 64;
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t corner = row[0]; /* the distance of the prefixes one shorter on both sides */
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = corner + (a[i - 1] != b[j - 1]);
      corner = row[j];
      if (corner + 1 < best) best = corner + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[m];
}

const char *latL_nearest(const char *word, const char *const words[])
{
  const char *nearest = NULL;
  if (strlen(word) > 63) return NULL;  /* which has no distance */
  size_t least = strlen(word) / 3 + 2; /* farther than this is another word */
  for (; *words; words++) {
    size_t distance = edit_distance(word, *words);
    if (distance < least) least = distance, nearest = *words;
  }
  return nearest;
}

/* Raises: `word` is none of `words`. */
static void unknown(lua_State *L, const char *who, const char *what, const char *word,
                    const char *const words[])
{
  const char *near = latL_nearest(word, words);
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
  latL_error(L, who, "unknown %s '%s' (known: %s)", what, word, lua_tostring(L, -1));
}

/* The first of the unknown names, so that it is always the same one that a message names; NULL when
 * all are known. Raises for keys that are no names, which come before them. */
static const char *first_unknown(lua_State *L, int arg, const char *who, const char *const names[])
{
  const char *first = NULL;
  int odd = LUA_TNONE; /* the least type of a key that is no name */
  double number = HUGE_VAL;
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    int type = lua_type(L, -2);
    if (type != LUA_TSTRING) {
      if (odd == LUA_TNONE || type < odd) odd = type;
      if (type == LUA_TNUMBER) number = fmin(number, lua_tonumber(L, -2));
      continue;
    }
    const char *key = lua_tostring(L, -2);
    size_t i = 0;
    while (names[i] && strcmp(names[i], key) != 0) i++;
    if (!names[i] && (!first || strcmp(key, first) < 0)) first = key; /* the table keeps it */
  }
  if (number < HUGE_VAL) {
    if (number == floor(number) && fabs(number) < 1e15)
      latL_error(L, who, "options have names, but the table has the key %I", (lua_Integer)number);
    latL_error(L, who, "options have names, but the table has the key %f", number);
  }
  if (odd != LUA_TNONE)
    latL_error(L, who, "options have names, but the table has a %s for a key",
               lua_typename(L, odd));
  return first;
}

static int by_text(const void *a, const void *b)
{
  return lat_text_compare(*(const lat_text *)a, *(const lat_text *)b);
}

/* One list holds the names while they are sorted: whatever a finalizer does to the table meanwhile. */
int latL_pushnames(lua_State *L)
{
  int from = lua_gettop(L), list = from + 1, odd = LUA_TNONE;
  luaL_checkstack(L, 6, NULL);
  lua_newtable(L);
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    int type = lua_type(L, -2);
    if (type != LUA_TSTRING) {
      if (odd == LUA_TNONE || type < odd) odd = type;
      continue;
    }
    lua_pushvalue(L, -2);
    lua_rawseti(L, list, ++n);
  }
  lat_text *names = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *names, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, list, i + 1);
    names[i].at = lua_tolstring(L, -1, &names[i].n);
    lua_pop(L, 1);
  }
  qsort(names, (size_t)n, sizeof *names, by_text);
  lua_newtable(L);
  for (lua_Integer i = 0; i < n; i++) {
    lua_pushlstring(L, names[i].at, names[i].n);
    lua_rawseti(L, -2, i + 1);
  }
  lua_replace(L, list);
  lua_settop(L, list);
  return odd;
}

bool latL_checkoptions(lua_State *L, int arg, const char *who, const char *const names[])
{
  return latL_checkfields(L, arg, who, "options", names);
}

bool latL_checkfields(lua_State *L, int arg, const char *who, const char *what,
                      const char *const names[])
{
  if (lua_isnoneornil(L, arg)) return false;
  if (lua_type(L, arg) != LUA_TTABLE)
    latL_error(L, who, "%s must be a table, got %s", what, latL_got(L, arg));
  const char *first = first_unknown(L, lua_absindex(L, arg), who, names);
  if (first && strcmp(first, "missing") == 0) latL_failmissing(L, who);
  if (first) unknown(L, who, "option", first, names);
  return true;
}

void latL_nooptions(lua_State *L, int arg, const char *who)
{
  static const char *const none[] = {NULL};
  if (lua_type(L, arg) == LUA_TTABLE) latL_checkoptions(L, arg, who, none);
}

void latL_onlyfor(lua_State *L, int arg, const char *who, const char *const names[], bool known,
                  const char *what)
{
  for (; !known && *names; names++) {
    if (latL_getoption(L, arg, *names) != LUA_TNIL)
      latL_error(L, who, "%s is for %s", *names, what);
    lua_pop(L, 1);
  }
}

int latL_getoption(lua_State *L, int arg, const char *name)
{
  if (arg == 0 || lua_type(L, arg) != LUA_TTABLE) {
    lua_pushnil(L);
    return LUA_TNIL;
  }
  arg = lua_absindex(L, arg);
  lua_pushstring(L, name);
  return lua_rawget(L, arg);
}

bool latL_optboolean(lua_State *L, int arg, const char *who, const char *name, bool otherwise)
{
  int type = latL_getoption(L, arg, name);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    latL_error(L, who, "%s must be true or false, got %s", name, latL_got(L, -1));
  bool value = type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

double latL_optnumber(lua_State *L, int arg, const char *who, const char *name, double otherwise,
                      double least, double most)
{
  double value = otherwise;
  if (latL_getoption(L, arg, name) != LUA_TNIL) {
    value = latL_checknumber(L, -1, who, name);
    if (!(value >= least && value <= most)) {
      const char *shown = isnan(value) ? "nan" : lua_pushfstring(L, "%f", value);
      if (most == (double)INFINITY)
        latL_error(L, who, "%s must be at least %f, got %s", name, least, shown);
      latL_error(L, who, "%s must be from %f to %f, got %s", name, least, most, shown);
    }
  }
  lua_pop(L, 1);
  return value;
}

lua_Integer latL_optinteger(lua_State *L, int arg, const char *who, const char *name,
                            lua_Integer otherwise, lua_Integer least, lua_Integer most)
{
  lua_Integer value = otherwise;
  if (latL_getoption(L, arg, name) != LUA_TNIL) {
    value = latL_checkinteger(L, -1, who, name);
    if (value < least || value > most) {
      if (most == LUA_MAXINTEGER)
        latL_error(L, who, "%s must be an integer >= %I, got %I", name, least, value);
      latL_error(L, who, "%s must be an integer from %I to %I, got %I", name, least, most, value);
    }
  }
  lua_pop(L, 1);
  return value;
}

int latL_optword(lua_State *L, int arg, const char *who, const char *name,
                 const char *const words[], int otherwise)
{
  int value = otherwise;
  int type = latL_getoption(L, arg, name);
  if (type != LUA_TNIL) {
    if (type != LUA_TSTRING)
      latL_error(L, who, "%s must be a string, got %s", name, latL_got(L, -1));
    const char *word = lua_tostring(L, -1);
    for (value = 0; words[value] && strcmp(words[value], word) != 0;) value++;
    if (!words[value]) unknown(L, who, name, word, words);
  }
  lua_pop(L, 1);
  return value;
}

lat_dtype latL_optdtype(lua_State *L, int arg, const char *who, lat_dtype otherwise)
{
  static const char *const names[] = {"float64", "float32", NULL};
  return (lat_dtype)latL_optword(L, arg, who, "dtype", names, (int)otherwise);
}
