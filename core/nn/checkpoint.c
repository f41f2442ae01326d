/* checkpoint.c: a store, its averages and the moments of optimizers as one safetensors file
 * (checkpoint.h).
 *
 * Each flat vector is a part; a tensor is called by the part's prefix and the parameter's name. A
 * file is checked completely before the first number of the store changes. */
#include "nn/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/file.h"
#include "nn/limits.h"

#define VERSION "1"

/* A flat vector and the prefix of its tensors' names. */
typedef struct part {
  char prefix[32];
  void *flat;
} part;

enum { PARTS = 2 + 2 * LAT_CHECKPOINT_OPTIMIZERS, NAME = LAT_STORE_NAME + 32 };

/* The parts of a checkpoint, the averages unless they are NULL. Returns their number. */
static size_t list_parts(const lat_checkpoint *c, void *average, part parts[PARTS])
{
  size_t n = 0;
  parts[n++] = (part){"", c->store->values};
  if (average) parts[n++] = (part){"average:", average};
  for (size_t k = 0; k < c->count; k++) {
    const lat_optimizer *o = c->optimizers[k];
    if (o->first) {
      snprintf(parts[n].prefix, sizeof parts[n].prefix, "first%zu:", k + 1);
      parts[n++].flat = o->first;
    }
    if (o->second) {
      snprintf(parts[n].prefix, sizeof parts[n].prefix, "second%zu:", k + 1);
      parts[n++].flat = o->second;
    }
  }
  return n;
}

static void name_of(const part *p, const lat_store_item *item, char name[NAME])
{
  size_t n = strlen(p->prefix);
  memcpy(name, p->prefix, n);
  memcpy(name + n, item->name, strlen(item->name) + 1);
}

static lat_text text_of(const char *word)
{
  return (lat_text){word, strlen(word)};
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A pair whose key and value are copies in the workspace. */
static lat_status put_pair(lat_workspace *work, lat_pair *pair, const char *key, const char *value)
{
  size_t k = strlen(key) + 1, v = strlen(value) + 1;
  char *copy = lat_allocate(work, k + v, 1);
  if (!copy) return LAT_MEMORY;
  pair->key = text_of(memcpy(copy, key, k));
  pair->value = text_of(memcpy(copy + k, value, v));
  return LAT_OK;
}

static lat_status put_state(lat_workspace *work, const lat_checkpoint *c, lat_pair *pairs,
                            size_t *count)
{
  char key[40], value[80];
  if (c->random) {
    const lat_random *r = c->random;
    snprintf(value, sizeof value, "[%" PRId64 ",%" PRId64 ",%" PRId64 "]", (int64_t)r->seed,
             (int64_t)r->stream, (int64_t)r->position);
    LAT_TRY(put_pair(work, &pairs[(*count)++], "random", value));
  }
  LAT_TRY(put_pair(work, &pairs[(*count)++], "format", LAT_CHECKPOINT_FORMAT));
  LAT_TRY(put_pair(work, &pairs[(*count)++], "version", VERSION));
  snprintf(value, sizeof value, "%" PRIu64, c->store->averaged);
  LAT_TRY(put_pair(work, &pairs[(*count)++], "averaged", value));
  if (c->tape) {
    snprintf(value, sizeof value, "%" PRIu64 " %" PRIu64, c->tape->seed, c->tape->step);
    LAT_TRY(put_pair(work, &pairs[(*count)++], "tape", value));
  }
  for (size_t k = 0; k < c->count; k++) {
    const lat_optimizer *o = c->optimizers[k];
    snprintf(key, sizeof key, "optimizer%zu", k + 1);
    snprintf(value, sizeof value, "%s %" PRIu64, lat_optimizer_names[o->kind], o->steps);
    LAT_TRY(put_pair(work, &pairs[(*count)++], key, value));
  }
  return LAT_OK;
}

static lat_status put_tensors(lat_workspace *work, const lat_checkpoint *c,
                              lat_tensor_source *sources, size_t *count)
{
  part parts[PARTS];
  size_t n = list_parts(c, c->store->average, parts);
  for (size_t p = 0; p < n; p++) {
    for (size_t i = 0; i < c->store->count; i++) {
      char *name = lat_allocate(work, NAME, 1);
      if (!name) return LAT_MEMORY;
      name_of(&parts[p], &c->store->items[i], name);
      lat_matrix view = lat_store_view(c->store, parts[p].flat, i);
      sources[(*count)++] = (lat_tensor_source){
          .name = text_of(name), .axes = 2, .shape = {view.rows, view.cols}, .data = view};
    }
  }
  return LAT_OK;
}

lat_status lat_checkpoint_write(lat_workspace *work, lat_target target, const lat_checkpoint *c,
                                const lat_pair *own, size_t count)
{
  LAT_SCOPE(work);
  size_t tensors = 0, pairs = count;
  lat_tensor_source *sources = lat_allocate(work, PARTS * c->store->count + 1, sizeof *sources);
  lat_pair *metadata = lat_allocate(work, count + 5 + LAT_CHECKPOINT_OPTIMIZERS, sizeof *metadata);
  if (!sources || !metadata) return LAT_MEMORY;
  if (count) memcpy(metadata, own, count * sizeof *own);
  LAT_TRY(put_state(work, c, metadata, &pairs));
  LAT_TRY(put_tensors(work, c, sources, &tensors));
  LAT_TRY(lat_safetensors_write(work, target, sources, tensors, metadata, pairs));
  return LAT_OK;
}

/* ---- checks of a file ------------------------------------------------------------------- */

/* Names for a message: the first ones, and how many more there are. */
typedef struct listing {
  char text[100];
  size_t used, count;
} listing;

static void list(listing *l, const char *name, size_t length)
{
  size_t left = sizeof l->text - l->used;
  if (length > 40) length = 40;
  if (++l->count > 1 && length + 20 > left) { /* overwritten by the next one that doesn't fit */
    snprintf(l->text + l->used, left, " and more");
    return;
  }
  l->used += (size_t)snprintf(l->text + l->used, left, "%s'%.*s'", l->count > 1 ? ", " : "",
                              (int)length, name);
}

static bool all_finite(const lat_matrix *A)
{
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++)
      if (!isfinite(lat_get(A, i, j))) return false;
  return true;
}

