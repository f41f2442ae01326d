/* model.c: what descriptions of models are good for without knowing the model. */
#include "modeling/model.h"

#include <math.h>
#include <string.h>

#include "matrix/samples/assignment.h"

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

lat_status lat_model_align(lat_workspace *work, const lat_fitted *other, lat_fitted *fitted,
                           double *permutation, double *distances)
{
  LAT_SCOPE(work);
  size_t K = fitted->sizes[LAT_K], most = other->sizes[LAT_K] > K ? other->sizes[LAT_K] : K;
  double *costs = lat_doubles(work, most * most);
  size_t *order = lat_allocate(work, K, sizeof *order);
  if (!costs || !order) return LAT_MEMORY;
  LAT_TRY(fitted->model->distances(work, other, fitted, costs));
  LAT_TRY(lat_assignment(work, K, costs, order));
  for (size_t i = 0; i < K; i++) {
    permutation[i] = (double)order[i] + 1;
    distances[i] = costs[i * K + order[i]];
  }
  LAT_TRY(fitted->model->reorder(work, fitted, order));
  return LAT_OK;
}

bool lat_method_has_out(const lat_method *method)
{
  lat_argument a = method->argument;
  bool rows = a == LAT_TAKES_ROWS || a == LAT_TAKES_ROWS_AND_Q || a == LAT_TAKES_LATENT ||
              a == LAT_TAKES_LATENT_AND_LABELS;
  lat_output_shape first = method->outputs[0].shape; /* none: rows of X */
  return rows && (first == 0 || first <= LAT_GIVES_ALIKE);
}

double lat_method_summary(const lat_fitted *fitted, int shape, const lat_matrix *numbers)
{
  double sum = 0, N = (double)numbers->rows;
  for (size_t i = 0; i < numbers->rows; i++) sum += lat_get(numbers, i, 0);
  if (shape == LAT_GIVES_MEAN) return sum / N;
  double count = (double)fitted->model->free_parameters(fitted);
  return -2 * sum + count * (shape == LAT_GIVES_AIC ? 2 : log(N));
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
