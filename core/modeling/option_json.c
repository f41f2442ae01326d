/* option_json.c: options as JSON and back, field by field as their table says (option_json.h). */
#include "modeling/option_json.h"

#include <string.h>

static lat_text text_of(const char *word)
{
  return (lat_text){word, strlen(word)};
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Whether a reader needs it: a count of components that C has by default, and Lua wants to be told,
 * is written always. */
static bool is_written(const lat_option *o, const void *options)
{
  bool told = o->type == LAT_SIZE && o->shown && o->otherwise >= o->least;
  return told || !lat_option_is_default(o, options);
}

/* The option whose name comes next in the alphabet, of those that are written. NULL: none is
 * left. */
static const lat_option *next_option(const lat_option *table, const void *options,
                                     const lat_option *last)
{
  const lat_option *next = NULL;
  for (const lat_option *o = table; o->name; o++)
    if (is_written(o, options) && (!last || strcmp(o->name, last->name) > 0) &&
        (!next || strcmp(o->name, next->name) < 0))
      next = o;
  return next;
}

static void put_object(lat_json_text *t, const lat_option *table, const void *options);

/* A value of one number. */
static void put_value(lat_json_text *t, const lat_option *o, const void *options)
{
  const unsigned char *field = (const unsigned char *)options + o->offset;
  double value = lat_option_get(o, options);
  int64_t integer;
  size_t size;
  switch (o->type) {
  case LAT_BOOLEAN:
    lat_json_put(t, value != 0 ? "true" : "false");
    return;
  case LAT_SIZE: /* a word; integers of Lua's, and of this reader's, end at INT64_MAX */
    memcpy(&size, field, sizeof size);
    if (value < 0)
      lat_json_put_string(t, text_of(o->choices[(int)(-1 - value)]));
    else
      lat_json_put_integer(t, size > INT64_MAX ? INT64_MAX : (int64_t)size);
    return;
  case LAT_SEED:
  case LAT_INTEGER:
    memcpy(&integer, field, sizeof integer);
    lat_json_put_integer(t, integer);
    return;
  case LAT_CHOICE:
    lat_json_put_string(t, text_of(o->choices[(int)value]));
    return;
  default:
    lat_json_put_number(t, value);
  }
}

static void put_list(lat_json_text *t, const lat_option *o, const void *options)
{
  size_t length = lat_option_length(o, options);
  bool one = o->type == LAT_SIZE_LIST && length == 1;
  if (length == LAT_NO_LIST) {
    put_value(t, o->list->number, options);
    return;
  }
  if (!one) lat_json_put(t, "[");
  for (size_t i = 0; i < length; i++) {
    const lat_option element = lat_option_element(o, i);
    if (i) lat_json_put(t, ",");
    if (o->type == LAT_RECORD_LIST)
      put_object(t, o->list->fields, lat_option_record(o, options, i));
    else
      put_value(t, &element, options);
  }
  if (!one) lat_json_put(t, "]");
}

static void put_object(lat_json_text *t, const lat_option *table, const void *options)
{
  const lat_option *o = NULL;
  lat_json_put(t, "{");
  for (const char *comma = ""; (o = next_option(table, options, o)) != NULL; comma = ",") {
    lat_json_put(t, comma);
    lat_json_put_string(t, text_of(o->name));
    lat_json_put(t, ":");
    if (o->list || o->type == LAT_RANGE)
      put_list(t, o, options);
    else
      put_value(t, o, options);
  }
  lat_json_put(t, "}");
}

lat_status lat_options_write(lat_workspace *work, const lat_option *table, const void *options,
                             lat_text *text)
{
  lat_json_text t = {.work = work};
  put_object(&t, table, options);
  *text = (lat_text){t.at, t.n};
  return t.status;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The text with an end, and without any within. Keeps it. */
static const char *word_of(lat_workspace *work, lat_text text)
{
  char *word = lat_allocate(work, text.n + 1, 1);
  if (!word) return NULL;
  memcpy(word, text.at, text.n);
  word[text.n] = '\0';
  for (size_t i = 0; i < text.n; i++)
    if (word[i] == '\0') word[i] = '?';
  return word;
}

static lat_status fail_type(lat_workspace *work, const lat_option *o)
{
  static const char *const types[] = {[LAT_BOOLEAN] = "true or false",
                                      [LAT_SIZE] = "an integer",
                                      [LAT_SEED] = "an integer",
                                      [LAT_NUMBER] = "a number",
                                      [LAT_CHOICE] = "a string",
                                      [LAT_INTEGER] = "an integer",
                                      [LAT_SIZE_LIST] = "an integer or a list of integers",
                                      [LAT_RECORD_LIST] = "a list",
                                      [LAT_RANGE] = "a list of two numbers",
                                      [LAT_GIVEN] = ""};
  bool number = o->list && o->list->number;
  return lat_fail(work, LAT_INVALID, "%s must be %s%s", o->name, number ? "an integer or " : "",
                  types[o->type]);
}

static lat_status read_number(lat_workspace *work, lat_json *j, const lat_option *o, void *options)
{
  double number;
  int64_t integer;
  bool whole;
  LAT_TRY(lat_json_number(j, &number, &integer, &whole));
  bool other = o->type == LAT_SIZE && !whole && o->also && strstr(o->also, "number");
  if (other) return LAT_OK; /* a fraction is for code to read */
  return whole ? lat_option_put_integer(work, o, options, integer)
               : lat_option_put(work, o, options, number);
}

static lat_status read_choice(lat_workspace *work, lat_json *j, const lat_option *o, void *options)
{
  lat_text text;
  LAT_SCOPE(work);
  LAT_TRY(lat_json_string(j, &text));
  const char *word = word_of(work, text);
  if (!word) return LAT_MEMORY;
  const lat_option row[] = {*o, {.name = NULL}};
  LAT_TRY(lat_option_set(work, row, options, o->name, word));
  return LAT_OK;
}

/* The next value into its field, if it is of a type that the field has. */
static lat_status read_value(lat_workspace *work, lat_json *j, const lat_option *o, void *options,
                             bool *read)
{
  char next = lat_json_peek(j);
  bool number =
      o->type == LAT_SIZE || o->type == LAT_SEED || o->type == LAT_NUMBER || o->type == LAT_INTEGER;
  *read = true;
  if (o->type == LAT_BOOLEAN && (next == 't' || next == 'f')) {
    LAT_TRY(lat_option_put(work, o, options, next == 't'));
    return lat_json_word(j, next == 't' ? "true" : "false");
  }
  if ((o->type == LAT_CHOICE || (o->type == LAT_SIZE && o->choices)) && next == '"')
    return read_choice(work, j, o, options);
  if (number && next == '0') return read_number(work, j, o, options);
  *read = false;
  return LAT_OK;
}

/* A record: its first field comes first, as the others mean something with it. */
static lat_status read_record(lat_workspace *work, lat_json *j, const lat_option *table,
                              void *record)
{
  lat_json ahead = *j;
  lat_text key;
  bool more, found = false;
  if (lat_json_peek(j) == '"') return read_choice(work, j, table, record);
  if (lat_json_peek(j) != '{')
    return lat_fail(work, LAT_INVALID, "it must be a %s, or a table with one", table->name);
  LAT_SCOPE(work);
  LAT_TRY(lat_json_open(&ahead, '{'));
  for (;;) {
    LAT_TRY(lat_json_more(&ahead, &more));
    if (!more) break;
    LAT_TRY(lat_json_key(&ahead, &key));
    found = lat_text_is(key, table->name);
    if (found && lat_json_peek(&ahead) != '"') return fail_type(work, table);
    if (found) break;
    LAT_TRY(lat_json_skip(&ahead));
  }
  if (!found) return lat_fail(work, LAT_INVALID, "its %s is missing", table->name);
  LAT_TRY(read_choice(work, &ahead, table, record));
  LAT_TRY(lat_options_read(work, j, table, record));
  return LAT_OK;
}

static lat_status read_elements(lat_workspace *work, lat_json *j, const lat_option *o,
                                void *options, size_t *length)
{
  bool more, read;
  LAT_TRY(lat_json_open(j, '['));
  for (*length = 0;; ++*length) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more) return LAT_OK;
    LAT_TRY(lat_option_grow(work, o, options, *length));
    if (o->type == LAT_RECORD_LIST) {
      lat_status status =
          read_record(work, j, o->list->fields, lat_option_record(o, options, *length));
      LAT_TRY(lat_option_fault(work, o, options, *length, status));
    } else {
      const lat_option element = lat_option_element(o, *length);
      LAT_TRY(read_value(work, j, &element, options, &read));
      if (!read) return fail_type(work, o);
    }
  }
}

