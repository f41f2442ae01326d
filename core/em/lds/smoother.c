/* lds/smoother.c: the backward recursion over what the filter has kept.
 *
 * The observations after step t enter by a vector r_t (M) and a matrix N_t (M x M):
 *
 *   E[z | Y] = E[z | y_1..t] + Cov(z, z_{t+1}) r_t
 *   Cov(z | Y) = Cov(z) - Cov(z, z_{t+1}) N_t Cov(z_{t+1}, z)
 *
 * for any z that is Gaussian jointly with z_{t+1}, where all covariances on the right are given
 * y_1..t. With L = A (I - K C), and without any division by a predicted covariance, which may be
 * singular,
 *
 *   r_{t-1} = C' inv(S) v + L' r_t,   N_{t-1} = C' inv(S) C + L' N_t L
 *
 * (de Jong, Journal of the American Statistical Association 84, 1989; Durbin, Koopman, 2nd ed.,
 * 4.4-4.7; for the lag de Jong, Mackinnon, Biometrika 75, 1988.)
 *
 * The difference cancels where the later observations leave next to nothing of a variance. The
 * steps up to there are done by smoother_arrays.c, in which nothing cancels; in the square-root
 * form all are. */
#include "em/lds/internal.h"

static size_t count_back(size_t M, size_t D)
{
  return 4 * M + 6 * M * M + 3 * D * M;
}

static void init_back(lat_lds_back *back, size_t M, size_t D, double *memory)
{
  back->r = memory;
  back->safe_r = back->r + M;
  back->updated.mean = back->safe_r + M;
  back->scale = back->updated.mean + M;
  back->N = back->scale + M;
  back->safe_N = back->N + M * M;
  back->updated.covariance = back->safe_N + M * M;
  back->updated.root = back->updated.scale = NULL;
  back->AP = back->updated.covariance + M * M;
  back->L = back->AP + M * M;
  back->C = back->L + M * M;
  back->work = back->C + D * M;
}

size_t lat_lds_smoother_count(const lat_lds *lds, size_t T)
{
  size_t M = lds->states, D = lds->outputs;
  return lat_lds_pass_count(lds, T) + T * (2 * M + 2 * M * M + D) + count_back(M, D) +
         lat_lds_arrays_count(M, D, lat_lds_count_diffuse(lds));
}

