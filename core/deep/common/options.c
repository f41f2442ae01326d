/* options.c: checks of options, labels and shapes that all models with nets have (options.h). */
#include "deep/common/options.h"

#include <inttypes.h>

const char *const lat_schedule_names[] = {"constant", "cosine", NULL};
const char *const lat_dtype_names[] = {
    [LAT_FLOAT64] = "float64", [LAT_FLOAT32] = "float32", [LAT_FLOAT32 + 1] = NULL};

double lat_net_numbers(const size_t *hidden, size_t count, size_t inputs, size_t outputs)
{
  double before = (double)inputs, numbers = 0;
  for (size_t k = 0; k <= count; k++) {
    double next = (double)(k < count ? hidden[k] : outputs);
    numbers += (before + 1) * next;
    before = next;
  }
  return numbers;
}

lat_status lat_deep_check_options(lat_workspace *work, const lat_deep_options *o,
                                  const lat_likelihood *likelihood, size_t latent_dim)
{
  if (likelihood->D == 0 || latent_dim == 0)
    return lat_fail(work, LAT_INVALID, "the option %s is missing",
                    likelihood->D == 0 ? "input_dim" : "latent_dim");
  LAT_TRY(lat_likelihood_check_options(work, likelihood));
  return lat_deep_check_training(work, o);
}

lat_status lat_deep_check_training(lat_workspace *work, const lat_deep_options *o)
{
  bool cosine = o->schedule == LAT_SCHEDULE_COSINE;
  if (o->beta1 >= 1 || o->beta2 >= 1)
    return lat_fail(work, LAT_INVALID, "beta1 and beta2 must be less than 1");
  if (cosine && o->schedule_steps < 1)
    return lat_fail(work, LAT_INVALID,
                    "schedule = \"cosine\" needs schedule_steps, the steps until it ends");
  if (!cosine && o->schedule_steps > 0)
    return lat_fail(work, LAT_INVALID, "schedule_steps is for schedule = \"cosine\"");
  return LAT_OK;
}

lat_status lat_class_labels(lat_workspace *work, const lat_matrix *labels, size_t rows,
                            size_t classes, int64_t lowest, const size_t **from_zero)
{
  *from_zero = NULL;
  if (!labels && classes)
    return lat_fail(work, LAT_INVALID, "the model is conditional: labels are missing");
  if (!labels) return LAT_OK;
  if (!classes)
    return lat_fail(work, LAT_INVALID,
                    "labels are for conditional models, which are made with classes");
  const bool across = labels->rows == 1;
  if (labels->rows * labels->cols != rows)
    return lat_fail(work, LAT_SHAPE, "there are %zu labels for %zu rows",
                    labels->rows * labels->cols, rows);
  size_t *to = lat_allocate(work, rows, sizeof *to);
  if (!to) return LAT_MEMORY;
  for (size_t i = 0; i < rows; i++) {
    double label = across ? lat_get(labels, 0, i) : lat_get(labels, i, 0),
           from = label - (double)lowest;
    if (!(from >= 0 && from < (double)classes && from == floor(from)))
      return lat_fail(work, LAT_INVALID,
                      "label %zu is %.14g: with classes = %zu they are whole numbers from %" PRId64
                      " to %" PRId64,
                      i + 1, label, classes, lowest, lowest + (int64_t)classes - 1);
    to[i] = (size_t)from;
  }
  *from_zero = to;
  return LAT_OK;
}

lat_status lat_deep_check_columns(lat_workspace *work, const char *name, const lat_matrix *X,
                                  size_t columns)
{
  if (X->cols == columns) return LAT_OK;
  return lat_fail(work, LAT_SHAPE, "%s has %zu columns, the model takes %zu", name, X->cols,
                  columns);
}

lat_status lat_deep_check_rows(lat_workspace *work, const char *name, const lat_matrix *X,
                               size_t columns)
{
  LAT_TRY(lat_deep_check_columns(work, name, X, columns));
  return lat_check_finite(work, name, X, false);
}
