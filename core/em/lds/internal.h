/* lds/internal.h: what the files of linear dynamical systems share. Private to the module. */
#ifndef LAT_EM_LDS_INTERNAL_H
#define LAT_EM_LDS_INTERNAL_H

#include "em/lds/kernel.h"
#include "em/lds/lds.h"

/* Of a variance that observations without noise leave: less than this part of what it is made of is
 * rounding; and of a deviation in the square-root form. */
#define LDS_DEPENDENT      1e-13
#define LDS_DEPENDENT_ROOT 1e-13
/* Of the length of a row of what states answer to delta (diffuse.c): less is rounding. */
#define LDS_NO_REACH 1e-9

/* The covariance's part of the steps, for a number of states (step.c). */
struct lat_lds_kernels {
  /* P := A P A' + Q; work is 2 M^2 */
  void (*predict)(size_t M, const double *A, const double *Q, double *P, double *work);
  /* S, which comes in as R, becomes its factor L' (upper); W := inv(L) C P, p x M. P := P - W'W,
   * unless `exact` or that would cancel: then P is left, and `exact` set. False, and P is left, when a pivot of S is
   * no more than a small part of its diagonal element. work is M p. */
  bool (*update)(size_t M, size_t p, const double *C, double *S, double *inverse, double *W,
                 double *P, bool *exact, double *work);
  /* The smoother's step back (smoother.c) from N of the step ahead to that of this one, whose gain is
   * G' (p x M) and C is inv(L) C (p x M): AP := A P, L := A (I - G C), to := P - (A P)' N A P,
   * lag := A P - predicted N A P, N := C'C + L' N L. work is M^2 + 2 M p. */
  void (*back)(size_t M, size_t p, const double *A, const double *P, const double *predicted,
               const double *gain, const double *C, double *N, double *AP, double *L, double *to,
               double *lag, double *work);
  /* mean += (A P)' r, r := C' v + L' r; work is M. */
  void (*back_mean)(size_t M, size_t p, const double *AP, const double *L, const double *C,
                    const double *v, double *mean, double *r, double *work);
};

const struct lat_lds_kernels *lat_lds_kernels_for(size_t M);

/* The mean's part of an update whose factor and gain are in the frame; log p(y | past). */
double lat_lds_settle(lat_lds_frame *frame, double *mean);

/* Of an update, only which entries of y are observed, and their C, R and residual. */
void lat_lds_select(lat_lds_frame *frame, const double *C, const double *R, const double *y,
                    const double *offset, const double *mean);

/* Whether R may be singular, so that a belief should have a scale. `work` is D^2 + D. */
bool lat_lds_has_exact(const lat_lds *lds, double *work);
/* scale := variances, at the beginning. */
void lat_lds_begin_scale(size_t M, lat_lds_belief *belief);

/* covariance := root root'; work is n^2. */
void lat_lds_square(size_t n, const double *root, double *covariance, double *work);

/* L (n x n, lower, diagonal >= 0) with L L' = X X' of the packed X (n x m, m >= n), which is
 * destroyed. `work` is 2 m doubles. */
void lat_lds_triangle(size_t n, size_t m, double *X, double *L, double *work);

/* X (n x m, by rows) := Q'X for an orthogonal Q that makes it upper triangular with a diagonal >= 0
 * (Householder). What is left of column j no longer than least[j] becomes 0, but for the diagonal of the first
 * `own` columns. `work` is m doubles. */
void lat_lds_reduce(size_t n, size_t m, double *X, size_t own, const double *least, double *work);

/* ---- observations with little or no noise (exact.c) ---- */

/* Updates of what is selected, in either form: factor, inverse, gain and `used` of the frame and the
 * covariance, not the mean. An entry without a variance gets a row of zeros in all three. `definite`: the
 * frame has the factor and the gain of a kernel's update. False when a covariance isn't one, or numbers
 * overflow. Work in doubles, of the frame's. */
bool lat_lds_update_exactly(lat_lds_frame *frame, bool definite, lat_lds_belief *belief);
size_t lat_lds_exact_count(size_t M, size_t D);
bool lat_lds_update_root(lat_lds_frame *frame, lat_lds_belief *belief);
size_t lat_lds_root_count(size_t M, size_t D);
/* The same from the moments in factor (S) and gain (the covariance of residual and state). */
bool lat_lds_update_moments(lat_lds_frame *frame, double *P);

