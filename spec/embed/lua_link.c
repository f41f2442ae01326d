/* lua_link.c: a host that is linked with the C library, and whose scripts require the module, which
 * has another copy of it: what each has fitted the other scores. */
#include <stdio.h>
#include <stdlib.h>

#include "latent_lua.h"
#include <lualib.h>

enum { N = 500, D = 2 };

static size_t same(const double *a, const double *b)
{
  size_t count = 0;
  for (size_t i = 0; i < N; i++) count += a[i] == b[i];
  return count;
}

static void run(lua_State *L, const char *script)
{
  if (luaL_dostring(L, script) != LUA_OK) lua_error(L);
}

static lat_status score(lua_State *L, lat_workspace *work, lat_matrix X)
{
  double here[N], there[N];
  lat_request request = {.X = X};
  run(L, "gmm = latent.gmm { components = 2 }:fit(X) return gmm");
  lat_fitted f = lat_lua_check_model(L, -1, "score", "gmm", "gmm");
  lat_gmm gmm = lat_gmm_of(&f);
  LAT_TRY(lat_gmm_apply(work, &gmm, &request, &(lat_outputs){.log_likelihood = here}));
  lat_outputs outputs = {.log_likelihood = there};
  lat_workspace *theirs = lat_lua_workspace(L);
  lat_lua_raise(L, "score", theirs, f.model->apply(theirs, &f, &request, &outputs));
  printf("the module's model in this program: %zu of %d\n", same(here, there), N);
  return LAT_OK;
}

static lat_status hand_on(lua_State *L, lat_workspace *work, lat_matrix X)
{
  LAT_SCOPE(work);
  lat_kmeans kmeans;
  lat_matrix there;
  double here[N];
  lat_kmeans_options options = lat_kmeans_defaults();
  lat_source rows = lat_source_of(&X);
  LAT_TRY(lat_kmeans_fit(work, &rows, NULL, &options, &kmeans, NULL));
  lat_request request = {.X = X};
  LAT_TRY(lat_kmeans_apply(work, &kmeans, &request, &(lat_outputs){.labels = here}));
  lat_fitted f = lat_kmeans_fitted(&kmeans);
  lat_lua_push_model(L, &f, NULL);
  lua_setglobal(L, "kmeans");
  run(L, "return kmeans:predict(X)");
  if (!lat_lua_to_matrix(L, -1, &there)) return LAT_INVALID;
  printf("this program's model in the module: %zu of %d\n", same(here, there.data), N);
  return LAT_OK;
}

static int host(lua_State *L)
{
  lat_workspace *work = lua_touserdata(L, 1);
  double *numbers = malloc(N * D * sizeof *numbers);
  for (int i = 0; i < N * D; i++) numbers[i] = i % 7 + (i < N ? 0 : 50);
  lat_matrix X = lat_lua_matrix(numbers, N, D);
  run(L, "latent = require 'latent'");
  lat_lua_push_matrix(L, &X, 0, free, numbers);
  lua_setglobal(L, "X");
  lat_lua_raise(L, "score", work, score(L, work, X));
  lat_lua_raise(L, "hand_on", work, hand_on(L, work, X));
  return 0;
}

int main(void)
{
  lat_workspace work;
  lua_State *L = luaL_newstate();
  lat_workspace_init(&work);
  luaL_openlibs(L);
  lua_pushcfunction(L, host);
  lua_pushlightuserdata(L, &work);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) printf("%s\n", lua_tostring(L, -1));
  lua_close(L);
  lat_workspace_done(&work);
  return 0;
}
