/* options.c: reading, writing and checking options by their table. */
#include "base/options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/words.h"

/* ---- fields --------------------------------------------------------------------------------- */

static int count_words(const lat_option *option)
{
  int count = 0;
  while (option->choices && option->choices[count]) count++;
  return count;
}

/* Of a word -1 - i. */
static double read_size(const lat_option *option, size_t size)
{
  size_t word = SIZE_MAX - size;
  return word < (size_t)count_words(option) ? -1 - (double)word : (double)size;
}

double lat_option_get(const lat_option *option, const void *options)
{
  const unsigned char *field = (const unsigned char *)options + option->offset;
  switch (option->type) {
  case LAT_BOOLEAN:
    return *(const bool *)field;
  case LAT_SIZE:
    return read_size(option, *(const size_t *)(const void *)field);
  case LAT_SEED:
    return (double)(int64_t) * (const uint64_t *)(const void *)field;
  case LAT_NUMBER:
    return *(const double *)(const void *)field;
  case LAT_INTEGER:
    return (double)*(const int64_t *)(const void *)field;
  case LAT_CHOICE:
    return *(const int *)(const void *)field;
  default:
    return NAN;
  }
}

static void put(const lat_option *option, void *options, double value)
{
  unsigned char *field = (unsigned char *)options + option->offset;
  switch (option->type) {
  case LAT_BOOLEAN:
    *(bool *)field = value != 0;
    return;
  case LAT_SIZE:
    *(size_t *)(void *)field = value < 0 ? LAT_WORD(-1 - value) : (size_t)value;
    return;
  case LAT_SEED:
    *(uint64_t *)(void *)field = (uint64_t)(int64_t)value;
    return;
  case LAT_NUMBER:
    *(double *)(void *)field = value;
    return;
  case LAT_INTEGER:
    *(int64_t *)(void *)field = (int64_t)value;
    return;
  case LAT_CHOICE:
    *(int *)(void *)field = (int)value;
    return;
  default:
    return;
  }
}

/* ---- lists ----------------------------------------------------------------------------------- */

static size_t *length_of(const lat_option *option, const void *options)
{
  return (size_t *)(void *)((char *)(size_t)options + option->list->length);
}

/* The length of a list that isn't given. */
static size_t no_list(const lat_option *option)
{
  return option->list->shortest > 0 ? 0 : LAT_NO_LIST;
}

size_t lat_option_length(const lat_option *option, const void *options)
{
  if (option->type == LAT_RANGE) return lat_option_is_default(option, options) ? LAT_NO_LIST : 2;
  size_t length = *length_of(option, options);
  return length == no_list(option) ? LAT_NO_LIST : length;
}

lat_option lat_option_element(const lat_option *option, size_t i)
{
  lat_option element = *option;
  bool range = option->type == LAT_RANGE;
  element.type = range ? LAT_NUMBER : LAT_SIZE;
  element.offset += i * (range ? sizeof(double) : sizeof(size_t));
  return element;
}

void *lat_option_record(const lat_option *option, const void *options, size_t i)
{
  return (char *)(size_t)options + option->offset + i * option->list->bytes;
}

static void put_default_list(const lat_option *option, void *options)
{
  bool one = option->type == LAT_SIZE_LIST && !isnan(option->otherwise);
  *length_of(option, options) = one ? 1 : no_list(option);
  if (one) *(size_t *)lat_option_record(option, options, 0) = (size_t)option->otherwise;
  const lat_option *number = option->list->number;
  if (number) put(number, options, number->otherwise);
}

static bool is_default_list(const lat_option *option, const void *options)
{
  const lat_option *number = option->list->number, first = lat_option_element(option, 0);
  size_t length = *length_of(option, options);
  if (number && !lat_option_is_default(number, options)) return false;
  if (length == no_list(option)) return true;
  return option->type == LAT_SIZE_LIST && length == 1 &&
         lat_option_get(&first, options) == option->otherwise;
}

/* ---- defaults -------------------------------------------------------------------------------- */

void lat_options_default(const lat_option *table, void *options, size_t size)
{
  memset(options, 0, size);
  for (; table->name; table++) {
    if (table->list)
      put_default_list(table, options);
    else
      put(table, options, table->otherwise);
  }
}

bool lat_option_is_default(const lat_option *option, const void *options)
{
  if (option->list) return is_default_list(option, options);
  if (option->type == LAT_GIVEN) return true;
  if (option->type == LAT_RANGE) {
    const double *ends = (const void *)((const char *)options + option->offset);
    return ends[0] == 0 && ends[1] == 0;
  }
  double value = lat_option_get(option, options);
  return value == option->otherwise || (isnan(value) && isnan(option->otherwise));
}

/* ---- names ----------------------------------------------------------------------------------- */

