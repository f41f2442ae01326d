/* eigen.h: eigenvalues, eigenvectors and singular values of dense matrices.
 *
 *   lat_symmetric      A v = lambda v           A symmetric; all, or the k largest
 *   lat_generalized    A v = lambda B v         B symmetric positive definite too
 *   lat_general        A v = lambda v           any square A; complex pairs
 *   lat_svd_truncated  A = U diag(s) V'         the k largest singular values
 *
 * For an operator that is known only by its products see krylov.h.
 *
 * Eigenvalues descend. Eigenvectors are columns, with the signs of lat_fix_signs
 * (matrix/linear/svd.h): the entry largest in magnitude is positive.
 *
 * Matrices have any strides and either dtype, results are written into views
 * of the caller's, and no result overlaps anything. Matrices are scaled by a power of
 * two first, so that entries of 1e-300 or 1e300 lose nothing. A NaN or an infinity
 * is LAT_INVALID; sizes that don't fit, or over INT_MAX, are LAT_SHAPE. */
#ifndef LAT_EIGEN_EIGEN_H
#define LAT_EIGEN_EIGEN_H

#include "matrix/functions.h"
#include "matrix/matrix.h"

typedef enum lat_eigensolver {
  LAT_EIGEN_AUTO,    /* by n and k: the fastest below that is exact */
  LAT_EIGEN_FULL,    /* divide and conquer over all n, then a cut */
  LAT_EIGEN_PARTIAL, /* divide and conquer, then only the vectors of the k largest */
  LAT_EIGEN_KRYLOV   /* block Krylov; falls back to PARTIAL when it is slow to converge */
} lat_eigensolver;

/* The k = values.rows (1 <= k <= n) algebraically largest eigenvalues of the
 * symmetric n x n matrix A and, unless `vectors` is NULL, their orthonormal vectors
 * (n x k): A V = V diag(values), V'V = I, both to 1e-12 ||A||.
 *
 * |a_ij - a_ji| may be up to 1e-10 of the largest entry (their mean is used); a
 * greater difference is LAT_INVALID and names i and j.
 *
 * FULL and PARTIAL are Cuppen's divide and conquer (Gu, Eisenstat 1995); PARTIAL computes
 * only the vectors that are wanted. */
lat_status lat_symmetric(lat_workspace *work, const lat_matrix *A, lat_eigensolver solver,
                         lat_matrix values, const lat_matrix *vectors);

/* The k = values.rows largest lambda of A v = lambda B v, A symmetric and B symmetric
 * positive definite (n x n both), and the vectors (n x k, or NULL) with V'BV = I.
 *
 * With B = L L' it is the symmetric problem of inv(L) A inv(L'), whose vectors y give
 * v = inv(L') y (Golub, Van Loan, Matrix Computations, 8.7.1). The accuracy is that of
 * the symmetric problem times the condition number of B. LAT_SINGULAR when B is not
 * positive definite. */
lat_status lat_generalized(lat_workspace *work, const lat_matrix *A, const lat_matrix *B,
                           lat_matrix values, const lat_matrix *vectors);

/* All n eigenvalues real[j] + i imaginary[j] of a square A, by descending real part,
 * then descending modulus; the two of a complex pair are neighbours, the one with the
 * positive imaginary part first. Real parts count as equal in runs whose neighbours
 * differ by at most 1e-13 of the largest modulus.
 *
 * The vectors (n x n, or NULL) have Euclidean length 1. A real eigenvalue has a real
 * column, its largest entry positive. A pair at j, j+1 shares two columns: its
 * vectors are column j + i column j+1 and the conjugate, with the phase that makes the entry of
 * largest modulus real and positive. As LAPACK's dgeev: balancing, Hessenberg form,
 * QR iteration. LAT_DIVERGED when the iteration doesn't converge. */
lat_status lat_general(lat_workspace *work, const lat_matrix *A, lat_matrix real,
                       lat_matrix imaginary, const lat_matrix *vectors);

/* The k = s.rows <= min(N, D) largest singular values of A (N x D), descending, and,
 * each unless NULL, their left vectors U (N x k) and right vectors V (D x k), both
 * orthonormal; the largest entry of a right vector is positive.
 *
 * A large A with a small k goes through a block Krylov space of A'A (or AA'), whose
 * products never form that matrix, and then through the SVD of A times that space:
 * so small singular values are not squared away. Every triplet must pass
 * ||A'u - s v|| <= 1e-12 s_1, else the full SVD of lat_svd is computed and cut. */
lat_status lat_svd_truncated(lat_workspace *work, const lat_matrix *A, const lat_matrix *U,
                             lat_matrix s, const lat_matrix *V);

/* These four, by name: eigen.symmetric and its like. */
extern const lat_function lat_eigen_functions[];

#endif
