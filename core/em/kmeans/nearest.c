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
static size_t length(size_t D)
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

LAT_CLONES static void shift_rows(const lat_nearest *t, size_t n, const double *const *rows,
                                  float *Y, double *squares, float *norms)
{
  for (size_t i = 0; i < n; i++) {
    float *y = Y + i * length(t->D);
    squares[i] = shift_row(t->D, rows[i], t->origin, *t->scale, y);
    y[t->D] = norms[i] = (float)(sqrt(squares[i]) * 1.000001);
    y[t->D + 1] = 1;
    for (size_t j = t->D + 2; j < length(t->D); j++) y[j] = 0;
  }
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Doubles that hold n floats, in whole cache lines. */
static size_t floats(size_t n)
{
  return (n + 15) / 16 * 8;
}

size_t lat_nearest_count(size_t K, size_t D)
{
  return 8 + floats(K * length(D)) + 2 * floats(K);
}

lat_nearest lat_nearest_of(double *memory, size_t K, size_t D, const double *centers,
                           const double *origin)
{
  double *slope = memory + 8 + floats(K * length(D));
  return (lat_nearest){.K = K,
                       .D = D,
                       .centers = centers,
                       .origin = origin,
                       .scale = memory,
                       .shifted = (float *)(memory + 8),
                       .slope = (float *)slope,
                       .fixed = (float *)(slope + floats(K))};
}

LAT_CLONES void lat_nearest_prepare(const lat_nearest *nearest)
{
  const double u = 0x1p-24;
  size_t K = nearest->K, D = nearest->D;
  double n = (double)(D + 10), gamma = n * u < 1 ? n * u / (1 - n * u) : INFINITY;
  double most = 0;
  for (size_t k = 0; k < K; k++)
    most = fmax(most, lat_squared_distance(D, nearest->centers + k * D, nearest->origin));
  int exponent = 0;
  if (most > 0 && isfinite(most)) frexp(sqrt(most), &exponent);
  *nearest->scale = ldexp(1, exponent < -1000 ? 1000 : -exponent);
  for (size_t k = 0; k < K; k++) {
    float *e = nearest->shifted + k * length(D);
    double norm = shift_row(D, nearest->centers + k * D, nearest->origin, *nearest->scale, e);
    for (size_t j = 0; j < D; j++) e[j] = -e[j];
    /* beyond gamma: 1e-30 for numbers that are subnormal in single precision */
    double fixed = (4 * u + gamma) * norm + 1e-30;
    nearest->fixed[k] = (float)(fixed * 1.000001);
    nearest->slope[k] = (float)(gamma * (1 + 2 * gamma) * sqrt(norm) * 1.000002 + 1e-30);
    e[D] = -nearest->slope[k];
    e[D + 1] = (float)(norm / 2 - fixed);
    for (size_t j = D + 2; j < length(D); j++) e[j] = 0;
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
  size_t turned = D < LONG ? (rows + SPAN) * length(D) : 0;
  return floats(rows * length(D)) + floats((rows + SPAN) * K) + floats(turned);
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

/* Of all centres whose lowered score isn't above `most`, computed exactly, the first nearest. */
LAT_CLONES static uint32_t compare(const lat_nearest *t, size_t stride, const double *x,
                                   const float *scores, float most)
{
  double least = INFINITY;
  uint32_t label = 0;
  for (size_t k = 0; k < t->K; k++) {
    if (scores[k * stride] > most) continue;
    double d = lat_squared_distance(t->D, x, t->centers + k * t->D);
    if (d < least) {
      least = d;
      label = (uint32_t)k;
    }
  }
  return label;
}

/* The lowered scores of all centres for n rows, centre by centre, `*stride` apart; fills in
 * s->norm. They are inner products of the rows with |y| and 1 behind them, and of the centres as
 * prepared. */
static const float *score(const lat_nearest *t, size_t n, const double *const *rows,
                          double *squares, scan *s, size_t *stride, double *scratch)
{
  size_t K = t->K, L = length(t->D), most = lat_nearest_rows(K, t->D);
  float *Y = (float *)scratch, *scores = (float *)(scratch + floats(most * L));
  *stride = (n + SPAN - 1) / SPAN * SPAN;
  shift_rows(t, n, rows, Y, squares, s->norm);
  if (t->D < LONG) {
    float *T = (float *)(scratch + floats(most * L) + floats((most + SPAN) * K));
    lat_transpose_block_float(n, L, Y, L, T, *stride);
    lat_tile_product_float(K, n, L, t->shifted, L, 1, T, *stride, false, scores, *stride);
  } else {
    lat_tile_inner_float(K, n, L, t->shifted, L, Y, L, false, scores, *stride);
  }
  for (size_t k = 0; k < K && n < *stride; k++) /* rows that there aren't; they are looked at too */
    memset(scores + k * *stride + n, 0, (*stride - n) * sizeof *scores);
  return scores;
}

void lat_nearest_search(const lat_nearest *t, size_t n, const double *const *rows, uint32_t *labels,
                        double *second, double *scratch)
{
  size_t K = t->K, D = t->D, stride;
  double squares[ROWS_MOST];
  scan s;
  const float *scores = score(t, n, rows, squares, &s, &stride, scratch);
  scan_scores(t, stride, scores, &s);
  for (size_t i = 0; i < n; i++) {
    size_t k = (size_t)s.label[i];
    float most = s.best[i] + 2.00001F * (t->slope[k] * s.norm[i] + t->fixed[k]);
    float others = s.second[i];
    if (others > most || K == 1) {
      labels[i] = (uint32_t)k;
    } else {
      labels[i] = compare(t, stride, rows[i], scores + i, most);
      if (labels[i] != k) others = s.best[i];
    }
    if (!second) continue;
    double square = squares[i] * (1 - (double)(D + 8) * 0x1p-52) + 2 * (double)others;
    second[i] = square > 0 ? sqrt(square) * (1 - 1e-15) / *t->scale : 0;
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
  size_t stride;
  double squares[ROWS_MOST];
  scan s;
  const float *scores = score(t, n, rows, squares, &s, &stride, scratch);
  measure(t, n, stride, scores, s.norm, squares, (float)(unit / *t->scale), distances);
  for (size_t k = 0; k < t->K; k++) {
    float *d = distances + k * LAT_NEAREST_ROWS;
    for (size_t i = 0; i < n; i++)
      if (!(d[i] < 1e18F)) d[i] = measure_exactly(t->D, rows[i], t->centers + k * t->D, unit);
  }
}
