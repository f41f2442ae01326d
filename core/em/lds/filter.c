/* lds/filter.c: Kalman's filter over a sequence (step.c for one step, diffuse.c for a diffuse
 * start). */
#include <math.h>

#include "base/special.h"
#include "em/lds/internal.h"

/* ---- one step -------------------------------------------------------------------------------- */

static bool begin(lat_lds_pass *pass)
{
  const lat_lds *lds = pass->lds;
  size_t M = pass->M;
  lat_lds_belief *b = &pass->belief;
  memcpy(b->mean, lds->initial_mean, M * sizeof *b->mean);
  memcpy(b->covariance, lds->initial_covariance, M * M * sizeof *b->covariance);
  if (pass->diffuse.q) lat_lds_diffuse_begin(pass);
  lat_lds_scale_init(M, b);
  if (!b->root) return true;
  return lat_lds_root(M, b->covariance, b->root) &&
         (lds->Q.stride || lat_lds_root(M, lat_lds_at(lds->Q, 0), pass->Q_root));
}

/* mean += B u_t */
static void add_state_input(lat_lds_pass *pass, size_t t)
{
  if (pass->U)
    lat_lds_add_input(pass->M, lat_lds_at(pass->lds->B, t), pass->U,
                      pass->sequence->U + t * pass->U, pass->belief.mean);
}

/* From p(z_{t-1} | y_1..t-1) to p(z_t | y_1..t-1); false when Q isn't positive semidefinite. */
static bool predict(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  const double *Q = lat_lds_at(lds->Q, t);
  if (pass->belief.root && lds->Q.stride && !lat_lds_root(pass->M, Q, pass->Q_root)) return false;
  lat_lds_predict(&pass->step, lat_lds_at(lds->A, t), Q, pass->Q_root, &pass->belief);
  add_state_input(pass, t);
  return true;
}

