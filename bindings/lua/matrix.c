/* matrix.c: the type latent.Matrix: made, found among the arguments, and as a result. */
#include "lua/matrix.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "lua/modules.h"
#include "lua/options.h"
#include "lua/state.h"

static const char matrix_key = 0; /* the registry's key of the metatable */
static const char described_key =
    0; /* the same of the table of what is known of data: a matrix -> its fields and,
                                        from 1 on, the values it came with */

/* ---- making them ------------------------------------------------------------ */

/* The header of a matrix and, behind it, `extra` bytes. */
static latL_Matrix *new_header(lua_State *L, size_t extra)
{
  latL_Matrix *A = latL_newelements(L, sizeof(latL_Matrix) + extra);
  *A = (latL_Matrix){0};
  lua_rawgetp(L, LUA_REGISTRYINDEX, &matrix_key);
  lua_setmetatable(L, -2);
  return A;
}

latL_Matrix *latL_newmatrix(lua_State *L, size_t rows, size_t cols, lat_dtype dtype)
{
  size_t size = lat_dtype_size(dtype), limit = (size_t)PTRDIFF_MAX / 2;
  if (rows == 0 || cols == 0) luaL_error(L, "latent: a matrix has at least one row and one column");
  if (rows > limit / cols / size)
    luaL_error(L, "latent: a %Ix%I matrix is more than memory can address", (lua_Integer)rows,
               (lua_Integer)cols);
  size_t bytes = rows * cols * size;
  latL_Matrix *A = new_header(L, bytes + LAT_ALIGNMENT - 1);
  uintptr_t first = (uintptr_t)(A + 1) + LAT_ALIGNMENT - 1;
  A->view.data = (void *)(first - first % LAT_ALIGNMENT);
  lat_memory_advise(A->view.data, bytes);
  A->view.rows = rows;
  A->view.cols = cols;
  A->view.row_stride = (ptrdiff_t)cols;
  A->view.col_stride = 1;
  A->view.dtype = dtype;
  return A;
}

latL_Matrix *latL_newvector(lua_State *L, size_t n, lat_dtype dtype)
{
  latL_Matrix *v = latL_newmatrix(L, n, 1, dtype);
  v->vector = true;
  return v;
}

latL_Matrix *latL_newlike(lua_State *L, const latL_Matrix *like, lat_dtype dtype)
{
  bool vector = like->vector;
  latL_Matrix *A = latL_newmatrix(L, like->view.rows, like->view.cols, dtype);
  A->vector = vector;
  return A;
}

int latL_pushconverted(lua_State *L, const char *who, const latL_Matrix *A, lat_dtype dtype)
{
  latL_Matrix *B = latL_newlike(L, A, dtype);
  latL_copy(L, who, &A->view, &B->view);
  return 1;
}

/* The user value of a view is the owner of the memory, never another view: so a chain of views
 * keeps one thing alive. */
latL_Matrix *latL_newview(lua_State *L, int owner, lat_matrix view, bool vector)
{
  owner = lua_absindex(L, owner);
  const latL_Matrix *from = latL_tomatrix(L, owner);
  latL_Matrix *A = new_header(L, 0);
  A->view = view;
  A->vector = vector;
  A->readonly = from && from->readonly;
  A->gone = from ? from->gone : NULL;
  if (!from || lua_getiuservalue(L, owner, 1) == LUA_TNIL) {
    if (from) lua_pop(L, 1);
    lua_pushvalue(L, owner);
  }
  lua_setiuservalue(L, -2, 1);
  return A;
}

