/* host/table.c: the table in the registry, by which hosts that include latent_lua.h find the module. */
#include "host/host.h"
#include "lua/modules.h"
#include "lua/state.h"

/* What a host has left there is gone. */
static lat_workspace *workspace(lua_State *L)
{
  luaL_checkstack(L, 8, "lat_lua_workspace");
  lat_workspace *work = latL_workspace(L);
  lat_workspace_release(work, (lat_mark){0});
  return work;
}

static void raise(lua_State *L, const char *who, lat_workspace *work, lat_status status)
{
  luaL_checkstack(L, 8, who);
  if (status != LAT_OK) latL_check(L, who, work, lat_workspace_mark(work), status);
}

static const size_t sizes[] = LAT_LUA_SIZES;

static const lat_lua_table table = {.abi = LAT_ABI,
                                    .version = LAT_VERSION,
                                    .bytes = sizeof table,
                                    .sizes = sizes,
                                    .size_count = sizeof sizes / sizeof *sizes,
                                    .push_matrix = latL_pushhostmatrix,
                                    .new_matrix = latL_newhostmatrix,
                                    .take_back = latL_takeback,
                                    .to_matrix = latL_tohostmatrix,
                                    .check_matrix = latL_checkhostmatrix,
                                    .push_model = latL_pushhostmodel,
                                    .to_model = latL_tohostmodel,
                                    .check_model = latL_checkhostmodel,
                                    .workspace = workspace,
                                    .raise = raise};

void latL_open_host(lua_State *L)
{
  latL_openhostmatrices(L);
  lua_pushlightuserdata(L, (void *)(size_t)&table);
  lua_setfield(L, LUA_REGISTRYINDEX, LAT_LUA_KEY);
}
