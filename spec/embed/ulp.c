/* ulp.c: the errors of core/base/vector_math.h, measured against the C library's long double
 * functions. The spec compiles it against the library, and runs it.
 *
 * One line for every function and type:
 *   exp float64 0.987 -0.31 yes yes 9f86d081884c7d65
 * that is: the largest error in ulp, where it is, whether special values are right, whether a
 * number's result is the same at every place of an array, and a hash of all results. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/vector_math.h"

enum { SAMPLES = 400000, ROOM = 96 };

typedef long double exact;

static exact sigmoidl(exact x)
{
  return 1 / (1 + expl(-x));
}

static exact softplusl(exact x)
{
  return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

static exact normal_cdfl(exact x)
{
  return 0.5L * erfcl(-x * 0.70710678118654752440084436210484903928L);
}

typedef struct special {
  double x, y;
} special;

#define INF INFINITY

/* `least` and `most` are where the function is interesting; `about` is a point beside which many
 * samples lie (`period`: beside its multiples). */
typedef struct function {
  const char *name;
  void (*wide)(size_t, const double *, double *);
  void (*narrow)(size_t, const float *, float *);
  exact (*truth)(exact);
  double least, most, about, period;
  special specials[8]; /* NaN is tried for all; ends with y = NaN and x = 0 */
} function;

/* clang-format off */
static const function functions[] = {
    {"exp", lat_exp, lat_exp_float, expl, -750, 720, 0, 0.34657359027997264,
     {{0, 1}, {-0.0, 1}, {INF, INF}, {-INF, 0}, {1e300, INF}, {-1e300, 0}, {1e-310, 1}, {0, NAN}}},
    {"log", lat_log, lat_log_float, logl, 0, 1e4, 1, 0,
     {{1, 0}, {0, -INF}, {-0.0, -INF}, {INF, INF}, {-1, NAN}, {-INF, NAN}, {-1e-310, NAN}, {0, NAN}}},
    {"tanh", lat_tanh, lat_tanh_float, tanhl, -22, 22, 0, 0.17328679513998632,
     {{0, 0}, {-0.0, -0.0}, {INF, 1}, {-INF, -1}, {1e300, 1}, {-1e300, -1}, {-30, -1}, {0, NAN}}},
    {"sigmoid", lat_sigmoid, lat_sigmoid_float, sigmoidl, -750, 750, 0, 0.34657359027997264,
     {{0, 0.5}, {-0.0, 0.5}, {INF, 1}, {-INF, 0}, {1e300, 1}, {-1e300, 0}, {50, 1}, {0, NAN}}},
    {"softplus", lat_softplus, lat_softplus_float, softplusl, -750, 750, 0, 0.34657359027997264,
     {{INF, INF}, {-INF, 0}, {0x1p100, 0x1p100}, {-1e300, 0}, {0, NAN}}},
    {"normal_cdf", lat_normal_cdf, lat_normal_cdf_float, normal_cdfl, -39, 10, 0, 0,
     {{0, 0.5}, {-0.0, 0.5}, {INF, 1}, {-INF, 0}, {1e300, 1}, {-1e300, 0}, {0, NAN}}},
    {"sin", lat_sin, lat_sin_float, sinl, -524288, 524288, 0, 1.5707963267948966,
     {{0, 0}, {-0.0, -0.0}, {INF, NAN}, {-INF, NAN}, {0x1p-1000, 0x1p-1000}, {0, NAN}}},
    {"cos", lat_cos, lat_cos_float, cosl, -524288, 524288, 0, 1.5707963267948966,
     {{0, 1}, {-0.0, 1}, {INF, NAN}, {-INF, NAN}, {0x1p-1000, 1}, {0, NAN}}},
};
/* clang-format on */

