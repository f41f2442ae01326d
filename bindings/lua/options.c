/* options.c: arguments and option tables, checked, with messages that help. */
#include "lua/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lua/state.h"

/* ---- positional arguments ---------------------------------------------------- */

/* The integer at `arg`, if it is one. */
static bool is_integer(lua_State *L, int arg, lua_Integer *n)
{
  int is = 0;
  *n = lua_type(L, arg) == LUA_TNUMBER ? lua_tointegerx(L, arg, &is) : 0;
  return is;
}

lua_Integer latL_checkinteger(lua_State *L, int arg, const char *who, const char *name)
{
  lua_Integer n;
  if (!is_integer(L, arg, &n))
    latL_error(L, who, "%s must be an integer, got %s", name, latL_got(L, arg));
  return n;
}

size_t latL_checksize(lua_State *L, int arg, const char *who, const char *name)
{
  lua_Integer n;
  if (!is_integer(L, arg, &n) || n < 1)
    latL_error(L, who, "%s must be an integer >= 1, got %s", name, latL_got(L, arg));
  return (size_t)n;
}

double latL_checknumber(lua_State *L, int arg, const char *who, const char *name)
{
  if (lua_type(L, arg) != LUA_TNUMBER)
    latL_error(L, who, "%s must be a number, got %s", name, latL_got(L, arg));
  return lua_tonumber(L, arg);
}

const char *latL_checkstring(lua_State *L, int arg, const char *who, const char *name)
{
  if (lua_type(L, arg) != LUA_TSTRING)
    latL_error(L, who, "%s must be a string, got %s", name, latL_typegot(L, arg));
  return lua_tostring(L, arg);
}

size_t latL_checkindex(lua_State *L, int arg, const char *who, const char *name, size_t n)
{
  lua_Integer i = latL_checkinteger(L, arg, who, name);
  lua_Integer place = i < 0 ? i + (lua_Integer)n + 1 : i;
  if (place < 1 || place > (lua_Integer)n)
    latL_error(L, who, "%s %I is outside 1..%I", name, i, (lua_Integer)n);
  return (size_t)(place - 1);
}

bool latL_isabout(lua_State *L, int arg)
{
  if (lua_type(L, arg) != LUA_TTABLE || !lua_getmetatable(L, arg)) return false;
  luaL_getmetatable(L, LATL_ABOUT);
  bool is = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is;
}

/* ---- option tables ------------------------------------------------------------ */

