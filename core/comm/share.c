/* share.c: the tree of an ordered sum over ranks; see share.h. What a rank gives is, node after
 * node, its level and its numbers, as doubles. */
#include "comm/share.h"

#include <string.h>

/* ---- what the ranks have --------------------------------------------------------------------- */

typedef struct extent {
  uint64_t rows, columns;
} extent;

static lat_status check_columns(lat_share *share, lat_workspace *work, const extent *all)
{
  size_t with = 0; /* the first rank with columns */
  share->columns = 0;
  for (size_t r = 0; r < share->comm->size; r++) {
    if (all[r].columns == 0) continue;
    if (share->columns == 0) {
      share->columns = (size_t)all[r].columns;
      with = r;
    } else if (all[r].columns != share->columns) {
      share->comm->agreed = true; /* everybody sees it */
      return lat_fail(work, LAT_SHAPE, "X has %zu columns on rank %zu and %zu on rank %zu",
                      (size_t)all[r].columns, r, share->columns, with);
    }
  }
  return LAT_OK;
}

lat_status lat_share_begin(lat_share *share, lat_workspace *work, lat_comm *comm, uint64_t rows,
                           size_t columns)
{
  extent own = {rows, columns};
  void *gathered;
  *share = (lat_share){.comm = comm};
  size_t *sizes = lat_allocate(work, comm->size, sizeof *sizes);
  uint64_t *counts = lat_allocate(work, comm->size, sizeof *counts);
  if (!sizes || !counts) return LAT_MEMORY;
  LAT_TRY(lat_comm_gather(comm, work, &own, sizeof own, sizes, &gathered));
  const extent *all = gathered;
  for (size_t r = 0; r < comm->size; r++) {
    counts[r] = all[r].rows;
    share->all += all[r].rows;
    if (r < comm->rank) share->before += all[r].rows;
  }
  share->rows = counts;
  return check_columns(share, work, all);
}

static uint64_t groups_of(uint64_t rows, size_t group)
{
  return (rows + group - 1) / group;
}

/* ---- sums ------------------------------------------------------------------------------------ */

lat_status lat_share_place(const lat_share *share, lat_workspace *work, lat_ordered_sum *sum)
{
  uint64_t first = 0;
  if (!share || share->comm->size == 1) return LAT_OK;
  for (size_t r = 0; r < share->comm->rank; r++) first += groups_of(share->rows[r], sum->group);
  return lat_sum_place(sum, work, first);
}

typedef struct packed {
  double *to;
  size_t count, nodes; /* numbers of a node; nodes so far */
} packed;

static void count_node(void *context, size_t level, const double *node)
{
  (void)level, (void)node;
  ((packed *)context)->nodes++;
}

static void pack_node(void *context, size_t level, const double *node)
{
  packed *p = context;
  double *to = p->to + p->nodes++ * (p->count + 1);
  to[0] = level == LAT_SUM_OPEN ? -1 : (double)level;
  memcpy(to + 1, node, p->count * sizeof *node);
}

/* Where a rank's rows end within a group and others have more, that group is one like any other. */
static void add_nodes(lat_ordered_sum *sum, double *nodes, size_t n, bool last)
{
  for (size_t i = 0; i < n; i++) {
    double *node = nodes + i * (sum->count + 1);
    bool open = node[0] < 0;
    lat_sum_add_node(sum, !open ? (size_t)node[0] : last ? LAT_SUM_OPEN : 0, node + 1);
  }
}

static size_t last_with_rows(const lat_share *share)
{
  size_t last = share->comm->size - 1;
  while (last > 0 && share->rows[last] == 0) last--;
  return last;
}

lat_status lat_share_total(const lat_share *share, lat_workspace *work, const lat_ordered_sum *sum,
                           double *total)
{
  if (!share || share->comm->size == 1) {
    lat_sum_total(sum, total);
    return LAT_OK;
  }
  LAT_SCOPE(work);
  const lat_comm *comm = share->comm;
  size_t width = (sum->count + 1) * sizeof(double);
  packed own = {.count = sum->count};
  lat_sum_nodes(sum, count_node, &own);
  own.to = lat_allocate(work, own.nodes, width);
  size_t *sizes = lat_allocate(work, comm->size, sizeof *sizes);
  lat_ordered_sum all;
  void *gathered;
  if (!own.to || !sizes) return LAT_MEMORY;
  LAT_TRY(lat_sum_init(&all, work, sum->columns, sum->count, 1, sum->merge));
  LAT_TRY(lat_sum_place(&all, work, 0));
  own.nodes = 0;
  lat_sum_nodes(sum, pack_node, &own);
  LAT_TRY(lat_comm_gather(share->comm, work, own.to, own.nodes * width, sizes, &gathered));
  double *nodes = gathered;
  for (size_t r = 0, last = last_with_rows(share); r < comm->size; r++) {
    add_nodes(&all, nodes, sizes[r] / width, r == last);
    nodes += sizes[r] / sizeof *nodes;
  }
  lat_sum_total(&all, total);
  return LAT_OK;
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* A border between low and high that as large nodes as may be end at, so that ranks have few. */
static uint64_t border(uint64_t low, uint64_t high)
{
  uint64_t size = 1;
  while ((high / (2 * size)) * (2 * size) >= low && high >= 2 * size) size *= 2;
  return high / size * size;
}

static uint64_t begin_of(const lat_comm *comm, uint64_t groups, size_t rank)
{
  enum { TOLERANCE = 64 }; /* a border moves by up to 1/64 of a rank's part */
  if (rank == 0) return 0;
  if (rank >= comm->size) return groups;
  double at = (double)groups * (double)rank / (double)comm->size;
  double slack = (double)groups / (double)(comm->size * TOLERANCE);
  uint64_t nearest = (uint64_t)(at + 0.5);
  uint64_t low = (uint64_t)(at - slack) + 1, high = (uint64_t)(at + slack);
  return low <= high ? border(low, high) : nearest;
}

void lat_share_rows(const lat_comm *comm, uint64_t N, size_t columns, uint64_t *first,
                    uint64_t *rows)
{
  size_t group = lat_most_group_rows(columns);
  uint64_t groups = groups_of(N, group);
  uint64_t begin = begin_of(comm, groups, comm->rank) * group;
  uint64_t end = begin_of(comm, groups, comm->rank + 1) * group;
  *first = begin < N ? begin : N;
  *rows = (end < N ? end : N) - *first;
}
