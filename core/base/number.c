/* number.c: decimal text to double and back, exactly (number.h).
 *
 * Up to 2^53 and 10^22 a number is a product or quotient of two exact doubles, rounded once
 * (Clinger 1990); else strtod converts a normalized copy of the digits. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Significant digits that are converted: 767 decide the rounding of any double. */
#define MOST_DIGITS 780

/* The C locale for this thread only, while strtod or snprintf runs.
 * (glibc keeps a ready-made object for it: it needs no memory.) */
typedef struct neutral {
  locale_t c, before;
} neutral;

static neutral neutral_begin(void)
{
  neutral n = {newlocale(LC_ALL_MASK, "C", (locale_t)0), (locale_t)0};
  if (n.c) n.before = uselocale(n.c);
  return n;
}

static void neutral_end(neutral n)
{
  if (!n.c) return;
  uselocale(n.before);
  freelocale(n.c);
}

/* ---- reading ------------------------------------------------------------- */

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* An unsigned number's parts. While its significant digits fit into the mantissa,
 * its value is mantissa * 10^(exponent - fraction). */
typedef struct parts {
  uint64_t mantissa;
  bool fits;
  long long exponent; /* after the e, within +-1e9 */
  long long fraction; /* digits after the point */
  const char *digits_end;
} parts;

static const char *scan_digits(const char *p, const char *end, parts *number)
{
  for (; p < end && is_digit(*p); p++) {
    if (number->mantissa > (UINT64_MAX - 9) / 10) number->fits = false;
    if (number->fits) number->mantissa = number->mantissa * 10 + (uint64_t)(*p - '0');
  }
  return p;
}

/* True when the whole of p..end is a number. */
static bool scan(const char *p, const char *end, char point, parts *number)
{
  *number = (parts){.fits = true};
  const char *start = p;
  p = scan_digits(p, end, number);
  ptrdiff_t digits = p - start;
  if (p < end && *p == point) {
    start = ++p;
    p = scan_digits(p, end, number);
    number->fraction = p - start;
    digits += p - start;
  }
  number->digits_end = p;
  if (digits == 0) return false;
  if (p < end && (*p == 'e' || *p == 'E')) {
    bool negative = ++p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return false;
    for (; p < end && is_digit(*p); p++)
      if (number->exponent < 100000000) number->exponent = number->exponent * 10 + (*p - '0');
    if (negative) number->exponent = -number->exponent;
  }
  return p == end;
}

/* The digits go to strtod in a text of bounded length: 767 decide the rounding of
 * any double, and of the others only whether one isn't 0. */
static double convert(const char *text, const parts *number)
{
  char copy[MOST_DIGITS + 32];
  size_t n = 0;
  bool rest = false, point = false;
  long long exponent = number->exponent;
  for (const char *p = text; p < number->digits_end; p++) {
    if (!is_digit(*p)) {
      point = true;
    } else if (n == MOST_DIGITS) {
      rest |= *p != '0';
      exponent += !point;
    } else {
      if (n > 0 || *p != '0') copy[n++] = *p;
      exponent -= point;
    }
  }
  if (n == 0) return 0;
  if (rest) copy[n++] = '1', exponent--;
  snprintf(copy + n, sizeof copy - n, "e%lld", exponent);
  neutral locale = neutral_begin();
  double value = strtod(copy, NULL);
  neutral_end(locale);
  return value;
}

static bool is_word(const char *p, const char *end, const char *word)
{
  return (size_t)(end - p) == strlen(word) && strncasecmp(p, word, strlen(word)) == 0;
}

bool lat_number_parse(const char *text, size_t n, double *value)
{
  return lat_number_parse_with(text, n, '.', value);
}

bool lat_number_parse_with(const char *text, size_t n, char point, double *value)
{
  static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *p = text, *end = text + n;
  parts number;
  bool negative = n > 0 && *p == '-';
  if (n > 0 && (*p == '-' || *p == '+')) p++;
  if (scan(p, end, point, &number)) {
    long long e = number.exponent - number.fraction;
    /* both factors are exact, so their product or quotient is rounded once (Clinger 1990) */
    if (number.fits && number.mantissa <= (uint64_t)1 << 53 && e >= -22 && e <= 22) {
      *value = (double)number.mantissa;
      *value = e < 0 ? *value / power[-e] : *value * power[e];
    } else {
      *value = convert(p, &number);
    }
  } else if (is_word(p, end, "inf") || is_word(p, end, "infinity")) {
    *value = INFINITY;
  } else if (is_word(p, end, "nan")) {
    *value = NAN;
  } else {
    return false;
  }
  if (negative) *value = -*value;
  return true;
}

/* ---- writing ------------------------------------------------------------- */

static bool reads_back(const char *text, double x, bool single)
{
  if (single) return strtof(text, NULL) == (float)x;
  return strtod(text, NULL) == x;
}

size_t lat_number_print(double x, bool single, char text[LAT_NUMBER_MOST])
{
  if (isnan(x)) return (size_t)snprintf(text, LAT_NUMBER_MOST, "nan");
  if (isinf(x)) return (size_t)snprintf(text, LAT_NUMBER_MOST, x > 0 ? "inf" : "-inf");
  /* small integers by the shortest path; -0 keeps its sign below */
  if (fabs(x) < 1e6 && x == (double)(int)x && !(x == 0 && signbit(x)))
    return (size_t)snprintf(text, LAT_NUMBER_MOST, "%d", (int)x);
  int n = 0;
  char printed[LAT_NUMBER_MOST];
  neutral locale = neutral_begin();
  for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
    n = snprintf(printed, sizeof printed, "%.*g", digits, x);
    if (reads_back(printed, x, single)) break;
  }
  neutral_end(locale);
  memcpy(text, printed, (size_t)n + 1);
  return (size_t)n;
}
