/* limits.h: block sizes and thresholds of core/matrix, with the reason for each value. Private.
 *
 * Sizes that cut a sum into parts determine its rounding: results change in their last bits with
 * them. Figures of time are of one thread of an AMD EPYC of 2024. */
#ifndef LAT_MATRIX_LIMITS_H
#define LAT_MATRIX_LIMITS_H

/* ---- calls of lat_check, and parallel work --------------------------------------------------- */

#define LAT_CHECK_ELEMENTS (1 << 20) /* elements between two calls where little is done with each */
#define LAT_CHECK_PIECE    (1 << 18) /* likewise, of a search for NaN and infinities: 0.1 ms */
#define LAT_COPY_BAND      (1 << 17) /* elements copied between two calls: some 0.2 ms */
#define LAT_JOB            65536 /* elements of a chunk of lat_parallel: some 50 us, ten wake-ups */

/* ---- copies and element-wise functions
 * ------------------------------------------------------------- */

/* The side of a square tile of a transposed copy: a tile and its transpose stay in the first
 * cache. */
#define LAT_COPY_TILE 32

#define LAT_WALK_TILE      512  /* elements of a walk's buffer: four of them are 16 KB */
#define LAT_WALK_SQUARE    32   /* columns of a tile where operands disagree in their order */
#define LAT_WALK_LONG_TILE 8192 /* elements of a tile when no operand needs a buffer */

/* ---- reductions ------------------------------------------------------------------------------ */

#define LAT_REDUCE_WIDTH     64   /* accumulators side by side, at least: several vectors */
#define LAT_REDUCE_LINES     512  /* and at most: two arrays of them are 8 KB */
#define LAT_REDUCE_BLOCK     128  /* rows added to one accumulator before it is merged */
#define LAT_REDUCE_BUFFER    2048 /* elements of a strided block that is gathered */
#define LAT_REDUCE_LONG_LINE 64   /* shorter lines are reduced many at a time */

#define LAT_SORT_SHORT 48 /* up to this length insertion sort is faster than counting digits */

/* ---- random numbers -------------------------------------------------------------------------- */

#define LAT_RANDOM_BLOCK 512   /* numbers drawn at once into strided memory: 4 KB of a stack */
#define LAT_RANDOM_BAND  65536 /* numbers scaled, or counted, between two calls of lat_check */

/* ---- products -------------------------------------------------------------------------------- */

#define LAT_PRODUCT_PARALLEL 1e6 /* multiplications from which a product is cut into chunks */
/* The largest tile of C: with so many rows and columns the copies that BLAS makes of its operands
 * cost little. A product with fewer than LEAST_TILES of them has smaller ones, of LEAST_ROWS or
 * more. */
#define LAT_PRODUCT_TILE_ROWS    384
#define LAT_PRODUCT_TILE_COLS    1536
#define LAT_PRODUCT_LEAST_ROWS   64
#define LAT_PRODUCT_LEAST_TILES  4
#define LAT_PRODUCT_PANEL        256 /* rows of a panel of a symmetric C */
#define LAT_PRODUCT_SLICES       16  /* of K, where C has at most SLICED_SIZE elements */
#define LAT_PRODUCT_SLICED_SIZE  (256 * 256)
#define LAT_PRODUCT_SLICED_DEPTH 4096 /* and K is at least this */
#define LAT_PRODUCT_STEP         4e8  /* multiplications of a chunk before lat_check: 20 ms */
#define LAT_PRODUCT_LEAST_STEP   192  /* of K: less is slower */
#define LAT_DOT_BLOCK            256  /* elements summed before the compensated sum of the blocks */

/* ---- moments --------------------------------------------------------------------------------- */

#define LAT_MOMENTS_PENDING 32 /* rank-one terms subtracted from the scatter in one product */
#define LAT_MOMENTS_CHUNKS                                                                         \
  LAT_GROUP_CHUNKS /* of a group, at least: all but the first are centred in one pass */

/* A sum of squares outside these may have overflowed or underflowed in part (scales.h). */
#define LAT_SCATTER_LARGE 0x1p1000
#define LAT_SCATTER_SMALL 0x1p-900
/* A constant column of this size has a mean whose rounding error can't be squared. */
#define LAT_CONSTANT_LARGE 0x1p500
/* Sums of squares of numbers whose largest is 2^e are in range for |e| up to this. */
#define LAT_EXPONENT_ORDINARY 400
/* Exponents of a column's unit: 2^-LEAST is finite, and 2^-MOST isn't 0. */
#define LAT_EXPONENT_LEAST (-1000)
#define LAT_EXPONENT_MOST  1024

/* Deviations that models can square and sum, and that they can divide by (spread.h). */
#define LAT_DEVIATION_SQUARED 0x1p490
#define LAT_DEVIATION_DIVIDED 0x1p1000
/* A mean may be larger by this factor: its rounding error is 2^-52 of it, and is squared. */
#define LAT_MEAN_FACTOR 0x1p50

/* ---- linear algebra -------------------------------------------------------------------------- */

#define LAT_LAPACK_THREADED 1e9 /* multiplications from which BLAS's own threads pay: 50 ms */

/* |A[i,j] - A[j,i]| of a symmetric matrix, relative to its largest entry, for either dtype. */
#define LAT_ASYMMETRY       1e-10
#define LAT_ASYMMETRY_FLOAT 1e-5

/* Magnitudes this close, relatively, count as equal where a sign is fixed: rounding can't order
 * them. */
#define LAT_SIGN_TIE 1e-10

#define LAT_TILE_WORK     2e8 /* multiplications of one call of BLAS: about 10 ms */
#define LAT_TILE_NARROW   192 /* the least side of a tile: less is slower */
#define LAT_FACTOR_LEAF   256 /* orders up to which LAPACK factors at once: below 10 ms */
#define LAT_LU_LEAF       64  /* columns, likewise, of any number of rows */
#define LAT_SYTRF_PANEL   64  /* columns of a panel of L D L' */
#define LAT_GETRI_COLUMNS 128 /* of an inverse that are solved for together */
#define LAT_SYTRS_COLUMNS 32  /* right sides of a symmetric system in one call */
#define LAT_LALSD_LEAF    25  /* LAPACK's own order of leaves of dlalsd */

#define LAT_QR_PANEL      32    /* Householder vectors computed together */
#define LAT_QR_PLAIN      1.5e7 /* m n^2 of a panel that LAPACK factors at once: some ms */
#define LAT_ORGQR_ROWS    8192  /* of a panel of Q formed at a time: 2 MB */
#define LAT_REFLECT_PANEL 64    /* Householder vectors applied together */
#define LAT_REFLECT_WORK  1e8   /* multiplications of one step of applying them: 5 ms */

#define LAT_SVD_TALL      1.6 /* rows a column from which A = Q R is cheaper than reducing A */
#define LAT_GEBRD_PANEL   32  /* rows and columns of the bidiagonal form computed together */
#define LAT_BDSVD_LEAF    128 /* orders of a bidiagonal SVD that LAPACK solves at once */
#define LAT_SECULAR_ROOTS 16  /* of the secular equation between two calls of lat_check */

#endif
