/* factor/cholesky.c: small Cholesky factors, many side by side.
 *
 * Storage: element (i, j <= i) of all factors is line i (i + 1)/2 + j of a table; eight factors are
 * taken at a time, by vectors. A pivot that is rounding of what it comes from leaves its direction
 * out: the diagonal is then a number so large that what is divided by it is 0. */
#include <math.h>

#include "base/clones.h"
#include "em/factor/internal.h"
#include "matrix/tile.h"

LAT_FUSED

enum { WIDTH = LAT_TILE }; /* numbers side by side */

typedef double simd __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));
typedef int64_t simd_mask __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));

/* Sums that are computed together: an addition waits for the one before it in the same sum, and
 * those of the other sums fill the time. */
enum { FOUR = 4 };

/* Line (i, 0) of a table. */
static size_t line_of(size_t i, size_t stride)
{
  return i * (i + 1) / 2 * stride;
}

/* s[q] := (row, j + q) - the sum over k < j of (row, k) (j + q, k), of four rows j + q. */
LAT_INLINE void reduce_four(const double *L, const double *row, size_t j, size_t stride,
                            simd s[FOUR])
{
  const double *a = L + line_of(j, stride), *b = a + (j + 1) * stride, *c = b + (j + 2) * stride,
               *d = c + (j + 3) * stride;
  simd s0 = *(const simd *)(row + j * stride), s1 = *(const simd *)(row + (j + 1) * stride);
  simd s2 = *(const simd *)(row + (j + 2) * stride), s3 = *(const simd *)(row + (j + 3) * stride);
  for (size_t k = 0, at = 0; k < j; k++, at += stride) {
    simd x = *(const simd *)(row + at);
    s0 -= x * *(const simd *)(a + at);
    s1 -= x * *(const simd *)(b + at);
    s2 -= x * *(const simd *)(c + at);
    s3 -= x * *(const simd *)(d + at);
  }
  s[0] = s0, s[1] = s1, s[2] = s2, s[3] = s3;
}

/* (row, j) := *from - the rest of that sum, from k on, by the pivot. (A vector that is passed by
 * value would be passed another way by each instruction set.) */
LAT_INLINE void divide_rest(const double *L, double *row, size_t k, size_t j, size_t stride,
                            const double *pivots, const simd *from)
{
  const double *other = L + line_of(j, stride);
  simd s = *from;
  for (; k < j; k++) s -= *(const simd *)(row + k * stride) * *(const simd *)(other + k * stride);
  *(simd *)(row + j * stride) = s * *(const simd *)(pivots + j * stride);
}

LAT_CLONES void lat_factor_cholesky(size_t M, size_t n, size_t stride, double noise, double *K,
                                    double *pivots, double *squares)
{
  const double tiny = 1e-13, out = 1e150;
  for (size_t at = 0; at < n; at += WIDTH) {
    double *row = K + at;
    for (size_t i = 0; i < M; row += ++i * stride) {
      size_t j = 0;
      for (; j + FOUR <= i; j += FOUR) {
        simd s[FOUR];
        reduce_four(K + at, row, j, stride, s);
        for (size_t q = 0; q < FOUR; q++)
          divide_rest(K + at, row, j, j + q, stride, pivots + at, &s[q]);
      }
      for (; j < i; j++)
        divide_rest(K + at, row, 0, j, stride, pivots + at, (const simd *)(row + j * stride));
      double *diagonal = row + i * stride, root[WIDTH];
      simd whole = *(simd *)diagonal + noise, pivot = whole;
      for (size_t k = 0; k < i; k++) {
        simd x = *(simd *)(row + k * stride);
        pivot -= x * x;
      }
      simd_mask kept = ~(pivot <= tiny * whole);
      const simd one = (simd){0} + 1;
      pivot = (simd)((kept & (simd_mask)pivot) | (~kept & (simd_mask)one));
      *(simd *)(squares + i * stride + at) = pivot;
      for (size_t k = 0; k < WIDTH; k++) root[k] = sqrt(pivot[k]);
      simd length = *(simd *)root, gone = (simd){0} + out;
      length = (simd)((kept & (simd_mask)length) | (~kept & (simd_mask)gone));
      *(simd *)diagonal = length;
      *(simd *)(pivots + i * stride + at) = 1 / length;
    }
  }
}

