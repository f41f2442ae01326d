/* gmm/e_step.c: blocks of complete rows: log-densities and statistics, by features or by centred
 * rows. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "em/common/responsibilities.h"
#include "em/gmm/internal.h"

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

/* the sum of x^2, in eight sums that vectors can hold */
LAT_CLONES static double square_sum(size_t n, const double *x)
{
  double sums[8] = {0}, rest = 0;
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) sums[j] += x[i + j] * x[i + j];
  for (; i < n; i++) rest += x[i] * x[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])) +
         rest;
}

/* y += c x */
LAT_CLONES static void add_multiple(size_t n, double c, const double *restrict x,
                                    double *restrict y)
{
  for (size_t i = 0; i < n; i++) y[i] += c * x[i];
}

/* z := c - z/2 */
LAT_CLONES static void log_density(size_t n, double c, double *z)
{
  for (size_t i = 0; i < n; i++) z[i] = c - 0.5 * z[i];
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Numbers for each row of a block. */
static size_t row_count(const lat_gmm_context *gmm)
{
  size_t features = gmm_is_wide(gmm) ? 0 : gmm_features(gmm) + gmm_padded(gmm);
  return features + 3 * gmm_pitch(gmm) + gmm->K + 5;
}

/* Features and the rest stay in the second-level cache, and products are of the size that BLAS does
 * without copying first. */
size_t lat_gmm_block_rows(const lat_gmm_context *gmm)
{
  size_t rows = (gmm_is_wide(gmm) ? 49152 : 24576) / row_count(gmm) / 32 * 32;
  return rows < 128 ? 128 : rows > 512 ? 512 : rows;
}

size_t lat_gmm_scratch_count(const lat_gmm_context *gmm)
{
  size_t square = lat_gmm_is_dense(gmm) ? gmm->D * gmm_pitch(gmm) : 0;
  size_t rows = lat_gmm_block_rows(gmm);
  return row_count(gmm) * rows + square + 2 * gmm->D + lat_gmm_lists_count(gmm, rows);
}

gmm_block lat_gmm_block_of(const lat_gmm_context *gmm, double *scratch, size_t n)
{
  bool wide = gmm_is_wide(gmm);
  gmm_block block = {.n = n, .features = scratch};
  block.padded = block.features + (wide ? 0 : gmm_features(gmm) * n);
  block.T = block.padded + (wide ? 0 : gmm_padded(gmm) * n);
  block.joint = block.T + gmm_pitch(gmm) * n;
  block.log_sum = block.joint + gmm->K * n;
  block.common = block.log_sum + n;
  block.weights = block.common + n;
  block.Y = block.weights + n;
  block.Z = block.Y + gmm_pitch(gmm) * n;
  block.spare = block.Z + gmm_pitch(gmm) * n;
  size_t lists = lat_gmm_lists_count(gmm, lat_gmm_block_rows(gmm));
  if (lists) block.lists = scratch + lat_gmm_scratch_count(gmm) - lists;
  return block;
}

/* ---- loading --------------------------------------------------------------------------------- */

/* The products of x with itself turned by 0, 1, ... places: each pair of columns once. x comes
 * twice, one behind the other. */
LAT_CLONES static void products(size_t D, const double *restrict x, double *restrict f)
{
  for (size_t s = 0; 2 * s < D; s++)
    for (size_t i = 0; i < D; i++) f[s * D + i] = x[i] * x[i + s];
  for (size_t i = 0; D % 2 == 0 && i < D / 2; i++) f[D / 2 * D + i] = x[i] * x[i + D / 2];
}

/* x := x twice, in coordinates */
LAT_CLONES static void place(size_t D, const double *restrict from, const double *restrict shift,
                             const double *restrict inverse, double *restrict x)
{
  for (size_t d = 0; d < D; d++) x[d] = x[D + d] = (from[d] - shift[d]) * inverse[d];
}

static void load_features(const lat_gmm_context *gmm, const gmm_derived *derived,
                          const lat_matrix *X, gmm_block *block)
{
  size_t D = gmm->D, V = lat_gmm_quadratic(gmm), F = V + D + 1;
  lat_matrix rows = *X;
  double *x = block->spare;
  if (X->dtype != LAT_FLOAT64 || X->col_stride != 1) {
    rows = lat_matrix_of(block->Y, block->n, D);
    lat_copy(X, &rows);
  }
  for (size_t i = 0; i < block->n; i++) {
    double *f = block->features + i * F;
    place(D, (const double *)rows.data + (ptrdiff_t)i * rows.row_stride, gmm->shift,
          derived->inverse, x);
    if (gmm->covariance == LAT_COVARIANCE_FULL) products(D, x, f);
    if (gmm_is_spherical(gmm))
      *f = square_sum(D, x);
    else if (!lat_gmm_is_dense(gmm))
      multiply_rows(D, x, x, f);
    memcpy(f + V, x, D * sizeof *f);
    f[V + D] = 1;
  }
}

static void load_columns(const lat_gmm_context *gmm, const gmm_derived *derived,
                         const lat_matrix *X, gmm_block *block)
{
  size_t n = block->n;
  lat_matrix columns = lat_transpose(*X), T = lat_matrix_of(block->T, gmm->D, n);
  lat_copy(&columns, &T);
  for (size_t d = 0; d < gmm->D; d++)
    scale_row(n, block->T + d * n, gmm->shift[d], derived->inverse[d], block->T + d * n);
}

void lat_gmm_read_rows(const lat_gmm_context *gmm, const gmm_derived *derived, const lat_matrix *X,
                       bool complete, gmm_block *block)
{
  if (complete && *derived->path == GMM_FEATURES)
    load_features(gmm, derived, X, block);
  else if (complete && gmm_by_rows(gmm, derived))
    lat_gmm_read_packed_rows(gmm, derived, X, block);
  else
    load_columns(gmm, derived, X, block);
}

/* ---- densities ------------------------------------------------------------------------------- */

/* Z := W Y for component k's factor. In panels of W's rows, each as far as the diagonal: products
 * of matrices of this size are faster than triangular ones by more than the corners cost. */
static void whiten(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k, size_t n,
                   const double *Y, double *Z)
{
  const double *W = gmm_part(gmm, derived->factors, k);
  size_t D = gmm->D;
  if (lat_gmm_is_dense(gmm)) {
    for (size_t first = 0; first < D; first += 16) {
      size_t end = first + 16 < D ? first + 16 : D;
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)(end - first), (blasint)n,
                  (blasint)end, 1, W + first * D, (blasint)D, Y, (blasint)n, 0, Z + first * n,
                  (blasint)n);
    }
    return;
  }
  bool one = gmm_is_spherical(gmm);
  for (size_t d = 0; d < D; d++) scale_row(n, Y + d * n, 0, W[one ? 0 : d], Z + d * n);
}

