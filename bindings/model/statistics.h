/* statistics.h: fits of models whose parameters are a function of sums over the rows, which the
 * core describes (modeling/statistics.h): of matrices, files and functions of chunks, and of more
 * rows later.
 *
 * A block's statistics are what partial_fit goes on from. Of models whose parameters cost much, a
 * block may be without these until somebody looks at them. */
#ifndef LATL_MODEL_STATISTICS_H
#define LATL_MODEL_STATISTICS_H

#include "model/model.h"

/* The methods fit, fit_for and partial_fit, by name: closures of a kind, as in methods.c. */
lua_CFunction latL_statisticsfunction(const char *name);

/* Publishes the parameters of the model at `model` when its block is still without: the `refresh`
 * of kinds whose statistics have adds_all_or_nothing. */
void latL_solvestatistics(lua_State *L, int model, const char *who);

#endif
