/* gemm.h: products of dense matrices for training: C := A B, A'B or A B', with an epilogue.
 *
 * Training multiplies matrices of some hundred rows and columns, where BLAS spends much of its time
 * on packing both operands, though they fit into the caches. Here only B is packed, a panel at a
 * time, which also transposes it where needed; A is read in place, transposed or not, by the
 * kernels of matrix/tile.h.
 *
 * How the work is cut depends on the sizes only, so results are the same for every number of
 * threads. */
#ifndef LAT_NN_GEMM_H
#define LAT_NN_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "matrix/matrix.h"

/* Called for each block of C when it is complete, by the thread that computed it. */
typedef void lat_gemm_finish(void *context, size_t row, size_t rows, size_t col, size_t cols);

typedef struct lat_gemm {
  lat_dtype dtype;
  size_t rows, cols, depth; /* C is rows x cols */
  const void *A, *B;
  void *C;
  size_t A_stride, B_stride, C_stride; /* elements from one row in memory to the next */
  bool A_transposed, B_transposed;     /* A is stored as depth x rows, B as cols x depth */
  bool add;                            /* C += instead of C := */
  lat_gemm_finish *finish;             /* or NULL */
  void *context;
  lat_workspace *work; /* for lat_check between chunks; or NULL */
} lat_gemm;

/* Sizes are at least 1; C doesn't overlap A or B. Uses the thread pool when the work is large
 * enough. Fails only as lat_check does, and C is then incomplete. */
lat_status lat_gemm_run(const lat_gemm *g);

#endif
