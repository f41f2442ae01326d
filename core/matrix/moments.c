#include "matrix/moments.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "matrix/walk.h"

lat_status lat_check_weights(lat_workspace *work, const lat_matrix *weights)
{
  double total = 0;
  for (size_t i = 0; i < weights->rows; i++) {
    double w = lat_get(weights, i, 0);
    if (!(w >= 0) || isinf(w))
      return lat_fail(work, LAT_INVALID, "weight %zu is %g; weights are finite and >= 0", i + 1, w);
    total += w;
  }
  if (!(total > 0)) return lat_fail(work, LAT_INVALID, "all weights are 0");
  return LAT_OK;
}

/* ---- kernels ------------------------------------------------------------------ */

/* y += w x */
LAT_CLONES static void add_row(size_t n, double w, const double *restrict x, double *restrict y)
{
  for (size_t j = 0; j < n; j++) y[j] += w * x[j];
}

/* sums += the sum of four rows, which are `stride` apart */
LAT_CLONES static void add_rows(size_t n, const double *restrict x, ptrdiff_t stride,
                                double *restrict sums)
{
  const double *a = x, *b = a + stride, *c = b + stride, *d = c + stride;
  for (size_t j = 0; j < n; j++) sums[j] += (a[j] + b[j]) + (c[j] + d[j]);
}

/* y := w (x - mean)/deviation; y may be x */
LAT_CLONES static void centre_row(size_t n, const double *x, double w, const double *mean,
                                  const double *deviation, double *y)
{
  if (!mean) {
    for (size_t j = 0; j < n; j++) y[j] = w * x[j];
  } else if (w == 1) {
    for (size_t j = 0; j < n; j++) y[j] = x[j] - mean[j];
  } else {
    for (size_t j = 0; j < n; j++) y[j] = w * (x[j] - mean[j]);
  }
  if (!deviation) return;
  for (size_t j = 0; j < n; j++) y[j] /= deviation[j];
}

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

static bool rows_lie_flat(const lat_matrix *X)
{
  return X->dtype == LAT_FLOAT64 && (X->col_stride == 1 || X->cols == 1);
}

void lat_centre(const lat_matrix *X, const double *weights, const double *mean,
                const double *deviation, double *Y)
{
  lat_matrix from = *X, to = lat_matrix_of(Y, X->rows, X->cols);
  if (!rows_lie_flat(X)) {
    lat_copy(X, &to);
    from = to;
  }
  for (size_t i = 0; i < X->rows; i++)
    centre_row(X->cols, (const double *)from.data + (ptrdiff_t)i * from.row_stride,
               weights ? sqrt(weights[i]) : 1, mean, deviation, Y + i * X->cols);
}

/* sums := the weighted sum of the rows, whose elements lie side by side */
static void sum_rows(const lat_matrix *X, const double *weights, double *sums)
{
  const double *x = X->data;
  size_t i = 0;
  memset(sums, 0, X->cols * sizeof *sums);
  if (!weights)
    for (; i + 4 <= X->rows; i += 4)
      add_rows(X->cols, x + (ptrdiff_t)i * X->row_stride, X->row_stride, sums);
  for (; i < X->rows; i++)
    add_row(X->cols, weights ? weights[i] : 1, x + (ptrdiff_t)i * X->row_stride, sums);
}

static double total_of(const double *weights, size_t n)
{
  if (!weights) return (double)n;
  double total = 0;
  for (size_t i = 0; i < n; i++) total += weights[i];
  return total;
}

/* ---- the walk over chunks ---------------------------------------------------------------- */

/* What both kinds of moments have in common: rows in groups of whole chunks. */
typedef struct walk {
  const lat_matrix *X;
  const double *weights;
  size_t chunk;
  double *buffers; /* a worker's scratch */
  size_t buffer_count;
  bool missing;
  lat_ordered_sum sum;
} walk;

static lat_status walk_begin(lat_workspace *work, walk *w, size_t count, size_t extra_rows,
                             lat_sum_merge *merge)
{
  size_t D = w->X->cols;
  w->chunk = lat_chunk_rows(D);
  if (w->chunk > w->X->rows) w->chunk = w->X->rows;
  w->buffer_count = (w->chunk + extra_rows + 1) * D;
  w->buffers = lat_allocate(work, lat_workers(work), w->buffer_count * sizeof(double));
  if (!w->buffers) return LAT_MEMORY;
  return lat_sum_init(&w->sum, work, D, count, w->X->rows, merge);
}

