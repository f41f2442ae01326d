/* mixture.h: mixtures of distributions whose columns are independent given the component.
 *
 *   p(x) = sum_k w_k prod_d p(x_d | k),   k = 1..K,   x of D columns
 *
 * with Bernoulli, categorical or Poisson columns, fitted by EM (Bishop, Pattern Recognition and
 * Machine Learning, 9.3.3; with categorical columns latent class analysis: Goodman, Biometrika 61,
 * 1974). All three are exponential families: M features f of a row make
 *
 *   log p(x | k) = sum_f slope_kf f + sum_{d observed} base_kd + c(x)
 *
 *   bernoulli     f = x_d             slope = log p/(1-p)   base = log(1-p)   c = 0
 *   poisson       f = x_d             slope = log rate      base = -rate      c = -sum log x_d!
 *   categorical   f = [x_d = level]   slope = log p         base = 0          c = 0
 *
 * so that the E-step is a product of matrices, and so is the M-step, which needs the features'
 * sums S_kf = sum_n r_nk f_n alone. A missing entry is left out of the product: exact, because of
 * the independence. A row without any entry has probability 1.
 *
 * Probabilities of 0 and 1 are limits that EM does reach. Their terms are left out of the sums,
 * and a second product counts, in whole numbers, the entries of a row that contradict them: such a
 * row has probability 0 under that component, and nowhere is 0 multiplied by infinity. */
#ifndef LAT_EM_MIXTURE_MIXTURE_H
#define LAT_EM_MIXTURE_MIXTURE_H

#include <stdint.h>

#include "base/random.h"
#include "em/em.h"

typedef enum lat_family {
  LAT_BERNOULLI,   /* parameters: weights (K), means (K x D) */
  LAT_POISSON,     /* weights (K), rates (K x D) */
  LAT_CATEGORICAL, /* weights (K), levels (D), lowest (D), probabilities (K x M) */
} lat_family;

/* A mixture's structure. Of categorical columns M is the number of all levels, and levels[d] that
 * of column d, whose codes are lowest[d], lowest[d] + 1 and so on; its probabilities stand side by
 * side. Where the data is one-hot already, M = D, lowest is -1, and levels[d] is the number of
 * columns that belong together for the first of them, 0 for the others. These two are parameters
 * too, which never change, so that a saved model is complete. Otherwise M = D. */
typedef struct lat_mixture {
  lat_family family;
  size_t D, K, M;
  const double *levels, *lowest; /* D each */
  double smoothing; /* pseudo-count of every value: of 0 and of 1, of each level; for a Poisson
                     * column that of a row with a count of 1. The objective then has the
                     * logarithm of the prior Beta(1+s, 1+s), Dirichlet(1+s) or Gamma(1+s, s),
                     * without its constant */
  /* a row's component, from 1, or 0 where it isn't known; or NULL. A known one counts with
   * log p(x, k) in the objective. */
  const uint32_t *labels;
  double row;         /* what a row weighs on average, for starts, which add half a row to what they
                       * count; 0: as the weights say */
  const double *seen; /* for lat_em_step: the weight of the rows behind the running statistics;
                       * the objective is then without the prior. NULL for a fit */
} lat_mixture;

extern const lat_parameter lat_mixture_bernoulli[], lat_mixture_poisson[],
    lat_mixture_categorical[];
const lat_em_kind *lat_mixture_kind(lat_family family);

/* LAT_INVALID, naming the entry (row, column, value): for data that aren't finite (NaN passes when
 * `missing`), and for an entry that the family doesn't have. */
lat_status lat_mixture_check(lat_workspace *work, const lat_mixture *mixture, const lat_matrix *X,
                             bool missing);

/* The levels (D) and the lowest codes (D) of coded columns, both found in the data: codes begin
 * at 0 in a column that has a 0, else at 1. Values that lowest and levels already have are kept
 * (NaN: to be found). LAT_INVALID for what is no code. */
lat_status lat_mixture_levels(lat_workspace *work, const lat_matrix *X, bool missing,
                              double *levels, double *lowest);

/* Rows that are the same, entry by entry (NaN equals NaN), made one: the places of the first of
 * each, and the sum of their weights; rows of weight 0 are left out. All in the workspace. *count
 * is 0 when there would be more than `most`. X has finite values and NaN. Keeps them. */
lat_status lat_distinct_rows(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t most, size_t *count, size_t **places, double **totals);

/* ---- a start, and order ---------------------------------------------------------------------- */

/* A start: each component halfway between the data's distribution (which is all that is taken
 * from X, so that the order of rows doesn't matter) and a random one; components that have labels
 * without the random part. Weights are equal. */
lat_status lat_mixture_start(lat_workspace *work, const lat_mixture *mixture, const lat_matrix *X,
                             const double *weights, bool missing, lat_random *random,
                             double *parameters);

/* The same with K-means centres of the features, which are probabilities or rates, moved a tenth
 * of the way to the data's; missing features are at their mean. From at most 16384 rows. */
lat_status lat_mixture_start_kmeans(lat_workspace *work, const lat_mixture *mixture,
                                    const lat_matrix *X, const double *weights, bool missing,
                                    lat_random *random, double *parameters);

/* The order of components (K, from 0) by their first mean, rate or probability, then the second,
 * and so on; and parameters, and statistics where there are any, put into an order (new component
 * i is old order[i]). */
void lat_mixture_rank(const lat_mixture *mixture, const double *parameters, size_t *order);
lat_status lat_mixture_reorder(lat_workspace *work, const lat_mixture *mixture, const size_t *order,
                               double *parameters, double *statistics);

/* ---- a fitted mixture ------------------------------------------------------------------------ */

/* What to compute of each row: all that is not NULL. */
typedef struct lat_mixture_images {
  const lat_matrix *responsibilities; /* N x K */
  double *log_likelihood;             /* N, nats; -infinity where no component has the row */
  double *labels;            /* N: the most probable component, from 1; ties go to the lowest */
  const lat_matrix *imputed; /* N x D: missing entries at their conditional means; codes at the
                              * most probable level, the lowest of equal ones */
  const lat_matrix *q;       /* N x K: given, see lat_elbo; rows add up to 1 */
  double *bound, *kl;        /* N each */
} lat_mixture_images;

/* A row that no component has gets equal responsibilities. Errors as lat_mixture_check's;
 * for q those of gmm.h; for parameters that are none, LAT_INVALID. */
lat_status lat_mixture_apply(lat_workspace *work, const lat_mixture *mixture,
                             const double *parameters, const lat_matrix *X, bool missing,
                             const lat_mixture_images *images);

/* n rows drawn from the mixture into X (n x D), their components, from 1, into labels (n). */
lat_status lat_mixture_sample(lat_workspace *work, const lat_mixture *mixture,
                              const double *parameters, lat_random *random, const lat_matrix *X,
                              double *labels);

/* Free parameters: K-1 weights, and for each component D, or levels - 1 of each column. */
size_t lat_mixture_free_parameters(const lat_mixture *mixture);

/* The squared Hellinger distances of the components of two mixtures, summed over the columns
 * (1 - sum_x sqrt(p(x) q(x)) each): K x K, row i for component i of the first. Unlike the
 * Bhattacharyya distance it is finite where two exclude each other. */
void lat_mixture_distances(const lat_mixture *mixture, const double *first, const double *second,
                           double *distances);

#endif
