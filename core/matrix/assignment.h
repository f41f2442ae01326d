/* assignment.h: the optimal assignment.
 *
 * Components of a mixture have no names: two fits agree up to a permutation. Which component of
 * one is which of the other is the assignment of least total cost. */
#ifndef LAT_MATRIX_ASSIGNMENT_H
#define LAT_MATRIX_ASSIGNMENT_H

#include "base/workspace.h"

/* columns[i] (n, from 0) := the column given to row i of the n x n costs (row-major), each column
 * once, so that the sum of cost[i, columns[i]] is least. By shortest augmenting paths with
 * potentials, in n^3 steps (Kuhn 1955; Jonker, Volgenant, Computing 38, 1987). LAT_INVALID when a
 * cost isn't finite. */
lat_status lat_assignment(lat_workspace *work, size_t n, const double *costs, size_t *columns);

#endif
