/* mixture.h: mixtures of distributions whose columns are independent given the component.
 *
 *   p(x) = sum_k w_k prod_d p(x_d | k),   k = 1..K,   x of D columns
 *
 * with Bernoulli, categorical or Poisson columns, fitted by EM (Bishop, Pattern Recognition and
 * Machine Learning, 9.3.3; with categorical columns latent class analysis: Goodman, Biometrika 61,
 * 1974).
 *
 *   lat_mixture_options options = lat_mixture_defaults();
 *   options.components = 2;
 *   options.family = LAT_POISSON;
 *   lat_mixture mixture;
 *   lat_source rows = lat_source_of(&X);
 *   LAT_TRY(lat_mixture_fit(work, &rows, NULL, &options, &mixture, NULL));
 *   printf("%g\n", mixture.rates[0]);
 *   LAT_TRY(lat_mixture_apply(work, &mixture, &(lat_request){.X = X},
 *                             &(lat_outputs){.labels = to}));
 *
 * All three are exponential families: M features f of a row make
 *
 *   log p(x | k) = sum_f slope_kf f + sum_{d observed} base_kd + c(x)
 *
 *   bernoulli     f = x_d             slope = log p/(1-p)   base = log(1-p)   c = 0
 *   poisson       f = x_d             slope = log rate      base = -rate      c = -sum log x_d!
 *   categorical   f = [x_d = level]   slope = log p         base = 0          c = 0
 *
 * so that the E-step is a product of matrices, and so is the M-step, which needs the features' sums
 * S_kf = sum_n r_nk f_n alone. A missing entry is left out of the product: exact, because of the
 * independence. A row without any entry has probability 1.
 *
 * Probabilities of 0 and 1 are limits that EM does reach. Their terms are left out of the sums, and
 * a second product counts, in whole numbers, the entries of a row that contradict them: such a row
 * has probability 0 under that component, and nowhere is 0 multiplied by infinity.
 *
 * A family of the caller's own is two functions: log p(x | k) of all rows, and what maximizes their
 * weighted likelihood. */
#ifndef LAT_EM_MIXTURE_MIXTURE_H
#define LAT_EM_MIXTURE_MIXTURE_H

#include "em/fit.h"

typedef enum lat_family {
  LAT_BERNOULLI,   /* parameters: weights (K), means (K x D) */
  LAT_POISSON,     /* weights (K), rates (K x D) */
  LAT_CATEGORICAL, /* weights (K), levels (D), lowest (D), probabilities (K x M) */
  LAT_FUNCTIONS    /* weights (K); the others are the caller's (lat_own_family) */
} lat_family;

/* Where starts come from: at random, by K-means on the features, or by both in turn. MIXED begins
 * at random, KMEANS by K-means, and goes on in turn; of a family of functions see own.c. */
typedef enum lat_mixture_init {
  LAT_MIXTURE_MIXED,
  LAT_MIXTURE_RANDOM,
  LAT_MIXTURE_KMEANS
} lat_mixture_init;

/* Whole numbers, one a column, or one for all columns; none: they are found in the data. */
typedef struct lat_number_list {
  const double *values;
  size_t count;
} lat_number_list;

/* A family of the caller's own. Both functions are called on the thread that fits, for k = 0, 1,
 * ... K-1 in order, with all rows. */
typedef struct lat_own_family {
  /* row (N) := log p(x_n | k): numbers below infinity. */
  lat_status (*log_density)(lat_fit *fit, size_t k, const lat_matrix *X, double *row);
  /* Finds component k's parameters for sum_n r_n log p(x_n | k), or, with r NULL, keeps those that
   * it has: no row is its. What was found counts from the last k on. */
  lat_status (*estimate)(lat_fit *fit, size_t k, const lat_matrix *X, const double *r);
  size_t free_parameters; /* of a component; SIZE_MAX: not known */
  void *context;          /* the caller's: ((lat_mixture_options *)fit->options)->own.context */
} lat_own_family;

typedef struct lat_mixture_options {
  lat_fit_options fit; /* 1000 iterations, tolerance 1e-8, five starts */
  size_t components;   /* K; 1 */
  int family;          /* lat_family; Bernoulli */
  int init;            /* lat_mixture_init; mixed */
  /* A pseudo-count of every value: of 0 and of 1, of each level; for a Poisson column that of a row
   * with a count of 1; 0. The objective then has the logarithm of the prior Beta(1+s, 1+s),
   * Dirichlet(1+s) or Gamma(1+s, s), without its constant. */
  double smoothing;
  /* Of categorical columns, how they are coded: how many levels, and the first code; or, where X is
   * one-hot, how many columns belong together. */
  lat_number_list levels, lowest, groups;
  lat_own_family own; /* of LAT_FUNCTIONS */
} lat_mixture_options;

