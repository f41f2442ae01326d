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
