/* ops_probability.c: negative log-likelihoods and divergences, one number a row, in nats (ops.h).
 *
 * Forward kernels save the derivative with respect to the logits where that is a by-product. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clones.h"
#include "base/special.h"
#include "base/vector_kernels.h"
#include "nn/kernels.h"
#include "nn/limits.h"
#include "nn/reduce.h"

#define TEMPLATE "nn/ops_probability_template.h"
#include "nn/both_types.h"

/* ---- shared checks --------------------------------------------------------------------------- */

/* True when all handles are valid and have the shape of the first; else the step fails, naming the
 * k-th. */
static bool same_shapes(lat_tape *tape, size_t count, const lat_value values[], lat_node *nodes[],
                        const char *const names[])
{
  if (!lat_nodes(tape, count, values, nodes)) return false;
  for (size_t k = 1; k < count; k++) {
    if (nodes[k]->rows == nodes[0]->rows && nodes[k]->cols == nodes[0]->cols) continue;
    lat_tape_fail(tape, LAT_SHAPE, "%s is %zux%zu, %s is %zux%zu", names[0], nodes[0]->rows,
                  nodes[0]->cols, names[k], nodes[k]->rows, nodes[k]->cols);
    return false;
  }
  return true;
}

/* A log-variance that is one row, one column or one number at the shape of `like`. */
static lat_value spread(lat_tape *tape, lat_value v, lat_value like)
{
  lat_value values[2] = {v, like};
  lat_node *in[2];
  if (!lat_nodes(tape, 2, values, in)) return v;
  size_t rows = in[1]->rows, cols = in[1]->cols;
  bool same = in[0]->rows == rows && in[0]->cols == cols;
  bool fits =
      (in[0]->rows == rows || in[0]->rows == 1) && (in[0]->cols == cols || in[0]->cols == 1);
  return same || !fits ? v : lat_nn_add(tape, v, lat_nn_fill(tape, rows, cols, 0));
}

/* Fails when an element isn't in [0, most], or isn't a whole number when `whole`. */
static bool check_range(lat_tape *tape, const lat_node *x, double most, bool whole,
                        const char *name)
{
  size_t n = x->rows * x->cols, at;
  double value = 0;
  if (tape->dtype == LAT_FLOAT64) {
    at = first_outside64(n, x->value, most, whole);
    if (at < n) value = ((const double *)x->value)[at];
  } else {
    at = first_outside32(n, x->value, (float)most, whole);
    if (at < n) value = (double)((const float *)x->value)[at];
  }
  if (at == n) return true;
  char shown[32];
  snprintf(shown, sizeof shown, isnan(value) ? "NaN" : "%g", value);
  lat_tape_fail(tape, LAT_INVALID, "%s has %s at row %zu, column %zu; it must be %s 0 and %g", name,
                shown, at / x->cols + 1, at % x->cols + 1,
                whole ? "a whole number between" : "between", most);
  return false;
}

static const void *value_of(const lat_tape *tape, const lat_node *node, size_t k)
{
  return lat_tape_at(tape, node->inputs[k])->value;
}

/* ---- reparameterization ---------------------------------------------------------------------- */

lat_value lat_nn_reparameterize(lat_tape *tape, lat_value mean, lat_value log_variance)
{
  static const char *const names[] = {"the mean", "the log-variance"};
  lat_value value = {0}, inputs[2] = {mean, log_variance}, noise;
  lat_node *in[2];
  if (!same_shapes(tape, 2, inputs, in, names)) return value;
  noise = lat_nn_normal(tape, in[0]->rows, in[0]->cols);
  lat_node *e = lat_tape_node(tape, noise), *node;
  if (!e || !(node = lat_tape_push(tape, LAT_OP_reparameterize, in[0]->rows, in[0]->cols, inputs, 2,
                                   &value)))
    return value;
  lat_args args = {.a = in[0]->value, .b = in[1]->value, .c = e->value, .x = node->value};
  lat_nn_run(KERNEL(tape, reparameterize_forward), &args, node->rows * node->cols, 6);
  return value;
}

void lat_back_reparameterize(lat_tape *tape, lat_node *node)
{
  lat_slot mean = lat_tape_slot(tape, node, 0), v = lat_tape_slot(tape, node, 1);
  lat_args args = {.a = value_of(tape, node, 0),
                   .b = node->value,
                   .c = node->gradient,
                   .x = mean.at,
                   .y = v.at,
                   .add = mean.add,
                   .add_y = v.add};
  lat_nn_run(KERNEL(tape, reparameterize_backward), &args, node->rows * node->cols, 3);
}