/* z := c - |Y|^2/2, column by column */
static void normal(size_t D, size_t n, double c, const double *Y, double *z)
{
  memset(z, 0, n * sizeof *z);
  for (size_t d = 0; d < D; d++) add_square(n, Y + d * n, z);
  log_density(n, c, z);
}

/* The rows x of the features into Y (n x D), times roots unless NULL. */
static void take_linear(const lat_gmm_context *gmm, gmm_block *block, const double *weights)
{
  size_t D = gmm->D, F = gmm_features(gmm);
  for (size_t i = 0; i < block->n; i++) {
    const double *x = block->features + i * F + lat_gmm_quadratic(gmm);
    scale_row(D, x, 0, weights ? sqrt(weights[i]) : 1, block->Y + i * D);
  }
}

static void feature_densities(const lat_gmm_context *gmm, const gmm_derived *derived,
                              gmm_block *block)
{
  size_t D = gmm->D, K = gmm->K, F = gmm_features(gmm), n = block->n, padded = gmm_padded(gmm);
  lat_tile_product(n, padded, F, block->features, F, 1, derived->coefficients, padded, false,
                   block->padded, padded);
  lat_matrix beside =
      lat_transpose(lat_block_of(lat_matrix_of(block->padded, n, padded), 0, 0, n, K));
  lat_matrix joint = lat_matrix_of(block->joint, K, n);
  lat_copy(&beside, &joint);
  if (gmm->covariance != LAT_COVARIANCE_TIED) return;
  take_linear(gmm, block, NULL);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)n, (blasint)D, (blasint)D, 1,
              block->Y, (blasint)D, derived->factors, (blasint)D, 0, block->Z, (blasint)D);
  for (size_t i = 0; i < n; i++) block->common[i] = -0.5 * square_sum(D, block->Z + i * D);
}

