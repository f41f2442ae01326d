#include "em/nearest.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clones.h"
#include "em/distance.h"

enum { ROWS_MOST = LAT_NEAREST_ROWS, SPAN = 32 };

/* y := (x - o) s in single precision; |y|^2, before it is rounded. */
LAT_INLINE double shift_row(size_t D, const double *restrict x, const double *restrict o,
                            double scale, float *restrict y)
{
  double s[LAT_LANES] = {0}, rest = 0;
  size_t j = 0;
  for (; j + LAT_LANES <= D; j += LAT_LANES) {
    for (size_t l = 0; l < LAT_LANES; l++) {
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
  return lat_sum_lanes(s) + rest;
}

LAT_CLONES static void shift_rows(const lat_nearest *t, size_t n, const double *const *rows,
                                  float *Y, double *squares, float *norms)
{
  for (size_t i = 0; i < n; i++) {
    squares[i] = shift_row(t->D, rows[i], t->origin, *t->scale, Y + i * t->D);
    norms[i] = (float)(sqrt(squares[i]) * 1.000001);
  }
}

/* ---- tables ---------------------------------------------------------------------- */

/* Doubles that hold n floats, in whole cache lines. */
static size_t floats(size_t n)
{
  return (n + 15) / 16 * 8;
}

size_t lat_nearest_count(size_t K, size_t D)
{
  return 8 + floats(K * D) + 3 * floats(K);
}

lat_nearest lat_nearest_of(double *memory, size_t K, size_t D, const double *centers,
                           const double *origin)
{
  double *half = memory + 8 + floats(K * D);
  return (lat_nearest){.K = K,
                       .D = D,
                       .centers = centers,
                       .origin = origin,
                       .scale = memory,
                       .shifted = (float *)(memory + 8),
                       .half = (float *)half,
                       .slope = (float *)(half + floats(K)),
                       .fixed = (float *)(half + 2 * floats(K))};
}

LAT_CLONES void lat_nearest_prepare(const lat_nearest *nearest)
{
  const double u = 0x1p-24;
  size_t K = nearest->K, D = nearest->D;
  double n = (double)(D + 8), gamma = n * u < 1 ? n * u / (1 - n * u) : INFINITY;
  double most = 0;
  for (size_t k = 0; k < K; k++)
    most = fmax(most, lat_squared_distance(D, nearest->centers + k * D, nearest->origin));
  int exponent = 0;
  if (most > 0 && isfinite(most)) frexp(sqrt(most), &exponent);
  *nearest->scale = ldexp(1, exponent < -1000 ? 1000 : -exponent);
  for (size_t k = 0; k < K; k++) {
    double norm = shift_row(D, nearest->centers + k * D, nearest->origin, *nearest->scale,
                            nearest->shifted + k * D);
    /* beyond gamma: 1e-30 for numbers that are subnormal in single precision */
    double fixed = 4 * u * norm + 1e-30;
    nearest->half[k] = (float)(norm / 2 - fixed);
    nearest->fixed[k] = (float)fixed;
    nearest->slope[k] = (float)(gamma * sqrt(norm) * 1.000001 + 1e-30);
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

/* ---- the search ------------------------------------------------------------------- */

/* As many as stay in the second cache together with what is made of them. */
size_t lat_nearest_rows(size_t K, size_t D)
{
  size_t rows = ((size_t)1 << 19) / (4 * K + 16 * D) / 16 * 16;
  return rows > ROWS_MOST ? ROWS_MOST : rows < 16 ? 16 : rows;
}

size_t lat_nearest_scratch(size_t K, size_t D)
{
  size_t rows = lat_nearest_rows(K, D);
  return floats(rows * D) + floats((rows + SPAN) * K);
}

/* What is known of the rows of a block: the lowest lowered score, whose it is, and the second. */
typedef struct scan {
  float norm[ROWS_MOST], best[ROWS_MOST], second[ROWS_MOST];
  int32_t label[ROWS_MOST];
} scan;

static inline float lowered(const lat_nearest *t, size_t k, float product, float norm)
{
  return t->half[k] - (product + t->slope[k] * norm);
}

/* Products lie centre by centre, `stride` rows each, so that the loop over rows is vector code, and
 * SPAN rows at a time stay in registers. */
LAT_CLONES static void scan_products(const lat_nearest *t, size_t stride, const float *products,
                                     scan *s)
{
  for (size_t first = 0; first < stride; first += SPAN) {
    float best[SPAN], second[SPAN], norm[SPAN];
    int32_t label[SPAN];
    for (size_t i = 0; i < SPAN; i++) {
      best[i] = second[i] = INFINITY;
      norm[i] = s->norm[first + i];
      label[i] = 0;
    }
    for (size_t k = 0; k < t->K; k++) {
      const float *p = products + k * stride + first;
      const float half = t->half[k], slope = t->slope[k];
      for (size_t i = 0; i < SPAN; i++) {
        float score = half - (p[i] + slope * norm[i]);
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
                                   const float *products, float norm, float most)
{
  double least = INFINITY;
  uint32_t label = 0;
  for (size_t k = 0; k < t->K; k++) {
    if (lowered(t, k, products[k * stride], norm) > most) continue;
    double d = lat_squared_distance(t->D, x, t->centers + k * t->D);
    if (d < least) {
      least = d;
      label = (uint32_t)k;
    }
  }
  return label;
}

/* The products of all centres with n rows, centre by centre, `*stride` apart; fills in s->norm. */
static const float *multiply(const lat_nearest *t, size_t n, const double *const *rows,
                             double *squares, scan *s, size_t *stride, double *scratch)
{
  size_t K = t->K, D = t->D;
  float *Y = (float *)scratch, *products = (float *)(scratch + floats(lat_nearest_rows(K, D) * D));
  *stride = (n + SPAN - 1) / SPAN * SPAN;
  shift_rows(t, n, rows, Y, squares, s->norm);
  memset(s->norm + n, 0, (*stride - n) * sizeof *s->norm);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)K, (blasint)n, (blasint)D, 1,
              t->shifted, (blasint)D, Y, (blasint)D, 0, products, (blasint)*stride);
  return products;
}

void lat_nearest_search(const lat_nearest *t, size_t n, const double *const *rows, uint32_t *labels,
                        double *second, double *scratch)
{
  size_t K = t->K, D = t->D, stride;
  double squares[ROWS_MOST];
  scan s;
  const float *products = multiply(t, n, rows, squares, &s, &stride, scratch);
  scan_products(t, stride, products, &s);
  for (size_t i = 0; i < n; i++) {
    size_t k = (size_t)s.label[i];
    float most = s.best[i] + 2.00001F * (t->slope[k] * s.norm[i] + t->fixed[k]);
    float others = s.second[i];
    if (others > most || K == 1) {
      labels[i] = (uint32_t)k;
    } else {
      labels[i] = compare(t, stride, rows[i], products + i, s.norm[i], most);
      if (labels[i] != k) others = s.best[i];
    }
    if (!second) continue;
    double square = squares[i] * (1 - (double)(D + 8) * 0x1p-52) + 2 * (double)others;
    second[i] = square > 0 ? sqrt(square) * (1 - 1e-15) / *t->scale : 0;
  }
}

/* ---- distances ---------------------------------------------------------------------- */

/* Where the square is well above the bound of its error: else NaN. */
LAT_CLONES static void measure(const lat_nearest *t, size_t n, size_t stride, const float *products,
                               const float *norms, const double *squares, float factor,
                               float *distances)
{
  for (size_t k = 0; k < t->K; k++) {
    const float *restrict p = products + k * stride;
    float *restrict d = distances + k * LAT_NEAREST_ROWS;
    const float half = t->half[k] + t->fixed[k], slope = t->slope[k], fixed = t->fixed[k];
    for (size_t i = 0; i < n; i++) {
      float own = (float)squares[i], square = own + 2 * (half - p[i]);
      float doubt = 2 * (slope * norms[i] + fixed) + 1e-6F * own;
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
  const float *products = multiply(t, n, rows, squares, &s, &stride, scratch);
  measure(t, n, stride, products, s.norm, squares, (float)(unit / *t->scale), distances);
  for (size_t k = 0; k < t->K; k++) {
    float *d = distances + k * LAT_NEAREST_ROWS;
    for (size_t i = 0; i < n; i++)
      if (!(d[i] < 1e18F)) d[i] = measure_exactly(t->D, rows[i], t->centers + k * t->D, unit);
  }
}
