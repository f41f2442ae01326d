/* starts.h: where fits of mixtures begin: the first one, and those that restarts add.
 *
 * EM climbs to a maximum near its start, so several starts are worth as much as they differ. The
 * first is by K-means, which is the best guess; K-means with other seeds often finds the same
 * clusters again, so the others go four ways in turn. Each of them finds maxima that the others
 * miss: of 60 starts of each way the best known maximum of iris' 3 diagonal Gaussians came 0, 33,
 * 20 and 19 times, that of 3 tied ones of the wine data 0, 3, 4 and 6 times, and that of 4
 * Gaussians of the galaxies' velocities 0, 16, 2 and 0 times. */
#ifndef LAT_EM_KMEANS_STARTS_H
#define LAT_EM_KMEANS_STARTS_H

#include <stdint.h>

#include "matrix/matrix.h"

typedef enum lat_start_way {
  LAT_START_KMEANS,   /* the clusters that K-means finds */
  LAT_START_ROWS,     /* K rows at random, as means: no clusters */
  LAT_START_SAMPLE,   /* about the centres that K-means finds in a small sample of rows */
  LAT_START_PARTITION /* about K rows at random */
} lat_start_way;

/* The way of start number `number`, from 0: K-means first, then the others and K-means in turn. */
lat_start_way lat_start_way_of(size_t number);

/* Centres (K x D) by the seed and, unless the way is LAT_START_ROWS, the clusters about them: for
 * each row of X (complete) the number of its nearest centre, from 1. A sample has max(4K, D + 1)
 * rows. Errors are those of lat_kmeans_random. */
lat_status lat_start_clusters(lat_workspace *work, const lat_matrix *X, const double *weights,
                              size_t K, lat_start_way way, uint64_t seed, double *centers,
                              uint32_t *labels);

/* The first way alone: a few iterations of K-means. `labels` may be NULL. */
lat_status lat_start_kmeans(lat_workspace *work, const lat_matrix *X, const double *weights,
                            size_t K, uint64_t seed, double *centers, uint32_t *labels);

#endif
