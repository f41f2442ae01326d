/* shared.c: barriers and slots in shared memory; see shared.h.
 *
 * The area begins with what ranks say of themselves; behind it there are two slots for each, which
 * rounds use in turns: who has come through the barrier of a round knows that all have read what
 * lies in the other half, so that one barrier a round is enough. Waiting is a few thousand looks,
 * then sleep: on Linux until a rank wakes the others (futex), elsewhere for short times. */
#include "comm/shared.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

enum {
  SLOT = 1 << 20, /* bytes; more goes in rounds */
  LOOKS = 2000,   /* before sleep: some microseconds, in which a rank that is as far answers */
  NAP = 10000000  /* nanoseconds of sleep between looks for ranks that are gone */
};

typedef struct place { /* of a rank; what isn't atomic is for itself, but for its reason */
  _Alignas(64) atomic_uint gone;
  atomic_uint barriers; /* that it has come to */
  unsigned round, gathers, injured;
  lat_shared_watch *watch;
  void *context;
  char reason[200];
} place;

struct lat_shared {
  size_t size, bytes;
  unsigned char *slots;
  _Alignas(64) atomic_uint arrived;
  _Alignas(64) atomic_uint generation; /* barriers that are over */
  place places[];
};

/* ---- the memory ------------------------------------------------------------------------------ */

lat_status lat_shared_new(lat_workspace *work, size_t size, lat_shared **shared)
{
  if (size < 1 || size > LAT_SHARED_MOST)
    return lat_fail(work, LAT_INVALID, "there can be 1 to %d ranks, got %zu", LAT_SHARED_MOST,
                    size);
  size_t head = (sizeof(lat_shared) + size * sizeof(place) + SLOT - 1) / SLOT * SLOT;
  size_t bytes = head + 2 * size * SLOT;
  /* pages that nobody writes to aren't there */
  void *memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return lat_fail(work, LAT_MEMORY, "no memory for %zu ranks to share", size);
  *shared = memory;
  **shared = (lat_shared){size, bytes, (unsigned char *)memory + head, 0, 0};
  return LAT_OK;
}

void lat_shared_free(lat_shared *shared)
{
  munmap(shared, shared->bytes);
}

static unsigned char *slot(const lat_shared *s, unsigned round, size_t rank)
{
  return s->slots + ((round & 1) * s->size + rank) * SLOT;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void nap(lat_shared *s, unsigned generation)
{
  struct timespec time = {0, NAP};
#ifdef __linux__
  syscall(SYS_futex, &s->generation, FUTEX_WAIT, generation, &time, NULL, 0);
#else
  (void)s, (void)generation;
  time.tv_nsec = NAP / 200;
  nanosleep(&time, NULL);
#endif
}

static void wake(lat_shared *s)
{
#ifdef __linux__
  syscall(SYS_futex, &s->generation, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
#else
  (void)s;
#endif
}

/* A rank that is gone and hasn't come to this barrier never will. */
static lat_status find_lost(lat_shared *s, lat_workspace *work, unsigned barrier)
{
  for (size_t r = 0; r < s->size; r++) {
    place *p = s->places + r;
    if (atomic_load(&p->gone) && atomic_load(&p->barriers) < barrier)
      return lat_fail(work, LAT_LOST, "rank %zu is gone: %s", r, p->reason);
  }
  return LAT_OK;
}

static lat_status wait_for(lat_shared *s, lat_workspace *work, const lat_comm *comm,
                           unsigned generation, unsigned barrier)
{
  const place *own = s->places + comm->rank;
  double until = comm->deadline > 0 ? lat_clock() + comm->deadline : 0;
  for (size_t looks = 0; atomic_load(&s->generation) == generation; looks++) {
    if (looks < LOOKS) continue;
    if (own->watch) own->watch(own->context);
    lat_status lost = find_lost(s, work, barrier);
    if (lost != LAT_OK && atomic_load(&s->generation) != generation) return LAT_OK;
    LAT_TRY(lost);
    LAT_TRY(lat_check_stop(work));
    if (until > 0 && lat_clock() > until)
      return lat_fail(work, LAT_LOST, "the ranks didn't answer within %g seconds", comm->deadline);
    nap(s, generation);
  }
  return LAT_OK;
}

static lat_status barrier(lat_shared *s, lat_workspace *work, const lat_comm *comm)
{
  unsigned generation = atomic_load(&s->generation);
  unsigned number = atomic_fetch_add(&s->places[comm->rank].barriers, 1) + 1;
  if (atomic_fetch_add(&s->arrived, 1) + 1 < s->size)
    return wait_for(s, work, comm, generation, number);
  atomic_store(&s->arrived, 0);
  atomic_fetch_add(&s->generation, 1);
  wake(s);
  return LAT_OK;
}

/* ---- the comm -------------------------------------------------------------------------------- */

static size_t most_of(const size_t bytes[], size_t n)
{
  size_t most = 0;
  for (size_t r = 0; r < n; r++)
    if (bytes[r] > most) most = bytes[r];
  return most;
}

static size_t part(size_t bytes, size_t from)
{
  size_t left = bytes > from ? bytes - from : 0;
  return left < SLOT ? left : SLOT;
}

static lat_status gather(lat_comm *comm, lat_workspace *work, const void *mine,
                         const size_t bytes[], void *all)
{
  lat_shared *s = comm->context;
  place *own = s->places + comm->rank;
  if (own->injured && ++own->gathers >= own->injured) {
    lat_shared_leave(s, comm->rank, "it was told to be");
    return lat_fail(work, LAT_LOST, "rank %zu is gone: %s", comm->rank, own->reason);
  }
  for (size_t from = 0, most = most_of(bytes, s->size); from < most; from += SLOT) {
    unsigned round = own->round++;
    memcpy(slot(s, round, comm->rank), (const char *)mine + (from < bytes[comm->rank] ? from : 0),
           part(bytes[comm->rank], from));
    LAT_TRY(barrier(s, work, comm));
    char *to = all;
    for (size_t r = 0; r < s->size; r++) {
      if (from < bytes[r]) memcpy(to + from, slot(s, round, r), part(bytes[r], from));
      to += bytes[r];
    }
  }
  return LAT_OK;
}

void lat_shared_join(lat_shared *shared, size_t rank, lat_comm *comm)
{
  *comm = (lat_comm){.rank = rank, .size = shared->size, .gather = gather, .context = shared};
}

void lat_shared_leave(lat_shared *shared, size_t rank, const char *reason)
{
  place *p = shared->places + rank;
  if (atomic_load(&p->gone)) return;
  snprintf(p->reason, sizeof p->reason, "%s", reason);
  atomic_store(&p->gone, 1);
  wake(shared);
}

const char *lat_shared_left(const lat_shared *shared, size_t rank)
{
  const place *p = shared->places + rank;
  return atomic_load(&p->gone) ? p->reason : NULL;
}

void lat_shared_injure(lat_shared *shared, size_t rank, unsigned at)
{
  shared->places[rank].injured = at;
}

void lat_shared_watched(lat_shared *shared, size_t rank, lat_shared_watch *watch, void *context)
{
  shared->places[rank].watch = watch;
  shared->places[rank].context = context;
}
