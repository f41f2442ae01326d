/* gram.h: the N x N products of centred rows, for data with fewer rows than columns.
 *
 * With Y = sqrt(w) (X - 1 m') diag(1/s), Y'Y and YY' have the same nonzero eigenvalues, and
 * Y'v has the direction of the eigenvector of Y'Y that belongs to v (Bishop 12.1.4). Columns are
 * centred in pieces that fit the cache. */
#ifndef LAT_PROJECTION_GRAM_H
#define LAT_PROJECTION_GRAM_H

#include "matrix/matrix.h"

/* G := Y Y', N x N packed, both triangles. */
lat_status lat_gram(lat_workspace *work, const lat_matrix *X, const double *weights,
                    const double *mean, const double *deviation, const lat_matrix *G);

/* U (D x M) := orthonormal columns with the directions of Y'V. Where Y'v is rounding noise,
 * because the eigenvalue is 0, the column is any direction orthogonal to the others. */
lat_status lat_gram_vectors(lat_workspace *work, const lat_matrix *X, const double *weights,
                            const double *mean, const double *deviation, const lat_matrix *V,
                            const lat_matrix *U);

#endif
