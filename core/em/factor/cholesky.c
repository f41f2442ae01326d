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

LAT_CLONES void lat_factor_cholesky(size_t M, size_t n, size_t stride, double noise, double *K,
                                    double *pivots, double *squares)
{
  const double tiny = 1e-13, out = 1e150;
  for (size_t at = 0; at < n; at += WIDTH) {
    double *row = K + at;
    for (size_t i = 0; i < M; row += ++i * stride) {
      const double *other = K + at;
      for (size_t j = 0; j < i; other += ++j * stride) {
        simd s = *(simd *)(row + j * stride);
        for (size_t k = 0; k < j; k++)
          s -= *(simd *)(row + k * stride) * *(const simd *)(other + k * stride);
        *(simd *)(row + j * stride) = s * *(simd *)(pivots + j * stride + at);
      }
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
      for (size_t j = 0; j < i; j++) {
        simd s = {0};
        const double *above = V + (j * (j + 1) / 2 + j) * stride;
        for (size_t k = j; k < i; above += (++k) * stride)
          s -= *(const simd *)(from + k * stride) * *(const simd *)above;
        *(simd *)(row + j * stride) = s * pivot;
      }
      *(simd *)(row + i * stride) = pivot;
    }
    double *to = V;
    for (size_t i = 0; i < M; to += ++i * stride)
      for (size_t j = 0; j <= i; j++) { /* (i, j) needs rows from i on, so it may be overwritten */
        simd s = {0};
        const double *down = to;
        for (size_t k = i; k < M; down += ++k * stride)
          s += *(const simd *)(down + i * stride) * *(const simd *)(down + j * stride);
        *(simd *)(to + j * stride) = s;
      }
  }
}