static bool shape_fits(const lat_tensor *t, const lat_store_item *item)
{
  return t->array.axes == 2 && t->array.shape[0] == item->rows && t->array.shape[1] == item->cols;
}

/* One tensor: it must exist, with the parameter's shape and type, and be finite. */
static lat_status check_tensor(lat_workspace *work, const lat_safetensors *file,
                               const unsigned char *bytes, const lat_checkpoint *c, const part *p,
                               size_t i, listing *missing)
{
  char name[NAME];
  const lat_store_item *item = &c->store->items[i];
  size_t size = lat_dtype_size(c->store->dtype);
  name_of(p, item, name);
  LAT_TRY(lat_check(work));
  const lat_tensor *t = lat_safetensors_find(file, name);
  if (!t) {
    list(missing, name, strlen(name));
    return LAT_OK;
  }
  if (t->array.kind != 'f' || t->array.size != size)
    return lat_fail(work, LAT_FORMAT, "'%s' must have dtype F%zu, as the store", name, 8 * size);
  if (!shape_fits(t, item))
    return lat_fail(work, LAT_FORMAT, "'%s' is %zux%zu in the file, %zux%zu in the store", name,
                    t->array.axes > 0 ? t->array.shape[0] : 1,
                    t->array.axes > 1 ? t->array.shape[1] : 1, item->rows, item->cols);
  LAT_SCOPE(work);
  size_t band = 1 + LAT_CHECKPOINT_BAND / item->cols;
  if (band > item->rows) band = item->rows;
  lat_matrix copy = {lat_allocate(work, band * item->cols, size),
                     0,
                     item->cols,
                     (ptrdiff_t)item->cols,
                     1,
                     c->store->dtype};
  if (!copy.data) return LAT_MEMORY;
  for (size_t r = 0; r < item->rows; r += band) {
    copy.rows = item->rows - r < band ? item->rows - r : band;
    LAT_TRY(lat_check(work));
    lat_array_convert(&t->array, bytes, r, &copy);
    if (!all_finite(&copy))
      return lat_fail(work, LAT_FORMAT, "'%s' has a NaN or an infinity", name);
  }
  return LAT_OK;
}

