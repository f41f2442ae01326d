/* safetensors.c: the header of safetensors files, checked completely, and their writer
 * (safetensors.h). */
#include "files/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA "__metadata__"

/* A name in a message: its beginning is enough. */

static const struct dtype {
  char name[5], kind;
  size_t size;
} dtypes[] = {{"F64", 'f', 8}, {"F32", 'f', 4}, {"F16", 'f', 2}, {"I64", 'i', 8},
              {"I32", 'i', 4}, {"I16", 'i', 2}, {"I8", 'i', 1},  {"U64", 'u', 8},
              {"U32", 'u', 4}, {"U16", 'u', 2}, {"U8", 'u', 1},  {"BOOL", 'b', 1}};

/* ---- the header ------------------------------------------------------------------ */

static lat_status read_dtype(lat_json *j, lat_tensor *t)
{
  lat_text name;
  LAT_TRY(lat_json_string(j, &name));
  for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
    if (lat_text_is(name, dtypes[k].name)) {
      t->array.kind = dtypes[k].kind;
      t->array.size = dtypes[k].size;
      return LAT_OK;
    }
  return lat_fail(j->work, LAT_FORMAT,
                  "'%.*s' has dtype '%.*s', which can't be read, only F64 F32 F16, I64 I32 I16 I8, "
                  "U64 U32 U16 U8 and BOOL",
                  LAT_SHOWN(t->name), LAT_SHOWN(name));
}

static lat_status read_shape(lat_json *j, lat_tensor *t)
{
  bool more;
  LAT_TRY(lat_json_open(j, '['));
  for (t->array.axes = 0;; t->array.axes++) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more) return LAT_OK;
    if (t->array.axes == LAT_SAFETENSORS_AXES)
      return lat_fail(j->work, LAT_FORMAT, "'%.*s' has more than %d axes", LAT_SHOWN(t->name),
                      LAT_SAFETENSORS_AXES);
    LAT_TRY(lat_json_size(j, &t->array.shape[t->array.axes]));
  }
}

static lat_status read_offsets(lat_json *j, lat_tensor *t)
{
  size_t *offsets[] = {&t->begin, &t->end}, n = 0;
  bool more;
  LAT_TRY(lat_json_open(j, '['));
  for (;; n++) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more || n == 2) break;
    LAT_TRY(lat_json_size(j, offsets[n]));
  }
  if (n == 2 && !more) return LAT_OK;
  return lat_fail(j->work, LAT_FORMAT, "'%.*s' must have two data_offsets", LAT_SHOWN(t->name));
}

static lat_status read_tensor(lat_json *j, lat_tensor *t)
{
  static const char *const keys[] = {"dtype", "shape", "data_offsets"};
  static lat_status (*const readers[])(lat_json *, lat_tensor *) = {read_dtype, read_shape,
                                                                    read_offsets};
  unsigned seen = 0;
  bool more;
  LAT_TRY(lat_json_open(j, '{'));
  for (;;) {
    lat_text key;
    LAT_TRY(lat_json_more(j, &more));
    if (!more) break;
    LAT_TRY(lat_json_key(j, &key));
    size_t k = 0;
    while (k < 3 && !lat_text_is(key, keys[k])) k++;
    if (k == 3 || seen & 1u << k)
      return lat_fail(j->work, LAT_FORMAT, "'%.*s' has %s key '%.*s'", LAT_SHOWN(t->name),
                      k == 3 ? "an unknown" : "a repeated", LAT_SHOWN(key));
    seen |= 1u << k;
    LAT_TRY(readers[k](j, t));
  }
  for (size_t k = 0; k < 3; k++)
    if (!(seen & 1u << k))
      return lat_fail(j->work, LAT_FORMAT, "'%.*s' has no %s", LAT_SHOWN(t->name), keys[k]);
  return LAT_OK;
}

/* Memory for one more element of a list that doubles; the old memory stays in the workspace. */
static lat_status grow(lat_workspace *work, void **list, size_t count, size_t size)
{
  if (count & (count - 1) || (count > 0 && count < 8)) return LAT_OK; /* 0, 8, 16, 32, ... */
  void *larger = lat_allocate(work, count ? 2 * count : 8, size);
  if (!larger) return LAT_MEMORY;
  if (count) memcpy(larger, *list, count * size);
  *list = larger;
  return LAT_OK;
}

