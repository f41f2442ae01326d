/* factor_rows.c: rows sorted by what they miss, and their posteriors. */
#include "em/factor_rows.h"

#include <math.h>
#include <stdlib.h>

#include "matrix/moments.h"

#define LOG_2PI 1.8378770664093454836

/* ---- what is derived from the parameters ------------------------------------------------------ */

size_t lat_factor_frame_count(const lat_factor_model *model, bool missing)
{
  size_t D = model->D, M = model->M, T = lat_packed_count(M);
  return (model->correlations ? T + D * M : 0) + (model->shared ? 0 : 2 * D + D * M) +
         (missing ? D * T : T + 1);
}

/* In memory, in this order: root, W L; precision, logs, inv(Psi) W; products, or factor and
 * log|K|. */
lat_factor_frame lat_factor_frame_of(const lat_factor_model *model, bool missing, bool prior,
                                     const double *memory)
{
  size_t D = model->D, M = model->M;
  lat_factor_frame f = {
      .D = D, .M = M, .mean = model->mean, .spread = model->spread, .missing = missing};
  f.noise = !prior ? 0 : model->shared ? *model->noise_variances : 1;
  f.W = f.weighted = model->W;
  if (model->correlations) {
    f.root = memory;
    f.W = f.weighted = memory + lat_packed_count(M);
    memory = f.W + D * M;
  }
  if (!model->shared) {
    f.variances = model->noise_variances;
    f.precision = memory;
    f.logs = f.precision + D;
    f.weighted = f.logs + D;
    memory = f.weighted + D * M;
  }
  f.products = missing ? memory : NULL;
  f.factor = missing ? NULL : memory;
  return f;
}

/* W := W L */
static void turn_loadings(const lat_factor_model *model, double *root, double *W)
{
  size_t M = model->M;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++) root[at++] = model->correlations[i * M + j];
  lat_packed_cholesky(M, root, NULL);
  for (size_t j = 0; j < model->D; j++)
    for (size_t b = 0; b < M; b++) {
      double sum = 0;
      for (size_t a = b; a < M; a++) sum += model->W[j * M + a] * root[lat_packed_count(a) + b];
      W[j * M + b] = sum;
    }
}

static void add_diagonal(size_t M, double value, double *K)
{
  for (size_t i = 0, at = 0; i < M; i++, at += i + 1) K[at] += value;
}

/* The products of each column, or their sum. */
static void multiply_loadings(const lat_factor_frame *f, double *to)
{
  size_t M = f->M, T = lat_packed_count(M);
  if (!f->missing) memset(to, 0, (T + 1) * sizeof *to);
  for (size_t j = 0; j < f->D; j++) {
    const double *w = f->W + j * M, *v = f->weighted + j * M;
    for (size_t a = 0, at = 0; a < M; a++)
      for (size_t b = 0; b <= a; b++, at++)
        to[at] = (f->missing ? 0 : to[at]) + v[a] * w[b] + (f->spread ? f->spread[a * M + b] : 0);
    if (f->missing) to += T;
  }
}

void lat_factor_frame_fill(const lat_factor_model *model, bool missing, bool prior, double *memory)
{
  lat_factor_frame f = lat_factor_frame_of(model, missing, prior, memory);
  size_t D = f.D, M = f.M, T = lat_packed_count(M);
  if (f.root) turn_loadings(model, (double *)f.root, (double *)f.W);
  for (size_t j = 0; f.variances && j < D; j++) {
    double *weighted = (double *)f.weighted + j * M;
    ((double *)f.precision)[j] = 1 / f.variances[j];
    ((double *)f.logs)[j] = log(f.variances[j]);
    for (size_t m = 0; m < M; m++) weighted[m] = f.W[j * M + m] / f.variances[j];
  }
  double *last = (double *)(missing ? f.products : f.factor);
  multiply_loadings(&f, last);
  if (missing) return;
  add_diagonal(M, f.noise, last);
  lat_packed_cholesky(M, last, last + T);
}

/* ---- a walk ---------------------------------------------------------------------------------------- */

/* Of complete rows all that is kept of K is one factor; of others there may be one a row, and as
 * much of statistics. */
size_t lat_factor_batch(size_t M, bool missing, size_t rows)
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

