/* gmm/e_step_lists.c: statistics of features where most responsibilities are nothing. Components
 * that are apart share few rows; a product with all responsibilities would mostly add zeros. So
 * each component goes through the list of the rows that it has anything to do with.
 *
 * Storage: sums of a block, component by component, and turned into the order of the statistics. */
#include <string.h>

#include "base/clones.h"
#include "em/gmm/internal.h"
#include "matrix/tile.h"
#include "matrix/transpose.h"

LAT_FUSED

/* Less is nothing: of the sum over all components, which is a row's weight. */
static const double LEAST = 1e-20;

enum { WIDTH = LAT_TILE, VECTORS = 8, SPAN = VECTORS * WIDTH }; /* features in registers */

typedef double simd __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));

static size_t pitch_of(const lat_gmm_context *gmm)
{
  return (gmm_features(gmm) + SPAN - 1) / SPAN * SPAN;
}

size_t lat_gmm_lists_count(const lat_gmm_context *gmm, size_t rows)
{
  if (gmm->covariance != LAT_COVARIANCE_FULL || gmm_is_wide(gmm)) return 0;
  if (gmm_features(gmm) < 2 * SPAN) return 0; /* all of them are little work */
  return gmm_padded(gmm) * (pitch_of(gmm) + gmm_features(gmm)) + rows;
}

/* sum := that of r_i times SPAN features of row i, of the listed rows. */
LAT_CLONES static void add_span(size_t m, const uint32_t *list, const double *r,
                                const double *features, size_t F, double *sum)
{
  simd s[VECTORS] = {{0}};
  for (size_t i = 0; i < m; i++) {
    const simd *f = (const simd *)(features + list[i] * F);
    double w = r[list[i]];
    for (size_t v = 0; v < VECTORS; v++) s[v] += w * f[v];
  }
  for (size_t v = 0; v < VECTORS; v++) ((simd *)sum)[v] = s[v];
}

LAT_CLONES static void add(size_t n, const double *restrict x, double *restrict y)
{
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}

LAT_CLONES static size_t count_pairs(size_t n, const double *r, double least)
{
  size_t count = 0;
  for (size_t i = 0; i < n; i++) count += r[i] > least;
  return count;
}

bool lat_gmm_accumulate_lists(const lat_gmm_context *gmm, const gmm_block *block,
                              double *statistics)
{
  size_t K = gmm->K, n = block->n, F = gmm_features(gmm), pitch = pitch_of(gmm);
  size_t padded = gmm_padded(gmm);
  double least = LEAST * block->unit;
  if (!block->lists || 2 * count_pairs(K * n, block->joint, least) > K * n) return false;
  double *sums = block->lists, *turned = sums + padded * pitch;
  uint32_t *list = (uint32_t *)(void *)(turned + padded * F);
  memset(sums + K * pitch, 0, (padded - K) * pitch * sizeof *sums);
  for (size_t k = 0; k < K; k++) {
    const double *r = block->joint + k * n;
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
      list[m] = (uint32_t)i;
      m += r[i] > least;
    }
    for (size_t t = 0; t < F; t += SPAN) /* the last one reads beyond a row, for what isn't used */
      add_span(m, list, r, block->features + t, F, sums + k * pitch + t);
  }
  lat_transpose_block(padded, F, sums, pitch, turned, padded);
  add(padded * F, turned, statistics);
  return true;
}
