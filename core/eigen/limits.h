/* limits.h: block sizes and thresholds of core/eigen, with the reason for each value. Private.
 *
 * Those that choose a solver or cut a sum determine the last bits of results. */
#ifndef LAT_EIGEN_LIMITS_H
#define LAT_EIGEN_LIMITS_H

/* Rows from which LAPACK gets BLAS's own threads: for smaller matrices they cost more than they
 * save, and results would depend on their number. */
#define LAT_EIGEN_THREADED 1000

/* What all eigenpairs of a symmetric matrix cost beside a product of n x n matrices, n^3: half of
 * the reduction to tridiagonal form is products with a vector, at a quarter of the speed. */
#define LAT_SYMMETRIC_COST(n) (16. / 3 * (n) * (n) * (n))

/* ---- the symmetric problem ------------------------------------------------------------------- */

#define LAT_SYTRD_PANEL   32   /* columns of the tridiagonal form computed together */
#define LAT_SYR2K_COLUMNS 1024 /* of its update between two calls of lat_check */
#define LAT_STEDC_LEAF    256 /* orders of a tridiagonal matrix that LAPACK solves at once: 10 ms */

/* From this order on, and for fewer than one in SHARE of the eigenvalues, a Krylov space is tried
 * first: for less the direct solvers are as fast. Likewise for singular values. */
#define LAT_SYMMETRIC_KRYLOV_ORDER 400
#define LAT_SYMMETRIC_KRYLOV_SHARE 16
#define LAT_SVD_KRYLOV_ORDER       200
#define LAT_SVD_KRYLOV_SHARE       10

/* Residuals relative to ||A|| that a Krylov space must reach to replace a direct solver, which has
 * about this; and ||A'u - s v|| relative to s_1, by which its singular triplets are tested. */
#define LAT_DIRECT_TOLERANCE  1e-14
#define LAT_TRIPLET_TOLERANCE 1e-12

/* ---- the general problem --------------------------------------------------------------------- */

/* Real parts this close, relative to the largest modulus, count as equal and are ordered by
 * modulus. */
#define LAT_EIGEN_TIE 1e-13

#define LAT_HESSENBERG_PANEL 32  /* columns of the Hessenberg form computed together */
#define LAT_HESSENBERG_LAST  128 /* the last columns, which LAPACK reduces at once */
#define LAT_HESSENBERG_WORK  5e7 /* multiplications of its update between two calls of lat_check */
#define LAT_TREVC_WORK       2e7 /* and of back substitution */

#define LAT_SCHUR_AT_ONCE 256 /* orders that LAPACK iterates at once */
#define LAT_SCHUR_SMALL   75 /* orders of an active block that it iterates at once (its own NMIN) */
#define LAT_SCHUR_SHIFTS  64 /* shifts of a sweep, at most: its U stays in the second cache */
#define LAT_SCHUR_FEWEST  12 /* and at least */
#define LAT_SCHUR_WIDE    500  /* the order from which windows are wider than sweeps (iparmq) */
#define LAT_SCHUR_SWEEP   2e8  /* n^2 times shifts of a sweep: 40 ms */
#define LAT_SCHUR_NIBBLE  0.14 /* share of a window: if more is deflated no sweep follows */
#define LAT_SCHUR_STALLED 6    /* rounds without deflation before shifts are exceptional (dlaqr0) */
#define LAT_SCHUR_ROUNDS  30   /* a row of the matrix, at most (dlaqr0) */

/* ---- products of X'X (gram.c) ---------------------------------------------------------------- */

#define LAT_GRAM_PIECE      65536 /* elements of X, in the cache between its two products */
#define LAT_GRAM_LEAST_ROWS 16    /* of a piece */
#define LAT_GRAM_PARTS      8     /* separate sums: so many threads can work */

/* ---- block Krylov spaces --------------------------------------------------------------------- */

/* Columns of a block: fewer cost the same, as the operator is read once for all; more than 32 make
 * the projected problem costly. */
#define LAT_KRYLOV_BLOCK_LEAST 4
#define LAT_KRYLOV_BLOCK_MOST  32
#define LAT_KRYLOV_BLOCKS      10    /* of the basis besides the k vectors, by default */
#define LAT_KRYLOV_ITERATIONS  1000  /* by default */
#define LAT_KRYLOV_TOLERANCE   1e-10 /* by default: of residuals, relative to ||A|| */

#define LAT_KRYLOV_ASYMMETRIC 1e-5  /* of ||A||: above the rounding errors of float32 products */
#define LAT_KRYLOV_NOISE      1e-14 /* of ||A||: a direction shorter than that is rounding error */
#define LAT_KRYLOV_WELL       1e-4  /* least ratio of pivots for Cholesky QR, which squares it */
#define LAT_KRYLOV_KEPT       0.1   /* length left of a unit vector that is still accurate */
#define LAT_KRYLOV_PASSES     5 /* of Gram-Schmidt, at most: two suffice unless directions vanish */
#define LAT_KRYLOV_LARGE      1e30 /* of a scaled product, above which the scale is renewed */
#define LAT_KRYLOV_PROBES     4    /* products of random directions before they are trusted */

#endif
