/* bpca.c: latent.bpca, Bayesian PCA: what the core's description doesn't say. */
#include "models/em/factor.h"

static void record(lua_State *L, int fitted)
{
  lat_bpca bpca = lat_bpca_of(lua_touserdata(L, fitted));
  lua_pushinteger(L, (lua_Integer)bpca.effective_dimension);
  latL_record(L, fitted, "effective_dimension");
}

static const luaL_Reg methods[] = {LATL_FACTOR_METHODS, {NULL, NULL}};
const latL_Kind latL_bpca_kind = {.name = "bpca",
                                  .metatable = "latent.BPCA",
                                  .gaps = LATL_KNOWS_GAPS,
                                  .core = &lat_bpca_model,
                                  .record = record,
                                  .complete = record,
                                  .methods = methods};
