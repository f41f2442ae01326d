/* vae.h: what vae.c and vae/infer.c share. */
#ifndef LATL_MODELS_DEEP_VAE_H
#define LATL_MODELS_DEEP_VAE_H

#include "deep/vae/vae.h"
#include "models/deep/deep.h"

typedef struct latL_Vae {
  latL_Deep deep;
  lat_vae core;
  lat_vae_objective objective;
  double kl_warm_up; /* steps in which beta rises to its value; 0 is none */
} latL_Vae;

extern const latL_Kind latL_vae_kind;
extern const luaL_Reg latL_vae_uses[];

#endif
