/* limits.h: block sizes, thresholds and stream numbers of core/nn, with the reason for each.
 * Private.
 *
 * Sizes that cut a sum into parts determine its rounding: results change in their last bits with
 * them. */
#ifndef LAT_NN_LIMITS_H
#define LAT_NN_LIMITS_H

#include <stdint.h>

/* ---- parallel work --------------------------------------------------------------------------- */

#define LAT_NN_WORTH       ((size_t)1 << 16) /* operations a chunk: 30 us, several wake-ups */
#define LAT_NN_MOST_CHUNKS 16                /* of an operation: more threads gain little */
#define LAT_NN_LARGE       4096              /* items from which chunks are whole cache lines */
#define LAT_NN_LINE        64                /* items of a cache line of any type */

/* ---- products (gemm.c) ----------------------------------------------------------------------- */

#define LAT_GEMM_DEPTH  1024           /* rows of a packed panel of B: 128 KB on the stack */
#define LAT_GEMM_WIDTH  (2 * LAT_TILE) /* its columns; twice as many of float */
#define LAT_GEMM_BORDER 64             /* rows of C in a buffer where a panel isn't whole */
#define LAT_GEMM_FEW    24             /* rows of C up to which packing B doesn't pay */
#define LAT_GEMM_UNIT   24             /* rows: whole tiles of every vector width */
#define LAT_GEMM_WORTH  4e6            /* multiplications of a chunk: 30 us, several wake-ups */
#define LAT_GEMM_LONG   64 /* so many times WORTH in a chunk, at most: 10 ms to lat_check */

/* ---- sums ------------------------------------------------------------------------------------ */

#define LAT_NN_PARTS  16   /* accumulators side by side: a vector of float32 of AVX-512 */
#define LAT_NN_SHORT  512  /* numbers added in float32 before a sum in double: 32 an accumulator */
#define LAT_NN_TERMS  256  /* likewise, of terms that are computed */
#define LAT_NN_FLUSH  256  /* rows of a column's sum in float32 */
#define LAT_NN_STRIP  256  /* columns of a strip that is summed down its rows: in the first cache */
#define LAT_NN_NARROW 128  /* columns of narrow rows that are taken together: 8 vectors */
#define LAT_NN_PIECE  4096 /* elements of a piece of a sum over all */
#define LAT_NN_ROW    2048 /* elements of a row into which values of one shape are cut */

/* ---- tapes and stores ------------------------------------------------------------------------ */

#define LAT_TAPE_BLOCK      256               /* nodes of a block: 2^8, see lat_tape_at */
#define LAT_TAPE_SLAB       ((size_t)1 << 16) /* bytes of the least arena */
#define LAT_STORE_PIECE     8192              /* elements of a piece of a sum over a store */
#define LAT_STORE_LINE      16 /* elements to whole multiples of which parameters are padded */
#define LAT_CHECKPOINT_BAND ((size_t)1 << 18) /* elements checked between two calls of lat_check */

/* Streams of random numbers. Of a store: initial values of parameter i, streams STORE_STREAM + i of
 * its seed. Of a tape: noise of node n in step s, stream s 2^24 + n of its seed, for up to 2^24
 * nodes a step. */
#define LAT_STORE_STREAM     ((uint64_t)1 << 63)
#define LAT_TAPE_STREAM_BITS 24

/* ---- invertible maps (ops_flow.c, ops_spline.c) ---------------------------------------------- */

#define LAT_FLOW_LANES 16 /* rows side by side: a vector of float32 of AVX-512 */
#define LAT_FLOW_LEAST_SLOPE                                                                       \
  1e-4                     /* of planar and radial maps: an inverse loses four digits there */
#define LAT_FLOW_SOLVE 100 /* steps of a solution: halving alone needs 60 */
/* Of splines: the least part of an equal share of the box that a bin has, and the least slope at a
 * knot. Together they bound slopes of 8 bins by 1e-2 and 1e2, and so what an inverse loses a map:
 * with the ten times less of the paper's code three maps lose four digits more, far out, and fit
 * the two moons no better (1.327 and 1.328 nats). */
#define LAT_SPLINE_LEAST_SHARE 0.08
#define LAT_SPLINE_LEAST_SLOPE 1e-2

#define LAT_LEAK 0.01 /* leaky_relu's slope for x < 0, as an activation (Maas et al. 2013) */

#endif
