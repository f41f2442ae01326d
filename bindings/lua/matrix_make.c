/* matrix_make.c: latent.matrix and its functions that make matrices (zeros, eye, linspace, ...), and
 * the other way round, matrices as text: tostring(A), A:format. */
#include <math.h>

#include "lua/binding.h"
#include "matrix/format.h"

/* The arguments rows, [cols], [options]: pushes the matrix, or a vector when there is no cols. */
static latL_Matrix *sized(lua_State *L, const latL_Function *f)
{
  bool vector = lua_isnil(L, 2);
  size_t rows = latL_checksize(L, 1, f->who, "rows");
  size_t cols = vector ? 1 : latL_checksize(L, 2, f->who, "cols");
  latL_Matrix *A = latL_newmatrix(L, rows, cols, latL_optdtype(L, 3, f->who, LAT_FLOAT64));
  A->vector = vector;
  return A;
}

/* `kind` is the number of the elements. */
static int equal_elements(lua_State *L, const latL_Function *f)
{
  latL_fill(L, f->who, &sized(L, f)->view, f->kind);
  return 1;
}

/* eye(n [, options]) is square. */
static int eye(lua_State *L, const latL_Function *f)
{
  if (lua_isnil(L, 2)) {
    lua_pushvalue(L, 1);
    lua_replace(L, 2);
  }
  latL_Matrix *A = sized(L, f);
  latL_fill(L, f->who, &A->view, 0);
  size_t n = A->view.rows < A->view.cols ? A->view.rows : A->view.cols;
  for (size_t i = 0; i < n; i++) lat_set(&A->view, i, i, 1);
  return 1;
}

static int diag(lua_State *L, const latL_Function *f)
{
  lat_matrix v = latL_checkvector(L, 1, f->who, "v");
  latL_Matrix *A = latL_newmatrix(L, v.rows, v.rows, LAT_FLOAT64);
  latL_fill(L, f->who, &A->view, 0);
  for (size_t i = 0; i < v.rows; i++) lat_set(&A->view, i, i, lat_get(&v, i, 0));
  return 1;
}

static int linspace(lua_State *L, const latL_Function *f)
{
  double a = latL_checknumber(L, 1, f->who, "a"), b = latL_checknumber(L, 2, f->who, "b");
  size_t n = latL_checksize(L, 3, f->who, "n");
  double *x = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  latL_run(L, f->who, lat_linspace, a, b, n, x);
  return 1;
}

static int range(lua_State *L, const latL_Function *f)
{
  double a = latL_checknumber(L, 1, f->who, "a"), b = latL_checknumber(L, 2, f->who, "b");
  double step = lua_isnil(L, 3) ? 1 : latL_checknumber(L, 3, f->who, "step");
  /* a little slack, so that range(0, 1, 0.1) ends with 1 */
  double count = floor((b - a) / step + 1e-10) + 1;
  if (!(step != 0) || !(count >= 1) || !isfinite(count))
    latL_error(L, f->who, "%f to %f by %f has no elements", a, b, step);
  if (count > 9e15) latL_error(L, f->who, "%f elements are too many", count);
  size_t n = (size_t)count;
  double *x = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  latL_run(L, f->who, lat_sequence, a, step, n, x);
  return 1;
}

static void fill_by_function(lua_State *L, int function, const latL_Matrix *A)
{
  lat_workspace *work = latL_workspace(L);
  size_t calls = 0;
  for (size_t i = 0; i < A->view.rows; i++) {
    for (size_t j = 0; j < A->view.cols; j++) {
      if (++calls % 1024 == 0) latL_ask(L, "matrix", work); /* the function may be one of C */
      lua_pushvalue(L, function);
      lua_pushinteger(L, (lua_Integer)i + 1);
      lua_pushinteger(L, (lua_Integer)j + 1);
      lua_call(L, 2, 1);
      lat_set(&A->view, i, j, latL_checknumber(L, -1, "matrix", "the function's result"));
      lua_pop(L, 1);
    }
  }
}

