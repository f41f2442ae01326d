/* matrix_arithmetic.c: operators and element-wise functions of latent.Matrix. */
#include "matrix_arithmetic.h"

#include "matrix/arithmetic.h"

/* An argument: a matrix, or a number as a view that repeats it. */
typedef struct operand {
  lat_matrix view;
  const latL_Matrix *matrix; /* NULL for a number */
  double wide;
  float narrow;
} operand;

static void read_operand(lua_State *L, int arg, const char *who, const char *name, operand *o)
{
  if (lua_type(L, arg) == LUA_TNUMBER) {
    o->matrix = NULL;
    o->wide = lua_tonumber(L, arg);
    o->narrow = (float)o->wide;
    return;
  }
  o->matrix = latL_checkmatrix(L, arg, who, name);
  o->view = o->matrix->view;
}

/* float32 where all matrices are; numbers don't matter. */
static lat_dtype common_dtype(size_t count, const operand o[])
{
  for (size_t i = 0; i < count; i++)
    if (o[i].matrix && o[i].view.dtype == LAT_FLOAT64) return LAT_FLOAT64;
  return LAT_FLOAT32;
}

/* Gives all operands one shape: a vector counts as a row beside a matrix. Returns whether the
 * result is a vector. */
static bool fit(lua_State *L, const char *who, size_t count, operand o[], lat_dtype dtype)
{
  const latL_Matrix *first = NULL;
  bool vector = true;
  for (size_t i = 0; i < count; i++)
    if (o[i].matrix) vector = vector && o[i].matrix->vector;
  lat_matrix shape = {.rows = 1, .cols = 1};
  for (size_t i = 0; i < count; i++) {
    operand *p = &o[i];
    if (!p->matrix) {
      void *data = dtype == LAT_FLOAT64 ? (void *)&p->wide : (void *)&p->narrow;
      p->view = (lat_matrix){data, 1, 1, 0, 0, dtype};
    } else if (p->matrix->vector && !vector) {
      p->view = lat_transpose(p->view);
    }
    bool rows = p->view.rows == shape.rows || p->view.rows == 1 || shape.rows == 1;
    bool cols = p->view.cols == shape.cols || p->view.cols == 1 || shape.cols == 1;
    if (!rows || !cols)
      latL_error(L, who, "a %s and a %s don't fit", latL_shape(L, first), latL_shape(L, p->matrix));
    if (p->view.rows > shape.rows) shape.rows = p->view.rows;
    if (p->view.cols > shape.cols) shape.cols = p->view.cols;
    if (p->matrix) first = p->matrix;
  }
  for (size_t i = 0; i < count; i++) o[i].view = lat_stretch(&o[i].view, shape.rows, shape.cols);
  return vector;
}

static bool same_view(const lat_matrix *A, const lat_matrix *B)
{
  return A->data == B->data && A->dtype == B->dtype && A->row_stride == B->row_stride &&
         A->col_stride == B->col_stride;
}

static void run(lat_operation op, size_t count, const operand o[], const lat_matrix *result)
{
  if (count == 1)
    lat_unary(op, &o[0].view, result);
  else if (count == 2)
    lat_binary(op, &o[0].view, &o[1].view, result);
  else
    lat_ternary(op, &o[0].view, &o[1].view, &o[2].view, result);
}

/* Pushes op of the operands, into the option `out` or fresh memory. Where `out` shares memory with
 * an operand, but isn't the same view, the result is made elsewhere first. */
static int apply(lua_State *L, lat_operation op, const char *who, size_t count, operand o[],
                 int options)
{
  lat_dtype dtype = common_dtype(count, o);
  bool vector = fit(L, who, count, o, dtype);
  size_t rows = o[0].view.rows, cols = o[0].view.cols;
  latL_Matrix *result = latL_result(L, options, who, rows, cols, vector, dtype);
  bool clash = false;
  for (size_t i = 0; i < count; i++)
    if (lat_overlaps(&o[i].view, &result->view) && !same_view(&o[i].view, &result->view))
      clash = true;
  if (!clash) {
    run(op, count, o, &result->view);
    return 1;
  }
  latL_Matrix *apart = latL_newmatrix(L, rows, cols, dtype);
  run(op, count, o, &apart->view);
  lat_copy(&apart->view, &result->view);
  lua_pop(L, 1);
  return 1;
}

/* ---- as methods ------------------------------------------------------------------ */

static const char *const out_option[] = {"out", NULL};

/* Each is a closure with its operation and its name for messages, which begins "A:". */
static int method(lua_State *L, size_t count)
{
  static const char *const names[] = {"self", "the argument", "the second argument"};
  lat_operation op = (lat_operation)lua_tointeger(L, lua_upvalueindex(1));
  const char *who = lua_tostring(L, lua_upvalueindex(2));
  int options = (int)count + 1;
  operand o[3];
  lua_settop(L, options);
  latL_checkoptions(L, options, who, out_option);
  if (!latL_tomatrix(L, 1))
    latL_error(L, who, "self must be a matrix, got %s", luaL_typename(L, 1));
  for (size_t i = 0; i < count; i++) read_operand(L, (int)i + 1, who, names[i], &o[i]);
  return apply(L, op, who, count, o, options);
}

static int unary(lua_State *L)
{
  return method(L, 1);
}

static int binary(lua_State *L)
{
  return method(L, 2);
}

static int ternary(lua_State *L)
{
  return method(L, 3);
}

