/* column_moments.c: moments of each column by itself (moments.h), with entries that may be missing.
 *
 * A chunk's means are computed first, and its squares about them in a second pass; chunks are
 * merged by the update of Chan, Golub and LeVeque, column by column. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "matrix/moments.h"
#include "matrix/moments_walk.h"
#include "matrix/scales.h"

size_t lat_column_moments_count(size_t dimensions)
{
  return 4 * dimensions;
}

lat_column_moments lat_column_moments_of(double *memory, size_t D)
{
  return (lat_column_moments){D, memory, memory + D, memory + 2 * D, memory + 3 * D};
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
  const lat_moments_walk *w = context;
  size_t D = w->X->cols;
  lat_column_moments m = lat_column_moments_of(sum, D);
  double *Y = w->buffers + worker * w->buffer_count;
  lat_column_moments part = lat_column_moments_of(Y + w->chunk * D, D);
  while (rows > 0) {
    lat_matrix X = lat_moments_chunk(w, first, rows, offset), flat = lat_moments_packed(w, &X, Y);
    const double *weights = w->weights ? w->weights + first : NULL;
    first += X.rows, offset += X.rows, rows -= X.rows;
    memset(part.weight, 0, 3 * D * sizeof(double));
    const double *x = flat.data;
    if (w->missing) {
      for (size_t i = 0; i < X.rows; i++)
        count_row(D, weights ? weights[i] : 1, x + (ptrdiff_t)i * flat.row_stride, part.weight,
                  part.mean);
    } else {
      lat_add_up_rows(&flat, weights, part.mean);
      double n = lat_total_weight(weights, X.rows);
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

static lat_status sum_up_columns(lat_workspace *work, lat_moments_walk *w, double *total)
{
  LAT_SCOPE(work);
  /* the three rows after a chunk hold its own moments */
  LAT_TRY(lat_moments_walk_begin(work, w, 3 * w->X->cols, 2, merge_column_sums));
  LAT_TRY(lat_sum_add(&w->sum, work, w->X->rows, add_columns, w));
  lat_sum_total(&w->sum, total);
  return LAT_OK;
}

static void join_columns(lat_column_moments *into, lat_column_moments *from,
                         const double *exponents)
{
  for (size_t j = 0; j < into->dimensions; j++) {
    double here = into->exponent[j], there = exponents ? exponents[j] : 0;
    double e = lat_common_exponent(into->weight[j], into->mean[j], into->scatter[j], here,
                                   from->weight[j], from->mean[j], from->scatter[j], there);
    into->scatter[j] = lat_times_power(into->scatter[j], 2 * (here - e));
    into->mean[j] = lat_times_power(into->mean[j], -e);
    from->scatter[j] = lat_times_power(from->scatter[j], 2 * (there - e));
    from->mean[j] = lat_times_power(from->mean[j], there - e);
    into->exponent[j] = e;
  }
  merge_columns(into, from);
  for (size_t j = 0; j < into->dimensions; j++)
    into->mean[j] = lat_times_power(into->mean[j], into->exponent[j]);
}

lat_status lat_column_moments_add(lat_workspace *work, lat_column_moments *moments,
                                  const lat_matrix *X, const double *weights, bool missing)
{
  size_t D = moments->dimensions;
  LAT_TRY(lat_moments_check_size(work, D, X));
  LAT_SCOPE(work);
  lat_moments_walk w = {.X = X, .weights = weights, .missing = missing};
  double *total = lat_doubles(work, 3 * D), *exponents = lat_doubles(work, D);
  bool again;
  if (!total || !exponents) return LAT_MEMORY;
  lat_column_moments from = lat_column_moments_of(total, D);
  LAT_TRY(sum_up_columns(work, &w, total));
  LAT_TRY(lat_moments_check_sums(work, &w, from.mean, from.scatter, 1, exponents, &again));
  if (again) {
    w.exponents = exponents;
    LAT_TRY(sum_up_columns(work, &w, total));
    for (size_t j = 0; j < D; j++) LAT_TRY(lat_moments_check_weight(work, from.weight[j]));
  }
  join_columns(moments, &from, w.exponents);
  return LAT_OK;
}

double lat_column_variance(const lat_column_moments *m, size_t j)
{
  double variance = m->weight[j] > 0 ? m->scatter[j] / m->weight[j] : 0;
  return lat_times_power(variance, 2 * m->exponent[j]);
}

double lat_column_deviation(const lat_column_moments *m, size_t j)
{
  double variance = m->weight[j] > 0 ? m->scatter[j] / m->weight[j] : 0;
  return lat_times_power(sqrt(variance), m->exponent[j]);
}