/* ---- a sequence -------------------------------------------------------------------------------- */

/* The steps at the start in which states are diffuse (diffuse.c). */
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
  double *X, *work;
} lat_lds_diffuse;

/* The smoother's steps back (smoother.c). */
typedef struct lat_lds_back {
  double *r, *N;    /* M, M x M */
  double condition; /* of N */
  size_t place;     /* the last step where arrays could begin, T if there was none; its r and N: */
  double *place_r, *place_N;
  double *AP, *L, *C;   /* M x M, M x M, p x M */
  lat_lds_belief again; /* of an update that is done again */
  double *scale;        /* M: its */
  double *work;
} lat_lds_back;

/* Memory in doubles. */
size_t lat_lds_back_count(size_t M, size_t D);
void lat_lds_back_init(lat_lds_back *back, size_t M, size_t D, double *memory);

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
  size_t skipped;  /* entries of y without a variance */
  size_t failed;   /* the step (from 1) whose observation has no density; 0: none */
  size_t overflow; /* the step in which numbers overflow; 0: none */
  /* the smoother's; NULL without it */
  double *smoothed_means, *smoothed_covariances, *lag_covariances;
  double *whitened; /* T x D: of each step, count of them */
  double *scales;   /* T x M: the belief's, predicted */
  lat_lds_back back;
  double *memory; /* for the first steps (arrays.c) */
  /* Who asks whether to go on; NULL: nobody. A pass that was stopped is of no use. */
  lat_halt *halt;
  size_t worker, ask; /* steps between two looks */
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

/* D u_t, or NULL without inputs; in pass->offset. */
/* Whether the pass shall stop at step t; asked in each of its loops. */
static inline bool lat_lds_stopped(const lat_lds_pass *pass, size_t t)
{
  return pass->halt && t % pass->ask == 0 && lat_halted(pass->halt, pass->worker);
}

const double *lat_lds_offset(lat_lds_pass *pass, size_t t);

/* Smooths the first `head` steps by arrays (arrays.c), whose memory is pass->memory: behind them all is
 * smoothed, place_r and place_N are those of step `head`, or `head` is T. What the filter has kept of them is lost. */
void lat_lds_smooth_first(lat_lds_pass *pass, size_t head);
size_t lat_lds_arrays_count(size_t M, size_t D, size_t q);

size_t lat_lds_diffuse_count(const lat_lds *lds, size_t T);
/* How many states are diffuse. */
size_t lat_lds_count_diffuse(const lat_lds *lds);
void lat_lds_diffuse_init(lat_lds_pass *pass, double *memory);
/* The rows of diffuse states in a first covariance P become those given delta; E := the answer to it. */
void lat_lds_diffuse_start(const lat_lds_pass *pass, double *P, double *E);
/* Makes the belief that of the first step given delta = 0. */
void lat_lds_diffuse_begin(lat_lds_pass *pass);
/* After the prediction and after the update of step t within the stretch. The second makes the
 * density given delta the limit's, and the belief what is known of z when the stretch ends. */
void lat_lds_diffuse_predict(lat_lds_pass *pass, size_t t);
void lat_lds_diffuse_update(lat_lds_pass *pass, size_t t, double *log_density);
/* LAT_SINGULAR when an observation had no density, LAT_DIVERGED when numbers overflow. */
lat_status lat_lds_pass_check(lat_workspace *work, const lat_lds_pass *pass);

/* Rows of E = before +- gain X (M x q, M x p times p x q) that are no more than `least` of what they are
 * a sum of become 0. Element (i, k) of the gain is at i row + k col. */
void lat_lds_diffuse_settle(size_t M, size_t q, const double *before, size_t p, const double *gain,
                            size_t row, size_t col, const double *X, double least, double *E);
/* Once all is smoothed and d->E is what z_t answers to delta: infinities for what is not known. */
void lat_lds_diffuse_mark(lat_lds_pass *pass);
/* Eigenvectors of the symmetric A (n x n) in its place, by rows, and its eigenvalues, ascending. `work` is
 * 3 n doubles. */
void lat_lds_eigenvectors(size_t n, double *A, double *values, double *work);
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
