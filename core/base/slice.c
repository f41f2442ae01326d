/* slice.c: a computation on a stack of its own, which is left and gone on with (slice.h).
 *
 * Storage: one mapping,
 *
 *   page that can't be touched | stack, which grows down | what is known of it
 *
 * Sections of BLAS (blas.h) that are open on the stack are left with it, and entered again. */
#include "base/slice.h"

#include <math.h>
#include <stdint.h>

#include "base/blas.h"

#if defined(__GLIBC__) || defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Sanitizers must be told of stacks. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

typedef struct stack {
  lat_pauses pauses; /* first, so that a pointer to it is one to all */
  ucontext_t own, caller;
  void *mapping;
  size_t bytes; /* of the mapping */
  lat_slice_task *task;
  void *context;
  lat_status status; /* of the task that has ended */
  bool open;         /* there is one that hasn't */
  unsigned sections; /* of BLAS, left with it */
  unsigned outer;    /* of the caller's */
#ifdef __SANITIZE_ADDRESS__
  void *own_fake, *caller_fake;
  const void *caller_bottom;
  size_t caller_size;
#endif
#ifdef __SANITIZE_THREAD__
  void *fiber, *caller_fiber;
#endif
} stack;

static stack *stack_of(const lat_workspace *work)
{
  return (stack *)(void *)work->pauses;
}

/* ---- from one stack to the other ------------------------------------------------------------- */

static void arrive_inside(stack *s)
{
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(s->own_fake, &s->caller_bottom, &s->caller_size);
#endif
  lat_blas_enter_again(s->sections);
  s->pauses.inside = true;
}

static void go_outside(stack *s)
{
  s->pauses.inside = false;
  s->sections = lat_blas_leave_to(s->outer);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&s->own_fake, s->caller_bottom, s->caller_size);
#endif
#ifdef __SANITIZE_THREAD__
  __tsan_switch_to_fiber(s->caller_fiber, 0);
#endif
  swapcontext(&s->own, &s->caller);
  arrive_inside(s);
}

static void go_inside(stack *s)
{
  s->outer = lat_blas_depth();
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&s->caller_fake, s->mapping, s->bytes);
#endif
#ifdef __SANITIZE_THREAD__
  s->caller_fiber = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(s->fiber, 0);
#endif
  swapcontext(&s->caller, &s->own);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(s->caller_fake, NULL, NULL);
#endif
}

/* The bottom of the stack: one task after the other. makecontext passes integers on. */
static void run_tasks(unsigned high, unsigned low)
{
  stack *s = (stack *)((uintptr_t)high << 16 << 16 | low);
  arrive_inside(s);
  for (;;) {
    s->status = s->task(s->context);
    s->open = false;
    go_outside(s);
  }
}

static lat_status pause_at(lat_workspace *work)
{
  stack *s = stack_of(work);
  go_outside(s);
  return s->pauses.leaving ? lat_fail(work, LAT_CANCELLED, "left before its end") : LAT_OK;
}

/* ---- its memory ------------------------------------------------------------------------------ */

static void drop(lat_pauses *pauses)
{
  stack *s = (stack *)(void *)pauses;
#ifdef __SANITIZE_THREAD__
  __tsan_destroy_fiber(s->fiber);
#endif
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(s->mapping, s->bytes);
#endif
  munmap(s->mapping, s->bytes);
}

static lat_status make_stack(lat_workspace *work)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t above = (sizeof(stack) + page - 1) / page * page, bytes = page + LAT_SLICE_STACK + above;
  char *mapping =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED || mprotect(mapping, page, PROT_NONE) != 0) {
    if (mapping != MAP_FAILED) munmap(mapping, bytes);
    return lat_fail(work, LAT_MEMORY, "not enough memory for a stack of %d bytes", LAT_SLICE_STACK);
  }
  stack *s = (stack *)(void *)(mapping + page + LAT_SLICE_STACK);
  *s = (stack){.pauses = {.pause = pause_at, .drop = drop}, .mapping = mapping, .bytes = bytes};
  getcontext(&s->own);
  s->own.uc_stack.ss_sp = mapping + page;
  s->own.uc_stack.ss_size = LAT_SLICE_STACK;
  uintptr_t address = (uintptr_t)s;
  makecontext(&s->own, (void (*)(void))run_tasks, 2, (unsigned)(address >> 16 >> 16),
              (unsigned)address);
#ifdef __SANITIZE_THREAD__
  s->fiber = __tsan_create_fiber(0);
#endif
  work->pauses = &s->pauses;
  return LAT_OK;
}

/* ---- slices ---------------------------------------------------------------------------------- */

static lat_status run(lat_workspace *work, double seconds, lat_slice_task *task, void *context,
                      bool *done)
{
  if (!work->pauses) LAT_TRY(make_stack(work));
  stack *s = stack_of(work);
  if (!s->open) {
    s->open = true;
    s->task = task;
    s->context = context;
  }
  s->pauses.until = lat_clock() + seconds;
  go_inside(s);
  *done = !s->open;
  return *done ? s->status : LAT_OK;
}

bool lat_slice_open(const lat_workspace *work)
{
  return work->pauses && stack_of(work)->open;
}

void lat_slice_leave(lat_workspace *work)
{
  if (!lat_slice_open(work) || work->pauses->inside) return;
  work->pauses->leaving = true;
  while (lat_slice_open(work)) go_inside(stack_of(work));
  work->pauses->leaving = false;
}

#else /* no makecontext */

static lat_status run(lat_workspace *work, double seconds, lat_slice_task *task, void *context,
                      bool *done)
{
  (void)work, (void)seconds;
  *done = true;
  return task(context);
}

bool lat_slice_open(const lat_workspace *work)
{
  (void)work;
  return false;
}

void lat_slice_leave(lat_workspace *work)
{
  (void)work;
}

#endif

lat_status lat_slice(lat_workspace *work, double seconds, lat_slice_task *task, void *context,
                     bool *done)
{
  *done = true;
  if (!(seconds >= 0))
    return lat_fail(work, LAT_INVALID, "seconds must be a number >= 0, got %g", seconds);
  if (work->pauses && work->pauses->inside)
    return lat_fail(work, LAT_INVALID, "a slice can't begin within a slice");
  return run(work, seconds, task, context, done);
}

bool lat_in_slice(const lat_workspace *work)
{
  return work->pauses && work->pauses->inside && work->pauses->held == 0;
}

lat_status lat_pause(lat_workspace *work)
{
  if (!lat_in_slice(work)) return lat_fail(work, LAT_INVALID, "this is no slice");
  if (work->pauses->leaving) return lat_fail(work, LAT_CANCELLED, "left before its end");
  return work->pauses->pause(work);
}
