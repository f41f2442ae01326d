/* lds/tracker/functions.c: a tracker's steps that evaluate f and h themselves, and say what is
 * wrong. */
#include "em/lds/tracker/internal.h"

const char *const lat_lds_function_names[] = {
    [LAT_LDS_F] = "f",
    [LAT_LDS_H] = "h",
    [LAT_LDS_F_JACOBIAN] = "f_jacobian",
    [LAT_LDS_H_JACOBIAN] = "h_jacobian",
    [LAT_LDS_FUNCTIONS] = NULL,
};

bool lat_lds_is_nonlinear(const lat_lds_functions *f)
{
  return f->has[LAT_LDS_F] || f->has[LAT_LDS_H];
}

size_t lat_lds_functions_count(const lat_lds_functions *f, const lat_lds *lds)
{
  size_t M = lds->states, wide = lat_lds_max(M, lds->outputs);
  return lat_lds_is_nonlinear(f) ? wide + wide * M + (2 * M + 1) * (M + wide) : 0;
}

void lat_lds_functions_init(lat_lds_functions *f, const lat_lds *lds, double *memory)
{
  size_t M = lds->states, wide = lat_lds_max(M, lds->outputs);
  if (!lat_lds_is_nonlinear(f)) return;
  f->mean = lat_lds_take(&memory, wide);
  f->jacobian = lat_lds_take(&memory, wide * M);
  f->points = lat_lds_take(&memory, (2 * M + 1) * M);
  f->values = memory;
}

lat_status lat_lds_tracker_failure(lat_workspace *work, const lat_lds_tracker *t, lat_status status,
                                   size_t step)
{
  if (status == LAT_OK) return LAT_OK;
  if (status == LAT_SHAPE)
    return lat_fail(work, status, "there is no step %zu: the model's matrices vary over %zu", step,
                    t->steps);
  if (status == LAT_SINGULAR)
    return lat_fail(work, status,
                    "the covariance of y is not positive semidefinite, or numbers overflow");
  return lat_fail(work, status, "Q is not positive semidefinite");
}

/* values := function `which` of the first `count` of the points. */
static void evaluate(const lat_lds_functions *f, const lat_lds_tracker *t, int which, size_t count,
                     size_t time, size_t rows)
{
  for (size_t i = 0; i < count; i++)
    f->call(f->state, which, f->points + i * t->lds.states, time, rows, 0, f->values + i * rows);
}

/* mean and jacobian (rows x M) := those of function `which` at the belief's mean; the Jacobian is a
 * function of the caller's, or by differences. */
static void linearize(const lat_lds_functions *f, const lat_lds_tracker *t, int which, size_t time,
                      size_t rows)
{
  size_t M = t->lds.states;
  int given = which == LAT_LDS_F ? LAT_LDS_F_JACOBIAN : LAT_LDS_H_JACOBIAN;
  f->call(f->state, which, t->belief.mean, time, rows, 0, f->mean);
  if (f->has[given]) {
    f->call(f->state, given, t->belief.mean, time, rows, M, f->jacobian);
    return;
  }
  lat_lds_tracker_difference_points(t, f->points);
  evaluate(f, t, which, 2 * M, time, rows);
  lat_lds_differentiate(M, rows, f->points, f->values, f->jacobian);
}

/* points, and values := function `which` of them. */
static lat_status spread(lat_workspace *work, const lat_lds_functions *f, lat_lds_tracker *t,
                         int which, size_t time, size_t rows)
{
  if (lat_lds_tracker_points(t, &f->options.unscented, f->points) != LAT_OK)
    return lat_fail(work, LAT_SINGULAR, "the covariance is not positive semidefinite");
  evaluate(f, t, which, 2 * t->lds.states + 1, time, rows);
  return LAT_OK;
}

lat_status lat_lds_tracker_predict_by(lat_workspace *work, lat_lds_tracker *t,
                                      const lat_lds_functions *f, const double *u,
                                      const lat_lds_step *step)
{
  size_t M = t->lds.states, time = t->time + 1;
  lat_status status;
  if (!f->has[LAT_LDS_F] || lat_lds_tracker_begins(t)) {
    status = lat_lds_tracker_predict(t, u, step);
  } else if (f->options.method == LAT_LDS_UNSCENTED) {
    LAT_TRY(spread(work, f, t, LAT_LDS_F, time, M));
    status = lat_lds_tracker_predict_unscented(t, &f->options.unscented, f->values, step->Q);
  } else {
    linearize(f, t, LAT_LDS_F, time, M);
    status = lat_lds_tracker_predict_extended(t, f->mean, f->jacobian, step->Q);
  }
  return lat_lds_tracker_failure(work, t, status, t->time + !t->predicted);
}

lat_status lat_lds_tracker_update_by(lat_workspace *work, lat_lds_tracker *t,
                                     const lat_lds_functions *f, const double *y, const double *u,
                                     const lat_lds_step *step)
{
  const lat_lds_unscented *unscented = &f->options.unscented;
  lat_status status;
  if (!f->has[LAT_LDS_H]) {
    status = lat_lds_tracker_update(t, y, u, step);
  } else if (f->options.method == LAT_LDS_UNSCENTED) {
    LAT_TRY(spread(work, f, t, LAT_LDS_H, t->time, t->lds.outputs));
    status = lat_lds_tracker_update_unscented(t, y, unscented, f->points, f->values, step->R);
  } else {
    linearize(f, t, LAT_LDS_H, t->time, t->lds.outputs);
    status = lat_lds_tracker_update_extended(t, y, f->mean, f->jacobian, step->R);
  }
  return lat_lds_tracker_failure(work, t, status, t->time + !t->predicted);
}
