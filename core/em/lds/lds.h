/* lds.h: linear dynamical systems, which are state-space models with Gaussian noise.
 *
 *   z_1 ~ N(initial_mean, initial_covariance)
 *   z_t = A z_{t-1} + B u_t + w_t,   w_t ~ N(0, Q),   t = 2..T     (M states)
 *   y_t = C z_t     + D u_t + v_t,   v_t ~ N(0, R),   t = 1..T     (D outputs, U inputs)
 *
 * (Kalman, Journal of Basic Engineering 82, 1960; Rauch, Tung, Striebel, AIAA Journal 3, 1965;
 * Bishop, Pattern Recognition and Machine Learning, 13.3.) A, B and Q of step t lead from t-1 to t,
 * so those of the first step aren't used. A NaN in y is a missing entry. Log-likelihoods are exact,
 * in nats; the density of a row is that given the rows before it.
 *
 *   const double one = 1;
 *   lat_lds_options options = lat_lds_defaults();       a random walk with observation noise: A, C
 *   options.A.data = options.C.data = &one;             are given, Q and R estimated
 *   options.initial = LAT_LDS_DIFFUSE;
 *   lat_lds_sequence nile = {.steps = 100, .Y = flow};
 *   lat_lds lds;
 *   LAT_TRY(lat_lds_fit(work, &nile, 1, &options, &lds, NULL));
 *   LAT_TRY(lat_lds_smooth(work, &lds, &nile, &(lat_lds_smoothed){.means = level}));
 *   LAT_TRY(lat_lds_forecast(work, &lds, &nile, 10, NULL, &forecasts));
 *   LAT_TRY(lat_lds_save(work, &lds, "level.safetensors"));
 *
 * Whoever has all matrices fills a lat_lds, whose A, C, .. point to them, and needs no fit.
 * tracker.h takes one observation at a time.
 *
 * Two forms of the covariance. The usual one is updated by the Cholesky factor L of the
 * innovation's covariance S, P := P - G G' with G = P C' inv(L'), which is symmetric exactly; where
 * an observation has so little noise that this would cancel more than eight digits, P is computed
 * as (I - K C) P (I - K C)' + K R K', which can't become indefinite (Joseph). The square-root form
 * keeps a triangular factor of P, by orthogonal transformations (Kaminski, Bryson, Schmidt, IEEE
 * Transactions on Automatic Control 16, 1971), and computes P from it. */
#ifndef LAT_EM_LDS_LDS_H
#define LAT_EM_LDS_LDS_H

#include "em/fit.h"

/* ---- the model ------------------------------------------------------------------------------- */

/* A (M x M), B (M x U), C (D x M), D (D x U), Q, R, initial_mean (M), initial_covariance. */
extern const lat_parameter lat_lds_parameters[];

/* Indices into this table. */
enum {
  LAT_LDS_A,
  LAT_LDS_B,
  LAT_LDS_C,
  LAT_LDS_D,
  LAT_LDS_Q,
  LAT_LDS_R,
  LAT_LDS_MEAN,
  LAT_LDS_COVARIANCE,
  LAT_LDS_PARAMETERS
};

/* A matrix of the model, packed: at step t (from 0) it is at data + t * stride. Stride 0: constant.
 */
typedef struct lat_lds_matrix {
  const double *data;
  size_t stride;
} lat_lds_matrix;

static inline const double *lat_lds_at(lat_lds_matrix matrix, size_t t)
{
  return matrix.data + t * matrix.stride;
}

/* What is known of a state at first: its mean and (co)variance, given or estimated; that they are
 * the stationary ones of A and Q; nothing, which is an infinite variance. */
typedef enum lat_lds_initial {
  LAT_LDS_AUTOMATIC, /* known, unless it is neither given nor estimated: then stationary if A is
                      * stable, else diffuse. Of options only */
  LAT_LDS_KNOWN,
  LAT_LDS_STATIONARY,
  LAT_LDS_DIFFUSE /* its initial mean and rows of the initial covariance aren't used */
} lat_lds_initial;

typedef enum lat_lds_form { LAT_LDS_COVARIANCE_FORM, LAT_LDS_SQUARE_ROOT } lat_lds_form;

