#include "binding.h"

void latL_open_random(lua_State *L)
{
  (void)L;
}
