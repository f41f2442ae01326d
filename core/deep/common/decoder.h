/* decoder.h: means, draws and log-likelihoods of data by a decoder net and its likelihood, for all
 * models that have them. */
#ifndef LAT_DEEP_COMMON_DECODER_H
#define LAT_DEEP_COMMON_DECODER_H

#include "deep/common/likelihood.h"
#include "nn/layers.h"

/* log p(x_n) for each row of X by K draws of z, decoded once for all rows: `log_likelihood` and,
 * unless NULL, the effective number of draws, N each. Memory is that of a block of draws for any K.
 * X has been checked (lat_likelihood_check). */
lat_status lat_prior_log_likelihood(lat_workspace *work, const lat_net *decoder,
                                    const lat_likelihood *l, const lat_matrix *X, size_t K,
                                    uint64_t seed, double *log_likelihood, double *effective);

/* Means and variances of x for the rows of Z, those that aren't NULL. `labels` (or NULL) are
 * classes from 0, which the decoder has as `classes` more columns of its input. */
lat_status lat_decode(lat_workspace *work, const lat_net *decoder, const lat_likelihood *l,
                      const lat_matrix *Z, const size_t *labels, size_t classes,
                      const lat_matrix *mean, const lat_matrix *variance);

/* Z := N(0, I), packed and of the decoder's type, from `random`; and X: a draw of x for each row,
 * or with `mean` its mean. */
lat_status lat_draw(lat_workspace *work, const lat_net *decoder, const lat_likelihood *l,
                    const size_t *labels, size_t classes, bool mean, lat_random *random,
                    const lat_matrix *Z, const lat_matrix *X);

/* x with an indicator of its label beside each row, 0 for labels that are no class: B x (n +
 * classes); x itself when there are none. */
lat_value lat_with_labels(lat_tape *tape, lat_value x, const size_t *labels, size_t classes);

/* The widest of a net's layers. */
size_t lat_net_width(const lat_net *net);
/* Columns of all layers together: about the count of numbers of a row on a tape. */
size_t lat_net_tape_numbers(const lat_net *net);

#endif
