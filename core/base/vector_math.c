/* vector_math.c: the loops over arrays of vector_math.h.
 *
 * Each is a function of one number (vector_kernels.h) inlined into a loop that is compiled for
 * several vector widths. Sine and cosine have a second pass for arguments beyond the range of their
 * reduction. */
#include "base/vector_math.h"

#include "base/clones.h"
#include "base/vector_kernels.h"

#define LOOP(name, type, result)                                                                   \
  LAT_CLONES void name(size_t n, const type *x, type *y)                                           \
  {                                                                                                \
    LAT_INDEPENDENT for (size_t i = 0; i < n; i++) y[i] = result;                                  \
  }

LOOP(lat_exp, double, exp64(x[i]))
LOOP(lat_log, double, log64(x[i]))
LOOP(lat_tanh, double, tanh64(x[i]))
LOOP(lat_sigmoid, double, sigmoid64(x[i]))
LOOP(lat_softplus, double, softplus64(x[i]))
LOOP(lat_normal_cdf, double, normal_cdf64(x[i]))

LOOP(lat_exp_float, float, exp32(x[i]))
LOOP(lat_log_float, float, log32(x[i]))
LOOP(lat_tanh_float, float, tanh32(x[i]))
LOOP(lat_sigmoid_float, float, sigmoid32(x[i]))
LOOP(lat_softplus_float, float, softplus32(x[i]))
LOOP(lat_normal_cdf_float, float, normal_cdf32(x[i]))

/* ---- sine and cosine ------------------------------------------------------- */

static inline double sin64(double x)
{
  double s, c;
  sincos64(x, &s, &c);
  return x == 0 ? x : s; /* -0 */
}

static inline double cos64(double x)
{
  double s, c;
  sincos64(x, &s, &c);
  return c;
}

/* Arguments beyond SINCOS_MOST, which the quick reduction can't serve, are rare: a block that has
 * some is saved, computed like the others, and then corrected by the C library, number by number
 * (so these alone may differ in their last bit between C libraries). float32 goes through double,
 * and so is rounded right nearly always. */
enum { BLOCK = 512 };

#define SINCOS(name, type, one, library)                                                           \
  static LAT_CLONES size_t name##_block(size_t n, const type *x, type *y)                          \
  {                                                                                                \
    size_t far = 0;                                                                                \
    LAT_INDEPENDENT for (size_t i = 0; i < n; i++)                                                 \
    {                                                                                              \
      double wide = (double)x[i];                                                                  \
      far += fabs(wide) > SINCOS_MOST;                                                             \
      y[i] = (type)one(wide);                                                                      \
    }                                                                                              \
    return far;                                                                                    \
  }                                                                                                \
  void name(size_t n, const type *x, type *y)                                                      \
  {                                                                                                \
    type saved[BLOCK];                                                                             \
    for (size_t start = 0; start < n; start += BLOCK) {                                            \
      size_t m = n - start < BLOCK ? n - start : BLOCK;                                            \
      memcpy(saved, x + start, m * sizeof *saved);                                                 \
      if (name##_block(m, saved, y + start) == 0) continue;                                        \
      for (size_t i = 0; i < m; i++)                                                               \
        if (fabs((double)saved[i]) > SINCOS_MOST) y[start + i] = (type)library((double)saved[i]);  \
    }                                                                                              \
  }

SINCOS(lat_sin, double, sin64, sin)
SINCOS(lat_cos, double, cos64, cos)
SINCOS(lat_sin_float, float, sin64, sin)
SINCOS(lat_cos_float, float, cos64, cos)
