/* ica_newton.c: L-BFGS with a preconditioner, for any loss of an unmixing matrix (lat_ica_problem),
 * and its use over rotations, Picard-O (Ablin, Cardoso, Gramfort: Faster ICA under orthogonal
 * constraint, ICASSP 2018).
 *
 * A rotation near W is exp(E) W with E antisymmetric. With signs c the loss
 *
 *   L(W) = sum_i c_i E[G(y_i)]
 *
 * has the relative gradient G_ij = c_i E[g(y_i) y_j] - c_j E[g(y_j) y_i] over the pairs i < j, and
 * for independent sources a Hessian that is diagonal in them,
 *
 *   h_ij = k_i + k_j,   k_i = c_i (E[g'(y_i)] - E[g(y_i) y_i]) = |...|
 *
 * which the choice of the signs makes positive. It scales the first direction of L-BFGS (Nocedal,
 * Wright, Numerical Optimization, algorithm 7.4), whose stored steps correct the approximation when
 * sources aren't quite independent: there the fixed point gets slow or cycles. Steps that don't
 * lower the loss are halved. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "matrix/linear/solve.h"
#include "projection/ica_internal.h"

struct lat_ica_newton {
  const lat_ica_problem *problem;
  lat_ica_means means;  /* at W */
  double *A, *G, *last; /* the gradient, and that of the step before */
  double *E, *h, *next; /* direction, approximate Hessian, trial matrix */
  double *signs, *before;
  double *steps[LAT_ICA_MEMORY], *gradient_changes[LAT_ICA_MEMORY],
      rho[LAT_ICA_MEMORY]; /* the newest first */
  size_t stored;
  bool searching;  /* the next pass is at `next`, a step along E; else at W */
  bool moved;      /* `last` and E belong to the step that led to W */
  bool steepest;   /* E comes from the Hessian alone: the direction of L-BFGS failed */
  size_t halvings; /* of E */
};

lat_status lat_ica_newton_new(lat_ica_search *fit, const lat_ica_problem *problem,
                              lat_ica_newton **newton)
{
  size_t M = fit->M, square = M * M, means = lat_ica_means_count(M, M);
  lat_ica_newton *s = lat_allocate(fit->work, 1, sizeof *s);
  double *memory = lat_doubles(fit->work, means + (6 + 2 * LAT_ICA_MEMORY) * square + 2 * M);
  if (!s || !memory) return LAT_MEMORY;
  *s = (lat_ica_newton){.problem = problem, .means = lat_ica_means_of(memory, M, M)};
  double *at = memory + means,
         **const matrices[] = {&s->A, &s->G, &s->last, &s->E, &s->h, &s->next};
  for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++, at += square) *matrices[i] = at;
  for (size_t i = 0; i < LAT_ICA_MEMORY; i++, at += 2 * square) {
    s->steps[i] = at;
    s->gradient_changes[i] = at + square;
  }
  s->signs = at;
  s->before = at + M;
  memset(s->signs, 0, 2 * M * sizeof *s->signs);
  fit->R = fit->W;
  fit->k = M;
  *newton = s;
  return LAT_OK;
}

static double dot(size_t n, const double *x, const double *y)
{
  return cblas_ddot((blasint)n, x, 1, y, 1);
}

/* Stores the step E and the change of the gradient along it, for L-BFGS; a pair whose curvature
 * isn't positive is left out of the sums (rho = 0). */
static void store_correction(lat_ica_newton *s, size_t n)
{
  double *step = s->steps[LAT_ICA_MEMORY - 1], *change = s->gradient_changes[LAT_ICA_MEMORY - 1];
  memmove(s->steps + 1, s->steps, (LAT_ICA_MEMORY - 1) * sizeof *s->steps);
  memmove(s->gradient_changes + 1, s->gradient_changes,
          (LAT_ICA_MEMORY - 1) * sizeof *s->gradient_changes);
  memmove(s->rho + 1, s->rho, (LAT_ICA_MEMORY - 1) * sizeof *s->rho);
  s->steps[0] = step;
  s->gradient_changes[0] = change;
  memcpy(step, s->E, n * sizeof *step);
  for (size_t i = 0; i < n; i++) change[i] = s->G[i] - s->last[i];
  double curvature = dot(n, step, change);
  s->rho[0] = curvature > 0 ? 1 / curvature : 0;
  if (s->stored < LAT_ICA_MEMORY) s->stored++;
}

/* E := -H^-1 G by the two loops of L-BFGS. */
static void direction(lat_ica_newton *s, size_t M)
{
  size_t n = M * M;
  double alpha[LAT_ICA_MEMORY];
  memcpy(s->E, s->G, n * sizeof *s->E);
  for (size_t k = 0; k < s->stored; k++) {
    alpha[k] = s->rho[k] * dot(n, s->steps[k], s->E);
    cblas_daxpy((blasint)n, -alpha[k], s->gradient_changes[k], 1, s->E, 1);
  }
  s->problem->scale(M, s->h, s->E);
  for (size_t k = s->stored; k-- > 0;) {
    double beta = s->rho[k] * dot(n, s->gradient_changes[k], s->E);
    cblas_daxpy((blasint)n, alpha[k] - beta, s->steps[k], 1, s->E, 1);
  }
  cblas_dscal((blasint)n, -1, s->E, 1);
}

/* The next pass evaluates the loss at the end of the step E. */
static lat_status try_step(lat_ica_search *fit, lat_ica_newton *s)
{
  s->searching = true;
  fit->R = s->next;
  return s->problem->move(fit, s->E, s->next);
}

static lat_status first_step(lat_ica_search *fit, lat_ica_newton *s)
{
  direction(s, fit->M);
  s->halvings = 0;
  return try_step(fit, s);
}

