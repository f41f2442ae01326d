/* ppca.h: what the files of latent.ppca share. */
#ifndef LATENT_PPCA_H
#define LATENT_PPCA_H

#include "em.h"

typedef struct latL_Ppca {
  latL_EmModel em;
  size_t latent_dim;
  bool iterate; /* method = "em" */
  bool limit;   /* noise_variance = 0 */
  lat_ppca_model core;
} latL_Ppca;

/* The fitted model at argument 1. */
latL_Ppca *latL_checkppca(lua_State *L, const char *who, lat_ppca *core);

extern const luaL_Reg latL_ppca_uses[]; /* ppca_use.c: what a fitted model says of rows */

#endif
