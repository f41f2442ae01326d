/* lds/internal.h: what the files of linear dynamical systems share. Private to the module.
 *
 * From the bottom: kernel.h (small matrices), step.c and noiseless.c (one step of the filter),
 * diffuse.c (states of infinite initial variance), pass.c (memory of a run over one sequence),
 * filter.c, smoother_arrays.c, smoother.c, missing.c and sample.c; e_step.c, m_step.c and start.c
 * with fit.c and options.c for EM; save.c; and the tracker's folder. */
#ifndef LAT_EM_LDS_INTERNAL_H
#define LAT_EM_LDS_INTERNAL_H

#include "em/lds/kernel.h"
#include "em/lds/lds.h"

/* ---- constants
 * -----------------------------------------------------------------------------------
 *
 * Differences of covariances cancel, and a number without digits must not be divided by. These
 * thresholds say from where on what is left is rounding. Double precision has 16 digits (2.2e-16);
 * kernel.h has those of factorizations. */

/* -- one step (step.c, noiseless.c) -- */
/* Of an observation's variance S: with less noise R than this part P - G G' cancels more than half
 * of the digits, and the update is done in another form. The same for a pivot of S. */
#define LDS_SMALL_NOISE 1e-8
/* c' P c that is no more than this part of its largest recent value is rounding: an observation
 * without noise has no variance then. The second is of a deviation, in the square-root form. Some
 * hundred steps' rounding. */
#define LDS_VARIANCE_ROUNDING  1e-13
#define LDS_DEVIATION_ROUNDING 1e-13
/* The same where the noise of the observation is more than this part, too: an error of c' P c
 * counts only against it. */
#define LDS_NOISY_ROUNDING 2e-15
/* A negative variance below minus this part of what it was is no rounding: P isn't a covariance. */
#define LDS_INDEFINITE 1e-8
/* By how much rounding of earlier steps may still count after an update (lat_lds_belief's
 * scale). */
#define LDS_SCALE_DECAY 0.1

/* -- sequences (pass.c, smoother.c) -- */
/* Covariances have converged when in LDS_CONVERGED_STEPS steps they stay within
 * LDS_CONVERGED_CHANGES changes of one step (or the rounding of all), and within LDS_CONVERGED of
 * the deviations. */
#define LDS_CONVERGED         1e-13
#define LDS_CONVERGED_CHANGES 8
enum { LDS_CONVERGED_STEPS = 32 };
/* The smoothed variance is a difference. When less than this part of the filtered one is left, it
 * has lost nine of sixteen digits, and the arrays take over. */
#define LDS_SMOOTHER_LOSS 1e-7
/* They begin at a step where predicted variances are at most this multiple of the smoothed ones. */
#define LDS_SMOOTHER_SAFE 1e2
/* Arithmetic operations between two looks at whether to go on, some 0.1 ms. */
#define LDS_OPERATIONS 200000

/* -- diffuse states (diffuse.c) -- */
/* Of the information scaled to a unit diagonal: an eigenvalue below this is 0. */
#define LDS_EIGENVALUE_ROUNDING 1e-13
/* Of an element of the information's diagonal if nothing cancelled: less is 0. Squares of 1e-13. */
#define LDS_INFORMATION_ROUNDING 1e-26
/* A row of E whose part in the unknown directions is no longer than this part of it is known. */
#define LDS_DIFFUSE_ROUNDING 1e-9

/* -- the steady and the stationary state (steady.c, lds.c, tracker.c) -- */
/* Doublings; 2^64 steps converge or never do. */
enum { LDS_DOUBLINGS = 64 };
/* The steady state's H has converged when it moves by less; it is accepted up to the second, when
 * rounding keeps it moving. */
#define LDS_STEADY_CONVERGED 1e-16
#define LDS_STEADY_ACCEPTED  1e-12
/* A is stable when the moduli of its eigenvalues are below 1 minus this, their rounding. */
#define LDS_STABLE 1e-12
/* A tracker's covariance, relative to its largest element, is that of the steady state. */
#define LDS_STEADY 1e-13
/* Asymmetry of a covariance that is set, relative to its deviations. */
#define LDS_SYMMETRIC 1e-10
/* Steps of central differences, relative to the state or its deviation: the cube root of rounding,
 * where the truncation error, of third order, is as large as rounding's part. */
#define LDS_DIFFERENCE 6e-6