/* Tensors without prefix that are no parameter of the store. */
static lat_status find_surplus(lat_workspace *work, const lat_safetensors *file,
                               const lat_store *store, listing *surplus)
{
  LAT_SCOPE(work);
  bool *known = lat_allocate(work, file->count, sizeof *known);
  if (!known) return LAT_MEMORY;
  if (file->count) memset(known, 0, file->count * sizeof *known);
  for (size_t i = 0; i < store->count; i++) {
    const lat_tensor *t = lat_safetensors_find(file, store->items[i].name);
    if (t) known[t - file->tensors] = true;
  }
  for (size_t k = 0; k < file->count; k++) {
    lat_text name = file->tensors[k].name;
    bool other = memchr(name.at, ':', name.n) != NULL; /* of another part */
    if (!known[k] && !other) list(surplus, name.at, name.n);
  }
  return LAT_OK;
}

static bool read_number(const char **at, uint64_t *number)
{
  char *end;
  if (**at < '0' || **at > '9') return false;
  *number = strtoull(*at, &end, 10);
  *at = end;
  return true;
}

/* The metadata `key` as a string with a final 0, in `out`. */
static lat_status read_metadata(lat_workspace *work, const lat_safetensors *file, const char *key,
                                char out[64])
{
  const lat_text *value = lat_safetensors_metadata(file, key);
  if (!value || value->n >= 64)
    return lat_fail(work, LAT_FORMAT, "the metadata has no%s '%s'", value ? " good" : "", key);
  memcpy(out, value->at, value->n);
  out[value->n] = '\0';
  return LAT_OK;
}

/* Three integers, of JSON. */
static lat_status read_random(lat_workspace *work, const lat_safetensors *file, lat_random *random)
{
  const lat_text *text = lat_safetensors_metadata(file, "random");
  uint64_t *fields[] = {&random->seed, &random->stream, &random->position};
  lat_json j;
  double number;
  int64_t integer = 0;
  bool more, whole = false;
  if (text) LAT_TRY(lat_json_begin(&j, work, *text));
  if (!text || lat_json_peek(&j) != '[')
    return lat_fail(work, LAT_FORMAT, "the metadata has no 'random'");
  LAT_TRY(lat_json_open(&j, '['));
  for (int i = 0; i < 3; i++) {
    LAT_TRY(lat_json_more(&j, &more));
    if (more && lat_json_peek(&j) == '0') LAT_TRY(lat_json_number(&j, &number, &integer, &whole));
    if (!more || !whole)
      return lat_fail(work, LAT_FORMAT, "'random' in the metadata must be three integers");
    *fields[i] = (uint64_t)integer;
    whole = false;
  }
  LAT_TRY(lat_json_more(&j, &more));
  return more ? lat_fail(work, LAT_FORMAT, "'random' in the metadata must be three integers")
              : lat_json_end(&j);
}

/* The numbers of the metadata, all read before the store changes. */
typedef struct state {
  uint64_t averaged, seed, step, steps[LAT_CHECKPOINT_OPTIMIZERS];
  lat_random random;
} state;

static lat_status read_state(lat_workspace *work, const lat_safetensors *file,
                             const lat_checkpoint *c, state *s)
{
  char text[64], key[40];
  const char *at = text;
  if (c->random) LAT_TRY(read_random(work, file, &s->random));
  LAT_TRY(read_metadata(work, file, "averaged", text));
  if (!read_number(&at, &s->averaged) || *at)
    return lat_fail(work, LAT_FORMAT, "'averaged' in the metadata is no number");
  if (c->tape) {
    LAT_TRY(read_metadata(work, file, "tape", text));
    at = text;
    if (!read_number(&at, &s->seed) || *at++ != ' ' || !read_number(&at, &s->step) || *at)
      return lat_fail(work, LAT_FORMAT, "'tape' in the metadata must be seed and step");
  }
  for (size_t k = 0; k < c->count; k++) {
    snprintf(key, sizeof key, "optimizer%zu", k + 1);
    LAT_TRY(read_metadata(work, file, key, text));
    const char *kind = lat_optimizer_names[c->optimizers[k]->kind];
    size_t n = strlen(kind);
    at = text + n + 1;
    if (strncmp(text, kind, n) != 0 || text[n] != ' ')
      return lat_fail(work, LAT_FORMAT, "%s in the file is '%.20s', not %s", key, text, kind);
    if (!read_number(&at, &s->steps[k]) || *at)
      return lat_fail(work, LAT_FORMAT, "'%s' in the metadata has no number of steps", key);
  }
  return LAT_OK;
}

