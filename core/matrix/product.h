/* product.h: products of matrices and vectors. */
#ifndef LAT_MATRIX_PRODUCT_H
#define LAT_MATRIX_PRODUCT_H

#include "matrix/matrix.h"

/* C := alpha A B + beta C, where A is M x K, B is K x N, C is M x N.
 *
 * A view one of whose strides is 1 is read by BLAS in place, a transpose included;
 * others (two strides, negative or zero ones, a dtype that isn't C's) are packed
 * into the workspace first. A vector may have any positive stride. C may overlap A or
 * B, and with beta = 0 is not read. When B is the transpose of the view A (and beta
 * is 0) half of the work is done, and C is exactly symmetric.
 *
 * Above about 10^6 multiplications the work is cut by the sizes alone, into panels
 * of C or, when C is small, into slices of K whose products are added in order:
 * the bits are the same for every number of threads.
 *
 * Errors: LAT_SHAPE, with the sizes; LAT_MEMORY; LAT_CANCELLED, with C half done. */
lat_status lat_product(lat_workspace *work, double alpha, const lat_matrix *A, const lat_matrix *B,
                       double beta, const lat_matrix *C);

/* The sum of A[i,j] B[i,j], for views of one shape and any dtypes: the dot product of
 * vectors, the Frobenius product of matrices. Summed in double in blocks of 256, the
 * blocks with Neumaier's compensation (ZAMM 54, 1974), so that the error does not grow
 * with the length. */
double lat_dot(const lat_matrix *A, const lat_matrix *B);
/* The same for long ones: calls lat_check as it goes. */
lat_status lat_inner(lat_workspace *work, const lat_matrix *A, const lat_matrix *B, double *inner);

#endif
