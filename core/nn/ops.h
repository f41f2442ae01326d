/* ops.h: the operations of a tape.
 *
 * Each has handles as arguments and returns one; shapes that don't fit, labels out of range and
 * handles of an earlier step fail the step (see tape.h). B is the number of rows, observations;
 * likelihoods and divergences are B x 1, in nats, summed over features, never averaged.
 *
 * A new operation is a line in LAT_OPS, a function here that pushes a node of its kind, and
 * a function lat_back_NAME(tape, node) that adds the share of node->gradient to each input's. */
#ifndef LAT_NN_OPS_H
#define LAT_NN_OPS_H

#include "nn/tape.h"

/* clang-format off */
#define LAT_OPS(OP) \
  OP(input) OP(parameter) OP(detach) \
  OP(linear) OP(product) OP(spectral) \
  OP(add) OP(subtract) OP(multiply) OP(divide) OP(affine) \
  OP(exp) OP(log) OP(tanh) OP(sigmoid) OP(relu) OP(leaky_relu) OP(elu) OP(softplus) OP(gelu) OP(silu) \
  OP(square) OP(sqrt) OP(abs) OP(clamp) OP(slope) \
  OP(columns) OP(concat) OP(gather) OP(repeat_rows) OP(transpose) \
  OP(sum) OP(log_sum_exp) OP(log_mean_exp_groups) \
  OP(reparameterize) OP(kl_standard_normal) OP(kl_normal) OP(bernoulli_nll) OP(categorical_nll) \
  OP(gaussian_nll) OP(continuous_bernoulli_nll) OP(gaussian_mixture_nll) \
  OP(gather_columns) OP(flow_affine) OP(flow_spline) OP(flow_linear) OP(flow_planar) OP(flow_radial) \
  OP(flow_nll)
/* clang-format on */

typedef enum lat_op_kind {
#define OP(name) LAT_OP_##name,
  LAT_OPS(OP)
#undef OP
      LAT_OP_COUNT
} lat_op_kind;

extern const char *const lat_op_names[LAT_OP_COUNT];

typedef enum lat_activation {
  LAT_NN_LINEAR, /* none */
  LAT_NN_RELU,
  LAT_NN_LEAKY_RELU, /* slope 0.01 on the left */
  LAT_NN_ELU,        /* exp(x) - 1 on the left */
  LAT_NN_TANH,
  LAT_NN_SIGMOID,
  LAT_NN_SOFTPLUS,
  LAT_NN_SILU,
  LAT_NN_GELU,
  LAT_ACTIVATIONS
} lat_activation;
extern const char *const lat_activation_names[LAT_ACTIVATIONS + 1]; /* ended by NULL */

typedef enum lat_axis {
  LAT_NN_ALL,   /* one number */
  LAT_NN_DOWN,  /* over the rows: 1 x cols */
  LAT_NN_ACROSS /* over the columns: rows x 1 */
} lat_axis;

/* ---- leaves ---------------------------------------------------------------------------------- */

/* A copy of a matrix, any view and type; its gradient is kept when `gradient`. */
lat_value lat_nn_input(lat_tape *tape, const lat_matrix *X, bool gradient);
/* The same without a copy: the packed matrix of the tape's type stays the caller's, and must not
 * change until the next reset. */
lat_value lat_nn_borrow(lat_tape *tape, const lat_matrix *X);
/* All elements are `number`. */
lat_value lat_nn_fill(lat_tape *tape, size_t rows, size_t cols, double number);
/* Normal numbers, N(0, 1), of this step; and uniform ones in [0, 1). */
lat_value lat_nn_normal(lat_tape *tape, size_t rows, size_t cols);
lat_value lat_nn_uniform(lat_tape *tape, size_t rows, size_t cols);
/* A parameter itself: seals the store. */
lat_value lat_nn_parameter(lat_tape *tape, lat_store *store, size_t index);
/* The value, as a constant. */
lat_value lat_nn_detach(lat_tape *tape, lat_value x);

/* ---- products -------------------------------------------------------------------------------- */

/* f(x W + b): x is B x n, W n x m, b 1 x m or no value ({0}); f is fused where its derivative is a
 * function of its result, and silu and gelu are a second node. */
lat_value lat_nn_linear(lat_tape *tape, lat_value x, lat_value W, lat_value b, lat_activation f);
/* The same of parts of matrices in memory (rows x_stride, ... numbers apart; the tape's type),
 * without a node or gradients: y (rows x cols) := f(x W + b), W depth x cols. `depth` may be 0:
 * f(b). For nets that are evaluated unit by unit. */
typedef struct lat_nn_block {
  size_t rows, cols, depth;
  const void *x, *W, *bias;
  void *y;
  size_t x_stride, W_stride, y_stride;
  lat_activation activation;
} lat_nn_block;
void lat_nn_linear_block(lat_tape *tape, const lat_nn_block *block);
/* a b, or with their transposes */
lat_value lat_nn_product(lat_tape *tape, lat_value a, lat_value b, bool a_transposed,
                         bool b_transposed);