/* An empty list may be an empty object: tables of Lua's are both. */
static lat_status read_list(lat_workspace *work, lat_json *j, const lat_option *o, void *options)
{
  char next = lat_json_peek(j);
  size_t length = 0;
  bool more, whole = false;
  double number;
  int64_t integer;
  if (next == '0' && o->list) {
    LAT_TRY(lat_json_number(j, &number, &integer, &whole));
    if (!whole && number >= 0 && number < 1e15)
      integer = (int64_t)number, whole = number == (double)integer;
    return whole ? lat_option_put_one(work, o, options, integer) : fail_type(work, o);
  }
  if (next == '[') {
    LAT_TRY(read_elements(work, j, o, options, &length));
  } else if (next == '{') {
    LAT_TRY(lat_json_open(j, '{'));
    LAT_TRY(lat_json_more(j, &more));
    if (more) return fail_type(work, o);
  } else {
    return fail_type(work, o);
  }
  return lat_option_finish(work, o, options, length);
}

static lat_status read_option(lat_workspace *work, lat_json *j, const lat_option *o, void *options)
{
  bool read;
  if (o->list || o->type == LAT_RANGE) return read_list(work, j, o, options);
  LAT_TRY(read_value(work, j, o, options, &read));
  if (read) return LAT_OK;
  if (o->type == LAT_GIVEN || o->also) return lat_json_skip(j);
  return fail_type(work, o);
}

