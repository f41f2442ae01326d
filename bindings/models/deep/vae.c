/* vae.c: latent.vae, variational autoencoders: what the core's description doesn't say. Pictures of
 * the latent space are in latent/vae_use.lua, and the training loop in latent/train.lua. */
#include "models/deep/deep.h"

/* The widths of the hidden layers; the decoder's are the encoder's, turned round, unless given. */
static void read_widths(lua_State *L, lat_vae_options *o)
{
  const size_t most = LAT_VAE_LAYERS - 1;
  size_t n = latL_optwidths(L, 1, "vae", "hidden", 400, o->encoder_hidden, most);
  o->encoder_layers = o->decoder_layers = n;
  for (size_t k = 0; k < n; k++) o->decoder_hidden[k] = o->encoder_hidden[n - 1 - k];
  if (latL_hasoption(L, 1, "decoder_hidden"))
    o->decoder_layers = latL_optwidths(L, 1, "vae", "decoder_hidden", 400, o->decoder_hidden, most);
}

static void read_options(lua_State *L, int model, void *options)
{
  lat_vae_options *o = options;
  (void)model;
  if (lua_isnil(L, 1)) latL_error(L, "vae", "options are missing: input_dim, latent_dim");
  read_widths(L, o);
  latL_readrange(L, "vae", &o->likelihood);
  o->lowest = (double)latL_optinteger(L, 1, "vae", "lowest", 0, -(1 << 30), 1 << 30);
}

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
                               .read = read_options,
                               .make = latL_makenets,
                               .methods = methods};

void latL_open_vae(lua_State *L)
{
  latL_opennets(L, &kind);
}
