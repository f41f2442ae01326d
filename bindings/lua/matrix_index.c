/* matrix_index.c: elements, views and copies of latent.Matrix. */
#include <string.h>

#include "lua/binding.h"

/* A matrix is known by its metatable's address, an upvalue, which is one comparison instead of a
 * look-up by name. */
static latL_Matrix *self(lua_State *L, const char *who)
{
  latL_Matrix *A = latL_self(L);
  if (!A) latL_failself(L, who, "matrix");
  if (A->gone) latL_checkmemory(L, A);
  return A;
}

/* The same, to be written to. */
static latL_Matrix *writable_self(lua_State *L, const char *who)
{
  latL_Matrix *A = self(L, who);
  latL_checkwritable(L, A, who, "A");
  return A;
}

/* ---- elements ---------------------------------------------------------------- */

/* The address of the element that the numbers at `arg` (and after it, for a matrix) name. */
static void *element(lua_State *L, const latL_Matrix *A, int arg, const char *who)
{
  size_t i = latL_checkindex(L, arg, who, A->vector ? "index" : "row", A->view.rows);
  ptrdiff_t offset = (ptrdiff_t)i * A->view.row_stride;
  if (!A->vector) {
    size_t j = latL_checkindex(L, arg + 1, who, "column", A->view.cols);
    offset += (ptrdiff_t)j * A->view.col_stride;
  }
  return (char *)A->view.data + offset * (ptrdiff_t)lat_dtype_size(A->view.dtype);
}

static int push_element(lua_State *L, const latL_Matrix *A, const void *place)
{
  return latL_returnnumber(L, A->view.dtype == LAT_FLOAT64 ? *(const double *)place
                                                           : (double)*(const float *)place);
}

static int call(lua_State *L)
{
  const latL_Matrix *A = self(L, "A()");
  if (lua_isnoneornil(L, 2) || lua_isuserdata(L, 2)) /* model:means(), model.means() */
    latL_error(L, "A()",
               "%s must be an integer, got %s; a matrix itself, such as a model's field, has no "
               "parentheses",
               A->vector ? "index" : "row", latL_got(L, 2));
  return push_element(L, A, element(L, A, 2, "A()"));
}

static int get(lua_State *L)
{
  latL_nooptions(L, 4, "A:get");
  const latL_Matrix *A = self(L, "A:get");
  return push_element(L, A, element(L, A, 2, "A:get"));
}

static int set(lua_State *L)
{
  latL_nooptions(L, 5, "A:set");
  latL_Matrix *A = writable_self(L, "A:set");
  void *place = element(L, A, 2, "A:set");
  double value = latL_checknumber(L, A->vector ? 3 : 4, "A:set", "value");
  if (A->view.dtype == LAT_FLOAT64)
    *(double *)place = value;
  else
    *(float *)place = (float)value;
  return latL_returnself(L);
}

/* A[i]: a number of a vector, a row of a matrix; nil just past the end, which ends ipairs. */
static int index_integer(lua_State *L, const latL_Matrix *A, lua_Integer i)
{
  lua_Integer n = (lua_Integer)A->view.rows;
  if (i == n + 1) {
    lua_pushnil(L);
    return 1;
  }
  if (i < 0) i += n + 1;
  if (i < 1 || i > n) latL_error(L, "A[i]", "index %I is outside 1..%I", lua_tointeger(L, 2), n);
  if (!A->vector) {
    latL_newview(L, 1, lat_row(A->view, (size_t)i - 1), true);
    return 1;
  }
  ptrdiff_t offset = (ptrdiff_t)(i - 1) * A->view.row_stride;
  return push_element(L, A,
                      (char *)A->view.data + offset * (ptrdiff_t)lat_dtype_size(A->view.dtype));
}

/* Upvalues: the methods, the metatable's address. */
static int index_any(lua_State *L)
{
  const latL_Matrix *A = self(L, "A[]");
  if (lua_type(L, 2) == LUA_TNUMBER)
    return index_integer(L, A, latL_checkinteger(L, 2, "A[i]", "index"));
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (lua_type(L, 2) != LUA_TSTRING)
    latL_error(L, "A[i]", "index must be an integer or a name, got %s", latL_got(L, 2));
  const char *name = lua_tostring(L, 2);
  if (strcmp(name, "rows") == 0)
    lua_pushinteger(L, (lua_Integer)A->view.rows);
  else if (strcmp(name, "cols") == 0)
    lua_pushinteger(L, (lua_Integer)A->view.cols);
  else if (strcmp(name, "dtype") == 0)
    lua_pushstring(L, latL_dtypename(A->view.dtype));
  else
    return latL_pushdescribed(L, 1, name) ? 1 : latL_absent(L, LATL_MATRIX, true);
  return 1;
}

