/* matrix_arithmetic.c: operators, element-wise functions, masks and choices of latent.Matrix. */
#include "lua/matrix_arithmetic.h"

#include "matrix/order.h"

enum { OPERANDS = 3 };

/* An argument: a matrix, or a number, which `view` then points at. */
typedef struct operand {
  lat_matrix view;
  const latL_Matrix *matrix; /* NULL for a number */
  double float64;
  float float32;
} operand;

/* ---- operands ---------------------------------------------------------------- */

static void check_operand(lua_State *L, const char *who, int arg, operand *o)
{
  *o = (operand){.matrix = NULL};
  if (lua_type(L, arg) == LUA_TNUMBER) {
    o->float64 = lua_tonumber(L, arg);
    return;
  }
  if (!latL_tomatrix(L, arg) && lua_type(L, arg) != LUA_TTABLE)
    latL_error(L, who, "a matrix or a number was expected, got %s",
               lua_isnoneornil(L, arg) ? "nothing" : luaL_typename(L, arg));
  o->matrix = latL_checkmatrix(L, arg, who, "operand");
  o->view = o->matrix->view;
}

/* "shapes 3x4 and vector of 5 don't fit" */
static void misfit(lua_State *L, const char *who, const operand o[], int count)
{
  const char *shapes = NULL;
  for (int k = 0; k < count; k++) {
    const latL_Matrix *A = o[k].matrix;
    if (!A) continue;
    const char *shape = A->vector ? lua_pushfstring(L, "vector of %I", (lua_Integer)A->view.rows)
                                  : lua_pushfstring(L, "%Ix%I", (lua_Integer)A->view.rows,
                                                    (lua_Integer)A->view.cols);
    shapes = shapes ? lua_pushfstring(L, "%s and %s", shapes, shape) : shape;
  }
  latL_error(L, who, "shapes %s don't fit", shapes);
}

/* The common shape. Sides of matrices are equal or 1; a vector beside a matrix is one of its rows;
 * vectors among themselves are of one length. */
static bool common_shape(lua_State *L, const char *who, operand o[], int count, size_t *rows,
                         size_t *cols)
{
  bool vector = true, fit = true;
  for (int k = 0; k < count; k++) vector = vector && (!o[k].matrix || o[k].matrix->vector);
  *rows = *cols = 0;
  for (int k = 0; k < count; k++) {
    const latL_Matrix *A = o[k].matrix;
    if (!A || (A->vector && !vector)) continue;
    if (A->view.rows > *rows) *rows = A->view.rows;
    if (A->view.cols > *cols) *cols = A->view.cols;
  }
  for (int k = 0; k < count; k++) {
    const latL_Matrix *A = o[k].matrix;
    if (!A) continue;
    const lat_matrix *view = &o[k].view;
    if (A->vector)
      fit = fit && view->rows == (vector ? *rows : *cols);
    else
      fit = fit && (view->rows == 1 || view->rows == *rows) &&
            (view->cols == 1 || view->cols == *cols);
    if (A->vector && !vector) o[k].view = lat_transpose(*view);
  }
  if (!fit) misfit(L, who, o, count);
  return vector;
}

static lat_status compute(lat_workspace *work, lat_operation op, int count, const operand o[],
                          const lat_matrix *C)
{
  if (count == 1) return lat_unary(work, op, &o[0].view, C);
  if (count == 2) return lat_binary(work, op, &o[0].view, &o[1].view, C);
  return lat_ternary(work, op, &o[0].view, &o[1].view, &o[2].view, C);
}

int latL_elementwise(lua_State *L, const char *who, lat_operation op, int first, int count,
                     int options)
{
  operand o[OPERANDS];
  lat_dtype dtype = LAT_FLOAT32; /* float64 as soon as one matrix is; numbers follow */
  for (int k = 0; k < count; k++) {
    check_operand(L, who, first + k, &o[k]);
    if (o[k].matrix && o[k].view.dtype == LAT_FLOAT64) dtype = LAT_FLOAT64;
  }
  size_t rows, cols;
  const bool vector = common_shape(L, who, o, count, &rows, &cols);
  const latL_Result C = latL_result(L, options, who, rows, cols, vector, dtype, LATL_SAME_PLACES);
  for (int k = 0; k < count; k++) {
    if (!o[k].matrix) {
      o[k].float32 = (float)o[k].float64;
      void *number = dtype == LAT_FLOAT64 ? (void *)&o[k].float64 : (void *)&o[k].float32;
      o[k].view = (lat_matrix){number, 1, 1, 0, 0, dtype};
    }
    o[k].view = lat_broadcast_to(&o[k].view, rows, cols);
  }
  if (rows * cols < LATL_ASK) {
    compute(NULL, op, count, o, &C.view);
  } else {
    lat_workspace *work = latL_workspace(L);
    latL_call(L, who, work, compute(work, op, count, o, &C.view));
  }
  latL_finish(L, who, &C);
  return 1;
}