/* A mixture: a view of its parameters, which somebody else holds. */
typedef struct lat_mixture {
  lat_mixture_options options;
  size_t D, K;
  size_t M;              /* of categorical columns the number of all levels; else D */
  const double *weights; /* K */
  /* Those of the family; the others are NULL. */
  const double *means, *rates; /* K x D */
  const double *probabilities; /* K x M: those of a column's levels side by side */
  /* D each: a column's codes are lowest, lowest + 1, ... (levels of them). Where the data is
   * one-hot, M = D, lowest is -1, and levels[d] is the number of columns that belong together for
   * the first of them, 0 for the others. Parameters that never change, so that a file is complete.
   */
  const double *levels, *lowest;
  lat_prepared prepared; /* by lat_mixture_prepare */
} lat_mixture;

lat_mixture_options lat_mixture_defaults(void);
/* LAT_INVALID, with a sentence, for options out of bounds or that don't go with each other. */
lat_status lat_mixture_check(lat_workspace *work, const lat_mixture_options *options);

/* Maximum likelihood by EM, or with smoothing the most probable parameters; from source->labels
 * where they are given (rows with label 0 are free). Components are put in order of their first
 * mean, rate or probability (then the second, ...), unless labels or given parameters name them.
 * Rows in memory that are the same are computed once. `report` may be NULL. Keeps the parameters.
 * LAT_INVALID for options, labels and data (naming the entry); LAT_CANCELLED. */
lat_status lat_mixture_fit(lat_workspace *work, lat_source *source, const double *weights,
                           const lat_mixture_options *options, lat_mixture *mixture,
                           lat_fit_report *report);

/* Of each row of request->X: responsibilities (equal ones of a row that no component has), labels,
 * log_likelihood (-infinity of such a row), imputed (codes at the most probable level, the lowest
 * of equal ones), bound and kl (with request->q). With request->missing NaN marks a missing entry,
 * which is left out. Of a family of functions request->densities must be there. Errors: LAT_SHAPE;
 * LAT_INVALID for parameters that are none, for data and for a row of q that is no distribution. */
lat_status lat_mixture_apply(lat_workspace *work, const lat_mixture *mixture,
                             const lat_request *request, const lat_outputs *outputs);

/* What lat_mixture_apply derives from the parameters, once for many calls: `numbers` (as many as
 * lat_mixture_prepared_count says) of the caller's are filled, and the model uses them for
 * requests with the same `missing`, as long as it and its parameters are the same. Errors: as
 * apply's. */
size_t lat_mixture_prepared_count(const lat_mixture *mixture, const lat_request *request);
lat_status lat_mixture_prepare(lat_workspace *work, lat_mixture *mixture,
                               const lat_request *request, double *numbers);

/* A file, as modeling/save.h describes it. How columns are coded is in its parameters; the options
 * levels, lowest and groups, which say it to fits, are not in it. LAT_INVALID for a family of
 * functions. */
lat_status lat_mixture_save(lat_workspace *work, const lat_mixture *mixture, const char *path);
/* After a failure the mixture is as it was. Keeps the parameters. */
lat_status lat_mixture_load(lat_workspace *work, const char *path, lat_mixture *mixture);

/* ---- more of a mixture ----------------------------------------------------------------------- */

/* n rows drawn from the mixture into X (n x D), their components, from 1, into labels (n). Of a
 * family of functions only the labels. */
lat_status lat_mixture_sample(lat_workspace *work, const lat_mixture *mixture, lat_random *random,
                              const lat_matrix *X, double *labels);

/* Free parameters: K-1 weights, and for each component D, or levels - 1 of each column. */
size_t lat_mixture_free_parameters(const lat_mixture *mixture);

/* The squared Hellinger distances of the components of two mixtures, summed over the columns
 * (1 - sum_x sqrt(p(x) q(x)) each): K x K, row i for component i of the first. Unlike the
 * Bhattacharyya distance it is finite where two exclude each other. LAT_SHAPE for mixtures of other
 * sizes, families or levels; LAT_INVALID for families of functions. */
lat_status lat_mixture_distances(lat_workspace *work, const lat_mixture *first,
                                 const lat_mixture *second, double *distances);

/* Where the probabilities of categorical column d (from 0; a group of one-hot columns counts once)
 * stand in a row of `probabilities`; how many such columns there are. */
size_t lat_mixture_column(const lat_mixture *mixture, size_t d, size_t *first, size_t *levels);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_mixture_model;
lat_mixture lat_mixture_of(const lat_fitted *fitted);
lat_fitted lat_mixture_fitted(const lat_mixture *mixture); /* the other way round */
lat_status lat_mixture_reorder(lat_workspace *work, lat_fitted *fitted, const size_t *order);
/* Explicit probabilities (K x M) are of so many columns, as far as the options tell; 0 where only
 * the data does. And levels and lowest of given parameters of so many columns. */
size_t lat_mixture_columns(const lat_mixture_options *options, size_t M);
void lat_mixture_complete(const lat_mixture_options *options, lat_fitted *given);

#endif
