/* svd.h: the singular value decomposition. */
#ifndef LAT_MATRIX_LINEAR_SVD_H
#define LAT_MATRIX_LINEAR_SVD_H

#include "matrix/matrix.h"

/* A = U diag(s) V': A is N x D, r = min(N, D), U is N x r and V is D x r with
 * orthonormal columns, s (r x 1) descends and is >= 0. The signs, which the
 * definition leaves open, are those of lat_fix_signs(V, U).
 *
 * Any views and dtypes; the work is done in float64. U, V or both may be NULL when
 * they aren't wanted; without both only the singular values are computed, which is
 * several times as fast. The results don't overlap A or each other.
 *
 * Divide and conquer (LAPACK's dgesdd; Gu & Eisenstat 1995), and the QR iteration
 * (dgesvd; Golub & Van Loan, Matrix Computations, 4th ed., section 8.6) should that
 * not converge. Errors: LAT_INVALID for a NaN or an infinity in A, LAT_SHAPE,
 * LAT_MEMORY, LAT_DIVERGED when neither converges. */
lat_status lat_svd(lat_workspace *work, const lat_matrix *A, const lat_matrix *U, lat_matrix s,
                   const lat_matrix *V);

/* Multiplies columns of V by -1 where needed so that the entry of largest magnitude
 * of each is positive, and the same columns of U (or NULL) with them. Of entries
 * that agree in magnitude to 1 part in 10^10, which rounding can't order, the first
 * one counts. */
void lat_fix_signs(const lat_matrix *V, const lat_matrix *U);

#endif
