/* fa_ml.c: factor analysis by the likelihood's profile over Psi: projected Newton steps in theta =
 * log psi with the derivatives of fa.h, on the correlations of the columns.
 *
 * Storage: a `problem` of D x D matrices in the workspace, which is released. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "base/special.h"
#include "eigen/eigen.h"
#include "em/factor/context.h"
#include "matrix/linear/lapack.h"
#include "matrix/product.h"
#include "matrix/spread.h"

/* Of the largest eigenvalue of R: what is below is rounding. */
#define NO_VARIANCE 1e-13
/* Of f and D: changes of f that are less cannot be trusted. */
#define ROUNDING         1e-13
#define NOT_A_COVARIANCE 1e-8
/* Of the Hessian's largest eigenvalue and 1: a direction whose curvature is below minus this is no
 * rounding. */
#define CURVED 1e-7
/* Of the projected gradient's largest entry, where the steps end. */
#define FLAT 1e-9

/* One Psi, and what is known of it. */
typedef struct point {
  double *theta;
  lat_matrix A, e, V; /* Psi^(-1/2) R Psi^(-1/2), its eigenvalues and vectors */
  double f;
  size_t factors; /* of the M eigenvalues those above 1, the others' columns of W being 0 */
} point;

typedef struct problem {
  lat_workspace *work;
  size_t D, M;
  lat_matrix R;
  bool singular; /* log|R| is -infinity, and left out of f */
  double *least; /* theta's lower bounds; the upper one is 0 */
  point at, next;
  double *gradient, *step, *scale;
  double *H, *G; /* the second derivatives, and what they are where the model fits */
  size_t *open;  /* the variables that aren't held by a bound */
} problem;

/* ---- f and its derivatives ------------------------------------------------------------------- */

static lat_status evaluate(problem *p, point *to)
{
  size_t D = p->D;
  double *A = to->A.data, *scale = p->scale;
  const double *R = p->R.data;
  LAT_TRY(lat_check(p->work));
  for (size_t i = 0; i < D; i++) scale[i] = exp(-0.5 * to->theta[i]);
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < D; j++) A[i * D + j] = R[i * D + j] * (scale[i] * scale[j]);
  LAT_TRY(lat_symmetric(p->work, &to->A, LAT_EIGEN_FULL, to->e, &to->V));
  const double *e = to->e.data;
  for (to->factors = 0; to->factors < p->M && e[to->factors] > 1;) to->factors++;
  double f = 0;
  for (size_t m = to->factors; m < D && !p->singular; m++) f += e[m] - log(e[m]) - 1;
  for (size_t j = 0; j < D && p->singular; j++)
    f += to->theta[j] + lat_get(&to->A, j, j) - 1 - (j < to->factors ? e[j] - log(e[j]) - 1 : 0);
  to->f = f;
  return LAT_OK;
}

static void differentiate(problem *p)
{
  const double *e = p->at.e.data, *v = p->at.V.data;
  for (size_t j = 0; j < p->D; j++, v += p->D) {
    double sum = 0;
    for (size_t m = p->at.factors; m < p->D; m++) sum += (1 - e[m]) * v[m] * v[m];
    p->gradient[j] = sum;
  }
}

/* H := the second derivatives. Both sums over m > M of the first term are what those over m <= M
 * leave of I and of A. G, in which all e_m of m > M are 1, is positive semidefinite (Schur). */
static lat_status differentiate_twice(problem *p)
{
  size_t D = p->D, F = p->at.factors;
  const double *e = p->at.e.data, *v = p->at.V.data;
  LAT_SCOPE(p->work);
  lat_matrix H = lat_matrix_of(p->H, D, D), B = lat_matrix_new(p->work, D, D);
  lat_matrix U = lat_matrix_new(p->work, D, D);
  if (!B.data || !U.data) return LAT_MEMORY;
  double *h = p->H, *b = B.data, *u = U.data;
  lat_matrix V1 = lat_block_of(p->at.V, 0, 0, D, F), V2 = lat_block_of(p->at.V, 0, F, D, D - F);
  lat_matrix V1t = lat_transpose(V1), V2t = lat_transpose(V2);
  lat_matrix U1 = lat_block_of(U, 0, 0, D, F), U2 = lat_block_of(U, 0, F, D, D - F);
  memset(h, 0, D * D * sizeof *h);
  memcpy(b, p->at.A.data, D * D * sizeof *b);
  for (size_t j = 0; j < D; j++)
    for (size_t n = 0; n < F; n++) u[j * D + n] = e[n] * v[j * D + n];
  if (F > 0) LAT_TRY(lat_product(p->work, -1, &V1, &V1t, 0, &H));
  if (F > 0) LAT_TRY(lat_product(p->work, -1, &U1, &V1t, 1, &B));
  for (size_t j = 0; j < D; j++) h[j * D + j] += 1;
  for (size_t i = 0; i < D * D; i++) {
    p->G[i] = h[i] * h[i];
    h[i] *= b[i];
  }
  for (size_t n = 0; n < F; n++) {
    double *weight = p->scale;
    for (size_t m = F; m < D; m++)
      weight[m] = (1 - e[m]) * (e[n] + e[m]) / fmax(e[n] - e[m], 1e-6 * e[n]);
    for (size_t j = 0; j < D; j++)
      for (size_t m = F; m < D; m++) u[j * D + m] = weight[m] * v[j * D + m];
    LAT_TRY(lat_product(p->work, 1, &U2, &V2t, 0, &B));
    for (size_t i = 0; i < D; i++)
      for (size_t j = 0; j < D; j++) h[i * D + j] += v[i * D + n] * v[j * D + n] * b[i * D + j];
  }
  return LAT_OK;
}

