/* A host that runs a Lua script with one more model, latent.poisson{components=}, whose description
 * is as short as may be: em_lua SCRIPT. */
#include <lualib.h>
#include <stdio.h>

#include "em/fit.h"
#include "model/methods.h"
#include "poisson.h"

typedef struct poisson_options {
  lat_fit_options fit;
  size_t components;
} poisson_options;

static lat_status plan(lat_fit *fit)
{
  fit->core = &kind;
  fit->sizes[LAT_K] = ((const poisson_options *)fit->options)->components;
  return LAT_OK;
}

/* Equal weights; rates about the mean, which the seed moves. */
static lat_status start(lat_fit *fit)
{
  const lat_matrix *X = &fit->sample;
  size_t K = fit->sizes[LAT_K];
  double sum = 0, n = 0;
  if (K > X->rows)
    return lat_fail(fit->work, LAT_INVALID, "components is %zu, X has %zu rows", K, X->rows);
  lat_random random = {.seed = fit->seed};
  for (size_t i = 0; i < X->rows; i++) {
    double w = fit->sample_weights ? fit->sample_weights[i] : 1;
    sum += w * lat_get(X, i, 0);
    n += w;
  }
  for (size_t k = 0; k < K; k++) {
    fit->parameters[k] = 1 / (double)K;
    fit->parameters[K + k] =
        sum / n * (0.5 + (double)k + (fit->seed ? lat_random_uniform(&random) : 0));
  }
  return LAT_OK;
}

static const lat_parameter *parameters_of(const void *o)
{
  (void)o;
  return parameters;
}

static const lat_option options[] = {LAT_OPTION_SIZE(poisson_options, components, 2, 1, 100),
                                     LAT_FIT_OPTIONS(poisson_options, 100, 1e-6, 1),
                                     {.name = NULL}};
static const lat_option fit_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_ON_ITERATION, LAT_OPTION_MAX_SECONDS, {.name = NULL}};
static const lat_option update_options[] = {LAT_OPTION_WEIGHTS, LAT_OPTION_RATE, {.name = NULL}};
static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    {.name = "steps", .argument = LAT_TAKES_DATA, .options = update_options},
    {.name = "partial_fit", .argument = LAT_TAKES_DATA, .options = update_options},
    {.name = NULL}};
static const lat_fit_kind fit_kind = {.plan = plan, .start = start};
static const lat_model poisson = {.name = "poisson",
                                  .options = options,
                                  .options_size = sizeof(poisson_options),
                                  .methods = methods,
                                  .parameters = parameters_of,
                                  .fit = &fit_kind};
static const latL_Kind poisson_kind = {
    .name = "poisson", .metatable = "latent.Poisson", .core = &poisson};

int main(int count, char **words)
{
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  latL_openmodel(L, &poisson_kind);
  lua_settop(L, 0);
  int failed = count < 2 || luaL_dofile(L, words[1]);
  if (failed) fprintf(stderr, "%s\n", count < 2 ? "em_lua SCRIPT" : lua_tostring(L, -1));
  lua_close(L);
  return failed;
}
