/* nn_value.c: values of a tape: operators, functions, reductions, the backward pass. */
#include "nn/nn.h"
#include "nn/operations.h"

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

/* ---- operators ------------------------------------------------------------------------------ */

/* value + value and its like: one operand is a value, the other a value, a matrix or a number. */
static int operate(lua_State *L, const latL_Function *f)
{
  lua_settop(L, 2);
  int of = luaL_testudata(L, 1, LATL_VALUE) ? 1 : 2, other = 3 - of;
  lat_tape *tape = latL_checkvalue(L, of, f->who, "one operand")->tape;
  lua_getiuservalue(L, of, 1);
  latL_begin(L, tape);
  lat_nn_operator o = (lat_nn_operator)f->kind;
  bool number = lua_type(L, other) == LUA_TNUMBER && o != LAT_NN_MULTIPLY;
  if (number && (o != LAT_NN_DIVIDE || of == 1)) {
    lat_value x = latL_tovalue(L, of, tape, f->who, "the operand");
    double c = lua_tonumber(L, other);
    return latL_pushvalue(L, 3, f->who, lat_nn_operate_number(tape, o, x, c, of == 1));
  }
  lat_value a = latL_tovalue(L, 1, tape, f->who, "the left operand");
  lat_value b = latL_tovalue(L, 2, tape, f->who, "the right operand");
  return latL_pushvalue(L, 3, f->who, lat_nn_operate(tape, o, a, b));
}

static int negative(lua_State *L, const latL_Function *f)
{
  lua_settop(L, 1);
  latL_Value *x = self(L, f->who);
  return latL_pushvalue(L, 2, f->who, lat_nn_affine(x->tape, x->handle, -1, 0));
}

/* ---- reading -------------------------------------------------------------------------------- */

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

static void *node_at(lua_State *L, const char *who)
{
  return (lat_node *)node_of(L, latL_checkvalue(L, 1, who, "self"), who);
}

/* clang-format off */
static const latL_Function functions[] = {
  {"value:split", split, .arguments = 2},
  {"value:backward", backward, 1, 0, LATL_OPTIONS("accumulate")},
  {"value:matrix", matrix, 1, 0, LATL_OPTIONS("out")},
  {"value:value", value, .arguments = 1},
  {"value:gradient", gradient, 1, 0, LATL_OPTIONS("out")},
  {"value + value", operate, .name = "__add", .kind = LAT_NN_ADD},
  {"value - value", operate, .name = "__sub", .kind = LAT_NN_SUBTRACT},
  {"value * value", operate, .name = "__mul", .kind = LAT_NN_PRODUCT},
  {"value % value", operate, .name = "__mod", .kind = LAT_NN_MULTIPLY},
  {"value / value", operate, .name = "__div", .kind = LAT_NN_DIVIDE},
  {"-value", negative, .name = "__unm"},
  {"value:__tostring", tostring, .arguments = 0},
  LATL_END
};
/* clang-format on */
static const latL_Field fields[] = {{"rows", LATL_SIZE, offsetof(lat_node, rows)},
                                    {"cols", LATL_SIZE, offsetof(lat_node, cols)},
                                    {.name = NULL}};
const latL_Class latL_nn_value_class = {LATL_VALUE, "value", functions, fields,
                                        node_at,    NULL,    NULL};
