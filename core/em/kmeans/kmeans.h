/* kmeans.h: K-means clustering (Lloyd 1982), an EM algorithm without probabilities.
 *
 * K centres m_k are to make the distortion small, the sum of squared distances of the rows to
 * their nearest centres (Bishop, Pattern Recognition and Machine Learning, 9.1)
 *
 *   J = sum over n of w_n |x_n - m_k(n)|^2,    k(n) = the k with the least |x_n - m_k|
 *
 *   lat_kmeans_options options = lat_kmeans_defaults();
 *   options.clusters = 3;
 *   lat_kmeans kmeans;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_kmeans_fit(work, &rows, NULL, &options, &kmeans, NULL));
 *   printf("%g\n", kmeans.inertia);                       the labels of X are kmeans.labels
 *   LAT_TRY(lat_kmeans_apply(work, &kmeans, &(lat_request){.X = Y}, &(lat_outputs){.labels = to}));
 *
 * The E-step gives each row its nearest centre, the first of equally near ones; the M-step moves
 * each centre to the mean of its rows. Neither makes J larger. All distances that count, in J and
 * between rivals, are exact differences in double (nearest.h): labels, J and centres are the same
 * bits with and without bounds, for one thread and for several.
 *
 * Bounds (Hamerly, Making k-means even faster, SDM 2010): a row remembers an upper bound of the
 * distance to its own centre, which grows by as much as this moves, and a lower one of that to all
 * others, which shrinks by as much as the fastest of them moves. While the former is below the
 * latter, or below half of the distance to the centre's nearest neighbour, its label can't change,
 * and the row isn't looked at. Of most passes J and sums come from those of the pass before, by the
 * rows that have changed their centres (internal.h); every tenth, and the last, adds up all rows.
 *
 * A cluster that gets no row is moved to the row that is farthest from its centre (several: to the
 * farthest ones; equal distances: the first rows), and that iteration doesn't count as converged.
 * With fewer distinct rows than clusters the farthest distance is 0 in the end: surplus centres
 * then stay where they are, coincide with others or stand aside, and have no rows.
 *
 * Mini-batches (Sculley, WWW 2010) are for data so large that some iterations over all of it are
 * too many: an iteration draws `batch` rows at random and makes one stepwise update (em/fit.h). A
 * fit has converged when the smoothed objective has not become less for ten batches. */
#ifndef LAT_EM_KMEANS_KMEANS_H
#define LAT_EM_KMEANS_KMEANS_H

#include "em/fit.h"

typedef enum lat_kmeans_algorithm {
  LAT_KMEANS_AUTO,     /* bounds, given up for a while when they spare few rows */
  LAT_KMEANS_LLOYD,    /* no bounds */
  LAT_KMEANS_HAMERLY,  /* bounds in every iteration */
  LAT_KMEANS_MINIBATCH /* of a matrix or a mapped file */
} lat_kmeans_algorithm;

/* Where a start takes its centres from. Explicit ones (fit.given, with `centers`, and NaN for the
 * origin) take the place of either. */
typedef enum lat_kmeans_init { LAT_KMEANS_PLUS, LAT_KMEANS_RANDOM } lat_kmeans_init;

typedef struct lat_kmeans_options {
  lat_fit_options fit; /* 300 iterations, tolerance 1e-9, one start */
  size_t clusters;     /* K; 1 */
  int init;            /* lat_kmeans_init; k-means++ */
  int algorithm;       /* lat_kmeans_algorithm; auto */
  size_t batch;        /* the rows of a mini-batch; 1024 */
} lat_kmeans_options;

/* A clustering: a view of its parameters, which somebody else holds. */
typedef struct lat_kmeans {
  lat_kmeans_options options;
  size_t D, K;
  const double *centers; /* K x D */
  /* D: a fixed point near the data, which sums are taken about: an offset of the data costs no
   * digits. */
  const double *origin;
  /* Of the rows that a fit was made to: their number, their labels, from 1, and J, with the final
   * centres; 0 and NULL for data of a function, which may give other rows each time; NaN where no
   * fit made the centres. */
  size_t N;
  const uint32_t *labels;
  double inertia;
} lat_kmeans;

lat_kmeans_options lat_kmeans_defaults(void);
/* LAT_INVALID, with a sentence, for options out of bounds. */
lat_status lat_kmeans_check(lat_workspace *work, const lat_kmeans_options *options);

/* Centres with a small J, the least of several starts. `report` may be NULL. Keeps them and the
 * labels. LAT_INVALID for options and data (naming row and column), and for fewer rows with a
 * weight than clusters; LAT_CANCELLED. */
lat_status lat_kmeans_fit(lat_workspace *work, lat_source *source, const double *weights,
                          const lat_kmeans_options *options, lat_kmeans *kmeans,
                          lat_fit_report *report);

/* Of each row of request->X: labels, distances (from all centres) and scores (minus the squared
 * distance from the nearest). LAT_SHAPE; LAT_INVALID for NaN and infinities. */
lat_status lat_kmeans_apply(lat_workspace *work, const lat_kmeans *kmeans,
                            const lat_request *request, const lat_outputs *outputs);

/* A file, as modeling/save.h describes it. */
lat_status lat_kmeans_save(lat_workspace *work, const lat_kmeans *kmeans, const char *path);
/* Keeps the parameters. There are no labels in it, and no J. */
lat_status lat_kmeans_load(lat_workspace *work, const char *path, lat_kmeans *kmeans);

/* ---- parts of it ----------------------------------------------------------------------------- */

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
 * Both: LAT_INVALID when X has a NaN or an infinity or fewer than K rows have a weight. */
lat_status lat_kmeans_plus(lat_workspace *work, const lat_matrix *X, const double *weights,
                           size_t K, lat_random *random, double *centers);

/* The nearest centre of each row, from 0 (`labels`, N), the squared distance to it (`squares`, N),
 * and J; each may be NULL. LAT_INVALID for NaN and infinities. */
lat_status lat_kmeans_assign(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t K, const double *centers, uint32_t *labels, double *squares,
                             double *J);

/* Z (N x K) := the distances |x_n - m_k|. */
lat_status lat_kmeans_distances(lat_workspace *work, const lat_matrix *X, size_t K,
                                const double *centers, const lat_matrix *Z);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_kmeans_model;
lat_kmeans lat_kmeans_of(const lat_fitted *fitted);
lat_fitted lat_kmeans_fitted(const lat_kmeans *kmeans); /* the other way round */
/* Given centres are without an origin: this finds it. */
void lat_kmeans_complete(lat_fitted *given);

#endif
