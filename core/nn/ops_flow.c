/* ops_flow.c: invertible maps with the logarithm of their Jacobian's determinant (ops.h).
 *
 * A state's last column is the sum of log |det J|, so that a map is one operation with one result.
 * An inverse map makes a constant. Planar and radial maps compute in double: their few numbers are
 * shared by all rows. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/special.h"
#include "base/vector_kernels.h"
#include "nn/gemm.h"
#include "nn/kernels.h"
#include "nn/limits.h"
#include "nn/ops_flow.h"
#include "nn/reduce.h"

#define LANES       LAT_FLOW_LANES
#define LEAST_NORM2 1e-60 /* of a planar map's w, below which it is none */

/* What the rows of a planar map share: u' = u + (m - w u) w/|w|^2, with m = w u' = q - 1 and
 * q = softplus(w u). */
typedef struct planar {
  double along, norm2, q, shift; /* w u, |w|^2, q, (m - w u)/|w|^2 */
  double b;
} planar;

/* a + (q - 1) tanh(a + b) = target, of which the left side has the slope t^2 + q (1 - t^2) > 0:
 * Newton's steps where they stay in the interval that is known to have the solution, else halves.
 */
static double planar_solve(double q, double b, double target)
{
  double least = target - fabs(q - 1), most = target + fabs(q - 1), a = target;
  for (int step = 0; step < LAT_FLOW_SOLVE; step++) {
    double t = tanh(a + b), off = a + (q - 1) * t - target;
    if (off > 0)
      most = a;
    else
      least = a;
    double next = a - off / (t * t + q * (1 - t * t));
    if (!(next >= least && next <= most)) next = 0.5 * (least + most);
    if (fabs(next - a) <= 0x1p-53 * (fabs(a) + fabs(target))) return next;
    a = next;
  }
  return a;
}

#define TEMPLATE "nn/ops_flow_template.h"
#include "nn/both_types.h"

/* ---- what the maps share --------------------------------------------------------------------- */

size_t *lat_flow_own_columns(lat_tape *tape, const lat_flow_columns *on, size_t D, size_t *count)
{
  *count = on->columns ? on->count : D;
  if (*count == 0) lat_tape_fail(tape, LAT_SHAPE, "there must be at least one column");
  size_t *own = lat_tape_bytes(tape, *count, sizeof *own);
  char *taken = lat_tape_bytes(tape, D, 1);
  if (!own || !taken) return NULL;
  memset(taken, 0, D);
  for (size_t k = 0; k < *count; k++) {
    size_t column = own[k] = on->columns ? on->columns[k] : k;
    if (column >= D)
      lat_tape_fail(tape, LAT_INVALID, "column %zu is outside of the state's %zu", column + 1, D);
    else if (taken[column]++)
      lat_tape_fail(tape, LAT_INVALID, "column %zu can't be transformed twice", column + 1);
    if (tape->status != LAT_OK) return NULL;
  }
  return own;
}

lat_node *lat_flow_push(lat_tape *tape, int op, lat_value state, lat_value raw, size_t raw_cols,
                        bool inverse, lat_value *value)
{
  lat_value inputs[2] = {state, raw};
  lat_node *in[2];
  *value = (lat_value){0};
  if (!lat_nodes(tape, 2, inputs, in)) return NULL;
  if ((in[1]->rows != 1 && in[1]->rows != in[0]->rows) || in[1]->cols != raw_cols) {
    lat_tape_fail(
        tape, LAT_SHAPE,
        "for a state of %zux%zu the map's parameters are %zu or 1 rows of %zu, got %zux%zu",
        in[0]->rows, in[0]->cols, in[0]->rows, raw_cols, in[1]->rows, in[1]->cols);
    return NULL;
  }
  size_t rows = in[0]->rows, cols = in[0]->cols;
  return inverse ? lat_tape_push(tape, LAT_OP_detach, rows, cols, NULL, 0, value)
                 : lat_tape_push(tape, op, rows, cols, inputs, 2, value);
}

/* The state's node; NULL, and the step fails, when it has no column besides log |det|. */
lat_node *lat_flow_state(lat_tape *tape, lat_value state)
{
  lat_node *node = lat_tape_node(tape, state);
  if (node && node->cols < 2) {
    lat_tape_fail(tape, LAT_SHAPE, "a state has columns and then log |det J|, got %zux%zu",
                  node->rows, node->cols);
    return NULL;
  }
  return node;
}

