/* result.c: where a function's result goes: a fresh matrix, or the option `out`. */
#include "lua/binding.h"

bool latL_sameview(const lat_matrix *A, const lat_matrix *B)
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
           !(sharing == LATL_SAME_PLACES && latL_sameview(&A->view, out));
  if (lua_type(L, at) != LUA_TUSERDATA) return false;
  bool found = false;
  for (int i = 1; !found && lua_getiuservalue(L, at, i) != LUA_TNONE; i++) {
    const latL_Matrix *kept = latL_tomatrix(L, -1);
    found = kept && lat_overlaps(&kept->view, out);
    lua_pop(L, 1);
  }
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

static const char *name_of(lat_dtype dtype)
{
  return dtype == LAT_FLOAT64 ? "float64" : "float32";
}

latL_Result latL_result(lua_State *L, int options, const char *who, size_t rows, size_t cols,
                        bool vector, lat_dtype dtype, latL_Sharing sharing)
{
  latL_Result r = {.target = {0}};
  if (latL_getoption(L, options, "out") == LUA_TNIL) {
    lua_pop(L, 1);
    latL_Matrix *fresh = latL_newmatrix(L, rows, cols, dtype);
    fresh->vector = vector;
    r.view = fresh->view;
    return r;
  }
  const latL_Matrix *out = latL_tomatrix(L, -1);
  if (!out) latL_error(L, who, "out must be a matrix, got %s", luaL_typename(L, -1));
  latL_checkwritable(L, out, who, "out");
  r.view = out->view;
  if (r.view.rows != rows || r.view.cols != cols || r.view.dtype != dtype)
    latL_error(L, who, "out is a %s %s, the result is %Ix%I %s", latL_shape(L, out),
               name_of(r.view.dtype), (lua_Integer)rows, (lua_Integer)cols, name_of(dtype));
  if (sharing == LATL_ANY_PLACES || !meets_any(L, options, &r.view, sharing)) return r;
  r.target = r.view;
  r.view = latL_newmatrix(L, rows, cols, dtype)->view;
  lua_insert(L, -2);
  return r;
}

void latL_finish(lua_State *L, const char *who, const latL_Result *r)
{
  if (r->target.data) latL_copy(L, who, &r->view, &r->target);
}
