/* json.c: a pull parser of JSON (RFC 8259), with UTF-8 checked at the beginning (json.h). */
#include "files/json.h"

#include <string.h>

#include "base/number.h"

/* ---- text -------------------------------------------------------------------- */

bool lat_text_is(lat_text text, const char *word)
{
  return strlen(word) == text.n && memcmp(text.at, word, text.n) == 0;
}

int lat_text_compare(lat_text a, lat_text b)
{
  int order = memcmp(a.at, b.at, a.n < b.n ? a.n : b.n);
  return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* The length of the character at `s`, or 0: RFC 3629's table, by its first two bytes. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
  size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
  if (n == 0 || n > left || s[0] > 0xF4) return 0;
  for (size_t i = 1; i < n; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  if (s[0] == 0xE0 && s[1] < 0xA0) return 0; /* overlong */
  if (s[0] == 0xED && s[1] > 0x9F) return 0; /* a surrogate */
  if (s[0] == 0xF0 && s[1] < 0x90) return 0;
  if (s[0] == 0xF4 && s[1] > 0x8F) return 0;
  return n;
}

size_t lat_text_put(uint32_t point, char *out)
{
  static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3F));
  out[0] = (char)(lead[n] | point);
  return n;
}

uint32_t lat_text_next(const char **at)
{
  const unsigned char *s = (const unsigned char *)*at;
  size_t n = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
  uint32_t point = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
  for (size_t i = 1; i < n; i++) point = point << 6 | (s[i] & 0x3F);
  *at += n;
  return point;
}

bool lat_text_is_utf8(lat_text text)
{
  for (size_t i = 0, n; i < text.n; i += n)
    if ((n = utf8_length((const unsigned char *)text.at + i, text.n - i)) == 0) return false;
  return true;
}

/* ---- the reader ---------------------------------------------------------------- */

lat_status lat_json_begin(lat_json *j, lat_workspace *work, lat_text text)
{
  *j = (lat_json){.start = text.at, .at = text.at, .end = text.at + text.n, .work = work};
  for (size_t i = 0, checked = 0, n; i < text.n; i += n) {
    if (i - checked > LAT_TEXT_CHECK) {
      LAT_TRY(lat_check(work));
      checked = i;
    }
    if ((n = utf8_length((const unsigned char *)text.at + i, text.n - i)) == 0)
      return lat_fail(work, LAT_FORMAT, "bad JSON: not UTF-8");
  }
  return lat_check(work);
}

/* Calls lat_check, at most once in so many bytes. */
static lat_status check_cancelled(lat_json *j)
{
  if (j->at - j->start < j->check_at) return LAT_OK;
  j->check_at = j->at - j->start + LAT_TEXT_CHECK;
  return lat_check(j->work);
}

static lat_status expected(const lat_json *j, const char *what)
{
  return lat_fail(j->work, LAT_FORMAT, "bad JSON: expected %s at byte %zu", what,
                  (size_t)(j->at - j->start) + 1);
}

static void skip_blanks(lat_json *j)
{
  while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
    j->at++;
}

static bool accept(lat_json *j, char c)
{
  skip_blanks(j);
  if (j->at == j->end || *j->at != c) return false;
  j->at++;
  return true;
}

lat_status lat_json_end(lat_json *j)
{
  skip_blanks(j);
  return j->at == j->end ? LAT_OK : expected(j, "nothing more");
}

char lat_json_peek(lat_json *j)
{
  skip_blanks(j);
  if (j->at == j->end || *j->at == '\0') return '?';
  if (*j->at == '-' || (*j->at >= '0' && *j->at <= '9')) return '0';
  return strchr("{[\"tfn", *j->at) ? *j->at : '?';
}

lat_status lat_json_open(lat_json *j, char bracket)
{
  if (!accept(j, bracket)) return expected(j, bracket == '{' ? "'{'" : "'['");
  if (j->depth == LAT_JSON_DEPTH)
    return lat_fail(j->work, LAT_FORMAT, "bad JSON: nested more than %d deep", LAT_JSON_DEPTH);
  j->close[j->depth++] = bracket == '{' ? '}' : ']';
  j->first = true;
  return LAT_OK;
}

lat_status lat_json_more(lat_json *j, bool *more)
{
  char close = j->close[j->depth - 1];
  LAT_TRY(check_cancelled(j));
  *more = !accept(j, close);
  if (!*more)
    j->depth--;
  else if (!j->first && !accept(j, ','))
    return expected(j, close == '}' ? "',' or '}'" : "',' or ']'");
  j->first = false;
  return LAT_OK;
}

lat_status lat_json_key(lat_json *j, lat_text *key)
{
  LAT_TRY(lat_json_string(j, key));
  return accept(j, ':') ? LAT_OK : expected(j, "':'");
}

/* ---- strings --------------------------------------------------------------------- */

/* Four hexadecimal digits after \u. */
static bool read_unit(lat_json *j, unsigned *unit)
{
  if (j->end - j->at < 4) return false;
  *unit = 0;
  for (int i = 0; i < 4; i++, j->at++) {
    char c = *j->at;
    unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                            : 16;
    if (digit == 16) return false;
    *unit = *unit << 4 | digit;
  }
  return true;
}

/* What follows \u, as UTF-8: two escapes when they are a pair of surrogates. */
static char *decode_unicode(lat_json *j, char *out)
{
  unsigned c, low;
  if (!read_unit(j, &c) || (c >= 0xDC00 && c < 0xE000)) return NULL;
  if (c >= 0xD800 && c < 0xDC00) {
    if (j->end - j->at < 2 || j->at[0] != '\\' || j->at[1] != 'u') return NULL;
    j->at += 2;
    if (!read_unit(j, &low) || low < 0xDC00 || low >= 0xE000) return NULL;
    c = 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
  }
  return out + lat_text_put(c, out);
}

