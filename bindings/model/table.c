/* table.c: options from Lua by a table of the core's. */
#include "model/table.h"

#include <string.h>

enum { MOST_OPTIONS = 32 };

/* The option's value into its field; what isn't there leaves it as it is. */
static void read_option(lua_State *L, int arg, const char *who, const lat_option *o, void *options)
{
  const double now = lat_option_get(o, options);
  const lua_Integer any = LUA_MAXINTEGER,
                    most = o->most >= LAT_ANY_COUNT ? any : (lua_Integer)o->most;
  int type = latL_getoption(L, arg, o->name);
  bool other = o->also && (type == LUA_TTABLE || type == LUA_TUSERDATA ||
                           strstr(o->also, lua_typename(L, type)));
  lua_pop(L, 1);
  if (type == LUA_TNIL || other) return; /* another type is for code to read */
  void *field = (char *)options + o->offset;
  switch (o->type) {
  case LAT_BOOLEAN:
    *(bool *)field = latL_optboolean(L, arg, who, o->name, now != 0);
    return;
  case LAT_SIZE:
    *(size_t *)field =
        (size_t)latL_optinteger(L, arg, who, o->name, 0, (lua_Integer)o->least, most);
    return;
  case LAT_SEED:
    *(uint64_t *)field = (uint64_t)latL_optinteger(L, arg, who, o->name, 0, LUA_MININTEGER, any);
    return;
  case LAT_NUMBER:
    *(double *)field = latL_optnumber(L, arg, who, o->name, now, o->least, o->most);
    return;
  case LAT_CHOICE:
    *(int *)field = latL_optword(L, arg, who, o->name, o->choices, (int)now);
    return;
  default:
    return;
  }
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
  for (const lat_option *o = table; o->name; o++) read_option(L, arg, who, o, options);
  return true;
}
