/* matrix.c: the type latent.Matrix in Lua: construction, indexing, views. */
#include <math.h>
#include <string.h>

#include "lua/binding.h"

/* Every function of the indexing below has the metatable's address as its first upvalue, so that
 * it knows a matrix by one comparison instead of a look-up by name. */
static latL_Matrix *self(lua_State *L, const char *who)
{
  latL_Matrix *A = lua_touserdata(L, 1);
  if (A && lua_getmetatable(L, 1)) {
    const void *kind = lua_topointer(L, -1);
    lua_pop(L, 1);
    if (kind == lua_touserdata(L, lua_upvalueindex(1))) {
      if (A->gone) latL_checkmemory(L, A);
      return A;
    }
  }
  latL_error(L, who, "self must be a matrix, got %s", luaL_typename(L, 1));
  return NULL;
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
  lua_pushnumber(L, A->view.dtype == LAT_FLOAT64 ? *(const double *)place
                                                 : (double)*(const float *)place);
  return 1;
}

static void store(const latL_Matrix *A, void *place, double value)
{
  if (A->view.dtype == LAT_FLOAT64)
    *(double *)place = value;
  else
    *(float *)place = (float)value;
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
  latL_Matrix *A = self(L, "A:set");
  latL_checkwritable(L, A, "A:set", "A");
  void *place = element(L, A, 2, "A:set");
  store(A, place, latL_checknumber(L, A->vector ? 3 : 4, "A:set", "value"));
  lua_settop(L, 1);
  return 1;
}

static int call(lua_State *L)
{
  const latL_Matrix *A = self(L, "A()");
  return push_element(L, A, element(L, A, 2, "A()"));
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

/* Upvalues: the metatable's address, the methods. */
static int index_any(lua_State *L)
{
  const latL_Matrix *A = self(L, "A[]");
  if (lua_type(L, 2) == LUA_TNUMBER)
    return index_integer(L, A, latL_checkinteger(L, 2, "A[i]", "index"));
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(name, "rows") == 0)
    lua_pushinteger(L, (lua_Integer)A->view.rows);
  else if (strcmp(name, "cols") == 0)
    lua_pushinteger(L, (lua_Integer)A->view.cols);
  else if (strcmp(name, "dtype") == 0)
    lua_pushstring(L, A->view.dtype == LAT_FLOAT64 ? "float64" : "float32");
  else
    lua_pushnil(L);
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
static int newindex(lua_State *L)
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
  lua_pushinteger(L, (lua_Integer)self(L, "#A")->view.rows);
  return 1;
}

/* ---- views --------------------------------------------------------------------- */

static int transpose(lua_State *L)
{
  latL_nooptions(L, 2, "A:t");
  latL_Matrix *A = self(L, "A:t");
  latL_newview(L, 1, lat_transpose(A->view), false);
  return 1;
}

static int row(lua_State *L)
{
  latL_nooptions(L, 3, "A:row");
  latL_Matrix *A = self(L, "A:row");
  size_t i = latL_checkindex(L, 2, "A:row", "row", A->view.rows);
  latL_newview(L, 1, lat_row(A->view, i), true);
  return 1;
}

static int col(lua_State *L)
{
  latL_nooptions(L, 3, "A:col");
  latL_Matrix *A = self(L, "A:col");
  size_t j = latL_checkindex(L, 2, "A:col", "column", A->view.cols);
  latL_newview(L, 1, lat_col(A->view, j), true);
  return 1;
}

/* The range at `arg` and `arg + 1`, inclusive; absent is all. */
static size_t range_of(lua_State *L, int arg, const char *what, size_t n, size_t *count)
{
  size_t first = 0, last = n - 1;
  if (!lua_isnoneornil(L, arg)) first = latL_checkindex(L, arg, "A:block", what, n);
  if (!lua_isnoneornil(L, arg + 1)) last = latL_checkindex(L, arg + 1, "A:block", what, n);
  if (first > last)
    latL_error(L, "A:block", "the %s range %I..%I is empty", what, (lua_Integer)first + 1,
               (lua_Integer)last + 1);
  *count = last - first + 1;
  return first;
}

