/* matrix_print.c: matrices as text: tostring(A), and A:format with limits of one's own. */
#include "lua/binding.h"
#include "matrix/format.h"

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
  if (!A) latL_error(L, f->who, "self must be a matrix, got %s", luaL_typename(L, 1));
  lat_format how = LAT_FORMAT_USUAL;
  if (!f->options) return push_text(L, A, how);
  how.digits = (int)latL_optinteger(L, 2, f->who, "digits", how.digits, 0, LAT_DIGITS_MOST);
  how.width = latL_optsize(L, 2, f->who, "width", how.width, 1);
  how.rows = latL_optsize(L, 2, f->who, "rows", how.rows, 1);
  return push_text(L, A, how);
}

static const latL_Function functions[] = {
    {"tostring", format, .name = "__tostring"},
    {"A:format", format, 1, 0, LATL_OPTIONS("digits", "width", "rows")},
    LATL_END};

void latL_open_matrix_print(lua_State *L)
{
  latL_addtoclass(L, LATL_MATRIX, functions);
}
