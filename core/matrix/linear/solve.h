/* solve.h: systems of linear equations, and least squares.
 *
 * Any views and dtypes; the work is done in float64. A result may overlap the
 * arguments. A NaN or an infinity in them is LAT_INVALID. */
#ifndef LAT_MATRIX_LINEAR_SOLVE_H
#define LAT_MATRIX_LINEAR_SOLVE_H

#include "matrix/linear/factor.h"

/* X with A X = B, where A is n x n, B and X are n x m. `rcond` gets the estimate of
 * lat_reciprocal_condition: an exactly singular A is LAT_SINGULAR, an ill-conditioned one
 * has the solution of a nearby system and a small rcond. */
lat_status lat_solve(lat_workspace *work, lat_structure structure, const lat_matrix *A,
                     const lat_matrix *B, const lat_matrix *X, double *rcond);

/* The inverse of an n x n matrix by LU, and rcond, as in lat_solve, which should be preferred
 * where a solution is what is wanted. */
lat_status lat_inverse(lat_workspace *work, const lat_matrix *A, const lat_matrix *inverse,
                       double *rcond);

/* The share of the largest singular value below which one counts as 0, when the caller has
 * no better: max(N, D) times the rounding unit of A's dtype (2^-52 or 2^-23). */
double lat_rank_tolerance(const lat_matrix *A);

/* X (D x m) with the smallest |A X - B|, and of all such X the smallest, column by column:
 * A is N x D, B is N x m. `rank` is the number of singular values above tolerance times the
 * largest, `residual` the sum of the squares of A X - B.
 *
 * Where N >= D and A is clearly of full rank the solution is unique and found by Householder
 * QR, whose accuracy doesn't depend on the scales of A's columns; else by the singular value
 * decomposition (dgelsd). Golub & Van Loan, Matrix Computations, 4th ed., sections 5.3, 5.5. */
lat_status lat_least_squares(lat_workspace *work, const lat_matrix *A, const lat_matrix *B,
                             double tolerance, const lat_matrix *X, size_t *rank, double *residual);

#endif
