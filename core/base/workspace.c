/* workspace.c: a stack of blocks of memory, which grows by the block and is released to a mark.
 *
 *     top -> block (used bytes | free)  -> block below, full or abandoned -> ... -> NULL
 *
 * A request that doesn't fit into the top block gets a new one, of 64 KB or as large as the
 * request. Of blocks that a release empties the largest is kept as a spare for the next call. */
#include "base/workspace.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* A block's memory follows it, from the next line on. */
_Static_assert(4 * sizeof(void *) <= LAT_ALIGNMENT, "the line holds a block");
struct lat_block {
  lat_block *below;
  unsigned char *memory;
  size_t size, used;
};

/* The address sanitizer reports accesses to memory that isn't allocated; each allocation is
 * followed by a cache line that never is. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { FENCE = LAT_ALIGNMENT };
#define FORBID(memory, size) __asan_poison_memory_region(memory, size)
#define PERMIT(memory, size) __asan_unpoison_memory_region(memory, size)
#else
enum { FENCE = 0 };
#define FORBID(memory, size) ((void)(memory), (void)(size))
#define PERMIT(memory, size) ((void)(memory), (void)(size))
#endif

enum { SMALLEST = 1 << 16, LARGEST_SPARE = 1 << 25 }; /* bytes: 64 KB, 32 MB */

static void free_block(const lat_workspace *work, lat_block *block)
{
  if (block) PERMIT(block->memory, block->size);
  lat_memory_free(&work->allocator, block);
}

void lat_workspace_init(lat_workspace *work)
{
  *work = (lat_workspace){0};
}

void lat_workspace_done(lat_workspace *work)
{
  if (work->pauses) work->pauses->drop(work->pauses);
  work->pauses = NULL;
  work->progress.depth = 0;
  lat_workspace_release(work, (lat_mark){0});
  lat_workspace_trim(work);
}

bool lat_workspace_trim(lat_workspace *work)
{
  bool any = work->spare != NULL;
  free_block(work, work->spare);
  work->spare = NULL;
  return any;
}

lat_mark lat_workspace_mark(const lat_workspace *work)
{
  return (lat_mark){work->top, work->top ? work->top->used : 0};
}

bool lat_workspace_at(const lat_workspace *work, lat_mark mark)
{
  return work->top == mark.block && (!work->top || work->top->used == mark.used);
}

/* Keeps one block for the next call, the largest, unless it is so large that the
 * system should have it back. */
static void retire(lat_workspace *work, lat_block *block)
{
  if (block->size > LARGEST_SPARE || (work->spare && work->spare->size >= block->size)) {
    free_block(work, block);
    return;
  }
  free_block(work, work->spare);
  work->spare = block;
}

void lat_workspace_release(lat_workspace *work, lat_mark mark)
{
  while (work->top != mark.block) {
    lat_block *block = work->top;
    work->top = block->below;
    FORBID(block->memory, block->used);
    retire(work, block);
  }
  if (!work->top) {
    work->workers = 0;
    return;
  }
  FORBID(work->top->memory + mark.used, work->top->used - mark.used);
  work->top->used = mark.used;
}

static lat_block *new_block(const lat_workspace *work, size_t bytes)
{
  size_t size = bytes < SMALLEST ? SMALLEST : bytes;
  if (size > SIZE_MAX - LAT_ALIGNMENT) return NULL;
  lat_block *block = lat_memory_allocate(&work->allocator, 1, LAT_ALIGNMENT + size);
  if (!block) return NULL;
  block->memory = (unsigned char *)block + LAT_ALIGNMENT;
  block->size = size;
  FORBID(block->memory, size);
  return block;
}

/* The spare block is freed when there is no memory otherwise. */
static lat_block *block_of(lat_workspace *work, size_t bytes)
{
  lat_block *block = work->spare;
  if (block && block->size >= bytes) {
    work->spare = NULL;
  } else {
    block = new_block(work, bytes);
    if (!block && lat_workspace_trim(work)) block = new_block(work, bytes);
    if (!block) return NULL;
  }
  block->used = 0;
  block->below = work->top;
  work->top = block;
  return block;
}

size_t lat_workspace_bytes(size_t count, size_t size)
{
  return (count * size + FENCE + LAT_ALIGNMENT - 1) / LAT_ALIGNMENT * LAT_ALIGNMENT;
}

void *lat_allocate(lat_workspace *work, size_t count, size_t size)
{
  size_t limit = (size_t)PTRDIFF_MAX - FENCE - LAT_ALIGNMENT;
  if (size && count > limit / size) {
    lat_fail(work, LAT_MEMORY, "%zu elements of %zu bytes are more than memory can address", count,
             size);
    return NULL;
  }
  size_t bytes = lat_workspace_bytes(count, size);
  lat_block *block = work->top;
  if (!block || block->size - block->used < bytes) block = block_of(work, bytes);
  if (!block) {
    lat_fail(work, LAT_MEMORY, "not enough memory for %zu bytes of scratch", bytes);
    return NULL;
  }
  void *memory = block->memory + block->used;
  block->used += bytes;
  PERMIT(memory, count * size);
  return memory;
}

double *lat_doubles(lat_workspace *work, size_t count)
{
  return lat_allocate(work, count, sizeof(double));
}

lat_status lat_fail(lat_workspace *work, lat_status status, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(work->message, sizeof work->message, format, arguments);
  va_end(arguments);
  return status;
}

static bool slice_is_over(const lat_workspace *work)
{
  const lat_pauses *p = work->pauses;
  return p && p->inside && lat_clock() >= p->until;
}

lat_status lat_check_stop(lat_workspace *work)
{
  if (work->cancel && atomic_load_explicit(work->cancel, memory_order_relaxed))
    return lat_fail(work, LAT_CANCELLED, "cancelled");
  if (work->poll && work->poll(work->poll_state))
    return lat_fail(work, LAT_CANCELLED, "interrupted");
  return LAT_OK;
}

lat_status lat_check(lat_workspace *work)
{
  LAT_TRY(lat_check_stop(work));
  if (work->deadline > 0 && lat_clock() > work->deadline)
    return lat_fail(work, LAT_CANCELLED, "out of time");
  const lat_pauses *p = work->pauses;
  if (!p || !p->inside) return LAT_OK;
  if (p->leaving) return lat_fail(work, LAT_CANCELLED, "left before its end");
  return p->held == 0 && slice_is_over(work) ? p->pause(work) : LAT_OK;
}

bool lat_is_due(const lat_workspace *work)
{
  double due = work->progress.due;
  return slice_is_over(work) || (due > 0 && lat_clock() >= due);
}

double lat_clock(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}
