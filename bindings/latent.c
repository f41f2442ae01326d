/* latent.c: luaopen_latent, which makes the module from its files. */
#include <string.h>

#include "lua/binding.h"
#include "model/em.h"

/* The parts in Lua, required at their first use. */
static const char *const parts[] = {"help",    "blocks",     "plot",       "progress", "datasets",
                                    "batches", "gmm_select", "classifier", "folds",    NULL};

static int lazy_part(lua_State *L)
{
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  size_t i = 0;
  while (parts[i] && strcmp(parts[i], name) != 0) i++;
  if (!parts[i] || !lua_istable(L, 1)) return 0;
  lua_getglobal(L, "require");
  lua_pushfstring(L, "latent.%s", name);
  lua_call(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

/* latent.threads([n]) -> how many threads work from now on, for the whole process */
static int threads(lua_State *L)
{
  latL_nooptions(L, 2, "latent.threads");
  if (!lua_isnoneornil(L, 1)) lat_threads_set(latL_checksize(L, 1, "latent.threads", "n"));
  lua_pushinteger(L, (lua_Integer)lat_threads());
  return 1;
}

/* Lua 5.1, its JIT, 5.2 and 5.3: by what they have themselves. */
static int refuse(lua_State *L)
{
  const char *version = "an older one";
  if (lua_getglobal) {
    lua_getglobal(L, "_VERSION");
    version = lua_tolstring(L, -1, NULL);
  }
  return luaL_error(L, "latent needs Lua 5.4, and this is %s", version ? version : "another one");
}

__attribute__((visibility("default"))) int luaopen_latent(lua_State *L)
{
  if (!lua_newuserdatauv) return refuse(L);
  luaL_checkversion(L);
  lua_newtable(L);
  latL_open_state(L);
  latL_open_matrix(L);
  latL_open_matrix_print(L);
  latL_open_matrix_arithmetic(L);
  latL_open_matrix_reduce(L);
  latL_open_matrix_linear(L);
  latL_open_random(L);
  latL_open_eigen(L);
  latL_open_files(L);
  latL_open_scaler(L);
  latL_open_pca(L);
  latL_open_ica(L);
  latL_open_em(L);
  latL_open_em_model(L);
  latL_open_lds(L);
  latL_open_lds_tracker(L);
  latL_open_kmeans(L);
  latL_open_gmm(L);
  latL_open_mppca(L);
  latL_open_mixture(L);
  latL_open_ppca(L);
  latL_open_bpca(L);
  latL_open_fa(L);
  latL_open_batches(L);
  latL_open_nonlinear(L);
  latL_open_vae(L);
  latL_open_nn(L);
  latL_open_system(L);
  latL_open_save(L);
  lua_pushcfunction(L, threads);
  lua_setfield(L, -2, "threads");
  lua_pushliteral(L, LAT_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushliteral(L, "latent " LAT_VERSION);
  lua_setfield(L, -2, "_VERSION");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, lazy_part);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  return 1;
}
