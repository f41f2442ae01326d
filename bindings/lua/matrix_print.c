/* matrix_print.c: matrices as text: tostring(A), and A:format with limits of one's own. */
#include "matrix/format.h"

#include "lua/binding.h"

static const latL_Matrix *self(lua_State *L, const char *who)
{
  const latL_Matrix *A = latL_tomatrix(L, 1);
  if (!A) latL_error(L, who, "self must be a matrix, got %s", luaL_typename(L, 1));
  return A;
}

/* The text is measured first, so that Lua's buffer has room for all of it. */
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

static int tostring(lua_State *L)
{
  return push_text(L, self(L, "tostring"), LAT_FORMAT_USUAL);
}

/* A:format([options]) */
static int format(lua_State *L)
{
  static const char *const names[] = {"digits", "width", "rows", NULL};
  static const char who[] = "A:format";
  const latL_Matrix *A = self(L, who);
  lat_format how = LAT_FORMAT_USUAL;
  latL_checkoptions(L, 2, who, names);
  how.digits = (int)latL_optinteger(L, 2, who, "digits", how.digits, 0, LAT_DIGITS_MOST);
  how.width =
      (size_t)latL_optinteger(L, 2, who, "width", (lua_Integer)how.width, 1, LUA_MAXINTEGER);
  how.rows = (size_t)latL_optinteger(L, 2, who, "rows", (lua_Integer)how.rows, 1, LUA_MAXINTEGER);
  return push_text(L, A, how);
}

void latL_open_matrix_print(lua_State *L)
{
  static const luaL_Reg methods[] = {{"format", format}, {NULL, NULL}};
  latL_addmethods(L, LATL_MATRIX, methods);
  luaL_getmetatable(L, LATL_MATRIX);
  lua_pushcfunction(L, tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
}
