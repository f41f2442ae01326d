/* weighted_rows.h: rows of data that have weights: checks, sums, centring. */
#ifndef LAT_MATRIX_WEIGHTED_ROWS_H
#define LAT_MATRIX_WEIGHTED_ROWS_H

#include "matrix/matrix.h"

/* LAT_INVALID unless all n weights are finite, >= 0, and not all 0. *sum := their sum; or NULL. */
lat_status lat_check_weights(lat_workspace *work, const lat_matrix *weights, double *sum);

/* The sum of n weights, or n where they are NULL. */
double lat_total_weight(const double *weights, size_t n);

/* float64, with the elements of each row side by side. */
bool lat_rows_are_packed(const lat_matrix *X);

/* sums (D) := the sum of the rows of X, which are packed, times their weights (or NULL: 1). */
void lat_add_up_rows(const lat_matrix *X, const double *weights, double *sums);

/* Y := sqrt(w) (X - 1 mean') diag(1/deviation), packed N x D; weights, mean or deviation may
 * be NULL. X has any strides and dtype. */
void lat_centre(const lat_matrix *X, const double *weights, const double *mean,
                const double *deviation, double *Y);

#endif
