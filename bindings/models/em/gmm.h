/* gmm.h: what mixtures, and those of Gaussians of any form (gmm.c, mppca.c), share in Lua. */
#ifndef LATL_MODELS_EM_GMM_H
#define LATL_MODELS_EM_GMM_H

#include "model/model.h"

/* The option `init` as a table, for the model at `model`, which also tells the number of
 * components; `sizes` are those that other options give. */
void latL_readcomponents(lua_State *L, int model, size_t *components, lat_fit_options *fit,
                         const size_t sizes[LAT_SIZES]);
/* That number, once there are such parameters (NULL: false), which go with the option `components`;
 * `what` there are so many of, for a message. */
bool latL_takecomponents(lua_State *L, int model, const latL_Fitted *given, const char *what,
                         size_t *components, lat_fit_options *fit);
/* model.events: a list of {iteration=, component=, what=}. */
void latL_recordevents(lua_State *L, int fitted);

#endif
