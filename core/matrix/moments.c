/* moments.c: mean and scatter of rows by groups of chunks (moments.h).
 *
 * A chunk is centred and its products are added to the upper triangle of the D x D scatter
 * (linear/scatter.h): about its own mean, with the term n n'/(n+n') d d' of the merge as one more
 * row, or, when it weighs no more than the rows before it, about their mean in a single pass, with
 * n'^2/(n+n') d d' subtracted. */
#include "matrix/moments.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "matrix/limits.h"
#include "matrix/linear/scatter.h"
#include "matrix/moments_walk.h"
#include "matrix/scales.h"

/* Numbers of a node of a sum over rows: of moments but for their number. */
static size_t node_count(size_t D)
{
  return 1 + D + D * D + D;
}

size_t lat_moments_count(size_t dimensions)
{
  return node_count(dimensions) + 1;
}

lat_moments lat_moments_of(double *memory, size_t dimensions)
{
  double *scatter = memory + 1 + dimensions, *exponent = scatter + dimensions * dimensions;
  return (lat_moments){dimensions, memory, memory + 1, scatter, exponent, exponent + dimensions};
}

/* A group of rows that is being added: its moments, and in the worker's buffer the centred rows of
 * a chunk (and space for one more), the chunk's sums, the terms to subtract from the scatter, and
 * what lat_scatter_add needs. */
typedef struct group {
  lat_moments m;
  double *Y, *sums, *terms, *products, *scratch;
  size_t pending;
} group;

static size_t products_count(size_t D)
{
  return D * lat_scatter_pitch(D);
}

/* Numbers of a group behind Y's. */
static size_t group_count(size_t D)
{
  return (1 + LAT_MOMENTS_PENDING) * D + products_count(D) + lat_scatter_scratch(D);
}

/* scatter -= the terms' products */
static void subtract_terms(group *l)
{
  blasint D = (blasint)l->m.dimensions;
  if (l->pending)
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, D, (blasint)l->pending, -1, l->terms, D, 1,
                l->m.scatter, D);
  l->pending = 0;
}

/* scatter += the products of the rows */
static void add_products(group *l)
{
  size_t D = l->m.dimensions, pitch = lat_scatter_pitch(D);
  for (size_t i = 0; i < D; i++)
    for (size_t j = i; j < D; j++) l->m.scatter[i * D + j] += l->products[i * pitch + j];
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
  lat_scatter_add(X->rows, D, X->data, X->row_stride, m->mean, l->sums, l->scratch, l->products);
  double *term = l->terms + l->pending++ * D;
  for (size_t j = 0; j < D; j++) {
    term[j] = l->sums[j] / sqrt(total);
    m->mean[j] += l->sums[j] / total;
  }
  *m->weight = total;
  if (l->pending == LAT_MOMENTS_PENDING) subtract_terms(l);
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
  lat_scatter_add(root > 0 ? X->rows + 1 : X->rows, D, l->Y, (ptrdiff_t)D, NULL, NULL, l->scratch,
                  l->products);
  *m->weight = total;
}

static void add_scatter(const lat_moments_walk *w, size_t first, size_t rows, size_t offset,
                        const double *exponents, double *node, size_t worker)
{
  size_t D = w->X->cols, chunk = w->X->rows < w->chunk ? w->X->rows : w->chunk;
  group l = {.m = lat_moments_of(node, D), .Y = w->buffers + worker * w->buffer_count};
  l.sums = l.Y + (chunk + 1) * D;
  l.terms = l.sums + D;
  l.products = l.terms + LAT_MOMENTS_PENDING * D;
  l.scratch = l.products + products_count(D);
  memset(l.products, 0, products_count(D) * sizeof *l.products);
  while (rows > 0 && !lat_halted(w->halt, worker)) {
    lat_matrix X = lat_moments_chunk(w, first, rows, offset);
    const double *weights = w->weights ? w->weights + first : NULL;
    double n = lat_total_weight(weights, X.rows);
    first += X.rows, offset += X.rows, rows -= X.rows;
    if (n == 0) continue;
    lat_matrix flat = lat_moments_packed(&X, exponents, l.Y);
    if (!weights && *l.m.weight >= n)
      add_about_mean(&l, &flat, n);
    else
      add_about_own_mean(&l, &flat, weights, n);
  }
  add_products(&l);
  subtract_terms(&l);
}

