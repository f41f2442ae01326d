/* mppca.h: what the files of latent.mppca share. */
#ifndef LATENT_MPPCA_H
#define LATENT_MPPCA_H

#include "gmm.h"

typedef struct latL_Mppca {
  latL_Gmm gmm;
  size_t latent_dim;
  bool diagonal;
} latL_Mppca;

/* The core's view of a fitted mixture. */
lat_mppca latL_mppcaof(const latL_Fitted *f);

extern const luaL_Reg latL_mppca_uses[]; /* mppca_use.c: its own verbs */

#endif
