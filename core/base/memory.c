/* memory.c: aligned memory from an allocator that aligns to nothing.
 *
 *     start          header        memory (a multiple of LAT_ALIGNMENT)
 *     | 64..127 bytes, the last 64 the header | count*size bytes ...
 *
 * The header holds the address and size that the allocator returned, which it needs to free
 * them. */
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef LAT_DEBUG
#include <assert.h>
_Thread_local int lat_is_worker;
#endif

/* In the cache line before the memory. */
typedef struct header {
  void *start;
  size_t size;
} header;

static void *allocate(const lat_allocator *a, size_t size)
{
#ifdef LAT_DEBUG
  assert(!lat_is_worker || a->function == lat_memory_none);
#endif
  return a->function ? a->function(a->state, NULL, 0, size) : malloc(size);
}

void *lat_memory_allocate(const lat_allocator *allocator, size_t count, size_t size)
{
  const size_t extra = 2 * LAT_ALIGNMENT;
  if (size && count > ((size_t)PTRDIFF_MAX - extra) / size) return NULL;
  size_t total = count * size + extra;
  char *start = allocate(allocator, total);
  if (!start) return NULL;
  size_t over = (uintptr_t)start % LAT_ALIGNMENT;
  char *memory = start + extra - over; /* more than LAT_ALIGNMENT behind the start */
  ((header *)(void *)(memory - LAT_ALIGNMENT))[0] = (header){start, total};
  lat_memory_advise(memory, count * size);
  return memory;
}

void lat_memory_free(const lat_allocator *allocator, void *memory)
{
  if (!memory) return;
  header h = *(header *)(void *)((char *)memory - LAT_ALIGNMENT);
#ifdef LAT_DEBUG
  assert(!lat_is_worker);
#endif
  if (allocator->function)
    allocator->function(allocator->state, h.start, h.size, 0);
  else
    free(h.start);
}

void lat_memory_advise(void *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
  const size_t page = 4096, large = (size_t)4 << 20;
  size_t skip = (page - (uintptr_t)memory % page) % page;
  if (size >= large) madvise((char *)memory + skip, (size - skip) / page * page, MADV_HUGEPAGE);
#else
  (void)memory, (void)size;
#endif
}

void *lat_memory_none(void *state, void *old, size_t was, size_t size)
{
  (void)state, (void)old, (void)was, (void)size;
  return NULL;
}