static char *decode_escape(lat_json *j, char *out)
{
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char c = *j->at++;
  if (c == 'u') return decode_unicode(j, out);
  const char *letter = c ? strchr(letters, c) : NULL;
  if (!letter) return NULL;
  *out = meanings[letter - letters];
  return out + 1;
}

lat_status lat_json_string(lat_json *j, lat_text *string)
{
  if (!accept(j, '"')) return expected(j, "a string");
  const char *start = j->at, *close = start;
  bool escaped = false;
  for (; close < j->end && *close != '"'; close++) {
    if ((unsigned char)*close < 0x20) break;
    if (*close != '\\') continue;
    escaped = true;
    if (++close == j->end) break;
  }
  if (close >= j->end || *close != '"') {
    j->at = close;
    return expected(j, "a string's closing quote");
  }
  *string = (lat_text){start, (size_t)(close - start)};
  j->at = close + 1;
  if (!escaped) return LAT_OK;

  char *text = lat_allocate(j->work, string->n, 1), *out = text; /* escapes only get shorter */
  if (!text) return LAT_MEMORY;
  lat_json inside = *j;
  inside.at = start, inside.end = close;
  while (inside.at < close) {
    if (*inside.at != '\\') {
      *out++ = *inside.at++;
      continue;
    }
    j->at = inside.at++; /* for the message */
    if (!(out = decode_escape(&inside, out))) return expected(j, "a valid escape");
  }
  j->at = close + 1;
  *string = (lat_text){text, (size_t)(out - text)};
  return LAT_OK;
}

size_t lat_json_quote(lat_text text, char *out)
{
  static const char digits[] = "0123456789abcdef";
  char *to = out;
  *to++ = '"';
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if (c < 0x20) {
      memcpy(to, "\\u00", 4);
      to[4] = digits[c >> 4];
      to[5] = digits[c & 15];
      to += 6;
      continue;
    }
    if (c == '"' || c == '\\') *to++ = '\\';
    *to++ = (char)c;
  }
  *to++ = '"';
  return (size_t)(to - out);
}

/* ---- numbers and words ---------------------------------------------------------------- */

/* Skips digits; false when there is none. */
static bool skip_digits(lat_json *j)
{
  const char *start = j->at;
  while (j->at < j->end && *j->at >= '0' && *j->at <= '9') j->at++;
  return j->at > start;
}

static bool next_is(const lat_json *j, const char *set)
{
  return j->at < j->end && *j->at && strchr(set, *j->at);
}

/* Digits are subtracted, as the negative integers are one more. */
static bool to_integer(const char *at, const char *end, int64_t *integer)
{
  bool negative = *at == '-';
  *integer = 0;
  for (at += negative; at < end; at++)
    if (__builtin_mul_overflow(*integer, 10, integer) ||
        __builtin_sub_overflow(*integer, *at - '0', integer))
      return false;
  return negative || !__builtin_sub_overflow(INT64_C(0), *integer, integer);
}

lat_status lat_json_number(lat_json *j, double *number, int64_t *integer, bool *whole)
{
  skip_blanks(j);
  const char *start = j->at;
  *whole = true;
  if (next_is(j, "-")) j->at++;
  bool zero = next_is(j, "0"), good = skip_digits(j);
  if (zero && j->at - start - (*start == '-') > 1) good = false; /* 007 */
  if (good && next_is(j, ".")) {
    j->at++, *whole = false;
    good = skip_digits(j);
  }
  if (good && next_is(j, "eE")) {
    j->at++, *whole = false;
    if (next_is(j, "+-")) j->at++;
    good = skip_digits(j);
  }
  if (!good || !lat_number_parse(start, (size_t)(j->at - start), number)) {
    j->at = start;
    return expected(j, "a number");
  }
  *whole = *whole && to_integer(start, j->at, integer);
  return LAT_OK;
}

lat_status lat_json_size(lat_json *j, size_t *size)
{
  double number;
  int64_t integer = 0;
  bool whole;
  skip_blanks(j);
  const char *start = j->at;
  LAT_TRY(lat_json_number(j, &number, &integer, &whole));
  if (!whole || *start == '-') {
    j->at = start;
    return expected(j, "a size below 2^63");
  }
  *size = (size_t)integer;
  return LAT_OK;
}

lat_status lat_json_word(lat_json *j, const char *word)
{
  size_t n = strlen(word);
  skip_blanks(j);
  if ((size_t)(j->end - j->at) < n || memcmp(j->at, word, n) != 0) return expected(j, word);
  j->at += n;
  return LAT_OK;
}

/* ---- anything -------------------------------------------------------------------------------- */

static lat_status skip_inside(lat_json *j, char bracket)
{
  bool more;
  lat_text key;
  LAT_TRY(lat_json_open(j, bracket));
  for (;;) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more) return LAT_OK;
    if (bracket == '{') LAT_TRY(lat_json_key(j, &key));
    LAT_TRY(lat_json_skip(j));
  }
}

lat_status lat_json_skip(lat_json *j)
{
  double number;
  int64_t integer;
  bool whole;
  lat_text string;
  LAT_SCOPE(j->work); /* of strings with escapes */
  char next = lat_json_peek(j);
  switch (next) {
  case '{':
  case '[':
    LAT_TRY(skip_inside(j, next));
    return LAT_OK;
  case '"':
    LAT_TRY(lat_json_string(j, &string));
    return LAT_OK;
  case '0':
    return lat_json_number(j, &number, &integer, &whole);
  default:
    return lat_json_word(j, next == 't' ? "true" : next == 'f' ? "false" : "null");
  }
}
