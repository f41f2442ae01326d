/* comm.h: ranks, the processes of one job, and what they tell each other.
 *
 * A job runs the same program as `size` ranks, number 0 to size - 1. What they have to say goes
 * through a lat_comm: somebody fills its functions in (processes of one machine: comm/forked.h;
 * threads of one process, for tests: comm/shared.h; MPI: the module latent_mpi), and everything
 * below asks these only.
 *
 * A collective is a call that every rank makes, in the same order. Each begins with an agreement:
 * how it went so far on each rank, and which collective this is. So a failure on one rank, in
 * whatever it did between collectives, is a failure on all, with the same status and message, and
 * nobody waits for who has given up:
 *
 *   lat_status status = work on my rows;
 *   if (status == LAT_OK) status = lat_comm_sum(comm, work, numbers, n);
 *   return lat_comm_settle(comm, work, status);
 *
 * A rank that is gone, or doesn't answer within `deadline` seconds, is LAT_LOST, and the comm is of
 * no use from then on. */
#ifndef LAT_COMM_COMM_H
#define LAT_COMM_COMM_H

#include <stdint.h>

#include "base/workspace.h"

typedef struct lat_comm lat_comm;

struct lat_comm {
  size_t rank, size;
  /* all := what every rank gives, bytes[0] of rank 0 first, and so on; each rank knows all of
   * `bytes`. LAT_LOST; LAT_CANCELLED when lat_check_stop says so. NULL: there is one rank. */
  lat_status (*gather)(lat_comm *comm, lat_workspace *work, const void *mine, const size_t bytes[],
                       void *all);
  /* x (n) := the sum over the ranks, the same bits on each. NULL: by gather. */
  lat_status (*sum)(lat_comm *comm, lat_workspace *work, double *x, size_t n);
  double deadline; /* seconds that a collective may take, waiting included; 0: any time */
  void *context;   /* of who fills it */

  /* what follows is comm.c's: zeros at first */
  bool ended;     /* the job is over: every collective fails */
  bool lost;      /* so does every collective from here on, with this reason */
  bool agreed;    /* the last failure is known to all */
  bool late;      /* it was that of a deadline */
  uint64_t calls; /* gathers and sums so far, and bytes that this rank has given to them */
  uint64_t given;
  char reason[200];
};

/* The only rank of its job. */
lat_comm lat_comm_alone(void);

/* Collectives. `work` has the message of a failure; those of rank r of several begin with "rank r:
 * ", unless all ranks have the same one. LAT_INVALID when ranks are at different collectives, or
 * where they must be of one size and aren't. */

/* status := the failure of the first rank that has one, on all of them. */
lat_status lat_comm_agree(lat_comm *comm, lat_workspace *work, lat_status status);
/* The end of a part whose collectives may have failed: what all ranks end it with. LAT_OK needs
 * another collective with which all of them end, or begin the next part. NULL: `status`. */
lat_status lat_comm_settle(lat_comm *comm, lat_workspace *work, lat_status status);

/* The same for the end of all of it, where LAT_OK is a last agreement. */
lat_status lat_comm_conclude(lat_comm *comm, lat_workspace *work, lat_status status);

/* x (n) := the sum over the ranks, in the tree of lat_sum_tree or as MPI has it: the same bits on
 * all ranks, for one number of them. */
lat_status lat_comm_sum(lat_comm *comm, lat_workspace *work, double *x, size_t n);
/* data of all ranks := that of `root`. */
lat_status lat_comm_broadcast(lat_comm *comm, lat_workspace *work, void *data, size_t bytes,
                              size_t root);
/* *all := what every rank gives, any number of bytes, side by side; sizes (size) := those numbers.
 * Keeps *all. */
lat_status lat_comm_gather(lat_comm *comm, lat_workspace *work, const void *mine, size_t bytes,
                           size_t sizes[], void **all);
/* *any := whether any rank says so. */
lat_status lat_comm_any(lat_comm *comm, lat_workspace *work, bool *any);

#endif
