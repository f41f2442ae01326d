/* pca.c: latent.pca, principal component analysis: what the core's description doesn't say. */
#include <math.h>
#include <string.h>

#include "model/given.h"
#include "model/methods.h"
#include "model/statistics.h"

/* ---- the constructor ------------------------------------------------------------------------- */

/* latent_dim: an integer, a share of the variance strictly between 0 and 1, or "mle" */
static void read_latent_dim(lua_State *L, lat_pca_options *o)
{
  int type = latL_getoption(L, 1, "latent_dim");
  o->evidence = type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "mle") == 0;
  if (o->evidence || type == LUA_TNIL) return;
  double x = latL_checknumber(L, -1, "pca", "latent_dim");
  if (x > 0 && x < 1)
    o->share = x;
  else if (x >= 1 && x == floor(x) && x < 1e15)
    o->latent_dim = (size_t)x;
  else
    latL_error(L, "pca",
               "latent_dim must be an integer >= 1, or a share of the variance between 0 and 1, "
               "or \"mle\", got %s",
               luaL_tolstring(L, -1, NULL));
}

/* The option `init`: the model can be used without a fit. What is left out is as if nothing were
 * standardized, and no variance left beyond the components. */
static void read_init(lua_State *L, int model)
{
  static const char *const names[] = {"mean",      "components",     "eigenvalues",
                                      "deviation", "total_variance", NULL};
  static const char *const optional[] = {"deviation", "explained_ratio", "total_variance", NULL};
  const size_t sizes[LAT_SIZES] = {0};
  if (latL_getoption(L, 1, "init") == LUA_TTABLE) latL_checkoptions(L, lua_gettop(L), "pca", names);
  latL_Fitted *f = latL_pushgiven(L, model, sizes, optional);
  if (!f) return;
  lat_pca_complete(f);
  latL_adoptgiven(L, model, "pca");
}

static void read_options(lua_State *L, int model, void *options)
{
  read_latent_dim(L, options);
  read_init(L, model);
}

/* ---- the record ------------------------------------------------------------------------------ */

/* The fields that every model has after a fit; the objective is the distortion J. */
static void record(lua_State *L, int fitted)
{
  static const char *const solvers[] = {"auto", "covariance", "gram", "randomized"};
  const latL_Fitted *f = lua_touserdata(L, fitted);
  lat_pca pca = lat_pca_of(f);
  lat_pca_report report = lat_pca_report_of(f);
  double distortion = *pca.total_variance;
  for (size_t i = 0; i < pca.M; i++) distortion -= pca.eigenvalues[i];
  lua_pushinteger(L, (lua_Integer)report.iterations);
  latL_record(L, fitted, "iterations");
  lua_pushstring(L, solvers[report.solver]);
  latL_record(L, fitted, "solver");
  lua_pushboolean(L, 1);
  latL_record(L, fitted, "converged");
  distortion = distortion > 0 ? distortion : 0;
  latL_recordlist(L, fitted, "history", &distortion, 1);
  if (pca.options.evidence)
    latL_recordlist(L, fitted, "log_evidence", report.log_evidence, report.dimensions);
}

/* ---- the class ------------------------------------------------------------------------------- */

const latL_Kind latL_pca_kind = {.name = "pca",
                                 .metatable = "latent.PCA",
                                 .refresh = latL_solvestatistics,
                                 .gaps = LATL_GAPS_BY("ppca"),
                                 .core = &lat_pca_model,
                                 .read = read_options,
                                 .record = record};
