/* model.c: what descriptions of models are good for without knowing the model. */
#include "modeling/model.h"

#include <math.h>
#include <string.h>

const lat_option lat_no_options[] = {{.name = NULL}};
const lat_option lat_missing_options[] = {LAT_OPTION_MISSING, {.name = NULL}};
const lat_option lat_variance_options[] = {LAT_OPTION_VARIANCE, {.name = NULL}};
const lat_option lat_seed_options[] = {LAT_OPTION_GIVEN("seed", "integer|latent.Random"),
                                       {.name = NULL}};

void lat_model_defaults(const lat_model *model, void *options)
{
  lat_options_default(model->options, options, model->options_size);
}

lat_status lat_model_check(lat_workspace *work, const lat_model *model, const void *options)
{
  LAT_TRY(lat_options_check(work, model->options, options));
  return model->check ? model->check(work, options) : LAT_OK;
}

const lat_method *lat_method_find(const lat_method *table, const char *name)
{
  for (; table->name; table++)
    if (strcmp(table->name, name) == 0) return table;
  return NULL;
}

lat_status lat_take_distribution(lat_workspace *work, const char *name, size_t n, double *p)
{
  double total = 0;
  for (size_t i = 0; i < n; i++) total += p[i] >= 0 ? p[i] : NAN;
  if (!(total > 0 && isfinite(total)))
    return lat_fail(work, LAT_INVALID, "%s must be >= 0, and not all 0", name);
  if (fabs(total - 1) > 1e-6)
    return lat_fail(work, LAT_INVALID, "%s must add up to 1, not to %.14g", name, total);
  for (size_t i = 0; i < n; i++) p[i] /= total;
  return LAT_OK;
}

lat_status lat_check_distribution(lat_workspace *work, const char *name, size_t n, const double *p)
{
  double total = 0;
  for (size_t i = 0; i < n; i++) total += p[i] >= 0 ? p[i] : NAN;
  if (fabs(total - 1) < 1e-6) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "the %s are no distribution", name);
}
