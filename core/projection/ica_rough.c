/* ica_rough.c: passes in single precision, for the iterations before the last few. A fixed point's
 * iterations forget the errors of those before, so single precision brings them to about its own
 * rounding in half of the time, from where double precision goes on.
 *
 * Storage: a copy of the white rows in single precision, chunk by chunk as these; what is added up
 * over a chunk is single, over chunks double. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "base/special.h"
#include "matrix/tile.h"
LAT_FUSED
#include "base/vector_kernels.h"
#include "projection/ica_internal.h"

/* Fewer numbers than this are no work; more bytes than this are not to be spent on it. */
enum { LEAST_NUMBERS = 1 << 16, MOST_BYTES = 128 << 20 };
/* Iterations in double precision at least, and in single precision at most. */
enum { LAST = 4, MOST = 20 };

/* Of the gradient, where single precision ends: what it may be off by is a hundredth of that. */
static const double ROUGH = 1e-5;

static size_t stride_of(const lat_ica_search *fit)
{
  return lat_tile_columns_float(fit->chunk) + LAT_TILE_FLOAT;
}

/* ---- the copy -------------------------------------------------------------------------------- */

static void copy_chunk(void *context, size_t c, size_t worker)
{
  const lat_ica_search *fit = context;
  size_t M = fit->M, stride = stride_of(fit), first = c * fit->chunk;
  size_t left = fit->X.rows - first, n = left < fit->chunk ? left : fit->chunk;
  const double *from = fit->Z + c * M * fit->stride;
  float *to = fit->rough + c * M * stride;
  (void)worker;
  for (size_t i = 0; i < M; i++, from += fit->stride, to += stride) {
    for (size_t j = 0; j < n; j++) to[j] = (float)from[j];
    memset(to + n, 0, (stride - n) * sizeof *to);
  }
}

lat_status lat_ica_rough_begin(lat_ica_search *fit)
{
  size_t numbers = fit->Z ? fit->chunks * fit->M * stride_of(fit) : 0;
  bool wanted = fit->algorithm == LAT_ICA_FIXED_POINT && !fit->weights && !fit->options->init &&
                fit->options->contrast == LAT_ICA_LOGCOSH;
  fit->rough = NULL;
  if (!wanted || numbers < LEAST_NUMBERS || numbers > MOST_BYTES / sizeof *fit->rough)
    return LAT_OK;
  fit->rough = lat_allocate(fit->work, numbers, sizeof *fit->rough);
  return fit->rough ? lat_parallel(fit->work, fit->chunks, copy_chunk, fit) : LAT_MEMORY;
}

bool lat_ica_is_rough(const lat_ica_search *fit)
{
  size_t most = fit->options->max_iterations;
  return fit->rough && !fit->precise && !fit->concluding && fit->algorithm == LAT_ICA_FIXED_POINT &&
         fit->iterations < MOST && fit->iterations + LAST < most;
}

void lat_ica_rough_end(lat_ica_search *fit)
{
  fit->precise = !(fit->gradient > fmax(ROUGH, lat_ica_tolerance(fit)));
}

/* ---- a chunk --------------------------------------------------------------------------------- */

size_t lat_ica_rough_count(const lat_ica_search *fit)
{
  return (2 * fit->k * fit->M + fit->k * stride_of(fit) + 1) / 2 + LAT_TILE;
}

/* exp(x) of x <= 0 */
LAT_INLINE float decay(float x)
{
  uint32_t exponent;
  float small, r = exp_reduced32(x < -80 ? -80 : x, &small, &exponent);
  return (1 + (r + small)) * real_of32((exponent + 127) << 23);
}

/* Sums side by side of tanh^2, |y| and log cosh y - |y| + log 2 as a product, below 2^PART. */
enum { PARTS = LAT_TILE_FLOAT, PART = 64 };

typedef struct sums {
  float squares[PARTS], sizes[PARTS], products[PARTS];
} sums;

/* y := tanh y, n numbers in whole vectors. */
LAT_CLONES static void tanh_of(size_t n, float *restrict y, sums *restrict to)
{
  float squares[PARTS] = {0}, sizes[PARTS] = {0}, products[PARTS];
  for (size_t p = 0; p < PARTS; p++) products[p] = 1;
  for (size_t i = 0; i < n; i += PARTS)
    for (size_t p = 0; p < PARTS; p++) {
      float a = fabsf(y[i + p]), e = decay(-2 * a), f = 1 + e, t = (1 - e) / f;
      squares[p] += t * t;
      sizes[p] += a;
      products[p] *= f;
      y[i + p] = with_sign32(t, y[i + p]);
    }
  memcpy(to->squares, squares, sizeof squares);
  memcpy(to->sizes, sizes, sizeof sizes);
  memcpy(to->products, products, sizeof products);
}

/* y := g(y), n numbers and zeros up to whole vectors, which add nothing to the sums. */
static void logcosh(size_t n, float *y, double *slope, double *value)
{
  size_t padded = lat_tile_columns_float(n), step;
  double squares = 0, sizes = 0;
  for (size_t i = 0; i < padded; i += step) {
    sums s;
    double product = 1;
    step = padded - i < PART * PARTS ? padded - i : PART * PARTS;
    tanh_of(step, y + i, &s);
    for (size_t p = 0; p < PARTS; p++) {
      squares += (double)s.squares[p];
      sizes += (double)s.sizes[p];
      product *= (double)s.products[p];
      if (p % 8 < 7) continue;
      sizes += log(product);
      product = 1;
    }
  }
  *slope += (double)n - squares;
  *value += sizes - (double)padded * LAT_LOG_2;
}

void lat_ica_rough_add(const lat_ica_search *fit, size_t chunk, size_t n, double *memory,
                       const lat_ica_means *means)
{
  size_t M = fit->M, k = fit->k, stride = stride_of(fit), padded = lat_tile_columns_float(n);
  float *Y = (float *)memory, *R = Y + k * stride, *product = R + k * M;
  const float *Z = fit->rough + chunk * M * stride;
  for (size_t i = 0; i < k * M; i++) R[i] = (float)fit->R[i];
  lat_tile_product_float(k, padded, M, R, M, 1, Z, stride, false, Y, stride);
  for (size_t i = 0; i < k; i++) logcosh(n, Y + i * stride, means->slope + i, means->value + i);
  lat_tile_inner_float(k, M, padded, Y, stride, Z, stride, false, product, M);
  for (size_t i = 0; i < k * M; i++) means->product[i] += (double)product[i];
}
