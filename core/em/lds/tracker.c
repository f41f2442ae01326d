#include "em/lds/tracker.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "em/lds/internal.h"
#include "em/lds/steady.h"
#include "em/lds/tracker_internal.h"

/* How near, relative to its largest element, the predicted covariance must come to that of the
 * steady state to be taken for it. */
static const double SETTLED = 1e-13;

/* ---- memory ------------------------------------------------------------------------------------ */

/* Doubles that hold n values of another size. */
static size_t doubles_of(size_t n, size_t size)
{
  return (n * size + sizeof(double) - 1) / sizeof(double);
}

/* What the unscented form needs: a mean and a residual, R's part and S, the cross covariance, and a
 * root of the covariance. */
static size_t scratch_count(size_t M, size_t D)
{
  return M + 2 * D + 2 * D * D + D * M + M * M;
}

size_t lat_lds_tracker_count(const lat_lds *lds, bool steady)
{
  size_t M = lds->states, D = lds->outputs;
  return 2 * M + M * M + (lds->square_root ? 2 * M * M : 0) + D + D * D +
         doubles_of(D, sizeof(size_t)) + lds->inputs + lat_lds_frame_count(M, D) +
         scratch_count(M, D) + (steady ? 2 * M * M + lat_lds_frame_count(M, D) : 0) +
         lat_lds_stretch_count(lds);
}

static double *take(double **memory, size_t count)
{
  double *here = *memory;
  *memory += count;
  return here;
}

static void lay_out(lat_lds_tracker *t, bool steady, double *memory)
{
  size_t M = t->lds.states, D = t->lds.outputs;
  lat_lds_frame_init(&t->frame, M, D, take(&memory, lat_lds_frame_count(M, D)));
  t->belief.mean = take(&memory, M);
  t->belief.covariance = take(&memory, M * M);
  if (t->lds.square_root) {
    t->belief.root = take(&memory, M * M);
    t->Q_root = take(&memory, M * M);
  }
  t->belief.scale = take(&memory, M);
  if (!lat_lds_has_exact(&t->lds, t->frame.factor)) t->belief.scale = NULL;
  t->innovation = take(&memory, D);
  t->factor = take(&memory, D * D);
  t->index = (size_t *)(void *)take(&memory, doubles_of(D, sizeof(size_t)));
  t->u = take(&memory, t->lds.inputs);
  t->scratch = take(&memory, scratch_count(M, D));
  size_t stretch = lat_lds_stretch_count(&t->lds);
  if (stretch) t->stretch = lat_lds_stretch_init(&t->lds, take(&memory, stretch));
  if (!steady) return;
  t->steady_predicted = take(&memory, M * M);
  t->steady_filtered = take(&memory, M * M);
  lat_lds_frame_init(&t->steady_frame, M, D, take(&memory, lat_lds_frame_count(M, D)));
}

/* ---- the beginning ------------------------------------------------------------------------------- */

/* The steady frame keeps gain and factor of an update from the steady prediction. */
static lat_status settle(lat_workspace *work, lat_lds_tracker *t)
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
      lat_lds_correct(&t->steady_frame, D, m->C.data, m->R.data, t->innovation, &belief);
  if (isnan(log_density))
    return lat_fail(work, LAT_SINGULAR, "C P C' + R is not positive definite in the steady state");
  return LAT_OK;
}

void lat_lds_tracker_reset(lat_lds_tracker *t)
{
  size_t M = t->lds.states, D = t->lds.outputs;
  memcpy(t->belief.mean, t->lds.initial_mean, M * sizeof(double));
  memcpy(t->belief.covariance, t->lds.initial_covariance, M * M * sizeof(double));
  lat_lds_begin_scale(M, &t->belief);
  if (t->belief.root) lat_lds_root(M, t->belief.covariance, t->belief.root);
  for (size_t i = 0; i < D; i++) t->innovation[i] = NAN;
  t->count = 0;
  t->time = 0;
  t->predicted = t->has_input = false;
  t->distance = t->log_density = t->log_likelihood = 0;
  t->steady = t->wants_steady && !t->stretch;
  if (t->stretch) lat_lds_stretch_begin(t);
}

