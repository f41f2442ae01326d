/* latent_mpi.c: the module latent_mpi, by which latent.mpi has a comm (comm/comm.h) over MPI. Built by
 * `make mpi` with the system's mpicc, of Open MPI or MPICH; nothing else of latent knows MPI.
 *
 * Collectives are MPI's nonblocking ones: a rank that waits looks for an interrupt and at the clock,
 * and sleeps between looks. Errors of MPI are returned, never MPI's own end of the job. What the core
 * has is used by its headers alone, as the module exports nothing. */
#include <lauxlib.h>
#include <lua.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "comm/comm.h"

/* What `begin` returns: the comm, which latent copies, and MPI's. */
typedef struct job {
  lat_comm comm; /* the first member */
  MPI_Comm ranks;
  int ours; /* to be finalized here: MPI wasn't there before */
} job;

enum {
  ROUND = 1 << 30,   /* bytes that MPI is given at once: its counts are ints */
  YIELDS = 100,      /* before sleep */
  SLEEP = 50000,     /* nanoseconds */
  LOOKS_A_CHECK = 20 /* between looks for an interrupt */
};

/* ---- waiting --------------------------------------------------------------------------------- */

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static lat_status fail(lat_workspace *work, lat_status status, const char *message)
{
  snprintf(work->message, sizeof work->message, "%s", message);
  return status;
}

static lat_status failed(lat_workspace *work, int code)
{
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  snprintf(work->message, sizeof work->message, "MPI says: %.200s", text);
  return LAT_LOST;
}

static int interrupted(lat_workspace *work)
{
  return (work->cancel && atomic_load(work->cancel)) ||
         (work->poll && work->poll(work->poll_state));
}

/* A request that hasn't come to its end is left behind: the comm is of no use any more. */
static lat_status wait_for(const lat_comm *comm, lat_workspace *work, MPI_Request *request)
{
  const double until = now() + comm->deadline;
  for (size_t looks = 1;; looks++) {
    int done = 0, code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) return failed(work, code);
    if (done) return LAT_OK;
    if (looks < YIELDS) {
      sched_yield();
      continue;
    }
    if (looks % LOOKS_A_CHECK == 0) {
      if (interrupted(work)) return fail(work, LAT_CANCELLED, "interrupted");
      if (comm->deadline > 0 && now() > until) {
        snprintf(work->message, sizeof work->message, "the ranks didn't answer within %g seconds",
                 comm->deadline);
        return LAT_LOST;
      }
    }
    struct timespec time = {0, SLEEP};
    nanosleep(&time, NULL);
  }
}

/* ---- the comm -------------------------------------------------------------------------------- */

static size_t part(size_t bytes, size_t from, size_t most)
{
  size_t left = bytes > from ? bytes - from : 0;
  return left < most ? left : most;
}

/* One round: up to `most` bytes of each rank from `from` on, by way of `buffer`. */
static lat_status gather_round(const lat_comm *comm, lat_workspace *work, const char *mine,
                               const size_t bytes[], size_t from, size_t most, char *buffer,
                               int *counts, int *places)
{
  const job *j = comm->context;
  MPI_Request request;
  int place = 0;
  for (size_t r = 0; r < comm->size; r++) {
    counts[r] = (int)part(bytes[r], from, most);
    places[r] = place;
    place += counts[r];
  }
  size_t own = bytes[comm->rank] > from ? from : 0;
  int code = MPI_Iallgatherv(mine + own, counts[comm->rank], MPI_BYTE, buffer, counts, places,
                             MPI_BYTE, j->ranks, &request);
  return code == MPI_SUCCESS ? wait_for(comm, work, &request) : failed(work, code);
}

static void spread(const lat_comm *comm, const size_t bytes[], size_t from, const char *buffer,
                   const int *counts, char *all)
{
  for (size_t r = 0; r < comm->size; r++) {
    if (counts[r] > 0) memcpy(all + from, buffer, (size_t)counts[r]);
    buffer += counts[r];
    all += bytes[r];
  }
}

