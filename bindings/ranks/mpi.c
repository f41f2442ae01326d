/* mpi.c: latent.mpi.run, a function run by the ranks of an MPI job. MPI itself is in the module
 * latent_mpi (bindings/mpi), which is there where `make mpi` has built it, and is loaded only by
 * processes that a launcher has started. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranks/comm.h"

/* Where things lie on the stack of the call. */
enum { FUNCTION = 1, OPTIONS, MODULE, JOB, COMM, HANDLER };

#define WHO       "mpi.run"
#define UNDER_WAY "latent mpi.run" /* the registry's field that says so */
#define DEADLINE  600              /* seconds: an iteration of a slow rank, and no night */

/* How many ranks the launcher of this process says that there are: 0 where nobody does. */
static long launched(void)
{
  static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *size = getenv(names[i]);
    if (size && *size) return strtol(size, NULL, 10);
  }
  return getenv("PMIX_RANK") || getenv("PMI_RANK") ? 2 : 0;
}

/* Puts the module latent_mpi at MODULE; false where nobody needs it. */
static bool find_module(lua_State *L)
{
  long ranks = launched();
  if (ranks == 0) return false;
  lua_getfield(L, LUA_REGISTRYINDEX, LATL_REQUIRE);
  lua_pushliteral(L, "latent_mpi");
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    if (ranks == 1) return false;
    const char *message = lua_tostring(L, -1);
    bool absent = message && strstr(message, "module 'latent_mpi' not found");
    latL_error(L, WHO, "a launcher has started several ranks, but the module latent_mpi %s%s",
               absent ? "isn't there: `make mpi` builds it" : "can't be loaded: ",
               absent || !message ? "" : message);
  }
  lua_replace(L, MODULE);
  return true;
}

static void call_module(lua_State *L, const char *function)
{
  lua_getfield(L, MODULE, function);
  lua_pushvalue(L, JOB);
}

static void set_under_way(lua_State *L, bool on)
{
  lua_pushboolean(L, on);
  lua_setfield(L, LUA_REGISTRYINDEX, UNDER_WAY);
}

static bool is_under_way(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, UNDER_WAY);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

/* The function has raised: of several ranks the job ends, as others may wait for this one. */
static int end_by_error(lua_State *L, lat_comm *comm)
{
  comm->ended = true;
  set_under_way(L, false);
  if (comm->size == 1) return lua_error(L);
  fprintf(stderr, "rank %zu: %s\n", comm->rank, lua_tostring(L, -1));
  call_module(L, "abort");
  lua_call(L, 1, 0);
  return 0;
}

/* All ranks have come to the end of their functions. */
static void finish(lua_State *L, lat_comm *comm, bool launched_ranks)
{
  lat_workspace *work = latL_workspace(L);
  lat_status status = lat_comm_conclude(comm, work, LAT_OK);
  if (status != LAT_OK) {
    lua_pushstring(L, work->message);
    end_by_error(L, comm);
    return;
  }
  comm->ended = true;
  set_under_way(L, false);
  if (!launched_ranks) return;
  call_module(L, "finish");
  lua_call(L, 1, 0);
}

static lat_comm *make_comm(lua_State *L, bool ranks)
{
  lua_settop(L, MODULE);
  if (ranks) {
    lua_getfield(L, MODULE, "begin");
    lua_call(L, 0, 1);
  } else {
    lua_pushnil(L);
  }
  lat_comm *comm = latL_newcomm(L, JOB);
  *comm = ranks ? *(const lat_comm *)lua_touserdata(L, JOB) : lat_comm_alone();
  return comm;
}

/* mpi.run(f [, {deadline}]) -> what f(comm) returns */
static int run(lua_State *L, const latL_Function *f)
{
  latL_allow(L, f->who);
  if (lua_type(L, FUNCTION) != LUA_TFUNCTION)
    latL_error(L, f->who, "f must be a function of a comm, got %s", latL_typegot(L, FUNCTION));
  if (is_under_way(L)) latL_error(L, f->who, "a job is under way, and has its comm already");
  double deadline = latL_optnumber(L, OPTIONS, f->who, "deadline", DEADLINE, 0, (double)INFINITY);
  lua_settop(L, OPTIONS);
  lua_pushnil(L);
  bool ranks = find_module(L);
  lat_comm *comm = make_comm(L, ranks);
  comm->deadline = deadline;
  set_under_way(L, true);
  lua_pushcfunction(L, latL_trace);
  lua_pushvalue(L, FUNCTION);
  lua_pushvalue(L, COMM);
  if (lua_pcall(L, 1, LUA_MULTRET, comm->size > 1 ? HANDLER : 0) != LUA_OK)
    return end_by_error(L, comm);
  int results = lua_gettop(L) - HANDLER;
  finish(L, comm, ranks);
  lua_settop(L, HANDLER + results);
  return results;
}

const latL_Function latL_mpi_functions[] = {
    {"mpi.run", run, .arguments = 1, LATL_OPTIONS("deadline")}, LATL_END};
