/* lds/tracker/tracker.c: a Kalman filter whose steps are taken one at a time.
 *
 * A step is lat_lds_predict and lat_lds_update (step.c). In the steady state covariances and gain
 * are those of the Riccati equation's solution (steady.c), and only the mean is computed: O(M^2).
 * Snapshots are the belief as numbers. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "em/lds/steady.h"
#include "em/lds/tracker/internal.h"

/* ---- memory ---------------------------------------------------------------------------------- */

/* For the unscented form: a mean and a residual, R's part and S, the cross covariance, and a root
 * of the covariance. */
static size_t scratch_count(size_t M, size_t D)
{
  return M + 2 * D + 2 * D * D + D * M + M * M;
}

size_t lat_lds_tracker_count(const lat_lds *lds, bool steady)
{
  size_t M = lds->states, D = lds->outputs;
  return 2 * M + M * M + (lds->square_root ? 2 * M * M : 0) + D + D * D +
         lat_lds_doubles_of(D, sizeof(size_t)) + lds->inputs + lat_lds_workspace_count(M, D) +
         scratch_count(M, D) + (steady ? 2 * M * M + lat_lds_workspace_count(M, D) : 0) +
         lat_lds_diffuse_phase_count(lds);
}

static void set_memory(lat_lds_tracker *t, bool steady, double *memory)
{
  size_t M = t->lds.states, D = t->lds.outputs;
  lat_lds_workspace_init(&t->step, M, D, lat_lds_take(&memory, lat_lds_workspace_count(M, D)));
  t->belief.mean = lat_lds_take(&memory, M);
  t->belief.covariance = lat_lds_take(&memory, M * M);
  if (t->lds.square_root) {
    t->belief.root = lat_lds_take(&memory, M * M);
    t->Q_root = lat_lds_take(&memory, M * M);
  }
  t->belief.scale = lat_lds_take(&memory, M);
  if (!lat_lds_may_be_noiseless(&t->lds, t->step.factor)) t->belief.scale = NULL;
  t->innovation = lat_lds_take(&memory, D);
  t->factor = lat_lds_take(&memory, D * D);
  t->index = (size_t *)(void *)lat_lds_take(&memory, lat_lds_doubles_of(D, sizeof(size_t)));
  t->u = lat_lds_take(&memory, t->lds.inputs);
  t->scratch = lat_lds_take(&memory, scratch_count(M, D));
  size_t diffuse = lat_lds_diffuse_phase_count(&t->lds);
  if (diffuse)
    t->diffuse_phase = lat_lds_diffuse_phase_init(&t->lds, lat_lds_take(&memory, diffuse));
  if (!steady) return;
  t->steady_predicted = lat_lds_take(&memory, M * M);
  t->steady_filtered = lat_lds_take(&memory, M * M);
  lat_lds_workspace_init(&t->steady_step, M, D,
                         lat_lds_take(&memory, lat_lds_workspace_count(M, D)));
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* steady_step := gain and factor of an update from the steady prediction. */
static lat_status set_steady(lat_workspace *work, lat_lds_tracker *t)
{
  const lat_lds *m = &t->lds;
  size_t M = m->states, D = m->outputs;
  if (m->A.stride || m->C.stride || m->Q.stride || m->R.stride)
    return lat_fail(work, LAT_INVALID, "a steady state needs A, C, Q and R that don't vary");
  if (m->square_root)
    return lat_fail(work, LAT_INVALID,
                    "a steady state has no covariances to update: it has no square-root form");
  lat_matrix A = lat_matrix_of((double *)(size_t)m->A.data, M, M);
  lat_matrix C = lat_matrix_of((double *)(size_t)m->C.data, D, M);
  lat_matrix Q = lat_matrix_of((double *)(size_t)m->Q.data, M, M);
  lat_matrix R = lat_matrix_of((double *)(size_t)m->R.data, D, D);
  lat_matrix P = lat_matrix_of(t->steady_predicted, M, M);
  LAT_TRY(lat_lds_steady(work, &A, &C, &Q, &R, &P));
  lat_lds_belief belief = {.mean = t->scratch, .covariance = t->steady_filtered};
  memset(belief.mean, 0, M * sizeof(double));
  memset(t->innovation, 0, D * sizeof(double));
  memcpy(belief.covariance, t->steady_predicted, M * M * sizeof(double));
  double log_density =
      lat_lds_update_residual(&t->steady_step, D, m->C.data, m->R.data, t->innovation, &belief);
  if (isnan(log_density))
    return lat_fail(work, LAT_SINGULAR, "C P C' + R is not positive definite in the steady state");
  return LAT_OK;
}

void lat_lds_tracker_reset(lat_lds_tracker *t)
{
  size_t M = t->lds.states, D = t->lds.outputs;
  memcpy(t->belief.mean, t->lds.initial_mean, M * sizeof(double));
  memcpy(t->belief.covariance, t->lds.initial_covariance, M * M * sizeof(double));
  lat_lds_scale_init(M, &t->belief);
  if (t->belief.root) lat_lds_root(M, t->belief.covariance, t->belief.root);
  for (size_t i = 0; i < D; i++) t->innovation[i] = NAN;
  t->count = 0;
  t->time = 0;
  t->predicted = t->has_input = false;
  t->distance = t->log_density = t->log_likelihood = 0;
  t->steady = t->wants_steady && !t->diffuse_phase;
  if (t->diffuse_phase) lat_lds_diffuse_phase_begin(t);
}

lat_status lat_lds_tracker_init(lat_workspace *work, lat_lds_tracker *t, const lat_lds *lds,
                                size_t steps, bool steady, double *memory)
{
  *t = (lat_lds_tracker){.lds = *lds, .steps = steps, .wants_steady = steady, .memory = memory};
  t->memory_count = lat_lds_tracker_count(lds, steady);
  LAT_TRY(lat_lds_check_parameters(work, lds, steps));
  set_memory(t, steady, memory);
  if (steady) LAT_TRY(set_steady(work, t));
  if (t->Q_root && !lds->Q.stride)
    t->has_Q_root = lat_lds_root(lds->states, lds->Q.data, t->Q_root);
  lat_lds_tracker_reset(t);
  return LAT_OK;
}

lat_status lat_lds_tracker_set(lat_workspace *work, lat_lds_tracker *t, size_t time,
                               const double *mean, const double *covariance)
{
  size_t M = t->lds.states;
  if (lat_lds_diffuse_phase_active(t) && !covariance)
    return lat_fail(work, LAT_INVALID, "states are diffuse until a covariance is set");
  for (size_t i = 0; mean && i < M; i++)
    if (!isfinite(mean[i]))
      return lat_fail(work, LAT_INVALID, "element %zu of the state is %g", i + 1, mean[i]);
  if (covariance) {
    lat_matrix P = lat_matrix_of((double *)(size_t)covariance, M, M);
    LAT_TRY(lat_check_finite(work, "the covariance", &P, false));
    for (size_t i = 0; i < M; i++)
      for (size_t j = 0; j < i; j++)
        if (fabs(covariance[i * M + j] - covariance[j * M + i]) >
            LDS_SYMMETRIC * sqrt(fabs(covariance[i * M + i] * covariance[j * M + j])))
          return lat_fail(work, LAT_INVALID, "the covariance is not symmetric at (%zu, %zu)", i + 1,
                          j + 1);
    if (!lat_lds_root(M, covariance, t->scratch))
      return lat_fail(work, LAT_INVALID, "the covariance is not positive semidefinite");
    memmove(t->belief.covariance, covariance, M * M * sizeof(double));
    if (t->belief.root) memcpy(t->belief.root, t->scratch, M * M * sizeof(double));
    t->steady = false;
    lat_lds_diffuse_phase_end(t);
  } else if (t->steady) {
    memcpy(t->belief.covariance, lat_lds_tracker_covariance(t), M * M * sizeof(double));
  }
  if (mean) memmove(t->belief.mean, mean, M * sizeof(double));
  lat_lds_scale_init(M, &t->belief);
  if (time == t->time) return LAT_OK;
  t->time = time;
  t->predicted = t->has_input = false;
  return LAT_OK;
}

const double *lat_lds_tracker_covariance(const lat_lds_tracker *t)
{
  if (!t->steady) return t->belief.covariance;
  return t->predicted || t->time == 0 ? t->steady_predicted : t->steady_filtered;
}

/* ---- prediction ------------------------------------------------------------------------------ */

static void set_input(lat_lds_tracker *t, const double *u)
{
  t->has_input = u && t->lds.inputs;
  if (t->has_input) memcpy(t->u, u, t->lds.inputs * sizeof(double));
}

void lat_lds_tracker_leave_steady(lat_lds_tracker *t)
{
  if (!t->steady) return;
  size_t M = t->lds.states;
  memcpy(t->belief.covariance, lat_lds_tracker_covariance(t), M * M * sizeof(double));
  lat_lds_scale_init(M, &t->belief);
  t->steady = false;
}

/* Whether the predicted covariance is that of the steady state. */
static bool has_converged(const lat_lds_tracker *t)
{
  size_t count = t->lds.states * t->lds.states;
  double far = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    double d = fabs(t->belief.covariance[i] - t->steady_predicted[i]),
           s = fabs(t->steady_predicted[i]);
    if (d > far) far = d;
    if (s > size) size = s;
  }
  return far <= LDS_STEADY * size;
}

