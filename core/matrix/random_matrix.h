/* random_matrix.h: matrices of random numbers, categories, permutations; numbers of categories
 * and rows count from 1, as labels do. */
#ifndef LAT_MATRIX_RANDOM_MATRIX_H
#define LAT_MATRIX_RANDOM_MATRIX_H

#include "base/options.h"
#include "base/random.h"
#include "matrix/matrix.h"

typedef enum lat_distribution_kind {
  LAT_UNIFORM,     /* standard: on [0, 1) */
  LAT_NORMAL,      /* mean 0, variance 1 */
  LAT_EXPONENTIAL, /* mean 1 */
  LAT_GAMMA,       /* of this shape, scale 1 */
  LAT_BETA,        /* of two shapes */
  LAT_COUNTS,      /* Poisson numbers of this mean */
  LAT_INTEGERS     /* 0 .. bound - 1 */
} lat_distribution_kind;

/* A number is base + scale * (a standard one). */
typedef struct lat_distribution {
  lat_distribution_kind kind;
  double base, scale;
  double shape;   /* LAT_GAMMA, > 0; a of LAT_BETA; the mean of LAT_COUNTS */
  double second;  /* b of LAT_BETA */
  uint64_t bound; /* LAT_INTEGERS, >= 1 */
} lat_distribution;

/* What says where a distribution lies: low and high of uniform numbers, mean and deviation of
 * normal ones, the scale of exponential and gamma ones, the mean of Poisson ones. Standard by
 * default. Shapes have no default: `shape` of gamma numbers, a and b of beta numbers. */
typedef struct lat_distribution_options {
  double low, high, mean, deviation, scale;
  double shape, a, b;
} lat_distribution_options;
extern const lat_option lat_distribution_table[];

/* The distribution of this kind (not LAT_INTEGERS). LAT_INVALID for options that are not finite,
 * low >= high, a scale or shape that isn't positive, or a Poisson mean beyond LAT_MOST_POISSON. */
lat_status lat_distribution_make(lat_workspace *work, lat_distribution_kind kind,
                                 const lat_distribution_options *options, lat_distribution *d);

/* Fills A, of any strides, in row-major order; float32 numbers are drawn as such. LAT_CANCELLED. */
lat_status lat_random_matrix(lat_workspace *work, lat_random *random, const lat_distribution *d,
                             const lat_matrix *A);
double lat_random_number(lat_random *random, const lat_distribution *d);

/* n categories 1..K with probabilities in proportion to the K x 1 weights. LAT_INVALID unless
 * these are finite, >= 0 and not all 0. */
lat_status lat_random_categories(lat_workspace *work, lat_random *random, const lat_matrix *weights,
                                 size_t n, double *out);
/* The numbers 1..n in random order. */
lat_status lat_random_order(lat_workspace *work, lat_random *random, size_t n, double *out);
/* B := A's rows in random order; order: the N rows of A that they are. */
lat_status lat_random_rows(lat_workspace *work, lat_random *random, const lat_matrix *A,
                           const lat_matrix *B, double *order);

#endif