/* -- the M-step and the start (m_step.c, start.c) -- */
/* Pivots of sums over sequences, which have more rounding than one covariance has. */
#define LDS_REGRESSION_PIVOT 1e-13
/* A step that lowers the likelihood is halved at most so often: 2^-40 of it is rounding. */
enum { LDS_HALVINGS = 40 };
/* Least squares for the start: this part of the mean square is added to the diagonal. */
#define LDS_RIDGE 1e-10
/* An output whose changes are less than this part of its square is constant; its changes are then
 * taken to be the second part of it. */
#define LDS_CONSTANT_OUTPUT  1e-12
#define LDS_CONSTANT_CHANGES 1e-6
/* Spectral radius of the start's A, at most: slower than a random walk. By 2^12 steps. */
#define LDS_START_RADIUS 0.995
enum { LDS_START_SQUARINGS = 12 };
/* Rows of the Hankel matrix, at most (its SVD takes seconds); and its smallest singular value that
 * counts, relative to the largest. */
enum { LDS_HANKEL_ROWS = 2048 };
#define LDS_HANKEL_RANK 1e-12
/* Variances of the start are at least this part of the changes of y: EM can't leave a variance of
 * 0. */
#define LDS_START_VARIANCE 1e-4
/* Where the data can't tell: the diagonal of A goes from 0.9 down by 0.2, the other elements of
 * C. */
#define LDS_START_A      0.9
#define LDS_START_A_FALL 0.2
#define LDS_START_C      0.3
/* Perturbations of A and C for further starts, relative to their root mean square. */
#define LDS_PERTURBATION 0.3
/* The random stream of these ("lds"), apart from other models' with the same seed. */
enum { LDS_STREAM = 0x6c6473 };

