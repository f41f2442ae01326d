/* likelihood.h: p(x | z) as a function of the outputs of a decoder net for z.
 *
 *   bernoulli             D logits; x in 0..1. A grey level is the mean of many black and white
 *                         values: then this is a cross-entropy and no normalized density of x
 *   continuous_bernoulli  D logits; x in 0..1, normalized (Loaiza-Ganem and Cunningham 2019)
 *   categorical           D groups of `levels` logits; x whole numbers from 0 to levels - 1
 *   gaussian              D means; the variance is one of
 *     fixed               sigma^2
 *     global              one parameter for all columns, learned
 *     column              D parameters, learned
 *     pixel               D more outputs: a function of z too
 *
 * Learned variances are bounded, since a density grows without limit where a variance goes to 0:
 * with [a, b] for the logarithms of the bounds, c their middle and h half their distance, v is the
 * output of the net or the parameter, and the log-variance is c + h tanh((v - c)/h), which is about
 * v well inside the bounds.
 *
 * Log-likelihoods are in nats, summed over the D columns. */
#ifndef LAT_DEEP_COMMON_LIKELIHOOD_H
#define LAT_DEEP_COMMON_LIKELIHOOD_H

#include "nn/ops.h"

typedef enum lat_likelihood_kind {
  LAT_P_BERNOULLI = 0,
  LAT_P_CONTINUOUS_BERNOULLI,
  LAT_P_CATEGORICAL,
  LAT_P_GAUSSIAN,
  LAT_LIKELIHOODS
} lat_likelihood_kind;
extern const char *const lat_likelihood_names[LAT_LIKELIHOODS + 1]; /* ended by NULL */

typedef enum lat_variance_kind {
  LAT_VARIANCE_FIXED = 0,
  LAT_VARIANCE_GLOBAL,
  LAT_VARIANCE_COLUMN,
  LAT_VARIANCE_PIXEL,
  LAT_VARIANCES
} lat_variance_kind;
extern const char *const lat_variance_names[LAT_VARIANCES + 1];

typedef struct lat_likelihood {
  int kind;     /* lat_likelihood_kind */
  int variance; /* lat_variance_kind; -1: fixed where sigma is given, else global */
  size_t D, levels;
  double sigma;             /* fixed, or what global and column begin with; -1: 1 */
  double variance_range[2]; /* bounds of learned variances; 0: 1e-6 and 1e6 */
  lat_store *store;         /* of the parameter, and its number there; set by lat_likelihood_add */
  size_t parameter;
} lat_likelihood;

/* LAT_INVALID, with a sentence, for what doesn't go with each other. */
lat_status lat_likelihood_check_options(lat_workspace *work, const lat_likelihood *l);
/* The same with what isn't given (-1 and 0 above) filled in. */
lat_likelihood lat_likelihood_complete(lat_likelihood l);

/* Columns of the decoder's outputs. */
size_t lat_likelihood_outputs(const lat_likelihood *l);

/* Adds the parameter "log_variance" to the store, when there is one. */
lat_status lat_likelihood_add(lat_workspace *work, lat_likelihood *l, lat_store *store);

/* LAT_INVALID, naming row and column (from 1) and the likelihood that would fit, when a value of X
 * (packed, the data's rows from `first` on) isn't in the range of this likelihood. *grey is set
 * when a Bernoulli's isn't 0 or 1. */
lat_status lat_likelihood_check(lat_workspace *work, const lat_likelihood *l, const lat_matrix *X,
                                size_t first, bool *grey);

/* The same for `scale` times any view, whose numbers are converted to `dtype`. */
lat_status lat_likelihood_check_all(lat_workspace *work, const lat_likelihood *l,
                                    const lat_matrix *X, double scale, lat_dtype dtype, bool *grey);

/* -log p(x_i | outputs_i): B x 1. `constant` leaves parameters out of the tape's gradients, as all
 * evaluation does; then several tapes may work at once. */
lat_value lat_likelihood_nll(lat_tape *tape, const lat_likelihood *l, lat_value outputs,
                             lat_value x, bool constant);

/* log p(x_i | outputs_k) for every pair: B x K, by products of matrices. */
lat_value lat_likelihood_pairs(lat_tape *tape, const lat_likelihood *l, lat_value outputs,
                               lat_value x, bool constant);

/* Means of x and its variances, those that aren't NULL; outputs are packed, the results any view of
 * D columns. */
void lat_likelihood_mean(const lat_likelihood *l, const lat_matrix *outputs, const lat_matrix *mean,
                         const lat_matrix *variance);

/* One x for each row of outputs. */
void lat_likelihood_sample(const lat_likelihood *l, const lat_matrix *outputs, lat_random *random,
                           const lat_matrix *X);

#endif
