/* online.c: stepwise EM, one update a piece of data (Cappe, Moulines, JRSS B 71, 2009); see fit.h.
 *
 * Storage: the running statistics lie in the workspace behind the plan, which is made once. */
#include <math.h>
#include <string.h>

#include "em/fit.h"

/* The parameters and statistics that the fit goes on from, or a start from the first rows. */
static lat_status begin_parameters(lat_fit *fit)
{
  const lat_fitted *before = fit->before;
  size_t count = fit->core->statistics(&fit->em);
  double *running = lat_doubles(fit->work, count);
  if (!running) return LAT_MEMORY;
  memset(running, 0, count * sizeof *running);
  fit->em.iterations = before ? before->updates : 0;
  if (!before) {
    LAT_TRY(lat_fit_start(fit));
  } else {
    memcpy(fit->parameters, before->flat, fit->em.count * sizeof(double));
    if (before->count == count && before->seen > 0) {
      fit->seen = before->seen;
      memcpy(running, before->statistics, count * sizeof *running);
    }
  }
  fit->running = running;
  return LAT_OK;
}

/* The first piece says how many columns there are, and is what a new model starts from. */
static lat_status begin(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  const lat_fitted *before = fit->before;
  LAT_TRY(lat_check_finite(fit->work, "X", X, fit->missing));
  fit->online = true;
  fit->sample = *X;
  fit->sample_weights = weights;
  fit->columns = X->cols;
  LAT_TRY(lat_fit_plan(fit));
  if (before && memcmp(fit->sizes, before->sizes, sizeof fit->sizes) != 0)
    return lat_fail(fit->work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu",
                    fit->sizes[LAT_D], before->sizes[LAT_D]);
  LAT_TRY(begin_parameters(fit));
  fit->sample = (lat_matrix){0}; /* the caller's, for this call */
  return LAT_OK;
}

/* (n + 2)^-0.6, where n counts in pieces that weigh as this one what the statistics have seen: a
 * ratio of weights, so that their scale changes nothing. */
static double rate_of(const lat_fit *fit, double weight, double rate)
{
  if (fit->seen == 0) return 1;
  return rate > 0 ? rate : pow(fit->seen / weight + 2, -0.6);
}

lat_status lat_fit_update(lat_fit *fit, const lat_matrix *X, const double *weights, double rate)
{
  if (!fit->running) LAT_TRY(begin(fit, X, weights));
  double weight = weights ? 0 : (double)X->rows;
  for (size_t i = 0; weights && i < X->rows; i++) weight += weights[i];
  fit->complete = false;
  LAT_TRY(lat_em_step(&fit->em, X, weights, rate_of(fit, weight, rate), fit->running));
  fit->complete = true;
  fit->seen += fit->em.statistics[1];
  return LAT_OK;
}

lat_status lat_fit_updated(lat_fit *fit, lat_fitted *fitted, lat_fit_report *report)
{
  LAT_TRY(lat_fit_present(fit, fitted, report));
  fitted->updates = fit->em.iterations;
  if (!fit->complete) return LAT_OK; /* a failed update may have left its share in the statistics */
  fitted->statistics = fit->running;
  fitted->count = fit->core->statistics(&fit->em);
  fitted->seen = fit->seen;
  return LAT_OK;
}
