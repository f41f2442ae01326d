/* flow.c: latent.flow, normalizing flows: what is kept of layers. */
#include "lua/option_lists.h"
#include "models/deep/deep.h"

/* ---- options --------------------------------------------------------------------------------- */

/* Of a list of layers the model keeps what the core has read, which files can have. */
static void read_options(lua_State *L, int model, void *options)
{
  const lat_flow_options *o = options;
  if (o->count == 0) return;
  if (latL_hasoption(L, 1, "kind"))
    latL_error(L, "flow", "layers are instead of a kind: leave one of them out");
  latL_kept(L, model, LATL_MADE_WITH);
  latL_pushlist(L, "flow", lat_flow_model.options, "layers", o);
  lua_setfield(L, -2, "layers");
  lua_pop(L, 1);
}

/* ---- maps ------------------------------------------------------------------------------------ */

static void push_columns(lua_State *L, const size_t *columns, size_t count)
{
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushinteger(L, (lua_Integer)columns[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_part(lua_State *L, const lat_flow_part *part)
{
  int kind = part->layer.kind;
  bool spline = kind == LAT_FLOW_SPLINE || kind == LAT_FLOW_MASKED_SPLINE;
  bool affine = kind == LAT_FLOW_AFFINE || kind == LAT_FLOW_MASKED_AFFINE;
  lua_newtable(L);
  lua_pushstring(L, lat_flow_layer_names[kind]);
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, (lua_Integer)part->number);
  lua_setfield(L, -2, "number");
  push_columns(L, part->columns, part->count);
  lua_setfield(L, -2, "columns");
  push_columns(L, part->inputs, part->input_count);
  lua_setfield(L, -2, "inputs");
  if (affine) {
    lua_pushnumber(L, part->layer.bound);
    lua_setfield(L, -2, "bound");
  }
  if (!spline) return;
  lua_pushinteger(L, (lua_Integer)part->layer.bins);
  lua_setfield(L, -2, "bins");
  lua_pushnumber(L, part->layer.box);
  lua_setfield(L, -2, "box");
}

/* __maps(), for exports: a list of what maps are (lat_flow_part, columns from 0), and the column
 * of the data at each place of z. */
static int maps(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, latL_verbkind(L), latL_verb(L));
  const lat_flow *flow = f->aside;
  lua_createtable(L, (int)flow->count, 0);
  for (size_t k = 0; k < flow->count; k++) {
    const lat_flow_part part = lat_flow_part_of(flow, k);
    push_part(L, &part);
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
  push_columns(L, flow->order, flow->options.input_dim);
  return 2;
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
  static const luaL_Reg hidden[] = {{"__maps", maps}, {NULL, NULL}};
  latL_opennets(L, &kind);
  latL_addverbs(L, kind.metatable, kind.name, &kind, hidden, NULL);
}
