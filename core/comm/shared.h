/* shared.h: a comm over memory that its ranks share: threads of one process, or processes that have
 * been forked (forked.h).
 *
 * What ranks give goes through slots in that memory, a megabyte a rank at a time, between barriers
 * on which they sleep. A rank that leaves says so, and the others, should they wait for it, learn
 * why. For tests a rank can be told to be lost at any of its collectives:
 *
 *   lat_shared *shared;
 *   LAT_TRY(lat_shared_new(work, 3, &shared));
 *   lat_shared_injure(shared, 1, 20);       rank 1 is gone at its 20th gathering
 *   lat_comm comm;
 *   lat_shared_join(shared, rank, &comm);   on each of three threads
 *   ...
 *   lat_shared_leave(shared, rank, "it is done"); */
#ifndef LAT_COMM_SHARED_H
#define LAT_COMM_SHARED_H

#include "comm/comm.h"

typedef struct lat_shared lat_shared;

/* Memory for so many ranks, which processes that are forked later share. LAT_MEMORY; LAT_INVALID
 * unless there are 1 to 1024. */
#define LAT_SHARED_MOST 1024
lat_status lat_shared_new(lat_workspace *work, size_t size, lat_shared **shared);
/* Once nobody uses it in this process any more. */
void lat_shared_free(lat_shared *shared);

/* Fills the comm of a rank. */
void lat_shared_join(lat_shared *shared, size_t rank, lat_comm *comm);
/* The rank takes part in nothing any more. The first reason stands. */
void lat_shared_leave(lat_shared *shared, size_t rank, const char *reason);
/* Why it did, or NULL while it takes part. */
const char *lat_shared_left(const lat_shared *shared, size_t rank);

/* From the gathering of that number on, from 1, the rank is lost. */
void lat_shared_injure(lat_shared *shared, size_t rank, unsigned at);

/* While the rank waits, it calls `watch` now and then, to find out who is gone. */
typedef void lat_shared_watch(void *context);
void lat_shared_watched(lat_shared *shared, size_t rank, lat_shared_watch *watch, void *context);

#endif
