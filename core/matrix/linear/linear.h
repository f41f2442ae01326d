/* linear.h: norms, trace, rank and pseudo-inverse. */
#ifndef LAT_MATRIX_LINEAR_LINEAR_H
#define LAT_MATRIX_LINEAR_LINEAR_H

#include "matrix/matrix.h"

typedef enum lat_norm_kind {
  LAT_NORM_FROBENIUS, /* the root of the sum of squares; a vector's length */
  LAT_NORM_ONE,       /* the largest column sum of magnitudes; a vector's sum of them */
  LAT_NORM_TWO,       /* the largest singular value; a vector's length */
  LAT_NORM_INFINITY,  /* the largest row sum of magnitudes; a vector's largest one */
  LAT_NORM_MAX,       /* the largest magnitude */
  LAT_NORM_NUCLEAR    /* the sum of the singular values */
} lat_norm_kind;

/* A norm of any view (a vector is n x 1). It overflows only when its value does. A NaN in A
 * gives NaN, except for singular values: LAT_INVALID. */
lat_status lat_norm(lat_workspace *work, const lat_matrix *A, lat_norm_kind kind, double *norm);

/* The sum of the diagonal; LAT_SHAPE unless A is square. */
lat_status lat_trace(lat_workspace *work, const lat_matrix *A, double *trace);

/* The number of singular values above tolerance (see lat_rank_tolerance) times the largest. */
lat_status lat_rank(lat_workspace *work, const lat_matrix *A, double tolerance, size_t *rank);

/* The Moore-Penrose inverse P (D x N) of A (N x D): V diag(1/s) U' over the singular values
 * above tolerance times the largest. P may overlap A. Golub & Van Loan, 4th ed., 5.5.2. */
lat_status lat_pinv(lat_workspace *work, const lat_matrix *A, double tolerance,
                    const lat_matrix *P);

#endif