/* W/|W u|, for a unit vector u (1 x cols), a constant: with W's right singular vector of the
 * largest singular value, W over that value. 0 where W u is. */
lat_value lat_nn_spectral(lat_tape *tape, lat_value W, lat_value u);
/* One step of the power iteration for u, packed and 1 x W.cols: v := W u/|W u|, u := W'v/|W'v|,
 * which are left as they are where W u or W'v is 0. *norm := |W u| of the new u, unless NULL. */
lat_status lat_spectral_iteration(lat_workspace *work, const lat_matrix *W, const lat_matrix *u,
                                  double *norm);

/* ---- arithmetic: B x D with B x D, 1 x D, B x 1 and 1 x 1, on either side -------------------- */

lat_value lat_nn_add(lat_tape *tape, lat_value a, lat_value b);
lat_value lat_nn_subtract(lat_tape *tape, lat_value a, lat_value b);
lat_value lat_nn_multiply(lat_tape *tape, lat_value a, lat_value b);
lat_value lat_nn_divide(lat_tape *tape, lat_value a, lat_value b);
/* scale x + shift */
lat_value lat_nn_affine(lat_tape *tape, lat_value x, double scale, double shift);

/* ---- element by element ---------------------------------------------------------------------- */

lat_value lat_nn_exp(lat_tape *tape, lat_value x);
lat_value lat_nn_log(lat_tape *tape, lat_value x);
lat_value lat_nn_tanh(lat_tape *tape, lat_value x);
lat_value lat_nn_sigmoid(lat_tape *tape, lat_value x);
lat_value lat_nn_relu(lat_tape *tape, lat_value x);
lat_value lat_nn_leaky_relu(lat_tape *tape, lat_value x, double slope);
lat_value lat_nn_elu(lat_tape *tape, lat_value x);
lat_value lat_nn_softplus(lat_tape *tape, lat_value x);
lat_value lat_nn_gelu(lat_tape *tape,
                      lat_value x); /* x Phi(x), with the normal distribution's Phi */
lat_value lat_nn_silu(lat_tape *tape, lat_value x); /* x sigmoid(x) */
lat_value lat_nn_square(lat_tape *tape, lat_value x);
lat_value lat_nn_sqrt(lat_tape *tape, lat_value x); /* the derivative at 0 is set to 0 */
lat_value lat_nn_abs(lat_tape *tape, lat_value x);
lat_value lat_nn_clamp(lat_tape *tape, lat_value x, double least, double most);
lat_value lat_nn_activate(lat_tape *tape, lat_value x, lat_activation f);
/* f'(x) as a function of x (for relu and its like constant where it is constant), so that gradients
 * of a net are expressions that can be differentiated again. */
lat_value lat_nn_slope(lat_tape *tape, lat_value x, lat_activation f);
/* The same as a function of y = f(x), of all but silu and gelu. */
lat_value lat_nn_slope_of(lat_tape *tape, lat_value y, lat_activation f);

/* ---- shapes ---------------------------------------------------------------------------------- */

/* Columns first..first+count-1, from 0. */
lat_value lat_nn_columns(lat_tape *tape, lat_value x, size_t first, size_t count);
/* Columns by their numbers, from 0 (copied). Gradients of a column that occurs twice add up. */
lat_value lat_nn_gather_columns(lat_tape *tape, lat_value x, const size_t *columns, size_t count);
/* Side by side. */
lat_value lat_nn_concat(lat_tape *tape, lat_value a, lat_value b);
/* Rows by their numbers, from 0 (copied). Gradients of a row that occurs twice add up. */
lat_value lat_nn_gather(lat_tape *tape, lat_value x, const size_t *rows, size_t count);
/* Every row `times` times in a row: rows 0, 0, 1, 1, ... */
lat_value lat_nn_repeat_rows(lat_tape *tape, lat_value x, size_t times);
lat_value lat_nn_transpose(lat_tape *tape, lat_value x);

/* ---- reductions ------------------------------------------------------------------------------ */

lat_value lat_nn_sum(lat_tape *tape, lat_value x, lat_axis axis);
lat_value lat_nn_mean(lat_tape *tape, lat_value x, lat_axis axis);
/* log sum_j exp(x_ij): B x 1 */
lat_value lat_nn_log_sum_exp(lat_tape *tape, lat_value x);
/* x is (B size) x 1; each group of `size` rows becomes the log of the mean of its exp: B x 1 */
lat_value lat_nn_log_mean_exp_groups(lat_tape *tape, lat_value x, size_t size);

/* ---- probability ----------------------------------------------------------------------------- */

