/* format.c: choosing what is shown and in which format, then writing it. */
#include "matrix/format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WIDTH     80
#define ROWS      20 /* a matrix of more is cut */
#define EDGE_ROWS 5  /* to these at each end */
#define LINES     5  /* of a vector; one of more is cut to one line */
#define GAP       2  /* spaces between columns */
#define CELL      32 /* bytes of a formatted number */

/* Which of n rows or columns are shown: 0..head-1 and the last `tail`; all when head is n. */
typedef struct shown {
  size_t n, head, tail;
} shown;

typedef enum style { INTEGER, FIXED, SCIENTIFIC } style;

typedef struct format {
  style style;
  int decimals;
  int exponent; /* of the common scale, 0 when there is none */
  int width;
} format;

typedef struct page {
  char *text;
  size_t length;
} page;

/* ---- what is shown -------------------------------------------------------------- */

static size_t count(shown s)
{
  return s.head + s.tail;
}

/* The index of shown row or column number k. */
static size_t nth(shown s, size_t k)
{
  return k < s.head ? k : s.n - s.tail + (k - s.head);
}

/* `most` of n, half at either end. */
static shown edges(size_t n, size_t most)
{
  if (n <= most) return (shown){n, n, 0};
  return (shown){n, most - most / 2, most / 2};
}

/* ---- the format ------------------------------------------------------------------ */

/* Prints x, without padding. */
static int print_number(const format *f, double x, char cell[CELL])
{
  if (isnan(x)) return snprintf(cell, CELL, "nan");
  if (isinf(x)) return snprintf(cell, CELL, x < 0 ? "-inf" : "inf");
  if (x == 0) return snprintf(cell, CELL, "%.0f", x);
  if (f->style == SCIENTIFIC) return snprintf(cell, CELL, "%.4e", x);
  return snprintf(cell, CELL, "%.*f", f->decimals, x / pow(10, f->exponent));
}

/* The numbers that are shown. */
typedef struct sample {
  double x[ROWS * (WIDTH / (GAP + 1))];
  size_t n;
  double least, most; /* magnitudes; `least` of those that matter beside the largest */
  double precision;   /* relative: less is rounding */
} sample;

static void take_sample(sample *s, const lat_matrix *A, shown rows, shown cols)
{
  s->n = 0;
  s->precision = A->dtype == LAT_FLOAT64 ? 1e-12 : 1e-6;
  s->least = INFINITY;
  s->most = 0;
  for (size_t i = 0; i < count(rows); i++)
    for (size_t j = 0; j < count(cols); j++) {
      const double x = lat_get(A, nth(rows, i), nth(cols, j));
      s->x[s->n++] = x;
      if (isfinite(x) && fabs(x) > s->most) s->most = fabs(x);
    }
  for (size_t k = 0; k < s->n; k++) {
    const double size = fabs(s->x[k]);
    if (size < s->least && size > s->most * s->precision) s->least = size;
  }
}

static bool all_integers(const sample *s)
{
  for (size_t k = 0; k < s->n; k++)
    if (isfinite(s->x[k]) && s->x[k] != floor(s->x[k])) return false;
  return s->most < 1e12;
}

/* The decimals, from 1 to 4, that show every number that matters up to rounding. */
static int needed_decimals(const sample *s)
{
  int decimals = 1;
  for (size_t k = 0; k < s->n; k++) {
    const double x = fabs(s->x[k]);
    for (; x >= s->least && isfinite(x) && decimals < 4; decimals++) {
      const double scaled = x * pow(10, decimals);
      if (fabs(scaled - rint(scaled)) <= s->precision * scaled) break;
    }
  }
  return decimals;
}

static format choose_format(const lat_matrix *A, shown rows, shown cols)
{
  sample s;
  take_sample(&s, A, rows, cols);
  format f = {INTEGER, 0, 0, rows.tail ? 3 : 1};
  if (!all_integers(&s)) {
    const int magnitude = s.most > 0 ? (int)floor(log10(s.most)) : 0;
    const bool scale = magnitude > 4 || magnitude < -2;
    f.exponent = scale ? magnitude : 0;
    f.style = FIXED;
    f.decimals = scale ? 4 : needed_decimals(&s);
    if (s.least < 5e-5 * pow(10, f.exponent) || magnitude < -300) {
      f.style = SCIENTIFIC;
      f.exponent = 0;
    }
  }
  for (size_t k = 0; k < s.n; k++) {
    char cell[CELL];
    const int width = print_number(&f, s.x[k], cell);
    if (width > f.width) f.width = width;
  }
  return f;
}

