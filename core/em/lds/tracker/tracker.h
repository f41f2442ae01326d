/* tracker/tracker.h: a Kalman filter for hosts that see one observation at a time.
 *
 * A game, a robot or a server has no T x D matrix: it asks for the state as each y comes in. A
 * tracker is the filter's state at one step, in the caller's memory; a step allocates nothing.
 *
 *   double *memory = ...;                              lat_lds_tracker_count(&lds, steady) doubles
 *   lat_lds_tracker tracker;
 *   lat_lds_tracker_init(work, &tracker, &lds, steps, steady, memory)
 *   for (;;) {
 *     lat_lds_tracker_update(&tracker, y, u, NULL)     to the next step, with its observation
 *     tracker.belief.mean, lat_lds_tracker_covariance(&tracker)
 *   }
 *
 * An update is the step of lat_lds_filter, so the beliefs are the same. A step may be taken in two
 * halves: predict goes to the next step, and update uses its y (and predicts first if that hasn't
 * been done). The first step is z_1, whose prediction is the initial state.
 *
 * Steady state (steady.h): gain and covariances are their limits from the first step on, and a step
 * costs O(M^2). After an observation with missing entries, a step with matrices of its own, or a
 * diffuse start, covariances follow the exact recursion until they have converged.
 *
 * While states are diffuse their variances are infinite, covariances with them NaN, and the
 * likelihood is that of lat_lds_filter; an observation's distance is 0.
 *
 * Nonlinear models z_t = f(z_{t-1}) + w, y_t = h(z_t) + v: the caller evaluates f and h. Extended:
 * f and h are linearized at the mean, by their Jacobians (Anderson, Moore, Optimal Filtering, 1979,
 * 8.2). Unscented: f and h are evaluated at 2M+1 points with the mean and the covariance of the
 * belief (Julier, Uhlmann, Proceedings of the IEEE 92, 2004), scaled (Wan, van der Merwe, 2000):
 *
 *   z_0 = m,   z_i, z_{i+M} = m +- sqrt(k) (column i of a root of P),   k = alpha^2 (M + kappa)
 *   E g(z) = g_0 + sum_{i>0} (g_i - g_0) / 2k =: g_0 + d
 *   Cov g(z) = sum_{i>0} (g_i - g_0)(g_i - g_0)' / 2k + (beta - alpha^2) d d'
 *
 * which are the usual weights, in a form that doesn't cancel and gives no indefinite covariance. */
#ifndef LAT_EM_LDS_TRACKER_TRACKER_H
#define LAT_EM_LDS_TRACKER_TRACKER_H

#include "em/lds/lds.h"

typedef struct lat_lds_unscented {
  double alpha, beta, kappa; /* alpha > 0, M + kappa > 0 */
} lat_lds_unscented;

/* How a host's tracker is made: in the steady state; of nonlinear models which filter. */
typedef enum lat_lds_method { LAT_LDS_EXTENDED, LAT_LDS_UNSCENTED } lat_lds_method;

typedef struct lat_lds_tracker_options {
  bool steady_state;
  int method;                  /* lat_lds_method; extended */
  lat_lds_unscented unscented; /* 1, 2, 0 */
} lat_lds_tracker_options;

extern const lat_option lat_lds_tracker_option_table[];
/* LAT_INVALID for options out of bounds, or that this model, linear or not, can't have. */
lat_status lat_lds_tracker_check(lat_workspace *work, const lat_lds *lds,
                                 const lat_lds_tracker_options *options, bool nonlinear);

/* Matrices of one step: NULL ones are the model's. */
typedef struct lat_lds_step {
  union { /* by name, and by LAT_LDS_A, .. */
    __extension__ struct {
      const double *A, *B, *C, *D, *Q, *R;
    };
    const double *matrix[LAT_LDS_MEAN];
  };
} lat_lds_step;