/* mean + exp(log_variance/2) e, e ~ N(0, I) */
lat_value lat_nn_reparameterize(lat_tape *tape, lat_value mean, lat_value log_variance);
/* KL(N(mean, exp(log_variance)) || N(0, I)) = sum (exp(v) + m^2 - 1 - v)/2 */
lat_value lat_nn_kl_standard_normal(lat_tape *tape, lat_value mean, lat_value log_variance);
/* The same, a column for each latent unit: B x M */
lat_value lat_nn_kl_units(lat_tape *tape, lat_value mean, lat_value log_variance);
/* KL(N(mean, exp(v)) || N(mean2, exp(v2))), all B x M */
lat_value lat_nn_kl_normal(lat_tape *tape, lat_value mean, lat_value log_variance, lat_value mean2,
                           lat_value log_variance2);
/* -log p(x | logits), x in [0, 1] (a grey level counts as a probability): sum softplus(l) - x l */
lat_value lat_nn_bernoulli_nll(lat_tape *tape, lat_value logits, lat_value x);
/* Its normalized form for x in [0, 1]: Loaiza-Ganem and Cunningham, NeurIPS 2019 */
lat_value lat_nn_continuous_bernoulli_nll(lat_tape *tape, lat_value logits, lat_value x);
/* Logits are B x (G C), G groups of C categories; labels are B x G, whole numbers from 0 to C-1. */
lat_value lat_nn_categorical_nll(lat_tape *tape, lat_value logits, lat_value labels,
                                 size_t categories);
/* -log N(x; mean, exp(log_variance)), the log-variance B x D, 1 x D, B x 1 or 1 x 1 */
lat_value lat_nn_gaussian_nll(lat_tape *tape, lat_value mean, lat_value log_variance, lat_value x);
/* -log sum_k pi_k N(x; means_k, exp(log_variances_k)): x is B x D, logits of pi 1 x K, the others
 * K x D */
lat_value lat_nn_gaussian_mixture_nll(lat_tape *tape, lat_value logits, lat_value means,
                                      lat_value log_variances, lat_value x);

/* ---- invertible maps (normalizing flows) ----------------------------------------------------- */

/* A state is B x (D + 1): D columns, and the sum of log |det J| of the maps so far. A map
 * transforms the m columns with the numbers `columns` (copied; NULL: all D in their order), adds
 * the logarithm of its determinant to the last column, and leaves the others. `raw`, the map's
 * parameters, is one row for each of the state, as a net makes them, or one row for all.
 *
 * With `inverse` it is the inverse map, and log |det J| is subtracted: then the result is a
 * constant, through which no gradient flows. */
typedef struct lat_flow_columns {
  const size_t *columns;
  size_t count;
  bool inverse;
} lat_flow_columns;

/* y = x exp(s) + t; raw is (t, o) for each column, 2 m, and s = bound tanh(o/bound), or o itself
 * when bound is 0 (Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, ICLR 2017).
 */
lat_value lat_nn_flow_affine(lat_tape *tape, lat_value state, lat_value raw,
                             const lat_flow_columns *on, double bound);

enum { LAT_SPLINE_BINS = 64 };
/* Monotonic rational quadratic splines of 2 to LAT_SPLINE_BINS bins from [-box, box] to itself, the
 * identity outside (Durkan, Bekasov, Murray and Papamakarios, Neural Spline Flows, NeurIPS 2019).
 * raw is for each column `bins` widths and heights before a softmax, and bins - 1 slopes at the
 * inner knots before a softplus: m (3 bins - 1). All zero is the identity. */
lat_value lat_nn_flow_spline(lat_tape *tape, lat_value state, lat_value raw,
                             const lat_flow_columns *on, size_t bins, double box);

/* y = x L U: A (D x D) has L below its diagonal, whose own is 1, and U from it on, with exp of A's
 * diagonal (Kingma and Dhariwal, Glow, NeurIPS 2018). */
lat_value lat_nn_flow_linear(lat_tape *tape, lat_value state, lat_value A, bool inverse);

/* y = x + u' tanh(w x + b), raw = (u, w, b), 1 x (2 D + 1), with u' = u moved along w so that w u'
 * > -1 (Rezende and Mohamed, Variational inference with normalizing flows, ICML 2015). The inverse
 * solves one monotonic equation a row by Newton's method, kept in an interval. */
lat_value lat_nn_flow_planar(lat_tape *tape, lat_value state, lat_value raw, bool inverse);

/* y = x + c (x - x0)/(a + |x - x0|), raw = (x0, p, q), 1 x (D + 2), a = softplus(p),
 * c = softplus(q) - a > -a (the same paper). */
lat_value lat_nn_flow_radial(lat_tape *tape, lat_value state, lat_value raw, bool inverse);

typedef enum lat_flow_base {
  LAT_BASE_NORMAL,  /* N(0, I) */
  LAT_BASE_UNIFORM, /* of sigmoid(x), on the unit cube: x itself is logistic */
  LAT_BASES
} lat_flow_base;
extern const char *const lat_flow_base_names[LAT_BASES + 1]; /* ended by NULL */
/* -log p(x) = -log base(state's columns) - log |det J|: B x 1, in nats */
lat_value lat_nn_flow_nll(lat_tape *tape, lat_value state, lat_flow_base base);

#endif