static int block(lua_State *L)
{
  latL_nooptions(L, 6, "A:block");
  latL_Matrix *A = self(L, "A:block");
  size_t rows, cols, r = range_of(L, 2, "row", A->view.rows, &rows);
  size_t c = range_of(L, 4, "column", A->view.cols, &cols);
  latL_newview(L, 1, lat_block_of(A->view, r, c, rows, cols), A->vector);
  return 1;
}

static int diagonal(lua_State *L)
{
  latL_nooptions(L, 2, "A:diag");
  latL_Matrix *A = self(L, "A:diag");
  lat_matrix d = A->view;
  d.rows = d.rows < d.cols ? d.rows : d.cols;
  d.cols = 1;
  d.row_stride += d.col_stride;
  latL_newview(L, 1, d, true);
  return 1;
}

/* Row-major order is kept; a view where the elements are packed, else a copy. */
static int reshape_to(lua_State *L, const char *who, latL_Matrix *A, size_t rows, size_t cols,
                      bool vector)
{
  if (!lat_is_packed(&A->view)) {
    latL_Matrix *copy = latL_newmatrix(L, A->view.rows, A->view.cols, A->view.dtype);
    latL_copy(L, who, &A->view, &copy->view);
    copy->view.rows = rows;
    copy->view.cols = cols;
    copy->view.row_stride = (ptrdiff_t)cols;
    copy->vector = vector;
    return 1;
  }
  lat_matrix view = {A->view.data, rows, cols, (ptrdiff_t)cols, 1, A->view.dtype};
  latL_newview(L, 1, view, vector);
  return 1;
}

static int reshape(lua_State *L)
{
  latL_nooptions(L, 4, "A:reshape");
  latL_Matrix *A = self(L, "A:reshape");
  size_t n = A->view.rows * A->view.cols;
  size_t rows = latL_checksize(L, 2, "A:reshape", "rows");
  bool vector = lua_isnoneornil(L, 3);
  size_t cols = vector ? 1 : latL_checksize(L, 3, "A:reshape", "cols");
  if (rows > n || cols > n || rows * cols != n)
    latL_error(L, "A:reshape", "a %s has %I elements, not %Ix%I", latL_shape(L, A), (lua_Integer)n,
               (lua_Integer)rows, (lua_Integer)cols);
  return reshape_to(L, "A:reshape", A, rows, cols, vector);
}

static int flatten(lua_State *L)
{
  latL_nooptions(L, 2, "A:flatten");
  latL_Matrix *A = self(L, "A:flatten");
  return reshape_to(L, "A:flatten", A, A->view.rows * A->view.cols, 1, true);
}

/* A vector as a matrix of one column, which broadcasts over the columns. */
static int column(lua_State *L)
{
  latL_nooptions(L, 2, "v:column");
  latL_Matrix *A = self(L, "v:column");
  if (!A->vector) latL_error(L, "v:column", "v must be a vector, got a %s", latL_shape(L, A));
  latL_newview(L, 1, A->view, false);
  return 1;
}

/* ---- copies ----------------------------------------------------------------------- */

static int convert(lua_State *L, const char *who, const latL_Matrix *A, lat_dtype dtype)
{
  latL_Matrix *B = latL_newlike(L, A, dtype);
  latL_copy(L, who, &A->view, &B->view);
  return 1;
}

static int copy(lua_State *L)
{
  latL_nooptions(L, 2, "A:copy");
  const latL_Matrix *A = self(L, "A:copy");
  return convert(L, "A:copy", A, A->view.dtype);
}

static int to(lua_State *L)
{
  latL_nooptions(L, 3, "A:to");
  const latL_Matrix *A = self(L, "A:to");
  if (lua_type(L, 2) != LUA_TSTRING)
    latL_error(L, "A:to", "dtype must be \"float64\" or \"float32\", got %s", luaL_typename(L, 2));
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "dtype");
  return convert(L, "A:to", A, latL_optdtype(L, lua_gettop(L), "A:to", LAT_FLOAT64));
}

