/* nn_value.c: values of a tape: operators, functions, reductions, the backward pass. */
#include "nn/nn.h"

#include <stdlib.h>
#include <string.h>

/* The value at 1, with its tape pushed at index 2 of a stack whose arguments move up by one. */
static latL_Value *self(lua_State *L, const char *who)
{
  latL_Value *v = latL_checkvalue(L, 1, who, "self");
  lua_getiuservalue(L, 1, 1);
  lua_insert(L, 2);
  latL_begin(L, v->tape);
  return v;
}

enum { TAPE = 2, FIRST = 3 }; /* where self has left them */

/* ---- functions of one value ----------------------------------------------------------------------- */

typedef lat_value of_one(lat_tape *tape, lat_value x);

static const struct {
  const char *name, *who;
  of_one *operation;
} functions[] = {
    {"exp", "value:exp", lat_nn_exp},
    {"log", "value:log", lat_nn_log},
    {"tanh", "value:tanh", lat_nn_tanh},
    {"sigmoid", "value:sigmoid", lat_nn_sigmoid},
    {"relu", "value:relu", lat_nn_relu},
    {"elu", "value:elu", lat_nn_elu},
    {"softplus", "value:softplus", lat_nn_softplus},
    {"gelu", "value:gelu", lat_nn_gelu},
    {"silu", "value:silu", lat_nn_silu},
    {"square", "value:square", lat_nn_square},
    {"sqrt", "value:sqrt", lat_nn_sqrt},
    {"abs", "value:abs", lat_nn_abs},
    {"detach", "value:detach", lat_nn_detach},
    {"t", "value:t", lat_nn_transpose},
    {"log_sum_exp", "value:log_sum_exp", lat_nn_log_sum_exp},
};

/* Upvalue: the function's number in the table above. */
static int apply(lua_State *L)
{
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(1));
  const char *who = functions[i].who;
  latL_nooptions(L, 2, who);
  latL_Value *x = self(L, who);
  return latL_pushvalue(L, TAPE, who, functions[i].operation(x->tape, x->handle));
}

static int leaky_relu(lua_State *L)
{
  latL_nooptions(L, 3, "value:leaky_relu");
  static const char who[] = "value:leaky_relu";
  latL_Value *x = self(L, who);
  double slope = lua_isnoneornil(L, FIRST) ? 0.01 : latL_checknumber(L, FIRST, who, "slope");
  return latL_pushvalue(L, TAPE, who, lat_nn_leaky_relu(x->tape, x->handle, slope));
}

static int clamp(lua_State *L)
{
  latL_nooptions(L, 4, "value:clamp");
  static const char who[] = "value:clamp";
  latL_Value *x = self(L, who);
  double least = latL_checknumber(L, FIRST, who, "least");
  double most = latL_checknumber(L, FIRST + 1, who, "most");
  return latL_pushvalue(L, TAPE, who, lat_nn_clamp(x->tape, x->handle, least, most));
}

static int activate(lua_State *L)
{
  latL_nooptions(L, 3, "value:activate");
  static const char who[] = "value:activate";
  latL_Value *x = self(L, who);
  lat_activation f = latL_checkactivation(L, FIRST, who, "activation");
  return latL_pushvalue(L, TAPE, who, lat_nn_activate(x->tape, x->handle, f));
}

static int slope(lua_State *L)
{
  latL_nooptions(L, 3, "value:slope");
  static const char who[] = "value:slope";
  latL_Value *x = self(L, who);
  lat_activation f = latL_checkactivation(L, FIRST, who, "activation");
  if (f == LAT_NN_LINEAR) latL_error(L, who, "the slope of linear is 1 everywhere");
  return latL_pushvalue(L, TAPE, who, lat_nn_slope(x->tape, x->handle, f));
}

/* ---- shapes ------------------------------------------------------------------------------------------ */

/* The node of a value that is good. */
static const lat_node *node_of(lua_State *L, latL_Value *x, const char *who)
{
  const lat_node *node = lat_tape_node(x->tape, x->handle);
  latL_checkstep(L, x->tape, who);
  return node;
}

