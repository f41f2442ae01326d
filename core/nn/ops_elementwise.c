/* ops_elementwise.c: functions of single numbers, element by element, and their derivatives as
 * functions that can be differentiated again (ops.h). Backward kernels use the input x and the
 * value y = f(x). */
#include "base/clones.h"
#include "base/vector_kernels.h"
#include "nn/kernels.h"

#define TEMPLATE "nn/ops_elementwise_template.h"
#include "nn/both_types.h"

const char *const lat_activation_names[LAT_ACTIVATIONS + 1] = {
    [LAT_NN_LINEAR] = "linear", [LAT_NN_RELU] = "relu",         [LAT_NN_LEAKY_RELU] = "leaky_relu",
    [LAT_NN_ELU] = "elu",       [LAT_NN_TANH] = "tanh",         [LAT_NN_SIGMOID] = "sigmoid",
    [LAT_NN_SILU] = "silu",     [LAT_NN_SOFTPLUS] = "softplus", [LAT_NN_GELU] = "gelu"};

static lat_value forward(lat_tape *tape, int op, lat_value x, lat_nn_kernel *kernel, double s,
                         double t, size_t cost)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return value;
  lat_node *node = lat_tape_push(tape, op, in->rows, in->cols, &x, 1, &value);
  if (!node) return value;
  node->a = s;
  node->b = t;
  lat_args args = {.a = in->value, .x = node->value, .s = s, .t = t};
  lat_nn_run(kernel, &args, node->rows * node->cols, cost);
  return value;
}

static void back(lat_tape *tape, lat_node *node, lat_nn_kernel *kernel, size_t cost)
{
  lat_slot slot = lat_tape_slot(tape, node, 0);
  if (!slot.at) return;
  lat_args args = {.a = lat_tape_at(tape, node->inputs[0])->value,
                   .b = node->value,
                   .c = node->gradient,
                   .x = slot.at,
                   .add = slot.add,
                   .s = node->a,
                   .t = node->b};
  lat_nn_run(kernel, &args, node->rows * node->cols, cost);
}

