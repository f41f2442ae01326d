/* forked.c: processes as ranks; see forked.h. The first process finds out which of the others have
 * ended (waitpid), these whether the first has (getppid), whenever they wait. */
#include "comm/forked.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct lat_child {
  pid_t process;
  bool ended;
} lat_child;

static const char RETURNED[] = "its function has returned";

/* ---- who has ended --------------------------------------------------------------------------- */

static void note_end(lat_forked *job, size_t rank, int status)
{
  lat_child *child = job->children + rank;
  char reason[100];
  child->ended = true;
  if (WIFSIGNALED(status))
    snprintf(reason, sizeof reason, "process %ld was ended by signal %d", (long)child->process,
             WTERMSIG(status));
  else
    snprintf(reason, sizeof reason, "process %ld has ended with status %d", (long)child->process,
             WEXITSTATUS(status));
  lat_shared_leave(job->shared, rank, reason); /* unless it has said why */
}

/* Whether the child's process is over. A caller that has it waited for elsewhere (ECHILD) has left
 * only whether a process of that number is there. */
static bool look(lat_forked *job, size_t rank)
{
  lat_child *child = job->children + rank;
  int status = 0;
  if (child->ended) return true;
  pid_t found = waitpid(child->process, &status, WNOHANG);
  if (found == child->process)
    note_end(job, rank, status);
  else if (found < 0 && errno == ECHILD && kill(child->process, 0) != 0)
    note_end(job, rank, 0);
  return child->ended;
}

static void watch_children(void *context)
{
  lat_forked *job = context;
  for (size_t r = 1; r < job->size; r++) look(job, r);
}

static void watch_parent(void *context)
{
  lat_forked *job = context;
  if (getppid() != (pid_t)job->parent) lat_shared_leave(job->shared, 0, "its process has ended");
}

/* ---- a job ----------------------------------------------------------------------------------- */

void lat_forked_kill(lat_forked *job)
{
  lat_shared_leave(job->shared, 0, "it has failed");
  for (size_t r = 1; r < job->size; r++) {
    lat_child *child = job->children + r;
    if (child->ended || child->process <= 0) continue;
    kill(child->process, SIGKILL);
    while (waitpid(child->process, NULL, 0) < 0 && errno == EINTR) continue;
    child->ended = true;
  }
  lat_shared_free(job->shared);
  job->shared = NULL;
}

/* True in the child. *failure: 0, or the reason in errno's words. */
static bool fork_one(lat_forked *job, size_t rank, int *failure)
{
  pid_t process = fork();
  if (process == 0) {
    job->rank = rank;
    return true;
  }
  *failure = process < 0 ? errno : 0;
  job->children[rank].process = process;
  return false;
}

lat_status lat_forked_begin(lat_forked *job, lat_workspace *work, size_t size, lat_comm *comm)
{
  int failure = 0;
  *job = (lat_forked){.size = size, .parent = (long)getpid()};
  job->children = lat_allocate(work, size, sizeof *job->children);
  if (!job->children) return LAT_MEMORY;
  memset(job->children, 0, size * sizeof *job->children);
  LAT_TRY(lat_shared_new(work, size, &job->shared));
  fflush(NULL); /* else each process would write it */
  for (size_t r = 1; r < size && !failure; r++)
    if (fork_one(job, r, &failure)) break;
  if (failure) {
    lat_forked_kill(job);
    return lat_fail(work, LAT_MEMORY, "the system gives no more processes: %s", strerror(failure));
  }
  lat_shared_join(job->shared, job->rank, comm);
  lat_shared_watched(job->shared, job->rank, job->rank ? watch_parent : watch_children, job);
  return LAT_OK;
}

void lat_forked_leave(lat_forked *job, const char *failure)
{
  lat_shared_leave(job->shared, job->rank, failure ? failure : RETURNED);
}

static lat_status wait_for(lat_forked *job, lat_workspace *work)
{
  long pause = 20000; /* nanoseconds, up to ten milliseconds */
  for (size_t r = 1; r < job->size;) {
    if (look(job, r)) {
      r++;
      continue;
    }
    LAT_TRY(lat_check_stop(work));
    struct timespec time = {0, pause};
    nanosleep(&time, NULL);
    if (pause < 10000000) pause *= 2;
  }
  return LAT_OK;
}

/* Others may have failed for want of the first one that did, so that one which names another is the
 * last to be asked. */
static lat_status first_failure(const lat_forked *job, lat_workspace *work)
{
  const char *found = NULL;
  size_t rank = 0;
  for (size_t r = 1; r < job->size; r++) {
    const char *reason = lat_shared_left(job->shared, r);
    if (!reason || strcmp(reason, RETURNED) == 0) continue;
    if (found && !strstr(found, "is gone: ")) break;
    if (found && strstr(reason, "is gone: ")) continue;
    found = reason;
    rank = r;
  }
  return found ? lat_fail(work, LAT_LOST, "rank %zu: %s", rank, found) : LAT_OK;
}

lat_status lat_forked_end(lat_forked *job, lat_workspace *work)
{
  lat_shared_leave(job->shared, 0, RETURNED);
  lat_status status = wait_for(job, work);
  if (status != LAT_OK) {
    lat_forked_kill(job);
    return status;
  }
  status = first_failure(job, work);
  lat_shared_free(job->shared);
  job->shared = NULL;
  return status;
}
