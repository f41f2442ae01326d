/* vector_template.h: exp, log, tanh, sigmoid and the like of one number, for one type.
 *
 * vector_kernels.h includes this once for double and once for float. It has defined:
 *   real, bits                    the type, and the unsigned integer of its size
 *   K(name)                       the name with the type's suffix: exp64, exp32
 *   MANTISSA, BIAS                of the format
 *   ROUND                         1.5*2^MANTISSA: x + ROUND has round(x) in its last bits
 *   LOG2E, LN2_HIGH, LN2_LOW      log2(e); ln 2 in two parts, n*LN2_HIGH exact for every exponent n
 *   EXP_LEAST, EXP_MOST           where exp has reached 0 and infinity
 *   TANH_MOST                     where tanh has reached 1
 *   TAIL_AT, TAIL_MOST, HALF_MASK of the normal distribution's tail: the centre of its polynomial,
 *                                 where it has reached 0, and the upper half of a mantissa
 *   K(exp_tail), K(log_tail), K(tail_scaled)   the polynomials
 * No branches, no fused products; selections are written so that NaN passes through. */

LAT_INLINE bits K(bits_of)(real x)
{
  bits b;
  memcpy(&b, &x, sizeof b);
  return b;
}

LAT_INLINE real K(real_of)(bits b)
{
  real x;
  memcpy(&x, &b, sizeof x);
  return x;
}

/* |x| with the sign of `sign`. */
LAT_INLINE real K(with_sign)(real x, real sign)
{
  const bits mask = (bits)1 << (sizeof(bits) * 8 - 1);
  return K(real_of)((K(bits_of)(x) & ~mask) | (K(bits_of)(sign) & mask));
}

/* x, or 0. A choice by a bool that the loop doesn't change keeps gcc from making vectors of it. */
LAT_INLINE real K(kept)(real x, bool keep)
{
  return K(real_of)(K(bits_of)(x) & -(bits)keep);
}

LAT_INLINE real K(magnitude)(real x)
{
  return K(real_of)(K(bits_of)(x) & ~(bits)0 >> 1);
}

/* x = n ln 2 + r with |r| <= ln(2)/2, by Cody and Waite's two parts of ln 2. Returns r; expm1(r) is
 * r + small, and n comes as a word that wraps around below 0. */
LAT_INLINE real K(exp_reduced)(real x, real *small, bits *exponent)
{
  real shifted = x * LOG2E + ROUND, n = shifted - ROUND;
  real r = (x - n * LN2_HIGH) - n * LN2_LOW;
  *exponent = K(bits_of)(shifted) - K(bits_of)(ROUND);
  *small = r * r * K(exp_tail)(r);
  return r;
}

/* exp(x) = 2^n exp(r), and in `lost` what the last sum has rounded off. The power of two is applied
 * in two steps, because neither 2^1024 nor 2^-1074 has a normal representation; only the second
 * step can round. */
LAT_INLINE real K(exp_and_lost)(real x, real *lost)
{
  x = x > EXP_MOST ? EXP_MOST : x;
  x = x < EXP_LEAST ? EXP_LEAST : x;
  bits n;
  real small, p = K(exp_reduced)(x, &small, &n) + small, y = 1 + p;
  n += 2 * BIAS; /* positive from here: a shift halves it */
  bits half = n >> 1;
  real first = K(real_of)(half << MANTISSA), second = K(real_of)((n - half) << MANTISSA);
  *lost = ((1 - y) + p) * first * second;
  return y * first * second;
}

LAT_INLINE real K(exp)(real x)
{
  real lost;
  return K(exp_and_lost)(x, &lost);
}

/* x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and with s = f/(2 + f):
 * log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + s^2 tail(s^2)). As f is exact, the result keeps
 * its relative accuracy near x = 1. */
LAT_INLINE real K(log)(real x)
{
  const bits one = K(bits_of)(1), root = K(bits_of)(ROOT_HALF);
  bool small = x < K(real_of)((bits)1 << MANTISSA); /* subnormal: scaled up */
  real scaled = small ? x * (real)((bits)1 << MANTISSA) : x;
  bits b = K(bits_of)(scaled) + (one - root);
  real f = K(real_of)((b & (((bits)1 << MANTISSA) - 1)) + root) - 1;
  /* the integer k, put into the mantissa of 2^MANTISSA and pulled out as a number */
  real k = K(real_of)((b >> MANTISSA) | K(bits_of)((real)((bits)1 << MANTISSA))) -
           ((real)((bits)1 << MANTISSA) + (small ? (real)(BIAS + MANTISSA) : (real)BIAS));
  real s = f / (2 + f), z = s * s, half = (real)0.5 * f * f;
  real y = k * LN2_HIGH - ((half - (s * (half + z * K(log_tail)(z)) + k * LN2_LOW)) - f);
  y = x < (real)INFINITY ? y : x;
  y = x > 0 ? y : (real)-INFINITY;
  return x >= 0 ? y : (real)NAN;
}

