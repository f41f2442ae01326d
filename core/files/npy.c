/* npy.c: npy files (npy.h): a parser of the Python dictionary that is their header, and a
 * writer. */
#include "files/npy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "files/checksum.h"
#include "files/file.h"
#include "files/limits.h"

#define MAGIC "\x93NUMPY"

/* ---- the header: a Python dictionary ------------------------------------- */

/* The unread text, and the workspace for messages. */
typedef struct text {
  const char *at, *end;
  lat_workspace *work;
  bool any; /* arrays of text are read, too */
} text;

static void skip_blanks(text *t)
{
  while (t->at < t->end && strchr(" \t\r\n\f", *t->at) && *t->at) t->at++;
}

/* Skips `c`, if it is next, and the blanks around it. */
static bool accept(text *t, char c)
{
  skip_blanks(t);
  if (t->at == t->end || *t->at != c) return false;
  t->at++;
  skip_blanks(t);
  return true;
}

/* The message has the first characters of the unread text. */
static lat_status expected(text *t, const char *what)
{
  int n = t->end - t->at < 20 ? (int)(t->end - t->at) : 20;
  return lat_fail(t->work, LAT_FORMAT, "bad npy header: expected %s at '%.*s'", what, n, t->at);
}

/* A string in either quotes; *n characters from *start. */
static lat_status read_string(text *t, const char **start, size_t *n)
{
  if (t->at == t->end || (*t->at != '\'' && *t->at != '"')) return expected(t, "a string");
  const char *close = memchr(t->at + 1, *t->at, (size_t)(t->end - t->at) - 1);
  if (!close) return expected(t, "a string's closing quote");
  *start = t->at + 1, *n = (size_t)(close - *start);
  if (memchr(*start, '\\', *n)) return expected(t, "a string without escapes");
  t->at = close + 1;
  return LAT_OK;
}

/* U12 or S3: texts of so many characters. */
static lat_status read_length(text *t, const char *s, size_t n, lat_array *array)
{
  enum { DIGITS = 9 };
  array->kind = s[0];
  for (size_t k = 1; k < n && n - 1 <= DIGITS && s[k] >= '0' && s[k] <= '9'; k++)
    array->size = 10 * array->size + (size_t)(s[k] - '0');
  if (array->size == 0) return lat_fail(t->work, LAT_FORMAT, "texts of no length can't be read");
  if (s[0] == 'U') array->size *= sizeof(uint32_t);
  return LAT_OK;
}

static lat_status read_descr(text *t, lat_array *array)
{
  const char *s;
  size_t n;
  if (t->at < t->end && *t->at == '[')
    return lat_fail(t->work, LAT_FORMAT, "arrays of records (structured dtypes) can't be read");
  LAT_TRY(read_string(t, &s, &n));
  const char *descr = s;
  int length = n < 40 ? (int)n : 40;
  array->big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
  if (n > 0 && strchr("<>=|", s[0]) && s[0]) {
    if (s[0] == '<' || s[0] == '>') array->big = s[0] == '>';
    s++, n--;
  }
  static const char known[][3] = {"f8", "f4", "f2", "i8", "i4", "i2",
                                  "i1", "u8", "u4", "u2", "u1", "b1"};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    if (n == 2 && memcmp(s, known[k], 2) == 0) {
      array->kind = s[0];
      array->size = (size_t)(s[1] - '0');
      return LAT_OK;
    }
  if (t->any && n > 1 && (s[0] == 'U' || s[0] == 'S')) return read_length(t, s, n, array);
  return lat_fail(t->work, LAT_FORMAT,
                  "dtype '%.*s' can't be read, only f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8 and b1",
                  length, descr);
}

static lat_status read_boolean(text *t, bool *value)
{
  size_t left = (size_t)(t->end - t->at);
  *value = left >= 4 && memcmp(t->at, "True", 4) == 0;
  if (!*value && !(left >= 5 && memcmp(t->at, "False", 5) == 0))
    return expected(t, "True or False");
  t->at += *value ? 4 : 5;
  return LAT_OK;
}

