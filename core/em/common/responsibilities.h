/* responsibilities.h: from log p(x, k) to log p(x) and p(k | x), for every mixture.
 *
 * Blocks are component-major: K x n, a row for each component, so that all steps are loops over
 * the n observations of the block, which the compiler turns into vector code. */
#ifndef LAT_EM_COMMON_RESPONSIBILITIES_H
#define LAT_EM_COMMON_RESPONSIBILITIES_H

#include <stddef.h>

#include "matrix/matrix.h"

/* joint (K x n, packed): log p(x_i, k) becomes p(k | x_i), where less than 1e-200 is 0; log_sum
 * (n): log p(x_i), the log-sum-exp of column i, which neither over- nor underflows. A NaN or an
 * infinity in a column makes its log_sum NaN. `scratch` is for 2n numbers. */
void lat_responsibilities(size_t K, size_t n, double *joint, double *log_sum, double *scratch);

/* Whether log p(x) of a finite row says nothing about its component: its distances from all of them
 * overflow when they are squared. It is then -infinity, though what was computed may be NaN. */
bool lat_is_far(double *log_sum);

/* LAT_INVALID, naming the row (from 1), unless it is 0: for those who ask about components. */
lat_status lat_check_far(lat_workspace *work, size_t row);

/* The lower bound of log p(x) by the responsibilities q (K x n), and how far below it is:
 *
 *   bound_i = sum_k q_ki (log p(x_i, k) - log q_ki)
 *   kl_i    = sum_k q_ki (log q_ki - log p(k | x_i)) = log p(x_i) - bound_i >= 0
 *
 * (Bishop, Pattern Recognition and Machine Learning, 9.4). Both are summed by themselves; columns
 * of q add up to 1, and 0 log 0 is 0. joint is log p(x_i, k), log_sum as above. */
void lat_elbo(size_t K, size_t n, const double *joint, const double *log_sum, const double *q,
              double *bound, double *kl);

/* LAT_INVALID, naming row and component, unless the rows of q (N x K) are distributions: numbers
 * >= 0 that add up to 1, to 1e-6. */
lat_status lat_check_responsibilities(lat_workspace *work, const lat_matrix *q);

#endif
