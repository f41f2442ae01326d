/* ica_likelihood.c: maximum likelihood without a constraint, Picard (Ablin, Cardoso, Gramfort:
 * Faster Independent Component Analysis by Preconditioning with Hessian Approximations, IEEE
 * Transactions on Signal Processing 66, 2018).
 *
 * In terms of white z and u = B z, the sources in the scales of their densities' kernels, what is
 * minimized is, with -log p_i = Q_i(u_i) - factor_i,
 *
 *   L(B) = -log|det B| + sum_i E[Q_i(u_i)],      Q(u) = c u^2/2 + b G(u)
 *
 * B changes to (I + E) B, for which the relative gradient and an approximation to the Hessian,
 * exact for independent sources, are
 *
 *   G_ij = E[Q_i'(u_i) u_j] - (i = j)
 *   <E, H E> = sum_ij h_ij E_ij^2 + E_ij E_ji,     h_ij = E[Q_i''(u_i)] E[u_j^2]
 *
 * which is solved by blocks of E_ij and E_ji, and made positive definite block by block.
 *
 * Which of its two densities a source has is decided by the likelihood, at the start and wherever
 * it has converged: a pass evaluates the other densities, scaled to variance 1. A switch raises the
 * likelihood, so the same choice never comes back. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "matrix/linear/factor.h"
#include "projection/ica_internal.h"

typedef struct likelihood {
  lat_ica_newton *newton;
  bool *flat;
  lat_ica_contrast *each, *other_each;
  double *other; /* M x M: rows of B for the other densities */
  bool begun;    /* the means at B are known */
  bool comparing;
} likelihood;

static const lat_ica_density *density_of(const lat_ica_search *fit, bool flat)
{
  return &lat_ica_densities[lat_ica_shape_of((lat_ica_contrast)fit->options->contrast, flat)];
}

static const lat_ica_density *density(const lat_ica_search *fit, size_t i)
{
  return density_of(fit, lat_ica_likelihood_flat(fit)[i]);
}

static double square(const lat_ica_search *fit, const double *row)
{
  return cblas_ddot((blasint)fit->M, row, 1, row, 1);
}

/* E[log p] of source i in its own scale, except for log|det B|, from the mean of G and row i of
 * B. */
static double log_density(const lat_ica_search *fit, const lat_ica_density *p, double value,
                          const double *row)
{
  return p->factor - log(p->scale) - p->c / 2 * square(fit, row) - p->b * value;
}

static lat_status log_likelihood(lat_ica_search *fit, const lat_ica_means *means, const double *B,
                                 double *value)
{
  size_t M = fit->M;
  double sign;
  lat_matrix matrix = lat_matrix_of((double *)B, M, M);
  LAT_TRY(lat_logdet(fit->work, &matrix, value, &sign));
  *value += fit->log_det;
  for (size_t i = 0; i < M; i++)
    *value += log_density(fit, density(fit, i), means->value[i], B + i * M);
  return LAT_OK;
}

/* ---- the problem ----------------------------------------------------------------------------- */

static lat_status loss(lat_ica_search *fit, const lat_ica_means *means, const double *R,
                       const double *signs, double *value)
{
  (void)signs;
  LAT_TRY(log_likelihood(fit, means, R, value));
  *value = -*value;
  return LAT_OK;
}

static lat_status evaluate(lat_ica_search *fit, const lat_ica_means *means, double *A,
                           double *signs, double *G)
{
  size_t M = fit->M;
  blasint m = (blasint)M;
  (void)signs;
  LAT_TRY(log_likelihood(fit, means, fit->W, &fit->objective));
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, m, 1, means->product, m, fit->W, m, 0,
              A, m);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, m, 1, fit->W, m, fit->W, m, 0, G, m);
  fit->gradient = 0;
  for (size_t i = 0; i < M; i++) {
    const lat_ica_density *p = density(fit, i);
    for (size_t j = 0; j < M; j++) {
      double *g = G + i * M + j;
      *g = p->c * *g + p->b * A[i * M + j] - (i == j);
      fit->gradient = fmax(fit->gradient, fabs(*g));
    }
  }
  return LAT_OK;
}

static void curvatures(const lat_ica_search *fit, const lat_ica_means *means, const double *A,
                       double *h)
{
  size_t M = fit->M;
  (void)A;
  for (size_t i = 0; i < M; i++) {
    const lat_ica_density *p = density(fit, i);
    double curvature = p->c + p->b * means->slope[i];
    for (size_t j = 0; j < M; j++) h[i * M + j] = curvature * square(fit, fit->W + j * M);
  }
}

static void scale(size_t M, const double *h, double *E)
{
  for (size_t i = 0; i < M; i++) {
    E[i * M + i] /= fmax(1 + h[i * M + i], LAT_ICA_LEAST_CURVATURE);
    for (size_t j = 0; j < i; j++) {
      double a = h[i * M + j], d = h[j * M + i], *e = E + i * M + j, *f = E + j * M + i;
      double least = 0.5 * (a + d - sqrt((a - d) * (a - d) + 4));
      double ridge = fmax(LAT_ICA_LEAST_CURVATURE - least, 0), x = *e, y = *f;
      a += ridge;
      d += ridge;
      *e = (d * x - y) / (a * d - 1);
      *f = (a * y - x) / (a * d - 1);
    }
  }
}

