/* kmeans/nearest.c: the search for the nearest of K centres: scores by products in single
 * precision, and exact distances of those that their bounds leave in question; see nearest.h. */
#include "em/kmeans/nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clones.h"
#include "em/common/distance.h"
#include "matrix/tile.h"
#include "matrix/transpose.h"

enum { ROWS_MOST = LAT_NEAREST_ROWS, SPAN = 32 };

/* From so many columns on products are summed along them; below, rows are put side by side first.
 */
enum { LONG = 256 };

/* What is multiplied: a row or a centre, and two numbers more; long ones in whole cache lines. */
size_t lat_nearest_width(size_t D)
{
  return D < LONG ? D + 2 : (D + 2 + 15) / 16 * 16;
}

/* y := (x - o) s in single precision; |y|^2, before it is rounded. */
LAT_INLINE double shift_row(size_t D, const double *restrict x, const double *restrict o,
                            double scale, float *restrict y)
{
  double s[LAT_ACCUMULATORS] = {0}, rest = 0;
  size_t j = 0;
  for (; j + LAT_ACCUMULATORS <= D; j += LAT_ACCUMULATORS) {
    for (size_t l = 0; l < LAT_ACCUMULATORS; l++) {
      double d = (x[j + l] - o[j + l]) * scale;
      y[j + l] = (float)d;
      s[l] += d * d;
    }
  }
  for (; j < D; j++) {
    double d = (x[j] - o[j]) * scale;
    y[j] = (float)d;
    rest += d * d;
  }
  return lat_sum_accumulators(s) + rest;
}

/* And |y|, rounded up, and 1 behind it. */
LAT_CLONES static void shift_rows(const lat_nearest *t, size_t n, const double *const *rows,
                                  float *Y, double *squares)
{
  enum { AHEAD = 12, SHORT = 64 }; /* rows that aren't side by side come too late by themselves */
  size_t D = t->D, width = lat_nearest_width(D);
  for (size_t i = 0; i < n; i++) {
    float *y = Y + i * width;
    for (size_t j = 0; D <= SHORT && i + AHEAD < n && j < D; j += 8)
      LAT_PREFETCH(rows[i + AHEAD] + j);
    squares[i] = shift_row(D, rows[i], t->origin, *t->scale, y);
    y[D] = (float)(sqrt(squares[i]) * 1.000001);
    y[D + 1] = 1;
    for (size_t j = D + 2; j < width; j++) y[j] = 0;
  }
}