static lat_status read_metadata(lat_json *j, lat_safetensors *file)
{
  bool more;
  LAT_TRY(lat_json_open(j, '{'));
  for (;; file->pairs++) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more) return LAT_OK;
    void *list = file->metadata;
    LAT_TRY(grow(j->work, &list, file->pairs, sizeof *file->metadata));
    file->metadata = list;
    LAT_TRY(lat_json_key(j, &file->metadata[file->pairs].key));
    LAT_TRY(lat_json_string(j, &file->metadata[file->pairs].value));
  }
}

static lat_status read_header(lat_json *j, lat_safetensors *file)
{
  bool more, described = false;
  LAT_TRY(lat_json_open(j, '{'));
  for (;;) {
    lat_text name;
    LAT_TRY(lat_json_more(j, &more));
    if (!more) return lat_json_end(j);
    LAT_TRY(lat_json_key(j, &name));
    if (lat_text_is(name, METADATA)) {
      if (described) return lat_fail(j->work, LAT_FORMAT, "'" METADATA "' is there twice");
      described = true;
      LAT_TRY(read_metadata(j, file));
      continue;
    }
    if (file->count == LAT_SAFETENSORS_MOST)
      return lat_fail(j->work, LAT_FORMAT, "more than %zu tensors", LAT_SAFETENSORS_MOST);
    void *list = file->tensors;
    LAT_TRY(grow(j->work, &list, file->count, sizeof *file->tensors));
    file->tensors = list;
    file->tensors[file->count] = (lat_tensor){.name = name};
    LAT_TRY(read_tensor(j, &file->tensors[file->count++]));
  }
}

/* ---- checks of the header ---------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
  return lat_text_compare(((const lat_tensor *)a)->name, ((const lat_tensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
  return lat_text_compare(((const lat_pair *)a)->key, ((const lat_pair *)b)->key);
}

static int by_place(const void *a, const void *b)
{
  const lat_tensor *s = *(const lat_tensor *const *)a, *t = *(const lat_tensor *const *)b;
  if (s->begin != t->begin) return s->begin < t->begin ? -1 : 1;
  return (s->end > t->end) - (s->end < t->end);
}

static lat_status check_names(lat_workspace *work, lat_safetensors *file)
{
  if (file->count) qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
  if (file->pairs) qsort(file->metadata, file->pairs, sizeof *file->metadata, by_key);
  for (size_t i = 1; i < file->count; i++)
    if (by_name(&file->tensors[i - 1], &file->tensors[i]) == 0)
      return lat_fail(work, LAT_FORMAT, "'%.*s' is there twice", LAT_SHOWN(file->tensors[i].name));
  for (size_t i = 1; i < file->pairs; i++)
    if (by_key(&file->metadata[i - 1], &file->metadata[i]) == 0)
      return lat_fail(work, LAT_FORMAT, "the metadata has '%.*s' twice",
                      LAT_SHOWN(file->metadata[i].key));
  return LAT_OK;
}

/* The shape against the bytes, and where they are in the file. */
static lat_status check_size(lat_workspace *work, lat_tensor *t, size_t header, size_t data)
{
  size_t bytes = t->array.size;
  bool empty = false, overflow = false;
  for (size_t k = 0; k < t->array.axes; k++) {
    empty = empty || t->array.shape[k] == 0;
    overflow = __builtin_mul_overflow(bytes, t->array.shape[k], &bytes) || overflow;
  }
  if (overflow)
    return lat_fail(work, LAT_FORMAT, "the shape of '%.*s' overflows", LAT_SHOWN(t->name));
  if (t->begin > t->end || t->end > data)
    return lat_fail(work, LAT_FORMAT,
                    "'%.*s' is at bytes %zu to %zu of the data, but there are %zu bytes of it",
                    LAT_SHOWN(t->name), t->begin, t->end, data);
  if (t->end - t->begin != bytes)
    return lat_fail(work, LAT_FORMAT, "'%.*s' has %zu bytes, its shape needs %zu",
                    LAT_SHOWN(t->name), t->end - t->begin, bytes);
  t->array.offset = header + t->begin;
  return empty ? LAT_OK : lat_array_check(work, &t->array, header + data);
}

