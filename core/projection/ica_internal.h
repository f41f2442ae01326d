/* ica_internal.h: what the algorithms of ICA share. Not for hosts. */
#ifndef LAT_PROJECTION_ICA_INTERNAL_H
#define LAT_PROJECTION_ICA_INTERNAL_H

#include "projection/ica.h"

/* Means over all rows of what a contrast says of y = R z, for k rows R. */
typedef struct lat_ica_means {
  double *product; /* k x M: E[g(y) z'] */
  double *slope;   /* k: E[g'(y)] */
  double *value;   /* k: E[G(y)] */
} lat_ica_means;

/* The densities of ica.h: -log p(s) = c u^2/2 + b G(u) - factor with the contrast's G and u = scale s.
 *
 *   SECANT   1/2 sech(u)
 *   BIMODAL  u has variance 2, phi(u) cosh(u) the integral sqrt(e)
 *   PEAKED, DIPPED  with d = 1 or -1, exp(d exp(-u^2/2)) is a series of Gaussians: phi(u) times it
 *            has the integral sum d^k/k! (k+1)^-1/2 and the second moment sum d^k/k! (k+1)^-3/2
 *   QUARTIC  the integral 4^(1/4) Gamma(1/4)/2, the variance 2 Gamma(3/4)/Gamma(1/4) */
typedef enum lat_ica_shape {
  LAT_ICA_SECANT,
  LAT_ICA_BIMODAL,
  LAT_ICA_PEAKED,
  LAT_ICA_DIPPED,
  LAT_ICA_QUARTIC
} lat_ica_shape;

typedef struct lat_ica_density {
  double scale, factor;
  lat_ica_contrast contrast;
  double c, b;
} lat_ica_density;

extern const lat_ica_density lat_ica_densities[]; /* by shape */
lat_ica_shape lat_ica_shape_of(lat_ica_contrast contrast, bool flat);

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

/* The most of 1 - |cos| between rows of two matrices. */
double lat_ica_change(size_t M, const double *W, const double *V);

/* What the means at W say, with products against the outputs: A = E[g(y) y'] (M x M), in `A`. Sets
 * the record's objective and gradient; `signs` (M) gets c, and `G`, unless NULL, the gradient. */
void lat_ica_judge(lat_ica_fit *fit, const lat_ica_means *means, double *A, double *signs,
                   double *G);

/* The algorithms. Each begins with memory of its own and the rotation of the first pass in fit->R;
 * takes what a pass has found, and puts there the next. Keeps its memory. */
lat_status lat_ica_fixed_point_begin(lat_ica_fit *fit);
/* Keeps that of lat_ica_newton_begin when it changes to it. */
lat_status lat_ica_fixed_point_take(lat_ica_fit *fit);
/* Keeps its memory. */
lat_status lat_ica_deflation_begin(lat_ica_fit *fit);
lat_status lat_ica_deflation_take(lat_ica_fit *fit);
/* Makes the rows of W that aren't found yet orthogonal to those before. */
void lat_ica_deflation_complete(const lat_ica_fit *fit, double *W);
/* Keeps its memory. */
lat_status lat_ica_newton_begin(lat_ica_fit *fit);
lat_status lat_ica_newton_take(lat_ica_fit *fit);
/* Keeps its memory. */
lat_status lat_ica_likelihood_begin(lat_ica_fit *fit);
lat_status lat_ica_likelihood_take(lat_ica_fit *fit);
/* Which of the two densities each source has (M), and W with its rows in the sources' own scales. */
const bool *lat_ica_likelihood_flat(const lat_ica_fit *fit);
void lat_ica_likelihood_scale(const lat_ica_fit *fit, double *W);

/* Of the gradient: where the search under way ends. */
double lat_ica_tolerance(const lat_ica_fit *fit);

/* ---- quasi-Newton methods (ica_newton.c) ------------------------------------------------------ */

/* What is minimized, and along which curves: from W to a matrix with E as the relative change. */
typedef struct lat_ica_surface {
  /* Sets the record's objective and gradient, and G := the relative gradient (M x M) from the means
   * at W; A (M x M) and signs (M) are the surface's own to use. */
  lat_status (*judge)(lat_ica_fit *fit, const lat_ica_means *means, double *A, double *signs,
                      double *G);
  lat_status (*loss)(lat_ica_fit *fit, const lat_ica_means *means, const double *R,
                     const double *signs, double *value);
  /* h (M x M) := what `scale` needs of the Hessian at W; and E := inv(Hessian) E, about. */
  void (*curvatures)(const lat_ica_fit *fit, const lat_ica_means *means, const double *A,
                     double *h);
  void (*scale)(size_t M, const double *h, double *E);
  lat_status (*move)(lat_ica_fit *fit, const double *E, double *next);
} lat_ica_surface;

typedef struct lat_ica_newton lat_ica_newton;

/* Keeps the method's memory; fit->R becomes W, for a pass there. */
lat_status lat_ica_newton_new(lat_ica_fit *fit, const lat_ica_surface *surface,
                              lat_ica_newton **newton);
/* Takes what a pass has found; fit->R is where the next should look. */
lat_status lat_ica_newton_go_on(lat_ica_fit *fit, lat_ica_newton *newton);
/* The means at W, and that they are those of another surface from here on: an iteration ends. */
lat_ica_means *lat_ica_newton_means(lat_ica_newton *newton);
lat_status lat_ica_newton_restart(lat_ica_fit *fit, lat_ica_newton *newton);

#endif