/* mean := A mean */
static void predict_mean(lat_lds_tracker *t, const double *A)
{
  size_t M = t->lds.states;
  double *moved = t->scratch;
  for (size_t i = 0; i < M; i++) {
    double sum = 0;
    for (size_t j = 0; j < M; j++) sum += A[i * M + j] * t->belief.mean[j];
    moved[i] = sum;
  }
  memcpy(t->belief.mean, moved, M * sizeof(double));
}

static const double *root_of(lat_lds_tracker *t, const double *Q)
{
  if (!t->Q_root) return NULL;
  if (t->has_Q_root && Q == t->lds.Q.data) return t->Q_root;
  t->has_Q_root = false;
  return lat_lds_root(t->lds.states, Q, t->Q_root) ? t->Q_root : NULL;
}

/* The belief's prediction for the present step. */
static lat_status predict(lat_lds_tracker *t, const double *A, const double *B, const double *Q)
{
  const double *Q_root = t->steady ? NULL : root_of(t, Q);
  if (t->belief.root && !Q_root) return LAT_INVALID;
  if (lat_lds_diffuse_phase_active(t)) {
    lat_lds_diffuse_phase_predict(t, A, Q, Q_root, B, !t->predicted);
    return LAT_OK;
  }
  if (t->steady) {
    predict_mean(t, A);
  } else {
    lat_lds_predict(&t->step, A, Q, Q_root, &t->belief);
    t->steady = t->wants_steady && has_converged(t);
  }
  if (t->has_input) lat_lds_add_input(t->lds.states, B, t->lds.inputs, t->u, t->belief.mean);
  return LAT_OK;
}

