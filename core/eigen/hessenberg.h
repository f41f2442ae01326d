/* hessenberg.h: eigenvalues of a general matrix by its Hessenberg form, in steps between which lat_check
 * is asked (matrix/blocked.h). Not for hosts. Column-major. */
#ifndef LAT_EIGEN_HESSENBERG_H
#define LAT_EIGEN_HESSENBERG_H

#include "matrix/linear/blocked.h"

/* The eigenvalues of the n x n matrix a, which is destroyed, and, unless v is NULL, their vectors of
 * length 1 in the columns of v (n x n), those of a complex pair as real and imaginary part: balanced,
 * brought to Hessenberg form, iterated by QR (dhseqr, in one call), substituted back. `info` > 0 when
 * the iteration gave up. Keeps scratch. */
lat_status lat_schur_vectors(lat_workspace *work, int n, double *a, double *real, double *imaginary,
                             double *v, int *info);

#endif
