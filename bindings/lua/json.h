/* json.h: Lua values as JSON and back, for files of models.
 *
 * Booleans, numbers and strings are what they are; tables are lists or objects, sorted by name;
 * matrices become lists, of rows or of a vector's numbers, and come back as tables. Floats keep all
 * their bits and a point or exponent, so that they come back as floats; infinity is 1e999 and NaN
 * is null. */
#ifndef LATL_LUA_JSON_H
#define LATL_LUA_JSON_H

#include "files/json.h"
#include "lua/matrix.h"

/* Writes the value on the top of the stack. NULL, or what it is that has no place in JSON (also
 * tables in tables beyond `depth`); then the text is of no use. */
const char *latL_putvalue(lua_State *L, lat_json_text *text, int depth);

/* Pushes the next value, or, when it fails, some values. Text from strangers is safe: it nests
 * LAT_JSON_DEPTH deep at most, and a name that is twice in an object is an error. */
lat_status latL_pushjson(lua_State *L, lat_json *json);

#endif