static bool has_name(const char *const names[], const char *name)
{
  while (*names && strcmp(*names, name) != 0) names++;
  return *names != NULL;
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
    if (!has_name(names, key) && (!first || strcmp(key, first) < 0))
      first = key; /* the table keeps it */
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

/* For the option `missing` of a model that knows no missing entries. */
static void fail_missing(lua_State *L, const char *who)
{
  const char *remedy = latL_remedy(L);
  if (!remedy || strncmp(remedy, LATL_KNOWS_GAPS, sizeof LATL_KNOWS_GAPS - 1) == 0) return;
  latL_error(L, who, "missing: this model does not know missing entries%s%s", *remedy ? "; " : "",
             remedy);
}

bool latL_checkfields(lua_State *L, int arg, const char *who, const char *what,
                      const char *const names[])
{
  if (lua_isnoneornil(L, arg)) return false;
  if (lua_type(L, arg) == LUA_TSTRING && arg > 1) latL_checkread(L, arg - 1, who);
  if (lua_type(L, arg) != LUA_TTABLE)
    latL_error(L, who, "%s must be a table, got %s%s", what, latL_got(L, arg),
               lua_isuserdata(L, arg) && has_name(names, "weights")
                   ? "; weights are { weights = w }"
                   : "");
  const char *first = first_unknown(L, lua_absindex(L, arg), who, names);
  if (first && strcmp(first, "missing") == 0) fail_missing(L, who);
  if (first) latL_failunknown(L, who, "option", first, names);
  return true;
}

bool latL_checkoptions(lua_State *L, int arg, const char *who, const char *const names[])
{
  return latL_checkfields(L, arg, who, "options", names);
}

void latL_nooptions(lua_State *L, int arg, const char *who)
{
  static const char *const none[] = {NULL};
  if (lua_type(L, arg) == LUA_TTABLE) latL_checkoptions(L, arg, who, none);
}

void latL_onlyfor(lua_State *L, int arg, const char *who, const char *const names[], bool known,
                  const char *what)
{
  for (; !known && *names; names++)
    if (latL_hasoption(L, arg, *names)) latL_error(L, who, "%s is for %s", *names, what);
}

static int by_text(const void *a, const void *b)
{
  return lat_text_compare(*(const lat_text *)a, *(const lat_text *)b);
}

/* One list holds the names while they are sorted, whatever a finalizer does to the table. */
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

/* ---- single options ---------------------------------------------------------------- */

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

bool latL_hasoption(lua_State *L, int arg, const char *name)
{
  int type = latL_getoption(L, arg, name);
  lua_pop(L, 1);
  return type != LUA_TNIL;
}

bool latL_optfunction(lua_State *L, int arg, const char *who, const char *name)
{
  int type = latL_getoption(L, arg, name);
  if (type != LUA_TNIL && type != LUA_TFUNCTION)
    latL_error(L, who, "%s must be a function, got %s", name, latL_typename(L, -1));
  return type == LUA_TFUNCTION;
}

void latL_optprogress(lua_State *L, int options, const char *who)
{
  if (latL_getoption(L, options, "progress") == LUA_TNIL) return;
  latL_pushpart(L, who, "latent.progress");
  lua_getfield(L, -1, "_during");
  lua_remove(L, -2);
  lua_pushstring(L, who);
  lua_pushvalue(L, -3);
  lua_call(L, 2, 1);
  lua_toclose(L, -1);
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

size_t latL_optsize(lua_State *L, int arg, const char *who, const char *name, size_t otherwise,
                    size_t least)
{
  return (size_t)latL_optinteger(L, arg, who, name, (lua_Integer)otherwise, (lua_Integer)least,
                                 LUA_MAXINTEGER);
}

uint64_t latL_optseed(lua_State *L, int arg, const char *who)
{
  return (uint64_t)latL_optinteger(L, arg, who, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
}

int latL_optword(lua_State *L, int arg, const char *who, const char *name,
                 const char *const words[], int otherwise)
{
  int value = otherwise;
  if (latL_getoption(L, arg, name) != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TSTRING)
      latL_error(L, who, "%s must be a string, got %s", name, latL_got(L, -1));
    const char *word = lua_tostring(L, -1);
    for (value = 0; words[value] && strcmp(words[value], word) != 0;) value++;
    if (!words[value]) latL_failunknown(L, who, name, word, words);
  }
  lua_pop(L, 1);
  return value;
}

const char **latL_optstrings(lua_State *L, int arg, const char *who, const char *name,
                             const char *what, size_t *count)
{
  int type = latL_getoption(L, arg, name), given = lua_gettop(L);
  *count = 0;
  if (type == LUA_TNIL) return NULL;
  if (type != LUA_TSTRING && type != LUA_TTABLE)
    latL_error(L, who, "%s must be %s, got %s", name, what, latL_typename(L, -1));
  *count = type == LUA_TSTRING ? 1 : (size_t)lua_rawlen(L, given);
  const char **strings = lua_newuserdatauv(L, (*count + 1) * sizeof *strings, 0);
  strings[*count] = NULL;
  for (size_t k = 0; k < *count; k++) {
    if (type == LUA_TSTRING)
      lua_pushvalue(L, given);
    else
      lua_rawgeti(L, given, (lua_Integer)k + 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      latL_error(L, who, "%s must be %s, but element %I is a %s", name, what, (lua_Integer)k + 1,
                 latL_typename(L, -1));
    strings[k] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_replace(L, given);
  return strings;
}

static const char *const dtypes[] = {
    [LAT_FLOAT64] = "float64", [LAT_FLOAT32] = "float32", [LAT_FLOAT32 + 1] = NULL};

lat_dtype latL_optdtype(lua_State *L, int arg, const char *who, lat_dtype otherwise)
{
  return (lat_dtype)latL_optword(L, arg, who, "dtype", dtypes, (int)otherwise);
}

const char *latL_dtypename(lat_dtype dtype)
{
  return dtypes[dtype];
}

/* ---- options by a table of the core's -------------------------------------------------------- */

enum { MOST_OPTIONS = 32 };

/* One of the words that may stand in the place of a count; false for whatever else. */
static bool read_word(lua_State *L, int arg, const lat_option *o, size_t *field)
{
  bool found = false;
  int type = latL_getoption(L, arg, o->name);
  for (int i = 0; type == LUA_TSTRING && o->choices && o->choices[i] && !found; i++)
    if (strcmp(o->choices[i], lua_tostring(L, -1)) == 0) *field = LAT_WORD(i), found = true;
  lua_pop(L, 1);
  return found;
}

/* A finite number > 0. */
static double read_positive(lua_State *L, int arg, const char *who, const char *name)
{
  latL_getoption(L, arg, name);
  double value = latL_checknumber(L, lua_gettop(L), who, name);
  if (!(value > 0 && value < (double)INFINITY))
    latL_error(L, who, "%s must be a finite number > 0, got %f", name, value);
  lua_pop(L, 1);
  return value;
}

/* The option's value into its field; what isn't there leaves it as it is. */
static void read_option(lua_State *L, int arg, const char *who, const lat_option *o, void *options)
{
  const double now = lat_option_get(o, options);
  const lua_Integer any = LUA_MAXINTEGER,
                    most = o->most >= LAT_ANY_COUNT ? any : (lua_Integer)o->most;
  int type = latL_getoption(L, arg, o->name);
  bool words = o->type == LAT_SIZE && o->choices;
  bool other =
      o->also && !words &&
      (type == LUA_TTABLE || type == LUA_TUSERDATA || strstr(o->also, lua_typename(L, type)));
  lua_pop(L, 1);
  if (type == LUA_TNIL || other) return; /* another type is for code to read */
  void *field = (char *)options + o->offset;
  switch (o->type) {
  case LAT_BOOLEAN:
    *(bool *)field = latL_optboolean(L, arg, who, o->name, now != 0);
    return;
  case LAT_SIZE:
    if (words && read_word(L, arg, o, field)) return;
    *(size_t *)field =
        (size_t)latL_optinteger(L, arg, who, o->name, 0, (lua_Integer)o->least, most);
    return;
  case LAT_INTEGER:
    *(int64_t *)field =
        (int64_t)latL_optinteger(L, arg, who, o->name, 0, (lua_Integer)o->least, most);
    return;
  case LAT_SEED:
    *(uint64_t *)field = (uint64_t)latL_optinteger(L, arg, who, o->name, 0, LUA_MININTEGER, any);
    return;
  case LAT_NUMBER:
    *(double *)field = o->least == LAT_ABOVE_ZERO
                           ? read_positive(L, arg, who, o->name)
                           : latL_optnumber(L, arg, who, o->name, now, o->least, o->most);
    return;
  case LAT_CHOICE:
    *(int *)field = latL_optword(L, arg, who, o->name, o->choices, (int)now);
    return;
  default:
    return;
  }
}

void latL_readfields(lua_State *L, int arg, const char *who, const lat_option *table, void *options)
{
  for (const lat_option *o = table; o->name; o++) read_option(L, arg, who, o, options);
}

bool latL_readtable(lua_State *L, int arg, const char *who, const lat_option *table,
                    const char *more, void *options)
{
  const char *names[MOST_OPTIONS + 2];
  size_t n = 0;
  if (more) names[n++] = more;
  for (const lat_option *o = table; o->name && n <= MOST_OPTIONS; o++) names[n++] = o->name;
  names[n] = NULL;
  if (!latL_checkoptions(L, arg, who, names)) return false;
  latL_readfields(L, arg, who, table, options);
  return true;
}
