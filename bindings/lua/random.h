/* random.h: generators of random numbers among the arguments. */
#ifndef LATL_LUA_RANDOM_H
#define LATL_LUA_RANDOM_H

#include "lua/class.h"

#define LATL_RANDOM "latent.Random" /* the metatable's name */

/* The generator for a call: at `arg` a latent.Random or a seed (an integer); nil or none is the
 * state's own default generator. Anything else raises. The pointer is good while the value is
 * on the stack. */
lat_random *latL_checkrandom(lua_State *L, int arg, const char *who);

#endif