typedef struct lat_lds {
  size_t states, outputs, inputs;      /* M, D, U */
  union {                              /* by name, and by LAT_LDS_A, .. */
    __extension__ struct {             /* C++ has no such by itself */
      lat_lds_matrix A, B, C, D, Q, R; /* B and D aren't read without inputs */
    };
    lat_lds_matrix matrix[LAT_LDS_MEAN];
  };
  const double *initial_mean, *initial_covariance;
  const lat_lds_initial *initial; /* M; NULL: all known */
  bool square_root;               /* the form of the covariances */
} lat_lds;

/* A sequence: rows are steps, packed. */
typedef struct lat_lds_sequence {
  size_t steps;
  const double *Y; /* T x D, NaN where missing */
  const double *U; /* T x U inputs; or NULL, when the model has none */
} lat_lds_sequence;

/* ---- options and a fit ----------------------------------------------------------------------- */

typedef enum lat_lds_structure { LAT_LDS_FULL, LAT_LDS_DIAGONAL, LAT_LDS_SCALAR } lat_lds_structure;

typedef struct lat_lds_options {
  lat_fit_options fit; /* 500 iterations, tolerance 1e-14, one start */
  size_t latent_dim;   /* M; 1 */
  size_t outputs;      /* D; 1 */
  size_t inputs;       /* U; 0 */
  /* Given values, data NULL for those that aren't: starts of what is estimated. With a stride they
   * vary, over as many steps as the longest sequence has, and can't be estimated. */
  union {
    __extension__ struct {
      lat_lds_matrix A, B, C, D, Q, R, initial_mean, initial_covariance;
    };
    lat_lds_matrix given[LAT_LDS_PARAMETERS];
  };
  /* LAT_LDS_PARAMETERS flags; NULL: what isn't given, or all if all is given. */
  const bool *estimate;
  /* NULL, or flags of a given parameter's entries that are held at their values. Of Q and R the
   * other entries must be whole diagonal blocks, between which covariances are held at 0. */
  const bool *fixed[LAT_LDS_PARAMETERS];
  int Q_structure, R_structure;    /* lat_lds_structure of the estimates; full */
  int initial;                     /* lat_lds_initial of all states; automatic */
  const lat_lds_initial *initials; /* of each state (M), instead of it; or NULL */
  int form;                        /* lat_lds_form; covariances */
  bool initial_unsaid;             /* set by lat_lds_resolve: `initial` was automatic */
} lat_lds_options;

lat_lds_options lat_lds_defaults(void);
/* LAT_INVALID, with a sentence, for options out of bounds or that contradict each other. */
lat_status lat_lds_check(lat_workspace *work, const lat_lds_options *options);

/* Maximum likelihood by EM (Shumway, Stoffer, Journal of Time Series Analysis 3, 1982; Ghahramani,
 * Hinton, 1996), of sequences that are independent of each other. The E-step is the smoother, the
 * M-step two regressions of expectations: z_t on (z_{t-1}, u_t), and y_t on (z_t, u_t) over the
 * steps with an observed entry, whose missing entries are expected given the others and z. The
 * objective is the log-likelihood per step; it never falls.
 *
 * Statistics are of the present parameters' residuals, so that nothing cancels: with d_t = z_t - A
 * z_{t-1} - B u_t and x_t = (z_{t-1}, u_t), the change of (A B) is sum E[d x'] inv(sum E[x x']).
 * With entries held, or a full Q that couples rows with different ones, it is the weighted
 * regression under the present Q; then comes Q (expectation/conditional maximization: Meng, Rubin,
 * Biometrika 80, 1993). With a stationary initial state, which depends on A and Q, a step is halved
 * until the expected log-likelihood, with the first state's term, hasn't fallen.
 *
 * If neither A nor C is given they start from the data by subspace identification (start.c);
 * further starts perturb that.
 *
 * `report` may be NULL. Keeps the parameters. LAT_INVALID and LAT_SHAPE for options and sequences,
 * naming the sequence if there are several, also when its rows don't determine diffuse states;
 * LAT_SINGULAR for a likelihood without bound (outputs that the states explain without noise);
 * LAT_DIVERGED when numbers overflow; LAT_CANCELLED. */