/* matrix(table);  matrix(rows, cols [, value or function(i, j)] [, options]) */
static int construct(lua_State *L)
{
  static const char who[] = "matrix";
  lua_settop(L, 5);
  lua_remove(L, 1); /* the module's table, which was called */
  int first = lua_type(L, 1);
  if (first != LUA_TNUMBER) {
    const latL_Matrix *A = latL_checkmatrix(L, 1, who, "the argument");
    latL_checkoptions(L, 2, who, LATL_NAMES("dtype"));
    lat_dtype dtype = latL_optdtype(L, 2, who, A->view.dtype);
    lua_pushvalue(L, 1);
    if (first == LUA_TTABLE && dtype == A->view.dtype) return 1;
    return latL_pushconverted(L, who, A, dtype);
  }
  int options = lua_type(L, 3) == LUA_TTABLE ? 3 : 4, value = lua_type(L, 3);
  size_t rows = latL_checksize(L, 1, who, "rows"), cols = latL_checksize(L, 2, who, "cols");
  latL_checkoptions(L, options, who, LATL_NAMES("dtype"));
  if (value != LUA_TNIL && value != LUA_TNUMBER && value != LUA_TFUNCTION && value != LUA_TTABLE)
    latL_error(L, who, "the third argument must be a number or a function(i, j), got %s",
               latL_typename(L, 3));
  latL_Matrix *A = latL_newmatrix(L, rows, cols, latL_optdtype(L, options, who, LAT_FLOAT64));
  latL_fill(L, who, &A->view, value == LUA_TNUMBER ? lua_tonumber(L, 3) : 0);
  if (value == LUA_TFUNCTION) fill_by_function(L, 3, A);
  return 1;
}

static int is(lua_State *L, const latL_Function *f)
{
  (void)f;
  return latL_returnboolean(L, latL_tomatrix(L, 1) != NULL);
}

/* ---- text -------------------------------------------------------------------------- */

/* The text is measured first, so that Lua's buffer holds all of it. */
static int push_text(lua_State *L, const latL_Matrix *A, lat_format how)
{
  how.vector = A->vector;
  size_t n = lat_format_matrix(&A->view, how, NULL, 0);
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, n + 1);
  lat_format_matrix(&A->view, how, text, n + 1);
  luaL_pushresultsize(&buffer, n);
  return 1;
}

/* tostring(A), and A:format([options]) */
static int format(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_tomatrix(L, 1);
  if (!A) latL_failself(L, f->who, "matrix");
  lat_format how = LAT_FORMAT_USUAL;
  if (!f->options) return push_text(L, A, how);
  how.digits = (int)latL_optinteger(L, 2, f->who, "digits", how.digits, 0, LAT_DIGITS_MOST);
  how.width = latL_optsize(L, 2, f->who, "width", how.width, 1);
  how.rows = latL_optsize(L, 2, f->who, "rows", how.rows, 1);
  return push_text(L, A, how);
}

static const latL_Function of_text[] = {
    {"tostring", format, .name = "__tostring"},
    {"A:format", format, 1, 0, LATL_OPTIONS("digits", "width", "rows")},
    LATL_END};

static const latL_Function functions[] = {
    {"matrix.zeros", equal_elements, 2, 1, LATL_OPTIONS("dtype"), .kind = 0},
    {"matrix.ones", equal_elements, 2, 1, LATL_OPTIONS("dtype"), .kind = 1},
    {"matrix.eye", eye, 2, 1, LATL_OPTIONS("dtype")},
    {"matrix.diag", diag, .arguments = 1},
    {"matrix.linspace", linspace, .arguments = 3},
    {"matrix.range", range, .arguments = 3},
    {"matrix.is", is, .arguments = 1},
    LATL_END};

void latL_open_matrix_make(lua_State *L)
{
  latL_addtoclass(L, LATL_MATRIX, of_text);
  latL_addtomodule(L, "matrix", functions);
  lua_getfield(L, -1, "matrix");
  latL_setcall(L, construct);
  lua_pop(L, 1);
}