lat_status lat_lds_tracker_predict(lat_lds_tracker *t, const double *u, const lat_lds_step *step)
{
  static const lat_lds_step none = {0};
  const lat_lds *m = &t->lds;
  if (!step) step = &none;
  lat_status status = LAT_OK;
  if (t->time++ > 0) {
    const double *A = lat_lds_matrix_of_step(t, step->A, m->A),
                 *Q = lat_lds_matrix_of_step(t, step->Q, m->Q);
    const double *B = m->inputs ? lat_lds_matrix_of_step(t, step->B, m->B) : NULL;
    if (step->A || step->Q) lat_lds_tracker_leave_steady(t);
    set_input(t, u);
    status = !A || !Q || (m->inputs && !B) ? LAT_SHAPE : predict(t, A, B, Q);
  } else {
    set_input(t, u);
  }
  if (status == LAT_OK)
    t->predicted = true;
  else
    t->time--;
  return status;
}

/* ---- updates --------------------------------------------------------------------------------- */

lat_status lat_lds_tracker_record(lat_lds_tracker *t, const lat_lds_workspace *w,
                                  const size_t *index, double log_density)
{
  if (isnan(log_density)) return LAT_SINGULAR;
  size_t p = w->count;
  t->predicted = false;
  t->log_density = log_density;
  t->log_likelihood += log_density;
  t->count = p;
  memmove(t->index, index, p * sizeof *index);
  t->distance = 0;
  for (size_t i = 0; i < p; i++) t->distance += w->whitened[i] * w->whitened[i];
  memcpy(t->factor, w->factor, p * p * sizeof(double));
  return LAT_OK;
}

