/* share.h: rows that lie with several ranks, and sums over all of them.
 *
 * The rows of a job are those of rank 0, of rank 1, and so on. Each rank cuts its own into groups
 * (base/ordered_sum.h), which are numbered through; it adds up the nodes of the tree over all
 * groups that lie with it from end to end, and gives these, at most two of each size, to all
 * others: every rank then finishes the tree by itself. Where ranks' rows begin at borders of
 * groups, the tree is that of one process with all rows, so that the total is the same bits for
 * every number of ranks.
 *
 * Functions take a share that is NULL for who is alone. */
#ifndef LAT_COMM_SHARE_H
#define LAT_COMM_SHARE_H

#include "base/ordered_sum.h"
#include "comm/comm.h"

typedef struct lat_share {
  lat_comm *comm;
  size_t columns;       /* of all ranks' rows; 0 where none has any */
  const uint64_t *rows; /* of each rank */
  uint64_t before, all; /* rows of the ranks before this one, and of all */
} lat_share;

/* A collective: this rank has so many rows of so many columns (0 with no rows: unknown).
 * LAT_SHAPE when ranks have different ones. Keeps the share's memory. */
lat_status lat_share_begin(lat_share *share, lat_workspace *work, lat_comm *comm, uint64_t rows,
                           size_t columns);

/* The sum, which is empty, is this rank's share: of as many rows as the share says. Keeps memory,
 * where there are several ranks. */
lat_status lat_share_place(const lat_share *share, lat_workspace *work, lat_ordered_sum *sum);

/* total (count) := the sum of all rows of all ranks. A collective, where there are ranks. */
lat_status lat_share_total(const lat_share *share, lat_workspace *work, const lat_ordered_sum *sum,
                           double *total);

/* Rows first, ..., first + rows - 1 of N, from 0, are this rank's part of data with so many
 * columns: parts as equal as may be that begin at borders of groups, whatever the sums. Few rows
 * may leave ranks without any. */
void lat_share_rows(const lat_comm *comm, uint64_t N, size_t columns, uint64_t *first,
                    uint64_t *rows);

#endif
