/* weights.h: log-likelihoods by importance sampling, from the logarithms of weights, a few draws at
 * a time. */
#ifndef LAT_DEEP_COMMON_WEIGHTS_H
#define LAT_DEEP_COMMON_WEIGHTS_H

#include "matrix/matrix.h"

/* Sums of w and w^2 over the draws so far, relative to the largest log w; { .largest = -INFINITY }
 * has none. */
typedef struct lat_weights {
  double largest, sum, squares;
} lat_weights;

/* Adds draws, whose log w are the row i of A. */
void lat_weights_add(lat_weights *weights, const lat_matrix *A, size_t i);

/* log 1/K sum_k w_k of the K draws: -infinity where all are 0. */
double lat_weights_log_mean(const lat_weights *weights, size_t K);

/* The effective number of draws, (sum w)^2 / sum w^2; 0 where all are 0. */
double lat_weights_effective(const lat_weights *weights);

#endif
