/* workspace.h: scratch memory that the caller owns, and the last message.
 *
 * A workspace is a stack of blocks. A function takes a mark, allocates, and
 * releases to its mark; blocks are kept for the next call, so a loop that calls
 * the same function allocates from the system only in its first turn.
 *
 *   lat_mark mark = lat_workspace_mark(work);
 *   double *v = lat_doubles(work, n);
 *   if (!v) return LAT_MEMORY;           (the message is already there)
 *   ...
 *   lat_workspace_release(work, mark);
 *
 * A function that fails may return without releasing: whoever made the workspace
 * releases to a mark of its own. One thread at a time uses a workspace; scratch
 * for the workers of lat_parallel is allocated before it starts. */
#ifndef LAT_BASE_WORKSPACE_H
#define LAT_BASE_WORKSPACE_H

#ifndef __cplusplus /* there latent.h has it already */
#include <stdatomic.h>
#endif
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define LAT_ALIGNMENT 64 /* bytes: a cache line, and the widest vector */

typedef struct lat_block lat_block;

typedef struct lat_workspace {
  lat_block *top;           /* the block in use; older ones hang below it */
  lat_block *spare;         /* the largest block that was given back */
  const atomic_int *cancel; /* any thread may set it to stop the work; or NULL */
  double deadline;          /* of lat_clock(), in seconds; 0 is none */
  bool (*poll)(void *);     /* asked between chunks by the calling thread; true stops; or NULL */
  void *poll_state;
  size_t workers;    /* see lat_workers (parallel.h); 0 while the workspace is empty */
  char message[256]; /* the last failure in words, "" when there was none */
} lat_workspace;

typedef struct lat_mark {
  lat_block *block;
  size_t used;
} lat_mark;

void lat_workspace_init(lat_workspace *work);
void lat_workspace_done(lat_workspace *work); /* frees all; init may follow */

lat_mark lat_workspace_mark(const lat_workspace *work);
void lat_workspace_release(lat_workspace *work, lat_mark mark);

/* count*size bytes, aligned to LAT_ALIGNMENT, not cleared. NULL and a message
 * (LAT_MEMORY) when there is no memory or the product overflows. count = 0 gives
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
 * or the poll says so; LAT_OK before. Cheap enough to ask between chunks. */
lat_status lat_check(lat_workspace *work);

/* Seconds of a clock that never goes back. */
double lat_clock(void);

#endif
