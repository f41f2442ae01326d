/* sample_neighbours.h: how good the rows of one sample are, and how much of another they cover.
 *
 * X (N x D) are data, Y (M x D) a model's draws. A distance between the samples says that they
 * differ, not how: a model may make rows that are none of the data's, or leave a part of the data
 * out. With B(x) the ball around a row that just reaches its k-th nearest neighbour among the rows
 * of its own sample:
 *
 *   precision   the share of rows of Y that are within B(x) of some row of X
 *   recall      the share of rows of X that are within B(y) of some row of Y
 *               (Kynkaanniemi, Karras, Laine, Lehtinen and Aila, NeurIPS 2019)
 *   density     the mean over Y of the number of B(x) that a row is in, over k: like precision, but
 *               an outlier of X with its large ball counts once; about 1 for equal distributions
 *   coverage    the share of the B(x) in which a row of Y is
 *               (Naeem, Oh, Uh, Choi and Yoo, Reliable fidelity and diversity metrics for
 *               generative models, ICML 2020)
 *
 * Balls are open and distances Euclidean. Of two samples of one continuous distribution, of the
 * same large size, coverage is about 1 - 2^-k. */
#ifndef LAT_MATRIX_SAMPLE_NEIGHBOURS_H
#define LAT_MATRIX_SAMPLE_NEIGHBOURS_H

#include "matrix/matrix.h"

typedef struct lat_neighbour_shares {
  double precision, recall, density, coverage;
} lat_neighbour_shares;

/* N^2 + N M + M^2 distances on the thread pool, a block of them in memory at a time. LAT_SHAPE for
 * other columns; LAT_INVALID for NaN and infinities, or when a sample has no more than k rows. */
lat_status lat_sample_neighbours(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y,
                                 size_t k, lat_neighbour_shares *shares);

/* Of rows of Y and K centres of known modes (K x D): how many centres have a row within `radius`
 * that is nearest to them, and the share of rows that are within it of any. Errors as above, and
 * LAT_INVALID for a radius that isn't positive and finite. */
lat_status lat_sample_modes(lat_workspace *work, const lat_matrix *Y, const lat_matrix *centers,
                            double radius, size_t *covered, double *share);

#endif
