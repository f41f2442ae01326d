/* factor/batch.c: the posteriors of rows, many side by side (internal.h).
 *
 * Storage: one block of scratch a worker, of which lay_out gives each table its place. Patterns of
 * missing entries are found before the first batch, where its tables come to lie. */
#include <math.h>

#include "base/clones.h"
#include "base/special.h"
#include "base/vector_math.h"
#include "em/factor/internal.h"
#include "matrix/tile.h"

LAT_FUSED

enum { WIDTH = LAT_TILE }; /* numbers side by side */

typedef double simd __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));
typedef int64_t simd_mask __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));

/* ---- memory ---------------------------------------------------------------------------------- */

/* Of complete rows all that is kept of K is one factor; of others there may be one a row, and as
 * much of statistics. */
size_t lat_factor_batch_rows(size_t M, bool missing, size_t rows)
{
  enum { MEMORY = 1 << 17, LEAST = 16 };
  size_t memory = M < LAT_FACTOR_LISTS ? MEMORY : 2 * MEMORY; /* the longer lists are, the better */
  size_t batch = missing ? memory / (2 * lat_packed_count(M + 1)) : rows;
  if (batch < LEAST) batch = LEAST;
  return batch < rows ? batch : rows;
}

/* An odd number of cache lines, so that a column of a table isn't in one set of the cache. */
size_t lat_factor_batch_stride(size_t batch)
{
  size_t lines = lat_tile_columns(batch) / LAT_TILE;
  return (lines | 1) * LAT_TILE;
}

/* Gives each array its place, and the number of doubles of all. */
static size_t lay_out(lat_factor_batch *b, size_t D, size_t M, bool missing, size_t rows,
                      double *memory)
{
  size_t batch = lat_factor_batch_rows(M, missing, rows), stride = lat_factor_batch_stride(batch);
  size_t groups = missing ? stride : WIDTH, whole = (rows + 1) / 2, T = lat_packed_count(M);
  const struct {
    void *to;
    size_t count;
  } parts[] = {{&b->copy, rows * D},
               {&b->nothing, D},
               {&b->order, missing ? whole : 0},
               {&b->pattern, missing ? whole : 0},
               {&b->d, D * stride},
               {&b->fit, D * stride},
               {&b->z, (M + 1) * stride},
               {&b->square, stride},
               {&b->density, stride},
               {&b->observed, groups},
               {&b->log_det, groups},
               {&b->log_noise, groups},
               {&b->factor, T * groups},
               {&b->pivots, M * groups},
               {&b->first, stride / 2 + 1},
               {&b->group, stride / 2 + 1},
               {&b->row_mask, missing ? D * stride : 0},
               {&b->group_mask, missing ? D * stride : 0},
               {&b->shared, missing ? (T + M) * WIDTH : 0},
               {&b->gaps, missing ? lat_factor_gaps_count(D, M, stride) : 0}};
  size_t total = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    double *at = memory && parts[i].count ? memory + total : NULL;
    memcpy(parts[i].to, &at, sizeof at);
    total += parts[i].count;
  }
  b->most = batch;
  b->stride = stride;
  return total;
}

size_t lat_factor_batch_count(size_t D, size_t M, bool missing, size_t rows)
{
  lat_factor_batch b;
  size_t all = lay_out(&b, D, M, missing, rows, NULL);
  size_t least =
      missing ? (rows + 1) * D + 2 * ((rows + 1) / 2) + lat_factor_patterns_count(D, rows) : 0;
  return all > least ? all : least;
}

void lat_factor_batch_begin(lat_factor_batch *b, const lat_factor_precomputed *f,
                            const lat_matrix *X, double *memory)
{
  *b = (lat_factor_batch){0};
  lay_out(b, f->D, f->M, f->missing, X->rows, memory);
  b->model = f;
  b->total = X->rows;
  for (size_t j = 0; j < f->D; j++) b->nothing[j] = f->missing ? NAN : f->mean[j];
  b->x = X->data; /* finding patterns brings them into the cache; a copy does for others */
  b->x_stride = X->row_stride;
  if (!f->missing || X->dtype != LAT_FLOAT64 || X->col_stride != 1) {
    lat_centre(X, NULL, NULL, NULL, b->copy);
    b->x = b->copy;
    b->x_stride = (ptrdiff_t)f->D;
  }
  if (f->missing) lat_factor_find_patterns(b, b->d);
}

