/* silhouette.h: how well rows lie in their clusters.
 *
 * With a(i) the mean distance of row i to the other rows of its cluster, and b(i) the least, over
 * the other clusters, of the mean distance to the rows of one,
 *
 *   s(i) = (b(i) - a(i)) / max(a(i), b(i))
 *
 * is near 1 in the midst of a cluster apart, 0 between two, and negative in the wrong one; 0 in a
 * cluster of one row (Rousseeuw, Journal of Computational and Applied Mathematics 20, 1987). */
#ifndef LAT_MATRIX_SAMPLES_SILHOUETTE_H
#define LAT_MATRIX_SAMPLES_SILHOUETTE_H

#include "matrix/matrix.h"

/* values[i] (N) := s(i) of the rows of X (N x D), with Euclidean distances; *mean := their mean.
 * Labels (N x 1) are any numbers, a cluster for each. N^2 distances on the thread pool, and memory
 * for the rows only; the same bits for every number of threads. LAT_SHAPE unless there is a label
 * for each row; LAT_INVALID for NaN and infinities, or fewer than two clusters. */
lat_status lat_silhouette(lat_workspace *work, const lat_matrix *X, const lat_matrix *labels,
                          double *values, double *mean);

#endif
