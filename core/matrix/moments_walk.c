/* moments_walk.c: the pass over rows that both kinds of moments make (moments.h): groups of whole
 * chunks in the order of base/ordered_sum.h, and a second pass in units of powers of two for
 * columns whose squares overflow or underflow (scales.h). */
#include "matrix/moments_walk.h"

#include <math.h>

#include "base/parallel.h"
#include "matrix/scales.h"

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

lat_matrix lat_moments_packed(const lat_moments_walk *w, const lat_matrix *X, double *Y)
{
  if (lat_rows_are_packed(X) && !w->exponents) return *X;
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

lat_status lat_moments_check_sums(lat_workspace *work, const lat_moments_walk *w,
                                  const double *means, const double *scatter, size_t step,
                                  double *exponents, bool *again)
{
  LAT_SCOPE(work);
  size_t D = w->X->cols;
  bool *marked = lat_allocate(work, D, sizeof *marked), finite = true, any = false;
  *again = false;
  if (!marked) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++) {
    marked[j] = lat_out_of_range(means[j], scatter[j * step]);
    any |= marked[j];
    finite &= (bool)isfinite(means[j]);
  }
  if (!finite) LAT_TRY(lat_check_finite(work, "X", w->X, w->missing));
  if (!any) return LAT_OK;
  return lat_find_exponents(work, w->X, w->weights, marked, exponents, again);
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