/* ---- a batch: the rows ----------------------------------------------------------------------- */

static const double *row_of(const lat_factor_batch *b, size_t i)
{
  return b->x + (ptrdiff_t)i * b->x_stride;
}

/* Transposes 8 rows: x - mean or 0, what is there, and how much of it. */
LAT_CLONES static void transpose_rows(size_t D, const double *const x[WIDTH], const double *mean,
                                      size_t stride, double *d, double *mask, double *observed)
{
  const simd one = {1, 1, 1, 1, 1, 1, 1, 1};
  simd sum = {0};
  for (size_t j = 0; j < D; j++, d += stride, mask += stride) {
    simd v = {x[0][j], x[1][j], x[2][j], x[3][j], x[4][j], x[5][j], x[6][j], x[7][j]};
    simd_mask there = v == v;
    simd m = (simd)(there & (simd_mask)one);
    v -= mean[j];
    *(simd *)d = (simd)(there & (simd_mask)v);
    *(simd *)mask = m;
    sum += m;
  }
  *(simd *)observed = sum;
}

LAT_CLONES static void transpose_complete_rows(size_t D, const double *const x[WIDTH],
                                               const double *mean, size_t stride, double *d)
{
  for (size_t j = 0; j < D; j++, d += stride) {
    simd v = {x[0][j], x[1][j], x[2][j], x[3][j], x[4][j], x[5][j], x[6][j], x[7][j]};
    *(simd *)d = v - mean[j];
  }
}

/* The rows' table d and, where something may be missing, their masks and (in `square`) counts. */
static void gather_rows(lat_factor_batch *b)
{
  const lat_factor_precomputed *f = b->model;
  for (size_t i = 0; i < b->rows; i += WIDTH) {
    const double *x[WIDTH];
    for (size_t k = 0; k < WIDTH; k++)
      x[k] = i + k < b->rows ? row_of(b, lat_factor_batch_place(b, i + k)) : b->nothing;
    if (b->order)
      transpose_rows(f->D, x, f->mean, b->stride, b->d + i, b->row_mask + i, b->square + i);
    else
      transpose_complete_rows(f->D, x, f->mean, b->stride, b->d + i);
  }
}

/* Which rows are together, and their common mask. */
static void gather_groups(lat_factor_batch *b)
{
  size_t D = b->model->D, stride = b->stride, begin = b->taken - b->rows;
  b->groups = 0;
  for (size_t i = 0; i < b->rows; i++) {
    if (i == 0 || b->pattern[b->order[begin + i]] != b->pattern[b->order[begin + i - 1]])
      b->first[b->groups++] = (uint32_t)i;
    b->group[i] = (uint32_t)b->groups - 1;
  }
  b->first[b->groups] = (uint32_t)b->rows;
  size_t padded = lat_tile_columns(b->groups);
  b->mask = b->groups == b->rows ? b->row_mask : b->group_mask;
  if (b->groups == b->rows) {
    memcpy(b->observed, b->square, padded * sizeof *b->observed);
    return;
  }
  for (size_t g = 0; g < padded; g++) b->observed[g] = g < b->groups ? b->square[b->first[g]] : 0;
  for (size_t j = 0; j < D; j++)
    for (size_t g = 0; g < padded; g++)
      b->mask[j * stride + g] = g < b->groups ? b->row_mask[j * stride + b->first[g]] : 0;
}

/* ---- a batch: K of the groups ---------------------------------------------------------------- */

/* log|K| and the rest of log|C|. The squares of the diagonal are in fit, which isn't made yet. */
static void find_determinants(lat_factor_batch *b, size_t padded)
{
  const lat_factor_precomputed *f = b->model;
  memset(b->log_det, 0, padded * sizeof *b->log_det);
  memset(b->log_noise, 0, padded * sizeof *b->log_noise);
  for (size_t m = 0; m < f->M; m++) {
    double *line = b->fit + m * b->stride;
    lat_log(padded, line, line);
    for (size_t g = 0; g < padded; g++) b->log_det[g] += line[g];
  }
  if (f->logs)
    lat_tile_product(1, padded, f->D, f->logs, f->D, 1, b->mask, b->stride, false, b->log_noise,
                     b->stride);
  double log_s2 = f->logs ? 0 : log(f->noise);
  for (size_t g = 0; g < padded && !f->logs; g++)
    b->log_noise[g] = (b->observed[g] - (double)f->M) * log_s2;
}