void lat_flow_pass(lat_tape *tape, const lat_node *node, lat_slot slot)
{
  lat_args args = {.a = node->gradient, .x = slot.at, .add = slot.add, .cols = node->cols};
  if (slot.at) lat_nn_run(KERNEL(tape, pass_rows), &args, node->rows, node->cols);
}

lat_slot lat_flow_raw_begin(lat_tape *tape, const lat_node *node, const lat_node *raw)
{
  lat_slot slot = lat_tape_slot(tape, node, 1);
  if (!slot.at || raw->rows == node->rows) return slot;
  return (lat_slot){lat_tape_numbers(tape, node->rows * raw->cols), false};
}

void lat_flow_raw_end(lat_tape *tape, const lat_node *node, const lat_node *raw, lat_slot whole,
                      bool add)
{
  if (!whole.at || raw->rows == node->rows) return;
  lat_sum_axis(tape, whole.at, node->rows, raw->cols, LAT_NN_DOWN, 1,
               (lat_slot){raw->gradient, add});
}

/* ---- affine ---------------------------------------------------------------------------------- */

lat_value lat_nn_flow_affine(lat_tape *tape, lat_value state, lat_value raw,
                             const lat_flow_columns *on, double bound)
{
  size_t count;
  lat_value value = {0};
  const lat_node *in = lat_flow_state(tape, state), *parameters;
  size_t *columns = in ? lat_flow_own_columns(tape, on, in->cols - 1, &count) : NULL;
  if (!columns) return value;
  lat_node *node =
      lat_flow_push(tape, LAT_OP_flow_affine, state, raw, 2 * count, on->inverse, &value);
  if (!node) return value;
  parameters = lat_tape_node(tape, raw);
  node->saved = columns;
  node->i = count;
  node->a = bound;
  lat_args args = {.a = in->value,
                   .b = parameters->value,
                   .c = columns,
                   .x = node->value,
                   .cols = node->cols,
                   .n = count,
                   .m = parameters->rows > 1 ? parameters->cols : 0,
                   .s = bound,
                   .kind = on->inverse};
  lat_nn_run(KERNEL(tape, affine_rows), &args, node->rows, node->cols + 12 * count);
  return value;
}

void lat_back_flow_affine(lat_tape *tape, lat_node *node)
{
  const lat_node *in = lat_tape_at(tape, node->inputs[0]),
                 *raw = lat_tape_at(tape, node->inputs[1]);
  bool add = raw->set;
  lat_slot dx = lat_tape_slot(tape, node, 0), draw = lat_flow_raw_begin(tape, node, raw);
  lat_flow_pass(tape, node, dx);
  lat_args args = {.a = in->value,
                   .b = raw->value,
                   .c = node->saved,
                   .d = node->gradient,
                   .x = dx.at,
                   .y = draw.at,
                   .add_y = draw.add,
                   .cols = node->cols,
                   .n = node->i,
                   .m = raw->rows > 1 ? raw->cols : 0,
                   .s = node->a};
  if (dx.at || draw.at)
    lat_nn_run(KERNEL(tape, affine_rows_back), &args, node->rows, node->cols + 16 * node->i);
  lat_flow_raw_end(tape, node, raw, draw, add);
}

/* ---- linear ---------------------------------------------------------------------------------- */

/* C (B x D of a state) (+)= A (another's columns) times W or its transpose */
static void multiply_states(lat_tape *tape, const lat_node *node, const void *A, const void *W,
                            bool transposed, bool add, void *C)
{
  lat_gemm g = {.dtype = tape->dtype,
                .rows = node->rows,
                .cols = node->cols - 1,
                .depth = node->cols - 1,
                .A = A,
                .B = W,
                .C = C,
                .A_stride = node->cols,
                .B_stride = node->cols - 1,
                .C_stride = node->cols,
                .B_transposed = transposed,
                .add = add,
                .work = tape->work};
  if (lat_gemm_run(&g) != LAT_OK) lat_tape_continue(tape);
}

/* The last columns: to (+)= from + shift, or with several rows' sum in the result. */
static double shift_last(const lat_tape *tape, const lat_node *node, const void *from, double shift,
                         bool add, void *to)
{
  double sum = 0;
  for (size_t i = 0, at = node->cols - 1; i < node->rows; i++, at += node->cols) {
    if (tape->dtype == LAT_FLOAT64) {
      const double *x = from;
      double *y = to;
      sum += x[at];
      if (y) y[at] = (add ? y[at] : 0) + x[at] + shift;
    } else {
      const float *x = from;
      float *y = to;
      sum += (double)x[at];
      if (y) y[at] = (add ? y[at] : 0) + x[at] + (float)shift;
    }
  }
  return sum;
}

