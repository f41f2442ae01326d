/* nn_value.c: values of a tape: operators, functions, reductions, the backward pass. */
#include "nn/nn.h"

/* The value at 1; its tape is pushed, behind the arguments and the options. */
static latL_Value *self(lua_State *L, const char *who)
{
  latL_Value *v = latL_checkvalue(L, 1, who, "self");
  lua_getiuservalue(L, 1, 1);
  latL_begin(L, v->tape);
  return v;
}

/* Pushes the value of an operation on that tape. */
static int push(lua_State *L, const latL_Function *f, lat_value handle)
{
  return latL_pushvalue(L, f->arguments + 2, f->who, handle);
}

/* The node of a value that is good. */
static const lat_node *node_of(lua_State *L, latL_Value *x, const char *who)
{
  const lat_node *node = lat_tape_node(x->tape, x->handle);
  latL_checkstep(L, x->tape, who);
  return node;
}

/* ---- functions of one value
 * ----------------------------------------------------------------------- */

typedef lat_value of_one(lat_tape *tape, lat_value x);

static int apply(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  return push(L, f, ((of_one *)f->operation)(x->tape, x->handle));
}

static int leaky_relu(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  double slope = lua_isnil(L, 2) ? 0.01 : latL_checknumber(L, 2, f->who, "slope");
  return push(L, f, lat_nn_leaky_relu(x->tape, x->handle, slope));
}

static int clamp(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  double least = latL_checknumber(L, 2, f->who, "least");
  double most = latL_checknumber(L, 3, f->who, "most");
  return push(L, f, lat_nn_clamp(x->tape, x->handle, least, most));
}

typedef lat_value of_activation(lat_tape *tape, lat_value x, lat_activation f);
enum { FUNCTION, SLOPE };

/* An activation by its name, or its slope. */
static int activate(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  lat_activation activation = latL_checkactivation(L, 2, f->who, "activation");
  if (f->kind == SLOPE && activation == LAT_NN_LINEAR)
    latL_error(L, f->who, "the slope of linear is 1 everywhere");
  return push(L, f, ((of_activation *)f->operation)(x->tape, x->handle, activation));
}

/* ---- shapes
 * ------------------------------------------------------------------------------------------ */

static int columns(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  size_t cols = node_of(L, x, f->who)->cols;
  size_t first = latL_checkindex(L, 2, f->who, "first", cols);
  size_t last = lua_isnil(L, 3) ? first : latL_checkindex(L, 3, f->who, "last", cols);
  if (last < first)
    latL_error(L, f->who, "the range %I..%I is empty", (lua_Integer)first + 1,
               (lua_Integer)last + 1);
  return push(L, f, lat_nn_columns(x->tape, x->handle, first, last - first + 1));
}

/* value:split(size): pieces of so many columns */
static int split(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  size_t cols = node_of(L, x, f->who)->cols, size = latL_checksize(L, 2, f->who, "size");
  if (cols % size)
    latL_error(L, f->who, "%I columns are no multiple of %I", (lua_Integer)cols, (lua_Integer)size);
  if (cols / size > 200)
    latL_error(L, f->who, "%I pieces are too many", (lua_Integer)(cols / size));
  luaL_checkstack(L, (int)(cols / size) + 4, f->who);
  for (size_t at = 0; at < cols; at += size)
    push(L, f, lat_nn_columns(x->tape, x->handle, at, size));
  return (int)(cols / size);
}

static int concat(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  lat_value other = latL_tovalue(L, 2, x->tape, f->who, "other");
  return push(L, f, lat_nn_concat(x->tape, x->handle, other));
}

static int gather(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  size_t count;
  const size_t *places = latL_checkplaces(L, 2, f->who, node_of(L, x, f->who)->rows, false, &count);
  return push(L, f, lat_nn_gather(x->tape, x->handle, places, count));
}

static int repeat_rows(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  return push(L, f, lat_nn_repeat_rows(x->tape, x->handle, latL_checksize(L, 2, f->who, "times")));
}

/* ---- reductions
 * ---------------------------------------------------------------------------------------- */

typedef lat_value of_axis(lat_tape *tape, lat_value x, lat_axis axis);

/* value:sum([dim]), value:mean([dim]): 1 over the rows, 2 over the columns, as for matrices */
static int reduce(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  lua_Integer dim = lua_isnil(L, 2) ? 0 : latL_checkinteger(L, 2, f->who, "dim");
  if (!lua_isnil(L, 2) && dim != 1 && dim != 2)
    latL_error(L, f->who, "dim must be 1 or 2, got %I", dim);
  lat_axis axis = dim == 0 ? LAT_NN_ALL : dim == 1 ? LAT_NN_DOWN : LAT_NN_ACROSS;
  return push(L, f, ((of_axis *)f->operation)(x->tape, x->handle, axis));
}

