/* format.c: a matrix as text (format.h).
 *
 * The grid of cells that are shown is chosen first, then a notation for it; as the notation
 * determines the width of cells, and that the number of columns, both are repeated until the width
 * stays. */
#include "matrix/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, DOTS = 3, CELL = 48 };

/* ---- what is shown ---------------------------------------------------------- */

/* Of n rows or columns, the first `head` and the last `shown - head`. */
typedef struct edges {
  size_t n, head, shown;
} edges;

/* Lines of cells: a matrix's rows and columns; of a vector, `across` is one line's elements. */
typedef struct grid {
  const lat_matrix *A;
  bool vector;
  edges down, across;
} grid;

static edges cut(size_t n, size_t shown)
{
  if (shown >= n) return (edges){n, n, n};
  if (shown < 1) shown = 1;
  return (edges){n, shown - shown / 2, shown};
}

static size_t place(const edges *e, size_t k)
{
  return k < e->head ? k : e->n - e->shown + k;
}

/* The element in shown line k and shown cell l; false past the end of a vector. */
static bool element(const grid *g, size_t k, size_t l, double *x)
{
  size_t i = place(&g->down, k), j = place(&g->across, l);
  if (g->vector) i = i * g->across.n + j, j = 0;
  if (i >= g->A->rows) return false;
  *x = lat_get(g->A, i, j);
  return true;
}

/* Cuts A to the cells that fit when they are `width` wide. */
static grid fit(const lat_matrix *A, const lat_format *how, size_t width)
{
  grid g = {.A = A, .vector = how->vector};
  size_t cells = (how->width + GAP) / (width + GAP), lines = A->rows;
  if (how->vector) {
    if (A->rows <= cells)
      cells = A->rows;
    else if (cells > 10)
      cells -= cells % 10;
    if (cells < 1) cells = 1;
    g.across = cut(cells, cells);
    lines = A->rows / cells + (A->rows % cells != 0);
  } else {
    if (A->cols > cells) cells = how->width > DOTS ? (how->width - DOTS) / (width + GAP) : 1;
    g.across = cut(A->cols, cells);
  }
  g.down = cut(lines, lines > how->rows ? how->rows - 1 : lines);
  return g;
}

/* ---- how it is shown ---------------------------------------------------------- */

typedef struct notation {
  bool scientific;
  int digits;   /* after the point */
  int exponent; /* elements are shown divided by 10^exponent */
} notation;

/* The text of x, and its length. */
static size_t write_number(const notation *form, double x, char text[CELL])
{
  if (isnan(x)) return (size_t)snprintf(text, CELL, "nan");
  if (isinf(x)) return (size_t)snprintf(text, CELL, x > 0 ? "inf" : "-inf");
  if (x == 0) return (size_t)snprintf(text, CELL, "0");
  if (form->exponent) x /= pow(10, form->exponent);
  int n = snprintf(text, CELL, form->scientific ? "%.*e" : "%.*f", form->digits, x);
  char *from = text + strspn(text, "-0123456789"), *to = from;
  if (form->digits > 0) { /* the locale's point may be another character, or several */
    from += strcspn(from, "0123456789");
    *to++ = '.';
    memmove(to, from, strlen(from) + 1);
    n -= (int)(from - to);
  }
  if (text[0] == '-' && strspn(text + 1, "0.") == (size_t)n - 1)
    memmove(text, text + 1, (size_t)n--);
  return (size_t)n;
}

static size_t widest(const grid *g, const notation *form)
{
  char text[CELL];
  size_t width = 1;
  double x;
  for (size_t k = 0; k < g->down.shown; k++)
    for (size_t l = 0; l < g->across.shown && element(g, k, l, &x); l++) {
      size_t n = write_number(form, x, text);
      if (n > width) width = n;
    }
  return width;
}

/* The largest finite magnitude in `high` lines and `wide` cells from (k, l) on. */
static double largest(const grid *g, size_t k, size_t l, size_t high, size_t wide)
{
  double most = 0, x;
  for (size_t i = k; i < k + high; i++)
    for (size_t j = l; j < l + wide && element(g, i, j, &x); j++)
      if (isfinite(x) && fabs(x) > most) most = fabs(x);
  return most;
}

static bool is_whole(const grid *g)
{
  double x;
  for (size_t k = 0; k < g->down.shown; k++)
    for (size_t l = 0; l < g->across.shown && element(g, k, l, &x); l++)
      if (isfinite(x) && x != floor(x)) return false;
  return true;
}

/* Of the parts of high x wide cells, those that aren't mere noise: one in 20, or more, has its
 * largest element below `least`. */