lat_status lat_lds_tracker_init(lat_workspace *work, lat_lds_tracker *t, const lat_lds *lds,
                                size_t steps, bool steady, double *memory)
{
  *t = (lat_lds_tracker){.lds = *lds, .steps = steps, .wants_steady = steady};
  LAT_TRY(lat_lds_check(work, lds, steps));
  lay_out(t, steady, memory);
  if (steady) LAT_TRY(settle(work, t));
  if (t->Q_root && !lds->Q.stride)
    t->has_Q_root = lat_lds_root(lds->states, lds->Q.data, t->Q_root);
  lat_lds_tracker_reset(t);
  return LAT_OK;
}

lat_status lat_lds_tracker_set(lat_workspace *work, lat_lds_tracker *t, size_t time,
                               const double *mean, const double *covariance)
{
  size_t M = t->lds.states;
  if (lat_lds_stretch_lasts(t) && !covariance)
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
            1e-10 * sqrt(fabs(covariance[i * M + i] * covariance[j * M + j])))
          return lat_fail(work, LAT_INVALID, "the covariance is not symmetric at (%zu, %zu)", i + 1,
                          j + 1);
    if (!lat_lds_root(M, covariance, t->scratch))
      return lat_fail(work, LAT_INVALID, "the covariance is not positive semidefinite");
    memmove(t->belief.covariance, covariance, M * M * sizeof(double));
    if (t->belief.root) memcpy(t->belief.root, t->scratch, M * M * sizeof(double));
    t->steady = false;
    lat_lds_stretch_end(t);
  } else if (t->steady) {
    memcpy(t->belief.covariance, lat_lds_tracker_covariance(t), M * M * sizeof(double));
  }
  if (mean) memmove(t->belief.mean, mean, M * sizeof(double));
  lat_lds_begin_scale(M, &t->belief);
  t->time = time;
  t->predicted = t->has_input = false;
  return LAT_OK;
}

const double *lat_lds_tracker_covariance(const lat_lds_tracker *t)
{
  if (!t->steady) return t->belief.covariance;
  return t->predicted || t->time == 0 ? t->steady_predicted : t->steady_filtered;
}

/* ---- prediction ------------------------------------------------------------------------------------ */

static void keep_input(lat_lds_tracker *t, const double *u)
{
  t->has_input = u && t->lds.inputs;
  if (t->has_input) memcpy(t->u, u, t->lds.inputs * sizeof(double));
}

void lat_lds_leave_steady(lat_lds_tracker *t)
{
  if (!t->steady) return;
  size_t M = t->lds.states;
  memcpy(t->belief.covariance, lat_lds_tracker_covariance(t), M * M * sizeof(double));
  lat_lds_begin_scale(M, &t->belief);
  t->steady = false;
}

static bool settled(const lat_lds_tracker *t)
{
  size_t count = t->lds.states * t->lds.states;
  double far = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    double d = fabs(t->belief.covariance[i] - t->steady_predicted[i]),
           s = fabs(t->steady_predicted[i]);
    if (d > far) far = d;
    if (s > size) size = s;
  }
  return far <= SETTLED * size;
}

/* mean := A mean */
static void move_mean(lat_lds_tracker *t, const double *A)
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

/* Mean and covariance to the present step, of which y has not come. */
static lat_status move(lat_lds_tracker *t, const double *A, const double *B, const double *Q)
{
  const double *Q_root = t->steady ? NULL : root_of(t, Q);
  if (t->belief.root && !Q_root) return LAT_INVALID;
  if (lat_lds_stretch_lasts(t)) {
    lat_lds_stretch_predict(t, A, Q, Q_root, B, !t->predicted);
    return LAT_OK;
  }
  if (t->steady) {
    move_mean(t, A);
  } else {
    lat_lds_predict(&t->frame, A, Q, Q_root, &t->belief);
    t->steady = t->wants_steady && settled(t);
  }
  if (t->has_input) lat_lds_drive(t->lds.states, B, t->lds.inputs, t->u, t->belief.mean);
  return LAT_OK;
}