static lat_status record_linear(lat_lds_tracker *t, const lat_lds_workspace *w, double log_density)
{
  for (size_t i = 0; i < t->lds.outputs; i++) t->innovation[i] = NAN;
  for (size_t i = 0; i < w->count; i++) t->innovation[w->index[i]] = w->residual[i];
  return lat_lds_tracker_record(t, w, w->index, log_density);
}

/* An innovation of infinite variance has no distance. */
static lat_status record_diffuse(lat_lds_tracker *t, const lat_lds_workspace *w, double log_density)
{
  LAT_TRY(lat_lds_tracker_record(t, w, w->index, log_density));
  t->distance = 0;
  for (size_t i = 0; i < t->count * t->count; i++) t->factor[i] = NAN;
  return LAT_OK;
}

static bool has_infinity(const lat_lds_tracker *t, const double *y)
{
  for (size_t i = 0; i < t->lds.outputs; i++)
    if (isinf(y[i])) return true;
  return false;
}

/* Goes to the next step if predict hasn't, and gives C, R and D u of the observation. */
static lat_status begin_update(lat_lds_tracker *t, const double *y, const double *u,
                               const lat_lds_step *step, const double **C, const double **R,
                               double *offset, bool *has_offset)
{
  static const lat_lds_step none = {0};
  const lat_lds *m = &t->lds;
  if (!step) step = &none;
  if (has_infinity(t, y)) return LAT_INVALID;
  if (!t->predicted)
    LAT_TRY(lat_lds_tracker_predict(t, u, step));
  else if (u)
    set_input(t, u);
  *C = lat_lds_matrix_of_step(t, step->C, m->C);
  *R = lat_lds_matrix_of_step(t, step->R, m->R);
  const double *D = t->has_input ? lat_lds_matrix_of_step(t, step->D, m->D) : NULL;
  if (!*C || !*R || (t->has_input && !D)) return LAT_SHAPE;
  *has_offset = t->has_input;
  if (t->has_input) {
    memset(offset, 0, m->outputs * sizeof(double));
    lat_lds_add_input(m->outputs, D, m->inputs, t->u, offset);
  }
  if (step->C || step->R) lat_lds_tracker_leave_steady(t);
  return LAT_OK;
}

lat_status lat_lds_tracker_update(lat_lds_tracker *t, const double *y, const double *u,
                                  const lat_lds_step *step)
{
  const double *C, *R;
  double *offset = t->scratch + t->lds.states;
  bool has_offset;
  LAT_TRY(begin_update(t, y, u, step, &C, &R, offset, &has_offset));
  if (!has_offset) offset = NULL;
  if (lat_lds_diffuse_phase_active(t)) {
    double log_density = lat_lds_diffuse_phase_update(t, C, R, y, offset);
    return record_diffuse(t, &t->diffuse_phase->pass.step, log_density);
  }
  if (t->steady) {
    lat_lds_workspace *w = &t->steady_step;
    lat_lds_select_observed(w, C, R, y, offset, t->belief.mean);
    if (w->count == t->lds.outputs)
      return record_linear(t, w, lat_lds_update_mean(w, t->belief.mean));
    lat_lds_tracker_leave_steady(t);
  }
  double log_density = lat_lds_update(&t->step, C, R, y, offset, &t->belief);
  return record_linear(t, &t->step, log_density);
}

