/* blocked.h: dense algorithms as steps, between which they call lat_check. Private.
 *
 * LAPACK's drivers run to their end. These are composed of its kernels for panels and of BLAS, so
 * that an interrupt or a deadline stops them within about 20 ms on a processor of today, for orders
 * up to 3000; like LAPACK's own, they spend their time in large products. Everything is
 * column-major.
 *
 * A single call of LAPACK can't be interrupted. Those that take more than 10 ms, in milliseconds of
 * one thread (OpenBLAS 0.3.21 on an AMD EPYC of 2024, 2.6 GHz):
 *
 *   routine  where                                              n = 1000   2000   3000
 *   dlaqr5   a sweep of the QR iteration                              30     60    100
 *   dlalsd   least squares of deficient rank                          31    120    260
 *   dbdsdc   singular values without vectors (rank, norms)            11     44    100
 *   dsterf   eigenvalues of a symmetric matrix without vectors       < 10     36     83
 *   dlahr2   a panel of the Hessenberg form                          < 10     36     91
 *   dlasd2   deflation in a merge of two halves of an SVD          < 10     32     75
 *   dlatrd   a panel of the tridiagonal form                         < 10     17     52
 *   dlaed2   deflation in a merge of two halves of a spectrum      < 10     38     16
 *   dsytrs   32 right sides of a symmetric system                    < 10     15     33
 *   dgecon   a condition number; dsycon, dtrcon                      < 10     13     30
 *   dgebal   balancing                                               < 10   < 10     21
 *
 * dgesvd computes a whole SVD in one call, should divide and conquer ever fail. */
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
