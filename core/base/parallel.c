/* parallel.c: a pool of threads that run the chunks of one job at a time (parallel.h).
 *
 * Chunks are numbered; each thread claims the next one by an atomic increment, so that a slow chunk
 * doesn't hold up the others. Which thread runs a chunk has no influence on what it computes. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/blas.h"
#include "base/blas_library.h"
#include "base/progress.h"

typedef struct job {
  lat_task *task;
  void *context;
  size_t chunks;
  const lat_steps *steps; /* the caller's */
  atomic_size_t next;     /* the first chunk that no thread has claimed */
  atomic_bool stop;
} job;

enum { PLACED = 64 }; /* threads that are placed, at most */

/* The pool. `owner` is held for the length of a lat_parallel; `lock` guards the rest. A new
 * `generation` tells parked threads that there is a job; those with number <= `helpers` run
 * it, and the last of them to finish (`working` is 0) wakes the caller. */
static struct {
  pthread_mutex_t owner, lock;
  pthread_cond_t wake, done;
  size_t made;    /* threads that exist besides the callers */
  size_t helpers; /* of them, those that run chunks of the job */
  size_t working;
  unsigned long generation;
  job *work;
  pthread_t ids[PLACED]; /* of the first threads */
  int away_from;         /* the processor that they stay off; -1: none */
  size_t placed;         /* how many have been placed */
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER,
          .away_from = -1};

static atomic_size_t threads; /* 0: not decided yet */

/* Threads don't survive a fork: the child starts with an empty pool, even if the parent's was
 * busy. */
static void after_fork(void)
{
  pthread_mutex_init(&pool.owner, NULL);
  pthread_mutex_init(&pool.lock, NULL);
  pthread_cond_init(&pool.wake, NULL);
  pthread_cond_init(&pool.done, NULL);
  pool.made = pool.helpers = pool.working = pool.placed = 0;
  pool.away_from = -1;
  pool.work = NULL;
}

static void once(void)
{
  pthread_atfork(NULL, NULL, after_fork);
}

static void run_chunks(job *work, size_t worker)
{
  LAT_BLAS_SECTION;
  while (!atomic_load_explicit(&work->stop, memory_order_relaxed)) {
    size_t chunk = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
    if (chunk >= work->chunks) return;
    work->task(work->context, chunk, worker);
  }
}

static void *thread_main(void *argument)
{
  size_t number = (size_t)argument; /* from 1; the caller is worker 0 */
  unsigned long seen = 0;
#ifdef LAT_DEBUG
  lat_is_worker = 1;
#endif
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    while (pool.generation == seen) pthread_cond_wait(&pool.wake, &pool.lock);
    seen = pool.generation;
    if (number > pool.helpers) continue;
    job *work = pool.work;
    pthread_mutex_unlock(&pool.lock);
    run_chunks(work, number);
    pthread_mutex_lock(&pool.lock);
    if (--pool.working == 0) pthread_cond_signal(&pool.done);
  }
  return NULL;
}

/* Makes threads up to `wanted` as far as the system allows. They block all signals, which belong
 * to the host's threads. The lock is held, so none of them reads the pool before a job is set. */
static void make_threads(size_t wanted)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool.made < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, (void *)(pool.made + 1)) != 0) break;
    if (pool.made < PLACED) pool.ids[pool.made] = thread;
    pthread_detach(thread);
    pool.made++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

#ifdef __linux__
/* Where the caller, or else the process' first thread, may run: a caller that is bound to one
 * processor says nothing about the others. False where there is only one. */
static bool find_processors(cpu_set_t *set)
{
  return (sched_getaffinity(0, sizeof *set, set) == 0 && CPU_COUNT(set) > 1) ||
         (sched_getaffinity(getpid(), sizeof *set, set) == 0 && CPU_COUNT(set) > 1);
}
#endif

/* After a pause Linux wakes a helper on the caller's own processor, and leaves both there for 20-40
 * ms (measured, 6.x). So as many helpers as there are processors besides the caller's keep off that
 * one, and the others may use all. The caller itself goes where it likes: when it has moved, they
 * are placed anew. The lock is held. */
static void place_threads(void)
{
#ifdef __linux__
  int here = sched_getcpu();
  size_t count = pool.made < PLACED ? pool.made : PLACED;
  cpu_set_t all;
  if (here < 0 || (here == pool.away_from && count == pool.placed)) return;
  pool.away_from = here;
  pool.placed = count;
  if (!find_processors(&all)) return;
  cpu_set_t others = all;
  CPU_CLR((size_t)here, &others);
  for (size_t i = 0; i < count; i++) {
    const cpu_set_t *set = i < (size_t)CPU_COUNT(&others) ? &others : &all;
    pthread_setaffinity_np(pool.ids[i], sizeof *set, set);
  }
#endif
}