const lat_option *lat_option_find(const lat_option *table, const char *name)
{
  for (; table->name; table++)
    if (strcmp(table->name, name) == 0) return table;
  return NULL;
}

const char *lat_option_nearest(const lat_option *table, const char *name)
{
  const char *nearest = NULL;
  size_t least = lat_word_reach(name);
  for (; table->name; table++) {
    size_t distance = lat_words_apart(name, table->name);
    if (distance < least) least = distance, nearest = table->name;
  }
  return nearest;
}

/* ---- for readers ----------------------------------------------------------------------------- */

const char *lat_option_type_text(const lat_option *option, char *text, size_t size)
{
  static const char *const names[] = {[LAT_BOOLEAN] = "boolean",
                                      [LAT_SIZE] = "integer",
                                      [LAT_SEED] = "integer",
                                      [LAT_NUMBER] = "number",
                                      [LAT_CHOICE] = "string",
                                      [LAT_INTEGER] = "integer",
                                      [LAT_SIZE_LIST] = "integer|integer[]",
                                      [LAT_RECORD_LIST] = "table",
                                      [LAT_RANGE] = "number[]",
                                      [LAT_GIVEN] = ""};
  const char *name = names[option->type], *also = option->also;
  const char *none = isnan(option->otherwise) && !option->list ? "?" : "";
  if (option->list && option->list->number) name = "integer|table";
  snprintf(text, size, "%s%s%s%s", name, *name && also ? "|" : "", also ? also : "", none);
  return text;
}

const char *lat_option_default_text(const lat_option *option, char *text, size_t size)
{
  if (option->shown)
    snprintf(text, size, "%s", option->shown);
  else if (option->type == LAT_BOOLEAN)
    snprintf(text, size, "%s", option->otherwise != 0 ? "true" : "false");
  else if (option->type == LAT_CHOICE)
    snprintf(text, size, "\"%s\"", option->choices[(int)option->otherwise]);
  else if (option->type == LAT_SIZE && option->otherwise < 0)
    snprintf(text, size, "\"%s\"", option->choices[(int)(-1 - option->otherwise)]);
  else
    snprintf(text, size, "%.14g", option->otherwise);
  char *zero = option->type == LAT_NUMBER ? strstr(text, "e-0") : NULL;
  if (zero) memmove(zero + 2, zero + 3, strlen(zero + 3) + 1); /* 1e-9, as people write it */
  return text;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool whole(lat_option_type type)
{
  return type == LAT_SIZE || type == LAT_SEED || type == LAT_INTEGER;
}

/* Whether there is no most. */
static bool is_open(const lat_option *option)
{
  return option->most == (double)INFINITY || option->most == LAT_ANY_COUNT;
}

static lat_status fail_bounds(lat_workspace *work, const lat_option *option, double value)
{
  bool open = is_open(option), integer = whole(option->type);
  if (option->least == LAT_ABOVE_ZERO)
    return lat_fail(work, LAT_INVALID, "%s must be a finite number > 0, got %.14g", option->name,
                    value);
  if (integer)
    return open ? lat_fail(work, LAT_INVALID, "%s must be an integer >= %.0f, got %.16g",
                           option->name, option->least, value)
                : lat_fail(work, LAT_INVALID, "%s must be an integer from %.0f to %.0f, got %.16g",
                           option->name, option->least, option->most, value);
  return open ? lat_fail(work, LAT_INVALID, "%s must be at least %.14g, got %.14g", option->name,
                         option->least, value)
              : lat_fail(work, LAT_INVALID, "%s must be from %.14g to %.14g, got %.14g",
                         option->name, option->least, option->most, value);
}

static lat_status check(lat_workspace *work, const lat_option *option, double value)
{
  if (whole(option->type) && value != floor(value))
    return lat_fail(work, LAT_INVALID, "%s must be an integer, got %.14g", option->name, value);
  if (option->type == LAT_SIZE && value < 0 && -value <= count_words(option)) return LAT_OK;
  if (isnan(value) && isnan(option->otherwise)) return LAT_OK;
  if (option->type != LAT_SEED && option->type != LAT_BOOLEAN && option->type != LAT_CHOICE &&
      !(value >= option->least && (is_open(option) || value <= option->most)))
    return fail_bounds(work, option, value);
  if (option->type != LAT_CHOICE) return LAT_OK;
  int count = count_words(option);
  if (value >= 0 && value < count) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "%s has %d choices, got number %.14g", option->name, count,
                  value);
}

/* Of doubles only those within a field's range can be converted. */
static const double TWO_63 = 9223372036854775808.0;

lat_status lat_option_put(lat_workspace *work, const lat_option *option, void *options,
                          double value)
{
  LAT_TRY(check(work, option, value));
  if (whole(option->type) && !(value >= -TWO_63 && value < TWO_63))
    return lat_fail(work, LAT_INVALID, "%s must be an integer of 64 bits, got %.16g", option->name,
                    value);
  put(option, options, value);
  return LAT_OK;
}

