/* forked.h: ranks that are processes of one machine, forked by the first of them, over memory that
 * they share (shared.h).
 *
 *   lat_forked job;
 *   lat_comm comm;
 *   LAT_TRY(lat_forked_begin(&job, work, 4, &comm));   from here on, four processes: comm.rank
 *   ...
 *   if (comm.rank > 0) { lat_forked_leave(&job, reason); _exit(reason != NULL); }
 *   return lat_forked_end(&job, work);                 rank 0 waits for the others
 *
 * Data that were there before are there in each, and no byte of them is copied until it is written
 * to. Of other threads of the caller none is there in the others. */
#ifndef LAT_COMM_FORKED_H
#define LAT_COMM_FORKED_H

#include "comm/shared.h"

typedef struct lat_forked {
  lat_shared *shared;
  size_t size, rank;
  long parent;
  struct lat_child *children; /* in rank 0 */
} lat_forked;

/* Forks size - 1 processes, and fills the comm of each. Output that waits in buffers is written
 * before. LAT_MEMORY, also when the system has no more processes. Keeps the job's memory. */
lat_status lat_forked_begin(lat_forked *job, lat_workspace *work, size_t size, lat_comm *comm);

/* In a rank other than 0, which exits then: it is done, or (unless NULL) why it has failed. */
void lat_forked_leave(lat_forked *job, const char *failure);

/* In rank 0: waits for the others, and frees the memory that they share. LAT_LOST, with what the
 * first of those that failed had to say; LAT_CANCELLED, and the others are killed. */
lat_status lat_forked_end(lat_forked *job, lat_workspace *work);
/* In rank 0, which has failed: kills the others and frees that memory. */
void lat_forked_kill(lat_forked *job);

#endif
