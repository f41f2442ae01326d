/* mppca/context.h: a mixture of PPCA on its way through a fit or a computation. */
#ifndef LAT_EM_MPPCA_CONTEXT_H
#define LAT_EM_MPPCA_CONTEXT_H

#include "em/gmm/context.h"
#include "em/mppca/mppca.h"

/* weights (K), means (K x D), W (K x D x M), noise_variances (K, or K x D). */
extern const lat_parameter lat_mppca_isotropic[], lat_mppca_diagonal[];

typedef struct lat_mppca_context {
  lat_gmm_context gmm; /* the covariance is full */
  size_t M;
  bool diagonal;
} lat_mppca_context;

/* The view of a flat vector of parameters. */
typedef struct lat_mppca_view {
  double *weights, *means, *W, *noise;
} lat_mppca_view;
lat_mppca_view lat_mppca_view_of(const lat_mppca_context *mppca, double *flat);

/* The kind for the loop, whose `model` is a lat_mppca_context; sizes[LAT_M] is M. */
const lat_em_kind *lat_mppca_kind(const lat_mppca_context *mppca);

/* ---- before and after ------------------------------------------------------------------------ */

/* Shift and scale for the distribution of a fitted mixture: see lat_gmm_own_coordinates. */
lat_status lat_mppca_own_coordinates(lat_workspace *work, const lat_mppca_context *mppca,
                                     const double *parameters, double *shift, double *scale);

/* A start: these means (K x D), equal weights, W at random, which is half of the data's variance;
 * the other half is noise. */
void lat_mppca_start(const lat_mppca_context *mppca, const double *means, double *parameters);

/* A start: the PPCA of the rows of X (complete, as they are) with each label, from 1; those with
 * label 0 are left out. A component with too few rows is spread over all of the data. */
lat_status lat_mppca_from_labels(lat_workspace *work, const lat_mppca_context *mppca,
                                 const lat_matrix *X, const double *weights, const uint32_t *labels,
                                 double *parameters);

/* Turns each W, which is given only up to a rotation, so that W' inv(Psi) W is diagonal, descends,
 * and the largest entry of each column is positive. The statistics, unless NULL, are turned along.
 */
lat_status lat_mppca_canonical(lat_workspace *work, const lat_mppca_context *mppca,
                               double *parameters, double *statistics);

/* How many statistics there are; the same with missing entries and without. */
size_t lat_mppca_statistics_count(const lat_mppca_context *mppca);

/* New component i := old component order[i], in the parameters and, unless NULL, in statistics. */
lat_status lat_mppca_reorder_parameters(lat_workspace *work, const lat_mppca_context *mppca,
                                        const size_t *order, double *parameters,
                                        double *statistics);

/* ---- a fitted mixture ------------------------------------------------------------------------ */

/* Its context, without coordinates. */
lat_mppca_context lat_mppca_context_of(const lat_mppca *mppca);

/* What lat_mppca_apply computes, and of each component: */
typedef struct lat_mppca_outputs {
  lat_outputs rows;
  double *all_latent;  /* K x N x M */
  double *covariances; /* K x N x M x M: V of each row */
} lat_mppca_outputs;
lat_status lat_mppca_apply_all(lat_workspace *work, const lat_mppca *mppca,
                               const lat_request *request, const lat_mppca_outputs *outputs);

#endif
