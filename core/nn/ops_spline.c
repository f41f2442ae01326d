/* ops_spline.c: monotonic rational quadratic splines as invertible maps (ops.h), with widths and
 * heights of bins by a softmax and slopes at the inner knots by a softplus; at the outer knots the
 * slope is 1, that of the identity outside (Durkan, Bekasov, Murray and Papamakarios 2019). */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/vector_kernels.h"
#include "nn/kernels.h"
#include "nn/limits.h"
#include "nn/ops_flow.h"

#define LANES LAT_FLOW_LANES
/* log(exp(1 - LAT_SPLINE_LEAST_SLOPE) - 1): a slope's number 0 is the slope 1 */
#define SLOPE_SHIFT 0.5254587192925019

LAT_INLINE double root64(double x)
{
  return __builtin_sqrt(x);
}

LAT_INLINE float root32(float x)
{
  return __builtin_sqrtf(x);
}

#define TEMPLATE "nn/ops_spline_template.h"
#include "nn/both_types.h"

lat_value lat_nn_flow_spline(lat_tape *tape, lat_value state, lat_value raw,
                             const lat_flow_columns *on, size_t bins, double box)
{
  size_t count;
  lat_value value = {0};
  const lat_node *in = lat_flow_state(tape, state), *parameters;
  if (in && (bins < 2 || bins > LAT_SPLINE_BINS || !(box > 0)))
    return lat_tape_fail(tape, LAT_INVALID, "a spline has 2 to %d bins in a box > 0, got %zu in %g",
                         LAT_SPLINE_BINS, bins, box);
  size_t *columns = in ? lat_flow_own_columns(tape, on, in->cols - 1, &count) : NULL;
  if (!columns) return value;
  lat_node *node = lat_flow_push(tape, LAT_OP_flow_spline, state, raw, count * (3 * bins - 1),
                                 on->inverse, &value);
  if (!node) return value;
  parameters = lat_tape_node(tape, raw);
  node->saved = columns;
  node->i = count;
  node->j = bins;
  node->a = box;
  lat_args args = {.a = in->value,
                   .b = parameters->value,
                   .c = columns,
                   .x = node->value,
                   .cols = node->cols,
                   .rows = count,
                   .n = bins,
                   .m = parameters->rows > 1 ? parameters->cols : 0,
                   .s = box,
                   .kind = on->inverse};
  lat_nn_run(KERNEL(tape, spline_rows), &args, node->rows, node->cols + count * bins * 12);
  return value;
}

void lat_back_flow_spline(lat_tape *tape, lat_node *node)
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
                   .rows = node->i,
                   .n = node->j,
                   .m = raw->rows > 1 ? raw->cols : 0,
                   .s = node->a};
  if (dx.at || draw.at)
    lat_nn_run(KERNEL(tape, spline_rows_back), &args, node->rows,
               node->cols + node->i * node->j * 20);
  lat_flow_raw_end(tape, node, raw, draw, add);
}
