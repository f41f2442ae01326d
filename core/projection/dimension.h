/* dimension.h: the number of principal components by Bayesian evidence.
 *
 * Of a probabilistic PCA with M latent dimensions and uniform priors the evidence, the probability
 * of the data with W, the noise and the mean integrated out, is by Laplace's method, with
 * eigenvalues lambda_i of the covariance of N rows (divisor N), v the mean of those after M and m =
 * D M - M(M+1)/2,
 *
 *   p(data | M) ~ p(U) (prod_{i<=M} lambda_i)^(-N/2) v^(-N(D-M)/2)
 *                  (2 pi)^((m+M)/2) |A|^(-1/2) N^(-M/2)
 *   p(U) = 2^-M prod_{i<=M} Gamma((D-i+1)/2) pi^(-(D-i+1)/2)
 *   |A|  = prod_{i<=M} prod_{j>i} N (lambda_i - lambda_j)(1/l_j - 1/l_i)
 *   l_i  = lambda_i up to M, and v after it
 *
 * (Minka, Automatic choice of dimensionality for PCA, 2000, equations 30 and 76-80). The scale of
 * the eigenvalues, and so the divisor, changes all evidences by the same factor. */
#ifndef LAT_PROJECTION_DIMENSION_H
#define LAT_PROJECTION_DIMENSION_H

#include "base/workspace.h"

/* log_evidence[M-1] := log p(data | M) in nats for M = 1 .. D-1, except for a factor that is the
 * same for all, of D > 0 eigenvalues > 0 in descending order; *M := the M with the largest, 1 if D
 * is 1.
 *
 * A factor of |A| is 2 pi over the square of Laplace's approximation to the integral over the angle
 * between two directions. Those with the same eigenvalue (to 1e-10) can be rotated into each other,
 * and the integral is the angle's range, pi: the factor is 2/pi. */
void lat_log_evidence(const double *eigenvalues, size_t D, double N, double *log_evidence,
                      size_t *M);

/* LAT_INVALID unless N > D: fewer rows span a subspace only. */
lat_status lat_check_evidence(lat_workspace *work, size_t D, double N);

/* The same of the spectrum of D columns, some of which may vary in less than D directions: those
 * without variance (1e-14 D of the largest eigenvalue) are left out. *log_evidence (in the
 * workspace) has *count numbers. LAT_INVALID as above. Keeps the evidences. */
lat_status lat_choose_dimension(lat_workspace *work, const double *eigenvalues, size_t D, double N,
                                size_t *M, double **log_evidence, size_t *count);

#endif
