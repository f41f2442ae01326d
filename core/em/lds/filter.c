/* filter.c: the filter over a sequence, and the memory of a run over one. */
#include <float.h>

#include "em/lds/internal.h"

/* ---- memory ----------------------------------------------------------------------------------- */

size_t lat_lds_pass_count(const lat_lds *lds, size_t T, bool smooth)
{
  size_t M = lds->states, D = lds->outputs;
  size_t filter = 2 * T * (M + M * M) + 2 * T + 2 * M + 3 * M * M + D;
  size_t smoother = T * (2 * M + 2 * M * M + D) + lat_lds_back_count(M, D) +
                    lat_lds_arrays_count(M, D, lat_lds_count_diffuse(lds));
  return lat_lds_frame_count(M, D) + filter + (smooth ? smoother : 0) +
         lat_lds_diffuse_count(lds, T);
}

/* Takes n doubles of the memory. */
static double *take(double **memory, size_t n)
{
  double *at = *memory;
  *memory += n;
  return at;
}

void lat_lds_pass_init(lat_lds_pass *pass, const lat_lds *lds, const lat_lds_sequence *sequence,
                       bool smooth, double *memory)
{
  size_t M = lds->states, D = lds->outputs, T = sequence->steps;
  *pass =
      (lat_lds_pass){.lds = lds, .sequence = sequence, .M = M, .D = D, .U = lds->inputs, .T = T};
  pass->ask = 1 + 200000 / (M * M * M + D * D * D + 100);
  lat_lds_frame_init(&pass->frame, M, D, take(&memory, lat_lds_frame_count(M, D)));
  pass->predicted_means = take(&memory, T * M);
  pass->predicted_covariances = take(&memory, T * M * M);
  pass->means = take(&memory, T * M);
  pass->covariances = take(&memory, T * M * M);
  pass->log_densities = take(&memory, T);
  pass->slot = (size_t *)take(&memory, T); /* a size_t is no larger than a double */
  pass->belief.mean = take(&memory, M);
  pass->belief.covariance = take(&memory, M * M);
  pass->belief.root = take(&memory, M * M);
  if (!lds->square_root) pass->belief.root = NULL;
  pass->belief.scale = take(&memory, M);
  if (!lat_lds_has_exact(lds, pass->frame.factor)) pass->belief.scale = NULL;
  pass->Q_root = take(&memory, M * M);
  pass->offset = take(&memory, D);
  if (smooth) {
    pass->smoothed_means = take(&memory, T * M);
    pass->smoothed_covariances = take(&memory, T * M * M);
    pass->lag_covariances = take(&memory, T * M * M);
    pass->whitened = take(&memory, T * D);
    pass->scales = take(&memory, T * M);
    lat_lds_back_init(&pass->back, M, D, take(&memory, lat_lds_back_count(M, D)));
    pass->memory = take(&memory, lat_lds_arrays_count(M, D, lat_lds_count_diffuse(lds)));
  }
  lat_lds_diffuse_init(pass, memory);
}

/* ---- one step -------------------------------------------------------------------------------------- */

static bool begin(lat_lds_pass *pass)
{
  const lat_lds *lds = pass->lds;
  size_t M = pass->M;
  lat_lds_belief *b = &pass->belief;
  memcpy(b->mean, lds->initial_mean, M * sizeof *b->mean);
  memcpy(b->covariance, lds->initial_covariance, M * M * sizeof *b->covariance);
  if (pass->diffuse.q) lat_lds_diffuse_begin(pass);
  lat_lds_begin_scale(M, b);
  if (!b->root) return true;
  return lat_lds_root(M, b->covariance, b->root) &&
         (lds->Q.stride || lat_lds_root(M, lat_lds_at(lds->Q, 0), pass->Q_root));
}

static void drive(lat_lds_pass *pass, size_t t)
{
  if (pass->U)
    lat_lds_drive(pass->M, lat_lds_at(pass->lds->B, t), pass->U, pass->sequence->U + t * pass->U,
                  pass->belief.mean);
}

