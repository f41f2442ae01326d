#include "em/factor/batch.h"

#include <math.h>

#include "base/clones.h"
#include "base/special.h"
#include "base/vector_math.h"
#include "matrix/moments.h"
#include "matrix/tile.h"

LAT_FUSED

enum { LANES = LAT_TILE };

typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int64_t choice __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

/* ---- memory ---------------------------------------------------------------------------------- */

/* Of complete rows all that is kept of K is one factor; of others there may be one a row, and as
 * much of statistics. */
size_t lat_factor_batch(size_t M, bool missing, size_t rows)
{
  enum { MEMORY = 1 << 17, LEAST = 16 };
  size_t batch = missing ? MEMORY / (2 * lat_packed_count(M + 1)) : rows;
  if (batch < LEAST) batch = LEAST;
  return batch < rows ? batch : rows;
}

/* An odd number of cache lines, so that a column of a table isn't in one set of the cache. */
size_t lat_factor_stride(size_t batch)
{
  size_t lines = lat_tile_columns(batch) / LAT_TILE;
  return (lines | 1) * LAT_TILE;
}

static size_t table_size(size_t rows)
{
  size_t size = 16;
  while (size < 2 * rows) size *= 2;
  return size;
}

/* Gives each array its place, and the number of doubles of all. */
static size_t lay_out(lat_factor_lanes *l, size_t D, size_t M, bool missing, size_t rows,
                      double *memory)
{
  size_t batch = lat_factor_batch(M, missing, rows), stride = lat_factor_stride(batch);
  size_t groups = missing ? stride : LANES, whole = (rows + 1) / 2, T = lat_packed_count(M);
  const struct {
    void *to;
    size_t count;
  } parts[] = {{&l->copy, rows * D},
               {&l->nothing, D},
               {&l->order, missing ? whole : 0},
               {&l->pattern, missing ? whole : 0},
               {&l->d, D * stride},
               {&l->fit, D * stride},
               {&l->z, (M + 1) * stride},
               {&l->square, stride},
               {&l->density, stride},
               {&l->observed, groups},
               {&l->log_det, groups},
               {&l->log_noise, groups},
               {&l->factor, T * groups},
               {&l->pivots, M * groups},
               {&l->first, stride / 2 + 1},
               {&l->group, stride / 2 + 1},
               {&l->row_mask, missing ? D * stride : 0},
               {&l->group_mask, missing ? D * stride : 0},
               {&l->shared, missing ? (T + M) * LANES : 0}};
  size_t total = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    double *at = memory && parts[i].count ? memory + total : NULL;
    memcpy(parts[i].to, &at, sizeof at);
    total += parts[i].count;
  }
  l->batch = batch;
  l->stride = stride;
  return total;
}

/* What finding the patterns takes: hashes of the rows, what goes into them of the columns, a table of
 * pattern numbers, their first rows, and how many have each. It is over before a batch begins, so it
 * lies where the tables are. */
static size_t patterns_count(size_t D, size_t rows)
{
  return rows + D + table_size(rows) / 2 + (rows + 1) / 2 + (rows + 2) / 2;
}

size_t lat_factor_lanes_count(size_t D, size_t M, bool missing, size_t rows)
{
  lat_factor_lanes l;
  size_t all = lay_out(&l, D, M, missing, rows, NULL);
  size_t least = missing ? (rows + 1) * D + 2 * ((rows + 1) / 2) + patterns_count(D, rows) : 0;
  return all > least ? all : least;
}

/* ---- patterns -------------------------------------------------------------------------------- */

/* Each column has an odd number of its own, of which a row's hash adds up those that it misses. */
static void number_columns(size_t D, uint64_t *numbers)
{
  uint64_t x = 0;
  for (size_t j = 0; j < D; j++) { /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t y = x += 0x9e3779b97f4a7c15u;
    y = (y ^ y >> 30) * 0xbf58476d1ce4e5b9u;
    y = (y ^ y >> 27) * 0x94d049bb133111ebu;
    numbers[j] = (y ^ y >> 31) | 1;
  }
}

LAT_CLONES static void hash_rows(size_t rows, size_t D, const double *x, ptrdiff_t stride,
                                 const uint64_t *numbers, uint64_t *hashes)
{
  for (size_t i = 0; i < rows; i++, x += stride) {
    uint64_t hash = 0;
    for (size_t j = 0; j < D; j++) hash += x[j] != x[j] ? numbers[j] : 0;
    hashes[i] = hash;
  }
}