/* Whether the initial variance of a state is infinite. */
static inline bool lat_lds_is_diffuse(const lat_lds *lds, size_t state)
{
  return lds->initial && lds->initial[state] == LAT_LDS_DIFFUSE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Takes n doubles of the memory at *memory. */
static inline double *lat_lds_take(double **memory, size_t n)
{
  double *taken = *memory;
  *memory += n;
  return taken;
}

static inline size_t lat_lds_max(size_t a, size_t b)
{
  return a > b ? a : b;
}

/* ---- one step (step.c) ----------------------------------------------------------------------- */

/* The covariance's part of the steps, for one number of states. */
struct lat_lds_kernels {
  /* P := A P A' + Q; work is 2 M^2 */
  void (*predict)(size_t M, const double *A, const double *Q, double *P, double *work);
  /* S comes in as R and becomes its factor L' (upper); W := inv(L) C P, p x M; P := P - W'W, unless
   * `exact` or this would cancel: then P is left, and `exact` set. False, and P is left, when a
   * pivot of S is no more than LDS_SMALL_NOISE of its diagonal element. work is M p. */
  bool (*update)(size_t M, size_t p, const double *C, double *S, double *inverse, double *W,
                 double *P, bool *exact, double *work);
  /* The smoother's step back (smoother.c) from N of the next step to that of this one, whose gain
   * is G' (p x M) and whose C is inv(L) C (p x M): AP := A P, L := A (I - G C), to := P - (A P)' N
   * A P, lag := A P - predicted N A P, N := C'C + L' N L. work is M^2 + 2 M p. */
  void (*back)(size_t M, size_t p, const double *A, const double *P, const double *predicted,
               const double *gain, const double *C, double *N, double *AP, double *L, double *to,
               double *lag, double *work);
  /* mean += (A P)' r, r := C' v + L' r; work is M. */
  void (*back_mean)(size_t M, size_t p, const double *AP, const double *L, const double *C,
                    const double *v, double *mean, double *r, double *work);
};

const struct lat_lds_kernels *lat_lds_kernels_for(size_t M);

/* The mean's part of an update whose factor and gain are in the workspace; log p(y | past). */
double lat_lds_update_mean(lat_lds_workspace *w, double *mean);

/* The first part of an update: which entries of y are observed, and their C, R and residual. */
void lat_lds_select_observed(lat_lds_workspace *w, const double *C, const double *R,
                             const double *y, const double *offset, const double *mean);

/* Whether R may be singular, so that a belief needs a scale. `work` is D^2 + D. */
bool lat_lds_may_be_noiseless(const lat_lds *lds, double *work);
/* scale := variances, in the first step. */
void lat_lds_scale_init(size_t M, lat_lds_belief *belief);

/* ---- observations with little or no noise (noiseless.c) -------------------------------------- */

/* Updates by the selected entries, in either form: factor, inverse, gain and `used` of the
 * workspace, and the covariance, not the mean. An entry without a variance gets a row of zeros in
 * all three. `definite`: the workspace has the factor and the gain of a kernel's update. False when
 * P isn't a covariance, or numbers overflow. The counts are doubles of the workspace's `work`. */
bool lat_lds_update_noiseless(lat_lds_workspace *w, bool definite, lat_lds_belief *belief);
size_t lat_lds_noiseless_count(size_t M, size_t D);
bool lat_lds_update_root(lat_lds_workspace *w, lat_lds_belief *belief);
size_t lat_lds_update_root_count(size_t M, size_t D);
/* The same from the moments in factor (S) and gain (the covariance of residual and state). */
bool lat_lds_update_covariance_by_moments(lat_lds_workspace *w, double *P);

/* ---- a run over one sequence ----------------------------------------------------------------- */

/* The first steps, in which states are diffuse (diffuse.c). */
typedef struct lat_lds_diffuse {
  size_t q;                            /* diffuse states; 0: there is no diffuse phase */
  size_t steps;                        /* of the phase so far */
  bool on;                             /* whether it goes on */
  double *x, *P, *E;                   /* T x M, T x M x M, T x M x q: after the update */
  double *ahead_x, *ahead_P, *ahead_E; /* the same, predicted */
  double *information, *score;         /* of delta: q x q, q */
  double *uncancelled;                 /* q: the information's diagonal if nothing cancelled */
  size_t rank;                         /* of the information */
  double *delta, *half, *spread;       /* q, q x q, q x q: mean, root and covariance of delta */
  double *axes; /* q x q: columns from `rank` on are the directions without information */
  double limit; /* -1/2 log pdet information + 1/2 score' delta */
  double *X, *work;
} lat_lds_diffuse;

/* The smoother's recursion back (smoother.c). */
typedef struct lat_lds_back {
  double *r, *N;    /* M, M x M */
  double condition; /* of N */
  size_t safe;      /* the last step where arrays could begin, T if there is none; its r and N: */
  double *safe_r, *safe_N;
  double *AP, *L, *C;     /* M x M, M x M, p x M */
  lat_lds_belief updated; /* of an update that is done again */
  double *scale;          /* M: its */
  double *work;
} lat_lds_back;

typedef struct lat_lds_pass {
  const lat_lds *lds;
  const lat_lds_sequence *sequence;
  size_t M, D, U, T;
  lat_lds_workspace step;
  lat_lds_belief belief;
  double *predicted_means, *predicted_covariances, *means, *covariances, *log_densities;
  double *Q_root, *offset;
  lat_lds_diffuse diffuse;
  /* T: the filter's covariances of step t are at slot[t] M M; steps after convergence share a slot.
   * In the diffuse phase slot[t] is t. */
  size_t *slot;
  size_t anchor; /* the slot from which covariances have hardly moved (lat_lds_has_converged) */
  double log_likelihood;
  size_t skipped;  /* entries of y without a variance */
  size_t failed;   /* the step (from 1) whose observation has no density; 0: none */
  size_t overflow; /* the step in which numbers overflow; 0: none */
  /* the smoother's; NULL without it */
  double *smoothed_means, *smoothed_covariances, *lag_covariances;
  double *whitened; /* T x D: of each step, count of them */
  double *scales;   /* T x M: the belief's, predicted */
  lat_lds_back back;
  double *arrays; /* memory of smoother_arrays.c */
  /* Asks whether to go on; NULL: doesn't. Results of a pass that was stopped are incomplete. */
  lat_halt *halt;
  size_t worker, ask; /* steps between two looks */
} lat_lds_pass;

/* Memory in doubles of the filter's part (pass.c); the rest of a pass is 0. */
size_t lat_lds_pass_count(const lat_lds *lds, size_t T);
void lat_lds_pass_init(lat_lds_pass *pass, const lat_lds *lds, const lat_lds_sequence *sequence,
                       double *memory);

static inline const double *lat_lds_predicted_at(const lat_lds_pass *pass, size_t t)
{
  return pass->predicted_covariances + pass->slot[t] * pass->M * pass->M;
}

static inline const double *lat_lds_filtered_at(const lat_lds_pass *pass, size_t t)
{
  return pass->covariances + pass->slot[t] * pass->M * pass->M;
}

/* Whether the pass shall stop at step t; asked in each of its loops. */
static inline bool lat_lds_stopped(const lat_lds_pass *pass, size_t t)
{
  return pass->halt && t % pass->ask == 0 && lat_halted(pass->halt, pass->worker);
}

/* D u_t, in pass->offset; NULL without inputs. */
const double *lat_lds_offset(lat_lds_pass *pass, size_t t);

/* Whether the covariance `now` of a recursion, at `slot` of those at `all`, has converged: it
 * equals `before`, that of the previous step, bit for bit; or, since converged recursions cycle in
 * their last bits, it has stayed near the one at pass->anchor for LDS_CONVERGED_STEPS steps. What
 * moves it is then less a step than its rounding. Never unless `like`: this step is one like the
 * previous one. */
bool lat_lds_has_converged(lat_lds_pass *pass, bool like, const double *all, size_t slot,
                           const double *now, const double *before);

/* LAT_SINGULAR when an observation had no density, LAT_DIVERGED when numbers overflow. */
lat_status lat_lds_pass_check(lat_workspace *work, const lat_lds_pass *pass);

void lat_lds_pass_filter(lat_lds_pass *pass); /* filter.c */

/* Filter and smoother (smoother.c): memory in doubles for both; the smoother after the filter; and
 * both one after the other, for callers of one sequence. */
size_t lat_lds_smoother_count(const lat_lds *lds, size_t T);
void lat_lds_smoother_init(lat_lds_pass *pass, const lat_lds *lds, const lat_lds_sequence *sequence,
                           double *memory);
void lat_lds_pass_smooth(lat_lds_pass *pass);
lat_status lat_lds_smoother_run(lat_workspace *work, lat_lds_pass *pass);

/* Smooths the first `steps` steps by arrays (smoother_arrays.c). Either those behind them have been
 * smoothed, and back.safe_r and safe_N belong to step `steps`, or `steps` is T. Overwrites what the
 * filter has kept of these steps. The count is of pass->arrays, with q diffuse states. */
void lat_lds_smooth_by_arrays(lat_lds_pass *pass, size_t steps);
size_t lat_lds_arrays_count(size_t M, size_t D, size_t q);

/* ---- diffuse states (diffuse.c) -------------------------------------------------------------- */

size_t lat_lds_diffuse_count(const lat_lds *lds, size_t T);
/* The number of diffuse states. */
size_t lat_lds_count_diffuse(const lat_lds *lds);
void lat_lds_diffuse_init(lat_lds_pass *pass, double *memory);
/* Rows of diffuse states in a first covariance P become those given delta; E := its
 * coefficients. */
void lat_lds_diffuse_initial(const lat_lds_pass *pass, double *P, double *E);
/* The belief becomes that of the first step given delta = 0. */
void lat_lds_diffuse_begin(lat_lds_pass *pass);
/* After the prediction and after the update of step t of the phase. The second turns the density
 * given delta into the limit's, and at the end of the phase the belief into what is known of z. */
void lat_lds_diffuse_predict(lat_lds_pass *pass, size_t t);
void lat_lds_diffuse_update(lat_lds_pass *pass, size_t t, double *log_density);
/* Rows of E = before +- gain X (M x q, M x p times p x q) that are no longer than `least` of the
 * terms they are a sum of become 0. Element (i, k) of the gain is at i row + k col. */
void lat_lds_diffuse_clear_rounding(size_t M, size_t q, const double *before, size_t p,
                                    const double *gain, size_t row, size_t col, const double *X,
                                    double least, double *E);
/* After smoothing, with d->E the coefficients of delta in z_t: infinities for what isn't known. */
void lat_lds_diffuse_mark_unknown(lat_lds_pass *pass);
/* covariance (n x n) += X spread X' of X (n x q). A row of X with a part in an unknown direction
 * makes its variance infinite and its covariances NaN. */
void lat_lds_diffuse_add_covariance(const lat_lds_diffuse *diffuse, size_t n, const double *X,
                                    double *covariance);

/* ---- missing entries (missing.c) ------------------------------------------------------------- */

/* Of v ~ N(0, R) the missing entries given the observed ones: mean gain v_o, covariance rest. */
/* Fills the intervals of forecasts (filter.c), unless they are NULL. */
void lat_lds_intervals(size_t h, size_t D, const lat_lds_forecasts *to);

typedef struct lat_lds_missing {
  size_t missing;
  size_t *index; /* which */
  double *gain;  /* missing x observed */
  double *rest;  /* missing x missing */
  double *work;
} lat_lds_missing;

size_t lat_lds_missing_count(size_t D);
void lat_lds_missing_init(lat_lds_missing *missing, size_t D, double *memory);
/* For the entries that the workspace has selected of an R (D x D). */
void lat_lds_missing_given_observed(lat_lds_missing *missing, const lat_lds_workspace *w,
                                    const double *R);

#endif
