/* methods.h: the class of a model in Lua, from its description in the core (modeling/model.h): its
 * constructor, its methods, its place among the models that can be saved. */
#ifndef LATL_MODEL_METHODS_H
#define LATL_MODEL_METHODS_H

#include "model/model.h"

/* Makes the metatable of the kind, whose `core` isn't NULL, and puts its constructor into the
 * module's table on the top. Each row of the core's table of methods becomes a method: generic ones
 * for what it takes, those of fit.h for LAT_TAKES_DATA, and for LAT_TAKES_OTHER the function of
 * kind->methods with this name, which is called as in latL_addverbs. */
void latL_openmodel(lua_State *L, const latL_Kind *kind);

/* In a method of kind->methods: the model at `arg` gives its place to its block, which is returned;
 * the top becomes `top`, and the method's options at that index are read (0: it has none). */
const latL_Fitted *latL_beginmethod(lua_State *L, int top, int options, lat_request *request);

/* A method that is better said in Lua: calls the function with the method's name in the Lua module,
 * with all arguments as they came, once the model at 1 is of the kind and fitted. */
int latL_calllua(lua_State *L, const char *module);

/* A method of rows as the core's table describes it, for kinds that do more in it. */
int latL_applymethod(lua_State *L);

#endif