/* target := the number, vector, matrix or table at `arg`; a number or a row is repeated. */
static void assign_value(lua_State *L, const lat_matrix *target, int arg, const char *who)
{
  if (lua_type(L, arg) == LUA_TNUMBER) {
    latL_fill(L, who, target, lua_tonumber(L, arg));
    return;
  }
  const latL_Matrix *B = latL_checkmatrix(L, arg, who, "value");
  lat_matrix from = B->view;
  if (B->vector && target->cols != 1) from = lat_transpose(from);
  if (from.rows == 1) from.rows = target->rows, from.row_stride = 0;
  if (from.cols == 1) from.cols = target->cols, from.col_stride = 0;
  if (from.rows != target->rows || from.cols != target->cols)
    latL_error(L, who, "a %s doesn't fit into %Ix%I elements", latL_shape(L, B),
               (lua_Integer)target->rows, (lua_Integer)target->cols);
  if (lat_overlaps(&from, target)) {
    latL_Matrix *copy = latL_newmatrix(L, from.rows, from.cols, from.dtype);
    latL_copy(L, who, &from, &copy->view);
    from = copy->view;
  }
  latL_copy(L, who, &from, target);
}

/* v[i] = number;  A[i] = number, vector or table */
static int set_index(lua_State *L)
{
  latL_Matrix *A = self(L, "A[i] =");
  if (lua_type(L, 2) != LUA_TNUMBER)
    latL_error(L, "A[i] =", "a matrix has no field %s to set", latL_got(L, 2));
  latL_checkwritable(L, A, "A[i] =", "A");
  size_t i = latL_checkindex(L, 2, "A[i] =", "index", A->view.rows);
  if (A->vector) {
    lat_set(&A->view, i, 0, latL_checknumber(L, 3, "v[i] =", "value"));
  } else {
    lat_matrix row = lat_block_of(A->view, i, 0, 1, A->view.cols);
    assign_value(L, &row, 3, "A[i] =");
  }
  return 0;
}

static int length(lua_State *L)
{
  return latL_returninteger(L, (lua_Integer)self(L, "#A")->view.rows);
}

/* ---- views --------------------------------------------------------------------- */

static int push_view(lua_State *L, lat_matrix view, bool vector)
{
  latL_newview(L, 1, view, vector);
  return 1;
}

static int transpose(lua_State *L, const latL_Function *f)
{
  return push_view(L, lat_transpose(self(L, f->who)->view), false);
}

enum { ROW, COLUMN };

static int line(lua_State *L, const latL_Function *f)
{
  const lat_matrix A = self(L, f->who)->view;
  if (f->kind == ROW)
    return push_view(L, lat_row(A, latL_checkindex(L, 2, f->who, "row", A.rows)), true);
  size_t j = lua_type(L, 2) == LUA_TSTRING ? latL_columnnamed(L, 1, 2, f->who)
                                           : latL_checkindex(L, 2, f->who, "column", A.cols);
  return push_view(L, lat_col(A, j), true);
}

/* The range at `arg` and `arg + 1`, inclusive; absent is all. */
static size_t range_of(lua_State *L, int arg, const char *who, const char *what, size_t n,
                       size_t *count)
{
  size_t first = 0, last = n - 1;
  if (!lua_isnoneornil(L, arg)) first = latL_checkindex(L, arg, who, what, n);
  if (!lua_isnoneornil(L, arg + 1)) last = latL_checkindex(L, arg + 1, who, what, n);
  if (first > last)
    latL_error(L, who, "the %s range %I..%I is empty", what, (lua_Integer)first + 1,
               (lua_Integer)last + 1);
  *count = last - first + 1;
  return first;
}

static int block(lua_State *L, const latL_Function *f)
{
  latL_Matrix *A = self(L, f->who);
  size_t rows, cols, r = range_of(L, 2, f->who, "row", A->view.rows, &rows);
  size_t c = range_of(L, 4, f->who, "column", A->view.cols, &cols);
  return push_view(L, lat_block_of(A->view, r, c, rows, cols), A->vector);
}

static int diagonal(lua_State *L, const latL_Function *f)
{
  lat_matrix d = self(L, f->who)->view;
  d.rows = d.rows < d.cols ? d.rows : d.cols;
  d.cols = 1;
  d.row_stride += d.col_stride;
  return push_view(L, d, true);
}

/* Row-major order is kept; a view where the elements are packed, else a copy. */
static int reshape_to(lua_State *L, const char *who, latL_Matrix *A, size_t rows, size_t cols,
                      bool vector)
{
  lat_matrix view = {A->view.data, rows, cols, (ptrdiff_t)cols, 1, A->view.dtype};
  if (lat_is_packed(&A->view)) return push_view(L, view, vector);
  latL_Matrix *copy = latL_newmatrix(L, A->view.rows, A->view.cols, A->view.dtype);
  latL_copy(L, who, &A->view, &copy->view);
  view.data = copy->view.data;
  copy->view = view;
  copy->vector = vector;
  return 1;
}

