/* safetensors_model.c: the parameters of models as arrays of a safetensors file (safetensors.h).
 *
 * A parameter is an F64 array of its shape, named by the prefix of its set and its own name. */
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

/* The array of a parameter is called by the set's prefix and its own name. */
static lat_status name_of(lat_workspace *work, const lat_parameter_set *set, const lat_parameter *p,
                          const char **name)
{
  size_t n = strlen(set->prefix), m = strlen(p->name);
  char *text = lat_allocate(work, n + m + 1, 1);
  if (!text) return LAT_MEMORY;
  memcpy(text, set->prefix, n);
  memcpy(text + n, p->name, m + 1);
  *name = text;
  return LAT_OK;
}

static lat_status put_sources(lat_workspace *work, const lat_parameter_set *set,
                              lat_tensor_source *to)
{
  double *flat = set->flat;
  const char *name;
  for (const lat_parameter *p = set->table; p->name; p++, to++) {
    size_t count = lat_parameter_count(p, set->sizes);
    LAT_TRY(name_of(work, set, p, &name));
    *to = (lat_tensor_source){.name = {name, strlen(name)}, .data = lat_vector_of(flat, count)};
    to->axes = shape_of(p, set->sizes, to->shape);
    flat += count;
  }
  return LAT_OK;
}

static size_t total_length(const lat_parameter_set *sets, size_t count)
{
  size_t n = 0;
  for (size_t i = 0; i < count; i++) n += length_of(sets[i].table);
  return n;
}

lat_status lat_parameters_write(lat_workspace *work, lat_target target,
                                const lat_parameter_set *sets, size_t count,
                                const lat_pair *metadata, size_t pairs)
{
  size_t n = total_length(sets, count), at = 0;
  LAT_SCOPE(work);
  lat_tensor_source *sources = lat_allocate(work, n, sizeof *sources);
  if (!sources) return LAT_MEMORY;
  for (size_t i = 0; i < count; at += length_of(sets[i].table), i++)
    LAT_TRY(put_sources(work, &sets[i], sources + at));
  LAT_TRY(lat_safetensors_write(work, target, sources, n, metadata, pairs));
  return LAT_OK;
}

/* "4x2", or "a number" for no axes */
static const char *shape_text(const size_t *shape, size_t axes, char *out, size_t size)
{
  size_t n = (size_t)snprintf(out, size, axes ? "" : "a number");
  for (size_t k = 0; k < axes && n < size; k++)
    n += (size_t)snprintf(out + n, size - n, k ? "x%zu" : "%zu", shape[k]);
  return out;
}

/* The tensor of a parameter, of its shape and type; `known` is marked for it. */
static lat_status match(lat_workspace *work, const lat_safetensors *file, const lat_parameter *p,
                        const size_t sizes[LAT_SIZES], const char *name, bool *known)
{
  char has[64], needs[64];
  size_t shape[3], axes = shape_of(p, sizes, shape);
  const lat_tensor *t = lat_safetensors_find(file, name);
  if (!t) return lat_fail(work, LAT_FORMAT, "the model's '%s' is missing", name);
  if (t->array.kind != 'f' || t->array.size != sizeof(double))
    return lat_fail(work, LAT_FORMAT, "'%s' must have dtype F64", name);
  bool same = t->array.axes == axes;
  for (size_t k = 0; k < axes && same; k++) same = t->array.shape[k] == shape[k];
  known[t - file->tensors] = true;
  if (same) return LAT_OK;
  return lat_fail(work, LAT_FORMAT, "'%s' is %s, the model's sizes make it %s", name,
                  shape_text(t->array.shape, t->array.axes, has, sizeof has),
                  shape_text(shape, axes, needs, sizeof needs));
}

lat_status lat_parameters_match(lat_workspace *work, const lat_safetensors *file,
                                const lat_parameter_set *sets, size_t count)
{
  LAT_SCOPE(work);
  bool *known = lat_allocate(work, file->count, sizeof *known);
  if (!known) return LAT_MEMORY;
  if (file->count) memset(known, 0, file->count * sizeof *known);
  for (size_t i = 0; i < count; i++) {
    for (const lat_parameter *p = sets[i].table; p->name; p++) {
      const char *name;
      LAT_SCOPE(work);
      LAT_TRY(name_of(work, &sets[i], p, &name));
      LAT_TRY(match(work, file, p, sets[i].sizes, name, known));
    }
    LAT_TRY(lat_check(work));
  }
  for (size_t i = 0; i < file->count; i++) {
    if (!known[i])
      return lat_fail(work, LAT_FORMAT, "'%.*s' is no parameter of the model",
                      LAT_SHOWN(file->tensors[i].name));
  }
  return LAT_OK;
}

static lat_status read_set(lat_workspace *work, const lat_safetensors *file,
                           const unsigned char *bytes, const lat_parameter_set *set)
{
  double *flat = set->flat;
  const char *name;
  LAT_SCOPE(work);
  for (const lat_parameter *p = set->table; p->name; p++) {
    LAT_TRY(name_of(work, set, p, &name));
    const lat_array *array = &lat_safetensors_find(file, name)->array;
    size_t count = lat_parameter_count(p, set->sizes);
    if (count == 0) continue;
    lat_matrix out = lat_matrix_of(flat, array->rows, array->cols);
    lat_array_convert(array, bytes, 0, &out);
    for (size_t i = 0; i < count; i++)
      if (!isfinite(flat[i]))
        return lat_fail(work, LAT_FORMAT, "element %zu of '%s' is %s", i + 1, name,
                        isnan(flat[i]) ? "NaN" : "infinite");
    flat += count;
  }
  return LAT_OK;
}

lat_status lat_parameters_read(lat_workspace *work, const lat_safetensors *file,
                               const unsigned char *bytes, const lat_parameter_set *sets,
                               size_t count)
{
  for (size_t i = 0; i < count; i++) LAT_TRY(read_set(work, file, bytes, &sets[i]));
  return LAT_OK;
}