static double update(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  return lat_lds_update(&pass->step, lat_lds_at(lds->C, t), lat_lds_at(lds->R, t),
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

/* ---- steps after covariances have converged -------------------------------------------------- */

/* Whether only y, u, B and D vary, so that covariances may converge. */
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

/* The update of the mean with the previous step's gain. */
static double update_mean(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  lat_lds_select_observed(&pass->step, lds->C.data, lds->R.data, pass->sequence->Y + t * pass->D,
                          lat_lds_offset(pass, t), pass->belief.mean);
  return lat_lds_update_mean(&pass->step, pass->belief.mean);
}

/* A step with the previous step's covariances. */
static double step_converged(lat_lds_pass *pass, size_t t)
{
  size_t M = pass->M;
  if (pass->scales && pass->belief.scale)
    memcpy(pass->scales + t * M, pass->scales + (t - 1) * M, M * sizeof(double));
  lat_lds_product(M, M, pass->lds->A.data, pass->belief.mean, LDS_SET,
                  pass->predicted_means + t * M);
  memcpy(pass->belief.mean, pass->predicted_means + t * M, M * sizeof(double));
  add_state_input(pass, t);
  keep_mean(pass, t, pass->predicted_means);
  double log_density = update_mean(pass, t);
  keep_mean(pass, t, pass->means);
  return log_density;
}

/* Whether the predicted covariance may be taken for the previous step's, whose gain the workspace
 * has. */
static bool has_converged(lat_lds_pass *pass, size_t t)
{
  bool like = t > pass->diffuse.steps && pass->step.count == pass->D && is_complete(pass, t);
  return lat_lds_has_converged(pass, like, pass->predicted_covariances, pass->slot[t],
                               pass->belief.covariance,
                               lat_lds_predicted_at(pass, t > 0 ? t - 1 : 0));
}

/* ---- all steps ------------------------------------------------------------------------------- */

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
  if (constant && has_converged(pass, t)) {
    log_density = update_mean(pass, t);
    pass->slot[t] = pass->slot[t - 1];
    memcpy(pass->belief.covariance, lat_lds_filtered_at(pass, t),
           pass->M * pass->M * sizeof(double));
  } else {
    keep_covariance(pass, t, pass->predicted_covariances);
    log_density = update(pass, t);
    keep_covariance(pass, t, pass->covariances);
  }
  keep_mean(pass, t, pass->means);
  return log_density;
}

/* Step t has no density: numbers overflow, or S isn't positive semidefinite. */
static void fail(lat_lds_pass *pass, size_t t)
{
  const lat_lds_belief *b = &pass->belief;
  double sum = 0;
  for (size_t i = 0; i < pass->M; i++) sum += b->mean[i] - b->mean[i];
  for (size_t i = 0; i < pass->M * pass->M; i++) sum += b->covariance[i] - b->covariance[i];
  for (size_t i = 0; i < pass->step.count; i++) {
    double S = pass->step.factor[i * pass->step.count + i], v = pass->step.whitened[i];
    sum += (S - S) + (v * v - v * v);
  }
  pass->failed = t + 1;
  if (sum != 0) pass->overflow = t + 1;
}

void lat_lds_pass_filter(lat_lds_pass *pass)
{
  bool constant = is_constant(pass->lds), converged = false;
  pass->log_likelihood = 0;
  pass->skipped = 0;
  pass->failed = !begin(pass);
  for (size_t t = 0; t < pass->T && !pass->failed; t++) {
    if (lat_lds_stopped(pass, t)) return;
    double log_density;
    converged = converged && is_complete(pass, t);
    if (converged) {
      pass->slot[t] = pass->slot[t - 1];
      log_density = step_converged(pass, t);
    } else {
      log_density = step(pass, t, constant);
      converged = t > 0 && pass->slot[t] == pass->slot[t - 1];
    }
    if (pass->whitened)
      memcpy(pass->whitened + t * pass->D, pass->step.whitened, pass->step.count * sizeof(double));
    pass->skipped += pass->step.count - pass->step.used;
    pass->log_densities[t] = log_density;
    pass->log_likelihood += log_density;
    if (!isfinite(log_density)) fail(pass, t);
  }
}

/* ---- the public filter ----------------------------------------------------------------------- */

/* v := y - C mean - D u */
static void set_innovation(lat_lds_pass *pass, size_t t, double *v)
{
  const double *offset = lat_lds_offset(pass, t), *y = pass->sequence->Y + t * pass->D;
  for (size_t i = 0; i < pass->D; i++) v[i] = y[i] - (offset ? offset[i] : 0);
  lat_lds_product(pass->D, pass->M, lat_lds_at(pass->lds->C, t),
                  pass->predicted_means + t * pass->M, LDS_SUBTRACT, v);
}

/* S := C P C' + R of all entries, observed or not. */
static void set_innovation_covariance(lat_lds_pass *pass, size_t t, double *S)
{
  lat_lds_diffuse *d = &pass->diffuse;
  size_t M = pass->M, D = pass->D;
  bool diffuse = t < d->steps;
  const double *C = lat_lds_at(pass->lds->C, t);
  const double *P = diffuse ? d->ahead_P + t * M * M : lat_lds_predicted_at(pass, t);
  double *CP = pass->step.gain, *Ct = pass->step.work;
  lat_lds_transpose(D, M, C, Ct);
  lat_lds_multiply(D, M, M, C, M, 1, P, LDS_SET, CP);
  memcpy(S, lat_lds_at(pass->lds->R, t), D * D * sizeof *S);
  lat_lds_multiply_symmetric(D, M, CP, M, 1, Ct, LDS_ADD, S);
  if (!diffuse) return;
  lat_lds_multiply(D, d->q, M, C, M, 1, d->ahead_E + t * M * d->q, LDS_SET, d->X);
  lat_lds_diffuse_add_covariance(d, D, d->X, S);
}

/* What `to` wants of step t; S (D x D) has the previous step's covariance, and then this one's. */
static void write_innovations(lat_lds_pass *pass, size_t t, double *S, const lat_lds_filtered *to)
{
  size_t D = pass->D;
  if (to->innovations) set_innovation(pass, t, to->innovations + t * D);
  if (!S) return;
  if (t == 0 || pass->slot[t] != pass->slot[t - 1]) set_innovation_covariance(pass, t, S);
  if (to->innovation_covariances)
    memcpy(to->innovation_covariances + t * D * D, S, D * D * sizeof *S);
  for (size_t i = 0; i < D; i++) {
    double variance = S[i * D + i];
    if (to->innovation_variances) to->innovation_variances[t * D + i] = variance;
    if (to->standardized) to->standardized[t * D + i] = to->innovations[t * D + i] / sqrt(variance);
  }
}

static lat_status write_all_innovations(lat_workspace *work, lat_lds_pass *pass,
                                        const lat_lds_filtered *to)
{
  bool covariances = to->innovation_covariances || to->innovation_variances || to->standardized;
  double *S = covariances ? lat_doubles(work, pass->D * pass->D) : NULL;
  if (covariances && !S) return LAT_MEMORY;
  for (size_t t = 0; t < pass->T; t++) {
    if (lat_lds_stopped(pass, t)) return pass->halt->status;
    write_innovations(pass, t, S, to);
  }
  return LAT_OK;
}

/* Copies covariances from their slots to their steps, none of which is before its slot. */
static lat_status expand_slots(lat_workspace *work, const lat_lds_pass *pass, double *covariances)
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
  double *memory = lat_doubles(work, lat_lds_pass_count(lds, T));
  if (!memory) return LAT_MEMORY;
  lat_lds_pass pass;
  lat_lds_pass_init(&pass, lds, sequence, memory);
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
  LAT_TRY(write_all_innovations(work, &pass, to));
  if (!to->slots) {
    LAT_TRY(expand_slots(work, &pass, to->predicted_covariances));
    LAT_TRY(expand_slots(work, &pass, to->covariances));
  }
  to->log_likelihood = pass.log_likelihood;
  to->skipped = pass.skipped;
  to->diffuse = pass.diffuse.on ? T + 1 : pass.diffuse.steps;
  return LAT_OK;
}

