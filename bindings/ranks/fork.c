/* fork.c: latent.fork, a function run by several processes of this machine at once. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parallel.h"
#include "comm/forked.h"
#include "ranks/comm.h"

/* Where things lie on the stack of the call. */
enum { COUNT = 1, FUNCTION, OPTIONS, JOB, COMM, HANDLER };

/* What the call's value to be closed holds: however the call ends, nobody goes on for it. */
typedef struct job {
  lat_forked forked;
  lat_comm *comm;
  size_t threads; /* before */
  bool running;
} job;

#define LATL_JOB "latent fork" /* no class of the users' */

static void end_job(job *j)
{
  if (j->comm) j->comm->ended = j->comm->size > 1;
  if (j->threads) lat_threads_set(j->threads);
  j->threads = 0;
  j->running = false;
}

static int close_job(lua_State *L)
{
  job *j = luaL_testudata(L, 1, LATL_JOB);
  if (!j || !j->running) return 0;
  /* os.exit closes the state in a process that was forked within the job: the others aren't its */
  if (j->forked.shared && j->forked.parent != (long)getpid()) return 0;
  end_job(j);
  if (j->forked.shared) lat_forked_kill(&j->forked);
  return 0;
}

/* One terminal has one line for progress: the first process'. */
static int end_progress(lua_State *L)
{
  latL_pushpart(L, "latent.fork", "latent.progress");
  lua_pushboolean(L, 0);
  lua_call(L, 1, 0);
  return 0;
}

/* The function in a process that has been forked for it, which ends here. */
static int run_child(lua_State *L, job *j)
{
  char failure[180] = "";
  if (latL_istold(L)) lua_pushcfunction(L, end_progress), lua_pcall(L, 0, 0, 0);
  lua_settop(L, HANDLER - 1);
  lua_pushcfunction(L, latL_trace);
  lua_pushvalue(L, FUNCTION);
  lua_pushvalue(L, COMM);
  int status = lua_pcall(L, 1, 0, HANDLER);
  if (status != LUA_OK) {
    const char *message = lua_tostring(L, -1);
    size_t length = message ? strcspn(message, "\n") : 0;
    if (length >= sizeof failure) length = sizeof failure - 1;
    memcpy(failure, message ? message : "", length);
    failure[length] = '\0';
    if (length == 0) strcpy(failure, "its function has failed");
  }
  lat_forked_leave(&j->forked, status == LUA_OK ? NULL : failure);
  fflush(NULL);
  _exit(status == LUA_OK ? 0 : 1);
}

/* The others' end, once rank 0's function has returned its results, which are the call's. */
static int finish(lua_State *L, job *j, int results)
{
  lat_workspace *work = latL_workspace(L);
  lat_status status = LAT_OK;
  if (j->forked.shared) status = lat_forked_end(&j->forked, work);
  end_job(j);
  if (status != LAT_OK) latL_error(L, "latent.fork", "%s", work->message);
  return results;
}

static job *begin(lua_State *L, const char *who, size_t n)
{
  job *j = lua_newuserdatauv(L, sizeof *j, 1);
  *j = (job){.threads = 0};
  luaL_setmetatable(L, LATL_JOB);
  lua_toclose(L, JOB);
  j->comm = latL_newcomm(L, JOB);
  *j->comm = lat_comm_alone();
  double deadline = latL_optnumber(L, OPTIONS, who, "deadline", 0, 0, (double)INFINITY);
  lat_workspace *work = latL_newworkspace(L); /* it holds the list of processes */
  lua_setiuservalue(L, JOB, 1);
  j->threads = lat_threads();
  if (n > 1) {
    lat_threads_set(j->threads / n ? j->threads / n : 1);
    j->running = true;
    if (lat_forked_begin(&j->forked, work, n, j->comm) != LAT_OK) {
      j->forked.shared = NULL;
      latL_error(L, who, "%s", work->message);
    }
  }
  latL_owncomm(j->comm);
  j->running = true;
  j->comm->deadline = deadline;
  return j;
}

/* latent.fork(n, f [, {deadline}]) -> what f(comm) returns in rank 0 */
static int fork_job(lua_State *L, const latL_Function *f)
{
  latL_allow(L, f->who);
  size_t n = latL_checksize(L, COUNT, f->who, "n");
  if (n > LAT_SHARED_MOST)
    latL_error(L, f->who, "n must be at most %d, got %I", LAT_SHARED_MOST, (lua_Integer)n);
  if (lua_type(L, FUNCTION) != LUA_TFUNCTION)
    latL_error(L, f->who, "f must be a function of a comm, got %s", latL_typegot(L, FUNCTION));
  job *j = begin(L, f->who, n);
  if (j->forked.rank > 0) return run_child(L, j);
  lua_pushvalue(L, FUNCTION);
  lua_pushvalue(L, COMM);
  lua_call(L, 1, LUA_MULTRET);
  return finish(L, j, lua_gettop(L) - COMM);
}

static const latL_Function functions[] = {
    {"latent.fork", fork_job, .arguments = 2, LATL_OPTIONS("deadline")}, LATL_END};

void latL_open_fork(lua_State *L)
{
  latL_newclosed(L, LATL_JOB, close_job);
  latL_addfunctions(L, functions);
}
