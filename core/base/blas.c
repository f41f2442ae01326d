/* blas.c: the number of BLAS's threads while the core works (blas.h).
 *
 * A process-wide count `inside` holds how many threads are in a section. Entering and leaving are
 * one atomic operation, except for the first to enter and the last to leave, which change
 * BLAS's number under a mutex: n > 0 -> n + 1 and n > 1 -> n - 1 need no lock, 0 -> 1 and 1 -> 0
 * do. Where each thread has a number of its own, it changes that and nothing is shared. */
#include "base/blas.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/blas_library.h"

static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER;       /* held where `inside` leaves 0 or comes to it */
static atomic_int inside;            /* threads in a section */
static int hosts;                    /* the host's number, while there are any */
static _Thread_local unsigned depth; /* of this thread's sections */
static _Thread_local int own;        /* this thread's number outside of them, where it has one */

/* Of the parent's threads only the one that forked lives on in the child. */
static void after_fork(void)
{
  pthread_mutex_init(&lock, NULL);
  if (atomic_load(&inside) > 0 && depth == 0 && hosts > 1) lat_blas_threads_set(hosts);
  atomic_store(&inside, depth > 0);
}

static void once(void)
{
  pthread_atfork(NULL, NULL, after_fork);
}

void lat_blas_enter(void)
{
  if (depth++ > 0) return;
  if (lat_blas_threads_are_own()) {
    if ((own = lat_blas_threads()) > 1) lat_blas_threads_set(1);
    return;
  }
  int n = atomic_load(&inside);
  while (n > 0)
    if (atomic_compare_exchange_weak(&inside, &n, n + 1)) return;
  static pthread_once_t first = PTHREAD_ONCE_INIT;
  pthread_once(&first, once);
  pthread_mutex_lock(&lock);
  if (atomic_load(&inside) == 0) {
    hosts = lat_blas_threads();
    if (hosts > 1) lat_blas_threads_set(1);
  }
  atomic_fetch_add(&inside, 1);
  pthread_mutex_unlock(&lock);
}

void lat_blas_leave(void)
{
  if (--depth > 0) return;
  if (lat_blas_threads_are_own()) {
    if (own > 1) lat_blas_threads_set(own);
    return;
  }
  int n = atomic_load(&inside);
  while (n > 1)
    if (atomic_compare_exchange_weak(&inside, &n, n - 1)) return;
  pthread_mutex_lock(&lock);
  if (atomic_fetch_sub(&inside, 1) == 1 && hosts > 1) lat_blas_threads_set(hosts);
  pthread_mutex_unlock(&lock);
}

unsigned lat_blas_depth(void)
{
  return depth;
}

unsigned lat_blas_leave_to(unsigned outer)
{
  unsigned sections = depth - outer;
  if (sections == 0) return 0;
  depth = outer + 1;
  lat_blas_leave();
  return sections;
}

void lat_blas_enter_again(unsigned sections)
{
  if (sections == 0) return;
  lat_blas_enter();
  depth += sections - 1;
}