static lat_status read_size(text *t, size_t *size)
{
  if (t->at < t->end && *t->at == '-')
    return lat_fail(t->work, LAT_FORMAT, "bad npy header: a negative size in the shape");
  if (t->at == t->end || *t->at < '0' || *t->at > '9') return expected(t, "a size");
  for (*size = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
    if (__builtin_mul_overflow(*size, 10, size) ||
        __builtin_add_overflow(*size, (size_t)(*t->at - '0'), size))
      return lat_fail(t->work, LAT_FORMAT, "the array's shape overflows");
  if (t->at < t->end && *t->at == 'L') t->at++; /* a long integer of Python 2 */
  return LAT_OK;
}

/* A tuple: (), (3,), (3, 4), (3, 4,). But (3) is a number in Python. */
static lat_status read_shape(text *t, lat_array *array)
{
  if (!accept(t, '(')) return expected(t, "the shape's '('");
  bool comma = true;
  for (array->axes = 0; !accept(t, ')'); array->axes++) {
    if (!comma) return expected(t, "',' or ')' in the shape");
    if (array->axes == LAT_ARRAY_AXES)
      return lat_fail(t->work, LAT_FORMAT, "the shape has more than %d axes", LAT_ARRAY_AXES);
    LAT_TRY(read_size(t, &array->shape[array->axes]));
    comma = accept(t, ',');
  }
  if (array->axes == 1 && !comma) return expected(t, "',' in a shape of one size, before");
  return LAT_OK;
}

static lat_status read_dictionary(text *t, lat_array *array)
{
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  unsigned seen = 0;
  bool comma = true;
  if (!accept(t, '{')) return expected(t, "'{'");
  while (!accept(t, '}')) {
    const char *key;
    size_t n, k = 0;
    if (!comma) return expected(t, "',' or '}'");
    LAT_TRY(read_string(t, &key, &n));
    while (k < 3 && !(strlen(keys[k]) == n && memcmp(keys[k], key, n) == 0)) k++;
    if (k == 3 || seen & 1u << k)
      return lat_fail(t->work, LAT_FORMAT, "bad npy header: %s key '%.*s'",
                      k == 3 ? "unknown" : "repeated", n < 40 ? (int)n : 40, key);
    seen |= 1u << k;
    if (!accept(t, ':')) return expected(t, "':'");
    LAT_TRY(k == 0   ? read_descr(t, array)
            : k == 1 ? read_boolean(t, &array->fortran)
                     : read_shape(t, array));
    comma = accept(t, ',');
  }
  for (size_t k = 0; k < 3; k++)
    if (!(seen & 1u << k)) return lat_fail(t->work, LAT_FORMAT, "bad npy header: no '%s'", keys[k]);
  return t->at == t->end ? LAT_OK : expected(t, "nothing more");
}

static lat_status parse(lat_workspace *work, const unsigned char *bytes, size_t n, bool any,
                        lat_array *array)
{
  *array = (lat_array){0};
  if (n < 6 || memcmp(bytes, MAGIC, 6) != 0)
    return lat_fail(work, LAT_FORMAT, "not an npy file (it doesn't begin with \\x93NUMPY)");
  if (n < 12) return lat_fail(work, LAT_FORMAT, "truncated within the npy header");
  if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
    return lat_fail(work, LAT_FORMAT, "npy version %d.%d is unknown (1.0, 2.0 and 3.0 are read)",
                    bytes[6], bytes[7]);
  size_t start = bytes[6] == 1 ? 10 : 12, length = bytes[8] | (size_t)bytes[9] << 8;
  if (start == 12) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  if (length > LAT_NPY_HEADER)
    return lat_fail(work, LAT_FORMAT, "the npy header has %zu bytes, more than 1 MB", length);
  if (length > n - start) return lat_fail(work, LAT_FORMAT, "truncated within the npy header");
  array->offset = start + length;
  text t = {(const char *)bytes + start, (const char *)bytes + array->offset, work, any};
  LAT_TRY(read_dictionary(&t, array));
  if (lat_npy_is_text(array) && array->axes > 1)
    return lat_fail(work, LAT_FORMAT, "texts of more than one axis can't be read");
  return lat_array_check(work, array, n);
}

lat_status lat_npy_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         lat_array *array)
{
  return parse(work, bytes, n, false, array);
}