lat_status lat_lds_tracker_predict(lat_lds_tracker *t, const double *u, const lat_lds_step *step)
{
  static const lat_lds_step none = {0};
  const lat_lds *m = &t->lds;
  if (!step) step = &none;
  lat_status status = LAT_OK;
  if (t->time++ > 0) {
    const double *A = lds_of_step(t, step->A, m->A), *Q = lds_of_step(t, step->Q, m->Q);
    const double *B = m->inputs ? lds_of_step(t, step->B, m->B) : NULL;
    if (step->A || step->Q) lat_lds_leave_steady(t);
    keep_input(t, u);
    status = !A || !Q || (m->inputs && !B) ? LAT_SHAPE : move(t, A, B, Q);
  } else {
    keep_input(t, u);
  }
  if (status == LAT_OK)
    t->predicted = true;
  else
    t->time--;
  return status;
}

/* ---- updates ---------------------------------------------------------------------------------------- */

lat_status lat_lds_record(lat_lds_tracker *t, const lat_lds_frame *frame, const size_t *index,
                          double log_density)
{
  if (isnan(log_density)) return LAT_SINGULAR;
  size_t p = frame->count;
  t->predicted = false;
  t->log_density = log_density;
  t->log_likelihood += log_density;
  t->count = p;
  memmove(t->index, index, p * sizeof *index);
  t->distance = 0;
  for (size_t i = 0; i < p; i++) t->distance += frame->whitened[i] * frame->whitened[i];
  memcpy(t->factor, frame->factor, p * p * sizeof(double));
  return LAT_OK;
}

static lat_status record_linear(lat_lds_tracker *t, const lat_lds_frame *frame, double log_density)
{
  for (size_t i = 0; i < t->lds.outputs; i++) t->innovation[i] = NAN;
  for (size_t i = 0; i < frame->count; i++) t->innovation[frame->index[i]] = frame->residual[i];
  return lat_lds_record(t, frame, frame->index, log_density);
}

static bool infinite(const lat_lds_tracker *t, const double *y)
{
  for (size_t i = 0; i < t->lds.outputs; i++)
    if (isinf(y[i])) return true;
  return false;
}

/* Goes on to the step when that has not been done, and gives what its observation is made with. */
static lat_status meet(lat_lds_tracker *t, const double *y, const double *u,
                       const lat_lds_step *step, const double **C, const double **R, double *offset,
                       bool *has_offset)
{
  static const lat_lds_step none = {0};
  const lat_lds *m = &t->lds;
  if (!step) step = &none;
  if (infinite(t, y)) return LAT_INVALID;
  if (!t->predicted)
    LAT_TRY(lat_lds_tracker_predict(t, u, step));
  else if (u)
    keep_input(t, u);
  *C = lds_of_step(t, step->C, m->C);
  *R = lds_of_step(t, step->R, m->R);
  const double *D = t->has_input ? lds_of_step(t, step->D, m->D) : NULL;
  if (!*C || !*R || (t->has_input && !D)) return LAT_SHAPE;
  *has_offset = t->has_input;
  if (t->has_input) {
    memset(offset, 0, m->outputs * sizeof(double));
    lat_lds_drive(m->outputs, D, m->inputs, t->u, offset);
  }
  if (step->C || step->R) lat_lds_leave_steady(t);
  return LAT_OK;
}

lat_status lat_lds_tracker_update(lat_lds_tracker *t, const double *y, const double *u,
                                  const lat_lds_step *step)
{
  const double *C, *R;
  double *offset = t->scratch + t->lds.states;
  bool has_offset;
  LAT_TRY(meet(t, y, u, step, &C, &R, offset, &has_offset));
  if (!has_offset) offset = NULL;
  if (lat_lds_stretch_lasts(t)) return lat_lds_stretch_update(t, C, R, y, offset);
  if (t->steady) {
    lat_lds_frame *f = &t->steady_frame;
    lat_lds_select(f, C, R, y, offset, t->belief.mean);
    if (f->count == t->lds.outputs) return record_linear(t, f, lat_lds_settle(f, t->belief.mean));
    lat_lds_leave_steady(t);
  }
  double log_density = lat_lds_update(&t->frame, C, R, y, offset, &t->belief);
  return record_linear(t, &t->frame, log_density);
}

