/* pairs.h: distances of pairs of rows of two samples, a block at a time. Private to the folder. */
#ifndef LAT_MATRIX_SAMPLES_PAIRS_H
#define LAT_MATRIX_SAMPLES_PAIRS_H

#include "matrix/matrix.h"

enum {
  LAT_PAIR_BLOCK = 512, /* rows of one sample: their distances stay in the first cache */
  LAT_PAIR_ROWS = 32    /* of the other in a chunk of lat_parallel */
};

typedef struct lat_sample {
  size_t n, D;
  double *rows;    /* n x D */
  double *columns; /* D x n */
} lat_sample;

/* s := A times 2^-e, by rows and by columns. Keeps them. */
lat_status lat_sample_take(lat_workspace *work, const lat_matrix *A, int e, lat_sample *s);

/* squares[j] := |x - y_j|^2 for `count` rows of Y, whose columns are `stride` numbers apart. */
void lat_pair_squares(size_t D, const double *x, const double *columns, size_t stride, size_t count,
                      double *squares);

/* The sum of the roots of `count` numbers, in eight sums, which are then added. */
double lat_sum_roots(size_t count, const double *squares);

#endif