static const double *row_of(const lat_factor_lanes *l, size_t i)
{
  return l->x + (ptrdiff_t)i * l->x_stride;
}

static bool misses_the_same(size_t D, const double *x, const double *y)
{
  for (size_t j = 0; j < D; j++)
    if (isnan(x[j]) != isnan(y[j])) return false;
  return true;
}

/* Numbers the patterns in the order in which they are met, and puts the rows in the order of these. */
static void find_patterns(lat_factor_lanes *l, double *memory)
{
  size_t D = l->frame->D, rows = l->total, size = table_size(rows), patterns = 0;
  uint64_t *hashes = (uint64_t *)(void *)memory, *numbers = hashes + rows;
  uint32_t *table = (uint32_t *)(void *)(numbers + D), *first = table + size;
  uint32_t *starts = first + rows, *of = l->pattern, total = 0;
  number_columns(D, numbers);
  hash_rows(rows, D, l->x, l->x_stride, numbers, hashes);
  memset(table, 0, size * sizeof *table);
  memset(starts, 0, (rows + 1) * sizeof *starts);
  for (size_t i = 0; i < rows; i++) {
    size_t at = hashes[i] * 0x9e3779b97f4a7c15u >> 32 & (size - 1);
    for (; table[at]; at = (at + 1) & (size - 1)) {
      size_t other = first[table[at] - 1];
      if (hashes[other] == hashes[i] && misses_the_same(D, row_of(l, other), row_of(l, i))) break;
    }
    if (!table[at]) {
      first[patterns] = (uint32_t)i;
      table[at] = (uint32_t)++patterns;
    }
    of[i] = table[at] - 1;
    starts[of[i]]++;
  }
  for (size_t p = 0; p < patterns; p++) {
    uint32_t count = starts[p];
    starts[p] = total;
    total += count;
  }
  for (size_t i = 0; i < rows; i++) l->order[starts[of[i]]++] = (uint32_t)i;
}

void lat_factor_lanes_begin(lat_factor_lanes *l, const lat_factor_frame *frame, const lat_matrix *X,
                            double *memory)
{
  *l = (lat_factor_lanes){0};
  lay_out(l, frame->D, frame->M, frame->missing, X->rows, memory);
  l->frame = frame;
  l->total = X->rows;
  for (size_t j = 0; j < frame->D; j++) l->nothing[j] = frame->missing ? NAN : frame->mean[j];
  l->x = X->data; /* finding patterns brings them into the cache; a copy does for others */
  l->x_stride = X->row_stride;
  if (!frame->missing || X->dtype != LAT_FLOAT64 || X->col_stride != 1) {
    lat_centre(X, NULL, NULL, NULL, l->copy);
    l->x = l->copy;
    l->x_stride = (ptrdiff_t)frame->D;
  }
  if (frame->missing) find_patterns(l, l->d);
}

/* ---- a batch: the rows ----------------------------------------------------------------------- */

/* Turns 8 rows: x - mean or 0, what is there, and how much of it. */
LAT_CLONES static void turn_rows(size_t D, const double *const x[LANES], const double *mean,
                                 size_t stride, double *d, double *mask, double *observed)
{
  const lanes one = {1, 1, 1, 1, 1, 1, 1, 1};
  lanes sum = {0};
  for (size_t j = 0; j < D; j++, d += stride, mask += stride) {
    lanes v = {x[0][j], x[1][j], x[2][j], x[3][j], x[4][j], x[5][j], x[6][j], x[7][j]};
    choice there = v == v;
    lanes m = (lanes)(there & (choice)one);
    v -= mean[j];
    *(lanes *)d = (lanes)(there & (choice)v);
    *(lanes *)mask = m;
    sum += m;
  }
  *(lanes *)observed = sum;
}

LAT_CLONES static void turn_complete_rows(size_t D, const double *const x[LANES],
                                          const double *mean, size_t stride, double *d)
{
  for (size_t j = 0; j < D; j++, d += stride) {
    lanes v = {x[0][j], x[1][j], x[2][j], x[3][j], x[4][j], x[5][j], x[6][j], x[7][j]};
    *(lanes *)d = v - mean[j];
  }
}

/* The rows' table d and, where something may be missing, their masks and (in `square`) counts. */
static void gather_rows(lat_factor_lanes *l)
{
  const lat_factor_frame *f = l->frame;
  for (size_t i = 0; i < l->rows; i += LANES) {
    const double *x[LANES];
    for (size_t k = 0; k < LANES; k++)
      x[k] = i + k < l->rows ? row_of(l, lat_factor_lane_place(l, i + k)) : l->nothing;
    if (l->order)
      turn_rows(f->D, x, f->mean, l->stride, l->d + i, l->row_mask + i, l->square + i);
    else
      turn_complete_rows(f->D, x, f->mean, l->stride, l->d + i);
  }
}

