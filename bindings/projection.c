#include "binding.h"

void latL_open_projection(lua_State *L)
{
  (void)L;
}