typedef struct lat_lds_tracker {
  lat_lds lds;
  size_t steps;   /* that the model's varying matrices have; for constant ones it doesn't matter */
  size_t time;    /* the belief is about the state of this step, from 1; 0: before the first */
  bool predicted; /* y of this step hasn't been used */
  lat_lds_belief belief;

  /* of the last y */
  double *innovation;   /* D: y - its prediction, NaN where missing */
  double *factor;       /* count x count: L', upper, where L L' is the covariance of */
  size_t *index, count; /* observed entries */
  double distance; /* squared: innovation' inv(L L') innovation, chi-squared with `count` degrees */
  double log_density;    /* log p(y | those before), nats */
  double log_likelihood; /* the sum of them */

  /* the rest is the tracker's own */
  double *memory;
  size_t memory_count;
  lat_lds_workspace step;
  double *u, *scratch, *Q_root;
  bool has_input, has_Q_root;
  bool wants_steady, steady; /* steady: the covariance is one of these, not the belief's */
  lat_lds_workspace steady_step;
  double *steady_predicted, *steady_filtered;
  struct lat_lds_diffuse_phase *diffuse_phase; /* NULL when no state is diffuse */
} lat_lds_tracker;

/* Memory in doubles. */
size_t lat_lds_tracker_count(const lat_lds *lds, bool steady);

/* Checks the model, whose matrices are the caller's and stay where they are, and begins. `steps` is
 * how many steps its varying matrices have. LAT_INVALID and LAT_SHAPE as lat_lds_check_parameters;
 * for `steady` also what lat_lds_steady says, and LAT_INVALID for varying matrices. */
lat_status lat_lds_tracker_init(lat_workspace *work, lat_lds_tracker *tracker, const lat_lds *lds,
                                size_t steps, bool steady, double *memory);

/* Before the first step again. */
void lat_lds_tracker_reset(lat_lds_tracker *tracker);

/* The belief becomes N(mean, covariance), of step `time`; NULL keeps the present one. y of another
 * step than the present one counts as used. LAT_INVALID for NaN and infinities, and unless the
 * covariance is symmetric and positive semidefinite; the tracker is then as it was. */
lat_status lat_lds_tracker_set(lat_workspace *work, lat_lds_tracker *tracker, size_t time,
                               const double *mean, const double *covariance);

/* M x M; the same in the steady state and out of it. */
const double *lat_lds_tracker_covariance(const lat_lds_tracker *tracker);

/* To the next step. `u` (U entries) are its inputs, also for the update; NULL is none. LAT_SHAPE
 * when a varying matrix has no such step. */
lat_status lat_lds_tracker_predict(lat_lds_tracker *tracker, const double *u,
                                   const lat_lds_step *step);

/* The update by y (D entries, NaN where missing), after predict if that hasn't been done.
 * LAT_INVALID for an infinity; LAT_SINGULAR when the covariance of y isn't positive semidefinite or
 * overflows, and the belief is then the predicted one; LAT_SHAPE as predict. */
lat_status lat_lds_tracker_update(lat_lds_tracker *tracker, const double *y, const double *u,
                                  const lat_lds_step *step);

/* After a prediction the distribution of y of this step: its mean C z + D u (D entries) and its
 * covariance C P C' + R. LAT_SHAPE as predict. NaN while states are diffuse. */
lat_status lat_lds_tracker_predict_observation(const lat_lds_tracker *tracker, double *mean,
                                               double *covariance);

/* The covariance of the last innovation (D x D), NaN for entries that were missing. */
void lat_lds_tracker_innovation_covariance(const lat_lds_tracker *tracker, double *S);

/* The next h steps without observations, into all fields of `to`; inputs U (h x inputs) or NULL.
 * The tracker is the same afterwards; `memory` is lat_lds_tracker_count doubles. Errors as predict,
 * in step *last + 1. */
lat_status lat_lds_tracker_forecast(lat_lds_tracker *tracker, size_t h, const double *U,
                                    double *memory, const lat_lds_forecasts *to, size_t *last);

/* A point to return to, for gating (update, look at `distance`, return), in `memory` of
 * lat_lds_tracker_count doubles. Returning gives the same bits of everything. */
typedef struct lat_lds_checkpoint {
  lat_lds_tracker tracker;
  double *memory;
} lat_lds_checkpoint;

lat_lds_checkpoint lat_lds_tracker_checkpoint(const lat_lds_tracker *tracker, double *memory);
void lat_lds_tracker_return(lat_lds_tracker *tracker, const lat_lds_checkpoint *checkpoint);

/* A snapshot is all that another tracker of this model needs to go on from here, as
 * lat_lds_tracker_snapshot_count doubles, for files say. Restoring gives the same bits of the
 * belief; innovation, distance and log_density stay those of the last update. LAT_INVALID for
 * numbers that no tracker of this model has saved; it is then as it was. */
