/* host/matrices.c: the host's memory as matrices in Lua, and Lua's matrices as views for the host. */
#include <stdint.h>

#include "host/host.h"
#include "lua/matrix.h"

#define PUSH "lat_lua_push_matrix"

/* ---- memory of the host's -------------------------------------------------------------------- */

/* Gives memory back, once. It is the user value of the matrix and of all views of it, so that it is
 * there as long as one of these is. */
typedef struct owner {
  lat_lua_release *release; /* or NULL */
  void *context;
  size_t bytes; /* those that the collector has been told of */
  bool gone;
} owner;

#define OWNER "latent.HostMemory"

/* The release may raise, so that all else comes first. */
static bool give_back(lua_State *L, owner *o)
{
  if (o->gone) return false;
  o->gone = true;
  latL_countoutside(L, 0, o->bytes);
  if (o->release) o->release(o->context);
  return true;
}

static int owner_gc(lua_State *L)
{
  owner *o = latL_garbage(L, OWNER);
  if (o) give_back(L, o);
  return 0;
}

void latL_openhostmatrices(lua_State *L)
{
  latL_newfinalized(L, OWNER, owner_gc);
}

/* ---- a matrix without a copy ----------------------------------------------------------------- */

static size_t step_of(ptrdiff_t stride)
{
  return stride < 0 ? (size_t)0 - (size_t)stride : (size_t)stride;
}

/* |stride| (n - 1), or SIZE_MAX where that is more than `most`. */
static size_t extent(ptrdiff_t stride, size_t n, size_t most)
{
  size_t step = step_of(stride);
  if (n == 1) return 0;
  return step > most / (n - 1) ? SIZE_MAX : step * (n - 1);
}

/* Rows of steps that reach over a whole row, or columns likewise: no element is there twice. */
static bool apart(const lat_matrix *A, size_t rows, size_t cols)
{
  size_t r = step_of(A->row_stride), c = step_of(A->col_stride);
  if (A->rows == 1) return A->cols == 1 || c > 0;
  if (A->cols == 1) return r > 0;
  return (c > 0 && r > cols) || (r > 0 && c > rows);
}

static void check_view(lua_State *L, const lat_matrix *A, unsigned flags)
{
  if (!A->data) latL_error(L, PUSH, "data is NULL");
  if (A->rows == 0 || A->cols == 0)
    latL_error(L, PUSH, "the view is %Ix%I; a matrix has at least one row and one column",
               (lua_Integer)A->rows, (lua_Integer)A->cols);
  if (A->dtype != LAT_FLOAT64 && A->dtype != LAT_FLOAT32)
    latL_error(L, PUSH, "dtype is %d, neither LAT_FLOAT64 nor LAT_FLOAT32", (int)A->dtype);
  if (flags & ~(unsigned)(LAT_LUA_VECTOR | LAT_LUA_READONLY))
    latL_error(L, PUSH, "flags is %d; LAT_LUA_VECTOR and LAT_LUA_READONLY are known", (int)flags);
  if ((flags & LAT_LUA_VECTOR) && A->cols != 1)
    latL_error(L, PUSH, "a vector has one column, the view has %I", (lua_Integer)A->cols);
  size_t size = lat_dtype_size(A->dtype), most = (size_t)PTRDIFF_MAX / size;
  if ((uintptr_t)A->data % size != 0)
    latL_error(L, PUSH, "data isn't aligned to its elements of %d bytes", (int)size);
  size_t rows = extent(A->row_stride, A->rows, most), cols = extent(A->col_stride, A->cols, most);
  if (rows > most || cols > most || rows + cols >= most || A->rows > most / A->cols)
    latL_error(L, PUSH, "the view is %Ix%I with strides %I and %I, more than memory can address",
               (lua_Integer)A->rows, (lua_Integer)A->cols, (lua_Integer)A->row_stride,
               (lua_Integer)A->col_stride);
  if (!apart(A, rows, cols))
    latL_error(L, PUSH, "by strides %I and %I rows interleave, or elements are there twice",
               (lua_Integer)A->row_stride, (lua_Integer)A->col_stride);
}