void lat_gmm_densities(const lat_gmm_context *gmm, const gmm_derived *derived, gmm_block *block)
{
  size_t K = gmm->K, n = block->n;
  memset(block->common, 0, n * sizeof(double));
  if (gmm->labelled_only) {
    memset(block->joint, 0, K * n * sizeof(double));
    if (*derived->path == GMM_FEATURES)
      memset(block->padded, 0, gmm_padded(gmm) * n * sizeof(double));
    return;
  }
  if (*derived->path == GMM_FEATURES) {
    feature_densities(gmm, derived, block);
    return;
  }
  if (*derived->path == GMM_MAIN_ROWS || *derived->path == GMM_MAIN_CENTRED) {
    lat_gmm_main_densities(gmm, derived, block);
    return;
  }
  for (size_t k = 0; k < K; k++) {
    if (gmm_by_rows(gmm, derived)) {
      lat_gmm_row_densities(gmm, derived, k, block);
      continue;
    }
    const double *mean = derived->means + k * gmm->D;
    for (size_t d = 0; d < gmm->D; d++)
      scale_row(n, block->T + d * n, mean[d], 1, block->Y + d * n);
    whiten(gmm, derived, k, n, block->Y, block->Z);
    normal(gmm->D, n, derived->constants[k], block->Z, block->joint + k * n);
  }
}

/* ---- responsibilities ------------------------------------------------------------------------ */

/* A known label makes all other components impossible. Rows that have none but are to have one get
 * weight 0. */
static void put_labels(const lat_gmm_context *gmm, const uint32_t *labels, const gmm_rows *rows,
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

/* The least that isn't 0; 1 when all are. */
static double least_weight(size_t n, const double *weights)
{
  double least = INFINITY;
  for (size_t i = 0; i < n; i++)
    if (weights[i] > 0 && weights[i] < least) least = weights[i];
  return least < INFINITY ? least : 1;
}

void lat_gmm_find_responsibilities(const lat_gmm_context *gmm, const lat_em_chunk *chunk,
                                   const gmm_rows *rows, gmm_block *block, double *statistics)
{
  size_t K = gmm->K, n = block->n;
  bool weighted = chunk->weights || gmm->labelled_only;
  for (size_t i = 0; weighted && i < n; i++)
    block->weights[i] = chunk->weights ? chunk->weights[gmm_row(rows, i)] : 1;
  if (gmm->labels) put_labels(gmm, gmm->labels + chunk->first, rows, block);
  block->unit = weighted ? least_weight(n, block->weights) : 1;
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

/* ---- statistics ------------------------------------------------------------------------------ */

/* Z (D x m) := sqrt(r) (Y - about), for the m rows that the component has anything to do with (r
 * more than `least`); where components are far apart that spares nearly all of the work. */
static size_t gather(size_t D, size_t n, const double *Y, const double *about, const double *r,
                     double least, double *Z, double *roots)
{
  size_t *index = (size_t *)(void *)(roots + n), m = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(r[i] > least)) continue;
    roots[m] = sqrt(r[i]);
    index[m++] = i;
  }
  for (size_t d = 0; d < D; d++) {
    const double *from = Y + d * n, centre = about ? about[d] : 0;
    double *to = Z + d * m;
    for (size_t i = 0; i < m; i++) to[i] = roots[i] * (from[index[i]] - centre);
  }
  return m;
}

enum { FEW = 3 };

/* Rows that are too few for BLAS: their products go straight into the statistics, in the order of
 * lat_gmm_add_products. z is D numbers, and room for as many. */
static void add_few(const lat_gmm_context *gmm, size_t k, size_t m, const double *Z,
                    const double *roots, double *z, double *statistics)
{
  size_t D = gmm->D, between = gmm_step(gmm);
  double *linear = statistics + lat_gmm_quadratic(gmm) * between + k * gmm_apart(gmm);
  for (size_t i = 0; i < m; i++) {
    size_t step;
    double *products = lat_gmm_quadratic_of(gmm, k, statistics, &step);
    for (size_t d = 0; d < D; d++) {
      z[d] = z[D + d] = Z[d * m + i];
      linear[d * between] += roots[i] * z[d];
    }
    if (gmm_is_wide(gmm)) {
      for (size_t d = 0; d < D; d++)
        add_multiple(D - d, z[d], z + d, products + gmm_product(gmm, d, d));
      continue;
    }
    for (size_t s = 0; 2 * s <= D; s++)
      for (size_t d = 0; d < (2 * s == D ? s : D); d++, products += step)
        *products += z[d] * z[d + s];
  }
}

