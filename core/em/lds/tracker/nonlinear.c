/* lds/tracker/nonlinear.c: a tracker's steps with f and h that the caller has evaluated.
 *
 * The extended filter replaces A and C by Jacobians at the belief's mean (Anderson, Moore, Optimal
 * Filtering, 1979, 8.2), which central differences give where the caller has none. The unscented
 * one replaces f and h by their values at 2M+1 points (tracker.h has the equations). */
#include <math.h>
#include <string.h>

#include "em/lds/tracker/internal.h"

lat_status lat_lds_tracker_check(lat_workspace *work, const lat_lds *lds,
                                 const lat_lds_tracker_options *o, bool nonlinear)
{
  LAT_TRY(lat_options_check(work, lat_lds_tracker_option_table, o));
  if (!((double)lds->states + o->unscented.kappa > 0))
    return lat_fail(work, LAT_INVALID,
                    "kappa must be above -%zu, minus the number of states, got %.14g", lds->states,
                    o->unscented.kappa);
  if (o->method == LAT_LDS_UNSCENTED && lds->square_root)
    return lat_fail(work, LAT_INVALID, "there is no unscented update of the square-root form");
  if (!nonlinear) return LAT_OK;
  if (o->steady_state) return lat_fail(work, LAT_INVALID, "a nonlinear model has no steady state");
  for (size_t i = 0; i < lds->states; i++)
    if (lat_lds_is_diffuse(lds, i))
      return lat_fail(work, LAT_INVALID,
                      "f and h need a known initial state, and state %zu is diffuse", i + 1);
  return LAT_OK;
}

/* Nothing here has a steady state. */
static void disable_steady(lat_lds_tracker *t)
{
  lat_lds_tracker_leave_steady(t);
  t->wants_steady = false;
}

/* The residuals of the observed entries of y, and their part of R; how many. */
static size_t select_observed(lat_lds_tracker *t, const double *y, const double *expected,
                              const double *R, double *residual, double *R_part)
{
  size_t D = t->lds.outputs, p = 0;
  for (size_t i = 0; i < D; i++) {
    t->innovation[i] = y[i] - expected[i];
    if (isnan(y[i])) continue;
    residual[p] = t->innovation[i];
    t->index[p++] = i;
  }
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j < p; j++) R_part[i * p + j] = R[t->index[i] * D + t->index[j]];
  return p;
}

/* LAT_INVALID for an infinity in y, and NaN or infinities among the caller's values of f or h. */
static lat_status check(const double *y, size_t D, const double *values, size_t count)
{
  for (size_t i = 0; i < D; i++)
    if (isinf(y[i])) return LAT_INVALID;
  for (size_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return LAT_INVALID;
  return LAT_OK;
}

/* ---- extended -------------------------------------------------------------------------------- */

void lat_lds_tracker_difference_points(const lat_lds_tracker *t, double *points)
{
  size_t M = t->lds.states;
  for (size_t j = 0; j < M; j++) {
    double *up = points + 2 * j * M, *down = up + M;
    memcpy(up, t->belief.mean, M * sizeof *up);
    memcpy(down, t->belief.mean, M * sizeof *down);
    double variance = t->belief.covariance[j * M + j];
    double scale = fmax(fabs(up[j]), variance > 0 ? sqrt(variance) : 0);
    double step = LDS_DIFFERENCE * (scale > 0 ? scale : 1);
    up[j] += step;
    down[j] -= step;
  }
}

void lat_lds_differentiate(size_t M, size_t rows, const double *points, const double *values,
                           double *jacobian)
{
  for (size_t j = 0; j < M; j++) {
    const double *above = values + 2 * j * rows, *below = above + rows;
    double distance = points[2 * j * M + j] - points[(2 * j + 1) * M + j];
    for (size_t i = 0; i < rows; i++) jacobian[i * M + j] = (above[i] - below[i]) / distance;
  }
}

lat_status lat_lds_tracker_predict_extended(lat_lds_tracker *t, const double *mean, const double *F,
                                            const double *Q)
{
  size_t M = t->lds.states;
  disable_steady(t);
  if (t->time > 0) {
    LAT_TRY(check(NULL, 0, mean, M));
    LAT_TRY(check(NULL, 0, F, M * M));
    const lat_lds_step step = {.A = F, .Q = Q};
    LAT_TRY(lat_lds_tracker_predict(t, NULL, &step));
    memcpy(t->belief.mean, mean, M * sizeof(double));
    return LAT_OK;
  }
  return lat_lds_tracker_predict(t, NULL, NULL);
}

lat_status lat_lds_tracker_update_extended(lat_lds_tracker *t, const double *y,
                                           const double *expected, const double *H, const double *R)
{
  size_t M = t->lds.states, D = t->lds.outputs;
  disable_steady(t);
  LAT_TRY(check(y, D, expected, D));
  LAT_TRY(check(y, 0, H, D * M));
  if (!(R = lat_lds_matrix_of_step(t, R, t->lds.R))) return LAT_SHAPE;
  double *residual = t->scratch, *R_part = residual + D, *H_part = R_part + D * D;
  size_t p = select_observed(t, y, expected, R, residual, R_part);
  for (size_t i = 0; i < p; i++) memcpy(H_part + i * M, H + t->index[i] * M, M * sizeof(double));
  double log_density = lat_lds_update_residual(&t->step, p, H_part, R_part, residual, &t->belief);
  return lat_lds_tracker_record(t, &t->step, t->index, log_density);
}

/* ---- unscented ------------------------------------------------------------------------------- */

/* k: the square of the points' distance from the mean, in standard deviations. */
static double squared_distance(size_t M, const lat_lds_unscented *u)
{
  return u->alpha * u->alpha * ((double)M + u->kappa);
}

lat_status lat_lds_tracker_points(lat_lds_tracker *t, const lat_lds_unscented *unscented,
                                  double *points)
{
  size_t M = t->lds.states;
  double *root = t->scratch, scale = sqrt(squared_distance(M, unscented));
  disable_steady(t);
  if (!lat_lds_root(M, t->belief.covariance, root)) return LAT_SINGULAR;
  memcpy(points, t->belief.mean, M * sizeof(double));
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double step = scale * root[j * M + i];
      points[(1 + i) * M + j] = points[j] + step;
      points[(1 + M + i) * M + j] = points[j] - step;
    }
  return LAT_OK;
}