/* ---- one step -------------------------------------------------------------------------------- */

static double clip(const problem *p, size_t j, double theta)
{
  return fmin(fmax(theta, p->least[j]), 0);
}

/* How far a step against the gradient gets before the bounds stop it. */
static double largest_gradient(const problem *p)
{
  double largest = 0;
  for (size_t j = 0; j < p->D; j++) {
    double theta = p->at.theta[j];
    largest = fmax(largest, fabs(theta - clip(p, j, theta - p->gradient[j])));
  }
  return largest;
}

/* The variables that no bound holds, into p->open; their number. */
static size_t find_open(problem *p)
{
  size_t n = 0;
  for (size_t j = 0; j < p->D; j++) {
    double theta = p->at.theta[j], g = p->gradient[j];
    bool held = (theta <= p->least[j] && g >= 0) || (theta >= 0 && g <= 0);
    if (!held) p->open[n++] = j;
  }
  return n;
}

/* step := - inv(H) gradient for the variables that no bound holds or, where H isn't positive
 * definite,
 * - inv(G + ridge) gradient; and at most 1.5 in each: a factor of 4.5 of psi. */
static lat_status newton_step(problem *p)
{
  size_t D = p->D, n = find_open(p);
  double trace = 0, largest = 0;
  LAT_SCOPE(p->work);
  double *L = lat_doubles(p->work, D * D), *x = lat_doubles(p->work, D);
  if (!L || !x) return LAT_MEMORY;
  memset(p->step, 0, D * sizeof *p->step);
  for (size_t a = 0; a < n; a++) trace += p->G[p->open[a] * (D + 1)];
  const double *from = p->H;
  int info = n > 0;
  for (double ridge = 0; info != 0; ridge = 1e-6 * trace / (double)n + 100 * ridge, from = p->G) {
    for (size_t a = 0; a < n; a++) {
      for (size_t b = 0; b < n; b++) L[a * n + b] = from[p->open[a] * D + p->open[b]];
      L[a * n + a] += ridge;
      x[a] = -p->gradient[p->open[a]];
    }
    info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (int)n, L, (int)n);
    if (!(ridge < 1e100)) return lat_fail(p->work, LAT_DIVERGED, "the likelihood has no slope");
  }
  if (n > 0) LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', (int)n, 1, L, (int)n, x, (int)n);
  for (size_t a = 0; a < n; a++) largest = fmax(largest, fabs(x[a]));
  for (size_t a = 0; a < n; a++) p->step[p->open[a]] = x[a] * (largest > 1.5 ? 1.5 / largest : 1);
  return LAT_OK;
}

static void swap(problem *p)
{
  point before = p->at;
  p->at = p->next;
  p->next = before;
}

/* Whether the gradient is smaller at p->next, which is where it should vanish and f can't tell. */
static bool is_flatter(problem *p)
{
  double before = largest_gradient(p);
  swap(p);
  differentiate(p);
  double after = largest_gradient(p);
  swap(p);
  differentiate(p);
  return after < 0.9 * before;
}

/* Goes along the step, which the bounds bend, until f has come down by its due, if it does: *flat
 * says that only rounding is left of it. */
