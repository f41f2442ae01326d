/* vae.c: latent.vae, variational autoencoders: what the core's description doesn't say. Pictures of
 * the latent space are in latent/vae_use.lua, and the training loop in latent/train.lua. */
#include "models/deep/deep.h"

static const luaL_Reg methods[] = {LATL_NET_METHODS,
                                   {"step", latL_step},
                                   {"kl_per_unit", latL_use},
                                   {"active_units", latL_use},
                                   {"traverse", latL_use},
                                   {"manifold", latL_use},
                                   {NULL, NULL}};
static const latL_Kind kind = {.name = "vae",
                               .metatable = "latent.VAE",
                               .gaps = LATL_GAPS_BY("mppca"),
                               .core = &lat_vae_model,
                               .make = latL_makenets,
                               .methods = methods};

void latL_open_vae(lua_State *L)
{
  latL_opennets(L, &kind);
}