/* To p(z_t | y_1..t-1). */
static bool predict(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  const double *Q = lat_lds_at(lds->Q, t);
  if (pass->belief.root && lds->Q.stride && !lat_lds_root(pass->M, Q, pass->Q_root)) return false;
  lat_lds_predict(&pass->frame, lat_lds_at(lds->A, t), Q, pass->Q_root, &pass->belief);
  drive(pass, t);
  return true;
}

const double *lat_lds_offset(lat_lds_pass *pass, size_t t)
{
  if (!pass->U) return NULL;
  memset(pass->offset, 0, pass->D * sizeof *pass->offset);
  lat_lds_drive(pass->D, lat_lds_at(pass->lds->D, t), pass->U, pass->sequence->U + t * pass->U,
                pass->offset);
  return pass->offset;
}

static double update(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  return lat_lds_update(&pass->frame, lat_lds_at(lds->C, t), lat_lds_at(lds->R, t),
                        pass->sequence->Y + t * pass->D, lat_lds_offset(pass, t), &pass->belief);
}

static void keep_mean(const lat_lds_pass *pass, size_t t, double *means)
{
  memcpy(means + t * pass->M, pass->belief.mean, pass->M * sizeof *means);
}

static void keep_covariance(const lat_lds_pass *pass, size_t t, double *covariances)
{
  size_t square = pass->M * pass->M;
  memcpy(covariances + pass->slot[t] * square, pass->belief.covariance,
         square * sizeof *covariances);
}

/* ---- when covariances have settled -------------------------------------------------------------------- */

/* Whether nothing but y and u varies, so that covariances may settle. */
static bool is_constant(const lat_lds *lds)
{
  return !lds->A.stride && !lds->C.stride && !lds->Q.stride && !lds->R.stride && !lds->square_root;
}

static bool is_complete(const lat_lds_pass *pass, size_t t)
{
  const double *y = pass->sequence->Y + t * pass->D;
  bool complete = true;
  for (size_t i = 0; i < pass->D; i++) complete &= !isnan(y[i]);
  return complete;
}

/* The update with the gain of the step before, whose predicted covariance was the same. */
static double update_mean(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  lat_lds_select(&pass->frame, lds->C.data, lds->R.data, pass->sequence->Y + t * pass->D,
                 lat_lds_offset(pass, t), pass->belief.mean);
  return lat_lds_settle(&pass->frame, pass->belief.mean);
}

/* A step like the one before. */
static double step_again(lat_lds_pass *pass, size_t t)
{
  size_t M = pass->M;
  if (pass->scales && pass->belief.scale)
    memcpy(pass->scales + t * M, pass->scales + (t - 1) * M, M * sizeof(double));
  lat_lds_apply(M, M, pass->lds->A.data, pass->belief.mean, LDS_SET, pass->predicted_means + t * M);
  memcpy(pass->belief.mean, pass->predicted_means + t * M, M * sizeof(double));
  drive(pass, t);
  keep_mean(pass, t, pass->predicted_means);
  double log_density = update_mean(pass, t);
  keep_mean(pass, t, pass->means);
  return log_density;
}

/* The largest difference of P and Q, by the deviations of P, squared. */
LAT_CLONES static double difference(size_t M, const double *P, const double *Q)
{
  double most = 0;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double d = P[i * M + j] - Q[i * M + j], part = (d / P[i * M + i]) * (d / P[j * M + j]);
      most = d != 0 && !(part <= most) ? part : most; /* a NaN is none of the smaller ones */
    }
  return most;
}

bool lat_lds_is_at_rest(lat_lds_pass *pass, bool like, const double *all, size_t slot,
                        const double *now, const double *before)
{
  const double unit = 0.5 * DBL_EPSILON, most = 1e-13;
  const size_t stretch = 32, M = pass->M;
  double change = like ? difference(M, now, before) : INFINITY;
  if (change == 0) return true;
  double moved = like ? difference(M, now, all + pass->anchor * M * M) : INFINITY;
  if (!(sqrt(moved) <= fmin(fmax(8 * sqrt(change), (double)stretch * unit), most)))
    pass->anchor = slot;
  return (slot > pass->anchor ? slot - pass->anchor : pass->anchor - slot) >= stretch;
}