lat_status lat_lds_fit(lat_workspace *work, const lat_lds_sequence *sequences, size_t count,
                       const lat_lds_options *options, lat_lds *lds, lat_fit_report *report);

/* A file, as modeling/save.h describes it. LAT_INVALID for matrices that vary; LAT_FILE. */
lat_status lat_lds_save(lat_workspace *work, const lat_lds *lds, const char *path);
/* Keeps the parameters, and what is known of the initial states. LAT_FILE; LAT_FORMAT, also for
 * matrices that vary. */
lat_status lat_lds_load(lat_workspace *work, const char *path, lat_lds *lds);
/* A view of the model, for latent_lua.h; *options := what it is made with, and must stay. Keeps the
 * parameters. LAT_INVALID for matrices that vary. */
lat_status lat_lds_fitted(lat_workspace *work, const lat_lds *lds, lat_lds_options *options,
                          lat_fitted *fitted);

/* ---- what the model says of sequences -------------------------------------------------------- */

/* Results of the filter over T steps: those that aren't NULL. */
typedef struct lat_lds_filtered {
  double *predicted_means, *predicted_covariances; /* T x M, T x M x M: of z_t | y_1..t-1 */
  double *means, *covariances;                     /* of z_t | y_1..t */
  size_t *slots; /* T: covariances of step t are at slots[t] M M, equal ones once. NULL: at t M M */
  double *log_densities;          /* T */
  double *innovations;            /* T x D: y - E[y | past], NaN where missing */
  double *innovation_covariances; /* T x D x D: also of missing entries */
  double *innovation_variances;   /* T x D: their diagonals */
  double *standardized;           /* T x D: innovations (which are needed) by their deviations */
  double log_likelihood;
  size_t skipped; /* entries of y without a variance, which count nothing */
  size_t diffuse; /* steps until no state had an infinite variance; T + 1: never */
} lat_lds_filtered;

/* Kalman's filter. While states are diffuse (diffuse.c), a variance that is infinite is given as
 * infinity and covariances with it as NaN. The likelihood is then the diffuse one: the limit of log
 * p(Y) + q/2 log k as the initial variance k of q states grows, each observation with its 1/2 log 2
 * pi (Durbin, Koopman, Time Series Analysis by State Space Methods, 2nd ed., 7.2.2).
 *
 * When nothing varies and the predicted covariance has converged, up to rounding for 32 steps, it
 * isn't computed again.
 *
 * An entry of y that has no variance given the previous rows and entries (of two outputs without
 * noise that see the same of the state, the second) is skipped and adds nothing (noiseless.c): when
 * its part of R is 0, and the state's part less than 1e-13 of what it was before the update (1e-26
 * in the square-root form).
 *
 * LAT_SINGULAR, naming the step, when the covariance of an observation isn't positive semidefinite,
 * LAT_DIVERGED when numbers overflow; the results are then incomplete. */
lat_status lat_lds_filter(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *sequence,
                          lat_lds_filtered *to);

/* Results of the smoother: those that aren't NULL. */
typedef struct lat_lds_smoothed {
  double *means, *covariances; /* T x M, T x M x M: of z_t | Y */
  double *lag_covariances;     /* T x M x M: of z_t and z_{t-1}; that of the first step is 0 */
  double log_likelihood;
} lat_lds_smoothed;

/* The smoother, in a form that divides only by variances of y (smoother.c), so that predicted
 * covariances may be singular. Covariances are symmetric; positive semidefinite, in the usual form,
 * up to the rounding of the filter's. Errors as lat_lds_filter. */
lat_status lat_lds_smooth(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *sequence,
                          lat_lds_smoothed *to);

/* The log-likelihood of several sequences. */
lat_status lat_lds_log_likelihood(lat_workspace *work, const lat_lds *lds,
                                  const lat_lds_sequence *sequences, size_t count, double *sum);

/* The distributions of the next h steps: of y (h x D, h x D x D) and z (h x M, h x M x M). And,
 * where these aren't NULL, the intervals of each entry of y by itself, in which it is with
 * probability `level`, and below and above which alike: means -+ z deviations (h x D each). */
typedef struct lat_lds_forecasts {
  double *means, *covariances, *state_means, *state_covariances;
  double *lower, *upper; /* both, or none */
  double level;
} lat_lds_forecasts;