lat_value lat_nn_flow_linear(lat_tape *tape, lat_value state, lat_value A, bool inverse)
{
  lat_value value = {0}, inputs[2] = {state, A};
  const lat_node *in = lat_flow_state(tape, state), *factors = lat_tape_node(tape, A);
  if (!in || !factors) return value;
  size_t D = in->cols - 1;
  if (factors->rows != D || factors->cols != D)
    return lat_tape_fail(tape, LAT_SHAPE, "for a state of %zu columns A is %zux%zu, got %zux%zu", D,
                         D, D, factors->rows, factors->cols);
  void *W = lat_tape_numbers(tape, D * D);
  lat_node *node =
      !W        ? NULL
      : inverse ? lat_tape_push(tape, LAT_OP_detach, in->rows, in->cols, NULL, 0, &value)
                : lat_tape_push(tape, LAT_OP_flow_linear, in->rows, in->cols, inputs, 2, &value);
  if (!node) return value;
  node->saved = W;
  double rise = tape->dtype == LAT_FLOAT64 ? multiply_factors64(factors->value, D, W)
                                           : multiply_factors32(factors->value, D, W);
  if (inverse) {
    memcpy(node->value, in->value, in->rows * in->cols * lat_dtype_size(tape->dtype));
    lat_args args = {.b = factors->value, .x = node->value, .cols = node->cols, .s = rise};
    lat_nn_run(KERNEL(tape, linear_solve_rows), &args, node->rows, D * D * 2);
    return value;
  }
  multiply_states(tape, node, in->value, W, false, false, node->value);
  shift_last(tape, node, in->value, rise, false, node->value);
  return value;
}

void lat_back_flow_linear(lat_tape *tape, lat_node *node)
{
  const lat_node *in = lat_tape_at(tape, node->inputs[0]), *A = lat_tape_at(tape, node->inputs[1]);
  size_t D = node->cols - 1;
  lat_slot dx = lat_tape_slot(tape, node, 0);
  if (dx.at) multiply_states(tape, node, node->gradient, node->saved, true, dx.add, dx.at);
  double sum = shift_last(tape, node, node->gradient, 0, dx.add, dx.at);
  lat_slot dA = lat_tape_slot(tape, node, 1);
  void *dW = dA.at ? lat_tape_numbers(tape, D * D) : NULL;
  if (!dW) return;
  lat_gemm g = {.dtype = tape->dtype,
                .rows = D,
                .cols = D,
                .depth = node->rows,
                .A = in->value,
                .B = node->gradient,
                .C = dW,
                .A_stride = node->cols,
                .B_stride = node->cols,
                .C_stride = D,
                .A_transposed = true,
                .work = tape->work};
  if (lat_gemm_run(&g) != LAT_OK && !lat_tape_continue(tape)) return;
  if (tape->dtype == LAT_FLOAT64)
    factors_back64(A->value, dW, D, sum, dA.add, dA.at);
  else
    factors_back32(A->value, dW, D, sum, dA.add, dA.at);
}

/* ---- planar and radial ----------------------------------------------------------------------- */

/* A map whose parameters, `cols` of them, are one row. */
static lat_value one_row_map(lat_tape *tape, int op, lat_value state, lat_value raw, bool inverse,
                             lat_nn_kernel *kernel)
{
  lat_value value = {0};
  const lat_node *in = lat_flow_state(tape, state), *row = lat_tape_node(tape, raw);
  if (!in || !row) return value;
  size_t D = in->cols - 1, cols = op == LAT_OP_flow_planar ? 2 * D + 1 : D + 2;
  if (row->rows != 1 || row->cols != cols)
    return lat_tape_fail(tape, LAT_SHAPE, "for a state of %zu columns raw is 1x%zu, got %zux%zu", D,
                         cols, row->rows, row->cols);
  void *t = op == LAT_OP_flow_planar ? lat_tape_numbers(tape, in->rows) : NULL;
  lat_node *node = lat_flow_push(tape, op, state, raw, cols, inverse, &value);
  if (!node) return value;
  node->saved = t;
  lat_args args = {.a = in->value,
                   .b = row->value,
                   .x = node->value,
                   .y = t,
                   .cols = node->cols,
                   .kind = inverse};
  lat_nn_run(kernel, &args, node->rows, 6 * D + (inverse ? 400 : 60));
  return value;
}

