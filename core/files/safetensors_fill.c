/* Reading a file into arrays that are there (safetensors.h). */
#include <math.h>
#include <stdio.h>

#include "files/safetensors.h"

/* "4x2", or "a number" for no axes */
static const char *shape_text(const size_t *shape, size_t axes, char *out, size_t room)
{
  size_t n = (size_t)snprintf(out, room, axes ? "" : "a number");
  for (size_t k = 0; k < axes && n < room; k++)
    n += (size_t)snprintf(out + n, room - n, k ? "x%zu" : "%zu", shape[k]);
  return out;
}

static int shown(lat_text name)
{
  return name.n < 60 ? (int)name.n : 60;
}

static lat_status match(lat_workspace *work, const lat_safetensors *file,
                        const lat_tensor_source *s, const lat_tensor **found)
{
  char has[64], needs[64];
  const lat_tensor *t = NULL;
  for (size_t i = 0; i < file->count && !t; i++)
    if (lat_text_compare(file->tensors[i].name, s->name) == 0) t = &file->tensors[i];
  if (!t)
    return lat_fail(work, LAT_FORMAT, "the model's '%.*s' is missing", shown(s->name), s->name.at);
  if (t->array.kind != 'f' || t->array.size != lat_dtype_size(s->data.dtype))
    return lat_fail(work, LAT_FORMAT, "'%.*s' must have dtype F%d", shown(s->name), s->name.at,
                    s->data.dtype == LAT_FLOAT64 ? 64 : 32);
  bool same = t->array.axes == s->axes;
  for (size_t k = 0; k < s->axes && same; k++) same = t->array.shape[k] == s->shape[k];
  *found = t;
  if (same) return LAT_OK;
  return lat_fail(work, LAT_FORMAT, "'%.*s' is %s, the model's is %s", shown(s->name), s->name.at,
                  shape_text(t->array.shape, t->array.axes, has, sizeof has),
                  shape_text(s->shape, s->axes, needs, sizeof needs));
}

/* Converts the array into `out`, of its rows and columns; all its numbers must be finite. */
static lat_status convert(lat_workspace *work, const lat_tensor *t, const unsigned char *bytes,
                          const lat_matrix *out)
{
  lat_array_convert(&t->array, bytes, 0, out);
  for (size_t i = 0; i < out->rows; i++)
    for (size_t j = 0; j < out->cols; j++) {
      double x = lat_get(out, i, j);
      if (!isfinite(x))
        return lat_fail(work, LAT_FORMAT, "element %zu of '%.*s' is %s", i * out->cols + j + 1,
                        shown(t->name), t->name.at, isnan(x) ? "NaN" : "infinite");
    }
  return LAT_OK;
}

/* What is wrong with one array. */
static lat_status check(lat_workspace *work, const lat_safetensors *file,
                        const unsigned char *bytes, const lat_tensor_source *s)
{
  const lat_tensor *t;
  LAT_TRY(match(work, file, s, &t));
  lat_mark mark = lat_workspace_mark(work);
  size_t rows = t->array.rows, cols = t->array.cols;
  lat_matrix copy = {NULL, rows, cols, (ptrdiff_t)cols, 1, s->data.dtype};
  copy.data = lat_allocate(work, rows * cols, lat_dtype_size(copy.dtype));
  if (!copy.data) return LAT_MEMORY;
  LAT_TRY(convert(work, t, bytes, &copy));
  lat_workspace_release(work, mark);
  return LAT_OK;
}

lat_status lat_safetensors_fill(lat_workspace *work, const lat_safetensors *file,
                                const unsigned char *bytes, const lat_tensor_source *sources,
                                size_t count)
{
  const lat_tensor *t;
  for (size_t i = 0; i < count; i++) LAT_TRY(check(work, file, bytes, &sources[i]));
  for (size_t k = 0; k < file->count && file->count > count; k++) {
    size_t i = 0;
    while (i < count && lat_text_compare(file->tensors[k].name, sources[i].name) != 0) i++;
    if (i == count)
      return lat_fail(work, LAT_FORMAT, "'%.*s' is no array of the model",
                      shown(file->tensors[k].name), file->tensors[k].name.at);
  }
  for (size_t i = 0; i < count; i++) {
    LAT_TRY(match(work, file, &sources[i], &t));
    LAT_TRY(convert(work, t, bytes, &sources[i].data));
  }
  return LAT_OK;
}
