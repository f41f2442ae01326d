/* ops_spectral.c: spectral normalization W/sigma, sigma = |W u|, of weights W by a vector u, and
 * the power iteration for u (ops.h).
 *
 * With v = W u/sigma the derivative of sigma by W is v u', exactly, for a constant u; so a gradient
 * G of Y = W/sigma is the gradient G/sigma - (sum_ij G_ij Y_ij/sigma) v u' of W (Miyato, Kataoka,
 * Koyama and Yoshida, Spectral normalization for generative adversarial networks, ICLR 2018). */
#include <math.h>

#include "base/clones.h"
#include "base/vector_kernels.h"
#include "nn/kernels.h"

#define TEMPLATE "nn/ops_spectral_template.h"
#include "nn/both_types.h"

#define TYPED(dtype, name) ((dtype) == LAT_FLOAT64 ? name##64 : name##32)

static double length(const double *v, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += v[i] * v[i];
  return sqrt(sum);
}

/* v := W u; its length */
static double times(lat_dtype dtype, size_t rows, size_t cols, const void *W, const void *u,
                    double *v)
{
  lat_args args = {.a = W, .b = u, .y = v, .cols = cols};
  lat_nn_run(TYPED(dtype, row_products), &args, rows, 2 * cols);
  return length(v, rows);
}

lat_value lat_nn_spectral(lat_tape *tape, lat_value W, lat_value u)
{
  lat_value value = {0}, inputs[2] = {W, u};
  lat_node *in[2];
  if (!lat_nodes(tape, 2, inputs, in)) return value;
  if (in[1]->rows != 1 || in[1]->cols != in[0]->cols)
    return lat_tape_fail(tape, LAT_SHAPE, "u is %zux%zu, for weights of %zux%zu it must be 1x%zu",
                         in[1]->rows, in[1]->cols, in[0]->rows, in[0]->cols, in[0]->cols);
  lat_node *node =
      lat_tape_push(tape, LAT_OP_spectral, in[0]->rows, in[0]->cols, inputs, 2, &value);
  if (!node) return value;
  node->needs = in[0]->needs;
  double *v = node->saved = lat_tape_bytes(tape, node->rows, sizeof *v);
  if (!v) return value;
  double sigma = times(tape->dtype, node->rows, node->cols, in[0]->value, in[1]->value, v);
  node->a = sigma > 0 ? 1 / sigma : 0;
  for (size_t i = 0; i < node->rows; i++) v[i] *= node->a;
  lat_args args = {.a = in[0]->value, .x = node->value, .s = node->a};
  lat_nn_run(KERNEL(tape, spectral_scale), &args, node->rows * node->cols, 1);
  return value;
}

void lat_back_spectral(lat_tape *tape, lat_node *node)
{
  lat_slot slot = lat_tape_slot(tape, node, 0);
  double *products = slot.at ? lat_tape_bytes(tape, node->rows, sizeof *products) : NULL, sum = 0;
  if (!products) return;
  lat_args args = {.a = node->value, .b = node->gradient, .y = products};
  args.cols = node->cols;
  args.m = 1;
  lat_nn_run(KERNEL(tape, row_products), &args, node->rows, 2 * node->cols);
  for (size_t i = 0; i < node->rows; i++) sum += products[i];
  args = (lat_args){.b = node->saved,
                    .c = node->gradient,
                    .d = lat_tape_at(tape, node->inputs[1])->value,
                    .x = slot.at,
                    .add = slot.add,
                    .s = node->a,
                    .t = sum * node->a};
  args.cols = node->cols;
  lat_nn_run(KERNEL(tape, spectral_backward), &args, node->rows, 2 * node->cols);
}

lat_status lat_spectral_iteration(lat_workspace *work, const lat_matrix *W, const lat_matrix *u,
                                  double *norm)
{
  LAT_SCOPE(work);
  double *v = lat_doubles(work, W->rows), *next = lat_doubles(work, W->cols);
  if (!v || !next) return LAT_MEMORY;
  double size = times(W->dtype, W->rows, W->cols, W->data, u->data, v);
  for (size_t i = 0; size > 0 && i < W->rows; i++) v[i] /= size;
  lat_args args = {.a = W->data, .b = v, .y = next};
  args.rows = W->rows;
  args.cols = W->cols;
  lat_nn_run(TYPED(W->dtype, column_products), &args, W->cols, 2 * W->rows);
  size = length(next, W->cols);
  for (size_t j = 0; size > 0 && j < W->cols; j++) lat_set(u, 0, j, next[j] / size);
  if (norm) *norm = times(W->dtype, W->rows, W->cols, W->data, u->data, v);
  return LAT_OK;
}
