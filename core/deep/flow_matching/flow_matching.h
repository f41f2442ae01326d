/* flow_matching.h: generative models by a velocity field that carries a source to the data.
 *
 * A net v(x, t) is the velocity of points that are draws of the source at t = 0 and of the data at
 * t = 1:
 *
 *   dx/dt = v(x, t)
 *
 * It is learned without solving that equation, by regression (conditional flow matching: Lipman,
 * Chen, Ben-Hamu, Nickel and Le, Flow matching for generative modeling, ICLR 2023; Liu, Gong and
 * Liu, Flow straight and fast, ICLR 2023): with a draw x_0 of the source, a row x_1 of the data and
 * t uniform in [0, 1],
 *
 *   x_t = (1 - t) x_0 + t x_1 + sigma e,   e ~ N(0, I)
 *   loss = E |v(x_t, t) - (x_1 - x_0)|^2                  summed over columns, the mean over rows
 *
 * The minimum is v(x, t) = E[x_1 - x_0 | x_t = x], whose flow has the distribution of x_t at every
 * t (with sigma > 0: of the source and the data, each with that noise). The loss isn't 0 there: it
 * is the variance of x_1 - x_0 given x_t.
 *
 * Which x_0 goes with which x_1 is the coupling. `independent` pairs them at random. `ot` pairs the
 * draws of a batch by the assignment with the least sum of |x_1 - x_0|^2 (minibatch optimal
 * transport: Tong et al., Improving and generalizing flow-based generative models with minibatch
 * optimal transport, TMLR 2024; Pooladian et al., ICML 2023), of conditional models within each
 * class, so that the source stays the same for every class. Paths are then nearly straight, and few
 * steps of a solver do.
 *
 * The source is N(0, I), or rows of data that steps are given (`source`), of which each step draws
 * as many as it needs, each once where there are enough. Everything is in units of the data: with
 * `standardize` x is shifted and scaled by their means and deviations, and so are rows of a source.
 *
 * Solvers are those of deep/common/ode.h: dormand_prince with a tolerance, or midpoint and euler
 * with a number of steps. The flow has an inverse, which is the same equation from 1 to 0, and
 * thereby a density (instantaneous change of variables: Chen, Rubanova, Bettencourt and Duvenaud,
 * NeurIPS 2018): along a path
 *
 *   d log p_t(x(t))/dt = -div v,   log p(x_1) = log N(x_0; 0, I) - int_0^1 div v(x(t), t) dt
 *
 * The divergence is the trace of dv/dx: exact by D directional derivatives, or with Hutchinson's
 * estimate, the mean of r' (dv/dx) r over a few vectors r of random signs, the same ones along a
 * row's path (FFJORD: Grathwohl et al., ICLR 2019).
 *
 * A conditional model (`classes`) is told each row's class, which training replaces by none with
 * the probability drop_labels, so that it has a velocity for all classes together, too;
 * and velocities can be guided (deep/common/time_net.h).
 *
 * Evaluation uses averages of the weights over the steps (`ema`, as in diffusion), or, when asked,
 * the weights as they are (`raw`).
 *
 *   lat_flow_matching_options options = lat_flow_matching_defaults();
 *   options.input_dim = 2;
 *   lat_flow_matching model;                            a struct that must not move
 *   LAT_TRY(lat_flow_matching_init(work, &model, &options));
 *   for (each batch)
 *     LAT_TRY(lat_flow_matching_step(work, &model, &(lat_request){.X = batch}, &loss));
 *   lat_request how = lat_flow_matching_request();
 *   LAT_TRY(lat_flow_matching_sample(work, &model, &how, &random, NULL, &X));
 *   lat_flow_matching_done(&model);
 *
 * Results are the same bits for every number of threads. */
#ifndef LAT_DEEP_FLOW_MATCHING_FLOW_MATCHING_H
#define LAT_DEEP_FLOW_MATCHING_FLOW_MATCHING_H

#include "deep/common/ode.h"
#include "deep/common/time_net.h"
#include "deep/common/training.h"
#include "deep/common/units.h"

typedef enum lat_coupling { LAT_COUPLING_INDEPENDENT, LAT_COUPLING_OT, LAT_COUPLINGS } lat_coupling;

/* How the divergence is computed: `auto` is exact up to LAT_FLOW_MATCHING_EXACT columns. */
typedef enum lat_trace_kind {
  LAT_TRACE_AUTO,
  LAT_TRACE_EXACT,
  LAT_TRACE_HUTCHINSON
} lat_trace_kind;
#define LAT_FLOW_MATCHING_EXACT 16

typedef struct lat_flow_matching_options {
  size_t input_dim; /* D */
  int coupling;     /* lat_coupling; independent */
  double sigma;     /* >= 0; 0 */
  bool standardize; /* true */
  int solver;       /* lat_ode_solver; dormand_prince */
  size_t steps;     /* of the others; 100 */
  double tolerance; /* of dormand_prince; 1e-5 */
  double ema;       /* 0.999; 0: no averages */
  lat_time_net_options net;
  lat_deep_options deep;
} lat_flow_matching_options;

typedef struct lat_flow_matching {
  lat_deep deep; /* its first member, as of all models with nets */
  lat_flow_matching_options options;
  lat_time_net net;
  lat_units units; /* of the data */
  size_t source;   /* number of a fixed parameter, a lat_source_kind */
} lat_flow_matching;