lat_status lat_npy_parse_any(lat_workspace *work, const unsigned char *bytes, size_t n,
                             lat_array *array)
{
  return parse(work, bytes, n, true, array);
}

/* ---- texts --------------------------------------------------------------- */

bool lat_npy_is_text(const lat_array *array)
{
  return array->kind == 'U' || array->kind == 'S';
}

size_t lat_npy_text(const lat_array *array, const unsigned char *bytes, size_t i, char *out)
{
  enum { REPLACEMENT = 0xFFFD, LAST = 0x10FFFF };
  const unsigned char *from = bytes + array->offset + i * array->size;
  size_t unit = array->kind == 'U' ? sizeof(uint32_t) : 1, n = array->size, length = 0;
  while (n > 0 && lat_little(from + n - unit, unit) == 0) n -= unit;
  for (; n > 0; n -= unit, from += unit) {
    if (unit == 1) {
      out[length++] = (char)*from;
      continue;
    }
    uint32_t point = (uint32_t)(array->big ? lat_big(from, unit) : lat_little(from, unit));
    bool is = point <= LAST && (point < 0xD800 || point > 0xDFFF);
    length += lat_text_put(is ? point : REPLACEMENT, out + length);
  }
  return length;
}

/* ---- writing ------------------------------------------------------------- */

/* Of elements of this kind, and a second axis unless cols is 0. */
static lat_status put_header(lat_writer *writer, char kind, size_t size, size_t rows, size_t cols)
{
  /* 10 bytes of prefix, and text padded so that the elements begin at 128 */
  char header[129], shape[64];
  if (cols == 0)
    snprintf(shape, sizeof shape, "(%zu,)", rows);
  else
    snprintf(shape, sizeof shape, "(%zu, %zu)", rows, cols);
  memcpy(header, MAGIC "\x01\x00\x76\x00", 10);
  int n = snprintf(header + 10, sizeof header - 10,
                   "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': %s, }",
                   __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ && kind == 'f' ? '>' : '<', kind, size,
                   shape);
  memset(header + 10 + n, ' ', (size_t)(117 - n));
  header[127] = '\n';
  return lat_writer_put(writer, header, LAT_NPY_START);
}

lat_status lat_npy_put(lat_writer *writer, const lat_matrix *A, bool vector)
{
  LAT_TRY(put_header(writer, 'f', lat_dtype_size(A->dtype), A->rows, vector ? 0 : A->cols));
  return lat_array_put(writer, A, false);
}

lat_status lat_npy_put_texts(lat_writer *writer, const lat_text *texts, size_t count,
                             size_t longest)
{
  unsigned char point[sizeof(uint32_t)];
  LAT_TRY(put_header(writer, 'U', longest, count, 0));
  for (size_t i = 0; i < count; i++) {
    const char *at = texts[i].at, *end = at + texts[i].n;
    for (size_t k = 0; k < longest; k++) {
      lat_put_little(point, sizeof point, at < end ? lat_text_next(&at) : 0);
      LAT_TRY(lat_writer_put(writer, point, sizeof point));
    }
    LAT_TRY(lat_check(writer->work));
  }
  return LAT_OK;
}

lat_status lat_npy_write(lat_workspace *work, const char *path, const lat_matrix *A, bool vector)
{
  lat_writer writer;
  LAT_SCOPE(work);
  LAT_TRY(lat_writer_begin(work, &writer, path));
  lat_status status = lat_writer_end(&writer, lat_npy_put(&writer, A, vector));
  return status;
}
