/* ica.h: independent component analysis.
 *
 * Rows are mixtures of M sources that are independent, of mean 0 and variance 1, and, except for
 * one at most, not Gaussian:
 *
 *   x = m + A s        mixing A: D x M      s = U (x - m)        unmixing U: M x D
 *
 * A mixture is closer to a Gaussian than its sources (the central limit theorem), so U is sought
 * whose outputs are as far from one as can be. Whitening comes first: z = K (x - m) has covariance
 * I, and what is left to find is a rotation W with y = W z and U = W K. With a contrast G the
 * objective is
 *
 *   J(W) = sum_i | E[G(y_i)] - E[G(v)] |        v standard normal, E the mean over rows
 *
 * whose stationary points are where, with g = G' and signs c_i = sign(E[g'(y_i)] - E[g(y_i) y_i])
 * that are 1 for peaked sources and -1 for flat ones, the relative gradient vanishes:
 *
 *   c_i E[g(y_i) y_j] = c_j E[g(y_j) y_i]       for all i, j
 *
 * (Hyvarinen, Karhunen, Oja, Independent Component Analysis, 2001, ch. 8).
 *
 * Maximum likelihood does without that constraint, which costs it something, as sources that are
 * independent are hardly ever quite uncorrelated in a sample. With the densities below it maximizes
 * over all U
 *
 *   1/N sum_n log p(x_n) = log|det U| + sum_i E[log p_i(s_i)]
 *
 * from the whitened solution on. A source then has the scale at which its density fits best, and a
 * variance near 1.
 *
 * Independence leaves the order, signs and scales of sources open: they are put in the order
 * of the variance that they explain (squared lengths of A's columns, descending); the largest entry
 * in magnitude of each column of A is positive; a source has variance 1, with divisor N, except for
 * maximum likelihood.
 *
 * Gaussian sources can be rotated at will. The kurtosis of the sources shows whether they are
 * Gaussian: lat_ica_identifiable.
 *
 *   lat_ica_options options = lat_ica_defaults();
 *   lat_ica ica;
 *   lat_ica_report report;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_ica_fit(work, &rows, NULL, &options, &ica, &report));
 *   LAT_TRY(lat_ica_apply(work, &ica, &(lat_request){.X = X}, &(lat_outputs){.latent = &S})); */
#ifndef LAT_PROJECTION_ICA_H
#define LAT_PROJECTION_ICA_H

#include "base/ordered_sum.h"
#include "matrix/moments.h"
#include "modeling/statistics.h"

typedef enum lat_ica_contrast {
  LAT_ICA_LOGCOSH, /* G = log cosh y: good all round */
  LAT_ICA_EXP,     /* G = -exp(-y^2/2): for very peaked sources, robust against outliers */
  LAT_ICA_CUBE     /* G = y^4/4: kurtosis; for flat sources, outliers weigh most */
} lat_ica_contrast;

typedef enum lat_ica_algorithm {
  LAT_ICA_AUTO,         /* the symmetric fixed point, and once its gradient stays, quasi-Newton */
  LAT_ICA_FIXED_POINT,  /* all sources at once (Hyvarinen 1999) */
  LAT_ICA_DEFLATION,    /* one source after the other, each orthogonal to those before */
  LAT_ICA_QUASI_NEWTON, /* Picard-O (Ablin, Cardoso, Gramfort 2018) */
  LAT_ICA_MAXIMUM_LIKELIHOOD, /* Picard (the same), after a start by AUTO unless `init` is given */
} lat_ica_algorithm;

typedef struct lat_ica_options {
  size_t latent_dim;      /* M; 0 is as many as there are directions with variance */
  int contrast;           /* lat_ica_contrast; LOGCOSH */
  int algorithm;          /* lat_ica_algorithm; AUTO */
  size_t max_iterations;  /* with DEFLATION of each source; 200 */
  double tolerance;       /* of the gradient's largest entry; 1e-8; 0: all iterations are made */
  uint64_t seed;          /* of the first rotation */
  const lat_matrix *init; /* the unmixing matrix to begin with (M x D), or NULL */
} lat_ica_options;

/* A view of the parameters, which somebody else holds. */
typedef struct lat_ica {
  lat_ica_options options;
  size_t D, M;
  const double *mean;     /* D */
  const double *mixing;   /* D x M row-major */
  const double *unmixing; /* M x D row-major */
  const double *kurtosis; /* M: the excess kurtosis E[s^4]/E[s^2]^2 - 3 of each source on the fit's
                             data */
  const double *flat; /* M: 1 where a source's density is the flat one of its contrast, else 0 */
} lat_ica;