lat_status lat_lds_tracker_expect(const lat_lds_tracker *t, double *mean, double *covariance)
{
  const lat_lds *m = &t->lds;
  size_t M = m->states, p = m->outputs;
  const double *C = lds_of_step(t, NULL, m->C), *R = lds_of_step(t, NULL, m->R);
  const double *D = t->has_input ? lds_of_step(t, NULL, m->D) : NULL;
  const double *P = lat_lds_tracker_covariance(t);
  if (!C || !R || (t->has_input && !D)) return LAT_SHAPE;
  memset(mean, 0, p * sizeof *mean);
  if (D) lat_lds_drive(p, D, m->inputs, t->u, mean);
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

/* ---- to be kept ------------------------------------------------------------------------------------- */

enum { TIME, PREDICTED, STEADY, HAS_INPUT, LOG_LIKELIHOOD, NUMBERS };

size_t lat_lds_tracker_kept(const lat_lds_tracker *t)
{
  size_t M = t->lds.states;
  return NUMBERS + t->lds.inputs + M + M * M + (t->belief.scale ? M : 0) +
         (t->belief.root ? M * M : 0) + lat_lds_stretch_kept(t);
}

void lat_lds_tracker_save(const lat_lds_tracker *t, double *kept)
{
  size_t M = t->lds.states;
  kept[TIME] = (double)t->time;
  kept[PREDICTED] = t->predicted;
  kept[STEADY] = t->steady;
  kept[HAS_INPUT] = t->has_input;
  kept[LOG_LIKELIHOOD] = t->log_likelihood;
  kept += NUMBERS;
  if (t->has_input)
    memcpy(kept, t->u, t->lds.inputs * sizeof *kept);
  else
    memset(kept, 0, t->lds.inputs * sizeof *kept);
  kept += t->lds.inputs;
  memcpy(kept, t->belief.mean, M * sizeof *kept);
  kept += M;
  memcpy(kept, lat_lds_tracker_covariance(t), M * M * sizeof *kept);
  kept += M * M;
  if (t->belief.scale) memcpy(kept, t->belief.scale, M * sizeof *kept);
  if (t->belief.scale) kept += M;
  if (t->belief.root) memcpy(kept, t->belief.root, M * M * sizeof *kept);
  if (t->stretch) lat_lds_stretch_save(t, kept + (t->belief.root ? M * M : 0));
}

/* Whether `kept` can be what a tracker of this model has saved, but for the belief. */
static bool is_kept(const lat_lds_tracker *t, const double *kept, const double *stretch)
{
  for (size_t i = 0; i < NUMBERS; i++)
    if (!isfinite(kept[i])) return false;
  bool whole = kept[TIME] >= 0 && kept[TIME] < 0x1p53 && kept[TIME] == floor(kept[TIME]);
  bool steady = kept[STEADY] == 0 || t->wants_steady;
  return whole && steady && (!t->stretch || lat_lds_stretch_is_kept(t, stretch));
}

lat_status lat_lds_tracker_restore(lat_workspace *work, lat_lds_tracker *t, const double *kept)
{
  size_t M = t->lds.states;
  const double *u = kept + NUMBERS, *mean = u + t->lds.inputs, *covariance = mean + M;
  const double *scale = covariance + M * M, *root = scale + (t->belief.scale ? M : 0);
  const double *stretch = root + (t->belief.root ? M * M : 0);
  bool whole = is_kept(t, kept, stretch);
  for (size_t i = 0; t->belief.scale && i < M; i++) whole &= scale[i] >= 0 && scale[i] <= DBL_MAX;
  if (!whole)
    return lat_fail(work, LAT_INVALID, "these numbers are not what a tracker of this model keeps");
  if (t->stretch && lat_lds_stretch_restore(t, stretch)) { /* variances are infinite */
    memcpy(t->belief.mean, mean, M * sizeof *mean);
    memcpy(t->belief.covariance, covariance, M * M * sizeof *covariance);
  } else {
    LAT_TRY(lat_lds_tracker_set(work, t, 0, mean, covariance));
    if (t->belief.scale) memcpy(t->belief.scale, scale, M * sizeof *scale);
    if (t->belief.root) memcpy(t->belief.root, root, M * M * sizeof *root);
  }
  t->time = (size_t)kept[TIME];
  t->predicted = kept[PREDICTED] != 0;
  t->steady = kept[STEADY] != 0;
  t->has_input = kept[HAS_INPUT] != 0;
  memcpy(t->u, u, t->lds.inputs * sizeof *u);
  t->log_likelihood = kept[LOG_LIKELIHOOD];
  return LAT_OK;
}
