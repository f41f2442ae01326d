/* factor/bilinear.c: EM for linear-Gaussian latent variables (internal.h): the sums of the E-step,
 * and the M-step but for the noise.
 *
 * Storage: statistics as lat_factor_sums_of places them; a chunk's sums, about the mean, lie in the
 * worker's scratch behind the batch. */
#include <math.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "em/factor/internal.h"
#include "matrix/tile.h"

/* ---- statistics ------------------------------------------------------------------------------ */

enum { HEAD = 2 };

size_t lat_factor_statistics_count(size_t D, size_t M, bool missing)
{
  return HEAD + D + (missing ? D + 1 : 1) * lat_packed_count(M + 1) + D * (M + 1);
}

lat_factor_sums lat_factor_sums_of(size_t D, size_t M, bool missing, const double *statistics)
{
  lat_factor_sums s = {.D = D, .M = M, .T = lat_packed_count(M + 1), .blocks = missing ? D : 1};
  s.q = (double *)statistics + HEAD;
  s.A = s.q + D;
  s.all = missing ? s.A + D * s.T : s.A;
  s.B = s.all + s.T;
  return s;
}

/* B := W L, or W; A is only scratch here. */
static void put_loadings(const lat_factor_view *model, const lat_factor_sums *s)
{
  size_t M = model->M;
  double *L = model->correlations ? s->A : NULL;
  for (size_t i = 0, at = 0; L && i < M; i++)
    for (size_t j = 0; j <= i; j++) L[at++] = model->correlations[i * M + j];
  if (L) lat_packed_cholesky(M, L, NULL);
  for (size_t j = 0; j < model->D; j++)
    for (size_t b = 0; b < M; b++) {
      const double *w = model->W + j * M;
      double sum = 0;
      for (size_t a = b; L && a < M; a++) sum += w[a] * L[lat_packed_count(a) + b];
      s->B[j * (M + 1) + b] = L ? sum : w[b];
    }
}

void lat_factor_statistics(const lat_factor_view *model, double objective, double *statistics)
{
  size_t D = model->D, M = model->M;
  lat_factor_sums s = lat_factor_sums_of(D, M, false, statistics);
  memset(statistics, 0, lat_factor_statistics_count(D, M, false) * sizeof *statistics);
  statistics[0] = objective;
  statistics[1] = 1;
  put_loadings(model, &s);
  memset(s.A, 0, s.T * sizeof *s.A);
  for (size_t i = 0; i <= M; i++) s.A[lat_packed_count(i + 1) - 1] = 1;
  for (size_t j = 0; j < D; j++) {
    s.q[j] = model->noise_variances[model->shared ? 0 : j];
    for (size_t i = 0; i < M; i++) s.q[j] += s.B[j * (M + 1) + i] * s.B[j * (M + 1) + i];
  }
}

lat_status lat_factor_rotate(lat_workspace *work, const lat_factor_sums *s, const double *Q)
{
  size_t n = s->M + 1;
  LAT_SCOPE(work);
  double *rotation = lat_doubles(work, n * n), *A = lat_doubles(work, n * n);
  double *half = lat_doubles(work, n * n), *b = lat_doubles(work, s->D * n);
  if (!rotation || !A || !half || !b) return LAT_MEMORY;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      rotation[i * n + j] = i < s->M && j < s->M ? Q[i * s->M + j] : i == j ? 1 : 0;
  for (double *packed = s->A; packed <= s->all; packed += s->T) {
    for (size_t i = 0, at = 0; i < n; i++)
      for (size_t j = 0; j <= i; j++, at++) A[i * n + j] = A[j * n + i] = packed[at];
    lat_factor_multiply(false, false, n, n, n, rotation, A, 0, half);
    lat_factor_multiply(false, true, n, n, n, half, rotation, 0, A);
    for (size_t i = 0, at = 0; i < n; i++)
      for (size_t j = 0; j <= i; j++, at++) packed[at] = A[i * n + j];
  }
  memcpy(b, s->B, s->D * n * sizeof *b);
  lat_factor_multiply(false, true, s->D, n, n, b, rotation, 0, s->B);
  return LAT_OK;
}

/* ---- the E-step ------------------------------------------------------------------------------ */

