/* flow.h: normalizing flows: densities by an invertible map to a simple one.
 *
 * With z = f(x), f invertible, and a base density p_z, the change of variables gives
 *
 *   p(x) = p_z(f(x)) |det df/dx|,      log p(x) = log p_z(z) + sum_k log |det J_k|
 *
 * for a chain of layers f = f_K o ... o f_1, each of which has an inverse and a Jacobian whose
 * determinant is cheap. So the log-likelihood is exact, training maximizes it, and a draw is
 * x = f^-1(z), z ~ p_z (Papamakarios, Nalisnick, Rezende, Mohamed and Lakshminarayanan, Normalizing
 * flows for probabilistic modeling and inference, JMLR 22, 2021). Layers:
 *
 *   affine          y_b = x_b exp(s) + t: the second half b of the columns by a net of the first
 *                   (RealNVP: Dinh, Sohl-Dickstein and Bengio, ICLR 2017); s = bound tanh(o/bound)
 *   spline          the same with monotonic rational quadratic splines of `bins` bins in
 *                   [-box, box] (NSF: Durkan, Bekasov, Murray and Papamakarios, NeurIPS 2019)
 *   masked_affine   every column, each by a masked net of those before it (MAF: Papamakarios,
 *                   Pavlakou and Murray, NeurIPS 2017; the net: MADE, Germain et al., ICML 2015)
 *   masked_spline   the same with splines
 *   planar, radial  Rezende and Mohamed, ICML 2015; see nn/ops.h
 *   actnorm         a scale and a shift for each column, which begin as the first batch needs
 *   linear          y = x L U (Glow: Kingma and Dhariwal, NeurIPS 2018)
 *   permute         the columns in a random order, which isn't theirs; of two the other one
 *   reverse         the columns in reverse order
 *
 * Couplings (affine, spline) take turns: each transforms the half that the last one left; after
 * permute or reverse the second half of the new order. Other layers between don't change whose turn
 * it is, as they begin at or near the identity. Of an odd number of columns the second half has one
 * more; with one column nothing is left to look at, and the map is the same for all rows.
 * Ready-made kinds:
 *
 *   nsf       masked_spline, with reverse between: 3 of them
 *   maf       masked_affine, with reverse between: 5
 *   realnvp   affine: 8, and from three columns on permute after every second one
 *
 * Where columns have very different scales, nets learn badly: with `standardize` x is first shifted
 * and scaled by the means and deviations of the data; that is part of f, and of log |det J|. A
 * conditional flow, p(x | c) for rows c of context_dim numbers, has c as input of all its nets.
 *
 *   lat_flow_options options = lat_flow_defaults();
 *   options.input_dim = 2;
 *   lat_flow flow;                                     a struct that must not move
 *   LAT_TRY(lat_flow_init(work, &flow, &options));
 *   for (each batch) LAT_TRY(lat_flow_step(work, &flow, &batch, NULL, 1e-3, 5, &nll));
 *   LAT_TRY(lat_flow_log_likelihood(work, &flow, &X, NULL, values));
 *   lat_flow_done(&flow);
 *
 * Results are the same bits for every number of threads. */
#ifndef LAT_DEEP_FLOW_FLOW_H
#define LAT_DEEP_FLOW_FLOW_H

#include "deep/common/training.h"
#include "deep/common/units.h"

enum { LAT_FLOW_LAYERS = 64, LAT_FLOW_HIDDEN = 8 };

typedef enum lat_flow_kind {
  LAT_FLOW_NSF,
  LAT_FLOW_MAF,
  LAT_FLOW_REALNVP,
  LAT_FLOW_KINDS
} lat_flow_kind;

typedef enum lat_flow_layer_kind {
  LAT_FLOW_AFFINE,
  LAT_FLOW_SPLINE,
  LAT_FLOW_MASKED_AFFINE,
  LAT_FLOW_MASKED_SPLINE,
  LAT_FLOW_PLANAR,
  LAT_FLOW_RADIAL,
  LAT_FLOW_ACTNORM,
  LAT_FLOW_LINEAR,
  LAT_FLOW_PERMUTE,
  LAT_FLOW_REVERSE,
  LAT_FLOW_LAYER_KINDS
} lat_flow_layer_kind;
/* "nsf", ...; "affine", ...; each ended by NULL */
extern const char *const lat_flow_kind_names[LAT_FLOW_KINDS + 1];
extern const char *const lat_flow_layer_names[LAT_FLOW_LAYER_KINDS + 1];

/* A layer of a flow of one's own; 0: as the options have it. */
typedef struct lat_flow_layer {
  int kind;                       /* lat_flow_layer_kind */
  size_t hidden[LAT_FLOW_HIDDEN]; /* widths of the net's hidden layers */
  size_t depth;                   /* how many */
  size_t bins;
  double box, bound;
} lat_flow_layer;

