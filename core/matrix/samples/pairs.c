/* pairs.c: distances of pairs of rows of two samples (pairs.h).
 *
 * They are computed a row of one sample and a block of rows of the other at a time, of which
 * columns lie side by side (a transposed copy), so that the loop over the block is vector code for
 * any D. */
#include "matrix/samples/pairs.h"

#include <math.h>

#include "base/clones.h"

enum { LANES = 8 }; /* of a sum: a vector of AVX-512 */

static lat_matrix times(const lat_matrix *A, int e, lat_matrix to)
{
  lat_copy(A, &to);
  for (size_t i = 0; e != 0 && i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++) lat_set(&to, i, j, ldexp(lat_get(&to, i, j), -e));
  return to;
}

lat_status lat_sample_take(lat_workspace *work, const lat_matrix *A, int e, lat_sample *s)
{
  *s = (lat_sample){.n = A->rows, .D = A->cols};
  s->rows = lat_allocate(work, A->rows, A->cols * sizeof(double));
  s->columns = lat_allocate(work, A->rows, A->cols * sizeof(double));
  if (!s->rows || !s->columns) return LAT_MEMORY;
  lat_matrix rows = times(A, e, lat_matrix_of(s->rows, s->n, s->D));
  lat_matrix across = lat_transpose(rows), columns = lat_matrix_of(s->columns, s->D, s->n);
  lat_copy(&across, &columns);
  return LAT_OK;
}

LAT_CLONES void lat_pair_squares(size_t D, const double *x, const double *columns, size_t stride,
                                 size_t count, double *squares)
{
  LAT_INDEPENDENT
  for (size_t j = 0; j < count; j++) {
    double far = x[0] - columns[j];
    squares[j] = far * far;
  }
  for (size_t d = 1; d < D; d++) {
    const double *column = columns + d * stride;
    LAT_INDEPENDENT
    for (size_t j = 0; j < count; j++) {
      double far = x[d] - column[j];
      squares[j] += far * far;
    }
  }
}

LAT_CLONES double lat_sum_roots(size_t count, const double *squares)
{
  double lanes[LANES] = {0}, sum = 0;
  size_t j = 0;
  for (; j + LANES <= count; j += LANES)
    for (size_t l = 0; l < LANES; l++) lanes[l] += sqrt(squares[j + l]);
  for (; j < count; j++) lanes[0] += sqrt(squares[j]);
  for (size_t l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}