/* sum += (a - a_0)(b - b_0)' / 2k over the points: rows of a have n entries, those of b m. */
static void add_products(size_t M, double k, size_t n, const double *a, size_t m, const double *b,
                         double *sum)
{
  double weight = 1 / (2 * k);
  for (size_t i = 1; i <= 2 * M; i++)
    for (size_t r = 0; r < n; r++) {
      double left = weight * (a[i * n + r] - a[r]);
      for (size_t c = 0; c < m; c++) sum[r * m + c] += left * (b[i * m + c] - b[c]);
    }
}

/* The mean of the values, n a point, and (added to `covariance`) their covariance. */
static void moments(size_t M, const lat_lds_unscented *u, size_t n, const double *values,
                    double *mean, double *covariance)
{
  double k = squared_distance(M, u), curved = u->beta - u->alpha * u->alpha;
  for (size_t r = 0; r < n; r++) {
    double sum = 0;
    for (size_t i = 1; i <= 2 * M; i++) sum += values[i * n + r] - values[r];
    mean[r] = sum / (2 * k);
  }
  add_products(M, k, n, values, n, values, covariance);
  for (size_t r = 0; r < n; r++)
    for (size_t c = 0; c < n; c++) covariance[r * n + c] += curved * mean[r] * mean[c];
  for (size_t r = 0; r < n; r++) mean[r] += values[r];
}

lat_status lat_lds_tracker_predict_unscented(lat_lds_tracker *t, const lat_lds_unscented *unscented,
                                             const double *values, const double *Q)
{
  size_t M = t->lds.states;
  disable_steady(t);
  if (t->belief.root) return LAT_INVALID;
  if (t->time == 0) return lat_lds_tracker_predict(t, NULL, NULL);
  LAT_TRY(check(NULL, 0, values, (2 * M + 1) * M));
  t->time++;
  if (!(Q = lat_lds_matrix_of_step(t, Q, t->lds.Q))) {
    t->time--;
    return LAT_SHAPE;
  }
  t->predicted = true;
  t->has_input = false;
  memcpy(t->belief.covariance, Q, M * M * sizeof(double));
  moments(M, unscented, M, values, t->belief.mean, t->belief.covariance);
  return LAT_OK;
}

lat_status lat_lds_tracker_update_unscented(lat_lds_tracker *t, const double *y,
                                            const lat_lds_unscented *unscented,
                                            const double *points, const double *values,
                                            const double *R)
{
  size_t M = t->lds.states, D = t->lds.outputs;
  disable_steady(t);
  if (t->belief.root) return LAT_INVALID;
  LAT_TRY(check(y, D, values, (2 * M + 1) * D));
  if (!(R = lat_lds_matrix_of_step(t, R, t->lds.R))) return LAT_SHAPE;
  double *expected = t->scratch, *S = expected + D, *cross = S + D * D;
  double *residual = cross + D * M, *S_part = residual + D;
  memcpy(S, R, D * D * sizeof(double));
  moments(M, unscented, D, values, expected, S);
  memset(cross, 0, D * M * sizeof(double));
  add_products(M, squared_distance(M, unscented), D, values, M, points, cross);
  size_t p = select_observed(t, y, expected, S, residual, S_part);
  for (size_t i = 0; i < p; i++) /* up the rows: none is overwritten before it is read */
    memmove(cross + i * M, cross + t->index[i] * M, M * sizeof(double));
  double log_density = lat_lds_update_moments(&t->step, p, cross, S_part, residual, &t->belief);
  return lat_lds_tracker_record(t, &t->step, t->index, log_density);
}