/* Which rows are together, and their common mask. */
static void gather_groups(lat_factor_lanes *l)
{
  size_t D = l->frame->D, stride = l->stride, begin = l->taken - l->rows;
  l->groups = 0;
  for (size_t i = 0; i < l->rows; i++) {
    if (i == 0 || l->pattern[l->order[begin + i]] != l->pattern[l->order[begin + i - 1]])
      l->first[l->groups++] = (uint32_t)i;
    l->group[i] = (uint32_t)l->groups - 1;
  }
  l->first[l->groups] = (uint32_t)l->rows;
  size_t padded = lat_tile_columns(l->groups);
  l->mask = l->groups == l->rows ? l->row_mask : l->group_mask;
  if (l->groups == l->rows) {
    memcpy(l->observed, l->square, padded * sizeof *l->observed);
    return;
  }
  for (size_t g = 0; g < padded; g++) l->observed[g] = g < l->groups ? l->square[l->first[g]] : 0;
  for (size_t j = 0; j < D; j++)
    for (size_t g = 0; g < padded; g++)
      l->mask[j * stride + g] = g < l->groups ? l->row_mask[j * stride + l->first[g]] : 0;
}

/* ---- a batch: K of the groups ---------------------------------------------------------------- */

/* K + noise I = L L' in place, as in lat_packed_cholesky; also the inverses of L's diagonal, and the
 * squares of it (1 for directions that are left out). */
LAT_CLONES static void factorize(size_t M, size_t n, size_t stride, double noise, double *K,
                                 double *pivots, double *squares)
{
  const double tiny = 1e-13, out = 1e150;
  for (size_t at = 0; at < n; at += LANES) {
    double *row = K + at;
    for (size_t i = 0; i < M; row += ++i * stride) {
      const double *other = K + at;
      for (size_t j = 0; j < i; other += ++j * stride) {
        lanes s = *(lanes *)(row + j * stride);
        for (size_t k = 0; k < j; k++)
          s -= *(lanes *)(row + k * stride) * *(const lanes *)(other + k * stride);
        *(lanes *)(row + j * stride) = s * *(lanes *)(pivots + j * stride + at);
      }
      double *diagonal = row + i * stride, root[LANES];
      lanes whole = *(lanes *)diagonal + noise, pivot = whole;
      for (size_t k = 0; k < i; k++) {
        lanes x = *(lanes *)(row + k * stride);
        pivot -= x * x;
      }
      choice kept = ~(pivot <= tiny * whole);
      const lanes one = (lanes){0} + 1;
      pivot = (lanes)((kept & (choice)pivot) | (~kept & (choice)one));
      *(lanes *)(squares + i * stride + at) = pivot;
      for (size_t k = 0; k < LANES; k++) root[k] = sqrt(pivot[k]);
      lanes length = *(lanes *)root, gone = (lanes){0} + out;
      length = (lanes)((kept & (choice)length) | (~kept & (choice)gone));
      *(lanes *)diagonal = length;
      *(lanes *)(pivots + i * stride + at) = 1 / length;
    }
  }
}

/* log|K| and the rest of log|C|. The squares of the diagonal are in fit, which isn't made yet. */
static void find_determinants(lat_factor_lanes *l, size_t padded)
{
  const lat_factor_frame *f = l->frame;
  memset(l->log_det, 0, padded * sizeof *l->log_det);
  memset(l->log_noise, 0, padded * sizeof *l->log_noise);
  for (size_t m = 0; m < f->M; m++) {
    double *line = l->fit + m * l->stride;
    lat_log(padded, line, line);
    for (size_t g = 0; g < padded; g++) l->log_det[g] += line[g];
  }
  if (f->logs)
    lat_tile_product(1, padded, f->D, f->logs, f->D, 1, l->mask, l->stride, false, l->log_noise,
                     l->stride);
  double log_s2 = f->logs ? 0 : log(f->noise);
  for (size_t g = 0; g < padded && !f->logs; g++)
    l->log_noise[g] = (l->observed[g] - (double)f->M) * log_s2;
}

static void factor_groups(lat_factor_lanes *l)
{
  const lat_factor_frame *f = l->frame;
  size_t T = lat_packed_count(f->M), padded = lat_tile_columns(l->groups);
  if (T > 0)
    lat_tile_product(T, padded, f->D, f->products, 1, T, l->mask, l->stride, false, l->factor,
                     l->stride);
  factorize(f->M, padded, l->stride, f->noise, l->factor, l->pivots, l->fit);
  find_determinants(l, padded);
}

