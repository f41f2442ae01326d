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

/* The means of the pass that has ended. */
lat_ica_means lat_ica_found(const lat_ica_fit *fit);

/* y := g(y) for n numbers; adds their sums of g'(y) and G(y), weighted by w unless NULL, as then is
 * g(y). `scratch` has 2n. */
void lat_ica_apply_contrast(lat_ica_contrast contrast, size_t n, double *y, const double *w,
                            double *scratch, double *slope, double *value);

/* Z (M x n, rows `stride` apart) := into (x - m); 0 for rows of weight 0. `rows` has n x D. */
void lat_ica_whiten(const lat_ica_fit *fit, const lat_matrix *X, const double *w, double *rows,
                    double *Z, size_t stride);

/* |E[G(y)] - E[G(v)]| of one source. */
double lat_ica_distance(lat_ica_contrast contrast, double value);

/* W := the rotation nearest to it, the orthogonal factor of its polar decomposition: (WW')^-1/2 W,
 * by singular vectors, which doesn't square W's condition. */
lat_status lat_ica_orthogonalize(lat_workspace *work, double *W, size_t M);

/* The most of 1 - |cos| between rows of two matrices with rows of length 1. */
double lat_ica_change(size_t M, const double *W, const double *V);

/* What the means at W say, with products against the outputs: A = E[g(y) y'] (M x M), in `A`. Sets
 * the record's objective and gradient; `signs` (M) gets c, and `G`, unless NULL, the gradient. */
void lat_ica_judge(lat_ica_fit *fit, const lat_ica_means *means, double *A, double *signs,
                   double *G);

/* The algorithms. Each begins with memory of its own and the rotation of the first pass in fit->R;
 * takes what a pass has found, and puts there the next. */
lat_status lat_ica_fixed_point_begin(lat_ica_fit *fit);
lat_status lat_ica_fixed_point_take(lat_ica_fit *fit);
lat_status lat_ica_deflation_begin(lat_ica_fit *fit);
lat_status lat_ica_deflation_take(lat_ica_fit *fit);
/* Makes the rows of W that aren't found yet orthogonal to those before. */
void lat_ica_deflation_complete(const lat_ica_fit *fit, double *W);
lat_status lat_ica_newton_begin(lat_ica_fit *fit);
lat_status lat_ica_newton_take(lat_ica_fit *fit);

#endif
