/* packed.c: Cholesky factors, solutions and inverses of small symmetric matrices (Golub, Van Loan,
 * Matrix Computations, 4.2), their lower triangles packed row by row: packed.h. */
#include "em/common/packed.h"

#include <math.h>
#include <string.h>

#define TINY_PIVOT 1e-13
#define LEFT_OUT   1e150 /* an element of L by which anything divided is 0 */

size_t lat_packed_cholesky(size_t n, double *A, double *log_det)
{
  double *row = A, sum = 0;
  size_t dropped = 0;
  for (size_t i = 0; i < n; row += ++i) {
    const double *other = A;
    for (size_t j = 0; j < i; other += ++j) {
      double s = row[j];
      for (size_t k = 0; k < j; k++) s -= row[k] * other[k];
      row[j] = s / other[j];
    }
    double pivot = row[i];
    for (size_t k = 0; k < i; k++) pivot -= row[k] * row[k];
    if (pivot <= TINY_PIVOT * row[i]) {
      row[i] = LEFT_OUT;
      dropped++;
    } else {
      row[i] = sqrt(pivot);
      sum += log(row[i]);
    }
  }
  if (log_det) *log_det = 2 * sum;
  return dropped;
}

void lat_packed_solve(size_t n, const double *L, double *x)
{
  const double *row = L;
  for (size_t i = 0; i < n; row += ++i) {
    double s = x[i];
    for (size_t k = 0; k < i; k++) s -= row[k] * x[k];
    x[i] = s / row[i];
  }
  for (size_t i = n; i-- > 0;) {
    row -= i + 1;
    x[i] /= row[i];
    for (size_t k = 0; k < i; k++) x[k] -= row[k] * x[i];
  }
}

void lat_packed_inverse(size_t n, const double *L, double *inverse, double *scratch)
{
  /* the rows of inv(L) first, each a combination of those above it */
  const double *from = L;
  double *row = inverse;
  for (size_t i = 0; i < n; from += i + 1, row += i + 1, i++) {
    const double *above = inverse;
    memset(row, 0, (i + 1) * sizeof *row);
    for (size_t k = 0; k < i; above += ++k)
      for (size_t j = 0; j <= k; j++) row[j] -= from[k] * above[j];
    for (size_t j = 0; j < i; j++) row[j] /= from[i];
    row[i] = 1 / from[i];
  }
  /* inv(A) is the sum of the products of each row with itself; row k goes into rows up to k */
  row = inverse;
  for (size_t k = 0; k < n; row += ++k) {
    memcpy(scratch, row, (k + 1) * sizeof *row);
    memset(row, 0, (k + 1) * sizeof *row);
    double *to = inverse;
    for (size_t i = 0; i <= k; to += ++i)
      for (size_t j = 0; j <= i; j++) to[j] += scratch[i] * scratch[j];
  }
}
