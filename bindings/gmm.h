/* gmm.h: what gmm.c, which makes and fits mixtures of Gaussians, and gmm_use.c, which asks fitted
 * ones, share. */
#ifndef LATENT_GMM_H
#define LATENT_GMM_H

#include "em.h"
#include "em/gmm.h"

typedef struct latL_Gmm {
  latL_EmModel em;
  lat_gmm core; /* as the fit under way or the last one had it */
  lat_gmm_record record;
  int start;   /* of starts[] */
  bool ranked; /* components are to be put in order at the end of the fit */
} latL_Gmm;

/* The mixture at argument 1, which must be fitted. */
latL_Gmm *latL_checkgmm(lua_State *L, int arg, const char *who);

/* Puts components into this order (new i is old order[i], from 0), with what partial_fit goes on
 * from. Makes new parameters: what was read of the old ones stays. */
void latL_reordergmm(lua_State *L, int arg, const char *who, const size_t *order);

extern const luaL_Reg latL_gmm_uses[];

#endif
