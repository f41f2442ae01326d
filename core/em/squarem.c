/* squarem.c: squared extrapolation of a fixed-point iteration (Varadhan, Roland, Scandinavian
 * Journal of Statistics 35, 2008; scheme S3): with r = x1 - x0, v = (x2 - x1) - r, the trial is x0
 * - 2 a r + a^2 v, a = -|r| / |v|.
 *
 * Storage: x0, x1 and the trial, n numbers each. */
#include "em/squarem.h"

#include <math.h>
#include <string.h>

enum { GROWTH = 4 };

lat_status lat_squarem_init(lat_squarem *squarem, lat_workspace *work, size_t n)
{
  *squarem = (lat_squarem){.n = n, .longest = 1};
  squarem->x0 = lat_doubles(work, n);
  squarem->x1 = lat_doubles(work, n);
  squarem->trial = lat_doubles(work, n);
  return squarem->x0 && squarem->x1 && squarem->trial ? LAT_OK : LAT_MEMORY;
}

/* |r|/|v|, or 0 when there is nothing to extrapolate */
static double step_length(const lat_squarem *s, const double *x2)
{
  double rr = 0, vv = 0;
  for (size_t i = 0; i < s->n; i++) {
    double r = s->x1[i] - s->x0[i], v = (x2[i] - s->x1[i]) - r;
    rr += r * r;
    vv += v * v;
  }
  return vv > 0 && isfinite(rr) && isfinite(vv) ? sqrt(rr / vv) : 0;
}

bool lat_squarem_step(lat_squarem *s, const double *x, const double *y)
{
  if (s->images == 0) {
    memcpy(s->x0, x, s->n * sizeof *x);
    memcpy(s->x1, y, s->n * sizeof *y);
    s->images = 1;
    return false;
  }
  s->images = 0;
  double a = step_length(s, y);
  s->bounded = a >= s->longest;
  if (s->bounded) {
    a = s->longest;
    s->longest *= GROWTH;
  }
  if (!(a > 1)) return false;
  for (size_t i = 0; i < s->n; i++) {
    double r = s->x1[i] - s->x0[i], v = (y[i] - s->x1[i]) - r;
    s->trial[i] = s->x0[i] + a * (2 * r + a * v);
  }
  return true;
}

void lat_squarem_refuse(lat_squarem *s)
{
  s->images = 0;
  /* the bound that has just grown, and once more */
  if (s->bounded) s->longest = fmax(s->longest / (GROWTH * GROWTH), 1);
}
