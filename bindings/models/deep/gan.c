/* gan.c: latent.gan, generative adversarial networks. */
#include "models/deep/deep.h"

static const luaL_Reg methods[] = {LATL_NET_METHODS, {"step", latL_step}, {NULL, NULL}};
static const latL_Kind kind = {.name = "gan",
                               .metatable = "latent.GAN",
                               .gaps = LATL_GAPS_BY("mppca"),
                               .core = &lat_gan_model,
                               .make = latL_makenets,
                               .draw = latL_sayuntrained,
                               .methods = methods};

void latL_open_gan(lua_State *L)
{
  latL_opennets(L, &kind);
}
