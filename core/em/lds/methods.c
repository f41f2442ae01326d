/* lds/methods.c: what the model says of one sequence, all in one call; and what methods of it give,
 * for bindings. */
#include "em/lds/internal.h"

/* ---- one call -------------------------------------------------------------------------------- */

lat_status lat_lds_apply(lat_workspace *work, const lat_lds *lds, const lat_lds_request *r,
                         const lat_lds_outputs *to)
{
  lat_lds_filtered alone = {.means = NULL};
  lat_lds_filtered *filtered = to->filtered ? to->filtered : &alone;
  if (to->forecasts && r->ahead == 0)
    return lat_fail(work, LAT_INVALID, "forecasts are of at least one step ahead");
  if (to->imputed_variances && !to->imputed)
    return lat_fail(work, LAT_INVALID, "variances of missing entries come with their means");
  if (to->filtered || (to->log_likelihood && !to->smoothed)) {
    LAT_TRY(lat_lds_filter(work, lds, &r->sequence, filtered));
    if (to->log_likelihood) *to->log_likelihood = filtered->log_likelihood;
  }
  if (to->smoothed) {
    LAT_TRY(lat_lds_smooth(work, lds, &r->sequence, to->smoothed));
    if (to->log_likelihood) *to->log_likelihood = to->smoothed->log_likelihood;
  }
  if (to->forecasts)
    LAT_TRY(lat_lds_forecast(work, lds, &r->sequence, r->ahead, r->future_U, to->forecasts));
  if (!to->imputed) return LAT_OK;
  return lat_lds_impute(work, lds, &r->sequence, to->imputed, to->imputed_variances);
}

/* ---- methods --------------------------------------------------------------------------------- */

static lat_status run_filter(lat_workspace *work, lat_lds_call *c)
{
  lat_lds_filtered *to = &c->to.filtered;
  LAT_TRY(lat_lds_filter(work, &c->lds, &c->sequence, to));
  if (to->diffuse > c->sequence.steps) to->diffuse = c->sequence.steps;
  return LAT_OK;
}

static lat_status run_smoother(lat_workspace *work, lat_lds_call *c)
{
  return lat_lds_smooth(work, &c->lds, &c->sequence, &c->to.smoothed);
}

static lat_status run_forecast(lat_workspace *work, lat_lds_call *c)
{
  return lat_lds_forecast(work, &c->lds, &c->sequence, c->rows, c->future_U, &c->to.forecasts);
}

static lat_status run_imputation(lat_workspace *work, lat_lds_call *c)
{
  return lat_lds_impute(work, &c->lds, &c->sequence, c->to.imputed.Y, c->to.imputed.variances);
}

#define RESULT(name, of, member, shape, size)                                                      \
  {                                                                                                \
    name, offsetof(lat_lds_call, to.of.member), shape, size, 0                                     \
  }
#define RESULTS(...) ((const lat_lds_result[]){__VA_ARGS__, {.name = NULL}})

/* clang-format off */
const lat_lds_method_row lat_lds_sequence_methods[] = {
    {"filter", true, false, run_filter, RESULTS(
        RESULT("means", filtered, means, LAT_LDS_ROWS, LAT_M),
        RESULT("covariances", filtered, covariances, LAT_LDS_SLOTS, LAT_M),
        RESULT("predicted_means", filtered, predicted_means, LAT_LDS_ROWS, LAT_M),
        RESULT("predicted_covariances", filtered, predicted_covariances, LAT_LDS_SLOTS, LAT_M),
        RESULT("log_likelihood", filtered, log_likelihood, LAT_LDS_ONE, LAT_END),
        RESULT("skipped", filtered, skipped, LAT_LDS_COUNT, LAT_END),
        RESULT("diffuse", filtered, diffuse, LAT_LDS_COUNT, LAT_END))},
    {"smooth", true, false, run_smoother, RESULTS(
        RESULT("means", smoothed, means, LAT_LDS_ROWS, LAT_M),
        RESULT("covariances", smoothed, covariances, LAT_LDS_MATRICES, LAT_M),
        RESULT("lag_covariances", smoothed, lag_covariances, LAT_LDS_MATRICES, LAT_M),
        RESULT("log_likelihood", smoothed, log_likelihood, LAT_LDS_ONE, LAT_END))},
    {"transform", false, false, run_smoother, RESULTS(
        RESULT("means", smoothed, means, LAT_LDS_ROWS, LAT_M))},
    {"log_likelihood", false, false, run_filter, RESULTS(
        RESULT("log_likelihood", filtered, log_densities, LAT_LDS_NUMBERS, LAT_END))},
    {"innovations", true, false, run_filter, RESULTS(
        RESULT("innovations", filtered, innovations, LAT_LDS_ROWS, LAT_D),
        RESULT("variances", filtered, innovation_variances, LAT_LDS_ROWS, LAT_D),
        RESULT("covariances", filtered, innovation_covariances, LAT_LDS_MATRICES, LAT_D),
        RESULT("standardized", filtered, standardized, LAT_LDS_ROWS, LAT_D),
        RESULT("log_likelihood", filtered, log_densities, LAT_LDS_NUMBERS, LAT_END))},
    {"impute", false, false, run_imputation, RESULTS(
        RESULT("Y", imputed, Y, LAT_LDS_ROWS, LAT_D),
        {"variances", offsetof(lat_lds_call, to.imputed.variances), LAT_LDS_ROWS, LAT_D,
         LAT_LDS_VARIANCES})},
    {"forecast", true, true, run_forecast, RESULTS(
        RESULT("means", forecasts, means, LAT_LDS_ROWS, LAT_D),
        RESULT("covariances", forecasts, covariances, LAT_LDS_MATRICES, LAT_D),
        RESULT("state_means", forecasts, state_means, LAT_LDS_ROWS, LAT_M),
        RESULT("state_covariances", forecasts, state_covariances, LAT_LDS_MATRICES, LAT_M),
        {"lower", offsetof(lat_lds_call, to.forecasts.lower), LAT_LDS_ROWS, LAT_D,
         LAT_LDS_INTERVALS},
        {"upper", offsetof(lat_lds_call, to.forecasts.upper), LAT_LDS_ROWS, LAT_D,
         LAT_LDS_INTERVALS})},
    {.name = NULL}};
/* clang-format on */

const lat_lds_method_row *lat_lds_find_method(const char *name)
{
  for (const lat_lds_method_row *m = lat_lds_sequence_methods; m->name; m++)
    if (strcmp(m->name, name) == 0) return m;
  return NULL;
}