void latL_newviews(lua_State *L, int owner, double *data, size_t count, size_t rows, size_t cols)
{
  lua_createtable(L, (int)count, 0);
  lat_workspace *work = latL_workspace(L);
  for (size_t i = 0; i < count; i++) {
    if (i % 4096 == 4095) latL_ask(L, "latent", work);
    latL_newview(L, owner, lat_matrix_of(data + i * rows * cols, rows, cols), false);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* As luaL_testudata, whose look-up by name would take longer. */
latL_Matrix *latL_tomatrix(lua_State *L, int arg)
{
  latL_Matrix *A = lua_touserdata(L, arg);
  if (!A || !lua_getmetatable(L, arg)) return NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &matrix_key);
  const bool is_matrix = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (!is_matrix) return NULL;
  if (A->gone) latL_checkmemory(L, A);
  return A;
}

void latL_checkmemory(lua_State *L, const latL_Matrix *A)
{
  if (A->gone && *A->gone)
    latL_error(L, "latent",
               "the memory of this matrix has been given back: the application has taken it, or it "
               "was collected before this finalizer ran");
}

/* Fills row i of A from the table or vector on the top of the stack, and pops it. */
static void fill_row(lua_State *L, latL_Matrix *A, size_t i, const char *who, const char *name)
{
  size_t cols = A->view.cols;
  const latL_Matrix *v = latL_tomatrix(L, -1);
  if (!(v && v->vector) && lua_type(L, -1) != LUA_TTABLE)
    latL_error(L, who, "row %I of %s is a %s, not a table of numbers", (lua_Integer)i + 1, name,
               latL_typename(L, -1));
  size_t n = v ? v->view.rows : lua_rawlen(L, -1);
  if (n != cols)
    latL_error(L, who, "row %I of %s has %I numbers, row 1 has %I", (lua_Integer)i + 1, name,
               (lua_Integer)n, (lua_Integer)cols);
  double *to = (double *)A->view.data + (ptrdiff_t)(i * cols);
  for (size_t j = 0; j < cols; j++) {
    if (v) {
      to[j] = lat_get(&v->view, j, 0);
      continue;
    }
    if (lua_rawgeti(L, -1, (lua_Integer)j + 1) != LUA_TNUMBER)
      latL_error(L, who, "row %I, column %I of %s is a %s, not a number", (lua_Integer)i + 1,
                 (lua_Integer)j + 1, name, latL_typename(L, -1));
    to[j] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Pushes the matrix of the table at `arg`. */
static latL_Matrix *from_table(lua_State *L, int arg, const char *who, const char *name)
{
  size_t n = lua_rawlen(L, arg);
  if (n == 0 && luaL_getmetafield(L, arg, LATL_TABLE) == LUA_TSTRING)
    latL_error(L, who, "%s must be a matrix, got %s", name, latL_typename(L, arg));
  if (n == 0) latL_error(L, who, "%s is an empty table", name);
  int kind = lua_rawgeti(L, arg, 1);
  if (kind == LUA_TNUMBER) {
    latL_Matrix *v = latL_newvector(L, n, LAT_FLOAT64);
    lua_remove(L, -2);
    double *to = v->view.data;
    for (size_t i = 0; i < n; i++) {
      if (lua_rawgeti(L, arg, (lua_Integer)i + 1) != LUA_TNUMBER)
        latL_error(L, who, "element %I of %s is a %s, not a number", (lua_Integer)i + 1, name,
                   latL_typename(L, -1));
      to[i] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
    return v;
  }
  const latL_Matrix *first = latL_tomatrix(L, -1);
  size_t cols = first ? first->view.rows : kind == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
  if (!(first && first->vector) && kind != LUA_TTABLE)
    latL_error(L, who, "%s must be a table of numbers or of rows; its first element is a %s", name,
               latL_typename(L, -1));
  if (cols == 0) latL_error(L, who, "row 1 of %s is empty", name);
  latL_Matrix *A = latL_newmatrix(L, n, cols, LAT_FLOAT64);
  lua_remove(L, -2);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i + 1);
    fill_row(L, A, i, who, name);
  }
  return A;
}

latL_Matrix *latL_checkmatrix(lua_State *L, int arg, const char *who, const char *name)
{
  arg = lua_absindex(L, arg);
  latL_Matrix *A = latL_tomatrix(L, arg);
  if (A) return A;
  if (lua_type(L, arg) == LUA_TTABLE) {
    A = from_table(L, arg, who, name);
    lua_replace(L, arg);
    return A;
  }
  latL_checkread(L, arg, who);
  const char *read =
      lua_type(L, arg) == LUA_TSTRING ? "; latent.read(path) gives that of a file" : "";
  latL_error(L, who, "%s must be a matrix, got %s%s", name, latL_typegot(L, arg), read);
  return NULL;
}

lat_matrix latL_checkvector(lua_State *L, int arg, const char *who, const char *name)
{
  const latL_Matrix *A = latL_checkmatrix(L, arg, who, name);
  if (A->view.rows != 1 && A->view.cols != 1)
    latL_error(L, who, "%s must be a vector, got a %s", name, latL_shape(L, A));
  lat_matrix v = A->view.cols == 1 ? A->view : lat_transpose(A->view);
  if (v.dtype == LAT_FLOAT64) return v;
  latL_Matrix *wide = latL_newvector(L, v.rows, LAT_FLOAT64);
  lat_copy(&v, &wide->view);
  v = wide->view;
  lua_replace(L, arg);
  return v;
}

/* A number for a message: a whole one without ".0". */
static const char *numeral(lua_State *L, double x)
{
  lua_Integer n = 0;
  const bool whole = lua_numbertointeger(x, &n) && (double)n == x;
  return whole ? lua_pushfstring(L, "%I", n) : lua_pushfstring(L, "%f", x);
}

size_t *latL_checkplaces(lua_State *L, int arg, const char *who, const char *what, size_t n,
                         bool from_end, size_t *count)
{
  const lat_matrix list =
      latL_checkvector(L, arg, who, from_end ? "list" : lua_pushfstring(L, "%ss", what));
  size_t *places = lua_newuserdatauv(L, list.rows * sizeof *places, 0);
  lat_workspace *work = latL_workspace(L);
  *count = list.rows;
  for (size_t k = 0; k < list.rows; k++) {
    const double number = lat_get(&list, k, 0);
    const double i = from_end && number < 0 ? number + (double)n + 1 : number;
    const bool good = i >= 1 && i <= (double)n && i == floor(i);
    if (!good && !from_end)
      latL_error(L, who, "%s %s is none of 1..%I", what, numeral(L, number), (lua_Integer)n);
    if (!good)
      latL_error(L, who, "%s %s (element %I of the list) is outside 1..%I%s", what,
                 numeral(L, number), (lua_Integer)k + 1, (lua_Integer)n,
                 number == 0 ? "; rows of a mask are A:where(mask)" : "");
    places[k] = (size_t)i - 1;
    if (k % LATL_ASK == 0) latL_ask(L, who, work);
  }
  return places;
}

void latL_checkwritable(lua_State *L, const latL_Matrix *A, const char *who, const char *name)
{
  if (A->readonly)
    latL_error(L, who, "%s is a mapped file and can't be written: copy() it first", name);
}

const char *latL_sides(lua_State *L, const latL_Matrix *A)
{
  if (A->vector) return lua_pushfstring(L, "vector of %I", (lua_Integer)A->view.rows);
  return lua_pushfstring(L, "%Ix%I", (lua_Integer)A->view.rows, (lua_Integer)A->view.cols);
}

const char *latL_shape(lua_State *L, const latL_Matrix *A)
{
  return lua_pushfstring(L, A->vector ? "%s" : "%s matrix", latL_sides(L, A));
}

/* ---- results ------------------------------------------------------------------ */

static bool same_view(const lat_matrix *A, const lat_matrix *B)
{
  return A->data == B->data && A->dtype == B->dtype && A->rows == B->rows && A->cols == B->cols &&
         (A->rows == 1 || A->row_stride == B->row_stride) &&
         (A->cols == 1 || A->col_stride == B->col_stride);
}

/* Whether the value at `at` has elements that a result in `out` would overwrite: a matrix, or what
 * a model keeps in matrices, its parameters above all. */
static bool meets(lua_State *L, int at, const lat_matrix *out, latL_Sharing sharing)
{
  const latL_Matrix *A = latL_tomatrix(L, at);
  if (A)
    return lat_overlaps(&A->view, out) &&
           !(sharing == LATL_SAME_PLACES && same_view(&A->view, out));
  if (lua_type(L, at) != LUA_TUSERDATA) return false;
  const int top = lua_gettop(L); /* getiuservalue pushes nil also where there is none */
  bool found = false;
  for (int i = 1; !found && lua_getiuservalue(L, at, i) != LUA_TNONE; i++) {
    const latL_Matrix *kept = latL_tomatrix(L, -1);
    found = kept && lat_overlaps(&kept->view, out);
    lua_settop(L, top);
  }
  lua_settop(L, top);
  return found;
}

/* The same of all arguments, and of the other options; `out` itself is on the top. */
static bool meets_any(lua_State *L, int options, const lat_matrix *out, latL_Sharing sharing)
{
  int top = lua_gettop(L);
  bool found = false;
  luaL_checkstack(L, 4, NULL);
  for (int at = 1; !found && at < top; at++) found = meets(L, at, out, sharing);
  lua_pushliteral(L, "out");
  for (lua_pushnil(L); !found && lua_next(L, options); lua_pop(L, 1))
    found = !lua_rawequal(L, -2, top + 1) && meets(L, lua_gettop(L), out, sharing);
  lua_settop(L, top);
  return found;
}

/* Pushes what is given; its type. */
static int push_out(lua_State *L, latL_Out out)
{
  int type = latL_getoption(L, out.options, "out");
  if (out.place == 0 || (type != LUA_TTABLE && out.place == 1)) return type;
  if (type == LUA_TTABLE)
    type = lua_rawgeti(L, -1, out.place);
  else
    lua_pushnil(L), type = LUA_TNIL;
  lua_remove(L, -2);
  return type;
}

bool latL_hasout(lua_State *L, latL_Out out)
{
  int type = push_out(L, out);
  lua_pop(L, 1);
  return type != LUA_TNIL;
}

latL_Result latL_result(lua_State *L, int options, const char *who, size_t rows, size_t cols,
                        bool vector, lat_dtype dtype, latL_Sharing sharing)
{
  return latL_resultof(L, (latL_Out){options, 0}, who, rows, cols, vector, dtype, sharing);
}

latL_Result latL_resultof(lua_State *L, latL_Out of, const char *who, size_t rows, size_t cols,
                          bool vector, lat_dtype dtype, latL_Sharing sharing)
{
  latL_Result r = {.target = {0}};
  if (push_out(L, of) == LUA_TNIL) {
    lua_pop(L, 1);
    latL_Matrix *fresh = latL_newmatrix(L, rows, cols, dtype);
    fresh->vector = vector;
    r.view = fresh->view;
    return r;
  }
  const latL_Matrix *out = latL_tomatrix(L, -1);
  if (!out) latL_error(L, who, "out must be a matrix, got %s", latL_typename(L, -1));
  latL_checkwritable(L, out, who, "out");
  r.view = out->view;
  if (r.view.rows != rows || r.view.cols != cols || r.view.dtype != dtype)
    latL_error(L, who, "out is a %s %s, the result is %Ix%I %s", latL_shape(L, out),
               latL_dtypename(r.view.dtype), (lua_Integer)rows, (lua_Integer)cols,
               latL_dtypename(dtype));
  if (sharing == LATL_ANY_PLACES || !meets_any(L, of.options, &r.view, sharing)) return r;
  r.target = r.view;
  r.view = latL_newmatrix(L, rows, cols, dtype)->view;
  lua_insert(L, -2);
  return r;
}

void latL_finish(lua_State *L, const char *who, const latL_Result *r)
{
  if (r->target.data) latL_copy(L, who, &r->view, &r->target);
}

/* ---- what is known of the data ------------------------------------------------ */

/* Pushes the table of the matrix at `matrix`; false, and nothing, when it has none. */
static bool push_described(lua_State *L, int matrix)
{
  matrix = lua_absindex(L, matrix);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &described_key);
  lua_pushvalue(L, matrix);
  bool found = lua_rawget(L, -2) == LUA_TTABLE;
  lua_remove(L, -2);
  if (!found) lua_pop(L, 1);
  return found;
}

/* The same, made if need be. */
static void make_described(lua_State *L, int matrix)
{
  if (push_described(L, matrix)) return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &described_key);
  lua_newtable(L);
  lua_pushvalue(L, matrix);
  lua_pushvalue(L, -2);
  lua_rawset(L, -4);
  lua_remove(L, -2);
}

