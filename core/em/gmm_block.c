/* Blocks of complete rows: log-densities and statistics, by features or by centred rows. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "em/gmm_kernel.h"
#include "em/responsibilities.h"

/* ---- loops over the rows of a block ---------------------------------------------------------- */

/* y := (x - shift) factor */
LAT_CLONES static void scale_row(size_t n, const double *x, double shift, double factor, double *y)
{
  for (size_t i = 0; i < n; i++) y[i] = (x[i] - shift) * factor;
}

LAT_CLONES static void multiply_rows(size_t n, const double *x, const double *y, double *z)
{
  for (size_t i = 0; i < n; i++) z[i] = x[i] * y[i];
}

/* z += x^2 */
LAT_CLONES static void add_square(size_t n, const double *restrict x, double *restrict z)
{
  for (size_t i = 0; i < n; i++) z[i] += x[i] * x[i];
}

/* z := c - z/2 */
LAT_CLONES static void log_density(size_t n, double c, double *z)
{
  for (size_t i = 0; i < n; i++) z[i] = c - 0.5 * z[i];
}

/* the sum of w x^2, in eight sums that vectors can hold */
LAT_CLONES static double weighted_square(size_t n, const double *w, const double *x)
{
  double sums[8] = {0}, rest = 0;
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) sums[j] += w[i + j] * x[i + j] * x[i + j];
  for (; i < n; i++) rest += w[i] * x[i] * x[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])) +
         rest;
}

/* ---- memory ------------------------------------------------------------------------------------ */

static size_t feature_rows(const lat_gmm *gmm)
{
  return gmm_is_wide(gmm) ? gmm->D : gmm_features(gmm);
}

/* Features and joint stay in the second-level cache, and products are of the size that BLAS does
 * without copying first. */
size_t gmm_block_rows(const lat_gmm *gmm)
{
  size_t rows = 24576 / (feature_rows(gmm) + gmm->K + gmm->D) / 64 * 64;
  return rows < 64 ? 64 : rows > 512 ? 512 : rows;
}

static size_t count_of(const lat_gmm *gmm, size_t n)
{
  return (feature_rows(gmm) + gmm->K + gmm->D + 5) * n + gmm->D * gmm->D;
}

size_t gmm_scratch_count(const lat_gmm *gmm)
{
  return count_of(gmm, gmm_block_rows(gmm));
}

gmm_block gmm_block_of(const lat_gmm *gmm, double *scratch, size_t n)
{
  gmm_block block = {.n = n, .features = scratch};
  block.T = block.features + (gmm_is_wide(gmm) ? 0 : gmm_quadratic(gmm) * n);
  block.joint = block.features + feature_rows(gmm) * n;
  block.log_sum = block.joint + gmm->K * n;
  block.common = block.log_sum + n;
  block.weights = block.common + n;
  block.Y = block.weights + n;
  block.spare = block.Y + gmm->D * n;
  return block;
}

/* ---- features ------------------------------------------------------------------------------------ */

static void build_features(const lat_gmm *gmm, gmm_block *block)
{
  size_t D = gmm->D, n = block->n;
  const double *T = block->T;
  double *f = block->features, *ones = block->T + D * n;
  switch (gmm->covariance) {
  case LAT_COVARIANCE_FULL:
    for (size_t i = 0; i < D; i++)
      for (size_t j = i; j < D; j++, f += n) multiply_rows(n, T + i * n, T + j * n, f);
    break;
  case LAT_COVARIANCE_DIAG:
    multiply_rows(D * n, T, T, f);
    break;
  case LAT_COVARIANCE_SPHERICAL:
    memset(f, 0, n * sizeof *f);
    for (size_t d = 0; d < D; d++) add_square(n, T + d * n, f);
    break;
  default:
    break;
  }
  for (size_t i = 0; i < n; i++) ones[i] = 1;
}

void gmm_load(const lat_gmm *gmm, const gmm_ready *ready, const lat_matrix *X, bool features,
              gmm_block *block)
{
  size_t n = block->n;
  lat_matrix columns = lat_transpose(*X), T = lat_matrix_of(block->T, gmm->D, n);
  lat_copy(&columns, &T);
  for (size_t d = 0; d < gmm->D; d++)
    scale_row(n, block->T + d * n, gmm->shift[d], ready->inverse[d], block->T + d * n);
  if (features && *ready->path == GMM_FEATURES) build_features(gmm, block);
}

