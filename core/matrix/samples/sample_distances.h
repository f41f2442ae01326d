/* sample_distances.h: how far apart two samples are, as draws from two distributions.
 *
 * Rows are observations: X is N x D, Y is M x D. Both distances are 0 only for equal distributions,
 * and both see what comparisons column by column don't: they need no density, so that draws of any
 * model can be compared with data.
 *
 *   energy distance   2 E|x - y| - E|x - x'| - E|y - y'|
 *   Wasserstein       (min over couplings of E|x - y|^p)^(1/p): the cost of moving one onto the
 *                     other
 *
 * with Euclidean distances. Of samples neither is 0: two of the same distribution are apart, by
 * sampling alone, which is what a model's number should be compared with. */
#ifndef LAT_MATRIX_SAMPLE_DISTANCES_H
#define LAT_MATRIX_SAMPLE_DISTANCES_H

#include "matrix/matrix.h"

enum { LAT_MOST_POWER = 64 }; /* of a Wasserstein distance */

/* e such that 2^-e brings the largest number of both near 1. */
int lat_sample_exponent(const lat_matrix *X, const lat_matrix *Y);

/* squares[i M + j] := |x_i - y_j|^2 of rows times 2^-exponent (0: as they are), from differences,
 * not from products: near ones keep their digits. On the thread pool. Not checked for NaN. */
lat_status lat_squared_distances(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y,
                                 int exponent, double *squares);

/* *distance := 2/(N M) sum |x_i - y_j| - 1/N^2 sum |x_i - x_j| - 1/M^2 sum |y_i - y_j|, over all
 * pairs (Szekely and Rizzo, Journal of Statistical Planning and Inference 143, 2013), >= 0; its
 * root is what some call the distance. N^2 + N M + M^2 distances on the thread pool, and memory for
 * the rows only; the same bits for every number of threads. LAT_SHAPE for other columns, or no
 * rows; LAT_INVALID for NaN and infinities. */
lat_status lat_energy_distance(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y,
                               double *distance);

/* *distance := W_p of the two samples, every row of the same weight, 1 <= p: exact. In one column
 * (1/n sum |x_(i) - y_(i)|^p)^(1/p) of the sorted numbers, also for other sizes, where it is the
 * integral over the quantile functions. In several columns sizes must be equal: an optimal coupling
 * is then an assignment (assignment.h), which takes N^2 numbers of memory and up to N^3 steps.
 * Errors as above, and LAT_SHAPE for N and M that differ. */
lat_status lat_wasserstein(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y, double p,
                           double *distance);

#endif
