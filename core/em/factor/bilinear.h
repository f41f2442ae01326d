/* bilinear.h: EM for linear-Gaussian latent variables (factor.h), of which the models differ only
 * in what the M-step makes of the noise. Private to the module.
 *
 * Row n has its own observed entries o, hence its own K_n and posterior of z0; with z~ = (z0, 1) the
 * M-step solves for each column j, over the rows that observe it,
 *
 *   [w_j mean_j] = inv(sum E[z~ z~']) sum x_nj E[z~],   rest_j = sum of the expected (x_nj -
 *   w~_j'z~)^2
 *
 * The expected z0 of all rows needn't have mean 0 and covariance I, as the model says. In the wider
 * model z0 ~ N(a, R) they are what a and R become, and W z0 + mean of that is W L z0 + W a + mean of
 * this one, R = L L' (parameter expansion: Liu, Rubin, Wu, Biometrika 85, 1998). That step is EM's
 * in the wider model, so the likelihood never decreases; with little noise it saves hundreds.
 *
 * Statistics are, in order: the objective's sum, the weight, the sum of squares q of each column, A =
 * sum E[z~ z~'] (packed) of each column over the rows that observe it and then of all rows, or only
 * the latter when nothing is missing, and B = sum x E[z~]', D x (M+1). Data is taken about a shift,
 * near the mean. */
#ifndef LAT_EM_FACTOR_BILINEAR_H
#define LAT_EM_FACTOR_BILINEAR_H

#include "em/em.h"
#include "em/factor/batch.h"

typedef struct lat_factor_sums {
  size_t D, M, T; /* T: the length of an A */
  size_t blocks;  /* how many A, but for the one of all rows */
  double *q, *A, *all, *B;
} lat_factor_sums;

lat_factor_sums lat_factor_sums_of(size_t D, size_t M, bool missing, const double *statistics);

/* The E-step. Adds the share of the rows of X, with weights or NULL; the objective is the
 * log-likelihood of what is observed or, without `density`, the squared error. Scratch is of that many
 * doubles for up to `rows` rows. */
size_t lat_factor_add_count(size_t D, size_t M, bool missing, size_t rows);
void lat_factor_add(const lat_factor_frame *frame, const lat_matrix *X, const double *weights,
                    const double *shift, bool density, double *statistics, double *scratch);

/* A kind's own counts, of the model with sizes[LAT_D] and sizes[LAT_M]. */
size_t lat_factor_em_statistics(const lat_em *em);
size_t lat_factor_em_scratch(const lat_em *em, size_t rows);

/* The M-step but for the noise: the mean and W (in terms of z0) of `to`; and of each column the rest
 * and the weight of its entries, D each. LAT_INVALID for a column that is wholly missing. */
lat_status lat_factor_solve(lat_workspace *work, const lat_factor_sums *sums, const double *shift,
                            const lat_factor_model *to, double *rest, double *weight);

/* Behind it, the parameter expansion: mean + W a and W L become the mean and W of `to`. */
lat_status lat_factor_expand(lat_workspace *work, const lat_factor_sums *sums,
                             const lat_factor_model *to);

/* A start: the columns' means, also into the shift; W random, about half of the variance (of each
 * column, or of all where they share their noise); the columns' variances, 0 for constant ones.
 * LAT_INVALID for a column that is wholly missing, unless the M-step can find that out. */
lat_status lat_factor_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                            bool missing, uint64_t seed, const lat_factor_model *to, double *shift,
                            double *variances);

lat_status lat_factor_wholly_missing(lat_workspace *work, size_t column);

/* z0 becomes Q z0 (M x M, row-major): the statistics do, too. */
lat_status lat_factor_turn(lat_workspace *work, const lat_factor_sums *sums, const double *Q);

#endif
