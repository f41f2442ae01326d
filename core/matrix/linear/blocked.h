/* blocked.h: dense algorithms as steps, between which they ask lat_check. Not for hosts.
 *
 * LAPACK's drivers run to their end. These are composed of its kernels for panels and of BLAS, so
 * that an interrupt or a deadline is heard within about 20 ms on a processor of today, for orders up
 * to 3000; as LAPACK's own, they spend their time in large products. Everything is column-major.
 *
 * What one call of LAPACK must do can't be cut (milliseconds of one thread; n is the order):
 *
 *   routine   where                                         n = 1000   n = 2000   n = 3000
 *   dhseqr    eigen.general, after the Hessenberg form           300       1900       5000
 *   dsterf    eigenvalues of a symmetric matrix, no vectors       15         45         95
 *   dbdsdc    singular values alone (norm, rank)                  10         35         70
 *   dlalsd    least squares of deficient rank                     20         70        150
 *   dgesvd    where divide and conquer failed, which it doesn't  all
 *   dlatrd    a panel of the tridiagonal form                      5         25         60
 *   dlahr2    a panel of the Hessenberg form                       8         40         90
 */
#ifndef LAT_MATRIX_LINEAR_BLOCKED_H
#define LAT_MATRIX_LINEAR_BLOCKED_H

#include <cblas.h>

#include "matrix/linear/lapack.h"

/* ---- products by tiles (blocked.c) --------------------------------------------------- */

/* C := alpha op(A) op(B) + beta C, C m x n, the inner length k */
lat_status lat_gemm_tiles(lat_workspace *work, CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, int m,
                          int n, int k, double alpha, const double *A, int lda, const double *B,
                          int ldb, double beta, double *C, int ldc);
/* B := op(inv(A)) B, or B op(inv(A)), for a triangular A and an m x n matrix B */
lat_status lat_trsm_tiles(lat_workspace *work, CBLAS_SIDE side, CBLAS_UPLO uplo, CBLAS_TRANSPOSE op,
                          CBLAS_DIAG diag, int m, int n, const double *A, int lda, double *B,
                          int ldb);

/* ---- factorizations (blocked.c) ------------------------------------------------------- */

/* dpotrf, dgetrf (square) and dsytrf, lower triangles: `info` as theirs, 0 or what failed. */
lat_status lat_potrf(lat_workspace *work, int n, double *a, int lda, int *info);
lat_status lat_getrf(lat_workspace *work, int n, double *a, int lda, int *pivots, int *info);
lat_status lat_sytrf(lat_workspace *work, int n, double *a, int lda, int *pivots, int *info);
/* The inverse in place of the factors, as dgetri; no pivot is 0. */
lat_status lat_getri(lat_workspace *work, int n, double *a, int lda, const int *pivots);

/* ---- reflections (reflections.c) ------------------------------------------------------ */

/* Householder vectors below the diagonal and R on and above it, as dgeqrf; tau has min(m, n). */
lat_status lat_geqrf(lat_workspace *work, int m, int n, double *a, int lda, double *tau);
/* The first n <= m columns of Q in place of the n vectors, as dorgqr. */
lat_status lat_orgqr(lat_workspace *work, int m, int n, double *a, int lda, double *tau);

/* How k Householder vectors of length n are stored. */
typedef enum lat_storage {
  LAT_COLUMNS, /* vector i is column i, from its diagonal element, a 1 that isn't there, down */
  LAT_ROWS     /* vector i is row i */
} lat_storage;

/* C := Q C (or Q' C) with Q = H_1 ... H_k, for an n x m matrix C. */
lat_status lat_reflect_left(lat_workspace *work, lat_storage stored, bool transpose, int n, int m,
                            int k, const double *V, int ldv, const double *tau, double *C, int ldc);
/* C := C Q', for an m x n matrix C. */
lat_status lat_reflect_right(lat_workspace *work, lat_storage stored, int m, int n, int k,
                             const double *V, int ldv, const double *tau, double *C, int ldc);

/* ---- singular values (bidiagonal.c) ------------------------------------------------------ */

/* Q' A P = B, upper bidiagonal, of an m x n matrix with m >= n: d (n) and e (n-1), the vectors of Q
 * and P in A, as dgebrd. */
lat_status lat_gebrd(lat_workspace *work, int m, int n, double *a, int lda, double *d, double *e,
                     double *tau_q, double *tau_p);
/* B = U diag(d) VT, n x n, d descending; d and e are overwritten. By divide and conquer (Gu and
 * Eisenstat 1995). `info` > 0 when it failed. */
lat_status lat_bidiagonal_svd(lat_workspace *work, int n, double *d, double *e, double *U, int ldu,
                              double *VT, int ldvt, int *info);

#endif
