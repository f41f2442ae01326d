/* diffusion.c: latent.diffusion, denoising diffusion models: what the core's description doesn't say.
 * The chain of denoising steps is in latent/diffusion_use.lua. */
#include "models/deep/deep.h"

/* What the chain of denoising steps asks for. */
static void keep_timesteps(lua_State *L, int model, void *options)
{
  lua_pushinteger(L, (lua_Integer)((const lat_diffusion_options *)options)->timesteps);
  latL_keep(L, model, "timesteps");
}

static const luaL_Reg methods[] = {
    LATL_NET_METHODS, {"step", latL_step}, {"denoise", latL_use}, {NULL, NULL}};
static const latL_Kind kind = {.name = "diffusion",
                               .metatable = "latent.Diffusion",
                               .gaps = LATL_GAPS_BY("mppca"),
                               .core = &lat_diffusion_model,
                               .read = keep_timesteps,
                               .make = latL_makenets,
                               .draw = latL_sayuntrained,
                               .methods = methods};

void latL_open_diffusion(lua_State *L)
{
  latL_opennets(L, &kind);
}