void lat_nearest_shift(const lat_nearest *t, size_t n, const double *const *rows, float *shifted)
{
  double squares[ROWS_MOST];
  shift_rows(t, n, rows, shifted, squares);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Doubles that hold n floats, in whole cache lines. */
static size_t floats(size_t n)
{
  return (n + 15) / 16 * 8;
}

size_t lat_nearest_count(size_t K, size_t D)
{
  return 8 + floats(K * lat_nearest_width(D)) + 2 * floats(K);
}

lat_nearest lat_nearest_of(double *memory, size_t K, size_t D, const double *centers,
                           const double *origin)
{
  double *slope = memory + 8 + floats(K * lat_nearest_width(D));
  return (lat_nearest){.K = K,
                       .D = D,
                       .centers = centers,
                       .origin = origin,
                       .scale = memory,
                       .shifted = (float *)(memory + 8),
                       .slope = (float *)slope,
                       .fixed = (float *)(slope + floats(K))};
}

/* A power of two that brings `most` to about 1; the one before, while that is within a million. */
static double scale_for(double most, double before)
{
  int exponent = 0;
  if (most > 0 && isfinite(most)) frexp(most, &exponent);
  double scale = ldexp(1, exponent < -1000 ? 1000 : -exponent);
  return before < 0x1p20 * scale && scale < 0x1p20 * before ? before : scale;
}

LAT_CLONES void lat_nearest_prepare(const lat_nearest *nearest, double scale)
{
  const double u = 0x1p-24;
  size_t K = nearest->K, D = nearest->D;
  double n = (double)(D + 10), gamma = n * u < 1 ? n * u / (1 - n * u) : INFINITY;
  double most = 0;
  for (size_t k = 0; k < K; k++)
    most = fmax(most, lat_squared_distance(D, nearest->centers + k * D, nearest->origin));
  *nearest->scale = scale_for(sqrt(most), scale);
  for (size_t k = 0; k < K; k++) {
    float *e = nearest->shifted + k * lat_nearest_width(D);
    double norm = shift_row(D, nearest->centers + k * D, nearest->origin, *nearest->scale, e);
    for (size_t j = 0; j < D; j++) e[j] = -e[j];
    /* beyond gamma: 1e-30 for numbers that are subnormal in single precision */
    double fixed = (4 * u + gamma) * norm + 1e-30;
    nearest->fixed[k] = (float)(fixed * 1.000001);
    nearest->slope[k] = (float)(gamma * (1 + 2 * gamma) * sqrt(norm) * 1.000002 + 1e-30);
    e[D] = -nearest->slope[k];
    e[D + 1] = (float)(norm / 2 - fixed);
    for (size_t j = D + 2; j < lat_nearest_width(D); j++) e[j] = 0;
  }
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void lat_nearest_origin(size_t K, size_t D, const double *centers, double *origin)
{
  double column[64];
  size_t n = K < 64 ? K : 64;
  for (size_t j = 0; j < D; j++) {
    for (size_t i = 0; i < n; i++) column[i] = centers[i * K / n * D + j];
    qsort(column, n, sizeof *column, ascending);
    origin[j] = column[n / 2];
  }
}

/* ---- the search ------------------------------------------------------------------------------ */

/* As many as stay in the second cache together with what is made of them. */
size_t lat_nearest_rows(size_t K, size_t D)
{
  size_t rows = ((size_t)1 << 19) / (4 * K + 16 * D) / 16 * 16;
  return rows > ROWS_MOST ? ROWS_MOST : rows < 16 ? 16 : rows;
}

size_t lat_nearest_scratch(size_t K, size_t D)
{
  size_t rows = lat_nearest_rows(K, D);
  size_t turned = D < LONG ? (rows + SPAN) * lat_nearest_width(D) : 0;
  return floats(rows * lat_nearest_width(D)) + floats((rows + SPAN) * K) + floats(turned);
}

/* What is known of the rows of a block: the lowest lowered score, whose it is, and the second. */
typedef struct scan {
  float norm[ROWS_MOST], best[ROWS_MOST], second[ROWS_MOST];
  int32_t label[ROWS_MOST];
} scan;

/* Scores lie centre by centre, `stride` rows each, so that the loop over rows is vector code, and
 * SPAN rows at a time stay in registers. */
LAT_CLONES static void scan_scores(const lat_nearest *t, size_t stride, const float *scores,
                                   scan *s)
{
  for (size_t first = 0; first < stride; first += SPAN) {
    float best[SPAN], second[SPAN];
    int32_t label[SPAN];
    for (size_t i = 0; i < SPAN; i++) {
      best[i] = second[i] = INFINITY;
      label[i] = 0;
    }
    for (size_t k = 0; k < t->K; k++) {
      const float *at = scores + k * stride + first;
      for (size_t i = 0; i < SPAN; i++) {
        float score = at[i];
        float other = score < second[i] ? score : second[i];
        second[i] = score < best[i] ? best[i] : other;
        label[i] = score < best[i] ? (int32_t)k : label[i];
        best[i] = score < best[i] ? score : best[i];
      }
    }
    for (size_t i = 0; i < SPAN; i++) {
      s->best[first + i] = best[i];
      s->second[first + i] = second[i];
      s->label[first + i] = label[i];
    }
  }
}

/* Of all centres whose lowered score isn't above `most`, computed exactly, the first nearest, and
 * the square of its distance. */
LAT_CLONES static uint32_t compare(const lat_nearest *t, size_t stride, const double *x,
                                   const float *scores, float most, double *square)
{
  uint32_t label = 0;
  *square = INFINITY;
  for (size_t k = 0; k < t->K; k++) {
    if (scores[k * stride] > most) continue;
    double d = lat_squared_distance(t->D, x, t->centers + k * t->D);
    if (d < *square) {
      *square = d;
      label = (uint32_t)k;
    }
  }
  return label;
}

/* Scratch: shifted rows, scores, shifted rows turned. */
typedef struct parts {
  float *rows, *scores, *turned;
} parts;

static parts parts_of(const lat_nearest *t, double *scratch)
{
  size_t most = lat_nearest_rows(t->K, t->D);
  double *scores = scratch + floats(most * lat_nearest_width(t->D));
  return (parts){.rows = (float *)scratch,
                 .scores = (float *)scores,
                 .turned = (float *)(scores + floats((most + SPAN) * t->K))};
}

/* Rows of a block in whole spans, of which what there isn't is looked at too. */
static size_t spans(size_t n)
{
  return (n + SPAN - 1) / SPAN * SPAN;
}

/* The lowered scores of all centres for n shifted rows, centre by centre, spans(n) apart: inner
 * products of the rows with |y| and 1 behind them, and of the centres as prepared. */
static void score(const lat_nearest *t, size_t n, const float *rows, const parts *p)
{
  size_t K = t->K, L = lat_nearest_width(t->D), stride = spans(n);
  if (t->D < LONG) {
    lat_transpose_block_float(n, L, rows, L, p->turned, stride);
    lat_tile_product_float(K, n, L, t->shifted, L, 1, p->turned, stride, false, p->scores, stride);
  } else {
    lat_tile_inner_float(K, n, L, t->shifted, L, rows, L, false, p->scores, stride);
  }
  for (size_t k = 0; k < K && n < stride; k++)
    memset(p->scores + k * stride + n, 0, (stride - n) * sizeof *p->scores);
}

/* The least of the scores; false: without storing them, as rows side by side need not be. */
static bool scan_rows(const lat_nearest *t, size_t n, const float *rows, const parts *p, scan *s)
{
  size_t L = lat_nearest_width(t->D), stride = spans(n);
  if (t->D < LONG) {
    lat_transpose_block_float(n, L, rows, L, p->turned, stride);
    if (lat_tile_least_float(t->K, n, L, t->shifted, L, p->turned, stride, s->best, s->second,
                             s->label))
      return false;
  }
  score(t, n, rows, p);
  scan_scores(t, stride, p->scores, s);
  return true;
}

/* most: the lowered scores above it are out of the question. And the bounds. A square and a score
 * are so near to each other that the sum's rounding counts. */
LAT_CLONES static void bound_rows(const lat_nearest *t, size_t n, const scan *restrict s,
                                  float *restrict most, float *restrict own, float *restrict others)
{
  const float *slope = t->slope, *fixed = t->fixed;
  for (size_t i = 0; i < n; i++) {
    int32_t k = s->label[i];
    float square = s->norm[i] * s->norm[i];
    float second = s->second[i] < 1e30F ? s->second[i] : 1e30F; /* infinite with one centre */
    float m = s->best[i] + 2.00001F * (slope[k] * s->norm[i] + fixed[k]);
    float upper = square + 2 * m + 1e-6F * (square + 2 * fabsf(m));
    float lower = square + 2 * second - 5e-6F * (square + fabsf(second));
    float near = sqrtf(upper) * 1.000001F, far = sqrtf(lower) * 0.999999F;
    most[i] = m;
    own[i] = upper <= 0 ? 0 : near;
    others[i] = lower > 0 ? far : 0;
  }
}

/* A row whose scores are too near to each other: all that come into question are computed. */
static void settle_row(const lat_nearest *t, const double *x, const float *scores, size_t stride,
                       float most, uint32_t *label, float *own)
{
  double square;
  *label = compare(t, stride, x, scores, most, &square);
  *own = (float)(sqrt(square) * *t->scale * 1.000001);
}

void lat_nearest_search(const lat_nearest *t, size_t n, const double *const *rows,
                        const float *shifted, uint32_t *labels, float *own, float *others,
                        double *scratch)
{
  size_t K = t->K, D = t->D, L = lat_nearest_width(D);
  float most[ROWS_MOST], unused[2][ROWS_MOST];
  parts p = parts_of(t, scratch);
  scan s;
  if (!shifted) lat_nearest_shift(t, n, rows, p.rows);
  if (!shifted) shifted = p.rows;
  if (!own) own = unused[0], others = unused[1];
  for (size_t i = 0; i < n; i++) s.norm[i] = shifted[i * L + D];
  bool stored = scan_rows(t, n, shifted, &p, &s);
  bound_rows(t, n, &s, most, own, others);
  for (size_t i = 0; i < n; i++) {
    labels[i] = (uint32_t)s.label[i];
    if (s.second[i] > most[i] || K == 1) continue;
    if (!stored)
      lat_tile_inner_float(K, 1, L, t->shifted, L, shifted + i * L, L, false, p.scores, 1);
    settle_row(t, rows[i], stored ? p.scores + i : p.scores, stored ? spans(n) : 1, most[i],
               labels + i, own + i);
    /* another than the lowest score's: that is one of the others */
    if (labels[i] != (uint32_t)s.label[i]) others[i] = 0;
  }
}

/* ---- distances ------------------------------------------------------------------------------- */

/* Where the square is well above the bound of its error: else NaN. */
LAT_CLONES static void measure(const lat_nearest *t, size_t n, size_t stride, const float *scores,
                               const float *norms, const double *squares, float factor,
                               float *distances)
{
  for (size_t k = 0; k < t->K; k++) {
    const float *restrict at = scores + k * stride;
    float *restrict d = distances + k * LAT_NEAREST_ROWS;
    const float slope = t->slope[k], fixed = t->fixed[k];
    for (size_t i = 0; i < n; i++) {
      float own = (float)squares[i], bound = slope * norms[i] + fixed;
      float square = own + 2 * (at[i] + bound), doubt = 2 * bound + 1e-6F * own;
      float root = sqrtf(square) * factor;
      d[i] = square > 512 * doubt ? root : NAN;
    }
  }
}

LAT_CLONES static float measure_exactly(size_t D, const double *x, const double *c, double unit)
{
  double distance = sqrt(lat_squared_distance(D, x, c)) * unit;
  return distance < 1e18 ? (float)distance : 1e18F;
}

void lat_nearest_distances(const lat_nearest *t, size_t n, const double *const *rows, double unit,
                           float *distances, double *scratch)
{
  size_t D = t->D, L = lat_nearest_width(D);
  double squares[ROWS_MOST];
  float norms[ROWS_MOST];
  parts p = parts_of(t, scratch);
  shift_rows(t, n, rows, p.rows, squares);
  for (size_t i = 0; i < n; i++) norms[i] = p.rows[i * L + D];
  score(t, n, p.rows, &p);
  measure(t, n, spans(n), p.scores, norms, squares, (float)(unit / *t->scale), distances);
  for (size_t k = 0; k < t->K; k++) {
    float *d = distances + k * LAT_NEAREST_ROWS;
    for (size_t i = 0; i < n; i++)
      if (!(d[i] < 1e18F)) d[i] = measure_exactly(D, rows[i], t->centers + k * D, unit);
  }
}
