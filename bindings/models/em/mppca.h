/* mppca.h: what the files of latent.mppca share. */
#ifndef LATL_MODELS_EM_MPPCA_H
#define LATL_MODELS_EM_MPPCA_H

#include "models/em/gmm.h"

typedef struct latL_Mppca {
  latL_Gmm gmm;
  size_t latent_dim;
  bool diagonal;
} latL_Mppca;

/* The core's view of a fitted mixture. */
lat_mppca latL_mppcaof(const latL_Fitted *f);

extern const luaL_Reg latL_mppca_uses[]; /* mppca/sample.c: its own verbs */

#endif