/* ---- operators ----------------------------------------------------------------- */

#define OPERATOR(name, symbol, op)                                                                 \
  static int name(lua_State *L)                                                                    \
  {                                                                                                \
    return latL_elementwise(L, "matrix " symbol, op, 1, 2, 0);                                     \
  }
OPERATOR(op_add, "+", LAT_ADD)
OPERATOR(op_sub, "-", LAT_SUBTRACT)
OPERATOR(op_mod, "%", LAT_MULTIPLY)
OPERATOR(op_div, "/", LAT_DIVIDE)
OPERATOR(op_pow, "^", LAT_POWER)

static int op_unm(lua_State *L)
{
  return latL_elementwise(L, "-matrix", LAT_NEGATIVE, 1, 1, 0);
}

int latL_scale(lua_State *L)
{
  return latL_elementwise(L, "matrix *", LAT_MULTIPLY, 1, 2, 0);
}

/* Lua asks this only for two values that aren't the same one. */
static int op_eq(lua_State *L)
{
  const latL_Matrix *A = latL_tomatrix(L, 1), *B = latL_tomatrix(L, 2);
  bool equal = A && B && A->vector == B->vector;
  if (equal) {
    lat_workspace *work = latL_workspace(L);
    latL_call(L, "matrix ==", work, lat_equal(work, &A->view, &B->view, &equal));
  }
  lua_pushboolean(L, equal);
  return 1;
}

static const luaL_Reg operators[] = {{"__add", op_add}, {"__sub", op_sub}, {"__mod", op_mod},
                                     {"__div", op_div}, {"__pow", op_pow}, {"__unm", op_unm},
                                     {"__eq", op_eq},   {NULL, NULL}};

/* ---- functions of elements -------------------------------------------------------- */

/* Methods that are one operation. "A:exp", skipping "A:", is the method's name. */
static const struct {
  const char *who;
  lat_operation op;
  int operands;
} functions[] = {
    {"A:add", LAT_ADD, 2},
    {"A:sub", LAT_SUBTRACT, 2},
    {"A:mul", LAT_MULTIPLY, 2},
    {"A:div", LAT_DIVIDE, 2},
    {"A:pow", LAT_POWER, 2},
    {"A:minimum", LAT_MINIMUM, 2},
    {"A:maximum", LAT_MAXIMUM, 2},
    {"A:lt", LAT_LESS, 2},
    {"A:le", LAT_LESS_EQUAL, 2},
    {"A:gt", LAT_GREATER, 2},
    {"A:ge", LAT_GREATER_EQUAL, 2},
    {"A:eq", LAT_EQUAL, 2},
    {"A:ne", LAT_NOT_EQUAL, 2},
    {"A:neg", LAT_NEGATIVE, 1},
    {"A:abs", LAT_ABS, 1},
    {"A:sign", LAT_SIGN, 1},
    {"A:square", LAT_SQUARE, 1},
    {"A:sqrt", LAT_SQRT, 1},
    {"A:reciprocal", LAT_RECIPROCAL, 1},
    {"A:floor", LAT_FLOOR, 1},
    {"A:ceil", LAT_CEIL, 1},
    {"A:round", LAT_ROUND, 1},
    {"A:exp", LAT_EXP, 1},
    {"A:expm1", LAT_EXPM1, 1},
    {"A:log", LAT_LOG, 1},
    {"A:log1p", LAT_LOG1P, 1},
    {"A:sin", LAT_SIN, 1},
    {"A:cos", LAT_COS, 1},
    {"A:tanh", LAT_TANH, 1},
    {"A:sigmoid", LAT_SIGMOID, 1},
    {"A:relu", LAT_RELU, 1},
    {"A:softplus", LAT_SOFTPLUS, 1},
    {"A:isnan", LAT_ISNAN, 1},
    {"A:isfinite", LAT_ISFINITE, 1},
    {"A:clamp", LAT_CLAMP, 3},
};

