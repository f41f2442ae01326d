/* steady.h: the steady state of a Kalman filter.
 *
 * Where A, C, Q and R don't change and nothing is missing, the covariance P of the predicted state
 * goes, whatever it began with, to the solution of the discrete algebraic Riccati equation
 *
 *   P = A (P - P C' inv(S) C P) A' + Q,   S = C P C' + R
 *
 * as long as every direction of the state that doesn't die out is observed (detectable) and, so
 * that the limit doesn't depend on the start, moved by the noise (stabilizable): Anderson, Moore,
 * Optimal Filtering, 1979, 4.4. */
#ifndef LAT_EM_LDS_STEADY_H
#define LAT_EM_LDS_STEADY_H

#include "matrix/matrix.h"

/* P (n x n, exactly symmetric) from A, Q (n x n), C (p x n) and R (p x p). By doubling: each
 * iteration of O(n^3) goes twice as many steps (Chu, Fan, Lin, Wang, International Journal of
 * Control 77, 2004). R may be singular.
 *
 * Errors: LAT_SHAPE; LAT_INVALID for NaN and infinities; LAT_SINGULAR unless C Q C' + R is
 * positive definite; LAT_DIVERGED when the filter has no steady state. */
lat_status lat_lds_steady(lat_workspace *work, const lat_matrix *A, const lat_matrix *C,
                          const lat_matrix *Q, const lat_matrix *R, const lat_matrix *P);

#endif
