/* ica_internal.h: constants and declarations that the files of ICA share. Private. */
#ifndef LAT_PROJECTION_ICA_INTERNAL_H
#define LAT_PROJECTION_ICA_INTERNAL_H

#include "projection/ica.h"

/* Means over all rows of a contrast of the outputs y = R z, for k rows R. */
typedef struct lat_ica_means {
  double *product; /* k x M: E[g(y) z'] */
  double *slope;   /* k: E[g'(y)] */
  double *value;   /* k: E[G(y)] */
} lat_ica_means;

/* The densities of ica.h: -log p(s) = c u^2/2 + b G(u) - factor with the contrast's G and u = scale
 * s.
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

/* S := U (X - m): N x M; and values[n] := log p(x_n). */
lat_status lat_ica_transform(lat_workspace *work, const lat_ica *ica, const lat_matrix *X,
                             const lat_matrix *S);
lat_status lat_ica_log_likelihood(lat_workspace *work, const lat_ica *ica, const lat_matrix *X,
                                  double *values);

/* The members of lat_ica, as a fit writes them. */
typedef struct lat_ica_parts {
  double *mean, *mixing, *unmixing, *kurtosis, *flat;
} lat_ica_parts;

static inline lat_ica_parts lat_ica_parts_of(double *flat, size_t D, size_t M)
{
  lat_ica_parts p = {.mean = flat};
  p.mixing = p.mean + D;
  p.unmixing = p.mixing + D * M;
  p.kurtosis = p.unmixing + M * D;
  p.flat = p.kurtosis + M;
  return p;
}

/* ---- constants ------------------------------------------------------------------------------- */

enum {
  LAT_ICA_PATIENCE = 10, /* iterations in which the fixed point's gradient must halve for AUTO */
  LAT_ICA_MEMORY = 7,    /* steps that L-BFGS stores: more save few passes, each costs 2 M^2 */
  LAT_ICA_HALVINGS = 10, /* of a step in a line search, before the direction is given up */
  LAT_ICA_NEWTON_SCHULZ = 25, /* iterations: more would take longer than singular vectors */
};

/* White rows that need more bytes than this aren't kept, but computed anew in every pass. */
#define LAT_ICA_WHITE_BYTES ((size_t)256 << 20)

/* Tolerance of the eigenvectors, whose errors would be seen in the covariance of the white rows. */
#define LAT_ICA_PCA_TOLERANCE 1e-12

/* Least curvature of a search direction, where independent sources have about 1: the Hessian's
 * approximation stays positive definite, and its steps bounded (Picard's lambda_min). */
#define LAT_ICA_LEAST_CURVATURE 0.01

/* Of the gradient, where the start of maximum likelihood ends: close enough for quasi-Newton
 * steps. */
#define LAT_ICA_START_TOLERANCE 1e-4

/* Rounding of a loss for each of M sources, and of mean log-likelihoods that are compared. */
#define LAT_ICA_LOSS_ROUNDING 1e-14
#define LAT_ICA_SWITCH_GAIN   1e-10

/* |XX' - I| at which the next step of a quadratic iteration is exact to the last digit. */
#define LAT_ICA_ORTHOGONAL 1e-8

/* A unit vector's projection of this length is rounding noise. */
#define LAT_ICA_NO_LENGTH 1e-12

/* ---- means and small matrices ---------------------------------------------------------------- */

size_t lat_ica_means_count(size_t k, size_t M);
lat_ica_means lat_ica_means_of(double *memory, size_t k, size_t M);

/* The means of the pass that has ended. */
lat_ica_means lat_ica_pass_means(const lat_ica_search *fit);

/* y := g(y) for n numbers; adds their sums of g'(y) and G(y). With weights w (n, or NULL) sums are
 * weighted and y := w g(y). `scratch` has 2n. */
void lat_ica_apply_contrast(lat_ica_contrast contrast, size_t n, double *y, const double *w,
                            double *scratch, double *slope, double *value);

/* |E[G(y)] - E[G(v)]| of one source. */
double lat_ica_distance(lat_ica_contrast contrast, double value);

/* W := the rotation nearest to it, the orthogonal factor of its polar decomposition: (WW')^-1/2 W,
 * by singular vectors, which doesn't square W's condition. */
lat_status lat_ica_orthogonalize(lat_workspace *work, double *W, size_t M);

/* The largest 1 - |cos| between rows of two matrices. */
double lat_ica_change(size_t M, const double *W, const double *V);

/* Evaluates the means at W: A := E[g(y) y'] (M x M), the record's objective and gradient, `signs`
 * (M) := c, and `G`, unless NULL, := the gradient. */
void lat_ica_evaluate(lat_ica_search *fit, const lat_ica_means *means, double *A, double *signs,
                      double *G);

/* The gradient at which the search under way has converged. */
double lat_ica_tolerance(const lat_ica_search *fit);

