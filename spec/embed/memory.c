/* memory.c: a host whose Lua runs out of memory. Its allocator refuses the n-th request, for every n
 * until the script comes through: each time there is a message, and then a state that closes.
 *
 *   memory SCRIPT     prints "ok", or what went wrong */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"

enum {
  REFUSED = 2,
  SLACK = 1 << 19 /* bytes that malloc may keep for itself: less than ten blocks of scratch */
};

typedef struct budget {
  long left; /* requests, the REFUSED last of which are; negative: no end */
  long made;
  size_t held; /* bytes */
} budget;

static void *allocate(void *state, void *old, size_t was, size_t size)
{
  budget *b = state;
  if (!old) was = 0; /* then it is a kind of object */
  b->made += size > was;
  /* a refused request is made again after a collection */
  if (size > was && b->left > 0 && --b->left < REFUSED) return NULL;
  b->held += size - was;
  if (size > 0) return realloc(old, size);
  free(old);
  return NULL;
}

static int run(lua_State *L)
{
  luaL_requiref(L, "latent", luaopen_latent, 0);
  lua_pop(L, 1);
  if (luaL_dofile(L, lua_touserdata(L, 1)) != LUA_OK) lua_error(L);
  return 0;
}

/* How many requests the script makes; `refused` is the one that fails, or -1. */
static long attempt(const char *script, long refused)
{
  budget b = {-1, 0, 0};
  lua_State *L = lua_newstate(allocate, &b);
  luaL_openlibs(L);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, (void *)(size_t)script);
  b.made = 0;
  b.left = refused < 0 ? -1 : refused + REFUSED;
  int status = lua_pcall(L, 1, 0, 0);
  b.left = -1;
  long made = b.made;
  if (status != LUA_OK && !strstr(lua_tostring(L, -1), "not enough memory")) {
    printf("request %ld: %s\n", refused, lua_tostring(L, -1));
    exit(1);
  }
  lua_settop(L, 0);
  lua_pushcfunction(L, run); /* the state is as good as before */
  lua_pushlightuserdata(L, (void *)(size_t)script);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    printf("after request %ld: %s\n", refused, lua_tostring(L, -1));
    exit(1);
  }
  lua_close(L);
  if (b.held != 0) {
    printf("request %ld: %zu bytes are left\n", refused, b.held);
    exit(1);
  }
  return made;
}

int main(int count, char **arguments)
{
  if (count != 2) return 1;
  attempt(arguments[1], -1); /* what is made once in a process */
  long requests = attempt(arguments[1], -1);
  size_t before = mallinfo2().uordblks;
  for (long n = 0; n < requests; n++) attempt(arguments[1], n);
  size_t after = mallinfo2().uordblks;
  if (after > before + SLACK)
    printf("%zu bytes are lost\n", after - before);
  else
    puts("ok");
  return 0;
}