/* A chunk's sums, about the mean; behind the memory of the walk. */
typedef struct adder {
  lat_factor_batch b;
  bool density;
  const double *weights;
  double *w;         /* rows: their weights */
  double *z1;        /* (M+1) x rows: weight times z~ */
  double *E;         /* packed(M+1) x groups: the sum of weight times E[z~ z~'] */
  double *A, *B, *q; /* as in lat_factor_sums, the A of all rows behind those of the columns; it
                      * is (M+1) x (M+1) when nothing is missing, and that of gaps.c by lists */
  double weight, objective;
} adder;

/* Of A, with missing entries: span by span where lists make it. */
static size_t count_sums(size_t D, size_t M)
{
  size_t T = lat_packed_count(M + 1), wide = LAT_FACTOR_WIDE;
  return (D + 1) * (M < LAT_FACTOR_LISTS ? T : (T + wide - 1) / wide * wide);
}

static size_t lay_out(adder *a, size_t D, size_t M, bool missing, size_t rows, double *memory)
{
  size_t stride = lat_factor_batch_stride(lat_factor_batch_rows(M, missing, rows));
  size_t T = lat_packed_count(M + 1), n = M + 1;
  const struct {
    double **to;
    size_t count;
  } parts[] = {{&a->w, stride},
               {&a->z1, n * stride},
               {&a->E, missing ? T * stride : 0},
               {&a->A, missing ? count_sums(D, M) : n * n},
               {&a->B, D * n},
               {&a->q, D}};
  size_t total = lat_factor_batch_count(D, M, missing, rows);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *parts[i].to = memory ? memory + total : NULL;
    total += parts[i].count;
  }
  return total;
}

size_t lat_factor_add_count(size_t D, size_t M, bool missing, size_t rows)
{
  adder a;
  return lay_out(&a, D, M, missing, rows, NULL);
}

LAT_CLONES static void multiply(size_t n, const double *restrict x, const double *restrict y,
                                double *restrict z)
{
  for (size_t i = 0; i < n; i++) z[i] = x[i] * y[i];
}

/* z := c w z + x y */
LAT_CLONES static void combine(size_t n, double c, const double *restrict w,
                               const double *restrict x, const double *restrict y,
                               double *restrict z)
{
  for (size_t i = 0; i < n; i++) z[i] = c * w[i] * z[i] + x[i] * y[i];
}

/* The sum of w x y, in eight sums side by side, which a compiler can make a vector; n is a multiple
 * of 8. */