lat_status lat_option_read(lat_workspace *work, lat_text text, const lat_option *o, void *options)
{
  lat_json j;
  LAT_SCOPE(work);
  LAT_TRY(lat_json_begin(&j, work, text));
  LAT_TRY(read_option(work, &j, o, options));
  LAT_TRY(lat_json_end(&j));
  return LAT_OK;
}

/* The members of the object that the reader is at. */
lat_status lat_options_read(lat_workspace *work, lat_json *j, const lat_option *table,
                            void *options)
{
  size_t count = 0;
  lat_text key;
  bool more;
  while (table[count].name) count++;
  LAT_SCOPE(work);
  bool *seen = lat_allocate(work, count, sizeof *seen);
  if (!seen) return LAT_MEMORY;
  if (count) memset(seen, 0, count * sizeof *seen);
  LAT_TRY(lat_json_open(j, '{'));
  for (;;) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more) return LAT_OK;
    LAT_SCOPE(work);
    LAT_TRY(lat_json_key(j, &key));
    const char *name = word_of(work, key);
    if (!name) return LAT_MEMORY;
    const lat_option *o = lat_option_find(table, name);
    if (!o) return lat_option_set(work, table, options, name, ""); /* which says so */
    if (seen[o - table]) return lat_fail(work, LAT_FORMAT, "bad JSON: a key is there twice");
    seen[o - table] = true;
    LAT_TRY(read_option(work, j, o, options));
  }
}
