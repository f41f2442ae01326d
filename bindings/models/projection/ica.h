/* ica.h: what the bindings of latent.ica share. */
#ifndef LATL_MODELS_PROJECTION_ICA_H
#define LATL_MODELS_PROJECTION_ICA_H

#include "model/em.h"

typedef struct latL_Ica {
  latL_Model model;
  lat_ica_options options; /* `init` is set for a fit only: the matrix is the field LATL_ICA_INIT */
} latL_Ica;

#define LATL_ICA_INIT "(init)" /* a kept field that isn't the user's */

extern const latL_Kind latL_icakind;
extern const char *const latL_icaalgorithms[]; /* names, by lat_ica_algorithm */

int latL_icafit(lua_State *L);
int latL_icasteps(lua_State *L);
void latL_open_icafit(lua_State *L);

#endif
