/* distance.h: the squared distance of two points, for loops that call it often.
 *
 * Inlined, so that inside a function marked LAT_CLONES it becomes that clone's vector code. The
 * order of the sum is fixed (eight sums of every eighth term, added pairwise, then the rest), so
 * that every clone and every place gives the same bits. */
#ifndef LAT_EM_COMMON_DISTANCE_H
#define LAT_EM_COMMON_DISTANCE_H

#include <stddef.h>

#include "base/clones.h"

#define LAT_ACCUMULATORS 8

LAT_INLINE double lat_sum_accumulators(const double s[LAT_ACCUMULATORS])
{
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/* sum of (x_j - c_j)^2 over D entries */
LAT_INLINE double lat_squared_distance(size_t D, const double *x, const double *c)
{
  double s[LAT_ACCUMULATORS] = {0}, rest = 0;
  size_t j = 0;
  for (; j + LAT_ACCUMULATORS <= D; j += LAT_ACCUMULATORS) {
    for (size_t l = 0; l < LAT_ACCUMULATORS; l++) {
      double d = x[j + l] - c[j + l];
      s[l] += d * d;
    }
  }
  for (; j < D; j++) {
    double d = x[j] - c[j];
    rest += d * d;
  }
  return lat_sum_accumulators(s) + rest;
}

#endif
