/* squarem.h: longer steps for slow EM. Private to the module.
 *
 * Near its limit EM is a linear iteration: with x1 = F(x0), x2 = F(x1), r = x1 - x0 and
 * v = (x2 - x1) - r, one step of the squared extrapolation method goes to
 *
 *   x0 + 2 a r + a^2 v,   a = |r|/|v| >= 1
 *
 * (SQUAREM, scheme S3 of Varadhan, Roland, Scandinavian Journal of Statistics 35, 2008), which is
 * x2 for a = 1 and far along the slow direction for a large one. It knows nothing of the model but
 * its flat parameters. The step length may grow fourfold whenever the bound on it was reached, and
 * is cut by as much when the step had to be taken back. */
#ifndef LAT_EM_SQUAREM_H
#define LAT_EM_SQUAREM_H

#include "base/workspace.h"

typedef struct lat_squarem {
  size_t n;
  size_t images; /* EM steps since the last extrapolation: 0 or 1 */
  double *x0, *x1, *trial;
  double longest; /* the bound on a */
  bool bounded;   /* the bound was reached by the last step */
} lat_squarem;

/* LAT_MEMORY. Keeps its memory. */
lat_status lat_squarem_init(lat_squarem *squarem, lat_workspace *work, size_t n);

/* Takes an EM step from x to y. True when with this one `trial` is a point to try instead of y. */
bool lat_squarem_step(lat_squarem *squarem, const double *x, const double *y);

/* The trial was taken back, or wasn't possible. */
void lat_squarem_refuse(lat_squarem *squarem);

#endif
