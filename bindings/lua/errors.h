/* errors.h: how misuse is raised: "who: sentence", where `who` is the function as the user knows
 * it, as in "matrix.zeros: rows must be an integer >= 1, got 0". */
#ifndef LATL_LUA_ERRORS_H
#define LATL_LUA_ERRORS_H

#include "lua/api.h"

/* Raises "who: message", with the script's line in front. */
int latL_error(lua_State *L, const char *who, const char *format, ...);

/* The value at `arg` for messages: a number, a string in quotes, "nothing", or a type. */
const char *latL_got(lua_State *L, int arg);
/* The type of the value at `arg`; "nothing" for nil, too. */
const char *latL_typegot(lua_State *L, int arg);

/* Raises: `word` is none of `words` (ended by NULL), names of a `what`; names the nearest. */
int latL_failunknown(lua_State *L, const char *who, const char *what, const char *word,
                     const char *const words[]);
/* Raises for an object that a finalizer uses after the object's own finalizer has run. */
int latL_failgone(lua_State *L, const char *who, const char *what);

#endif
