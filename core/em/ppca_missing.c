/* ppca_missing.c: rows sorted by what they miss, and their posteriors. */
#include <math.h>
#include <stdlib.h>

#include "em/ppca_rows.h"

#define LOG_2PI 1.8378770664093454836

/* ---- what is derived from the parameters ------------------------------------------------------ */

size_t lat_ppca_frame_count(size_t D, size_t M, bool missing)
{
  return missing ? D * lat_packed_count(M) : lat_packed_count(M) + 1;
}

static void add_diagonal(size_t M, double value, double *K)
{
  for (size_t i = 0, at = 0; i < M; i++, at += i + 1) K[at] += value;
}

void lat_ppca_frame_fill(const lat_ppca *ppca, bool missing, double *memory)
{
  size_t M = ppca->M, T = lat_packed_count(M);
  double *to = memory;
  if (!missing) memset(memory, 0, (T + 1) * sizeof *memory);
  for (size_t j = 0; j < ppca->D; j++) {
    const double *w = ppca->W + j * M;
    for (size_t a = 0, at = 0; a < M; a++)
      for (size_t b = 0; b <= a; b++, at++) to[at] = (missing ? 0 : to[at]) + w[a] * w[b];
    if (missing) to += T;
  }
  if (missing) return;
  add_diagonal(M, *ppca->noise_variance, memory);
  lat_packed_cholesky(M, memory, memory + T);
}

lat_ppca_frame lat_ppca_frame_of(const lat_ppca *ppca, bool missing, const double *memory)
{
  return (lat_ppca_frame){.D = ppca->D,
                          .M = ppca->M,
                          .mean = ppca->mean,
                          .W = ppca->W,
                          .noise = *ppca->noise_variance,
                          .missing = missing,
                          .products = missing ? memory : NULL,
                          .factor = missing ? NULL : memory};
}

/* ---- a walk ---------------------------------------------------------------------------------------- */

/* Of complete rows all that is kept of K is one factor; of others there may be one a row, and as
 * much of statistics. */
size_t lat_ppca_batch(size_t M, bool missing, size_t rows)
{
  enum { MEMORY = 1 << 18, LEAST = 16 };
  size_t batch = missing ? MEMORY / (2 * lat_packed_count(M + 1)) : rows;
  if (batch < LEAST) batch = LEAST;
  return batch < rows ? batch : rows;
}

static size_t in_doubles(size_t count, size_t size)
{
  return (count * size + sizeof(double) - 1) / sizeof(double);
}

size_t lat_ppca_rows_count(size_t D, size_t M, bool missing, size_t rows)
{
  size_t batch = lat_ppca_batch(M, missing, rows), groups = missing ? batch : 1;
  return rows * D + (missing ? in_doubles(rows, sizeof(lat_ppca_key)) + 2 * batch * D : 0) +
         in_doubles(groups + 1, sizeof(size_t)) + groups * (2 + lat_packed_count(M)) +
         batch * (D + M + 1);
}

static uint64_t pattern_of(size_t D, const double *x)
{
  uint64_t hash = 0, word = 0;
  for (size_t j = 0; j < D; j++) {
    word = word << 1 | (uint64_t)isnan(x[j]);
    if (j % 64 < 63 && j + 1 < D) continue;
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u; /* odd, so one word is never mixed up */
    hash ^= hash >> 29;
    word = 0;
  }
  return hash;
}