void lat_lds_smoother_init(lat_lds_pass *pass, const lat_lds *lds, const lat_lds_sequence *sequence,
                           double *memory)
{
  size_t M = lds->states, D = lds->outputs, T = sequence->steps;
  lat_lds_pass_init(pass, lds, sequence, lat_lds_take(&memory, lat_lds_pass_count(lds, T)));
  pass->smoothed_means = lat_lds_take(&memory, T * M);
  pass->smoothed_covariances = lat_lds_take(&memory, T * M * M);
  pass->lag_covariances = lat_lds_take(&memory, T * M * M);
  pass->whitened = lat_lds_take(&memory, T * D);
  pass->scales = lat_lds_take(&memory, T * M);
  init_back(&pass->back, M, D, lat_lds_take(&memory, count_back(M, D)));
  pass->arrays = memory;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* Repeats the filter's update of step t, if possible without the belief's part: the gain is then in
 * the workspace, and inv(L) C in back->C. */
static void update_again(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  lat_lds_back *back = &pass->back;
  lat_lds_workspace *w = &pass->step;
  size_t M = pass->M;
  const double *C = lat_lds_at(lds->C, t), *R = lat_lds_at(lds->R, t),
               *y = pass->sequence->Y + t * pass->D;
  const double *P = lat_lds_predicted_at(pass, t), *mean = pass->predicted_means + t * M;
  bool exact = true;
  lat_lds_select_observed(w, C, R, y, NULL, mean);
  memcpy(w->factor, w->R, w->count * w->count * sizeof *w->factor);
  if (pass->belief.scale || !w->kernels->update(M, w->count, w->C, w->factor, w->inverse, w->gain,
                                                (double *)P, &exact, w->work)) { /* P is left */
    memcpy(back->updated.covariance, P, M * M * sizeof *P);
    memcpy(back->updated.mean, mean, M * sizeof *mean);
    back->updated.scale = pass->belief.scale ? back->scale : NULL;
    if (back->updated.scale) memcpy(back->scale, pass->scales + t * M, M * sizeof(double));
    lat_lds_update(w, C, R, y, NULL, &back->updated);
  }
  memcpy(back->C, w->C, w->count * M * sizeof(double));
  lat_lds_solve_lower(w->count, M, w->factor, w->inverse, back->C);
}

/* The sum of N's elements' moduli with z scaled to unit predicted variances, at least 1: by how
 * much more rounding counts in the difference. */
LAT_CLONES static double condition_of(size_t M, const double *N, const double *predicted,
                                      double *deviation)
{
  double sum = 0;
  for (size_t j = 0; j < M; j++) deviation[j] = sqrt(fabs(predicted[j * M + j]));
  for (size_t i = 0; i < M; i++) {
    double row = 0;
    for (size_t j = 0; j < M; j++) row += fabs(N[i * M + j]) * deviation[j];
    sum += row * deviation[i];
  }
  return fmax(1, sum);
}

/* False when too much cancels in the covariance of step t. Clears rows of small negative
 * variances. */
static bool check_cancellation(const lat_lds_pass *pass, size_t t, double *covariance)
{
  size_t M = pass->M;
  const double *P = lat_lds_filtered_at(pass, t), *predicted = lat_lds_predicted_at(pass, t);
  for (size_t i = 0; i < M; i++) {
    double left = covariance[i * M + i], of = P[i * M + i];
    bool known = !(of > LDS_VARIANCE_ROUNDING * predicted[i * M + i]);
    if (!known && !(left >= LDS_SMOOTHER_LOSS * pass->back.condition * of)) return false;
    for (size_t j = 0; left < 0 && j < M; j++) covariance[i * M + j] = covariance[j * M + i] = 0;
  }
  return true;
}

/* Whether the arrays may begin with r and N of this step: the later observations have reduced no
 * variance by much. */
static bool is_safe(const lat_lds_pass *pass, size_t t)
{
  size_t M = pass->M;
  const double *P = lat_lds_filtered_at(pass, t), *predicted = lat_lds_predicted_at(pass, t);
  const double *left = pass->smoothed_covariances + t * M * M;
  bool safe = pass->back.condition <= LDS_SMOOTHER_SAFE;
  for (size_t i = 0; i < M * M; i += M + 1)
    safe &= left[i] * LDS_SMOOTHER_SAFE >= predicted[i] ||
            !(P[i] > LDS_VARIANCE_ROUNDING * predicted[i]);
  return safe;
}

/* The smoothed covariances of step t, and its N. */
static bool step_back(lat_lds_pass *pass, size_t t)
{
  lat_lds_back *back = &pass->back;
  const lat_lds_workspace *w = &pass->step;
  size_t M = pass->M;
  double *to = pass->smoothed_covariances + t * M * M, *lag = pass->lag_covariances + t * M * M;
  update_again(pass, t);
  if (t == pass->T - 1) {
    memcpy(to, lat_lds_filtered_at(pass, t), M * M * sizeof *to);
    memset(back->AP, 0, M * M * sizeof *back->AP);
    memset(back->L, 0, M * M * sizeof *back->L);
    lat_lds_multiply_symmetric(M, w->count, back->C, 1, M, back->C, LDS_SET, back->N);
  } else {
    w->kernels->back(M, w->count, lat_lds_at(pass->lds->A, t + 1), lat_lds_filtered_at(pass, t),
                     lat_lds_predicted_at(pass, t + 1), w->gain, back->C, back->N, back->AP,
                     back->L, to, lag + M * M, back->work);
    if (!check_cancellation(pass, t, to)) return false;
  }
  back->condition = condition_of(M, back->N, lat_lds_predicted_at(pass, t), back->updated.mean);
  return true;
}

/* E[z_t | Y] = E[z_t | y_1..t] + P A' r, and r of this step. */
static void back_mean(lat_lds_pass *pass, size_t t)
{
  const lat_lds_back *back = &pass->back;
  const lat_lds_workspace *w = &pass->step;
  size_t M = pass->M;
  double *mean = pass->smoothed_means + t * M;
  memcpy(mean, pass->means + t * M, M * sizeof *mean);
  w->kernels->back_mean(M, w->count, back->AP, back->L, back->C, pass->whitened + t * pass->D, mean,
                        back->r, back->updated.mean);
}

/* Whether the covariances of the step back to t may be taken for those of the step to t + 1;
 * `again`: those of t + 1 were taken for those of t + 2, so only the steps' own covariances can
 * have changed. */
static bool has_converged(lat_lds_pass *pass, size_t t, bool again)
{
  const double *all = pass->smoothed_covariances, *next = all + (t + 1) * pass->M * pass->M;
  bool like = t + 2 < pass->T && pass->slot[t] == pass->slot[t + 2];
  if (again && like) return true;
  return lat_lds_has_converged(pass, like, all, t + 1, next, next + pass->M * pass->M);
}

/* Remembers r and N of step t if the arrays could begin there. */
static void keep_safe(lat_lds_pass *pass, size_t t)
{
  lat_lds_back *back = &pass->back;
  if (!is_safe(pass, t)) return;
  back->safe = t;
  memcpy(back->safe_r, back->r, pass->M * sizeof(double));
  memcpy(back->safe_N, back->N, pass->M * pass->M * sizeof(double));
}

/* Goes back to step `first`. Returns how many of the first steps are left to the arrays. */
static size_t go_back(lat_lds_pass *pass, size_t first)
{
  lat_lds_back *back = &pass->back;
  size_t M = pass->M, T = pass->T, square = M * M;
  back->safe = T;
  memset(back->r, 0, M * sizeof(double));
  bool again = false;
  for (size_t t = T; t-- > first;) {
    if (lat_lds_stopped(pass, t)) return 0;
    again = has_converged(pass, t, again);
    if (again) {
      memcpy(pass->smoothed_covariances + t * square, pass->smoothed_covariances + (t + 1) * square,
             square * sizeof(double));
      memcpy(pass->lag_covariances + (t + 1) * square, pass->lag_covariances + (t + 2) * square,
             square * sizeof(double));
    } else if (!step_back(pass, t)) {
      return back->safe;
    }
    back_mean(pass, t);
    if (!again || t == first) keep_safe(pass, t);
  }
  return first > 0 ? back->safe : 0;
}

static bool is_finite(size_t n, const double *x)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += x[i] - x[i];
  return sum == 0;
}