lat_status lat_option_put_integer(lat_workspace *work, const lat_option *option, void *options,
                                  int64_t value)
{
  unsigned char *field = (unsigned char *)options + option->offset;
  if (option->type == LAT_SIZE && value < 0) return fail_bounds(work, option, (double)value);
  LAT_TRY(check(work, option, (double)value));
  if (option->type == LAT_SIZE)
    *(size_t *)(void *)field = (size_t)value;
  else if (option->type == LAT_SEED)
    *(uint64_t *)(void *)field = (uint64_t)value;
  else if (option->type == LAT_INTEGER)
    *(int64_t *)(void *)field = value;
  else
    put(option, options, (double)value);
  return LAT_OK;
}

/* ---- lists of values ------------------------------------------------------------------------- */

lat_status lat_option_fault(lat_workspace *work, const lat_option *option, const void *options,
                            size_t i, lat_status status)
{
  char message[sizeof work->message];
  const lat_option *kind = option->list->fields;
  double word = lat_option_get(kind, lat_option_record(option, options, i));
  bool known = word >= 0 && word < count_words(kind);
  if (status != LAT_INVALID) return status;
  memcpy(message, work->message, sizeof message);
  return lat_fail(work, status, "%s %zu%s%s%s: %s", option->list->element, i + 1, known ? " (" : "",
                  known ? kind->choices[(int)word] : "", known ? ")" : "", message);
}

static lat_status check_length(lat_workspace *work, const lat_option *option, size_t length)
{
  const lat_option_list *list = option->list;
  bool few = length < list->shortest;
  if (!few && length <= list->longest) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "%s must be a list of %zu to %zu %ss, got %s%zu", option->name,
                  list->shortest, list->longest, list->element, few ? "" : "at least ", length);
}

static lat_status fail_range(lat_workspace *work, const lat_option *option)
{
  if (option->least == LAT_ABOVE_ZERO)
    return lat_fail(work, LAT_INVALID, "%s must be {least, most} with 0 < least < most",
                    option->name);
  return lat_fail(work, LAT_INVALID, "%s must be {least, most} with %.14g <= least < most <= %.14g",
                  option->name, option->least, option->most);
}

static lat_status check_range(lat_workspace *work, const lat_option *option, const void *options)
{
  const double *ends = (const void *)((const char *)options + option->offset);
  bool ordered = ends[0] >= option->least && ends[1] > ends[0] && ends[1] <= option->most;
  return ordered ? LAT_OK : fail_range(work, option);
}

static lat_status check_list(lat_workspace *work, const lat_option *option, const void *options)
{
  size_t length = lat_option_length(option, options);
  if (option->type == LAT_RANGE) return check_range(work, option, options);
  if (length == LAT_NO_LIST) return LAT_OK;
  LAT_TRY(check_length(work, option, length));
  for (size_t i = 0; i < length; i++) {
    if (option->type == LAT_RECORD_LIST) {
      const void *record = lat_option_record(option, options, i);
      lat_status status = lat_options_check(work, option->list->fields, record);
      LAT_TRY(lat_option_fault(work, option, options, i, status));
    } else {
      const lat_option element = lat_option_element(option, i);
      LAT_TRY(check(work, &element, lat_option_get(&element, options)));
    }
  }
  return LAT_OK;
}

lat_status lat_option_grow(lat_workspace *work, const lat_option *option, void *options, size_t i)
{
  if (option->type == LAT_RANGE) return i < 2 ? LAT_OK : fail_range(work, option);
  if (i >= option->list->longest) return check_length(work, option, i + 1);
  if (option->type == LAT_RECORD_LIST)
    lat_options_default(option->list->fields, lat_option_record(option, options, i),
                        option->list->bytes);
  return LAT_OK;
}

lat_status lat_option_finish(lat_workspace *work, const lat_option *option, void *options,
                             size_t length)
{
  if (option->type == LAT_RANGE && length == 2) return check_range(work, option, options);
  if (option->type == LAT_RANGE) return fail_range(work, option);
  const lat_option *number = option->list->number;
  if (number) put(number, options, number->otherwise);
  *length_of(option, options) = length;
  return check_length(work, option, length);
}

lat_status lat_options_check(lat_workspace *work, const lat_option *table, const void *options)
{
  for (; table->name; table++) {
    if (lat_option_is_default(table, options)) continue;
    if (table->list || table->type == LAT_RANGE)
      LAT_TRY(check_list(work, table, options));
    else
      LAT_TRY(check(work, table, lat_option_get(table, options)));
  }
  return LAT_OK;
}

/* ---- by name, as text ------------------------------------------------------------------------ */

