/* parallel.h: chunks of work on a pool of threads.
 *
 * The rule that makes results the same for every number of threads: what a chunk is depends on the
 * sizes of the data only, never on how many threads there are, and partial results are merged in
 * the chunks' order. Which thread runs a chunk may differ from call to call; nothing else does.
 *
 * The pool belongs to the process and is the one thing in the core that does. It
 * is made at the first need, sleeps when idle (no spinning), is forgotten in a
 * forked child (which makes its own), and blocks signals in its threads. One
 * caller has it at a time; others, callers inside a task, and everybody where a
 * thread can't be made run their chunks inline, with the same results. BLAS runs
 * single-threaded meanwhile: parallelism comes from the chunks. */
#ifndef LAT_BASE_PARALLEL_H
#define LAT_BASE_PARALLEL_H

#include <stddef.h>

#include "base/workspace.h"

/* Runs chunk number `chunk` (from 0). `worker` (from 0, below lat_workers()) is the index of the
 * thread, for scratch: no two calls run at once with the same worker. */
typedef void lat_task(void *context, size_t chunk, size_t worker);

/* Calls the task for chunks 0..chunks-1, each exactly once, and returns when all
 * are done. When the workspace's cancel flag or deadline fires, chunks that have
 * not begun are skipped and LAT_CANCELLED is returned. `work` may be NULL. */
lat_status lat_parallel(lat_workspace *work, size_t chunks, lat_task *task, void *context);

/* Cancelling within a chunk that is long: `lat_halted(&halt, worker)` is true once lat_check has
 * failed. Only worker 0, which is the caller, calls it; the others read a flag. After lat_parallel
 * halt.status is the status of lat_check, with its message in the workspace. Begin with {work, 0,
 * LAT_OK}. */
typedef struct lat_halt {
  lat_workspace *work; /* NULL: never */
  atomic_int stop;
  lat_status status;
} lat_halt;
bool lat_halted(lat_halt *halt, size_t worker);

/* How many threads work, the calling one included: at first the environment's
 * LATENT_NUM_THREADS, else the processors this process may use (its affinity
 * mask). Always 1 with OpenBLAS's serial build, which isn't safe from several
 * threads. */
size_t lat_threads(void);
void lat_threads_set(size_t threads); /* clamped to 1..LAT_THREADS_MAX */
#define LAT_THREADS_MAX 256

/* How many workers lat_parallel has at most with this workspace: lat_threads() when it is first
 * asked for, and then the same until the workspace is empty again. So scratch for so many is
 * enough, whoever calls lat_threads_set meanwhile. */
size_t lat_workers(lat_workspace *work);

/* Rows in a chunk of N x D data: clamp(16384/D, 256, 4096). */
size_t lat_chunk_rows(size_t columns);

/* All of BLAS's threads for the duration of a large factorization that only BLAS can cut up; else
 * it has one (blas.h). End gets the result of begin. */
int lat_blas_threads_begin(void);
void lat_blas_threads_end(int before);

#endif