static const char *const out_option[] = {"out", NULL};

/* Upvalue: the place in `functions`. */
static int apply_function(lua_State *L)
{
  const size_t k = (size_t)lua_tointeger(L, lua_upvalueindex(1));
  const int count = functions[k].operands;
  const char *who = functions[k].who;
  lua_settop(L, count + 1);
  latL_checkmatrix(L, 1, who, "A");
  latL_checkoptions(L, count + 1, who, out_option);
  return latL_elementwise(L, who, functions[k].op, 1, count, count + 1);
}

/* A:map(f [, {out=}]): f(x, i, j), for a vector f(x, i). */
static int map(lua_State *L)
{
  const char *who = "A:map";
  lua_settop(L, 3);
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  if (lua_isnoneornil(L, 2) ||
      (lua_type(L, 2) != LUA_TFUNCTION && !luaL_getmetafield(L, 2, "__call")))
    latL_error(L, who, "f must be a function, got %s",
               lua_isnoneornil(L, 2) ? "nothing" : luaL_typename(L, 2));
  lua_settop(L, 3);
  latL_checkoptions(L, 3, who, out_option);
  const lat_matrix from = A->view;
  const latL_Result to =
      latL_result(L, 3, who, from.rows, from.cols, A->vector, from.dtype, LATL_APART);
  const int result = lua_gettop(L);
  lat_workspace *work = latL_workspace(L);
  size_t calls = 0;
  for (size_t i = 0; i < from.rows; i++)
    for (size_t j = 0; j < from.cols; j++) {
      if (++calls % 1024 == 0) latL_ask(L, who, work); /* f may be a function of C */
      lua_pushvalue(L, 2);
      lua_pushnumber(L, lat_get(&from, i, j));
      lua_pushinteger(L, (lua_Integer)i + 1);
      if (!A->vector) lua_pushinteger(L, (lua_Integer)j + 1);
      lua_call(L, A->vector ? 2 : 3, 1);
      if (lua_type(L, -1) != LUA_TNUMBER)
        latL_error(L, who, "f must return a number, got %s at row %I, column %I",
                   luaL_typename(L, -1), (lua_Integer)i + 1, (lua_Integer)j + 1);
      lat_set(&to.view, i, j, lua_tonumber(L, -1));
      lua_pop(L, 1);
    }
  latL_finish(L, who, &to);
  lua_settop(L, result);
  return 1;
}

/* A:where(mask) and A:where(mask, B [, {out=}]) */
static int where(lua_State *L)
{
  const char *who = "A:where";
  lua_settop(L, 4);
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  const latL_Matrix *mask = latL_checkmatrix(L, 2, who, "mask");
  if (!lua_isnil(L, 3)) {
    latL_checkoptions(L, 4, who, out_option);
    lua_pushvalue(L, 1); /* the mask first: mask ? A : B */
    lua_pushvalue(L, 2);
    lua_replace(L, 1);
    lua_replace(L, 2);
    return latL_elementwise(L, who, LAT_SELECT, 1, 3, 4);
  }
  const bool by_rows = mask->vector && !A->vector;
  const bool fits = by_rows ? mask->view.rows == A->view.rows
                            : mask->view.rows == A->view.rows && mask->view.cols == A->view.cols;
  if (!fits) latL_error(L, who, "A is a %s, the mask a %s", latL_shape(L, A), latL_shape(L, mask));
  size_t count;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_count(work, &mask->view, &count));
  if (count == 0) {
    lua_pushnil(L);
    return 1;
  }
  const latL_Matrix *B = by_rows ? latL_newmatrix(L, count, A->view.cols, A->view.dtype)
                                 : latL_newvector(L, count, A->view.dtype);
  work = latL_workspace(L);
  latL_call(L, who, work, lat_masked(work, &A->view, &mask->view, &B->view));
  return 1;
}

static const luaL_Reg methods[] = {{"map", map}, {"where", where}, {NULL, NULL}};

void latL_open_matrix_arithmetic(lua_State *L)
{
  latL_addmethods(L, LATL_MATRIX, methods);
  luaL_getmetatable(L, LATL_MATRIX);
  luaL_setfuncs(L, operators, 0);
  lua_getfield(L, -1, "methods");
  for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
    lua_pushinteger(L, (lua_Integer)k);
    lua_pushcclosure(L, apply_function, 1);
    lua_setfield(L, -2, functions[k].who + 2);
  }
  lua_pop(L, 2);
}
