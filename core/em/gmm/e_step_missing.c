/* gmm/e_step_missing.c: rows with missing entries. With the observed columns o and the missing ones
 * m of a row,
 *
 *   p(x_o) = sum_k w_k N(x_o; m_k,o, S_k,oo)
 *   E[x_m | x_o, k] = m_k,m + S_k,mo S_k,oo^-1 (x_o - m_k,o)
 *   C_k = cov[x_m | x_o, k] = S_k,mm - S_k,mo S_k,oo^-1 S_k,om
 *
 * and EM takes the conditional means for the missing entries and adds C_k to the scatter
 * (Ghahramani, Jordan 1994). Rows that miss the same columns share the factors. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/special.h"
#include "em/gmm/internal.h"

/* ---- memory ---------------------------------------------------------------------------------- */

/* Scratch for missing entries, behind a block's. */
typedef struct scratch_parts {
  size_t *order, *other;      /* a number for each row of the chunk */
  size_t *observed, *missing; /* D each */
  double *gathered;           /* rows x D */
  double *expected, *C;
  double *L, *G; /* gmm_square each */
} scratch_parts;

static size_t room_count(const lat_gmm_context *gmm, size_t rows)
{
  size_t D = gmm->D, K = gmm->K, n = lat_gmm_block_rows(gmm);
  return 2 * rows + 2 * D + n * D + K * D * n + (K + 2) * gmm_square(gmm);
}

static scratch_parts parts_of(const lat_gmm_context *gmm, size_t rows, double *scratch)
{
  size_t D = gmm->D, K = gmm->K, n = lat_gmm_block_rows(gmm);
  scratch_parts r = {.order = (size_t *)(void *)scratch};
  r.other = r.order + rows;
  r.observed = r.other + rows;
  r.missing = r.observed + D;
  r.gathered = scratch + 2 * rows + 2 * D;
  r.expected = r.gathered + n * D;
  r.C = r.expected + K * D * n;
  r.L = r.C + K * gmm_square(gmm);
  r.G = r.L + gmm_square(gmm);
  return r;
}

size_t lat_gmm_each_scratch(const lat_gmm_context *gmm, size_t rows, bool missing)
{
  return lat_gmm_scratch_count(gmm) + (missing ? room_count(gmm, rows) : 0);
}

/* ---- patterns -------------------------------------------------------------------------------- */

static bool misses(const lat_matrix *X, size_t i, size_t j)
{
  return isnan(lat_get(X, i, j));
}

static bool any_missing(const lat_matrix *X)
{
  for (size_t i = 0; i < X->rows; i++)
    for (size_t j = 0; j < X->cols; j++)
      if (misses(X, i, j)) return true;
  return false;
}

/* Sorts the rows by what they miss: stable, column by column (a radix sort). */
static void sort_by_pattern(const lat_matrix *X, scratch_parts *r)
{
  for (size_t i = 0; i < X->rows; i++) r->order[i] = i;
  for (size_t j = 0; j < X->cols; j++) {
    size_t kept = 0, moved = 0;
    for (size_t i = 0; i < X->rows; i++) {
      size_t row = r->order[i];
      if (misses(X, row, j))
        r->other[moved++] = row;
      else
        r->order[kept++] = row;
    }
    memcpy(r->order + kept, r->other, moved * sizeof *r->other);
  }
}

static bool same_pattern(const lat_matrix *X, size_t a, size_t b)
{
  for (size_t j = 0; j < X->cols; j++)
    if (misses(X, a, j) != misses(X, b, j)) return false;
  return true;
}

/* ---- densities of the observed columns ------------------------------------------------------- */

/* Component k's observed block: L of S_oo, G = L^-1 S_om, and C. The logarithm of L's determinant.
 */
