/* vector_kernels.h: the functions of vector_math.h for one number, to be inlined into
 * loops over arrays. Private to the core: vector_math.c, random.c and nn's kernels share it.
 *
 * The methods are the classical ones (Cody and Waite, Software Manual for the
 * Elementary Functions, 1980; Muller, Elementary Functions, 2016): reduce the argument
 * exactly, evaluate a short polynomial, put the exponent back. The polynomials are
 * minimax fits by Remez' exchange, made for this project. */
#ifndef LAT_BASE_VECTOR_KERNELS_H
#define LAT_BASE_VECTOR_KERNELS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clones.h"

/* ---- double --------------------------------------------------------------- */

/* (exp(r) - 1 - r)/r^2 for |r| <= ln(2)/2; relative error of expm1 2^-55.6 */
LAT_INLINE double exp_tail64(double r)
{
  double q = 0x1.af76b0dbc9161p-26;
  q = q * r + 0x1.28a2b3c71192ep-22;
  q = q * r + 0x1.71ddea0609d9fp-19;
  q = q * r + 0x1.a019a683e42a2p-16;
  q = q * r + 0x1.a01a01b5d5f8cp-13;
  q = q * r + 0x1.6c16c17f352aep-10;
  q = q * r + 0x1.111111110e6e2p-7;
  q = q * r + 0x1.555555555210fp-5;
  q = q * r + 0x1.555555555555cp-3;
  return q * r + 0x1.0000000000005p-1;
}

/* (2 atanh(s) - 2s)/s^3 as a function of z = s^2 <= 0.0295; relative error of log 2^-59 */
LAT_INLINE double log_tail64(double z)
{
  double q = 0x1.2ef20f789556ap-3;
  q = q * z + 0x1.39a3d1b3b7c38p-3;
  q = q * z + 0x1.746628054894ap-3;
  q = q * z + 0x1.c71c5286c4d7dp-3;
  q = q * z + 0x1.249249413efe5p-2;
  q = q * z + 0x1.9999999980cdep-2;
  return q * z + 0x1.555555555558fp-1;
}

/* (1 + a) exp(a^2/2) (1 - Phi(a)), Phi the normal distribution function, as a function of
 * t = (a - 3)/(a + 3), 0 <= a <= 39; relative error 2^-56.9 */
LAT_INLINE double tail_scaled64(double t)
{
  double q = -0x1.06c48caccd22bp-29;
  q = q * t - 0x1.15fbe84a46f9dp-27;
  q = q * t - 0x1.0e2ac28a861e6p-29;
  q = q * t + 0x1.828565c554b2ep-25;
  q = q * t + 0x1.57c6462f2443ap-24;
  q = q * t - 0x1.effee3b4c223ep-25;
  q = q * t - 0x1.9ae5715b490e8p-22;
  q = q * t - 0x1.aa5d6e35d3bd8p-22;
  q = q * t + 0x1.97e8927aaef65p-21;
  q = q * t + 0x1.6d16e009e4638p-19;
  q = q * t + 0x1.505282629f649p-20;
  q = q * t - 0x1.361fa56ba857cp-17;
  q = q * t - 0x1.3179634db1242p-16;
  q = q * t + 0x1.2499fcc5eda2fp-16;
  q = q * t + 0x1.b43c2366bb1a4p-14;
  q = q * t + 0x1.23ffbc89c510bp-16;
  q = q * t - 0x1.10738d59c28c3p-11;
  q = q * t - 0x1.73eaec1fce169p-12;
  q = q * t + 0x1.8a6e4c50fdde0p-9;
  q = q * t + 0x1.304b6b99a51b4p-10;
  q = q * t - 0x1.7466cb8e5e85cp-6;
  q = q * t + 0x1.71fb8ac20fe05p-5;
  q = q * t - 0x1.0d398fa145e3dp-6;
  q = q * t - 0x1.8b5fa445f2853p-4;
  return q * t + 0x1.f1b89c231e9b7p-2;
}

#define real      double
#define bits      uint64_t
#define K(name)   name##64
#define MANTISSA  52
#define BIAS      1023
#define ROUND     0x1.8p52
#define LOG2E     0x1.71547652b82fep0
#define LN2_HIGH  0x1.62e42feep-1
#define LN2_LOW   0x1.a39ef35793c76p-33
#define ROOT_HALF 0x1.6a09e667f3bcdp-1
#define EXP_LEAST -746.0
#define EXP_MOST  710.0
#define TANH_MOST 20.0
#define TAIL_AT   3.0
#define TAIL_MOST 39.0
#define HALF_MASK 0xfffffffff8000000u
#include "base/vector_template.h"
#undef real
#undef bits
#undef K
#undef MANTISSA
#undef BIAS
#undef ROUND
#undef LOG2E
#undef LN2_HIGH
#undef LN2_LOW
#undef ROOT_HALF
#undef EXP_LEAST
#undef EXP_MOST
#undef TANH_MOST
#undef TAIL_AT
#undef TAIL_MOST
#undef HALF_MASK

/* ---- float ---------------------------------------------------------------- */

LAT_INLINE float exp_tail32(float r) /* relative error of expm1 2^-26 */
{
  float q = 0x1.6d9932p-10f;
  q = q * r + 0x1.12281cp-7f;
  q = q * r + 0x1.555486p-5f;
  q = q * r + 0x1.5554b0p-3f;
  return q * r + 0x1p-1f;
}