/* ---- merging --------------------------------------------------------------------------------- */

/* into += from, where all exponents are 0. */
static void merge_plain(lat_moments *into, const lat_moments *from)
{
  size_t D = into->dimensions;
  double n = *into->weight, k = *from->weight, share = k / (n + k), factor = n * share;
  for (size_t i = 0; i < D; i++) {
    double *row = into->scatter + i * D, di = factor * (from->mean[i] - into->mean[i]);
    const double *other = from->scatter + i * D;
    for (size_t j = i; j < D; j++) row[j] += other[j] + di * (from->mean[j] - into->mean[j]);
  }
  for (size_t j = 0; j < D; j++) into->mean[j] += share * (from->mean[j] - into->mean[j]);
}

static double unit_of(const lat_moments *into, const lat_moments *from, size_t j)
{
  size_t diagonal = j * (into->dimensions + 1);
  return lat_common_exponent(*into->weight, into->mean[j], into->scatter[diagonal],
                             into->exponent[j], *from->weight, from->mean[j],
                             from->scatter[diagonal], from->exponent[j]);
}

/* The difference of the means of column j, in units of 2^e. */
static double difference(const lat_moments *into, const lat_moments *from, size_t j, double e)
{
  return lat_times_power(from->mean[j], -e) - lat_times_power(into->mean[j], -e);
}

/* The same in units that both can be brought to. A unit hangs on the diagonal and the mean of its
 * own column only: rows come after their diagonal's last use, exponents and means at the end. */
static void merge_scaled(lat_moments *into, const lat_moments *from)
{
  size_t D = into->dimensions;
  double n = *into->weight, k = *from->weight, share = k / (n + k), factor = n * share;
  for (size_t j = D; j-- > 0;) {
    double ej = unit_of(into, from, j), dj = difference(into, from, j, ej);
    for (size_t i = 0; i <= j; i++) {
      double ei = i < j ? unit_of(into, from, i) : ej;
      double di = factor * difference(into, from, i, ei), *s = into->scatter + i * D + j;
      double here = into->exponent[i] + into->exponent[j] - ei - ej;
      double there = from->exponent[i] + from->exponent[j] - ei - ej;
      *s = lat_times_power(*s, here) + (lat_times_power(from->scatter[i * D + j], there) + di * dj);
    }
    /* the column's own mean and unit are needed no more: those to its left have i < j */
    into->mean[j] = lat_times_power(lat_times_power(into->mean[j], -ej) + share * dj, ej);
    into->exponent[j] = ej;
  }
}

static void merge(size_t D, double *into, const double *from)
{
  lat_moments to = lat_moments_of(into, D), other = lat_moments_of((double *)from, D);
  bool plain = true;
  if (*other.weight == 0) return;
  for (size_t j = 0; j < D; j++) plain = plain && to.exponent[j] == 0 && other.exponent[j] == 0;
  if (plain)
    merge_plain(&to, &other);
  else
    merge_scaled(&to, &other);
  *to.weight += *other.weight;
}

/* ---- sums ------------------------------------------------------------------------------------ */

static const lat_moments_kind kind = {
    .add = add_scatter, .merge = merge, .count = node_count, .full = true};

lat_status lat_moments_begin(lat_workspace *work, lat_moments_sum *sum, size_t D, size_t rows)
{
  *sum = (lat_moments_sum){.dimensions = D};
  return lat_moments_open(work, &sum->sum, &kind, D, rows);
}

lat_status lat_moments_include(lat_workspace *work, lat_moments_sum *sum, const lat_matrix *X,
                               const double *weights)
{
  sum->rows += (double)X->rows;
  return lat_moments_walk_add(work, &sum->sum, &kind, X, weights, false,
                              sum->dimensions + group_count(sum->dimensions));
}

