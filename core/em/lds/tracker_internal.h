/* tracker_internal.h: what the files of the tracker share. Private to the module. */
#ifndef LAT_EM_LDS_TRACKER_INTERNAL_H
#define LAT_EM_LDS_TRACKER_INTERNAL_H

#include "em/lds/tracker.h"

/* The matrix of the present step: its own, or the model's; NULL when the model has no such step. */
static inline const double *lds_of_step(const lat_lds_tracker *t, const double *own,
                                        lat_lds_matrix model)
{
  if (own || !model.stride) return own ? own : model.data;
  return t->time <= t->steps ? lat_lds_at(model, t->time - 1) : NULL;
}

/* From here on the exact recursion, until the covariance has settled again. */
void lat_lds_leave_steady(lat_lds_tracker *tracker);

/* After an update by the frame whose log density is given: what is left to be read. `index` says
 * which entries of y it took. LAT_SINGULAR when the density is NaN. */
lat_status lat_lds_record(lat_lds_tracker *tracker, const lat_lds_frame *frame, const size_t *index,
                          double log_density);

/* ---- while states are diffuse (tracker_diffuse.c) ---- */

/* Doubles; 0 when no state is. */
size_t lat_lds_stretch_count(const lat_lds *lds);
struct lat_lds_stretch *lat_lds_stretch_init(const lat_lds *lds, double *memory);
/* To the first step. The belief of the tracker is what is known: with infinite variances. */
void lat_lds_stretch_begin(lat_lds_tracker *tracker);
bool lat_lds_stretch_lasts(const lat_lds_tracker *tracker);
void lat_lds_stretch_end(lat_lds_tracker *tracker);
/* Steps; `updated` says whether y of the step before was taken in. */
void lat_lds_stretch_predict(lat_lds_tracker *tracker, const double *A, const double *Q,
                             const double *Q_root, const double *B, bool updated);
lat_status lat_lds_stretch_update(lat_lds_tracker *tracker, const double *C, const double *R,
                                  const double *y, const double *offset);
/* What lat_lds_tracker_save keeps of it; restore says whether the stretch lasts. */
size_t lat_lds_stretch_kept(const lat_lds_tracker *tracker);
void lat_lds_stretch_save(const lat_lds_tracker *tracker, double *kept);
bool lat_lds_stretch_is_kept(const lat_lds_tracker *tracker, const double *kept);
bool lat_lds_stretch_restore(lat_lds_tracker *tracker, const double *kept);

#endif
