/* lds_tracker_parts.h: what the files of the tracker share. Private to the module. */
#ifndef LAT_EM_LDS_TRACKER_PARTS_H
#define LAT_EM_LDS_TRACKER_PARTS_H

#include "em/lds_tracker.h"

/* The matrix of the present step: its own, or the model's; NULL when the model has no such step. */
static inline const double *lds_of_step(const lat_lds_tracker *t, const double *own,
                                        lat_lds_matrix model)
{
  if (own || !model.stride) return own ? own : model.data;
  return t->time <= t->steps ? lat_lds_at(model, t->time - 1) : NULL;
}

/* From here on the exact recursion, until the covariance has settled again. */
void lds_leave_steady(lat_lds_tracker *tracker);

/* After an update by the frame whose log density is given: what is left to be read. `index` says
 * which entries of y it took. LAT_SINGULAR when the density is NaN. */
lat_status lds_record(lat_lds_tracker *tracker, const lat_lds_frame *frame, const size_t *index,
                      double log_density);

#endif
