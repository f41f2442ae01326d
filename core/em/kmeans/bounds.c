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

/* Beyond this many centres a row's distance to its own is computed before it is searched for. */
enum { MANY = 16 };

/* Bounds are moved by more, and less, than rounding does, in single precision too. */
static const float ABOVE = 1.000001F, BELOW = 0.999999F;

/* Distances that are computed are off by less than this, relatively, before they are rounded to
 * single precision. */
static double slack_of(size_t D)
{
  return (double)(D + 16) * 0x1p-52;
}

static float above(double x, size_t D)
{
  return (float)(x * (1 + slack_of(D))) * ABOVE + 1e-30F;
}

/* A copy is worth its memory, but not that of others. */
static float *copy_of(lat_workspace *work, size_t N, size_t D)
{
  size_t row = lat_nearest_width(D) * sizeof(float);
  return N <= KMEANS_COPY_BYTES / row ? lat_allocate(work, N, row) : NULL;
}

lat_kmeans_bounds *lat_kmeans_bounds_new(lat_workspace *work, size_t N, size_t D, size_t K,
                                         lat_kmeans_algorithm algorithm)
{
  lat_kmeans_bounds *b = lat_allocate(work, 1, sizeof *b);
  if (!b) return NULL;
  *b = (lat_kmeans_bounds){.rows = N, .D = D, .K = K, .algorithm = algorithm};
  b->upper = lat_allocate(work, N, sizeof *b->upper);
  b->lower = lat_allocate(work, N, sizeof *b->lower);
  b->label = lat_allocate(work, N, sizeof *b->label);
  b->centers = lat_allocate(work, K, D * sizeof(double));
  b->move = lat_allocate(work, K, sizeof *b->move);
  b->reach = lat_allocate(work, K, sizeof *b->reach);
  b->half = lat_allocate(work, K, sizeof *b->half);
  if (!b->upper || !b->lower || !b->label || !b->centers || !b->move || !b->reach || !b->half)
    return NULL;
  b->copy = copy_of(work, N, D);
  return b;
}

/* reach: the largest move among the others is the largest of all, but for the one that made it. */
LAT_CLONES static void measure_moves(lat_kmeans_bounds *b, const double *centers)
{
  size_t fastest = 0, D = b->D;
  float most = 0, next = 0;
  for (size_t k = 0; k < b->K; k++) {
    double move = sqrt(lat_squared_distance(D, centers + k * D, b->centers + k * D));
    b->move[k] = move > 0 ? above(move * b->scale, D) : 0;
    if (b->move[k] > most) {
      next = most;
      most = b->move[k];
      fastest = k;
    } else if (b->move[k] > next) {
      next = b->move[k];
    }
  }
  for (size_t k = 0; k < b->K; k++) b->reach[k] = k == fastest ? next : most;
}

/* The distances between centres are worth computing while they are few against the rows'. */
LAT_CLONES static void measure_gaps(lat_kmeans_bounds *b, const double *centers)
{
  size_t K = b->K, D = b->D;
  bool few = K * K / 2 <= b->rows;
  double factor = b->scale * (0.5 - slack_of(D)) * (double)BELOW;
  for (size_t k = 0; k < K; k++) b->half[k] = 0;
  for (size_t k = 0; few && k < K; k++) {
    double least = INFINITY;
    for (size_t l = 0; l < K; l++) {
      double gap = lat_squared_distance(D, centers + k * D, centers + l * D);
      if (l != k && gap < least) least = gap;
    }
    double half = sqrt(least) * factor;
    b->half[k] = half < 1e30 ? (float)half * BELOW : 1e30F;
  }
}

void lat_kmeans_bounds_begin(lat_kmeans_bounds *b, const lat_nearest *t)
{
  bool scaled = b->scale == *t->scale;
  b->copied &= scaled;
  b->scale = *t->scale;
  b->tested = b->known && scaled && b->paused == 0 && b->algorithm != LAT_KMEANS_LLOYD;
  if (b->paused > 0) b->paused--;
  if (b->tested) {
    measure_moves(b, t->centers);
    measure_gaps(b, t->centers);
  }
  memcpy(b->centers, t->centers, b->K * b->D * sizeof(double));
  b->known = false; /* until the pass is complete: it may be cancelled half way */
}

void lat_kmeans_bounds_end(lat_kmeans_bounds *b, double searched)
{
  b->known = b->copied = true;
  if (b->tested && b->algorithm == LAT_KMEANS_AUTO && searched > 0.9 * (double)b->rows)
    b->paused = PAUSE;
}

/* Moves the bounds of n rows; doubt[i] says that they don't do. */
LAT_CLONES static void move_bounds(const lat_kmeans_bounds *b, size_t n, float *restrict upper,
                                   float *restrict lower, const uint32_t *restrict label,
                                   uint32_t *restrict doubt)
{
  const float *move = b->move, *reach = b->reach, *half = b->half;
  for (size_t i = 0; i < n; i++) {
    uint32_t k = label[i];
    float above = (upper[i] + move[k]) * ABOVE, below = (lower[i] - reach[k]) * BELOW;
    below = below > 0 ? below : 0;
    upper[i] = above;
    lower[i] = below;
    doubt[i] = above < (below > half[k] ? below : half[k]) ? 0U : 1U;
  }
}

LAT_CLONES static bool tighten(lat_kmeans_bounds *b, size_t row, const double *x)
{
  uint32_t k = b->label[row];
  double own = sqrt(lat_squared_distance(b->D, x, b->centers + k * b->D));
  b->upper[row] = above(own * b->scale, b->D);
  return b->upper[row] < fmaxf(b->lower[row], b->half[k]);
}

size_t lat_kmeans_bounds_test(lat_kmeans_bounds *b, size_t first, size_t n,
                              const double *const *rows, uint32_t *open)
{
  uint32_t doubt[LAT_NEAREST_ROWS];
  size_t count = 0;
  move_bounds(b, n, b->upper + first, b->lower + first, b->label + first, doubt);
  for (size_t i = 0; i < n; i++) {
    open[count] = (uint32_t)i;
    count += doubt[i] && !(b->K > MANY && tighten(b, first + i, rows[i]));
  }
  return count;
}

LAT_CLONES void lat_kmeans_bounds_measured(lat_kmeans_bounds *b, size_t first, size_t n,
                                           const double *squares)
{
  double factor = b->scale * (1 + slack_of(b->D));
  float *restrict upper = b->upper + first;
  for (size_t i = 0; i < n; i++) upper[i] = (float)(sqrt(squares[i]) * factor) * ABOVE + 1e-30F;
}
