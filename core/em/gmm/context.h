/* context.h: a mixture of Gaussians on its way through a fit or a computation, of any form of
 * covariance (gmm.h, mppca.h): its sizes and configuration, the coordinates that it computes in,
 * and the record of what was done about singularities. */
#ifndef LAT_EM_GMM_CONTEXT_H
#define LAT_EM_GMM_CONTEXT_H

#include "em/gmm/gmm.h"

/* Up to LAT_GMM_EVENTS events, all zero at first. */
typedef struct lat_gmm_record {
  double *ridge;    /* K: what is added to the diagonal, relative to the data's variance */
  double *reseeded; /* K: how often */
  bool centred;     /* statistics were about the means at some time */
  size_t count;
  lat_gmm_event events[LAT_GMM_EVENTS];
} lat_gmm_record;

struct lat_gmm_form;

typedef struct lat_gmm_context {
  size_t D, K;
  lat_covariance covariance;
  double regularization; /* >= 0, added to variances, relative to the data's */
  uint64_t seed;         /* where components begin anew */
  /* D each: coordinates are (x - shift)/scale. Spherical covariances, also a tied one, need one
   * scale for all columns; and so does whoever sets one_scale. */
  const double *shift, *scale;
  bool one_scale;
  /* a row's component, from 1, or 0 where it isn't known; or NULL. A known one counts with
   * log p(x, k) in the objective. */
  const uint32_t *labels;
  bool labelled_only; /* rows without a label are left out, and no density is computed: the M-step
                       * gives the maximum likelihood solution of the labels, whatever the present
                       * parameters are */
  const struct lat_gmm_structure *structure; /* of the covariances (internal.h); NULL */
  bool online; /* statistics are about the shift in every iteration, as lat_em_step needs */
  lat_gmm_record *record;
  const struct lat_gmm_form *form; /* what a fit needs to know of the covariances: below */
  int init;                        /* lat_gmm_init */
} lat_gmm_context;

/* What depends on the form of the covariances in a fit (fit.c). fit->context begins with a
 * lat_gmm_context. */
typedef struct lat_gmm_form {
  /* The first parameters, in fit->parameters: of rows with labels (from 1; 0 where not known); or
   * of these means (K x D). */
  lat_status (*from_labels)(lat_fit *fit, const lat_matrix *X, const uint32_t *labels);
  void (*from_means)(const lat_fit *fit, const double *means);
  /* Shift and scale for data as the fitted model expects them. */
  lat_status (*own_coordinates)(lat_workspace *work, const lat_fitted *fitted, double *shift,
                                double *scale);
  /* New component i := old component order[i], in parameters and statistics. */
  lat_status (*reorder)(lat_workspace *work, lat_fitted *fitted, const size_t *order);
} lat_gmm_form;

/* The fit's kind in parts, for all forms. lat_gmm_plan completes a context whose K, covariance,
 * regularization, form, init and one_scale are set. Keeps it. */
lat_status lat_gmm_plan(lat_fit *fit, lat_gmm_context *gmm);
lat_status lat_gmm_begin(lat_fit *fit);
size_t lat_gmm_aside_bytes(const lat_fit *fit);
void lat_gmm_write_aside(const lat_fit *fit, void *aside);
/* Puts components in order, unless somebody has said which is which. */
lat_status lat_gmm_finish(lat_fit *fit, lat_fitted *fitted);
/* lat_gmm_reorder for a form: with the record. */
lat_status lat_gmm_reorder_all(lat_workspace *work, const lat_gmm_form *form, lat_fitted *fitted,
                               const size_t *order);
/* X itself, or a copy with the columns' means in the place of missing entries. Keeps the copy. */
lat_status lat_gmm_complete(lat_fit *fit, lat_matrix *X);

/* The tables of parameters, by covariance. */
extern const lat_parameter lat_gmm_full[], lat_gmm_diag[], lat_gmm_tied[], lat_gmm_spherical[],
    lat_gmm_tied_diag[], lat_gmm_tied_spherical[];

/* The kind for the loop, one for each covariance: they differ in the table of parameters. */
const lat_em_kind *lat_gmm_kind(lat_covariance covariance);

/* Shift and scale (D each) for data with these means and variances, or, by the second function,
 * for a mixture's own: those of p(x). */
void lat_gmm_coordinates(lat_covariance covariance, size_t D, const double *mean,
                         const double *variance, double *shift, double *scale);
lat_status lat_gmm_own_coordinates(lat_workspace *work, lat_covariance covariance, size_t D,
                                   size_t K, const double *parameters, double *shift,
                                   double *scale);

/* A start: the first K means (K x D, given), equal weights, and for each component the
 * covariance diag(scale^2). */
void lat_gmm_start(const lat_gmm_context *gmm, const double *means, double *parameters);

/* New component i := old component order[i], in the parameters, which are as the table says, and,
 * unless NULL, in statistics. */
lat_status lat_gmm_reorder_parameters(lat_workspace *work, const lat_gmm_context *gmm,
                                      const lat_parameter *table, const size_t sizes[LAT_SIZES],
                                      const size_t *order, double *parameters, double *statistics);

/* ---- descriptions ---------------------------------------------------------------------------- */

extern const char *const lat_gmm_inits[]; /* the words of lat_gmm_init */
#define LAT_GMM_OPTION_INIT(type)                                                                  \
  {                                                                                                \
    .name = "init", LAT_CHOICE, offsetof(type, init), LAT_GMM_KMEANS, 0, 0, lat_gmm_inits,         \
    "table", NULL                                                                                  \
  }
/* The methods that all forms have in common. */
#define LAT_GMM_METHODS LAT_LABELLED_FIT_METHODS, LAT_MIXTURE_METHODS

/* A fitted mixture's context, without coordinates. */
lat_gmm_context lat_gmm_sizes_of(const lat_gmm *gmm);
/* A fitted mixture's context, in coordinates of its own; keeps them. */
lat_status lat_gmm_context_of(lat_workspace *work, const lat_gmm *gmm, lat_gmm_context *context);

#endif