/* What a matrix's fields are called in a table of information; `also` where there is no `of`. */
static const struct {
  const char *name, *of, *also;
} fields[] = {{"names", "columns", NULL},
              {"labels", "codes", "labels"},
              {"classes", "classes", NULL},
              {"text", "text", NULL},
              {"source", "source", NULL}};
enum { FIELDS = sizeof fields / sizeof *fields };

void latL_setabout(lua_State *L, int matrix, int about)
{
  matrix = lua_absindex(L, matrix);
  about = lua_absindex(L, about);
  luaL_setmetatable(L, LATL_ABOUT);
  make_described(L, matrix);
  for (int i = 0; i < FIELDS; i++) {
    if (latL_getoption(L, about, fields[i].of) == LUA_TNIL && fields[i].also) {
      lua_pop(L, 1);
      latL_getoption(L, about, fields[i].also);
    }
    if (lua_isnil(L, -1))
      lua_pop(L, 1);
    else
      lua_setfield(L, -2, fields[i].name);
  }
  lua_pop(L, 1);
}

bool latL_isdescribed(lua_State *L, int matrix)
{
  bool found = push_described(L, matrix);
  if (found) lua_pop(L, 1);
  return found;
}

bool latL_pushdescribed(lua_State *L, int matrix, const char *name)
{
  int i = 0;
  while (i < FIELDS && strcmp(fields[i].name, name) != 0) i++;
  if (i == FIELDS) return false;
  if (push_described(L, matrix)) {
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
  } else {
    lua_pushnil(L);
  }
  return true;
}

