/* moments_walk.c: the pass over rows that both kinds of moments make (moments.h): groups of whole
 * chunks in the order of base/ordered_sum.h. A group with columns whose squares overflow or
 * underflow is added once more, in units of powers of two (scales.h), so that each node of the sum
 * has the units of its own rows, whatever pieces they come in. */
#include "matrix/moments_walk.h"

#include <math.h>
#include <string.h>

#include "matrix/limits.h"
#include "matrix/scales.h"

lat_matrix lat_moments_chunk(const lat_moments_walk *w, size_t first, size_t rows, size_t offset)
{
  size_t n = w->chunk - offset % w->chunk;
  return lat_block_of(*w->X, first, 0, n < rows ? n : rows, w->X->cols);
}

lat_matrix lat_moments_packed(const lat_matrix *X, const double *exponents, double *Y)
{
  if (lat_rows_are_packed(X) && !exponents) return *X;
  lat_matrix flat = lat_matrix_of(Y, X->rows, X->cols);
  lat_copy(X, &flat);
  if (exponents) lat_scale_columns(X->rows, X->cols, exponents, Y);
  return flat;
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* Where a node has its D means, scatters and exponents: these are its last numbers. */
typedef struct parts {
  double *mean, *scatter, *exponent;
} parts;

static parts parts_of(const lat_moments_kind *kind, size_t D, double *node)
{
  double *mean = node + (kind->full ? 1 : D);
  return (parts){mean, mean + D, node + kind->count(D) - D};
}

static bool is_scaled(size_t D, const double *exponents)
{
  for (size_t j = 0; j < D; j++)
    if (exponents[j] != 0) return true;
  return false;
}

/* The group's rows once more, in the units of the exponents, to what it was before. */
static void add_scaled(lat_moments_walk *w, size_t first, size_t rows, size_t offset,
                       const double *exponents, double *node, size_t worker)
{
  const lat_moments_kind *kind = w->kind;
  size_t D = w->X->cols, count = kind->count(D);
  parts p = parts_of(kind, D, node);
  memset(node, 0, count * sizeof *node);
  kind->add(w, first, rows, offset, exponents, node, worker);
  for (size_t j = 0; j < D; j++) p.mean[j] = lat_times_power(p.mean[j], exponents[j]);
  memcpy(p.exponent, exponents, D * sizeof *exponents);
  if (offset == 0) return;
  kind->merge(D, w->before, node);
  memcpy(node, w->before, count * sizeof *node);
}

static void add_group(void *context, size_t first, size_t rows, size_t offset, double *node,
                      size_t worker)
{
  lat_moments_walk *w = context;
  const lat_moments_kind *kind = w->kind;
  size_t D = w->X->cols, step = kind->full ? D + 1 : 1;
  double *exponents = w->buffers + (worker + 1) * w->buffer_count - D, *scratch = exponents - 2 * D;
  parts p = parts_of(kind, D, node);
  lat_matrix X = lat_block_of(*w->X, first, 0, rows, D);
  const double *weights = w->weights ? w->weights + first : NULL;
  bool scaled = offset > 0 && is_scaled(D, p.exponent);
  if (offset > 0) memcpy(w->before, node, kind->count(D) * sizeof *node);
  if (!scaled) kind->add(w, first, rows, offset, NULL, node, worker);
  if (lat_find_exponents(&X, weights, scaled ? NULL : p.mean, p.scatter, step, scratch,
                         exponents) ||
      scaled)
    add_scaled(w, first, rows, offset, exponents, node, worker);
  for (size_t j = 0; j < D; j++)
    if (!isfinite(p.mean[j])) w->bad = true;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

lat_status lat_moments_open(lat_workspace *work, lat_ordered_sum *sum, const lat_moments_kind *kind,
                            size_t D, size_t rows)
{
  LAT_TRY(lat_sum_init(sum, work, D, kind->count(D), rows, kind->merge));
  while (sum->group < LAT_MOMENTS_CHUNKS * lat_chunk_rows(D)) sum->group *= 2;
  return LAT_OK;
}

lat_status lat_moments_walk_add(lat_workspace *work, lat_ordered_sum *sum,
                                const lat_moments_kind *kind, const lat_matrix *X,
                                const double *weights, bool missing, size_t extra)
{
  size_t D = sum->columns, chunk = lat_chunk_rows(D), rows = X->rows < chunk ? X->rows : chunk;
  if (X->cols != D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the moments are of %zu", X->cols, D);
  LAT_SCOPE(work);
  lat_halt halt = {work, 0, LAT_OK};
  lat_moments_walk w = {.kind = kind,
                        .X = X,
                        .weights = weights,
                        .chunk = chunk,
                        .buffer_count = (rows + 4) * D + extra,
                        .missing = missing,
                        .halt = &halt};
  w.buffers = lat_allocate(work, lat_workers(work), w.buffer_count * sizeof(double));
  w.before = lat_doubles(work, sum->open_rows ? kind->count(D) : 0);
  if (!w.buffers || !w.before) return LAT_MEMORY;
  LAT_TRY(lat_sum_add(sum, work, X->rows, add_group, &w));
  LAT_TRY(halt.status);
  if (!w.bad && lat_sum_finite(sum)) return LAT_OK;
  LAT_TRY(lat_check_finite(work, "X", X, missing));
  return lat_fail(work, LAT_INVALID, "the sum of the weights overflows");
}

/* ---- units ----------------------------------------------------------------------------------- */

/* The exponent of moments: a constant column's is its size. */
static double own_exponent(double mean, double scatter, double exponent)
{
  if (scatter != 0) return exponent;
  return mean == 0 ? -INFINITY : fmin(exponent, ilogb(mean) + 1);
}

double lat_common_exponent(double n, double mean, double scatter, double exponent, double k,
                           double other_mean, double other_scatter, double other)
{
  if (exponent == other || k == 0) return exponent;
  if (n == 0) return other;
  double larger =
      fmax(own_exponent(mean, scatter, exponent), own_exponent(other_mean, other_scatter, other));
  return isinf(larger) ? exponent : larger;
}