/* ---- densities ------------------------------------------------------------------------------------- */

/* Y := W Y for component k's factor */
static void whiten(const lat_gmm *gmm, const gmm_ready *ready, size_t k, size_t n, double *Y)
{
  const double *W = gmm_part(gmm, ready->factors, k);
  if (gmm_is_dense(gmm)) {
    cblas_dtrmm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)gmm->D,
                (blasint)n, 1, W, (blasint)gmm->D, Y, (blasint)n);
    return;
  }
  bool one = gmm->covariance == LAT_COVARIANCE_SPHERICAL;
  for (size_t d = 0; d < gmm->D; d++) scale_row(n, Y + d * n, 0, W[one ? 0 : d], Y + d * n);
}

/* z := c - |Y|^2/2, column by column */
static void normal(size_t D, size_t n, double c, const double *Y, double *z)
{
  memset(z, 0, n * sizeof *z);
  for (size_t d = 0; d < D; d++) add_square(n, Y + d * n, z);
  log_density(n, c, z);
}

/* Y := T - centre */
static void centre(const lat_gmm *gmm, const gmm_block *block, const double *about)
{
  for (size_t d = 0; d < gmm->D; d++)
    scale_row(block->n, block->T + d * block->n, about ? about[d] : 0, 1, block->Y + d * block->n);
}

void gmm_densities(const lat_gmm *gmm, const gmm_ready *ready, gmm_block *block)
{
  size_t D = gmm->D, K = gmm->K, F = gmm_features(gmm), n = block->n;
  memset(block->common, 0, n * sizeof(double));
  if (gmm->labelled_only) {
    memset(block->joint, 0, K * n * sizeof(double));
  } else if (*ready->path != GMM_FEATURES) {
    for (size_t k = 0; k < K; k++) {
      centre(gmm, block, ready->means + k * D);
      whiten(gmm, ready, k, n, block->Y);
      normal(D, n, ready->constants[k], block->Y, block->joint + k * n);
    }
  } else {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)K, (blasint)n, (blasint)F, 1,
                ready->coefficients, (blasint)F, block->features, (blasint)n, 0, block->joint,
                (blasint)n);
    if (gmm->covariance != LAT_COVARIANCE_TIED) return;
    memcpy(block->Y, block->T, D * n * sizeof(double));
    whiten(gmm, ready, 0, n, block->Y);
    normal(D, n, 0, block->Y, block->common);
  }
}

/* ---- responsibilities ---------------------------------------------------------------------------------- */

/* A known label makes all other components impossible. Rows that have none but are to have one get
 * weight 0. */
static void put_labels(const lat_gmm *gmm, const uint32_t *labels, const gmm_rows *rows,
                       gmm_block *block)
{
  for (size_t i = 0; i < block->n; i++) {
    size_t label = labels[gmm_row(rows, i)];
    if (label == 0) {
      if (gmm->labelled_only) block->weights[i] = 0;
      continue;
    }
    for (size_t k = 0; k < gmm->K; k++)
      if (k + 1 != label) block->joint[k * block->n + i] = -INFINITY;
  }
}

void gmm_settle(const lat_gmm *gmm, const lat_em_chunk *chunk, const gmm_rows *rows,
                gmm_block *block, double *statistics)
{
  size_t K = gmm->K, n = block->n;
  bool weighted = chunk->weights || gmm->labelled_only;
  for (size_t i = 0; weighted && i < n; i++)
    block->weights[i] = chunk->weights ? chunk->weights[gmm_row(rows, i)] : 1;
  if (gmm->labels) put_labels(gmm, gmm->labels + chunk->first, rows, block);
  lat_responsibilities(K, n, block->joint, block->log_sum, block->spare);
  if (!weighted) block->weights = NULL;
  for (size_t k = 0; weighted && k < K; k++)
    multiply_rows(n, block->weights, block->joint + k * n, block->joint + k * n);
  double sum = 0, total = 0;
  for (size_t i = 0; i < n; i++) {
    double w = weighted ? block->weights[i] : 1;
    sum += w * (block->log_sum[i] + block->common[i]);
    total += w;
  }
  statistics[0] += sum;
  statistics[1] += total;
}

/* ---- statistics ------------------------------------------------------------------------------------------ */

