/* assignment.h: the optimal assignment.
 *
 * Components of a mixture have no names: two fits agree up to a permutation. Which component of
 * one is which of the other is the assignment of least total cost. So is the optimal transport
 * between two samples of the same size (sample_distances.h). */
#ifndef LAT_MATRIX_ASSIGNMENT_H
#define LAT_MATRIX_ASSIGNMENT_H

#include "base/workspace.h"

#define LAT_ASSIGNMENT_MOST 1e300 /* the largest cost: sums of n of them are finite */

/* columns[i] (n, from 0) := the column given to row i of the n x n costs (row-major), each column
 * once, so that the sum of cost[i, columns[i]] is least: exactly, but for rounding. By an auction
 * that gives nearly optimal potentials, and shortest augmenting paths from there (Jonker and
 * Volgenant, Computing 38, 1987): n^3 steps at most; 0.3 s for 2000 points in the plane and their
 * squared distances. LAT_INVALID when a cost isn't finite, or beyond LAT_ASSIGNMENT_MOST. */
lat_status lat_assignment(lat_workspace *work, size_t n, const double *costs, size_t *columns);

#endif
