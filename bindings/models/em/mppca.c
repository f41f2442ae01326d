/* mppca.c: latent.mppca, mixtures of probabilistic PCA and of factor analysers: what the core's
 * description doesn't say. */
#include "model/given.h"
#include "model/methods.h"
#include "model/query.h"
#include "models/em/gmm.h"

static void read_options(lua_State *L, int model, void *options)
{
  lat_mppca_options *o = options;
  const size_t sizes[LAT_SIZES] = {[LAT_M] = o->latent_dim ? o->latent_dim : LATL_NONE};
  latL_readcomponents(L, model, &o->components, &o->fit, sizes);
}

/* posterior(X [, {missing}]) -> {responsibilities, means, covariances} */
static int posterior(lua_State *L)
{
  const char *who = latL_verb(L);
  lat_request request;
  const latL_Fitted *f = latL_beginmethod(L, 3, 3, &request);
  lat_mppca core = lat_mppca_of(f);
  latL_Query q = latL_checkquery(L, 2, who, "X", core.D);
  request.X = q.X;
  if (core.M == 0) latL_error(L, who, "latent_dim is 0: there are no latent variables");
  size_t K = core.K, M = core.M, N = q.X.rows, each = request.missing ? N : 1;
  lua_createtable(L, 0, 3);
  int table = lua_gettop(L);
  lat_matrix R = latL_queryrows(L, &q, K);
  lua_setfield(L, table, "responsibilities");
  double *Z = latL_newmatrix(L, K * N, M, LAT_FLOAT64)->view.data;
  latL_queryviews(L, &q, table + 1, Z, K, M);
  lua_setfield(L, table, "means");
  double *V = latL_newmatrix(L, K * each * M, M, LAT_FLOAT64)->view.data;
  if (q.one || !request.missing) {
    latL_newviews(L, table + 2, V, K, M, M);
  } else {
    lua_createtable(L, (int)K, 0);
    for (size_t k = 0; k < K; k++) {
      latL_newviews(L, table + 2, V + k * N * M * M, N, M, M);
      lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
  }
  lua_setfield(L, table, "covariances");
  latL_run(L, who, lat_mppca_posterior, &core, &request, &R, Z, V);
  lua_settop(L, table);
  return 1;
}

static const luaL_Reg methods[] = {{"posterior", posterior}, {NULL, NULL}};
const latL_Kind latL_mppca_kind = {.name = "mppca",
                                   .metatable = "latent.MPPCA",
                                   .gaps = LATL_KNOWS_GAPS,
                                   .core = &lat_mppca_model,
                                   .read = read_options,
                                   .record = latL_recordevents,
                                   .methods = methods};
