/* 18_lua_host.c: an application that runs a script: its rows are a matrix there without a copy, what
 * the script fits scores rows here, and what is fitted here goes on there.
 *
 *   cc -std=c11 -Icore -Ibindings scripts/c/18_lua_host.c build/liblatent.a -lopenblas -llapacke -lm $(pkg-config --cflags --libs lua5.4) */
#include <stdio.h>
#include <stdlib.h>

#include "latent_lua.h"
#include <lualib.h>

enum { N = 600, D = 2, K = 2 };

static int released;

static void release(void *memory)
{
  free(memory);
  released++;
}

/* Two groups of readings, around (0, 0) and (5, 5), which Lua frees when nobody there has them. */
static lat_matrix push_readings(lua_State *L)
{
  double *numbers = malloc(N * D * sizeof *numbers);
  if (!numbers) luaL_error(L, "not enough memory");
  lat_random random = {.seed = 1};
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < D; j++)
      numbers[i * D + j] = (i < N / 3 ? 0 : 5) + lat_random_normal(&random);
  lat_matrix X = lat_lua_matrix(numbers, N, D);
  lat_lua_push_matrix(L, &X, 0, release, numbers);
  return X;
}

static void run(lua_State *L, const char *script)
{
  if (luaL_dostring(L, script) != LUA_OK) lua_error(L);
}

/* The mixture that the script has fitted says of each row here, one at a time, what it says there. */
static void score(lua_State *L, lat_matrix X)
{
  lat_matrix there;
  double here;
  size_t same = 0;
  lua_getglobal(L, "mixture");
  lat_fitted fitted = lat_lua_check_model(L, -1, "score", "mixture", "gmm");
  lat_gmm gmm = lat_gmm_of(&fitted);
  lat_workspace *work = lat_lua_workspace(L);
  lat_request request = {.X = lat_block_of(X, 0, 0, 1, D)};
  double *numbers =
      lua_newuserdatauv(L, sizeof *numbers * lat_gmm_prepared_count(&gmm, &request), 0);
  lat_lua_raise(L, "score", work, lat_gmm_prepare(work, &gmm, &request, numbers));
  lua_getglobal(L, "log_p");
  if (!lat_lua_to_matrix(L, -1, &there)) luaL_error(L, "log_p is no matrix");
  for (size_t i = 0; i < N; i++) {
    request.X = lat_block_of(X, i, 0, 1, D);
    lat_status status =
        lat_gmm_apply(work, &gmm, &request, &(lat_outputs){.log_likelihood = &here});
    lat_lua_raise(L, "score", work, status);
    same += here == lat_get(&there, i, 0);
  }
  printf("fitted in Lua, weights %.2f and %.2f; the same bits in C: %zu of %d\n", gmm.weights[0],
         gmm.weights[1], same, N);
}

/* Clusters that are found here become a model of the script's. */
static void hand_on(lua_State *L, lat_matrix X)
{
  lat_kmeans kmeans;
  lat_fit_report report;
  lat_kmeans_options options = lat_kmeans_defaults();
  lat_source rows = lat_source_of(&X);
  lat_workspace *work = lat_lua_workspace(L);
  options.clusters = K;
  lat_lua_raise(L, "hand_on", work, lat_kmeans_fit(work, &rows, NULL, &options, &kmeans, &report));
  lat_fitted fitted = lat_kmeans_fitted(&kmeans);
  lat_lua_push_model(L, &fitted, &report);
  lua_setglobal(L, "clusters");
  run(L,
      "local labels = clusters:predict(readings)\n"
      "print('fitted in C, converged ' .. tostring(clusters.converged) .. ', the first and last '\n"
      "  .. 'reading are together: ' .. tostring(labels[1] == labels[#labels]))");
}

static int application(lua_State *L)
{
  lat_matrix X = push_readings(L);
  lua_setglobal(L, "readings");
  run(L, "latent = require 'latent'\n"
         "mixture = latent.gmm { components = 2 }:fit(readings)\n"
         "log_p = mixture:log_likelihood(readings)\n"
         "readings[1][1] = 0.125\n"
         "first = readings:row(1)");
  printf("written in Lua, read in C: %g\n", lat_get(&X, 0, 0));
  lat_set(&X, 0, 0, 0);
  run(L, "log_p = mixture:log_likelihood(readings)");
  score(L, X);
  hand_on(L, X);

  /* The memory is this program's again, whatever the script has kept. */
  lua_getglobal(L, "readings");
  lat_lua_take_back(L, -1);
  bool failed = luaL_dostring(L, "return first:sum()") != LUA_OK;
  printf("taken back: %d\n", failed && strstr(lua_tostring(L, -1), "has been given back") != NULL);
  return 0;
}

int main(void)
{
  lua_State *L = luaL_newstate();
  if (!L) return 1;
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  lua_pushcfunction(L, application);
  int status = lua_pcall(L, 0, 0, 0);
  if (status != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  printf("released %d time\n", released);
  return status != LUA_OK;
}
