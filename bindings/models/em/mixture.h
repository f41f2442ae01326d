/* mixture.h: what mixture.c has of mixture_own.c, where the family is a table of Lua functions. */
#ifndef LATL_MODELS_EM_MIXTURE_H
#define LATL_MODELS_EM_MIXTURE_H

#include "em/mixture/mixture.h"
#include "model/model.h"

/* The option `family`, when it is a table, of the model at `model`. */
void latL_readfamily(lua_State *L, int model, lat_mixture_options *o);

/* What latL_Kind (model.h) calls; of other families they do nothing. */
void latL_recordfamily(lua_State *L, int fitted);
void latL_preparefamily(lua_State *L, const char *who, const lat_method *method,
                        const latL_Fitted *f, lat_request *request);
void latL_drawfamily(lua_State *L, const char *who, const latL_Fitted *f, lat_random *random,
                     const lat_matrix *X, const double *labels);

#endif
