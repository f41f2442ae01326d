/* nonlinear.c: latent.nonlinear, latent variables behind a net without an encoder: what the core's
 * description doesn't say. */
#include "models/deep/deep.h"

static const luaL_Reg methods[] = {LATL_NET_METHODS, {"step", latL_step}, {NULL, NULL}};
static const latL_Kind kind = {.name = "nonlinear",
                               .metatable = "latent.Nonlinear",
                               .gaps = LATL_GAPS_BY("mppca"),
                               .core = &lat_nonlinear_model,
                               .make = latL_makenets,
                               .methods = methods};

void latL_open_nonlinear(lua_State *L)
{
  latL_opennets(L, &kind);
}
