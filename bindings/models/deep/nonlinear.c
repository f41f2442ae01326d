/* nonlinear.c: latent.nonlinear, latent variables behind a net without an encoder: what the core's
 * description doesn't say. */
#include "models/deep/deep.h"

static void read_options(lua_State *L, int model, void *options)
{
  const char *who = "nonlinear";
  lat_nonlinear_options *o = options;
  (void)model;
  if (lua_isnil(L, 1)) latL_error(L, who, "options are missing: input_dim, latent_dim");
  o->layers = latL_optwidths(L, 1, who, "hidden", 64, o->hidden, LAT_NONLINEAR_LAYERS - 1);
  latL_readrange(L, who, &o->likelihood);
}

static const luaL_Reg methods[] = {LATL_NET_METHODS, {"step", latL_step}, {NULL, NULL}};
static const latL_Kind kind = {.name = "nonlinear",
                               .metatable = "latent.Nonlinear",
                               .gaps = LATL_GAPS_BY("mppca"),
                               .core = &lat_nonlinear_model,
                               .read = read_options,
                               .make = latL_makenets,
                               .methods = methods};

void latL_open_nonlinear(lua_State *L)
{
  latL_opennets(L, &kind);
}