static int compare_keys(const void *a, const void *b)
{
  const lat_ppca_key *x = a, *y = b;
  if (x->pattern != y->pattern) return x->pattern < y->pattern ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

static void sort_rows(lat_ppca_rows *r)
{
  bool any = false;
  for (size_t i = 0; i < r->total; i++) {
    r->keys[i] = (lat_ppca_key){pattern_of(r->frame->D, r->centred + i * r->frame->D), i};
    any |= r->keys[i].pattern != r->keys[0].pattern;
  }
  if (any) qsort(r->keys, r->total, sizeof *r->keys, compare_keys);
}

void lat_ppca_rows_begin(lat_ppca_rows *r, const lat_ppca_frame *frame, const lat_matrix *X,
                         double *memory)
{
  size_t D = frame->D, T = lat_packed_count(frame->M), rows = X->rows;
  *r = (lat_ppca_rows){.frame = frame, .total = rows};
  r->batch = lat_ppca_batch(frame->M, frame->missing, rows);
  size_t groups = frame->missing ? r->batch : 1;
  r->centred = memory;
  memory += rows * D;
  if (frame->missing) {
    r->keys = (lat_ppca_key *)(void *)memory;
    memory += in_doubles(rows, sizeof *r->keys);
    r->mask = memory;
    memory += r->batch * D;
    r->d = memory;
    memory += r->batch * D;
  }
  r->first = (size_t *)(void *)memory;
  r->observed = memory + in_doubles(groups + 1, sizeof *r->first);
  r->log_det = r->observed + groups;
  r->factor = r->log_det + groups;
  r->fit = r->factor + groups * T;
  r->z = r->fit + r->batch * D;
  r->square = r->z + r->batch * frame->M;
  lat_centre(X, NULL, frame->mean, NULL, r->centred);
  if (frame->missing) sort_rows(r);
}

/* ---- a batch ------------------------------------------------------------------------------------------ */

static bool misses_the_same(size_t D, const double *x, const double *mask)
{
  for (size_t j = 0; j < D; j++)
    if ((mask[j] == 0) != (bool)isnan(x[j])) return false;
  return true;
}

/* Copies the batch's rows in their order, and finds the groups. */
static void gather(lat_ppca_rows *r)
{
  size_t D = r->frame->D;
  r->groups = 0;
  for (size_t i = 0; i < r->rows; i++) {
    const double *x = r->centred + r->key[i].row * D;
    double *d = r->d + i * D;
    if (i == 0 || r->key[i].pattern != r->key[i - 1].pattern ||
        !misses_the_same(D, x, r->mask + (r->groups - 1) * D)) {
      double *mask = r->mask + r->groups * D, observed = 0;
      for (size_t j = 0; j < D; j++) observed += mask[j] = isnan(x[j]) ? 0 : 1;
      r->observed[r->groups] = observed;
      r->first[r->groups++] = i;
    }
    for (size_t j = 0; j < D; j++) d[j] = isnan(x[j]) ? 0 : x[j];
  }
  r->first[r->groups] = r->rows;
}

static void factor(lat_ppca_rows *r)
{
  const lat_ppca_frame *f = r->frame;
  size_t T = lat_packed_count(f->M);
  lat_ppca_multiply(false, false, r->groups, T, f->D, r->mask, f->products, 0, r->factor);
  for (size_t g = 0; g < r->groups; g++) {
    add_diagonal(f->M, f->noise, r->factor + g * T);
    lat_packed_cholesky(f->M, r->factor + g * T, r->log_det + g);
  }
}

/* The complete rows are one group, which lies where it was centred. */
static void take_complete(lat_ppca_rows *r)
{
  const lat_ppca_frame *f = r->frame;
  size_t T = lat_packed_count(f->M);
  r->d = r->centred + r->taken * f->D;
  r->groups = 1;
  r->first[0] = 0;
  r->first[1] = r->rows;
  r->observed[0] = (double)f->D;
  memcpy(r->factor, f->factor, T * sizeof *r->factor);
  r->log_det[0] = f->factor[T];
}

/* In eight sums side by side, which a compiler can make a vector. */
static double residual(size_t D, const double *d, const double *fit, const double *mask)
{
  double sums[8] = {0};
  for (size_t j = 0; j < D; j += 8)
    for (size_t k = 0; k < 8 && j + k < D; k++) {
      double r = (d[j + k] - fit[j + k]) * (mask ? mask[j + k] : 1);
      sums[k] += r * r;
    }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

bool lat_ppca_rows_next(lat_ppca_rows *r)
{
  const lat_ppca_frame *f = r->frame;
  size_t D = f->D, M = f->M, left = r->total - r->taken;
  if (left == 0) return false;
  r->rows = left < r->batch ? left : r->batch;
  if (f->missing) {
    r->key = r->keys + r->taken;
    gather(r);
    factor(r);
  } else {
    take_complete(r);
  }
  r->taken += r->rows;
  lat_ppca_multiply(false, false, r->rows, M, D, r->d, f->W, 0, r->z);
  for (size_t g = 0; g < r->groups; g++)
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++)
      lat_packed_solve(M, r->factor + g * lat_packed_count(M), r->z + i * M);
  lat_ppca_multiply(false, true, r->rows, D, M, r->z, f->W, 0, r->fit);
  for (size_t g = 0; g < r->groups; g++)
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++)
      r->square[i] = residual(D, r->d + i * D, r->fit + i * D, f->missing ? r->mask + g * D : NULL);
  return true;
}

double lat_ppca_density(const lat_ppca_rows *r, size_t g, size_t i)
{
  size_t M = r->frame->M;
  const double *z = r->z + i * M;
  double o = r->observed[g], s2 = r->frame->noise, norm = 0;
  if (o == 0) return 0; /* exactly, whatever the logarithms round to */
  for (size_t m = 0; m < M; m++) norm += z[m] * z[m];
  return -0.5 *
         (o * LOG_2PI + (o - (double)M) * log(s2) + r->log_det[g] + r->square[i] / s2 + norm);
}
