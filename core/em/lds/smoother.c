/* smoother.c: back over what the filter has kept.
 *
 * What the rows after t say of z_{t+1} = predicted mean + error is r_t and N_t, so that
 * E[z | Y] = E[z | y_1..t] + Cov(z, z_{t+1}) r_t and Cov(z | Y) = Cov(z) - Cov(z, z_{t+1}) N_t Cov(z_{t+1}, z)
 * for whatever goes with z_{t+1} (de Jong, Journal of the American Statistical Association 84, 1989;
 * Durbin, Koopman, 2nd ed., 4.4-4.7; for the lag de Jong, Mackinnon, Biometrika 75, 1988). With
 * L = A (I - K C), nothing of which is divided by a predicted covariance, that may be singular,
 *
 *   r_{t-1} = C' inv(S) v + L' r_t,   N_{t-1} = C' inv(S) C + L' N_t L
 *
 * Only where the rows to come leave next to nothing of a variance the difference cancels. The steps up to
 * there are those of arrays.c, in which nothing does; and so are all of the square-root form. */
#include "em/lds/internal.h"

/* Of a variance: when less is left, the difference has lost too many digits. */
#define LOSS 1e-7
/* And how much more than what is left a variance may be where the arrays begin. */
#define PLACE 1e2

size_t lat_lds_back_count(size_t M, size_t D)
{
  return 4 * M + 6 * M * M + 3 * D * M;
}

void lat_lds_back_init(lat_lds_back *back, size_t M, size_t D, double *memory)
{
  back->r = memory;
  back->place_r = back->r + M;
  back->again.mean = back->place_r + M;
  back->scale = back->again.mean + M;
  back->N = back->scale + M;
  back->place_N = back->N + M * M;
  back->again.covariance = back->place_N + M * M;
  back->again.root = back->again.scale = NULL;
  back->AP = back->again.covariance + M * M;
  back->L = back->AP + M * M;
  back->C = back->L + M * M;
  back->work = back->C + D * M;
}

/* The filter's update of step t again, without what it makes of the belief if that can be: the gain
 * is in the frame, and inv(L) C in back->C. */
static void update_again(lat_lds_pass *pass, size_t t)
{
  const lat_lds *lds = pass->lds;
  lat_lds_back *back = &pass->back;
  lat_lds_frame *f = &pass->frame;
  size_t M = pass->M;
  const double *C = lat_lds_at(lds->C, t), *R = lat_lds_at(lds->R, t),
               *y = pass->sequence->Y + t * pass->D;
  const double *P = lat_lds_predicted_at(pass, t), *mean = pass->predicted_means + t * M;
  bool exact = true;
  lat_lds_select(f, C, R, y, NULL, mean);
  memcpy(f->factor, f->R, f->count * f->count * sizeof *f->factor);
  if (pass->belief.scale || !f->kernels->update(M, f->count, f->C, f->factor, f->inverse, f->gain,
                                                (double *)P, &exact, f->work)) { /* P is left */
    memcpy(back->again.covariance, P, M * M * sizeof *P);
    memcpy(back->again.mean, mean, M * sizeof *mean);
    back->again.scale = pass->belief.scale ? back->scale : NULL;
    if (back->again.scale) memcpy(back->scale, pass->scales + t * M, M * sizeof(double));
    lat_lds_update(f, C, R, y, NULL, &back->again);
  }
  memcpy(back->C, f->C, f->count * M * sizeof(double));
  lat_lds_solve_lower(f->count, M, f->factor, f->inverse, back->C);
}

/* How large N is by its elements, where the covariance of z that it is about would make it I: what rounding
 * counts in the difference. */
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

/* False when too much cancels in the covariance of step t. */
static bool check(const lat_lds_pass *pass, size_t t, double *covariance)
{
  size_t M = pass->M;
  const double *P = lat_lds_updated_at(pass, t), *predicted = lat_lds_predicted_at(pass, t);
  for (size_t i = 0; i < M; i++) {
    double left = covariance[i * M + i], of = P[i * M + i];
    bool known = !(of > LDS_DEPENDENT * predicted[i * M + i]);
    if (!known && !(left >= LOSS * pass->back.condition * of)) return false;
    for (size_t j = 0; left < 0 && j < M; j++) covariance[i * M + j] = covariance[j * M + i] = 0;
  }
  return true;
}

/* Where the arrays may begin with r and N: all that isn't known has seen most of what it will. */
static bool is_place(const lat_lds_pass *pass, size_t t)
{
  size_t M = pass->M;
  const double *P = lat_lds_updated_at(pass, t), *predicted = lat_lds_predicted_at(pass, t);
  const double *left = pass->smoothed_covariances + t * M * M;
  bool place = pass->back.condition <= PLACE;
  for (size_t i = 0; i < M * M; i += M + 1)
    place &= left[i] * PLACE >= predicted[i] || !(P[i] > LDS_DEPENDENT * predicted[i]);
  return place;
}