static int columns(lua_State *L)
{
  latL_nooptions(L, 4, "value:columns");
  static const char who[] = "value:columns";
  latL_Value *x = self(L, who);
  size_t cols = node_of(L, x, who)->cols;
  size_t first = latL_checkindex(L, FIRST, who, "first", cols);
  size_t last =
      lua_isnoneornil(L, FIRST + 1) ? first : latL_checkindex(L, FIRST + 1, who, "last", cols);
  if (last < first)
    latL_error(L, who, "the range %I..%I is empty", (lua_Integer)first + 1, (lua_Integer)last + 1);
  return latL_pushvalue(L, TAPE, who, lat_nn_columns(x->tape, x->handle, first, last - first + 1));
}

/* value:split(size): pieces of so many columns */
static int split(lua_State *L)
{
  latL_nooptions(L, 3, "value:split");
  static const char who[] = "value:split";
  latL_Value *x = self(L, who);
  size_t cols = node_of(L, x, who)->cols, size = latL_checksize(L, FIRST, who, "size");
  if (cols % size)
    latL_error(L, who, "%I columns are no multiple of %I", (lua_Integer)cols, (lua_Integer)size);
  if (cols / size > 200) latL_error(L, who, "%I pieces are too many", (lua_Integer)(cols / size));
  luaL_checkstack(L, (int)(cols / size) + 4, who);
  for (size_t at = 0; at < cols; at += size)
    latL_pushvalue(L, TAPE, who, lat_nn_columns(x->tape, x->handle, at, size));
  return (int)(cols / size);
}

static int concat(lua_State *L)
{
  latL_nooptions(L, 3, "value:concat");
  static const char who[] = "value:concat";
  latL_Value *x = self(L, who);
  lat_value other = latL_tovalue(L, FIRST, x->tape, who, "other");
  return latL_pushvalue(L, TAPE, who, lat_nn_concat(x->tape, x->handle, other));
}

static int gather(lua_State *L)
{
  latL_nooptions(L, 3, "value:gather");
  static const char who[] = "value:gather";
  latL_Value *x = self(L, who);
  size_t rows = node_of(L, x, who)->rows;
  lat_matrix list = latL_checkvector(L, FIRST, who, "rows");
  size_t *index = lua_newuserdatauv(L, list.rows * sizeof *index, 0);
  for (size_t i = 0; i < list.rows; i++) {
    double row = lat_get(&list, i, 0);
    if (!(row >= 1 && row <= (double)rows) || row != (double)(size_t)row)
      latL_error(L, who, "row %f is none of 1..%I", row, (lua_Integer)rows);
    index[i] = (size_t)row - 1;
  }
  return latL_pushvalue(L, TAPE, who, lat_nn_gather(x->tape, x->handle, index, list.rows));
}

static int repeat_rows(lua_State *L)
{
  latL_nooptions(L, 3, "value:repeat_rows");
  static const char who[] = "value:repeat_rows";
  latL_Value *x = self(L, who);
  size_t times = latL_checksize(L, FIRST, who, "times");
  return latL_pushvalue(L, TAPE, who, lat_nn_repeat_rows(x->tape, x->handle, times));
}

/* ---- reductions ---------------------------------------------------------------------------------------- */

/* [dim]: 1 over the rows, 2 over the columns, as for matrices */
static lat_axis axis_at(lua_State *L, int arg, const char *who)
{
  if (lua_isnoneornil(L, arg)) return LAT_NN_ALL;
  lua_Integer dim = latL_checkinteger(L, arg, who, "dim");
  if (dim != 1 && dim != 2) latL_error(L, who, "dim must be 1 or 2, got %I", dim);
  return dim == 1 ? LAT_NN_DOWN : LAT_NN_ACROSS;
}

static int sum(lua_State *L)
{
  latL_nooptions(L, 3, "value:sum");
  static const char who[] = "value:sum";
  latL_Value *x = self(L, who);
  return latL_pushvalue(L, TAPE, who, lat_nn_sum(x->tape, x->handle, axis_at(L, FIRST, who)));
}

static int mean(lua_State *L)
{
  latL_nooptions(L, 3, "value:mean");
  static const char who[] = "value:mean";
  latL_Value *x = self(L, who);
  return latL_pushvalue(L, TAPE, who, lat_nn_mean(x->tape, x->handle, axis_at(L, FIRST, who)));
}

static int log_mean_exp(lua_State *L)
{
  latL_nooptions(L, 3, "value:log_mean_exp");
  static const char who[] = "value:log_mean_exp";
  latL_Value *x = self(L, who);
  size_t size = latL_checksize(L, FIRST, who, "size");
  return latL_pushvalue(L, TAPE, who, lat_nn_log_mean_exp_groups(x->tape, x->handle, size));
}