lat_status lat_lds_log_likelihood(lat_workspace *work, const lat_lds *lds,
                                  const lat_lds_sequence *sequences, size_t count, double *sum)
{
  *sum = 0;
  for (size_t i = 0; i < count; i++) {
    lat_lds_filtered to = {0};
    LAT_TRY(lat_lds_filter(work, lds, sequences + i, &to));
    *sum += to.log_likelihood;
  }
  return LAT_OK;
}

/* ---- forecasts ------------------------------------------------------------------------------- */

/* The sequence with h rows of missing entries behind it. Keeps it. */
static lat_status extend(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *s,
                         size_t h, const double *future, lat_lds_sequence *longer)
{
  size_t T = s->steps, D = lds->outputs, U = lds->inputs;
  double *Y = lat_doubles(work, (T + h) * D), *inputs = NULL;
  if (!Y) return LAT_MEMORY;
  memcpy(Y, s->Y, T * D * sizeof *Y);
  for (size_t i = T * D; i < (T + h) * D; i++) Y[i] = NAN;
  if (U > 0) {
    inputs = lat_doubles(work, (T + h) * U);
    if (!inputs) return LAT_MEMORY;
    memcpy(inputs, s->U, T * U * sizeof *inputs);
    memcpy(inputs + T * U, future, h * U * sizeof *inputs);
  }
  *longer = (lat_lds_sequence){.steps = T + h, .Y = Y, .U = inputs};
  return LAT_OK;
}

lat_status lat_lds_check_level(lat_workspace *work, double level)
{
  if (level > 0 && level < 1) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "level must be between 0 and 1, got %.14g", level);
}

void lat_lds_intervals(size_t h, size_t D, const lat_lds_forecasts *to)
{
  double z = to->lower ? lat_normal_upper_quantile((1 - to->level) / 2) : 0;
  for (size_t k = 0; to->lower && k < h; k++)
    for (size_t d = 0; d < D; d++) {
      double mean = to->means[k * D + d], variance = to->covariances[(k * D + d) * D + d];
      to->lower[k * D + d] = mean - z * sqrt(variance);
      to->upper[k * D + d] = mean + z * sqrt(variance);
    }
}

lat_status lat_lds_forecast(lat_workspace *work, const lat_lds *lds,
                            const lat_lds_sequence *sequence, size_t h, const double *future_U,
                            const lat_lds_forecasts *to)
{
  LAT_TRY(lat_lds_check_sequence(work, lds, sequence));
  if (to->lower) LAT_TRY(lat_lds_check_level(work, to->level));
  LAT_SCOPE(work);
  size_t M = lds->states, D = lds->outputs, U = lds->inputs, T = sequence->steps;
  if (U > 0 && !future_U)
    return lat_fail(work, LAT_INVALID, "the model has %zu inputs, and those to come are not given",
                    U);
  lat_lds_sequence longer;
  LAT_TRY(extend(work, lds, sequence, h, future_U, &longer));
  lat_lds_filtered all = {.means = lat_doubles(work, (T + h) * M),
                          .covariances = lat_doubles(work, (T + h) * M * M),
                          .innovation_covariances = lat_doubles(work, (T + h) * D * D)};
  if (!all.means || !all.covariances || !all.innovation_covariances) return LAT_MEMORY;
  LAT_TRY(lat_lds_filter(work, lds, &longer, &all));
  memset(to->means, 0, h * D * sizeof *to->means);
  for (size_t k = 0; k < h; k++) {
    double *mean = to->means + k * D;
    lat_lds_add_input(D, lat_lds_at(lds->C, T + k), M, all.means + (T + k) * M, mean);
    if (U) lat_lds_add_input(D, lat_lds_at(lds->D, T + k), U, longer.U + (T + k) * U, mean);
  }
  memcpy(to->covariances, all.innovation_covariances + T * D * D, h * D * D * sizeof(double));
  lat_lds_intervals(h, D, to);
  memcpy(to->state_means, all.means + T * M, h * M * sizeof(double));
  memcpy(to->state_covariances, all.covariances + T * M * M, h * M * M * sizeof(double));
  return LAT_OK;
}
