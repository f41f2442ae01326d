/* operations.c: the table of a tape's operations: names, arguments, options, and the functions of
 * ops.h behind them. */
#include "nn/operations.h"

#include <math.h>

/* ---- functions that take more than values ---------------------------------------------------- */

static lat_value leaky_relu(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_leaky_relu(tape, c->values[0], c->numbers[0]);
}

static lat_value clamp(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_clamp(tape, c->values[0], c->numbers[0], c->numbers[1]);
}

static lat_value activate(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_activate(tape, c->values[0], c->activation);
}

static lat_value slope(lat_tape *tape, const lat_nn_call *c)
{
  if (c->activation == LAT_NN_LINEAR)
    return lat_tape_fail(tape, LAT_INVALID, "the slope of linear is 1 everywhere");
  return lat_nn_slope(tape, c->values[0], c->activation);
}

static lat_value columns(lat_tape *tape, const lat_nn_call *c)
{
  const size_t first = c->sizes[0], last = c->sizes[1];
  if (last < first)
    return lat_tape_fail(tape, LAT_INVALID, "the range %zu..%zu is empty", first + 1, last + 1);
  return lat_nn_columns(tape, c->values[0], first, last - first + 1);
}

static lat_value gather(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_gather(tape, c->values[0], c->places, c->place_count);
}

static lat_value gather_columns(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_gather_columns(tape, c->values[0], c->places, c->place_count);
}

static lat_value repeat_rows(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_repeat_rows(tape, c->values[0], c->sizes[0]);
}

static lat_value sum(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_sum(tape, c->values[0], c->axis);
}

static lat_value mean(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_mean(tape, c->values[0], c->axis);
}

static lat_value log_mean_exp(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_log_mean_exp_groups(tape, c->values[0], c->sizes[0]);
}

static lat_value product(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_product(tape, c->values[0], c->values[1], c->left_transposed, c->right_transposed);
}

static lat_value normal(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_normal(tape, c->sizes[0], c->sizes[1]);
}

static lat_value uniform(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_uniform(tape, c->sizes[0], c->sizes[1]);
}

static lat_value fill(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_fill(tape, c->sizes[0], c->sizes[1], c->numbers[0]);
}

static lat_value categorical_nll(lat_tape *tape, const lat_nn_call *c)
{
  const lat_node *logits = lat_tape_node(tape, c->values[0]);
  if (!logits) return c->values[0];
  const size_t categories = c->categories ? c->categories : logits->cols;
  return lat_nn_categorical_nll(tape, c->values[0], c->values[1], categories);
}

/* A state with log |det J| = 0. */
static lat_value flow_state(lat_tape *tape, lat_value x)
{
  const lat_node *node = lat_tape_node(tape, x);
  return node ? lat_nn_concat(tape, x, lat_nn_fill(tape, node->rows, 1, 0)) : x;
}

static lat_value flow_affine(lat_tape *tape, const lat_nn_call *c)
{
  const lat_flow_columns on = {c->places, c->place_count, c->inverse};
  return lat_nn_flow_affine(tape, c->values[0], c->values[1], &on, c->bound);
}

static lat_value flow_spline(lat_tape *tape, const lat_nn_call *c)
{
  const lat_flow_columns on = {c->places, c->place_count, c->inverse};
  return lat_nn_flow_spline(tape, c->values[0], c->values[1], &on, c->bins, c->box);
}

static lat_value flow_linear(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_flow_linear(tape, c->values[0], c->values[1], c->inverse);
}

static lat_value flow_planar(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_flow_planar(tape, c->values[0], c->values[1], c->inverse);
}

static lat_value flow_radial(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_flow_radial(tape, c->values[0], c->values[1], c->inverse);
}

