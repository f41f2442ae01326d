/* prefork.c: a server that opens the module, loads and warms up all there is, and then forks its workers.
 *
 *   prefork MODEL N     so many workers score with the model of this file and fit one of their own, with threads;
 *                       prints "parent HEX" and "same COUNT": in how many the bits are the parent's */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "latent.h"

static const char script[] =
    "local latent = require 'latent'\n"
    "latent.threads(2)\n"
    "local model = assert(latent.load(MODEL))\n"
    "local X = latent.matrix.normal(20000, model.means.cols, latent.random(1))\n"
    "function work()\n" /* a solve is large enough for BLAS's own threads */
    "  local A = latent.matrix.normal(600, 600, latent.random(2))\n"
    "  local fit = latent.gmm{ components = 2, seed = 1, max_iterations = 5 }:fit(X)\n"
    "  local sum = model:score(X) + fit:score(X) + A:solve(A * X:block(1, 600)):sum()\n"
    "  return ('%a'):format(sum)\n"
    "end\n";

static const char *work(lua_State *L)
{
  lua_getglobal(L, "work");
  lua_pcall(L, 0, 1, 0);
  return lua_tostring(L, -1);
}

/* In the child: what it computed goes through the pipe. */
static void serve(lua_State *L, int to)
{
  alarm(60); /* a worker that hangs is a failure, not a hanging spec */
  const char *result = work(L);
  _exit(write(to, result, strlen(result)) <= 0);
}

int main(int count, char **arguments)
{
  if (count != 3) return 2;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  lua_pushstring(L, arguments[1]);
  lua_setglobal(L, "MODEL");
  if (luaL_dostring(L, script) != LUA_OK) return printf("%s\n", lua_tostring(L, -1)), 1;
  const char *parent = work(L); /* the pool is up, BLAS's threads are */
  int workers = atoi(arguments[2]), same = 0;
  for (int i = 0; i < workers; i++) {
    int ends[2];
    char result[100] = "";
    if (pipe(ends) != 0) return 1;
    pid_t child = fork();
    if (child == 0) serve(L, ends[1]);
    close(ends[1]);
    if (read(ends[0], result, sizeof result - 1) > 0) same += strcmp(result, parent) == 0;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
  }
  printf("parent %s\nsame %d\n", parent, same);
  lua_close(L);
  return 0;
}
