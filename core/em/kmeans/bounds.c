/* kmeans/bounds.c: what spares distances from one pass to the next (Hamerly, Making k-means even
 * faster, SDM 2010; see kmeans.h): lower bounds in single precision, rounded down, and the centres
 * that they hold for. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "em/common/distance.h"
#include "em/kmeans/internal.h"

/* Bounds that spare less than a tenth of the rows are given up for this many passes. */
enum { PAUSE = 5 };

/* Computed distances are off by less than this, relatively. */
static double slack_of(size_t D)
{
  return (double)(D + 16) * 0x1p-52;
}

/* x in single precision, but never above it, whatever its size. */
static float below(double x)
{
  if (!(x > 1e-30)) return 0;
  return x < 1e38 ? (float)(x * (1 - 0x1p-22)) : 1e38F;
}

lat_kmeans_bounds *lat_kmeans_bounds_new(lat_workspace *work, size_t N, size_t D, size_t K,
                                         lat_kmeans_algorithm algorithm)
{
  lat_kmeans_bounds *b = lat_allocate(work, 1, sizeof *b);
  if (!b) return NULL;
  *b = (lat_kmeans_bounds){.rows = N, .algorithm = algorithm};
  b->lower = lat_allocate(work, N, sizeof *b->lower);
  b->label = lat_allocate(work, N, sizeof *b->label);
  b->centers = lat_allocate(work, K, D * sizeof(double));
  b->reach = lat_doubles(work, K);
  b->half = lat_doubles(work, K);
  return b->lower && b->label && b->centers && b->reach && b->half ? b : NULL;
}

/* reach: the largest move among the others is the largest of all, but for the one that made it. */
LAT_CLONES static void measure_moves(lat_kmeans_bounds *b, size_t D, size_t K,
                                     const double *centers)
{
  double most = 0, next = 0, slack = 1 + slack_of(D);
  size_t fastest = 0;
  for (size_t k = 0; k < K; k++) {
    double move = slack * sqrt(lat_squared_distance(D, centers + k * D, b->centers + k * D));
    if (move > most) {
      next = most;
      most = move;
      fastest = k;
    } else if (move > next) {
      next = move;
    }
  }
  for (size_t k = 0; k < K; k++) b->reach[k] = k == fastest ? next : most;
}

/* The distances between centres are worth computing while they are few against the rows'. */
LAT_CLONES static void measure_gaps(lat_kmeans_bounds *b, size_t D, size_t K, const double *centers)
{
  bool few = K * K / 2 <= b->rows;
  for (size_t k = 0; k < K; k++) b->half[k] = few ? INFINITY : 0;
  for (size_t k = 0; few && k < K; k++) {
    for (size_t l = 0; l < k; l++) {
      double gap = lat_squared_distance(D, centers + k * D, centers + l * D);
      b->half[k] = fmin(b->half[k], gap);
      b->half[l] = fmin(b->half[l], gap);
    }
  }
  for (size_t k = 0; few && k < K; k++) b->half[k] = sqrt(b->half[k]) * (0.5 - slack_of(D));
}

void lat_kmeans_bounds_begin(lat_kmeans_bounds *b, size_t D, size_t K, const double *centers)
{
  b->tested = b->known && b->paused == 0 && b->algorithm != LAT_KMEANS_LLOYD;
  if (b->paused > 0) b->paused--;
  if (b->tested) {
    measure_moves(b, D, K, centers);
    measure_gaps(b, D, K, centers);
  }
  memcpy(b->centers, centers, K * D * sizeof(double));
  b->known = false; /* until the pass is complete: it may be cancelled half way */
}

void lat_kmeans_bounds_end(lat_kmeans_bounds *b, double searched)
{
  b->known = true;
  if (b->tested && b->algorithm == LAT_KMEANS_AUTO && searched > 0.9 * (double)b->rows)
    b->paused = PAUSE;
}

LAT_CLONES size_t lat_kmeans_bounds_test(lat_kmeans_bounds *b, size_t D, const double *centers,
                                         size_t first, size_t n, const double *const *rows,
                                         uint32_t *labels, double *squares, uint32_t *open)
{
  size_t count = 0;
  double slack = 1 + slack_of(D);
  for (size_t i = 0; i < n; i++) {
    uint32_t k = labels[i] = b->label[first + i];
    squares[i] = lat_squared_distance(D, rows[i], centers + k * D);
    double lower = (double)b->lower[first + i] - b->reach[k];
    b->lower[first + i] = below(lower);
    open[count] = (uint32_t)i;
    if (!(sqrt(squares[i]) * slack < fmax(lower, b->half[k]))) count++;
  }
  return count;
}

void lat_kmeans_bounds_set(lat_kmeans_bounds *b, size_t row, uint32_t label, double second)
{
  b->label[row] = label;
  b->lower[row] = below(second);
}