/* vech += the upper triangle of A */
static void add_triangle(size_t D, const double *A, double *vech)
{
  for (size_t i = 0; i < D; i++)
    for (size_t j = i; j < D; j++) *vech++ += A[i * D + j];
}

static double *quadratic_of(const lat_gmm *gmm, size_t k, double *statistics)
{
  bool tied = gmm->covariance == LAT_COVARIANCE_TIED;
  return statistics + (tied ? gmm->K : k) * gmm_features(gmm);
}

/* vech += Y diag(r) Y'. Rows that the component has nothing to do with are left out: where
 * components are far apart that is nearly all of the work. */
static void add_scatter(size_t D, size_t n, double *Y, const double *r, double *spare, double *vech)
{
  double *A = spare, *roots = A + D * D;
  size_t *index = (size_t *)(void *)(roots + n), m = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(r[i] > 1e-30)) continue;
    roots[m] = sqrt(r[i]);
    index[m++] = i;
  }
  if (m == 0) return;
  for (size_t d = 0; d < D; d++) {
    const double *from = Y + d * n;
    double *to = Y + d * m;
    for (size_t i = 0; i < m; i++) to[i] = roots[i] * from[index[i]];
  }
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (blasint)D, (blasint)m, 1, Y, (blasint)m, 0,
              A, (blasint)D);
  add_triangle(D, A, vech);
}

void gmm_add_component(const lat_gmm *gmm, size_t k, size_t n, double *Y, const double *r,
                       double *spare, double *statistics)
{
  size_t D = gmm->D;
  double *linear = statistics + k * gmm_features(gmm) + gmm_quadratic(gmm), weight = 0;
  double *quadratic = quadratic_of(gmm, k, statistics);
  for (size_t i = 0; i < n; i++) weight += r[i];
  linear[D] += weight;
  cblas_dgemv(CblasRowMajor, CblasNoTrans, (blasint)D, (blasint)n, 1, Y, (blasint)n, r, 1, 1,
              linear, 1);
  if (gmm_is_dense(gmm)) {
    add_scatter(D, n, Y, r, spare, quadratic);
    return;
  }
  bool one = gmm->covariance == LAT_COVARIANCE_SPHERICAL;
  for (size_t d = 0; d < D; d++) quadratic[one ? 0 : d] += weighted_square(n, r, Y + d * n);
}

void gmm_add_covariance(const lat_gmm *gmm, size_t k, double weight, const double *C,
                        const size_t *columns, size_t m, double *statistics)
{
  double *quadratic = quadratic_of(gmm, k, statistics);
  size_t D = gmm->D;
  bool one = gmm->covariance == LAT_COVARIANCE_SPHERICAL;
  if (!gmm_is_dense(gmm)) {
    for (size_t i = 0; i < m; i++) quadratic[one ? 0 : columns[i]] += weight * C[i];
    return;
  }
  for (size_t i = 0; i < m;
       i++) /* element (a, b), a <= b, of vech is number a D - a(a-1)/2 + b - a */
    for (size_t j = i; j < m; j++) {
      size_t a = columns[i], b = columns[j];
      quadratic[a * D - a * (a + 1) / 2 + b] += weight * C[i * m + j];
    }
}

void gmm_accumulate(const lat_gmm *gmm, const gmm_ready *ready, gmm_block *block,
                    double *statistics)
{
  size_t D = gmm->D, K = gmm->K, F = gmm_features(gmm), n = block->n;
  if (*ready->path != GMM_FEATURES) {
    for (size_t k = 0; k < K; k++) {
      centre(gmm, block, gmm_centre(gmm, ready, k));
      gmm_add_component(gmm, k, n, block->Y, block->joint + k * n, block->spare, statistics);
    }
    return;
  }
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)K, (blasint)F, (blasint)n, 1,
              block->joint, (blasint)n, block->features, (blasint)n, 1, statistics, (blasint)F);
  if (gmm->covariance != LAT_COVARIANCE_TIED) return;
  double *A = block->spare;
  memcpy(block->Y, block->T, D * n * sizeof(double));
  if (block->weights)
    for (size_t i = 0; i < n; i++)
      for (size_t d = 0; d < D; d++) block->Y[d * n + i] *= sqrt(block->weights[i]);
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (blasint)D, (blasint)n, 1, block->Y,
              (blasint)n, 0, A, (blasint)D);
  add_triangle(D, A, statistics + K * F);
}