static lat_status check_file(lat_workspace *work, const lat_safetensors *file,
                             const unsigned char *bytes, const lat_checkpoint *c, const part *parts,
                             size_t count)
{
  listing missing = {.used = 0}, surplus = {.used = 0};
  for (size_t p = 0; p < count && missing.count == 0; p++)
    for (size_t i = 0; i < c->store->count; i++)
      LAT_TRY(check_tensor(work, file, bytes, c, &parts[p], i, &missing));
  LAT_TRY(find_surplus(work, file, c->store, &surplus));
  if (missing.count || surplus.count)
    return lat_fail(work, LAT_FORMAT, "the file is of other parameters;%s%s%s%s%s",
                    missing.count ? " it lacks " : "", missing.text,
                    missing.count && surplus.count ? ";" : "", surplus.count ? " it also has " : "",
                    surplus.text);
  return LAT_OK;
}

static void copy_all(const lat_safetensors *file, const unsigned char *bytes,
                     const lat_store *store, const part *parts, size_t count)
{
  for (size_t p = 0; p < count; p++) {
    for (size_t i = 0; i < store->count; i++) {
      char name[NAME];
      name_of(&parts[p], &store->items[i], name);
      lat_matrix view = lat_store_view(store, parts[p].flat, i);
      lat_array_convert(&lat_safetensors_find(file, name)->array, bytes, 0, &view);
    }
  }
}

lat_status lat_checkpoint_read(lat_workspace *work, const lat_safetensors *file,
                               const unsigned char *bytes, const lat_checkpoint *c)
{
  const lat_text *format = lat_safetensors_metadata(file, "format");
  const lat_text *version = lat_safetensors_metadata(file, "version");
  part parts[PARTS];
  state s = {0};
  lat_store *store = c->store;
  if (!format || !lat_text_is(*format, LAT_CHECKPOINT_FORMAT))
    return lat_fail(work, LAT_FORMAT, "no checkpoint of latent.nn");
  if (!version || !lat_text_is(*version, VERSION))
    return lat_fail(work, LAT_FORMAT, "its version is unknown (" VERSION " is read)");
  LAT_TRY(read_state(work, file, c, &s));
  void *average = s.averaged > 0 ? lat_store_vector(store) : NULL;
  if (s.averaged > 0 && !average)
    return lat_fail(work, LAT_MEMORY, "not enough memory for %zu averages", store->size);
  size_t count = list_parts(c, average, parts);
  lat_status status = check_file(work, file, bytes, c, parts, count);
  if (status != LAT_OK) {
    lat_memory_free(&store->allocator, average);
    return status;
  }
  copy_all(file, bytes, store, parts, count);
  lat_memory_free(&store->allocator, store->average);
  store->average = average;
  store->averaged = s.averaged;
  for (size_t k = 0; k < c->count; k++) c->optimizers[k]->steps = s.steps[k];
  if (c->tape) {
    c->tape->seed = s.seed;
    c->tape->step = s.step;
  }
  if (c->random) *c->random = s.random;
  return LAT_OK;
}

static lat_status parse_and_read(lat_workspace *work, const lat_map *map, const lat_checkpoint *c)
{
  LAT_SCOPE(work);
  lat_safetensors file;
  LAT_TRY(lat_safetensors_parse(work, map->bytes, map->size, &file));
  LAT_TRY(lat_checkpoint_read(work, &file, map->bytes, c));
  return LAT_OK;
}

lat_status lat_checkpoint_load(lat_workspace *work, const char *path, const lat_checkpoint *c)
{
  lat_map map;
  LAT_TRY(lat_file_map(work, path, &map));
  lat_status status = parse_and_read(work, &map, c);
  lat_file_unmap(&map);
  return status;
}
