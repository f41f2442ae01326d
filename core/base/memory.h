/* memory.h: allocators, and aligned memory from them.
 *
 * A host that counts or limits memory sets an allocator in a workspace (or a store, a tape), before
 * anything is allocated: one function that allocates, and frees when `size` is 0. It is what Lua
 * calls lua_Alloc, so that the function of lua_getallocf can be used directly:
 *
 *   lat_workspace_init(&work);
 *   work.allocator = (lat_allocator){my_allocate, &my_heap};
 *
 * It is called on the thread that calls the core, never by a worker of lat_parallel, and need not
 * be safe from several threads. When it returns NULL, the call fails with LAT_MEMORY. What doesn't
 * pass through it are mapped files, and the buffers of BLAS and of threads. */
#ifndef LAT_BASE_MEMORY_H
#define LAT_BASE_MEMORY_H

#include <stddef.h>

#define LAT_ALIGNMENT 64 /* bytes: a cache line, and the widest vector */

typedef struct lat_allocator {
  /* `old` is NULL, or what the function returned for `was` bytes; then `size` is 0 here. NULL when
   * there is no memory, and for size 0. */
  void *(*function)(void *state, void *old, size_t was, size_t size); /* NULL: malloc and free */
  void *state;
} lat_allocator;

/* count*size bytes, aligned to LAT_ALIGNMENT, not set, on large pages where they are many; or
 * NULL. */
void *lat_memory_allocate(const lat_allocator *allocator, size_t count, size_t size);
void lat_memory_free(const lat_allocator *allocator, void *memory); /* NULL is nothing */

/* Asks for large pages in this memory, where the system has them and the memory is large enough for
 * some: much fewer page faults. */
void lat_memory_advise(void *memory, size_t size);

/* An allocator that always returns NULL: for workspaces of workers, which must not allocate. */
void *lat_memory_none(void *state, void *old, size_t was, size_t size);

#ifdef LAT_DEBUG
extern _Thread_local int lat_is_worker; /* this thread is lat_parallel's */
#endif

#endif
