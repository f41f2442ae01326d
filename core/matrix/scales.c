/* scales.c: exponents of columns whose squares are out of range (scales.h).
 *
 * The exponent e of a column is that of its largest number, so that x 2^-e is at most 1 in
 * magnitude. */
#include "matrix/scales.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "matrix/limits.h"

bool lat_out_of_range(double mean, double scatter)
{
  return !isfinite(mean) || !(scatter <= LAT_SCATTER_LARGE) || scatter < LAT_SCATTER_SMALL;
}

double lat_times_power(double x, double e)
{
  return e == 0 ? x : ldexp(x, (int)e);
}

/* The least and the largest numbers of the marked columns, for each worker: extremes don't depend
 * on the order of the rows. */
typedef struct search {
  const lat_matrix *X;
  const double *weights;
  const size_t *columns;
  size_t count, chunk;
  double *ranges; /* a worker's: 2 x count */
} search;

static void search_chunk(void *context, size_t c, size_t worker)
{
  const search *s = context;
  const lat_matrix *X = s->X;
  size_t first = c * s->chunk, end = first + s->chunk < X->rows ? first + s->chunk : X->rows;
  double *least = s->ranges + worker * 2 * s->count, *most = least + s->count;
  for (size_t i = first; i < end; i++) {
    if (s->weights && !(s->weights[i] > 0)) continue;
    for (size_t k = 0; k < s->count; k++) {
      double x = lat_get(X, i, s->columns[k]);
      if (x < least[k]) least[k] = x;
      if (x > most[k]) most[k] = x;
    }
  }
}

/* The power that brings the numbers of a column, from `least` to `most`, to 1 at most; 0 for a
 * constant one that isn't large. */
static double exponent_of(double least, double most)
{
  double size = fmax(fabs(least), fabs(most));
  if (!(least <= most) || size == 0 || (least == most && size < LAT_CONSTANT_LARGE)) return 0;
  return fmin(fmax(ilogb(size) + 1, LAT_EXPONENT_LEAST), LAT_EXPONENT_MOST);
}

lat_status lat_find_exponents(lat_workspace *work, const lat_matrix *X, const double *weights,
                              const bool *marked, double *exponents, bool *any)
{
  size_t D = X->cols, workers = lat_workers(work);
  LAT_SCOPE(work);
  size_t *columns = lat_allocate(work, D, sizeof *columns);
  search s = {.X = X, .weights = weights, .columns = columns, .chunk = lat_chunk_rows(D)};
  for (size_t j = 0; columns && j < D; j++)
    if (marked[j]) columns[s.count++] = j;
  s.ranges = lat_allocate(work, workers, 2 * s.count * sizeof(double));
  if (!columns || !s.ranges) return LAT_MEMORY;
  for (size_t k = 0; k < workers * 2 * s.count; k++)
    s.ranges[k] = k / s.count % 2 ? -INFINITY : INFINITY;
  LAT_TRY(lat_parallel(work, (X->rows + s.chunk - 1) / s.chunk, search_chunk, &s));
  memset(exponents, 0, D * sizeof *exponents);
  *any = false;
  for (size_t k = 0; k < s.count; k++) {
    double least = INFINITY, most = -INFINITY;
    for (size_t w = 0; w < workers; w++) {
      least = fmin(least, s.ranges[w * 2 * s.count + k]);
      most = fmax(most, s.ranges[w * 2 * s.count + s.count + k]);
    }
    exponents[columns[k]] = exponent_of(least, most);
    *any |= exponents[columns[k]] != 0;
  }
  return LAT_OK;
}

void lat_scale_columns(size_t n, size_t D, const double *exponents, double *Y)
{
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; exponents[j] != 0 && i < n; i++)
      Y[i * D + j] = lat_times_power(Y[i * D + j], -exponents[j]);
}
