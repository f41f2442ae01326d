/* save.c: models as safetensors files: metadata by the tables of options and sizes (save.h).
 *
 * Storage: a file is mapped while it is read; what is read of its header goes with the call, and
 * the parameters lie below that in the workspace. */
#include "modeling/save.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "files/file.h"
#include "modeling/option_json.h"

static const char *const size_names[LAT_SIZES] = {
    [LAT_D] = "D", [LAT_K] = "K", [LAT_M] = "M", [LAT_U] = "U"};

static lat_text text_of(const char *word)
{
  return (lat_text){word, strlen(word)};
}

/* Does a shape of the table use this size? */
static bool uses_size(const lat_parameter *table, int size)
{
  for (; table->name; table++)
    for (int i = 0; i < 3 && table->shape[i] != LAT_END; i++)
      if ((int)table->shape[i] == size) return true;
  return false;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Keeps the key. */
static lat_status put_pair(lat_workspace *work, const char *prefix, const char *key, lat_text value,
                           lat_pair *to)
{
  size_t n = strlen(prefix), m = strlen(key);
  char *text = lat_allocate(work, n + m + 1, 1);
  if (!text) return LAT_MEMORY;
  memcpy(text, prefix, n);
  memcpy(text + n, key, m + 1);
  *to = (lat_pair){{text, n + m}, value};
  return LAT_OK;
}

/* {"D":4,"K":3}. Keeps the text. */
static lat_status put_sizes(lat_workspace *work, const lat_parameter_set *set, lat_text *to)
{
  lat_json_text t = {.work = work};
  const char *comma = "";
  lat_json_put(&t, "{");
  for (int s = LAT_END + 1; s < LAT_SIZES; s++) {
    if (!uses_size(set->table, s)) continue;
    lat_json_put(&t, comma);
    lat_json_put_string(&t, text_of(size_names[s]));
    lat_json_put(&t, ":");
    lat_json_put_integer(&t, (int64_t)set->sizes[s]);
    comma = ",";
  }
  lat_json_put(&t, "}");
  *to = (lat_text){t.at, t.n};
  return t.status;
}

lat_status lat_saved_pairs(lat_workspace *work, const lat_saved *m, lat_pair pairs[LAT_SAVED_PAIRS])
{
  lat_text sizes = {"", 0};
  const char *prefix = m->set.prefix;
  if (m->set.sizes) LAT_TRY(put_sizes(work, &m->set, &sizes));
  LAT_TRY(put_pair(work, prefix, "kind", text_of(m->kind), &pairs[0]));
  LAT_TRY(put_pair(work, prefix, "options", m->options, &pairs[1]));
  LAT_TRY(put_pair(work, prefix, "sizes", sizes, &pairs[2]));
  return put_pair(work, prefix, "record", m->record, &pairs[3]);
}

void lat_saved_format(lat_pair pairs[2])
{
  pairs[0] = (lat_pair){text_of("format"), text_of(LAT_SAVED_FORMAT)};
  pairs[1] = (lat_pair){text_of("version"), text_of(LAT_SAVED_VERSION)};
}

lat_status lat_saved_write(lat_workspace *work, lat_target target, const lat_saved *models,
                           size_t count)
{
  LAT_SCOPE(work);
  size_t pairs = 2, sets = 0;
  lat_pair *metadata = lat_allocate(work, pairs + count * LAT_SAVED_PAIRS, sizeof *metadata);
  lat_parameter_set *set = lat_allocate(work, count, sizeof *set);
  if (!metadata || !set) return LAT_MEMORY;
  lat_saved_format(metadata);
  for (size_t i = 0; i < count; i++) {
    LAT_TRY(lat_saved_pairs(work, &models[i], metadata + pairs));
    pairs += models[i].set.sizes ? LAT_SAVED_PAIRS : 2;
    if (models[i].set.sizes) set[sets++] = models[i].set;
  }
  LAT_TRY(lat_parameters_write(work, target, set, sets, metadata, pairs));
  return LAT_OK;
}

lat_status lat_model_save(lat_workspace *work, const char *path, const lat_fitted *f)
{
  LAT_SCOPE(work);
  if (!f->flat) return lat_fail(work, LAT_INVALID, "the model has no parameters yet");
  LAT_TRY(lat_model_check(work, f->model, f->options));
  const lat_parameter *table = f->model->parameters(f->options);
  lat_saved saved = {{"", table, f->sizes, f->flat}, f->model->name, {"", 0}, text_of("{}")};
  LAT_TRY(lat_options_write(work, f->model->options, f->options, &saved.options));
  LAT_TRY(lat_saved_write(work, (lat_target){.path = path}, &saved, 1));
  return LAT_OK;
}

/* ---- reading: what every file has ------------------------------------------------------------ */

/* A text in a message: its beginning is enough. */
#define SHOWN(text) ((text).n < 40 ? (int)(text).n : 40), (text).at

lat_status lat_saved_check(lat_workspace *work, const lat_safetensors *file)
{
  const lat_text *format = lat_saved_find(file, "", "format");
  const lat_text *version = lat_saved_find(file, "", "version");
  if (!format || !lat_text_is(*format, LAT_SAVED_FORMAT) || !version ||
      !lat_saved_find(file, "", "kind"))
    return lat_fail(work, LAT_FORMAT, "no saved model, but another safetensors file");
  if (lat_text_is(*version, LAT_SAVED_VERSION)) return LAT_OK;
  return lat_fail(work, LAT_FORMAT, "version '%.*s' is unknown (" LAT_SAVED_VERSION " is read)",
                  SHOWN(*version));
}

const lat_text *lat_saved_find(const lat_safetensors *file, const char *prefix, const char *key)
{
  char name[64];
  int n = snprintf(name, sizeof name, "%s%s", prefix, key);
  return n < (int)sizeof name ? lat_safetensors_metadata(file, name) : NULL;
}

const char *lat_saved_prefix(lat_workspace *work, size_t number)
{
  char *prefix = lat_allocate(work, 1, 24);
  if (prefix) snprintf(prefix, 24, "%zu.", number);
  return prefix;
}

size_t lat_saved_count(const lat_safetensors *file)
{
  char kind[32];
  size_t count = 0;
  do {
    snprintf(kind, sizeof kind, "%zu.kind", ++count);
  } while (lat_safetensors_metadata(file, kind));
  return count - 1;
}

lat_status lat_saved_object(lat_workspace *work, const lat_safetensors *file, const char *prefix,
                            const char *key, lat_json *json)
{
  const lat_text *value = lat_saved_find(file, prefix, key);
  if (!value) return lat_fail(work, LAT_FORMAT, "the metadata has no '%s%s'", prefix, key);
  LAT_TRY(lat_json_begin(json, work, *value));
  if (lat_json_peek(json) == '{') return LAT_OK;
  return lat_fail(work, LAT_FORMAT, "'%s%s' in the metadata is no JSON object", prefix, key);
}

static lat_status fail_twice(lat_workspace *work)
{
  return lat_fail(work, LAT_FORMAT, "bad JSON: a key is there twice");
}

static lat_status read_size(lat_workspace *work, lat_json *j, int s, size_t *size)
{
  int least = s == LAT_M || s == LAT_U ? 0 : 1; /* there may be none */
  double number;
  int64_t integer = -1;
  bool whole = false;
  if (j && lat_json_peek(j) == '0') LAT_TRY(lat_json_number(j, &number, &integer, &whole));
  if (!whole || integer < least)
    return lat_fail(work, LAT_FORMAT, "the size %s must be an integer >= %d", size_names[s], least);
  *size = (size_t)integer;
  return LAT_OK;
}

lat_status lat_saved_sizes(lat_workspace *work, const lat_safetensors *file, const char *prefix,
                           const lat_parameter *table, size_t sizes[LAT_SIZES])
{
  lat_json j;
  lat_text key;
  bool more, seen[LAT_SIZES] = {false};
  LAT_SCOPE(work);
  LAT_TRY(lat_saved_object(work, file, prefix, "sizes", &j));
  LAT_TRY(lat_json_open(&j, '{'));
  memset(sizes, 0, LAT_SIZES * sizeof *sizes);
  for (;;) {
    LAT_TRY(lat_json_more(&j, &more));
    if (!more) break;
    LAT_TRY(lat_json_key(&j, &key));
    int s = LAT_END + 1;
    while (s < LAT_SIZES && !lat_text_is(key, size_names[s])) s++;
    if (s < LAT_SIZES && seen[s]) return fail_twice(work);
    if (s < LAT_SIZES) seen[s] = true;
    if (s < LAT_SIZES && uses_size(table, s))
      LAT_TRY(read_size(work, &j, s, &sizes[s]));
    else
      LAT_TRY(lat_json_skip(&j));
  }
  LAT_TRY(lat_json_end(&j));
  for (int s = LAT_END + 1; s < LAT_SIZES; s++)
    if (!seen[s] && uses_size(table, s)) LAT_TRY(read_size(work, NULL, s, &sizes[s]));
  return LAT_OK;
}

lat_status lat_saved_fault(lat_workspace *work, const char *what, lat_status status)
{
  char message[sizeof work->message];
  if (status == LAT_OK || status == LAT_MEMORY || status == LAT_CANCELLED || status == LAT_FORMAT)
    return status;
  memcpy(message, work->message, sizeof message);
  return lat_fail(work, LAT_FORMAT, "%s: %s", what, message);
}

/* ---- reading a model ------------------------------------------------------------------------- */

lat_status lat_saved_options(lat_workspace *work, const lat_safetensors *file,
                             const lat_model *model, void *options)
{
  lat_json j;
  const lat_text *kind = lat_saved_find(file, "", "kind");
  if (!kind) return lat_fail(work, LAT_FORMAT, "the metadata has no 'kind'");
  if (!lat_text_is(*kind, model->name))
    return lat_fail(work, LAT_FORMAT, "the model is of the kind '%.*s', not '%s'", SHOWN(*kind),
                    model->name);
  LAT_SCOPE(work);
  lat_model_defaults(model, options);
  LAT_TRY(lat_saved_object(work, file, "", "options", &j));
  lat_status status = lat_options_read(work, &j, model->options, options);
  if (status == LAT_OK) status = lat_json_end(&j);
  if (status == LAT_OK) status = lat_model_check(work, model, options);
  LAT_TRY(lat_saved_fault(work, "the options are wrong", status));
  LAT_TRY(lat_saved_object(work, file, "", "record", &j));
  LAT_TRY(lat_json_skip(&j));
  LAT_TRY(lat_json_end(&j));
  return LAT_OK;
}

/* Everything but the parameters: then the file has exactly those. */
static lat_status read_header(lat_workspace *work, const lat_safetensors *file,
                              const lat_model *model, void *options, lat_fitted *f)
{
  LAT_TRY(lat_saved_check(work, file));
  LAT_TRY(lat_saved_options(work, file, model, options));
  const lat_parameter *table = model->parameters(options);
  LAT_TRY(lat_saved_sizes(work, file, "", table, f->sizes));
  const lat_parameter_set set = {"", table, f->sizes, NULL};
  return lat_parameters_match(work, file, &set, 1);
}

/* Into f->flat, which is as long as the file. */
static lat_status read_model(lat_workspace *work, const unsigned char *bytes, size_t n,
                             const lat_model *model, void *options, lat_fitted *f)
{
  lat_safetensors file;
  LAT_SCOPE(work);
  LAT_TRY(lat_safetensors_parse(work, bytes, n, &file));
  LAT_TRY(read_header(work, &file, model, options, f));
  const lat_parameter_set set = {"", model->parameters(options), f->sizes, f->flat};
  LAT_TRY(lat_parameters_read(work, &file, bytes, &set, 1));
  if (!model->check_fitted) return LAT_OK;
  LAT_TRY(lat_saved_fault(work, "the parameters are wrong", model->check_fitted(work, f)));
  return LAT_OK;
}

lat_status lat_model_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                           const lat_model *model, void *options, lat_fitted *fitted)
{
  lat_fitted f = {.model = model, .options = options};
  lat_mark mark = lat_workspace_mark(work);
  f.flat = lat_doubles(work, n / sizeof *f.flat + 1);
  if (!f.flat) return LAT_MEMORY;
  lat_status status = read_model(work, bytes, n, model, options, &f);
  if (status == LAT_OK)
    *fitted = f;
  else
    lat_workspace_release(work, mark);
  return status;
}

lat_status lat_model_load(lat_workspace *work, const char *path, const lat_model *model,
                          void *options, lat_fitted *fitted)
{
  lat_map map;
  LAT_TRY(lat_file_map(work, path, &map));
  lat_status status = lat_model_parse(work, map.bytes, map.size, model, options, fitted);
  lat_file_unmap(&map);
  return status;
}
