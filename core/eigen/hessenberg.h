/* hessenberg.h: eigenvalues of a general matrix by its Hessenberg form, in steps between which
 * lat_check is called (matrix/linear/blocked.h). Private. Column-major. */
#ifndef LAT_EIGEN_HESSENBERG_H
#define LAT_EIGEN_HESSENBERG_H

#include "matrix/linear/blocked.h"

/* The eigenvalues of the n x n matrix a, which is destroyed, and, unless v is NULL, their vectors
 * of length 1 in the columns of v (n x n), those of a complex pair as real and imaginary part:
 * balanced, brought to Hessenberg form, iterated by QR, substituted back. `info` > 0 when the
 * iteration didn't converge. Keeps scratch. */
lat_status lat_schur_vectors(lat_workspace *work, int n, double *a, double *real, double *imaginary,
                             double *v, int *info);

/* The eigenvalues of the Hessenberg matrix h (n x n), which is triangular except for rows and
 * columns low..high (from 1), and, unless z is NULL, the triangle T of H = U T U' in place of h,
 * with 2 x 2 blocks for complex pairs, and z := z U. As dhseqr, in rounds between which lat_check
 * is called. */
lat_status lat_schur(lat_workspace *work, int n, int low, int high, double *h, double *real,
                     double *imaginary, double *z, int *info);

#endif