typedef struct lat_flow_options {
  size_t input_dim, context_dim;  /* D, at least 1; C, 0 */
  int kind;                       /* lat_flow_kind; nsf */
  size_t transforms;              /* of the kind: couplings or masked layers; 0: its own number */
  size_t hidden[LAT_FLOW_HIDDEN]; /* widths of hidden layers; depth 0 stands for 64, 64 */
  size_t depth;
  size_t bins;      /* 0 stands for 8 */
  double box;       /* 0 for 5 */
  double bound;     /* of s; 0 for 2; INFINITY: none */
  int base;         /* lat_flow_base; normal */
  bool standardize; /* true */
  lat_deep_options deep;
  lat_flow_layer layers[LAT_FLOW_LAYERS]; /* instead of the kind's, when count > 0 */
  size_t count;
} lat_flow_options;

typedef struct lat_flow {
  lat_deep deep; /* its first member, as of all models with nets */
  lat_flow_options options;
  /* flow.c's: what layers have become; the column of the data that is at each place of z */
  struct lat_flow_map *maps;
  size_t count, *order;
  lat_units units; /* of the data */
  lat_allocator allocator;
} lat_flow;

lat_flow_options lat_flow_defaults(void);
/* LAT_INVALID, naming the option or the layer, for options that can't be. */
lat_status lat_flow_check(lat_workspace *work, const lat_flow_options *options);
/* Fills `layers` with those of the options, or of their kind, and all that they leave to the
 * options; returns how many. */
size_t lat_flow_list(const lat_flow_options *options, lat_flow_layer layers[LAT_FLOW_LAYERS]);

/* Makes the nets, with parameters drawn from the seed. The struct must not move until `done`. A
 * failed init needs no done. */
lat_status lat_flow_init(lat_workspace *work, lat_flow *flow, const lat_flow_options *options);
void lat_flow_done(lat_flow *flow);

/* Whether the flow has seen data: means and deviations, and actnorm layers, are as these need.
 * Until then it can be used as it is: it isn't standardized. */
bool lat_flow_is_begun(const lat_flow *flow);
/* Begins with these data. Else the first step does it with its batch, and the rows of the following
 * ones add to the data's units for a while (deep/common/units.h). LAT_INVALID, naming it, for a
 * column that is constant: its density has no bound. */
lat_status lat_flow_begin(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                          const lat_matrix *context);

/* X is N x D, of any type and strides; context N x C, or NULL where C is 0. LAT_SHAPE for other
 * columns, LAT_INVALID for NaN and infinities, naming row and column. */

/* *nll := the mean of -log p(x) over the batch, in nats; its gradient is in the store. */
lat_status lat_flow_gradient(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                             const lat_matrix *context, double *nll);
/* And one step of the optimizer at this rate; the gradient's norm is first reduced to `clip` unless
 * that is 0. LAT_INVALID, naming the operation, when something isn't finite; the parameters are
 * then as before. */
lat_status lat_flow_step(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                         const lat_matrix *context, double rate, double clip, double *nll);

/* Epochs of steps, as the options of training say: deep/common/training.h. */
lat_status lat_flow_fit(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                        const lat_training *training, lat_training_report *report);

/* ---- inference (infer.c); all of it in chunks, on all threads -------------------------------- */

/* Of each row of request->X, given request->context: latent, log_det and log_likelihood; and of
 * latent variables request->X what they stand for, decoded. Each of them by itself: */
lat_status lat_flow_apply(lat_workspace *work, lat_flow *flow, const lat_request *request,
                          const lat_outputs *outputs);

/* log p(x) of each row, in nats: exact. */
lat_status lat_flow_log_likelihood(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                                   const lat_matrix *context, double *log_likelihood);
/* Z := f(X), N x D, and log |det df/dx| of each row; either may be NULL. In double, whatever the
 * flow's type: so lat_flow_inverse comes back to X far out, too. */
lat_status lat_flow_transform(lat_workspace *work, lat_flow *flow, const lat_matrix *X,
                              const lat_matrix *context, const lat_matrix *Z, double *log_det);
/* X := f^-1(Z), in double; Z of a uniform base is within (0, 1), else LAT_INVALID. */
lat_status lat_flow_inverse(lat_workspace *work, lat_flow *flow, const lat_matrix *Z,
                            const lat_matrix *context, const lat_matrix *X);
/* X: n draws, and Z (or NULL) those of the base that they come from. Computed in the flow's type.
 */
lat_status lat_flow_sample(lat_workspace *work, lat_flow *flow, const lat_matrix *context,
                           lat_random *random, const lat_matrix *Z, const lat_matrix *X);

/* ---- files (deep/common/net_file.h) ---------------------------------------------------------- */

lat_status lat_flow_save(lat_workspace *work, lat_flow *flow, const char *path);
/* In the place of init. */
lat_status lat_flow_load(lat_workspace *work, const char *path, lat_flow *flow);
/* A view of it, for latent_lua.h. */
lat_fitted lat_flow_fitted(lat_flow *flow);

/* ---- for bindings ---------------------------------------------------------------------------- */

extern const lat_model lat_flow_model;

/* One of the flow->count maps that layers have become, for programs that compute them elsewhere:
 * its layer, with nothing left to the options; the columns of the data that it transforms, and
 * those that its net sees after the context. Its parameters' names begin with "layerNUMBER". */
typedef struct lat_flow_part {
  lat_flow_layer layer;
  const size_t *columns, *inputs;
  size_t count, input_count, number;
} lat_flow_part;
lat_flow_part lat_flow_part_of(const lat_flow *flow, size_t map);

#endif