/* ---- whitening ------------------------------------------------------------------------------- */

/* Sets M, mean, into, back and log_det from the moments, or NULL: from the rows in memory. Keeps
 * them and the memory of passes. */
lat_status lat_ica_find_axes(lat_ica_search *fit, const lat_moments *moments);

/* Whitens the rows in memory, where they don't take more than LAT_ICA_WHITE_BYTES: the
 * fit keeps them. */
lat_status lat_ica_whiten_all(lat_ica_search *fit);

/* Z (M x n, rows `stride` apart) := into (x - m); 0 for rows of weight 0. `rows` has n x D. */
void lat_ica_whiten(const lat_ica_search *fit, const lat_matrix *X, const double *w, double *rows,
                    double *Z, size_t stride);

/* The distance of a source's numbers to the next source's in a chunk of white rows: whole vectors,
 * and no power of two, as then all would fall into the same few sets of the cache. */
static inline size_t lat_ica_stride(size_t chunk)
{
  return (chunk + 7) / 8 * 8 + 8;
}

/* ---- single precision (ica_rough.c) ---------------------------------------------------------- */

/* Once the algorithm is known: a copy of the white rows, where that pays. Keeps it. */
lat_status lat_ica_rough_begin(lat_ica_search *fit);
/* Whether the pass under way is in single precision; and after it, with the record's gradient. */
bool lat_ica_is_rough(const lat_ica_search *fit);
void lat_ica_rough_end(lat_ica_search *fit);
/* Adds the sums over the n rows of a chunk; doubles of memory for it. */
size_t lat_ica_rough_count(const lat_ica_search *fit);
void lat_ica_rough_add(const lat_ica_search *fit, size_t chunk, size_t n, double *memory,
                       const lat_ica_means *means);

/* ---- the algorithms -------------------------------------------------------------------------- */

/* `begin` allocates an algorithm's memory and sets fit->R for its first pass; `update` uses the
 * means of a pass and sets fit->R for the next. Begin keeps its memory. */
lat_status lat_ica_fixed_point_begin(lat_ica_search *fit);
/* Keeps that of lat_ica_newton_begin when it changes to it. */
lat_status lat_ica_fixed_point_update(lat_ica_search *fit);
/* Keeps its memory. */
lat_status lat_ica_deflation_begin(lat_ica_search *fit);
lat_status lat_ica_deflation_update(lat_ica_search *fit);
/* Makes the rows of W that aren't found yet orthogonal to those before. */
void lat_ica_deflation_complete(const lat_ica_search *fit, double *W);
/* Keeps its memory. */
lat_status lat_ica_newton_begin(lat_ica_search *fit);
lat_status lat_ica_newton_update(lat_ica_search *fit);
/* Keeps its memory. */
lat_status lat_ica_likelihood_begin(lat_ica_search *fit);
lat_status lat_ica_likelihood_update(lat_ica_search *fit);
/* Which of the two densities each source has (M), and W with its rows in the sources' own
 * scales. */
const bool *lat_ica_likelihood_flat(const lat_ica_search *fit);
void lat_ica_likelihood_scale(const lat_ica_search *fit, double *W);

/* ---- quasi-Newton methods (ica_newton.c) ----------------------------------------------------- */

/* The loss that a quasi-Newton method minimizes, and the curve along which W moves for a relative
 * change E. */
typedef struct lat_ica_problem {
  /* Sets the record's objective and gradient, and G := the relative gradient (M x M) from the means
   * at W; A (M x M) and signs (M) are scratch of the problem. */
  lat_status (*evaluate)(lat_ica_search *fit, const lat_ica_means *means, double *A, double *signs,
                         double *G);
  lat_status (*loss)(lat_ica_search *fit, const lat_ica_means *means, const double *R,
                     const double *signs, double *value);
  /* h (M x M) := the approximate Hessian at W, as `scale` needs it; E := inv(Hessian) E. */
  void (*curvatures)(const lat_ica_search *fit, const lat_ica_means *means, const double *A,
                     double *h);
  void (*scale)(size_t M, const double *h, double *E);
  lat_status (*move)(lat_ica_search *fit, const double *E, double *next);
} lat_ica_problem;

typedef struct lat_ica_newton lat_ica_newton;

/* Keeps the method's memory; fit->R becomes W, for a pass at it. */
lat_status lat_ica_newton_new(lat_ica_search *fit, const lat_ica_problem *problem,
                              lat_ica_newton **newton);
/* Uses the means of a pass; fit->R is then the matrix of the next pass. */
lat_status lat_ica_newton_continue(lat_ica_search *fit, lat_ica_newton *newton);
/* The means at W, which the caller may change; and an iteration that begins from them, without the
 * stored steps, as they belong to another loss. */
lat_ica_means *lat_ica_newton_means(lat_ica_newton *newton);
lat_status lat_ica_newton_restart(lat_ica_search *fit, lat_ica_newton *newton);

#endif