static lat_status move(lat_ica_search *fit, const double *E, double *next)
{
  blasint m = (blasint)fit->M;
  memcpy(next, fit->W, fit->M * fit->M * sizeof *next);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, m, m, 1, E, m, fit->W, m, 1, next, m);
  return LAT_OK;
}

static const lat_ica_problem problem = {evaluate, loss, curvatures, scale, move};

/* ---- densities ------------------------------------------------------------------------------- */

/* The next pass evaluates every source with its other density, at variance 1. */
static void compare(lat_ica_search *fit, likelihood *s)
{
  size_t M = fit->M;
  for (size_t i = 0; i < M; i++) {
    const lat_ica_density *other = density_of(fit, !s->flat[i]);
    double factor = other->scale / sqrt(square(fit, fit->W + i * M));
    for (size_t j = 0; j < M; j++) s->other[i * M + j] = factor * fit->W[i * M + j];
    s->other_each[i] = other->contrast;
  }
  s->comparing = true;
  fit->R = s->other;
  fit->each = s->other_each;
}

/* Switches each source to its other density where the log-likelihood grows by it; whether any
 * did. */
static bool switch_densities(lat_ica_search *fit, likelihood *s, const lat_ica_means *found)
{
  size_t M = fit->M;
  bool any = false;
  lat_ica_means *means = lat_ica_newton_means(s->newton);
  for (size_t i = 0; i < M; i++) {
    const lat_ica_density *other = density_of(fit, !s->flat[i]);
    double *row = fit->W + i * M, *its = s->other + i * M;
    double here = log_density(fit, density(fit, i), means->value[i], row);
    double there = log_density(fit, other, found->value[i], its) +
                   0.5 * log(square(fit, its) / square(fit, row)); /* of log|det B| */
    if (!(there > here + LAT_ICA_SWITCH_GAIN)) continue;
    any = true;
    s->flat[i] = !s->flat[i];
    s->each[i] = other->contrast;
    memcpy(row, its, M * sizeof *row);
    memcpy(means->product + i * M, found->product + i * M, M * sizeof *row);
    means->slope[i] = found->slope[i];
    means->value[i] = found->value[i];
  }
  return any;
}

/* ---- the search ------------------------------------------------------------------------------ */

lat_status lat_ica_likelihood_begin(lat_ica_search *fit)
{
  size_t M = fit->M;
  likelihood *s = lat_allocate(fit->work, 1, sizeof *s);
  if (!s) return LAT_MEMORY;
  *s = (likelihood){.flat = lat_allocate(fit->work, M, sizeof *s->flat),
                    .each = lat_allocate(fit->work, M, sizeof *s->each),
                    .other_each = lat_allocate(fit->work, M, sizeof *s->each),
                    .other = lat_doubles(fit->work, M * M)};
  if (!s->flat || !s->each || !s->other_each || !s->other) return LAT_MEMORY;
  lat_matrix W = lat_matrix_of(fit->W, M, M);
  double size, sign;
  LAT_TRY(lat_logdet(fit->work, &W, &size, &sign));
  if (!isfinite(size))
    return lat_fail(fit->work, LAT_INVALID, "init is singular: it unmixes fewer than %zu sources",
                    M);
  const lat_ica_density *peaked = density_of(fit, false);
  for (size_t i = 0; i < M; i++) {
    s->flat[i] = false;
    s->each[i] = peaked->contrast;
    for (size_t j = 0; j < M; j++) fit->W[i * M + j] *= peaked->scale;
  }
  LAT_TRY(lat_ica_newton_new(fit, &problem, &s->newton));
  fit->each = s->each;
  fit->solver = s;
  return LAT_OK;
}

lat_status lat_ica_likelihood_update(lat_ica_search *fit)
{
  likelihood *s = fit->solver;
  size_t M = fit->M;
  lat_ica_means found = lat_ica_pass_means(fit);
  if (s->comparing) {
    s->comparing = false;
    bool better = switch_densities(fit, s, &found), first = fit->iterations == 0;
    fit->R = fit->W;
    fit->each = s->each;
    if (better || first) return lat_ica_newton_restart(fit, s->newton);
    fit->converged = fit->done = true;
    return LAT_OK;
  }
  if (s->begun) {
    LAT_TRY(lat_ica_newton_continue(fit, s->newton));
  } else {
    memcpy(lat_ica_newton_means(s->newton)->product, found.product,
           lat_ica_means_count(M, M) * sizeof(double));
    s->begun = true;
  }
  if (fit->iterations > 0 && !fit->converged) return LAT_OK;
  fit->converged = fit->done = false;
  compare(fit, s);
  return LAT_OK;
}

const bool *lat_ica_likelihood_flat(const lat_ica_search *fit)
{
  return ((const likelihood *)fit->solver)->flat;
}

void lat_ica_likelihood_scale(const lat_ica_search *fit, double *W)
{
  for (size_t i = 0; i < fit->M; i++)
    for (size_t j = 0; j < fit->M; j++) W[i * fit->M + j] /= density(fit, i)->scale;
}
