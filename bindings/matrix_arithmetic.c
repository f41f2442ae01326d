#include "binding.h"

void latL_open_matrix_arithmetic(lua_State *L)
{
  (void)L;
}