static int log_mean_exp(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  return push(L, f,
              lat_nn_log_mean_exp_groups(x->tape, x->handle, latL_checksize(L, 2, f->who, "size")));
}

/* ---- operators
 * ------------------------------------------------------------------------------------------- */

enum { ADD, SUBTRACT, PRODUCT, MULTIPLY, DIVIDE };

static lat_value compute(lat_tape *tape, int operation, lat_value a, lat_value b)
{
  const lat_node *left, *right;
  switch (operation) {
  case ADD:
    return lat_nn_add(tape, a, b);
  case SUBTRACT:
    return lat_nn_subtract(tape, a, b);
  case MULTIPLY:
    return lat_nn_multiply(tape, a, b);
  case DIVIDE:
    return lat_nn_divide(tape, a, b);
  default: /* the matrix product, as for matrices */
    left = lat_tape_node(tape, a);
    right = lat_tape_node(tape, b);
    if (left && right && left->cols != right->rows)
      lat_tape_fail(tape, LAT_SHAPE,
                    "%zux%zu and %zux%zu don't fit as a matrix product (%% is element by element)",
                    left->rows, left->cols, right->rows, right->cols);
    return lat_nn_product(tape, a, b, false, false);
  }
}

/* The same of a value and a number, c: `left` when the value is the left operand. */
static lat_value compute_with(lat_tape *tape, int operation, lat_value x, double c, bool left)
{
  switch (operation) {
  case ADD:
    return lat_nn_affine(tape, x, 1, c);
  case SUBTRACT:
    return left ? lat_nn_affine(tape, x, 1, -c) : lat_nn_affine(tape, x, -1, c);
  case PRODUCT:
    return lat_nn_affine(tape, x, c, 0);
  default:
    return lat_nn_affine(tape, x, 1 / c, 0);
  }
}

/* value + value and its like: one operand is a value, the other a value, a matrix or a number. */
static int operate(lua_State *L, const latL_Function *f)
{
  lua_settop(L, 2);
  int of = luaL_testudata(L, 1, LATL_VALUE) ? 1 : 2, other = 3 - of;
  lat_tape *tape = latL_checkvalue(L, of, f->who, "one operand")->tape;
  lua_getiuservalue(L, of, 1);
  latL_begin(L, tape);
  bool number = lua_type(L, other) == LUA_TNUMBER && f->kind != MULTIPLY;
  if (f->kind == DIVIDE && of == 2) number = false; /* a number over a value is no scaled value */
  if (number) {
    lat_value x = latL_tovalue(L, of, tape, f->who, "the operand");
    return latL_pushvalue(L, 3, f->who,
                          compute_with(tape, f->kind, x, lua_tonumber(L, other), of == 1));
  }
  lat_value a = latL_tovalue(L, 1, tape, f->who, "the left operand");
  lat_value b = latL_tovalue(L, 2, tape, f->who, "the right operand");
  return latL_pushvalue(L, 3, f->who, compute(tape, f->kind, a, b));
}

/* a:product(b [, options]): either may be taken transposed */
static int product(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  lat_value other = latL_tovalue(L, 2, x->tape, f->who, "other");
  bool left = latL_optboolean(L, 3, f->who, "left_transposed", false);
  bool right = latL_optboolean(L, 3, f->who, "right_transposed", false);
  return push(L, f, lat_nn_product(x->tape, x->handle, other, left, right));
}

static int negative(lua_State *L, const latL_Function *f)
{
  lua_settop(L, 1);
  latL_Value *x = self(L, f->who);
  return latL_pushvalue(L, 2, f->who, lat_nn_affine(x->tape, x->handle, -1, 0));
}

/* ---- reading
 * -------------------------------------------------------------------------------------------- */

static int backward(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  lat_tape_backward(x->tape, x->handle, latL_optboolean(L, 2, f->who, "accumulate", false));
  latL_checkstep(L, x->tape, f->who);
  return latL_returnself(L);
}

/* Pushes a copy of what `part` says of the value. */
static int push_copy(lua_State *L, latL_Value *x, int options, const char *who,
                     lat_matrix (*part)(lat_tape *, lat_value))
{
  node_of(L, x, who);
  latL_Result out = latL_copyresult(L, options, who, part(x->tape, x->handle));
  node_of(L, x, who);
  lat_matrix from = part(x->tape, x->handle);
  if (!from.data) latL_error(L, who, "a finalizer has begun another pass");
  lat_copy(&from, &out.view);
  return 1;
}

static int matrix(lua_State *L, const latL_Function *f)
{
  return push_copy(L, self(L, f->who), 2, f->who, lat_tape_value);
}

