/* given.h: parameters that the user gives, in the constructor's option `init`: a model that has all
 * of them can be used without a fit, and EM begins with them. */
#ifndef LATL_MODEL_GIVEN_H
#define LATL_MODEL_GIVEN_H

#include <stdint.h>

#include "model/model.h"

/* The option `init`, a table, of the model at `model`, whose kind has a core: pushes a block with
 * the parameters that it gives, of the names and shapes of the kind's table; the rest is NaN. There
 * must be all that aren't in `optional` (ended by NULL). NULL, and nothing is pushed, without the
 * option. `sizes` are those that other options give: 0 where the shapes are to tell, LATL_NONE where
 * it is 0 and there is nothing to give. Raises for other types, shapes that don't go with each
 * other, and numbers that aren't finite. */
#define LATL_NONE SIZE_MAX
latL_Fitted *latL_pushgiven(lua_State *L, int model, const size_t sizes[LAT_SIZES],
                            const char *const optional[]);

/* The same where only `required` must be there, and the option may also be of another type, which
 * is NULL. Weights, which must add up to 1, are equal when all else is given. */
latL_Fitted *latL_readgiven(lua_State *L, int model, const char *required,
                            const size_t sizes[LAT_SIZES]);
/* The same where the option is a matrix, the parameter `name` itself, and not a table of them. */
latL_Fitted *latL_givenmatrix(lua_State *L, int model, const char *name,
                              const size_t sizes[LAT_SIZES]);
/* Pops that block, which the model keeps; if nothing is left out it has these parameters now
 * (latL_adoptgiven). To be called once the options go with them. */
void latL_keepgiven(lua_State *L, int model);

/* Pops that block, complete by now, and gives it to the model: as its parameters, with the record
 * of no iterations, once the kind's `loaded` (model.h) finds that they go together; and for fits to
 * begin with. */
void latL_adoptgiven(lua_State *L, int model, const char *who);

/* `init` has told the option `name`, an integer, of the model at `model`: so it was made with that.
 */
void latL_madewith(lua_State *L, int model, const char *name, size_t value);

#endif