/* tanh|x| = -t/(t + 2) with t = expm1(-2|x|) = 2^n expm1(r) + (2^n - 1). exp(-2|x|) - 1 would lose
 * all digits near 0; here n = 0 there, and t keeps its relative accuracy down to the subnormals.
 * Sums lose up to half a unit each; what they lose is known exactly (Dekker's quick sum), and goes
 * into the result y through dy/dt = -2/(t + 2)^2, where 2/(t + 2) = 1 + y. */
LAT_INLINE real K(tanh)(real x)
{
  real a = K(magnitude)(x);
  a = a > TANH_MOST ? TANH_MOST : a;
  bits n;
  real small, r = K(exp_reduced)(-(a + a), &small, &n);
  real power = K(real_of)((n + BIAS) << MANTISSA), base = power - 1;
  real p = r + small, p_lost = (r - p) + small;
  real t = base + power * p, t_lost = ((base - t) + power * p) + power * p_lost;
  real below = 2 + t, below_lost = (2 - below) + t;
  real y = -t / below, slope = 1 + y;
  return K(with_sign)(y - (real)0.5 * slope * (y * below_lost + slope * t_lost), x);
}

/* y = 1/(1 + e) with e = exp(-|x|), which can't overflow, or y = e/(1 + e) on the left, where that
 * keeps the relative accuracy of a result near 0. What e and 1 + e have lost is put back to first
 * order, with 1/(1 + e) = y, or 1 - y on the left. */
LAT_INLINE real K(sigmoid)(real x)
{
  bool left = x < 0;
  real e_lost, e = K(exp_and_lost)(-K(magnitude)(x), &e_lost);
  real below = 1 + e, lost = (1 - below) + e, y = (left ? e : 1) / below;
  real inverse = left ? 1 - y : y;
  return y - inverse * (y * lost + (left ? -inverse : inverse) * e_lost);
}

/* x/(1 + exp(-x)), to 2.2 ulp where the result is a normal number. With exp in the denominator
 * neither what it has lost nor the side of 0 matters, and one step applies the power of two: below
 * -2 TANH_MOST 1 + exp(-x) is 1, and from n = BIAS + 1 on the word is that of infinity, the result
 * 0. */
LAT_INLINE real K(silu)(real x)
{
  real a = -x;
  a = a > EXP_MOST ? EXP_MOST : a;
  a = a < -2 * TANH_MOST ? -2 * TANH_MOST : a;
  bits n;
  real small, p = K(exp_reduced)(a, &small, &n) + small;
  return x / (1 + (1 + p) * K(real_of)((n + BIAS) << MANTISSA));
}

/* log(1 + e) for e in [0, 1], without the rounding of 1 + e: as log, with f = e, or f = (e - 1)/2
 * and ln 2 besides, which is exact too. */
LAT_INLINE real K(log1p_unit)(real e)
{
  bool large = e > (real)0.41421356;
  real f = large ? (real)0.5 * (e - 1) : e, k = large ? 1 : 0;
  real s = f / (2 + f), z = s * s, half = (real)0.5 * f * f;
  return k * LN2_HIGH - ((half - (s * (half + z * K(log_tail)(z)) + k * LN2_LOW)) - f);
}

/* log(1 + exp(x)) */
LAT_INLINE real K(softplus)(real x)
{
  return (x < 0 ? 0 : x) + K(log1p_unit)(K(exp)(-K(magnitude)(x)));
}

/* 1 - Phi(a) for a >= 0, and exp(-a^2/2) in `bell`. a = h + l, h with half of the digits, so h^2 is
 * exact, and exp(-a^2/2) = exp(-h^2/2) exp(r), r = -l (a + h)/2 small: rounding a^2 would cost as
 * many ulp as it is large. */
LAT_INLINE real K(normal_tail)(real a, real *bell)
{
  a = a > TAIL_MOST ? TAIL_MOST : a;
  real h = K(real_of)(K(bits_of)(a) & HALF_MASK), r = (real)-0.5 * (a - h) * (a + h), lost;
  real e = K(exp_and_lost)((real)-0.5 * h * h, &lost);
  e += lost + e * (r + r * r * K(exp_tail)(r));
  *bell = e;
  return e * (K(tail_scaled)((a - TAIL_AT) / (a + TAIL_AT)) / (1 + a));
}

/* The normal distribution function, with its relative accuracy on the left. */
LAT_INLINE real K(normal_cdf)(real x)
{
  real bell, tail = K(normal_tail)(K(magnitude)(x), &bell);
  return x < 0 ? tail : 1 - tail;
}