static lat_status check_places(lat_workspace *work, lat_safetensors *file, size_t data)
{
  lat_tensor **order = lat_allocate(work, file->count, sizeof(lat_tensor *));
  size_t covered = 0;
  if (!order) return LAT_MEMORY;
  for (size_t i = 0; i < file->count; i++) order[i] = &file->tensors[i];
  if (file->count) qsort(order, file->count, sizeof *order, by_place);
  for (size_t i = 0; i < file->count; covered = order[i++]->end)
    if (order[i]->begin != covered)
      return lat_fail(work, LAT_FORMAT, "'%.*s' begins at byte %zu of the data, which is %s %zu",
                      LAT_SHOWN(order[i]->name), order[i]->begin,
                      order[i]->begin < covered ? "within the tensor that ends at"
                                                : "after a hole from",
                      covered);
  if (covered == data) return LAT_OK;
  return lat_fail(work, LAT_FORMAT, "the tensors end at byte %zu of %zu bytes of data", covered,
                  data);
}

lat_status lat_safetensors_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                                 lat_safetensors *file)
{
  *file = (lat_safetensors){0};
  if (n < 8)
    return lat_fail(work, LAT_FORMAT, "truncated: a safetensors file has 8 bytes at least");
  uint64_t length = 0;
  for (int b = 7; b >= 0; b--) length = length << 8 | bytes[b];
  if (length > LAT_SAFETENSORS_HEADER)
    return lat_fail(work, LAT_FORMAT,
                    "not a safetensors file (a header of %llu bytes is announced, %zu are allowed)",
                    (unsigned long long)length, LAT_SAFETENSORS_HEADER);
  if (length > n - 8)
    return lat_fail(work, LAT_FORMAT, "truncated: the header has %llu bytes, %zu are there",
                    (unsigned long long)length, n - 8);
  if (length == 0 || bytes[8] != '{')
    return lat_fail(work, LAT_FORMAT, "not a safetensors file (its header doesn't begin with '{')");
  lat_json j;
  size_t header = 8 + (size_t)length;
  LAT_TRY(lat_json_begin(&j, work, (lat_text){(const char *)bytes + 8, (size_t)length}));
  LAT_TRY(read_header(&j, file));
  LAT_TRY(check_names(work, file));
  for (size_t i = 0; i < file->count; i++) {
    file->tensors[i].array.big = false;
    LAT_TRY(check_size(work, &file->tensors[i], header, n - header));
  }
  return check_places(work, file, n - header);
}

const lat_tensor *lat_safetensors_find(const lat_safetensors *file, const char *name)
{
  lat_tensor wanted = {.name = {name, strlen(name)}};
  if (file->count == 0) return NULL;
  return bsearch(&wanted, file->tensors, file->count, sizeof wanted, by_name);
}

const lat_text *lat_safetensors_metadata(const lat_safetensors *file, const char *key)
{
  lat_pair wanted = {.key = {key, strlen(key)}}, *found;
  if (file->pairs == 0) return NULL;
  found = bsearch(&wanted, file->metadata, file->pairs, sizeof wanted, by_key);
  return found ? &found->value : NULL;
}

/* ---- writing --------------------------------------------------------------------------- */

static int by_source_name(const void *a, const void *b)
{
  const lat_tensor_source *s = a, *t = b;
  return lat_text_compare(s->name, t->name);
}

static int by_dtype(const void *a, const void *b)
{
  const lat_tensor_source *s = a, *t = b;
  if (s->data.dtype != t->data.dtype) return s->data.dtype < t->data.dtype ? -1 : 1;
  return by_source_name(a, b);
}

lat_status lat_tensor_sources_sort(lat_workspace *work, lat_tensor_source *sources, size_t count)
{
  if (count > LAT_SAFETENSORS_MOST)
    return lat_fail(work, LAT_INVALID, "a file holds at most %zu tensors, got %zu",
                    LAT_SAFETENSORS_MOST, count);
  if (count) qsort(sources, count, sizeof *sources, by_source_name);
  for (size_t i = 0; i < count; i++) {
    lat_text name = sources[i].name;
    if (!lat_text_is_utf8(name))
      return lat_fail(work, LAT_INVALID, "the name of a tensor is not UTF-8");
    if (i > 0 && by_source_name(&sources[i - 1], &sources[i]) == 0)
      return lat_fail(work, LAT_INVALID, "the tensors' name '%.*s' is there twice",
                      LAT_SHOWN(name));
  }
  return LAT_OK;
}

