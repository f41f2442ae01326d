/* latent.c: luaopen_latent, which makes the module from its files. */
#include "binding.h"

__attribute__((visibility("default"))) int luaopen_latent(lua_State *L)
{
  luaL_checkversion(L);
  lua_newtable(L);
  return 1;
}