/* Of the last iteration. */
typedef struct lat_ica_report {
  lat_ica_algorithm algorithm; /* the one that ran last; AUTO has become one of the others */
  size_t iterations;
  double objective; /* J; or the mean log-likelihood of a row in nats (of its M components if M <
                       D) */
  double gradient;  /* the largest entry of the relative gradient */
  double change;    /* of the rotation: the most of 1 - |cos| between old and new rows */
  bool converged;   /* gradient < tolerance */
  bool identifiable;
} lat_ica_report;

lat_ica_options lat_ica_defaults(void);
lat_status lat_ica_check(lat_workspace *work, const lat_ica_options *options);

/* All iterations. Rows in pieces are read once for the whitening, once an iteration, and once at
 * the end. Errors are those of lat_ica_begin. Keeps the parameters, and scratch. */
lat_status lat_ica_fit(lat_workspace *work, lat_source *source, const double *weights,
                       const lat_ica_options *options, lat_ica *ica, lat_ica_report *report);

/* Of each row of request->X: latent (the sources, S = U (X - m), N x M), reconstruction (m + A S, N
 * x D) and log_likelihood: log p(x_n) = log|det U| + sum_i log p(s_i), in nats, by the densities
 * below. LAT_INVALID for that unless M = D: fewer sources fill a subspace only, where a density
 * over x doesn't exist. */
lat_status lat_ica_apply(lat_workspace *work, const lat_ica *ica, const lat_request *request,
                         const lat_outputs *outputs);

/* X := m + A S: N x D. */
lat_status lat_ica_inverse(lat_workspace *work, const lat_ica *ica, const lat_matrix *S,
                           const lat_matrix *X);

/* Draws sources S (n x M) and what they make, X (n x D). */
lat_status lat_ica_sample(lat_workspace *work, const lat_ica *ica, lat_random *random,
                          const lat_matrix *S, const lat_matrix *X);

/* D for the mean and D M for the mixing of sources whose densities have variance 1. */
size_t lat_ica_free_parameters(const lat_ica *ica);

/* A file, as modeling/save.h describes it. */
lat_status lat_ica_save(lat_workspace *work, const lat_ica *ica, const char *path);
/* Keeps the parameters. */
lat_status lat_ica_load(lat_workspace *work, const char *path, lat_ica *ica);

/* ---- densities -------------------------------------------------------------------------------
 *
 * The density of a source that belongs to the contrast, as the likelihood and `sample` use it: a
 * peaked or a flat one. That is decided by the sign of the kurtosis on the fit's data, and by the
 * likelihood itself where that is maximized. All have mean 0, variance 1 and integral 1; u is s
 * times the deviation of the density in u:
 *
 *              peaked: kurtosis >= 0                  flat: kurtosis < 0
 *   LOGCOSH    1/2 sech(pi s/2)                       ~ phi(u) cosh(u)
 *   EXP        ~ phi(u) exp(exp(-u^2/2))              ~ phi(u) exp(-exp(-u^2/2))
 *   CUBE       1/2 sech(pi s/2)                       ~ exp(-u^4/4)
 *
 * phi is the standard normal's. The pair of LOGCOSH is that of extended infomax (Lee, Girolami,
 * Sejnowski 1999), the flat one being a mixture of normals about -1 and 1. No density with the
 * exponent +u^4 has an integral, so CUBE has the hyperbolic secant for peaked sources. */

/* False when more than one source has a kurtosis that N rows of Gaussian data show as well. The
 * sampling deviation of kurtosis k is sqrt(24/N), about the same on both sides for 3 log(1 + k/3);
 * a search over the directions of M dimensions finds its extremes, of which simulations show fewer
 * than 3 + sqrt(2 M) deviations above 0 and 1 + sqrt(2 M) below. */
bool lat_ica_identifiable(const double *kurtosis, size_t M, double N);

/* ---- step by step ---------------------------------------------------------------------------- */

/* A fit under way. What the report has comes first: it is that of the rotation at the beginning of
 * the last iteration. All memory is the workspace's. */