/* Memory that MPI may still write to, after a failure, isn't freed: it would be somebody else's. */
static lat_status gather(lat_comm *comm, lat_workspace *work, const void *mine,
                         const size_t bytes[], void *all)
{
  size_t longest = 0, total = 0;
  for (size_t r = 0; r < comm->size; r++) {
    if (bytes[r] > longest) longest = bytes[r];
    total += bytes[r];
  }
  size_t most = total > ROUND ? ROUND / comm->size : longest;
  size_t room = total > ROUND ? most * comm->size : total;
  int *counts = malloc(2 * comm->size * sizeof *counts);
  char *buffer = malloc(room + 1), *own = malloc(bytes[comm->rank] + 1);
  if (!counts || !buffer || !own) {
    free(counts), free(buffer), free(own);
    return fail(work, LAT_MEMORY, "no memory to gather what ranks have");
  }
  memcpy(own, mine, bytes[comm->rank]);
  lat_status status = LAT_OK;
  for (size_t from = 0; from < longest && status == LAT_OK; from += most) {
    status = gather_round(comm, work, own, bytes, from, most, buffer, counts, counts + comm->size);
    if (status == LAT_OK) spread(comm, bytes, from, buffer, counts, all);
  }
  if (status == LAT_OK) free(counts), free(buffer), free(own);
  return status;
}

static lat_status sum(lat_comm *comm, lat_workspace *work, double *x, size_t n)
{
  const job *j = comm->context;
  double *both = malloc(2 * n * sizeof *both);
  lat_status status = LAT_OK;
  if (!both) return fail(work, LAT_MEMORY, "no memory to add up what ranks have");
  memcpy(both, x, n * sizeof *x);
  for (size_t from = 0; from < n && status == LAT_OK; from += ROUND / sizeof *x) {
    MPI_Request request;
    int count = (int)part(n, from, ROUND / sizeof *x);
    int code = MPI_Iallreduce(both + from, both + n + from, count, MPI_DOUBLE, MPI_SUM, j->ranks,
                              &request);
    status = code == MPI_SUCCESS ? wait_for(comm, work, &request) : failed(work, code);
  }
  if (status != LAT_OK) return status;
  memcpy(x, both + n, n * sizeof *x);
  free(both);
  return LAT_OK;
}

/* ---- the module ------------------------------------------------------------------------------ */

static int raise(lua_State *L, const char *what, int code)
{
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return luaL_error(L, "latent_mpi.%s: %s", what, text);
}

/* begin() -> a job: MPI is initialized, unless the host has done that. */
static int begin(lua_State *L)
{
  job *j = lua_newuserdatauv(L, sizeof *j, 0);
  int there = 0, over = 0, level = 0, rank = 0, size = 1;
  memset(j, 0, sizeof *j);
  MPI_Finalized(&over);
  if (over) return luaL_error(L, "MPI has ended with the job before; a process has one");
  MPI_Initialized(&there);
  int code = there ? MPI_SUCCESS : MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  if (code != MPI_SUCCESS) return raise(L, "begin", code);
  j->ours = !there;
  code = MPI_Comm_dup(MPI_COMM_WORLD, &j->ranks);
  if (code != MPI_SUCCESS) return raise(L, "begin", code);
  MPI_Comm_set_errhandler(j->ranks, MPI_ERRORS_RETURN);
  MPI_Comm_rank(j->ranks, &rank);
  MPI_Comm_size(j->ranks, &size);
  j->comm = (lat_comm){
      .rank = (size_t)rank, .size = (size_t)size, .gather = gather, .sum = sum, .context = j};
  return 1;
}

/* finish(job): all ranks have come to the end. */
static int finish(lua_State *L)
{
  job *j = lua_touserdata(L, 1);
  MPI_Comm_free(&j->ranks);
  if (j->ours) MPI_Finalize();
  return 0;
}

/* abort(job): ends the processes of all ranks. */
static int abort_all(lua_State *L)
{
  (void)L;
  fflush(NULL);
  MPI_Abort(MPI_COMM_WORLD, 3);
  return 0;
}

int luaopen_latent_mpi(lua_State *L);
int luaopen_latent_mpi(lua_State *L)
{
  static const luaL_Reg functions[] = {
      {"begin", begin}, {"finish", finish}, {"abort", abort_all}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