static int fill(lua_State *L)
{
  latL_nooptions(L, 3, "A:fill");
  latL_Matrix *A = self(L, "A:fill");
  latL_checkwritable(L, A, "A:fill", "A");
  latL_fill(L, "A:fill", &A->view, latL_checknumber(L, 2, "A:fill", "value"));
  lua_settop(L, 1);
  return 1;
}

static int assign(lua_State *L)
{
  latL_nooptions(L, 3, "A:assign");
  latL_Matrix *A = self(L, "A:assign");
  latL_checkwritable(L, A, "A:assign", "A");
  assign_value(L, &A->view, 2, "A:assign");
  lua_settop(L, 1);
  return 1;
}

static int table(lua_State *L)
{
  latL_nooptions(L, 2, "A:table");
  const latL_Matrix *A = self(L, "A:table");
  size_t rows = A->view.rows, cols = A->view.cols;
  lua_createtable(L, rows < INT32_MAX ? (int)rows : 0, 0);
  lat_workspace *work = latL_workspace(L);
  size_t ask = 1 + LATL_ASK / 4 / cols;
  for (size_t i = 0; i < rows; i++) {
    if (i % ask == 0) latL_ask(L, "A:table", work);
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

/* ---- construction ------------------------------------------------------------------- */

/* The arguments rows, [cols], [options]: pushes the matrix, or a vector when there is no cols. */
static latL_Matrix *sized(lua_State *L, const char *who)
{
  static const char *const names[] = {"dtype", NULL};
  bool vector = lua_isnoneornil(L, 2) || lua_type(L, 2) == LUA_TTABLE;
  int options = lua_type(L, 2) == LUA_TTABLE ? 2 : 3;
  lua_settop(L, 3);
  size_t rows = latL_checksize(L, 1, who, "rows");
  size_t cols = vector ? 1 : latL_checksize(L, 2, who, "cols");
  latL_checkoptions(L, options, who, names);
  latL_Matrix *A = latL_newmatrix(L, rows, cols, latL_optdtype(L, options, who, LAT_FLOAT64));
  A->vector = vector;
  return A;
}

static int zeros(lua_State *L)
{
  latL_fill(L, "matrix.zeros", &sized(L, "matrix.zeros")->view, 0);
  return 1;
}

static int ones(lua_State *L)
{
  latL_fill(L, "matrix.ones", &sized(L, "matrix.ones")->view, 1);
  return 1;
}

static int eye(lua_State *L)
{
  if (lua_type(L, 2) != LUA_TNUMBER) { /* eye(n [, options]) is square */
    lua_settop(L, 3);
    if (lua_isnil(L, 2)) lua_remove(L, 2);
    lua_pushvalue(L, 1);
    lua_insert(L, 2);
  }
  latL_Matrix *A = sized(L, "matrix.eye");
  latL_fill(L, "matrix.eye", &A->view, 0);
  size_t n = A->view.rows < A->view.cols ? A->view.rows : A->view.cols;
  for (size_t i = 0; i < n; i++) lat_set(&A->view, i, i, 1);
  return 1;
}

static int diag(lua_State *L)
{
  latL_nooptions(L, 2, "matrix.diag");
  lat_matrix v = latL_checkvector(L, 1, "matrix.diag", "v");
  latL_Matrix *A = latL_newmatrix(L, v.rows, v.rows, LAT_FLOAT64);
  latL_fill(L, "matrix.diag", &A->view, 0);
  for (size_t i = 0; i < v.rows; i++) lat_set(&A->view, i, i, lat_get(&v, i, 0));
  return 1;
}

static int linspace(lua_State *L)
{
  latL_nooptions(L, 4, "matrix.linspace");
  double a = latL_checknumber(L, 1, "matrix.linspace", "a");
  double b = latL_checknumber(L, 2, "matrix.linspace", "b");
  size_t n = latL_checksize(L, 3, "matrix.linspace", "n");
  double *x = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  for (size_t i = 0; i < n; i++) { /* from both ends, so that both are met exactly */
    double t = n > 1 ? (double)i / (double)(n - 1) : 0;
    x[i] = (1 - t) * a + t * b;
    if (i % LATL_ASK == 0) latL_ask(L, "matrix.linspace", work);
  }
  return 1;
}

static int range(lua_State *L)
{
  latL_nooptions(L, 4, "matrix.range");
  double a = latL_checknumber(L, 1, "matrix.range", "a");
  double b = latL_checknumber(L, 2, "matrix.range", "b");
  double step = lua_isnoneornil(L, 3) ? 1 : latL_checknumber(L, 3, "matrix.range", "step");
  /* a little slack, so that range(0, 1, 0.1) ends with 1 */
  double count = floor((b - a) / step + 1e-10) + 1;
  if (!(step != 0) || !(count >= 1) || !isfinite(count))
    latL_error(L, "matrix.range", "%f to %f by %f has no elements", a, b, step);
  if (count > 9e15) latL_error(L, "matrix.range", "%f elements are too many", count);
  size_t n = (size_t)count;
  double *x = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  for (size_t i = 0; i < n; i++) {
    x[i] = a + (double)i * step;
    if (i % LATL_ASK == 0) latL_ask(L, "matrix.range", work);
  }
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
  static const char *const names[] = {"dtype", NULL};
  lua_settop(L, 5);
  lua_remove(L, 1); /* the module's table, which was called */
  int first = lua_type(L, 1);
  if (first != LUA_TNUMBER) {
    const latL_Matrix *A = latL_checkmatrix(L, 1, "matrix", "the argument");
    latL_checkoptions(L, 2, "matrix", names);
    lat_dtype dtype = latL_optdtype(L, 2, "matrix", A->view.dtype);
    lua_pushvalue(L, 1);
    if (first == LUA_TTABLE && dtype == A->view.dtype) return 1;
    return convert(L, "matrix", A, dtype);
  }
  int options = lua_type(L, 3) == LUA_TTABLE ? 3 : 4, value = lua_type(L, 3);
  size_t rows = latL_checksize(L, 1, "matrix", "rows");
  size_t cols = latL_checksize(L, 2, "matrix", "cols");
  latL_checkoptions(L, options, "matrix", names);
  if (value != LUA_TNIL && value != LUA_TNUMBER && value != LUA_TFUNCTION && value != LUA_TTABLE)
    latL_error(L, "matrix", "the third argument must be a number or a function(i, j), got %s",
               luaL_typename(L, 3));
  latL_Matrix *A = latL_newmatrix(L, rows, cols, latL_optdtype(L, options, "matrix", LAT_FLOAT64));
  latL_fill(L, "matrix", &A->view, value == LUA_TNUMBER ? lua_tonumber(L, 3) : 0);
  if (value == LUA_TFUNCTION) fill_by_function(L, 3, A);
  return 1;
}

static int is(lua_State *L)
{
  latL_nooptions(L, 2, "matrix.is");
  lua_pushboolean(L, latL_tomatrix(L, 1) != NULL);
  return 1;
}

/* ---- the module --------------------------------------------------------------------- */

static const luaL_Reg functions[] = {
    {"zeros", zeros},       {"ones", ones},   {"eye", eye}, {"diag", diag},
    {"linspace", linspace}, {"range", range}, {"is", is},   {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"get", get},         {"set", set},       {"row", row},       {"col", col},
    {"block", block},     {"t", transpose},   {"diag", diagonal}, {"reshape", reshape},
    {"flatten", flatten}, {"column", column}, {"copy", copy},     {"to", to},
    {"fill", fill},       {"assign", assign}, {"table", table},   {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__call", call},
    {"__newindex", newindex},
    {"__len", length},
    {NULL, NULL},
};

void latL_open_matrix(lua_State *L)
{
  latL_newmetatable(L, LATL_MATRIX);
  void *identity = (void *)(size_t)lua_topointer(L, -1);
  lua_pushlightuserdata(L, identity);
  luaL_setfuncs(L, metamethods, 1);
  lua_createtable(L, 0, 128);
  lua_pushlightuserdata(L, identity);
  luaL_setfuncs(L, methods, 1);
  lua_pushlightuserdata(L, identity);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, index_any, 2);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -2, "methods");
  lua_pop(L, 1);

  luaL_newlib(L, functions);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, construct);
  lua_setfield(L, -2, "__call");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "matrix");
}
