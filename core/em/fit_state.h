/* fit_state.h: what a fit keeps for itself (fit.h), for fit.c and fit_run.c. Private to core/em. */
#ifndef LAT_EM_FIT_STATE_H
#define LAT_EM_FIT_STATE_H

#include "em/fit.h"
#include "modeling/sample.h"

typedef struct lat_fit_state {
  lat_thinning thinning; /* while the sample is taken */
  lat_form form;         /* once it is decided */
  lat_moments_sum sum;   /* has no dimensions before the first rows */
  bool decided, added;   /* the sum is of all rows */
  double deadline;       /* for the iterations, if there are any */
  bool sampled, started, reviewed, finished;
  bool failed;                     /* the review has: parameters without a likelihood */
  double *parameters, *statistics; /* memory for the best */
  void *aside, *present;           /* what lies aside of the best, and of the present start */
  size_t aside_bytes;
  lat_mark mark;
  lat_source *source; /* of slices */
} lat_fit_state;

static inline const lat_fit_options *lat_fit_options_of(const lat_fit *fit)
{
  return fit->options; /* the first member of the model's */
}

/* Whether it must have all rows at once. */
static inline bool lat_fit_needs_rows(const lat_fit *fit)
{
  return fit->kind->needs_rows && fit->kind->needs_rows(fit);
}

#endif
