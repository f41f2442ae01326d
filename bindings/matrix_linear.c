#include "binding.h"

void latL_open_matrix_linear(lua_State *L)
{
  (void)L;
}
