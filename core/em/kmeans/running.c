/* kmeans/running.c: the statistics of a pass from those of the last one, by the rows that moved;
 * see internal.h. */
#include <string.h>

#include "base/clones.h"
#include "em/common/distance.h"
#include "em/kmeans/internal.h"

/* Passes that go on from a whole one; how much smaller J, or a cluster, may become meanwhile; and
 * the least part of the sum of squares about the origin that J may be: sums are about it. */
enum { PASSES = 9 };
static const double LEAST_J = 0.125, LEAST_COUNT = 0.25, LEAST_SHARE = 1e-11;

lat_kmeans_running *lat_kmeans_running_new(lat_workspace *work, size_t D, size_t K)
{
  lat_kmeans_running *r = lat_allocate(work, 1, sizeof *r);
  if (!r) return NULL;
  *r = (lat_kmeans_running){.statistics = lat_doubles(work, KMEANS_HEAD + K * (1 + D)),
                            .counts = lat_doubles(work, K)};
  return r->statistics && r->counts ? r : NULL;
}

/* The change of a cluster's sum of squares when its centre goes from c to `to`. */
LAT_CLONES static double change(size_t D, double n, const double *sum, const double *origin,
                                const double *c, const double *to)
{
  double s[LAT_ACCUMULATORS] = {0};
  for (size_t j = 0; j < D; j++) {
    double d = to[j] - c[j];
    s[j % LAT_ACCUMULATORS] += d * (n * d - 2 * (sum[j] - n * (c[j] - origin[j])));
  }
  return lat_sum_accumulators(s);
}

void lat_kmeans_running_begin(lat_kmeans_running *r, const lat_kmeans_bounds *bounds,
                              const lat_nearest *t)
{
  r->used = bounds->known && !r->doubtful && r->passes < PASSES && !atomic_load(&r->weighted);
  if (!r->used) return;
  const double *counts = r->statistics + KMEANS_HEAD, *sums = counts + t->K;
  for (size_t k = 0; k < t->K; k++)
    r->statistics[0] += change(t->D, counts[k], sums + k * t->D, t->origin,
                               bounds->centers + k * t->D, t->centers + k * t->D);
  r->statistics[2] = 0;
}

/* Whether the clusters' own sums of squares are next to nothing beside those of their centres. */
static bool tight(size_t D, size_t K, double J, const double *counts, const double *sums)
{
  double squares = 0;
  for (size_t k = 0; k < K; k++)
    for (size_t j = 0; j < D && counts[k] > 0; j++)
      squares += sums[k * D + j] * (sums[k * D + j] / counts[k]);
  return !(J > LEAST_SHARE * squares);
}

bool lat_kmeans_running_end(lat_kmeans_running *r, size_t D, size_t K, const double *statistics)
{
  const double *counts = statistics + KMEANS_HEAD;
  double J = statistics[0];
  bool less = r->used && J < LEAST_J * r->J;
  for (size_t k = 0; k < K; k++) less |= r->used && counts[k] < LEAST_COUNT * r->counts[k];
  memcpy(r->statistics, statistics, (KMEANS_HEAD + K * (1 + D)) * sizeof *statistics);
  r->passes = r->used ? r->passes + 1 : 0;
  if (!r->used) r->J = J;
  if (!r->used) memcpy(r->counts, counts, K * sizeof *counts);
  r->doubtful = less || tight(D, K, J, counts, counts + K);
  return !(r->used && r->doubtful);
}

LAT_CLONES void lat_kmeans_running_move(const lat_nearest *t, const double *x, uint32_t from,
                                        uint32_t to, double *statistics)
{
  size_t D = t->D;
  double *counts = statistics + KMEANS_HEAD;
  double *restrict less = counts + t->K + from * D, *restrict more = counts + t->K + to * D;
  for (size_t j = 0; j < D; j++) {
    double d = x[j] - t->origin[j];
    less[j] -= d;
    more[j] += d;
  }
  counts[from]--;
  counts[to]++;
  statistics[0] += lat_squared_distance(D, x, t->centers + to * D) -
                   lat_squared_distance(D, x, t->centers + from * D);
}