/* Complete rows are one group, whose factor is that of all. Its tables have 8 equal columns. */
static void take_complete(lat_factor_lanes *l)
{
  const lat_factor_frame *f = l->frame;
  size_t T = lat_packed_count(f->M);
  l->groups = 1;
  l->first[0] = 0;
  l->first[1] = (uint32_t)l->rows;
  memset(l->group, 0, l->rows * sizeof *l->group);
  double noise = 0;
  for (size_t j = 0; f->logs && j < f->D; j++) noise += f->logs[j];
  if (!f->logs) noise = (double)(f->D - f->M) * log(f->noise);
  for (size_t g = 0; g < LANES; g++) {
    l->observed[g] = (double)f->D;
    l->log_det[g] = f->factor[T];
    l->log_noise[g] = noise;
    for (size_t t = 0; t < T; t++) l->factor[t * LANES + g] = f->factor[t];
    for (size_t m = 0; m < f->M; m++)
      l->pivots[m * LANES + g] = 1 / f->factor[lat_packed_count(m + 1) - 1];
  }
}

/* ---- a batch: posteriors --------------------------------------------------------------------- */

/* z (M x n) := inv(L L') z, where the next 8 lanes of L are `step` further. */
LAT_CLONES static void solve(size_t M, size_t n, const double *L, const double *pivots,
                             size_t l_stride, size_t step, double *z, size_t stride)
{
  for (size_t at = 0; at < n; at += LANES, L += step, pivots += step, z += LANES) {
    const double *row = L;
    for (size_t i = 0; i < M; row += ++i * l_stride) {
      lanes s = *(lanes *)(z + i * stride);
      for (size_t k = 0; k < i; k++)
        s -= *(const lanes *)(row + k * l_stride) * *(lanes *)(z + k * stride);
      *(lanes *)(z + i * stride) = s * *(const lanes *)(pivots + i * l_stride);
    }
    for (size_t i = M; i-- > 0;) {
      row -= (i + 1) * l_stride;
      lanes s = *(lanes *)(z + i * stride) * *(const lanes *)(pivots + i * l_stride);
      *(lanes *)(z + i * stride) = s;
      for (size_t k = 0; k < i; k++)
        *(lanes *)(z + k * stride) -= *(const lanes *)(row + k * l_stride) * s;
    }
  }
}

