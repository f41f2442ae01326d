/* kmeans.h: K-means clustering (Lloyd 1982), an EM algorithm without probabilities.
 *
 * K centres m_k are to make the distortion small, the sum of squared distances of the rows to
 * their nearest centres (Bishop, Pattern Recognition and Machine Learning, 9.1)
 *
 *   J = sum over n of w_n |x_n - m_k(n)|^2,    k(n) = the k with the least |x_n - m_k|
 *
 * The E-step gives each row its nearest centre, the first of equally near ones; the M-step moves
 * each centre to the mean of its rows. Neither makes J larger. All distances that count, in J and
 * between rivals, are exact differences in double (nearest.h): labels, J and centres are the same
 * bits with and without bounds, for one thread and for several.
 *
 * Bounds (Hamerly, Making k-means even faster, SDM 2010): a row remembers a lower bound of its
 * distance to all other centres, which shrinks by as much as the fastest of them moves. While its
 * own centre is nearer than that, or nearer than half way to that centre's nearest neighbour, its
 * label can't change and no other distance is computed.
 *
 * A cluster that gets no row is moved to the row that is farthest from its centre (several: to the
 * farthest ones; equal distances: the first rows), and that iteration doesn't count as converged.
 * With fewer distinct rows than clusters the farthest distance is 0 in the end: surplus centres
 * then stay where they are, coincide with others or stand aside, and have no rows. */
#ifndef LAT_EM_KMEANS_KMEANS_H
#define LAT_EM_KMEANS_KMEANS_H

#include <stdint.h>

#include "base/random.h"
#include "em/em.h"

typedef enum lat_kmeans_algorithm {
  LAT_KMEANS_AUTO,   /* bounds, given up for a while when they spare few rows */
  LAT_KMEANS_LLOYD,  /* no bounds */
  LAT_KMEANS_HAMERLY /* bounds in every iteration */
} lat_kmeans_algorithm;

/* What the kind has beyond its parameters: memory for one pass after another over the same data. */
typedef struct lat_kmeans {
  struct lat_kmeans_bounds *bounds; /* of each row, and its label; or NULL */
  struct lat_kmeans_far *far;       /* the farthest rows of a pass */
} lat_kmeans;

/* parameters: centers (K x D), and the origin (D), a fixed point near the data: sums are of
 * x - origin, so that an offset of the data costs no digits. statistics: J, weight, the number of
 * rows whose distances were computed, then of each cluster its weight (K) and its sum of
 * w (x - origin) (K x D). */
extern const lat_em_kind lat_kmeans_kind;
extern const lat_parameter lat_kmeans_parameters[];

/* Memory for a fit of K centres to N rows (0: unknown; then there are no bounds and no labels).
 * Keeps it. */
lat_status lat_kmeans_init(lat_kmeans *model, lat_workspace *work, size_t N, size_t D, size_t K,
                           lat_kmeans_algorithm algorithm);

/* A fit begins at these centres, with which the parameters begin: the origin becomes their median,
 * and bounds are unknown. */
void lat_kmeans_begin(lat_kmeans *model, size_t D, size_t K, double *parameters);

/* The labels, from 0, of the N rows of the last pass; NULL without N. */
const uint32_t *lat_kmeans_labels(const lat_kmeans *model);

/* ---- starts ---------------------------------------------------------------------------------- */

/* K different rows, all equally likely; rows of weight 0 aren't chosen. */
lat_status lat_kmeans_random(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t K, lat_random *random, double *centers);

/* k-means++ (Arthur, Vassilvitskii, SODA 2007): rows drawn one after the other, with probability
 * proportional to w d^2, d the distance to the nearest centre so far; greedily: of 2 + floor(ln K)
 * draws a centre the best. Draws for four centres are made together, so that the data are read once
 * for these; what is left of them after a centre is thinned out until it is as if drawn then. Rows
 * are passed over if no candidate is nearer to their centres than twice their distance (Raff, Exact
 * acceleration of k-means++ and k-means||, IJCAI 2021). Of more than 2^18 rows (and 16 K) every few
 * are looked at.
 *
 * Both starts: LAT_INVALID when X has a NaN or an infinity or fewer than K rows have a weight. */
lat_status lat_kmeans_plus(lat_workspace *work, const lat_matrix *X, const double *weights,
                           size_t K, lat_random *random, double *centers);

/* ---- using centres --------------------------------------------------------------------------- */

/* The nearest centre of each row, from 0 (`labels`, N), the squared distance to it (`squares`, N),
 * and J; each may be NULL. LAT_INVALID for NaN and infinities. */
lat_status lat_kmeans_assign(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t K, const double *centers, uint32_t *labels, double *squares,
                             double *J);

/* Z (N x K) := the distances |x_n - m_k|. */
lat_status lat_kmeans_distances(lat_workspace *work, const lat_matrix *X, size_t K,
                                const double *centers, const lat_matrix *Z);

/* ---- all of it ------------------------------------------------------------------------------- */

typedef struct lat_kmeans_options {
  lat_kmeans_algorithm algorithm;
  bool random_start; /* instead of k-means++ */
  size_t restarts;   /* 0: 1 */
  uint64_t seed;
  lat_em_options em;
} lat_kmeans_options;

/* Starts and fits, `restarts` times, and keeps the centres with the least J, which is returned. */
lat_status lat_kmeans_fit(lat_workspace *work, const lat_matrix *X, const double *weights, size_t K,
                          const lat_kmeans_options *options, double *centers, double *J);

#endif