size_t lat_lds_tracker_snapshot_count(const lat_lds_tracker *tracker);
void lat_lds_tracker_save(const lat_lds_tracker *tracker, double *snapshot);
lat_status lat_lds_tracker_restore(lat_workspace *work, lat_lds_tracker *tracker,
                                   const double *snapshot);

/* ---- nonlinear models ------------------------------------------------------------------------ */

/* True before the first step, which has no transition: predict doesn't use f then, and its
 * arguments may be NULL. */
static inline bool lat_lds_tracker_begins(const lat_lds_tracker *tracker)
{
  return tracker->time == 0;
}

/* Points (2M x M) at which a function is evaluated for its Jacobian at the belief's mean: pairs, of
 * which pair j differs in element j. From the values (2M x rows) comes the Jacobian (rows x M). */
void lat_lds_tracker_difference_points(const lat_lds_tracker *tracker, double *points);
void lat_lds_differentiate(size_t M, size_t rows, const double *points, const double *values,
                           double *jacobian);

/* Extended: `mean` is f at the belief's mean, F (M x M) its Jacobian there. Q may be NULL: the
 * model's. */
lat_status lat_lds_tracker_predict_extended(lat_lds_tracker *tracker, const double *mean,
                                            const double *F, const double *Q);
/* After a prediction: `expected` is h at the belief's mean, H (D x M) its Jacobian there. */
lat_status lat_lds_tracker_update_extended(lat_lds_tracker *tracker, const double *y,
                                           const double *expected, const double *H,
                                           const double *R);

/* The points, (2M+1) x M. LAT_SINGULAR when the covariance has become indefinite. */
lat_status lat_lds_tracker_points(lat_lds_tracker *tracker, const lat_lds_unscented *unscented,
                                  double *points);
/* `values` are f at the points, (2M+1) x M. Only for the usual form of covariances, as the next. */
lat_status lat_lds_tracker_predict_unscented(lat_lds_tracker *tracker,
                                             const lat_lds_unscented *unscented,
                                             const double *values, const double *Q);
/* After a prediction: points of that belief, and `values` h at them, (2M+1) x D. */
lat_status lat_lds_tracker_update_unscented(lat_lds_tracker *tracker, const double *y,
                                            const lat_lds_unscented *unscented,
                                            const double *points, const double *values,
                                            const double *R);

/* ---- by functions ---------------------------------------------------------------------------- */

enum { LAT_LDS_F, LAT_LDS_H, LAT_LDS_F_JACOBIAN, LAT_LDS_H_JACOBIAN, LAT_LDS_FUNCTIONS };
extern const char *const lat_lds_function_names[]; /* "f", ..., and NULL */

/* The functions of a model that the steps below evaluate; where `has` is false it is linear, and
 * Jacobians are by differences. */
typedef struct lat_lds_functions {
  bool has[LAT_LDS_FUNCTIONS];
  lat_lds_tracker_options options;
  /* to := function `which` of the state `at`, for that step: so many rows, or rows x cols of a
   * Jacobian (else cols is 0). May leave by longjmp: the belief is then as it was. */
  void (*call)(void *state, int which, const double *at, size_t time, size_t rows, size_t cols,
               double *to);
  void *state;
  double *mean, *jacobian, *points, *values; /* by lat_lds_functions_init */
} lat_lds_functions;

bool lat_lds_is_nonlinear(const lat_lds_functions *functions);
/* Memory in doubles; once `has` is set. */
size_t lat_lds_functions_count(const lat_lds_functions *functions, const lat_lds *lds);
void lat_lds_functions_init(lat_lds_functions *functions, const lat_lds *lds, double *memory);

/* lat_lds_tracker_predict or its like, by what the model has; and the update, after it. */
lat_status lat_lds_tracker_predict_by(lat_workspace *work, lat_lds_tracker *tracker,
                                      const lat_lds_functions *functions, const double *u,
                                      const lat_lds_step *step);
lat_status lat_lds_tracker_update_by(lat_workspace *work, lat_lds_tracker *tracker,
                                     const lat_lds_functions *functions, const double *y,
                                     const double *u, const lat_lds_step *step);
/* The status of one of the steps above, in words; `step` is the one that there isn't. */
lat_status lat_lds_tracker_failure(lat_workspace *work, const lat_lds_tracker *tracker,
                                   lat_status status, size_t step);

#endif
