/* moments.h: mean and scatter of rows, chunk after chunk.
 *
 * With total weight n, mean m and scatter S = sum of w (x-m)(x-m)', a further set of rows
 * (n', m', S') is added by
 *
 *   d = m' - m,   S += S' + n n'/(n+n') d d',   m += n'/(n+n') d,   n += n'
 *
 * (Chan, Golub, LeVeque 1983). Every chunk is centred before it is multiplied, about the mean so
 * far or its own, so a large offset of the data costs no digits, as it does in X'X - n m m'.
 *
 * Columns whose squares overflow or underflow are multiplied by a power of two for it, and their
 * scatter is kept in units of that: that of columns i and j is scatter_ij 2^(exponent_i +
 * exponent_j). Exponents of numbers of ordinary sizes are 0. So deviations are right over the whole
 * range of doubles, while covariances may overflow or underflow (spread.h).
 *
 * Rows are added in the order of base/ordered_sum.h: the result is the same bits for every number
 * of threads, and for every way to cut the rows into pieces that end where groups do; other cuts
 * may change the last bits. A covariance is S/n (divisor N, the maximum likelihood estimate). */
#ifndef LAT_MATRIX_MOMENTS_H
#define LAT_MATRIX_MOMENTS_H

#include "base/ordered_sum.h"
#include "comm/share.h"
#include "matrix/matrix.h"
#include "matrix/weighted_rows.h"

/* Rows that come in pieces, all of which are one sum. */
typedef struct lat_moments_sum {
  size_t dimensions;
  double rows; /* so far, whatever their weights */
  lat_ordered_sum sum;
  const lat_share *share; /* NULL: the rows are those of one process */
} lat_moments_sum;

/* After a sum's begin: its rows are a share of those of several ranks (NULL: they aren't), whose
 * total is a collective. Keeps memory. */
lat_status lat_moments_place(lat_workspace *work, lat_moments_sum *sum, const lat_share *share);

/* ---- full scatter: D x D ---------------------------------------------------- */

typedef struct lat_moments {
  size_t dimensions;
  double *weight;   /* 1: the total weight, which is the number of rows where rows weigh 1 */
  double *mean;     /* D */
  double *scatter;  /* D x D row-major; only the upper triangle is kept up */
  double *exponent; /* D */
  double *rows;     /* 1: their number, whatever their weights; NULL where it isn't needed */
} lat_moments;

/* The count of doubles of moments, and moments over caller's memory of that length, which
 * zeros make the moments of no rows. */
size_t lat_moments_count(size_t dimensions);
lat_moments lat_moments_of(double *memory, size_t dimensions);

/* The sum of no rows, for so many, or 0: any number. Keeps it. */
lat_status lat_moments_begin(lat_workspace *work, lat_moments_sum *sum, size_t dimensions,
                             size_t rows);
/* Adds the rows of X (N x D), with `weights` (N, finite, >= 0) or NULL. LAT_INVALID, naming row and
 * column, when X has a NaN or an infinity. After any failure the sum is of no use. */
lat_status lat_moments_include(lat_workspace *work, lat_moments_sum *sum, const lat_matrix *X,
                               const double *weights);
/* moments := these and the rows of the sum, which stays as it is. LAT_MEMORY. */
lat_status lat_moments_join(lat_workspace *work, const lat_moments_sum *sum, lat_moments *moments);

/* Those of the sum alone. Keeps them. */
lat_status lat_moments_total(lat_workspace *work, const lat_moments_sum *sum, lat_moments *moments);

/* All of it for a single piece. The moments are as they were when it fails. */
lat_status lat_moments_add(lat_workspace *work, lat_moments *moments, const lat_matrix *X,
                           const double *weights);

/* S/n into the D x D matrix `covariance` (packed), both triangles. */
void lat_moments_covariance(const lat_moments *moments, double *covariance);

/* The square root of its element j, j: also where that would overflow or underflow. */
double lat_moments_deviation(const lat_moments *moments, size_t j);

/* S/n, each element divided by the two columns' divisors (D, > 0). Constant columns that are very
 * large or small have zeros. */
void lat_moments_divided(const lat_moments *moments, const double *divisor, double *covariance);

/* ---- of a matrix --------------------------------------------------------------------------- */

/* C (D x D, float64) := the scatter of A's rows divided by N - correction: 0 is maximum likelihood,
 * 1 what is without bias. LAT_INVALID unless correction is 0 or more and below N, and for a NaN or
 * an infinity in A. */
lat_status lat_row_covariance(lat_workspace *work, const lat_matrix *A, double correction,
                              const lat_matrix *C);
/* C := Pearson's correlations of A's columns, from -1 to 1; NaN with a column that is constant, up
 * to rounding about its mean. Errors as above. */
lat_status lat_row_correlation(lat_workspace *work, const lat_matrix *A, const lat_matrix *C);

/* ---- by columns: only the diagonal ------------------------------------------ */

/* The same for each column by itself; a missing entry (NaN) is left out of its column. */
typedef struct lat_column_moments {
  size_t dimensions;
  double *weight, *mean, *scatter, *exponent; /* D each */
} lat_column_moments;

size_t lat_column_moments_count(size_t dimensions);
lat_column_moments lat_column_moments_of(double *memory, size_t dimensions);
/* As those of the full scatter. The first keeps the sum. */
lat_status lat_column_moments_begin(lat_workspace *work, lat_moments_sum *sum, size_t dimensions,
                                    size_t rows);
lat_status lat_column_moments_include(lat_workspace *work, lat_moments_sum *sum,
                                      const lat_matrix *X, const double *weights, bool missing);
lat_status lat_column_moments_join(lat_workspace *work, const lat_moments_sum *sum,
                                   lat_column_moments *moments);
lat_status lat_column_moments_add(lat_workspace *work, lat_column_moments *moments,
                                  const lat_matrix *X, const double *weights, bool missing);
/* Scatter over weight, 0 without weight; and its square root, also where the first overflows or
 * underflows. */
double lat_column_variance(const lat_column_moments *moments, size_t j);
double lat_column_deviation(const lat_column_moments *moments, size_t j);

/* A column whose deviation is below this times its mean is constant up to rounding. */
#define LAT_CONSTANT 1e-14

#endif
