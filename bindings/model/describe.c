/* describe.c: latent.describe, the core's descriptions of models as tables in Lua, from which the documentation has
 * types, defaults and bounds. */
#include "model/model.h"

static const char *const arguments[] = {
    [LAT_TAKES_OTHER] = "other",
    [LAT_TAKES_ROWS] = "rows",
    [LAT_TAKES_ROWS_AND_Q] = "rows and q",
    [LAT_TAKES_LATENT] = "latent",
    [LAT_TAKES_LATENT_AND_LABELS] = "latent and labels",
    [LAT_TAKES_COUNT] = "count",
    [LAT_TAKES_COMPONENT] = "component",
    [LAT_TAKES_MODEL] = "model",
    [LAT_TAKES_DATA] = "data",
    [LAT_TAKES_NOTHING] = "nothing",
};
static const char *const shapes[] = {[LAT_GIVES_NUMBERS] = "numbers",
                                     [LAT_GIVES_LABELS] = "labels",
                                     [LAT_GIVES_ROWS] = "rows",
                                     [LAT_GIVES_ALIKE] = "alike",
                                     [LAT_GIVES_NUMBER] = "number",
                                     [LAT_GIVES_MEAN] = "number",
                                     [LAT_GIVES_AIC] = "number",
                                     [LAT_GIVES_BIC] = "number",
                                     [LAT_GIVES_COVARIANCE] = "covariance"};
static const char *const size_names[LAT_SIZES] = {"", "D", "K", "M", "U"};

static void set_string(lua_State *L, const char *name, const char *value)
{
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

/* Pushes {name=, type=, default=, least=, most=, choices=}; type and default are texts for readers. */
static void push_option(lua_State *L, const lat_option *o)
{
  char text[80];
  lua_createtable(L, 0, 6);
  set_string(L, "name", o->name);
  set_string(L, "type", lat_option_type_text(o, text, sizeof text));
  set_string(L, "default", lat_option_default_text(o, text, sizeof text));
  if (o->type == LAT_SIZE || o->type == LAT_NUMBER) {
    lua_pushnumber(L, o->least);
    lua_setfield(L, -2, "least");
    lua_pushnumber(L, o->most);
    lua_setfield(L, -2, "most");
  }
  if (o->type != LAT_CHOICE) return;
  lua_newtable(L);
  for (int i = 0; o->choices[i]; i++) {
    lua_pushstring(L, o->choices[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "choices");
}

/* Pushes the list of them, and `out` where there is one. */
static void push_options(lua_State *L, const lat_option *table, bool out)
{
  static const lat_option fills = LAT_OPTION_GIVEN("out", "latent.Matrix?");
  lua_Integer n = 0;
  lua_newtable(L);
  for (; table && table->name; table++) {
    push_option(L, table);
    lua_rawseti(L, -2, ++n);
  }
  if (!out) return;
  push_option(L, &fills);
  lua_rawseti(L, -2, ++n);
}

/* Pushes {name=, takes=, gives = {{shape=, size=}...}, options=, missing=}. */
static void push_method(lua_State *L, const lat_method *m)
{
  lua_createtable(L, 0, 5);
  set_string(L, "name", m->name);
  set_string(L, "takes", arguments[m->argument]);
  lua_pushboolean(L, m->missing);
  lua_setfield(L, -2, "missing");
  lua_newtable(L);
  for (int i = 0; m->outputs[i].shape; i++) {
    lua_createtable(L, 0, 2);
    set_string(L, "shape", shapes[m->outputs[i].shape]);
    if (m->outputs[i].size) set_string(L, "size", size_names[m->outputs[i].size]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "gives");
  push_options(L, m->options, m->out);
  lua_setfield(L, -2, "options");
}

/* latent.describe(name) -> {name=, options=, methods=, missing=}; nil for what has no description. */
static int describe(lua_State *L)
{
  const char *who = "latent.describe";
  latL_nooptions(L, 2, who);
  lua_settop(L, 1);
  if (lua_type(L, 1) != LUA_TSTRING)
    latL_error(L, who, "name must be a string, got %s", latL_got(L, 1));
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LATL_KINDS);
  lua_pushvalue(L, 1);
  lua_rawget(L, -2);
  const latL_Kind *kind = lua_islightuserdata(L, -1) ? lua_touserdata(L, -1) : NULL;
  if (!kind || !kind->core) return 0;
  lua_createtable(L, 0, 4);
  set_string(L, "name", kind->core->name);
  lua_pushboolean(L, kind->core->missing);
  lua_setfield(L, -2, "missing");
  push_options(L, kind->core->options, false);
  lua_setfield(L, -2, "options");
  lua_newtable(L);
  for (lua_Integer i = 0; kind->core->methods[i].name; i++) {
    push_method(L, &kind->core->methods[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "methods");
  return 1;
}

void latL_open_describe(lua_State *L)
{
  lua_pushcfunction(L, describe);
  lua_setfield(L, -2, "describe");
}
