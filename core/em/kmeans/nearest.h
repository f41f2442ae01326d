/* nearest.h: the nearest of K centres, exactly and fast.
 *
 * What is exact: lat_squared_distance (distance.h), a sum of squared differences in double. The
 * nearest centre is the one whose distance so computed is least, the first of equal ones; so labels
 * are a function of the row and the centres alone.
 *
 * What is fast: products in single precision, which are twice as fast as in double, and whose
 * errors are bounded. With an origin o near the data, y = (x - o) s and e_k = (c_k - o) s,
 *
 *   |x - c_k|^2 s^2 = |y|^2 + 2 (|e_k|^2/2 - y.e_k),   |fl(y.e_k) - y.e_k| <= gamma |y| |e_k|
 *
 * with gamma = n u/(1 - n u), n = D + 10 and u = 2^-24 (Higham, Accuracy and Stability of Numerical
 * Algorithms, 3.1; whatever the order of the sum). Each score in brackets is lowered by its bound,
 * within the same product: y has |y| and 1 as further elements, -e_k what belongs to them.
 * Where the second lowest is above the lowest by more than twice the latter's bound, that centre is
 * the nearest; else all that come into question are computed exactly. The scale s, a power of two,
 * brings the longest e_k to about 1, so that nothing overflows. */
#ifndef LAT_EM_KMEANS_NEAREST_H
#define LAT_EM_KMEANS_NEAREST_H

#include <stddef.h>
#include <stdint.h>

typedef struct lat_nearest {
  size_t K, D;
  const double *centers, *origin; /* K x D, D */
  double *scale;                  /* 1: s */
  float *shifted;                 /* K rows: -e, -slope, |e|^2/2 - fixed */
  float *slope, *fixed;           /* K: the bound is slope |y| + fixed */
} lat_nearest;

/* Doubles that the search's tables take, a view of them, and filling them in. */
size_t lat_nearest_count(size_t K, size_t D);
lat_nearest lat_nearest_of(double *memory, size_t K, size_t D, const double *centers,
                           const double *origin);
/* `scale` is one of before, which is kept as long as it will do, or 0. */
void lat_nearest_prepare(const lat_nearest *nearest, double scale);

/* origin := the median of each column of up to 64 of the centres, which outliers don't move. */
void lat_nearest_origin(size_t K, size_t D, const double *centers, double *origin);

/* Rows that a search takes at once, at most LAT_NEAREST_ROWS, and the doubles of scratch for them.
 */
#define LAT_NEAREST_ROWS 256
size_t lat_nearest_rows(size_t K, size_t D);
size_t lat_nearest_scratch(size_t K, size_t D);

/* Rows as a search wants them, which depends on origin and scale alone: lat_nearest_width(D) floats
 * for each of n rows of D numbers side by side. */
size_t lat_nearest_width(size_t D);
void lat_nearest_shift(const lat_nearest *nearest, size_t n, const double *const *rows,
                       float *shifted);

/* For n <= lat_nearest_rows() rows, and what lat_nearest_shift has made of them, or NULL: the
 * nearest centre, from 0, and where `own` isn't NULL bounds times the scale: one above the distance
 * to it (or NaN), one below the distance to every other centre. Rows with NaN get some label below
 * K. */
void lat_nearest_search(const lat_nearest *nearest, size_t n, const double *const *rows,
                        const float *shifted, uint32_t *labels, float *own, float *others,
                        double *scratch);

/* The same rows' distances to every centre, times `unit`, centre by centre: row i's to centre k
 * goes to distances[k * LAT_NEAREST_ROWS + i]. To a part in a thousand, exactly 0 where row and
 * centre are equal, and at most 1e18. */
void lat_nearest_distances(const lat_nearest *nearest, size_t n, const double *const *rows,
                           double unit, float *distances, double *scratch);

#endif