/* After the sequence; future_U (h x inputs) are the inputs then. Matrices that vary have T + h
 * steps. Errors as lat_lds_filter, and lat_lds_check_level. */
lat_status lat_lds_forecast(lat_workspace *work, const lat_lds *lds,
                            const lat_lds_sequence *sequence, size_t h, const double *future_U,
                            const lat_lds_forecasts *to);
/* LAT_INVALID unless level is between 0 and 1. */
lat_status lat_lds_check_level(lat_workspace *work, double level);

/* Y (T x D) with its missing entries at their means given all others, and, unless NULL, their
 * variances (T x D), 0 for observed entries. */
lat_status lat_lds_impute(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *sequence,
                          double *Y, double *variances);

/* What is asked of a sequence, and where it goes: all that isn't NULL. */
typedef struct lat_lds_request {
  lat_lds_sequence sequence;
  size_t ahead;           /* h: steps after it, of forecasts */
  const double *future_U; /* h x inputs: the inputs then; or NULL */
} lat_lds_request;

typedef struct lat_lds_outputs {
  lat_lds_filtered *filtered;
  lat_lds_smoothed *smoothed;
  const lat_lds_forecasts *forecasts;
  double *imputed, *imputed_variances; /* T x D; the variances come with the means only */
  double *log_likelihood;              /* 1: of the sequence */
} lat_lds_outputs;

/* All of these in one call, by the functions above. Errors as theirs; LAT_INVALID for forecasts of
 * no steps, and for variances of entries that aren't asked for. */
lat_status lat_lds_apply(lat_workspace *work, const lat_lds *lds, const lat_lds_request *request,
                         const lat_lds_outputs *outputs);

/* A sequence of T steps from the model into Y (T x D) and Z (T x M); diffuse states begin at their
 * mean. U (T x inputs) or NULL. */
lat_status lat_lds_sample(lat_workspace *work, const lat_lds *lds, lat_random *random, size_t T,
                          const double *U, double *Y, double *Z);

/* Draws of z_1..z_T given Y into Z (draws x T x M): draws from the model, corrected by the smoother
 * (Durbin, Koopman, Biometrika 89, 2002). LAT_INVALID when Y doesn't determine diffuse states. */
lat_status lat_lds_simulate(lat_workspace *work, const lat_lds *lds,
                            const lat_lds_sequence *sequence, lat_random *random, size_t draws,
                            double *Z);

/* The stationary mean and covariance of the states that aren't diffuse: m = A m, P = A P A' + Q
 * (without inputs). LAT_INVALID when A isn't stable on them, naming the largest modulus of its
 * eigenvalues, or when they depend on diffuse states. */
lat_status lat_lds_stationary(lat_workspace *work, const lat_lds *lds, double *mean,
                              double *covariance);

/* ---- checks and copies ----------------------------------------------------------------------- */

/* LAT_INVALID or LAT_SHAPE, naming the matrix, unless all are finite, Q, R and the initial
 * covariance are symmetric and positive semidefinite. `steps`: how many steps of the time-varying
 * ones. */
lat_status lat_lds_check_parameters(lat_workspace *work, const lat_lds *lds, size_t steps);
/* The same for parameter number i alone, rows x cols. */
lat_status lat_lds_check_matrix(lat_workspace *work, int i, lat_lds_matrix matrix, size_t steps,
                                size_t rows, size_t cols);
/* LAT_INVALID, naming row and column, for an infinity in Y, for NaN or infinities in U. */
lat_status lat_lds_check_sequence(lat_workspace *work, const lat_lds *lds,
                                  const lat_lds_sequence *sequence);

/* A copy whose matrices (`steps` of those that vary) are in `memory`, of lat_lds_copy_count
 * doubles. */
size_t lat_lds_copy_count(const lat_lds *lds, size_t steps);
lat_lds lat_lds_copy(const lat_lds *lds, size_t steps, double *memory);

