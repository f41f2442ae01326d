/* lds_smoother.c: back over what the filter has kept. */
#include "em/lds_parts.h"

/* In the square-root form a covariance is the square of the triangle of [(I - J A) P^(1/2), J Q^(1/2),
 * J next^(1/2)]; J itself is good to the digits that the usual form gives it, and errors of it count
 * only squared. */
static bool back_root(lat_lds_pass *pass, const double *A, const double *Q, const double *P,
                      const double *next, double *to)
{
  size_t M = pass->M, m = 3 * M;
  double *memory = pass->frame.work, *N = memory, *root = N + M * M, *X = pass->root_work;
  double *product = root + M * M, *triangle = product + M * M;
  const double *parts[] = {P, Q, next};
  memset(N, 0, M * M * sizeof *N);
  for (size_t i = 0; i < M; i++) N[i * M + i] = 1;
  lat_lds_multiply(M, M, M, pass->Jt, 1, M, A, LDS_SUBTRACT, N);
  for (size_t k = 0; k < 3; k++) {
    if (!lat_lds_root(M, parts[k], root)) return false;
    lat_lds_multiply(M, M, M, k ? pass->Jt : N, k ? 1 : M, k ? M : 1, root, LDS_SET, product);
    for (size_t i = 0; i < M; i++) memcpy(X + i * m + k * M, product + i * M, M * sizeof *X);
  }
  lat_lds_triangle(M, m, X, triangle, X + M * m);
  lat_lds_transpose(M, M, triangle, root);
  lat_lds_multiply_symmetric(M, M, triangle, M, 1, root, LDS_SET, to);
  return true;
}

void lat_lds_pass_back(lat_lds_pass *pass, size_t t, const double *P, const double *predicted)
{
  const lat_lds *lds = pass->lds;
  size_t M = pass->M;
  const double *A = lat_lds_at(lds->A, t + 1), *Q = lat_lds_at(lds->Q, t + 1);
  double *to = pass->smoothed_covariances + t * M * M, *next = to + M * M;
  double *lag = pass->lag_covariances + (t + 1) * M * M;
  pass->frame.kernels->back(M, A, Q, P, predicted, next, pass->Jt, to, lag, pass->work);
  if (lds->square_root && !back_root(pass, A, Q, P, next, to)) pass->failed = t + 1;
}

/* mean_t + J (mean_{t+1|T} - mean_{t+1|t}) */
static void back_mean(lat_lds_pass *pass, size_t t)
{
  size_t M = pass->M;
  double *mean = pass->smoothed_means + t * M;
  const double *next = mean + M, *predicted = pass->predicted_means + (t + 1) * M;
  memcpy(mean, pass->means + t * M, M * sizeof *mean);
  for (size_t l = 0; l < M; l++) {
    double move = next[l] - predicted[l];
    for (size_t i = 0; i < M; i++) mean[i] += pass->Jt[l * M + i] * move;
  }
}

/* Whether all that the step back to t is made of may be taken for what it was for t + 1. */
static bool is_again(lat_lds_pass *pass, size_t t)
{
  const double *all = pass->smoothed_covariances, *next = all + (t + 1) * pass->M * pass->M;
  bool like = t + 2 < pass->T && pass->slot[t] == pass->slot[t + 2];
  return lat_lds_is_at_rest(pass, like, all, t + 1, next, next + pass->M * pass->M);
}

void lat_lds_pass_smooth(lat_lds_pass *pass)
{
  size_t M = pass->M, T = pass->T, square = M * M, stretch = pass->diffuse.steps;
  memset(pass->lag_covariances, 0, square * sizeof(double));
  memcpy(pass->smoothed_means + (T - 1) * M, pass->means + (T - 1) * M, M * sizeof(double));
  memcpy(pass->smoothed_covariances + (T - 1) * square, lat_lds_updated_at(pass, T - 1),
         square * sizeof(double));
  for (size_t t = T - 1; t-- > (stretch ? stretch - 1 : 0);) {
    if (is_again(pass, t)) {
      memcpy(pass->smoothed_covariances + t * square, pass->smoothed_covariances + (t + 1) * square,
             square * sizeof(double));
      memcpy(pass->lag_covariances + (t + 1) * square, pass->lag_covariances + (t + 2) * square,
             square * sizeof(double));
    } else {
      lat_lds_pass_back(pass, t, lat_lds_updated_at(pass, t), lat_lds_predicted_at(pass, t + 1));
    }
    back_mean(pass, t);
  }
  if (stretch) lat_lds_diffuse_smooth(pass);
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
  lat_lds_pass_filter(&pass);
  LAT_TRY(lat_lds_pass_check(work, &pass));
  lat_lds_pass_smooth(&pass);
  LAT_TRY(lat_lds_pass_check(work, &pass));
  to->log_likelihood = pass.log_likelihood;
  return LAT_OK;
}