static lat_status fail_choice(lat_workspace *work, const lat_option *option, const char *text)
{
  const char *near = lat_nearest_word(text, option->choices);
  if (near)
    return lat_fail(work, LAT_INVALID, "unknown %s '%.40s', did you mean '%s'?", option->name, text,
                    near);
  char list[160];
  size_t used = 0;
  for (const char *const *word = option->choices; *word; word++) {
    size_t n = strlen(*word);
    if (used + n + 3 > sizeof list) break;
    if (used) memcpy(list + used, ", ", 2), used += 2;
    memcpy(list + used, *word, n);
    used += n;
  }
  list[used] = '\0';
  return lat_fail(work, LAT_INVALID, "unknown %s '%.40s' (known: %s)", option->name, text, list);
}

/* Sets the option to one of its words; false for another text. */
static bool set_word(const lat_option *option, void *options, const char *text)
{
  for (int i = 0; i < count_words(option); i++)
    if (strcmp(option->choices[i], text) == 0) {
      put(option, options, option->type == LAT_SIZE ? -1 - i : i);
      return true;
    }
  return false;
}

/* Whether the text is an integer of 64 bits; a seed may be beyond the signed ones. */
static bool to_integer(lat_option_type type, const char *text, int64_t *value)
{
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  if (errno == ERANGE && type == LAT_SEED && *text != '-') {
    errno = 0;
    *value = (int64_t)strtoull(text, &end, 10);
  }
  return errno == 0 && end > text && *end == '\0';
}

static lat_status set_text(lat_workspace *work, const lat_option *option, void *options,
                           const char *text)
{
  if (set_word(option, options, text)) return LAT_OK;
  if (option->type == LAT_CHOICE) return fail_choice(work, option, text);
  if (option->type == LAT_GIVEN)
    return lat_fail(work, LAT_INVALID, "%s is %s, which no text gives", option->name, option->also);
  if (option->type == LAT_BOOLEAN) {
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
      return lat_fail(work, LAT_INVALID, "%s must be true or false, got '%.40s'", option->name,
                      text);
    put(option, options, yes);
    return LAT_OK;
  }
  double value;
  int64_t integer;
  if (whole(option->type) && to_integer(option->type, text, &integer))
    return lat_option_put_integer(work, option, options, integer);
  if (!lat_number_parse(text, strlen(text), &value))
    return lat_fail(work, LAT_INVALID, "%s must be %s, got '%.40s'", option->name,
                    whole(option->type) ? "an integer" : "a number", text);
  return lat_option_put(work, option, options, value);
}

lat_status lat_option_put_one(lat_workspace *work, const lat_option *option, void *options,
                              int64_t value)
{
  const lat_option_list *list = option->list;
  if (list && list->number) {
    *length_of(option, options) = no_list(option);
    return lat_option_put_integer(work, list->number, options, value);
  }
  const lat_option first = lat_option_element(option, 0);
  LAT_TRY(lat_option_put_integer(work, &first, options, value));
  return lat_option_finish(work, option, options, 1);
}

/* "64, 32": values with commas between; of records their first fields. */
static lat_status set_list(lat_workspace *work, const lat_option *option, void *options,
                           const char *text)
{
  char word[48];
  int64_t number;
  size_t length = 0;
  if (option->list && to_integer(LAT_SIZE, text, &number))
    return lat_option_put_one(work, option, options, number);
  for (bool more = *text != '\0'; more; length++) {
    size_t n = strcspn(text, ","), blanks = strspn(text, " ");
    more = text[n] == ',';
    if (blanks > n) blanks = n;
    snprintf(word, sizeof word, "%.*s", (int)(n - blanks < 40 ? n - blanks : 40), text + blanks);
    text += n + more;
    LAT_TRY(lat_option_grow(work, option, options, length));
    if (option->type == LAT_RECORD_LIST) {
      lat_status status =
          set_text(work, option->list->fields, lat_option_record(option, options, length), word);
      LAT_TRY(lat_option_fault(work, option, options, length, status));
    } else {
      const lat_option element = lat_option_element(option, length);
      LAT_TRY(set_text(work, &element, options, word));
    }
  }
  return lat_option_finish(work, option, options, length);
}

lat_status lat_option_set(lat_workspace *work, const lat_option *table, void *options,
                          const char *name, const char *text)
{
  const lat_option *option = lat_option_find(table, name);
  if (!option) {
    const char *near = lat_option_nearest(table, name);
    if (near)
      return lat_fail(work, LAT_INVALID, "unknown option '%.40s', did you mean '%s'?", name, near);
    return lat_fail(work, LAT_INVALID, "unknown option '%.40s'", name);
  }
  if (option->list || option->type == LAT_RANGE) return set_list(work, option, options, text);
  return set_text(work, option, options, text);
}