/* ---- one step -------------------------------------------------------------------------------- *
 *
 * One step of the filter, on the caller's memory, without any allocation (step.c):
 *
 *   lat_lds_workspace w;
 *   lat_lds_workspace_init(&w, M, D, memory)        lat_lds_workspace_count(M, D) doubles
 *   lat_lds_predict(&w, A, Q, NULL, &belief)        from p(z_{t-1} | y_1..t-1) to p(z_t | y_1..t-1)
 *   lat_lds_add_input(M, B, U, u, belief.mean)      + B u
 *   lat_lds_update(&w, C, R, y, offset, &belief)    to p(z_t | y_1..t) */

/* p(z) = N(mean, covariance). `root`, lower triangular with covariance = root root', makes it the
 * square-root form; NULL the usual one. */
typedef struct lat_lds_belief {
  double *mean;       /* M */
  double *covariance; /* M x M, both triangles */
  double *root;       /* M x M, or NULL */
  double *scale;      /* M, or NULL: the largest recent variances, to which rounding is relative */
} lat_lds_belief;

/* The workspace of steps of these sizes, with the results of the last update. */
typedef struct lat_lds_workspace {
  size_t M, D;
  size_t count;        /* p: entries that were observed */
  size_t used;         /* of them: those with a variance; the other ones' rows below are 0 */
  size_t *index;       /* p: which */
  const double *C, *R; /* p x M, p x p: of these entries */
  double *residual;    /* p: the innovation y - C mean - offset */
  double *factor;      /* p x p: L', upper, of its covariance S = C P C' + R = L L' */
  double *whitened;    /* p: inv(L) residual */
  double *gain;        /* p x M: G', where G = P C' inv(L'); the Kalman gain is K = G inv(L) */
  double log_det;      /* log |S| */
  /* memory */
  double *inverse, *selected_C, *selected_R, *work;
  const struct lat_lds_kernels *kernels;
} lat_lds_workspace;

/* Memory in doubles, also for the index. */
size_t lat_lds_workspace_count(size_t M, size_t D);
void lat_lds_workspace_init(lat_lds_workspace *w, size_t M, size_t D, double *memory);

/* mean := A mean, covariance := A P A' + Q. For the square-root form `Q_root` is a lower triangular
 * factor of Q (lat_lds_root); otherwise it may be NULL. */
void lat_lds_predict(lat_lds_workspace *w, const double *A, const double *Q, const double *Q_root,
                     lat_lds_belief *belief);

/* to (rows) += B u, B being rows x U. */
void lat_lds_add_input(size_t rows, const double *B, size_t U, const double *u, double *to);

/* The update by y (D entries, NaN where missing; none at all leaves the belief as it is) of mean
 * C mean + offset (offset is D u, D entries, or NULL) and covariance C P C' + R. Returns log p(y
 * | past) of the observed entries: 0 when there are none; NaN when S isn't positive semidefinite
 * or numbers overflow, and the covariance is then as it was. Entries without a variance are
 * skipped. */
double lat_lds_update(lat_lds_workspace *w, const double *C, const double *R, const double *y,
                      const double *offset, lat_lds_belief *belief);

/* The same for a residual that the caller computes, of `count` entries with C (count x M) and R
 * (count x count): for nonlinear models, say, whose C is a Jacobian. */
double lat_lds_update_residual(lat_lds_workspace *w, size_t count, const double *C, const double *R,
                               const double *residual, lat_lds_belief *belief);

/* The same from moments: S (count x count) is the residual's covariance and `cross` (count x M) its
 * covariance with the state. Only for the usual form. */
double lat_lds_update_moments(lat_lds_workspace *w, size_t count, const double *cross,
                              const double *S, const double *residual, lat_lds_belief *belief);

/* root := a lower triangular factor of a positive semidefinite n x n matrix; false when it isn't
 * that (a pivot below -1e-10 of the largest diagonal element). Directions without variance give
 * zero columns. */
bool lat_lds_root(size_t n, const double *covariance, double *root);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_lds_model;
extern const char *const lat_lds_initials[]; /* words of lat_lds_initial */

/* What methods compute of one sequence: the call with memory for the results, what these are, and
 * the function. */
typedef struct lat_lds_call {
  lat_lds lds;
  lat_lds_sequence sequence;
  size_t rows;            /* of the results: T, or those of a forecast */
  const double *future_U; /* of a forecast */
  union {
    lat_lds_filtered filtered;
    lat_lds_smoothed smoothed;
    lat_lds_forecasts forecasts;
    struct lat_lds_imputed {
      double *Y, *variances;
    } imputed;
  } to;
} lat_lds_call;