static lat_value flow_nll(lat_tape *tape, const lat_nn_call *c)
{
  return lat_nn_flow_nll(tape, c->values[0], (lat_flow_base)c->base);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* clang-format off */
#define LIST(...)         ((const lat_nn_argument[]){__VA_ARGS__, {NULL, LAT_NN_NOTHING, 0, 0}})
#define VALUE(name, i)    {name, LAT_NN_VALUE, offsetof(lat_nn_call, values[i]), NAN}
#define NUMBER(name, i)   {name, LAT_NN_NUMBER, offsetof(lat_nn_call, numbers[i]), NAN}
#define SIZE(name, i)     {name, LAT_NN_SIZE, offsetof(lat_nn_call, sizes[i]), NAN}
#define OF(name, type, field) {name, type, offsetof(lat_nn_call, field), NAN}
#define X                 VALUE("self", 0)
#define MOMENTS           VALUE("mean", 0), VALUE("log_variance", 1)
#define LOGITS            VALUE("logits", 0), VALUE("x", 1)
#define STATE             VALUE("state", 0)
#define MAP               LIST(STATE, VALUE("raw", 1))
#define SHAPE             SIZE("rows", 0), SIZE("cols", 1)
#define ACTIVATION        LIST(X, OF("activation", LAT_NN_FUNCTION, activation))
#define AXIS              LIST(X, OF("dim", LAT_NN_AXIS, axis))

#define END               {.name = NULL}
#define INVERSE           LAT_OPTION_BOOLEAN(lat_nn_call, inverse, false)
#define ON_COLUMNS        LAT_OPTION_GIVEN("columns", "table")
static const lat_option of_product[] = {
  LAT_OPTION_BOOLEAN(lat_nn_call, left_transposed, false),
  LAT_OPTION_BOOLEAN(lat_nn_call, right_transposed, false), END};
static const lat_option of_categories[] = {
  LAT_OPTION_SIZE(lat_nn_call, categories, 0, 1, LAT_ANY_COUNT), END};
static const lat_option of_affine[] = {
  ON_COLUMNS, LAT_OPTION_NUMBER(lat_nn_call, bound, 0, 0, 1e9), INVERSE, END};
static const lat_option of_spline[] = {
  ON_COLUMNS, LAT_OPTION_SIZE(lat_nn_call, bins, 8, 2, LAT_SPLINE_BINS),
  LAT_OPTION_NUMBER(lat_nn_call, box, 5, 1e-6, 1e9), INVERSE, END};
static const lat_option of_map[] = {INVERSE, END};
static const lat_option of_density[] = {
  LAT_OPTION_CHOICE(lat_nn_call, base, LAT_BASE_NORMAL, lat_flow_base_names), END};

const lat_nn_operation lat_nn_operations[] = {
  {"value:exp", LIST(X), .one = lat_nn_exp},
  {"value:log", LIST(X), .one = lat_nn_log},
  {"value:tanh", LIST(X), .one = lat_nn_tanh},
  {"value:sigmoid", LIST(X), .one = lat_nn_sigmoid},
  {"value:relu", LIST(X), .one = lat_nn_relu},
  {"value:elu", LIST(X), .one = lat_nn_elu},
  {"value:softplus", LIST(X), .one = lat_nn_softplus},
  {"value:gelu", LIST(X), .one = lat_nn_gelu},
  {"value:silu", LIST(X), .one = lat_nn_silu},
  {"value:square", LIST(X), .one = lat_nn_square},
  {"value:sqrt", LIST(X), .one = lat_nn_sqrt},
  {"value:abs", LIST(X), .one = lat_nn_abs},
  {"value:detach", LIST(X), .one = lat_nn_detach},
  {"value:t", LIST(X), .one = lat_nn_transpose},
  {"value:log_sum_exp", LIST(X), .one = lat_nn_log_sum_exp},
  {"value:leaky_relu",
   LIST(X, {"slope", LAT_NN_NUMBER, offsetof(lat_nn_call, numbers[0]), 0.01}), .call = leaky_relu},
  {"value:clamp", LIST(X, NUMBER("least", 0), NUMBER("most", 1)), .call = clamp},
  {"value:activate", ACTIVATION, .call = activate},
  {"value:slope", ACTIVATION, .call = slope},
  {"value:columns", LIST(X, OF("first", LAT_NN_FIRST, sizes[0]), OF("last", LAT_NN_LAST, sizes[1])),
   .call = columns},
  {"value:concat", LIST(X, VALUE("other", 1)), .two = lat_nn_concat},
  {"value:gather", LIST(X, OF("rows", LAT_NN_ROWS, places)), .call = gather},
  {"value:gather_columns", LIST(X, OF("columns", LAT_NN_COLUMNS, places)), .call = gather_columns},
  {"value:repeat_rows", LIST(X, SIZE("times", 0)), .call = repeat_rows},
  {"value:sum", AXIS, .call = sum},
  {"value:mean", AXIS, .call = mean},
  {"value:log_mean_exp", LIST(X, SIZE("size", 0)), .call = log_mean_exp},
  {"value:product", LIST(X, VALUE("other", 1)), of_product, .call = product},
  {"value:spectral", LIST(X, VALUE("u", 1)), .two = lat_nn_spectral},
  {"tape:normal", LIST(SHAPE), .call = normal},
  {"tape:uniform", LIST(SHAPE), .call = uniform},
  {"tape:fill", LIST(SHAPE, NUMBER("number", 0)), .call = fill},
  {"tape:reparameterize", LIST(MOMENTS), .two = lat_nn_reparameterize},
  {"tape:kl_standard_normal", LIST(MOMENTS), .two = lat_nn_kl_standard_normal},
  {"tape:kl_units", LIST(MOMENTS), .two = lat_nn_kl_units},
  {"tape:kl_normal", LIST(MOMENTS, VALUE("mean2", 2), VALUE("log_variance2", 3)),
   .four = lat_nn_kl_normal},
  {"tape:bernoulli_nll", LIST(LOGITS), .two = lat_nn_bernoulli_nll},
  {"tape:continuous_bernoulli_nll", LIST(LOGITS), .two = lat_nn_continuous_bernoulli_nll},
  {"tape:gaussian_nll", LIST(MOMENTS, VALUE("x", 2)), .three = lat_nn_gaussian_nll},
  {"tape:gaussian_mixture_nll",
   LIST(VALUE("logits", 0), VALUE("means", 1), VALUE("log_variances", 2), VALUE("x", 3)),
   .four = lat_nn_gaussian_mixture_nll},
  {"tape:categorical_nll", LIST(VALUE("logits", 0), OF("labels", LAT_NN_CODES, values[1])),
   of_categories, .call = categorical_nll},
  {"tape:flow_state", LIST(VALUE("x", 0)), .one = flow_state},
  {"tape:flow_affine", MAP, of_affine, .call = flow_affine},
  {"tape:flow_spline", MAP, of_spline, .call = flow_spline},
  {"tape:flow_linear", MAP, of_map, .call = flow_linear},
  {"tape:flow_planar", MAP, of_map, .call = flow_planar},
  {"tape:flow_radial", MAP, of_map, .call = flow_radial},
  {"tape:flow_nll", LIST(STATE), of_density, .call = flow_nll},
  END};
/* clang-format on */

void lat_nn_call_default(const lat_nn_operation *operation, lat_nn_call *call)
{
  static const lat_option none[] = {END};
  lat_options_default(operation->options ? operation->options : none, call, sizeof *call);
}

lat_value lat_nn_apply(lat_tape *tape, const lat_nn_operation *o, const lat_nn_call *c)
{
  const lat_value *v = c->values;
  if (o->one) return o->one(tape, v[0]);
  if (o->two) return o->two(tape, v[0], v[1]);
  if (o->three) return o->three(tape, v[0], v[1], v[2]);
  if (o->four) return o->four(tape, v[0], v[1], v[2], v[3]);
  return o->call(tape, c);
}

/* ---- operators ------------------------------------------------------------------------------- */

lat_value lat_nn_operate(lat_tape *tape, lat_nn_operator o, lat_value a, lat_value b)
{
  const lat_node *left, *right;
  switch (o) {
  case LAT_NN_ADD:
    return lat_nn_add(tape, a, b);
  case LAT_NN_SUBTRACT:
    return lat_nn_subtract(tape, a, b);
  case LAT_NN_MULTIPLY:
    return lat_nn_multiply(tape, a, b);
  case LAT_NN_DIVIDE:
    return lat_nn_divide(tape, a, b);
  default:
    left = lat_tape_node(tape, a), right = lat_tape_node(tape, b);
    if (left && right && left->cols != right->rows)
      return lat_tape_fail(tape, LAT_SHAPE,
                           "%zux%zu and %zux%zu don't fit as a matrix product (%% is element by "
                           "element)",
                           left->rows, left->cols, right->rows, right->cols);
    return lat_nn_product(tape, a, b, false, false);
  }
}

lat_value lat_nn_operate_number(lat_tape *tape, lat_nn_operator o, lat_value x, double c, bool left)
{
  if (o == LAT_NN_PRODUCT) return lat_nn_affine(tape, x, c, 0);
  if (o == LAT_NN_DIVIDE) return lat_nn_affine(tape, x, 1 / c, 0);
  const bool minus = o == LAT_NN_SUBTRACT;
  return lat_nn_affine(tape, x, minus && !left ? -1 : 1, minus && left ? -c : c);
}
