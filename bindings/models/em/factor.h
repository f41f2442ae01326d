/* factor.h: what models with linear-Gaussian latent variables (em/factor_model.h) share: the verbs
 * of fitted ones, and fits that need no iterations over the data. */
#ifndef LATL_MODELS_EM_FACTOR_H
#define LATL_MODELS_EM_FACTOR_H

#include "model/em.h"

typedef struct latL_FactorKind {
  const latL_Kind *base;
  lat_factor_model (*view)(const latL_Fitted *fitted); /* of the parameters */
  size_t (*free_parameters)(size_t D, size_t M);
  size_t (*rank)(const lat_factor_model *model); /* the M of these; NULL: all latent dimensions */
} latL_FactorKind;

/* Gives the kind's metatable log_likelihood, score, aic, bic, free_parameters, elbo, transform,
 * posterior, inverse_transform, reconstruct, impute, sample and covariance. */
void latL_addfactorverbs(lua_State *L, const latL_FactorKind *kind);

/* ---- given parameters (given.h) -------------------------------------------------------------- */

/* The option `init` of a constructor whose model is at 2: a table with these names, of which the
 * last may be left out if `optional`. It also tells the latent dimensions, unless the options do;
 * `chosen` says that a fit chooses them. */
void latL_givefactors(lua_State *L, const char *who, const char *const names[], bool optional,
                      bool chosen, size_t *latent_dim);

/* A start with them: over run->parameters as the core's start has left them. */
lat_status latL_startgiven(lua_State *L, latL_Run *run);

/* ---- fits by moments: the model, the data and the options are at 1, 2 and 3 ------------------ */

/* A call of fit begins: its options are checked, and the model is returned. */
void *latL_beginfactorfit(lua_State *L, const latL_Kind *kind, const char *who);

/* Its end, with a record: a fit at one go shows once what it has found (progress, on_iteration),
 * for there is nothing to be stopped. Returns the model: 1. */
int latL_endfactorfit(lua_State *L, const char *who);

/* Whether the data has gaps, as far as the option `missing` allows; a function may always have
 * some. */
bool latL_hasgaps(lua_State *L, const char *who);

/* Mean and scatter of all rows, in memory that is pushed. */
lat_moments latL_momentsof(lua_State *L, latL_Rows *rows, const char *who);

/* The fields that every model has after a fit, for the block at `fitted` of one that never went
 * down: history is `iterations` objectives. */
void latL_keeprecord(lua_State *L, int fitted, const char *method, size_t iterations,
                     bool converged, const double *history);

/* What partial_fit goes on from: statistics at a fit of rows with that total weight, for the block
 * at `fitted`, whose view is `model`. They are about the mean. */
void latL_keepstatistics(lua_State *L, int fitted, const lat_factor_model *model, double objective,
                         double weight);

/* Of kinds whose W EM leaves in any rotation: turns the parameters of a block that nobody has yet,
 * and its statistics, if there are any, into the form that users are given; `missing` says whether
 * these know missing entries. Their finish is latL_finishfactors, which also says that the method
 * was EM. */
typedef lat_status latL_Turner(lat_workspace *work, latL_Fitted *f, bool missing);
void latL_finishfactors(lua_State *L, latL_Run *run, int fitted, latL_Turner *turn);

#endif
