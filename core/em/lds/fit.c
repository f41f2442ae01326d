/* lds/fit.c: EM for linear dynamical systems, as em.h runs it, from its options to a start. */
#include "em/lds/em.h"

const lat_em_kind lat_lds_kind = {.name = "lds",
                                  .parameters = lat_lds_parameters,
                                  .statistics = lat_lds_statistics_count,
                                  .scratch = lat_lds_scratch_count,
                                  .e_step = lat_lds_e_step,
                                  .m_step = lat_lds_m_step,
                                  .feasible = lat_lds_feasible};

/* ---- given parameters ------------------------------------------------------------------------ */

/* parameters := the given values, those of the first step where they vary; 0 for the rest. */
static void set_given(const lat_lds_options *o, const size_t sizes[LAT_SIZES], double *parameters)
{
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
    for (size_t k = 0; k < count; k++) parameters[k] = o->given[i].data ? o->given[i].data[k] : 0;
    parameters += count;
  }
}

static lat_status set_stationary(lat_workspace *work, const lat_lds_model *model,
                                 const size_t sizes[LAT_SIZES], double *parameters)
{
  if (!model->stationary) return LAT_OK;
  lat_lds lds = lat_lds_of_model(model, parameters, sizes);
  lat_lds_values v = lat_lds_values_of(parameters, sizes);
  return lat_lds_stationary(work, &lds, v.mean, v.covariance);
}

lat_status lat_lds_set_given(lat_workspace *work, const lat_lds_options *o,
                             const lat_lds_model *model, const size_t sizes[LAT_SIZES],
                             double *parameters)
{
  if (model->stationary && (o->A.stride || o->Q.stride))
    return lat_fail(work, LAT_INVALID,
                    "a model whose %s varies with t has no stationary initial state",
                    o->A.stride ? "A" : "Q");
  set_given(o, sizes, parameters);
  lat_lds lds = lat_lds_of_model(model, parameters, sizes);
  LAT_TRY(lat_lds_check(work, &lds, 1));
  return set_stationary(work, model, sizes, parameters);
}

/* ---- a start --------------------------------------------------------------------------------- */

/* Q and R whose held entries leave a closed M-step. */
static lat_status check_fixed(lat_workspace *work, const lat_lds_model *model,
                              const size_t sizes[LAT_SIZES], double *parameters)
{
  lat_lds_values v = lat_lds_values_of(parameters, sizes);
  const bool *Q = model->estimate[LAT_LDS_Q] ? model->fixed[LAT_LDS_Q] : NULL;
  const bool *R = model->estimate[LAT_LDS_R] ? model->fixed[LAT_LDS_R] : NULL;
  if (Q) LAT_TRY(lat_lds_check_fixed(work, "Q", sizes[LAT_M], Q, v.Q));
  if (R) LAT_TRY(lat_lds_check_fixed(work, "R", sizes[LAT_D], R, v.R));
  return LAT_OK;
}

static lat_status check_observed(lat_workspace *work, const lat_lds_sequence *s, size_t outputs)
{
  for (size_t k = 0; k < s->steps * outputs; k++)
    if (!isnan(s->Y[k])) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "there is no observation");
}

static lat_status check_density(lat_workspace *work, const lat_lds_sequence *s, const lat_lds *lds,
                                size_t *skipped)
{
  lat_lds_filtered filtered = {0};
  LAT_TRY(lat_lds_filter(work, lds, s, &filtered));
  *skipped += filtered.skipped;
  if (filtered.diffuse <= s->steps) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "the %zu rows don't determine the diffuse initial state",
                  s->steps);
}

/* Adds the number of the sequence to a failure's message. */
static lat_status of_sequence(lat_workspace *work, size_t i, size_t count, lat_status status)
{
  char message[sizeof work->message];
  if (status == LAT_OK || count == 1) return status;
  memcpy(message, work->message, sizeof message);
  return lat_fail(work, status, "sequence %zu: %.200s", i + 1, message);
}

lat_status lat_lds_begin(lat_workspace *work, const lat_lds_options *o, lat_lds_model *model,
                         const size_t sizes[LAT_SIZES], const lat_lds_sequence *sequences,
                         size_t count, uint64_t seed, bool perturb, double *parameters)
{
  set_given(o, sizes, parameters);
  lat_lds lds = lat_lds_of_model(model, parameters, sizes);
  LAT_TRY(check_fixed(work, model, sizes, parameters));
  for (size_t i = 0; i < count; i++) {
    const lat_lds_sequence *s = sequences + i;
    LAT_TRY(of_sequence(work, i, count, lat_lds_check_sequence(work, &lds, s)));
    LAT_TRY(of_sequence(work, i, count, check_observed(work, s, lds.outputs)));
  }
  LAT_TRY(lat_lds_start(work, model, sizes, sequences, count, seed, perturb, parameters));
  LAT_TRY(set_stationary(work, model, sizes, parameters));
  LAT_TRY(lat_lds_check(work, &lds, model->longest));
  model->skipped = 0;
  for (size_t i = 0; i < count; i++)
    LAT_TRY(of_sequence(work, i, count, check_density(work, sequences + i, &lds, &model->skipped)));
  return LAT_OK;
}