void lat_lds_pass_smooth(lat_lds_pass *pass)
{
  size_t M = pass->M, T = pass->T;
  const lat_lds_diffuse *d = &pass->diffuse;
  memset(pass->lag_covariances, 0, M * M * sizeof(double));
  size_t left = pass->lds->square_root || d->on ? T : go_back(pass, d->steps);
  if (left > 0) lat_lds_smooth_by_arrays(pass, left);
  if (!is_finite(M, pass->smoothed_means) && !pass->failed) pass->overflow = 1;
}

lat_status lat_lds_smoother_run(lat_workspace *work, lat_lds_pass *pass)
{
  lat_lds_pass_filter(pass);
  LAT_TRY(lat_lds_pass_check(work, pass));
  lat_lds_pass_smooth(pass);
  return lat_lds_pass_check(work, pass);
}

lat_status lat_lds_smooth(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *sequence,
                          lat_lds_smoothed *to)
{
  LAT_TRY(lat_lds_check_sequence(work, lds, sequence));
  LAT_SCOPE(work);
  double *memory = lat_doubles(work, lat_lds_smoother_count(lds, sequence->steps));
  if (!memory) return LAT_MEMORY;
  lat_lds_pass pass;
  lat_halt halt = {work, 0, LAT_OK};
  lat_lds_smoother_init(&pass, lds, sequence, memory);
  pass.halt = &halt;
  if (to->means) pass.smoothed_means = to->means;
  if (to->covariances) pass.smoothed_covariances = to->covariances;
  if (to->lag_covariances) pass.lag_covariances = to->lag_covariances;
  LAT_TRY(lat_lds_smoother_run(work, &pass));
  to->log_likelihood = pass.log_likelihood;
  return LAT_OK;
}
