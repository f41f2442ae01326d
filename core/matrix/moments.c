/* moments.c: mean and scatter of rows by groups of chunks (moments.h).
 *
 * A chunk is centred and its products are added to the upper triangle of the D x D scatter by
 * dsyrk: about its own mean, with the term n n'/(n+n') d d' of the merge as one more row, or, when
 * it weighs no more than the rows before it, about their mean in a single pass, with n'^2/(n+n') d
 * d' subtracted. */
#include "matrix/moments.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "matrix/limits.h"
#include "matrix/moments_walk.h"
#include "matrix/scales.h"

/* Y := X - 1 centre', and sums += the sum of the rows of Y; Y (packed) may be X */
LAT_CLONES static void centre_and_sum(size_t rows, size_t D, const double *x, ptrdiff_t stride,
                                      const double *restrict centre, double *y,
                                      double *restrict sums)
{
  for (size_t i = 0; i < rows; i++, x += stride, y += D) {
    LAT_INDEPENDENT
    for (size_t j = 0; j < D; j++) {
      y[j] = x[j] - centre[j];
      sums[j] += y[j];
    }
  }
}

/* Numbers of a sum over rows: of moments without exponents. */
static size_t sum_count(size_t D)
{
  return 1 + D + D * D;
}

size_t lat_moments_count(size_t dimensions)
{
  return sum_count(dimensions) + dimensions + 1;
}

lat_moments lat_moments_of(double *memory, size_t dimensions)
{
  double *scatter = memory + 1 + dimensions, *exponent = scatter + dimensions * dimensions;
  return (lat_moments){dimensions, memory, memory + 1, scatter, exponent, exponent + dimensions};
}

/* A group of rows that is being added: its moments, and in the worker's buffer the centred rows of
 * a chunk (and space for one more), the chunk's sums, and the terms to subtract from the
 * scatter. */
typedef struct group {
  lat_moments m;
  double *Y, *sums, *terms;
  size_t pending;
} group;

/* scatter += sign YY' */
static void add_products(lat_moments *m, double sign, const double *Y, size_t rows)
{
  blasint D = (blasint)m->dimensions;
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, D, (blasint)rows, sign, Y, D, 1, m->scatter,
              D);
}

static void flush(group *l)
{
  if (l->pending) add_products(&l->m, -1, l->terms, l->pending);
  l->pending = 0;
}

/* Rows of weight n, which weigh no more than those before them, are centred about the mean of
 * those, in the one pass that also computes the offset d of their own mean: S += YY' - n^2/(n+n')
 * dd'. What is subtracted is at most half of what is there, so it costs one bit. */
static void add_about_mean(group *l, const lat_matrix *X, double n)
{
  lat_moments *m = &l->m;
  size_t D = m->dimensions;
  double total = *m->weight + n;
  memset(l->sums, 0, D * sizeof(double));
  centre_and_sum(X->rows, D, X->data, X->row_stride, m->mean, l->Y, l->sums);
  add_products(m, 1, l->Y, X->rows);
  double *term = l->terms + l->pending++ * D;
  for (size_t j = 0; j < D; j++) {
    term[j] = l->sums[j] / sqrt(total);
    m->mean[j] += l->sums[j] / total;
  }
  *m->weight = total;
  if (l->pending == LAT_MOMENTS_PENDING) flush(l);
}

/* Any rows are centred about their own mean, in a second pass; the term of the two means goes into
 * the same product as a row of its own. */
static void add_about_own_mean(group *l, const lat_matrix *X, const double *weights, double n)
{
  lat_moments *m = &l->m;
  size_t D = m->dimensions;
  double total = *m->weight + n, share = n / total, root = sqrt(*m->weight * share);
  lat_add_up_rows(X, weights, l->sums);
  for (size_t j = 0; j < D; j++) l->sums[j] /= n;
  lat_centre(X, weights, l->sums, NULL, l->Y);
  double *last = l->Y + X->rows * D;
  for (size_t j = 0; j < D; j++) {
    double d = l->sums[j] - m->mean[j];
    last[j] = root * d;
    m->mean[j] += share * d;
  }
  add_products(m, 1, l->Y, root > 0 ? X->rows + 1 : X->rows);
  *m->weight = total;
}

static void add_scatter(void *context, size_t first, size_t rows, size_t offset, double *sum,
                        size_t worker)
{
  const lat_moments_walk *w = context;
  size_t D = w->X->cols;
  group l = {.m = lat_moments_of(sum, D), .Y = w->buffers + worker * w->buffer_count};
  l.sums = l.Y + (w->chunk + 1) * D;
  l.terms = l.sums + D;
  while (rows > 0 && !lat_halted(w->halt, worker)) {
    lat_matrix X = lat_moments_chunk(w, first, rows, offset);
    const double *weights = w->weights ? w->weights + first : NULL;
    double n = lat_total_weight(weights, X.rows);
    first += X.rows, offset += X.rows, rows -= X.rows;
    if (n == 0) continue;
    lat_matrix flat = lat_moments_packed(w, &X, l.Y);
    if (!weights && *l.m.weight >= n)
      add_about_mean(&l, &flat, n);
    else
      add_about_own_mean(&l, &flat, weights, n);
  }
  flush(&l);
}