static bool vanishes(const grid *g, size_t high, size_t wide, double least, double noise)
{
  size_t parts = 0, lost = 0;
  for (size_t k = 0; k < g->down.shown; k += high)
    for (size_t l = 0; l < g->across.shown; l += wide) {
      double most = largest(g, k, l, high, wide);
      parts += most > noise;
      lost += most > noise && most < least;
    }
  return lost > 0 && 20 * lost >= parts;
}

static bool too_wide(const grid *g, double least, double noise)
{
  if (g->vector) return vanishes(g, 1, 1, least, noise);
  return vanishes(g, 1, g->across.shown, least, noise) ||
         vanishes(g, g->down.shown, 1, least, noise);
}

/* e of x = m 10^e, 1 <= m < 10, once m has been rounded. */
static int exponent_of(double x, int digits)
{
  char text[CELL];
  snprintf(text, sizeof text, "%.*e", digits, x);
  return atoi(strchr(text, 'e') + 1);
}

static notation choose(const grid *g, int digits)
{
  bool single = g->A->dtype == LAT_FLOAT32;
  double most = largest(g, 0, 0, g->down.shown, g->across.shown);
  if (most <= (single ? 0x1p24 : 0x1p53) && is_whole(g)) return (notation){0};
  int e = exponent_of(most, digits), low = digits < 2 ? -digits : -2;
  double noise = most * (single ? 1e-5 : 1e-12);
  /* not below 1e-300, where powers of ten are no longer exact to all digits */
  if ((e < low || e > 4) && e >= -300 &&
      !too_wide(g, pow(10, e - (digits > 1 ? digits - 1 : 0)), 0))
    return (notation){.digits = digits, .exponent = e};
  bool fixed = e >= low && e <= 7 && !too_wide(g, 0.5 * pow(10, -digits), noise);
  return (notation){.digits = digits, .scientific = !fixed};
}

/* ---- the text ------------------------------------------------------------------- */

typedef struct writer {
  char *text;
  size_t size, used; /* used may exceed size: the length goes on */
} writer;

static void put(writer *w, const char *s, size_t n)
{
  if (w->used < w->size)
    memcpy(w->text + w->used, s, n < w->size - w->used ? n : w->size - w->used);
  w->used += n;
}

static void put_string(writer *w, const char *s)
{
  put(w, s, strlen(s));
}

static void put_line(writer *w, const grid *g, const notation *form, size_t k, size_t width)
{
  char text[CELL];
  double x;
  for (size_t l = 0; l < g->across.shown && element(g, k, l, &x); l++) {
    if (l > 0) put(w, "  ", GAP);
    if (l > 0 && l == g->across.head) put_string(w, "...  ");
    size_t n = write_number(form, x, text);
    for (size_t blank = n; blank < width; blank++) put(w, " ", 1);
    put(w, text, n);
  }
  if (g->across.shown == g->across.head && g->across.shown < g->across.n) put_string(w, "  ...");
  put(w, "\n", 1);
}

static void put_shape(writer *w, const lat_matrix *A, bool vector)
{
  char text[96];
  const char *dtype = A->dtype == LAT_FLOAT64 ? "float64" : "float32";
  if (vector)
    snprintf(text, sizeof text, "[%zu %s vector]", A->rows, dtype);
  else
    snprintf(text, sizeof text, "[%zux%zu %s matrix]", A->rows, A->cols, dtype);
  put_string(w, text);
}

size_t lat_format_matrix(const lat_matrix *A, lat_format how, char *text, size_t size)
{
  writer w = {text, size, 0};
  grid g;
  notation form;
  size_t width, needed = 1;
  if (how.digits < 0) how.digits = 0;
  if (how.digits > LAT_DIGITS_MOST) how.digits = LAT_DIGITS_MOST;
  if (how.rows < 1) how.rows = 1;
  do { /* wider cells leave space for fewer, and fewer may need less: the width only grows */
    width = needed;
    g = fit(A, &how, width);
    form = choose(&g, how.digits);
    needed = widest(&g, &form);
  } while (needed > width);
  if (form.exponent) {
    char scale[CELL];
    put(&w, scale, (size_t)snprintf(scale, sizeof scale, "1e%+03d *\n", form.exponent));
  }
  for (size_t k = 0; k < g.down.shown; k++) {
    if (k == g.down.head) put_string(&w, "...\n");
    put_line(&w, &g, &form, k, needed);
  }
  if (g.down.shown == g.down.head && g.down.shown < g.down.n) put_string(&w, "...\n");
  put_shape(&w, A, how.vector);
  if (size > 0) text[w.used < size ? w.used : size - 1] = '\0';
  return w.used;
}