LAT_INLINE float log_tail32(float z) /* relative error of log 2^-30 */
{
  float q = 0x1.31dd0ep-2f;
  q = q * z + 0x1.995efep-2f;
  return q * z + 0x1.55557ap-1f;
}

/* as above, t = (a - 2)/(a + 2), 0 <= a <= 14.5; relative error 2^-27 */
LAT_INLINE float tail_scaled32(float t)
{
  float q = -0x1.09dc04p-14f;
  q = q * t - 0x1.a8d05ep-14f;
  q = q * t + 0x1.1bf97ap-12f;
  q = q * t + 0x1.ba75ap-11f;
  q = q * t + 0x1.407df4p-13f;
  q = q * t - 0x1.9cc5ep-9f;
  q = q * t - 0x1.531dp-8f;
  q = q * t + 0x1.2143ap-7f;
  q = q * t + 0x1.1c9624p-5f;
  q = q * t - 0x1.f5c90ap-5f;
  q = q * t - 0x1.498762p-4f;
  return q * t + 0x1.023466p-1f;
}

#define real      float
#define bits      uint32_t
#define K(name)   name##32
#define MANTISSA  23
#define BIAS      127
#define ROUND     0x1.8p23f
#define LOG2E     0x1.715476p0f
#define LN2_HIGH  0x1.62ep-1f
#define LN2_LOW   0x1.0bfbe8p-15f
#define ROOT_HALF 0x1.6a09e6p-1f
#define EXP_LEAST -104.0f
#define EXP_MOST  89.0f
#define TANH_MOST 10.0f
#define TAIL_AT   2.0f
#define TAIL_MOST 14.5f
#define HALF_MASK 0xfffff000u
#include "base/vector_template.h"
#undef real
#undef bits
#undef K
#undef MANTISSA
#undef BIAS
#undef ROUND
#undef LOG2E
#undef LN2_HIGH
#undef LN2_LOW
#undef ROOT_HALF
#undef EXP_LEAST
#undef EXP_MOST
#undef TANH_MOST
#undef TAIL_AT
#undef TAIL_MOST
#undef HALF_MASK

/* ---- sine and cosine ------------------------------------------------------- */

#define SINCOS_MOST 0x1p19 /* the reduction below is good up to here */

/* sin(r + rest) and cos(r + rest) for |r| <= pi/4, `rest` below r's last bit. Errors of the
 * polynomials: 2^-58 relative, 2^-64. */
LAT_INLINE void sincos_reduced(double r, double rest, double *sine, double *cosine)
{
  double z = r * r;
  double p = 0x1.5d92629a4c946p-33;
  p = p * z - 0x1.ae5e6438ad165p-26;
  p = p * z + 0x1.71de357556766p-19;
  p = p * z - 0x1.a01a019c0f1f9p-13;
  p = p * z + 0x1.111111110f869p-7;
  p = p * z - 0x1.5555555555549p-3;
  double half = 0.5 * z;
  *sine = r + (r * z * p + (rest - half * rest));
  double q = -0x1.8faeae4d09876p-37;
  q = q * z + 0x1.1ee9ec408a970p-29;
  q = q * z - 0x1.27e4f80acf7bfp-22;
  q = q * z + 0x1.a01a019cb3963p-16;
  q = q * z - 0x1.6c16c16c15199p-10;
  q = q * z + 0x1.555555555554cp-5;
  double w = 1 - half; /* the rounding error of 1 - z/2 is added to the small terms */
  *cosine = w + (((1 - w) - half) + (z * z * q - r * rest));
}

/* From sin and cos of r to those of r + quarters*pi/2, which are the same with changed signs or
 * order. */
LAT_INLINE void rotate_quarters(uint64_t quarters, double *sine, double *cosine)
{
  double s = *sine, c = *cosine;
  bool odd = quarters & 1;
  uint64_t sine_sign = quarters << 62, cosine_sign = (quarters + 1) << 62;
  const uint64_t sign = (uint64_t)1 << 63;
  *sine = real_of64(bits_of64(odd ? c : s) ^ (sine_sign & sign));
  *cosine = real_of64(bits_of64(odd ? s : c) ^ (cosine_sign & sign));
}

/* x = n pi/2 + r + rest. pi/2 in four parts of which three have 33 bits, so that their products
 * with n < 2^20 are exact; the differences are exact where they cancel, and elsewhere what they
 * lose is kept in `rest`. So r is right to the last bit also beside the multiples of pi/2. */
LAT_INLINE void sincos64(double x, double *sine, double *cosine)
{
  double shifted = x * 0x1.45f306dc9c883p-1 + 0x1.8p52, n = shifted - 0x1.8p52;
  double r1 = x - n * 0x1.921fb544p0;
  double w2 = n * 0x1.0b4611a6p-34, r2 = r1 - w2, lost2 = (r1 - r2) - w2;
  double w3 = n * 0x1.3198a2ep-69, r3 = r2 - w3, lost3 = (r2 - r3) - w3;
  double low = n * 0x1.b839a252049c1p-104 - (lost2 + lost3);
  double r = r3 - low, rest = (r3 - r) - low;
  sincos_reduced(r, rest, sine, cosine);
  rotate_quarters(bits_of64(shifted), sine, cosine);
}

#endif
