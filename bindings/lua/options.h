/* options.h: arguments and option tables, checked, with messages that help. */
#ifndef LATL_LUA_OPTIONS_H
#define LATL_LUA_OPTIONS_H

#include "base/options.h"
#include "lua/errors.h"

/* ---- positional arguments ----------------------------------------------------- */

size_t latL_checksize(lua_State *L, int arg, const char *who,
                      const char *name); /* an integer >= 1 */
lua_Integer latL_checkinteger(lua_State *L, int arg, const char *who, const char *name);
double latL_checknumber(lua_State *L, int arg, const char *who, const char *name);
const char *latL_checkstring(lua_State *L, int arg, const char *who, const char *name);
/* A 1-based index or a negative one from the end, to 0-based; raises outside 1..n. */
size_t latL_checkindex(lua_State *L, int arg, const char *who, const char *name, size_t n);

/* ---- option tables -------------------------------------------------------------- */

/* Checks that `arg` is nil, none or a table whose keys are all in `names` (ended by NULL); an
 * unknown one raises and names the nearest known one. True when there is a table. */
bool latL_checkoptions(lua_State *L, int arg, const char *who, const char *const names[]);
/* The same of a table that is an option itself, and is called `what`. */
bool latL_checkfields(lua_State *L, int arg, const char *who, const char *what,
                      const char *const names[]);
/* Tables of what is known of data (lua/matrix.h) have this class, and are no options, wherever they
 * stand. */
#define LATL_ABOUT "latent.About"
/* Tables that calls give, of results by name: as those, they print as tables (summary.lua). */
#define LATL_RESULTS "latent.Results"
bool latL_isabout(lua_State *L, int arg);
/* For functions without options, whose arguments end before `arg`: a table with options there
 * raises as an unknown option does. */
void latL_nooptions(lua_State *L, int arg, const char *who);
/* Options that mean something with others only: raises "NAME is for WHAT" for the first of these
 * that is there, unless they do (`known`). */
void latL_onlyfor(lua_State *L, int arg, const char *who, const char *const names[], bool known,
                  const char *what);
/* Pushes the names of the table on the top, sorted, so that nothing depends on hashes. Returns
 * LUA_TNONE, or the least type of the keys that are no names. */
int latL_pushnames(lua_State *L);

/* ---- single options --------------------------------------------------------------- */

/* Pushes option `name` (nil when absent) and returns its type; `arg` may be 0, nil or none, and
 * then all are absent. It is a field of the table itself: what a metatable would make up nothing
 * would keep. */
int latL_getoption(lua_State *L, int arg, const char *name);
bool latL_hasoption(lua_State *L, int arg, const char *name);
/* The same of an option that is a function or nil: true for a function. */
bool latL_optfunction(lua_State *L, int arg, const char *who, const char *name);

/* The option `progress` of a call: true or a function, of this one; it pushes what is closed with
 * the call, after which it is again as before. Nil: as it is. */
void latL_optprogress(lua_State *L, int options, const char *who);

/* Read one option, checked, or the default. */
bool latL_optboolean(lua_State *L, int arg, const char *who, const char *name, bool otherwise);
double latL_optnumber(lua_State *L, int arg, const char *who, const char *name, double otherwise,
                      double least, double most);
lua_Integer latL_optinteger(lua_State *L, int arg, const char *who, const char *name,
                            lua_Integer otherwise, lua_Integer least, lua_Integer most);
/* An integer >= least as a size_t; and the option `seed`, any integer or 0. */
size_t latL_optsize(lua_State *L, int arg, const char *who, const char *name, size_t otherwise,
                    size_t least);
uint64_t latL_optseed(lua_State *L, int arg, const char *who);
/* The index in `words` (ended by NULL) of a string option. */
int latL_optword(lua_State *L, int arg, const char *who, const char *name,
                 const char *const words[], int otherwise);
/* A string, or a list of strings: pushes memory with them, `count` and then NULL, which live as
 * long as the option table; NULL (and nil) without the option. `what` ends "NAME must be ...". */
const char **latL_optstrings(lua_State *L, int arg, const char *who, const char *name,
                             const char *what, size_t *count);

/* float64 or float32 from the option `dtype`; and the name of one. */
lat_dtype latL_optdtype(lua_State *L, int arg, const char *who, lat_dtype otherwise);
const char *latL_dtypename(lat_dtype dtype);

/* ---- by a table of the core's (base/options.h) ------------------------------------------------ */

/* Reads the options of the Lua table at `arg` (or nothing, which leaves them as they are) into the
 * struct: each with the type, bounds and choices of its row. Rows of LAT_GIVEN are known names that
 * code reads, and so is `more`, unless NULL. A name that isn't in the table raises and names the
 * nearest. True when there is a Lua table. */
bool latL_readtable(lua_State *L, int arg, const char *who, const lat_option *table,
                    const char *more, void *options);

/* The same where the names of options have been checked. */
void latL_readfields(lua_State *L, int arg, const char *who, const lat_option *table,
                     void *options);

#endif
