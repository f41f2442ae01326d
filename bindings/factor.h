/* factor.h: the verbs of fitted models with linear-Gaussian latent variables (em/factor_model.h),
 * which are the same for all of them. */
#ifndef LATENT_FACTOR_H
#define LATENT_FACTOR_H

#include "model.h"

typedef struct latL_FactorKind {
  const latL_Kind *base;
  lat_factor_model (*view)(const latL_Model *model); /* of the parameters */
  size_t (*free_parameters)(size_t D, size_t M);
} latL_FactorKind;

/* Gives the kind's metatable log_likelihood, score, aic, bic, free_parameters, elbo, transform,
 * posterior, inverse_transform, reconstruct, impute, sample and covariance. */
void latL_addfactorverbs(lua_State *L, const latL_FactorKind *kind);

#endif