/* The covariances of step t, and N of it. */
static bool step_back(lat_lds_pass *pass, size_t t)
{
  lat_lds_back *back = &pass->back;
  const lat_lds_frame *f = &pass->frame;
  size_t M = pass->M;
  double *to = pass->smoothed_covariances + t * M * M, *lag = pass->lag_covariances + t * M * M;
  update_again(pass, t);
  if (t == pass->T - 1) {
    memcpy(to, lat_lds_updated_at(pass, t), M * M * sizeof *to);
    memset(back->AP, 0, M * M * sizeof *back->AP);
    memset(back->L, 0, M * M * sizeof *back->L);
    lat_lds_multiply_symmetric(M, f->count, back->C, 1, M, back->C, LDS_SET, back->N);
  } else {
    f->kernels->back(M, f->count, lat_lds_at(pass->lds->A, t + 1), lat_lds_updated_at(pass, t),
                     lat_lds_predicted_at(pass, t + 1), f->gain, back->C, back->N, back->AP,
                     back->L, to, lag + M * M, back->work);
    if (!check(pass, t, to)) return false;
  }
  back->condition = condition_of(M, back->N, lat_lds_predicted_at(pass, t), back->again.mean);
  return true;
}

/* E[z_t | Y] = E[z_t | y_1..t] + P A' r, and r of this step. */
static void back_mean(lat_lds_pass *pass, size_t t)
{
  const lat_lds_back *back = &pass->back;
  const lat_lds_frame *f = &pass->frame;
  size_t M = pass->M;
  double *mean = pass->smoothed_means + t * M;
  memcpy(mean, pass->means + t * M, M * sizeof *mean);
  f->kernels->back_mean(M, f->count, back->AP, back->L, back->C, pass->whitened + t * pass->D, mean,
                        back->r, back->again.mean);
}

/* Whether all that the step back to t is made of may be taken for what it was for t + 1; `again`: that of
 * t + 1 was, so that nothing but the steps' own covariances can have changed. */
static bool is_again(lat_lds_pass *pass, size_t t, bool again)
{
  const double *all = pass->smoothed_covariances, *next = all + (t + 1) * pass->M * pass->M;
  bool like = t + 2 < pass->T && pass->slot[t] == pass->slot[t + 2];
  if (again && like) return true;
  return lat_lds_is_at_rest(pass, like, all, t + 1, next, next + pass->M * pass->M);
}

/* The arrays could begin at step t. */
static void keep_place(lat_lds_pass *pass, size_t t)
{
  lat_lds_back *back = &pass->back;
  if (!is_place(pass, t)) return;
  back->place = t;
  memcpy(back->place_r, back->r, pass->M * sizeof(double));
  memcpy(back->place_N, back->N, pass->M * pass->M * sizeof(double));
}

/* Down to step `first`. Returns how many steps are left to the arrays. */
static size_t go_back(lat_lds_pass *pass, size_t first)
{
  lat_lds_back *back = &pass->back;
  size_t M = pass->M, T = pass->T, square = M * M;
  back->place = T;
  memset(back->r, 0, M * sizeof(double));
  bool again = false;
  for (size_t t = T; t-- > first;) {
    if (lat_lds_stopped(pass, t)) return 0;
    again = is_again(pass, t, again);
    if (again) {
      memcpy(pass->smoothed_covariances + t * square, pass->smoothed_covariances + (t + 1) * square,
             square * sizeof(double));
      memcpy(pass->lag_covariances + (t + 1) * square, pass->lag_covariances + (t + 2) * square,
             square * sizeof(double));
    } else if (!step_back(pass, t)) {
      return back->place;
    }
    back_mean(pass, t);
    if (!again || t == first) keep_place(pass, t);
  }
  return first > 0 ? back->place : 0;
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
  if (left > 0) lat_lds_smooth_first(pass, left);
  if (!is_finite(M, pass->smoothed_means) && !pass->failed) pass->overflow = 1;
}

lat_status lat_lds_smooth(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *sequence,
                          lat_lds_smoothed *to)
{
  LAT_TRY(lat_lds_check_sequence(work, lds, sequence));
  LAT_SCOPE(work);
  double *memory = lat_doubles(work, lat_lds_pass_count(lds, sequence->steps, true));
  if (!memory) return LAT_MEMORY;
  lat_lds_pass pass;
  lat_lds_pass_init(&pass, lds, sequence, true, memory);
  if (to->means) pass.smoothed_means = to->means;
  if (to->covariances) pass.smoothed_covariances = to->covariances;
  if (to->lag_covariances) pass.lag_covariances = to->lag_covariances;
  lat_halt halt = {work, 0, LAT_OK};
  pass.halt = &halt;
  lat_lds_pass_filter(&pass);
  LAT_TRY(lat_lds_pass_check(work, &pass));
  lat_lds_pass_smooth(&pass);
  LAT_TRY(lat_lds_pass_check(work, &pass));
  to->log_likelihood = pass.log_likelihood;
  return LAT_OK;
}