static lat_status line_search(problem *p, bool *moved, bool *flat)
{
  enum { HALVINGS = 40 };
  double share = 1;
  *moved = *flat = false;
  for (int i = 0; i < HALVINGS && !*moved; i++, share /= 2) {
    double slope = 0;
    for (size_t j = 0; j < p->D; j++) {
      p->next.theta[j] = clip(p, j, p->at.theta[j] + share * p->step[j]);
      slope += p->gradient[j] * (p->next.theta[j] - p->at.theta[j]);
    }
    if (!(slope < 0)) continue;
    LAT_TRY(evaluate(p, &p->next));
    if (-slope <= ROUNDING * ((double)p->D + fabs(p->at.f))) {
      *moved = is_flatter(p);
      *flat = !*moved;
      break;
    }
    *moved = p->next.f <= p->at.f + 1e-4 * slope;
  }
  if (*moved) swap(p);
  return LAT_OK;
}

/* The unit vector of the least curvature among the open variables into p->step, and that curvature,
 * if it is negative; else 0. */
static lat_status find_descent(problem *p, double *curvature)
{
  size_t n = find_open(p);
  LAT_SCOPE(p->work);
  *curvature = 0;
  memset(p->step, 0, p->D * sizeof *p->step);
  if (n == 0) return LAT_OK;
  lat_matrix H = lat_matrix_new(p->work, n, n), V = lat_matrix_new(p->work, n, n);
  lat_matrix e = lat_matrix_new(p->work, n, 1);
  if (!H.data || !V.data || !e.data) return LAT_MEMORY;
  for (size_t a = 0; a < n; a++)
    for (size_t b = 0; b < n; b++)
      lat_set(&H, a, b,
              0.5 * (p->H[p->open[a] * p->D + p->open[b]] + p->H[p->open[b] * p->D + p->open[a]]));
  LAT_TRY(lat_symmetric(p->work, &H, LAT_EIGEN_FULL, e, &V));
  double most = lat_get(&e, 0, 0), least = lat_get(&e, n - 1, 0);
  if (least < -CURVED * fmax(most, 1)) *curvature = least;
  for (size_t a = 0; a < n; a++) p->step[p->open[a]] = lat_get(&V, a, n - 1);
  return LAT_OK;
}

/* Where the gradient vanishes f may have a saddle: data that are symmetric under an exchange of
 * variables keep Newton's steps in the subspace of the same symmetry, and what is least in there
 * need not be least. Goes along the direction of the most negative curvature, either way, if there
 * is one: as far as f falls by a part of what that curvature promises. *moved says whether it did.
 */
static lat_status leave_saddle(problem *p, bool *moved)
{
  double curvature;
  *moved = false;
  LAT_TRY(differentiate_twice(p));
  LAT_TRY(find_descent(p, &curvature));
  for (double length = 1.5; !*moved; length /= 2) {
    double due = -0.5 * curvature * length * length;
    if (!(due > 10 * ROUNDING * ((double)p->D + fabs(p->at.f)))) break;
    for (int sign = 1; sign >= -1 && !*moved; sign -= 2) {
      for (size_t j = 0; j < p->D; j++)
        p->next.theta[j] = clip(p, j, p->at.theta[j] + sign * length * p->step[j]);
      LAT_TRY(evaluate(p, &p->next));
      *moved = p->next.f <= p->at.f - 0.1 * due;
    }
  }
  if (*moved) swap(p);
  return LAT_OK;
}

/* From p->at.theta to the nearest minimum. f of each iteration goes to `history`. */
static lat_status minimize(problem *p, size_t most, double tolerance, double *history,
                           lat_fa_found *found)
{
  bool moved = true, flat = false;
  LAT_TRY(evaluate(p, &p->at));
  for (found->iterations = 0; found->iterations < most;) {
    differentiate(p);
    history[found->iterations++] = p->at.f;
    found->converged = flat || largest_gradient(p) <= tolerance;
    if (!found->converged && !moved) break;
    if (found->converged) {
      LAT_TRY(leave_saddle(p, &moved));
      if (!moved) break;
      flat = found->converged = false;
      continue;
    }
    LAT_TRY(differentiate_twice(p));
    LAT_TRY(newton_step(p));
    LAT_TRY(line_search(p, &moved, &flat));
  }
  return LAT_OK;
}

/* ---- starts ---------------------------------------------------------------------------------- */

static lat_status new_point(lat_workspace *work, size_t D, point *to)
{
  to->theta = lat_doubles(work, D);
  to->A = lat_matrix_new(work, D, D);
  to->V = lat_matrix_new(work, D, D);
  to->e = lat_matrix_new(work, D, 1);
  return to->theta && to->A.data && to->V.data && to->e.data ? LAT_OK : LAT_MEMORY;
}