lat_status lat_lds_tracker_predict_observation(const lat_lds_tracker *t, double *mean,
                                               double *covariance)
{
  const lat_lds *m = &t->lds;
  size_t M = m->states, p = m->outputs;
  const double *C = lat_lds_matrix_of_step(t, NULL, m->C),
               *R = lat_lds_matrix_of_step(t, NULL, m->R);
  const double *D = t->has_input ? lat_lds_matrix_of_step(t, NULL, m->D) : NULL;
  const double *P = lat_lds_tracker_covariance(t);
  if (!C || !R || (t->has_input && !D)) return LAT_SHAPE;
  memset(mean, 0, p * sizeof *mean);
  if (D) lat_lds_add_input(p, D, m->inputs, t->u, mean);
  for (size_t i = 0; i < p; i++)
    for (size_t k = 0; k < M; k++) mean[i] += C[i * M + k] * t->belief.mean[k];
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j <= i; j++) {
      double sum = R[i * p + j];
      for (size_t k = 0; k < M; k++)
        for (size_t l = 0; l < M; l++) sum += C[i * M + k] * P[k * M + l] * C[j * M + l];
      covariance[i * p + j] = covariance[j * p + i] = sum;
    }
  return LAT_OK;
}

void lat_lds_tracker_innovation_covariance(const lat_lds_tracker *t, double *S)
{
  size_t D = t->lds.outputs, p = t->count;
  for (size_t i = 0; i < D * D; i++) S[i] = NAN;
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j < p; j++) {
      double sum = 0;
      for (size_t k = 0; k <= (i < j ? i : j); k++)
        sum += t->factor[k * p + i] * t->factor[k * p + j];
      S[t->index[i] * D + t->index[j]] = sum;
    }
}

/* ---- there and back -------------------------------------------------------------------------- */

lat_lds_checkpoint lat_lds_tracker_checkpoint(const lat_lds_tracker *t, double *memory)
{
  memcpy(memory, t->memory, t->memory_count * sizeof *memory);
  return (lat_lds_checkpoint){.tracker = *t, .memory = memory};
}

void lat_lds_tracker_return(lat_lds_tracker *t, const lat_lds_checkpoint *checkpoint)
{
  *t = checkpoint->tracker;
  memcpy(t->memory, checkpoint->memory, t->memory_count * sizeof *t->memory);
}

