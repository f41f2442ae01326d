/* parameters.c: sizes and positions of parameters in a model's flat vector (parameters.h).
 *
 * A parameter has the product of its shape's sizes in doubles, and begins where the one before
 * ends. */
#include "base/parameters.h"

#include <string.h>

size_t lat_parameter_count(const lat_parameter *parameter, const size_t sizes[LAT_SIZES])
{
  size_t count = 1;
  for (int i = 0; i < 3 && parameter->shape[i] != LAT_END; i++) count *= sizes[parameter->shape[i]];
  return count;
}

size_t lat_parameters_count(const lat_parameter *table, const size_t sizes[LAT_SIZES])
{
  size_t count = 0;
  for (; table->name; table++) count += lat_parameter_count(table, sizes);
  return count;
}

double *lat_parameter_at(const lat_parameter *table, const size_t sizes[LAT_SIZES], double *flat,
                         const char *name)
{
  for (; table->name; table++) {
    if (strcmp(table->name, name) == 0) return flat;
    flat += lat_parameter_count(table, sizes);
  }
  return NULL;
}

void lat_parameters_reorder(const lat_parameter *table, const size_t sizes[LAT_SIZES],
                            lat_size size, const size_t *order, double *flat, double *old)
{
  for (; table->name; table++) {
    size_t count = lat_parameter_count(table, sizes), part = count / sizes[size];
    for (size_t i = 0; table->shape[0] == size && i < sizes[size]; i++) {
      if (i == 0) memcpy(old, flat, count * sizeof *old);
      memcpy(flat + i * part, old + order[i] * part, part * sizeof *old);
    }
    flat += count;
  }
}