static double split_covariance(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k,
                               const scratch_parts *r, size_t o, size_t m, double *C)
{
  const double *S = gmm_part(gmm, derived->covariances, k);
  size_t D = gmm->D;
  double log_det = 0;
  if (!lat_gmm_is_dense(gmm)) {
    bool one = gmm_is_spherical(gmm);
    for (size_t i = 0; i < o; i++) {
      r->L[i] = sqrt(S[one ? 0 : r->observed[i]]);
      log_det += log(r->L[i]);
    }
    for (size_t i = 0; i < m; i++) C[i] = S[one ? 0 : r->missing[i]];
    return log_det;
  }
  for (size_t i = 0; i < o; i++) {
    const double *row = S + r->observed[i] * D;
    for (size_t j = 0; j < o; j++) r->L[i * o + j] = row[r->observed[j]];
    for (size_t j = 0; j < m; j++) r->G[i * m + j] = row[r->missing[j]];
  }
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < m; j++) C[i * m + j] = S[r->missing[i] * D + r->missing[j]];
  if (o == 0) return 0;
  lat_gmm_cholesky(o, r->L, 0);
  for (size_t i = 0; i < o; i++) log_det += log(r->L[i * o + i]);
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)o,
              (blasint)m, 1, r->L, (blasint)o, r->G, (blasint)m);
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)m, (blasint)m, (blasint)o, -1, r->G,
              (blasint)m, r->G, (blasint)m, 1, C, (blasint)m);
  return log_det;
}

/* Z = L^-1 (x_o - m_o) is in Y (o x n): G'Z, the missing entries about m_k, into the expected. */
static void condition(const lat_gmm_context *gmm, const scratch_parts *r, size_t o, size_t m,
                      gmm_block *block, double *expected)
{
  size_t n = block->n;
  if (!lat_gmm_is_dense(gmm)) {
    for (size_t i = 0; i < o; i++) cblas_dscal((blasint)n, 1 / r->L[i], block->Y + i * n, 1);
  } else if (o > 0) {
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)o,
                (blasint)n, 1, r->L, (blasint)o, block->Y, (blasint)n);
    double *means = block->spare; /* a row at a time: the expected' rows aren't side by side */
    for (size_t i = 0; i < m; i++) {
      cblas_dgemv(CblasRowMajor, CblasTrans, (blasint)o, (blasint)n, 1, block->Y, (blasint)n,
                  r->G + i, (blasint)m, 0, means, 1);
      memcpy(expected + r->missing[i] * n, means, n * sizeof *means);
    }
    return;
  }
  for (size_t i = 0; i < m; i++) memset(expected + r->missing[i] * n, 0, n * sizeof *expected);
}

static void component(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k,
                      const scratch_parts *r, size_t o, size_t m, gmm_block *block)
{
  size_t D = gmm->D, n = block->n;
  double *expected = r->expected + k * D * n, *joint = block->joint + k * n;
  double constant = derived->log_weights[k] - 0.5 * (double)o * LAT_LOG_2PI;
  for (size_t i = 0; i < o; i++) {
    size_t d = r->observed[i];
    const double *t = block->T + d * n;
    double *y = expected + d * n, mean = derived->means[k * D + d];
    for (size_t j = 0; j < n; j++) y[j] = t[j] - mean;
    memcpy(block->Y + i * n, y, n * sizeof *y);
    constant -= derived->log_scale[d];
  }
  double *C = r->C + k * (lat_gmm_is_dense(gmm) ? m * m : m);
  constant -= split_covariance(gmm, derived, k, r, o, m, C);
  condition(gmm, r, o, m, block, expected);
  for (size_t j = 0; j < n; j++) joint[j] = 0;
  for (size_t i = 0; i < o; i++)
    for (size_t j = 0; j < n; j++) joint[j] += block->Y[i * n + j] * block->Y[i * n + j];
  for (size_t j = 0; j < n; j++) joint[j] = constant - 0.5 * joint[j];
}

/* The same of all components at once, by gmm->structure. */
static void components(const lat_gmm_context *gmm, const gmm_derived *derived,
                       const scratch_parts *r, size_t o, size_t m, gmm_block *block)
{
  gmm_pattern p = {r->observed, r->missing, o, m};
  double common = -0.5 * (double)o * LAT_LOG_2PI;
  for (size_t i = 0; i < o; i++) common -= derived->log_scale[r->observed[i]];
  gmm->structure->condition(gmm->structure, gmm, &p, block, r->expected, r->C);
  for (size_t k = 0; k < gmm->K; k++)
    for (size_t i = 0; i < block->n; i++)
      block->joint[k * block->n + i] += derived->log_weights[k] + common;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void gather(const lat_matrix *X, const size_t *at, size_t n, double *to)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < X->cols; j++) to[i * X->cols + j] = lat_get(X, at[i], j);
}