/* z of one row whose group has other rows, too. */
static void solve_row(const lat_factor_lanes *l, size_t g, double *z)
{
  size_t M = l->frame->M, stride = l->stride;
  const double *row = l->factor + g, *pivots = l->pivots + g;
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

/* The factor of a group in all 8 lanes, for 8 of its rows at a time; the rest one by one. */
static void solve_group(lat_factor_lanes *l, size_t g)
{
  size_t M = l->frame->M, T = lat_packed_count(M), i = l->first[g], end = l->first[g + 1];
  double *L = l->shared, *pivots = L + T * LANES;
  if (i + LANES <= end) {
    for (size_t t = 0; t < T; t++)
      for (size_t k = 0; k < LANES; k++) L[t * LANES + k] = l->factor[t * l->stride + g];
    for (size_t m = 0; m < M; m++)
      for (size_t k = 0; k < LANES; k++) pivots[m * LANES + k] = l->pivots[m * l->stride + g];
    size_t whole = (end - i) / LANES * LANES;
    solve(M, whole, L, pivots, LANES, 0, l->z + i, l->stride);
    i += whole;
  }
  for (; i < end; i++) solve_row(l, g, l->z + i);
}

static void solve_rows(lat_factor_lanes *l)
{
  size_t M = l->frame->M, n = lat_tile_columns(l->rows);
  if (!l->order)
    solve(M, n, l->factor, l->pivots, LANES, 0, l->z, l->stride);
  else if (l->groups == l->rows)
    solve(M, n, l->factor, l->pivots, l->stride, LANES, l->z, l->stride);
  else
    for (size_t g = 0; g < l->groups; g++) solve_group(l, g);
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

static void fit_rows(lat_factor_lanes *l)
{
  const lat_factor_frame *f = l->frame;
  size_t D = f->D, M = f->M, stride = l->stride, n = lat_tile_columns(l->rows);
  lat_tile_product(D, n, M, f->W, M, 1, l->z, stride, false, l->fit, stride);
  memset(l->square, 0, n * sizeof *l->square);
  for (size_t j = 0; j < D; j++) {
    const double *d = l->d + j * stride, *fit = l->fit + j * stride;
    double precision = f->precision ? f->precision[j] : 1;
    if (l->row_mask)
      add_residuals(n, d, fit, l->row_mask + j * stride, precision, l->square);
    else
      add_complete_residuals(n, d, fit, precision, l->square);
  }
}

/* |z|^2, and where W's rows are known only as N(w_j, Sigma) what that takes from the density, o z'Sigma
 * z/s2. */
static void find_norms(const lat_factor_lanes *l, double *norms)
{
  size_t M = l->frame->M, stride = l->stride, n = lat_tile_columns(l->rows);
  const double *spread = l->frame->spread;
  memset(norms, 0, n * sizeof *norms);
  for (size_t a = 0; spread && a < M; a++)
    for (size_t b = 0; b < M; b++)
      add_products(n, spread[a * M + b] / l->frame->noise, l->z + a * stride, l->z + b * stride,
                   norms);
  for (size_t i = 0; spread && i < l->rows; i++) norms[i] *= l->observed[l->group[i]];
  for (size_t m = 0; m < M; m++) add_products(n, 1, l->z + m * stride, l->z + m * stride, norms);
}

/* log p(x_o); exactly 0 of nothing, whatever the logarithms round to. */
static void find_densities(lat_factor_lanes *l)
{
  double inverse = 1 / l->frame->noise;
  find_norms(l, l->density);
  for (size_t i = 0; i < l->rows; i++) {
    size_t g = l->group[i];
    double sum = l->observed[g] * LAT_LOG_2PI + l->log_noise[g] + l->log_det[g] +
                 l->square[i] * inverse + l->density[i];
    l->density[i] = l->observed[g] == 0 ? 0 : -0.5 * sum;
  }
}

bool lat_factor_lanes_next(lat_factor_lanes *l)
{
  const lat_factor_frame *f = l->frame;
  size_t left = l->total - l->taken, M = f->M;
  if (left == 0) return false;
  l->rows = left < l->batch ? left : l->batch;
  l->taken += l->rows;
  gather_rows(l);
  if (l->order) {
    gather_groups(l);
    factor_groups(l);
  } else {
    take_complete(l);
  }
  size_t n = lat_tile_columns(l->rows);
  if (M > 0)
    lat_tile_product(M, n, f->D, f->weighted, 1, M, l->d, l->stride, false, l->z, l->stride);
  solve_rows(l);
  for (size_t i = 0; i < n; i++) l->z[M * l->stride + i] = i < l->rows ? 1 : 0;
  fit_rows(l);
  if (f->noise > 0) find_densities(l);
  return true;
}

/* ---- the inverse ----------------------------------------------------------------------------- */

/* First the rows of inv(L), each a combination of those above it; inv(K) is the sum of the products of
 * each row with itself, of which row k goes into rows up to k. */
LAT_CLONES static void invert(size_t M, size_t n, size_t stride, const double *L,
                              const double *pivots, double *V)
{
  for (size_t at = 0; at < n; at += LANES, L += LANES, pivots += LANES, V += LANES) {
    const double *from = L;
    double *row = V;
    for (size_t i = 0; i < M; from += (i + 1) * stride, row += (i + 1) * stride, i++) {
      lanes pivot = *(const lanes *)(pivots + i * stride);
      for (size_t j = 0; j < i; j++) {
        lanes s = {0};
        const double *above = V + (j * (j + 1) / 2 + j) * stride;
        for (size_t k = j; k < i; above += (++k) * stride)
          s -= *(const lanes *)(from + k * stride) * *(const lanes *)above;
        *(lanes *)(row + j * stride) = s * pivot;
      }
      *(lanes *)(row + i * stride) = pivot;
    }
    double *to = V;
    for (size_t i = 0; i < M; to += ++i * stride)
      for (size_t j = 0; j <= i; j++) { /* (i, j) needs rows from i on, so it may be overwritten */
        lanes s = {0};
        const double *down = to;
        for (size_t k = i; k < M; down += ++k * stride)
          s += *(const lanes *)(down + i * stride) * *(const lanes *)(down + j * stride);
        *(lanes *)(to + j * stride) = s;
      }
  }
}

void lat_factor_lanes_inverse(const lat_factor_lanes *l, double *V)
{
  size_t stride = l->order ? l->stride : LANES;
  invert(l->frame->M, lat_tile_columns(l->groups), stride, l->factor, l->pivots, V);
}