/* ---- operators ------------------------------------------------------------------------------------------- */

/* The operands of a binary operator: one of them is a value; its tape is pushed at 3. */
static lat_tape *operands(lua_State *L, const char *who, lat_value *a, lat_value *b)
{
  lua_settop(L, 2);
  int of = luaL_testudata(L, 1, LATL_VALUE) ? 1 : 2;
  lat_tape *tape = latL_checkvalue(L, of, who, "one operand")->tape;
  lua_getiuservalue(L, of, 1);
  latL_begin(L, tape);
  if (a) *a = latL_tovalue(L, 1, tape, who, "the left operand");
  if (b) *b = latL_tovalue(L, 2, tape, who, "the right operand");
  return tape;
}

static bool is_number(lua_State *L, int arg)
{
  return lua_type(L, arg) == LUA_TNUMBER;
}

static int add(lua_State *L)
{
  static const char who[] = "value + value";
  lat_value a, b;
  int number = is_number(L, 2) ? 2 : is_number(L, 1) ? 1 : 0;
  lat_tape *tape = operands(L, who, number == 1 ? NULL : &a, number == 2 ? NULL : &b);
  if (number)
    return latL_pushvalue(L, 3, who,
                          lat_nn_affine(tape, number == 2 ? a : b, 1, lua_tonumber(L, number)));
  return latL_pushvalue(L, 3, who, lat_nn_add(tape, a, b));
}

static int subtract(lua_State *L)
{
  static const char who[] = "value - value";
  lat_value a, b;
  int number = is_number(L, 2) ? 2 : is_number(L, 1) ? 1 : 0;
  lat_tape *tape = operands(L, who, number == 1 ? NULL : &a, number == 2 ? NULL : &b);
  if (number == 2) return latL_pushvalue(L, 3, who, lat_nn_affine(tape, a, 1, -lua_tonumber(L, 2)));
  if (number == 1) return latL_pushvalue(L, 3, who, lat_nn_affine(tape, b, -1, lua_tonumber(L, 1)));
  return latL_pushvalue(L, 3, who, lat_nn_subtract(tape, a, b));
}

/* a * b: a number scales; of two values it is the matrix product, as for matrices */
static int product(lua_State *L)
{
  static const char who[] = "value * value";
  lat_value a, b;
  int number = is_number(L, 2) ? 2 : is_number(L, 1) ? 1 : 0;
  lat_tape *tape = operands(L, who, number == 1 ? NULL : &a, number == 2 ? NULL : &b);
  if (number)
    return latL_pushvalue(L, 3, who,
                          lat_nn_affine(tape, number == 2 ? a : b, lua_tonumber(L, number), 0));
  lat_node *left = lat_tape_node(tape, a), *right = lat_tape_node(tape, b);
  if (left && right && left->cols != right->rows)
    lat_tape_fail(tape, LAT_SHAPE,
                  "%zux%zu and %zux%zu don't fit as a matrix product (%% is element by element)",
                  left->rows, left->cols, right->rows, right->cols);
  return latL_pushvalue(L, 3, who, lat_nn_product(tape, a, b, false, false));
}

/* a:product(b [, options]): either may be taken transposed */
static int product_of(lua_State *L)
{
  static const char who[] = "value:product";
  static const char *const names[] = {"left_transposed", "right_transposed", NULL};
  latL_Value *x = self(L, who);
  lat_value other = latL_tovalue(L, FIRST, x->tape, who, "other");
  latL_checkoptions(L, FIRST + 1, who, names);
  bool left = latL_optboolean(L, FIRST + 1, who, "left_transposed", false);
  bool right = latL_optboolean(L, FIRST + 1, who, "right_transposed", false);
  return latL_pushvalue(L, TAPE, who, lat_nn_product(x->tape, x->handle, other, left, right));
}

static int times(lua_State *L)
{
  static const char who[] = "value % value";
  lat_value a, b;
  lat_tape *tape = operands(L, who, &a, &b);
  return latL_pushvalue(L, 3, who, lat_nn_multiply(tape, a, b));
}

static int divide(lua_State *L)
{
  static const char who[] = "value / value";
  lat_value a, b;
  bool number = is_number(L, 2);
  lat_tape *tape = operands(L, who, &a, number ? NULL : &b);
  if (number) return latL_pushvalue(L, 3, who, lat_nn_affine(tape, a, 1 / lua_tonumber(L, 2), 0));
  return latL_pushvalue(L, 3, who, lat_nn_divide(tape, a, b));
}

