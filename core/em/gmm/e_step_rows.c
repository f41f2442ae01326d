/* gmm/e_step_rows.c: blocks of complete rows with full covariances, about the means: for many
 * columns, where features would be more work, and where features would lose digits. A row lies side
 * by side, in gmm_pitch numbers of which those beyond D are 0. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "em/gmm/internal.h"

/* ---- loops over the rows --------------------------------------------------------------------- */

/* x := (x - shift) inverse */
LAT_CLONES static void place_rows(size_t n, size_t D, size_t pitch, const double *restrict shift,
                                  const double *restrict inverse, double *restrict x)
{
  for (size_t i = 0; i < n; i++, x += pitch) {
    for (size_t d = 0; d < D; d++) x[d] = (x[d] - shift[d]) * inverse[d];
    for (size_t d = D; d < pitch; d++) x[d] = 0;
  }
}

/* y := x - m, of D columns; rows of x are `pitch`, those of y `between` apart */
LAT_CLONES static void centre_rows(size_t n, size_t D, size_t pitch, size_t between,
                                   const double *restrict x, const double *restrict mean,
                                   double *restrict y)
{
  for (size_t i = 0; i < n; i++, x += pitch, y += between) {
    for (size_t d = 0; d < D; d++) y[d] = x[d] - mean[d];
    for (size_t d = D; d < between; d++) y[d] = 0;
  }
}

/* -|z|^2/2 of so many numbers, whole vectors of them */
LAT_INLINE double half_norm(size_t count, const double *restrict z)
{
  double sum[LAT_TILE] = {0};
  for (size_t d = 0; d < count; d += LAT_TILE)
    for (size_t l = 0; l < LAT_TILE; l++) sum[l] += z[d + l] * z[d + l];
  return -0.5 * (((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])));
}

/* joint := c - |z|^2/2 */
LAT_CLONES static void normal_rows(size_t n, size_t pitch, const double *restrict z, double c,
                                   double *restrict joint)
{
  for (size_t i = 0; i < n; i++, z += pitch) joint[i] = c + half_norm(pitch, z);
}

/* y := x - about (NULL: 0), z := r y, sum += z, for the rows that the component has anything to do
 * with (r more than `least`), whose number is returned; where components are far apart that spares
 * nearly all of the work. */
LAT_CLONES static size_t weigh_rows(size_t n, size_t D, size_t pitch, const double *restrict x,
                                    const double *restrict about, const double *restrict r,
                                    double least, double *restrict y, double *restrict z,
                                    double *restrict sum)
{
  size_t m = 0;
  for (size_t i = 0; i < n; i++, x += pitch) {
    double w = r[i];
    if (!(w > least)) continue;
    if (about)
      for (size_t d = 0; d < D; d++) y[d] = x[d] - about[d];
    else
      for (size_t d = 0; d < D; d++) y[d] = x[d];
    for (size_t d = 0; d < D; d++) {
      z[d] = w * y[d];
      sum[d] += z[d];
    }
    for (size_t d = D; d < pitch; d++) y[d] = z[d] = 0;
    y += pitch;
    z += pitch;
    m++;
  }
  return m;
}

/* ---- statistics of products ------------------------------------------------------------------ */

double *lat_gmm_quadratic_of(const lat_gmm_context *gmm, size_t k, double *statistics, size_t *step)
{
  bool common = gmm->covariance == LAT_COVARIANCE_TIED;
  *step = common ? 1 : gmm_step(gmm);
  return statistics + (common ? gmm_statistics(gmm) : k * gmm_apart(gmm));
}

/* In the order of the products, which for wide mixtures is A's own. */
void lat_gmm_add_products(const lat_gmm_context *gmm, size_t k, const double *A, size_t pitch,
                          double *statistics)
{
  size_t D = gmm->D, step;
  double *products = lat_gmm_quadratic_of(gmm, k, statistics, &step);
  if (gmm_is_wide(gmm)) {
    for (size_t i = 0; i < D; i++) {
      double *row = products + gmm_product(gmm, i, i);
      for (size_t j = i; j < D; j++) row[j - i] += A[i * pitch + j];
    }
    return;
  }
  for (size_t s = 0; 2 * s <= D; s++) {
    size_t straight = D - s, all = 2 * s == D ? straight : D;
    for (size_t i = 0; i < straight; i++, products += step) *products += A[i * (pitch + 1) + s];
    for (size_t i = straight; i < all; i++, products += step)
      *products += A[(i - straight) * pitch + i];
  }
}

/* ---- densities ------------------------------------------------------------------------------- */

void lat_gmm_read_packed_rows(const lat_gmm_context *gmm, const gmm_derived *derived,
                              const lat_matrix *X, gmm_block *block)
{
  size_t D = gmm->D, pitch = gmm_pitch(gmm);
  lat_matrix rows = {block->T, block->n, D, (ptrdiff_t)pitch, 1, LAT_FLOAT64};
  lat_copy(X, &rows);
  place_rows(block->n, D, pitch, gmm->shift, derived->inverse, block->T);
}

/* Z (n x to-from) := columns from..to-1 of W y for each row y of Y (n x D, rows `between` apart).
 * W is triangular, so a panel of its columns needs as much of y as comes before its end. */
static void whiten(size_t n, size_t D, size_t pitch, const double *Y, size_t between,
                   const double *W, size_t from, size_t to, double *Z)
{
  enum { PANEL = 3 * LAT_TILE };
  for (size_t first = from, columns; first < to; first += columns) {
    size_t left = to - first;
    columns = left < PANEL ? left : left == 4 * LAT_TILE ? left / 2 : PANEL;
    size_t depth = first + columns < D ? first + columns : D;
    lat_tile_product(n, columns, depth, Y, between, 1, W + first, pitch, false, Z + first - from,
                     to - from);
  }
}

