/* ica_fit.h: what the algorithms of ICA share. Not for hosts. */
#ifndef LAT_PROJECTION_ICA_FIT_H
#define LAT_PROJECTION_ICA_FIT_H

#include "projection/ica.h"

/* Means over all rows of what a contrast says of y = R z, for k rows R. */
typedef struct lat_ica_means {
  double *product; /* k x M: E[g(y) z'] */
  double *slope;   /* k: E[g'(y)] */
  double *value;   /* k: E[G(y)] */
} lat_ica_means;

size_t lat_ica_means_count(size_t k, size_t M);
lat_ica_means lat_ica_means_of(double *memory, size_t k, size_t M);

/* One pass over the data, fused: a chunk's product, contrast and sums happen in the cache. */
lat_status lat_ica_pass(const lat_ica_fit *fit, lat_ica_contrast contrast, const double *R,
                        size_t k, const lat_ica_means *means);

/* |E[G(y)] - E[G(v)]| of one source. */
double lat_ica_distance(lat_ica_contrast contrast, double value);

/* W := the rotation nearest to it, the orthogonal factor of its polar decomposition: (WW')^-1/2 W,
 * by singular vectors, which doesn't square W's condition. */
lat_status lat_ica_orthogonalize(lat_workspace *work, double *W, size_t M);

/* C := A B' of M x M matrices. */
void lat_ica_times_transpose(size_t M, const double *A, const double *B, double *C);

/* The most of 1 - |cos| between rows of two matrices with rows of length 1. */
double lat_ica_change(size_t M, const double *W, const double *V);

/* What the means at W say, with products against the outputs: A = E[g(y) y'] (M x M), in `A`. Sets
 * the record's objective and gradient; `signs` (M) gets c, and `G`, unless NULL, the gradient. */
void lat_ica_judge(lat_ica_fit *fit, const lat_ica_means *means, double *A, double *signs,
                   double *G);

/* The algorithms: memory of their own, and an iteration. */
lat_status lat_ica_fixed_point_begin(lat_ica_fit *fit);
lat_status lat_ica_fixed_point_step(lat_ica_fit *fit);
lat_status lat_ica_deflation_begin(lat_ica_fit *fit);
lat_status lat_ica_deflation_step(lat_ica_fit *fit);
lat_status lat_ica_newton_begin(lat_ica_fit *fit);
lat_status lat_ica_newton_step(lat_ica_fit *fit);

#endif
