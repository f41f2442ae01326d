/* flow_matching.c: latent.flow_matching; all that it is and does is in the core's description. */
#include "models/deep/deep.h"

static const luaL_Reg methods[] = {LATL_NET_METHODS, {"step", latL_step}, {NULL, NULL}};
static const latL_Kind kind = {.name = "flow_matching",
                               .metatable = "latent.FlowMatching",
                               .gaps = LATL_GAPS_BY("mppca"),
                               .core = &lat_flow_matching_model,
                               .make = latL_makenets,
                               .draw = latL_sayuntrained,
                               .methods = methods};

void latL_open_flow_matching(lua_State *L)
{
  latL_opennets(L, &kind);
}
