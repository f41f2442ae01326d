/* linear.c: norms, trace, rank and pseudo-inverse (linear.h).
 *
 * The Frobenius norm is computed without scaling while its square is well within the range of
 * doubles, and otherwise of the elements divided by a power of two near the largest one. */
#include "matrix/linear/linear.h"

#include <math.h>

#include "base/progress.h"
#include "matrix/linear/lapack.h"
#include "matrix/linear/svd.h"
#include "matrix/product.h"

/* ---- norms ---------------------------------------------------------------- */

/* The larger of two, where a NaN wins. */
static double larger(double a, double b)
{
  return a > b || isnan(a) ? a : b;
}

static double largest_magnitude(const lat_matrix *A)
{
  double largest = 0;
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++) largest = larger(largest, fabs(lat_get(A, i, j)));
  return largest;
}

static double largest_row_sum(const lat_matrix *A)
{
  double largest = 0;
  for (size_t i = 0; i < A->rows; i++) {
    double sum = 0;
    for (size_t j = 0; j < A->cols; j++) sum += fabs(lat_get(A, i, j));
    largest = larger(largest, sum);
  }
  return largest;
}

static double frobenius(const lat_matrix *A)
{
  double square = lat_dot(A, A), largest, sum = 0;
  if (isnan(square) || (square > 1e-280 && square < 1e300)) return sqrt(square);
  largest = largest_magnitude(A); /* squares may have left the range of doubles */
  if (largest == 0 || isinf(largest)) return largest;
  int shift;
  frexp(largest, &shift);
  for (size_t i = 0; i < A->rows; i++) {
    for (size_t j = 0; j < A->cols; j++) {
      double x = ldexp(lat_get(A, i, j), -shift);
      sum += x * x;
    }
  }
  return ldexp(sqrt(sum), shift);
}

/* s, in the workspace */
static lat_status singular_values(lat_workspace *work, const lat_matrix *A, lat_matrix *s)
{
  *s = lat_matrix_new(work, A->rows < A->cols ? A->rows : A->cols, 1);
  if (!s->data) return LAT_MEMORY;
  return lat_svd(work, A, NULL, *s, NULL);
}

lat_status lat_norm(lat_workspace *work, const lat_matrix *A, lat_norm_kind kind, double *norm)
{
  lat_matrix s, T = lat_transpose(*A);
  bool vector = A->rows == 1 || A->cols == 1;
  LAT_SCOPE(work);
  if (kind == LAT_NORM_FROBENIUS || (vector && kind == LAT_NORM_TWO)) {
    *norm = frobenius(A);
  } else if (kind == LAT_NORM_ONE) {
    *norm = largest_row_sum(&T);
  } else if (kind == LAT_NORM_INFINITY) {
    *norm = largest_row_sum(A);
  } else if (kind == LAT_NORM_MAX) {
    *norm = largest_magnitude(A);
  } else {
    LAT_TRY(singular_values(work, A, &s));
    *norm = lat_get(&s, 0, 0);
    for (size_t i = 1; i < s.rows && kind == LAT_NORM_NUCLEAR; i++) *norm += lat_get(&s, i, 0);
  }
  return LAT_OK;
}

lat_status lat_trace(lat_workspace *work, const lat_matrix *A, double *trace)
{
  LAT_TRY(lat_check_square(work, "A", A));
  *trace = 0;
  for (size_t i = 0; i < A->rows; i++) *trace += lat_get(A, i, i);
  return LAT_OK;
}

/* ---- rank and pseudo-inverse ---------------------------------------------- */

static size_t count_above(const lat_matrix *s, double tolerance)
{
  size_t rank = 0;
  double least = tolerance * lat_get(s, 0, 0);
  while (rank < s->rows && lat_get(s, rank, 0) > least) rank++;
  return rank;
}

lat_status lat_rank(lat_workspace *work, const lat_matrix *A, double tolerance, size_t *rank)
{
  lat_matrix s;
  LAT_SCOPE(work);
  LAT_TRY(singular_values(work, A, &s));
  *rank = count_above(&s, tolerance);
  return LAT_OK;
}

lat_status lat_pinv(lat_workspace *work, const lat_matrix *A, double tolerance, const lat_matrix *P)
{
  size_t N = A->rows, D = A->cols, r = N < D ? N : D;
  LAT_SCOPE(work);
  lat_matrix U = lat_matrix_new(work, N, r), V = lat_matrix_new(work, D, r);
  lat_matrix s = lat_matrix_new(work, r, 1), result = lat_matrix_new(work, D, N);
  if (!U.data || !V.data || !s.data || !result.data) return LAT_MEMORY;
  LAT_STEPS(work, steps, 15, NULL); /* a decomposition costs at least so much as 14 products */
  lat_step(&steps, 0, 14);
  LAT_TRY(lat_svd(work, A, &U, s, &V));
  lat_step(&steps, 14, 1);
  size_t rank = count_above(&s, tolerance);
  lat_fill(&result, 0);
  if (rank > 0) {
    double *v = V.data, *values = s.data;
    for (size_t i = 0; i < D; i++)
      for (size_t j = 0; j < rank; j++) v[i * r + j] /= values[j];
    lat_matrix scaled = lat_block_of(V, 0, 0, D, rank);
    lat_matrix left = lat_transpose(lat_block_of(U, 0, 0, N, rank));
    LAT_TRY(lat_product(work, 1, &scaled, &left, 0, &result));
  }
  lat_copy(&result, P);
  return LAT_OK;
}
