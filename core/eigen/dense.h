/* dense.h: copies, checks and the direct solver that the dense eigensolvers share. Private. */
#ifndef LAT_EIGEN_DENSE_H
#define LAT_EIGEN_DENSE_H

#include "eigen/eigen.h"
#include "eigen/limits.h"

/* An n x n float64 copy of the matrix `name`, multiplied by 2^-exponent, which brings
 * the largest entry into [1/2, 1). A NaN, an infinity and sizes that don't fit LAPACK
 * or aren't square fail. Keeps the copy. */
lat_status lat_square_scratch(lat_workspace *work, const char *name, const lat_matrix *A,
                              double **copy, int *exponent);

/* The same for a symmetric matrix: entries and their transposed ones are replaced by their mean;
 * LAT_INVALID, naming the first pair, when two are further apart than 1e-10 of the largest entry.
 * Keeps the copy. */
lat_status lat_symmetric_scratch(lat_workspace *work, const char *name, const lat_matrix *A,
                                 double **copy, int *exponent);

/* The k largest eigenpairs of the packed symmetric n x n matrix `a`, which is destroyed, by its
 * tridiagonal form and divide and conquer; only k vectors are computed. `values` (k)
 * and, unless NULL, `vectors` (n x k, signs open) are set to views of workspace memory, in
 * descending order. With `threads` BLAS may use its own, which changes last bits with their number.
 * Keeps them, and scratch. */
lat_status lat_symmetric_lapack(lat_workspace *work, double *a, size_t n, size_t k, bool threads,
                                lat_matrix *values, lat_matrix *vectors);

/* LAT_SHAPE unless values is a vector of 1 to n and vectors, if any, n x values.rows. */
lat_status lat_check_results(lat_workspace *work, size_t n, const lat_matrix *values,
                             const lat_matrix *vectors);

/* x := 2^exponent x, and B := 2^exponent A */
void lat_scale_power(double *x, size_t n, int exponent);
lat_status lat_copy_scaled(lat_workspace *work, const lat_matrix *A, int exponent,
                           const lat_matrix *B);

#endif
