/* deep.h: what the models with nets have in common in Lua: their making, their parameters by name,
 * saving and loading with all that training goes on from.
 *
 * The core's struct lies in the model's userdata (latL_netsof), until the finalizer gives its
 * memory back. What is better said in Lua (the training loop, pictures of the latent space) is in
 * latent/train.lua and latent/NAME_use.lua. */
#ifndef LATL_MODELS_DEEP_DEEP_H
#define LATL_MODELS_DEEP_DEEP_H

#include "model/methods.h"

/* Makes the nets of a new model: the `make` of its kind. */
void latL_makenets(lua_State *L, int model);

/* The `draw` of kinds whose samples may be of an untrained model: a note says so. */
void latL_sayuntrained(lua_State *L, const char *who, const lat_fitted *f, lat_random *random,
                       const lat_matrix *X, const double *labels);

/* Methods of these kinds, for their lists. */
int latL_step(lua_State *L);       /* a method of rows, which counts in `iterations` */
int latL_parameters(lua_State *L); /* { ["encoder.1.weight"] = matrix, ... }, views */
int latL_train(lua_State *L);      /* the function of latent.train with the method's name */
int latL_use(lua_State *L);        /* that of latent.NAME_use */
/* clang-format off */
#define LATL_NET_METHODS                                                  \
  {"parameters", latL_parameters}, {"gradients", latL_parameters},        \
  {"fit", latL_train}, {"fit_for", latL_train}, {"steps", latL_train}
/* clang-format on */

void latL_opennets(lua_State *L, const latL_Kind *kind);

#endif