static void factor_groups(lat_factor_batch *b)
{
  const lat_factor_precomputed *f = b->model;
  size_t T = lat_packed_count(f->M), padded = lat_tile_columns(b->groups);
  if (f->M >= LAT_FACTOR_LISTS)
    lat_factor_gaps_products(f, padded, b->mask, b->stride, b->factor, b->gaps);
  else if (T > 0)
    lat_tile_product(T, padded, f->D, f->products, 1, T, b->mask, b->stride, false, b->factor,
                     b->stride);
  lat_factor_cholesky(f->M, padded, b->stride, f->noise, b->factor, b->pivots, b->fit);
  find_determinants(b, padded);
}

/* Complete rows are one group, whose factor is that of all. Its tables have 8 equal columns. */
static void take_complete(lat_factor_batch *b)
{
  const lat_factor_precomputed *f = b->model;
  size_t T = lat_packed_count(f->M);
  b->groups = 1;
  b->first[0] = 0;
  b->first[1] = (uint32_t)b->rows;
  memset(b->group, 0, b->rows * sizeof *b->group);
  double noise = 0;
  for (size_t j = 0; f->logs && j < f->D; j++) noise += f->logs[j];
  if (!f->logs) noise = (double)(f->D - f->M) * log(f->noise);
  for (size_t g = 0; g < WIDTH; g++) {
    b->observed[g] = (double)f->D;
    b->log_det[g] = f->factor[T];
    b->log_noise[g] = noise;
    for (size_t t = 0; t < T; t++) b->factor[t * WIDTH + g] = f->factor[t];
    for (size_t m = 0; m < f->M; m++)
      b->pivots[m * WIDTH + g] = 1 / f->factor[lat_packed_count(m + 1) - 1];
  }
}

/* ---- a batch: posteriors --------------------------------------------------------------------- */

/* z of one row whose group has other rows, too. */
static void solve_row(const lat_factor_batch *b, size_t g, double *z)
{
  size_t M = b->model->M, stride = b->stride;
  const double *row = b->factor + g, *pivots = b->pivots + g;
  for (size_t a = 0; a < M; row += ++a * stride) {
    double s = z[a * stride];
    for (size_t k = 0; k < a; k++) s -= row[k * stride] * z[k * stride];
    z[a * stride] = s * pivots[a * stride];
  }
  for (size_t a = M; a-- > 0;) {
    row -= (a + 1) * stride;
    double s = z[a * stride] *= pivots[a * stride];
    for (size_t k = 0; k < a; k++) z[k * stride] -= row[k * stride] * s;
  }
}

/* The factor of a group in all 8 places, for 8 of its rows at a time; the rest one by one. */
static void solve_group(lat_factor_batch *b, size_t g)
{
  size_t M = b->model->M, T = lat_packed_count(M), i = b->first[g], end = b->first[g + 1];
  double *L = b->shared, *pivots = L + T * WIDTH;
  if (i + WIDTH <= end) {
    for (size_t t = 0; t < T; t++)
      for (size_t k = 0; k < WIDTH; k++) L[t * WIDTH + k] = b->factor[t * b->stride + g];
    for (size_t m = 0; m < M; m++)
      for (size_t k = 0; k < WIDTH; k++) pivots[m * WIDTH + k] = b->pivots[m * b->stride + g];
    size_t whole = (end - i) / WIDTH * WIDTH;
    lat_factor_cholesky_solve(M, whole, L, pivots, WIDTH, 0, b->z + i, b->stride);
    i += whole;
  }
  for (; i < end; i++) solve_row(b, g, b->z + i);
}

static void solve_rows(lat_factor_batch *b)
{
  size_t M = b->model->M, n = lat_tile_columns(b->rows);
  if (!b->order)
    lat_factor_cholesky_solve(M, n, b->factor, b->pivots, WIDTH, 0, b->z, b->stride);
  else if (b->groups == b->rows)
    lat_factor_cholesky_solve(M, n, b->factor, b->pivots, b->stride, WIDTH, b->z, b->stride);
  else
    for (size_t g = 0; g < b->groups; g++) solve_group(b, g);
}

