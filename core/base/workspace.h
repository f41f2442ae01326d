/* workspace.h: scratch memory that the caller owns, and the last message.
 *
 * A workspace is a stack of blocks. What is allocated after a LAT_SCOPE is
 * released when the block of code is left; memory is kept for the
 * next call, so a loop that calls the same function allocates from the system only
 * in its first iteration.
 *
 *   LAT_SCOPE(work);
 *   double *v = lat_doubles(work, n);
 *   if (!v) return LAT_MEMORY;           (the message is already there)
 *   LAT_TRY(lat_solve(work, ...));
 *   ...
 *   return LAT_OK;
 *
 * So every function of the core leaves a workspace as it found it, also when it
 * fails, except those documented to keep something ("Keeps the
 * factors."): their results, or what a later call needs, stay there until the
 * caller's own scope ends, and so may what a failure left half made. One thread at a
 * time uses a workspace; scratch for the workers of lat_parallel is allocated
 * before it starts. */
#ifndef LAT_BASE_WORKSPACE_H
#define LAT_BASE_WORKSPACE_H

#ifdef __cplusplus /* no stdatomic.h before C++23 */
#include <atomic>
using std::atomic_int;
#else
#include <stdatomic.h>
#endif
#include <stdbool.h>
#include <stddef.h>

#include "base/blas.h"
#include "base/memory.h"
#include "base/status.h"

typedef struct lat_block lat_block;

struct lat_workspace;

/* A computation on a stack of its own, which lat_check may leave for a while (slice.h). */
typedef struct lat_pauses {
  bool inside;   /* it has control, */
  double until;  /* until then, of lat_clock() */
  bool leaving;  /* it is to come to its end: every lat_check fails */
  unsigned held; /* by lat_parallel, while other threads work for it: it can't be left */
  lat_status (*pause)(struct lat_workspace *work);
  void (*drop)(struct lat_pauses *pauses); /* frees it, wherever it stands */
} lat_pauses;

/* How far the outermost function that counts is (progress.h), for who looks on in `poll`. */
typedef struct lat_progress {
  double share;     /* of its work that is done, 0 to 1; negative: nobody knows */
  double span;      /* what the present step is worth */
  double total;     /* its steps, if they are of a unit; or 0 */
  const char *unit; /* "rows"; or NULL */
  unsigned depth;   /* functions that count; 0: the share is of the one that ended last */
  bool told;        /* whoever looks on has told somebody, and forgets it when the call is over */
  double due;       /* 0, or when, of lat_clock(), `poll` wants to be called while no other thread
                     * works for the computation */
  unsigned threads; /* that do, of so many jobs (lat_parallel) */
} lat_progress;

typedef struct lat_workspace {
  lat_block *top;           /* the block in use; older ones hang below it */
  lat_block *spare;         /* the largest block that was released */
  lat_allocator allocator;  /* where blocks come from (memory.h) */
  const atomic_int *cancel; /* any thread may set it to stop the work; or NULL */
  double deadline;          /* of lat_clock(), in seconds; 0 is none */
  bool (*poll)(void *);     /* called between chunks by the calling thread; true stops; or NULL */
  void *poll_state;
  lat_pauses *pauses; /* or NULL */
  size_t workers;     /* see lat_workers (parallel.h); 0 while the workspace is empty */
  lat_progress progress;
  char message[256]; /* the last failure in words, "" when there was none */
} lat_workspace;

typedef struct lat_mark {
  lat_block *block;
  size_t used;
} lat_mark;

void lat_workspace_init(lat_workspace *work);
void lat_workspace_done(lat_workspace *work); /* frees all; it may be used again */
/* Frees what is kept for the next call only. True when there was something. */
bool lat_workspace_trim(lat_workspace *work);

lat_mark lat_workspace_mark(const lat_workspace *work);
void lat_workspace_release(lat_workspace *work, lat_mark mark);

typedef struct lat_scope {
  lat_workspace *work;
  lat_mark mark;
} lat_scope;

static inline lat_scope lat_scope_begin(lat_workspace *work)
{
  lat_scope scope = {work, lat_workspace_mark(work)};
  lat_blas_enter();
  return scope;
}

static inline void lat_scope_end(lat_scope *scope)
{
  lat_workspace_release(scope->work, scope->mark);
  lat_blas_leave();
}

/* Releases what is allocated from here on when the enclosing block is left (an attribute that gcc
 * and clang know), and until then BLAS has one thread (blas.h). */
#define LAT_SCOPE_NAMED(work, line)                                                                \
  __attribute__((cleanup(lat_scope_end), unused)) lat_scope lat_scope_##line = lat_scope_begin(work)
#define LAT_SCOPE_AT(work, line) LAT_SCOPE_NAMED(work, line)
#define LAT_SCOPE(work)          LAT_SCOPE_AT(work, __LINE__)

/* Builds with LAT_DEBUG (make DEBUG=1, and those with sanitizers) stop where a function that
 * isn't documented to do so has kept something. */
#ifdef LAT_DEBUG
#include <assert.h>
#define LAT_ASSERT_RELEASED(work, mark) assert(lat_workspace_at(work, mark))
#else
#define LAT_ASSERT_RELEASED(work, mark) ((void)(work), (void)(mark))
#endif
bool lat_workspace_at(const lat_workspace *work,
                      lat_mark mark); /* nothing is kept since the mark */

/* The space of count*size bytes in a workspace: a multiple of LAT_ALIGNMENT. */
size_t lat_workspace_bytes(size_t count, size_t size);

/* count*size bytes, aligned to LAT_ALIGNMENT, not cleared. NULL and a message
 * (LAT_MEMORY) when there is no memory or the product overflows. count = 0 returns
 * a pointer that must not be read. */
void *lat_allocate(lat_workspace *work, size_t count, size_t size);
double *lat_doubles(lat_workspace *work, size_t count);

/* Writes the message, printf-like, and returns `status`. */
lat_status lat_fail(lat_workspace *work, lat_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* LAT_CANCELLED, with a message, once the cancel flag is set, the deadline has passed
 * or `poll` returns true; LAT_OK before. Cheap enough to ask between chunks. Work in slices
 * (slice.h) rests here when its time is over. */
lat_status lat_check(lat_workspace *work);
/* Steps of a loop between two calls of it, where a step takes some nanoseconds. */
#define LAT_LOOK 16384
/* The same for the flag and `poll` alone: who waits for other processes stops for neither deadline
 * nor slice, which are theirs as much. */
lat_status lat_check_stop(lat_workspace *work);
/* Whether work in slices should rest, or `poll` is to be called, as soon as nobody else works. */
bool lat_is_due(const lat_workspace *work);

/* Seconds of a clock that never goes back. */
double lat_clock(void);

#endif
