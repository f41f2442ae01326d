/* ops_arithmetic.c: sums, differences, products and quotients with broadcasting (ops.h).
 *
 * A gradient is computed at the full shape, and summed over the axes along which its operand was
 * broadcast. */
#include "base/clones.h"
#include "base/vector_kernels.h"
#include "nn/kernels.h"
#include "nn/limits.h"
#include "nn/reduce.h"

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE };
enum { A_DOWN = 1, A_ACROSS = 2, B_DOWN = 4, B_ACROSS = 8 };

#define TEMPLATE "nn/ops_arithmetic_template.h"
#include "nn/both_types.h"

/* Rows and columns of the result; false when the shapes don't fit. */
static bool broadcast(size_t a, size_t b, size_t *out)
{
  *out = a == 1 ? b : a;
  return a == b || a == 1 || b == 1;
}

/* The shapes of the operands as arguments of a kernel. Where nothing is broadcast the values are
 * vectors that are cut into rows, of which the last one is shorter. */
static void describe(const lat_node *a, const lat_node *b, const lat_node *node, lat_args *args)
{
  args->a = a->value;
  args->b = b->value;
  args->rows = node->rows;
  args->cols = node->cols;
  args->n = (a->rows > 1 ? A_DOWN : 0u) | (a->cols > 1 ? A_ACROSS : 0u) |
            (b->rows > 1 ? B_DOWN : 0u) | (b->cols > 1 ? B_ACROSS : 0u);
}

static bool same_shape(const lat_node *a, const lat_node *b)
{
  return a->rows == b->rows && a->cols == b->cols;
}

/* Runs a kernel over rows; over pieces of LAT_NN_ROW elements where both operands have the full
 * shape. */
static void run(lat_nn_kernel *kernel, const lat_args *whole_args, bool flat)
{
  lat_args args = *whole_args;
  if (!flat) {
    lat_nn_run(kernel, &args, args.rows, args.cols * 2);
    return;
  }
  size_t n = args.rows * args.cols, whole = n / LAT_NN_ROW, rest = n % LAT_NN_ROW;
  args.n = A_DOWN | A_ACROSS | B_DOWN | B_ACROSS;
  args.rows = whole;
  args.cols = LAT_NN_ROW;
  if (whole) lat_nn_run(kernel, &args, whole, LAT_NN_ROW * 2);
  if (rest == 0) return;
  size_t done = whole * LAT_NN_ROW * (size_t)args.s; /* bytes; s is the size of an element */
  args.a = (const char *)args.a + done;
  args.b = (const char *)args.b + done;
  if (args.c) args.c = (const char *)args.c + done;
  args.x = (char *)args.x + done;
  args.cols = rest;
  kernel(&args, 0, 1);
}

static lat_value forward(lat_tape *tape, int op, int kind, lat_value a, lat_value b)
{
  lat_value value = {0}, inputs[2] = {a, b};
  lat_node *in[2];
  size_t rows, cols;
  if (!lat_nodes(tape, 2, inputs, in)) return value;
  if (!broadcast(in[0]->rows, in[1]->rows, &rows) || !broadcast(in[0]->cols, in[1]->cols, &cols))
    return lat_tape_fail(tape, LAT_SHAPE, "%zux%zu and %zux%zu don't fit each other", in[0]->rows,
                         in[0]->cols, in[1]->rows, in[1]->cols);
  lat_node *node = lat_tape_push(tape, op, rows, cols, inputs, 2, &value);
  if (!node) return value;
  lat_args args = {.x = node->value, .kind = kind, .s = (double)lat_dtype_size(tape->dtype)};
  describe(in[0], in[1], node, &args);
  run(KERNEL(tape, arithmetic_forward), &args, same_shape(in[0], in[1]));
  return value;
}

/* The gradient at full size, and where the operand was broadcast the sums of it. */
static void back(lat_tape *tape, lat_node *node, int kind)
{
  const lat_node *in[2] = {lat_tape_at(tape, node->inputs[0]), lat_tape_at(tape, node->inputs[1])};
  lat_args args = {.c = node->gradient, .kind = kind, .s = (double)lat_dtype_size(tape->dtype)};
  describe(in[0], in[1], node, &args);
  for (size_t k = 0; k < 2; k++) {
    lat_slot slot = lat_tape_slot(tape, node, k);
    if (!slot.at) continue;
    bool full = same_shape(in[k], node);
    void *all = node->gradient;
    if (full || (kind != ADD && !(kind == SUBTRACT && k == 0))) {
      all = full ? slot.at : lat_tape_numbers(tape, node->rows * node->cols);
      if (!all) return;
      args.x = all;
      args.m = k == 0;
      args.add = full && slot.add;
      run(KERNEL(tape, arithmetic_backward), &args, same_shape(in[0], in[1]));
    }
    if (!full) lat_sum_to(tape, all, node->rows, node->cols, in[k]->rows, in[k]->cols, slot);
  }
}

lat_value lat_nn_add(lat_tape *tape, lat_value a, lat_value b)
{
  return forward(tape, LAT_OP_add, ADD, a, b);
}

lat_value lat_nn_subtract(lat_tape *tape, lat_value a, lat_value b)
{
  return forward(tape, LAT_OP_subtract, SUBTRACT, a, b);
}

lat_value lat_nn_multiply(lat_tape *tape, lat_value a, lat_value b)
{
  return forward(tape, LAT_OP_multiply, MULTIPLY, a, b);
}

lat_value lat_nn_divide(lat_tape *tape, lat_value a, lat_value b)
{
  return forward(tape, LAT_OP_divide, DIVIDE, a, b);
}

void lat_back_add(lat_tape *tape, lat_node *node)
{
  back(tape, node, ADD);
}

void lat_back_subtract(lat_tape *tape, lat_node *node)
{
  back(tape, node, SUBTRACT);
}

void lat_back_multiply(lat_tape *tape, lat_node *node)
{
  back(tape, node, MULTIPLY);
}

void lat_back_divide(lat_tape *tape, lat_node *node)
{
  back(tape, node, DIVIDE);
}
