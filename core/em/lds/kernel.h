/* lds/kernel.h: products and factorizations of small matrices. Private to the module.
 *
 * All matrices are packed, row-major; results don't overlap operands. Products are plain loops (a
 * BLAS call costs more than a product of so few elements), whose sums are taken in a fixed order:
 * the same bits on every processor. */
#ifndef LAT_EM_LDS_KERNEL_H
#define LAT_EM_LDS_KERNEL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/clones.h"

/* A pivot that is no more than this part of its diagonal element is rounding: the matrix is
 * singular in that direction. DBL_EPSILON is 2.2e-16, and a pivot is what is left of a difference
 * of a few terms. */
#define LDS_PIVOT 1e-14
/* lat_lds_root: a pivot below minus this part of the largest variance is no rounding, so the matrix
 * isn't positive semidefinite; a direction without variance may have covariances up to the square
 * root of it. */
#define LDS_ROOT_INDEFINITE 1e-10
#define LDS_ROOT_COVARIANCE 1e-5

/* ---- products -------------------------------------------------------------------------------- */

/* What a product does to C. */
typedef enum lds_operation { LDS_SET, LDS_ADD, LDS_SUBTRACT } lds_operation;

/* C (n x m) := or += or -= A B, A being n x k with element (i, l) at i * a_row + l * a_col. */
void lat_lds_multiply(size_t n, size_t m, size_t k, const double *A, size_t a_row, size_t a_col,
                      const double *B, lds_operation how, double *C);

/* The same where C (m x m) is symmetric. Computes the lower triangle and mirrors it, so that C is
 * symmetric exactly. */
void lat_lds_multiply_symmetric(size_t m, size_t k, const double *A, size_t a_row, size_t a_col,
                                const double *B, lds_operation how, double *C);

/* to := A' of A (n x m). */
void lat_lds_transpose(size_t n, size_t m, const double *A, double *to);

/* y (n) := or += or -= A x, A being n x k. */
void lat_lds_product(size_t n, size_t k, const double *A, const double *x, lds_operation how,
                     double *y);

/* S (n x m) += a b' */
LAT_INLINE void lat_lds_add_outer(size_t n, size_t m, const double *a, const double *b, double *S)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++) S[i * m + j] += a[i] * b[j];
}

/* row (m) -= factor * other (m), from column k on */
LAT_INLINE void lat_lds_subtract_row(size_t m, size_t k, double factor, const double *other,
                                     double *row)
{
  for (size_t j = k; j < m; j++) row[j] -= factor * other[j];
}

/* The Euclidean norm of x (n), without overflow. */
double lat_lds_norm(size_t n, const double *x);

/* ---- factorizations -------------------------------------------------------------------------- */

/* A = U'U in place, in the upper triangle; the part below it is left. `inverse` (n) are the
 * reciprocals of U's diagonal. Where a pivot is not above `least` times its diagonal element, A is
 * singular in that direction: the row of U and its reciprocal become 0. Returns the number of such
 * rows. */
size_t lat_lds_cholesky(size_t n, double *A, double *inverse, double least);

/* X (n x m) := inv(U') X, and inv(U) X. */
void lat_lds_solve_lower(size_t n, size_t m, const double *U, const double *inverse, double *X);
void lat_lds_solve_upper(size_t n, size_t m, const double *U, const double *inverse, double *X);

/* covariance (n x n) := root root'; work is n^2. */
void lat_lds_covariance_of_root(size_t n, const double *root, double *covariance, double *work);

/* L (n x n, lower triangular, diagonal >= 0) with L L' = X X' for X (n x m, m >= n), which is
 * destroyed. `work` is 2 m doubles. */
void lat_lds_triangular_factor(size_t n, size_t m, double *X, double *L, double *work);

/* X (n x m) := Q'X for an orthogonal Q that makes it upper triangular with a diagonal >= 0
 * (Householder reflections). Where the remaining part of column j is no longer than least[j] it
 * becomes 0, except the diagonal of the first `own` columns. `work` is m doubles. */
void lat_lds_triangularize(size_t n, size_t m, double *X, size_t own, const double *least,
                           double *work);

/* Eigenvalues, ascending, of the symmetric A (n x n), which its eigenvectors replace, one a row.
 * `work` is 3 n doubles. */
void lat_lds_eigenvectors(size_t n, double *A, double *values, double *work);

#endif
