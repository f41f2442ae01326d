/* tracker/internal.h: what the files of the tracker share. Private to the module. */
#ifndef LAT_EM_LDS_TRACKER_INTERNAL_H
#define LAT_EM_LDS_TRACKER_INTERNAL_H

#include "em/lds/internal.h"
#include "em/lds/tracker/tracker.h"

/* Doubles that hold n values of another size. */
static inline size_t lat_lds_doubles_of(size_t n, size_t size)
{
  return (n * size + sizeof(double) - 1) / sizeof(double);
}

/* The matrix of the present step: its own, or the model's; NULL when the model has no such step. */
static inline const double *lat_lds_matrix_of_step(const lat_lds_tracker *t, const double *own,
                                                   lat_lds_matrix model)
{
  if (own || !model.stride) return own ? own : model.data;
  return t->time <= t->steps ? lat_lds_at(model, t->time - 1) : NULL;
}

/* Leaves the steady state for the exact recursion, until the covariance has converged again. */
void lat_lds_tracker_leave_steady(lat_lds_tracker *tracker);

/* Sets the fields about the last y from the workspace of its update. `index` says which entries of
 * y that took. LAT_SINGULAR when the density is NaN. */
lat_status lat_lds_tracker_record(lat_lds_tracker *tracker, const lat_lds_workspace *w,
                                  const size_t *index, double log_density);

/* ---- the diffuse phase (diffuse.c) ----------------------------------------------------------- */

/* A pass over two steps, whose second is done again and again. */
struct lat_lds_diffuse_phase {
  lat_lds lds; /* of the step */
  lat_lds_sequence sequence;
  lat_lds_pass pass;
  size_t now; /* 0 in the first step, then 1 */
  double *memory;
  size_t count;
};

/* Doubles; 0 when no state is diffuse. */
size_t lat_lds_diffuse_phase_count(const lat_lds *lds);
struct lat_lds_diffuse_phase *lat_lds_diffuse_phase_init(const lat_lds *lds, double *memory);
/* To the first step. The tracker's belief becomes what is known, with infinite variances. */
void lat_lds_diffuse_phase_begin(lat_lds_tracker *tracker);
bool lat_lds_diffuse_phase_active(const lat_lds_tracker *tracker);
void lat_lds_diffuse_phase_end(lat_lds_tracker *tracker);
/* The steps. `updated`: y of the step before was taken in. The update returns the log density, NaN
 * when S isn't positive semidefinite; its workspace is the pass's. */
void lat_lds_diffuse_phase_predict(lat_lds_tracker *tracker, const double *A, const double *Q,
                                   const double *Q_root, const double *B, bool updated);
double lat_lds_diffuse_phase_update(lat_lds_tracker *tracker, const double *C, const double *R,
                                    const double *y, const double *offset);
/* The part of snapshots; restore returns whether the phase is active. */
size_t lat_lds_diffuse_phase_snapshot_count(const lat_lds_tracker *tracker);
void lat_lds_diffuse_phase_save(const lat_lds_tracker *tracker, double *snapshot);
bool lat_lds_diffuse_phase_is_snapshot(const lat_lds_tracker *tracker, const double *snapshot);
bool lat_lds_diffuse_phase_restore(lat_lds_tracker *tracker, const double *snapshot);

#endif