/* ---- writing ---------------------------------------------------------------------- */

static void put(page *p, const char *pattern, ...)
{
  va_list arguments;
  va_start(arguments, pattern);
  const size_t room = LAT_FORMAT_MAX - p->length;
  const int n = vsnprintf(p->text + p->length, room, pattern, arguments);
  va_end(arguments);
  if (n > 0) p->length += (size_t)n < room ? (size_t)n : room - 1;
}

/* Row i of A, or (dots) the row that stands for those left out; the line begins with one space
 * fewer than cells are apart. */
static void put_row(page *p, const format *f, const lat_matrix *A, size_t i, shown cols, bool dots)
{
  const int width = f->width;
  for (size_t k = 0; k < count(cols); k++) {
    char cell[CELL] = "...";
    if (!dots) print_number(f, lat_get(A, i, nth(cols, k)), cell);
    if (k == cols.head && cols.tail) put(p, "%*s...", GAP, "");
    put(p, "%*s%*s", k ? GAP : GAP - 1, "", width, cell);
  }
  put(p, "\n");
}

/* The columns that fit, and their format. A narrow format is tried on more columns than a wide one
 * shows, so the columns are chosen anew until they fit. */
static shown fit_columns(const lat_matrix *A, shown rows, format *f)
{
  size_t most = (WIDTH - 3) / (GAP + 1);
  for (;;) {
    const shown cols = edges(A->cols, most);
    *f = choose_format(A, rows, cols);
    const size_t cell = (size_t)f->width + GAP;
    const size_t dots = cols.tail ? GAP + 3 : 0;
    if (count(cols) * cell - 1 + dots <= WIDTH || most <= 2) return cols;
    const size_t fit = (WIDTH + 1 - (GAP + 3)) / cell;
    most = fit < most ? fit : most - 1;
    if (most < 2) most = 2;
  }
}

static void put_scale(page *p, const format *f)
{
  if (f->exponent) put(p, "1e%+03d *\n", f->exponent);
}

static void put_matrix(page *p, const lat_matrix *A)
{
  const shown rows = A->rows <= ROWS ? edges(A->rows, ROWS) : edges(A->rows, 2 * EDGE_ROWS);
  format f;
  const shown cols = fit_columns(A, rows, &f);
  put_scale(p, &f);
  for (size_t k = 0; k < count(rows); k++) {
    if (k == rows.head && rows.tail) put_row(p, &f, A, 0, cols, true);
    put_row(p, &f, A, nth(rows, k), cols, false);
  }
}

/* A vector of few elements in up to LINES lines, of many in one line with its edges. */
static void put_vector(page *p, const lat_matrix *v)
{
  const lat_matrix row = lat_transpose(*v);
  const shown one = {1, 1, 0};
  if (v->rows <= LINES * (WIDTH / (GAP + 1))) {
    const format f = choose_format(&row, one, edges(v->rows, v->rows));
    const size_t a_line = (WIDTH + 1) / ((size_t)f.width + GAP);
    if (v->rows <= LINES * a_line) {
      put_scale(p, &f);
      for (size_t i = 0; i < v->rows; i += a_line) {
        const size_t n = v->rows - i < a_line ? v->rows - i : a_line;
        const lat_matrix line = lat_block_of(row, 0, i, 1, n);
        put_row(p, &f, &line, 0, edges(n, n), false);
      }
      return;
    }
  }
  format f;
  const shown cols = fit_columns(&row, one, &f);
  put_scale(p, &f);
  put_row(p, &f, &row, 0, cols, false);
}

size_t lat_format(const lat_matrix *A, bool vector, char text[LAT_FORMAT_MAX])
{
  page p = {text, 0};
  const char *dtype = A->dtype == LAT_FLOAT64 ? "float64" : "float32";
  if (vector) {
    put_vector(&p, A);
    put(&p, "[%zu %s vector]", A->rows, dtype);
  } else {
    put_matrix(&p, A);
    put(&p, "[%zux%zu %s matrix]", A->rows, A->cols, dtype);
  }
  return p.length;
}
