#include "matrix/moments_walk.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "matrix/scales.h"

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

void lat_add_up_rows(const lat_matrix *X, const double *weights, double *sums)
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

double lat_total_weight(const double *weights, size_t n)
{
  if (!weights) return (double)n;
  double total = 0;
  for (size_t i = 0; i < n; i++) total += weights[i];
  return total;
}

/* ---- the walk over chunks ---------------------------------------------------------------- */

lat_status lat_moments_walk_begin(lat_workspace *work, lat_moments_walk *w, size_t count,
                                  size_t extra_rows, lat_sum_merge *merge)
{
  size_t D = w->X->cols;
  w->chunk = lat_chunk_rows(D);
  if (w->chunk > w->X->rows) w->chunk = w->X->rows;
  w->buffer_count = (w->chunk + extra_rows + 1) * D;
  w->buffers = lat_allocate(work, lat_workers(work), w->buffer_count * sizeof(double));
  if (!w->buffers) return LAT_MEMORY;
  return lat_sum_init(&w->sum, work, D, count, w->X->rows, merge);
}

lat_matrix lat_moments_chunk(const lat_moments_walk *w, size_t first, size_t rows, size_t offset)
{
  size_t n = w->chunk - offset % w->chunk;
  return lat_block_of(*w->X, first, 0, n < rows ? n : rows, w->X->cols);
}

lat_matrix lat_moments_flat(const lat_moments_walk *w, const lat_matrix *X, double *Y)
{
  if (rows_lie_flat(X) && !w->exponents) return *X;
  lat_matrix flat = lat_matrix_of(Y, X->rows, X->cols);
  lat_copy(X, &flat);
  if (w->exponents) lat_scale_columns(X->rows, X->cols, w->exponents, Y);
  return flat;
}

lat_status lat_moments_check_size(lat_workspace *work, size_t dimensions, const lat_matrix *X)
{
  if (X->cols == dimensions) return LAT_OK;
  return lat_fail(work, LAT_SHAPE, "X has %zu columns, the moments are of %zu", X->cols,
                  dimensions);
}

lat_status lat_moments_check_weight(lat_workspace *work, double weight)
{
  if (isfinite(weight)) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "the sum of the weights overflows");
}

lat_status lat_moments_look(lat_workspace *work, const lat_moments_walk *w, const double *means,
                            const double *scatter, size_t step, double *exponents, bool *again)
{
  LAT_SCOPE(work);
  size_t D = w->X->cols;
  bool *odd = lat_allocate(work, D, sizeof *odd), finite = true, any = false;
  *again = false;
  if (!odd) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++) {
    odd[j] = lat_is_odd(means[j], scatter[j * step]);
    any |= odd[j];
    finite &= (bool)isfinite(means[j]);
  }
  if (!finite) LAT_TRY(lat_check_finite(work, "X", w->X, w->missing));
  if (!any) return LAT_OK;
  return lat_find_exponents(work, w->X, w->weights, odd, exponents, again);
}

/* The exponent of moments whose mean is 2^unit mean: a constant column's is its size. */
static double own_exponent(double mean, double unit, double scatter, double exponent)
{
  if (scatter != 0) return exponent;
  return mean == 0 ? -INFINITY : fmin(exponent, ilogb(mean) + 1 + unit);
}

double lat_common_exponent(double n, double mean, double scatter, double exponent, double k,
                           double other_mean, double other_scatter, double other)
{
  if (exponent == other || k == 0) return exponent;
  if (n == 0) return other;
  double larger = fmax(own_exponent(mean, 0, scatter, exponent),
                       own_exponent(other_mean, other, other_scatter, other));
  return isinf(larger) ? exponent : larger;
}