size_t latL_columnnamed(lua_State *L, int matrix, int arg, const char *who)
{
  const char *word = lua_tostring(L, arg);
  size_t cols = latL_tomatrix(L, matrix)->view.cols, count = 0;
  int top = lua_gettop(L);
  if (!latL_pushdescribed(L, matrix, "names") || !lua_istable(L, -1))
    latL_error(L, who, "column '%s': the columns of this matrix have no names", word);
  const char **words = lua_newuserdatauv(L, (cols + 1) * sizeof *words, 0);
  for (size_t j = 0; j < cols; j++, lua_pop(L, 1))
    if (lua_rawgeti(L, -2, (lua_Integer)j + 1) == LUA_TSTRING) {
      words[count] = lua_tostring(L, -1); /* the table keeps it */
      if (strcmp(words[count++], word) == 0) {
        lua_settop(L, top);
        return j;
      }
    }
  words[count] = NULL;
  return (size_t)latL_failunknown(L, who, "column", word, words);
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* Whether the value at `arg` came with the matrix at `data`. */
static bool came_with(lua_State *L, int data, int arg)
{
  if (!lua_isuserdata(L, arg) && !lua_istable(L, arg)) return false;
  if (!lua_isuserdata(L, data) || !push_described(L, data)) return false;
  int described = lua_gettop(L);
  bool found = false;
  for (lua_Integer i = 1; !found && lua_rawgeti(L, described, i) != LUA_TNIL; i++, lua_pop(L, 1))
    found = lua_rawequal(L, -1, arg);
  lua_getfield(L, described, "labels");
  found = found || lua_rawequal(L, -1, arg);
  lua_settop(L, described - 1);
  return found;
}

void latL_takedata(lua_State *L, int data, const char *who)
{
  latL_checkread(L, data, who);
  for (int at = data + 1; at <= lua_gettop(L);) {
    bool labels = lua_isuserdata(L, at) && at < lua_gettop(L) && latL_isabout(L, at + 1);
    if (labels || latL_isabout(L, at) || came_with(L, data, at))
      lua_remove(L, at);
    else
      at++;
  }
}

/* ---- for the parts in Lua -------------------------------------------------------------------- */

/* latent._describe(X, about, ...) -> X, ...: what comes behind the matrix X, whose fields are those of `about`; the
 * tables among them are of information. */
static int describe(lua_State *L)
{
  if (!latL_tomatrix(L, 1)) return luaL_error(L, "latent._describe: X must be a matrix");
  luaL_checktype(L, 2, LUA_TTABLE);
  while (lua_gettop(L) > 2 && lua_isnil(L, -1)) lua_pop(L, 1);
  lua_pushvalue(L, 2);
  latL_setabout(L, 1, -1);
  lua_pop(L, 1);
  lua_remove(L, 2);
  int top = lua_gettop(L);
  make_described(L, 1);
  for (int at = 2; at <= top; at++) {
    lua_pushvalue(L, at);
    if (lua_istable(L, -1) && !latL_isabout(L, -1)) luaL_setmetatable(L, LATL_ABOUT);
    lua_rawseti(L, -2, at - 1);
  }
  lua_settop(L, top);
  return top;
}

/* latent._is_about(x) */
static int is_about(lua_State *L)
{
  lua_pushboolean(L, latL_isabout(L, 1));
  return 1;
}

/* A table as bindings/latent/summary.lua shows it, where that is to be had. */
static int show_table(lua_State *L)
{
  lua_settop(L, 1);
  if (!lua_istable(L, 1)) return latL_failself(L, "tostring", "table");
  if (!latL_findpart(L, "latent.summary")) {
    lua_pushfstring(L, "table: %p", lua_topointer(L, 1));
    return 1;
  }
  lua_getfield(L, -1, "fields");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

void latL_open_matrix(lua_State *L)
{
  static const char *const shown[] = {LATL_ABOUT, LATL_RESULTS};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    latL_newmetatable(L, shown[i]);
    lua_pushcfunction(L, show_table);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, latL_absentresult);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
  }
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &described_key);
  lua_pushcfunction(L, describe);
  lua_setfield(L, -2, "_describe");
  lua_pushcfunction(L, is_about);
  lua_setfield(L, -2, "_is_about");

  latL_newmetatable(L, LATL_MATRIX);
  lua_createtable(L, 0, 128);
  lua_setfield(L, -2, "methods");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &matrix_key);
}