LAT_CLONES static double sum_of(size_t n, const double *restrict w, const double *restrict x,
                                const double *restrict y)
{
  double sums[8] = {0};
  for (size_t i = 0; i < n; i += 8)
    for (size_t k = 0; k < 8; k++) sums[k] += w[i + k] * x[i + k] * y[i + k];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/* The sum of x, likewise. */
LAT_CLONES static double total(size_t n, const double *x)
{
  double sums[8] = {0};
  for (size_t i = 0; i < n; i += 8)
    for (size_t k = 0; k < 8; k++) sums[k] += x[i + k];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/* Weights, the objective, and z1. */
static void weigh(adder *a)
{
  const lat_factor_batch *b = &a->b;
  size_t n = lat_tile_columns(b->rows), M = b->model->M;
  const double *value = a->density ? b->density : b->square, *one = b->z + M * b->stride;
  for (size_t i = 0; i < n; i++)
    a->w[i] = i >= b->rows ? 0 : a->weights ? a->weights[lat_factor_batch_place(b, i)] : 1;
  for (size_t m = 0; m <= M; m++) multiply(n, a->w, b->z + m * b->stride, a->z1 + m * b->stride);
  a->weight += sum_of(n, a->w, one, one);
  a->objective += sum_of(n, a->w, value, one);
}

/* E of each group: its rows' weights times z~ z~', and V = noise inv(K) for z0 and 0 for the 1. */
static void expect(adder *a)
{
  const lat_factor_batch *b = &a->b;
  size_t M = b->model->M, stride = b->stride, padded = lat_tile_columns(b->groups);
  bool alone = b->groups == b->rows;
  double noise = a->density ? b->model->noise : 0;
  memset(a->E, 0, lat_packed_count(M + 1) * stride * sizeof *a->E);
  if (a->density) lat_factor_batch_inverse(b, a->E);
  for (size_t i = 0, t = 0; i <= M; i++)
    for (size_t j = 0; j <= i; j++, t++) {
      const double *x = a->z1 + i * stride, *y = b->z + j * stride, c = i < M ? noise : 0;
      double *E = a->E + t * stride;
      if (alone) combine(padded, c, a->w, x, y, E);
      for (size_t g = 0; !alone && g < b->groups; g++) {
        double sum = 0, weight = 0;
        for (size_t r = b->first[g]; r < b->first[g + 1]; r++) {
          sum += x[r] * y[r];
          weight += a->w[r];
        }
        E[g] = c * weight * E[g] + sum;
      }
      for (size_t g = b->groups; g < padded; g++) E[g] = 0;
    }
}

static void add_batch(adder *a)
{
  const lat_factor_batch *b = &a->b;
  size_t D = b->model->D, M = b->model->M, T = lat_packed_count(M + 1), stride = b->stride;
  size_t n = lat_tile_columns(b->rows);
  weigh(a);
  lat_tile_inner(D, M + 1, n, b->d, stride, a->z1, stride, true, a->B, M + 1);
  for (size_t j = 0; j < D; j++) a->q[j] += sum_of(n, a->w, b->d + j * stride, b->d + j * stride);
  if (b->mask) {
    size_t padded = lat_tile_columns(b->groups);
    expect(a);
    if (M >= LAT_FACTOR_LISTS) {
      lat_factor_gaps_add(D, M, padded, b->mask, a->E, stride, a->A, b->gaps);
      return;
    }
    lat_tile_inner(D, T, padded, b->mask, stride, a->E, stride, true, a->A, T);
    for (size_t t = 0; t < T; t++) a->A[D * T + t] += total(padded, a->E + t * stride);
  } else {
    lat_tile_inner(M + 1, M + 1, n, a->z1, stride, b->z, stride, true, a->A, M + 1);
  }
}

/* A of complete rows, packed, into the memory of the walk, which is over: all have the same V. */
static const double *pack(const adder *a)
{
  const lat_factor_precomputed *f = a->b.model;
  size_t M = f->M;
  double *A = a->b.copy, *inverse = A + lat_packed_count(M + 1);
  for (size_t i = 0, t = 0; i <= M; i++)
    for (size_t j = 0; j <= i; j++) A[t++] = a->A[i * (M + 1) + j];
  if (!a->density || M == 0) return A;
  lat_packed_inverse(M, f->factor, inverse, inverse + lat_packed_count(M));
  for (size_t t = 0; t < lat_packed_count(M); t++) A[t] += a->weight * f->noise * inverse[t];
  return A;
}

/* The last row of A of column j: what z~ is together with the 1. */
static const double *last_of(const adder *a, const double *A, size_t j, double *line)
{
  const lat_factor_precomputed *f = a->b.model;
  size_t M = f->M, T = lat_packed_count(M);
  if (!f->missing) return A + T;
  if (M < LAT_FACTOR_LISTS) return A + j * (T + M + 1) + T;
  for (size_t m = 0; m <= M; m++) line[m] = *lat_factor_gaps_at(f->D, A, j, T + m);
  return line;
}

/* From sums about the mean to ones about the shift. */
static void add_chunk(const adder *a, const double *shift, double *statistics)
{
  const lat_factor_precomputed *f = a->b.model;
  size_t D = f->D, M = f->M;
  lat_factor_sums s = lat_factor_sums_of(D, M, f->missing, statistics);
  const double *A = f->missing ? a->A : pack(a);
  statistics[0] += a->objective;
  statistics[1] += a->weight;
  if (f->missing && M >= LAT_FACTOR_LISTS)
    lat_factor_gaps_total(D, M, A, s.A);
  else
    for (size_t i = 0; i < (f->missing ? D + 1 : 1) * s.T; i++) s.A[i] += A[i];
  for (size_t j = 0; j < D; j++) {
    const double *last = last_of(a, A, j, a->z1); /* which isn't needed any more */
    const double *from = a->B + j * (M + 1), off = f->mean[j] - shift[j];
    for (size_t m = 0; m <= M; m++) s.B[j * (M + 1) + m] += from[m] + off * last[m];
    s.q[j] += a->q[j] + off * (2 * from[M] + off * last[M]);
  }
}

void lat_factor_add(const lat_factor_precomputed *model, const lat_matrix *X, const double *weights,
                    const double *shift, bool density, double *statistics, double *scratch)
{
  size_t D = model->D, M = model->M;
  adder a = {.density = density, .weights = weights};
  lay_out(&a, D, M, model->missing, X->rows, scratch);
  memset(a.A, 0, (model->missing ? count_sums(D, M) : (M + 1) * (M + 1)) * sizeof *a.A);
  memset(a.B, 0, D * (M + 1) * sizeof *a.B);
  memset(a.q, 0, D * sizeof *a.q);
  lat_factor_batch_begin(&a.b, model, X, scratch);
  while (lat_factor_batch_next(&a.b)) add_batch(&a);
  add_chunk(&a, shift, statistics);
}

size_t lat_factor_em_statistics(const lat_em *em)
{
  return lat_factor_statistics_count(em->sizes[LAT_D], em->sizes[LAT_M], em->options.missing);
}

size_t lat_factor_em_scratch(const lat_em *em, size_t rows)
{
  return lat_factor_add_count(em->sizes[LAT_D], em->sizes[LAT_M], em->options.missing, rows);
}

/* ---- the M-step ------------------------------------------------------------------------------ */

lat_status lat_factor_wholly_missing(lat_workspace *work, size_t column)
{
  return lat_fail(work, LAT_INVALID, "column %zu of X is wholly missing", column + 1);
}

/* Columns that are solved for, a chunk at a time: on the threads where each is some work. */
typedef struct solution {
  const lat_factor_sums *s;
  const double *shift;
  const lat_factor_view *to;
  double *rest, *weight;
  double *scratch; /* a worker's: T for the factor, M + 1 */
  size_t chunk;
} solution;

static void solve_columns(void *context, size_t chunk, size_t worker)
{
  const solution *p = context;
  const lat_factor_sums *s = p->s;
  size_t M = s->M, first = chunk * p->chunk, left = s->D - first;
  size_t end = first + (left < p->chunk ? left : p->chunk);
  double *L = p->scratch + worker * (s->T + M + 1), *w = L + s->T;
  for (size_t j = first; j < end; j++) {
    const double *A = s->A + (s->blocks > 1 ? j * s->T : 0), *b = s->B + j * (M + 1);
    if (j == 0 || s->blocks > 1) {
      memcpy(L, A, s->T * sizeof *L);
      lat_packed_cholesky(M + 1, L, NULL);
    }
    memcpy(w, b, (M + 1) * sizeof *w);
    lat_packed_solve(M + 1, L, w);
    memcpy(p->to->W + j * M, w, M * sizeof *w);
    p->to->mean[j] = p->shift[j] + w[M];
    p->weight[j] = A[s->T - 1];
    p->rest[j] = s->q[j];
    for (size_t i = 0; i <= M; i++) p->rest[j] -= w[i] * b[i];
  }
}

lat_status lat_factor_solve(lat_workspace *work, const lat_factor_sums *s, const double *shift,
                            const lat_factor_view *to, double *rest, double *weight)
{
  LAT_SCOPE(work);
  solution p = {.s = s, .shift = shift, .to = to, .rest = rest, .weight = weight};
  for (size_t j = 0; j < s->D; j++)
    if (!(s->A[(s->blocks > 1 ? j : 0) * s->T + s->T - 1] > 0))
      return lat_factor_wholly_missing(work, j);
  p.chunk = s->blocks > 1 && s->M >= LAT_FACTOR_LISTS ? 16 : s->D;
  p.scratch = lat_allocate(work, lat_workers(work), (s->T + s->M + 1) * sizeof(double));
  if (!p.scratch) return LAT_MEMORY;
  return lat_parallel(work, (s->D + p.chunk - 1) / p.chunk, solve_columns, &p);
}

lat_status lat_factor_expand(lat_workspace *work, const lat_factor_sums *s,
                             const lat_factor_view *to)
{
  size_t M = s->M, T = lat_packed_count(M);
  const double *z = s->all + T, n = z[M];
  LAT_SCOPE(work);
  double *L = lat_doubles(work, T);
  if (!L) return LAT_MEMORY;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t k = 0; k <= i; k++, at++) L[at] = s->all[at] / n - z[i] / n * (z[k] / n);
  bool proper = lat_packed_cholesky(M, L, NULL) == 0;
  for (size_t j = 0; proper && j < s->D; j++) {
    double *w = to->W + j * M;
    for (size_t i = 0; i < M; i++) to->mean[j] += w[i] * (z[i] / n);
    for (size_t k = 0; k < M; k++) { /* L is lower triangular: w[k] is read last here */
      double sum = 0;
      for (size_t i = k; i < M; i++) sum += w[i] * L[lat_packed_count(i) + k];
      w[k] = sum;
    }
  }
  return LAT_OK;
}
