/* mppca.h: what the files of latent.mppca share. */
#ifndef LATENT_MPPCA_H
#define LATENT_MPPCA_H

#include "gmm.h"

typedef struct latL_Mppca {
  latL_Gmm gmm;
  size_t latent_dim;
  bool diagonal;
} latL_Mppca;

/* The mixture at `arg`, which must be fitted; and the core's view of it. */
latL_Mppca *latL_checkmppca(lua_State *L, int arg, const char *who, lat_mppca *core);

extern const luaL_Reg latL_mppca_uses[]; /* mppca_use.c: what a fitted mixture says of rows */

#endif
