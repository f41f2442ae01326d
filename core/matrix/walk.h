/* walk.h: the one loop under every element-wise function.
 *
 * A kernel is independent of layouts: it gets n numbers of each operand side by
 * side. The walk supplies them from views of any strides and of both dtypes, tile by
 * tile: where an operand's tile lies side by side in memory the kernel gets it in
 * place, else through a buffer on the stack that stays in the first cache. The
 * order of the walk is that of most operands: a transpose is walked by
 * its columns, packed matrices as one long row, and where layouts disagree tiles
 * are square, so that a cache line is used up before it is evicted. Operands that
 * repeat (strides of 0, from broadcasting) are laid out once. */
#ifndef LAT_MATRIX_WALK_H
#define LAT_MATRIX_WALK_H

#include "matrix/matrix.h"

#define LAT_WALK_OPERANDS 4

/* Element k of operand[0] := a function of element k of the others, for k < n.
 * operand[0] may be one of the others. */
typedef void lat_element_kernel(size_t n, void *const operand[]);

/* Runs the kernel over all elements of `count` operands, views of one shape. The
 * kernel works on numbers of type `dtype`; others are converted. The first operand is
 * written: another one may be the same view but must not overlap it otherwise.
 * Large arrays are cut into chunks for lat_parallel; every element's result is the
 * same however they are cut. LAT_CANCELLED as by lat_check; `work` may be NULL. */
lat_status lat_walk(lat_workspace *work, lat_element_kernel *kernel, lat_dtype dtype, size_t count,
                    const lat_matrix operand[]);

#endif
