/* ops_linear.c: linear layers f(x W + b) and products of matrices (ops.h), by gemm.h.
 *
 * With d = g f'(.), computed from y = f(.): the gradient of W is x'd, that of x is d W', and that
 * of b the sum of the rows of d. */
#include <string.h>

#include "base/clones.h"
#include "base/vector_kernels.h"
#include "nn/gemm.h"
#include "nn/kernels.h"

#define TEMPLATE "nn/ops_linear_template.h"
#include "nn/both_types.h"
#include "nn/limits.h"

/* ---- linear ---------------------------------------------------------------------------------- */

/* The epilogue of the product: bias and activation, while a block is in the cache. */
typedef struct ending {
  lat_dtype dtype;
  const void *bias;
  void *value;
  size_t stride;
  int activation;
} ending;

static void finish(void *context, size_t row, size_t rows, size_t col, size_t cols)
{
  const ending *e = context;
  if (cols == e->stride && 2 * cols <= LAT_NN_NARROW) {
    size_t at = row * cols;
    if (e->dtype == LAT_FLOAT64)
      activate_rows64(e->activation, rows, cols, e->bias, (double *)e->value + at);
    else
      activate_rows32(e->activation, rows, cols, e->bias, (float *)e->value + at);
    return;
  }
  for (size_t i = row; i < row + rows; i++) {
    size_t at = i * e->stride + col;
    if (e->dtype == LAT_FLOAT64)
      activate_row64(e->activation, cols, e->bias ? (const double *)e->bias + col : NULL,
                     (double *)e->value + at);
    else
      activate_row32(e->activation, cols, e->bias ? (const float *)e->bias + col : NULL,
                     (float *)e->value + at);
  }
}

/* x W + b, and f where that can be fused */
static lat_value linear(lat_tape *tape, lat_value x, lat_value W, lat_value b, lat_activation f)
{
  lat_value value = {0}, inputs[3] = {x, W, b};
  lat_node *in[3] = {0};
  size_t count = b.step ? 3 : 2;
  if (!lat_nodes(tape, count, inputs, in)) return value;
  if (in[0]->cols != in[1]->rows)
    return lat_tape_fail(tape, LAT_SHAPE,
                         "x is %zux%zu, the weights are %zux%zu: %zu columns against "
                         "%zu rows",
                         in[0]->rows, in[0]->cols, in[1]->rows, in[1]->cols, in[0]->cols,
                         in[1]->rows);
  if (in[2] && (in[2]->rows != 1 || in[2]->cols != in[1]->cols))
    return lat_tape_fail(tape, LAT_SHAPE, "the bias is %zux%zu, it must be 1x%zu", in[2]->rows,
                         in[2]->cols, in[1]->cols);
  lat_node *node =
      lat_tape_push(tape, LAT_OP_linear, in[0]->rows, in[1]->cols, inputs, count, &value);
  if (!node) return value;
  node->i = f;
  ending e = {tape->dtype, in[2] ? in[2]->value : NULL, node->value, node->cols, (int)f};
  lat_gemm g = {.dtype = tape->dtype,
                .rows = node->rows,
                .cols = node->cols,
                .depth = in[0]->cols,
                .A = in[0]->value,
                .B = in[1]->value,
                .C = node->value,
                .A_stride = in[0]->cols,
                .B_stride = in[1]->cols,
                .C_stride = node->cols,
                .finish = in[2] || f != LAT_NN_LINEAR ? finish : NULL,
                .context = &e,
                .work = tape->work};
  if (lat_gemm_run(&g) != LAT_OK) lat_tape_continue(tape);
  return value;
}

lat_value lat_nn_linear(lat_tape *tape, lat_value x, lat_value W, lat_value b, lat_activation f)
{
  if (f != LAT_NN_SILU && f != LAT_NN_GELU) return linear(tape, x, W, b, f);
  return lat_nn_activate(tape, linear(tape, x, W, b, LAT_NN_LINEAR), f);
}

void lat_nn_linear_block(lat_tape *tape, const lat_nn_block *b)
{
  ending e = {tape->dtype, b->bias, b->y, b->y_stride, (int)b->activation};
  lat_gemm g = {.dtype = tape->dtype,
                .rows = b->rows,
                .cols = b->cols,
                .depth = b->depth,
                .A = b->x,
                .B = b->W,
                .C = b->y,
                .A_stride = b->x_stride,
                .B_stride = b->W_stride,
                .C_stride = b->y_stride,
                .finish = finish,
                .context = &e,
                .work = tape->work};
  if (b->depth > 0) {
    if (lat_gemm_run(&g) != LAT_OK) lat_tape_continue(tape);
    return;
  }
  size_t size = lat_dtype_size(tape->dtype);
  for (size_t i = 0; i < b->rows; i++)
    memset((char *)b->y + i * b->y_stride * size, 0, b->cols * size);
  finish(&e, 0, b->rows, 0, b->cols);
}