size_t lat_factor_rows_count(size_t D, size_t M, bool missing, size_t rows)
{
  size_t batch = lat_factor_batch(M, missing, rows), groups = missing ? batch : 1;
  return rows * D + (missing ? in_doubles(rows, sizeof(lat_factor_key)) + 2 * batch * D : 0) +
         in_doubles(groups + 1, sizeof(size_t)) + groups * (3 + lat_packed_count(M)) +
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
  const lat_factor_key *x = a, *y = b;
  if (x->pattern != y->pattern) return x->pattern < y->pattern ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

static void sort_rows(lat_factor_rows *r)
{
  bool any = false;
  for (size_t i = 0; i < r->total; i++) {
    r->keys[i] = (lat_factor_key){pattern_of(r->frame->D, r->centred + i * r->frame->D), i};
    any |= r->keys[i].pattern != r->keys[0].pattern;
  }
  if (any) qsort(r->keys, r->total, sizeof *r->keys, compare_keys);
}

void lat_factor_rows_begin(lat_factor_rows *r, const lat_factor_frame *frame, const lat_matrix *X,
                           double *memory)
{
  size_t D = frame->D, T = lat_packed_count(frame->M), rows = X->rows;
  *r = (lat_factor_rows){.frame = frame, .total = rows};
  r->batch = lat_factor_batch(frame->M, frame->missing, rows);
  size_t groups = frame->missing ? r->batch : 1;
  r->centred = memory;
  memory += rows * D;
  if (frame->missing) {
    r->keys = (lat_factor_key *)(void *)memory;
    memory += in_doubles(rows, sizeof *r->keys);
    r->mask = memory;
    memory += r->batch * D;
    r->d = memory;
    memory += r->batch * D;
  }
  r->first = (size_t *)(void *)memory;
  r->observed = memory + in_doubles(groups + 1, sizeof *r->first);
  r->log_det = r->observed + groups;
  r->log_noise = r->log_det + groups;
  r->factor = r->log_noise + groups;
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
static void gather(lat_factor_rows *r)
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

/* The part of log|C| that isn't log|K|. */
static double log_noise(const lat_factor_frame *f, double observed, const double *mask)
{
  double sum = 0;
  if (!f->logs) return (observed - (double)f->M) * log(f->noise);
  for (size_t j = 0; j < f->D; j++) sum += mask ? mask[j] * f->logs[j] : f->logs[j];
  return sum;
}

static void factor(lat_factor_rows *r)
{
  const lat_factor_frame *f = r->frame;
  size_t T = lat_packed_count(f->M);
  lat_factor_multiply(false, false, r->groups, T, f->D, r->mask, f->products, 0, r->factor);
  for (size_t g = 0; g < r->groups; g++) {
    add_diagonal(f->M, f->noise, r->factor + g * T);
    lat_packed_cholesky(f->M, r->factor + g * T, r->log_det + g);
    r->log_noise[g] = log_noise(f, r->observed[g], r->mask + g * f->D);
  }
}

/* The complete rows are one group, which lies where it was centred. */
static void take_complete(lat_factor_rows *r)
{
  const lat_factor_frame *f = r->frame;
  size_t T = lat_packed_count(f->M);
  r->d = r->centred + r->taken * f->D;
  r->groups = 1;
  r->first[0] = 0;
  r->first[1] = r->rows;
  r->observed[0] = (double)f->D;
  memcpy(r->factor, f->factor, T * sizeof *r->factor);
  r->log_det[0] = f->factor[T];
  r->log_noise[0] = log_noise(f, r->observed[0], NULL);
}

/* In eight sums side by side, which a compiler can make a vector. */
static inline double residual(size_t D, const double *d, const double *fit, const double *mask,
                              const double *precision)
{
  double sums[8] = {0};
  for (size_t j = 0; j < D; j += 8)
    for (size_t k = 0; k < 8 && j + k < D; k++) {
      double r = (d[j + k] - fit[j + k]) * (mask ? mask[j + k] : 1);
      sums[k] += precision ? r * r * precision[j + k] : r * r;
    }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

bool lat_factor_rows_next(lat_factor_rows *r)
{
  const lat_factor_frame *f = r->frame;
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
  lat_factor_multiply(false, false, r->rows, M, D, r->d, f->weighted, 0, r->z);
  for (size_t g = 0; g < r->groups; g++)
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++)
      lat_packed_solve(M, r->factor + g * lat_packed_count(M), r->z + i * M);
  lat_factor_multiply(false, true, r->rows, D, M, r->z, f->W, 0, r->fit);
  for (size_t g = 0; g < r->groups; g++)
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++)
      r->square[i] = residual(D, r->d + i * D, r->fit + i * D, f->missing ? r->mask + g * D : NULL,
                              f->precision);
  return true;
}

/* z'Sigma z */
static double quadratic(size_t M, const double *Sigma, const double *z)
{
  double sum = 0;
  for (size_t a = 0; a < M; a++) {
    double product = 0;
    for (size_t b = 0; b < M; b++) product += Sigma[a * M + b] * z[b];
    sum += z[a] * product;
  }
  return sum;
}

double lat_factor_density(const lat_factor_rows *r, size_t g, size_t i)
{
  size_t M = r->frame->M;
  const double *z = r->z + i * M;
  double norm = 0;
  if (r->observed[g] == 0) return 0; /* exactly, whatever the logarithms round to */
  for (size_t m = 0; m < M; m++) norm += z[m] * z[m];
  if (r->frame->spread)
    norm += r->observed[g] * quadratic(M, r->frame->spread, z) / r->frame->noise;
  return -0.5 * (r->observed[g] * LOG_2PI + r->log_noise[g] + r->log_det[g] +
                 r->square[i] / r->frame->noise + norm);
}