lat_status lat_moments_place(lat_workspace *work, lat_moments_sum *sum, const lat_share *share)
{
  sum->share = share;
  return lat_share_place(share, work, &sum->sum);
}

static double rows_of(const lat_moments_sum *sum)
{
  return sum->share ? (double)sum->share->all : sum->rows;
}

lat_status lat_moments_join(lat_workspace *work, const lat_moments_sum *sum, lat_moments *moments)
{
  LAT_SCOPE(work);
  double *total = lat_doubles(work, node_count(sum->dimensions));
  if (!total) return LAT_MEMORY;
  LAT_TRY(lat_share_total(sum->share, work, &sum->sum, total));
  merge(sum->dimensions, moments->weight, total);
  if (moments->rows) *moments->rows += rows_of(sum);
  return LAT_OK;
}

lat_status lat_moments_total(lat_workspace *work, const lat_moments_sum *sum, lat_moments *moments)
{
  size_t count = lat_moments_count(sum->dimensions);
  double *memory = lat_doubles(work, count);
  if (!memory) return LAT_MEMORY;
  *moments = lat_moments_of(memory, sum->dimensions);
  LAT_TRY(lat_share_total(sum->share, work, &sum->sum, memory));
  *moments->rows = rows_of(sum);
  return LAT_OK;
}

lat_status lat_moments_add(lat_workspace *work, lat_moments *moments, const lat_matrix *X,
                           const double *weights)
{
  lat_moments_sum sum;
  LAT_SCOPE(work);
  LAT_TRY(lat_moments_begin(work, &sum, moments->dimensions, X->rows));
  LAT_TRY(lat_moments_include(work, &sum, X, weights));
  LAT_TRY(lat_moments_join(work, &sum, moments));
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

/* ---- of a matrix ----------------------------------------------------------------------------- */

/* Keeps the moments of A's rows. */
static lat_status moments_of_rows(lat_workspace *work, const lat_matrix *A, lat_moments *moments)
{
  lat_moments_sum sum;
  LAT_TRY(lat_check_finite(work, "A", A, false));
  LAT_TRY(lat_moments_begin(work, &sum, A->cols, A->rows));
  LAT_TRY(lat_moments_include(work, &sum, A, NULL));
  return lat_moments_total(work, &sum, moments);
}

lat_status lat_row_covariance(lat_workspace *work, const lat_matrix *A, double correction,
                              const lat_matrix *C)
{
  LAT_SCOPE(work);
  lat_moments moments;
  const size_t D = A->cols;
  const double N = (double)A->rows;
  if (!(correction >= 0 && correction < N))
    return lat_fail(
        work, LAT_INVALID,
        "correction must be below the number of rows, %zu, from which it is taken, got %g", A->rows,
        correction);
  double *covariance = lat_doubles(work, D * D);
  if (!covariance) return LAT_MEMORY;
  LAT_TRY(moments_of_rows(work, A, &moments));
  lat_moments_covariance(&moments, covariance);
  for (size_t k = 0; k < D * D; k++)
    lat_set(C, k / D, k % D, covariance[k] * (N / (N - correction)));
  return LAT_OK;
}

lat_status lat_row_correlation(lat_workspace *work, const lat_matrix *A, const lat_matrix *C)
{
  LAT_SCOPE(work);
  lat_moments moments;
  const size_t D = A->cols;
  double *deviations = lat_doubles(work, D), *correlation = lat_doubles(work, D * D);
  if (!deviations || !correlation) return LAT_MEMORY;
  LAT_TRY(moments_of_rows(work, A, &moments));
  for (size_t j = 0; j < D; j++) {
    double deviation = lat_moments_deviation(&moments, j);
    deviations[j] = deviation > LAT_CONSTANT * fabs(moments.mean[j]) ? deviation : NAN;
  }
  lat_moments_divided(&moments, deviations, correlation);
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < D; j++) {
      double r = correlation[i * D + j];
      if (isnan(deviations[i]) || isnan(deviations[j]))
        r = NAN;
      else
        r = i == j ? 1 : fmax(-1, fmin(1, r));
      lat_set(C, i, j, r);
    }
  return LAT_OK;
}
