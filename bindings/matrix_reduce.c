#include "binding.h"

void latL_open_matrix_reduce(lua_State *L)
{
  (void)L;
}
