/* memory.c: a host that runs out of memory. The n-th request, of Lua's allocator or of the library's own
 * (linked with --wrap), is refused, for every n until the script comes through: each time there is a
 * message, and then a state that closes.
 *
 *   memory SCRIPT        prints "ok", or what went wrong
 *   memory SCRIPT WORD   runs the script once, with the word; it refuses by itself: refuse(n, f, ...) calls f, whose
 *                        n-th request from 0 on is refused (negative: none), and gives the number of requests that
 *                        there were, and what pcall gives */
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

static struct {
  long left; /* requests, the REFUSED last of which are; negative: no end */
  long made;
  size_t held; /* bytes, by Lua */
} budget;

/* Lua makes a refused request again after a collection. */
static int refuse(void)
{
  budget.made++;
  return budget.left > 0 && --budget.left < REFUSED;
}

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
  return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *old, size_t size)
{
  return refuse() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
  return refuse() ? NULL : __real_aligned_alloc(alignment, size);
}

static void *allocate(void *state, void *old, size_t was, size_t size)
{
  (void)state;
  if (!old) was = 0;           /* then it is a kind of object */
  if (size >> 40) return NULL; /* so much is asked for in order to be refused */
  if (size > was && refuse()) return NULL;
  budget.held += size - was;
  if (size > 0) return __real_realloc(old, size);
  free(old);
  return NULL;
}

/* refuse(n, f, ...) -> requests, ok, results or message */
static int refuse_in(lua_State *L)
{
  long n = (long)luaL_checkinteger(L, 1), made = budget.made;
  budget.left = n < 0 ? -1 : n + REFUSED;
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  budget.left = -1;
  made = budget.made - made;
  lua_pushinteger(L, made);
  lua_replace(L, 1);
  lua_pushboolean(L, status == LUA_OK);
  lua_insert(L, 2);
  return lua_gettop(L);
}

static int run_once(lua_State *L)
{
  char **arguments = lua_touserdata(L, 1);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  lua_register(L, "refuse", refuse_in);
  if (luaL_loadfile(L, arguments[1]) != LUA_OK) return lua_error(L);
  lua_pushstring(L, arguments[2]);
  lua_call(L, 1, 0);
  return 0;
}

/* The script's own walk. What it leaves to the library's own memory is given back when the state is closed. */
static int walk(char **arguments)
{
  size_t before = 0;
  budget.left = -1;
  for (int turn = 0; turn < 2; turn++) { /* the first makes what is made once in a process */
    lua_State *L = lua_newstate(allocate, NULL);
    luaL_openlibs(L);
    lua_pushcfunction(L, run_once);
    lua_pushlightuserdata(L, arguments);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
      printf("%s\n", luaL_tolstring(L, -1, NULL));
      return 1;
    }
    lua_close(L);
    if (budget.held != 0) {
      printf("%zu bytes are left\n", budget.held);
      return 1;
    }
    size_t after = mallinfo2().uordblks;
    if (turn > 0 && after > before + SLACK) {
      printf("%zu bytes are lost\n", after - before);
      return 1;
    }
    before = after;
  }
  puts("ok");
  return 0;
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
  budget.left = -1;
  budget.held = 0;
  lua_State *L = lua_newstate(allocate, NULL);
  luaL_openlibs(L);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, (void *)(size_t)script);
  budget.made = 0;
  budget.left = refused < 0 ? -1 : refused + REFUSED;
  int status = lua_pcall(L, 1, 0, 0);
  budget.left = -1;
  long made = budget.made;
  if (status != LUA_OK && !strstr(lua_tostring(L, -1), "memory")) {
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
  if (budget.held != 0) {
    printf("request %ld: %zu bytes are left\n", refused, budget.held);
    exit(1);
  }
  return made;
}

int main(int count, char **arguments)
{
  if (count == 3) return walk(arguments);
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
