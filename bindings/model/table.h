/* table.h: what a table of options in the core (base/options.h) says, read from a table in Lua. */
#ifndef LATL_MODEL_TABLE_H
#define LATL_MODEL_TABLE_H

#include "lua/binding.h"

/* Reads the options of the Lua table at `arg` (or nothing, which leaves them as they are) into the
 * struct: each with the type, bounds and choices of its row. Rows of LAT_GIVEN are known names that
 * code reads, and so is `more`, unless NULL. A name that isn't in the table raises and names the
 * nearest. True when there is a Lua table. */
bool latL_readtable(lua_State *L, int arg, const char *who, const lat_option *table,
                    const char *more, void *options);

#endif
