#include "binding.h"

void latL_open_eigen(lua_State *L)
{
  (void)L;
}
