/* lds_parts.h: what the files of linear dynamical systems share. Private to the module. */
#ifndef LAT_EM_LDS_PARTS_H
#define LAT_EM_LDS_PARTS_H

#include "em/lds.h"
#include "em/lds_kernel.h"

/* The covariance's part of the steps, for a number of states (lds_step.c). `work` is 5 M^2 + M doubles,
 * for update M p. */
struct lat_lds_kernels {
  /* P := A P A' + Q */
  void (*predict)(size_t M, const double *A, const double *Q, double *P, double *work);
  /* S, which comes in as R, becomes its factor L' (upper); W := inv(L) C P, p x M. P := P - W'W,
   * unless that would cancel: then P is left and `exact` set. False when S isn't positive definite. */
  bool (*update)(size_t M, size_t p, const double *C, double *S, double *inverse, double *W,
                 double *P, bool *exact, double *work);
  /* The smoother's step back: J' := inv(predicted) A P; lag := next J'; to := P - J A P + J next J',
   * or in the form that can't cancel. */
  void (*back)(size_t M, const double *A, const double *Q, const double *P, const double *predicted,
               const double *next, double *Jt, double *to, double *lag, double *work);
};

const struct lat_lds_kernels *lat_lds_kernels_for(size_t M);

/* The mean's part of an update whose factor and gain are in the frame; log p(y | past). */
double lat_lds_settle(lat_lds_frame *frame, double *mean);

/* Of an update, only which entries of y are observed, and their C, R and residual. */
void lat_lds_select(lat_lds_frame *frame, const double *C, const double *R, const double *y,
                    const double *offset, const double *mean);

/* L (n x n, lower, diagonal >= 0) with L L' = X X' of the packed X (n x m, m >= n), which is
 * destroyed. `work` is 2 m doubles. */
void lat_lds_triangle(size_t n, size_t m, double *X, double *L, double *work);

/* ---- a sequence -------------------------------------------------------------------------------- */

/* The steps at the start in which states are diffuse (lds_diffuse.c). */
typedef struct lat_lds_diffuse {
  size_t q;                            /* diffuse states; 0: there is no such stretch */
  size_t steps;                        /* of the stretch so far */
  bool on;                             /* it lasts */
  double *x, *P, *E;                   /* T x M, T x M x M, T x M x q: after the update */
  double *ahead_x, *ahead_P, *ahead_E; /* the same, predicted */
  double *information, *score, *reach; /* of delta: q x q, q, q */
  size_t rank;                         /* of the information */
  double *delta, *half, *spread;       /* q, q x q, q x q: mean, root and covariance of delta */
  double *axes; /* q x q: columns from `rank` on are the directions of which nothing is known */
  double limit; /* -1/2 log pdet information + 1/2 score' delta */
  double *X, *cross, *tilt, *work;
} lat_lds_diffuse;

/* A run over one sequence, on memory of lat_lds_pass_count doubles. */
typedef struct lat_lds_pass {
  const lat_lds *lds;
  const lat_lds_sequence *sequence;
  size_t M, D, U, T;
  lat_lds_frame frame;
  lat_lds_belief belief;
  double *predicted_means, *predicted_covariances, *means, *covariances, *log_densities;
  double *Q_root, *offset;
  lat_lds_diffuse diffuse;
  /* T: the filter's covariances of step t are at slot[t] M M, those of steps that have settled once.
   * In the diffuse stretch that is t. */
  size_t *slot;
  size_t anchor; /* the slot since which covariances have been at rest */
  double log_likelihood;
  size_t failed; /* the step (from 1) whose observation has no density; 0: none */
  /* the smoother's; NULL without it */
  double *smoothed_means, *smoothed_covariances, *lag_covariances, *Jt, *work, *root_work;
} lat_lds_pass;

size_t lat_lds_pass_count(const lat_lds *lds, size_t T, bool smooth);
void lat_lds_pass_init(lat_lds_pass *pass, const lat_lds *lds, const lat_lds_sequence *sequence,
                       bool smooth, double *memory);
void lat_lds_pass_filter(lat_lds_pass *pass);
void lat_lds_pass_smooth(lat_lds_pass *pass); /* after the filter */

static inline const double *lat_lds_predicted_at(const lat_lds_pass *pass, size_t t)
{
  return pass->predicted_covariances + pass->slot[t] * pass->M * pass->M;
}

static inline const double *lat_lds_updated_at(const lat_lds_pass *pass, size_t t)
{
  return pass->covariances + pass->slot[t] * pass->M * pass->M;
}

/* Whether the covariance of the pass's recursion now, at `slot` of those at `all`, is at rest: what it was
 * a step `before`, bit for bit; or, since recursions that have settled go round in their last bits,
 * for 32 steps no further from where it was than 8 times the change of one of them, or than 32 units of
 * rounding. What still moves it is then less in a step than its rounding; and that must be less than
 * 1e-13 of the deviations. Not unless `like`: the step is one like the step before. */
bool lat_lds_is_at_rest(lat_lds_pass *pass, bool like, const double *all, size_t slot,
                        const double *now, const double *before);

/* One step of the smoother back to t from what is smoothed at t + 1; P and predicted are the filter's
 * covariances at t and, predicted, at t + 1. J' goes to pass->Jt. */
void lat_lds_pass_back(lat_lds_pass *pass, size_t t, const double *P, const double *predicted);

/* D u_t, or NULL without inputs; in pass->offset. */
const double *lat_lds_offset(lat_lds_pass *pass, size_t t);

size_t lat_lds_diffuse_count(const lat_lds *lds, size_t T);
void lat_lds_diffuse_init(lat_lds_pass *pass, double *memory);
/* Makes the belief that of the first step given delta = 0. */
void lat_lds_diffuse_begin(lat_lds_pass *pass);
/* After the prediction and after the update of step t within the stretch. The second makes the
 * density given delta the limit's, and the belief what is known of z when the stretch ends. */
void lat_lds_diffuse_predict(lat_lds_pass *pass, size_t t);
void lat_lds_diffuse_update(lat_lds_pass *pass, size_t t, double *log_density);
/* LAT_SINGULAR when an observation had no density. */
lat_status lat_lds_pass_check(lat_workspace *work, const lat_lds_pass *pass);

/* Smooths the stretch; behind it, and its last step unless that is T, all is smoothed. */
void lat_lds_diffuse_smooth(lat_lds_pass *pass);
/* covariance (n x n) += X spread X' of X (n x q); a row of X that reaches into what isn't known makes
 * its variance infinite and its covariances NaN. */
void lat_lds_diffuse_widen(const lat_lds_diffuse *diffuse, size_t n, const double *X,
                           double *covariance);

/* ---- missing entries -------------------------------------------------------------------------------- */

/* Of v ~ N(0, R) the missing entries given the others: mean gain v_o, covariance rest. */
typedef struct lat_lds_gap {
  size_t missing;
  size_t *index; /* which */
  double *gain;  /* missing x observed */
  double *rest;  /* missing x missing */
  double *work;
} lat_lds_gap;

size_t lat_lds_gap_count(size_t D);
void lat_lds_gap_init(lat_lds_gap *gap, size_t D, double *memory);
/* For the entries that the frame has selected of an R (D x D). */
void lat_lds_gap_fill(lat_lds_gap *gap, const lat_lds_frame *frame, const double *R);

#endif