void lat_gmm_add_component(const lat_gmm_context *gmm, size_t k, const gmm_block *block,
                           const double *Y, const double *about, double *statistics)
{
  size_t D = gmm->D, n = block->n, between = gmm_step(gmm), step;
  double *A = block->spare, *roots = A + (lat_gmm_is_dense(gmm) ? D * D : 0), *Z = block->Z;
  double *linear = statistics + lat_gmm_quadratic(gmm) * between + k * gmm_apart(gmm);
  double *quadratic = lat_gmm_quadratic_of(gmm, k, statistics, &step);
  size_t m = gather(D, n, Y, about, block->joint + k * n, 1e-30 * block->unit, Z, roots);
  if (m == 0) return;
  linear[D * between] += square_sum(m, roots);
  if (lat_gmm_is_dense(gmm) && m <= FEW && D > 1) {
    add_few(gmm, k, m, Z, roots, A, statistics);
    return;
  }
  cblas_dgemv(CblasRowMajor, CblasNoTrans, (blasint)D, (blasint)m, 1, Z, (blasint)m, roots, 1, 1,
              linear, (blasint)between);
  if (lat_gmm_is_dense(gmm)) {
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (blasint)D, (blasint)m, 1, Z, (blasint)m,
                0, A, (blasint)D);
    lat_gmm_add_products(gmm, k, A, D, statistics);
    return;
  }
  bool one = gmm_is_spherical(gmm);
  for (size_t d = 0; d < D; d++) quadratic[one ? 0 : d * step] += square_sum(m, Z + d * m);
}

void lat_gmm_add_covariance(const lat_gmm_context *gmm, size_t k, double weight, const double *C,
                            const size_t *columns, size_t m, double *statistics)
{
  size_t step;
  double *quadratic = lat_gmm_quadratic_of(gmm, k, statistics, &step);
  bool one = gmm_is_spherical(gmm);
  if (!lat_gmm_is_dense(gmm)) {
    for (size_t i = 0; i < m; i++) quadratic[one ? 0 : columns[i] * step] += weight * C[i];
    return;
  }
  for (size_t i = 0; i < m; i++)
    for (size_t j = i; j < m; j++)
      quadratic[gmm_product(gmm, columns[i], columns[j]) * step] += weight * C[i * m + j];
}

static void accumulate_features(const lat_gmm_context *gmm, gmm_block *block, double *statistics)
{
  if (lat_gmm_accumulate_lists(gmm, block, statistics)) return;
  size_t D = gmm->D, K = gmm->K, F = gmm_features(gmm), n = block->n, padded = gmm_padded(gmm);
  lat_matrix joint = lat_transpose(lat_matrix_of(block->joint, K, n));
  lat_matrix beside = lat_block_of(lat_matrix_of(block->padded, n, padded), 0, 0, n, K);
  lat_copy(&joint, &beside);
  lat_tile_product(F, padded, n, block->features, 1, F, block->padded, padded, true, statistics,
                   padded);
  if (gmm->covariance != LAT_COVARIANCE_TIED) return;
  take_linear(gmm, block, block->weights);
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (blasint)D, (blasint)n, 1, block->Y,
              (blasint)D, 0, block->spare, (blasint)D);
  lat_gmm_add_products(gmm, 0, block->spare, D, statistics);
}

void lat_gmm_accumulate(const lat_gmm_context *gmm, const gmm_derived *derived, gmm_block *block,
                        double *statistics)
{
  if (*derived->path == GMM_FEATURES) {
    accumulate_features(gmm, block, statistics);
    return;
  }
  for (size_t k = 0; k < gmm->K; k++) {
    const double *about = gmm_centre(gmm, derived, k);
    if (gmm_by_rows(gmm, derived))
      lat_gmm_add_rows(gmm, k, block, about, statistics);
    else
      lat_gmm_add_component(gmm, k, block, block->T, about, statistics);
  }
}
