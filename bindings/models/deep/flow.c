/* flow.c: latent.flow, normalizing flows: layers, which no table describes. */
#include "models/deep/deep.h"

/* ---- layers ---------------------------------------------------------------------------------- */

/* Pushes what the layer at the top, which it replaces, says by names alone: "spline" and
 * {"spline", bins = 4} are {kind = "spline"} and {kind = "spline", bins = 4}. */
static void name_fields(lua_State *L, lua_Integer number)
{
  int given = lua_gettop(L);
  if (lua_type(L, given) != LUA_TSTRING && lua_type(L, given) != LUA_TTABLE)
    latL_error(L, "flow", "layer %I must be a name, or a table with a name first, got %s", number,
               latL_got(L, given));
  lua_newtable(L);
  if (lua_type(L, given) == LUA_TSTRING) {
    lua_pushvalue(L, given);
    lua_setfield(L, -2, "kind");
  } else {
    for (lua_pushnil(L); lua_next(L, given); lua_pop(L, 1)) {
      bool first = lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1;
      if (first)
        lua_pushliteral(L, "kind");
      else
        lua_pushvalue(L, -2);
      lua_pushvalue(L, -2);
      lua_rawset(L, given + 1);
    }
  }
  lua_replace(L, given);
}

/* The layer at `options`, a table by name_fields. */
static void read_layer(lua_State *L, int options, lua_Integer number, lat_flow_layer *layer)
{
  static const char *const fields[] = {"kind", "hidden", "bins", "box", "bound", NULL};
  static const char *const of_nets[] = {"hidden", NULL},
                           *const of_splines[] = {"bins", "box", NULL},
                           *const of_affine[] = {"bound", NULL};
  const char *who = lua_pushfstring(L, "flow: layer %I", number);
  latL_checkfields(L, options, "flow", who + 6, fields);
  if (!latL_hasoption(L, options, "kind")) latL_error(L, who, "its kind is missing");
  layer->kind = latL_optword(L, options, who, "kind", lat_flow_layer_names, 0);
  int kind = layer->kind;
  who = lua_pushfstring(L, "flow: layer %I (%s)", number, lat_flow_layer_names[kind]);
  latL_onlyfor(L, options, who, of_nets, kind <= LAT_FLOW_MASKED_SPLINE,
               "couplings and masked layers");
  latL_onlyfor(L, options, who, of_splines,
               kind == LAT_FLOW_SPLINE || kind == LAT_FLOW_MASKED_SPLINE, "splines");
  latL_onlyfor(L, options, who, of_affine,
               kind == LAT_FLOW_AFFINE || kind == LAT_FLOW_MASKED_AFFINE, "affine layers");
  layer->depth = latL_opthidden(L, options, who, layer->hidden, LAT_FLOW_HIDDEN);
  layer->bins = (size_t)latL_optinteger(L, options, who, "bins", 0, 2, LAT_SPLINE_BINS);
  layer->box = latL_optnumber(L, options, who, "box", 0, 1e-3, 1e6);
  layer->bound = latL_optnumber(L, options, who, "bound", 0, 1e-3, (double)INFINITY);
  lua_pop(L, 2);
}

/* layers = how many of the kind's, or a list. Of a list the model keeps what name_fields makes of
 * it, which files can have. */
static void read_layers(lua_State *L, int model, lat_flow_options *o)
{
  int top = lua_gettop(L), type = latL_getoption(L, 1, "layers");
  if (type == LUA_TNIL) {
    lua_settop(L, top);
    return;
  }
  if (type != LUA_TTABLE) {
    lua_settop(L, top);
    o->transforms = (size_t)latL_optinteger(L, 1, "flow", "layers", 0, 1, LAT_FLOW_LAYERS / 2);
    return;
  }
  if (latL_hasoption(L, 1, "kind"))
    latL_error(L, "flow", "layers are instead of a kind: leave one of them out");
  size_t count = lua_rawlen(L, top + 1);
  if (count < 1 || count > LAT_FLOW_LAYERS)
    latL_error(L, "flow", "layers must be a list of 1 to %d, got %I", LAT_FLOW_LAYERS,
               (lua_Integer)count);
  lua_createtable(L, (int)count, 0);
  for (size_t k = 0; k < count; k++) {
    lua_Integer number = (lua_Integer)k + 1;
    lua_rawgeti(L, top + 1, number);
    name_fields(L, number);
    read_layer(L, top + 3, number, &o->layers[k]);
    lua_rawseti(L, top + 2, number);
  }
  o->count = count;
  latL_kept(L, model, LATL_MADE_WITH);
  lua_pushvalue(L, top + 2);
  lua_setfield(L, -2, "layers");
  lua_settop(L, top);
}

static void read_options(lua_State *L, int model, void *options)
{
  lat_flow_options *o = options;
  if (lua_isnil(L, 1)) latL_error(L, "flow", "options are missing: input_dim");
  o->depth = latL_opthidden(L, 1, "flow", o->hidden, LAT_FLOW_HIDDEN);
  read_layers(L, model, o);
}

/* ---- the class ------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {LATL_NET_METHODS, {"step", latL_step}, {NULL, NULL}};
static const latL_Kind kind = {.name = "flow",
                               .metatable = "latent.Flow",
                               .gaps = LATL_GAPS_BY("mppca"),
                               .core = &lat_flow_model,
                               .read = read_options,
                               .make = latL_makenets,
                               .draw = latL_sayuntrained,
                               .methods = methods};

void latL_open_flow(lua_State *L)
{
  latL_opennets(L, &kind);
}
