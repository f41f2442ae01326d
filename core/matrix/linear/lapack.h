/* lapack.h: checks and memory that calls of LAPACK need. Private.
 *
 * LAPACK is called column-major through LAPACKE's _work functions, with memory of
 * our workspace. A packed row-major matrix is, read column-major, its transpose:
 * a symmetric matrix is the same in both orders, for others the algorithm of the
 * transpose is called, or a copy of the transposed view is made. */
#ifndef LAT_MATRIX_LINEAR_LAPACK_H
#define LAT_MATRIX_LINEAR_LAPACK_H

#include <lapacke.h>

#include "matrix/matrix.h"

/* LAT_SHAPE, naming `name`, when a size of A is 0 or doesn't fit LAPACK's 32-bit integers. */
lat_status lat_lapack_fits(lat_workspace *work, const char *name, const lat_matrix *A);

/* A fresh float64 copy of A in the workspace, which LAPACK may overwrite: element (i, j) is
 * at i*cols + j. With lat_transpose(A) it is A column-major. Keeps the copy. */
lat_status lat_scratch(lat_workspace *work, lat_matrix A, double **copy);

/* After a call that asked for the size of its workspace (`query` is work[0], `info` what
 * the call returned): allocates it. Keeps it. */
lat_status lat_lapack_work(lat_workspace *work, const char *routine, lapack_int info, double query,
                           double **memory, lapack_int *length);

/* LAT_INVALID with the routine's name: LAPACK found argument -info wrong, which is a
 * mistake of ours. LAT_OK when info >= 0. */
lat_status lat_lapack_info(lat_workspace *work, const char *routine, lapack_int info);

/* BLAS's own threads for the time of a factorization of LAT_LAPACK_THREADED multiplications or
 * more; end gets the result of begin. */
int lat_lapack_begin(double multiplications);
void lat_lapack_end(int before);

/* LAT_SHAPE unless A is square (and fits LAPACK). */
lat_status lat_check_square(lat_workspace *work, const char *name, const lat_matrix *A);

/* LAT_SHAPE unless A is square, LAT_INVALID, naming the place, when it has a NaN or an
 * infinity, or isn't symmetric: |A[i,j] - A[j,i]| above 1e-10 of the largest magnitude
 * on or below the diagonal (1e-5 for float32). */
lat_status lat_check_symmetric(lat_workspace *work, const char *name, const lat_matrix *A);

#endif