/* into += from */
static void merge(lat_moments *into, const lat_moments *from)
{
  size_t D = into->dimensions;
  double n = *into->weight, k = *from->weight;
  if (k == 0) return;
  double share = k / (n + k), factor = n * share;
  for (size_t i = 0; i < D; i++) {
    double *row = into->scatter + i * D, di = factor * (from->mean[i] - into->mean[i]);
    const double *other = from->scatter + i * D;
    for (size_t j = i; j < D; j++) row[j] += other[j] + di * (from->mean[j] - into->mean[j]);
  }
  for (size_t j = 0; j < D; j++) into->mean[j] += share * (from->mean[j] - into->mean[j]);
  *into->weight = n + k;
}

static void merge_sums(size_t D, double *into, const double *from)
{
  lat_moments to = lat_moments_of(into, D), other = lat_moments_of((double *)from, D);
  merge(&to, &other);
}

/* Brings column j of the moments from one unit to another; its mean, which is in units of 2^own,
 * too. */
static void change_unit(lat_moments *m, size_t j, double from, double to, double own)
{
  size_t D = m->dimensions;
  for (size_t i = 0; i <= j && from != to; i++) {
    double *s = m->scatter + i * D + j;
    *s = lat_times_power(*s, (i == j ? 2 : 1) * (from - to));
  }
  for (size_t i = j + 1; i < D && from != to; i++) {
    double *s = m->scatter + j * D + i;
    *s = lat_times_power(*s, from - to);
  }
  m->mean[j] = lat_times_power(m->mean[j], own - to);
}

/* into += from, whose means are in units of 2^exponents already, and which is overwritten. */
static void join(lat_moments *into, lat_moments *from, const double *exponents)
{
  size_t D = into->dimensions;
  for (size_t j = 0; j < D; j++) {
    double here = into->exponent[j], there = exponents ? exponents[j] : 0;
    double e = lat_common_exponent(*into->weight, into->mean[j], into->scatter[j * (D + 1)], here,
                                   *from->weight, from->mean[j], from->scatter[j * (D + 1)], there);
    change_unit(into, j, here, e, 0);
    change_unit(from, j, there, e, there);
    into->exponent[j] = e;
  }
  merge(into, from);
  for (size_t j = 0; j < D; j++) into->mean[j] = lat_times_power(into->mean[j], into->exponent[j]);
}

static lat_status sum_up(lat_workspace *work, lat_moments_walk *w, double *total)
{
  size_t D = w->X->cols;
  LAT_SCOPE(work);
  LAT_TRY(lat_moments_walk_begin(work, w, sum_count(D), 1 + LAT_MOMENTS_PENDING, merge_sums));
  while (w->sum.group < LAT_MOMENTS_CHUNKS * lat_chunk_rows(D)) w->sum.group *= 2;
  lat_halt halt = {work, 0, LAT_OK};
  w->halt = &halt;
  LAT_TRY(lat_sum_add(&w->sum, work, w->X->rows, add_scatter, w));
  LAT_TRY(halt.status);
  lat_sum_total(&w->sum, total);
  return LAT_OK;
}

lat_status lat_moments_add(lat_workspace *work, lat_moments *moments, const lat_matrix *X,
                           const double *weights)
{
  size_t D = moments->dimensions;
  LAT_TRY(lat_moments_check_size(work, D, X));
  LAT_SCOPE(work);
  lat_moments_walk w = {.X = X, .weights = weights};
  double *total = lat_doubles(work, sum_count(D)), *exponents = lat_doubles(work, D);
  bool again;
  if (!total || !exponents) return LAT_MEMORY;
  lat_moments from = lat_moments_of(total, D);
  LAT_TRY(sum_up(work, &w, total));
  LAT_TRY(lat_moments_check_sums(work, &w, from.mean, from.scatter, D + 1, exponents, &again));
  if (again) {
    w.exponents = exponents;
    LAT_TRY(sum_up(work, &w, total));
    LAT_TRY(lat_moments_check_weight(work, *from.weight));
  }
  join(moments, &from, w.exponents);
  if (moments->rows) *moments->rows += (double)X->rows;
  return LAT_OK;
}

void lat_moments_covariance(const lat_moments *moments, double *covariance)
{
  size_t D = moments->dimensions;
  const double *e = moments->exponent;
  for (size_t i = 0; i < D; i++)
    for (size_t j = i; j < D; j++)
      covariance[i * D + j] = covariance[j * D + i] =
          lat_times_power(moments->scatter[i * D + j] / *moments->weight, e[i] + e[j]);
}

double lat_moments_deviation(const lat_moments *moments, size_t j)
{
  double variance = moments->scatter[j * (moments->dimensions + 1)] / *moments->weight;
  return lat_times_power(sqrt(variance), moments->exponent[j]);
}

void lat_moments_divided(const lat_moments *moments, const double *divisor, double *covariance)
{
  size_t D = moments->dimensions;
  const double *e = moments->exponent;
  for (size_t i = 0; i < D; i++) {
    bool flat =
        e[i] != 0 && !(lat_moments_deviation(moments, i) > LAT_CONSTANT * fabs(moments->mean[i]));
    for (size_t j = 0; j < D; j++) {
      double s = moments->scatter[i < j ? i * D + j : j * D + i] / *moments->weight;
      bool none = flat || (e[j] != 0 && !(lat_moments_deviation(moments, j) >
                                          LAT_CONSTANT * fabs(moments->mean[j])));
      double product = lat_times_power(divisor[i], -e[i]) * lat_times_power(divisor[j], -e[j]);
      covariance[i * D + j] = none ? 0 : s / product;
    }
  }
}
