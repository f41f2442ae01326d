/* reduce.h: sums over the axes of a value, for several operations. Private to nn. */
#ifndef LAT_NN_REDUCE_H
#define LAT_NN_REDUCE_H

#include "nn/kernels.h"

/* slot (+)= scale times the sums of A, rows x cols, over the axis. Partial sums are of fixed
 * pieces, in double from some hundred elements on. */
void lat_sum_axis(lat_tape *tape, const void *A, size_t rows, size_t cols, lat_axis axis,
                  double scale, lat_slot slot);

/* The same over the axes along which a rows2 x cols2 operand was broadcast. */
void lat_sum_to(lat_tape *tape, const void *A, size_t rows, size_t cols, size_t rows2, size_t cols2,
                lat_slot slot);

#endif
