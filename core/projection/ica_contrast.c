/* ica_contrast.c: G, its derivative g and g' of ICA's contrasts, over an output's numbers side by
 * side. Sums are kept in eight parts, which become vectors without leave to reorder. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/special.h"
LAT_FUSED
#include "base/vector_kernels.h"
#include "base/vector_math.h"
#include "projection/ica_internal.h"

enum { PARTS = 8 };

double lat_ica_distance(lat_ica_contrast contrast, double value)
{
  /* of a standard normal: the integral of log cosh, -1/sqrt(2), 3/4 */
  static const double normal[] = {0.37456720749143796, -0.70710678118654752, 0.75};
  return fabs(value - normal[contrast]);
}

/* ---- n outputs y become g(y); sums of g' and G ------------------------------------------ */

static double total(const double part[PARTS])
{
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

LAT_CLONES static void magnitudes(size_t n, const double *restrict y, double *restrict sums)
{
  double part[PARTS] = {0};
  size_t i = 0;
  for (; i + PARTS <= n; i += PARTS)
    for (size_t p = 0; p < PARTS; p++) part[p] += fabs(y[i + p]);
  for (; i < n; i++) part[i % PARTS] += fabs(y[i]);
  memcpy(sums, part, sizeof part);
}

/* exp(x) of x <= 0; what is below -700 might as well be there. */
static inline double decay(double x)
{
  uint64_t exponent;
  double small, r = exp_reduced64(x < -700 ? -700 : x, &small, &exponent);
  return (1 + (r + small)) * real_of64((exponent + 1023) << 52);
}

/* With e = exp(-2|y|): |tanh y| = (1 - e)/(1 + e), whose absolute error matters in sums, and
 * log cosh y = |y| + log(1 + e) - log 2. y := tanh y, f := 1 + e. */
LAT_CLONES static void tanh_of(size_t n, double *restrict y, double *restrict f)
{
  LAT_INDEPENDENT for (size_t i = 0; i < n; i++)
  {
    double e = decay(-2 * fabs(y[i])), sum = 1 + e, t = (1 - e) / sum;
    f[i] = sum;
    y[i] = with_sign64(t, y[i]);
  }
}

/* sums of squares of t, products of f */
LAT_CLONES static void tanh_sums(size_t n, double *restrict t, const double *restrict f,
                                 double *restrict squares, double *restrict products)
{
  double square[PARTS] = {0}, product[PARTS] = {1, 1, 1, 1, 1, 1, 1, 1};
  size_t i = 0;
  for (; i + PARTS <= n; i += PARTS)
    for (size_t p = 0; p < PARTS; p++) {
      square[p] += t[i + p] * t[i + p];
      product[p] *= f[i + p];
    }
  for (; i < n; i++) {
    square[i % PARTS] += t[i] * t[i];
    product[i % PARTS] *= f[i];
  }
  memcpy(squares, square, sizeof square);
  memcpy(products, product, sizeof product);
}

/* Logarithms are taken of products: the factors of an accumulator have a product below 2^(4096/8),
 * and that of two accumulators doesn't overflow. */
static void logcosh(size_t n, double *y, double *scratch, double *slope, double *value)
{
  double sizes[PARTS], squares[PARTS], products[PARTS];
  magnitudes(n, y, sizes);
  tanh_of(n, y, scratch);
  tanh_sums(n, y, scratch, squares, products);
  *slope += (double)n - total(squares);
  *value += total(sizes) - (double)n * LAT_LOG_2;
  double product = 1;
  for (size_t p = 0; p < PARTS; p++) {
    product *= products[p];
    if (product < 0x1p511) continue;
    *value += log(product);
    product = 1;
  }
  *value += log(product);
}

LAT_CLONES static void half_squares(size_t n, const double *restrict y, double *restrict e)
{
  for (size_t i = 0; i < n; i++) e[i] = -0.5 * y[i] * y[i];
}

/* y := y e, sums of (1 - y^2) e and of e */
LAT_CLONES static void exp_sums(size_t n, double *restrict y, const double *restrict e,
                                double *restrict slopes, double *restrict sums)
{
  double slope[PARTS] = {0}, sum[PARTS] = {0};
  size_t i = 0;
  for (; i + PARTS <= n; i += PARTS)
    for (size_t p = 0; p < PARTS; p++) {
      double x = y[i + p], w = e[i + p];
      slope[p] += (1 - x * x) * w;
      sum[p] += w;
      y[i + p] = x * w;
    }
  for (; i < n; i++) {
    slope[i % PARTS] += (1 - y[i] * y[i]) * e[i];
    sum[i % PARTS] += e[i];
    y[i] *= e[i];
  }
  memcpy(slopes, slope, sizeof slope);
  memcpy(sums, sum, sizeof sum);
}

static void gaussian(size_t n, double *y, double *scratch, double *slope, double *value)
{
  double slopes[PARTS], sums[PARTS];
  half_squares(n, y, scratch);
  lat_exp(n, scratch, scratch);
  exp_sums(n, y, scratch, slopes, sums);
  *slope += total(slopes);
  *value -= total(sums);
}

/* y := y^3, sums of y^2 and y^4 */
LAT_CLONES static void cube_sums(size_t n, double *restrict y, double *restrict squares,
                                 double *restrict fourths)
{
  double two[PARTS] = {0}, four[PARTS] = {0};
  size_t i = 0;
  for (; i + PARTS <= n; i += PARTS)
    for (size_t p = 0; p < PARTS; p++) {
      double x = y[i + p], square = x * x;
      two[p] += square;
      four[p] += square * square;
      y[i + p] = square * x;
    }
  for (; i < n; i++) {
    double square = y[i] * y[i];
    two[i % PARTS] += square;
    four[i % PARTS] += square * square;
    y[i] *= square;
  }
  memcpy(squares, two, sizeof two);
  memcpy(fourths, four, sizeof four);
}

static void cube(size_t n, double *y, double *scratch, double *slope, double *value)
{
  double squares[PARTS], fourths[PARTS];
  (void)scratch;
  cube_sums(n, y, squares, fourths);
  *slope += 3 * total(squares);
  *value += total(fourths) / 4;
}

typedef void contrast_sums(size_t n, double *y, double *scratch, double *slope, double *value);

static contrast_sums *const sums_of[] = {logcosh, gaussian, cube};

/* ---- with weights: number by number ------------------------------------------------------ */

/* y := g(y), slopes := g'(y), values := G(y) */
static void terms(lat_ica_contrast contrast, size_t n, double *y, double *slopes, double *values)
{
  switch (contrast) {
  case LAT_ICA_LOGCOSH:
    for (size_t i = 0; i < n; i++) values[i] = fabs(y[i]) - LAT_LOG_2;
    tanh_of(n, y, slopes);
    lat_log(n, slopes, slopes);
    for (size_t i = 0; i < n; i++) {
      values[i] += slopes[i];
      slopes[i] = 1 - y[i] * y[i];
    }
    return;
  case LAT_ICA_EXP:
    half_squares(n, y, values);
    lat_exp(n, values, values);
    for (size_t i = 0; i < n; i++) {
      slopes[i] = (1 - y[i] * y[i]) * values[i];
      y[i] *= values[i];
      values[i] = -values[i];
    }
    return;
  default:
    for (size_t i = 0; i < n; i++) {
      double square = y[i] * y[i];
      slopes[i] = 3 * square;
      values[i] = square * square / 4;
      y[i] *= square;
    }
  }
}

void lat_ica_apply_contrast(lat_ica_contrast contrast, size_t n, double *y, const double *w,
                            double *scratch, double *slope, double *value)
{
  if (!w) {
    sums_of[contrast](n, y, scratch, slope, value);
    return;
  }
  double *slopes = scratch, *values = scratch + n;
  terms(contrast, n, y, slopes, values);
  *slope += cblas_ddot((blasint)n, w, 1, slopes, 1);
  *value += cblas_ddot((blasint)n, w, 1, values, 1);
  for (size_t i = 0; i < n; i++) y[i] *= w[i];
}
