/* errors.h: how misuse is raised: "who: sentence", where `who` is the function as the user knows
 * it, as in "matrix.zeros: rows must be an integer >= 1, got 0". */
#ifndef LATL_LUA_ERRORS_H
#define LATL_LUA_ERRORS_H

#include "lua/api.h"

/* Raises "who: message", with the script's line in front. */
int latL_error(lua_State *L, const char *who, const char *format, ...);

/* The value at `arg` for messages: a number, a string in quotes, "nothing", or a type. */
const char *latL_got(lua_State *L, int arg);
/* The field of a metatable that says which table of the module its owner is: "latent.matrix". */
#define LATL_TABLE "latent table"

/* The type of the value at `arg` for messages, of an object its class: "latent.Matrix". It may be on the top of
 * the stack. And the same with "nothing" for nil, too. */
const char *latL_typename(lua_State *L, int arg);
const char *latL_typegot(lua_State *L, int arg);

/* Raises: `word` is none of `words` (ended by NULL), names of a `what`; names the nearest. */
int latL_failunknown(lua_State *L, const char *who, const char *what, const char *word,
                     const char *const words[]);
/* Raises: the argument self, at 1, of a method is no `what`. */
int latL_failself(lua_State *L, const char *who, const char *what);
/* Ends an __index that has found nothing: `what`, a class ("latent.GMM") or a table of the module
 * ("latent.matrix"), has no field of the name at 2, and latent/names.lua knows what was meant. Raises, or returns 0
 * for names that may be absent: of a model that is `ready`, fitted, or what begins with an underscore. */
int latL_absent(lua_State *L, const char *what, bool ready);
/* __index of a table of results: raises where the name is another's for one that there is, or near to it; else 0. */
int latL_absentresult(lua_State *L);
/* Raises "who: message" when there are nil and a message at `data` and behind it, in the place of data: what a read
 * gives that has failed. */
void latL_checkread(lua_State *L, int data, const char *who);
/* Raises for an object that a finalizer uses after the object's own finalizer has run. */
int latL_failgone(lua_State *L, const char *who, const char *what);

/* The registry's field of the function that parts in Lua are required by (parts.c). */
#define LATL_REQUIRE "latent require"
/* Pushes a part of the module that is in Lua ("latent.names"), which is required unless it has been.
 * False, and nothing, where the parts aren't; whatever else goes wrong raises. The other raises
 * then, too. */
bool latL_findpart(lua_State *L, const char *part);
void latL_pushpart(lua_State *L, const char *who, const char *part);

#endif
