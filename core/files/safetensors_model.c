/* The second half of safetensors.h: parameters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "files/safetensors.h"

/* Sets the shape of a parameter; returns the number of its axes. */
static size_t shape_of(const lat_parameter *p, const size_t sizes[LAT_SIZES], size_t shape[3])
{
  size_t axes = 0;
  for (; axes < 3 && p->shape[axes] != LAT_END; axes++) shape[axes] = sizes[p->shape[axes]];
  return axes;
}

static size_t length_of(const lat_parameter *table)
{
  size_t n = 0;
  while (table[n].name) n++;
  return n;
}

lat_status lat_parameters_write(lat_workspace *work, const char *path, const lat_parameter *table,
                                const size_t sizes[LAT_SIZES], double *flat,
                                const lat_pair *metadata, size_t pairs)
{
  size_t n = length_of(table);
  lat_mark mark = lat_workspace_mark(work);
  lat_tensor_source *sources = lat_allocate(work, n, sizeof *sources);
  if (!sources) return LAT_MEMORY;
  for (size_t i = 0; i < n; i++) {
    size_t count = lat_parameter_count(&table[i], sizes);
    sources[i] = (lat_tensor_source){.name = {table[i].name, strlen(table[i].name)},
                                     .data = lat_vector_of(flat, count)};
    sources[i].axes = shape_of(&table[i], sizes, sources[i].shape);
    flat += count;
  }
  LAT_TRY(lat_safetensors_write(work, path, sources, n, metadata, pairs));
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* "4x2", or "a number" for no axes */
static const char *shape_text(const size_t *shape, size_t axes, char *out, size_t room)
{
  size_t n = (size_t)snprintf(out, room, axes ? "" : "a number");
  for (size_t k = 0; k < axes && n < room; k++)
    n += (size_t)snprintf(out + n, room - n, k ? "x%zu" : "%zu", shape[k]);
  return out;
}

static lat_status match(lat_workspace *work, const lat_safetensors *file, const lat_parameter *p,
                        const size_t sizes[LAT_SIZES])
{
  char has[64], needs[64];
  size_t shape[3], axes = shape_of(p, sizes, shape);
  const lat_tensor *t = lat_safetensors_find(file, p->name);
  if (!t) return lat_fail(work, LAT_FORMAT, "the model's '%s' is missing", p->name);
  if (t->array.kind != 'f' || t->array.size != sizeof(double))
    return lat_fail(work, LAT_FORMAT, "'%s' must have dtype F64", p->name);
  bool same = t->array.axes == axes;
  for (size_t k = 0; k < axes && same; k++) same = t->array.shape[k] == shape[k];
  if (same) return LAT_OK;
  return lat_fail(work, LAT_FORMAT, "'%s' is %s, the model's sizes make it %s", p->name,
                  shape_text(t->array.shape, t->array.axes, has, sizeof has),
                  shape_text(shape, axes, needs, sizeof needs));
}

lat_status lat_parameters_match(lat_workspace *work, const lat_safetensors *file,
                                const lat_parameter *table, const size_t sizes[LAT_SIZES])
{
  size_t n = length_of(table);
  for (size_t i = 0; i < n; i++) LAT_TRY(match(work, file, &table[i], sizes));
  if (file->count == n) return LAT_OK;
  for (size_t i = 0; i < file->count; i++) {
    lat_text name = file->tensors[i].name;
    size_t k = 0;
    while (k < n && !lat_text_is(name, table[k].name)) k++;
    if (k == n)
      return lat_fail(work, LAT_FORMAT, "'%.*s' is no parameter of the model",
                      name.n < 40 ? (int)name.n : 40, name.at);
  }
  return LAT_OK;
}

lat_status lat_parameters_read(lat_workspace *work, const lat_safetensors *file,
                               const unsigned char *bytes, const lat_parameter *table,
                               const size_t sizes[LAT_SIZES], double *flat)
{
  for (const lat_parameter *p = table; p->name; p++) {
    const lat_array *array = &lat_safetensors_find(file, p->name)->array;
    size_t count = lat_parameter_count(p, sizes);
    if (count == 0) continue;
    lat_matrix out = lat_matrix_of(flat, array->rows, array->cols);
    lat_array_convert(array, bytes, 0, &out);
    for (size_t i = 0; i < count; i++)
      if (!isfinite(flat[i]))
        return lat_fail(work, LAT_FORMAT, "element %zu of '%s' is %s", i + 1, p->name,
                        isnan(flat[i]) ? "NaN" : "infinite");
    flat += count;
  }
  return LAT_OK;
}
