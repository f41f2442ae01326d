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
