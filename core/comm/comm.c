/* comm.c: the agreement that every collective begins with, and the collectives (comm.h).
 *
 * An agreement gathers a header of each rank: its status and message, and which collective it is
 * at, of which size. */
#include "comm/comm.h"

#include <stdio.h>
#include <string.h>

#include "base/ordered_sum.h"

typedef enum call { AGREE, SUM, BROADCAST, GATHER, ANY } call;
static const char *const call_names[] = {"an agreement", "a sum", "a broadcast", "a gathering",
                                         "a question"};

typedef struct header {
  int32_t status;
  uint32_t call, late;
  uint64_t size; /* of what comes: equal on all ranks but for GATHER; or the answer to a question */
  uint64_t root;
  char message[256];
} header;

lat_comm lat_comm_alone(void)
{
  return (lat_comm){.size = 1};
}

/* ---- what the filler does -------------------------------------------------------------------- */

/* Who has left a collective can't take part in the next one. */
static lat_status note(lat_comm *comm, lat_workspace *work, lat_status status)
{
  if (status == LAT_OK) return LAT_OK;
  comm->lost = comm->agreed = true;
  comm->late = false;
  snprintf(comm->reason, sizeof comm->reason, "%.199s", work->message);
  return status;
}

static lat_status usable(lat_comm *comm, lat_workspace *work)
{
  if (!comm->ended && !comm->lost) return LAT_OK;
  comm->agreed = true;
  if (comm->ended) return lat_fail(work, LAT_INVALID, "the job of this comm has ended");
  return lat_fail(work, LAT_LOST, "%s", comm->reason);
}

static lat_status gather(lat_comm *comm, lat_workspace *work, const void *mine,
                         const size_t bytes[], void *all)
{
  comm->calls++;
  comm->given += bytes[comm->rank];
  return note(comm, work, comm->gather(comm, work, mine, bytes, all));
}

/* ---- agreement ------------------------------------------------------------------------------- */

/* The first rank that fails; size when none does. */
static size_t first_failure(const lat_comm *comm, const header *h)
{
  size_t r = 0;
  while (r < comm->size && h[r].status == LAT_OK) r++;
  return r;
}

static bool alike(const lat_comm *comm, const header *h)
{
  for (size_t r = 1; r < comm->size; r++)
    if (strcmp(h[r].message, h[0].message) != 0) return false;
  return true;
}

/* That of the first rank with one is the message of all. Late is who has only run out of time. */
static lat_status fail_with(lat_comm *comm, lat_workspace *work, const header *h, size_t first)
{
  bool same = alike(comm, h), late = true;
  for (size_t r = 0; r < comm->size; r++) {
    bool graver = h[r].status != LAT_OK && !h[r].late && h[first].late;
    late &= h[r].status == LAT_OK || h[r].late;
    if (graver) first = r;
  }
  comm->agreed = true;
  comm->late = late;
  lat_status status = (lat_status)h[first].status;
  if (same) return lat_fail(work, status, "%s", h[first].message);
  return lat_fail(work, status, "rank %zu: %.240s", first, h[first].message);
}

/* All ranks must be at the same collective. */
static lat_status compare(lat_comm *comm, lat_workspace *work, const header *h)
{
  for (size_t r = 1; r < comm->size; r++) {
    lat_status status = LAT_OK;
    if (h[r].call != h[0].call)
      status = lat_fail(work, LAT_INVALID, "rank %zu is at %s, rank 0 at %s", r,
                        call_names[h[r].call % 5], call_names[h[0].call % 5]);
    else if (h[r].root != h[0].root)
      status = lat_fail(work, LAT_INVALID, "rank %zu broadcasts from rank %llu, rank 0 from %llu",
                        r, (unsigned long long)h[r].root, (unsigned long long)h[0].root);
    else if (h[r].size != h[0].size && h[0].call != GATHER && h[0].call != ANY)
      status = lat_fail(work, LAT_INVALID, "rank %zu has %llu numbers, rank 0 has %llu", r,
                        (unsigned long long)h[r].size / sizeof(double),
                        (unsigned long long)h[0].size / sizeof(double));
    comm->agreed |= status != LAT_OK;
    LAT_TRY(status);
  }
  return LAT_OK;
}

static bool is_late(const lat_workspace *work, lat_status status)
{
  return status == LAT_CANCELLED && work->deadline > 0 && lat_clock() > work->deadline;
}

