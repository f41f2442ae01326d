/* tridiagonal.h: eigenpairs of a symmetric matrix by its tridiagonal form, in steps between which
 * lat_check is called (matrix/linear/blocked.h). Private. Column-major, lower triangles. */
#ifndef LAT_EIGEN_TRIDIAGONAL_H
#define LAT_EIGEN_TRIDIAGONAL_H

#include "matrix/linear/blocked.h"

/* Q' A Q = T, as dsytrd: d (n), e (n-1), the vectors of Q below A's first subdiagonal. */
lat_status lat_sytrd(lat_workspace *work, int n, double *a, int lda, double *d, double *e,
                     double *tau);

/* T = Z diag(d) Z' with d ascending, of T with diagonal d and e beside it, both of which are
 * overwritten; of Z, n x n, only the last k columns are wanted. Divide and conquer (Cuppen 1981; Gu
 * and Eisenstat 1995). `info` > 0 when it failed. */
lat_status lat_tridiagonal(lat_workspace *work, int n, int k, double *d, double *e, double *Z,
                           int ldz, int *info);

#endif