LAT_CLONES void lat_factor_cholesky_solve(size_t M, size_t n, const double *L, const double *pivots,
                                          size_t L_stride, size_t step, double *z, size_t stride)
{
  for (size_t at = 0; at < n; at += WIDTH, L += step, pivots += step, z += WIDTH) {
    const double *row = L;
    for (size_t i = 0; i < M; row += ++i * L_stride) {
      simd s = *(simd *)(z + i * stride);
      for (size_t k = 0; k < i; k++)
        s -= *(const simd *)(row + k * L_stride) * *(simd *)(z + k * stride);
      *(simd *)(z + i * stride) = s * *(const simd *)(pivots + i * L_stride);
    }
    for (size_t i = M; i-- > 0;) {
      row -= (i + 1) * L_stride;
      simd s = *(simd *)(z + i * stride) * *(const simd *)(pivots + i * L_stride);
      *(simd *)(z + i * stride) = s;
      for (size_t k = 0; k < i; k++)
        *(simd *)(z + k * stride) -= *(const simd *)(row + k * L_stride) * s;
    }
  }
}

/* (row i of V, j + q) := minus the sum over k from j + q to before i of (from, k) (k, j + q), by
 * the pivot; rows before i are those of inv(L). */
LAT_INLINE void invert_one(const double *V, const double *from, size_t i, size_t j, size_t stride,
                           const simd *pivot, double *row)
{
  const double *above = V + line_of(j, stride) + j * stride;
  simd s = {0};
  for (size_t k = j; k < i; above += (++k) * stride)
    s -= *(const simd *)(from + k * stride) * *(const simd *)above;
  *(simd *)(row + j * stride) = s * *pivot;
}

LAT_INLINE void invert_four(const double *V, const double *from, size_t i, size_t j, size_t stride,
                            const simd *pivot, double *row)
{
  const double *above = V + line_of(j, stride) + j * stride;
  simd s[FOUR] = {{0}};
  for (size_t k = j; k < j + FOUR - 1; above += (++k) * stride)
    for (size_t q = 0; q <= k - j; q++)
      s[q] -= *(const simd *)(from + k * stride) * *(const simd *)(above + q * stride);
  simd s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
  for (size_t k = j + FOUR - 1; k < i; above += (++k) * stride) {
    simd x = *(const simd *)(from + k * stride);
    s0 -= x * *(const simd *)above;
    s1 -= x * *(const simd *)(above + stride);
    s2 -= x * *(const simd *)(above + 2 * stride);
    s3 -= x * *(const simd *)(above + 3 * stride);
  }
  *(simd *)(row + j * stride) = s0 * *pivot;
  *(simd *)(row + (j + 1) * stride) = s1 * *pivot;
  *(simd *)(row + (j + 2) * stride) = s2 * *pivot;
  *(simd *)(row + (j + 3) * stride) = s3 * *pivot;
}

/* (row i, j + q) := the sum over k from i on of (k, i) (k, j + q); it needs rows from i on, so it
 * may be overwritten. */
LAT_INLINE void square_one(size_t M, size_t i, size_t j, size_t stride, double *to)
{
  simd s = {0};
  const double *down = to;
  for (size_t k = i; k < M; down += ++k * stride)
    s += *(const simd *)(down + i * stride) * *(const simd *)(down + j * stride);
  *(simd *)(to + j * stride) = s;
}

LAT_INLINE void square_four(size_t M, size_t i, size_t j, size_t stride, double *to)
{
  simd s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
  const double *down = to;
  for (size_t k = i; k < M; down += ++k * stride) {
    const double *at = down + j * stride;
    simd x = *(const simd *)(down + i * stride);
    s0 += x * *(const simd *)at;
    s1 += x * *(const simd *)(at + stride);
    s2 += x * *(const simd *)(at + 2 * stride);
    s3 += x * *(const simd *)(at + 3 * stride);
  }
  *(simd *)(to + j * stride) = s0;
  *(simd *)(to + (j + 1) * stride) = s1;
  *(simd *)(to + (j + 2) * stride) = s2;
  *(simd *)(to + (j + 3) * stride) = s3;
}

/* First the rows of inv(L), each a combination of those above it; the inverse is the sum of the
 * products of each row with itself, of which row k goes into rows up to k. */
LAT_CLONES void lat_factor_cholesky_inverse(size_t M, size_t n, size_t stride, const double *L,
                                            const double *pivots, double *V)
{
  for (size_t at = 0; at < n; at += WIDTH, L += WIDTH, pivots += WIDTH, V += WIDTH) {
    const double *from = L;
    double *row = V;
    for (size_t i = 0; i < M; from += (i + 1) * stride, row += (i + 1) * stride, i++) {
      simd pivot = *(const simd *)(pivots + i * stride);
      size_t j = 0;
      for (; j + FOUR <= i; j += FOUR) invert_four(V, from, i, j, stride, &pivot, row);
      for (; j < i; j++) invert_one(V, from, i, j, stride, &pivot, row);
      *(simd *)(row + i * stride) = pivot;
    }
    double *to = V;
    for (size_t i = 0; i < M; to += ++i * stride) {
      size_t j = 0;
      for (; j + FOUR <= i + 1; j += FOUR) square_four(M, i, j, stride, to);
      for (; j <= i; j++) square_one(M, i, j, stride, to);
    }
  }
}
