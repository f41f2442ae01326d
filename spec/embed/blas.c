/* blas.c: a host whose BLAS has threads of its own.
 *
 *   blas SCRIPT N STATES    sets OpenBLAS to N threads and runs the script in so many Lua states at once, each in
 *                           a thread; prints what it returned (all must agree) and BLAS's number of threads
 *                           afterwards. The script may ask for the number meanwhile: blas_threads(). */
#include <cblas.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"

enum { STATES = 8, LONGEST = 4096 };

static const char *script;
static char results[STATES][LONGEST];

static int blas_threads(lua_State *L)
{
  lua_pushinteger(L, openblas_get_num_threads());
  return 1;
}

static void *run(void *result)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  lua_register(L, "blas_threads", blas_threads);
  if (luaL_dostring(L, script) != LUA_OK || !lua_tostring(L, -1)) {
    fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    exit(1);
  }
  snprintf(result, LONGEST, "%s", lua_tostring(L, -1));
  lua_close(L);
  return NULL;
}

int main(int count, char **arguments)
{
  if (count != 4) return 2;
  int states = atoi(arguments[3]);
  pthread_t threads[STATES];
  script = arguments[1];
  openblas_set_num_threads(atoi(arguments[2]));
  for (int i = 0; i < states; i++)
    if (pthread_create(&threads[i], NULL, run, results[i]) != 0) return 3;
  for (int i = 0; i < states; i++) pthread_join(threads[i], NULL);
  for (int i = 1; i < states; i++)
    if (strcmp(results[i], results[0]) != 0) return printf("state %d gives %s\n", i, results[i]), 1;
  printf("%s\n%d\n", results[0], openblas_get_num_threads());
  return 0;
}
