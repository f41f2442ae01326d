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

/* y := x - m */
LAT_CLONES static void centre_rows(size_t n, size_t D, size_t pitch, const double *restrict x,
                                   const double *restrict mean, double *restrict y)
{
  for (size_t i = 0; i < n; i++, x += pitch, y += pitch) {
    for (size_t d = 0; d < D; d++) y[d] = x[d] - mean[d];
    for (size_t d = D; d < pitch; d++) y[d] = 0;
  }
}

/* joint := c - |z|^2/2 */
LAT_CLONES static void normal_rows(size_t n, size_t pitch, const double *restrict z, double c,
                                   double *restrict joint)
{
  for (size_t i = 0; i < n; i++, z += pitch) {
    double sum[LAT_TILE] = {0};
    for (size_t d = 0; d < pitch; d += LAT_TILE)
      for (size_t l = 0; l < LAT_TILE; l++) sum[l] += z[d + l] * z[d + l];
    joint[i] = c - 0.5 * (((sum[0] + sum[4]) + (sum[1] + sum[5])) +
                          ((sum[2] + sum[6]) + (sum[3] + sum[7])));
  }
}

/* y := x - about (NULL: 0), z := r y, sum += z, for the rows that the component has anything to do
 * with, whose number is returned; where components are far apart that spares nearly all of the
 * work. */
LAT_CLONES static size_t weigh_rows(size_t n, size_t D, size_t pitch, const double *restrict x,
                                    const double *restrict about, const double *restrict r,
                                    double *restrict y, double *restrict z, double *restrict sum)
{
  size_t m = 0;
  for (size_t i = 0; i < n; i++, x += pitch) {
    double w = r[i];
    if (!(w > 1e-30)) continue;
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

/* z = W y: W is triangular, so a panel of its columns needs as much of y as comes before its end.
 */
void lat_gmm_row_densities(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k,
                           gmm_block *block)
{
  enum { PANEL = 3 * LAT_TILE };
  size_t D = gmm->D, n = block->n, pitch = gmm_pitch(gmm);
  const double *W = derived->transposed + k * D * pitch;
  centre_rows(n, D, pitch, block->T, derived->means + k * D, block->Y);
  for (size_t first = 0; first < pitch; first += PANEL) {
    size_t columns = pitch - first < PANEL ? pitch - first : PANEL;
    size_t depth = first + columns < D ? first + columns : D;
    lat_tile_product(n, columns, depth, block->Y, pitch, 1, W + first, pitch, false,
                     block->Z + first, pitch);
  }
  normal_rows(n, pitch, block->Z, derived->constants[k], block->joint + k * n);
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
  size_t m = weigh_rows(n, D, pitch, block->T, about, r, block->Y, block->Z, sum);
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
