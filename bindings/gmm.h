/* gmm.h: what gmm.c, which makes and fits mixtures of Gaussians, and gmm_use.c, which asks fitted
 * ones, share. */
#ifndef LATENT_GMM_H
#define LATENT_GMM_H

#include "em.h"

typedef struct latL_Gmm {
  latL_EmModel em;
  lat_gmm core; /* as the fit under way or the last one has it */
  lat_gmm_record record;
  int start;   /* of the words of `init` */
  bool ranked; /* the fit puts components in order at its end */
} latL_Gmm;

/* The mixture at `arg`, which must be fitted. */
latL_Gmm *latL_checkgmm(lua_State *L, int arg, const char *who);

/* Gives the mixture at argument 1 new parameters: the old ones in this order of components (new i
 * is old order[i], from 0). What partial_fit goes on from changes with them. */
void latL_reordergmm(lua_State *L, const char *who, const size_t *order);

extern const luaL_Reg latL_gmm_uses[]; /* methods */

#endif
