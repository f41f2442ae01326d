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

/* into += from, column by column, each in a unit that both can be brought to */
static void merge(size_t D, double *into_, const double *from_)
{
  lat_column_moments into = lat_column_moments_of(into_, D);
  const lat_column_moments from = lat_column_moments_of((double *)from_, D);
  for (size_t j = 0; j < D; j++) {
    double n = into.weight[j], k = from.weight[j], here = into.exponent[j];
    double there = from.exponent[j], share = k / (n + k);
    if (k == 0) continue;
    double e = lat_common_exponent(n, into.mean[j], into.scatter[j], here, k, from.mean[j],
                                   from.scatter[j], there);
    double mean = lat_times_power(into.mean[j], -e);
    double d = lat_times_power(from.mean[j], -e) - mean;
    into.scatter[j] = lat_times_power(into.scatter[j], 2 * (here - e)) +
                      (lat_times_power(from.scatter[j], 2 * (there - e)) + n * share * d * d);
    into.mean[j] = lat_times_power(mean + share * d, e);
    into.weight[j] = n + k;
    into.exponent[j] = e;
  }
}

static void add_columns(const lat_moments_walk *w, size_t first, size_t rows, size_t offset,
                        const double *exponents, double *node, size_t worker)
{
  size_t D = w->X->cols, chunk = w->X->rows < w->chunk ? w->X->rows : w->chunk;
  double *Y = w->buffers + worker * w->buffer_count;
  lat_column_moments part = lat_column_moments_of(Y + chunk * D, D);
  while (rows > 0) {
    lat_matrix X = lat_moments_chunk(w, first, rows, offset);
    lat_matrix flat = lat_moments_packed(&X, exponents, Y);
    const double *weights = w->weights ? w->weights + first : NULL;
    first += X.rows, offset += X.rows, rows -= X.rows;
    memset(part.weight, 0, lat_column_moments_count(D) * sizeof(double));
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
    merge(D, node, part.weight);
  }
}

static const lat_moments_kind kind = {
    .add = add_columns, .merge = merge, .count = lat_column_moments_count};

lat_status lat_column_moments_begin(lat_workspace *work, lat_moments_sum *sum, size_t D,
                                    size_t rows)
{
  *sum = (lat_moments_sum){.dimensions = D};
  return lat_moments_open(work, &sum->sum, &kind, D, rows);
}

lat_status lat_column_moments_include(lat_workspace *work, lat_moments_sum *sum,
                                      const lat_matrix *X, const double *weights, bool missing)
{
  sum->rows += (double)X->rows;
  return lat_moments_walk_add(work, &sum->sum, &kind, X, weights, missing, 4 * X->cols);
}

lat_status lat_column_moments_join(lat_workspace *work, const lat_moments_sum *sum,
                                   lat_column_moments *moments)
{
  LAT_SCOPE(work);
  double *total = lat_doubles(work, lat_column_moments_count(sum->dimensions));
  if (!total) return LAT_MEMORY;
  LAT_TRY(lat_share_total(sum->share, work, &sum->sum, total));
  merge(sum->dimensions, moments->weight, total);
  return LAT_OK;
}

lat_status lat_column_moments_add(lat_workspace *work, lat_column_moments *moments,
                                  const lat_matrix *X, const double *weights, bool missing)
{
  lat_moments_sum sum;
  LAT_SCOPE(work);
  LAT_TRY(lat_column_moments_begin(work, &sum, moments->dimensions, X->rows));
  LAT_TRY(lat_column_moments_include(work, &sum, X, weights, missing));
  LAT_TRY(lat_column_moments_join(work, &sum, moments));
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