/* Whether the covariance that is predicted now may be taken for that of the step before, whose gain
 * is at hand. */
static bool has_settled(lat_lds_pass *pass, size_t t)
{
  bool like = t > pass->diffuse.steps && pass->frame.count == pass->D && is_complete(pass, t);
  return lat_lds_is_at_rest(pass, like, pass->predicted_covariances, pass->slot[t],
                            pass->belief.covariance, lat_lds_predicted_at(pass, t > 0 ? t - 1 : 0));
}

/* ---- all steps ------------------------------------------------------------------------------------------ */

static double step(lat_lds_pass *pass, size_t t, bool constant)
{
  pass->slot[t] = t > 0 ? pass->slot[t - 1] + 1 : 0;
  if (t > 0 && !predict(pass, t)) return NAN;
  if (pass->scales && pass->belief.scale)
    memcpy(pass->scales + t * pass->M, pass->belief.scale, pass->M * sizeof(double));
  if (pass->diffuse.on) {
    lat_lds_diffuse_predict(pass, t);
    double log_density = update(pass, t);
    lat_lds_diffuse_update(pass, t, &log_density);
    return log_density;
  }
  keep_mean(pass, t, pass->predicted_means);
  double log_density;
  if (constant && has_settled(pass, t)) {
    log_density = update_mean(pass, t);
    pass->slot[t] = pass->slot[t - 1];
    memcpy(pass->belief.covariance, lat_lds_updated_at(pass, t),
           pass->M * pass->M * sizeof(double));
  } else {
    keep_covariance(pass, t, pass->predicted_covariances);
    log_density = update(pass, t);
    keep_covariance(pass, t, pass->covariances);
  }
  keep_mean(pass, t, pass->means);
  return log_density;
}

/* Step t has no density, because numbers overflow or because its covariance isn't one. */
static void fail(lat_lds_pass *pass, size_t t)
{
  const lat_lds_belief *b = &pass->belief;
  double sum = 0;
  for (size_t i = 0; i < pass->M; i++) sum += b->mean[i] - b->mean[i];
  for (size_t i = 0; i < pass->M * pass->M; i++) sum += b->covariance[i] - b->covariance[i];
  for (size_t i = 0; i < pass->frame.count; i++) {
    double S = pass->frame.factor[i * pass->frame.count + i], v = pass->frame.whitened[i];
    sum += (S - S) + (v * v - v * v);
  }
  pass->failed = t + 1;
  if (sum != 0) pass->overflow = t + 1;
}

void lat_lds_pass_filter(lat_lds_pass *pass)
{
  bool constant = is_constant(pass->lds), settled = false;
  pass->log_likelihood = 0;
  pass->skipped = 0;
  pass->failed = !begin(pass);
  for (size_t t = 0; t < pass->T && !pass->failed; t++) {
    if (lat_lds_stopped(pass, t)) return;
    double log_density;
    settled = settled && is_complete(pass, t);
    if (settled) {
      pass->slot[t] = pass->slot[t - 1];
      log_density = step_again(pass, t);
    } else {
      log_density = step(pass, t, constant);
      settled = t > 0 && pass->slot[t] == pass->slot[t - 1];
    }
    if (pass->whitened)
      memcpy(pass->whitened + t * pass->D, pass->frame.whitened,
             pass->frame.count * sizeof(double));
    pass->skipped += pass->frame.count - pass->frame.used;
    pass->log_densities[t] = log_density;
    pass->log_likelihood += log_density;
    if (!isfinite(log_density)) fail(pass, t);
  }
}

/* ---- the filter for others ------------------------------------------------------------------------------ */

lat_status lat_lds_pass_check(lat_workspace *work, const lat_lds_pass *pass)
{
  if (pass->halt) LAT_TRY(pass->halt->status);
  if (pass->overflow)
    return lat_fail(work, LAT_DIVERGED, "step %zu: numbers overflow", pass->overflow);
  if (pass->failed)
    return lat_fail(work, LAT_SINGULAR,
                    "step %zu: the covariance C P C' + R of the observation is not positive "
                    "semidefinite%s",
                    pass->failed,
                    pass->lds->square_root ? "" : " (form = \"square_root\" has twice the digits)");
  return LAT_OK;
}