/* ---- divergences ----------------------------------------------------------------------------- */

lat_value lat_nn_kl_units(lat_tape *tape, lat_value mean, lat_value log_variance)
{
  static const char *const names[] = {"the mean", "the log-variance"};
  lat_value value = {0}, inputs[2] = {mean, log_variance};
  lat_node *in[2], *node;
  if (!same_shapes(tape, 2, inputs, in, names) ||
      !(node = lat_tape_push(tape, LAT_OP_kl_standard_normal, in[0]->rows, in[0]->cols, inputs, 2,
                             &value)))
    return value;
  lat_args args = {.a = in[0]->value, .b = in[1]->value, .x = node->value};
  lat_nn_run(KERNEL(tape, kl_standard_forward), &args, node->rows * node->cols, 6);
  return value;
}

lat_value lat_nn_kl_standard_normal(lat_tape *tape, lat_value mean, lat_value log_variance)
{
  return lat_nn_sum(tape, lat_nn_kl_units(tape, mean, log_variance), LAT_NN_ACROSS);
}

void lat_back_kl_standard_normal(lat_tape *tape, lat_node *node)
{
  lat_slot mean = lat_tape_slot(tape, node, 0), v = lat_tape_slot(tape, node, 1);
  lat_args args = {.a = value_of(tape, node, 0),
                   .b = value_of(tape, node, 1),
                   .c = node->gradient,
                   .x = mean.at,
                   .y = v.at,
                   .add = mean.add,
                   .add_y = v.add};
  lat_nn_run(KERNEL(tape, kl_standard_backward), &args, node->rows * node->cols, 6);
}

lat_value lat_nn_kl_normal(lat_tape *tape, lat_value mean, lat_value log_variance, lat_value mean2,
                           lat_value log_variance2)
{
  static const char *const names[] = {"the mean", "the log-variance", "the second mean",
                                      "the second log-variance"};
  lat_value value = {0}, inputs[4] = {mean, log_variance, spread(tape, mean2, mean),
                                      spread(tape, log_variance2, mean)};
  lat_node *in[4], *node;
  if (!same_shapes(tape, 4, inputs, in, names) ||
      !(node = lat_tape_push(tape, LAT_OP_kl_normal, in[0]->rows, 1, inputs, 4, &value)))
    return value;
  lat_args args = {.a = in[0]->value,
                   .b = in[1]->value,
                   .c = in[2]->value,
                   .d = in[3]->value,
                   .x = node->value,
                   .cols = in[0]->cols};
  lat_nn_run(KERNEL(tape, kl_normal_forward), &args, node->rows, args.cols * 8);
  return value;
}

/* g, one a row, at the shape rows x cols. */
static void *spread_gradient(lat_tape *tape, const lat_node *node, size_t cols)
{
  void *at = lat_tape_numbers(tape, node->rows * cols);
  lat_matrix g = {node->gradient, node->rows, cols, 1, 0, tape->dtype};
  lat_matrix all = {at, node->rows, cols, (ptrdiff_t)cols, 1, tape->dtype};
  if (at) lat_copy(&g, &all);
  return at;
}

void lat_back_kl_normal(lat_tape *tape, lat_node *node)
{
  size_t cols = lat_tape_at(tape, node->inputs[0])->cols;
  lat_args args = {.a = value_of(tape, node, 0),
                   .b = value_of(tape, node, 1),
                   .c = value_of(tape, node, 2),
                   .d = value_of(tape, node, 3),
                   .y = spread_gradient(tape, node, cols)};
  if (!args.y) return;
  for (int k = 0; k < 4; k++) {
    lat_slot slot = lat_tape_slot(tape, node, (size_t)k);
    args.kind = k;
    args.x = slot.at;
    args.add = slot.add;
    if (slot.at) lat_nn_run(KERNEL(tape, kl_normal_backward), &args, node->rows * cols, 10);
  }
}

/* ---- Bernoulli and its continuous form ------------------------------------------------------- */