/* R of S, and the deviations. */
static lat_status correlations(lat_workspace *work, const lat_matrix *S, const double *mean,
                               double *deviations, const lat_matrix *R)
{
  LAT_TRY(lat_check_symmetric(work, "the covariance", S));
  for (size_t j = 0; j < S->rows; j++) {
    double variance = lat_get(S, j, j), least = LAT_CONSTANT * fabs(mean[j]);
    if (!(variance > least * least)) return lat_fa_constant(work, j, variance);
    deviations[j] = sqrt(variance);
  }
  LAT_TRY(lat_check_spread(work, LAT_SPREAD_EACH, S->rows, mean, deviations));
  for (size_t i = 0; i < S->rows; i++)
    for (size_t j = 0; j < S->rows; j++)
      lat_set(R, i, j,
              i == j
                  ? 1
                  : 0.5 * (lat_get(S, i, j) + lat_get(S, j, i)) / (deviations[i] * deviations[j]));
  return LAT_OK;
}

/* Joreskog's start, (1 - M/2D)/diag(inv(R)), and whether there is one; and log|R|. */
static lat_status first_start(problem *p, double *log_det)
{
  size_t D = p->D;
  for (size_t j = 0; j < D; j++) p->at.theta[j] = 0;
  LAT_TRY(evaluate(p, &p->at)); /* R itself */
  const double *e = p->at.e.data, largest = e[0];
  if (e[D - 1] < -NOT_A_COVARIANCE * largest)
    return lat_fail(p->work, LAT_SINGULAR,
                    "the covariance isn't positive semidefinite: its correlations have the "
                    "eigenvalue %g",
                    e[D - 1]);
  p->singular = !(e[D - 1] > NO_VARIANCE * (double)D * largest);
  *log_det = 0;
  for (size_t m = 0; m < D && !p->singular; m++) *log_det += log(e[m]);
  for (size_t j = 0; j < D; j++) {
    double inverse = 0;
    for (size_t m = 0; m < D && !p->singular; m++)
      inverse += lat_get(&p->at.V, j, m) * lat_get(&p->at.V, j, m) / e[m];
    double psi = p->singular ? 0.5 : (1 - 0.5 * (double)p->M / (double)D) / inverse;
    p->at.theta[j] = clip(p, j, log(psi));
  }
  return LAT_OK;
}