static const struct {
  const char *name;
  lat_operation op;
  lua_CFunction function;
} methods[] = {
    {"A:neg", LAT_NEGATIVE, unary},      {"A:abs", LAT_ABS, unary},
    {"A:sign", LAT_SIGN, unary},         {"A:square", LAT_SQUARE, unary},
    {"A:sqrt", LAT_SQRT, unary},         {"A:reciprocal", LAT_RECIPROCAL, unary},
    {"A:floor", LAT_FLOOR, unary},       {"A:ceil", LAT_CEIL, unary},
    {"A:round", LAT_ROUND, unary},       {"A:exp", LAT_EXP, unary},
    {"A:expm1", LAT_EXPM1, unary},       {"A:log", LAT_LOG, unary},
    {"A:log1p", LAT_LOG1P, unary},       {"A:sin", LAT_SIN, unary},
    {"A:cos", LAT_COS, unary},           {"A:tanh", LAT_TANH, unary},
    {"A:sigmoid", LAT_SIGMOID, unary},   {"A:relu", LAT_RELU, unary},
    {"A:softplus", LAT_SOFTPLUS, unary}, {"A:isnan", LAT_ISNAN, unary},
    {"A:isfinite", LAT_ISFINITE, unary}, {"A:add", LAT_ADD, binary},
    {"A:sub", LAT_SUBTRACT, binary},     {"A:mul", LAT_MULTIPLY, binary},
    {"A:div", LAT_DIVIDE, binary},       {"A:pow", LAT_POWER, binary},
    {"A:minimum", LAT_MINIMUM, binary},  {"A:maximum", LAT_MAXIMUM, binary},
    {"A:lt", LAT_LESS, binary},          {"A:le", LAT_LESS_EQUAL, binary},
    {"A:gt", LAT_GREATER, binary},       {"A:ge", LAT_GREATER_EQUAL, binary},
    {"A:eq", LAT_EQUAL, binary},         {"A:ne", LAT_NOT_EQUAL, binary},
    {"A:clamp", LAT_CLAMP, ternary},
};

/* ---- as operators ------------------------------------------------------------------ */

static int operator(lua_State *L, lat_operation op, const char *who)
{
  operand o[2];
  read_operand(L, 1, who, "the left side", &o[0]);
  read_operand(L, 2, who, "the right side", &o[1]);
  return apply(L, op, who, 2, o, 0);
}

static int add(lua_State *L)
{
  return operator(L, LAT_ADD, "matrix +");
}

static int subtract(lua_State *L)
{
  return operator(L, LAT_SUBTRACT, "matrix -");
}

static int multiply(lua_State *L)
{
  return operator(L, LAT_MULTIPLY, "matrix %");
}

static int divide(lua_State *L)
{
  return operator(L, LAT_DIVIDE, "matrix /");
}

static int power(lua_State *L)
{
  return operator(L, LAT_POWER, "matrix ^");
}

int latL_scale(lua_State *L)
{
  return operator(L, LAT_MULTIPLY, "matrix *");
}

static int negate(lua_State *L)
{
  operand o;
  read_operand(L, 1, "-matrix", "the matrix", &o);
  return apply(L, LAT_NEGATIVE, "-matrix", 1, &o, 0);
}

static int equal(lua_State *L)
{
  const latL_Matrix *A = latL_tomatrix(L, 1), *B = latL_tomatrix(L, 2);
  lua_pushboolean(L, A && B && A->vector == B->vector && lat_equal(&A->view, &B->view));
  return 1;
}

static const luaL_Reg metamethods[] = {
    {"__add", add},   {"__sub", subtract}, {"__mod", multiply}, {"__div", divide},
    {"__pow", power}, {"__unm", negate},   {"__eq", equal},     {NULL, NULL},
};

/* ---- map ------------------------------------------------------------------------------ */

/* A:map(f [, {out=}]): f(x, i, j) of every element, f(x, i) for a vector */
static int map(lua_State *L)
{
  lua_settop(L, 3);
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:map", "self");
  if (lua_type(L, 2) != LUA_TFUNCTION)
    latL_error(L, "A:map", "f must be a function, got %s", luaL_typename(L, 2));
  latL_checkoptions(L, 3, "A:map", out_option);
  latL_Matrix *B = latL_result(L, 3, "A:map", A->view.rows, A->view.cols, A->vector, A->view.dtype);
  for (size_t i = 0; i < A->view.rows; i++) {
    for (size_t j = 0; j < A->view.cols; j++) {
      lua_pushvalue(L, 2);
      lua_pushnumber(L, lat_get(&A->view, i, j));
      lua_pushinteger(L, (lua_Integer)i + 1);
      if (!A->vector) lua_pushinteger(L, (lua_Integer)j + 1);
      lua_call(L, A->vector ? 2 : 3, 1);
      lat_set(&B->view, i, j, latL_checknumber(L, -1, "A:map", "f's result"));
      lua_pop(L, 1);
    }
  }
  return 1;
}

void latL_open_matrix_arithmetic(lua_State *L)
{
  luaL_getmetatable(L, LATL_MATRIX);
  luaL_setfuncs(L, metamethods, 0);
  lua_getfield(L, -1, "methods");
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    lua_pushinteger(L, methods[i].op);
    lua_pushstring(L, methods[i].name);
    lua_pushcclosure(L, methods[i].function, 2);
    lua_setfield(L, -2, methods[i].name + 2);
  }
  lua_pushcfunction(L, map);
  lua_setfield(L, -2, "map");
  lua_pop(L, 2);
}
