/* ops_reduce.c: sums, means, and logarithms of sums of exponentials (ops.h).
 *
 * Sums along rows, down strips of columns and over pieces of all elements are each of fixed order;
 * the largest number of a row is subtracted before exponentials are taken. */
#include <math.h>

#include "base/clones.h"
#include "base/vector_kernels.h"
#include "nn/limits.h"
#include "nn/reduce.h"

#define TEMPLATE "nn/ops_reduce_template.h"
#include "nn/both_types.h"

/* ---- sums ------------------------------------------------------------------------------------ */

static void sum_all(lat_tape *tape, const void *A, size_t n, double scale, lat_slot slot)
{
  size_t pieces = (n + LAT_NN_PIECE - 1) / LAT_NN_PIECE;
  double *parts = lat_tape_bytes(tape, pieces, sizeof *parts), sum = 0;
  if (!parts) return;
  lat_args args = {.a = A, .n = n, .y = parts};
  lat_nn_run(KERNEL(tape, sum_pieces), &args, pieces, LAT_NN_PIECE);
  for (size_t p = 0; p < pieces; p++) sum += parts[p];
  sum *= scale;
  if (tape->dtype == LAT_FLOAT64)
    *(double *)slot.at = slot.add ? *(double *)slot.at + sum : sum;
  else
    *(float *)slot.at = slot.add ? *(float *)slot.at + (float)sum : (float)sum;
}

void lat_sum_axis(lat_tape *tape, const void *A, size_t rows, size_t cols, lat_axis axis,
                  double scale, lat_slot slot)
{
  lat_args args = {.a = A, .x = slot.at, .rows = rows, .cols = cols, .s = scale, .add = slot.add};
  if (axis == LAT_NN_ALL)
    sum_all(tape, A, rows * cols, scale, slot);
  else if (axis == LAT_NN_ACROSS)
    lat_nn_run(KERNEL(tape, sum_across), &args, rows, cols);
  else
    lat_nn_run(KERNEL(tape, sum_down), &args, (cols + LAT_NN_STRIP - 1) / LAT_NN_STRIP,
               rows * LAT_NN_STRIP * 2);
}

void lat_sum_to(lat_tape *tape, const void *A, size_t rows, size_t cols, size_t rows2, size_t cols2,
                lat_slot slot)
{
  lat_axis axis = rows2 == rows && rows > 1   ? LAT_NN_ACROSS
                  : cols2 == cols && cols > 1 ? LAT_NN_DOWN
                                              : LAT_NN_ALL;
  lat_sum_axis(tape, A, rows, cols, axis, 1, slot);
}

static lat_value sum(lat_tape *tape, lat_value x, lat_axis axis, bool mean)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return value;
  size_t rows = axis == LAT_NN_ACROSS ? in->rows : 1, cols = axis == LAT_NN_DOWN ? in->cols : 1;
  lat_node *node = lat_tape_push(tape, LAT_OP_sum, rows, cols, &x, 1, &value);
  if (!node) return value;
  size_t count = in->rows * in->cols / (rows * cols);
  node->i = axis;
  node->a = mean ? 1 / (double)count : 1;
  lat_sum_axis(tape, in->value, in->rows, in->cols, axis, node->a, (lat_slot){node->value, false});
  return tape->status == LAT_OK ? value : (lat_value){0};
}

lat_value lat_nn_sum(lat_tape *tape, lat_value x, lat_axis axis)
{
  return sum(tape, x, axis, false);
}

lat_value lat_nn_mean(lat_tape *tape, lat_value x, lat_axis axis)
{
  return sum(tape, x, axis, true);
}

void lat_back_sum(lat_tape *tape, lat_node *node)
{
  const lat_node *in = lat_tape_at(tape, node->inputs[0]);
  lat_slot slot = lat_tape_slot(tape, node, 0);
  if (!slot.at) return;
  lat_args args = {.c = node->gradient,
                   .x = slot.at,
                   .cols = in->cols,
                   .s = node->a,
                   .kind = (int)node->i,
                   .add = slot.add};
  lat_nn_run(KERNEL(tape, spread), &args, in->rows, in->cols);
}

/* ---- log sum exp ----------------------------------------------------------------------------- */

static lat_value log_sum_exp(lat_tape *tape, int op, lat_value x, size_t rows, size_t cols,
                             double shift)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x), *node;
  if (!in || !(node = lat_tape_push(tape, op, rows, 1, &x, 1, &value))) return value;
  node->i = cols;
  node->a = shift;
  lat_args args = {.a = in->value, .x = node->value, .cols = cols, .t = shift};
  lat_nn_run(KERNEL(tape, log_sum_exp_forward), &args, rows, cols * 6);
  return value;
}

lat_value lat_nn_log_sum_exp(lat_tape *tape, lat_value x)
{
  lat_node *in = lat_tape_node(tape, x);
  return in ? log_sum_exp(tape, LAT_OP_log_sum_exp, x, in->rows, in->cols, 0) : (lat_value){0};
}

lat_value lat_nn_log_mean_exp_groups(lat_tape *tape, lat_value x, size_t size)
{
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return (lat_value){0};
  if (in->cols != 1 || size == 0 || in->rows % size)
    return lat_tape_fail(tape, LAT_SHAPE,
                         "groups of %zu rows need one column and a multiple of "
                         "%zu rows, got %zux%zu",
                         size, size, in->rows, in->cols);
  return log_sum_exp(tape, LAT_OP_log_mean_exp_groups, x, in->rows / size, size, log((double)size));
}

void lat_back_log_sum_exp(lat_tape *tape, lat_node *node)
{
  lat_slot slot = lat_tape_slot(tape, node, 0);
  if (!slot.at) return;
  lat_args args = {.a = lat_tape_at(tape, node->inputs[0])->value,
                   .b = node->value,
                   .c = node->gradient,
                   .x = slot.at,
                   .cols = node->i,
                   .t = node->a,
                   .add = slot.add};
  lat_nn_run(KERNEL(tape, log_sum_exp_backward), &args, node->rows, node->i * 6);
}

void lat_back_log_mean_exp_groups(lat_tape *tape, lat_node *node)
{
  lat_back_log_sum_exp(tape, node);
}
