/* ica_fixed_point.c: Hyvarinen's iteration, w <- E[g(w'z) z] - E[g'(w'z)] w, for all sources at
 * once and for one after the other (Fast and robust fixed-point algorithms for independent
 * component analysis, IEEE Transactions on Neural Networks 10, 1999). It is Newton's method with
 * E[g'(w'z) zz'] approximated by E[g'(w'z)] I, which is right for white z; near a solution it
 * converges at least quadratically when sources are independent, and linearly, at a rate of the
 * order of 1/sqrt(N), in a finite sample. */
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "projection/ica_internal.h"

/* ---- all sources at once ------------------------------------------------------------------ */

typedef struct symmetric {
  double *next, *A, *signs;
  double best; /* the gradient when it last halved */
  size_t best_at;
} symmetric;

lat_status lat_ica_fixed_point_begin(lat_ica_search *fit)
{
  size_t M = fit->M;
  symmetric *s = lat_allocate(fit->work, 1, sizeof *s);
  double *memory = lat_doubles(fit->work, 2 * M * M + M);
  if (!s || !memory) return LAT_MEMORY;
  *s = (symmetric){.best = DBL_MAX, .next = memory};
  s->A = s->next + M * M;
  s->signs = s->A + M * M;
  fit->solver = s;
  fit->R = fit->W;
  fit->k = M;
  return LAT_OK;
}

static bool stuck(const lat_ica_search *fit, symmetric *s)
{
  if (fit->gradient < s->best / 2) {
    s->best = fit->gradient;
    s->best_at = fit->iterations;
  }
  return fit->iterations - s->best_at >= LAT_ICA_PATIENCE ||
         2 * fit->iterations >= fit->options->max_iterations;
}

lat_status lat_ica_fixed_point_update(lat_ica_search *fit)
{
  symmetric *s = fit->solver;
  size_t M = fit->M;
  lat_ica_means means = lat_ica_pass_means(fit);
  bool rough = lat_ica_is_rough(fit);
  lat_ica_evaluate(fit, &means, s->A, s->signs, NULL);
  if (rough) lat_ica_rough_end(fit);
  fit->iterations++;
  fit->converged = !rough && fit->gradient < lat_ica_tolerance(fit);
  fit->done = fit->converged || fit->iterations >= fit->options->max_iterations;
  if (fit->converged) return LAT_OK;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      size_t at = i * M + j;
      s->next[at] = means.product[at] - means.slope[i] * fit->W[at];
    }
  LAT_TRY(lat_ica_orthogonalize(fit->work, s->next, M));
  fit->change = lat_ica_change(M, s->next, fit->W);
  memcpy(fit->W, s->next, M * M * sizeof *fit->W);
  bool may_switch = fit->options->algorithm == LAT_ICA_AUTO || fit->starting;
  if (!may_switch || fit->done || !stuck(fit, s)) return LAT_OK;
  fit->algorithm = LAT_ICA_QUASI_NEWTON;
  return lat_ica_newton_begin(fit);
}

/* ---- one source after the other -------------------------------------------------------------- */

typedef struct deflation {
  double *next;
  size_t unit, iterations;        /* the source that is sought, and for how long */
  double found, gradient, change; /* objective and worst record of those before */
  bool all;                       /* of them have converged */
} deflation;

/* w minus its projections on the first `count` rows of W: twice, as rounding in the first time
 * leaves what the second removes. */
static void project_out(const double *W, size_t count, size_t M, double *w)
{
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < count; i++) {
      const double *row = W + i * M;
      cblas_daxpy((blasint)M, -cblas_ddot((blasint)M, row, 1, w, 1), row, 1, w, 1);
    }
}

/* w := the projection made a unit vector; when nothing is left of it, a unit vector that is
 * orthogonal to the rows before all the same. */
static void make_unit(const double *W, size_t count, size_t M, double *w)
{
  project_out(W, count, M, w);
  double length = cblas_dnrm2((blasint)M, w, 1);
  for (size_t axis = 0; !(length > LAT_ICA_NO_LENGTH) && axis < M; axis++) {
    memset(w, 0, M * sizeof *w);
    w[axis] = 1;
    project_out(W, count, M, w);
    length = cblas_dnrm2((blasint)M, w, 1);
    if (length < 0.5 / sqrt((double)M)) length = 0; /* another axis has this much left */
  }
  cblas_dscal((blasint)M, 1 / length, w, 1);
}

lat_status lat_ica_deflation_begin(lat_ica_search *fit)
{
  size_t M = fit->M;
  deflation *d = lat_allocate(fit->work, 1, sizeof *d);
  double *memory = lat_doubles(fit->work, M);
  if (!d || !memory) return LAT_MEMORY;
  *d = (deflation){.next = memory, .all = true};
  fit->solver = d;
  fit->R = fit->W;
  fit->k = 1;
  return LAT_OK;
}

void lat_ica_deflation_complete(const lat_ica_search *fit, double *W)
{
  const deflation *d = fit->solver;
  for (size_t i = d->unit; i < fit->M; i++) make_unit(W, i, fit->M, W + i * fit->M);
}

/* The source has converged or has had its iterations: the next one begins. */
static void next_unit(lat_ica_search *fit, deflation *d, bool converged, double distance)
{
  d->all = d->all && converged;
  d->found += distance;
  d->gradient = fit->gradient;
  d->change = fit->change;
  d->iterations = 0;
  if (++d->unit < fit->M) {
    /* the rows below were made orthogonal to each other, but not to what has been found */
    make_unit(fit->W, d->unit, fit->M, fit->W + d->unit * fit->M);
    fit->R = fit->W + d->unit * fit->M;
    return;
  }
  fit->done = true;
  fit->converged = d->all;
}

lat_status lat_ica_deflation_update(lat_ica_search *fit)
{
  deflation *d = fit->solver;
  size_t M = fit->M;
  double *w = fit->W + d->unit * M;
  lat_ica_means means = lat_ica_pass_means(fit);
  double distance = lat_ica_distance((lat_ica_contrast)fit->options->contrast, *means.value);
  fit->objective = d->found + distance;
  fit->iterations++;
  d->iterations++;
  /* the gradient: what of E[g(y) z] is neither along w nor along the rows before */
  memcpy(d->next, means.product, M * sizeof *w);
  project_out(fit->W, d->unit + 1, M, d->next);
  double gradient = fabs(d->next[cblas_idamax((blasint)M, d->next, 1)]);
  fit->gradient = fmax(d->gradient, gradient);
  bool converged = gradient < fit->options->tolerance;
  if (!converged) {
    for (size_t j = 0; j < M; j++) d->next[j] = means.product[j] - *means.slope * w[j];
    make_unit(fit->W, d->unit, M, d->next);
    double change = fabs(1 - fabs(cblas_ddot((blasint)M, d->next, 1, w, 1)));
    fit->change = fmax(d->change, change);
    memcpy(w, d->next, M * sizeof *w);
  }
  if (converged || d->iterations >= fit->options->max_iterations)
    next_unit(fit, d, converged, distance);
  return LAT_OK;
}