/* SplitMix64 (Steele, Lea, Flood 2014), so that the sample owes nothing to what is measured. */
static uint64_t word(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static double unit(uint64_t *state)
{
  return (double)(word(state) >> 11) * 0x1p-53;
}

static double power_of_two(double u, double v, int least, int most)
{
  return ldexp(1 + u, least + (int)(v * (most - least)));
}

/* Sample number i: eight kinds in turn. */
static double sample(const function *f, size_t i, bool narrow, uint64_t *state)
{
  int smallest = narrow ? -150 : -1075, largest = narrow ? 128 : 1024;
  double sign = word(state) & 1 ? 1 : -1, width = f->most - f->least;
  double u = unit(state), v = unit(state); /* one by one, so that every compiler has the same */
  switch (i % 8) {
  case 0: /* the whole range, subnormals included */
    return sign * power_of_two(u, v, smallest, largest);
  case 1: /* subnormals and their neighbours */
    return sign * power_of_two(u, v, smallest, smallest + (narrow ? 30 : 60));
  case 2: /* where results are neither trivial nor overflow */
    return sign * power_of_two(u, v, -60, 11);
  case 3: { /* the borders: overflow, underflow, saturation */
    double beside = u * fmin(width / 20, 50), x = sign > 0 ? f->most - beside : f->least + beside;
    return narrow && width > 1000 && width < 2000 ? x / 8 : x; /* exp and sigmoid */
  }
  case 4: /* beside the special point, ever nearer */
    return f->about + sign * power_of_two(u, v, narrow ? -24 : -53, 0);
  case 5: /* beside multiples of the period, where an argument's reduction is tested most */
    if (f->period > 0) {
      double x = f->period * floor(u * f->most / f->period);
      return sign * (narrow ? (double)(float)x : x) * (1 + floor(v * 5) * DBL_EPSILON);
    } /* fall through */
  case 6:
    return sign * u * 4;
  default:
    return f->least + u * width;
  }
}

static double error_ulp(double y, exact truth, bool narrow)
{
  int digits = narrow ? FLT_MANT_DIG : DBL_MANT_DIG;
  int least = narrow ? FLT_MIN_EXP : DBL_MIN_EXP, most = narrow ? FLT_MAX_EXP : DBL_MAX_EXP;
  if (isnan(truth) || isnan(y)) return isnan(truth) && isnan(y) ? 0 : INF;
  if (isinf(truth)) return isinf(y) && (y > 0) == (truth > 0) ? 0 : INF;
  exact got = isinf(y) ? copysignl(ldexpl(1, most), y) : (exact)y;
  /* what overflows becomes infinity: any larger truth is as good as the border itself */
  if (fabsl(truth) > ldexpl(1, most)) truth = copysignl(ldexpl(1, most), truth);
  int exponent;
  frexpl(truth, &exponent);
  if (exponent > most) exponent = most;
  if (exponent < least) exponent = least;
  return (double)(fabsl(got - truth) / ldexpl(1, exponent - digits));
}

static void apply(const function *f, bool narrow, size_t n, const double *x, double *y)
{
  if (!narrow) {
    f->wide(n, x, y);
    return;
  }
  float a[ROOM];
  for (size_t i = 0; i < n; i++) a[i] = (float)x[i];
  f->narrow(n, a, a); /* in place, while float64 goes from array to array */
  for (size_t i = 0; i < n; i++) y[i] = (double)a[i];
}

static bool same(double a, double b)
{
  return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static bool specials_right(const function *f, bool narrow)
{
  bool right = true;
  double x = NAN, y;
  apply(f, narrow, 1, &x, &y);
  right = isnan(y);
  for (const special *s = f->specials; s->x != 0 || !isnan(s->y); s++) {
    if (narrow && fabs(s->x) < 1e-300 && s->x != 0) continue; /* would be 0 */
    apply(f, narrow, 1, &s->x, &y);
    right = right && same(y, s->y);
  }
  return right;
}

/* Any start, any length, and in place: the same bits. */
static bool places_agree(const function *f, bool narrow)
{
  double x[ROOM], once[ROOM], y[ROOM];
  uint64_t state = 7;
  for (size_t i = 0; i < ROOM; i++) {
    x[i] = sample(f, i, narrow, &state);
    apply(f, narrow, 1, &x[i], &once[i]);
  }
  for (size_t start = 0; start < 17; start++) {
    for (size_t n = 0; n + start <= ROOM; n++) {
      memcpy(y, x, sizeof y);
      apply(f, narrow, n, y + start, y + start);
      for (size_t i = 0; i < ROOM; i++)
        if (!same(y[i], i >= start && i < start + n ? once[i] : x[i])) return false;
    }
  }
  return true;
}

static void measure(const function *f, bool narrow)
{
  uint64_t state = 1, hash = 14695981039346656037u;
  double worst = 0, where = 0, x[ROOM], y[ROOM];
  for (size_t done = 0; done < SAMPLES; done += ROOM) {
    for (size_t i = 0; i < ROOM; i++) {
      x[i] = sample(f, i, narrow, &state);
      if (narrow) x[i] = (double)(float)x[i];
    }
    apply(f, narrow, ROOM, x, y);
    for (size_t i = 0; i < ROOM; i++) {
      double error = error_ulp(y[i], f->truth((exact)x[i]), narrow);
      if (!(error <= worst)) {
        worst = error;
        where = x[i];
      }
      uint64_t word_of;
      memcpy(&word_of, &y[i], sizeof word_of);
      hash = (hash ^ (isnan(y[i]) ? 0 : word_of)) * 1099511628211u; /* FNV-1a, by words */
      hash ^= hash >> 32;
    }
  }
  printf("%s %s %.3f %.17g %s %s %016llx\n", f->name, narrow ? "float32" : "float64", worst, where,
         specials_right(f, narrow) ? "yes" : "no", places_agree(f, narrow) ? "yes" : "no",
         (unsigned long long)hash);
}

int main(void)
{
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    measure(&functions[i], false);
    measure(&functions[i], true);
  }
  return 0;
}
