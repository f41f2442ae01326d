/* option_lists.c: options that are lists. */
#include "lua/option_lists.h"

#include "lua/json.h"
#include "lua/options.h"
#include "lua/state.h"
#include "modeling/option_json.h"

/* The record at `record` with its first field's name, pushed: {"spline", bins = 4} is {kind =
 * "spline", bins = 4}. */
static void push_named(lua_State *L, const char *who, const lat_option *o, int record)
{
  const char *name = o->list->fields->name;
  lua_newtable(L);
  int named = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, record); lua_pop(L, 1)) {
    bool first = lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1;
    if (first ? latL_hasoption(L, record, name) : lua_type(L, -2) != LUA_TSTRING)
      latL_error(L, who, "it must be its %s, or {%s, option = value, ...}", name, name);
    first ? (void)lua_pushstring(L, name) : lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, named);
  }
}

/* Replaces the list on the top by one in which all fields of records have names. */
static void name_fields(lua_State *L, const char *who, const lat_option *o)
{
  int given = lua_gettop(L), list = given + 1, key = given + 2, record = given + 3;
  luaL_checkstack(L, 12, NULL);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, given); lua_settop(L, key)) {
    bool counted = lua_isinteger(L, key) && lua_istable(L, record);
    if (counted)
      push_named(L, lua_pushfstring(L, "%s: %s %I", who, o->list->element, lua_tointeger(L, key)),
                 o, record);
    lua_pushvalue(L, key);
    lua_pushvalue(L, counted ? -2 : record);
    lua_rawset(L, list);
  }
  lua_remove(L, given);
}

/* The value on the top, which is popped, by its JSON, as files of models have it. */
static void read_list(lua_State *L, const char *who, const lat_option *o, void *options)
{
  char type[48];
  lat_workspace *work = latL_newworkspace(L);
  lua_insert(L, -2);
  if (o->type == LAT_RECORD_LIST && lua_istable(L, -1)) name_fields(L, who, o);
  lat_json_text t = {.work = work};
  const char *wrong = latL_putvalue(L, &t, LAT_JSON_DEPTH);
  if (wrong)
    latL_error(L, who, "%s must be %s, got a %s", o->name,
               lat_option_type_text(o, type, sizeof type), wrong);
  lat_status status = t.status;
  if (status == LAT_OK) status = lat_option_read(work, (lat_text){t.at, t.n}, o, options);
  latL_check(L, who, work, (lat_mark){0}, status);
  lat_workspace_done(work);
  lua_pop(L, 2);
}

void latL_readlists(lua_State *L, int arg, const char *who, const lat_option *table, void *options)
{
  for (const lat_option *o = table; o->name; o++) {
    bool list = o->list || o->type == LAT_RANGE;
    if (!list) continue;
    if (latL_getoption(L, arg, o->name) == LUA_TNIL)
      lua_pop(L, 1);
    else
      read_list(L, who, o, options);
  }
}

void latL_pushlist(lua_State *L, const char *who, const lat_option *table, const char *name,
                   const void *options)
{
  lat_json json;
  lat_text text;
  const lat_option row[] = {*lat_option_find(table, name), {.name = NULL}};
  lat_workspace *work = latL_newworkspace(L);
  lat_status status = lat_options_write(work, row, options, &text);
  if (status == LAT_OK) status = lat_json_begin(&json, work, text);
  if (status == LAT_OK) status = latL_pushjson(L, &json);
  latL_check(L, who, work, (lat_mark){0}, status);
  lat_workspace_done(work);
  lua_getfield(L, -1, name);
  lua_replace(L, -3);
  lua_pop(L, 1);
}
