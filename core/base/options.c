/* options.c: reading, writing and checking options by their table. */
#include "base/options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  case LAT_CHOICE:
    *(int *)(void *)field = (int)value;
    return;
  default:
    return;
  }
}

void lat_options_default(const lat_option *table, void *options, size_t size)
{
  memset(options, 0, size);
  for (; table->name; table++) put(table, options, table->otherwise);
}

/* ---- names ----------------------------------------------------------------------------------- */

const lat_option *lat_option_find(const lat_option *table, const char *name)
{
  for (; table->name; table++)
    if (strcmp(table->name, name) == 0) return table;
  return NULL;
}

enum { LONGEST = 64 };

static size_t least_of(size_t a, size_t b)
{
  return a < b ? a : b;
}

size_t lat_word_distance(const char *a, const char *b)
{
  size_t rows[3][LONGEST + 1], n = strlen(a), m = strlen(b);
  if (n >= LONGEST || m >= LONGEST) return LONGEST;
  size_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = j;
  for (size_t i = 1; i <= n; i++) {
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = least_of(replaced, least_of(last[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = least_of(row[j], before[j - 2] + 1);
    }
    size_t *free_row = before;
    before = last, last = row, row = free_row;
  }
  return last[m];
}

/* Farther than a third of its letters (and one) is another word; of long ones nothing is near. */
static size_t farthest(const char *word)
{
  size_t n = strlen(word);
  return n < LONGEST ? n / 3 + 2 : 0;
}

const char *lat_nearest_word(const char *word, const char *const *words)
{
  const char *nearest = NULL;
  size_t least = farthest(word);
  for (; *words; words++) {
    size_t distance = lat_word_distance(word, *words);
    if (distance < least) least = distance, nearest = *words;
  }
  return nearest;
}

const char *lat_option_nearest(const lat_option *table, const char *name)
{
  const char *nearest = NULL;
  size_t least = farthest(name);
  for (; table->name; table++) {
    size_t distance = lat_word_distance(name, table->name);
    if (distance < least) least = distance, nearest = table->name;
  }
  return nearest;
}

/* ---- for readers ----------------------------------------------------------------------------- */

const char *lat_option_type_text(const lat_option *option, char *text, size_t size)
{
  static const char *const names[] = {
      [LAT_BOOLEAN] = "boolean", [LAT_SIZE] = "integer",  [LAT_SEED] = "integer",
      [LAT_NUMBER] = "number",   [LAT_CHOICE] = "string", [LAT_GIVEN] = ""};
  const char *name = names[option->type], *also = option->also;
  const char *none = isnan(option->otherwise) ? "?" : "";
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
  return type == LAT_SIZE || type == LAT_SEED;
}

/* Whether there is no most. */
static bool is_open(const lat_option *option)
{
  return option->most == (double)INFINITY || option->most == LAT_ANY_COUNT;
}

static lat_status fail_bounds(lat_workspace *work, const lat_option *option, double value)
{
  bool open = is_open(option);
  if (option->least == LAT_ABOVE_ZERO)
    return lat_fail(work, LAT_INVALID, "%s must be a finite number > 0, got %.14g", option->name,
                    value);
  if (option->type == LAT_SIZE)
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
  if ((option->type == LAT_SIZE || option->type == LAT_NUMBER) &&
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
  else
    put(option, options, (double)value);
  return LAT_OK;
}

lat_status lat_options_check(lat_workspace *work, const lat_option *table, const void *options)
{
  for (; table->name; table++) {
    if (table->type == LAT_GIVEN) continue;
    double value = lat_option_get(table, options);
    if (value != table->otherwise) LAT_TRY(check(work, table, value));
  }
  return LAT_OK;
}

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
  if (set_word(option, options, text)) return LAT_OK;
  if (option->type == LAT_CHOICE) return fail_choice(work, option, text);
  if (option->type == LAT_GIVEN)
    return lat_fail(work, LAT_INVALID, "%s is %s, which no text gives", name, option->also);
  if (option->type == LAT_BOOLEAN) {
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
      return lat_fail(work, LAT_INVALID, "%s must be true or false, got '%.40s'", name, text);
    put(option, options, yes);
    return LAT_OK;
  }
  char *end;
  int64_t integer;
  if (whole(option->type) && to_integer(option->type, text, &integer))
    return lat_option_put_integer(work, option, options, integer);
  double value = strtod(text, &end);
  if (end == text || *end)
    return lat_fail(work, LAT_INVALID, "%s must be %s, got '%.40s'", name,
                    whole(option->type) ? "an integer" : "a number", text);
  return lat_option_put(work, option, options, value);
}
