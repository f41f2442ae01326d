/* matrix_arithmetic.h: element-wise operations, for the bindings' other files. */
#ifndef LATL_LUA_MATRIX_ARITHMETIC_H
#define LATL_LUA_MATRIX_ARITHMETIC_H

#include "lua/matrix.h"
#include "matrix/arithmetic.h"

/* Pushes op of the `count` matrices, tables or numbers from `first` on, broadcast to one shape;
 * into the `out` of the option table at `options`, if any. */
int latL_elementwise(lua_State *L, const char *who, lat_operation op, int first, int count,
                     int options);

/* Pushes the product of the number and the matrix at 1 and 2, in either order. */
int latL_scale(lua_State *L);

#endif