/* The caller's share: as run_chunks, and it alone counts and calls lat_check. In slices (slice.h),
 * and for who looks on alone (lat_is_due), whoever has helpers can't rest before these do: all stop
 * then, and *rest says so. */
static lat_status lead_chunks(lat_workspace *work, job *mine, bool *rest)
{
  lat_status status = LAT_OK;
  do {
    if (work && (status = lat_check(work)) != LAT_OK) break;
    size_t chunk = atomic_fetch_add_explicit(&mine->next, 1, memory_order_relaxed);
    if (chunk >= mine->chunks) return LAT_OK;
    lat_step(mine->steps, (double)chunk, 1);
    mine->task(mine->context, chunk, 0);
    if (rest) *rest = lat_is_due(work);
  } while (!rest || !*rest);
  atomic_store(&mine->stop, true);
  return status;
}

bool lat_halted(lat_halt *halt, size_t worker)
{
  if (worker == 0 && halt->work && halt->status == LAT_OK &&
      (halt->status = lat_check(halt->work)) != LAT_OK)
    atomic_store_explicit(&halt->stop, 1, memory_order_relaxed);
  return atomic_load_explicit(&halt->stop, memory_order_relaxed) != 0;
}

/* The caller and `wanted` helpers; the pool's owner is the caller. */
static lat_status run_pooled(lat_workspace *work, job *mine, size_t wanted, bool *rest)
{
  static pthread_once_t first = PTHREAD_ONCE_INIT;
  pthread_once(&first, once);
  pthread_mutex_lock(&pool.lock);
  if (pool.made < wanted) make_threads(wanted);
  pool.helpers = pool.working = wanted < pool.made ? wanted : pool.made;
  place_threads();
  pool.work = mine;
  pool.generation++;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);

  lat_pauses *pauses = work ? work->pauses : NULL;
  bool slices = pauses && pauses->inside && pauses->held == 0;
  bool looks = work && work->progress.due > 0 && work->progress.threads == 0;
  if (pauses) pauses->held++;
  if (work) work->progress.threads++;
  lat_status status = lead_chunks(work, mine, slices || looks ? rest : NULL);
  if (pauses) pauses->held--;
  if (work) work->progress.threads--;

  pthread_mutex_lock(&pool.lock);
  while (pool.working > 0) pthread_cond_wait(&pool.done, &pool.lock);
  pthread_mutex_unlock(&pool.lock);
  return status;
}

lat_status lat_parallel(lat_workspace *work, size_t chunks, lat_task *task, void *context)
{
  LAT_BLAS_SECTION;
  if (chunks == 0) return LAT_OK;
  LAT_STEPS(work, steps, chunks, NULL);
  job mine = {.task = task, .context = context, .chunks = chunks, .steps = &steps};
  size_t wanted = (work ? lat_workers(work) : lat_threads()) - 1;
  if (wanted > chunks - 1) wanted = chunks - 1;
  for (;;) {
    if (work && lat_is_due(work)) LAT_TRY(lat_check(work)); /* alone */
    if (wanted == 0 || pthread_mutex_trylock(&pool.owner) != 0)
      return lead_chunks(work, &mine, NULL);
    bool rest = false;
    lat_status status = run_pooled(work, &mine, wanted, &rest);
    pthread_mutex_unlock(&pool.owner);
    if (status != LAT_OK || !rest || atomic_load(&mine.next) >= chunks) return status;
    atomic_store(&mine.stop, false);
  }
}

/* ---- how many ------------------------------------------------------------ */

static size_t clamp_threads(long n)
{
  if (!lat_blas_reentrant() || n < 1) return 1;
  return n > LAT_THREADS_MAX ? LAT_THREADS_MAX : (size_t)n;
}

static size_t processors(void)
{
  const char *wish = getenv("LATENT_NUM_THREADS");
  if (wish && *wish) return clamp_threads(strtol(wish, NULL, 10));
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return clamp_threads(CPU_COUNT(&set));
#endif
  return 1;
}

size_t lat_threads(void)
{
  size_t n = atomic_load(&threads);
  if (n == 0) atomic_store(&threads, n = processors());
  return n;
}

void lat_threads_set(size_t wanted)
{
  atomic_store(&threads, clamp_threads(wanted > LAT_THREADS_MAX ? LAT_THREADS_MAX : (long)wanted));
}

size_t lat_workers(lat_workspace *work)
{
  if (work->workers == 0) work->workers = lat_threads();
  return work->workers;
}

size_t lat_chunk_rows(size_t columns)
{
  size_t rows = columns ? 16384 / columns : 4096;
  return rows < 256 ? 256 : rows > 4096 ? 4096 : rows;
}

int lat_blas_threads_begin(void)
{
  int before = lat_blas_threads();
  if ((size_t)before < lat_threads()) lat_blas_threads_set((int)lat_threads());
  return before;
}

void lat_blas_threads_end(int before)
{
  if (lat_blas_threads() != before) lat_blas_threads_set(before);
}