static int negate(lua_State *L)
{
  latL_Value *x = self(L, "-value");
  return latL_pushvalue(L, TAPE, "-value", lat_nn_affine(x->tape, x->handle, -1, 0));
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static int backward(lua_State *L)
{
  static const char who[] = "value:backward";
  static const char *const names[] = {"accumulate", NULL};
  latL_Value *x = self(L, who);
  latL_checkoptions(L, FIRST, who, names);
  bool accumulate = latL_optboolean(L, FIRST, who, "accumulate", false);
  lat_tape_backward(x->tape, x->handle, accumulate);
  latL_checkstep(L, x->tape, who);
  lua_settop(L, 1);
  return 1;
}

static const char *const out_names[] = {"out", NULL};

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

static int matrix(lua_State *L)
{
  static const char who[] = "value:matrix";
  latL_Value *x = self(L, who);
  latL_checkoptions(L, FIRST, who, out_names);
  return push_copy(L, x, FIRST, who, lat_tape_value);
}

/* A number where the value is one, else a matrix. */
static int value(lua_State *L)
{
  latL_nooptions(L, 2, "value:value");
  static const char who[] = "value:value";
  latL_Value *x = self(L, who);
  const lat_node *node = node_of(L, x, who);
  if (node->rows != 1 || node->cols != 1) return push_copy(L, x, 0, who, lat_tape_value);
  lua_pushnumber(L, lat_tape_number(x->tape, x->handle));
  return 1;
}

static int gradient(lua_State *L)
{
  static const char who[] = "value:gradient";
  latL_Value *x = self(L, who);
  latL_checkoptions(L, FIRST, who, out_names);
  node_of(L, x, who);
  if (!lat_tape_gradient(x->tape, x->handle).data)
    latL_error(L, who,
               "it has none: there was no backward pass yet, or the loss doesn't depend on "
               "it by a value with a gradient (tape:input(X, { gradient = true }))");
  return push_copy(L, x, FIRST, who, lat_tape_gradient);
}

static int fields(lua_State *L)
{
  latL_Value *x = latL_checkvalue(L, 1, "value", "self");
  const char *name = lua_tostring(L, 2);
  bool rows = strcmp(name, "rows") == 0;
  if (!rows && strcmp(name, "cols") != 0) return 0;
  const lat_node *node = node_of(L, x, "value");
  lua_pushinteger(L, (lua_Integer)(rows ? node->rows : node->cols));
  return 1;
}

static int tostring(lua_State *L)
{
  latL_Value *x = latL_checkvalue(L, 1, "value:__tostring", "self");
  if (x->handle.step != x->tape->generation) {
    lua_pushliteral(L, "latent.Value (of an earlier step)");
    return 1;
  }
  push_copy(L, x, 0, "value:__tostring", lat_tape_value);
  luaL_tolstring(L, -1, NULL);
  return 1;
}

void latL_open_nn_value(lua_State *L)
{
  /* clang-format off */
  static const luaL_Reg methods[] = {
    {"leaky_relu", leaky_relu}, {"clamp", clamp}, {"activate", activate}, {"slope", slope},
    {"columns", columns}, {"split", split}, {"concat", concat}, {"gather", gather},
    {"repeat_rows", repeat_rows}, {"sum", sum}, {"mean", mean}, {"log_mean_exp", log_mean_exp},
    {"product", product_of}, {"backward", backward}, {"matrix", matrix}, {"value", value}, {"gradient", gradient},
    {NULL, NULL}
  };
  static const luaL_Reg operators[] = {
    {"__add", add}, {"__sub", subtract}, {"__mul", product}, {"__mod", times}, {"__div", divide},
    {"__unm", negate}, {"__tostring", tostring}, {NULL, NULL}
  };
  /* clang-format on */
  latL_newclass(L, LATL_VALUE, methods, fields, NULL);
  luaL_getmetatable(L, LATL_VALUE);
  luaL_setfuncs(L, operators, 0);
  lua_getfield(L, -1, "methods");
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    lua_pushinteger(L, (lua_Integer)i);
    lua_pushcclosure(L, apply, 1);
    lua_setfield(L, -2, functions[i].name);
  }
  lua_pop(L, 2);
}
