/* json_write.c: JSON text that grows in a workspace (json.h).
 *
 * Memory doubles as it fills; what was outgrown goes with the caller's scope. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "files/json.h"

/* Memory for `more` characters, or NULL. */
static char *reserve(lat_json_text *t, size_t more)
{
  if (t->status != LAT_OK) return NULL;
  if (t->capacity - t->n < more) {
    size_t capacity = 2 * t->capacity + more + 256;
    char *larger = lat_allocate(t->work, capacity, 1);
    if (!larger) {
      t->status = LAT_MEMORY;
      return NULL;
    }
    if (t->n) memcpy(larger, t->at, t->n);
    t->at = larger;
    t->capacity = capacity;
  }
  return t->at + t->n;
}

void lat_json_put(lat_json_text *t, const char *text)
{
  size_t n = strlen(text);
  char *to = reserve(t, n);
  if (!to) return;
  memcpy(to, text, n);
  t->n += n;
}

void lat_json_put_string(lat_json_text *t, lat_text string)
{
  char *to = reserve(t, LAT_JSON_QUOTED(string.n));
  if (to) t->n += lat_json_quote(string, to);
}

void lat_json_put_integer(lat_json_text *t, int64_t value)
{
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRId64, value);
  lat_json_put(t, digits);
}

void lat_json_put_number(lat_json_text *t, double x)
{
  char digits[LAT_NUMBER_MOST + 1];
  if (!isfinite(x)) {
    lat_json_put(t, isnan(x) ? "null" : x > 0 ? "1e999" : "-1e999");
    return;
  }
  digits[lat_number_print(x, false, digits)] = '\0';
  lat_json_put(t, digits);
  if (!strpbrk(digits, ".e")) lat_json_put(t, ".0");
}