/* Results that are given if they are asked for: by the options `variance` and `level`. */
enum { LAT_LDS_VARIANCES = 1, LAT_LDS_INTERVALS = 2 };

typedef enum lat_lds_result_shape {
  LAT_LDS_ROWS,     /* rows x size: a double * of the call */
  LAT_LDS_NUMBERS,  /* rows: the same */
  LAT_LDS_MATRICES, /* rows x size x size: the same */
  LAT_LDS_SLOTS,    /* the same, for to.filtered.slots */
  LAT_LDS_ONE,      /* a double */
  LAT_LDS_COUNT     /* a size_t */
} lat_lds_result_shape;

typedef struct lat_lds_result {
  const char *name; /* NULL ends a list */
  size_t field;     /* offset in lat_lds_call */
  lat_lds_result_shape shape;
  lat_size size;
  unsigned only_if; /* of what is asked, one of which this needs; 0: always given */
} lat_lds_result;

typedef struct lat_lds_method_row {
  const char *name; /* NULL ends the table */
  bool by_name;     /* the results are the fields of one */
  bool ahead;       /* it takes a number of rows to come */
  lat_status (*run)(lat_workspace *work, lat_lds_call *call);
  const lat_lds_result *results;
} lat_lds_method_row;

extern const lat_lds_method_row lat_lds_sequence_methods[];
/* The method of this name, or NULL. */
const lat_lds_method_row *lat_lds_find_method(const char *name);

/* Decides what options leave open: `initials` (M) becomes that of each state, and the options refer
 * to it. LAT_INVALID as lat_lds_check. What follows takes options that are resolved. */
lat_status lat_lds_resolve(lat_workspace *work, lat_lds_options *options,
                           lat_lds_initial *initials);

/* Whether all of the model is given, so that it can be used without a fit; its parameters, checked;
 * and any parameters as a model. */
bool lat_lds_is_complete(const lat_lds_options *options);
lat_status lat_lds_set_given(lat_workspace *work, const lat_lds_options *options,
                             const size_t sizes[LAT_SIZES], double *parameters);
lat_lds lat_lds_of(const lat_lds_options *options, const double *parameters,
                   const size_t sizes[LAT_SIZES]);

/* A, B and Q lead from a step to the next, so there is none of the first step. */
static inline bool lat_lds_is_transition(int i)
{
  return i == LAT_LDS_A || i == LAT_LDS_B || i == LAT_LDS_Q;
}

/* A value that somebody gives for parameter number i: a number, which is a 1 x 1 matrix or the
 * variance of all; a vector (X is n x 1 or 1 x n), which is a diagonal of variances, a row or a
 * column; or a matrix. */
typedef enum lat_lds_kind_of_value {
  LAT_LDS_MATRIX,
  LAT_LDS_VECTOR,
  LAT_LDS_NUMBER,
  LAT_LDS_VALUES
} lat_lds_kind_of_value;
typedef struct lat_lds_value {
  const char *name; /* for messages */
  lat_lds_kind_of_value kind;
  lat_matrix X;
  double number;
} lat_lds_value;

/* The sizes that a value implies, where they are 0; what matrices say should come first, then
 * vectors, then numbers. LAT_SHAPE for values that contradict them. And parameter i (rows x cols)
 * by a value. LAT_SHAPE. */
void lat_lds_shape(int i, const size_t sizes[LAT_SIZES], size_t *rows, size_t *cols);
lat_status lat_lds_set_sizes(lat_workspace *work, int i, const lat_lds_value *value,
                             size_t sizes[LAT_SIZES]);
lat_status lat_lds_set_value(lat_workspace *work, int i, const lat_lds_value *value,
                             const size_t sizes[LAT_SIZES], double *to);

extern const lat_option lat_lds_structure_options[]; /* Q and R: Q_structure and R_structure */

/* Numbers that a fit is free to choose; M^2 less when states may be in any basis. */
size_t lat_lds_free_parameters(const lat_lds_options *options, const size_t sizes[LAT_SIZES]);

#endif