/* A block of n rows, which all miss what the first of them does. */
static void one_block(const lat_gmm_context *gmm, const gmm_derived *derived, const lat_matrix *X,
                      const size_t *at, size_t n, scratch_parts *r, gmm_on_block *take,
                      void *context, double *scratch)
{
  size_t D = gmm->D, o = 0, m = 0;
  for (size_t j = 0; j < D; j++)
    if (misses(X, at[0], j))
      r->missing[m++] = j;
    else
      r->observed[o++] = j;
  gmm_block block = lat_gmm_block_of(gmm, scratch, n);
  gather(X, at, n, r->gathered);
  if (gmm->labelled_only && m > 0) { /* for a start the means will do */
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < m; j++) r->gathered[i * D + r->missing[j]] = gmm->shift[r->missing[j]];
    m = 0;
  }
  lat_matrix rows = lat_matrix_of(r->gathered, n, D);
  lat_gmm_read_rows(gmm, derived, &rows, m == 0, &block);
  if (m == 0) {
    lat_gmm_densities(gmm, derived, &block);
  } else {
    memset(block.common, 0, n * sizeof *block.common);
    if (gmm->structure) components(gmm, derived, r, o, m, &block);
    for (size_t k = 0; !gmm->structure && k < gmm->K; k++)
      component(gmm, derived, k, r, o, m, &block);
  }
  take(context, &block,
       &(gmm_rows){.at = at, .missing = r->missing, .m = m, .expected = r->expected, .C = r->C});
}

void lat_gmm_each_block(const lat_gmm_context *gmm, const gmm_derived *derived, const lat_matrix *X,
                        bool missing, gmm_on_block *take, void *context, double *scratch)
{
  size_t most = lat_gmm_block_rows(gmm), n;
  if (missing && any_missing(X)) {
    scratch_parts r = parts_of(gmm, X->rows, scratch + lat_gmm_scratch_count(gmm));
    sort_by_pattern(X, &r);
    for (size_t i = 0; i < X->rows; i += n) {
      const size_t *at = r.order + i;
      for (n = 1; i + n < X->rows && n < most && same_pattern(X, at[0], at[n]); n++) continue;
      one_block(gmm, derived, X, at, n, &r, take, context, scratch);
    }
    return;
  }
  for (size_t first = 0; first < X->rows; first += n) {
    n = X->rows - first < most ? X->rows - first : most;
    gmm_block block = lat_gmm_block_of(gmm, scratch, n);
    lat_matrix rows = lat_block_of(*X, first, 0, n, gmm->D);
    lat_gmm_read_rows(gmm, derived, &rows, true, &block);
    lat_gmm_densities(gmm, derived, &block);
    take(context, &block, &(gmm_rows){.first = first});
  }
}

void lat_gmm_accumulate_missing(const lat_gmm_context *gmm, const gmm_derived *derived,
                                gmm_block *block, const gmm_rows *rows, double *statistics)
{
  size_t D = gmm->D, n = block->n, m = rows->m;
  for (size_t k = 0; k < gmm->K; k++) {
    const double *r = block->joint + k * n, *mean = derived->means + k * D;
    double *expected = rows->expected + k * D * n, weight = 0;
    for (size_t i = 0; i < n; i++) weight += r[i];
    if (!(weight > 1e-20 * block->unit)) continue; /* the sum over all of them is a unit or more */
    if (!gmm_centre(gmm, derived, k))
      for (size_t d = 0; d < D; d++)
        for (size_t i = 0; i < n; i++) expected[d * n + i] += mean[d];
    lat_gmm_add_covariance(gmm, k, weight, rows->C + k * (lat_gmm_is_dense(gmm) ? m * m : m),
                           rows->missing, m, statistics);
    lat_gmm_add_component(gmm, k, block, expected, NULL, statistics);
  }
}
