/* density.h: what all models with a density say in the same way: log_likelihood, its mean, the free
 * parameters, and the criteria that weigh the one against the other. */
#ifndef LATL_MODEL_DENSITY_H
#define LATL_MODEL_DENSITY_H

#include "model/model.h"
#include "model/query.h"

typedef struct latL_Density {
  /* Checks a call of latL_verb, whose model is at 1 and whose data is at 2, and pushes the vector
   * of log p(x), one a row (latL_querycolumn). */
  latL_Query (*log_likelihood)(lua_State *L);
  /* Of the model at 1. */
  size_t (*free_parameters)(lua_State *L);
  /* For data that may be more than rows, instead of log_likelihood, which is then the model's own:
   * checks a call, and returns the sum of log p over all rows, of which there are `rows`. */
  double (*total)(lua_State *L, double *rows);
} latL_Density;

/* Gives a metatable log_likelihood, score, free_parameters, aic and bic. `name` and `kind` are as
 * in latL_addverbs. */
void latL_adddensity(lua_State *L, const char *metatable, const char *name, const void *kind,
                     const latL_Density *density);

#endif