LAT_CLONES static void add_residuals(size_t n, const double *restrict d, const double *restrict fit,
                                     const double *restrict mask, double precision,
                                     double *restrict square)
{
  for (size_t i = 0; i < n; i++) {
    double r = (d[i] - fit[i]) * mask[i];
    square[i] += r * r * precision;
  }
}

LAT_CLONES static void add_complete_residuals(size_t n, const double *restrict d,
                                              const double *restrict fit, double precision,
                                              double *restrict square)
{
  for (size_t i = 0; i < n; i++) {
    double r = d[i] - fit[i];
    square[i] += r * r * precision;
  }
}

/* z += c x y */
LAT_CLONES static void add_products(size_t n, double c, const double *x, const double *y,
                                    double *restrict z)
{
  for (size_t i = 0; i < n; i++) z[i] += c * x[i] * y[i];
}

static void fit_rows(lat_factor_batch *b)
{
  const lat_factor_precomputed *f = b->model;
  size_t D = f->D, M = f->M, stride = b->stride, n = lat_tile_columns(b->rows);
  lat_tile_product(D, n, M, f->W, M, 1, b->z, stride, false, b->fit, stride);
  memset(b->square, 0, n * sizeof *b->square);
  for (size_t j = 0; j < D; j++) {
    const double *d = b->d + j * stride, *fit = b->fit + j * stride;
    double precision = f->precision ? f->precision[j] : 1;
    if (b->row_mask)
      add_residuals(n, d, fit, b->row_mask + j * stride, precision, b->square);
    else
      add_complete_residuals(n, d, fit, precision, b->square);
  }
}

/* |z|^2, and where W's rows are known only as N(w_j, Sigma) what that takes from the density,
 * o z'Sigma z/s2. */
static void find_norms(const lat_factor_batch *b, double *norms)
{
  size_t M = b->model->M, stride = b->stride, n = lat_tile_columns(b->rows);
  const double *spread = b->model->spread;
  memset(norms, 0, n * sizeof *norms);
  for (size_t j = 0; spread && j < M; j++)
    for (size_t k = 0; k < M; k++)
      add_products(n, spread[j * M + k] / b->model->noise, b->z + j * stride, b->z + k * stride,
                   norms);
  for (size_t i = 0; spread && i < b->rows; i++) norms[i] *= b->observed[b->group[i]];
  for (size_t m = 0; m < M; m++) add_products(n, 1, b->z + m * stride, b->z + m * stride, norms);
}

/* log p(x_o); exactly 0 of nothing, whatever the logarithms round to. */
static void find_densities(lat_factor_batch *b)
{
  double inverse = 1 / b->model->noise;
  find_norms(b, b->density);
  for (size_t i = 0; i < b->rows; i++) {
    size_t g = b->group[i];
    double sum = b->observed[g] * LAT_LOG_2PI + b->log_noise[g] + b->log_det[g] +
                 b->square[i] * inverse + b->density[i];
    b->density[i] = b->observed[g] == 0 ? 0 : -0.5 * sum;
  }
}

bool lat_factor_batch_next(lat_factor_batch *b)
{
  const lat_factor_precomputed *f = b->model;
  size_t left = b->total - b->taken, M = f->M;
  if (left == 0) return false;
  b->rows = left < b->most ? left : b->most;
  b->taken += b->rows;
  gather_rows(b);
  if (b->order) {
    gather_groups(b);
    factor_groups(b);
  } else {
    take_complete(b);
  }
  size_t n = lat_tile_columns(b->rows);
  if (M > 0)
    lat_tile_product(M, n, f->D, f->weighted, 1, M, b->d, b->stride, false, b->z, b->stride);
  solve_rows(b);
  for (size_t i = 0; i < n; i++) b->z[M * b->stride + i] = i < b->rows ? 1 : 0;
  fit_rows(b);
  if (f->noise > 0) find_densities(b);
  return true;
}

void lat_factor_batch_inverse(const lat_factor_batch *b, double *V)
{
  size_t stride = b->order ? b->stride : WIDTH;
  lat_factor_cholesky_inverse(b->model->M, lat_tile_columns(b->groups), stride, b->factor,
                              b->pivots, V);
}