/* y - C mean - D u and C P C' + R, of all entries. */
static void innovate(lat_lds_pass *pass, size_t t, lat_lds_filtered *to)
{
  const lat_lds *lds = pass->lds;
  size_t M = pass->M, D = pass->D, q = pass->diffuse.q;
  const double *C = lat_lds_at(lds->C, t), *offset = lat_lds_offset(pass, t);
  const double *y = pass->sequence->Y + t * D;
  bool diffuse = t < pass->diffuse.steps;
  if (to->innovations) {
    double *v = to->innovations + t * D;
    for (size_t i = 0; i < D; i++) v[i] = y[i] - (offset ? offset[i] : 0);
    lat_lds_apply(D, M, C, pass->predicted_means + t * M, LDS_SUBTRACT, v);
  }
  if (to->innovation_covariances) {
    const double *P = diffuse ? pass->diffuse.ahead_P + t * M * M : lat_lds_predicted_at(pass, t);
    double *S = to->innovation_covariances + t * D * D, *CP = pass->frame.gain,
           *Ct = pass->frame.work;
    if (t > 0 && pass->slot[t] == pass->slot[t - 1]) {
      memcpy(S, S - D * D, D * D * sizeof *S);
      return;
    }
    lat_lds_transpose(D, M, C, Ct);
    lat_lds_multiply(D, M, M, C, M, 1, P, LDS_SET, CP);
    memcpy(S, lat_lds_at(lds->R, t), D * D * sizeof *S);
    lat_lds_multiply_symmetric(D, M, CP, M, 1, Ct, LDS_ADD, S);
    if (!diffuse) return;
    lat_lds_multiply(D, q, M, C, M, 1, pass->diffuse.ahead_E + t * M * q, LDS_SET, pass->diffuse.X);
    lat_lds_diffuse_widen(&pass->diffuse, D, pass->diffuse.X, S);
  }
}

/* Covariances go from their slots to their steps, none of which is before its slot. */
static lat_status spread(lat_workspace *work, const lat_lds_pass *pass, double *covariances)
{
  size_t square = pass->M * pass->M;
  for (size_t t = pass->T; covariances && t-- > 0;) {
    if (t % pass->ask == 0) LAT_TRY(lat_check(work));
    if (pass->slot[t] < t)
      memcpy(covariances + t * square, covariances + pass->slot[t] * square,
             square * sizeof *covariances);
  }
  return LAT_OK;
}

lat_status lat_lds_filter(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *sequence,
                          lat_lds_filtered *to)
{
  LAT_TRY(lat_lds_check_sequence(work, lds, sequence));
  LAT_SCOPE(work);
  size_t T = sequence->steps;
  double *memory = lat_doubles(work, lat_lds_pass_count(lds, T, false));
  if (!memory) return LAT_MEMORY;
  lat_lds_pass pass;
  lat_lds_pass_init(&pass, lds, sequence, false, memory);
  if (to->predicted_means) pass.predicted_means = to->predicted_means;
  if (to->predicted_covariances) pass.predicted_covariances = to->predicted_covariances;
  if (to->means) pass.means = to->means;
  if (to->covariances) pass.covariances = to->covariances;
  if (to->log_densities) pass.log_densities = to->log_densities;
  if (to->slots) pass.slot = to->slots;
  lat_halt halt = {work, 0, LAT_OK};
  pass.halt = &halt;
  lat_lds_pass_filter(&pass);
  LAT_TRY(lat_lds_pass_check(work, &pass));
  for (size_t t = 0; t < T; t++) {
    if (lat_lds_stopped(&pass, t)) return halt.status;
    innovate(&pass, t, to);
  }
  if (!to->slots) {
    LAT_TRY(spread(work, &pass, to->predicted_covariances));
    LAT_TRY(spread(work, &pass, to->covariances));
  }
  to->log_likelihood = pass.log_likelihood;
  to->skipped = pass.skipped;
  to->diffuse = pass.diffuse.on ? T + 1 : pass.diffuse.steps;
  return LAT_OK;
}