lat_value lat_nn_flow_planar(lat_tape *tape, lat_value state, lat_value raw, bool inverse)
{
  return one_row_map(tape, LAT_OP_flow_planar, state, raw, inverse, KERNEL(tape, planar_rows));
}

lat_value lat_nn_flow_radial(lat_tape *tape, lat_value state, lat_value raw, bool inverse)
{
  return one_row_map(tape, LAT_OP_flow_radial, state, raw, inverse, KERNEL(tape, radial_rows));
}

static lat_args one_row_back(lat_tape *tape, const lat_node *node)
{
  lat_slot dx = lat_tape_slot(tape, node, 0);
  return (lat_args){.a = lat_tape_at(tape, node->inputs[0])->value,
                    .b = lat_tape_at(tape, node->inputs[1])->value,
                    .d = node->gradient,
                    .x = dx.at,
                    .y = node->saved,
                    .add = dx.add,
                    .rows = node->rows,
                    .cols = node->cols};
}

/* The parameters' totals, zeros. */
static double *new_totals(lat_tape *tape, size_t count)
{
  double *totals = lat_tape_bytes(tape, count, sizeof *totals);
  return totals ? memset(totals, 0, count * sizeof *totals) : NULL;
}

void lat_back_flow_planar(lat_tape *tape, lat_node *node)
{
  size_t D = node->cols - 1;
  lat_args args = one_row_back(tape, node);
  lat_slot raw = lat_tape_slot(tape, node, 1);
  double *totals = new_totals(tape, 2 * D + 2);
  if (!totals) return;
  if (tape->dtype == LAT_FLOAT64) {
    planar_back64(&args, totals);
    if (raw.at) planar_raw_back64(args.b, D, totals, raw.add, raw.at);
  } else {
    planar_back32(&args, totals);
    if (raw.at) planar_raw_back32(args.b, D, totals, raw.add, raw.at);
  }
}

void lat_back_flow_radial(lat_tape *tape, lat_node *node)
{
  size_t D = node->cols - 1;
  lat_args args = one_row_back(tape, node);
  lat_slot raw = lat_tape_slot(tape, node, 1);
  double *totals = new_totals(tape, D + 2);
  if (!totals) return;
  if (tape->dtype == LAT_FLOAT64)
    radial_back64(&args, totals);
  else
    radial_back32(&args, totals);
  if (!raw.at) return;
  lat_matrix p = {(void *)(size_t)args.b, 1, D + 2, (ptrdiff_t)D + 2, 1, tape->dtype};
  lat_matrix out = {raw.at, 1, D + 2, (ptrdiff_t)D + 2, 1, tape->dtype};
  for (size_t j = 0; j < D + 2; j++) { /* a and q are softplus of their parameters */
    double g = j < D ? totals[j] : totals[j] * sigmoid64(lat_get(&p, 0, j));
    lat_set(&out, 0, j, raw.add ? lat_get(&out, 0, j) + g : g);
  }
}

/* ---- the base -------------------------------------------------------------------------------- */

const char *const lat_flow_base_names[LAT_BASES + 1] = {
    [LAT_BASE_NORMAL] = "normal", [LAT_BASE_UNIFORM] = "uniform"};

lat_value lat_nn_flow_nll(lat_tape *tape, lat_value state, lat_flow_base base)
{
  lat_value value = {0};
  const lat_node *in = lat_flow_state(tape, state);
  lat_node *node = in ? lat_tape_push(tape, LAT_OP_flow_nll, in->rows, 1, &state, 1, &value) : NULL;
  if (!node) return value;
  node->i = base;
  lat_args args = {.a = in->value, .x = node->value, .cols = in->cols, .kind = (int)base};
  lat_nn_run(KERNEL(tape, flow_nll_rows), &args, in->rows, in->cols * 4);
  return value;
}

void lat_back_flow_nll(lat_tape *tape, lat_node *node)
{
  const lat_node *in = lat_tape_at(tape, node->inputs[0]);
  lat_slot dx = lat_tape_slot(tape, node, 0);
  lat_args args = {.a = in->value,
                   .d = node->gradient,
                   .x = dx.at,
                   .add = dx.add,
                   .cols = in->cols,
                   .kind = (int)node->i};
  if (dx.at) lat_nn_run(KERNEL(tape, flow_nll_rows_back), &args, in->rows, in->cols * 4);
}
