/* Fuzz target: JSON by itself. Every value is read by its own function, as files are; what is refused says
 * why. A string that was read is written with quotes and read again, and is the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/json.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_string(lat_workspace *work, lat_text text)
{
  char *quoted = lat_allocate(work, LAT_JSON_QUOTED(text.n), 1);
  if (!quoted) return;
  size_t n = lat_json_quote(text, quoted);
  if (n > LAT_JSON_QUOTED(text.n)) abort();
  lat_json again;
  lat_text back;
  if (lat_json_begin(&again, work, (lat_text){quoted, n}) != LAT_OK) abort();
  if (lat_json_string(&again, &back) != LAT_OK || lat_json_end(&again) != LAT_OK) abort();
  if (lat_text_compare(text, back) != 0) abort();
}

static lat_status read_value(lat_json *json)
{
  lat_text text;
  double number;
  int64_t integer;
  bool whole, more;
  char kind = lat_json_peek(json);
  switch (kind) {
  case '{':
  case '[':
    LAT_TRY(lat_json_open(json, kind));
    for (;;) {
      LAT_TRY(lat_json_more(json, &more));
      if (!more) return LAT_OK;
      if (kind == '{') {
        LAT_TRY(lat_json_key(json, &text));
        check_string(json->work, text);
      }
      LAT_TRY(read_value(json));
    }
  case '"':
    LAT_TRY(lat_json_string(json, &text));
    if (!lat_text_is_utf8(text)) abort();
    check_string(json->work, text);
    return LAT_OK;
  case 't':
    return lat_json_word(json, "true");
  case 'f':
    return lat_json_word(json, "false");
  case 'n':
    return lat_json_word(json, "null");
  case '0':
    LAT_TRY(lat_json_number(json, &number, &integer, &whole));
    if (isnan(number) || (whole && fabs(number - (double)integer) > 0)) abort();
    return LAT_OK;
  default:
    return lat_json_word(json, "null"); /* says what is wrong */
  }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
  char *text = malloc(size + !size); /* exactly as long as it claims */
  if (!text) return 0;
  memcpy(text, data, size);
  lat_workspace work;
  lat_workspace_init(&work);
  lat_json json;
  lat_status status = lat_json_begin(&json, &work, (lat_text){text, size});
  if (status == LAT_OK) status = read_value(&json);
  if (status == LAT_OK) status = lat_json_end(&json);
  if (status != LAT_OK && (status != LAT_FORMAT || !work.message[0])) abort();
  lat_workspace_done(&work);
  free(text);
  return 0;
}