/* The headers of all ranks are exchanged; sizes (NULL, or `size` of them) are what they say. */
static lat_status exchange(lat_comm *comm, lat_workspace *work, lat_status status, call what,
                           size_t size, size_t root, size_t sizes[])
{
  header own = {.status = (int32_t)status, .call = what, .size = size, .root = root};
  own.late = is_late(work, status) && lat_check_stop(work) == LAT_OK;
  if (status != LAT_OK) memcpy(own.message, work->message, sizeof own.message);
  comm->agreed = comm->late = false;
  LAT_TRY(usable(comm, work));
  if (comm->size == 1) {
    comm->agreed = status != LAT_OK;
    comm->late = own.late;
    if (sizes) sizes[0] = size;
    return status;
  }
  LAT_SCOPE(work);
  header *all = lat_allocate(work, comm->size, sizeof *all);
  size_t *bytes = lat_allocate(work, comm->size, sizeof *bytes);
  if (!all || !bytes) return note(comm, work, LAT_MEMORY);
  for (size_t r = 0; r < comm->size; r++) bytes[r] = sizeof *all;
  LAT_TRY(gather(comm, work, &own, bytes, all));
  for (size_t r = 0; sizes && r < comm->size; r++) sizes[r] = (size_t)all[r].size;
  size_t first = first_failure(comm, all);
  return first < comm->size ? fail_with(comm, work, all, first) : compare(comm, work, all);
}

lat_status lat_comm_agree(lat_comm *comm, lat_workspace *work, lat_status status)
{
  return exchange(comm, work, status, AGREE, 0, 0, NULL);
}

lat_status lat_comm_settle(lat_comm *comm, lat_workspace *work, lat_status status)
{
  if (status == LAT_OK || !comm) return status;
  if (!comm->agreed) status = lat_comm_agree(comm, work, status);
  comm->agreed = false;
  return status;
}

lat_status lat_comm_conclude(lat_comm *comm, lat_workspace *work, lat_status status)
{
  if (!comm) return status;
  if (status == LAT_OK) status = lat_comm_agree(comm, work, LAT_OK);
  return lat_comm_settle(comm, work, status);
}

/* ---- collectives ----------------------------------------------------------------------------- */

lat_status lat_comm_gather(lat_comm *comm, lat_workspace *work, const void *mine, size_t bytes,
                           size_t sizes[], void **all)
{
  LAT_TRY(exchange(comm, work, LAT_OK, GATHER, bytes, 0, sizes));
  size_t total = 0;
  for (size_t r = 0; r < comm->size; r++) total += sizes[r];
  *all = lat_allocate(work, total, 1);
  if (!*all) return note(comm, work, LAT_MEMORY);
  if (comm->size == 1)
    memcpy(*all, mine, bytes);
  else if (total > 0)
    LAT_TRY(gather(comm, work, mine, sizes, *all));
  return LAT_OK;
}

typedef struct parts {
  double *x;
  size_t n;
} parts;

static void add_pair(void *context, size_t into, size_t from)
{
  const parts *p = context;
  for (size_t i = 0; i < p->n; i++) p->x[into * p->n + i] += p->x[from * p->n + i];
}

lat_status lat_comm_sum(lat_comm *comm, lat_workspace *work, double *x, size_t n)
{
  size_t bytes = n * sizeof *x;
  LAT_TRY(exchange(comm, work, LAT_OK, SUM, bytes, 0, NULL));
  if (comm->size == 1 || n == 0) return LAT_OK;
  if (comm->sum) {
    comm->calls++;
    comm->given += bytes;
    return note(comm, work, comm->sum(comm, work, x, n));
  }
  LAT_SCOPE(work);
  parts p = {lat_allocate(work, comm->size, bytes), n};
  size_t *sizes = lat_allocate(work, comm->size, sizeof *sizes);
  if (!p.x || !sizes) return note(comm, work, LAT_MEMORY);
  for (size_t r = 0; r < comm->size; r++) sizes[r] = bytes;
  LAT_TRY(gather(comm, work, x, sizes, p.x));
  lat_sum_tree(comm->size, add_pair, &p);
  memcpy(x, p.x, bytes);
  return LAT_OK;
}

lat_status lat_comm_broadcast(lat_comm *comm, lat_workspace *work, void *data, size_t bytes,
                              size_t root)
{
  if (root >= comm->size)
    return lat_fail(work, LAT_INVALID, "there is no rank %zu among %zu", root, comm->size);
  LAT_TRY(exchange(comm, work, LAT_OK, BROADCAST, bytes, root, NULL));
  if (comm->size == 1 || bytes == 0) return LAT_OK;
  LAT_SCOPE(work);
  size_t *sizes = lat_allocate(work, comm->size, sizeof *sizes);
  if (!sizes) return note(comm, work, LAT_MEMORY);
  for (size_t r = 0; r < comm->size; r++) sizes[r] = r == root ? bytes : 0;
  void *all = lat_allocate(work, bytes, 1);
  if (!all) return note(comm, work, LAT_MEMORY);
  LAT_TRY(gather(comm, work, data, sizes, all));
  memcpy(data, all, bytes);
  return LAT_OK;
}

lat_status lat_comm_any(lat_comm *comm, lat_workspace *work, bool *any)
{
  LAT_SCOPE(work);
  size_t *said = lat_allocate(work, comm->size, sizeof *said);
  if (!said) return LAT_MEMORY;
  LAT_TRY(exchange(comm, work, LAT_OK, ANY, *any, 0, said));
  *any = false;
  for (size_t r = 0; r < comm->size; r++) *any |= said[r] > 0;
  return LAT_OK;
}