static lat_status check_sources(lat_workspace *work, lat_tensor_source *sources, size_t count,
                                const lat_pair *metadata, size_t pairs)
{
  LAT_TRY(lat_tensor_sources_sort(work, sources, count));
  for (size_t i = 0; i < count; i++)
    if (lat_text_is(sources[i].name, METADATA))
      return lat_fail(work, LAT_INVALID, "the tensors' name '" METADATA "' is the format's own");
  if (count) qsort(sources, count, sizeof *sources, by_dtype);
  for (size_t i = 0; i < pairs; i++)
    if (!lat_text_is_utf8(metadata[i].key) || !lat_text_is_utf8(metadata[i].value))
      return lat_fail(work, LAT_INVALID, "the metadata are not UTF-8");
  return LAT_OK;
}

/* Writes the header with its length, padded so that the elements begin at a multiple of 8. */
static lat_status put_header(lat_writer *writer, const lat_tensor_source *sources, size_t count,
                             const lat_pair *metadata, size_t pairs)
{
  enum { REST = 192 }; /* more than an entry has besides its name, with numbers of 20 digits */
  size_t most = REST, begin = 0;
  for (size_t i = 0; i < count; i++) most += LAT_JSON_QUOTED(sources[i].name.n) + REST;
  for (size_t i = 0; i < pairs; i++)
    most += LAT_JSON_QUOTED(metadata[i].key.n) + LAT_JSON_QUOTED(metadata[i].value.n) + 2;
  char *header = lat_allocate(writer->work, most, 1), *at = header + 8;
  if (!header) return LAT_MEMORY;
  *at++ = '{';
  for (size_t i = 0; i < pairs; i++) {
    at += sprintf(at, i ? "," : "\"" METADATA "\":{");
    at += lat_json_quote(metadata[i].key, at);
    *at++ = ':';
    at += lat_json_quote(metadata[i].value, at);
  }
  if (pairs) at += sprintf(at, count ? "}," : "}");
  for (size_t i = 0; i < count; i++) {
    const lat_tensor_source *s = &sources[i];
    size_t size = lat_dtype_size(s->data.dtype);
    at += lat_json_quote(s->name, at);
    at += sprintf(at, ":{\"dtype\":\"F%zu\",\"shape\":[", 8 * size);
    for (size_t k = 0; k < s->axes; k++) at += sprintf(at, k ? ",%zu" : "%zu", s->shape[k]);
    size_t end = begin + s->data.rows * s->data.cols * size;
    at += sprintf(at, "],\"data_offsets\":[%zu,%zu]}%s", begin, end, i + 1 < count ? "," : "");
    begin = end;
  }
  *at++ = '}';
  while ((at - header) % 8) *at++ = ' ';
  size_t length = (size_t)(at - header) - 8;
  if (length > LAT_SAFETENSORS_HEADER)
    return lat_fail(writer->work, LAT_INVALID, "names and metadata are longer than %zu bytes",
                    LAT_SAFETENSORS_HEADER);
  for (int b = 0; b < 8; b++) header[b] = (char)(length >> 8 * b & 0xFF);
  return lat_writer_put(writer, header, length + 8);
}

lat_status lat_safetensors_write(lat_workspace *work, lat_target target, lat_tensor_source *sources,
                                 size_t count, const lat_pair *metadata, size_t pairs)
{
  lat_writer writer;
  LAT_SCOPE(work);
  LAT_TRY(check_sources(work, sources, count, metadata, pairs));
  LAT_TRY(lat_writer_begin_at(work, &writer, target));
  lat_status status = put_header(&writer, sources, count, metadata, pairs);
  for (size_t i = 0; i < count && status == LAT_OK; i++)
    status = lat_array_put(&writer, &sources[i].data, true);
  status = lat_writer_end(&writer, status);
  return status;
}
