#include "em/nearest.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clones.h"

enum { LANES = 8, ROWS_MOST = LAT_NEAREST_ROWS };

static inline __attribute__((always_inline)) double sum_lanes(const double s[LANES])
{
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

LAT_CLONES double lat_squared_distance(size_t D, const double *x, const double *c)
{
  double s[LANES] = {0};
  size_t j = 0;
  for (; j + LANES <= D; j += LANES) {
    for (size_t l = 0; l < LANES; l++) {
      double d = x[j + l] - c[j + l];
      s[l] += d * d;
    }
  }
  for (size_t l = 0; j + l < D; l++) {
    double d = x[j + l] - c[j + l];
    s[l] += d * d;
  }
  return sum_lanes(s);
}

/* y := (x - o) s in single precision; |y|^2, before it is rounded. */
LAT_CLONES static double shift_row(size_t D, const double *restrict x, const double *restrict o,
                                   double scale, float *restrict y)
{
  double s[LANES] = {0};
  size_t j = 0;
  for (; j + LANES <= D; j += LANES) {
    for (size_t l = 0; l < LANES; l++) {
      double d = (x[j + l] - o[j + l]) * scale;
      y[j + l] = (float)d;
      s[l] += d * d;
    }
  }
  for (size_t l = 0; j + l < D; l++) {
    double d = (x[j + l] - o[j + l]) * scale;
    y[j + l] = (float)d;
    s[l] += d * d;
  }
  return sum_lanes(s);
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

void lat_nearest_prepare(const lat_nearest *nearest)
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

/* A block's rows and scores stay in the second cache where they can. */
size_t lat_nearest_rows(size_t K, size_t D)
{
  size_t rows = ((size_t)1 << 20) / (K + 2 * D + 1);
  return rows > ROWS_MOST ? ROWS_MOST : rows < 16 ? 16 : rows;
}

size_t lat_nearest_scratch(size_t K, size_t D)
{
  size_t rows = lat_nearest_rows(K, D);
  return floats(rows * D) + floats(rows * K);
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

/* Products lie centre by centre, so that the loop over rows is vector code. */
LAT_CLONES static void scan_scores(const lat_nearest *t, size_t n, const float *restrict products,
                                   scan *restrict s)
{
  for (size_t i = 0; i < n; i++) {
    s->best[i] = s->second[i] = INFINITY;
    s->label[i] = 0;
  }
  for (size_t k = 0; k < t->K; k++) {
    const float *restrict p = products + k * n;
    const float half = t->half[k], slope = t->slope[k];
    const int32_t name = (int32_t)k;
    for (size_t i = 0; i < n; i++) {
      float score = half - (p[i] + slope * s->norm[i]);
      float best = s->best[i], second = s->second[i];
      float other = score < second ? score : second;
      s->second[i] = score < best ? best : other;
      s->best[i] = score < best ? score : best;
      s->label[i] = score < best ? name : s->label[i];
    }
  }
}

/* Of all centres whose lowered score isn't above `most`, computed exactly, the first nearest. */
static uint32_t compare(const lat_nearest *t, size_t n, const double *x, const float *products,
                        float norm, float most)
{
  double least = INFINITY;
  uint32_t label = 0;
  for (size_t k = 0; k < t->K; k++) {
    if (lowered(t, k, products[k * n], norm) > most) continue;
    double d = lat_squared_distance(t->D, x, t->centers + k * t->D);
    if (d < least) {
      least = d;
      label = (uint32_t)k;
    }
  }
  return label;
}

void lat_nearest_search(const lat_nearest *t, size_t n, const double *const *rows, uint32_t *labels,
                        double *second, double *scratch)
{
  size_t K = t->K, D = t->D;
  float *Y = (float *)scratch, *products = (float *)(scratch + floats(lat_nearest_rows(K, D) * D));
  double squares[ROWS_MOST];
  scan s;
  for (size_t i = 0; i < n; i++) {
    squares[i] = shift_row(D, rows[i], t->origin, *t->scale, Y + i * D);
    s.norm[i] = (float)(sqrt(squares[i]) * 1.000001);
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)K, (blasint)n, (blasint)D, 1,
              t->shifted, (blasint)D, Y, (blasint)D, 0, products, (blasint)n);
  scan_scores(t, n, products, &s);
  for (size_t i = 0; i < n; i++) {
    size_t k = (size_t)s.label[i];
    float most = s.best[i] + 2.00001F * (t->slope[k] * s.norm[i] + t->fixed[k]);
    float others = s.second[i];
    if (others > most || K == 1) {
      labels[i] = (uint32_t)k;
    } else {
      labels[i] = compare(t, n, rows[i], products + i, s.norm[i], most);
      if (labels[i] != k) others = s.best[i];
    }
    if (!second) continue;
    double square = squares[i] * (1 - (double)(D + 8) * 0x1p-52) + 2 * (double)others;
    second[i] = square > 0 ? sqrt(square) * (1 - 1e-15) / *t->scale : 0;
  }
}