static int reshape(lua_State *L, const latL_Function *f)
{
  latL_Matrix *A = self(L, f->who);
  size_t n = A->view.rows * A->view.cols;
  size_t rows = latL_checksize(L, 2, f->who, "rows");
  bool vector = lua_isnil(L, 3);
  size_t cols = vector ? 1 : latL_checksize(L, 3, f->who, "cols");
  if (rows > n || cols > n || rows * cols != n)
    latL_error(L, f->who, "a %s has %I elements, not %Ix%I", latL_shape(L, A), (lua_Integer)n,
               (lua_Integer)rows, (lua_Integer)cols);
  return reshape_to(L, f->who, A, rows, cols, vector);
}

static int flatten(lua_State *L, const latL_Function *f)
{
  latL_Matrix *A = self(L, f->who);
  return reshape_to(L, f->who, A, A->view.rows * A->view.cols, 1, true);
}

/* A vector as a matrix of one column, which broadcasts over the columns. */
static int column(lua_State *L, const latL_Function *f)
{
  latL_Matrix *A = self(L, f->who);
  if (!A->vector) latL_error(L, f->who, "v must be a vector, got a %s", latL_shape(L, A));
  return push_view(L, A->view, false);
}

/* ---- copies ----------------------------------------------------------------------- */

static int copy(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = self(L, f->who);
  return latL_pushconverted(L, f->who, A, A->view.dtype);
}

static int to(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = self(L, f->who);
  if (lua_type(L, 2) != LUA_TSTRING)
    latL_error(L, f->who, "dtype must be \"float64\" or \"float32\", got %s", latL_typename(L, 2));
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "dtype");
  return latL_pushconverted(L, f->who, A, latL_optdtype(L, lua_gettop(L), f->who, LAT_FLOAT64));
}

static int fill(lua_State *L, const latL_Function *f)
{
  latL_Matrix *A = writable_self(L, f->who);
  latL_fill(L, f->who, &A->view, latL_checknumber(L, 2, f->who, "value"));
  return latL_returnself(L);
}

static int assign(lua_State *L, const latL_Function *f)
{
  assign_value(L, &writable_self(L, f->who)->view, 2, f->who);
  return latL_returnself(L);
}

static int table(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = self(L, f->who);
  size_t rows = A->view.rows, cols = A->view.cols;
  lua_createtable(L, rows < INT32_MAX ? (int)rows : 0, 0);
  lat_workspace *work = latL_workspace(L);
  size_t ask = 1 + LATL_ASK / 4 / cols;
  for (size_t i = 0; i < rows; i++) {
    if (i % ask == 0) latL_ask(L, f->who, work);
    if (A->vector) {
      lua_pushnumber(L, lat_get(&A->view, i, 0));
    } else {
      lua_createtable(L, cols < INT32_MAX ? (int)cols : 0, 0);
      for (size_t j = 0; j < cols; j++) {
        lua_pushnumber(L, lat_get(&A->view, i, j));
        lua_rawseti(L, -2, (lua_Integer)j + 1);
      }
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int pairs(lua_State *L)
{
  self(L, "pairs");
  return latL_pairsbynumber(L);
}

static const latL_Function functions[] = {{"A()", .direct = call, .name = "__call"},
                                          {"pairs", .direct = pairs, .name = "__pairs"},
                                          {"A[i] =", .direct = set_index, .name = "__newindex"},
                                          {"#A", .direct = length, .name = "__len"},
                                          {"A:get", .direct = get},
                                          {"A:set", .direct = set},
                                          {"A:row", line, .arguments = 2, .kind = ROW},
                                          {"A:col", line, .arguments = 2, .kind = COLUMN},
                                          {"A:block", block, .arguments = 5},
                                          {"A:t", transpose, .arguments = 1},
                                          {"A:diag", diagonal, .arguments = 1},
                                          {"A:reshape", reshape, .arguments = 3},
                                          {"A:flatten", flatten, .arguments = 1},
                                          {"v:column", column, .arguments = 1},
                                          {"A:copy", copy, .arguments = 1},
                                          {"A:to", to, .arguments = 2},
                                          {"A:fill", fill, .arguments = 2},
                                          {"A:assign", assign, .arguments = 2},
                                          {"A:table", table, .arguments = 1},
                                          LATL_END};

void latL_open_matrix_index(lua_State *L)
{
  latL_addtoclass(L, LATL_MATRIX, functions);
  luaL_getmetatable(L, LATL_MATRIX);
  lua_getfield(L, -1, "methods");
  lua_pushlightuserdata(L, (void *)(uintptr_t)lua_topointer(L, -2));
  lua_pushcclosure(L, index_any, 2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
