/* ppca.c: latent.ppca, probabilistic PCA: what the core's description doesn't say. */
#include "models/em/factor.h"

static void read_options(lua_State *L, int model, void *options)
{
  lat_ppca_options *o = options;
  latL_readfactors(L, model, &o->latent_dim, &o->fit);
}

/* The evidences of a fit that has chosen by them. */
static void record(lua_State *L, int fitted)
{
  lat_ppca ppca = lat_ppca_of(lua_touserdata(L, fitted));
  if (ppca.evidences) latL_recordlist(L, fitted, "log_evidence", ppca.log_evidence, ppca.evidences);
}

static const luaL_Reg methods[] = {LATL_FACTOR_METHODS, {NULL, NULL}};
const latL_Kind latL_ppca_kind = {.name = "ppca",
                                  .metatable = "latent.PPCA",
                                  .gaps = LATL_KNOWS_GAPS,
                                  .core = &lat_ppca_model,
                                  .read = read_options,
                                  .record = record,
                                  .methods = methods};