void lat_gmm_row_densities(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k,
                           gmm_block *block)
{
  size_t D = gmm->D, n = block->n, pitch = gmm_pitch(gmm);
  centre_rows(n, D, pitch, pitch, block->T, derived->means + k * D, block->Y);
  whiten(n, D, pitch, block->Y, pitch, derived->transposed + k * D * pitch, 0, pitch, block->Z);
  normal_rows(n, pitch, block->Z, derived->constants[k], block->joint + k * n);
}

/* ---- densities that matter ------------------------------------------------------------------- */

/* The first columns of z = W (x - m), a quarter of the work, bound a density from above: what is
 * left of |z|^2 is positive. A row's most promising component is completed first, then all whose
 * bound isn't PRUNED nats below that: the others' responsibilities, less than exp(-46) = 1e-20, are
 * 0. */
#define PRUNED 46

static size_t half(size_t D)
{
  return (D / 2 + LAT_TILE - 1) / LAT_TILE * LAT_TILE;
}

LAT_CLONES static void raise_best(size_t n, const double *restrict x, double number,
                                  double *restrict largest, double *restrict best)
{
  for (size_t i = 0; i < n; i++) {
    best[i] = x[i] > largest[i] ? number : best[i];
    largest[i] = x[i] > largest[i] ? x[i] : largest[i];
  }
}

/* Y := x - m, of the listed rows */
LAT_CLONES static void gather_rows(size_t m, const size_t *restrict rows, size_t D, size_t pitch,
                                   const double *restrict x, const double *restrict mean,
                                   double *restrict y)
{
  for (size_t i = 0; i < m; i++, y += pitch)
    for (size_t d = 0; d < D; d++) y[d] = x[rows[i] * pitch + d] - mean[d];
}

/* Component k's densities of the listed rows, of which the first columns are in. */
static void complete(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k,
                     const gmm_block *block, const size_t *rows, size_t m)
{
  size_t D = gmm->D, pitch = gmm_pitch(gmm), from = half(D), columns = pitch - from;
  const double *z = block->Z;
  double *joint = block->joint + k * block->n;
  gather_rows(m, rows, D, pitch, block->T, derived->means + k * D, block->Y);
  whiten(m, D, pitch, block->Y, pitch, derived->transposed + k * D * pitch, from, pitch, block->Z);
  for (size_t i = 0; i < m; i++, z += columns) joint[rows[i]] += half_norm(columns, z);
}

void lat_gmm_main_densities(const lat_gmm_context *gmm, const gmm_derived *derived,
                            gmm_block *block)
{
  size_t D = gmm->D, K = gmm->K, n = block->n, pitch = gmm_pitch(gmm), h = half(D), m;
  double *best = block->spare, *least = block->log_sum;
  size_t *rows = (size_t *)(void *)(block->spare + n);
  for (size_t k = 0; k < K; k++) {
    double *bound = block->joint + k * n;
    centre_rows(n, h, pitch, h, block->T, derived->means + k * D, block->Y);
    whiten(n, h, pitch, block->Y, h, derived->transposed + k * D * pitch, 0, h, block->Z);
    normal_rows(n, h, block->Z, derived->constants[k], bound);
    if (k == 0) {
      memcpy(least, bound, n * sizeof *least);
      memset(best, 0, n * sizeof *best);
    } else {
      raise_best(n, bound, (double)k, least, best);
    }
  }
  for (size_t k = 0; k < K; k++) {
    m = 0;
    for (size_t i = 0; i < n; i++)
      if (best[i] == (double)k) rows[m++] = i;
    complete(gmm, derived, k, block, rows, m);
    for (size_t i = 0; i < m; i++) least[rows[i]] = block->joint[k * n + rows[i]] - PRUNED;
  }
  for (size_t k = 0; k < K; k++) {
    double *bound = block->joint + k * n;
    m = 0;
    for (size_t i = 0; i < n; i++) {
      if (best[i] == (double)k) continue;
      if (bound[i] < least[i])
        bound[i] = -INFINITY;
      else
        rows[m++] = i;
    }
    complete(gmm, derived, k, block, rows, m);
  }
}

/* ---- statistics ------------------------------------------------------------------------------ */

void lat_gmm_add_rows(const lat_gmm_context *gmm, size_t k, const gmm_block *block,
                      const double *about, double *statistics)
{
  size_t D = gmm->D, n = block->n, pitch = gmm_pitch(gmm), between = gmm_step(gmm);
  const double *r = block->joint + k * n;
  double *linear = statistics + lat_gmm_quadratic(gmm) * between + k * gmm_apart(gmm);
  double *sum = block->spare, *A = block->spare, count = 0;
  memset(sum, 0, D * sizeof *sum);
  size_t m =
      weigh_rows(n, D, pitch, block->T, about, r, 1e-30 * block->unit, block->Y, block->Z, sum);
  if (m == 0) return;
  for (size_t i = 0; i < n; i++) count += r[i];
  for (size_t d = 0; d < D; d++) linear[d * between] += sum[d];
  linear[D * between] += count;
  bool wide = gmm_is_wide(gmm);
  for (size_t first = 0; first < D; first += LAT_TILE) {
    size_t rows = D - first < LAT_TILE ? D - first : LAT_TILE;
    double *to =
        wide ? statistics + k * gmm_apart(gmm) + gmm_panel(gmm, first) : A + first * (pitch + 1);
    lat_tile_product(rows, D - first, m, block->Y + first, 1, pitch, block->Z + first, pitch, wide,
                     to, wide ? pitch - first : pitch);
  }
  if (!wide) lat_gmm_add_products(gmm, k, A, pitch, statistics);
}
