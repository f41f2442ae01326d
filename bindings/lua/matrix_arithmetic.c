/* matrix_arithmetic.c: operators, element-wise functions, masks and choices of latent.Matrix. */
#include "lua/binding.h"
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
    latL_error(L, who, "a matrix or a number was expected, got %s", latL_typegot(L, arg));
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
    const char *shape = latL_sides(L, A);
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

/* Pushes op of the `count` matrices, tables or numbers from `first` on, broadcast to one shape;
 * into the `out` of the option table at `options`, if any. */
static int elementwise(lua_State *L, const char *who, lat_operation op, int first, int count,
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
  if (rows * cols < LATL_ASK)
    compute(NULL, op, count, o, &C.view);
  else
    latL_run(L, who, compute, op, count, o, &C.view);
  latL_finish(L, who, &C);
  return 1;
}

/* ---- operators ----------------------------------------------------------------- */

static int operate_on_two(lua_State *L, const latL_Function *f)
{
  return elementwise(L, f->who, (lat_operation)f->kind, 1, 2, 0);
}

static int negative(lua_State *L, const latL_Function *f)
{
  return elementwise(L, f->who, LAT_NEGATIVE, 1, 1, 0);
}

int latL_scale(lua_State *L)
{
  return elementwise(L, "matrix *", LAT_MULTIPLY, 1, 2, 0);
}

/* Lua asks this only for two values that aren't the same one. */
static int equal(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_tomatrix(L, 1), *B = latL_tomatrix(L, 2);
  bool same = A && B && A->vector == B->vector;
  if (same) latL_run(L, f->who, lat_equal, &A->view, &B->view, &same);
  return latL_returnboolean(L, same);
}

/* ---- functions of elements -------------------------------------------------------- */

/* Methods that are one operation, the `kind`, on all arguments. */
static int operate(lua_State *L, const latL_Function *f)
{
  latL_checkmatrix(L, 1, f->who, "A");
  return elementwise(L, f->who, (lat_operation)f->kind, 1, f->arguments, f->arguments + 1);
}

/* A:map(f [, {out=}]): f(x, i, j), for a vector f(x, i). */
static int map(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  if (lua_isnoneornil(L, 2) ||
      (lua_type(L, 2) != LUA_TFUNCTION && !luaL_getmetafield(L, 2, "__call")))
    latL_error(L, who, "f must be a function, got %s", latL_typegot(L, 2));
  lua_settop(L, 3);
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
                   latL_typename(L, -1), (lua_Integer)i + 1, (lua_Integer)j + 1);
      lat_set(&to.view, i, j, lua_tonumber(L, -1));
      lua_pop(L, 1);
    }
  latL_finish(L, who, &to);
  lua_settop(L, result);
  return 1;
}

/* A:where(mask) and A:where(mask, B [, {out=}]) */
static int where(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  const latL_Matrix *mask = latL_checkmatrix(L, 2, who, "mask");
  if (!lua_isnil(L, 3)) {
    lua_pushvalue(L, 1); /* the mask first: mask ? A : B */
    lua_pushvalue(L, 2);
    lua_replace(L, 1);
    lua_replace(L, 2);
    return elementwise(L, who, LAT_SELECT, 1, 3, 4);
  }
  const bool by_rows = mask->vector && !A->vector;
  const bool fits = by_rows ? mask->view.rows == A->view.rows
                            : mask->view.rows == A->view.rows && mask->view.cols == A->view.cols;
  if (!fits) latL_error(L, who, "A is a %s, the mask a %s", latL_shape(L, A), latL_shape(L, mask));
  size_t count;
  latL_run(L, who, lat_count, &mask->view, &count);
  if (count == 0) {
    lua_pushnil(L);
    return 1;
  }
  const latL_Matrix *B = by_rows ? latL_newmatrix(L, count, A->view.cols, A->view.dtype)
                                 : latL_newvector(L, count, A->view.dtype);
  latL_run(L, who, lat_masked, &A->view, &mask->view, &B->view);
  return 1;
}

/* Lua makes one true or false of what a comparison gives, so there is none of elements. */
static int compare(lua_State *L, const latL_Function *f)
{
  const char *ours =
      f->kind == LAT_LESS ? "A:lt(B), that of A > B A:gt(B)" : "A:le(B), that of A >= B A:ge(B)";
  return latL_error(L, f->who, "matrices aren't ordered; the mask is %s", ours);
}

/* clang-format off */
#define UNARY(who, op)  {who, operate, 1, 0, LATL_OPTIONS("out"), .kind = op}
#define BINARY(who, op) {who, operate, 2, 0, LATL_OPTIONS("out"), .kind = op}
const latL_Function latL_matrix_arithmetic_methods[] = {
  {"matrix +", operate_on_two, .name = "__add", .kind = LAT_ADD},
  {"matrix -", operate_on_two, .name = "__sub", .kind = LAT_SUBTRACT},
  {"matrix %", operate_on_two, .name = "__mod", .kind = LAT_MULTIPLY},
  {"matrix /", operate_on_two, .name = "__div", .kind = LAT_DIVIDE},
  {"matrix ^", operate_on_two, .name = "__pow", .kind = LAT_POWER},
  {"-matrix", negative, .name = "__unm"},
  {"matrix ==", equal, .name = "__eq"},
  {"matrix <", compare, .name = "__lt", .kind = LAT_LESS},
  {"matrix <=", compare, .name = "__le", .kind = LAT_LESS_EQUAL},
  BINARY("A:add", LAT_ADD), BINARY("A:sub", LAT_SUBTRACT), BINARY("A:mul", LAT_MULTIPLY),
  BINARY("A:div", LAT_DIVIDE), BINARY("A:pow", LAT_POWER), BINARY("A:minimum", LAT_MINIMUM),
  BINARY("A:maximum", LAT_MAXIMUM), BINARY("A:lt", LAT_LESS), BINARY("A:le", LAT_LESS_EQUAL),
  BINARY("A:gt", LAT_GREATER), BINARY("A:ge", LAT_GREATER_EQUAL), BINARY("A:eq", LAT_EQUAL),
  BINARY("A:ne", LAT_NOT_EQUAL), UNARY("A:neg", LAT_NEGATIVE), UNARY("A:abs", LAT_ABS),
  UNARY("A:sign", LAT_SIGN), UNARY("A:square", LAT_SQUARE), UNARY("A:sqrt", LAT_SQRT),
  UNARY("A:reciprocal", LAT_RECIPROCAL), UNARY("A:floor", LAT_FLOOR), UNARY("A:ceil", LAT_CEIL),
  UNARY("A:round", LAT_ROUND), UNARY("A:exp", LAT_EXP), UNARY("A:expm1", LAT_EXPM1),
  UNARY("A:log", LAT_LOG), UNARY("A:log1p", LAT_LOG1P), UNARY("A:sin", LAT_SIN),
  UNARY("A:cos", LAT_COS), UNARY("A:tanh", LAT_TANH), UNARY("A:sigmoid", LAT_SIGMOID),
  UNARY("A:relu", LAT_RELU), UNARY("A:softplus", LAT_SOFTPLUS), UNARY("A:isnan", LAT_ISNAN),
  UNARY("A:isfinite", LAT_ISFINITE),
  {"A:clamp", operate, 3, 0, LATL_OPTIONS("out"), .kind = LAT_CLAMP},
  {"A:map", map, 2, 0, LATL_OPTIONS("out")},
  {"A:where", where, 3, 0, LATL_OPTIONS("out")},
  LATL_END
};
/* clang-format on */
