#include "binding.h"

void latL_open_files(lua_State *L)
{
  (void)L;
}
