/* loop.c: a game, whose loop gives a fit two milliseconds a frame and asks the model that there is meanwhile; and
 * which is left while another fit is under way.
 *
 * Prints "frames 1" (it took several), "same 1" (the bits are fit's), "left 1" and "closed". */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

#include "latent.h"

static const char script[] =
    "local latent = require 'latent'\n"
    "local X = latent.matrix.normal(20000, 8, latent.random(1))\n"
    "local function make() return latent.gmm{ components = 4, seed = 2, max_iterations = 20 } end\n"
    "local model, asked = make(), 0\n"
    "local turn, state, last = model:steps(X, { budget = 0.002 })\n"
    "function frame()\n" /* true when the fit is over */
    "  last = turn(state, last)\n"
    "  if last and last > 0 then asked = asked + #model:predict(X:block(1, 3)) end\n"
    "  return last == nil\n"
    "end\n"
    "function same() return model.means == make():fit(X).means and asked > 0 end\n"
    "function another() model = make() return not model:fit_for(X, 0) end\n";

/* The truth of what a function of the script returns; a message ends the program. */
static int call(lua_State *L, const char *name)
{
  lua_getglobal(L, name);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
    printf("%s\n", lua_tostring(L, -1));
    return -1;
  }
  int result = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return result;
}

int main(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 1);
  if (luaL_dostring(L, script) != LUA_OK) return printf("%s\n", lua_tostring(L, -1)), 1;
  int frames = 0, done = 0;
  while (frames < 1000000 && (done = call(L, "frame")) == 0) frames++;
  printf("frames %d\n", done == 1 && frames > 1);
  printf("same %d\n", call(L, "same"));
  printf("left %d\n", call(L, "another"));
  lua_close(L);
  puts("closed");
  return 0;
}
