/* status.h: what a function of the core returns.
 *
 * The core never prints, exits or aborts. A function that can fail returns a
 * lat_status and leaves a sentence in its workspace (workspace.h) that names the
 * argument, its value and what was expected. Not converging is no failure: it is
 * a field of the result. */
#ifndef LAT_BASE_STATUS_H
#define LAT_BASE_STATUS_H

typedef enum lat_status {
  LAT_OK = 0,
  LAT_INVALID,   /* an argument is outside its domain, NaN included */
  LAT_SHAPE,     /* sizes that don't fit each other */
  LAT_MEMORY,    /* no memory, or a size that overflows */
  LAT_SINGULAR,  /* singular, or not positive definite */
  LAT_DIVERGED,  /* an inner iteration, such as LAPACK's, failed */
  LAT_CANCELLED, /* the caller's flag or deadline stopped it */
  LAT_FILE,      /* a file that can't be opened, read or written */
  LAT_FORMAT,    /* a file whose contents can't be understood */
  LAT_LOST       /* a rank of a job (comm/comm.h) is gone, or didn't answer in time */
} lat_status;

/* The status in a word or two, e.g. "singular matrix". Never NULL. */
const char *lat_status_name(lat_status status);

/* Passes a failure on: LAT_TRY(f(...)) returns from the calling function. */
#define LAT_TRY(call)                                                                              \
  do {                                                                                             \
    lat_status status_ = (call);                                                                   \
    if (status_ != LAT_OK) return status_;                                                         \
  } while (0)

#endif