static lat_value bernoulli(lat_tape *tape, int op, lat_value logits, lat_value x,
                           lat_nn_kernel *kernel)
{
  static const char *const names[] = {"the logits", "x"};
  lat_value value = {0}, inputs[2] = {logits, x};
  lat_node *in[2], *node;
  if (!same_shapes(tape, 2, inputs, in, names) || !check_range(tape, in[1], 1, false, "x"))
    return value;
  void *slope = lat_tape_numbers(tape, in[0]->rows * in[0]->cols);
  if (!slope || !(node = lat_tape_push(tape, op, in[0]->rows, 1, inputs, 2, &value))) return value;
  node->saved = slope;
  lat_args args = {
      .a = in[0]->value, .b = in[1]->value, .x = node->value, .y = slope, .cols = in[0]->cols};
  lat_nn_run(kernel, &args, node->rows, args.cols * 10);
  return value;
}

/* target (+)= s g row, for rows of `from` */
static void scale_rows(lat_tape *tape, const lat_node *node, size_t cols, const void *from,
                       double s, lat_slot target)
{
  lat_args args = {
      .a = from, .c = node->gradient, .x = target.at, .cols = cols, .s = s, .add = target.add};
  if (target.at) lat_nn_run(KERNEL(tape, scale_rows), &args, node->rows, cols);
}

/* Of either: the logits' derivative was saved, that with respect to x is -logits. */
void lat_back_bernoulli_nll(lat_tape *tape, lat_node *node)
{
  const lat_node *logits = lat_tape_at(tape, node->inputs[0]);
  scale_rows(tape, node, logits->cols, node->saved, 1, lat_tape_slot(tape, node, 0));
  scale_rows(tape, node, logits->cols, logits->value, -1, lat_tape_slot(tape, node, 1));
}

void lat_back_continuous_bernoulli_nll(lat_tape *tape, lat_node *node)
{
  lat_back_bernoulli_nll(tape, node);
}

lat_value lat_nn_bernoulli_nll(lat_tape *tape, lat_value logits, lat_value x)
{
  return bernoulli(tape, LAT_OP_bernoulli_nll, logits, x, KERNEL(tape, bernoulli_forward));
}

lat_value lat_nn_continuous_bernoulli_nll(lat_tape *tape, lat_value logits, lat_value x)
{
  return bernoulli(tape, LAT_OP_continuous_bernoulli_nll, logits, x,
                   KERNEL(tape, continuous_forward));
}

/* ---- categorical ----------------------------------------------------------------------------- */

lat_value lat_nn_categorical_nll(lat_tape *tape, lat_value logits, lat_value labels,
                                 size_t categories)
{
  lat_value value = {0}, inputs[2] = {logits, labels};
  lat_node *in[2], *node;
  if (!lat_nodes(tape, 2, inputs, in)) return value;
  if (categories == 0 || in[0]->cols % categories)
    return lat_tape_fail(tape, LAT_SHAPE,
                         "the logits' %zu columns are no multiple of %zu categories", in[0]->cols,
                         categories);
  size_t groups = in[0]->cols / categories;
  if (in[1]->rows != in[0]->rows || in[1]->cols != groups)
    return lat_tape_fail(tape, LAT_SHAPE,
                         "the labels are %zux%zu, for these logits they must be "
                         "%zux%zu",
                         in[1]->rows, in[1]->cols, in[0]->rows, groups);
  if (!check_range(tape, in[1], (double)(categories - 1), true, "labels")) return value;
  void *slope = lat_tape_numbers(tape, in[0]->rows * in[0]->cols);
  node =
      slope ? lat_tape_push(tape, LAT_OP_categorical_nll, in[0]->rows, 1, inputs, 2, &value) : NULL;
  if (!node) return value;
  node->saved = slope;
  lat_args args = {.a = in[0]->value,
                   .b = in[1]->value,
                   .x = node->value,
                   .y = slope,
                   .cols = groups,
                   .n = categories};
  lat_nn_run(KERNEL(tape, categorical_forward), &args, node->rows, in[0]->cols * 8);
  return value;
}

void lat_back_categorical_nll(lat_tape *tape, lat_node *node)
{
  const lat_node *logits = lat_tape_at(tape, node->inputs[0]);
  scale_rows(tape, node, logits->cols, node->saved, 1, lat_tape_slot(tape, node, 0));
}

/* ---- Gaussian -------------------------------------------------------------------------------- */