/* The rows of a group that begin at `first` and at `offset` of the group, up to a chunk's border. */
static lat_matrix chunk_of(const walk *w, size_t first, size_t rows, size_t offset)
{
  size_t n = w->chunk - offset % w->chunk;
  return lat_block_of(*w->X, first, 0, n < rows ? n : rows, w->X->cols);
}

/* ---- full scatter ------------------------------------------------------------------ */

size_t lat_moments_count(size_t dimensions)
{
  return 1 + dimensions + dimensions * dimensions;
}

lat_moments lat_moments_of(double *memory, size_t dimensions)
{
  return (lat_moments){dimensions, memory, memory + 1, memory + 1 + dimensions};
}

enum { PENDING = 32 }; /* rank-one terms that wait for a product together */

/* A group at work: its moments, and in the worker's buffer the centred rows of a chunk (with room
 * for one more), the chunk's sums, and the terms to subtract from the scatter. */
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
 * those, in the one pass that also gives the offset d of their own mean: S += YY' - n^2/(n+n') dd'.
 * What is subtracted is at most half of what is there, so it costs one bit. */
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
  if (l->pending == PENDING) flush(l);
}

/* Any rows are centred about their own mean, in a second pass; the term of the two means goes into
 * the same product as a row of its own. */
static void add_about_own_mean(group *l, const lat_matrix *X, const double *weights, double n)
{
  lat_moments *m = &l->m;
  size_t D = m->dimensions;
  double total = *m->weight + n, share = n / total, root = sqrt(*m->weight * share);
  sum_rows(X, weights, l->sums);
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
  const walk *w = context;
  size_t D = w->X->cols;
  group l = {.m = lat_moments_of(sum, D), .Y = w->buffers + worker * w->buffer_count};
  l.sums = l.Y + (w->chunk + 1) * D;
  l.terms = l.sums + D;
  while (rows > 0) {
    lat_matrix X = chunk_of(w, first, rows, offset), flat = X;
    const double *weights = w->weights ? w->weights + first : NULL;
    double n = total_of(weights, X.rows);
    first += X.rows, offset += X.rows, rows -= X.rows;
    if (n == 0) continue;
    if (!rows_lie_flat(&X)) {
      flat = lat_matrix_of(l.Y, X.rows, D);
      lat_copy(&X, &flat);
    }
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

/* Sums of finite numbers are finite unless they overflow: the test of all entries costs only a
 * look at the means. */
static lat_status check_means(lat_workspace *work, const double *means, size_t D,
                              const lat_matrix *X, bool missing)
{
  for (size_t j = 0; j < D; j++) {
    if (isfinite(means[j])) continue;
    LAT_TRY(lat_check_finite(work, "X", X, missing));
    return lat_fail(work, LAT_INVALID, "the sums of column %zu of X overflow", j + 1);
  }
  return LAT_OK;
}

static lat_status check_size(lat_workspace *work, size_t dimensions, const lat_matrix *X)
{
  if (X->cols == dimensions) return LAT_OK;
  return lat_fail(work, LAT_SHAPE, "X has %zu columns, the moments are of %zu", X->cols,
                  dimensions);
}

static void merge_sums(size_t D, double *into, const double *from)
{
  lat_moments to = lat_moments_of(into, D), other = lat_moments_of((double *)from, D);
  merge(&to, &other);
}

/* Groups have several chunks, of which all but the first are centred in one pass. */
enum { CHUNKS = 4 };

lat_status lat_moments_add(lat_workspace *work, lat_moments *moments, const lat_matrix *X,
                           const double *weights)
{
  size_t D = moments->dimensions, count = lat_moments_count(D);
  LAT_TRY(check_size(work, D, X));
  LAT_SCOPE(work);
  walk w = {.X = X, .weights = weights};
  LAT_TRY(walk_begin(work, &w, count, 1 + PENDING, merge_sums));
  double *total = lat_doubles(work, count);
  if (!total) return LAT_MEMORY;
  while (w.sum.group < CHUNKS * lat_chunk_rows(D)) w.sum.group *= 2;
  LAT_TRY(lat_sum_add(&w.sum, work, X->rows, add_scatter, &w));
  lat_sum_total(&w.sum, total);
  LAT_TRY(check_means(work, total + 1, D, X, false));
  merge_sums(D, moments->weight, total);
  return LAT_OK;
}

void lat_moments_covariance(const lat_moments *moments, double *covariance)
{
  size_t D = moments->dimensions;
  for (size_t i = 0; i < D; i++)
    for (size_t j = i; j < D; j++)
      covariance[i * D + j] = covariance[j * D + i] =
          moments->scatter[i * D + j] / *moments->weight;
}

/* ---- by columns ---------------------------------------------------------------------- */

size_t lat_column_moments_count(size_t dimensions)
{
  return 3 * dimensions;
}

lat_column_moments lat_column_moments_of(double *memory, size_t dimensions)
{
  return (lat_column_moments){dimensions, memory, memory + dimensions, memory + 2 * dimensions};
}

/* n += w, sums += w x, of the entries that are there */
LAT_CLONES static void count_row(size_t D, double w, const double *restrict x, double *restrict n,
                                 double *restrict sums)
{
  for (size_t j = 0; j < D; j++) {
    double there = x[j] == x[j] ? w : 0;
    n[j] += there;
    sums[j] += there > 0 ? w * x[j] : 0;
  }
}

/* squares += w (x - mean)^2 */
LAT_CLONES static void square_row(size_t D, double w, const double *restrict x,
                                  const double *restrict mean, double *restrict squares)
{
  for (size_t j = 0; j < D; j++) {
    double d = x[j] == x[j] ? x[j] - mean[j] : 0;
    squares[j] += w * (d * d);
  }
}

/* into += from, column by column */
static void merge_columns(lat_column_moments *into, const lat_column_moments *from)
{
  for (size_t j = 0; j < into->dimensions; j++) {
    double n = into->weight[j], k = from->weight[j];
    if (k == 0) continue;
    double d = from->mean[j] - into->mean[j], share = k / (n + k);
    into->scatter[j] += from->scatter[j] + n * share * d * d;
    into->mean[j] += share * d;
    into->weight[j] = n + k;
  }
}

static void merge_column_sums(size_t D, double *into, const double *from)
{
  lat_column_moments to = lat_column_moments_of(into, D);
  lat_column_moments other = lat_column_moments_of((double *)from, D);
  merge_columns(&to, &other);
}

static void add_columns(void *context, size_t first, size_t rows, size_t offset, double *sum,
                        size_t worker)
{
  const walk *w = context;
  size_t D = w->X->cols;
  lat_column_moments m = lat_column_moments_of(sum, D);
  double *Y = w->buffers + worker * w->buffer_count;
  lat_column_moments part = lat_column_moments_of(Y + w->chunk * D, D);
  while (rows > 0) {
    lat_matrix X = chunk_of(w, first, rows, offset), flat = X;
    const double *weights = w->weights ? w->weights + first : NULL;
    first += X.rows, offset += X.rows, rows -= X.rows;
    if (!rows_lie_flat(&X)) {
      flat = lat_matrix_of(Y, X.rows, D);
      lat_copy(&X, &flat);
    }
    memset(part.weight, 0, 3 * D * sizeof(double));
    const double *x = flat.data;
    if (w->missing) {
      for (size_t i = 0; i < X.rows; i++)
        count_row(D, weights ? weights[i] : 1, x + (ptrdiff_t)i * flat.row_stride, part.weight,
                  part.mean);
    } else {
      sum_rows(&flat, weights, part.mean);
      double n = total_of(weights, X.rows);
      for (size_t j = 0; j < D; j++) part.weight[j] = n;
    }
    for (size_t j = 0; j < D; j++)
      if (part.weight[j] > 0) part.mean[j] /= part.weight[j];
    for (size_t i = 0; i < X.rows; i++)
      square_row(D, weights ? weights[i] : 1, x + (ptrdiff_t)i * flat.row_stride, part.mean,
                 part.scatter);
    merge_columns(&m, &part);
  }
}

lat_status lat_column_moments_add(lat_workspace *work, lat_column_moments *moments,
                                  const lat_matrix *X, const double *weights, bool missing)
{
  size_t D = moments->dimensions, count = lat_column_moments_count(D);
  LAT_TRY(check_size(work, D, X));
  LAT_SCOPE(work);
  walk w = {.X = X, .weights = weights, .missing = missing};
  /* the three rows after a chunk hold its own moments */
  LAT_TRY(walk_begin(work, &w, count, 2, merge_column_sums));
  double *total = lat_doubles(work, count);
  if (!total) return LAT_MEMORY;
  LAT_TRY(lat_sum_add(&w.sum, work, X->rows, add_columns, &w));
  lat_sum_total(&w.sum, total);
  LAT_TRY(check_means(work, total + D, D, X, missing));
  merge_column_sums(D, moments->weight, total);
  return LAT_OK;
}
