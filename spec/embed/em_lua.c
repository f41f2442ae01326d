/* A host that runs a Lua script with one more model, latent.poisson{components=}, whose binding is as
 * short as the driver allows: em_lua SCRIPT. */
#include <lualib.h>
#include <stdio.h>

#include "model/em.h"
#include "poisson.h"

typedef struct poisson {
  latL_EmModel em;
  size_t components;
} poisson;

static void plan(lua_State *L, latL_Run *run)
{
  const poisson *p = run->model;
  (void)L;
  run->core = &kind;
  run->sizes[LAT_K] = p->components;
}

/* Equal weights; rates about the mean, which the seed moves. */
static lat_status start(lua_State *L, latL_Run *run)
{
  lat_matrix X = latL_sample(L, run);
  size_t K = run->sizes[LAT_K];
  double sum = 0, n = 0;
  if (K > X.rows)
    return lat_fail(run->work, LAT_INVALID, "components is %zu, X has %zu rows", K, X.rows);
  lat_random random = {.seed = run->seed};
  for (size_t i = 0; i < X.rows; i++) {
    double w = run->sample_weights ? run->sample_weights[i] : 1;
    sum += w * lat_get(&X, i, 0);
    n += w;
  }
  for (size_t k = 0; k < K; k++) {
    run->parameters[k] = 1 / (double)K;
    run->parameters[K + k] =
        sum / n * (0.5 + (double)k + (run->seed ? lat_random_uniform(&random) : 0));
  }
  return LAT_OK;
}

static const latL_EmKind poisson_kind = {
    .base = {"poisson", "latent.Poisson", parameters, NULL}, .plan = plan, .start = start};

static int fit(lua_State *L)
{
  return latL_fit(L, &poisson_kind, "poisson:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, &poisson_kind, "poisson:steps");
}

static int partial_fit(lua_State *L)
{
  return latL_partial_fit(L, &poisson_kind, "poisson:partial_fit");
}

static int new (lua_State *L)
{
  static const char *const names[] = {"components", LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "poisson", names);
  poisson *p = latL_newmodel(L, &poisson_kind.base, sizeof *p);
  latL_emoptions(L, 1, "poisson", &p->em, 100, 1e-6, 1);
  p->components = (size_t)latL_optinteger(L, 1, "poisson", "components", 2, 1, 100);
  return 1;
}

int main(int count, char **words)
{
  static const luaL_Reg methods[] = {
      {"fit", fit}, {"steps", steps}, {"partial_fit", partial_fit}, {NULL, NULL}};
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  latL_newkind(L, &poisson_kind.base, methods);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "poisson");
  lua_settop(L, 0);
  int failed = count < 2 || luaL_dofile(L, words[1]);
  if (failed) fprintf(stderr, "%s\n", count < 2 ? "em_lua SCRIPT" : lua_tostring(L, -1));
  lua_close(L);
  return failed;
}
