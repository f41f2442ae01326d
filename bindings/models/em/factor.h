/* factor.h: what latent.ppca, latent.bpca and latent.fa have in common beside the core's
 * description: given parameters, and methods whose arguments or results are tables. */
#ifndef LATL_MODELS_EM_FACTOR_H
#define LATL_MODELS_EM_FACTOR_H

#include "model/methods.h"

/* The option `init`, a table of all parameters (factor_correlations may be left out, and are none
 * then): the model has them now, and EM begins with them. They also tell the latent dimensions,
 * unless the options do or say that a fit chooses. */
void latL_readfactors(lua_State *L, int model, size_t *latent_dim, lat_fit_options *fit);

/* elbo and posterior, for tables of methods. */
int latL_factorelbo(lua_State *L);
int latL_factorposterior(lua_State *L);
#define LATL_FACTOR_METHODS                                                                        \
  {"elbo", latL_factorelbo},                                                                       \
  {                                                                                                \
    "posterior", latL_factorposterior                                                              \
  }

#endif