/* target (+)= op(A) op(B), where A and B are stored as their nodes' values */
static void multiply(lat_tape *tape, lat_slot target, size_t rows, size_t cols, const void *A,
                     size_t A_cols, bool A_transposed, const void *B, size_t B_cols,
                     bool B_transposed, size_t depth)
{
  if (!target.at) return;
  lat_gemm g = {.dtype = tape->dtype,
                .rows = rows,
                .cols = cols,
                .depth = depth,
                .A = A,
                .B = B,
                .C = target.at,
                .A_stride = A_cols,
                .B_stride = B_cols,
                .C_stride = cols,
                .A_transposed = A_transposed,
                .B_transposed = B_transposed,
                .add = target.add,
                .work = tape->work};
  if (lat_gemm_run(&g) != LAT_OK) lat_tape_continue(tape);
}

void lat_back_linear(lat_tape *tape, lat_node *node)
{
  const lat_node *x = lat_tape_at(tape, node->inputs[0]), *W = lat_tape_at(tape, node->inputs[1]);
  lat_slot bias = lat_tape_slot(tape, node, 2);
  void *d = node->gradient;
  if (node->i != LAT_NN_LINEAR || bias.at) {
    lat_args args = {.a = node->value, .b = node->gradient, .y = bias.at, .add_y = bias.add};
    args.rows = node->rows;
    args.cols = node->cols;
    args.kind = (int)node->i;
    if (node->i != LAT_NN_LINEAR) d = args.x = lat_tape_numbers(tape, node->rows * node->cols);
    if (!d) return;
    lat_nn_run(KERNEL(tape, before_activation), &args,
               (node->cols + LAT_NN_STRIP - 1) / LAT_NN_STRIP,
               node->rows * LAT_NN_STRIP * (node->i > LAT_NN_LEAKY_RELU ? 4 : 2));
  }
  multiply(tape, lat_tape_slot(tape, node, 1), W->rows, W->cols, x->value, x->cols, true, d,
           node->cols, false, node->rows);
  multiply(tape, lat_tape_slot(tape, node, 0), x->rows, x->cols, d, node->cols, false, W->value,
           W->cols, true, node->cols);
}

/* ---- products -------------------------------------------------------------------------------- */

lat_value lat_nn_product(lat_tape *tape, lat_value a, lat_value b, bool a_transposed,
                         bool b_transposed)
{
  lat_value value = {0}, inputs[2] = {a, b};
  lat_node *in[2];
  if (!lat_nodes(tape, 2, inputs, in)) return value;
  size_t rows = a_transposed ? in[0]->cols : in[0]->rows;
  size_t depth = a_transposed ? in[0]->rows : in[0]->cols;
  size_t below = b_transposed ? in[1]->cols : in[1]->rows;
  size_t cols = b_transposed ? in[1]->rows : in[1]->cols;
  if (depth != below)
    return lat_tape_fail(tape, LAT_SHAPE,
                         "%zux%zu and %zux%zu don't fit: %zu columns against %zu "
                         "rows",
                         rows, depth, below, cols, depth, below);
  lat_node *node = lat_tape_push(tape, LAT_OP_product, rows, cols, inputs, 2, &value);
  if (!node) return value;
  node->i = a_transposed;
  node->j = b_transposed;
  multiply(tape, (lat_slot){node->value, false}, rows, cols, in[0]->value, in[0]->cols,
           a_transposed, in[1]->value, in[1]->cols, b_transposed, depth);
  return value;
}

/* C = op(a) op(b): the gradient of op(a) is dC op(b)', that of op(b) is op(a)' dC; where an operand
 * was transposed, so is its gradient. */
void lat_back_product(lat_tape *tape, lat_node *node)
{
  const lat_node *a = lat_tape_at(tape, node->inputs[0]), *b = lat_tape_at(tape, node->inputs[1]);
  bool ta = node->i, tb = node->j;
  const void *d = node->gradient;
  lat_slot left = lat_tape_slot(tape, node, 0);
  if (!ta)
    multiply(tape, left, a->rows, a->cols, d, node->cols, false, b->value, b->cols, !tb,
             node->cols);
  else
    multiply(tape, left, a->rows, a->cols, b->value, b->cols, tb, d, node->cols, true, node->cols);
  lat_slot right = lat_tape_slot(tape, node, 1);
  if (!tb)
    multiply(tape, right, b->rows, b->cols, a->value, a->cols, !ta, d, node->cols, false,
             node->rows);
  else
    multiply(tape, right, b->rows, b->cols, d, node->cols, true, a->value, a->cols, ta, node->rows);
}