/* A number where the value is one, else a matrix. */
static int value(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  const lat_node *node = node_of(L, x, f->who);
  if (node->rows != 1 || node->cols != 1) return push_copy(L, x, 0, f->who, lat_tape_value);
  return latL_returnnumber(L, lat_tape_number(x->tape, x->handle));
}

static int gradient(lua_State *L, const latL_Function *f)
{
  latL_Value *x = self(L, f->who);
  node_of(L, x, f->who);
  if (!lat_tape_gradient(x->tape, x->handle).data)
    latL_error(L, f->who,
               "it has none: there was no backward pass yet, or the loss doesn't depend on "
               "it by a value with a gradient (tape:input(X, { gradient = true }))");
  return push_copy(L, x, 2, f->who, lat_tape_gradient);
}

static int tostring(lua_State *L, const latL_Function *f)
{
  latL_Value *x = latL_checkvalue(L, 1, f->who, "self");
  if (x->handle.step != x->tape->generation) {
    lua_pushliteral(L, "latent.Value (of an earlier step)");
    return 1;
  }
  push_copy(L, x, 0, f->who, lat_tape_value);
  luaL_tolstring(L, -1, NULL);
  return 1;
}

static const void *node_at(lua_State *L, const char *who)
{
  return node_of(L, latL_checkvalue(L, 1, who, "self"), who);
}

#define OF_ONE(who, function)                                                                      \
  {                                                                                                \
    who, apply, .arguments = 1, LATL_CORE(function)                                                \
  }

/* clang-format off */
static const latL_Function functions[] = {
  OF_ONE("value:exp", lat_nn_exp), OF_ONE("value:log", lat_nn_log),
  OF_ONE("value:tanh", lat_nn_tanh), OF_ONE("value:sigmoid", lat_nn_sigmoid),
  OF_ONE("value:relu", lat_nn_relu), OF_ONE("value:elu", lat_nn_elu),
  OF_ONE("value:softplus", lat_nn_softplus), OF_ONE("value:gelu", lat_nn_gelu),
  OF_ONE("value:silu", lat_nn_silu), OF_ONE("value:square", lat_nn_square),
  OF_ONE("value:sqrt", lat_nn_sqrt), OF_ONE("value:abs", lat_nn_abs),
  OF_ONE("value:detach", lat_nn_detach), OF_ONE("value:t", lat_nn_transpose),
  OF_ONE("value:log_sum_exp", lat_nn_log_sum_exp),
  {"value:leaky_relu", leaky_relu, .arguments = 2},
  {"value:clamp", clamp, .arguments = 3},
  {"value:activate", activate, .arguments = 2, .kind = FUNCTION, LATL_CORE(lat_nn_activate)},
  {"value:slope", activate, .arguments = 2, .kind = SLOPE, LATL_CORE(lat_nn_slope)},
  {"value:columns", columns, .arguments = 3},
  {"value:split", split, .arguments = 2},
  {"value:concat", concat, .arguments = 2},
  {"value:gather", gather, .arguments = 2},
  {"value:repeat_rows", repeat_rows, .arguments = 2},
  {"value:sum", reduce, .arguments = 2, LATL_CORE(lat_nn_sum)},
  {"value:mean", reduce, .arguments = 2, LATL_CORE(lat_nn_mean)},
  {"value:log_mean_exp", log_mean_exp, .arguments = 2},
  {"value:product", product, 2, 0, LATL_OPTIONS("left_transposed", "right_transposed")},
  {"value:backward", backward, 1, 0, LATL_OPTIONS("accumulate")},
  {"value:matrix", matrix, 1, 0, LATL_OPTIONS("out")},
  {"value:value", value, .arguments = 1},
  {"value:gradient", gradient, 1, 0, LATL_OPTIONS("out")},
  {"value + value", operate, .name = "__add", .kind = ADD},
  {"value - value", operate, .name = "__sub", .kind = SUBTRACT},
  {"value * value", operate, .name = "__mul", .kind = PRODUCT},
  {"value % value", operate, .name = "__mod", .kind = MULTIPLY},
  {"value / value", operate, .name = "__div", .kind = DIVIDE},
  {"-value", negative, .name = "__unm"},
  {"value:__tostring", tostring, .arguments = 0},
  LATL_END
};
/* clang-format on */
static const latL_Field fields[] = {{"rows", LATL_SIZE, offsetof(lat_node, rows)},
                                    {"cols", LATL_SIZE, offsetof(lat_node, cols)},
                                    {.name = NULL}};
static const latL_Class class = {LATL_VALUE, "value", functions, fields, node_at, NULL, NULL};

void latL_open_nn_value(lua_State *L)
{
  latL_newclass(L, &class);
}
