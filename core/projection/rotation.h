/* rotation.h: rotations of loadings to simple structure, where each variable has few large ones.
 *
 * Loadings Lambda (D x M) of a factor model x = Lambda z are determined up to z := inv(T) z, Lambda
 * := Lambda T. Both criteria are those of R's functions of the same names. T is M x M, row-major;
 * columns of the new loadings are in descending order of their sums of squares, and the largest
 * entry of each in magnitude is positive. */
#ifndef LAT_PROJECTION_ROTATION_H
#define LAT_PROJECTION_ROTATION_H

#include "matrix/matrix.h"

/* The orthogonal T for which the squares of each column vary most: the sum over columns of the
 * variance of the squared loadings is greatest, each row having been scaled to length 1 (Kaiser's
 * normalization, which makes T independent of the scales of the variables). By plane rotations,
 * each of which is exact (Kaiser, Psychometrika 23, 1958), until no angle is above 1e-12. */
lat_status lat_varimax(lat_workspace *work, size_t D, size_t M, const double *loadings, double *T);

/* An oblique T: varimax, then the least-squares fit of its loadings to their own 4th powers (signs
 * kept), scaled so that the factors z have variance 1 (Hendrickson, White, British Journal of
 * Statistical Psychology 17, 1964). Their correlations Phi = inv(T'T) go to `correlations` (M x M).
 * LAT_SINGULAR when loadings have a lower rank than M. */
lat_status lat_promax(lat_workspace *work, size_t D, size_t M, const double *loadings, double *T,
                      double *correlations);

/* Brings the columns of T to these signs and, with `sort`, to this order, and `correlations` (or
 * NULL) with them. */
lat_status lat_fix_loadings(lat_workspace *work, size_t D, size_t M, const double *loadings,
                            bool sort, double *T, double *correlations);

#endif
