/* lds/kernel.c: products and factorizations of small matrices.
 *
 * The products of kernel_template.h, compiled for several instruction sets, and on top of them the
 * factorizations of the square-root form: a Cholesky factorization of positive semidefinite
 * matrices, and Householder triangularization (Golub, Van Loan, Matrix Computations, 4th ed., 4.2.8
 * and 5.2). The latter sets a column's remainder to 0 where the caller knows that it is rounding,
 * which LAPACK's dgeqr2 can't be told. */
#include <lapacke.h>

#include "em/lds/internal.h"
#include "em/lds/kernel_template.h"

LAT_CLONES void lat_lds_multiply(size_t n, size_t m, size_t k, const double *A, size_t a_row,
                                 size_t a_col, const double *B, lds_operation how, double *C)
{
  inline_multiply(n, m, k, A, a_row, a_col, B, how, C);
}

LAT_CLONES void lat_lds_multiply_symmetric(size_t m, size_t k, const double *A, size_t a_row,
                                           size_t a_col, const double *B, lds_operation how,
                                           double *C)
{
  inline_multiply_symmetric(m, k, A, a_row, a_col, B, how, C);
}

void lat_lds_transpose(size_t n, size_t m, const double *A, double *to)
{
  inline_transpose(n, m, A, to);
}

LAT_CLONES void lat_lds_product(size_t n, size_t k, const double *A, const double *x,
                                lds_operation how, double *y)
{
  inline_apply(n, k, A, x, how, y);
}

LAT_CLONES size_t lat_lds_cholesky(size_t n, double *A, double *inverse, double least)
{
  return inline_cholesky(n, A, inverse, least);
}

LAT_CLONES void lat_lds_solve_lower(size_t n, size_t m, const double *U, const double *inverse,
                                    double *X)
{
  inline_solve_lower(n, m, U, inverse, X);
}

LAT_CLONES void lat_lds_solve_upper(size_t n, size_t m, const double *U, const double *inverse,
                                    double *X)
{
  inline_solve_upper(n, m, U, inverse, X);
}

double lat_lds_norm(size_t n, const double *x)
{
  double length = 0;
  for (size_t i = 0; i < n; i++) length = hypot(length, x[i]);
  return length;
}

/* ---- square roots of covariances ------------------------------------------------------------- */

bool lat_lds_root(size_t n, const double *covariance, double *root)
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, covariance[i * n + i]);
  memset(root, 0, n * n * sizeof *root);
  for (size_t j = 0; j < n; j++) {
    double *row = root + j * n, pivot = covariance[j * n + j];
    for (size_t k = 0; k < j; k++) pivot -= row[k] * row[k];
    if (!(pivot >= -LDS_ROOT_INDEFINITE * largest)) return false;
    if (pivot <= LDS_PIVOT * covariance[j * n + j]) {
      /* a direction without variance, which must have no covariance either */
      for (size_t i = j + 1; i < n; i++) {
        double rest = covariance[i * n + j];
        for (size_t k = 0; k < j; k++) rest -= root[i * n + k] * row[k];
        if (!(fabs(rest) <=
              LDS_ROOT_COVARIANCE * sqrt(largest) * sqrt(fabs(covariance[i * n + i]))))
          return false;
      }
      continue;
    }
    row[j] = sqrt(pivot);
    for (size_t i = j + 1; i < n; i++) {
      double rest = covariance[i * n + j];
      for (size_t k = 0; k < j; k++) rest -= root[i * n + k] * row[k];
      root[i * n + j] = rest / row[j];
    }
  }
  return true;
}

void lat_lds_covariance_of_root(size_t n, const double *root, double *covariance, double *work)
{
  lat_lds_transpose(n, n, root, work);
  lat_lds_multiply_symmetric(n, n, root, n, 1, work, LDS_SET, covariance);
}

/* The row-major X is the column-major X', whose factor R of X' = Q R, column-major, is L
 * row-major. */
void lat_lds_triangular_factor(size_t n, size_t m, double *X, double *L, double *work)
{
  LAPACKE_dgeqr2_work(LAPACK_COL_MAJOR, (lapack_int)m, (lapack_int)n, X, (lapack_int)m, work,
                      work + m);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      L[i * n + j] = j > i ? 0 : X[j * m + j] < 0 ? -X[i * m + j] : X[i * m + j];
}

/* ---- Householder reflections ----------------------------------------------------------------- */

/* The norm of column k of X (n x m) from row `first` on. */
static double column_norm(size_t n, size_t m, const double *X, size_t first, size_t k)
{
  double largest = 0, sum = 0;
  for (size_t i = first; i < n; i++) largest = fmax(largest, fabs(X[i * m + k]));
  if (!(largest > 0)) return 0;
  for (size_t i = first; i < n; i++) {
    double x = X[i * m + k] / largest;
    sum += x * x;
  }
  return largest * sqrt(sum);
}

static void clear_column(size_t n, size_t m, double *X, size_t first, size_t k)
{
  for (size_t i = first; i < n; i++) X[i * m + k] = 0;
}

/* Reflects rows k.. of X so that column k is 0 below the diagonal; `norm` is that of the part below
 * it. */
LAT_CLONES static void reflect(size_t n, size_t m, double *X, size_t k, double norm, double *w)
{
  double *pivot = X + k * m, alpha = pivot[k], beta = -copysign(hypot(alpha, norm), alpha);
  double scale = 1 / (alpha - beta), tau = (beta - alpha) / beta;
  memcpy(w + k, pivot + k, (m - k) * sizeof *w);
  for (size_t i = k + 1; i < n; i++)
    if (X[i * m + k] != 0) lat_lds_subtract_row(m, k + 1, -scale * X[i * m + k], X + i * m, w);
  lat_lds_subtract_row(m, k + 1, tau, w, pivot);
  for (size_t i = k + 1; i < n; i++) {
    if (X[i * m + k] == 0) continue;
    lat_lds_subtract_row(m, k + 1, tau * scale * X[i * m + k], w, X + i * m);
    X[i * m + k] = 0;
  }
  pivot[k] = beta;
}

void lat_lds_triangularize(size_t n, size_t m, double *X, size_t own, const double *least,
                           double *work)
{
  for (size_t k = 0; k < n && k < m; k++) {
    for (size_t j = k; k == own && j < m; j++)
      if (!(column_norm(n, m, X, k, j) > least[j])) clear_column(n, m, X, k, j);
    if (k >= own && !(column_norm(n, m, X, k, k) > least[k])) clear_column(n, m, X, k, k);
    double norm = column_norm(n, m, X, k + 1, k);
    if (norm > least[k])
      reflect(n, m, X, k, norm, work);
    else
      clear_column(n, m, X, k + 1, k);
    if (X[k * m + k] < 0)
      for (size_t j = k; j < m; j++) X[k * m + j] = -X[k * m + j];
  }
}

void lat_lds_eigenvectors(size_t n, double *A, double *values, double *work)
{
  LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'V', 'U', (lapack_int)n, A, (lapack_int)n, values, work,
                     (lapack_int)(3 * n));
}
