/* json.h: a strict reader of JSON (RFC 8259) in bounded memory, and strings of it.
 *
 * A pull parser: the caller requests the next element by its type, and no tree is
 * built. Text must be UTF-8, escapes must stand for whole characters, and
 * brackets nest at most LAT_JSON_DEPTH deep, so that no file can exhaust a stack.
 *
 *   lat_json j;
 *   lat_json_begin(&j, work, text, n);
 *   lat_json_open(&j, '[');
 *   for (bool more; lat_json_more(&j, &more) == LAT_OK && more;) lat_json_size(&j, &n);
 *   lat_json_end(&j);
 *
 * Anything else is LAT_FORMAT, with the place in the message. */
#ifndef LAT_FILES_JSON_H
#define LAT_FILES_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/workspace.h"
#include "files/limits.h"

/* Characters owned by the caller, which may contain NUL and aren't terminated. */
typedef struct lat_text {
  const char *at;
  size_t n;
} lat_text;

/* For "%.*s": no more of a text than a message has room for. */
#define LAT_SHOWN(text) ((text).n < 40 ? (int)(text).n : 40), (text).at

bool lat_text_is(lat_text text, const char *word);
int lat_text_compare(lat_text a, lat_text b); /* by bytes: < 0, 0, > 0 */

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, at most U+10FFFF. */
bool lat_text_is_utf8(lat_text text);
/* The code point at *at of such a text, which is moved behind it. */
uint32_t lat_text_next(const char **at);
/* Writes a code point as UTF-8, at most 4 bytes; returns how many. */
size_t lat_text_put(uint32_t point, char *out);

typedef struct lat_json {
  const char *start, *at, *end;
  lat_workspace *work;
  size_t depth;
  ptrdiff_t check_at; /* at this byte lat_check is called */
  bool first;         /* no element since the last open bracket */
  char close[LAT_JSON_DEPTH];
} lat_json;

lat_status lat_json_begin(lat_json *json, lat_workspace *work, lat_text text);
lat_status lat_json_end(lat_json *json); /* nothing may follow but blanks */

/* The type of the next value: { [ " t f n, 0 for a number, or ? when it is no value. */
char lat_json_peek(lat_json *json);

/* Reads '{' or '['. Then `more` before each element reads its comma, or the closing bracket when
 * there are no more; in an object `key` follows. `more` calls lat_check. */
lat_status lat_json_open(lat_json *json, char bracket);
lat_status lat_json_more(lat_json *json, bool *more);
/* Keeps a key that has escapes. */
lat_status lat_json_key(lat_json *json, lat_text *key);

/* Values. A string is in the text itself, or, if it has escapes, decoded in the workspace. A number
 * is `whole` when it has neither point nor exponent and fits an int64_t; `number` is set in any
 * case, and is infinite when it is too large. A size is whole and has no sign.
 * Keeps a string that has escapes. */
lat_status lat_json_string(lat_json *json, lat_text *string);
lat_status lat_json_number(lat_json *json, double *number, int64_t *integer, bool *whole);
lat_status lat_json_size(lat_json *json, size_t *size);
lat_status lat_json_word(lat_json *json, const char *word); /* true, false or null */

/* Reads any value, and what is in it. */
lat_status lat_json_skip(lat_json *json);

/* ---- writing --------------------------------------------------------------------------------- */

/* Writes the string with its quotes, at most LAT_JSON_QUOTED(n) characters; returns how many. */
#define LAT_JSON_QUOTED(n) (6 * (size_t)(n) + 2)
size_t lat_json_quote(lat_text text, char *out);

/* Text that grows in a workspace, `n` characters at `at`; begins as {.work = work}. `status` keeps
 * the first failure (LAT_MEMORY), after which calls do nothing. All keep the text. */
typedef struct lat_json_text {
  lat_workspace *work;
  char *at;
  size_t n, capacity;
  lat_status status;
} lat_json_text;

/* Brackets, commas, words. Keeps the text. */
void lat_json_put(lat_json_text *json, const char *text);
/* UTF-8. Keeps the text. */
void lat_json_put_string(lat_json_text *json, lat_text string);
/* Keeps the text. */
void lat_json_put_integer(lat_json_text *json, int64_t value);
/* A number that comes back with all its bits, and isn't `whole`: it has a point or an exponent.
 * Infinity is 1e999 and NaN null. Keeps the text. */
void lat_json_put_number(lat_json_text *json, double value);

#endif