lat_value lat_nn_gaussian_nll(lat_tape *tape, lat_value mean, lat_value log_variance, lat_value x)
{
  static const char *const names[] = {"the mean", "the log-variance", "x"};
  lat_value value = {0}, inputs[3] = {mean, spread(tape, log_variance, mean), x};
  lat_node *in[3], *node;
  if (!same_shapes(tape, 3, inputs, in, names) ||
      !(node = lat_tape_push(tape, LAT_OP_gaussian_nll, in[0]->rows, 1, inputs, 3, &value)))
    return value;
  lat_args args = {.a = in[0]->value,
                   .b = in[1]->value,
                   .c = in[2]->value,
                   .x = node->value,
                   .cols = in[0]->cols};
  lat_nn_run(KERNEL(tape, gaussian_forward), &args, node->rows, args.cols * 6);
  return value;
}

void lat_back_gaussian_nll(lat_tape *tape, lat_node *node)
{
  lat_args args = {.a = value_of(tape, node, 0),
                   .b = value_of(tape, node, 1),
                   .c = value_of(tape, node, 2),
                   .d = node->gradient,
                   .cols = lat_tape_at(tape, node->inputs[0])->cols};
  for (int k = 0; k < 3; k++) {
    lat_slot slot = lat_tape_slot(tape, node, (size_t)k);
    args.kind = k;
    args.x = slot.at;
    args.add = slot.add;
    if (slot.at) lat_nn_run(KERNEL(tape, gaussian_backward), &args, node->rows, args.cols * 6);
  }
}

/* ---- mixtures -------------------------------------------------------------------------------- */

lat_value lat_nn_gaussian_mixture_nll(lat_tape *tape, lat_value logits, lat_value means,
                                      lat_value log_variances, lat_value x)
{
  lat_value value = {0}, inputs[4] = {logits, means, log_variances, x};
  lat_node *in[4], *node;
  if (!lat_nodes(tape, 4, inputs, in)) return value;
  size_t K = in[0]->cols, D = in[3]->cols, N = in[3]->rows;
  if (in[0]->rows != 1 || in[1]->rows != K || in[2]->rows != K || in[1]->cols != D ||
      in[2]->cols != D)
    return lat_tape_fail(tape, LAT_SHAPE,
                         "the logits are %zux%zu, means %zux%zu, log-variances "
                         "%zux%zu and x %zux%zu; they must be 1xK, KxD, KxD and BxD",
                         in[0]->rows, K, in[1]->rows, in[1]->cols, in[2]->rows, in[2]->cols, N, D);
  void *r = lat_tape_numbers(tape, N * K), *log_pi = lat_tape_numbers(tape, K);
  if (!r || !log_pi ||
      !(node = lat_tape_push(tape, LAT_OP_gaussian_mixture_nll, N, 1, inputs, 4, &value)))
    return value;
  void **saved = lat_tape_bytes(tape, 2, sizeof *saved);
  if (!saved) return (lat_value){0};
  saved[0] = r;
  saved[1] = log_pi;
  node->saved = saved;
  lat_args softmax = {.a = in[0]->value, .x = log_pi, .n = K};
  lat_nn_run(KERNEL(tape, log_softmax), &softmax, 1, 1);
  lat_args args = {.a = in[3]->value,
                   .b = in[1]->value,
                   .c = in[2]->value,
                   .d = log_pi,
                   .x = node->value,
                   .y = r,
                   .cols = D,
                   .n = K};
  lat_nn_run(KERNEL(tape, mixture_forward), &args, N, K * D * 6);
  return value;
}

void lat_back_gaussian_mixture_nll(lat_tape *tape, lat_node *node)
{
  void **saved = node->saved;
  const lat_node *x = lat_tape_at(tape, node->inputs[3]);
  lat_args args = {.a = x->value,
                   .b = value_of(tape, node, 1),
                   .c = value_of(tape, node, 2),
                   .d = saved[1],
                   .y = node->gradient,
                   .z = saved[0],
                   .rows = x->rows,
                   .cols = x->cols,
                   .n = lat_tape_at(tape, node->inputs[0])->cols};
  lat_nn_kernel *kernels[4] = {
      KERNEL(tape, mixture_backward_logits), KERNEL(tape, mixture_backward_parts),
      KERNEL(tape, mixture_backward_parts), KERNEL(tape, mixture_backward_rows)};
  for (int k = 0; k < 4; k++) {
    lat_slot slot = lat_tape_slot(tape, node, (size_t)k);
    args.kind = k - 1;
    args.x = slot.at;
    args.add = slot.add;
    if (slot.at)
      lat_nn_run(kernels[k], &args, k < 3 ? args.n : x->rows,
                 x->cols * 6 * (k < 3 ? x->rows : args.n));
  }
}