static void random_start(problem *p, uint64_t seed, size_t number)
{
  lat_random random = {seed, LAT_FA_STREAM + number, 0};
  lat_random_fill_uniform(NULL, &random, p->D, p->at.theta);
  for (size_t j = 0; j < p->D; j++) p->at.theta[j] = clip(p, j, log(p->at.theta[j]));
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* W = Psi^(1/2) Omega (E - I)^(1/2), in the units of the data; columns for which E isn't above I
 * are left as they are. */
static void parameters_of(const problem *p, const double *theta, const double *mean,
                          const double *deviations, lat_factor_view *to)
{
  size_t M = p->M;
  const double *e = p->at.e.data;
  for (size_t j = 0; j < p->D; j++) {
    double noise = exp(theta[j]) * deviations[j] * deviations[j];
    to->mean[j] = mean[j];
    to->noise_variances[j] = noise;
    for (size_t m = 0; m < p->at.factors; m++)
      to->W[j * M + m] = sqrt(noise * (e[m] - 1)) * lat_get(&p->at.V, j, m);
  }
}

static lat_status prepare(problem *p, const lat_fa_search *search)
{
  size_t D = p->D;
  p->M = search->M;
  double least = log(search->least);
  p->R = lat_matrix_new(p->work, D, D);
  p->H = lat_doubles(p->work, D * D);
  p->G = lat_doubles(p->work, D * D);
  p->gradient = lat_doubles(p->work, 4 * D);
  p->open = lat_allocate(p->work, D, sizeof *p->open);
  if (!p->R.data || !p->H || !p->G || !p->gradient || !p->open) return LAT_MEMORY;
  p->step = p->gradient + D;
  p->scale = p->step + D;
  p->least = p->scale + D;
  for (size_t j = 0; j < D; j++) p->least[j] = least;
  LAT_TRY(new_point(p->work, D, &p->at));
  return new_point(p->work, D, &p->next);
}

static lat_status best_of_starts(problem *p, const lat_fa_search *search, double *theta,
                                 double *history, lat_fa_found *found)
{
  size_t most = search->max_iterations, restarts = search->restarts ? search->restarts : 1;
  double *trace = lat_doubles(p->work, most), best = INFINITY;
  if (!trace) return LAT_MEMORY;
  for (size_t start = 0; start < restarts; start++) {
    lat_fa_found now = {.converged = false};
    if (start > 0) random_start(p, search->seed, start);
    LAT_TRY(minimize(p, most, FLAT, trace, &now));
    if (start > 0 && !(p->at.f < best)) continue;
    best = p->at.f;
    *found = now;
    memcpy(theta, p->at.theta, p->D * sizeof *theta);
    memcpy(history, trace, now.iterations * sizeof *trace);
  }
  memcpy(p->at.theta, theta, p->D * sizeof *theta);
  return evaluate(p, &p->at);
}

lat_status lat_fa_ml_start(lat_workspace *work, const lat_matrix *S, const double *mean,
                           const lat_fa_search *search, const double *variances, double *parameters)
{
  problem p = {.work = work, .D = S->rows};
  LAT_SCOPE(work);
  double *deviations = lat_doubles(work, p.D), log_det;
  if (!deviations) return LAT_MEMORY;
  LAT_TRY(prepare(&p, search));
  LAT_TRY(correlations(work, S, mean, deviations, &p.R));
  LAT_TRY(first_start(&p, &log_det));
  LAT_TRY(evaluate(&p, &p.at));
  for (size_t j = 0; j < p.D; j++) deviations[j] = sqrt(variances[j]);
  lat_factor_view to = lat_factor_view_of(parameters, p.D, p.M, false);
  parameters_of(&p, p.at.theta, mean, deviations, &to);
  return LAT_OK;
}

lat_status lat_fa_ml(lat_workspace *work, const lat_matrix *S, const double *mean,
                     const lat_fa_search *search, double *parameters, double *history,
                     lat_fa_found *found)
{
  problem p = {.work = work, .D = S->rows};
  LAT_SCOPE(work);
  double *deviations = lat_doubles(work, 2 * p.D), log_det = 0;
  if (!deviations) return LAT_MEMORY;
  double *theta = deviations + p.D;
  *found = (lat_fa_found){0};
  LAT_TRY(lat_fa_check_dimensions(work, p.D, search->M));
  LAT_TRY(prepare(&p, search));
  LAT_TRY(correlations(work, S, mean, deviations, &p.R));
  LAT_TRY(first_start(&p, &log_det));
  LAT_TRY(best_of_starts(&p, search, theta, history, found));
  lat_fa_uncorrelate(parameters, p.D, p.M);
  lat_factor_view to = lat_factor_view_of(parameters, p.D, p.M, false);
  memset(to.W, 0, p.D * p.M * sizeof *to.W);
  parameters_of(&p, theta, mean, deviations, &to);
  double base = (double)p.D * (LAT_LOG_2PI + 1) + log_det;
  for (size_t j = 0; j < p.D; j++) base += 2 * log(deviations[j]);
  for (size_t i = 0; i < found->iterations; i++) history[i] = -0.5 * (base + history[i]);
  found->objective = -0.5 * (base + p.at.f);
  found->discrepancy = p.singular ? INFINITY : p.at.f;
  return lat_fa_rotate(work, p.D, p.M, search->rotation, false, parameters, NULL);
}

lat_status lat_fa_leave_saddle(lat_workspace *work, const lat_matrix *S, const double *mean,
                               const double *least, lat_factor_view *model, double *tilt,
                               bool *moved)
{
  enum { MOST = 100 };
  problem p = {.work = work, .D = S->rows};
  LAT_SCOPE(work);
  lat_fa_search search = {.M = model->M, .least = 1}; /* theta and its bounds are set below */
  lat_fa_found found;
  double *deviations = lat_doubles(work, p.D), *history = lat_doubles(work, MOST), log_det;
  *moved = false;
  if (!deviations || !history) return LAT_MEMORY;
  LAT_TRY(prepare(&p, &search));
  LAT_TRY(correlations(work, S, mean, deviations, &p.R));
  LAT_TRY(first_start(&p, &log_det)); /* whether R is singular, and log|R| */
  for (size_t j = 0; j < p.D; j++) {
    double variance = deviations[j] * deviations[j];
    p.least[j] = fmin(log(least[j] / variance), 0);
    p.at.theta[j] = clip(&p, j, log(model->noise_variances[j] / variance));
  }
  LAT_TRY(evaluate(&p, &p.at));
  differentiate(&p);
  LAT_TRY(leave_saddle(&p, moved));
  memcpy(tilt, p.step, p.D * sizeof *tilt);
  if (*moved) {
    LAT_TRY(minimize(&p, MOST, FLAT, history, &found));
    memset(model->W, 0, p.D * p.M * sizeof *model->W);
    parameters_of(&p, p.at.theta, mean, deviations, model);
  }
  return LAT_OK;
}