typedef struct lat_ica_search {
  lat_ica_algorithm algorithm; /* the one that runs */
  size_t iterations;
  bool starting; /* iterations are those of the start, which maximum likelihood begins with */
  double objective;
  double gradient, change;
  bool converged;
  bool done;     /* no more passes */
  double weight; /* of all rows: their number, where rows weigh 1 */

  lat_workspace *work;
  const lat_ica_options *options;
  size_t D, M;
  const double *mean;
  double *into, *back; /* z = into (x - m): M x D; x = m + back z: D x M */
  double *W;      /* the rotation, M x M; of maximum likelihood any matrix, diag(scale) U back */
  double log_det; /* log|det into| if M = D, else 0 */

  /* The pass under way: sums over rows of a contrast of k outputs y = R z. */
  lat_ica_contrast contrast;
  const lat_ica_contrast *each; /* k: of each output its own; or NULL */
  const double *R, *next_R;     /* k x M; chosen by the algorithm; and those after concluding */
  size_t k, next_k;
  const lat_ica_contrast *next_each;
  bool concluding; /* the last pass, for the sources' kurtosis */
  lat_ordered_sum sum;
  double *sums, total;
  const lat_share *share; /* of ranks that fit together; NULL */
  double *ordered;        /* M x M: W in order, while concluding */
  size_t *order;

  /* The rows in memory, if they are: X, or white already, z of chunk c, M x rows, at Z + c M
   * stride */
  lat_matrix X;
  const double *weights;
  double *Z;
  size_t chunk, chunks, stride;
  float *rough; /* the same in single precision, for the first iterations; or NULL */
  bool precise; /* these are over */
  void *solver; /* the algorithm's own */
} lat_ica_search;

/* Whitens rows in memory, which must stay there; weights (N, finite, >= 0) or NULL: 2 is as the row
 * twice. Directions whose variance is rounding noise (1e-14 D of the largest; of standardized
 * columns where M isn't less than D) don't count: LAT_INVALID when there are fewer than M.
 * LAT_INVALID also for N < 2, NaN or infinities, LAT_SHAPE for an `init` that isn't M x D.
 * Keeps the fit's memory, as the passes do what they need later. */
lat_status lat_ica_begin(lat_ica_search *fit, lat_workspace *work, const lat_matrix *X,
                         const double *weights, const lat_ica_options *options);

/* One iteration: while (!fit.done) LAT_TRY(lat_ica_step(&fit)); LAT_CANCELLED leaves the fit as it
 * was before the pass. Keeps the memory of a method that AUTO changes to. */
lat_status lat_ica_step(lat_ica_search *fit);

/* The parameters as they stand, in order and with signs, into `flat` (lat_parameters_count of them
 * and the fit's sizes). The fit may go on. */
lat_status lat_ica_end(lat_ica_search *fit, double *flat);

/* The same for rows that come in pieces, as often as there are passes. The moments are of all rows;
 * a pass is open, add for each piece, close, and completes an iteration (`iterations` grows) or a
 * part of one. After a pass opened with `conclude` comes lat_ica_write instead of another. Sums are
 * the same bits for every number of threads. LAT_INVALID, naming row and column, for NaN and
 * infinities, and for weights that aren't finite and >= 0. Keeps the fit's memory. */
lat_status lat_ica_begin_pieces(lat_ica_search *fit, lat_workspace *work,
                                const lat_moments *moments, const lat_ica_options *options);
lat_status lat_ica_open(lat_ica_search *fit, bool conclude);
lat_status lat_ica_add(lat_ica_search *fit, const lat_matrix *X, const double *weights);
/* Keeps as lat_ica_step does. */
lat_status lat_ica_close(lat_ica_search *fit);
lat_status lat_ica_write(lat_ica_search *fit, double *flat);

/* The same by a source, in memory or in pieces, which is read in each pass. LAT_INVALID for pieces
 * with more than LAT_SCATTER_COLUMNS columns. Keeps the fit's memory. */
lat_status lat_ica_start(lat_ica_search *fit, lat_workspace *work, lat_source *source,
                         const lat_ica_options *options);
/* One iteration or, in memory, a part of one. Keeps as lat_ica_step does. */
lat_status lat_ica_iterate(lat_ica_search *fit, lat_source *source);
/* The parameters as they stand, into `flat`. Keeps as lat_ica_step does. */
lat_status lat_ica_conclude(lat_ica_search *fit, lat_source *source, double *flat);

/* What it has come to; `ica` has the parameters. */
lat_ica_report lat_ica_report_of(const lat_ica_search *fit, const lat_ica *ica);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_ica_model;
lat_ica lat_ica_of(const lat_fitted *fitted);
lat_fitted lat_ica_fitted(const lat_ica *ica); /* the other way round */
extern const char *const lat_ica_algorithms[]; /* their names, ended by NULL */

#endif
