/* host.c: a program that embeds Lua and has latent linked in, as a game or a server would. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "latent.h"

static lua_State *open_state(void)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  lua_pop(L, 1);
  return L;
}

/* The number that a script gives, or -1 and the message. */
static int number(lua_State *L, const char *script)
{
  if (luaL_dostring(L, script) != LUA_OK) {
    printf("%s\n", lua_tostring(L, -1));
    return -1;
  }
  int result = (int)lua_tointeger(L, -1);
  lua_settop(L, 0);
  return result;
}

static const char *const work = "local latent = require 'latent'\n"
                                "local rng = latent.random(1)\n"
                                "local first\n"
                                "for i = 1, 20 do\n"
                                "  local X = latent.matrix.normal(2000, 8, latent.random(1))\n"
                                "  local pca = latent.pca{ latent_dim = 3 }:fit(X)\n"
                                "  first = first or pca.components:copy()\n"
                                "  if first ~= pca.components then return 0 end\n"
                                "end\n"
                                "return 1\n";

static void *thread(void *argument)
{
  (void)argument;
  lua_State *L = open_state();
  int ok = number(L, work);
  lua_close(L);
  return (void *)(intptr_t)(ok == 1);
}

int main(void)
{
  lua_State *L = open_state();
  printf("statically %d\n", number(L, "return #require('latent').matrix{1, 2, 3}"));
  pthread_t threads[8];
  int good = 0;
  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, thread, NULL);
  for (int i = 0; i < 8; i++) {
    void *result;
    pthread_join(threads[i], &result);
    good += result != NULL;
  }
  printf("threads %d\n", good);
  number(L, "package.path = ''");
  printf("without Lua files %s\n", number(L, work) == 1 ? "ok" : "not ok");
  lua_close(L);
  puts("closed");
  return 0;
}