/* What the model has been trained with. */
typedef enum lat_source_kind {
  LAT_SOURCE_UNKNOWN,
  LAT_SOURCE_NORMAL,
  LAT_SOURCE_ROWS
} lat_source_kind;

lat_flow_matching_options lat_flow_matching_defaults(void);
/* LAT_INVALID, naming the option, for options that can't be. */
lat_status lat_flow_matching_check(lat_workspace *work, const lat_flow_matching_options *options);

/* Makes the net, with parameters drawn from the seed. The struct must not move until `done`. A
 * failed init needs no done. */
lat_status lat_flow_matching_init(lat_workspace *work, lat_flow_matching *model,
                                  const lat_flow_matching_options *options);
void lat_flow_matching_done(lat_flow_matching *model);

/* Takes the units of these rows, unless it has some; a step does it with its batch, and those that
 * follow with theirs (deep/common/units.h). LAT_INVALID, naming it, for a column that is constant.
 */
lat_status lat_flow_matching_begin(lat_workspace *work, lat_flow_matching *model,
                                   const lat_matrix *X);
lat_source_kind lat_flow_matching_source(const lat_flow_matching *model);

/* A request that leaves all to the model: its solver, no guidance. */
lat_request lat_flow_matching_request(void);

/* Requests: X is N x D, of any type and strides; `classes` the rows' labels of a conditional model,
 * NULL elsewhere and, in evaluation, for all classes together; `source` M x D rows, or NULL for
 * N(0, I). LAT_SHAPE for other columns; LAT_INVALID for NaN and infinities, naming row and column,
 * for labels out of range, and for a source of the other kind than the model's. */

/* *loss := that of request->X with draws of request->seed; its gradient is in the store. */
lat_status lat_flow_matching_gradient(lat_workspace *work, lat_flow_matching *model,
                                      const lat_request *request, double *loss);
/* *loss := that of the next draws; and a step of the optimizer at request->learning_rate, or the
 * model's own if that isn't > 0. LAT_INVALID, naming the operation, when something isn't finite;
 * the weights are then as before. */
lat_status lat_flow_matching_step(lat_workspace *work, lat_flow_matching *model,
                                  const lat_request *request, double *loss);

/* Epochs of steps, as the options of training say: deep/common/training.h. */
lat_status lat_flow_matching_fit(lat_workspace *work, lat_flow_matching *model, const lat_matrix *X,
                                 const lat_training *training, lat_training_report *report);

/* ---- along the flow; in chunks of rows, on all threads --------------------------------------- */

/* What these read of a request, besides X and classes: `solver` (-1), `steps` (0) and `tolerance`
 * (0), which are the model's where they are what is in brackets; `guidance`; `raw`. Computed in
 * the model's type, or in double with a tolerance below 1e-6. LAT_INVALID as lat_ode_solve has it.
 */

/* What isn't NULL of step_loss, loss, latent, decoded, velocity and log_likelihood, the first of
 * them. Each by itself: */
lat_status lat_flow_matching_apply(lat_workspace *work, lat_flow_matching *model,
                                   const lat_request *request, const lat_outputs *outputs);

/* Z := where the flow takes the rows of X from t = 1 to 0; and X := where it takes Z from 0 to 1.
 * Rows of the source are N(0, I), in units of deviations, or, of models that were trained with rows
 * of a source, like these. */
lat_status lat_flow_matching_transform(lat_workspace *work, const lat_flow_matching *model,
                                       const lat_request *request, const lat_matrix *Z);
lat_status lat_flow_matching_inverse(lat_workspace *work, const lat_flow_matching *model,
                                     const lat_request *request, const lat_matrix *X);
/* V := v(x, request->time), in units of the data a unit of time. */
lat_status lat_flow_matching_velocity(lat_workspace *work, const lat_flow_matching *model,
                                      const lat_request *request, const lat_matrix *V);
/* log p(x) of each row, in nats; of a source N(0, I) only. Besides, `trace` (lat_trace_kind), and
 * of Hutchinson's estimate the number of vectors, `probes` (0: LAT_FLOW_MATCHING_PROBES), and
 * `seed`. */
lat_status lat_flow_matching_log_likelihood(lat_workspace *work, const lat_flow_matching *model,
                                            const lat_request *request, double *log_likelihood);
#define LAT_FLOW_MATCHING_PROBES 8
/* X := draws; Z (or NULL) := the rows of the source that they come from. request->X isn't read;
 * `source` is of models that were trained with one: as many of its rows are drawn. Random
 * advances. */
lat_status lat_flow_matching_sample(lat_workspace *work, const lat_flow_matching *model,
                                    const lat_request *request, lat_random *random,
                                    const lat_matrix *Z, const lat_matrix *X);

/* ---- files (deep/common/net_file.h) ---------------------------------------------------------- */

lat_status lat_flow_matching_save(lat_workspace *work, lat_flow_matching *model, const char *path);
/* In the place of init. */
lat_status lat_flow_matching_load(lat_workspace *work, const char *path, lat_flow_matching *model);
/* A view of it, for latent_lua.h. */
lat_fitted lat_flow_matching_fitted(lat_flow_matching *model);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_flow_matching_model;

#endif
