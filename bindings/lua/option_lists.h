/* option_lists.h: options that are lists or ranges (base/options.h), which the core reads from their
 * JSON, as it does in files of models. */
#ifndef LATL_LUA_OPTION_LISTS_H
#define LATL_LUA_OPTION_LISTS_H

#include "base/options.h"
#include "lua/errors.h"

/* Reads those of the Lua table at `arg` (or nothing) into the struct. A record may have its first
 * field without its name: {"spline", bins = 4}. */
void latL_readlists(lua_State *L, int arg, const char *who, const lat_option *table, void *options);

/* Pushes the option as files have it, unless it is the default: then nil. */
void latL_pushlist(lua_State *L, const char *who, const lat_option *table, const char *name,
                   const void *options);

#endif
