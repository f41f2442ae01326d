/* matrix_arithmetic.h: what the products borrow from arithmetic. Not installed. */
#ifndef LATENT_MATRIX_ARITHMETIC_H
#define LATENT_MATRIX_ARITHMETIC_H

#include "binding.h"

/* A number at argument 1 or 2 times the matrix at the other: pushes the product, element by
 * element, and returns 1. */
int latL_scale(lua_State *L);

#endif