/* The means at W are known: an iteration ends, and the next step begins. */
static lat_status begin_iteration(lat_ica_search *fit, lat_ica_newton *s)
{
  size_t M = fit->M, n = M * M;
  memcpy(s->before, s->signs, M * sizeof *s->signs);
  LAT_TRY(s->problem->evaluate(fit, &s->means, s->A, s->signs, s->G));
  fit->iterations++;
  fit->converged = fit->gradient < lat_ica_tolerance(fit);
  fit->done = fit->converged || fit->iterations >= fit->options->max_iterations;
  if (fit->done) return LAT_OK;
  /* other signs make another loss, to which the stored steps don't belong */
  if (s->moved && memcmp(s->before, s->signs, M * sizeof *s->signs) == 0)
    store_correction(s, n);
  else
    s->stored = 0;
  memcpy(s->last, s->G, n * sizeof *s->G);
  s->problem->curvatures(fit, &s->means, s->A, s->h);
  s->steepest = s->moved = false;
  return first_step(fit, s);
}

/* W := the trial matrix, whose means are known. */
static lat_status accept(lat_ica_search *fit, lat_ica_newton *s, const lat_ica_means *found)
{
  size_t M = fit->M;
  fit->change = lat_ica_change(M, s->next, fit->W);
  memcpy(fit->W, s->next, M * M * sizeof *fit->W);
  memcpy(s->means.product, found->product, lat_ica_means_count(M, M) * sizeof(double));
  s->moved = true;
  return begin_iteration(fit, s);
}

/* Line search along E: halves the step until the loss is lower. */
lat_status lat_ica_newton_continue(lat_ica_search *fit, lat_ica_newton *s)
{
  size_t M = fit->M;
  lat_ica_means found = lat_ica_pass_means(fit);
  if (!s->searching) {
    memcpy(s->means.product, found.product, lat_ica_means_count(M, M) * sizeof(double));
    return begin_iteration(fit, s);
  }
  /* near a minimum differences of this size are rounding */
  double before, after, slack = LAT_ICA_LOSS_ROUNDING * (double)M;
  LAT_TRY(s->problem->loss(fit, &s->means, fit->W, s->signs, &before));
  LAT_TRY(s->problem->loss(fit, &found, s->next, s->signs, &after));
  if (after <= before + slack) return accept(fit, s, &found);
  if (s->halvings++ < LAT_ICA_HALVINGS) {
    cblas_dscal((blasint)(M * M), 0.5, s->E, 1);
    return try_step(fit, s);
  }
  if (!s->steepest) {
    s->steepest = true;
    s->stored = 0;
    return first_step(fit, s);
  }
  if (lat_ica_tolerance(fit) > 0) {
    fit->done = true;
    return LAT_OK;
  }
  return begin_iteration(fit, s); /* all iterations are to be made */
}

lat_ica_means *lat_ica_newton_means(lat_ica_newton *s)
{
  return &s->means;
}

lat_status lat_ica_newton_restart(lat_ica_search *fit, lat_ica_newton *s)
{
  s->moved = false;
  return begin_iteration(fit, s);
}

/* ---- over rotations ------------------------------------------------------------------------- */

/* next := the Cayley transform (I - E/2)^-1 (I + E/2), a rotation that agrees with exp(E) to second
 * order, times W. */
static lat_status rotate(lat_ica_search *fit, const double *E, double *to)
{
  size_t M = fit->M;
  LAT_SCOPE(fit->work);
  lat_matrix left = lat_matrix_new(fit->work, M, M), right = lat_matrix_new(fit->work, M, M);
  if (!left.data || !right.data) return LAT_MEMORY;
  double *l = left.data, *r = right.data, rcond;
  for (size_t i = 0; i < M * M; i++) l[i] = -E[i] / 2;
  for (size_t i = 0; i < M; i++) l[i * M + i] += 1;
  memcpy(r, fit->W, M * M * sizeof *r);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)M, (blasint)M, (blasint)M, 0.5, E,
              (blasint)M, fit->W, (blasint)M, 1, r, (blasint)M);
  lat_matrix next = lat_matrix_of(to, M, M);
  LAT_TRY(lat_solve(fit->work, LAT_GENERAL, &left, &right, &next, &rcond));
  return LAT_OK;
}

static lat_status evaluate(lat_ica_search *fit, const lat_ica_means *means, double *A,
                           double *signs, double *G)
{
  lat_ica_evaluate(fit, means, A, signs, G);
  return LAT_OK;
}

static lat_status loss(lat_ica_search *fit, const lat_ica_means *means, const double *R,
                       const double *signs, double *value)
{
  (void)R;
  *value = dot(fit->M, signs, means->value);
  return LAT_OK;
}

static void curvatures(const lat_ica_search *fit, const lat_ica_means *means, const double *A,
                       double *to)
{
  size_t M = fit->M;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double h = fabs(means->slope[i] - A[i * M + i]) + fabs(means->slope[j] - A[j * M + j]);
      to[i * M + j] = fmax(h, LAT_ICA_LEAST_CURVATURE);
    }
}

static void divide(size_t M, const double *h, double *E)
{
  for (size_t i = 0; i < M * M; i++) E[i] /= h[i];
}

static const lat_ica_problem rotations = {evaluate, loss, curvatures, divide, rotate};

lat_status lat_ica_newton_begin(lat_ica_search *fit)
{
  lat_ica_newton *s;
  LAT_TRY(lat_ica_newton_new(fit, &rotations, &s));
  fit->solver = s;
  return LAT_OK;
}

lat_status lat_ica_newton_update(lat_ica_search *fit)
{
  return lat_ica_newton_continue(fit, fit->solver);
}