lat_status lat_lds_tracker_forecast(lat_lds_tracker *t, size_t h, const double *U, double *memory,
                                    const lat_lds_forecasts *to, size_t *last)
{
  size_t M = t->lds.states, D = t->lds.outputs;
  lat_lds_checkpoint before = lat_lds_tracker_checkpoint(t, memory);
  lat_status status = LAT_OK;
  for (size_t k = 0; k < h && status == LAT_OK; k++) {
    status = lat_lds_tracker_predict(t, U ? U + k * t->lds.inputs : NULL, NULL);
    if (status != LAT_OK) break;
    status = lat_lds_tracker_predict_observation(t, to->means + k * D, to->covariances + k * D * D);
    memcpy(to->state_means + k * M, t->belief.mean, M * sizeof(double));
    memcpy(to->state_covariances + k * M * M, lat_lds_tracker_covariance(t),
           M * M * sizeof(double));
  }
  if (status == LAT_OK) lat_lds_intervals(h, D, to);
  *last = t->time;
  lat_lds_tracker_return(t, &before);
  return status;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

enum { TIME, PREDICTED, STEADY, HAS_INPUT, LOG_LIKELIHOOD, NUMBERS };

size_t lat_lds_tracker_snapshot_count(const lat_lds_tracker *t)
{
  size_t M = t->lds.states;
  return NUMBERS + t->lds.inputs + M + M * M + (t->belief.scale ? M : 0) +
         (t->belief.root ? M * M : 0) + lat_lds_diffuse_phase_snapshot_count(t);
}

void lat_lds_tracker_save(const lat_lds_tracker *t, double *snapshot)
{
  size_t M = t->lds.states;
  snapshot[TIME] = (double)t->time;
  snapshot[PREDICTED] = t->predicted;
  snapshot[STEADY] = t->steady;
  snapshot[HAS_INPUT] = t->has_input;
  snapshot[LOG_LIKELIHOOD] = t->log_likelihood;
  snapshot += NUMBERS;
  if (t->has_input)
    memcpy(snapshot, t->u, t->lds.inputs * sizeof *snapshot);
  else
    memset(snapshot, 0, t->lds.inputs * sizeof *snapshot);
  snapshot += t->lds.inputs;
  memcpy(snapshot, t->belief.mean, M * sizeof *snapshot);
  snapshot += M;
  memcpy(snapshot, lat_lds_tracker_covariance(t), M * M * sizeof *snapshot);
  snapshot += M * M;
  if (t->belief.scale) memcpy(snapshot, t->belief.scale, M * sizeof *snapshot);
  if (t->belief.scale) snapshot += M;
  if (t->belief.root) memcpy(snapshot, t->belief.root, M * M * sizeof *snapshot);
  if (t->diffuse_phase) lat_lds_diffuse_phase_save(t, snapshot + (t->belief.root ? M * M : 0));
}

/* Whether these numbers, except the belief, can be a snapshot of a tracker of this model. */
static bool is_snapshot(const lat_lds_tracker *t, const double *snapshot, const double *diffuse)
{
  for (size_t i = 0; i < NUMBERS; i++)
    if (!isfinite(snapshot[i])) return false;
  bool whole =
      snapshot[TIME] >= 0 && snapshot[TIME] < 0x1p53 && snapshot[TIME] == floor(snapshot[TIME]);
  bool steady = snapshot[STEADY] == 0 || t->wants_steady;
  return whole && steady && (!t->diffuse_phase || lat_lds_diffuse_phase_is_snapshot(t, diffuse));
}

lat_status lat_lds_tracker_restore(lat_workspace *work, lat_lds_tracker *t, const double *snapshot)
{
  size_t M = t->lds.states;
  const double *u = snapshot + NUMBERS, *mean = u + t->lds.inputs, *covariance = mean + M;
  const double *scale = covariance + M * M, *root = scale + (t->belief.scale ? M : 0);
  const double *diffuse = root + (t->belief.root ? M * M : 0);
  bool whole = is_snapshot(t, snapshot, diffuse);
  for (size_t i = 0; t->belief.scale && i < M; i++) whole &= scale[i] >= 0 && scale[i] <= DBL_MAX;
  if (!whole)
    return lat_fail(work, LAT_INVALID, "these numbers are not what a tracker of this model keeps");
  if (t->diffuse_phase &&
      lat_lds_diffuse_phase_restore(t, diffuse)) { /* its variances are infinite */
    memcpy(t->belief.mean, mean, M * sizeof *mean);
    memcpy(t->belief.covariance, covariance, M * M * sizeof *covariance);
  } else {
    LAT_TRY(lat_lds_tracker_set(work, t, 0, mean, covariance));
    if (t->belief.scale) memcpy(t->belief.scale, scale, M * sizeof *scale);
    if (t->belief.root) memcpy(t->belief.root, root, M * M * sizeof *root);
  }
  t->time = (size_t)snapshot[TIME];
  t->predicted = snapshot[PREDICTED] != 0;
  t->steady = snapshot[STEADY] != 0;
  t->has_input = snapshot[HAS_INPUT] != 0;
  memcpy(t->u, u, t->lds.inputs * sizeof *u);
  t->log_likelihood = snapshot[LOG_LIKELIHOOD];
  return LAT_OK;
}
