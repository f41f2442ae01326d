/* factor.h: triangular factorizations, condition numbers and determinants.
 *
 * Any views and dtypes; the work is done in float64. A result may overlap A. A NaN or
 * an infinity in A is LAT_INVALID. */
#ifndef LAT_MATRIX_LINEAR_FACTOR_H
#define LAT_MATRIX_LINEAR_FACTOR_H

#include "matrix/matrix.h"

/* What is known about a square matrix, which decides how it is factored. */
typedef enum lat_structure {
  LAT_GENERAL,   /* P A = L U with row pivoting (dgetrf) */
  LAT_SYMMETRIC, /* A = L D L' with D of 1x1 and 2x2 blocks: Bunch & Kaufman (dsytrf) */
  LAT_POSITIVE,  /* symmetric, positive definite: A = L L', Cholesky (dpotrf) */
  LAT_UPPER,     /* upper triangular; what lies below the diagonal isn't read */
  LAT_LOWER      /* lower triangular; what lies above isn't read */
} lat_structure;

/* A factored n x n matrix in the workspace, as LAPACK leaves it: column-major. */
typedef struct lat_factors {
  lat_structure structure;
  int n;
  double *a;
  int *pivots;
  int failed;  /* 0, or: the pivot (from 1) that is exactly 0, or the leading minor (its
                  order) that isn't positive. Then the matrix can't be solved with. */
  double norm; /* of A: its largest column sum, for the condition number */
} lat_factors;

/* Factors A. An exactly singular matrix is no error here: see `failed`. Errors:
 * LAT_SHAPE when A isn't square, LAT_INVALID when the structure is a symmetric one and A isn't
 * (lat_check_symmetric). Keeps the factors. */
lat_status lat_factor(lat_workspace *work, lat_structure structure, const lat_matrix *A,
                      lat_factors *F);

/* LAT_SINGULAR, naming the pivot or minor, when the factorization failed. */
lat_status lat_check_factors(lat_workspace *work, const lat_factors *F);

/* The reciprocal condition number 1 / (|A| |inverse of A|) in the 1-norm, estimated in
 * O(n^2) (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 15.3).
 * About -log10 of it is the number of digits that a solution loses. */
lat_status lat_reciprocal_condition(lat_workspace *work, const lat_factors *F, double *rcond);

/* L, lower triangular with a positive diagonal and zeros above it, with A = L L'.
 * LAT_SINGULAR when A isn't positive definite, naming the first leading minor that isn't. */
lat_status lat_cholesky(lat_workspace *work, const lat_matrix *A, const lat_matrix *L);

/* The thin A = Q R by Householder reflections (dgeqrf): A is N x D, r = min(N, D), Q is N x r
 * with orthonormal columns, R is r x D, upper triangular with a diagonal >= 0, which makes
 * the factors unique when A has full column rank. Q or R may be NULL. */
lat_status lat_qr(lat_workspace *work, const lat_matrix *A, const lat_matrix *Q,
                  const lat_matrix *R);

/* The determinant of a square A by LU: exact 0 only when a pivot is. The product is formed
 * with its exponent apart, so that it overflows only when the determinant does. */
lat_status lat_det(lat_workspace *work, const lat_matrix *A, double *det);

/* log|det A| and the sign of det A: 1, -1, or 0 with a logarithm of -infinity. */
lat_status lat_logdet(lat_workspace *work, const lat_matrix *A, double *log_magnitude,
                      double *sign);

#endif