typedef struct pushing {
  const lat_matrix *view;
  unsigned flags;
  lat_lua_release *release;
  void *context;
  bool owned; /* the owner will give it back */
} pushing;

static int push_owned(lua_State *L)
{
  pushing *p = lua_touserdata(L, 1);
  check_view(L, p->view, p->flags);
  owner *o = lua_newuserdatauv(L, sizeof *o, 0);
  *o = (owner){.gone = true};
  luaL_setmetatable(L, OWNER);
  latL_Matrix *A = latL_newview(L, -1, *p->view, (p->flags & LAT_LUA_VECTOR) != 0);
  A->readonly = (p->flags & LAT_LUA_READONLY) != 0;
  A->gone = &o->gone;
  *o = (owner){.release = p->release, .context = p->context};
  p->owned = true;
  return 1;
}

/* From here on the memory is Lua's to give back, whatever happens. */
void latL_pushhostmatrix(lua_State *L, const lat_matrix *view, unsigned flags,
                         lat_lua_release *release, void *context)
{
  pushing p = {view, flags, release, context, false};
  if (!lua_checkstack(L, 8)) {
    if (release) release(context);
    luaL_error(L, PUSH ": the stack overflows");
  }
  lua_pushcfunction(L, push_owned);
  lua_pushlightuserdata(L, &p);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    if (release && !p.owned) release(context);
    lua_error(L);
  }
  if (!release) return;
  lua_getiuservalue(L, -1, 1);
  owner *o = lua_touserdata(L, -1);
  lua_pop(L, 1); /* the matrix keeps it */
  o->bytes = view->rows * view->cols * lat_dtype_size(view->dtype);
  latL_countoutside(L, o->bytes, 0);
}

lat_matrix latL_newhostmatrix(lua_State *L, size_t rows, size_t cols, lat_dtype dtype,
                              unsigned flags)
{
  luaL_checkstack(L, 8, "lat_lua_new_matrix");
  if ((flags & LAT_LUA_VECTOR) && cols != 1)
    latL_error(L, "lat_lua_new_matrix", "a vector has one column, not %I", (lua_Integer)cols);
  latL_Matrix *A = latL_newmatrix(L, rows, cols, dtype);
  A->vector = (flags & LAT_LUA_VECTOR) != 0;
  return A->view;
}

bool latL_takeback(lua_State *L, int index)
{
  luaL_checkstack(L, 8, "lat_lua_take_back");
  if (!luaL_testudata(L, index, LATL_MATRIX)) return false;
  lua_getiuservalue(L, index, 1);
  owner *o = luaL_testudata(L, -1, OWNER);
  lua_pop(L, 1); /* the matrix keeps it */
  return o && give_back(L, o);
}

/* ---- views of Lua's matrices ----------------------------------------------------------------- */

unsigned latL_tohostmatrix(lua_State *L, int index, lat_matrix *view)
{
  luaL_checkstack(L, 8, "lat_lua_to_matrix");
  const latL_Matrix *A = luaL_testudata(L, index, LATL_MATRIX);
  if (!A || (A->gone && *A->gone)) return 0;
  *view = A->view;
  return LAT_LUA_MATRIX | (A->vector ? LAT_LUA_VECTOR : 0) | (A->readonly ? LAT_LUA_READONLY : 0);
}

lat_matrix latL_checkhostmatrix(lua_State *L, int arg, const char *who, const char *name,
                                unsigned flags)
{
  luaL_checkstack(L, 16, who);
  bool write = (flags & LAT_LUA_WRITE) != 0;
  if (write && lua_istable(L, arg))
    latL_error(L, who, "%s must be a matrix, got %s", name, latL_typename(L, arg));
  const latL_Matrix *A = latL_checkmatrix(L, arg, who, name);
  if (write) latL_checkwritable(L, A, who, name);
  return A->view;
}