#define SIMPLE(name, cost)                                                                         \
  lat_value lat_nn_##name(lat_tape *tape, lat_value x)                                             \
  {                                                                                                \
    return forward(tape, LAT_OP_##name, x, KERNEL(tape, name##_forward), 0, 0, cost);              \
  }
#define BACK(name, cost)                                                                           \
  void lat_back_##name(lat_tape *tape, lat_node *node)                                             \
  {                                                                                                \
    back(tape, node, KERNEL(tape, name##_backward), cost);                                         \
  }

/* clang-format off */
SIMPLE(exp, 4)       BACK(exp, 2)
SIMPLE(log, 4)       BACK(log, 4)
SIMPLE(tanh, 8)      BACK(tanh, 2)
SIMPLE(sigmoid, 6)   BACK(sigmoid, 2)
SIMPLE(relu, 1)      BACK(relu, 2)
SIMPLE(elu, 4)       BACK(elu, 2)
SIMPLE(softplus, 8)  BACK(softplus, 6)
SIMPLE(gelu, 12)     BACK(gelu, 16)
SIMPLE(silu, 6)      BACK(silu, 8)
SIMPLE(square, 1)    BACK(square, 2)
SIMPLE(sqrt, 4)      BACK(sqrt, 4)
SIMPLE(abs, 1)       BACK(abs, 2)
BACK(affine, 2)
BACK(leaky_relu, 2)
BACK(clamp, 2)
    /* clang-format on */

    lat_value lat_nn_affine(lat_tape *tape, lat_value x, double scale, double shift)
{
  return forward(tape, LAT_OP_affine, x, KERNEL(tape, affine_forward), scale, shift, 1);
}

lat_value lat_nn_leaky_relu(lat_tape *tape, lat_value x, double slope)
{
  return forward(tape, LAT_OP_leaky_relu, x, KERNEL(tape, leaky_relu_forward), slope, 0, 1);
}

lat_value lat_nn_clamp(lat_tape *tape, lat_value x, double least, double most)
{
  if (!(least <= most))
    return lat_tape_fail(tape, LAT_INVALID, "the least value %g must be at most %g", least, most);
  return forward(tape, LAT_OP_clamp, x, KERNEL(tape, clamp_forward), least, most, 1);
}

lat_value lat_nn_activate(lat_tape *tape, lat_value x, lat_activation f)
{
  switch (f) {
  case LAT_NN_RELU:
    return lat_nn_relu(tape, x);
  case LAT_NN_LEAKY_RELU:
    return lat_nn_leaky_relu(tape, x, LAT_LEAK);
  case LAT_NN_ELU:
    return lat_nn_elu(tape, x);
  case LAT_NN_TANH:
    return lat_nn_tanh(tape, x);
  case LAT_NN_SIGMOID:
    return lat_nn_sigmoid(tape, x);
  case LAT_NN_SOFTPLUS:
    return lat_nn_softplus(tape, x);
  case LAT_NN_SILU:
    return lat_nn_silu(tape, x);
  case LAT_NN_GELU:
    return lat_nn_gelu(tape, x);
  default:
    return x;
  }
}

/* ---- derivatives as functions ---------------------------------------------------------------- */

typedef struct pair {
  lat_nn_kernel *forward[2], *backward[2]; /* by dtype */
} pair;

#define PAIR(name)                                                                                 \
  (pair)                                                                                           \
  {                                                                                                \
    {name##_forward64, name##_forward32},                                                          \
    {                                                                                              \
      name##_backward64, name##_backward32                                                         \
    }                                                                                              \
  }

static pair slope_kernels(lat_activation f)
{
  switch (f) {
  case LAT_NN_RELU:
    return PAIR(relu_slope);
  case LAT_NN_LEAKY_RELU:
    return PAIR(leaky_slope);
  case LAT_NN_ELU:
    return PAIR(elu_slope);
  case LAT_NN_TANH:
    return PAIR(tanh_slope);
  case LAT_NN_SIGMOID:
    return PAIR(sigmoid_slope);
  case LAT_NN_SOFTPLUS:
    return PAIR(softplus_slope);
  case LAT_NN_SILU:
    return PAIR(silu_slope);
  default:
    return PAIR(gelu_slope);
  }
}

static pair slope_of_kernels(lat_activation f)
{
  switch (f) {
  case LAT_NN_ELU:
    return PAIR(elu_slope_of);
  case LAT_NN_TANH:
    return PAIR(tanh_slope_of);
  case LAT_NN_SIGMOID:
    return PAIR(sigmoid_slope_of);
  case LAT_NN_SOFTPLUS:
    return PAIR(softplus_slope_of);
  default: /* the result has the sign of the argument */
    return slope_kernels(f);
  }
}

static lat_value slope(lat_tape *tape, lat_value x, lat_activation f, bool of)
{
  const pair kernels = of ? slope_of_kernels(f) : slope_kernels(f);
  lat_value y = forward(tape, LAT_OP_slope, x, kernels.forward[tape->dtype], LAT_LEAK, 0, 12);
  lat_node *node = tape->status == LAT_OK ? lat_tape_node(tape, y) : NULL;
  if (!node) return y;
  node->i = f;
  node->j = of;
  if (f == LAT_NN_RELU || f == LAT_NN_LEAKY_RELU) node->needs = false;
  return y;
}

lat_value lat_nn_slope(lat_tape *tape, lat_value x, lat_activation f)
{
  return slope(tape, x, f, false);
}

lat_value lat_nn_slope_of(lat_tape *tape, lat_value y, lat_activation f)
{
  return slope(tape, y, f, true);
}

void lat_back_slope(lat_tape *tape, lat_node *node)
{
  const lat_activation f = (lat_activation)node->i;
  const pair kernels = node->j ? slope_of_kernels(f) : slope_kernels(f);
  back(tape, node, kernels.backward[tape->dtype], 12);
}
