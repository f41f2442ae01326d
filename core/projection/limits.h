/* limits.h: thresholds and block sizes of core/projection, with the reason for each; ICA's are in
 * ica_internal.h. Private. */
#ifndef LAT_PROJECTION_LIMITS_H
#define LAT_PROJECTION_LIMITS_H

/* An eigenvalue below this times D of the largest is rounding noise: its direction has no
 * variance. */
#define LAT_RANK_NOISE 1e-14

/* The Krylov space of LAT_PCA_RANDOMIZED: products before the exact solver is used, and when AUTO
 * chooses it: for fewer than one in SHARE of more than ORDER directions, where it needs fewer
 * operations. */
#define LAT_PCA_PRODUCTS 60
#define LAT_PCA_SHARE    5
#define LAT_PCA_ORDER    200

/* Rounding of a sum of shares of the variance, which may fall short of 1. */
#define LAT_SHARE_ROUNDING 1e-12

/* Eigenvalues this close, relatively, count as equal in the evidence: Laplace's method fails for
 * them. */
#define LAT_EQUAL_EIGENVALUES 1e-10

/* Elements of a chunk of columns of the Gram matrix (1 MB), and columns at least. */
#define LAT_GRAM_NUMBERS 131072
#define LAT_GRAM_COLUMNS 64

/* Rows of a chunk of incremental PCA, at least; and the singular values that are kept. */
#define LAT_INCREMENTAL_ROWS  256
#define LAT_INCREMENTAL_NOISE 1e-15

/* Varimax: sweeps, at most; angles below which nothing is rotated, and below which it has
 * converged; and the share of a criterion's terms that is rounding. */
#define LAT_VARIMAX_SWEEPS    1000
#define LAT_VARIMAX_ANGLE     1e-15
#define LAT_VARIMAX_CONVERGED 1e-12
#define LAT_VARIMAX_NOISE     1e-14
/* Magnitudes this close, relatively, count as equal where the sign of loadings is fixed. */
#define LAT_LOADINGS_TIE 1e-10

/* Beyond this x - m may overflow, though (x - m)/s and m + s x don't. */
#define LAT_SCALER_LARGE 0x1p1020

#endif
